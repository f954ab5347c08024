"""How good one run is at one epoch, from its validation predictions: accuracy, recall, AUC, calibration, losses.

An argument `epoch` is an index, as `Run.best_epoch` is: 0 is the first epoch. None stands for the best epoch.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from labutils import statistics
from labutils.errors import ComparisonError
from labutils.runs.run import Run
from labutils.statistics import Estimate, auc_interval, cross_entropy, proportion


class Bin(NamedTuple):
    """One bin of a reliability curve."""

    low: float
    high: float
    images: int
    predicted: float
    observed: Estimate


def _answers(run: Run, epoch: int | None) -> np.ndarray:
    return run.val_predictions[run.best_epoch if epoch is None else epoch]


def class_probabilities(run: Run, epoch: int | None = None) -> np.ndarray:
    """The validation predictions as one column per class, also of a network with one output, (n_val, n_classes); a
    ComparisonError of a run that does not have them all."""
    if not run.whole:
        kept = "what the right class and the answer were given, for comparisons over seeds"
        raise ComparisonError(f"Of {run.config.slug} is stored {kept}. Train it to see the other probabilities.")
    return statistics.class_probabilities(_answers(run, epoch))


def predicted_labels(run: Run, epoch: int | None = None) -> np.ndarray:
    """The class that the run chooses for each validation image, (n_val,) int64."""
    return statistics.predicted_labels(_answers(run, epoch))


def hits(predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which images predictions (..., n, outputs) get right, (..., n) bool."""
    return statistics.predicted_labels(predictions) == labels


def correct(run: Run, epoch: int | None = None) -> np.ndarray:
    """Which validation images the run gets right, (n_val,) bool."""
    return hits(_answers(run, epoch), run.y_val)


def accuracy(run: Run, epoch: int | None = None) -> Estimate:
    """Validation accuracy with its Wilson interval; for several classes this is categorical accuracy.

    The interval speaks of other images of the same kind. At the best epoch the value is too friendly: the epoch was
    chosen on the very images that it is measured on.
    """
    return proportion(correct(run, epoch))


def elementwise_accuracy(run: Run, epoch: int | None = None) -> float:
    """The share of right entries among all one-hot columns, each output taken as yes (above 0.5) or no.

    Keras calls this binary accuracy. With nine classes it is 8/9 = 0.889 for a network that says no to everything,
    which is why it is shown beside categorical accuracy and never instead of it.
    """
    chosen = class_probabilities(run, epoch) > 0.5
    truth = np.arange(chosen.shape[1]) == run.y_val[:, None]
    return float(np.mean(chosen == truth))


def highest_elementwise(run: Run) -> float:
    """The highest `elementwise_accuracy` of all epochs, as the lab report quotes it."""
    return max(elementwise_accuracy(run, epoch) for epoch in range(run.epochs))


def confusion_matrix(run: Run, epoch: int | None = None) -> np.ndarray:
    """Validation images counted by true class (row) and predicted class (column), (n_classes, n_classes) int64."""
    n = len(run.class_names)
    return np.bincount(run.y_val * n + predicted_labels(run, epoch), minlength=n * n).reshape(n, n)


def class_recall(run: Run, epoch: int | None = None) -> dict[str, Estimate]:
    """Of each class's validation images, the share that is recognised, with its Wilson interval.

    For melanoma (`Mel`) this is the sensitivity. A class without validation images is left out.
    """
    right = correct(run, epoch)
    own = {name: right[run.y_val == label] for label, name in enumerate(run.class_names)}
    return {name: proportion(values) for name, values in own.items() if len(values)}


def auc(run: Run, epoch: int | None = None) -> dict[str, Estimate]:
    """AUC of each class against the rest, with interval; with two classes one entry, for the class of label 1.

    A class without validation images is left out.
    """
    scores = class_probabilities(run, epoch)
    labels = range(1, 2) if scores.shape[1] == 2 else range(scores.shape[1])
    names = run.class_names
    shown = [k for k in labels if 0 < np.sum(run.y_val == k) < len(run.y_val)]
    return {names[k]: auc_interval(run.y_val == k, scores[:, k]) for k in shown}


def image_losses(run: Run, epoch: int | None = None) -> np.ndarray:
    """Log loss (cross-entropy) of each validation image, (n_val,), from 0 to 16.1; of float16, so of sure mistakes
    roughly: the history has the exact mean."""
    return cross_entropy(_answers(run, epoch), run.y_val)


def brier_score(run: Run, epoch: int | None = None) -> float:
    """Mean squared distance between prediction and truth: 0 is perfect, 0.25 is "one half" to every one of two classes.

    With two classes it is taken over P(label 1) alone, else summed over the classes (Brier 1950, Monthly Weather Review
    78, 1-3).
    """
    probabilities = class_probabilities(run, epoch)
    truth = np.arange(probabilities.shape[1]) == run.y_val[:, None]
    squares = (probabilities - truth) ** 2
    return float(np.mean(squares[:, 1] if squares.shape[1] == 2 else squares.sum(axis=1)))


def reliability_curve(run: Run, epoch: int | None = None, bins: int = 10) -> list[Bin]:
    """What the run predicts against what happens, in bins of equal width; empty bins are left out.

    With two classes: P(label 1) against the share of images of label 1. With more: the probability of the chosen
    class against the share of right choices. A calibrated run has both equal in every bin.

    Each of the `bins` (at least 1) between 0 and 1 has its ends, number of images, mean prediction, and observed share
    with its Wilson interval.
    """
    probabilities = class_probabilities(run, epoch)
    if probabilities.shape[1] == 2:
        predicted, happened = probabilities[:, 1], run.y_val == 1
    else:
        predicted, happened = probabilities.max(axis=1), correct(run, epoch)
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.searchsorted(edges[1:-1], predicted)
    return [
        Bin(low, high, int(own.sum()), float(predicted[own].mean()), proportion(happened[own]))
        for k, (low, high) in enumerate(pairwise(edges.tolist()))
        if (own := place == k).any()
    ]
