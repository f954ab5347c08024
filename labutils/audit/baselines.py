"""What simple models reach on a data set, measured once and kept; `tables` shows it, `against` holds networks to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import AfterValidator, TypeAdapter

from labutils import paths
from labutils.audit.kept import keep, kept, recall
from labutils.audit.simple import Baseline, baselines
from labutils.data.dataset import Dataset
from labutils.data.exam import Exam
from labutils.data.locate import title_of
from labutils.errors import LabError
from labutils.evaluate.findings import ceiling_of
from labutils.evaluate.tables import mark_source
from labutils.runs.run import Run

VALIDATION, EXAM = "baselines", "baselines/exam"
"""Folders in `results/` that keep what simple models reach on either."""

SIMPLE, RINGS = "simple numbers", "FFT rings"
"""How the models begin that stand beside networks, and those that see texture alone."""

IN_WORDS = {SIMPLE: "some forty simple numbers", RINGS: "six rings of spatial frequency"}


def _checked(models: list[Baseline]) -> list[Baseline]:
    if not any(model.name.startswith(SIMPLE) for model in models):
        raise ValueError("no model on the simple numbers is among them")
    if len({model.right.shape[1] for model in models}) > 1:
        raise ValueError("the models were judged on different numbers of images")
    return models


Models = Annotated[list[Baseline], AfterValidator(_checked)]


@dataclass(frozen=True)
class OnExam:
    """What simple models reach on an exam: its fingerprint, how many images they were fitted to, and the models."""

    fingerprint: str
    training: int
    models: Models


@dataclass(frozen=True)
class Simple:
    """The simple model that is the better one on the validation images, and the same one on the exam if known.

    `fingerprint` is the exam's.
    """

    validation: Baseline
    exam: Baseline | None
    fingerprint: str = ""

    @property
    def kind(self) -> str:
        """`linear` or `forest`."""
        return self.validation.name.rpartition(", ")[2]

    @property
    def words(self) -> str:
        """What it is, in words: `forty simple numbers (forest)`."""
        sees, _, kind = self.validation.name.rpartition(", ")
        return f"{IN_WORDS.get(sees, sees)} ({kind})"


class Images(NamedTuple):
    """Images that runs are on: in words, what tells them from the others, the runs, and what is no network.

    Of phantoms the ceiling is that of the exam's images.
    """

    words: str
    whose: str
    runs: Mapping[str, Run]
    simple: Simple | None
    ceiling: float | None


MODELS, ON_EXAM = TypeAdapter(Models), TypeAdapter(OnExam)


def stored_baselines(dataset: Dataset) -> list[Baseline]:
    """`baselines` on the validation images, from `results/baselines` if they were measured on these images before."""
    return kept(
        VALIDATION,
        dataset,
        MODELS,
        lambda: baselines(np.asarray(dataset.x_train), dataset.y_train, np.asarray(dataset.x_val), dataset.y_val),
    )


def exam_baselines(dataset: Dataset) -> OnExam | None:
    """`baselines` on the exam, of own images measured when first asked for, of phantoms what `benchmarks/calibrate.py`
    has kept; None where there is no exam, or it would have to be drawn first."""
    from labutils.data.exam import load_exam

    known = recall(EXAM, dataset.name, dataset.fingerprint, ON_EXAM)
    if dataset.source == "phantom":
        return known
    try:
        exam = load_exam(dataset.name, dataset.image_size, dataset.channels, progress=False, source=dataset.source)
    except LabError:  # told where the exam is sat
        return None
    if exam is None:
        return None
    if known and known.fingerprint == exam.fingerprint:
        return known
    models = baselines(np.asarray(dataset.x_train), dataset.y_train, np.asarray(exam.x), exam.y)
    return keep_on_exam(dataset, exam, models)


def keep_on_exam(dataset: Dataset, exam: Exam, models: list[Baseline]) -> OnExam:
    """Keep for `exam_baselines` what models reach on the whole of an exam."""
    return keep(EXAM, dataset, ON_EXAM, OnExam(exam.fingerprint, len(dataset.y_train), models))


def on_exam_by_training(name: str, fingerprint: str) -> dict[int, OnExam]:
    """What is kept of simple models on the exam of this fingerprint, by the number of images they were fitted to."""
    stems = (file.stem for file in sorted((paths.results_dir() / EXAM).glob(f"{name}-*.json")))
    found = [recall(EXAM, name, stem.removeprefix(f"{name}-"), ON_EXAM) for stem in stems]
    return {one.training: one for one in found if one and one.fingerprint == fingerprint}


def better_simple(dataset: Dataset, on_exam: OnExam | None, sees: str = SIMPLE) -> Simple:
    """The simple model that is the better one on the validation images, measured where that is not known, and what it
    reaches on the exam (`exam_baselines`); `sees` is how the names of the models begin."""
    return _better(stored_baselines(dataset), on_exam, sees)


def simple_of(run: Run, sees: str = SIMPLE) -> Simple | None:
    """The better simple model on the images of a run; None if `results/baselines` does not have them."""
    name, fingerprint = run.config.dataset, _fingerprint(run)
    models = recall(VALIDATION, name, fingerprint, MODELS)
    return _better(models, recall(EXAM, name, fingerprint, ON_EXAM), sees) if models else None


def by_images(runs: Mapping[str, Run], *datasets: Dataset, sees: str = SIMPLE) -> list[Images]:
    """The sets of images that some runs are on, with the better simple model of each, of those whose name begins so.

    It is measured on images that are given, if it was not before, and else taken from `results/baselines`.
    """
    given = {data.fingerprint: data for data in datasets}
    groups: dict[tuple[str, str, str], dict[str, Run]] = defaultdict(dict)
    for label, run in runs.items():
        groups[run.config.dataset, run.source, _fingerprint(run)][label] = run
    titles, sources = (len({key[part] for key in groups}) > 1 for part in (0, 1))
    found = []
    for (name, source, fingerprint), own in groups.items():
        first, data = next(iter(own.values())), given.get(fingerprint)
        simple = better_simple(data, exam_baselines(data), sees) if data else simple_of(first, sees)
        whose = f"{title_of(name)}, " if titles else ""
        whose += f"{mark_source(source)}, " if sources else ""
        found.append(Images(f"{title_of(name)} ({mark_source(source)})", whose, own, simple, ceiling_of(first)))
    return found


def _better(models: list[Baseline], on_exam: OnExam | None, sees: str) -> Simple:
    top = max((one for one in models if one.name.startswith(sees)), key=lambda one: one.accuracy)
    there = next((one for one in on_exam.models if one.name == top.name), None) if on_exam else None
    return Simple(top, there, on_exam.fingerprint if on_exam else "")


def _fingerprint(run: Run) -> str:
    return str(run.provenance.get("fingerprint", ""))
