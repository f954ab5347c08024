"""The conditions of which claims are made: small frozen objects that hold both a test and the sentence that tells it.

Each has a `rule` (words) and two tests of a `Case`: `known`, on the validation images and one seed, which is what the
lab could know; `found`, on the exam and all stored seeds, which is what holds for these images. `conditions` are about
accuracy and loss of finished runs; those on gaps and curves are in `courses`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from labutils.evaluate import exam
from labutils.evaluate.compare import (
    accuracy_difference,
    fisher,
    loss_difference,
    mcnemar,
    same_images,
    unpaired_loss_difference,
)
from labutils.evaluate.effects import (
    ACCURACY_MARGIN,
    BETTER,
    LOSS_MARGIN,
    SAME,
    UNDECIDED,
    WORSE,
    Effect,
    adjusted_words,
)
from labutils.evaluate.findings import EQUAL, SIGNIFICANT, Finding, in_points, p_words
from labutils.evaluate.metrics import accuracy
from labutils.statistics import Estimate

if TYPE_CHECKING:
    from labutils.runs.run import Run

EXAM = "on the exam, over seeds and images: better or worse if the 95 % interval excludes 0 and the value is at least "
MARGINS = {
    ACCURACY_MARGIN: f"{EXAM}{100 * ACCURACY_MARGIN:.0f} point, no difference if the 90 % interval lies within it",
    LOSS_MARGIN: f"{EXAM}{LOSS_MARGIN}, no difference if the 90 % interval lies within it",
}
NEAR = 0.02
"""Within 2 points of the ceiling is near it."""


@dataclass(frozen=True)
class Case:
    """What a claim is judged on.

    Attributes
    ----------
    runs : dict of str to Run
        The runs that the claim speaks of, by name, at one seed, cut to the report's length.
    seeds : dict of str to list of Run
        The same at every seed that is stored.
    everything : list of Run
        All runs there are.
    """

    runs: dict[str, Run]
    seeds: dict[str, list[Run]] = field(default_factory=dict)
    everything: list[Run] = field(default_factory=list)


class Condition(Protocol):
    """One part of a claim."""

    @property
    def names(self) -> tuple[str, ...]:
        """The runs that it speaks of."""
        ...

    @property
    def rule(self) -> str:
        """The test in words."""
        ...

    def known(self, case: Case) -> Finding:
        """What the validation images and one seed say."""
        ...

    def found(self, case: Case) -> Finding:
        """What the exam and all seeds say; raises `exam.NoExamError` where it was not sat."""
        ...


@dataclass(frozen=True)
class OfTwo:
    """A condition on two runs."""

    first: str
    second: str

    @property
    def names(self) -> tuple[str, ...]:
        """The two."""
        return self.first, self.second


@dataclass(frozen=True)
class MoreAccurate(OfTwo):
    """The first is more accurate than the second; `paired` if they saw the same images."""

    paired: bool = True

    @property
    def rule(self) -> str:
        """McNemar or Fisher, and the exam."""
        test = "exact McNemar test on the same images" if self.paired else "Fisher's exact test on the accuracies"
        return (
            f"{self.first} more accurate than {self.second}: {test} at the best epochs, p < {SIGNIFICANT} either way; "
            + MARGINS[ACCURACY_MARGIN]
        )

    def known(self, case: Case) -> Finding:
        """McNemar's test on the same images, Fisher's on different ones."""
        a, b = (case.runs[name] for name in self.names)
        higher = accuracy(a).value > accuracy(b).value
        if not self.paired:
            p = fisher(a, b)
            return Finding(higher if p < SIGNIFICANT else None, _accuracies(self, case) + f", Fisher {p_words(p)}")
        test = mcnemar(a, b)
        holds = test.n10 > test.n01 if test.p < SIGNIFICANT else None
        return Finding(holds, _accuracies(self, case) + f", McNemar {p_words(test.p)}")

    def found(self, case: Case) -> Finding:
        """Better on the exam."""
        effect = _accuracy_effect(self, case)
        return Finding(_said(effect.word(ACCURACY_MARGIN), yes=(BETTER,)), _effect(self, effect, ACCURACY_MARGIN))


@dataclass(frozen=True)
class NotBetter(OfTwo):
    """The first is no more accurate than the second."""

    @property
    def rule(self) -> str:
        """An interval that leaves no room for more."""
        return (
            f"{self.first} no better than {self.second}: 95 % interval of the accuracy difference on the same images "
            f"ends below +{100 * EQUAL:.0f} points (refuted if the exact McNemar test shows it to be better, "
            f"p < {SIGNIFICANT}); {MARGINS[ACCURACY_MARGIN]}"
        )

    def known(self, case: Case) -> Finding:
        """The interval of the difference, unless McNemar's test finds one."""
        a, b = (case.runs[name] for name in self.names)
        test, difference = mcnemar(a, b), accuracy_difference(a, b)
        holds: bool | None = True if difference.high < EQUAL else None
        if test.p < SIGNIFICANT:
            holds = test.n10 < test.n01
        return Finding(holds, _accuracies(self, case) + _tested(difference, test.p))

    def found(self, case: Case) -> Finding:
        """Worse, or no difference that matters, on the exam."""
        effect = _accuracy_effect(self, case)
        return Finding(_said(effect.word(ACCURACY_MARGIN), yes=(WORSE, SAME)), _effect(self, effect, ACCURACY_MARGIN))


