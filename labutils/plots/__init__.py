"""Figures of the lab, drawn from runs, data sets and arrays; nothing here trains or predicts.

Every function draws a figure, shows it where a notebook is running, and returns None, so that it can stand anywhere in
a cell; outside a notebook only `save` has an effect. What many of them take means the same everywhere:

`runs` : dict of str to Run
    What to call each run, and the run. Without a run a sentence stands in the figure's place, so that a notebook whose
    runs are not stored yet goes on.
`epoch` : int, optional
    An index from 0; None is the best epoch. Figures and alt texts count epochs from 1, as curves do.
`save` : Path or str, optional
    Where to save the figure: a .png file, whose folders are made.

The alt text is computed from the numbers drawn; `alt_text(file)` reads it back from a saved figure.
"""

from labutils.plots.curves import compare_curves, learning_curves, real_curves
from labutils.plots.dots import accuracy_intervals
from labutils.plots.evidence import confusion_matrix, reliability, roc_curve, search_trials
from labutils.plots.exam import accuracy_by_images, validation_against_exam
from labutils.plots.figure import alt_text
from labutils.plots.live import live_curves, live_fit
from labutils.plots.pictures import extremes, gradcam_grid, hardest, images_row, sample_grid
