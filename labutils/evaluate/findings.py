"""Single conditions behind a verdict: what two runs, or one, show about a statement.

A condition holds, does not hold, or cannot be told from these images. A claim is a list of conditions (`claims`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labutils.evaluate.compare import (
    accuracy_difference,
    fisher,
    gap_difference,
    loss_difference,
    mcnemar,
    p_value,
    unpaired_loss_difference,
)
from labutils.evaluate.curves import WINDOW, accuracy_gap, epochs_to_loss, gap_by_image, loss_rise, smooth
from labutils.evaluate.metrics import Estimate, accuracy

if TYPE_CHECKING:
    from labutils.runs import Run

SIGNIFICANT = 0.05
"""A p value below this counts as a difference."""

EQUAL = 0.05
"""Accuracies that differ by less than this (5 points) count as equally good."""

NARROWER = 0.02
"""A gap must be narrower by at least this (2 points) to count as narrower."""

WIDE = 0.05
"""From here on (5 points) training accuracy is well above validation accuracy."""


class Finding(NamedTuple):
    """`holds`: True, False, or None where the data cannot tell; `evidence`: the numbers, in words."""

    holds: bool | None
    evidence: str


def more_accurate(name_a: str, run_a: Run, name_b: str, run_b: Run) -> Finding:
    """Whether `run_a` beats `run_b` on the same images: McNemar at the best epochs."""
    test = mcnemar(run_a, run_b)
    holds = test.n10 > test.n01 if test.p < SIGNIFICANT else None
    return Finding(holds, _accuracies(name_a, run_a, name_b, run_b) + f", McNemar {_p_value(test.p)}")


def not_better(name_a: str, run_a: Run, name_b: str, run_b: Run) -> Finding:
    """Whether `run_a` is no better than `run_b`: shown by an interval that leaves no room for `EQUAL` more."""
    test, difference = mcnemar(run_a, run_b), accuracy_difference(run_a, run_b)
    holds: bool | None = True if difference.high < EQUAL else None
    if test.p < SIGNIFICANT:
        holds = test.n10 < test.n01
    return Finding(holds, _accuracies(name_a, run_a, name_b, run_b) + _tested(difference, test.p))


def equally_accurate(name_a: str, run_a: Run, name_b: str, run_b: Run) -> Finding:
    """Whether two runs are equally good: shown by an interval of the difference that lies within `EQUAL`."""
    test, difference = mcnemar(run_a, run_b), accuracy_difference(run_a, run_b)
    holds: bool | None = True if max(-difference.low, difference.high) < EQUAL else None
    if test.p < SIGNIFICANT:
        holds = False
    return Finding(holds, _accuracies(name_a, run_a, name_b, run_b) + _tested(difference, test.p))


def more_accurate_elsewhere(name_a: str, run_a: Run, name_b: str, run_b: Run) -> Finding:
    """As `more_accurate`, for runs on different images: Fisher's exact test."""
    p = fisher(run_a, run_b)
    higher = accuracy(run_a).value > accuracy(run_b).value
    return Finding(
        higher if p < SIGNIFICANT else None, _accuracies(name_a, run_a, name_b, run_b) + f", Fisher {_p_value(p)}"
    )


def lower_loss(name_a: str, run_a: Run, name_b: str, run_b: Run) -> Finding:
    """Whether `run_a` has the lower validation loss on the same images, each at its best epoch."""
    return _losses(name_a, run_a, name_b, run_b, loss_difference(run_a, run_b))


def lower_loss_elsewhere(name_a: str, run_a: Run, name_b: str, run_b: Run) -> Finding:
    """As `lower_loss`, for runs on different images."""
    return _losses(name_a, run_a, name_b, run_b, unpaired_loss_difference(run_a, run_b))


