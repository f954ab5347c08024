"""Networks against simple models on the same images: which is right about more of them, in one of four words.

On the exam where both have answered it: over seeds and images, by the rules of every other difference there. Else on
the validation images, by McNemar's test between one run and one fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import hypot, inf, isinf
from typing import TYPE_CHECKING

import numpy as np

from labutils.audit.baselines import SIMPLE, Simple, better_simple, exam_baselines, simple_of
from labutils.data.locate import title_of
from labutils.evaluate import exam, metrics
from labutils.evaluate.claims import with_seeds
from labutils.evaluate.effects import Effect, Sample, adjusted_words, measure_effect
from labutils.evaluate.findings import VALIDATION, Finding
from labutils.evaluate.rules import ACCURACY_MARGIN, BETTER, CLOSE, EQUAL, SAME, SIGNIFICANT, UNDECIDED, WORSE
from labutils.evaluate.sentences import NOT_HERE, Said, say
from labutils.evaluate.tables import mark_source
from labutils.statistics import bootstrap_mean, in_points, p_words, sign_test

if TYPE_CHECKING:
    from labutils.audit.simple import Baseline
    from labutils.data.dataset import Dataset
    from labutils.runs.run import Run

Settings = Mapping[str, Sequence["Run"]]

CALLED = {BETTER: "wins", WORSE: "loses", SAME: "ties", CLOSE: "ties", UNDECIDED: "undecided"}
"""The word of a finding, from the network's view."""

SAYS = {
    "wins": "{who} wins against {simple} {where}: {shown}.",
    "loses": "{who} loses to {simple} {where}: {shown}.",
    "ties": "{who} ties with {simple} {where}: {shown}.",
    "undecided": "Whether {who} is better than {simple} {where} is undecided: {shown}.",
}


def against_simple(runs: Mapping[str, Run] | Settings, *datasets: Dataset, task: str = "", sees: str = SIMPLE) -> Said:
    """Whether the best of some networks wins against the better simple model, ties, loses, or cannot be told.

    Both were chosen on the validation images: the network by its accuracy there (mean over seeds), the simple model by
    its own. One sentence for each set of images that the runs are on.

    Parameters
    ----------
    runs : mapping of str to Run, or to runs that differ in their seed
        A single run takes the stored ones of other seeds with it.
    *datasets : Dataset
        The images that the runs are on: what is not known of them yet is measured. Without them what
        `results/baselines` has is taken.
    task : str
        Whose networks they are, for the sentence.
    sees : str
        What the simple model sees: `baselines.SIMPLE`, or `baselines.RINGS` for texture alone.
    """
    if not runs:
        return Said(NOT_HERE)
    measured = {data.fingerprint: better_simple(data, exam_baselines(data), sees) for data in datasets}
    single = {label: given for label, given in runs.items() if not isinstance(given, Sequence)}
    several = with_seeds(single) | {label: given for label, given in runs.items() if isinstance(given, Sequence)}
    groups: dict[tuple[str, str, str], dict[str, Sequence[Run]]] = defaultdict(dict)
    for label in runs:
        run = several[label][0]
        groups[run.config.dataset, run.source, str(run.provenance.get("fingerprint", ""))][label] = several[label]
    said = []
    for (name, source, fingerprint), settings in groups.items():
        first = next(iter(settings.values()))[0]
        if simple := measured.get(fingerprint) or simple_of(first, sees):
            whose = f"Task {task.removeprefix('task').upper()}'s" if task else "The"
            images = f" on {title_of(name)} ({mark_source(source)})" if len(groups) > 1 or not task else ""
            said.append(_told(settings, simple, whose, images))
    return Said(" ".join(one.text for one in said) or NOT_HERE, tuple(f for one in said for f in one.findings))


def tell_simple(runs: Mapping[str, Run] | Settings, *datasets: Dataset, task: str = "", sees: str = SIMPLE) -> None:
    """Print what `against_simple` says."""
    say(against_simple(runs, *datasets, task=task, sees=sees).text)


