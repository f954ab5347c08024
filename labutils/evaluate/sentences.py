"""Sentences whose truth depends on the outcome: each function reads the runs and says what they show, and no more.

Where a run is missing, the sentence says so. Differences in accuracy are read from the exam if all runs have sat it,
over the seeds that are given, and from validation images otherwise; a sentence names which.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING

import numpy as np

from labutils.config import scientific
from labutils.evaluate.compare import accuracy_difference, gap_difference, mcnemar
from labutils.evaluate.curves import WINDOW, accuracy_gap, epochs_to_loss, loss_rise, smooth
from labutils.evaluate.effects import ACCURACY_MARGIN, BETTER, LOSS_MARGIN, SAME, WORSE
from labutils.evaluate.exam import accuracy_effect
from labutils.evaluate.findings import EQUAL, NARROWER, SIGNIFICANT, in_points, p_words, points
from labutils.evaluate.metrics import accuracy, auc
from labutils.statistics import holm

if TYPE_CHECKING:
    from labutils.config import RunConfig
    from labutils.runs.run import Run

NOT_HERE = "The runs that this sentence is about are not here yet."
LN2 = log(2)
STARTED = 0.05
RISES = 0.05


def say(*sentences: str) -> None:
    """Print sentences, each in lines of at most 90 characters: JupyterLab breaks longer ones within a word."""
    for sentence in sentences:
        print(textwrap.fill(sentence, 90, break_on_hyphens=False))


def pair(runs: Mapping[str, Run]) -> tuple[Run | None, Run | None]:
    """The first two runs, for what compares two; None for each that is not there."""
    first, second, *_ = [*runs.values(), None, None]
    return first, second


def rate_sentence(runs: Mapping[str, Run]) -> str:
    """What the highest learning rate does, against the next lower one: faster, too high, or neither (Task 1B)."""
    ordered = sorted(runs.items(), key=lambda item: -item[1].config.learning_rate)
    if len({run.config.learning_rate for run in runs.values()}) < 2:
        return NOT_HERE
    (high, fast), (low, slow) = ordered[0], next(item for item in ordered if _rate(item) < _rate(ordered[0]))
    level = float(smooth(slow.history["val_loss"]).min()) + LOSS_MARGIN
    lows = [float(run.history["val_loss"].min()) for run in (fast, slow)]
    if not np.isfinite(fast.history["val_loss"]).all() or lows[0] > LN2 - STARTED:
        return f"{high} is too high: its validation loss never gets away from guessing ({lows[0]:.3f})."
    after, before = epochs_to_loss(fast.history, level), epochs_to_loss(slow.history, level)
    if after is None or before is None:
        return (
            f"{high} does not come as low as {low}: {lows[0]:.3f} against {lows[1]:.3f}. Its steps are too large to "
            "find the lower places."
        )
    rise = loss_rise(fast)
    if after >= before:
        return f"{high} is no faster here than {low}: both are down to {level:.3f} after {after} and {before} epochs."
    then = (
        f"What comes after its minimum at epoch {fast.lowest_loss_epoch + 1} is over-fitting, which starts earlier "
        f"because everything does: {fast.epochs} epochs are too many for it, and the rate is not too high."
        if rise.value >= RISES and rise.low > 0
        else "Its validation loss stays down."
    )
    return (
        f"{high} goes the same way faster: it is down to a validation loss of {level:.3f} after {after} epochs, {low} "
        f"after {before}; lowest losses {lows[0]:.3f} and {lows[1]:.3f}. {then}"
    )


def started_sentence(run: Run | None) -> str:
    """Whether a run with a small learning rate has started, and whether it has arrived (Task 1B)."""
    if run is None:
        return NOT_HERE
    rate, ends = f"At lr {scientific(run.config.learning_rate)}", float(run.history["loss"][-WINDOW:].mean())
    if abs(ends - LN2) < STARTED:
        return (
            f"{rate} the network has barely started after {run.epochs} epochs: its training loss is still {ends:.3f}, "
            "and guessing has 0.693."
        )
    curve = smooth(run.history["val_loss"])
    falls = float(curve[max(len(curve) - 2 * WINDOW, 0)] - curve[-1])
    if falls > LOSS_MARGIN / 4 and int(curve.argmin()) >= len(curve) - WINDOW:
        return f"{rate} the network is unfinished: its validation loss still falls after {run.epochs} epochs."
    return f"{rate} the network has arrived: its validation loss no longer falls after {run.epochs} epochs."


def gap_sentence(without: Run | None, with_: Run | None, what: str = "dropout") -> str:
    """Whether something narrows the gap between training and validation (Tasks 1D, 2, 5A, 6B, 8)."""
    if without is None or with_ is None:
        return NOT_HERE
    difference = gap_difference((without, with_))
    gaps = f"{points(accuracy_gap(without).value)} points without {what}, {points(accuracy_gap(with_).value)} with it"
    if difference.value >= NARROWER and difference.low > 0:
        return f"The gap gets smaller: {gaps}."
    if difference.value <= -NARROWER and difference.high < 0:
        return f"The gap gets wider, not smaller: {gaps}."
    if max(-difference.low, difference.high) < NARROWER:
        return f"The gap stays as it is: {gaps}."
    return f"Whether the gap changes cannot be told here: {gaps}, difference {in_points(difference)}."


def sureness_sentence(run: Run | None) -> str:
    """What a rising validation loss comes with: more errors, or only more confidence in them (Task 1E)."""
    if run is None:
        return NOT_HERE
    rise = loss_rise(run)
    if rise.value < RISES or rise.low <= 0:
        return "Its validation loss does not rise at the end: this run does not over-fit within its epochs."
    curve = run.history["val_accuracy"]
    top, ends = float(smooth(curve).max()), float(curve[-WINDOW:].mean())
    start = f"The validation loss ends {rise.value:.3f} above its minimum"
    if top - ends >= NARROWER:
        return f"{start}, and the accuracy falls from {top:.3f} to {ends:.3f}: it is wrong more often, and more sure."
    return f"{start}, and the accuracy stays at {ends:.3f}: it is not wrong more often, but more sure when it is."


def norm_sentence(plain: Sequence[Run], normed: Sequence[Run]) -> str:
    """Whether batch normalization is the better network on images that it has not seen (Tasks 5B, 5C, 5D)."""
    return _better_sentence("Batch normalization", plain, normed)


def regularizer_sentence(without: Sequence[Run], with_: Sequence[Run], what: str) -> str:
    """Whether `what` (Dropout, Augmentation) makes the more accurate network (Tasks 1D, 5A, 8)."""
    return _better_sentence(what, without, with_)


def lead_sentence(plain: Run | None, normed: Run | None) -> str:
    """Which of two runs has the lower validation loss, and until which epoch (Tasks 5C, 5D)."""
    if plain is None or normed is None:
        return NOT_HERE
    length = min(plain.epochs, normed.epochs)
    ahead = (smooth(normed.history["val_loss"])[:length] < smooth(plain.history["val_loss"])[:length]).astype(int)
    lows = (
        f"lowest losses {normed.history['val_loss'].min():.3f} normalized, {plain.history['val_loss'].min():.3f} plain"
    )
    if ahead.all():
        return f"The normalized network is ahead at every epoch ({lows})."
    if not ahead.any():
        return f"The plain network is ahead at every epoch ({lows})."
    turns = np.flatnonzero(np.diff(ahead)) + 2
    first = "normalized" if ahead[0] else "plain"
    last = "normalized" if ahead[-1] else "plain"
    if len(turns) == 1:
        return f"The {first} network is ahead until epoch {turns[0] - 1}, then the {last} one ({lows})."
    return f"The lead changes {len(turns)} times; from epoch {turns[-1]} on the {last} network is ahead ({lows})."


def spatial_catch_up(without: Run | None, with_: Run | None) -> str:
    """Whether spatial dropout catches up in validation accuracy, and with which gap (Task 6B)."""
    if without is None or with_ is None:
        return NOT_HERE
    test, lost = mcnemar(without, with_), accuracy_difference(without, with_)
    if test.p < SIGNIFICANT and test.n10 > test.n01:
        start = f"Spatial dropout does not catch up: it lacks {points(lost.value)} points (McNemar {p_words(test.p)})."
    elif lost.high < EQUAL:
        start = (
            f"Spatial dropout catches up: what it may lack, {in_points(lost)} points, stays below {100 * EQUAL:.0f}."
        )
    else:
        start = f"Whether spatial dropout catches up cannot be told: it may lack {in_points(lost)} points."
    return f"{start} {gap_sentence(without, with_, 'spatial dropout')}"


def depth_sentence(runs: Mapping[str, Run]) -> str:
    """Whether accuracy and AUC put networks in the same order, and whether a test tells them apart (Tasks 1C, 1E)."""
    if len(runs) < 2:
        return NOT_HERE
    by_accuracy = sorted(runs, key=lambda label: -accuracy(runs[label]).value)
    areas = {label: float(np.mean([area.value for area in auc(run).values()])) for label, run in runs.items()}
    by_area = sorted(runs, key=lambda label: -areas[label])
    same = "AUC puts them in the same order" if by_accuracy == by_area else f"AUC in another: {', '.join(by_area)}"
    pairs = {
        f"{a} and {b}": mcnemar(runs[a], runs[b]).p for i, a in enumerate(by_accuracy) for b in by_accuracy[i + 1 :]
    }
    told = [pair for pair, p in holm(pairs).items() if p < SIGNIFICANT]
    apart = f"the paired tests tell {'; '.join(told)} apart" if told else "no paired test tells any two apart"
    return f"By accuracy the order is {', '.join(by_accuracy)}. {same}; on the validation images {apart}."


def parameters_sentence(configs: Mapping[str, RunConfig]) -> str:
    """How the parameters of two networks compare, at whatever size of images they are built for (Task 1C)."""
    from labutils.models import describe

    (name_a, a), (name_b, b) = list(configs.items())[:2]
    one, other = (describe(config, 2).parameters for config in (a, b))
    ratio = max(one, other) / min(one, other)
    if ratio < 1.1:
        return f"{name_a} and {name_b} have nearly the same number of parameters: {one:,} and {other:,}."
    more, fewer = (name_a, name_b) if one > other else (name_b, name_a)
    return f"{more} has {ratio:.1f} times the parameters of {fewer}: {max(one, other):,} against {min(one, other):,}."


def tuned_sentence(runs: Mapping[str, Run]) -> str:
    """Which setting is the best of each network, and whether that is the report's (5) (Task 4)."""
    sentences = []
    for network in ("LeNet", "AlexNet"):
        own = {label: run for label, run in runs.items() if label.startswith(f"{network} (")}
        five = next((label for label in own if label.startswith(f"{network} (5)")), None)
        if five is None or len(own) < 2:
            sentences.append(f"{network}: {NOT_HERE}")
            continue
        top = max(own, key=lambda label: (accuracy(own[label]).value, label == five))
        if top == five:
            sentences.append(f"{network}: the report's choice, (5), has the highest accuracy here too.")
            continue
        p = mcnemar(own[top], own[five]).p
        apart = (
            "and the paired test tells them apart" if p < SIGNIFICANT else "and the paired test cannot tell them apart"
        )
        sentences.append(
            f"{network}: the report's choice is (5), {accuracy(own[five]).value:.3f}; the highest accuracy here, "
            f"{accuracy(own[top]).value:.3f}, has {top.removeprefix(f'{network} ')}, {apart} ({p_words(p)})."
        )
    return " ".join(sentences)


