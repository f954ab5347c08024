"""What the lab report concludes, as rows of data, and the way to a verdict on each, twice: known then, and on the exam.

Runs shorter than the report's are not judged, longer ones are cut to its length. No claim raises: whatever cannot be
compared is undecided or missing, and says why. What a condition measures is in `findings`, the rules are in
docs/rules.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from labutils import lab
from labutils.config import RunConfig
from labutils.errors import ComparisonError
from labutils.evaluate.compare import same_images
from labutils.evaluate.exam import NoExamError, exam_accuracy
from labutils.evaluate.findings import Condition, Finding, Setting
from labutils.evaluate.metrics import accuracy
from labutils.evaluate.rules import EQUALS, IS, IS_NOT, OVERFITS, WELL_ABOVE
from labutils.runs.run import Run
from labutils.runs.store import RunStore

REPRODUCED, NOT_REPRODUCED, UNDECIDED, MISSING = "reproduced", "not reproduced", "undecided", "missing"
BUILT_IN = "built into the phantoms"
WORDS = (REPRODUCED, NOT_REPRODUCED, UNDECIDED, BUILT_IN, MISSING)
"""All that can be said of a claim; one that the drawing decides has a word of its own, and is judged on real images."""

RIVAL = "the best of all others, chosen on the images on which they are compared"
"""In a condition's names: whichever setting it is. Its luck on these images is the rival's, and flatters no claim."""


class Part(NamedTuple):
    """What was found of one condition of a claim, and on which settings."""

    condition: Condition
    finding: Finding
    settings: list[Setting]

    @property
    def holds(self) -> bool | None:
        """Whether the condition holds, does not, or cannot be told."""
        return self.finding.holds(self.condition.rule)

    @property
    def fewest(self) -> int:
        """Seeds of the setting that has fewest."""
        return min(len(setting.seeds) for setting in self.settings)


Parts = tuple[Part, ...]


@dataclass(frozen=True)
class Verdict:
    """The judgement of one claim on some runs, each of `verdict` and `holds` one of `WORDS`.

    `verdict` and `evidence` are what the lab could know: its validation images, one seed. `holds` and `exam` are what
    holds for these images, on the exam and all stored seeds, and the numbers behind it; `parts` what was found there,
    by condition, and `known` on the validation images. `source` is the data that it was judged on; `instead` what it
    is called whatever these runs say, if they cannot answer it.
    """

    id: str
    task: str
    claim: str
    evidence: str
    verdict: str
    rule: str
    source: str
    kind: str = "document"
    holds: str = MISSING
    exam: str = "Not judged."
    parts: Parts = field(default=(), compare=False, repr=False)
    known: Parts = field(default=(), compare=False, repr=False)
    instead: str = field(default="", compare=False, repr=False)

    @property
    def area(self) -> str:
        """What AUC says there, beside accuracies."""
        return "; ".join(part.finding.area for part in self.parts if part.finding.area) or "-"


@dataclass(frozen=True)
class Claim:
    """A conclusion of the report: it holds if all its conditions do, which name runs of the task, or of `elsewhere`.

    `built_in` is why drawings cannot answer it, if they cannot; `ours` stands in no sentence of the report.
    """

    task: str
    text: str
    conditions: tuple[Condition, ...]
    elsewhere: dict[str, RunConfig] = field(default_factory=dict, hash=False)
    built_in: str = ""
    ours: bool = False

    @property
    def kind(self) -> str:
        """Whose it is: the document's, ours, or built into the phantoms."""
        return "built in" if self.built_in else "ours" if self.ours else "document"

    @property
    def needs(self) -> dict[str, RunConfig]:
        """The runs that it speaks of, by name."""
        known = (lab.runs(self.task) if self.task in lab.TITLES else {}) | self.elsewhere
        return {name: known[name] for condition in self.conditions for name in condition.names if name != RIVAL}

    @property
    def rule(self) -> str:
        """How it is judged, in words that come from the conditions themselves."""
        return "; and ".join(condition.words for condition in self.conditions) + "."


_SEVEN = [label.removeprefix("LeNet ") for label in lab.runs("task4") if label.startswith("LeNet")]
_LENET, _ALEXNET = ([f"{network} {setting}" for setting in _SEVEN] for network in ("LeNet", "AlexNet"))
_OTHERS = "b16", "b16, dropout 0.2"
_FEW = lab.few_images()
_SPATIAL = "no spatial dropout", "spatial dropout 0.1"