@dataclass(frozen=True)
class EquallyAccurate(OfTwo):
    """The two are equally accurate."""

    @property
    def rule(self) -> str:
        """An interval within a margin."""
        return (
            f"{self.first} and {self.second}: 95 % interval of the accuracy difference on the same images lies within "
            f"±{100 * EQUAL:.0f} points (refuted if the exact McNemar test shows a difference, p < {SIGNIFICANT}); "
            + MARGINS[ACCURACY_MARGIN]
        )

    def known(self, case: Case) -> Finding:
        """The interval of the difference, unless McNemar's test finds one."""
        a, b = (case.runs[name] for name in self.names)
        test, difference = mcnemar(a, b), accuracy_difference(a, b)
        holds: bool | None = True if max(-difference.low, difference.high) < EQUAL else None
        return Finding(False if test.p < SIGNIFICANT else holds, _accuracies(self, case) + _tested(difference, test.p))

    def found(self, case: Case) -> Finding:
        """No difference that matters on the exam."""
        effect = _accuracy_effect(self, case)
        return Finding(_said(effect.word(ACCURACY_MARGIN), yes=(SAME,)), _effect(self, effect, ACCURACY_MARGIN))


@dataclass(frozen=True)
class LowerLoss(OfTwo):
    """The first has the lower loss: each at its lowest validation loss if `lowest`, else at its best accuracy."""

    lowest: bool = False
    paired: bool = True

    @property
    def rule(self) -> str:
        """An interval that excludes 0."""
        at = "lowest losses" if self.lowest else "best epochs"
        how = "image by image" if self.paired else "between two sets of images"
        return (
            f"loss of {self.first} lower than of {self.second}: 95 % interval of the difference {how}, at the {at}, "
            f"excludes 0 either way; {MARGINS[LOSS_MARGIN]}"
        )

    def known(self, case: Case) -> Finding:
        """The interval of the difference; the losses at the other epoch stand beside it."""
        a, b = (case.runs[name] for name in self.names)
        difference = loss_difference(a, b, self.lowest) if self.paired else unpaired_loss_difference(a, b)
        holds = None if difference.low <= 0 <= difference.high else difference.value < 0
        at_best, at_lowest = (
            [run.history["val_loss"][e] for run, e in zip((a, b), epochs, strict=True)]
            for epochs in ((a.best_epoch, b.best_epoch), (a.lowest_loss_epoch, b.lowest_loss_epoch))
        )
        names = {"lowest loss": at_lowest, "loss at best accuracy": at_best}
        main, other = sorted(names, key=lambda name: (name == "lowest loss") != self.lowest)
        return Finding(
            holds,
            f"{main} {names[main][0]:.3f} ({self.first}), {names[main][1]:.3f} ({self.second}), difference "
            f"{difference} ({other} {names[other][0]:.3f}, {names[other][1]:.3f})",
        )

    def found(self, case: Case) -> Finding:
        """Lower on the exam."""
        at = exam.LOWEST if self.lowest else exam.BEST
        first, second = (case.seeds[name] for name in self.names)
        if self.paired:
            exam.same_exam(first, second)
        effect = exam.loss_effect(first, second, at)
        text = f"loss of {self.first} lower than of {self.second} by {exam.effect_words(effect, LOSS_MARGIN)}"
        return Finding(_said(effect.word(LOSS_MARGIN), yes=(BETTER,)), text)


