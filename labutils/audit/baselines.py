"""What simple models reach on a data set, measured once, and as rows beside those of networks.

On the validation images for any data set; on the exam for own images that have one, and for the lab's phantoms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import AfterValidator, TypeAdapter

from labutils import lab, paths
from labutils.audit.kept import keep, kept, recall
from labutils.audit.simple import Baseline, baselines, fit_baselines, simple_features
from labutils.data.description import describe
from labutils.data.images import find_levels, iterate_images
from labutils.data.layouts import Split
from labutils.data.locate import title_of
from labutils.errors import LabError
from labutils.evaluate.findings import ceiling_of
from labutils.evaluate.tables import Reached, mark_source
from labutils.runs.store import everywhere

if TYPE_CHECKING:
    from labutils.config import RunConfig
    from labutils.data.dataset import Dataset
    from labutils.data.exam import Exam
    from labutils.frames import Table
    from labutils.runs.run import Run

CEILING = "ceiling: a reader who knows every drawn sign"

VALIDATION, EXAM = "baselines", "baselines/exam"
"""Folders in `results/` that keep what simple models reach on either."""

SIDE = 128
"""Pixels a side at which files are measured: what notebooks load unless told otherwise."""

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

    def reached(self) -> Reached:
        """Its accuracies with intervals, ready to be read."""
        return Reached(self.validation.shown(), self.exam.shown() if self.exam else "-")


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
    """`baselines` on the exam; None where there is no exam, or it would have to be drawn first.

    Of own images they are measured when first asked for. Of phantoms they are what `benchmarks/calibrate.py` has kept
    in `results/baselines/exam`.
    """
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


def baseline_table(dataset: Dataset) -> Table:
    """What simple models reach on the validation images of a data set, and on phantoms what can be known at best.

    Returns
    -------
    Table
        A row for each model, with 95 % intervals.
    """
    table = _as_table(stored_baselines(dataset), dataset.majority)
    if dataset.ceiling is not None:
        table.loc[CEILING] = (f"{dataset.ceiling:.3f}", "-")
    return table


def file_baselines(source: str | Path, progress: bool = False) -> Table:
    """`baseline_table` of image files, read as notebooks read them unless told otherwise: 128 pixels, grey.

    Parameters
    ----------
    source : str or Path
        As for `audit`.
    progress : bool
        Whether to show a progress bar while the images are read and measured (8 ms each).

    Raises
    ------
    DataError
        If there is no such folder, its files cannot be told into classes and splits, or one cannot be read.
    """
    from labutils.data.locate import find_source

    found = find_source(source)
    window = describe(found.root).window

    def measure(split: Split) -> dict[str, np.ndarray]:
        read = iterate_images(split.files, SIDE, 1, progress, find_levels(split.files, window))
        blocks = [simple_features(pixels) for pixels, _ in read]
        return {kind: np.concatenate([block[kind] for block in blocks]) for kind in blocks[0]}

    models = fit_baselines(measure(found.train), found.train.labels, measure(found.validation), found.validation.labels)
    counts = np.bincount(found.validation.labels)
    table = _as_table(models, counts.max() / counts.sum())
    table.note = "What is reached on the validation images without a network, with 95 % intervals; one has to beat it."
    return table


def _as_table(models: list[Baseline], majority: float) -> Table:
    from labutils.frames import Table

    rows = [(model.name, model.shown(), model.auc_shown()) for model in models]
    rows.insert(0, ("always the largest class", f"{majority:.3f}", "-"))
    return Table(rows, columns=["what it sees", "accuracy", "AUC"]).set_index("what it sees")


def better_simple(dataset: Dataset, on_exam: OnExam | None, sees: str = SIMPLE) -> Simple:
    """The simple model that is the better one on the validation images, measured where that is not known.

    `on_exam` is what `exam_baselines` gives; `sees` is how the names of the models begin.
    """
    return _better(stored_baselines(dataset), on_exam, sees)


def beside(*datasets: Dataset) -> dict[str, Reached]:
    """Accuracies to stand below those of networks: the better simple model of each data set, and what is possible.

    The simple model was chosen on the validation images, as a network's epoch is; the ceiling, of phantoms, is on the
    exam. Of several data sets, each is named.
    """
    rows: dict[str, Reached] = {}
    for dataset in datasets:
        whose = f"{dataset.title}, " if len(datasets) > 1 else ""
        rows |= _rows(whose, better_simple(dataset, exam_baselines(dataset)), dataset.ceiling)
    return rows


def run_table(runs: Mapping[str, Run], *datasets: Dataset, task: str = "") -> Table:
    """`evaluate.run_table` with what is no network below the runs, and the report's numbers for a task beside them.

    Parameters
    ----------
    runs : mapping of str to Run
    *datasets : Dataset
        The images that the runs are on.
    task : str
        Whose numbers of the report to show; none unless given.
    """
    from labutils.evaluate import tables

    return tables.run_table(runs, lab.reported(task) if task else None, beside(*datasets))


def truth_table(config: RunConfig, among: Sequence[Run] | None = None) -> Table:
    """One setting on different images, in columns: the lab report, and each source that it was trained on here.

    Below the networks stand the simple models, where they are known. `among` are the runs to look through, all stored
    ones unless given.
    """
    from labutils.evaluate import tables

    found = everywhere(config, among)
    rows = [(run, lab.reported(task)[label]) for task in lab.TITLES for label, run in lab.runs(task).items()]
    told = next((numbers for run, numbers in rows if run == config and numbers != lab.SILENT), lab.SILENT)
    return tables.truth_table(found, told, simple_cells(found))


def beside_runs(runs: Iterable[Run]) -> dict[str, Reached]:
    """The rows of `beside` for the images that runs are on, as far as `results/baselines` has them.

    Where the runs are of several data sets or sources, each row says which.
    """
    images = {(run.config.dataset, _fingerprint(run)): run for run in runs}
    titles = {title_of(run.config.dataset) for run in images.values()}
    sources = {mark_source(run.source) for run in images.values()}
    rows: dict[str, Reached] = {}
    for (name, _), run in images.items():
        whose = f"{title_of(name)}, " if len(titles) > 1 else ""
        whose += f"{mark_source(run.source)}, " if len(sources) > 1 else ""
        if simple := simple_of(run):
            rows |= _rows(whose, simple, ceiling_of(run))
    return rows


def simple_of(run: Run, sees: str = SIMPLE) -> Simple | None:
    """The better simple model on the images of a run; None if `results/baselines` does not have them."""
    name, fingerprint = run.config.dataset, _fingerprint(run)
    models = recall(VALIDATION, name, fingerprint, MODELS)
    return _better(models, recall(EXAM, name, fingerprint, ON_EXAM), sees) if models else None


def simple_cells(runs: Iterable[Run]) -> dict[str, dict[str, str]]:
    """What the simple models of `simple_of` reach, ready to be read, by the source of the images: see `truth_table`."""
    found = {run.source: simple for run in runs if (simple := simple_of(run))}
    return {
        source: {
            "no network, what it is": simple.validation.name,
            "no network: val accuracy": simple.validation.shown(),
            "no network: AUC": simple.validation.auc_shown(),
            "no network: exam accuracy": simple.reached().exam,
        }
        for source, simple in found.items()
    }


def _rows(whose: str, simple: Simple, ceiling: float | None) -> dict[str, Reached]:
    rows = {f"{whose}no network: {simple.validation.name}": simple.reached()}
    if ceiling is not None:
        rows[f"{whose}{CEILING}"] = Reached(exam=f"{ceiling:.3f}")
    return rows


def _better(models: list[Baseline], on_exam: OnExam | None, sees: str = SIMPLE) -> Simple:
    top = max((one for one in models if one.name.startswith(sees)), key=lambda one: one.accuracy)
    if on_exam is None:
        return Simple(top, None)
    return Simple(top, next((one for one in on_exam.models if one.name == top.name), None), on_exam.fingerprint)


def _fingerprint(run: Run) -> str:
    return str(run.provenance.get("fingerprint", ""))
