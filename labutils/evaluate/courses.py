"""Conditions on how trainings go: gaps, over-fitting, speed; see `conditions` for what a condition is.

The exam is sat after three epochs only. What needs whole curves (speed, the onset of over-fitting, training accuracy)
is therefore judged on all stored seeds, from the curves of their validation and training images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING

import numpy as np

from labutils.evaluate import exam
from labutils.evaluate.compare import gap_difference, speed
from labutils.evaluate.conditions import MARGINS, Case, OfTwo
from labutils.evaluate.curves import (
    MEASURED,
    WINDOW,
    accuracy_gap,
    epochs_to_reach,
    gap_by_image,
    loss_rise,
    overfitting_epoch,
    train_curve,
)
from labutils.evaluate.effects import ACCURACY_MARGIN, BETTER, UNDECIDED, Effect, Sample, measure_effect
from labutils.evaluate.findings import NARROWER, WIDE, Finding, at_least, between, faster, in_points, opposite, points
from labutils.statistics import Estimate

if TYPE_CHECKING:
    from labutils.runs.run import Run

CLIMBS = (0.01, 0.02, 0.03, 0.05)
"""How far the loss has to stay above its minimum for over-fitting to have begun; the onset depends on it."""

SLACK = 0.01
FASTER, FAR_FEWER = 0.8, 0.5
_GAP = (
    f"gap = training minus validation accuracy, mean of the last {WINDOW} epochs, training "
    f"{MEASURED['fixed_accuracy']} where that is stored"
)
_ALL_SEEDS = "over all stored seeds: the same for their mean, 95 % interval (two seeds at least)"


@dataclass(frozen=True)
class NarrowerGap:
    """The gap of the second run of each pair is narrower than that of the first, averaged over the pairs."""

    pairs: tuple[tuple[str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(name for pair in self.pairs for name in pair)

    @property
    def rule(self) -> str:
        """By how much, and with what interval."""
        mean = ", mean over the pairs" if len(self.pairs) > 1 else ""
        return (
            f"{self._words()}: {_GAP}; narrower{mean} by at least {100 * NARROWER:.0f} points with a 95 % interval "
            f"above 0, refuted if the interval stays below {100 * NARROWER:.0f} points; gap to the exam instead, "
            f"{MARGINS[ACCURACY_MARGIN]}"
        )

    def known(self, case: Case) -> Finding:
        """The difference of the gaps on the validation images."""
        pairs = [(case.runs[wide], case.runs[narrow]) for wide, narrow in self.pairs]
        curve, narrowing = train_curve(*(run for pair in pairs for run in pair)), gap_difference(*pairs)
        means = [[points(float(gap_by_image(run, curve).mean())) for run in pair] for pair in pairs]
        gaps = ", ".join(f"{wide} against {narrow}" for wide, narrow in means)
        return Finding(
            at_least(narrowing, NARROWER),
            f"gap of {self._words()}: {gaps}, narrower by {in_points(narrowing)} points (training {MEASURED[curve]})",
        )

    def found(self, case: Case) -> Finding:
        """The difference of the gaps to the exam."""
        exam.same_exam(*(case.seeds[name] for name in self.names))
        pairs = [(case.seeds[wide], case.seeds[narrow]) for wide, narrow in self.pairs]
        effect = exam.gap_effect(*pairs)
        word = effect.word(ACCURACY_MARGIN)
        measured = MEASURED[exam.gap_curve(*pairs)]
        return Finding(
            None if word == UNDECIDED else word == BETTER,
            f"gap narrower by {exam.effect_words(effect)}, training {measured}",
        )

    def _words(self) -> str:
        return "; ".join(f"{wide} against {narrow}" for wide, narrow in self.pairs)


@dataclass(frozen=True)
class WideGap:
    """Training accuracy ends well above validation accuracy."""

    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """The one."""
        return (self.name,)

    @property
    def rule(self) -> str:
        """How wide."""
        return (
            f"{self.name}: gap at least {100 * WIDE:.0f} points, 95 % interval above 0 (refuted if it stays below "
            f"{100 * WIDE:.0f}); on the exam the same"
        )

    def known(self, case: Case) -> Finding:
        """The gap on the validation images."""
        run = case.runs[self.name]
        gap, measured = accuracy_gap(run), MEASURED[train_curve(run)]
        text = f"{self.name}: training is {in_points(gap)} points above validation (training {measured})"
        return Finding(at_least(gap, WIDE), text)

    def found(self, case: Case) -> Finding:
        """The gap to the exam."""
        gap = exam.own_gap(case.seeds[self.name])
        text = f"{self.name}: training is {in_points(gap.interval())} points above the exam ({gap.basis})"
        return Finding(gap.at_least(WIDE), text)


@dataclass(frozen=True)
class Overfits:
    """The validation loss ends at least `margin` above its minimum; with `so` False, it does not."""

    name: str
    margin: float
    so: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The one."""
        return (self.name,)

    @property
    def rule(self) -> str:
        """How far above."""
        way = ("over-fits", "refuted") if self.so else ("refuted", "holds")
        return (
            f"{self.name}: mean validation loss of the last {WINDOW} epochs minus that of the lowest {WINDOW} in a "
            f"row: {way[0]} if at least {self.margin:.2f}, 95 % interval above 0, {way[1]} if it stays below; "
            "on the exam, loss after the last epoch minus that after the one of the lowest validation loss, the same"
        )

    def known(self, case: Case) -> Finding:
        """The climb of the validation loss."""
        rise = loss_rise(case.runs[self.name])
        finding = Finding(at_least(rise, self.margin), f"{self.name}: validation loss ends {rise} above its minimum")
        return finding if self.so else opposite(finding)

    def found(self, case: Case) -> Finding:
        """The climb of the loss on the exam."""
        rise = exam.rise_effect(case.seeds[self.name])
        text = f"{self.name}: exam loss ends {rise.interval()} above that at the lowest validation loss ({rise.basis})"
        finding = Finding(rise.at_least(self.margin), text)
        return finding if self.so else opposite(finding)