def effect_sentence(without: Sequence[Run], with_: Sequence[Run], what: str = "dropout") -> str:
    """Whether an effect on the gap shows in every seed, on average, or not (Task 3).

    Parameters
    ----------
    without, with_ : sequence of Run
        The same seeds in the same order.
    """
    if not without or len(without) != len(with_):
        return NOT_HERE
    narrower = np.array([gap_difference(pair).value for pair in zip(without, with_, strict=True)])
    shown = ", ".join(points(value) for value in narrower)
    mean = f"{points(float(narrower.mean()))} on average"
    if len(narrower) == 1:
        return (
            f"With one seed it cannot be said whether the effect of {what} is larger than the seed's ({shown} points)."
        )
    if (narrower > 0).all() or (narrower < 0).all():
        way = "narrows" if narrower[0] > 0 else "widens"
        return f"{what.capitalize()} {way} the gap at every seed: by {shown} points, {mean}."
    way = "narrows" if narrower.mean() > 0 else "widens"
    return (
        f"{what.capitalize()} {way} the gap on average, not at every seed: {shown} points, {mean}. An effect need not "
        "show at every seed to be there; it has to be larger than what seeds make of its mean."
    )


def _better_sentence(what: str, first: Sequence[Run], second: Sequence[Run]) -> str:
    if not first or not second:
        return NOT_HERE
    sat = [[run for run in runs if run.exam] for runs in (second, first)]
    if all(sat):
        effect = accuracy_effect(*sat)
        shown = f"{in_points(effect.interval())} points on the exam, {effect.basis}"
        word = effect.word(ACCURACY_MARGIN)
    else:
        test = mcnemar(second[0], first[0])
        difference = accuracy(second[0]).value - accuracy(first[0]).value
        shown = f"{points(difference)} points on the validation images, McNemar {p_words(test.p)}"
        word = "undecided" if test.p >= SIGNIFICANT else BETTER if test.n10 > test.n01 else WORSE
    ends = {
        BETTER: f"{what} makes the better network here: {shown}.",
        WORSE: f"{what} makes the worse network here: {shown}.",
        SAME: f"{what} makes no difference that matters: {shown}.",
    }
    return ends.get(word, f"Whether {what[0].lower() + what[1:]} makes the better network cannot be told: {shown}.")


def _rate(item: tuple[str, Run]) -> float:
    return item[1].config.learning_rate
