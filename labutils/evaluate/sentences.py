"""Sentences whose truth depends on the outcome: a finding chooses its sentence by its word, and nothing decides again.

Where a run is missing, the sentence says so. Differences in accuracy are read from the exam if all runs have sat it,
over the seeds that are given, and from validation images otherwise; a sentence names which.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labutils.config import scientific
from labutils.evaluate.compare import gap_difference, mcnemar
from labutils.evaluate.curves import WINDOW, accuracy_gap, epochs_to_loss, smooth
from labutils.evaluate.findings import Finding, found, known
from labutils.evaluate.metrics import accuracy, auc
from labutils.evaluate.rules import (
    BELOW,
    BETTER,
    CLOSE,
    EQUAL,
    IS_NOT,
    LOSS_MARGIN,
    NARROWER,
    NO_BETTER,
    OVERFITS,
    REACHED,
    SAME,
    SIGNIFICANT,
    STARTED,
    UNDECIDED,
    WORSE,
)
from labutils.statistics import GUESS, holm, in_points, p_words, points

if TYPE_CHECKING:
    from labutils.config import RunConfig
    from labutils.runs.run import Run

NOT_HERE = "The runs that this sentence is about are not here yet."


class Said(NamedTuple):
    """A sentence, and the findings that chose it; none where it only describes curves or counts."""

    text: str
    findings: tuple[Finding, ...] = ()


def say(*sentences: str) -> None:
    """Print sentences, each in lines of at most 90 characters: JupyterLab breaks longer ones within a word."""
    for sentence in sentences:
        print(textwrap.fill(sentence, 90, break_on_hyphens=False))


def tell(name: str, *about: object, label: str = "", **words: str) -> None:
    """Print what some runs show.

    Parameters
    ----------
    name : str
        Which of the `SENTENCES`.
    *about, **words
        The runs that it is about, and what it calls things.
    label : str
        What stands before it, with a colon.
    """
    text = sentence(name, *about, **words).text
    say(f"{label}: {text}" if label else text)


def sentence(name: str, *about: object, **words: str) -> Said:
    """What some runs show, with the findings behind it; see `tell`.

    Raises
    ------
    ValueError
        If there is no such sentence.
    """
    if name not in SENTENCES:
        raise ValueError(f"There is no sentence {name!r}; there are {', '.join(SENTENCES)}.")
    return SENTENCES[name](*about, **words) if all(about) else Said(NOT_HERE)


def _overfitting(run: Run) -> Finding:
    return known("over-fitting", run, limits=(OVERFITS,))


FASTER_RATE = {
    REACHED: "What comes after its minimum at epoch {lowest} is over-fitting, which starts earlier because everything "
    "does: {epochs} epochs are too many for it, and the rate is not too high.",
    BELOW: "Its validation loss stays down.",
    UNDECIDED: "Whether it over-fits after that cannot be told: its loss ends {rise} above its minimum.",
}


def _rate(runs: Mapping[str, Run]) -> Said:
    """What the highest learning rate does, against the next lower one: faster, too high, or neither."""
    rates = sorted({run.config.learning_rate for run in runs.values()}, reverse=True)
    if len(rates) < 2:
        return Said(NOT_HERE)
    (high, fast), (low, slow) = (
        next((label, run) for label, run in runs.items() if run.config.learning_rate == rate) for rate in rates[:2]
    )
    level = float(smooth(slow.history["val_loss"]).min()) + LOSS_MARGIN
    lows = [float(run.history["val_loss"].min()) for run in (fast, slow)]
    if not np.isfinite(fast.history["val_loss"]).all() or lows[0] > GUESS - STARTED:
        return Said(f"{high} is too high: its validation loss never gets away from guessing ({lows[0]:.3f}).")
    after, before = epochs_to_loss(fast.history, level), epochs_to_loss(slow.history, level)
    if after is None or before is None:
        return Said(
            f"{high} does not come as low as {low}: {lows[0]:.3f} against {lows[1]:.3f}. Its steps are too large to "
            "find the lower places."
        )
    if after >= before:
        return Said(
            f"{high} is no faster here than {low}: both are down to {level:.3f} after {after} and {before} epochs."
        )
    end = _overfitting(fast)
    then = FASTER_RATE[end.word].format(lowest=fast.lowest_loss_epoch + 1, epochs=fast.epochs, rise=end.estimate)
    return Said(
        f"{high} goes the same way faster: it is down to a validation loss of {level:.3f} after {after} epochs, {low} "
        f"after {before}; lowest losses {lows[0]:.3f} and {lows[1]:.3f}. {then}",
        (end,),
    )


def _started(run: Run) -> Said:
    """Whether a run with a small learning rate has started, and whether it has arrived."""
    rate, ends = f"At lr {scientific(run.config.learning_rate)}", float(run.history["loss"][-WINDOW:].mean())
    if abs(ends - GUESS) < STARTED:
        return Said(
            f"{rate} the network has barely started after {run.epochs} epochs: its training loss is still {ends:.3f}, "
            "and guessing has 0.693."
        )
    curve = smooth(run.history["val_loss"])
    falls = float(curve[max(len(curve) - 2 * WINDOW, 0)] - curve[-1])
    if falls > LOSS_MARGIN / 4 and int(curve.argmin()) >= len(curve) - WINDOW:
        return Said(f"{rate} the network is unfinished: its validation loss still falls after {run.epochs} epochs.")
    return Said(f"{rate} the network has arrived: its validation loss no longer falls after {run.epochs} epochs.")


GAP = {
    BETTER: "The gap gets smaller: {gaps}.",
    WORSE: "The gap gets wider, not smaller: {gaps}.",
    SAME: "The gap stays as it is: {gaps}.",
    BELOW: "The gap does not get smaller: {gaps}, difference {difference}.",
    UNDECIDED: "Whether the gap changes cannot be told here: {gaps}, difference {difference}.",
}


def _gap(without: Run, with_: Run, what: str = "dropout") -> Said:
    """Whether something narrows the gap between training and validation."""
    finding = known("narrower gap", without, with_)
    assert finding.estimate is not None
    gaps = f"{points(accuracy_gap(without).value)} points without {what}, {points(accuracy_gap(with_).value)} with it"
    return Said(GAP[finding.word].format(gaps=gaps, difference=in_points(finding.estimate)), (finding,))


SURENESS = {
    REACHED: "The validation loss ends {rise:.3f} above its minimum, and the accuracy {accuracy}.",
    BELOW: "Its validation loss does not rise at the end: this run does not over-fit within its epochs.",
    UNDECIDED: "Whether this run over-fits within its epochs cannot be told: its validation loss ends {interval} above "
    "its minimum.",
}


def _sureness(run: Run) -> Said:
    """Whether a run over-fits, and whether it then makes more errors or is only more sure of them."""
    finding = _overfitting(run)
    assert finding.estimate is not None
    curve = run.history["val_accuracy"]
    top, ends = float(smooth(curve).max()), float(curve[-WINDOW:].mean())
    if top - ends >= NARROWER:
        goes = f"falls from {top:.3f} to {ends:.3f}: it is wrong more often, and more sure"
    else:
        goes = f"stays at {ends:.3f}: it is not wrong more often, but more sure when it is"
    text = SURENESS[finding.word].format(rise=finding.estimate.value, interval=finding.estimate, accuracy=goes)
    return Said(text, (finding,))


MADE = {
    BETTER: "{What} makes the better network here: {shown}.",
    WORSE: "{What} makes the worse network here: {shown}.",
    SAME: "{What} makes no difference that matters: {shown}.",
    UNDECIDED: "Whether {what} makes the better network cannot be told: {shown}.",
}
MADE |= {CLOSE: MADE[UNDECIDED], NO_BETTER: MADE[UNDECIDED]}


def _better(without: Sequence[Run], with_: Sequence[Run], what: str) -> Said:
    """Whether `what` (Dropout, Augmentation, Batch normalization) makes the more accurate network."""
    sat = [[run for run in runs if run.exam] for runs in (with_, without)]
    finding = found("accuracy", *sat) if all(sat) else known("accuracy", with_[0], without[0])
    difference = finding.estimate
    assert difference is not None
    tested = "" if finding.p is None else f", McNemar {p_words(finding.p)}"
    number = in_points(difference) if finding.p is None else points(difference.value)
    area = f"; AUC {finding.area}" if finding.area else ""
    shown = f"{number} points {finding.basis}{tested}{area}"
    return Said(MADE[finding.word].format(What=what, what=what[0].lower() + what[1:], shown=shown), (finding,))


def _lead(plain: Run, normed: Run) -> Said:
    """Which of two runs has the lower validation loss, and until which epoch."""
    length, names = min(plain.epochs, normed.epochs), ("plain", "normalized")
    own, other = (smooth(run.history["val_loss"])[:length] for run in (normed, plain))
    ahead = (own < other).astype(int)
    lows = (
        f"lowest losses {normed.history['val_loss'].min():.3f} normalized, {plain.history['val_loss'].min():.3f} plain"
    )
    first, last = names[ahead[0]], names[ahead[-1]]
    turns = np.flatnonzero(np.diff(ahead)) + 2
    if not len(turns):
        return Said(f"The {first} network is ahead at every epoch ({lows}).")
    if len(turns) == 1:
        return Said(f"The {first} network is ahead until epoch {turns[0] - 1}, then the {last} one ({lows}).")
    return Said(f"The lead changes {len(turns)} times; from epoch {turns[-1]} on the {last} network is ahead ({lows}).")


CATCHES_UP = {
    True: f"{{what}} catches up: what it may lack, {{lost}} points, stays below {100 * EQUAL:.0f}.",
    False: "{what} does not catch up: it lacks {value} points (McNemar {p}).",
    None: "Whether {lower} catches up cannot be told: it may lack {lost} points.",
}


def _catch_up(without: Run, with_: Run, what: str = "Spatial dropout") -> Said:
    """Whether something catches up in validation accuracy, and with which gap."""
    finding = known("accuracy", without, with_, rule=IS_NOT)
    lost = finding.estimate
    assert lost is not None and finding.p is not None
    lower = what[0].lower() + what[1:]
    text = CATCHES_UP[finding.holds(IS_NOT)].format(
        what=what, lower=lower, lost=in_points(lost), value=points(lost.value), p=p_words(finding.p)
    )
    gap = _gap(without, with_, lower)
    return Said(f"{text} {gap.text}", (finding, *gap.findings))


def _depth(runs: Mapping[str, Run]) -> Said:
    """Whether accuracy and AUC put networks in the same order, and whether a test tells them apart."""
    if len(runs) < 2:
        return Said(NOT_HERE)
    by_accuracy = sorted(runs, key=lambda label: -accuracy(runs[label]).value)
    areas = {label: float(np.mean([area.value for area in auc(run).values()])) for label, run in runs.items()}
    by_area = sorted(runs, key=lambda label: -areas[label])
    same = "AUC puts them in the same order" if by_accuracy == by_area else f"AUC in another: {', '.join(by_area)}"
    pairs = {f"{a} and {b}": mcnemar(runs[a], runs[b]).p for a, b in combinations(by_accuracy, 2)}
    told = [pair for pair, p in holm(pairs).items() if p < SIGNIFICANT]
    apart = f"the paired tests tell {'; '.join(told)} apart" if told else "no paired test tells any two apart"
    return Said(f"By accuracy the order is {', '.join(by_accuracy)}. {same}; on the validation images {apart}.")


def _parameters(configs: Mapping[str, RunConfig]) -> Said:
    """How the parameters of two networks compare, at whatever size of images they are built for."""
    from labutils.models import describe

    counted = {name: describe(config, 2).parameters for name, config in list(configs.items())[:2]}
    fewer, more = sorted(counted, key=lambda name: counted[name])
    ratio = counted[more] / counted[fewer]
    if ratio < 1.1:
        (one, a), (other, b) = counted.items()
        return Said(f"{one} and {other} have nearly the same number of parameters: {a:,} and {b:,}.")
    return Said(
        f"{more} has {ratio:.1f} times the parameters of {fewer}: {counted[more]:,} against {counted[fewer]:,}."
    )


def _tuned(runs: Mapping[str, Run]) -> Said:
    """Which setting is the best of each network, and whether that is the report's (5)."""
    told = [_tuned_network(network, runs) for network in ("LeNet", "AlexNet")]
    return Said(" ".join(one.text for one in told), tuple(finding for one in told for finding in one.findings))


