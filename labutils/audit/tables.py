"""Tables of networks and of what is no network, on the same images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils import lab
from labutils.audit.baselines import by_images, simple_of, stored_baselines
from labutils.audit.simple import Baseline, fit_baselines, simple_features
from labutils.config import RunConfig
from labutils.data.dataset import Dataset
from labutils.data.description import describe
from labutils.data.images import find_levels, iterate_images
from labutils.data.layouts import Split
from labutils.data.locate import find_source
from labutils.evaluate.curves import best
from labutils.evaluate.exam import exam_accuracy
from labutils.evaluate.metrics import auc, highest_elementwise
from labutils.evaluate.tables import ACCURACY, EXAM, as_table, mark_source
from labutils.lab import Reported
from labutils.runs.run import Run
from labutils.runs.store import everywhere

if TYPE_CHECKING:
    from labutils.frames import Table

CEILING = "ceiling: a reader who knows every drawn sign"

SIDE = 128
"""Pixels a side at which files are measured: what notebooks load unless told otherwise."""


def run_table(
    runs: Mapping[str, Run], *datasets: Dataset, task: str = "", beside: Mapping[str, dict[str, Any]] | None = None
) -> Table:
    """Best accuracy with interval, both losses, the exam, a task's numbers in the report, and what is no network below.

    Columns appear where they have something to say: for the exam if a run has sat it, for training if the report quotes
    it, for element-wise accuracy if there are more than two classes. `datasets` are the images that the runs are on
    (see `baselines.by_images`), `beside` further rows, by name and column.
    """
    report = lab.reported(task) if task else {}
    training = any(report[label].train_accuracy is not None for label in runs if label in report)
    several = any(len(run.class_names) > 2 for run in runs.values())
    exams = {label: exam_accuracy([run]) for label, run in runs.items()}
    rows: dict[str, dict[str, Any]] = {}
    for label, run in runs.items():
        numbers = best(run)
        row: dict[str, Any] = {"epochs": run.epochs, ACCURACY: str(numbers.accuracy)}
        if several:
            row["highest element-wise accuracy"] = f"{highest_elementwise(run):.4f}"
        row |= {
            "best epoch": numbers.epoch,
            "lowest val loss": f"{numbers.lowest_loss:.4f}",
            "val loss at best epoch": f"{numbers.loss_at_best:.4f}",
        }
        if any(exams.values()):
            row[EXAM] = str(exams[label] or "-")
        if training:
            names = "highest_train_accuracy", "lowest_train_loss", "final_train_accuracy"
            row |= {name.replace("_", " "): f"{getattr(numbers, name):.4f}" for name in names}
        if report:
            row |= _reported_columns(report.get(label), training, several)
        rows[label] = row | {"data": mark_source(run.source)}
    rows |= beside or {}
    for images in by_images(runs, *datasets):
        if simple := images.simple:
            shown = {ACCURACY: simple.validation.shown()}
            if any(exams.values()) and simple.exam:
                shown[EXAM] = simple.exam.shown()
            rows[f"{images.whose}no network: {simple.validation.name}"] = shown
            if images.ceiling is not None:
                known = f"{images.ceiling:.3f}"
                top = {EXAM: known} if any(exams.values()) else {ACCURACY: f"{known} (on the exam)"}
                rows[f"{images.whose}{CEILING}"] = top
    return as_table(rows, "run")


def _reported_columns(numbers: Reported | None, training: bool, several: bool) -> dict[str, str]:
    # Task 4's loss is element-wise as well, over nine outputs: none of ours can stand beside it under the same name.
    columns = {"element-wise accuracy" if several else "accuracy": "accuracy"}
    columns["loss of nine outputs" if several else "loss"] = "loss"
    if training:
        columns |= {"highest train accuracy": "train_accuracy", "lowest train loss": "train_loss"}
    values = {column: getattr(numbers, name, None) for column, name in columns.items()}
    return {f"report: {column}": "-" if value is None else f"{value:.4f}" for column, value in values.items()}


def truth_table(config: RunConfig, among: Sequence[Run] | None = None) -> Table:
    """One setting on different images, in columns: the lab report, and each source that it was trained on here, with
    the simple models below. `among` are the runs to look through, all stored ones unless given."""
    rows = [(run, lab.reported(task)[label]) for task in lab.TITLES for label, run in lab.runs(task).items()]
    told = next((numbers for run, numbers in rows if run == config and numbers != lab.SILENT), lab.SILENT)
    columns: dict[str, dict[str, str]] = {
        "report": {"best val accuracy": f"{told.accuracy}", "val loss": f"{told.loss} (which one is not said)"}
    }
    for run in everywhere(config, among):
        numbers = best(run)
        columns[mark_source(run.source)] = own = {
            "best val accuracy": str(numbers.accuracy),
            "best epoch": f"{numbers.epoch} of {run.epochs}",
            "val loss": f"{numbers.loss_at_best:.4f} at the best epoch, {numbers.lowest_loss:.4f} at the lowest",
            "final train accuracy": f"{run.history['accuracy'][-1]:.3f}",
            "AUC": str(next(iter(auc(run).values()))),
            "exam accuracy": str(exam_accuracy([run]) or "-"),
        }
        if simple := simple_of(run):
            own |= {
                "no network, what it is": simple.validation.name,
                "no network: val accuracy": simple.validation.shown(),
                "no network: AUC": simple.validation.auc_shown(),
                "no network: exam accuracy": simple.exam.shown() if simple.exam else "-",
            }
    return as_table(columns, "source").T


def baseline_table(dataset: Dataset) -> Table:
    """What simple models reach on the validation images of a data set, and on phantoms what can be known at best."""
    table = _as_table(stored_baselines(dataset), dataset.majority)
    if dataset.ceiling is not None:
        table.loc[CEILING] = (f"{dataset.ceiling:.3f}", "-")
    return table


def file_baselines(source: str | Path, progress: bool = False) -> Table:
    """`baseline_table` of image files, read as notebooks read them unless told otherwise: 128 pixels, grey, 8 ms each.

    `source` is as for `audit`; a DataError says that one cannot be read.
    """
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