_TARGET = "it was a target when their drawing was calibrated (benchmarks/calibrate.py)"
_DRAWN = "how hard either kind is was chosen by whoever wrote the program that draws them"


def _of(measure: str, *names: str, rule: str = IS, limits: tuple[float, ...] = ()) -> Condition:
    return Condition(measure, names, rule, limits)


CLAIMS: dict[str, Claim] = {
    "C1": Claim(
        "task1b",
        "lr 1e-5 has the lowest validation loss of the three",
        (_of("lowest loss", "lr 1e-5", "lr 1e-4"), _of("lowest loss", "lr 1e-5", "lr 1e-6")),
    ),
    "C2": Claim(
        "task1b",
        "lr 1e-4 over-fits: training accuracy goes to about 1 while validation loss climbs well above its minimum",
        (
            _of("training accuracy", "lr 1e-4", limits=(0.90, 0.97)),
            _of("over-fitting", "lr 1e-4", limits=(WELL_ABOVE,)),
        ),
        built_in=_TARGET,
    ),
    "C3": Claim(
        "task1b", "a lower rate than 1e-5 performs worse", (_of("accuracy", "lr 1e-5", "lr 1e-6"),), built_in=_TARGET
    ),
    "C4": Claim("task1c", "VGG16 classifies better than AlexNet", (_of("accuracy", "VGG16", "AlexNet"),)),
    "C5": Claim("task1d", "n_base 16 is no better than 8", (_of("accuracy", "b16", "b8", rule=IS_NOT),)),
    "C6": Claim("task1d", "dropout 0.2 helps, a little", (_of("accuracy", "b16, dropout 0.2", "b16"),)),
    "C7": Claim(
        "task2",
        "dropout narrows the gap between training and validation curves on Bone",
        (_of("narrower gap", "b8", "b8, dropout 0.2", "b16", "b16, dropout 0.2"),),
        ours=True,
    ),
    "C8": Claim(
        "task3",
        "Bone is classified more accurately than Skin, and with lower loss",
        (_of("accuracy of two data sets", "Bone", "Skin"), _of("lowest loss of two data sets", "Bone", "Skin")),
        built_in=_DRAWN,
    ),
    "C9": Claim(
        "task4", "tuned AlexNet and LeNet are equally good", (_of("accuracy", _ALEXNET[4], _LENET[4], rule=EQUALS),)
    ),
    "C10": Claim(
        "task4",
        "with dropout, training and validation curves lie closer together",
        (_of("narrower gap", _LENET[0], _LENET[4], _ALEXNET[0], _ALEXNET[4]),),
    ),
    "C11": Claim(
        "task5a",
        "without dropout the model over-fits (training well above validation); dropout closes the gap",
        (_of("wide gap", "no dropout"), _of("narrower gap", "no dropout", "dropout 0.4")),
    ),
    "C12": Claim(
        "task5b",
        "with batch normalization, 5A's training accuracy is reached in far fewer epochs (9 of 50; 19 with dropout)",
        (
            _of("far fewer epochs", "batch norm", "no dropout"),
            _of("far fewer epochs", "batch norm, dropout 0.4", "dropout 0.4"),
        ),
    ),
    "C13": Claim(
        "task5c",
        "at lr 1e-5, batch normalization gives the higher validation accuracy and the lower loss",
        tuple(_of(measure, "batch norm", "no batch norm") for measure in ("accuracy", "lowest loss")),
    ),
    "C14": Claim(
        "task5d",
        "over 150 epochs the batch-normalized model is more accurate, but over-fits from about epoch 80 on; the other "
        "keeps generalizing",
        (
            _of("accuracy", "batch norm", "no batch norm"),
            _of("over-fitting", "batch norm", limits=(OVERFITS,)),
            _of("onset of over-fitting", "batch norm", limits=(40, 120)),
            _of("over-fitting", "no batch norm", rule=IS_NOT, limits=(OVERFITS,)),
        ),
    ),
    "C15": Claim("task6a", "without spatial dropout the model converges faster", (_of("faster", *_SPATIAL),)),
    "C16": Claim(
        "task6b",
        "with 250 epochs, spatial dropout catches up in validation accuracy, with the smaller train-validation gap",
        (_of("accuracy", *_SPATIAL, rule=IS_NOT), _of("narrower gap", *_SPATIAL)),
    ),
    "C17": Claim(
        "task8",
        "augmentation improves validation performance and reduces over-fitting",
        (_of("accuracy", "augmentation", "no augmentation"), _of("narrower gap", "no augmentation", "augmentation")),
    ),
    "C18": Claim(
        "task9",
        "VGG16 with augmentation gives the best Skin and Bone accuracies of the whole lab; Bone near 1.0",
        (_of("accuracy", "Skin", RIVAL), _of("accuracy", "Bone", RIVAL), _of("near the ceiling", "Bone")),
    ),
    "C19": Claim(
        "task1d",
        "the original network, 16 filters without dropout, does not over-fit",
        (_of("over-fitting", "b16", rule=IS_NOT, limits=(OVERFITS,)),),
    ),
    "C20": Claim(
        "task1e",
        "more convolutions are better: VGG16 before AlexNet before LeNet",
        (_of("accuracy", "VGG16", "AlexNet"), _of("accuracy", "AlexNet", "LeNet")),
    ),
    "C21": Claim(
        "task4",
        "setting (5) is the best of the seven, for both networks",
        tuple(_of("best", seven[4], *seven[:4], *seven[5:]) for seven in (_LENET, _ALEXNET)),
    ),
    "C22": Claim("task4", "AlexNet over-fits less than LeNet", (_of("narrower gap", _LENET[4], _ALEXNET[4]),)),
    "C23": Claim("task5a", "dropout raises the accuracy", (_of("accuracy", "dropout 0.4", "no dropout"),)),
    "C24": Claim(
        "task5c",
        "the model, with batch normalization and without, converges more slowly than at lr 1e-4",
        tuple(_of("faster", f"{name} at lr 1e-4", name) for name in ("batch norm", "no batch norm")),
        elsewhere={
            "batch norm at lr 1e-4": lab.runs("task5b")["batch norm, dropout 0.4"],
            "no batch norm at lr 1e-4": lab.runs("task5a")["dropout 0.4"],
        },
    ),
    "C25": Claim(
        "task4",
        "dropout brings the curves closer together, especially with the higher rate",
        (_of("narrower gap", _LENET[6], _LENET[4], _ALEXNET[6], _ALEXNET[4]),),
    ),
    "C26": Claim(
        "task4",
        "tuned AlexNet and LeNet have a very similar loss",
        (_of("lowest loss", _ALEXNET[4], _LENET[4], rule=EQUALS),),
    ),
    "C27": Claim(
        "task5b",
        "with batch normalization, the model with dropout generalizes better",
        (_of("lowest loss", "batch norm, dropout 0.4", "batch norm"),),
    ),
    "C28": Claim(
        "task3",
        "the same with other parameters: Bone is classified more accurately than Skin, and with lower loss",
        tuple(
            _of(f"{measure} of two data sets", f"Bone {own}", f"Skin {own}")
            for own in _OTHERS
            for measure in ("accuracy", "lowest loss")
        ),
        elsewhere={
            f"{name} {own}": lab.runs(task)[own]
            for name, task in (("Bone", "task2"), ("Skin", "task1d"))
            for own in _OTHERS
        },
        built_in=_DRAWN,
    ),
    "C29": Claim(
        "task5a",
        f"with {lab.FEW_IMAGES} training images the model over-fits without dropout; dropout narrows the gap",
        (_of("wide gap", next(iter(_FEW))), _of("narrower gap", *_FEW)),
        elsewhere=_FEW,
        ours=True,
    ),
    "C30": Claim(
        "task5b",
        "batch normalization stabilizes the training: validation accuracy varies less from epoch to epoch",
        (_of("steadier", "batch norm", "no dropout"), _of("steadier", "batch norm, dropout 0.4", "dropout 0.4")),
    ),
    "C31": Claim(
        "task5c",
        "at lr 1e-5 too, batch normalization stabilizes the training",
        (_of("steadier", "batch norm", "no batch norm"),),
    ),
}
"""The claims by id, in order."""


