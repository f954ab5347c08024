"""Sentences whose truth depends on the outcome: a finding chooses its sentence by its word, and nothing decides again.

A sentence is said of settings, each given as its runs of every seed: of the validation images and one seed, and where
an exam was sat of that and all seeds; in one sentence where both say the same.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from math import log
from typing import NamedTuple

import numpy as np

from labutils import lab
from labutils.config import RunConfig, scientific
from labutils.errors import ComparisonError
from labutils.evaluate.claims import MISSING, Verdict, same_but_seed
from labutils.evaluate.compare import gap_difference, mcnemar, speed
from labutils.evaluate.curves import MEASURED, WINDOW, accuracy_gap, best, smooth, train_curve
from labutils.evaluate.effects import adjusted_words
from labutils.evaluate.exam import NoExamError
from labutils.evaluate.findings import VALIDATION, Condition, Finding, Setting
from labutils.evaluate.metrics import accuracy, auc
from labutils.evaluate.rules import (
    ACCURACY_MARGIN,
    BELOW,
    BETTER,
    CLOSE,
    IS,
    IS_NOT,
    LOSS_MARGIN,
    NARROWER,
    NO_BETTER,
    OVERFITS,
    REACHED,
    SAME,
    SIGNIFICANT,
    SLACK,
    STARTED,
    UNDECIDED,
    WORSE,
)
from labutils.models import describe
from labutils.runs.run import Run
from labutils.runs.store import find
from labutils.statistics import Estimate, count, holm, p_value, p_words, points

NOT_HERE = "The runs that this sentence is about are not here yet."

Seeds = Sequence["Run"]
Settings = Mapping[str, Seeds]


class Said(NamedTuple):
    """A sentence, and the findings that chose it: one, or two that say the same; none where no run is there."""

    text: str
    findings: tuple[Finding, ...] = ()


def say(*sentences: str) -> None:
    """Print sentences, each in lines of at most 90 characters: JupyterLab breaks longer ones within a word."""
    for sentence in sentences:
        print(textwrap.fill(sentence, 90, break_on_hyphens=False))


def tell(name: str, *about: object, label: str = "", **words: str) -> None:
    """Print what some runs show, behind a `label` and a colon if there is one; see `sentence`."""
    text = " ".join(said.text for said in sentence(name, *about, **words))
    say(f"{label}: {text}" if label else text)


def sentence(name: str, *about: object, **words: str) -> list[Said]:
    """What some runs show, sentence by sentence, with the findings behind each.

    `name` is one of the `SENTENCES`, else a ValueError says which there are; `about` are the settings that it is about,
    each a list of its runs by seed, or all by label; `words` what it calls things.
    """
    if name not in SENTENCES:
        raise ValueError(f"There is no sentence {name!r}; there are {', '.join(SENTENCES)}.")
    if not all(about):
        return [Said(NOT_HERE)]
    if name != "rate" and (broken := [said for runs in about for said in _diverged(runs)]):
        return broken
    return SENTENCES[name](*about, **words)


def every_sentence(
    runs: Sequence[Run], source: str = "phantom", tasks: Collection[str] = lab.TITLES
) -> Iterator[tuple[str, str, Said]]:
    """What can be told of the lab's settings on images of a source: task, what it is about, and what is said.

    It is looked for among `runs`. Of those on real images it is said, too, where validation runs above training.
    """
    for task, rows in TOLD.items():
        if task not in tasks:
            continue
        configs = lab.runs("task5a") | lab.runs(task)
        there = find(configs, source, among=runs)
        settings = {label: same_but_seed(run, run.epochs, runs) for label, run in there.items()}
        for name, *labels in rows:
            own = {label: settings[label] for label in lab.runs(task) if label in settings}
            about: list[object] = [settings.get(label) for label in labels] or [own]
            if name == "parameters":
                about = [lab.runs(task)]
            words = {"what": WHAT[labels[-1]]} if name in ("gap", "better") and labels[-1] in WHAT else {}
            words |= dict(zip(("one", "other"), labels, strict=True)) if name == "faster" else {}
            for said in sentence(name, *about, **words):
                yield task, f"{name}: {' against '.join(labels)}" if labels else name, said
        for label, config in lab.runs(task).items():
            for real in find({label: config}, lab.REAL, at_least=1, among=runs).values():
                yield from ((task, f"above training: {label}", said) for said in sentence("above training", [real]))


# What a sentence may say of a finding's word, in the order in which it is looked for: what denies comes first.
_OPEN = {UNDECIDED, CLOSE, NO_BETTER}
DIRECTIONS: dict[str, set[str]] = {
    r"[Ww]h(?:ether|en|ich) (?:(?!\. |: ).)*? (?:cannot be told|could be chance)": _OPEN,
    r"changes hands|some seeds|[Tt]oo few|not enough|diverged": _OPEN,
    r"does not (narrow|over-fit|begin to over-fit|learn)|has no wide gap|hardly over-fits": {BELOW},
    r"is not (faster|steadier|the best)|stays below": {BELOW},
    r"narrows the gap|has a narrower gap|gap gets narrower|is more accurate|has a lower loss": {BETTER},
    r"widens the gap|has a wider gap|gap gets wider|is less accurate|has a higher loss": {WORSE},
    r"have the same|equally accurate|gap stays as it is": {SAME},
    r"leaves the gap as it is|no difference that matters|nobody is ahead|nearly the same number": {SAME},
    r"makes the better|is better than|comes lower|normalized network is ahead|tells them apart": {BETTER},
    r"makes the worse|is worse than|does not come as low|plain network is ahead": {WORSE},
    r"comes as low": {SAME, CLOSE},
    r"does not catch up": {BETTER},
    r"catches up": {WORSE, SAME, CLOSE, NO_BETTER},
    r"is no faster|too high|barely started|unfinished|is not above|is not wrong more often": {BELOW},
    r"no paired test tells|in another order|nobody has a higher": {BELOW},
    r"is faster|over-fits|has a wide gap|has arrived|is above|still is above|is wrong more often": {REACHED},
    r"paired tests tell|in the same order|times the parameters": {REACHED},
    r"begins to over-fit|learns its|is steadier|is the best of|comes near": {REACHED},
}
"""Which words of a finding each phrase may stand for."""


def disagreements(said: Said) -> list[str]:
    """Where a sentence says what its findings do not: another direction, or a number that is not in their evidence."""
    if not said.findings:
        return [] if said.text == NOT_HERE else [f"no finding behind it: {said.text}"]
    rest, phrases, wrong = said.text, [], []
    for pattern, words in DIRECTIONS.items():
        while match := re.search(pattern, rest):
            phrases.append((match.group(), words))
            rest = rest[: match.start()] + " | " + rest[match.end() :]
    for finding in said.findings:
        if not phrases:
            wrong.append(f"says nothing of {finding.word!r}")
        wrong += [f"{phrase!r} for {finding.word!r}" for phrase, words in phrases if finding.word not in words]
    known = set(_numbers(" ".join(f"{finding.evidence} {finding.basis}" for finding in said.findings)))
    if said.findings[0].word == WORSE:  # "lower by -0.04" may be said as "higher by 0.04"
        known |= {number.removeprefix("-") for number in known} | {f"-{number}" for number in known}
    return wrong + [f"{number} is nowhere in the evidence" for number in _numbers(said.text) if number not in known]


def _numbers(text: str) -> list[str]:
    """The numbers of a text as they are written; a plus and the sign of a zero do not count."""
    found = re.findall(r"(?<![\w.])[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?", text)
    return [re.sub(r"^-(?=[0.]+$)", "", number.removeprefix("+")) for number in found]


# How a finding is asked for, and how it chooses its sentence.


def _ask(measure: str, *about: tuple[str, Seeds], rule: str = IS, limits: tuple[float, ...] = ()) -> list[Finding]:
    """What a measure says of some settings on the validation images, and on the exam if that can be said."""
    settings = [Setting(name, runs[0], runs) for name, runs in about]
    condition = Condition(measure, tuple(name for name, _ in about), rule, limits)
    findings = [condition.known(*settings)._replace(basis=_one_seed(*(runs for _, runs in about)))]
    with suppress(NoExamError, ComparisonError):
        findings.append(condition.found(*settings))
    names = ", ".join(condition.names)
    return [own._replace(evidence=f"{names}: {own.evidence}") for own in findings]


def _state(
    templates: Mapping[str, str],
    findings: Sequence[Finding],
    shown: Callable[[Finding], str] = lambda finding: finding.evidence,
    **words: str,
) -> list[Said]:
    """A sentence for every word that was found, with the numbers of all findings that it stands for.

    A word without a sentence of its own leaves the matter open.
    """
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(templates.get(finding.word) or templates[UNDECIDED], []).append(finding)
    return [
        Said(f"{text.format(shown='; '.join(map(shown, own)), **words)}.", tuple(own)) for text, own in groups.items()
    ]


def _told(text: str, word: str = UNDECIDED, evidence: str = "") -> Said:
    """A sentence that has no other: its evidence is part of it."""
    return Said(f"{text}.", (Finding(word, evidence or text),))


def _one_seed(*settings: Seeds) -> str:
    seeds = dict.fromkeys(str(runs[0].config.seed) for runs in settings)
    return f"{VALIDATION}, seed {' and '.join(seeds)}"


def _difference(finding: Finding) -> str:
    tested = "" if finding.p is None else f" (McNemar {p_words(finding.p)})"
    area = f"; AUC {finding.area}" if finding.area else ""
    return f"{finding.points} points {finding.basis}{tested}{area}"


def _whether(so: bool) -> str:
    return REACHED if so else BELOW


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _diverged(about: object) -> list[Said]:
    """A sentence for every setting of which a run has lost its loss: nothing else can be said of it."""
    settings = about if isinstance(about, Mapping) else {"": about}
    said = []
    for name, runs in settings.items():
        for run in runs if isinstance(runs, Sequence) else ():
            lost = np.flatnonzero(~np.isfinite(run.history["val_loss"]))
            if lost.size:
                broken = f"its validation loss is no number from epoch {lost[0] + 1} on"
                said.append(_told(f"{name or run.label} diverged: {broken}"))
    return said


# Learning rates.


def _lowest(name: str, run: Run) -> Finding:
    """Whether the validation loss has ever left the level of guessing."""
    low, guess = best(run).lowest_loss, log(len(run.class_names))
    away = np.isfinite(run.history["val_loss"]).all() and low <= guess - STARTED
    text = f"{name}: lowest validation loss {low:.3f} in {count(run.epochs, 'epoch')}, guessing has {guess:.3f}"
    return Finding(REACHED if away else BELOW, text)


FASTER = {
    REACHED: "{fast} is faster than {slow}: {shown}",
    BELOW: "{fast} is no faster than {slow}: {shown}",
    UNDECIDED: "Whether {fast} is faster than {slow} cannot be told: {shown}",
}
LOWER = {
    BETTER: "{fast} comes lower than {slow}: {shown}",
    WORSE: "{fast} does not come as low as {slow}: {shown}",
    **dict.fromkeys((SAME, CLOSE), "{fast} comes as low as {slow}: {shown}"),
    UNDECIDED: "Whether {fast} or {slow} comes lower cannot be told: {shown}",
}


def _rate(settings: Settings) -> list[Said]:
    """What the highest learning rate does, against the next lower one."""
    rates = sorted(settings, key=lambda label: -settings[label][0].config.learning_rate)
    if len(rates) < 2:
        return [Said(NOT_HERE)]
    (high, fast), (low, slow) = ((label, settings[label]) for label in rates[:2])
    away = [_lowest(high, fast[0]), _lowest(low, slow[0])]
    if broken := _diverged({low: slow[:1]}):
        return broken
    if away[0].word == BELOW and away[1].word == REACHED and fast[0].epochs > WINDOW:
        both = f"{away[0].evidence}; {away[1].evidence}"
        return [_told(f"{high} is too high: {both}", BELOW, both)]
    speed = _faster(fast, slow, high, low)
    if away[1].word == BELOW:
        return speed
    better = _state(PAIR, _accuracies(fast, slow, high, low), _difference, fast=high, slow=low)
    return [*speed, *_lower(fast, slow, high, low), *_overfits(fast, high), *better]


def _faster(fast: Seeds, slow: Seeds, one: str = "the first", other: str = "the second") -> list[Said]:
    """Whether one setting needs fewer epochs than another to a common validation loss, below that of guessing."""
    away = [_lowest(one, fast[0]), _lowest(other, slow[0])]
    begun = [finding.word == REACHED for finding in away]
    if not all(begun):
        who = "Both have" if not any(begun) else f"{one if begun[1] else other} has"
        both = "; ".join(finding.evidence for finding in sorted(away, key=lambda own: own.word == REACHED))
        return [_told(f"{who} barely started: {both}", BELOW, both)]
    findings = _ask("faster", (one, fast), (other, slow))
    level, after, before, ratio = speed(fast[0], slow[0], SLACK)
    raw = [int(np.argmax(runs[0].history["val_loss"] <= level)) + 1 for runs in (fast, slow)]
    seen = (
        f"smoothed over {WINDOW} epochs, the validation loss is down to {level:.3f} after {after} and {before} epochs, "
        f"as it goes by after {raw[0]} and {raw[1]} (ratio {ratio}, {_one_seed(fast, slow)})"
    )
    names = f"{one}, {other}: "
    findings[0] = findings[0]._replace(evidence=f"{names}{seen}")
    if level >= log(len(fast[0].class_names)):
        text = f"{one} and {other}: the epochs are too few to compare their speed: {seen}, no better than guessing."
        return [Said(text, (findings[0]._replace(word=UNDECIDED),))]

    def shown(finding: Finding) -> str:
        by_seeds = f"{finding.estimate} of the epochs, {finding.basis}"
        told = by_seeds if finding.estimate else finding.evidence.removeprefix(names)
        return seen if finding is findings[0] else told

    return _state(FASTER, findings, shown, fast=one, slow=other)


def _lower(fast: Seeds, slow: Seeds, high: str, low: str) -> list[Said]:
    """Which setting comes to the lower validation loss; on the validation images its measure has the other sign."""
    known, *found = _ask("lowest loss", (high, fast), (low, slow))
    assert known.estimate is not None
    turned = Estimate(*(-number for number in (known.estimate.value, known.estimate.high, known.estimate.low)))
    known = known._replace(estimate=turned)
    findings = [known._replace(evidence=f"{known.evidence}, {_signed(known)}"), *found]
    return _state(LOWER, findings, _signed, fast=high, slow=low)


def _signed(finding: Finding) -> str:
    value, low, high = (number + 0 for number in finding.estimate or ())
    return f"lower by {value:+.3f} [{low:+.3f}, {high:+.3f}] {finding.basis}"


ARRIVED = {
    BELOW: "The network is unfinished: {shown}",
    REACHED: "The network has arrived: {shown}",
    UNDECIDED: "Whether the network has arrived cannot be told: {shown}",
}


def _started(runs: Seeds) -> list[Said]:
    """Whether a small learning rate has got a network started, and whether it has then arrived."""
    guess, last = log(len(runs[0].class_names)), min(WINDOW, runs[0].epochs)
    ends = [float(run.history["loss"][-WINDOW:].mean()) for run in runs]
    away, seeds = [guess - end >= STARTED for end in ends], ", ".join(str(run.config.seed) for run in runs)
    rate, shown = f"lr {scientific(runs[0].config.learning_rate)}", ", ".join(f"{end:.3f}" for end in ends)
    evidence = (
        f"the training loss of the last {last} of {count(runs[0].epochs, 'epoch')} is {shown} at {rate} "
        f"(seed {seeds}), guessing has {guess:.3f}"
    )
    if not all(away):
        text = "has started at some seeds only" if any(away) else "has barely started"
        return [_told(f"The network {text}: {evidence}", UNDECIDED if any(away) else BELOW, evidence)]
    curves = [smooth(run.history["val_loss"]) for run in runs]
    if len(curves[0]) < 2 * WINDOW:
        few = f"{count(len(curves[0]), 'epoch')} at {rate}, and its curves are read over {WINDOW} of them"
        return [_told(f"Too few epochs to see where it arrives: {few}")]
    falls = [float(curve[-2 * WINDOW] - curve[-1]) for curve in curves]
    low = [int(curve.argmin()) >= len(curve) - WINDOW for curve in curves]
    going = [fall > LOSS_MARGIN / 4 and late for fall, late in zip(falls, low, strict=True)]
    shown = ", ".join(f"{fall:.3f}" for fall in falls)
    evidence = (
        f"smoothed over {WINDOW} epochs, the validation loss comes down by {shown} over the last {2 * WINDOW} of "
        f"{len(curves[0])} epochs at {rate} (seed {seeds})"
    )
    return _state(ARRIVED, [Finding(BELOW if all(going) else UNDECIDED if any(going) else REACHED, evidence)])


# Gaps and over-fitting.


GAP = {
    BETTER: "{What} narrows the gap: {shown}",
    WORSE: "{What} widens the gap: {shown}",
    SAME: "{What} leaves the gap as it is: {shown}",
    BELOW: "{What} does not narrow the gap: {shown}",
    UNDECIDED: "Whether {what} narrows the gap cannot be told: {shown}",
}


def _gap(without: Seeds, with_: Seeds, what: str = "dropout") -> list[Said]:
    """Whether something narrows the gap between training and what was not trained on, and seed by seed."""
    if short := _too_short(f"the runs without and with {what}", without, with_):
        return short
    findings = _ask("narrower gap", (f"no {what}", without), (what, with_))
    curve = train_curve(without[0], with_[0])
    gaps = [points(accuracy_gap(runs[0], curve).value) for runs in (without, with_)]
    others = {run.config.seed: run for run in with_}
    pairs = [(run, others[run.config.seed]) for run in without if run.config.seed in others]
    by_seed = [points(gap_difference(pair).value) for pair in pairs]
    seeds = ", ".join(by_seed).replace("+0.0", "nothing")
    if len(pairs) > 1 and len(findings) < 2:
        findings.append(Finding(UNDECIDED, "", None, f"over {len(pairs)} seeds, which have sat no exam"))
    if len(pairs) > 1:
        findings[1] = findings[1]._replace(evidence=f"{findings[1].evidence}, {', '.join(by_seed)} seed by seed")

    def shown(finding: Finding) -> str:
        if finding is findings[0]:
            return f"{gaps[0]} points without it, {gaps[1]} with it, narrower by {_difference(finding)}"
        by = f"narrower by {_difference(finding)}" if finding.estimate else finding.basis
        return f"{by} (on the validation images, seed by seed: {seeds})" if len(pairs) > 1 else by

    return _state(GAP, findings, shown, What=_capital(what), what=what)


RISE = {
    REACHED: "By its loss {name} over-fits: {shown}",
    BELOW: "By its loss {name} does not over-fit within its epochs: {shown}",
    UNDECIDED: "Whether {name} over-fits by its loss cannot be told: {shown}",
}
WIDE_GAP = {
    REACHED: "It has a wide gap: {shown}",
    BELOW: "It has no wide gap: {shown}",
    UNDECIDED: "Whether it has a wide gap cannot be told: {shown}",
}
ERRORS = {
    REACHED: "It is wrong more often by then: {shown}",
    BELOW: "It is not wrong more often by then, but surer when it is: {shown}",
}


def _overfitting(runs: Seeds) -> list[Said]:
    """Whether a setting over-fits by its loss and by its gap, which need not agree, and what becomes of its errors."""
    if short := _too_short("this run", runs):
        return short
    said = _overfits(runs, "it")
    for finding in said[0].findings[:1]:
        if finding.word == REACHED:
            curve = runs[0].history["val_accuracy"]
            top, ends = float(smooth(curve).max()), float(curve[-WINDOW:].mean())
            text = f"validation accuracy, mean of {WINDOW} epochs, {top:.3f} at its highest and {ends:.3f} at the end"
            said += _state(ERRORS, [Finding(_whether(top - ends >= NARROWER), f"{text}, {_one_seed(runs)}")])

    shown = "training accuracy is {0.points} points above that {0.basis}".format
    return said + _state(WIDE_GAP, _ask("wide gap", ("it", runs)), shown)


def _too_short(name: str, *settings: Seeds) -> list[Said]:
    """A sentence where a run has no more epochs than a gap or a rise is read over; none where it has."""
    epochs = min(runs[0].epochs for runs in settings)
    text = f"{count(epochs, 'epoch')} of {name}: not enough to see over-fitting or a gap, which are read over {WINDOW}"
    return [_told(text)] if epochs <= WINDOW else []


def _overfits(runs: Seeds, name: str) -> list[Said]:
    if short := _too_short(name, runs):
        return short

    shown = "that ends {0.estimate} above its lowest {0.basis}".format
    return _state(RISE, _ask("over-fitting", (name, runs), limits=(OVERFITS,)), shown, name=name)


ABOVE = {
    REACHED: "Validation accuracy is above training accuracy in {shown}",
    BELOW: "Validation accuracy is not above training accuracy in most epochs: in {shown}",
}
STILL_ABOVE = {
    REACHED: "It still is above {shown}: this network finds these validation images easier than those training images",
    BELOW: "It is not above {shown}: the way of measuring makes it so",
}


def _above(runs: Seeds) -> list[Said]:
    """Whether validation runs above training, and whether the way of measuring or the images make it so."""
    history, n = runs[0].history, runs[0].epochs
    above = {name: int(np.sum(history["val_accuracy"] > history[name])) for name in MEASURED if name in history}
    most = {name: 2 * epochs > n for name, epochs in above.items()}
    said = _state(ABOVE, [Finding(_whether(most["accuracy"]), f"{above['accuracy']} of {count(n, 'epoch')}")])
    if most["accuracy"] and "fixed_accuracy" in above:
        shown = f"measured like validation, with nothing left out or changed, in {above['fixed_accuracy']} of {n}"
        said += _state(STILL_ABOVE, [Finding(_whether(most["fixed_accuracy"]), shown)])
    return said


# Two settings, or several.


MADE = {
    BETTER: "{What} makes the better network here: {shown}",
    WORSE: "{What} makes the worse network here: {shown}",
    SAME: "{What} makes no difference that matters: {shown}",
    UNDECIDED: "Whether {what} makes the better network cannot be told: {shown}",
}
PAIR = {
    BETTER: "{fast} is better than {slow}: {shown}",
    WORSE: "{fast} is worse than {slow}: {shown}",
    SAME: "Between {fast} and {slow} there is no difference that matters: {shown}",
    UNDECIDED: "Whether {fast} or {slow} is better cannot be told: {shown}",
}
CATCHES_UP = {
    BETTER: "{What} does not catch up: it lacks {shown}",
    **dict.fromkeys((SAME, CLOSE, NO_BETTER, WORSE), "{What} catches up: what it may lack is {shown}"),
    UNDECIDED: "Whether {what} catches up cannot be told: it may lack {shown}",
}


def _accuracies(first: Seeds, second: Seeds, one: str, other: str) -> list[Finding]:
    # IS_NOT asks for the interval to be shown, and changes no word.
    return _ask("accuracy", (one, first), (other, second), rule=IS_NOT)


def _better(without: Seeds, with_: Seeds, what: str = "dropout") -> list[Said]:
    """Whether `what` (dropout, augmentation, batch normalization) makes the more accurate network."""
    findings = _accuracies(with_, without, what, f"no {what}")
    return _state(MADE, findings, _difference, What=_capital(what), what=what)


def _catch_up(without: Seeds, with_: Seeds, what: str = "spatial dropout") -> list[Said]:
    """Whether something catches up in accuracy, and with which gap."""
    findings = _accuracies(without, with_, f"no {what}", what)
    said = _state(CATCHES_UP, findings, _difference, What=_capital(what), what=what)
    return said + _gap(without, with_, what)


LEAD = {
    BETTER: "By the validation loss, smoothed, the normalized network is ahead at every epoch: {shown}",
    WORSE: "By the validation loss, smoothed, the plain network is ahead at every epoch: {shown}",
    SAME: "By the validation loss, smoothed, nobody is ahead at any epoch: {shown}",
    UNDECIDED: "By the validation loss, smoothed, the lead changes hands: {shown}",
}


def _lead(plain: Seeds, normed: Seeds) -> list[Said]:
    """Which of two settings has the lower validation loss, and until which epoch; accuracy is another question."""
    others = {run.config.seed: run for run in normed}
    findings = [_ahead(run, others[run.config.seed]) for run in plain if run.config.seed in others]
    return _state(LEAD, findings) if findings else [Said(NOT_HERE)]


def _ahead(plain: Run, normed: Run) -> Finding:
    length = min(plain.epochs, normed.epochs)
    one, other = (smooth(run.history["val_loss"])[:length].round(3) for run in (plain, normed))
    signs = np.sign(one - other)
    ahead = signs[signs != 0]  # where both are the same in three decimals nobody leads
    turns = np.flatnonzero(signs != 0)[1:][np.diff(ahead) != 0] + 1
    first, lead = {1.0: "normalized", -1.0: "plain"}, f"{length} of {count(length, 'epoch')}"
    if len(turns):
        changes = [f"{first[signs[turn - 1]]} from epoch {turn}" for turn in turns]
        lead = ", ".join([f"{first[ahead[0]]} first", *changes])
    lows = f"{best(normed).lowest_loss:.3f} normalized, {best(plain).lowest_loss:.3f} plain"
    word = UNDECIDED if len(turns) else SAME if not len(ahead) else BETTER if ahead[0] > 0 else WORSE
    return Finding(word, f"{lead}, lowest losses, not smoothed, {lows} (seed {plain.config.seed})")


ORDER = {
    REACHED: "By AUC the networks are in the same order as by accuracy: {shown}",
    BELOW: "By AUC the networks are in another order than by accuracy: {shown}",
}
TOLD_APART = {
    REACHED: "On the validation images the paired tests tell some apart: {shown}",
    BELOW: "On the validation images no paired test tells any two apart: {shown}",
}


def _depth(settings: Settings) -> list[Said]:
    """In which order accuracy and AUC put networks, and which of them the tests tell apart."""
    if len(settings) < 2:
        return [Said(NOT_HERE)]
    runs = {label: own[0] for label, own in settings.items()}
    areas = {label: float(np.mean([area.value for area in auc(run).values()])) for label, run in runs.items()}
    right = {label: accuracy(run).value for label, run in runs.items()}
    by_accuracy = sorted(runs, key=lambda label: (-right[label], -areas[label]))
    by_area = sorted(runs, key=lambda label: -areas[label])
    agree = all((right[a] - right[b]) * (areas[a] - areas[b]) >= 0 for a, b in combinations(runs, 2))
    ranks = (right, by_accuracy), (areas, by_area)
    shown = [", ".join(f"{label} {values[label]:.3f}" for label in order) for values, order in ranks]
    evidence = f"accuracy {shown[0]}; AUC {shown[1]}, {_one_seed(*settings.values())}"
    said = _state(ORDER, [Finding(_whether(agree), evidence)])
    pairs = {f"{a} and {b}": (a, b) for a, b in combinations(by_accuracy, 2)}
    adjusted = holm({name: mcnemar(runs[a], runs[b]).p for name, (a, b) in pairs.items()})
    evidence = f"{', '.join(f'{name} {p_value(p)}' for name, p in adjusted.items())} (McNemar's p after Holm)"
    said += _state(TOLD_APART, [Finding(_whether(any(p < SIGNIFICANT for p in adjusted.values())), evidence)])
    found = {name: _accuracies(settings[a], settings[b], a, b)[-1] for name, (a, b) in pairs.items()}
    words = adjusted_words({name: own.effect for name, own in found.items() if own.effect}, ACCURACY_MARGIN)
    for name, word in words.items():
        a, b = pairs[name]
        said += _state(PAIR, [found[name]._replace(word=word)], _difference, fast=a, slow=b)
    return said


def _parameters(configs: Mapping[str, RunConfig]) -> list[Said]:
    """How the parameters of two networks compare, at whatever size of images they are built for."""
    counted = {name: describe(config, 2).parameters for name, config in list(configs.items())[:2]}
    if len(counted) < 2:
        return [Said(NOT_HERE)]
    fewer, more = sorted(counted, key=lambda name: counted[name])
    ratio = counted[more] / counted[fewer]
    evidence = f"{counted[more]:,} against {counted[fewer]:,}"
    if ratio < 1.1:
        return [_told(f"{more} and {fewer} have nearly the same number of parameters: {evidence}", SAME, evidence)]
    evidence = f"{ratio:.1f} times the parameters of {fewer}: {evidence}"
    return [_told(f"{more} has {evidence}", REACHED, evidence)]


FIVE = {
    BELOW: "{network}: on the validation images nobody has a higher accuracy than the report's choice: {shown}",
    BETTER: "{network}: {top} is better than the report's choice, (5): {shown}",
    WORSE: "{network}: {top} is worse than the report's choice, (5): {shown}",
    SAME: "{network}: between {top} and the report's choice, (5), there is no difference that matters: {shown}",
    UNDECIDED: "{network}: whether {top} is better than the report's choice, (5), cannot be told: {shown}",
}


def _tuned(settings: Settings) -> list[Said]:
    """Whether the setting that is the best of each network on the validation images beats the report's (5)."""
    said = []
    for network in ("LeNet", "AlexNet"):
        own = {label: runs for label, runs in settings.items() if label.startswith(f"{network} (")}
        five = next((label for label in own if label.startswith(f"{network} (5)")), None)
        if five is None or len(own) < 2:
            said.append(Said(NOT_HERE))
            continue
        top = max(own, key=lambda label: (accuracy(own[label][0]).value, label == five))
        if top == five:
            finding = Finding(BELOW, f"{five} {accuracy(own[five][0]).value:.3f}", None, _one_seed(own[five]))
            said += _state(FIVE, [finding], lambda one: f"{one.evidence} {one.basis}", network=network)
        else:
            name, findings = top.removeprefix(f"{network} "), _accuracies(own[top], own[five], top, five)
            said += _state(FIVE, findings, _difference, network=network, top=name)
    return said