@dataclass(frozen=True)
class OverfitsFrom:
    """Over-fitting begins between two epochs, whichever climb of the loss is taken for its beginning."""

    name: str
    first: int
    last: int

    @property
    def names(self) -> tuple[str, ...]:
        """The one."""
        return (self.name,)

    @property
    def rule(self) -> str:
        """For which climbs."""
        climbs = ", ".join(f"{climb:.2f}" for climb in CLIMBS)
        return (
            f"{self.name}: smoothed validation loss stays {climbs} above its minimum from an epoch between "
            f"{self.first} and {self.last} on, for each of these climbs (refuted if for none); over all stored seeds "
            "the same"
        )

    def known(self, case: Case) -> Finding:
        """The onset for each climb."""
        return self._finding([case.runs[self.name]])

    def found(self, case: Case) -> Finding:
        """The onset for each climb and seed."""
        return self._finding(case.seeds[self.name])

    def _finding(self, runs: Sequence[Run]) -> Finding:
        onsets = [[overfitting_epoch(run.history, climb=climb) for climb in CLIMBS] for run in runs]
        inside = [begins is not None and self.first <= begins <= self.last for row in onsets for begins in row]
        shown = "; ".join("/".join(str(begins or "never") for begins in row) for row in onsets)
        text = f"over-fitting begins at epoch {shown} for climbs of {'/'.join(f'{climb:.2f}' for climb in CLIMBS)}"
        return Finding(True if all(inside) else None if any(inside) else False, text)


@dataclass(frozen=True)
class TrainingReaches:
    """Training accuracy ends at `yes` or above; refuted up to `no`."""

    name: str
    no: float
    yes: float

    @property
    def names(self) -> tuple[str, ...]:
        """The one."""
        return (self.name,)

    @property
    def rule(self) -> str:
        """The two limits."""
        return (
            f"{self.name}: training accuracy, mean of the last {WINDOW} epochs, at least {self.yes} (refuted up to "
            f"{self.no}); over all stored seeds, their mean"
        )

    def known(self, case: Case) -> Finding:
        """The end of the training curve."""
        return self._finding([case.runs[self.name]])

    def found(self, case: Case) -> Finding:
        """The mean over the seeds."""
        return self._finding(case.seeds[self.name])

    def _finding(self, runs: Sequence[Run]) -> Finding:
        ends = [float(np.mean(run.history["accuracy"][-WINDOW:])) for run in runs]
        over = f", mean of {len(runs)} seeds" if len(runs) > 1 else ""
        level = float(np.mean(ends))
        return Finding(between(level, self.no, self.yes), f"training accuracy ends at {level:.3f}{over}")


