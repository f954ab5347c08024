"""Findings: what a measure says of some settings, in one word and with its numbers; words and limits are in `rules`.

Each measure is taken twice: `known`, on the validation images and one seed; `found`, on the exam and all stored seeds,
or, where it needs whole curves, from those of all seeds. Verdicts (`claims`) and sentences (`sentences`) are printed
from findings, and neither decides again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, log
from typing import Any, NamedTuple

import numpy as np

from labutils.evaluate import compare, curves, exam, rules
from labutils.evaluate.compare import mcnemar
from labutils.evaluate.curves import MEASURED, WINDOW, train_curve
from labutils.evaluate.effects import Effect, Sample, adjusted_words, measure_effect
from labutils.evaluate.metrics import accuracy
from labutils.evaluate.rules import BELOW, BETTER, EQUALS, IS, IS_NOT, REACHED, SAME, SIGNIFICANT, UNDECIDED, WORSE
from labutils.runs.run import Run
from labutils.statistics import LEVEL, Estimate, holm, in_points, p_words, points

VALIDATION = "on the validation images"


class Setting(NamedTuple):
    """What is judged: its name in a claim or a sentence, one run of it, and its runs at every seed that is stored."""

    name: str
    run: Run
    seeds: Sequence[Run] = ()


class Finding(NamedTuple):
    """What was found: a word of `rules`, and the numbers in words.

    `estimate` is the number that the word was read from, where it is one, and `basis` where it was read. `p` is of
    McNemar's test, where that was asked; `area` what AUC says beside an accuracy on the exam (`exam.area_words`);
    `effect` a difference on the exam, which matters from `margin` on. `effects` are all those that the word was read
    from, `amounts` what single seeds gave, of which it was the mean.
    """

    word: str
    evidence: str
    estimate: Estimate | None = None
    basis: str = VALIDATION
    p: float | None = None
    area: str = ""
    effect: Effect | None = None
    margin: float = 0.0
    effects: tuple[Effect, ...] = ()
    amounts: tuple[float, ...] = ()

    def holds(self, rule: str) -> bool | None:
        """Whether a statement of this kind holds, does not, or cannot be told."""
        return rules.HOLDS[rule].get(self.word)

    @property
    def points(self) -> str:
        """The estimate in percentage points."""
        return in_points(self.estimate) if self.estimate else ""


class Measure(NamedTuple):
    """How something is measured, on what the lab could know and on what holds, and the test in words, by its rule."""

    known: Callable[..., Finding]
    found: Callable[..., Finding]
    is_: str
    is_not: str = ""
    equals: str = ""


@dataclass(frozen=True)
class Condition:
    """One part of a claim: one of `MEASURES`, the settings that it is taken of, and what it must say (`rules.HOLDS`).

    `names` are in the measure's order; for gaps, pairs of the wide and the narrow one. `limits` are there where the
    measure takes them from the claim.
    """

    measure: str
    names: tuple[str, ...]
    rule: str = IS
    limits: tuple[int | float, ...] = ()

    @property
    def words(self) -> str:
        """The test in words."""
        mean = ", mean over the pairs" if len(self.names) > 2 else ""
        there: dict[str, Any] = {"pairs": _against(self.names), "mean": mean, "limits": self.limits, **_IN_WORDS}
        measure = MEASURES[self.measure]
        text = {IS: measure.is_, IS_NOT: measure.is_not, EQUALS: measure.equals}[self.rule]
        return text.format(*self.names, count=len(self.names), **there)

    def known(self, *settings: Setting) -> Finding:
        """What the validation images and one seed say."""
        return MEASURES[self.measure].known(self, *settings)

    def found(self, *settings: Setting) -> Finding:
        """What the exam and all seeds say; raises `exam.NoExamError` where it was not sat."""
        return MEASURES[self.measure].found(self, *settings)


def known(measure: str, run: Run, limits: tuple[float, ...] = ()) -> Finding:
    """What a measure says of one run on its validation images."""
    return Condition(measure, (run.label,), limits=limits).known(Setting(run.label, run))


def at_least(estimate: Estimate, margin: float) -> bool | None:
    """Whether something is there and at least `margin` large.

    True: the estimate reaches the margin and the interval lies above 0. False: the interval lies below the margin.
    """
    if estimate.high < margin:
        return False
    return True if estimate.value >= margin and estimate.low > 0 else None


def _amount(
    reached: bool | None, evidence: str, estimate: Estimate | None = None, basis: str = VALIDATION, *effects: Effect
) -> Finding:
    word = UNDECIDED if reached is None else REACHED if reached else BELOW
    return Finding(word, evidence, estimate, basis, effects=effects)


def _difference(effect: Effect, usual: float, says: str, then: str = "") -> Finding:
    evidence, margin = f"{says} {exam.effect_words(effect, usual)}{then}", rules.margin(usual)
    return Finding(effect.word(margin), evidence, effect.interval(), _on(effect), None, "", effect, margin, (effect,))


def _on(effect: Effect) -> str:
    return f"on the exam, {effect.basis}"


def _two_on_exam(kind: str, usual: float, first: Setting, second: Setting, says: str, paired: bool) -> Finding:
    if paired:
        exam.same_exam(first.seeds, second.seeds)
    return _difference(exam.effect(kind, first.seeds, second.seeds), usual, says)


def _pairs(things: Sequence) -> list[tuple]:
    return list(zip(things[::2], things[1::2], strict=False))


def _against(names: Sequence[str]) -> str:
    return "; ".join(f"{wide} against {narrow}" for wide, narrow in _pairs(names))


# Accuracy and loss of two settings; those of two data sets saw different images, and nothing is paired.


def _accuracy(condition: Condition, first: Setting, second: Setting, paired: bool = True) -> Finding:
    one, other = (accuracy(setting.run).value for setting in (first, second))
    text = f"accuracy {one:.3f} ({first.name}), {other:.3f} ({second.name})"
    if not paired:
        p = compare.fisher(first.run, second.run)
        word = UNDECIDED if p >= LEVEL.get() else BETTER if one > other else WORSE
        return Finding(word, f"{text}, Fisher {p_words(p)}")
    test, difference = mcnemar(first.run, second.run), compare.accuracy_difference(first.run, second.run)
    if test.p < LEVEL.get():
        word = BETTER if test.n10 > test.n01 else WORSE
    elif difference.high < rules.margin(rules.EQUAL):
        word = rules.CLOSE if -difference.low < rules.margin(rules.EQUAL) else rules.NO_BETTER
    else:
        word = UNDECIDED
    by = "" if condition.rule == IS else f", {in_points(difference)} points"
    return Finding(word, f"{text}{by}, McNemar {p_words(test.p)}", difference, p=test.p)


def _accuracy_on_exam(condition: Condition, first: Setting, second: Setting, paired: bool = True) -> Finding:
    says = f"{first.name} over {second.name}"
    finding = _two_on_exam("accuracy", rules.ACCURACY_MARGIN, first, second, says, paired)
    area = exam.area_words(first.seeds, second.seeds, finding.word)
    return finding._replace(evidence=f"{finding.evidence}, AUC {area}", area=area)


def _loss(condition: Condition, first: Setting, second: Setting, paired: bool = True) -> Finding:
    """The difference of the lowest losses; those at the best accuracy stand beside it."""
    a, b = first.run, second.run
    difference = compare.loss_difference(a, b, paired)
    if not difference.low <= 0 <= difference.high:
        word = BETTER if difference.value < 0 else WORSE
    else:
        word = rules.CLOSE if max(-difference.low, difference.high) < rules.margin(rules.LOSS_MARGIN) else UNDECIDED
    one, other = (run.history["val_loss"][run.lowest_loss_epoch] for run in (a, b))
    beside = ", ".join(f"{run.history['val_loss'][run.best_epoch]:.3f}" for run in (a, b))
    text = f"lowest loss {one:.3f} ({first.name}), {other:.3f} ({second.name}), difference {difference}"
    return Finding(word, f"{text} (loss at best accuracy {beside})", difference)


def _loss_on_exam(condition: Condition, first: Setting, second: Setting, paired: bool = True) -> Finding:
    says = f"loss of {first.name} lower than of {second.name} by"
    return _two_on_exam("loss", rules.LOSS_MARGIN, first, second, says, paired)


# Gaps between training and what was not trained on, and over-fitting.


def _gap(condition: Condition, *settings: Setting) -> Finding:
    runs = [setting.run for setting in settings]
    narrowing, curve, least = compare.gap_difference(*_pairs(runs)), train_curve(*runs), rules.margin(rules.NARROWER)
    if at_least(narrowing, least):
        word = BETTER
    elif narrowing.value <= -least and narrowing.high < 0:
        word = WORSE
    elif narrowing.high < least:
        word = SAME if -narrowing.low < least else BELOW
    else:
        word = UNDECIDED
    gaps = [points(float(curves.gap_by_image(run, curve).mean())) for run in runs]
    shown = _against(gaps).replace(";", ",")
    text = f"gap of {_against(condition.names)}: {shown}, narrower by {in_points(narrowing)} points"
    return Finding(word, f"{text} (training {MEASURED[curve]})", narrowing)


def _gap_on_exam(condition: Condition, *settings: Setting) -> Finding:
    seeds = [setting.seeds for setting in settings]
    exam.same_exam(*seeds)
    effect, measured = exam.gap_effect(*_pairs(seeds)), f", {exam.gap_basis(*seeds)}"
    return _difference(effect, rules.ACCURACY_MARGIN, "gap narrower by", measured)


def _own_gap(condition: Condition, one: Setting) -> Finding:
    gap, measured = curves.accuracy_gap(one.run), MEASURED[train_curve(one.run)]
    text = f"{one.name}: training is {in_points(gap)} points above validation (training {measured})"
    return _amount(at_least(gap, rules.WIDE), text, gap)


def _own_gap_on_exam(condition: Condition, one: Setting) -> Finding:
    gap = exam.gap_effect((one.seeds,))
    text = f"{one.name}: training is {in_points(gap.interval())} points above the exam ({gap.basis})"
    return _amount(gap.at_least(rules.WIDE), f"{text}, {exam.gap_basis(one.seeds)}", gap.interval(), _on(gap), gap)


def _rise(condition: Condition, one: Setting) -> Finding:
    rise, name = curves.loss_rise(one.run), one.name
    return _amount(at_least(rise, *condition.limits), f"{name}: validation loss ends {rise} above its minimum", rise)


def _rise_on_exam(condition: Condition, one: Setting) -> Finding:
    rise = exam.effect("rise", one.seeds)
    text = f"{one.name}: exam loss ends {rise.interval()} above that at the lowest validation loss ({rise.basis})"
    return _amount(rise.at_least(*condition.limits), text, rise.interval(), _on(rise), rise)


# What is read from whole curves: those of one run, or in the same way those of all seeds.


def _onset(condition: Condition, one: Setting) -> Finding:
    first, last = condition.limits
    onsets = [curves.overfitting_epoch(one.run.history, climb=climb) for climb in rules.CLIMBS]
    inside = [begins is not None and first <= begins <= last for begins in onsets]
    shown = "/".join(str(begins or "never") for begins in onsets)
    text = f"over-fitting begins at epoch {shown} for climbs of {'/'.join(f'{climb:.2f}' for climb in rules.CLIMBS)}"
    return _amount(True if all(inside) else None if any(inside) else False, text)


def _onset_of_seeds(condition: Condition, one: Setting) -> Finding:
    """Whether the mean onset lies between the limits; a run that never over-fits counts as beginning after its end."""
    first, last = condition.limits
    onsets = [curves.overfitting_epoch(run.history) for run in one.seeds]
    text = f"over-fitting begins at epoch {', '.join(str(begins or 'never') for begins in onsets)}"
    if len(onsets) < 2:
        return _amount(None, f"{text} at one seed: how far seeds move it is unknown")
    counted = [begins or run.epochs + 1 for begins, run in zip(onsets, one.seeds, strict=True)]
    mean, basis = _mean_over_seeds(counted, rules.LATEST), f"over {len(onsets)} seeds"
    within = True if first <= mean.low and mean.high <= last else None
    outside = mean.high < first or mean.low > last
    shown = f"mean {mean.value:.0f} [{mean.low:.0f}, {mean.high:.0f}]"
    found = _amount(False if outside else within, f"{text}, {shown} {basis}", mean, basis)
    return found._replace(amounts=tuple(counted))


def _mean_over_seeds(amounts: Sequence[float], most: float) -> Estimate:
    """The geometric mean of what several seeds gave, with its 95 % interval over seeds, shown up to `most`."""
    effect = measure_effect([Sample(1.0, np.log(np.array(amounts))[:, None])])
    return Estimate(*(exp(min(end, log(most))) for end in effect.interval()))


def _training(condition: Condition, one: Setting, over_seeds: bool = False) -> Finding:
    runs = one.seeds if over_seeds else [one.run]
    level = float(np.mean([np.mean(run.history["accuracy"][-WINDOW:]) for run in runs]))
    over, (no, yes) = f", mean of {len(runs)} seeds" if len(runs) > 1 else "", condition.limits
    reached = True if level >= yes else False if level <= no else None
    text = f"training accuracy ends at {level:.3f}{over}"
    return _amount(reached, text, basis=f"over {len(runs)} seeds" if over_seeds else VALIDATION)


def _epochs_to_goal(fast: Run, slow: Run) -> tuple[int | None, int, float]:
    goal = float(slow.history["accuracy"].max())
    return curves.epochs_to_reach(fast.history, goal), int(slow.history["accuracy"].argmax()) + 1, goal


def _learning(condition: Condition, fast: Setting, slow: Setting) -> Finding:
    after, before, goal = _epochs_to_goal(fast.run, slow.run)
    took = f"after {after} epochs" if after else "never"
    text = f"training accuracy {goal:.3f}: {took} {fast.name}, {before} {slow.name}"
    fewer = None if after and rules.FAR_FEWER * before < after < before else bool(after and after < before)
    return _amount(fewer, text)


def _learning_ratio(one: Run, other: Run) -> float:
    after, before, _ = _epochs_to_goal(one, other)
    return (after or one.epochs + 1) / before


def _converging(condition: Condition, fast: Setting, slow: Setting) -> Finding:
    level, after, before, ratio = compare.speed(fast.run, slow.run, rules.SLACK)
    text = f"smoothed validation loss {level:.3f} after {after} epochs {fast.name}, {before} {slow.name}, ratio {ratio}"
    return _amount(_at_most(ratio, rules.FASTER), text, ratio)


def _converging_ratio(one: Run, other: Run) -> float:
    return compare.speed(one, other, rules.SLACK, draws=1).ratio.value


def _steadier(condition: Condition, steady: Setting, other: Setting) -> Finding:
    ratio, losses = compare.steadiness(steady.run, other.run), _losses_stray([steady.run], [other.run])
    text = f"validation accuracy of {steady.name} strays {ratio} times as far as that of {other.name} ({losses})"
    return _amount(_at_most(ratio, rules.STEADIER), text, ratio)


def _steadier_of_seeds(condition: Condition, steady: Setting, other: Setting) -> Finding:
    of, ratio = f"of what {other.name} strays", lambda a, b: compare.steadiness(a, b, draws=1).value
    finding = _over_seeds(condition, steady, other, ratio, rules.STEADIER, of)
    return finding._replace(evidence=f"{finding.evidence}; {_losses_stray(steady.seeds, other.seeds)}")


def _losses_stray(steady: Sequence[Run], other: Sequence[Run]) -> str:
    """The same of losses, which stands beside it: where a network is surer, they jump farther."""
    one, another = (np.mean([curves.unsteadiness(r.history["val_loss"]) for r in runs]) for runs in (steady, other))
    return f"validation loss {one:.4f} against {another:.4f}"


def _at_most(ratio: Estimate, factor: float) -> bool | None:
    if ratio.low > factor:
        return False
    return True if ratio.value <= factor and ratio.high < 1 else None


def _over_seeds(
    _: Condition, fast: Setting, slow: Setting, ratio: Callable, factor: float, of: str = "of the epochs"
) -> Finding:
    """Whether a ratio, over seeds and as a geometric mean, is at most `factor`."""
    ratios = [ratio(*pair) for pair in zip(fast.seeds, slow.seeds, strict=False)]
    shown = ", ".join(f"{value:.2f}" for value in ratios)
    if len(ratios) < 2:
        return _amount(None, f"{shown} {of} at one seed: how far seeds move it is unknown")
    mean, basis = _mean_over_seeds(ratios, rules.HIGHEST), f"over {len(ratios)} seeds"
    found = _amount(_at_most(mean, factor), f"{mean} {of} {basis} ({shown})", mean, basis)
    return found._replace(amounts=tuple(ratios))


# A setting among others, and before the highest that anyone could reach.


def _best(condition: Condition, own: Setting, *others: Setting) -> Finding:
    tests = {other.name: mcnemar(own.run, other.run) for other in others}
    adjusted = holm({name: test.p for name, test in tests.items()})
    told = [test for name, test in tests.items() if adjusted[name] < LEVEL.get()]
    lost, won = sum(test.n01 > test.n10 for test in told), sum(test.n10 > test.n01 for test in told)
    top = max((own, *others), key=lambda setting: accuracy(setting.run).value)
    text = f"{own.name} {accuracy(own.run).value:.3f}, highest {accuracy(top.run).value:.3f} ({top.name}); "
    text += f"better than {won}, worse than {lost} of {len(others)} after Holm"
    return _amount(False if lost else True if won == len(others) else None, text)


def _best_on_exam(condition: Condition, own: Setting, *others: Setting) -> Finding:
    exam.same_exam(own.seeds, *(other.seeds for other in others))
    effects = {other.name: exam.effect("accuracy", own.seeds, other.seeds) for other in others}
    words = adjusted_words(effects, rules.margin(rules.ACCURACY_MARGIN))
    counts = ", ".join(f"{list(words.values()).count(word)} {word}" for word in (BETTER, WORSE, SAME, UNDECIDED))
    closest = min(effects, key=lambda name: effects[name].value)
    nearest = exam.effect_words(effects[closest], word=words[closest])
    text = f"{own.name} against the others, after Holm: {counts}; against {closest} {nearest}"
    said = {rules.HOLDS[IS].get(word) for word in words.values()}
    reached = False if False in said else None if None in said else True
    return _amount(reached, text, None, _on(effects[closest]), *effects.values())


def _ceiling(condition: Condition, one: Setting, on_exam: bool = False) -> Finding:
    level = exam.effect("accuracy", one.seeds) if on_exam else None
    reached, ceiling = level.interval() if level else accuracy(one.run), ceiling_of(one.run) or 1.0
    near = False if reached.high < ceiling - rules.NEAR else True if reached.low >= ceiling - rules.NEAR else None
    text = f"{one.name}'s accuracy is {reached}, the ceiling {ceiling:.3f}"
    if level:
        return _amount(near, f"{text} ({level.basis})", reached, _on(level), level)
    return _amount(near, text, reached)


def ceiling_of(run: Run, split: str = "exam") -> float | None:
    """The highest accuracy that images such as a run's allow, where that is known: of phantoms with drawn signs."""
    if run.source != "phantom":
        return None
    from labutils.phantoms.write import ceiling

    return ceiling(run.config.dataset, split)