def _tuned_network(network: str, runs: Mapping[str, Run]) -> Said:
    own = {label: run for label, run in runs.items() if label.startswith(f"{network} (")}
    five = next((label for label in own if label.startswith(f"{network} (5)")), None)
    if five is None or len(own) < 2:
        return Said(f"{network}: {NOT_HERE}")
    top = max(own, key=lambda label: (accuracy(own[label]).value, label == five))
    if top == five:
        return Said(f"{network}: the report's choice, (5), has the highest accuracy here too.")
    finding = known("accuracy", own[top], own[five])
    assert finding.p is not None
    apart = "tells them apart" if finding.word == BETTER else "cannot tell them apart"
    return Said(
        f"{network}: the report's choice is (5), {accuracy(own[five]).value:.3f}; the highest accuracy here, "
        f"{accuracy(own[top]).value:.3f}, has {top.removeprefix(f'{network} ')}, and the paired test {apart} "
        f"({p_words(finding.p)}).",
        (finding,),
    )


def _effect(without: Sequence[Run], with_: Sequence[Run], what: str = "dropout") -> Said:
    """Whether an effect on the gap shows in every seed, on average, or not; both with the same seeds in order."""
    if len(without) != len(with_):
        return Said(NOT_HERE)
    narrower = np.array([gap_difference(pair).value for pair in zip(without, with_, strict=True)])
    shown = ", ".join(points(value) for value in narrower)
    if len(narrower) == 1:
        return Said(
            f"With one seed it cannot be said whether the effect of {what} is larger than the seed's ({shown} points)."
        )
    way = "narrows" if narrower.mean() > 0 else "widens"
    mean = f"{points(float(narrower.mean()))} on average"
    if (narrower > 0).all() or (narrower < 0).all():
        return Said(f"{what.capitalize()} {way} the gap at every seed: by {shown} points, {mean}.")
    return Said(
        f"{what.capitalize()} {way} the gap on average, not at every seed: {shown} points, {mean}. An effect need not "
        "show at every seed to be there; it has to be larger than what seeds make of its mean."
    )


SENTENCES: dict[str, Callable[..., Said]] = {
    "rate": _rate,
    "started": _started,
    "gap": _gap,
    "over-fitting": _sureness,
    "better": _better,
    "lead": _lead,
    "catch up": _catch_up,
    "depth": _depth,
    "parameters": _parameters,
    "tuned": _tuned,
    "effect at every seed": _effect,
}
"""What `tell` can say, by name."""