@dataclass(frozen=True)
class LearnsFaster(OfTwo):
    """The first reaches the highest training accuracy of the second in far fewer epochs."""

    @property
    def rule(self) -> str:
        """Which share of the epochs."""
        return (
            f"{self.first}: epochs to the highest training accuracy of {self.second} at most {FAR_FEWER:.0%} of those "
            f"that it needed itself (refuted if not fewer); {_ALL_SEEDS}"
        )

    def known(self, case: Case) -> Finding:
        """The epochs of the two."""
        fast, slow = (case.runs[name] for name in self.names)
        after, before, goal = _epochs_to_goal(fast, slow)
        took = "never" if after is None else f"after {after} epochs"
        text = f"training accuracy {goal:.3f}: {took} {self.first}, {before} {self.second}"
        return Finding(faster(after, before, FAR_FEWER), text)

    def found(self, case: Case) -> Finding:
        """The mean over pairs of seeds."""

        def ratio(fast: Run, slow: Run) -> float:
            after, before, _ = _epochs_to_goal(fast, slow)
            return (after or fast.epochs + 1) / before

        return _over_seeds(case, (self.first, self.second), ratio, FAR_FEWER)


@dataclass(frozen=True)
class ConvergesFaster(OfTwo):
    """The first reaches a common validation loss in fewer epochs than the second."""

    @property
    def rule(self) -> str:
        """To which loss, and which share of the epochs."""
        return (
            f"{self.first}: epochs until the smoothed validation loss comes down to the higher of the two minima plus "
            f"{SLACK} at most {FASTER:.0%} of those of {self.second}, 95 % interval over images below 100 % (refuted "
            f"if it stays above {FASTER:.0%}); {_ALL_SEEDS}"
        )

    def known(self, case: Case) -> Finding:
        """The epochs of the two, with an interval over images."""
        found = speed(case.runs[self.first], case.runs[self.second], SLACK)
        text = (
            f"validation loss {found.level:.3f} after {found.epochs_a} epochs {self.first}, {found.epochs_b} "
            f"{self.second}, ratio {found.ratio}"
        )
        return Finding(_fast(found.ratio, FASTER), text)

    def found(self, case: Case) -> Finding:
        """The mean over pairs of seeds."""

        def ratio(fast: Run, slow: Run) -> float:
            return speed(fast, slow, SLACK, draws=1).ratio.value

        return _over_seeds(case, (self.first, self.second), ratio, FASTER)


def _fast(ratio: Estimate, factor: float) -> bool | None:
    if ratio.low > factor:
        return False
    return True if ratio.value <= factor and ratio.high < 1 else None


def _epochs_to_goal(fast: Run, slow: Run) -> tuple[int | None, int, float]:
    goal = float(slow.history["accuracy"].max())
    before = epochs_to_reach(slow.history, goal)
    assert before is not None, "a curve reaches its own maximum"
    return epochs_to_reach(fast.history, goal), before, goal


def _over_seeds(case: Case, names: tuple[str, str], ratio: Callable[[Run, Run], float], factor: float) -> Finding:
    """Whether a ratio of epochs, over seeds and as a geometric mean, is at most `factor`."""
    fast, slow = (case.seeds[name] for name in names)
    pairs = list(zip(fast, slow, strict=False))
    ratios = [ratio(*pair) for pair in pairs]
    shown = ", ".join(f"{value:.2f}" for value in ratios)
    if len(pairs) < 2:
        return Finding(None, f"{shown} of the epochs at one seed: how far seeds move it is unknown")
    effect: Effect = measure_effect([Sample(1.0, np.log(np.array(ratios))[:, None])])
    mean = Estimate(*(exp(min(end, log(99))) for end in effect.interval()))
    return Finding(_fast(mean, factor), f"{mean} of the epochs over {len(pairs)} seeds ({shown})")
