"""Controls of the notebooks: each is one line to call, shows a still picture and its words, and moves in JupyterLab.

A pure function first, a control around it: `control` decides what is shown where and moved how.

What many of them take means the same everywhere: `run` is a stored run, or None; `runs` are runs by label; `dataset` is
what they were validated on. Without a run they say what to do, so that a notebook goes on.
"""

from labutils.course.widgets.beside import beside_the_lab
from labutils.course.widgets.control import read_ahead as _read_ahead
from labutils.course.widgets.experiments import (
    drop_map,
    equal_time,
    four_boxes,
    interval_slider,
    lr_range_test,
    norm_view,
    winners_curse,
)
from labutils.course.widgets.explore import explore_epochs, explore_number, show_gradcam
from labutils.course.widgets.instruments import against_network, epoch_scrubber, standing_alone, threshold
from labutils.course.widgets.looking import architecture_strip, break_the_network, feature_maps, monte_carlo_dropout
from labutils.course.widgets.play import playground
from labutils.course.widgets.verdict import contest_verdicts

_read_ahead()
