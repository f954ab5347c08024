"""Figures of the lab, drawn from runs, data sets and arrays; nothing here trains or predicts.

Convention: every function draws a figure, shows it where a notebook is running, saves it if `save` names a .png file,
and returns None, so that it can stand anywhere in a cell. Outside a notebook only `save` has an effect. The alt text is
computed from the numbers drawn; `alt_text(file)` reads it back from a saved figure.
"""

from labutils.plots.chosen import extremes, hardest
from labutils.plots.curves import compare_curves, learning_curves
from labutils.plots.evidence import accuracy_intervals, confusion_matrix, reliability, roc_curve, search_trials
from labutils.plots.figure import alt_text
from labutils.plots.live import live_curves
from labutils.plots.pictures import gradcam_grid, images_row, sample_grid

__all__ = [
    "accuracy_intervals",
    "alt_text",
    "compare_curves",
    "confusion_matrix",
    "extremes",
    "gradcam_grid",
    "hardest",
    "images_row",
    "learning_curves",
    "live_curves",
    "reliability",
    "roc_curve",
    "sample_grid",
    "search_trials",
]