def judge(claim_id: str, runs: Mapping[str, Run]) -> Verdict:
    """Judge one claim, "C1" to "C31"; a ValueError says which there are.

    Runs are recognised by their settings, whatever their labels, so any collection of them will do. Of several seeds
    the smallest is judged on the validation images, all on the exam.
    """
    if claim_id not in CLAIMS:
        raise ValueError(f"{claim_id!r} is not a claim; there are {', '.join(CLAIMS)}.")
    return judge_claim(claim_id, CLAIMS[claim_id], runs)


def judge_claim(claim_id: str, claim: Claim, runs: Mapping[str, Run]) -> Verdict:
    """Judge a claim that need not be one of the lab's; see `judge`."""
    everything = list(runs.values())
    needs, aside, instead = claim.needs, "", UNDECIDED
    found = _one_source(needs, everything)
    if len(found) < len(needs) and claim.task in lab.STAND_INS:
        stand_ins = {name: config.with_(**lab.SMALL) for name, config in needs.items()}
        others = _one_source(stand_ins, everything)
        if len(others) == len(needs):
            needs, found = stand_ins, others
            aside = f"Only small stand-ins are stored ({lab.SMALL_IN_WORDS}); they say "
    sources = sorted({run.source for run in found.values()})

    def verdict(
        word: str, evidence: str, holds: str = "", exam: str = "", parts: Parts = (), seen: Parts = ()
    ) -> Verdict:
        holds, exam = holds or word, exam or evidence
        if aside:  # what they say of themselves is no verdict on what the claim is about
            evidence, exam = f"{aside}{word}: {evidence}", f"{aside}{holds}: {exam}"
            word = holds = instead
        images = ", ".join(sources)
        row = (claim_id, claim.task, claim.text, evidence, word, claim.rule, images, claim.kind)
        return Verdict(*row, holds, exam, parts, seen, instead if aside else "")

    absent = [name for name in needs if name not in found]
    if absent:
        return verdict(MISSING, f"Not stored, or not trained here: {'; '.join(absent)}.")
    if len(sources) > 1:
        where = "; ".join(f"{name} on {run.source} images" for name, run in found.items())
        return verdict(UNDECIDED, f"No verdict across sources: {where}.")
    settings = {}
    for name, run in found.items():
        if run.epochs < (length := needs[name].epochs):
            return verdict(UNDECIDED, f"{name}: {run.epochs} of {length} epochs, too few to judge.")
        settings[name] = Setting(name, run.first(length), same_but_seed(run, length, everything))
    if claim.built_in and sources == ["phantom"]:
        aside, instead = f"Not a question for phantoms: {claim.built_in}. They say ", BUILT_IN
    known, evidence, seen = _joined(claim, settings, everything, on_exam=False)
    return verdict(known, evidence, *_joined(claim, settings, everything, on_exam=True), seen)