def narrower_gap(text: str, *pairs: tuple[Run, Run]) -> Finding:
    """Whether the gap of the second run of each pair is narrower than that of the first, averaged over the pairs."""
    narrowing = gap_difference(*pairs)
    means = [[points(float(gap_by_image(run).mean())) for run in pair] for pair in pairs]
    gaps = ", ".join(f"{wide} against {narrow}" for wide, narrow in means)
    return Finding(at_least(narrowing, NARROWER), f"{text}: {gaps}, narrower by {_in_points(narrowing)} points")


def overfits(name: str, run: Run, margin: float) -> Finding:
    """Whether the validation loss ends at least `margin` above its minimum."""
    rise = loss_rise(run)
    return Finding(at_least(rise, margin), f"{name}: validation loss ends {rise} above its minimum")


def wide_gap(name: str, run: Run) -> Finding:
    """Whether training accuracy ends well (`WIDE`) above validation accuracy."""
    gap = accuracy_gap(run)
    return Finding(at_least(gap, WIDE), f"{name}: training is {_in_points(gap)} points above validation")


def converges_faster(name_a: str, run_a: Run, name_b: str, run_b: Run, factor: float, slack: float) -> Finding:
    """Whether `run_a` reaches a common validation loss in at most `factor` times the epochs of `run_b`.

    The common loss is the higher of the two minima of the smoothed curves, plus `slack`: the last bit of a flat curve
    says nothing about speed.
    """
    minima = [smooth(run.history["val_loss"]).min() for run in (run_a, run_b)]
    level = float(max(minima)) + slack
    epochs_a, epochs_b = (epochs_to_loss(run.history, level) for run in (run_a, run_b))
    assert epochs_a and epochs_b, "both curves reach the higher of their minima"
    return Finding(
        faster(epochs_a, epochs_b, factor),
        f"validation loss {level:.3f} after {epochs_a} epochs {name_a}, {epochs_b} {name_b}",
    )


def faster(epochs_a: int | None, epochs_b: int, factor: float) -> bool | None:
    """True if `epochs_a` is at most `factor` times `epochs_b`, False if it is not smaller; None (never) is False."""
    if epochs_a is None or epochs_a >= epochs_b:
        return False
    return True if epochs_a <= factor * epochs_b else None


def at_least(estimate: Estimate, margin: float) -> bool | None:
    """Whether something is there and at least `margin` large.

    True: the estimate reaches the margin and the interval lies above 0. False: the interval lies below the margin.
    """
    if estimate.high < margin:
        return False
    return True if estimate.value >= margin and estimate.low > 0 else None


def between(value: float, no: float, yes: float) -> bool | None:
    """True from `yes` on, False up to `no`, None between; `no` may lie on either side of `yes`."""
    sign = 1 if yes > no else -1
    if sign * value >= sign * yes:
        return True
    return False if sign * value <= sign * no else None


def final(run: Run, curve: str) -> float:
    """The mean of a curve over the last epochs."""
    return float(np.mean(run.history[curve][-WINDOW:]))


def points(value: float) -> str:
    """A share in percentage points, `+3.5`; never `-0.0`."""
    return f"{round(100 * value, 1) + 0.0:+.1f}"


def _p_value(p: float) -> str:
    shown = p_value(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def _in_points(estimate: Estimate) -> str:
    return f"{points(estimate.value)} [{points(estimate.low)}, {points(estimate.high)}]"


def _tested(difference: Estimate, p: float) -> str:
    return f", {_in_points(difference)} points, McNemar {_p_value(p)}"


def _accuracies(name_a: str, run_a: Run, name_b: str, run_b: Run) -> str:
    return f"accuracy {accuracy(run_a).value:.3f} ({name_a}), {accuracy(run_b).value:.3f} ({name_b})"


def _losses(name_a: str, run_a: Run, name_b: str, run_b: Run, difference: Estimate) -> Finding:
    holds = None if difference.low <= 0 <= difference.high else difference.value < 0
    at_best = [run.history["val_loss"][run.best_epoch] for run in (run_a, run_b)]
    return Finding(
        holds,
        f"loss at best epoch {at_best[0]:.3f} ({name_a}), {at_best[1]:.3f} ({name_b}), difference {difference}",
    )