# The headline of a verdict.


NO_EXAM = "No exam was sat: the verdict is on the validation images and one seed."
NO_VERDICT = "These runs cannot be judged together, or are too short: the details say why."
_ACCURATE = {
    BETTER: "{a} is more accurate than {b}: {n} points",
    WORSE: "{a} is less accurate than {b}: {n} points",
    SAME: "{a} and {b} are equally accurate: {n} points",
    UNDECIDED: "{a} or {b}: which is more accurate could be chance: {n} points",
}
_LOSS = {
    BETTER: "{a} has a lower loss than {b}, by {n}",
    WORSE: "{a} has a higher loss than {b}, by {n}",
    SAME: "{a} and {b} have the same loss: difference {n}",
    UNDECIDED: "{a} or {b}: which loss is lower could be chance: by {n}",
}
_FASTER = {
    REACHED: "{a} is faster than {b}",
    BELOW: "{a} is not faster than {b}, or hardly",
    UNDECIDED: "Whether {a} is faster than {b} could be chance",
}
HEADLINES: dict[str, dict[str, str]] = {
    "accuracy": _ACCURATE,
    "accuracy of two data sets": _ACCURATE,
    "lowest loss": _LOSS,
    "lowest loss of two data sets": _LOSS,
    "narrower gap": {
        BETTER: "{b} has a narrower gap than {a}: by {n} points",
        WORSE: "{b} has a wider gap than {a}: by {n} points",
        SAME: "{b} and {a} have the same gap: narrower by {n} points",
        UNDECIDED: "{b} or {a}: which gap is narrower could be chance: {n} points",
    },
    "wide gap": {
        REACHED: "{a} over-fits: its training accuracy is {n} points above the exam's",
        BELOW: "{a} hardly over-fits: its training accuracy is {n} points above the exam's",
        UNDECIDED: "Whether {a} over-fits could be chance: training is {n} points above the exam",
    },
    "over-fitting": {
        REACHED: "{a} over-fits: its loss ends {n} above its lowest",
        BELOW: "{a} does not over-fit: its loss ends {n} above its lowest",
        UNDECIDED: "Whether {a} over-fits could be chance: its loss ends {n} above its lowest",
    },
    "onset of over-fitting": {
        REACHED: "{a} begins to over-fit when the report says",
        BELOW: "{a} does not begin to over-fit when the report says",
        UNDECIDED: "When {a} begins to over-fit cannot be told from these runs",
    },
    "training accuracy": {
        REACHED: "{a} learns its training images by heart",
        BELOW: "{a} does not learn its training images by heart",
        UNDECIDED: "Whether {a} learns its training images by heart cannot be told",
    },
    "far fewer epochs": _FASTER,
    "faster": _FASTER,
    "steadier": {
        REACHED: "{a} is steadier from epoch to epoch than {b}",
        BELOW: "{a} is not steadier from epoch to epoch than {b}, or hardly",
        UNDECIDED: "Whether {a} is steadier than {b} could be chance",
    },
    "best": {
        REACHED: "{a} is the best of {count} settings",
        BELOW: "{a} is not the best of {count} settings",
        UNDECIDED: "Whether {a} is the best of {count} settings could be chance",
    },
    "near the ceiling": {
        REACHED: "{a} comes near the ceiling: {n}",
        BELOW: "{a} stays below the ceiling: {n}",
        UNDECIDED: "Whether {a} comes near the ceiling cannot be told: {n}",
    },
}
"""What a finding on the exam says, by its measure and its word, in at most 20 words (a test counts them)."""
_PAIRS = {
    BETTER: "On average over {count} pairs the gap gets narrower: by {n} points",
    WORSE: "On average over {count} pairs the gap gets wider: by {n} points",
    SAME: "On average over {count} pairs the gap stays as it is: narrower by {n} points",
    UNDECIDED: "Whether the gap gets narrower could be chance: by {n} points, the mean over {count} pairs",
}
_IN_POINTS = ("accuracy", "accuracy of two data sets", "narrower gap", "wide gap")