def simple_effect(runs: Sequence[Run], simple: Baseline) -> Effect:
    """How much more accurate a network is on the exam than a simple model, image by image.

    The network's seeds are moderated as everywhere. A forest's are its own and move it far less: their variance is
    added. A linear model has none.

    Parameters
    ----------
    runs : sequence of Run
        One setting, one run a seed, all with answers to the exam at their best epochs.
    simple : Baseline
        Judged on the same exam.
    """
    right = simple.right
    ahead = []
    for run in runs:
        given = exam.answers(run)
        assert run.exam is not None and given is not None
        ahead.append(metrics.hits(given, run.exam.y) - right.mean(axis=0))
    network = measure_effect([Sample(1.0, np.stack(ahead))], prior=exam.prior("accuracy"))
    if len(right) == 1 or isinf(network.error):
        return network
    own = measure_effect([Sample(1.0, right.mean(axis=1, keepdims=True))])
    error = hypot(network.error, own.error)
    below = network.error**4 / network.freedom + own.error**4 / own.freedom
    of_images = network.of_images + own.error**2
    return replace(network, error=error, freedom=error**4 / below if below else inf, of_images=of_images)


def found_on_exam(runs: Sequence[Run], simple: Baseline, effect: Effect, word: str = "") -> Finding:
    """What the exam says of a network against a simple model; `word` where it is not what `effect` says alone."""
    level, difference = exam.level(runs).value, effect.interval()
    evidence = f"{level:.3f} against {simple.accuracy:.3f}, {in_points(difference)} points ({effect.basis})"
    word = word or effect.word(ACCURACY_MARGIN)
    return Finding(word, evidence, difference, f"on the exam, {effect.basis}", effect=effect, margin=ACCURACY_MARGIN)


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


def _told(settings: Settings, simple: Simple, whose: str, images: str) -> Said:
    best = max(settings, key=lambda label: np.mean([run.history["val_accuracy"].max() for run in settings[label]]))
    who = f"{whose} {'best ' if len(settings) > 1 else ''}network{images}, {best},"
    sat = {label: [run for run in runs if _sat(run, simple)] for label, runs in settings.items()}
    if simple.exam is None or not sat[best]:
        finding, others = found_on_validation(settings[best][0], simple.validation), ""
    else:
        judged = {label: runs for label, runs in sat.items() if runs}
        effects = {label: simple_effect(runs, simple.exam) for label, runs in judged.items()}
        words = adjusted_words(effects, ACCURACY_MARGIN)
        finding, others = found_on_exam(judged[best], simple.exam, effects[best], words[best]), _counted(words)
    word, where = CALLED[finding.word], finding.basis.partition(",")[0]
    if word == "undecided" and who.startswith("The "):
        who = f"the {who[4:]}"
    return Said(
        SAYS[word].format(who=who, simple=simple.words, where=where, shown=finding.evidence) + others, (finding,)
    )


def _counted(words: Mapping[str, str]) -> str:
    """How many of several networks have which word; nothing of a single one."""
    if len(words) < 2:
        return ""
    called = [CALLED[word] for word in words.values()]
    forms = {"wins": "win", "ties": "tie", "loses": "lose", "undecided": "undecided"}
    counts = {word: called.count(word) for word in forms if word in called}
    shown = ", ".join(f"{n} {word if n == 1 else forms[word]}" for word, n in counts.items())
    return f" Of all {len(words)} networks, after Holm: {shown}."


def _sat(run: Run, simple: Simple) -> bool:
    """Whether a run has answered the exam that the simple model was judged on."""
    if run.exam is None or simple.exam is None or exam.answers(run) is None:
        return False
    return (run.exam.fingerprint, len(run.exam.y)) == (simple.fingerprint, simple.exam.images)