@dataclass(frozen=True)
class BestOf:
    """The first is the most accurate of several."""

    first: str
    others: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return self.first, *self.others

    @property
    def rule(self) -> str:
        """Against each of the others, with Holm's adjustment."""
        return (
            f"{self.first} the best of {len(self.names)}: exact McNemar tests against each of the others, adjusted "
            f"after Holm, all p < {SIGNIFICANT}; refuted if one of the others is so much better; "
            f"{MARGINS[ACCURACY_MARGIN]}, both adjusted after Holm"
        )

    def known(self, case: Case) -> Finding:
        """McNemar's tests against each of the others."""
        from labutils.statistics import holm

        own = case.runs[self.first]
        tests = {name: mcnemar(own, case.runs[name]) for name in self.others}
        adjusted = holm({name: test.p for name, test in tests.items()})
        lost = [name for name, test in tests.items() if adjusted[name] < SIGNIFICANT and test.n01 > test.n10]
        won = [name for name, test in tests.items() if adjusted[name] < SIGNIFICANT and test.n10 > test.n01]
        top = max(self.names, key=lambda name: accuracy(case.runs[name]).value)
        words = (
            f"{self.first} {accuracy(own).value:.3f}, highest {accuracy(case.runs[top]).value:.3f} ({top}); "
            f"better than {len(won)}, worse than {len(lost)} of {len(self.others)} after Holm"
        )
        return Finding(False if lost else True if len(won) == len(self.others) else None, words)

    def found(self, case: Case) -> Finding:
        """Better than each of the others on the exam; not the best if one is as good or better."""
        exam.same_exam(*(case.seeds[name] for name in self.names))
        effects = {name: exam.accuracy_effect(case.seeds[self.first], case.seeds[name]) for name in self.others}
        words = adjusted_words(effects, ACCURACY_MARGIN)
        counts = ", ".join(f"{list(words.values()).count(word)} {word}" for word in (BETTER, WORSE, SAME, UNDECIDED))
        said = [_said(word, yes=(BETTER,)) for word in words.values()]
        holds = False if False in said else None if None in said else True
        closest = min(effects, key=lambda name: effects[name].value)
        nearest = exam.effect_words(effects[closest], word=words[closest])
        text = f"{self.first} against the others, after Holm: {counts}; against {closest} {nearest}"
        return Finding(holds, text)


@dataclass(frozen=True)
class BestOfAll:
    """No other run on the same images is as accurate."""

    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """The one."""
        return (self.name,)

    @property
    def rule(self) -> str:
        """Against the best of the others."""
        return (
            f"{self.name} better than the best other run on the same images, chosen on validation: exact McNemar test "
            f"at the best epochs, p < {SIGNIFICANT} either way; {MARGINS[ACCURACY_MARGIN]}"
        )

    def known(self, case: Case) -> Finding:
        """McNemar's test against the best other run."""
        rival, others = self._rival(case)
        if rival is None:
            return Finding(None, f"{self.name}: no other run on the same images")
        pair = Case({self.name: case.runs[self.name], self._title(rival, others): rival})
        return MoreAccurate(self.name, self._title(rival, others)).known(pair)

    def found(self, case: Case) -> Finding:
        """Better on the exam than the run that validation puts first of the others, at all its seeds."""
        rival, others = self._rival(case)
        if rival is None:
            return Finding(None, f"{self.name}: no other run on the same images")
        alike = [run for run in case.everything if same_setting(run, rival)]
        title = self._title(rival, others)
        pair = Case({}, {self.name: case.seeds[self.name], title: alike})
        return MoreAccurate(self.name, title).found(pair)

    def _rival(self, case: Case) -> tuple[Run | None, int]:
        own = case.runs[self.name]
        # At the same size too: a small stand-in has the same files and another fingerprint.
        same = [run for run in case.everything if same_images(run, own) and same_fingerprint(run, own)]
        others = [run for run in same if not same_setting(run, own)]
        return max(others, key=lambda run: accuracy(run).value, default=None), len(others)

    def _title(self, rival: Run, others: int) -> str:
        return f"{rival.config.slug}, the best of {others} other runs"


