"""How a run develops over its epochs: its best epoch, how fast it learns, when and how far it over-fits.

Epochs that a person reads are counted from 1; indices are not used here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from labutils.evaluate.metrics import accuracy, hits
from labutils.evaluate.rules import CLIMB
from labutils.runs.run import Run
from labutils.statistics import GUESS, Estimate, bootstrap_mean, cross_entropy

WINDOW = 10
"""Epochs over which curves are averaged before anything is read from them: a single epoch of a curve is noise."""

MEASURED = {
    "fixed_accuracy": "measured like validation, nothing dropped or changed",
    "accuracy": "as it went by, images and units as the step had them",
}
"""The two training curves, and how each was measured."""


class Best(NamedTuple):
    """A run in a few numbers; `epoch` and `lowest_loss_epoch` count from 1."""

    accuracy: Estimate
    epoch: int
    lowest_loss: float
    lowest_loss_epoch: int
    loss_at_best: float
    highest_train_accuracy: float
    final_train_accuracy: float
    lowest_train_loss: float


def best(run: Run) -> Best:
    """The best validation accuracy over the epochs, and both losses that may be quoted with it.

    `lowest_loss` is the lowest validation loss of all epochs, `loss_at_best` the validation loss at the epoch of the
    best accuracy: two numbers that reports tend to mix up. An epoch whose loss is nan is never the lowest.
    """
    history, at = run.history, run.best_epoch
    return Best(
        accuracy=accuracy(run),
        epoch=at + 1,
        lowest_loss=float(history["val_loss"][run.lowest_loss_epoch]),
        lowest_loss_epoch=run.lowest_loss_epoch + 1,
        loss_at_best=float(history["val_loss"][at]),
        highest_train_accuracy=float(np.fmax.reduce(history["accuracy"])),
        final_train_accuracy=float(history["accuracy"][-1]),
        lowest_train_loss=float(np.fmin.reduce(history["loss"])),
    )


def smooth(curve: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """Running mean of a curve (epochs,) over `window` epochs around each one; fewer at both ends, where some lack."""
    before = window // 2
    sums = np.concatenate([[0.0], np.cumsum(curve, dtype=np.float64)])
    at = np.arange(len(curve))
    start, stop = np.maximum(at - before, 0), np.minimum(at - before + window, len(curve))
    return (sums[stop] - sums[start]) / (stop - start)


def epochs_to_reach(history: Mapping[str, np.ndarray], accuracy: float, curve: str = "accuracy") -> int | None:
    """Epochs, from 1, until "accuracy" (training) or "val_accuracy" first reaches a value; None if it never does."""
    reached = np.asarray(history[curve]) >= accuracy
    return int(np.argmax(reached)) + 1 if reached.any() else None


def overfitting_epoch(history: Mapping[str, np.ndarray], window: int = WINDOW, climb: float = CLIMB) -> int | None:
    """The epoch, from 1, at which over-fitting begins: from there on the validation loss, smoothed over `window`
    epochs, stays more than `climb` above its minimum until the end. None if it ends within `climb` of it."""
    curve = smooth(history["val_loss"], window)
    above = curve > curve.min() + climb
    if not above[-1]:
        return None
    return int(np.flatnonzero(~above)[-1]) + 2


def unsteadiness(curve: np.ndarray) -> float:
    """How far a curve (epochs,) strays from its running mean, root mean square; where that is over `WINDOW` epochs."""
    edge = min(WINDOW // 2, (len(curve) - 1) // 2)
    return float(np.sqrt(np.mean((curve - smooth(curve))[edge : len(curve) - edge] ** 2)))


def train_curve(*runs: Run) -> str:
    """The training curve by which runs are set beside validation: "fixed_accuracy" where all have it, else "accuracy".

    Only like is compared with like: one run without it decides for all. See `MEASURED` for what they are.
    """
    return "fixed_accuracy" if runs and all("fixed_accuracy" in run.history for run in runs) else "accuracy"


def fixed_sizes(run: Run) -> tuple[int, float]:
    """On how many training images "fixed_accuracy" is measured, and how many there are; infinity if unknown."""
    counted = sum(run.provenance.get("counts", {}).get("train", {}).values())
    whole = counted or run.config.n_train or np.inf
    return int(min(len(run.y_val), whole)), whole


def gap_by_image(run: Run, curve: str) -> np.ndarray:
    """The accuracy gap as one value per validation image, (n_val,): its mean is the gap.

    Each value is the training accuracy minus the image's own share of right answers, both over the last epochs. Kept
    by image so that an interval can be drawn from the images. For `curve` see `train_curve`.
    """
    right = hits(run.val_predictions[-WINDOW:], run.y_val).mean(axis=0)
    return float(np.mean(run.history[curve][-WINDOW:])) - right


def accuracy_gap(run: Run, curve: str | None = None) -> Estimate:
    """Training minus validation accuracy, averaged over the last epochs, with an interval over validation images.

    `curve` is what `train_curve` says unless given. With "accuracy" dropout narrows a gap from both sides: it holds the
    training curve down as well as lifting the validation curve.
    """
    return bootstrap_mean(gap_by_image(run, curve or train_curve(run)))


def loss_rise(run: Run) -> Estimate:
    """How far the validation loss has climbed at the end of a run, with an interval over validation images.

    The mean over the last `WINDOW` epochs minus that over the `WINDOW` in a row where it was lowest, both from the
    history, as figures show it; the interval comes from the stored predictions.
    """
    window, history = min(WINDOW, run.epochs), run.history["val_loss"]
    means = np.convolve(history, np.ones(window) / window, mode="valid")
    start = int(np.argmin(means))
    ends, lowest = (
        cross_entropy(run.val_predictions[part], run.y_val).mean(axis=0)
        for part in (slice(-window, None), slice(start, start + window))
    )
    return bootstrap_mean(ends - lowest, GUESS).moved_to(float(means[-1] - means[start]))
