"""Controls of the notebooks: each is one line to call, shows a still picture and its words, and moves in JupyterLab.

A pure function first, a control around it. `playground` trains small networks while one looks on, `instruments` compute
in the page, `instant` holds experiments of a few seconds, `strip` and `breaking` look into networks, `explore` wraps
figures and tables; `stage` decides what is shown where.
"""

from labutils.course.widgets.beside import beside_the_lab
from labutils.course.widgets.breaking import break_the_network
from labutils.course.widgets.explore import (
    explore_epochs,
    explore_number,
    show_evidence,
    show_first,
    show_gradcam,
)
from labutils.course.widgets.instant import (
    drop_map,
    equal_time,
    lr_range_test,
    monte_carlo_dropout,
    norm_view,
    winners_curse,
)
from labutils.course.widgets.instruments import against_network, epoch_scrubber, standing_alone, threshold
from labutils.course.widgets.play import playground
from labutils.course.widgets.strip import architecture_strip, feature_maps

__all__ = [
    "against_network",
    "architecture_strip",
    "beside_the_lab",
    "break_the_network",
    "drop_map",
    "epoch_scrubber",
    "equal_time",
    "explore_epochs",
    "explore_number",
    "feature_maps",
    "lr_range_test",
    "monte_carlo_dropout",
    "norm_view",
    "playground",
    "show_evidence",
    "show_first",
    "show_gradcam",
    "standing_alone",
    "threshold",
    "winners_curse",
]
