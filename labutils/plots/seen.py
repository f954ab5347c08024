"""What is seen in learning curves: titles made from their numbers, and where a loss axis ends.

A title is true of the curves that are drawn. Whether a difference is more than chance is said by `evaluate`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from labutils.evaluate.curves import WINDOW, overfitting_epoch, smooth
from labutils.evaluate.rules import ACCURACY_MARGIN, CLIMB, LOSS_MARGIN, STARTED

LONGEST = 70
"""Characters of a title."""
BY_HEART = 0.97
"""Training accuracy over the last epochs from which on the training images are known by heart."""
LONELY = 1.5
"""An axis ends below what is so many times as high as all but single epochs and the first three."""
TIMES_GUESSING = 3
"""The highest loss that an axis shows: above it a network is only wrong with more conviction."""

STORIES = {
    "lost": ("diverges at epoch {n}", "diverge"),
    "heart": ("over-fits from epoch {n} on and learns by heart", "over-fit and learn by heart"),
    "over": ("over-fits from epoch {n} on", "over-fit"),
    "start": ("barely starts in {n} epochs", "barely start"),
    "going": ("still gets better at epoch {n}", "still get better at the end"),
    "level": ("levels off at accuracy {accuracy:.2f}", "level off"),
    "short": ("has accuracy {accuracy:.2f} at epoch {n}", "have too few epochs to say more"),
}
"""What curves show, said of a run by name and of several; what stands first is said first."""


def title_of(runs: Mapping[str, tuple[Mapping[str, np.ndarray], float]]) -> str:
    """What runs do, in at most `LONGEST` characters: by name where that fits, else how many of them. Of each its curves
    (epochs,), or the means over its seeds, and the loss of guessing."""
    found: dict[str, list[tuple[str, dict]]] = {kind: [] for kind in STORIES}
    for label, (history, guess) in runs.items():
        kind, numbers = _story(history, guess)
        found[kind].append((label, numbers))
    title = ""
    for (one, several), own in zip(STORIES.values(), found.values(), strict=True):
        all_of_them = "both runs" if len(runs) == 2 else f"all {len(runs)} runs"
        ways = [f"{all_of_them if len(own) == len(runs) else f'{len(own)} of {len(runs)} runs'} {several}"]
        if len(own) == 1:
            (label, numbers) = own[0]
            ways = [f"{who} {one.format(**numbers)}" for who in (label, f"one of {len(runs)} runs")]
        said = [f"{title}; {way}" if title else way for way in ways if own]
        title = next((text for text in said if len(text) <= LONGEST), title)
    return re.sub("^(both|all|one of)", lambda found: found[0].capitalize(), title)


def title_of_compared(curves: Mapping[str, np.ndarray], quantity: str) -> str:
    """Which of some curves (epochs,) of a quantity comes highest, of a loss lowest, and which does not."""
    loss, what = quantity.endswith("loss"), quantity.replace("val_", "validation ")
    reduce = np.fmin.reduce if loss else np.fmax.reduce
    ends = {name: float(reduce(curve)) for name, curve in curves.items() if np.isfinite(reduce(curve))}
    if not ends:
        return f"No {what} is a number"
    order = sorted(ends, key=lambda name: ends[name] if loss else -ends[name])
    (first, best), (last, worst) = ((name, ends[name]) for name in (order[0], order[-1]))
    far = "lowest" if loss else "highest"
    ways = [
        f"{first} comes {far}: {best:.2f}; {last} only to {worst:.2f}",
        f"{what.capitalize()}: {best:.2f} to {worst:.2f}",
    ]
    if abs(best - worst) < (LOSS_MARGIN if loss else ACCURACY_MARGIN):
        ways = [f"{far.capitalize()} {what}: {best:.2f}" + ("" if len(ends) == 1 else " in all runs, or nearly")]
    return next(way for way in ways if len(way) <= LONGEST)


def smoothed(curve: np.ndarray) -> np.ndarray:
    """The mean of a curve (epochs,) over about `WINDOW` epochs, of fewer to both sides near its ends, which stay."""
    sums, at = np.concatenate([[0.0], np.cumsum(curve, dtype=np.float64)]), np.arange(len(curve))
    reach = np.minimum(np.minimum(at, at[::-1]), WINDOW // 2)
    return (sums[at + reach + 1] - sums[at - reach]) / (2 * reach + 1)


def loss_top(curves: Sequence[np.ndarray], guess: float) -> float:
    """Where a loss axis ends: above guessing, and above the curves (epochs,) but for spikes that would squeeze them.

    Points are left out that are `LONELY` times as high as the rest: the first three epochs, and any whose neighbours
    are both lower. What lies above `TIMES_GUESSING` times the loss of guessing is left out as well.
    """
    highest, rest = guess, guess
    for curve in curves:
        shown = np.nan_to_num(np.asarray(curve, dtype=float), nan=0.0, posinf=0.0)
        highest = max(highest, shown.max())
        beside = np.maximum(np.append(shown[1:], shown[-1]), np.append(0, shown[:-1]))
        rest = max(rest, np.minimum(shown, beside)[min(3, len(shown) - 1) :].max())
    return min(1.05 * (highest if highest < LONELY * rest else rest), max(TIMES_GUESSING * guess, 1.0))


def _story(history: Mapping[str, np.ndarray], guess: float) -> tuple[str, dict]:
    loss, n = np.asarray(history["val_loss"]), len(history["val_loss"])
    numbers = {"n": n, "accuracy": np.mean(history["val_accuracy"][-WINDOW:])}
    lost = np.flatnonzero(~np.isfinite(loss))
    if lost.size:
        return "lost", {"n": lost[0] + 1}
    if n < WINDOW:
        return "short", numbers | {"accuracy": history["val_accuracy"][-1]}
    if loss.min() > guess - STARTED:
        return "start", numbers
    if onset := overfitting_epoch(history):
        heart = np.mean(history["accuracy"][-WINDOW:]) >= BY_HEART
        return ("heart" if heart else "over"), {"n": onset}
    mean = smooth(loss)
    return ("going" if mean[-1 - n // 5] - mean[-1] > CLIMB else "level"), numbers
