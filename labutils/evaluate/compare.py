"""How two runs differ: paired on the same validation images wherever that is possible.

Paired tests look only at the images on which the two runs disagree, and see differences that two separate intervals
hide. Every interval here is about the choice of validation images. How much another seed would change is a different
question, which only more runs answer (`curves.spread`).
"""

from __future__ import annotations

from math import comb, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labutils.evaluate.curves import TAILS, bootstrap_mean, gap_by_image, resampled_means
from labutils.evaluate.metrics import Estimate, correct, image_losses, normal_quantile

if TYPE_CHECKING:
    from labutils.runs import Run


class McNemar(NamedTuple):
    """`n01`: images that only the second run gets right; `n10`: only the first; `p`: two-sided, exact."""

    n01: int
    n10: int
    p: float


class ComparisonError(ValueError):
    """Two runs that cannot be compared image by image."""

    def _render_traceback_(self) -> list[str]:
        # Jupyter shows this instead of a stack trace.
        return [f"ComparisonError: {self}"]


def same_images(run_a: Run, run_b: Run) -> bool:
    """Whether two runs were validated on the same images, in the same order and with the same labels."""
    # Phantoms bear the file names of the course's images: names alone do not tell them apart.
    return (
        run_a.source == run_b.source and run_a.val_files == run_b.val_files and np.array_equal(run_a.y_val, run_b.y_val)
    )


def check_same_images(run_a: Run, run_b: Run) -> None:
    """Make sure that two runs were validated on the same images.

    Raises
    ------
    ComparisonError
        If they were not.
    """
    if not same_images(run_a, run_b):
        raise ComparisonError(
            f"{_describe(run_a)} and {_describe(run_b)} were validated on different images. "
            "Compare runs of one data set and one source, with the same n_val."
        )


def mcnemar(run_a: Run, run_b: Run, epoch: int | None = None) -> McNemar:
    """Whether two runs differ in accuracy, by the exact test of McNemar.

    Parameters
    ----------
    run_a, run_b : Run
        Validated on the same images.
    epoch : int, optional
        Index of the epoch at which both are compared; None: each at its own best epoch.

    Raises
    ------
    ComparisonError
        If the validation images differ.

    References
    ----------
    McNemar (1947), Psychometrika 12, 153-157.
    """
    check_same_images(run_a, run_b)
    right_a, right_b = correct(run_a, epoch), correct(run_b, epoch)
    n01, n10 = int(np.sum(~right_a & right_b)), int(np.sum(right_a & ~right_b))
    # Were both equally good, each disagreement would be a toss of a coin: the chance of a split this uneven, doubled.
    n = n01 + n10
    p = 2 * sum(comb(n, k) for k in range(min(n01, n10) + 1)) / 2**n
    return McNemar(n01, n10, min(p, 1.0))


def p_value(p: float) -> str:
    """A p-value in three decimals, as tables and verdicts show it.

    Examples
    --------
    >>> p_value(0.0312), p_value(0.0001)
    ('0.031', '< 0.001')
    """
    return f"{p:.3f}" if p >= 0.0005 else "< 0.001"


def accuracy_difference(run_a: Run, run_b: Run, epoch: int | None = None, confidence: float = 0.95) -> Estimate:
    """Accuracy of `run_a` minus that of `run_b` on the same images, with the interval of Agresti and Min.

    The interval is Wald's after half an image has been added to each of the four cells; without that it would shrink
    to a point where two runs agree on every image.

    Parameters
    ----------
    epoch : int, optional
        As in `mcnemar`.

    Raises
    ------
    ComparisonError
        If the validation images differ.

    References
    ----------
    Agresti and Min (2005), Statistics in Medicine 24, 729-740.
    """
    n01, n10, _ = mcnemar(run_a, run_b, epoch)
    n = len(run_a.y_val)
    z = normal_quantile(confidence)
    only_a, only_b, total = n10 + 0.5, n01 + 0.5, n + 2
    centre = (only_a - only_b) / total
    half = z * sqrt(only_a + only_b - (only_a - only_b) ** 2 / total) / total
    return Estimate((n10 - n01) / n, max(centre - half, -1.0), min(centre + half, 1.0))


def loss_difference(run_a: Run, run_b: Run, epoch: int | None = None) -> Estimate:
    """Validation loss of `run_a` minus that of `run_b`, image by image, with a paired bootstrap interval.

    Parameters
    ----------
    epoch : int, optional
        As in `mcnemar`.

    Raises
    ------
    ComparisonError
        If the validation images differ.
    """
    check_same_images(run_a, run_b)
    return bootstrap_mean(image_losses(run_a, epoch) - image_losses(run_b, epoch))


def gap_difference(*pairs: tuple[Run, Run]) -> Estimate:
    """How much wider the accuracy gap of the first run of a pair is than that of the second.

    With several pairs, their mean. See `curves.accuracy_gap` for the gap; the interval is a bootstrap over the
    validation images, which must be the same for all runs.

    Raises
    ------
    ComparisonError
        If the validation images differ.
    """
    for run_a, run_b in pairs:
        check_same_images(run_a, run_b)
        check_same_images(pairs[0][0], run_a)
    return bootstrap_mean(np.mean([gap_by_image(a) - gap_by_image(b) for a, b in pairs], axis=0))


def fisher(run_a: Run, run_b: Run) -> float:
    """The p value of a difference in best accuracy between runs on *different* images (Fisher's exact test).

    References
    ----------
    Fisher (1935), Journal of the Royal Statistical Society 98, 39-82.
    """
    from scipy.stats import fisher_exact

    table = [[int(hits.sum()), int((~hits).sum())] for hits in (correct(run_a), correct(run_b))]
    return float(fisher_exact(table)[1])


def unpaired_loss_difference(run_a: Run, run_b: Run) -> Estimate:
    """Validation loss of `run_a` minus that of `run_b` at their best epochs, on different images.

    The interval is a bootstrap that draws from both sets of images independently.
    """
    losses_a, losses_b = image_losses(run_a), image_losses(run_b)
    low, high = np.quantile(resampled_means(losses_a) - resampled_means(losses_b, seed=1), TAILS)
    return Estimate(float(losses_a.mean() - losses_b.mean()), float(low), float(high))


def _describe(run: Run) -> str:
    return f"{run.config.slug} ({run.source}, {len(run.y_val)} validation images)"