def judge_all(runs: Mapping[str, Run], task: str | None = None) -> list[Verdict]:
    """The verdicts on all claims, or on those of one task, in order."""
    return [judge(claim_id, runs) for claim_id, claim in CLAIMS.items() if task in (None, claim.task)]


def judge_task(runs: Mapping[str, Run], task: str) -> list[Verdict]:
    """The verdicts on a task's claims, from a notebook's runs and what the store has beside them; see `with_stored`."""
    return judge_all(with_stored(runs, task), task)


def judge_real(runs: Sequence[Run] | None = None) -> list[Verdict]:
    """The verdicts, by the same rules, on the runs on real images that are stored with the lab, as far as they go.

    These images have no exam, and every setting one seed: only `Verdict.verdict` says something.
    """
    stored = RunStore().all() if runs is None else runs
    real = {run.path.name: run for run in stored if run.source == lab.REAL and run.path}
    return [verdict for verdict in judge_all(real) if verdict.verdict != MISSING]


def counts(verdicts: Iterable[Verdict], exam: bool = False) -> dict[str, int]:
    """How many claims got each of the `WORDS`: on what the lab could know, or on the exam.

    Those that are `BUILT_IN` are counted where there are any.
    """
    words = [verdict.holds if exam else verdict.verdict for verdict in verdicts]
    return {word: words.count(word) for word in WORDS if word != BUILT_IN or word in words}


