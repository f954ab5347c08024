"""Networks against simple models on the same images, and both with more of them: which is right about more of them.

On the exam where both have answered it, by the rules of every other difference there. Else on the validation images, by
McNemar's test between one run and one fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import hypot, inf, isinf
from typing import NamedTuple

import numpy as np

from labutils import lab
from labutils.audit.baselines import SIMPLE, Simple, by_images, on_exam_by_training, simple_of
from labutils.audit.simple import Baseline
from labutils.data.dataset import Dataset
from labutils.evaluate import exam, metrics
from labutils.evaluate.claims import with_seeds
from labutils.evaluate.effects import Effect, Sample, adjusted_words, measure_effect
from labutils.evaluate.findings import VALIDATION, Finding, ceiling_of
from labutils.evaluate.rules import ACCURACY_MARGIN, BETTER, CLOSE, EQUAL, SAME, SIGNIFICANT, UNDECIDED, WORSE
from labutils.evaluate.sentences import NOT_HERE, Said, say
from labutils.runs.run import Run
from labutils.runs.store import find
from labutils.statistics import Estimate, bootstrap_mean, in_points, p_words, sign_test

Settings = Mapping[str, Sequence["Run"]]

CALLED = {BETTER: "wins", WORSE: "loses", SAME: "ties", CLOSE: "ties", UNDECIDED: "undecided"}
"""The word of a finding, from the network's view."""

SAYS = {
    "wins": "{who} wins against {simple} {where}",
    "loses": "{who} loses to {simple} {where}",
    "ties": "{who} ties with {simple} {where}",
    "undecided": "Whether {who} is better than {simple} {where} is undecided",
}


class Standing(NamedTuple):
    """How the best of some networks stands to a simple model: its label, what was found, and the words of all."""

    label: str
    simple: Simple
    finding: Finding
    words: Sequence[str]

    def words_for(self, who: str) -> str:
        """`VGG16 loses to some forty simple numbers (forest) on the exam`."""
        where = self.finding.basis.partition(",")[0]
        return SAYS[CALLED[self.finding.word]].format(who=who, simple=self.simple.words, where=where)

    def said(self, whose: str, images: str, several: bool) -> Said:
        """A sentence on it, and how many of all networks have which word."""
        whose = whose or ("the" if CALLED[self.finding.word] == "undecided" else "The")
        text = self.words_for(f"{whose} {'best ' if several else ''}network{images}, {self.label},")
        return Said(f"{text}: {self.finding.evidence}.{_counted(self.words)}", (self.finding,))


def against_simple(runs: Mapping[str, Run] | Settings, *datasets: Dataset, task: str = "", sees: str = SIMPLE) -> Said:
    """Whether the best of some networks wins against the better simple model, ties, loses, or cannot be told.

    Both were chosen on the validation images: the network by its accuracy there (mean over seeds), the simple model by
    its own. One sentence for each set of images that the runs are on; a single run takes the stored ones of other seeds
    with it. `datasets` and `sees` are as of `baselines.by_images`; `task` is whose networks they are.
    """
    if not runs:
        return Said(NOT_HERE)
    single = {label: given for label, given in runs.items() if not isinstance(given, Sequence)}
    several = with_seeds(single) | {label: given for label, given in runs.items() if isinstance(given, Sequence)}
    said, sets = [], by_images({label: several[label][0] for label in runs}, *datasets, sees=sees)
    whose = f"Task {task.removeprefix('task').upper()}'s" if task else ""
    for images in sets:
        if images.simple:
            settings = {label: several[label] for label in images.runs}
            on = f" on {images.words}" if len(sets) > 1 or not task else ""
            said.append(stand(settings, images.simple).said(whose, on, len(settings) > 1))
    return Said(" ".join(one.text for one in said) or NOT_HERE, tuple(f for one in said for f in one.findings))


def stand(settings: Settings, simple: Simple) -> Standing:
    """How the best of some settings, chosen on the validation images, stands to a simple model; each as its runs."""
    best = max(settings, key=lambda label: np.mean([run.history["val_accuracy"].max() for run in settings[label]]))
    sat = {label: [run for run in runs if _sat(run, simple)] for label, runs in settings.items()}
    if simple.exam is None or not sat[best]:
        return Standing(best, simple, found_on_validation(settings[best][0], simple.validation), ())
    found = found_on_exam({label: (runs, simple.exam) for label, runs in sat.items() if runs})
    return Standing(best, simple, found[best], [finding.word for finding in found.values()])


def tell_simple(runs: Mapping[str, Run] | Settings, *datasets: Dataset, task: str = "", sees: str = SIMPLE) -> None:
    """Print what `against_simple` says."""
    say(against_simple(runs, *datasets, task=task, sees=sees).text)


def simple_effect(runs: Sequence[Run], simple: Baseline) -> Effect:
    """How much more accurate a network, one run a seed, is on the exam than a simple model, image by image.

    The network's seeds are moderated as everywhere. A forest's are its own and move it far less: their variance is
    added. A linear model has none.
    """
    right = simple.right
    ahead = np.stack([exam.MEASURED["accuracy"](run) - right.mean(axis=0) for run in runs])
    network = measure_effect([Sample(1.0, ahead)], prior=exam.prior("accuracy", runs))
    if len(right) == 1 or isinf(network.error):
        return network
    own = measure_effect([Sample(1.0, right.mean(axis=1, keepdims=True))])
    error = hypot(network.error, own.error)
    below = network.error**4 / network.freedom + own.error**4 / own.freedom
    of_images = network.of_images + own.error**2
    return replace(network, error=error, freedom=error**4 / below if below else inf, of_images=of_images)


