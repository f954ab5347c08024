"""How a run develops over its epochs: its best epoch, how fast it learns, when and how far it over-fits.

Epochs that a person reads are counted from 1; indices are not used here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labutils.evaluate.metrics import Estimate, accuracy, correct, image_losses

if TYPE_CHECKING:
    from labutils.runs import Run

WINDOW = 10
"""Epochs over which curves are averaged before anything is read from them: a single epoch of a curve is noise."""

CLIMB = 0.02
"""How far the smoothed validation loss must stay above its minimum for over-fitting to have begun."""

TAILS = (0.025, 0.975)
"""The quantiles that a 95 % interval lies between."""


class Best(NamedTuple):
    """A run in a few numbers; `epoch` and `lowest_loss_epoch` count from 1."""

    accuracy: Estimate
    epoch: int
    lowest_loss: float
    lowest_loss_epoch: int
    loss_at_best: float
    train_accuracy_at_best: float
    train_loss_at_best: float


class Spread(NamedTuple):
    """A number over several seeds; `sd` is the sample standard deviation (nan for one seed)."""

    mean: float
    sd: float
    low: float
    high: float
    n: int


def best(run: Run) -> Best:
    """The best validation accuracy over the epochs, and both losses that may be quoted with it.

    `lowest_loss` is the lowest validation loss of all epochs, `loss_at_best` the validation loss at the epoch of the
    best accuracy: two numbers that reports tend to mix up.
    """
    history, at = run.history, run.best_epoch
    return Best(
        accuracy=accuracy(run),
        epoch=at + 1,
        lowest_loss=float(np.min(history["val_loss"])),
        lowest_loss_epoch=int(np.argmin(history["val_loss"])) + 1,
        loss_at_best=float(history["val_loss"][at]),
        train_accuracy_at_best=float(history["accuracy"][at]),
        train_loss_at_best=float(history["loss"][at]),
    )


def smooth(curve: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """Running mean of a curve over `window` epochs around each one; fewer at both ends, where some are missing.

    Parameters
    ----------
    curve : np.ndarray
        (epochs,).
    window : int
        At least 1.

    Returns
    -------
    np.ndarray
        (epochs,) float64.
    """
    before = window // 2
    sums = np.concatenate([[0.0], np.cumsum(curve, dtype=np.float64)])
    at = np.arange(len(curve))
    start, stop = np.maximum(at - before, 0), np.minimum(at - before + window, len(curve))
    return (sums[stop] - sums[start]) / (stop - start)


def epochs_to_reach(history: Mapping[str, np.ndarray], accuracy: float, curve: str = "accuracy") -> int | None:
    """Epochs until a curve first reaches `accuracy`.

    Parameters
    ----------
    history : mapping
        The history of a run.
    accuracy : float
        From 0 to 1.
    curve : str
        "accuracy" (training) or "val_accuracy".

    Returns
    -------
    int or None
        From 1; None if it is never reached.
    """
    return _first(np.asarray(history[curve]) >= accuracy)


def epochs_to_loss(history: Mapping[str, np.ndarray], loss: float, curve: str = "val_loss") -> int | None:
    """Epochs until the smoothed `curve` first comes down to `loss`; None if it never does."""
    return _first(smooth(history[curve]) <= loss)


def overfitting_epoch(history: Mapping[str, np.ndarray], window: int = WINDOW, climb: float = CLIMB) -> int | None:
    """The epoch at which over-fitting begins, judged by the validation loss alone.

    Definition: smooth the validation loss over `window` epochs; over-fitting begins at the first epoch from which on
    the smoothed loss stays more than `climb` above its minimum until the end.

    Returns
    -------
    int or None
        From 1; None if the loss ends within `climb` of its minimum.
    """
    curve = smooth(history["val_loss"], window)
    above = curve > curve.min() + climb
    if not above[-1]:
        return None
    return int(np.flatnonzero(~above)[-1]) + 2


def gap_by_image(run: Run, last: int = WINDOW) -> np.ndarray:
    """The accuracy gap as one value per validation image, (n_val,): its mean is the gap.

    Each value is the training accuracy minus the image's own share of right answers, both over the last epochs. Kept
    by image so that an interval can be drawn from the images.
    """
    hits = np.mean([correct(run, epoch) for epoch in _last(run, last)], axis=0)
    return float(np.mean(run.history["accuracy"][-last:])) - hits


def accuracy_gap(run: Run, last: int = WINDOW) -> Estimate:
    """Training minus validation accuracy, averaged over the last epochs, with an interval over validation images.

    The training curve is recorded while training, with dropout on and weights that still change within the epoch. A
    gap may therefore be negative, and dropout narrows it from both sides: it holds the training curve down as well
    as lifting the validation curve.

    Parameters
    ----------
    last : int
        Number of epochs at the end of the run; all of them if there are fewer.
    """
    return bootstrap_mean(gap_by_image(run, last))


def loss_gap(run: Run, last: int = WINDOW) -> Estimate:
    """Validation minus training loss, averaged over the last epochs, with an interval over validation images."""
    train = float(np.mean(run.history["loss"][-last:]))
    return bootstrap_mean(np.mean([image_losses(run, epoch) for epoch in _last(run, last)], axis=0) - train)


def loss_rise(run: Run, window: int = WINDOW) -> Estimate:
    """How far the validation loss has climbed at the end of a run, with an interval over validation images.

    Definition: the mean over the last `window` epochs minus the mean over the `window` consecutive epochs where it
    was lowest. Losses of single images are capped (see `metrics.SMALLEST_PROBABILITY`), so the climb of a run that
    makes very confident mistakes is understated.
    """
    window = min(window, run.epochs)
    means = np.convolve(run.history["val_loss"], np.ones(window) / window, mode="valid")
    start = int(np.argmin(means))
    ends = np.mean([image_losses(run, epoch) for epoch in _last(run, window)], axis=0)
    lowest = np.mean([image_losses(run, epoch) for epoch in range(start, start + window)], axis=0)
    return bootstrap_mean(ends - lowest)


def bootstrap_mean(values: np.ndarray) -> Estimate:
    """The mean of `values` with its 95 % percentile bootstrap interval, the same at every call.

    Parameters
    ----------
    values : np.ndarray
        (n,) one per image; for a paired comparison, the differences.

    References
    ----------
    Efron (1979), Annals of Statistics 7, 1-26.
    """
    low, high = np.quantile(resampled_means(values), TAILS)
    return Estimate(float(np.mean(values)), float(low), float(high))


def resampled_means(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """The means of 4000 samples drawn from `values` (n,) with replacement, each as large as `values`."""
    values = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(seed).integers(len(values), size=(4000, len(values)))
    return values[draws].mean(axis=1)


def spread(values: Iterable[float]) -> Spread:
    """Mean, standard deviation and range of a number over several seeds."""
    array = np.asarray(list(values), dtype=np.float64)
    sd = float(array.std(ddof=1)) if len(array) > 1 else float("nan")
    return Spread(float(array.mean()), sd, float(array.min()), float(array.max()), len(array))


def _first(reached: np.ndarray) -> int | None:
    return int(np.argmax(reached)) + 1 if reached.any() else None


def _last(run: Run, epochs: int) -> range:
    return range(max(run.epochs - epochs, 0), run.epochs)
