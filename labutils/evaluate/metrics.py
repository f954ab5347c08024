"""How good one run is at one epoch: accuracy with interval, recall, AUC, calibration, losses per image.

Everything comes from the stored validation predictions. How a run develops over its epochs is in `curves`, how two
runs differ in `compare`.

An argument `epoch` is an index, as `Run.best_epoch` is: 0 is the first epoch. None stands for the best epoch.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from labutils.runs import Run

SMALLEST_PROBABILITY = 2.0**-12
"""Stored predictions are float16, which rounds everything above 1 - 2**-12 to 1. Both ends are cut there, so that a
confident mistake costs at most 8.3 whichever class it is about, and never infinity."""


class Estimate(NamedTuple):
    """A number and its confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """`0.845 [0.788, 0.889]`; never `-0.000`."""
        value, low, high = (f"{round(number, 3) + 0.0:.3f}" for number in self)
        return f"{value} [{low}, {high}]"


class Bin(NamedTuple):
    """One bin of a reliability curve."""

    low: float
    high: float
    images: int
    predicted: float
    observed: Estimate


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of a proportion, by Wilson's score method.

    It stays within 0 and 1, and says something sensible at 0 and at `n` successes.

    Parameters
    ----------
    successes : int
        From 0 to `n`.
    n : int
        Number of trials, at least 1.
    confidence : float
        Above 0 and below 1.

    Returns
    -------
    tuple of float
        Lower and upper end.

    Raises
    ------
    ValueError
        If `n` is below 1 or `successes` is not from 0 to `n`.

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22, 209-212.

    Examples
    --------
    >>> low, high = wilson_interval(169, 200)
    >>> round(low, 3), round(high, 3)
    (0.788, 0.889)
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no proportion: successes must be from 0 to n, and n at least 1.")
    # scipy.stats has this too, but every notebook needs it, and its import takes longer than all else in a table.
    z, share = normal_quantile(confidence), successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # At 0 and n successes rounding would leave the ends a hair away from where they belong.
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == n else centre + half)