@dataclass(frozen=True)
class NearCeiling:
    """The accuracy is near the highest that anyone could reach."""

    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """The one."""
        return (self.name,)

    @property
    def rule(self) -> str:
        """An interval around the ceiling."""
        return (
            f"{self.name} at most {100 * NEAR:.0f} points below the ceiling (of phantoms what their drawn signs allow, "
            "else 1.0): 95 % interval begins above that (refuted if it ends below); on the exam the same"
        )

    def known(self, case: Case) -> Finding:
        """The interval on the validation images."""
        level = self._level(case.runs[self.name])
        return self._finding(accuracy(case.runs[self.name]), level)

    def found(self, case: Case) -> Finding:
        """The interval on the exam."""
        runs = case.seeds[self.name]
        reached = exam.level(runs)
        found = self._finding(reached.interval(), self._level(runs[0]))
        return Finding(found.holds, f"{found.evidence} ({reached.basis})")

    def _level(self, run: Run) -> float:
        return (ceiling_of(run) or 1.0) - NEAR

    def _finding(self, estimate: Estimate, level: float) -> Finding:
        near = False if estimate.high < level else True if estimate.low >= level else None
        return Finding(near, f"{self.name}'s accuracy is {estimate}, the ceiling {level + NEAR:.3f}")


def ceiling_of(run: Run) -> float | None:
    """The highest accuracy that the images of a run allow, where that is known: of phantoms with drawn signs."""
    if run.source != "phantom":
        return None
    from labutils.phantoms.write import ceiling

    return ceiling(run.config.dataset)


def same_fingerprint(run_a: Run, run_b: Run) -> bool:
    """Whether two runs were trained and validated on the same pixels."""
    return run_a.provenance.get("fingerprint") == run_b.provenance.get("fingerprint")


def same_setting(run_a: Run, run_b: Run) -> bool:
    """Whether two runs differ in nothing but their seed and length."""
    return (
        run_a.source == run_b.source
        and same_fingerprint(run_a, run_b)
        and run_a.config.with_(seed=run_b.config.seed, epochs=run_b.config.epochs) == run_b.config
    )


def _said(word: str, yes: tuple[str, ...]) -> bool | None:
    return None if word == UNDECIDED else word in yes


def _accuracy_effect(condition: MoreAccurate | NotBetter | EquallyAccurate, case: Case) -> Effect:
    first, second = case.seeds[condition.first], case.seeds[condition.second]
    if getattr(condition, "paired", True):
        exam.same_exam(first, second)
    return exam.accuracy_effect(first, second)


def _effect(condition: MoreAccurate | NotBetter | EquallyAccurate, effect: Effect, margin: float) -> str:
    return f"{condition.first} over {condition.second} {exam.effect_words(effect, margin)}"


def _accuracies(condition: MoreAccurate | NotBetter | EquallyAccurate, case: Case) -> str:
    first, second = (accuracy(case.runs[name]).value for name in condition.names)
    return f"accuracy {first:.3f} ({condition.first}), {second:.3f} ({condition.second})"


def _tested(difference: Estimate, p: float) -> str:
    return f", {in_points(difference)} points, McNemar {p_words(p)}"
