"""Every limit and every word of the judge, in one place; all were chosen before any run was judged by them.

Where limits come in pairs, a statement holds beyond one, does not beyond the other, and between them nothing is said.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from labutils.statistics import LEVEL

SIGNIFICANT = LEVEL.get()
"""A p value below this counts as a difference."""

ACCURACY_MARGIN, LOSS_MARGIN = 0.01, 0.02
"""On the exam, a difference matters from here on: 1 point of accuracy, .02 of loss."""

FEWEST_SETTINGS = 10
"""So many stored settings with several seeds say how far seeds move one that has a single seed: see `exam.prior`."""

EQUAL = 0.05
"""On validation images, accuracies that differ by less than this (5 points) count as equally good."""

NARROWER = 0.02
"""On validation images, a gap must be narrower by at least this (2 points) to count as narrower."""

WIDE = 0.05
"""From here on (5 points) training accuracy is well above validation accuracy."""

OVERFITS, WELL_ABOVE = 0.05, 0.10
"""How far above its minimum the loss ends of a run that over-fits, and one that climbs well above it."""

CLIMB, CLIMBS = 0.02, (0.01, 0.02, 0.03, 0.05)
"""How far the smoothed loss stays above its minimum from where over-fitting begins; the onset depends on it."""

SLACK = 0.01
"""A loss this close to its lowest is down: the last bit of a flat curve says nothing about speed."""

FASTER, FAR_FEWER = 0.8, 0.5
"""The share of another's epochs from which on a run is faster, and needs far fewer."""

STEADIER = 0.8
"""The share of another's epoch-to-epoch changes from which on a validation curve is steadier."""

LATEST, HIGHEST = 9999, 99
"""An interval of a mean onset, and of a mean ratio, is shown up to here."""

NEAR = 0.02
"""Within 2 points of the ceiling is near it."""

STARTED = 0.05
"""A loss this far below that of guessing (ln 2) has left it."""

BETTER, WORSE, SAME, UNDECIDED = "better", "worse", "no difference that matters", "undecided"
"""All that can be said about a difference on the exam."""

CLOSE, NO_BETTER = "equally good", "no better"
"""What can be said on the validation images of accuracies that no test tells apart: all of the interval lies within
`EQUAL`, or its upper end does."""

REACHED, BELOW = "at least so much", "less than that"
"""What can be said of an amount and its limit."""

IS, IS_NOT, EQUALS = "is", "is not", "equals"

MARGINS: ContextVar[float] = ContextVar("margins", default=1.0)
"""How many times as wide as above margins are: 1, where nobody contests them."""


def margin(usual: float) -> float:
    """One of the margins above, as it is in force."""
    return MARGINS.get() * usual


@contextmanager
def contested(level: float = SIGNIFICANT, margins: float = 1.0) -> Iterator[None]:
    """Let `judge` use another level, and margins so many times as wide, in a block; limits in a claim's text stay."""
    before = LEVEL.set(level), MARGINS.set(margins)
    try:
        yield
    finally:
        LEVEL.reset(before[0])
        MARGINS.reset(before[1])


HOLDS = {
    IS: {BETTER: True, REACHED: True, WORSE: False, SAME: False, BELOW: False},
    IS_NOT: {BETTER: False, REACHED: False, WORSE: True, SAME: True, CLOSE: True, NO_BETTER: True, BELOW: True},
    EQUALS: {BETTER: False, WORSE: False, SAME: True, CLOSE: True},
}
"""Whether a statement holds, by its kind and the word that was found; a word that is not here leaves it open."""