_EXAM = "on the exam, over seeds and images: better or worse if the 95 % interval excludes 0 and the value is at least "
_WITHIN = ", no difference if the 90 % interval lies within it"
_IN_WORDS: dict[str, object] = {
    "by_points": f"{_EXAM}{100 * rules.ACCURACY_MARGIN:.0f} point{_WITHIN}",
    "by_loss": f"{_EXAM}{rules.LOSS_MARGIN}{_WITHIN}",
    "all_seeds": "over all stored seeds: the same for their mean, 95 % interval (two seeds at least)",
    "p": f"p < {SIGNIFICANT}",
    "close": rules.LOSS_MARGIN,
    "equal": f"{100 * rules.EQUAL:.0f} points",
    "narrower": f"{100 * rules.NARROWER:.0f} points",
    "wide": f"{100 * rules.WIDE:.0f}",
    "near": f"{100 * rules.NEAR:.0f} points",
    "far_fewer": f"{rules.FAR_FEWER:.0%}",
    "faster": f"{rules.FASTER:.0%}",
    "steadier": f"{rules.STEADIER:.0%}",
    "slack": rules.SLACK,
    "climb": rules.CLIMB,
    "climbs": ", ".join(f"{climb:.2f}" for climb in rules.CLIMBS),
    "window": WINDOW,
    "fixed": MEASURED["fixed_accuracy"],
}
_LOSS = (
    "loss of {0} lower than of {1} at the lowest losses: 95 % interval of the difference, %s, excludes 0 either way; "
    "{by_loss}"
)
_RISE = (
    "{0}: mean validation loss of the last {window} epochs minus that of the lowest {window} in a row: %s if at least "
    "{limits[0]:.2f}, 95 %% interval above 0, %s if it stays below; on the exam, loss after the last epoch minus that "
    "after the one of the lowest validation loss, the same"
)
MEASURES = {
    "accuracy": Measure(
        _accuracy,
        _accuracy_on_exam,
        "{0} more accurate than {1}: exact McNemar test on the same images at the best epochs, {p} either way; "
        "{by_points}",
        is_not="{0} no better than {1}: 95 % interval of the accuracy difference on the same images ends below "
        "+{equal} (refuted if the exact McNemar test shows it to be better, {p}); {by_points}",
        equals="{0} and {1}: 95 % interval of the accuracy difference on the same images lies within ±{equal} "
        "(refuted if the exact McNemar test shows a difference, {p}); {by_points}",
    ),
    "accuracy of two data sets": Measure(
        partial(_accuracy, paired=False),
        partial(_accuracy_on_exam, paired=False),
        "{0} more accurate than {1}: Fisher's exact test on the accuracies at the best epochs, {p} either way; "
        "{by_points}",
    ),
    "lowest loss": Measure(
        _loss,
        _loss_on_exam,
        _LOSS.replace("%s", "image by image"),
        equals="loss of {0} and {1} at the lowest losses: 95 % interval of the difference, image by image, within "
        "±{close} (refuted if it excludes 0); {by_loss}",
    ),
    "lowest loss of two data sets": Measure(
        partial(_loss, paired=False),
        partial(_loss_on_exam, paired=False),
        _LOSS.replace("%s", "between two sets of images"),
    ),
    "narrower gap": Measure(
        _gap,
        _gap_on_exam,
        "{pairs}: gap = training minus validation accuracy, mean of the last {window} epochs, training {fixed} "
        "where that is stored; narrower{mean} by at least {narrower} with a 95 % interval above 0, refuted if the "
        "interval stays below {narrower}; gap to the exam instead, {by_points}",
    ),
    "wide gap": Measure(
        _own_gap,
        _own_gap_on_exam,
        "{0}: gap at least {wide} points, 95 % interval above 0 (refuted if it stays below {wide}); on the "
        "exam the same",
    ),
    "over-fitting": Measure(
        _rise, _rise_on_exam, _RISE % ("over-fits", "refuted"), is_not=_RISE % ("refuted", "holds")
    ),
    "onset of over-fitting": Measure(
        _onset,
        _onset_of_seeds,
        "{0}: smoothed validation loss stays {climbs} above its minimum from an epoch between {limits[0]} and "
        "{limits[1]} on, for each of these climbs (refuted if for none); over all stored seeds, at {climb}: 95 % "
        "interval of the mean onset within these epochs (refuted if outside; never counts as after the end)",
    ),
    "training accuracy": Measure(
        _training,
        partial(_training, over_seeds=True),
        "{0}: training accuracy, mean of the last {window} epochs, at least {limits[1]} (refuted up to "
        "{limits[0]}); over all stored seeds, their mean",
    ),
    "far fewer epochs": Measure(
        _learning,
        partial(_over_seeds, ratio=_learning_ratio, factor=rules.FAR_FEWER),
        "{0}: epochs to the highest training accuracy of {1} at most {far_fewer} of those that it needed "
        "itself (refuted if not fewer); {all_seeds}",
    ),
    "faster": Measure(
        _converging,
        partial(_over_seeds, ratio=_converging_ratio, factor=rules.FASTER),
        "{0}: epochs until the smoothed validation loss comes down to the higher of the two minima plus "
        "{slack} at most {faster} of those of {1}, 95 % interval over images below 100 % (refuted if it stays "
        "above {faster}); {all_seeds}",
    ),
    "steadier": Measure(
        _steadier,
        _steadier_of_seeds,
        "{0}: its validation accuracy strays from its running mean over {window} epochs at most {steadier} as far as "
        "that of {1} (root mean square), 95 % interval over images below 100 % (refuted if it stays above {steadier}); "
        "{all_seeds}",
    ),
    "best": Measure(
        _best,
        _best_on_exam,
        "{0} the best of {count}: exact McNemar tests against each of the others, adjusted after Holm, all "
        "{p}; refuted if one of the others is so much better; {by_points}, both adjusted after Holm",
    ),
    "near the ceiling": Measure(
        _ceiling,
        partial(_ceiling, on_exam=True),
        "{0} at most {near} below the ceiling (of phantoms what their drawn signs allow, else 1.0): 95 % "
        "interval begins above that (refuted if it ends below); on the exam the same",
    ),
}
"""All measures, by the names that claims and sentences use."""