def headline(verdict: Verdict) -> Said:
    """What decides a verdict, in at most 20 words: what does not hold, else what is open, else what was asked first.

    Where nothing was found on an exam it says why.
    """
    if not verdict.parts:
        return Said(NOT_HERE if verdict.verdict == MISSING else NO_EXAM if verdict.holds == MISSING else NO_VERDICT)
    outcomes = [part.holds for part in verdict.parts]
    part = verdict.parts[outcomes.index(next((o for o in (False, None) if o in outcomes), True))]
    measure, finding = part.condition.measure, part.finding
    names = [setting.name.partition(", the best of")[0] for setting in part.settings]
    several = measure == "narrower gap" and len(names) > 2
    of = len(names) // 2 if several else len(names)
    other = names[-1] if len(names) < 3 else names[1]
    templates = _PAIRS if several else HEADLINES[measure]
    if finding.word == WORSE and finding.estimate and templates is not _ACCURATE:
        finding = finding._replace(estimate=finding.estimate.turned())
    number = finding.points if measure in _IN_POINTS else str(finding.estimate)
    about = finding._replace(evidence=f"{', '.join(names)} ({of}): {finding.evidence}")
    return _state(templates, [about], a=names[0], b=other, n=number, count=str(of))[0]


SENTENCES: dict[str, Callable[..., list[Said]]] = {
    "rate": _rate,
    "started": _started,
    "gap": _gap,
    "over-fitting": _overfitting,
    "above training": _above,
    "better": _better,
    "faster": _faster,
    "lead": _lead,
    "catch up": _catch_up,
    "depth": _depth,
    "parameters": _parameters,
    "tuned": _tuned,
}
"""What `tell` can say, by name."""

