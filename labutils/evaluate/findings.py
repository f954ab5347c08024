"""What a condition finds: that it holds, does not hold, or cannot be told, with the numbers in words.

Limits come in pairs where it matters: beyond one a statement holds, beyond the other it does not, and between them
nothing is said. All were chosen before any run was judged by them. The conditions are in `conditions`.
"""

from __future__ import annotations

from typing import NamedTuple

from labutils.evaluate.compare import p_value
from labutils.statistics import Estimate

SIGNIFICANT = 0.05
"""A p value below this counts as a difference."""

EQUAL = 0.05
"""On validation images, accuracies that differ by less than this (5 points) count as equally good."""

NARROWER = 0.02
"""On validation images, a gap must be narrower by at least this (2 points) to count as narrower."""

WIDE = 0.05
"""From here on (5 points) training accuracy is well above validation accuracy."""


class Finding(NamedTuple):
    """`holds`: True, False, or None where the data cannot tell; `evidence`: the numbers, in words."""

    holds: bool | None
    evidence: str


def opposite(finding: Finding) -> Finding:
    """The finding on the statement that says the contrary."""
    return Finding(None if finding.holds is None else not finding.holds, finding.evidence)


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


def faster(epochs_a: int | None, epochs_b: int, factor: float) -> bool | None:
    """True if `epochs_a` is at most `factor` times `epochs_b`, False if it is not smaller; None (never) is False."""
    if epochs_a is None or epochs_a >= epochs_b:
        return False
    return True if epochs_a <= factor * epochs_b else None


def points(value: float) -> str:
    """A share in percentage points, `+3.5`; never `-0.0`."""
    return f"{round(100 * value, 1) + 0.0:+.1f}"


def in_points(estimate: Estimate) -> str:
    """`+3.5 [+0.5, +6.5]`, in percentage points."""
    return f"{points(estimate.value)} [{points(estimate.low)}, {points(estimate.high)}]"


def p_words(p: float) -> str:
    """`p = 0.031`, or `p < 0.001`."""
    shown = p_value(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"