def found_on_exam(pairs: Mapping[str, tuple[Sequence[Run], Baseline]]) -> dict[str, Finding]:
    """What the exam says of networks, each against a simple model, adjusted for their number after Holm."""
    effects = {name: simple_effect(*pair) for name, pair in pairs.items()}
    words, found = adjusted_words(effects, ACCURACY_MARGIN), {}
    for name, (runs, simple) in pairs.items():
        effect, difference = effects[name], effects[name].interval()
        level = f"{exam.effect('accuracy', runs).value:.3f} against {simple.accuracy:.3f}"
        evidence, basis = f"{level}, {in_points(difference)} points ({effect.basis})", f"on the exam, {effect.basis}"
        found[name] = Finding(words[name], evidence, difference, basis, effect=effect, margin=ACCURACY_MARGIN)
    return found


def found_on_validation(run: Run, simple: Baseline) -> Finding:
    """What the validation images say of one run against a simple model's first fit."""
    right, own = metrics.correct(run), simple.right[0]
    only, other = int(np.sum(right & ~own)), int(np.sum(~right & own))
    difference, p = bootstrap_mean(right.astype(float) - own), sign_test(only, other)
    if p < SIGNIFICANT:
        word = BETTER if only > other else WORSE
    else:
        word = CLOSE if max(-difference.low, difference.high) < EQUAL else UNDECIDED
    shown = f"{right.mean():.3f} against {own.mean():.3f}, {in_points(difference)} points, McNemar {p_words(p)}"
    return Finding(word, f"{shown} ({len(right)} images)", difference, VALIDATION, p)


def _counted(words: Sequence[str]) -> str:
    """How many of several networks have which word; nothing of a single one."""
    called = [CALLED[word] for word in words]
    counts = {word: called.count(word) for word in ("wins", "ties", "loses", "undecided") if word in called}
    shown = ", ".join(f"{n} {word if n == 1 else word.removesuffix('s')}" for word, n in counts.items())
    return f" Of all {len(words)} networks, with allowance for their number (Holm): {shown}." if len(words) > 1 else ""


def _sat(run: Run, simple: Simple) -> bool:
    """Whether a run has answered the exam that the simple model was judged on."""
    if run.exam is None or simple.exam is None or exam.answers(run) is None:
        return False
    return (run.exam.fingerprint, len(run.exam.y)) == (simple.fingerprint, simple.exam.images)


@dataclass(frozen=True)
class Step:
    """What is reached on the exam with so many training images: the network over its seeds, and simple models by kind.

    Without runs there is no network, and without kept answers there are no simple models.
    """

    training: int
    runs: tuple[Run, ...]
    network: Estimate | None
    simple: Mapping[str, Baseline]


@dataclass(frozen=True)
class Growth:
    """The steps, the ceiling of these images, the simple model that the network is held against, and what is seen: in
    a line, and with its numbers."""

    steps: tuple[Step, ...]
    ceiling: float | None
    rival: str
    title: str
    said: Said

    @property
    def missing(self) -> list[int]:
        """Numbers of training images for which no run is stored."""
        return [step.training for step in self.steps if step.network is None]


def growth(runs: Mapping[int, list[Run]] | None = None) -> Growth | None:
    """How accuracy on the exam grows with the number of training images, which are nested; None where nothing is
    stored. `runs` are by that number, all seeds; the stored ones of `lab.learning_curve` unless given."""
    planned = lab.learning_curve()
    if runs is None:
        runs = {int(n): own for n, own in with_seeds(find({str(n): one for n, one in planned.items()})).items()}
    sat = {n: [run for run in own if exam.answers(run) is not None] for n, own in runs.items()}
    first = next((run for own in sat.values() for run in own), None)
    if first is None or first.exam is None:
        return None
    kept = on_exam_by_training(first.config.dataset, first.exam.fingerprint)
    known = (simple_of(run) for own in sat.values() for run in own[:1])
    rival = next((one.validation.name for one in known if one), f"{SIMPLE}, forest")
    steps = []
    for n in sorted({*planned, *runs}):
        models = {one.name: one for one in kept[n].models if one.name.startswith(SIMPLE)} if n in kept else {}
        own = sat.get(n, [])
        steps.append(Step(n, tuple(own), exam.effect("accuracy", own).interval() if own else None, models))
    return Growth(tuple(steps), ceiling_of(first), rival, *_seen(steps, rival))


def _seen(steps: list[Step], rival: str) -> tuple[str, Said]:
    """Where the network catches up with a simple model, if it does within what was tried."""
    findings = found_on_exam(
        {f"{one.training:,}": (one.runs, one.simple[rival]) for one in steps if one.runs and rival in one.simple}
    )
    if not findings:
        return "", Said(NOT_HERE)
    called = {n: CALLED[finding.word] for n, finding in findings.items()}
    other = f"{'a forest' if rival.endswith('forest') else 'a linear model'} on forty numbers"
    up, last = next((n for n in called if called[n] in ("wins", "ties")), None), list(called)[-1]
    if up is not None:
        how = "wins against" if called[up] == "wins" else "ties with"
        title = f"With {up} training images the network {how} {other}"
    elif called[last] == "loses":
        title = f"Up to {last} training images the network does not catch up with {other}"
    else:
        title = f"With {last} training images the network cannot be told from {other}"
    told = "; ".join(f"{n} images: {called[n]}, {finding.evidence}" for n, finding in findings.items())
    absent = [f"{step.training:,}" for step in steps if not step.runs]
    missing = f" Not trained yet: {', '.join(absent)} images." if absent else ""
    return title, Said(f"{title} ({told}).{missing}", tuple(findings.values()))