def with_stored(runs: Mapping[str, Run], task: str) -> dict[str, Run]:
    """The runs of a notebook and what the store has beside them: the same with other seeds, and runs of other tasks.

    Runs of this task that were trained otherwise than these (another length, another size of images) stay out, so that
    a verdict is never about runs that the notebook does not show.
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


def with_seeds(runs: Mapping[str, Run]) -> dict[str, list[Run]]:
    """The runs of a notebook, each in a list with those that the store has of other seeds, cut to its length."""
    everything = [*runs.values(), *RunStore().all()]
    return {label: same_but_seed(run, run.epochs, everything) for label, run in runs.items()}


def same_setting(run_a: Run, run_b: Run) -> bool:
    """Whether two runs differ in nothing but their seed and length."""
    return (
        run_a.source == run_b.source
        and _images(run_a) == _images(run_b)
        and run_a.config.with_(seed=run_b.config.seed, epochs=run_b.config.epochs) == run_b.config
    )


def same_but_seed(run: Run, length: int, everything: Iterable[Run]) -> list[Run]:
    """A run and those that differ from it in their seed only, each seed once, cut to a length."""
    alike: dict[int, Run] = {}
    for other in everything:
        if same_setting(other, run) and other.epochs >= length:
            alike.setdefault(other.config.seed, other.first(length))
    return [other for _, other in sorted(alike.items())]


def is_planned(run: Run, config: RunConfig) -> bool:
    """Whether a run has these settings; image size, number of images, length and seed may differ.

    Not the number of training images where the setting is about that.
    """
    free = {name: getattr(config, name) for name in ("epochs", "image_size", "channels", "n_train", "n_val", "seed")}
    return run.config.with_(**free) == config and config.n_train in (None, run.config.n_train)


def _joined(
    claim: Claim, settings: Mapping[str, Setting], everything: list[Run], on_exam: bool
) -> tuple[str, str, Parts]:
    """One word for all conditions of a claim, their evidence, and what was found of each."""
    said, texts, without, parts = [], [], [], []
    for condition in claim.conditions:
        own = settings[condition.names[0]]
        try:
            about = [_rival(own, everything, on_exam) if one == RIVAL else settings[one] for one in condition.names]
            finding: Finding = condition.found(*about) if on_exam else condition.known(*about)
            said.append(finding.holds(condition.rule))
            texts.append(finding.evidence)
            parts.append(Part(condition, finding, about))
        except ComparisonError as error:
            said.append(None)
            texts.append(str(error).rstrip("."))
        except NoExamError as error:
            without.append(str(error))
    left = MISSING if without else UNDECIDED if None in said else REPRODUCED
    text = "; ".join(dict.fromkeys(texts + without)) + "."
    return NOT_REPRODUCED if False in said else left, text, tuple(parts)


def _rival(own: Setting, everything: list[Run], on_exam: bool) -> Setting:
    """On validation images the best run, which is what the lab saw; on the exam the setting that is best over seeds."""
    alike = [run for run in everything if same_images(run, own.run) and _images(run) == _images(own.run)]
    others = [run for run in alike if not same_setting(run, own.run)]
    if not others:
        raise ComparisonError(f"{own.name}: no other run on the same images")
    sat = {id(run): found.value for run in others if (found := exam_accuracy([run]))}
    if not on_exam or not sat:
        best = max(others, key=lambda run: accuracy(run).value)
        return Setting(f"{best.config.slug}, the best of {len(others)} other runs", best, [best])
    settings = defaultdict(list)
    for run in others:
        if id(run) in sat:
            settings[run.config.with_(seed=0, epochs=1)].append(run)
    seeds = max(settings.values(), key=lambda runs: np.mean([sat[id(run)] for run in runs]))
    name = f"{seeds[0].config.with_(seed=0).slug}, the best of {len(settings)} other settings"
    return Setting(name, seeds[0], seeds)


def _one_source(needs: Mapping[str, RunConfig], everything: list[Run]) -> dict[str, Run]:
    """The runs that a claim needs, all on images of one source if that can be, else from anywhere."""
    best: dict[str, Run] = {}
    for source in dict.fromkeys(run.source for run in everything):
        own = _found(needs, [run for run in everything if run.source == source])
        if len(own) == len(needs):
            return own
        best = max(best, own, key=len)
    anywhere = _found(needs, everything)
    return anywhere if len(anywhere) == len(needs) else best


def _found(needs: Mapping[str, RunConfig], runs: list[Run]) -> dict[str, Run]:
    found = {}
    for name, config in needs.items():
        if same := [run for run in runs if is_planned(run, config)]:
            found[name] = min(same, key=lambda run: (run.config.key != config.key, run.config.seed, -run.epochs))
    return found


def _images(run: Run) -> str | None:
    return run.provenance.get("fingerprint")
