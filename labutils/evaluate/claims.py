"""What the lab report concludes, C1 to C18, and the rule that judges each.

A claim is a list of conditions (see `findings`); `verdicts` makes one word of them. A verdict speaks of one seed and
one set of validation images: its intervals and tests know nothing of what another seed would have given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log
from typing import TYPE_CHECKING

from labutils.evaluate import findings as f
from labutils.evaluate import lab
from labutils.evaluate.compare import same_images
from labutils.evaluate.curves import CLIMB, WINDOW, epochs_to_reach, overfitting_epoch
from labutils.evaluate.findings import Finding
from labutils.evaluate.metrics import accuracy
from labutils.evaluate.verdicts import Claim, Runs, Verdict, judge_claim

if TYPE_CHECKING:
    from labutils.config import RunConfig
    from labutils.runs import Run

# Limits come in pairs where it matters: beyond one the claim holds, beyond the other it does not, and between them
# nothing is said. All were chosen before any run was judged by them.
LN2 = log(2)
LEARNED, MEMORISED = 0.90, 0.97
WELL_ABOVE = 0.10
OVERFITTED = 0.05
BARELY, STARTED = 0.05, 0.10
ABOUT_EPOCH_80 = (40, 120)
FAR_FEWER = 0.5
FASTER, SLACK = 0.8, 0.01
NEAR_ONE = 0.95

_TEST = f"exact McNemar test on the same images at the best epochs, p < {f.SIGNIFICANT} either way"
_LOSS = "95 % interval of the loss difference image by image, at the best epochs, excludes 0 either way"
_NARROWER, _EQUAL, _WIDE = (f"{100 * margin:.0f} points" for margin in (f.NARROWER, f.EQUAL, f.WIDE))
_GAP = (
    f"gap = training minus validation accuracy, mean of the last {WINDOW} epochs; narrower = by at least "
    f"{_NARROWER} with a 95 % interval above 0, not narrower = the interval stays below {_NARROWER}"
)
_CLIMB = f"mean validation loss of the last {WINDOW} epochs minus that of the lowest {WINDOW} in a row"


CLAIMS: dict[str, Claim] = {}
"""The eighteen claims by id, in order."""


def judge(claim_id: str, runs: Mapping[str, Run]) -> Verdict:
    """Judge one claim.

    Parameters
    ----------
    claim_id : str
        "C1" to "C18".
    runs : mapping of str to Run
        May hold more than the claim needs. Runs are recognised by their settings, whatever their labels, so any
        collection will do. Of several seeds the smallest is judged.

    Returns
    -------
    Verdict
        "missing", naming what is absent, if a run is not there; "undecided" if one has fewer epochs than the report's.

    Raises
    ------
    ValueError
        If there is no such claim.
    ComparisonError
        If the runs were validated on different images.
    """
    if claim_id not in CLAIMS:
        raise ValueError(f"{claim_id!r} is not a claim; there are {', '.join(CLAIMS)}.")
    return judge_claim(CLAIMS[claim_id], runs)


def judge_all(runs: Mapping[str, Run], task: str | None = None) -> list[Verdict]:
    """The verdicts on all claims, or on those of one task, in order."""
    return [judge(claim.id, runs) for claim in CLAIMS.values() if task in (None, claim.task)]


def _claim(
    claim_id: str, task: str, text: str, rule: str, needs: Mapping[str, RunConfig] | None = None
) -> Callable[[Callable[[Runs, list[Run]], list[Finding]]], None]:
    """Enter a claim; its runs are those of the task unless `needs` says otherwise."""

    def enter(conditions: Callable[[Runs, list[Run]], list[Finding]]) -> None:
        CLAIMS[claim_id] = Claim(claim_id, task, text, rule, dict(needs or lab.runs(task)), conditions)

    return enter


def _only(task: str, *labels: str) -> dict[str, RunConfig]:
    return {label: config for label, config in lab.runs(task).items() if label in labels}


@_claim(
    "C1",
    "task1b",
    "lr 1e-5 has the lowest best-epoch validation loss of the three",
    f"lower than each of the others: {_LOSS}.",
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    middle = "lr 1e-5"
    return [f.lower_loss(middle, runs[middle], other, runs[other]) for other in ("lr 1e-4", "lr 1e-6")]


@_claim(
    "C2",
    "task1b",
    "lr 1e-4 over-fits: training accuracy goes to about 1 while validation loss climbs well above its minimum",
    f"training accuracy at least {MEMORISED} (refuted up to {LEARNED}), mean of the last {WINDOW} epochs; and {_CLIMB} "
    f"at least {WELL_ABOVE:.2f}, 95 % interval above 0 (refuted if it stays below {WELL_ABOVE:.2f}).",
    _only("task1b", "lr 1e-4"),
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    run = runs["lr 1e-4"]
    trained = f.final(run, "accuracy")
    return [
        Finding(f.between(trained, no=LEARNED, yes=MEMORISED), f"training accuracy ends at {trained:.3f}"),
        f.overfits("lr 1e-4", run, WELL_ABOVE),
    ]


@_claim(
    "C3",
    "task1b",
    "lr 1e-6 has barely started after 100 epochs: both losses still near ln 2 = 0.693",
    f"both losses, mean of the last {WINDOW} epochs, within {BARELY:.2f} of ln 2; refuted from {STARTED:.2f} on.",
    _only("task1b", "lr 1e-6"),
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    losses = {"training": f.final(runs["lr 1e-6"], "loss"), "validation": f.final(runs["lr 1e-6"], "val_loss")}
    return [
        Finding(f.between(abs(loss - LN2), no=STARTED, yes=BARELY), f"{name} loss ends at {loss:.3f}")
        for name, loss in losses.items()
    ]


@_claim("C4", "task1c", "VGG16 classifies better than AlexNet", f"{_TEST}.")
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    return [f.more_accurate("VGG16", runs["VGG16"], "AlexNet", runs["AlexNet"])]


@_claim(
    "C5",
    "task1d",
    "n_base 16 is no better than 8",
    f"95 % interval of the accuracy difference on the same images ends below +{_EQUAL}; refuted if the exact "
    f"McNemar test shows b16 to be better, p < {f.SIGNIFICANT}.",
    _only("task1d", "b8", "b16"),
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    return [f.not_better("b16", runs["b16"], "b8", runs["b8"])]


@_claim("C6", "task1d", "dropout 0.2 helps, a little", f"{_TEST}.", _only("task1d", "b16", "b16, dropout 0.2"))
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    return [f.more_accurate("with dropout", runs["b16, dropout 0.2"], "without", runs["b16"])]


@_claim(
    "C7",
    "task2",
    "dropout narrows the gap between training and validation curves on Bone",
    f"{_GAP}; mean over b8 and b16.",
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    pairs = [(runs[name], runs[f"{name}, dropout 0.2"]) for name in ("b8", "b16")]
    return [f.narrower_gap("gap without against with dropout, b8 and b16", *pairs)]


@_claim(
    "C8",
    "task3",
    "Bone is classified more accurately than Skin, and with lower loss",
    f"Fisher's exact test on the accuracies at the best epochs, p < {f.SIGNIFICANT} either way; and 95 % interval of "
    "the difference of the losses excludes 0 either way.",
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    bone, skin = runs["Bone"], runs["Skin"]
    return [
        f.more_accurate_elsewhere("Bone", bone, "Skin", skin),
        f.lower_loss_elsewhere("Bone", bone, "Skin", skin),
    ]


@_claim(
    "C9",
    "task4",
    "tuned AlexNet and LeNet are equally good",
    f"setting (5), categorical accuracy: 95 % interval of the difference on the same images lies within "
    f"±{_EQUAL}; refuted if the exact McNemar test shows a difference, p < {f.SIGNIFICANT}.",
    _only("task4", "LeNet (5) dropout 0.4", "AlexNet (5) dropout 0.4"),
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    alexnet, lenet = runs["AlexNet (5) dropout 0.4"], runs["LeNet (5) dropout 0.4"]
    return [f.equally_accurate("AlexNet", alexnet, "LeNet", lenet)]


@_claim(
    "C10",
    "task4",
    "with dropout, training and validation curves lie closer together",
    f"settings (1) and (5), mean over both networks: {_GAP}.",
    {label: config for label, config in lab.runs("task4").items() if "(1)" in label or "(5)" in label},
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    pairs = [(runs[f"{name} (1) lr 1e-5"], runs[f"{name} (5) dropout 0.4"]) for name in ("LeNet", "AlexNet")]
    return [f.narrower_gap("gap without against with dropout, LeNet and AlexNet", *pairs)]


@_claim(
    "C11",
    "task5a",
    "without dropout the model over-fits (training well above validation); dropout closes the gap",
    f"{_GAP}; and the gap without dropout is at least {_WIDE}, interval above 0 (refuted if it stays below).",
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    without, dropout = runs["no dropout"], runs["dropout 0.4"]
    return [
        f.wide_gap("no dropout", without),
        f.narrower_gap("gap without against with dropout", (without, dropout)),
    ]


@_claim(
    "C12",
    "task5b",
    "with batch normalization, 5A's training accuracy is reached in far fewer epochs (9 of 50; 19 with dropout)",
    "epochs to reach the highest training accuracy of the same network without batch normalization, without and "
    f"with dropout: at most {FAR_FEWER:.0%} of what that network needed; refuted if not fewer.",
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    results = []
    for plain, normalised in (("no dropout", "batch norm"), ("dropout 0.4", "batch norm, dropout 0.4")):
        goal = float(runs[plain].history["accuracy"].max())
        before = epochs_to_reach(runs[plain].history, goal)
        after = epochs_to_reach(runs[normalised].history, goal)
        assert before is not None, "a curve reaches its own maximum"
        took = "never" if after is None else f"after {after} epochs"
        evidence = f"{plain}: training accuracy {goal:.3f} {took} with batch normalization, {before} without"
        results.append(Finding(f.faster(after, before, FAR_FEWER), evidence))
    return results


@_claim(
    "C13",
    "task5c",
    "at lr 1e-5, batch normalization gives the higher validation accuracy and the lower loss",
    f"{_TEST}; and {_LOSS}.",
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    named = ("with batch norm", runs["batch norm"], "without", runs["no batch norm"])
    return [f.more_accurate(*named), f.lower_loss(*named)]


@_claim(
    "C14",
    "task5d",
    "over 150 epochs the batch-normalized model over-fits from about epoch 80 on; the other keeps generalizing",
    f"{_CLIMB}: with batch norm at least {OVERFITTED:.2f}, 95 % interval above 0 (refuted if it stays below), without "
    f"it the opposite; over-fitting (smoothed validation loss stays {CLIMB} above its minimum) begins "
    f"between epochs {ABOUT_EPOCH_80[0]} and {ABOUT_EPOCH_80[1]}.",
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    normalised = f.overfits("batch norm", runs["batch norm"], OVERFITTED)
    plain = f.overfits("no batch norm", runs["no batch norm"], OVERFITTED)
    begins = overfitting_epoch(runs["batch norm"].history)
    at_80 = None if begins is None else ABOUT_EPOCH_80[0] <= begins <= ABOUT_EPOCH_80[1]
    return [
        normalised,
        Finding(at_80, f"over-fitting begins at epoch {begins}" if begins else "no epoch of over-fitting"),
        Finding(None if plain.holds is None else not plain.holds, plain.evidence),
    ]


@_claim(
    "C15",
    "task6a",
    "without spatial dropout the model converges faster",
    f"epochs until the smoothed validation loss comes down to the higher of the two minima plus {SLACK}: at most "
    f"{FASTER:.0%} of those with spatial dropout; refuted if not fewer.",
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    without, spatial = runs["no spatial dropout"], runs["spatial dropout 0.1"]
    return [f.converges_faster("without", without, "with spatial dropout", spatial, FASTER, SLACK)]


@_claim(
    "C16",
    "task6b",
    "with 250 epochs, spatial dropout catches up in validation accuracy, with the smaller train-validation gap",
    f"95 % interval of the accuracy lost on the same images stays below {_EQUAL} (refuted if the exact McNemar "
    f"test shows a loss, p < {f.SIGNIFICANT}); and {_GAP}.",
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    without, spatial = runs["no spatial dropout"], runs["spatial dropout 0.1"]
    return [
        f.not_better("without", without, "with spatial dropout", spatial),
        f.narrower_gap("gap without against with spatial dropout", (without, spatial)),
    ]


@_claim(
    "C17",
    "task8",
    "augmentation improves validation performance and reduces over-fitting",
    f"{_TEST}; and {_GAP}.",
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    without, augmented = runs["no augmentation"], runs["augmentation"]
    return [
        f.more_accurate("with augmentation", augmented, "without", without),
        f.narrower_gap("gap without against with augmentation", (without, augmented)),
    ]


@_claim(
    "C18",
    "task9",
    "VGG16 with augmentation gives the best Skin and Bone accuracies of the whole lab; Bone near 1.0",
    f"better than the best other run on the same images: {_TEST}; and the 95 % interval of Bone's accuracy begins at "
    f"{NEAR_ONE} or above (refuted if it ends below).",
    {**lab.runs("task9"), **{f"{name} of Task 3": config for name, config in lab.runs("task3").items()}},
)
def _(runs: Runs, everything: list[Run]) -> list[Finding]:
    results = []
    for name in ("Skin", "Bone"):
        own = runs[name]
        others = [run for run in everything if same_images(run, own) and run.config.key != own.config.key]
        rival = max(others, key=lambda run: accuracy(run).value)
        title = f"{rival.config.slug}, the best of {len(others)} other runs"
        results.append(f.more_accurate(f"{name} with augmentation", own, title, rival))
    bone = accuracy(runs["Bone"])
    near = False if bone.high < NEAR_ONE else True if bone.low >= NEAR_ONE else None
    return [*results, Finding(near, f"Bone's accuracy is {bone}")]
