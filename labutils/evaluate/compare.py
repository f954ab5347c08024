"""How two runs differ on their validation images, paired on the same ones wherever that is possible.

Every interval is about the choice of these images; how much another seed would change is in `effects`. Where runs are
paired, a `ComparisonError` says where their images are not the same.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np

from labutils.errors import ComparisonError
from labutils.evaluate.curves import gap_by_image, smooth, train_curve, unsteadiness
from labutils.evaluate.metrics import correct, hits, image_losses
from labutils.runs.run import Run
from labutils.statistics import (
    GUESS,
    LEVEL,
    Estimate,
    bootstrap_mean,
    cross_entropy,
    normal_quantile,
    resampled_means,
    resamples,
    sign_test,
    tails,
    widened,
)


class McNemar(NamedTuple):
    """`n01`: images that only the second run gets right; `n10`: only the first; `p`: two-sided, exact."""

    n01: int
    n10: int
    p: float


class Speed(NamedTuple):
    """Epochs of two runs to a common validation loss; `ratio` is those of the first by those of the second."""

    level: float
    epochs_a: int
    epochs_b: int
    ratio: Estimate


def same_images(run_a: Run, run_b: Run) -> bool:
    """Whether two runs were validated on the same images, in the same order and with the same labels."""
    # Phantoms bear the file names of the course's images: names alone do not tell them apart.
    return (
        run_a.source == run_b.source and run_a.val_files == run_b.val_files and np.array_equal(run_a.y_val, run_b.y_val)
    )


def check_same_images(run_a: Run, run_b: Run) -> None:
    """Raise a `ComparisonError` unless two runs were validated on the same images."""
    if not same_images(run_a, run_b):
        runs = (f"{run.config.slug} ({run.source}, {len(run.y_val)} validation images)" for run in (run_a, run_b))
        raise ComparisonError(
            f"{' and '.join(runs)} were validated on different images. "
            "Compare runs of one data set and one source, with the same n_val."
        )


def mcnemar(run_a: Run, run_b: Run, epoch: int | None = None) -> McNemar:
    """Whether two runs differ in accuracy, by the exact test of McNemar (`statistics.sign_test`).

    Both are compared at the epoch of this index; None: each at its own best epoch.
    """
    check_same_images(run_a, run_b)
    right_a, right_b = correct(run_a, epoch), correct(run_b, epoch)
    n01, n10 = int(np.sum(~right_a & right_b)), int(np.sum(right_a & ~right_b))
    return McNemar(n01, n10, sign_test(n01, n10))


def accuracy_difference(run_a: Run, run_b: Run) -> Estimate:
    """Accuracy of `run_a` minus that of `run_b` on the same images.

    The interval is Wald's after half an image has been added to each of the four cells (Agresti and Min 2005,
    Statistics in Medicine 24, 729-740): it does not shrink to a point where two runs agree on every image.
    """
    n01, n10, _ = mcnemar(run_a, run_b)
    n, z = len(run_a.y_val), normal_quantile(1 - LEVEL.get())
    only_a, only_b, total = n10 + 0.5, n01 + 0.5, n + 2
    centre = (only_a - only_b) / total
    half = z * sqrt(only_a + only_b - (only_a - only_b) ** 2 / total) / total
    return Estimate((n10 - n01) / n, max(centre - half, -1.0), min(centre + half, 1.0))


def loss_difference(run_a: Run, run_b: Run, paired: bool = True) -> Estimate:
    """Lowest validation loss of `run_a` minus that of `run_b`, as the history has it.

    The interval is paired image by image; if not, on different images, it draws from both sets independently.
    """
    epochs = [run.lowest_loss_epoch for run in (run_a, run_b)]
    a, b = (image_losses(run, epoch) for run, epoch in zip((run_a, run_b), epochs, strict=True))
    shown = float(run_a.history["val_loss"][epochs[0]]) - float(run_b.history["val_loss"][epochs[1]])
    if paired:
        check_same_images(run_a, run_b)
        return bootstrap_mean(a - b, GUESS).moved_to(shown)
    low, high = np.quantile(resampled_means(a) - resampled_means(b, seed=1), tails())
    found = Estimate(float(a.mean() - b.mean()), float(low), float(high))
    return widened(found, min(len(a), len(b)), GUESS).moved_to(shown)


def gap_difference(*pairs: tuple[Run, Run]) -> Estimate:
    """How much wider the accuracy gap of the first run of a pair is than that of the second.

    With several pairs, their mean. See `curves.accuracy_gap` for the gap; the interval is a bootstrap over the
    validation images, which must be the same for all runs.
    """
    for run_a, run_b in pairs:
        check_same_images(run_a, run_b)
        check_same_images(pairs[0][0], run_a)
    curve = train_curve(*(run for pair in pairs for run in pair))
    return bootstrap_mean(np.mean([gap_by_image(a, curve) - gap_by_image(b, curve) for a, b in pairs], axis=0))


def fisher(run_a: Run, run_b: Run) -> float:
    """The p value of a difference in best accuracy between runs on *different* images, by the exact test of Fisher
    (1935, Journal of the Royal Statistical Society 98, 39-82)."""
    from scipy.stats import fisher_exact

    table = [[int(hits.sum()), int((~hits).sum())] for hits in (correct(run_a), correct(run_b))]
    return float(fisher_exact(table)[1])


def speed(run_a: Run, run_b: Run, slack: float, draws: int = 400) -> Speed:
    """How many epochs two runs need to a common validation loss, and how much of that is the choice of the images.

    The common loss is the higher of the two minima of the smoothed curves, plus `slack`: the last bit of a flat curve
    says nothing about speed. The interval draws images anew and works both curves out again.
    """
    check_same_images(run_a, run_b)
    curves = [run.history["val_loss"][None, :] for run in (run_a, run_b)]
    level, *epochs = (float(part[0]) for part in _race(curves[0], curves[1], slack))
    losses = [cross_entropy(run.val_predictions, run.y_val) for run in (run_a, run_b)]
    drawn = np.stack([np.bincount(row, minlength=len(run_a.y_val)) for row in resamples(len(run_a.y_val), draws=draws)])
    resampled = [drawn @ loss.T / drawn.shape[1] for loss in losses]
    _, after_a, after_b = _race(resampled[0], resampled[1], slack)
    low, high = np.quantile(after_a / after_b, tails())
    return Speed(level, int(epochs[0]), int(epochs[1]), Estimate(epochs[0] / epochs[1], float(low), float(high)))


def steadiness(run_a: Run, run_b: Run, draws: int = 400) -> Estimate:
    """How much of the epoch-to-epoch changes of the second run's validation accuracy the first one's has; a ratio.

    For both see `curves.unsteadiness`, half an image at least. The interval draws the images anew.
    """
    check_same_images(run_a, run_b)
    n = len(run_a.y_val)
    value = _ratio(run_a.history["val_accuracy"][None, :], run_b.history["val_accuracy"][None, :], n)[0]
    drawn = np.stack([np.bincount(row, minlength=n) for row in resamples(n, draws=draws)]) / n
    a, b = (drawn @ hits(run.val_predictions, run.y_val).T for run in (run_a, run_b))
    low, high = np.quantile(_ratio(a, b, n), tails())
    return Estimate(float(value), float(low), float(high))


def _ratio(a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    """For each row of two tables of curves: the unsteadiness of the first by that of the second."""
    one, other = (np.maximum([unsteadiness(row) for row in table], 0.5 / n) for table in (a, b))
    return one / other


def _race(a: np.ndarray, b: np.ndarray, slack: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each row of two tables of curves: the common level, and the epochs that either needs to it."""
    a, b = (np.stack([smooth(row) for row in table]) for table in (a, b))
    level = np.maximum(a.min(axis=1), b.min(axis=1)) + slack
    first, second = ((table <= level[:, None]).argmax(axis=1) + 1 for table in (a, b))
    return level, first, second