def normal_quantile(confidence: float) -> float:
    """How many standard errors an interval reaches to either side: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def proportion(hits: np.ndarray, confidence: float = 0.95) -> Estimate:
    """The share of True in `hits` (n,), with its Wilson interval."""
    return Estimate(float(np.mean(hits)), *wilson_interval(int(np.sum(hits)), len(hits), confidence))


def class_probabilities(run: Run, epoch: int | None = None) -> np.ndarray:
    """The validation predictions as one column per class, also for a network with one output.

    Returns
    -------
    np.ndarray
        (n_val, n_classes) float64.
    """
    stored = run.val_predictions[run.best_epoch if epoch is None else epoch].astype(np.float64)
    return np.hstack([1.0 - stored, stored]) if stored.shape[1] == 1 else stored


def predicted_labels(run: Run, epoch: int | None = None) -> np.ndarray:
    """The class that the run chooses for each validation image, (n_val,) int64."""
    # argmax takes the first of equals: a sigmoid of exactly 0.5 is label 0, as in the stored accuracy (p > 0.5).
    return class_probabilities(run, epoch).argmax(axis=1)


def correct(run: Run, epoch: int | None = None) -> np.ndarray:
    """Which validation images the run gets right, (n_val,) bool."""
    return predicted_labels(run, epoch) == run.y_val


def accuracy(run: Run, epoch: int | None = None, confidence: float = 0.95) -> Estimate:
    """Validation accuracy with its Wilson interval; for several classes this is categorical accuracy.

    The interval speaks of other images of the same kind. At the best epoch the value is too friendly: the epoch was
    chosen on the very images that it is measured on.
    """
    return proportion(correct(run, epoch), confidence)


def elementwise_accuracy(run: Run, epoch: int | None = None) -> float:
    """The share of right entries among all one-hot columns, each output taken as yes (above 0.5) or no.

    Keras calls this binary accuracy. With nine classes it is 8/9 = 0.889 for a network that says no to everything,
    which is why it is shown beside categorical accuracy and never instead of it.
    """
    chosen = class_probabilities(run, epoch) > 0.5
    truth = np.arange(chosen.shape[1]) == run.y_val[:, None]
    return float(np.mean(chosen == truth))


def confusion_matrix(run: Run, epoch: int | None = None) -> np.ndarray:
    """Validation images counted by true class (row) and predicted class (column), (n_classes, n_classes) int64."""
    n = len(run.class_names)
    return np.bincount(run.y_val * n + predicted_labels(run, epoch), minlength=n * n).reshape(n, n)


def class_recall(run: Run, epoch: int | None = None, confidence: float = 0.95) -> dict[str, Estimate]:
    """Of each class's validation images, the share that is recognised, with its Wilson interval.

    For melanoma (`Mel`) this is the sensitivity. A class without validation images is left out.
    """
    hits = correct(run, epoch)
    own = {name: hits[run.y_val == label] for label, name in enumerate(run.class_names)}
    return {name: proportion(values, confidence) for name, values in own.items() if len(values)}


def auc_interval(is_positive: np.ndarray, scores: np.ndarray, confidence: float = 0.95) -> Estimate:
    """The area under the ROC curve, with Newcombe's score interval.

    The interval solves |AUC - area| = z * standard error(area) with the standard error of Hanley and McNeil. Unlike
    DeLong's interval and the bootstrap it does not shrink to a point where the classes separate perfectly, as they
    may on 140 images.

    Parameters
    ----------
    is_positive : np.ndarray
        (n,) bool, with at least one True and one False.
    scores : np.ndarray
        (n,) higher for positives.
    confidence : float
        Above 0 and below 1.

    Raises
    ------
    ValueError
        If all images belong to one class.

    References
    ----------
    Newcombe (2006), Statistics in Medicine 25, 559-573, method 5; Hanley and McNeil (1982), Radiology 143, 29-36.
    """
    from scipy.optimize import brentq
    from scipy.stats import rankdata

    is_positive = np.asarray(is_positive, dtype=bool)
    m, n = int(is_positive.sum()), int((~is_positive).sum())
    if not m or not n:
        raise ValueError(f"An AUC needs both classes; there are {m} positive and {n} negative images.")
    value = float(rankdata(scores)[is_positive].sum() - m * (m + 1) / 2) / (m * n)
    z, extra = normal_quantile(confidence), (m + n) / 2 - 1

    def excess(area: float) -> float:
        spread = area * (1 - area) * (1 + extra * ((1 - area) / (2 - area) + area / (1 + area))) / (m * n)
        return (value - area) ** 2 - z**2 * spread

    # 0 and 1 themselves always solve the equation where the AUC is 0 or 1: look beside them.
    low = brentq(excess, 0.0, value - 1e-9) if value > 0 else 0.0
    high = brentq(excess, value + 1e-9, 1.0) if value < 1 else 1.0
    return Estimate(value, float(low), float(high))


def auc(run: Run, epoch: int | None = None, confidence: float = 0.95) -> dict[str, Estimate]:
    """AUC of each class against the rest, with interval; with two classes one entry, for the class of label 1.

    A class without validation images is left out.
    """
    scores = class_probabilities(run, epoch)
    labels = range(1, 2) if scores.shape[1] == 2 else range(scores.shape[1])
    names = run.class_names
    shown = [k for k in labels if 0 < np.sum(run.y_val == k) < len(run.y_val)]
    return {names[k]: auc_interval(run.y_val == k, scores[:, k], confidence) for k in shown}


def image_losses(run: Run, epoch: int | None = None) -> np.ndarray:
    """Log loss (cross-entropy) of each validation image, (n_val,), from 0 to 8.3; see `SMALLEST_PROBABILITY`."""
    own = class_probabilities(run, epoch)[np.arange(len(run.y_val)), run.y_val]
    return -np.log(np.clip(own, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY))


def brier_score(run: Run, epoch: int | None = None) -> float:
    """Mean squared distance between prediction and truth: 0 is perfect, 0.25 is "one half" to every one of two classes.

    With two classes it is taken over P(label 1) alone, else summed over the classes.

    References
    ----------
    Brier (1950), Monthly Weather Review 78, 1-3.
    """
    probabilities = class_probabilities(run, epoch)
    truth = np.arange(probabilities.shape[1]) == run.y_val[:, None]
    squares = (probabilities - truth) ** 2
    return float(np.mean(squares[:, 1] if squares.shape[1] == 2 else squares.sum(axis=1)))


def reliability_curve(run: Run, epoch: int | None = None, bins: int = 10) -> list[Bin]:
    """What the run predicts against what happens, in bins of equal width; empty bins are left out.

    With two classes: P(label 1) against the share of images of label 1. With more: the probability of the chosen
    class against the share of right choices. A calibrated run has both equal in every bin.

    Parameters
    ----------
    bins : int
        Number of bins between 0 and 1, at least 1.

    Returns
    -------
    list of Bin
        Ends, number of images, mean prediction, and observed share with its Wilson interval.
    """
    probabilities = class_probabilities(run, epoch)
    if probabilities.shape[1] == 2:
        predicted, happened = probabilities[:, 1], run.y_val == 1
    else:
        predicted, happened = probabilities.max(axis=1), correct(run, epoch)
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.searchsorted(edges[1:-1], predicted)
    return [
        Bin(
            float(edges[k]),
            float(edges[k + 1]),
            int(own.sum()),
            float(predicted[own].mean()),
            proportion(happened[own]),
        )
        for k in range(bins)
        if (own := place == k).any()
    ]