_DROPOUT_5A = "no dropout", "dropout 0.4"
_NORM = "no batch norm", "batch norm"
_SPATIAL = "no spatial dropout", "spatial dropout 0.1"
TOLD: dict[str, tuple[tuple[str, ...], ...]] = {
    "task1b": (("rate",), ("started", "lr 1e-6")),
    "task1c": (("parameters",), ("depth",)),
    "task1d": (("gap", "b16", "b16, dropout 0.2"), ("better", "b16", "b16, dropout 0.2")),
    "task1e": (*(("over-fitting", network) for network in lab.runs("task1e")), ("depth",)),
    "task2": (("gap", "b8", "b8, dropout 0.2"), ("gap", "b16", "b16, dropout 0.2")),
    "task3": (("gap", *_DROPOUT_5A),),
    "task4": (("tuned",),),
    "task5a": (*(("over-fitting", label) for label in _DROPOUT_5A), ("gap", *_DROPOUT_5A), ("better", *_DROPOUT_5A)),
    "task5b": (("better", "no dropout", "batch norm"),),
    "task5c": (("lead", *_NORM), ("better", *_NORM)),
    "task5d": (("lead", *_NORM), ("better", *_NORM)),
    "task6a": (("faster", *_SPATIAL),),
    "task6b": (("catch up", *_SPATIAL),),
    "task8": (("gap", "no augmentation", "augmentation"), ("better", "no augmentation", "augmentation")),
}
"""Which sentences each notebook tells, and of which of the lab's settings; of all of its own if none is named."""
WHAT = {"batch norm": "batch normalization", "augmentation": "augmentation"}
"""What is not dropout, by the label of the setting that has it."""
