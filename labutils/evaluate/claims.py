"""What the lab report concludes, as data: each claim is a list of conditions, and its rule is made of their words.

Conditions are in `conditions` and `courses`, the way to a verdict is in `verdicts`. C3 once was a remark on a learning
rate that is too small (now `sentences.started_sentence`); in its place stands what the report says of that rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from labutils import lab
from labutils.evaluate.conditions import (
    BestOf,
    BestOfAll,
    EquallyAccurate,
    LowerLoss,
    MoreAccurate,
    NearCeiling,
    NotBetter,
    same_setting,
)
from labutils.evaluate.courses import (
    ConvergesFaster,
    LearnsFaster,
    NarrowerGap,
    Overfits,
    OverfitsFrom,
    TrainingReaches,
    WideGap,
)
from labutils.evaluate.verdicts import MISSING, Claim, Verdict, is_planned, judge_claim, same_but_seed
from labutils.runs.store import RunStore

if TYPE_CHECKING:
    from labutils.runs.run import Run

WELL_ABOVE, OVERFITTED = 0.10, 0.05
"""How far above its minimum a validation loss ends that climbs well above it, and one that over-fits at all."""

_SEVEN = [label.removeprefix("LeNet ") for label in lab.runs("task4") if label.startswith("LeNet")]
_FIVE = _SEVEN[4]


def _best_setting(network: str) -> BestOf:
    others = tuple(f"{network} {setting}" for setting in _SEVEN if setting != _FIVE)
    return BestOf(f"{network} {_FIVE}", others)


_ALL = [
    Claim(
        "C1",
        "task1b",
        "lr 1e-5 has the lowest validation loss of the three",
        (LowerLoss("lr 1e-5", "lr 1e-4", lowest=True), LowerLoss("lr 1e-5", "lr 1e-6", lowest=True)),
    ),
    Claim(
        "C2",
        "task1b",
        "lr 1e-4 over-fits: training accuracy goes to about 1 while validation loss climbs well above its minimum",
        (TrainingReaches("lr 1e-4", no=0.90, yes=0.97), Overfits("lr 1e-4", WELL_ABOVE)),
    ),
    Claim("C3", "task1b", "a lower rate than 1e-5 performs worse", (MoreAccurate("lr 1e-5", "lr 1e-6"),)),
    Claim("C4", "task1c", "VGG16 classifies better than AlexNet", (MoreAccurate("VGG16", "AlexNet"),)),
    Claim("C5", "task1d", "n_base 16 is no better than 8", (NotBetter("b16", "b8"),)),
    Claim("C6", "task1d", "dropout 0.2 helps, a little", (MoreAccurate("b16, dropout 0.2", "b16"),)),
    Claim(
        "C7",
        "task2",
        "dropout narrows the gap between training and validation curves on Bone",
        (NarrowerGap((("b8", "b8, dropout 0.2"), ("b16", "b16, dropout 0.2"))),),
    ),
    Claim(
        "C8",
        "task3",
        "Bone is classified more accurately than Skin, and with lower loss",
        (MoreAccurate("Bone", "Skin", paired=False), LowerLoss("Bone", "Skin", paired=False)),
        not_for_phantoms="how hard either kind is was chosen by whoever wrote the program that draws them.",
    ),
    Claim(
        "C9",
        "task4",
        "tuned AlexNet and LeNet are equally good",
        (EquallyAccurate(f"AlexNet {_FIVE}", f"LeNet {_FIVE}"),),
    ),
    Claim(
        "C10",
        "task4",
        "with dropout, training and validation curves lie closer together",
        (NarrowerGap(tuple((f"{name} {_SEVEN[0]}", f"{name} {_FIVE}") for name in ("LeNet", "AlexNet"))),),
    ),
    Claim(
        "C11",
        "task5a",
        "without dropout the model over-fits (training well above validation); dropout closes the gap",
        (WideGap("no dropout"), NarrowerGap((("no dropout", "dropout 0.4"),))),
    ),
    Claim(
        "C12",
        "task5b",
        "with batch normalization, 5A's training accuracy is reached in far fewer epochs (9 of 50; 19 with dropout)",
        (LearnsFaster("batch norm", "no dropout"), LearnsFaster("batch norm, dropout 0.4", "dropout 0.4")),
    ),
    Claim(
        "C13",
        "task5c",
        "at lr 1e-5, batch normalization gives the higher validation accuracy and the lower loss",
        (MoreAccurate("batch norm", "no batch norm"), LowerLoss("batch norm", "no batch norm")),
    ),
    Claim(
        "C14",
        "task5d",
        "over 150 epochs the batch-normalized model is more accurate, but over-fits from about epoch 80 on; the other "
        "keeps generalizing",
        (
            MoreAccurate("batch norm", "no batch norm"),
            Overfits("batch norm", OVERFITTED),
            OverfitsFrom("batch norm", 40, 120),
            Overfits("no batch norm", OVERFITTED, so=False),
        ),
    ),
    Claim(
        "C15",
        "task6a",
        "without spatial dropout the model converges faster",
        (ConvergesFaster("no spatial dropout", "spatial dropout 0.1"),),
    ),
    Claim(
        "C16",
        "task6b",
        "with 250 epochs, spatial dropout catches up in validation accuracy, with the smaller train-validation gap",
        (
            NotBetter("no spatial dropout", "spatial dropout 0.1"),
            NarrowerGap((("no spatial dropout", "spatial dropout 0.1"),)),
        ),
    ),
    Claim(
        "C17",
        "task8",
        "augmentation improves validation performance and reduces over-fitting",
        (MoreAccurate("augmentation", "no augmentation"), NarrowerGap((("no augmentation", "augmentation"),))),
    ),
    Claim(
        "C18",
        "task9",
        "VGG16 with augmentation gives the best Skin and Bone accuracies of the whole lab; Bone near 1.0",
        (BestOfAll("Skin"), BestOfAll("Bone"), NearCeiling("Bone")),
    ),
    Claim(
        "C19",
        "task1d",
        "the original network, 8 filters without dropout, does not over-fit",
        (Overfits("b8", OVERFITTED, so=False),),
    ),
    Claim(
        "C20",
        "task1e",
        "more convolutions are better: VGG16 before AlexNet before LeNet",
        (MoreAccurate("VGG16", "AlexNet"), MoreAccurate("AlexNet", "LeNet")),
    ),
    Claim(
        "C21",
        "task4",
        "setting (5) is the best of the seven, for both networks",
        (_best_setting("LeNet"), _best_setting("AlexNet")),
    ),
    Claim(
        "C22",
        "task4",
        "AlexNet over-fits less than LeNet",
        (NarrowerGap(((f"LeNet {_FIVE}", f"AlexNet {_FIVE}"),)),),
    ),
    Claim("C23", "task5a", "dropout raises the accuracy", (MoreAccurate("dropout 0.4", "no dropout"),)),
    Claim(
        "C24",
        "task5c",
        "the model converges more slowly than at lr 1e-4",
        (ConvergesFaster("at lr 1e-4", "no batch norm"),),
        elsewhere={"at lr 1e-4": lab.runs("task5a")["dropout 0.4"]},
    ),
]

CLAIMS: dict[str, Claim] = {claim.id: claim for claim in _ALL}
"""The claims by id, in order."""


def judge(claim_id: str, runs: Mapping[str, Run]) -> Verdict:
    """Judge one claim.

    Parameters
    ----------
    claim_id : str
        "C1" to "C24".
    runs : mapping of str to Run
        May hold more than the claim needs. Runs are recognised by their settings, whatever their labels, so any
        collection will do. Of several seeds the smallest is judged on the validation images, all on the exam.

    Returns
    -------
    Verdict
        "missing", naming what is absent, if a run is not there; "undecided" if one has fewer epochs than the report's,
        or if the runs cannot be compared.

    Raises
    ------
    ValueError
        If there is no such claim.
    """
    if claim_id not in CLAIMS:
        raise ValueError(f"{claim_id!r} is not a claim; there are {', '.join(CLAIMS)}.")
    return judge_claim(CLAIMS[claim_id], runs)


def judge_all(runs: Mapping[str, Run], task: str | None = None) -> list[Verdict]:
    """The verdicts on all claims, or on those of one task, in order."""
    return [judge(claim.id, runs) for claim in CLAIMS.values() if task in (None, claim.task)]


def judge_real(task: str | None = None, runs: Sequence[Run] | None = None) -> list[Verdict]:
    """The verdicts, by the same rules, on the runs on real images that are stored with the lab, as far as they go.

    These images have no exam, and every setting one seed: only `Verdict.verdict` says something.
    """
    stored = RunStore().all() if runs is None else runs
    real = {run.path.name: run for run in stored if run.source == lab.REAL and run.path}
    return [verdict for verdict in judge_all(real, task) if verdict.verdict != MISSING]


def with_stored(runs: Mapping[str, Run], task: str) -> dict[str, Run]:
    """The runs of a notebook and what the store has beside them: the same with other seeds, and runs of other tasks.

    Runs of this task that were trained otherwise than these (another length, another size of images) stay out, so that
    a verdict is never about runs that the notebook does not show.

    Parameters
    ----------
    runs : mapping of str to Run
    task : str
        "task1b" to "task9".
    """
    own, planned = list(runs.values()), lab.runs(task).values()

    def belongs(stored: Run) -> bool:
        images = [_images(run) for run in own if run.config.dataset == stored.config.dataset]
        if stored.source not in {run.source for run in own} or (images and _images(stored) not in images):
            return False
        if any(same_setting(stored, run) for run in own):
            return all(stored.config.seed != run.config.seed for run in own if same_setting(stored, run))
        return not any(is_planned(stored, config) for config in planned)

    return dict(runs) | {run.path.name: run for run in RunStore().all() if run.path and belongs(run)}


def with_seeds(runs: Mapping[str, Run], task: str) -> dict[str, list[Run]]:
    """The runs of a notebook, each in a list with those that the store has of other seeds, cut to its length."""
    everything = list(with_stored(runs, task).values())
    return {label: same_but_seed(run, run.epochs, everything) for label, run in runs.items()}


def _images(run: Run) -> str | None:
    return run.provenance.get("fingerprint")
