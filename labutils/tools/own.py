"""For the notebook `own`: what training on one's own images would cost, what the exam says, and a page to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from labutils import audit, paths
from labutils.audit.baselines import better_simple, exam_baselines
from labutils.course import page
from labutils.progress import minutes

if TYPE_CHECKING:
    from labutils.audit.judge import Audit
    from labutils.config import RunConfig
    from labutils.data import Dataset
    from labutils.frames import Table
    from labutils.runs.run import Run


def say_exam(dataset: Dataset) -> None:
    """Print how many images the exam of one's own data set has; a DataError says before training what is wrong."""
    from labutils.data.exam import load_exam

    if dataset.source == "phantom":
        return
    exam = load_exam(dataset.name, dataset.image_size, dataset.channels, source=dataset.source)
    print(f"  {len(exam.y)} exam images" if exam else "  no exam: there is no folder test beside train and validation")


def affordable(
    configs: Mapping[str, RunConfig], dataset: Dataset, max_minutes: float, reuse: bool = True
) -> dict[str, RunConfig]:
    """Say of every run whether it is stored or what training it takes here, and leave out what takes too long.

    A training may take `max_minutes`, by an estimate that is right within about a factor of two. Without `reuse` what
    is stored is to be trained anew.
    """
    from labutils.training import estimate_seconds, find

    chosen = {}
    for label, config in configs.items():
        if reuse and find(config, dataset):
            print(f"{label}: its {config.epochs} epochs are stored.")
            chosen[label] = config
            continue
        seconds = estimate_seconds(config, n := len(dataset.y_train), dataset.n_classes)
        print(f"{label}: to train {config.epochs} epochs on {n} images takes about {minutes(seconds)}.")
        if seconds <= 60 * max_minutes:
            chosen[label] = config
        else:
            print(f"  That is more than max_minutes = {max_minutes:g}: raise it, or take a smaller network or images.")
    return chosen


def exam_table(runs: Mapping[str, Run], dataset: Dataset) -> Table:
    """One row per run that has sat the exam: accuracy, recall of every class and AUC, at its best validation epoch.

    Below them the simple model that was the better one on the images of `dataset`, on which they were validated.
    """
    from labutils.data.layouts import find_exam
    from labutils.evaluate import accuracy, auc, class_recall
    from labutils.evaluate.tables import as_table

    rows = {}
    for label, run in runs.items():
        if run.exam is None or run.best_epoch not in run.exam.epochs:
            continue
        best = slice(run.best_epoch, run.best_epoch + 1)
        judged = replace(  # as if the exam's images were the validation
            run,
            config=run.config.with_(epochs=1),
            history={name: values[best] for name, values in run.history.items()},
            val_predictions=run.exam.at(run.best_epoch)[None],
            y_val=run.exam.y,
            val_files=("",) * len(run.exam.y),
            exam=None,
        )
        areas = auc(judged)
        mean = f"{sum(area.value for area in areas.values()) / max(1, len(areas)):.3f} (mean)"
        rows[label] = {
            "images": len(judged.y_val),
            "accuracy [95 % interval]": str(accuracy(judged)),
            **{f"recall {name}": str(value) for name, value in class_recall(judged).items()},
            "AUC [95 % interval]": str(next(iter(areas.values()))) if len(areas) == 1 else mean,
        }
    on_exam = exam_baselines(dataset) if rows else None
    if on_exam and {run.exam.fingerprint for run in runs.values() if run.exam} == {on_exam.fingerprint}:
        simple = better_simple(dataset, on_exam).exam
        assert simple is not None, "it is one of those on the exam"
        rows[f"no network: {simple.name}"] = {
            "images": simple.images,
            "accuracy [95 % interval]": simple.shown(),
            "AUC [95 % interval]": simple.auc_shown(),
        }
    why = "No exam: these runs were trained before there was one. Train them anew with reuse = False."
    if not runs:
        why = "No run to show yet."
    elif dataset.source == "phantom":
        why = "No exam: of phantoms, only the runs of the lab sit it."
    elif find_exam(dataset.name, dataset.root) is None:
        why = "No exam: there is no folder test beside train and validation."
    return as_table(rows, "run on the exam", why)


def write_page(dataset: Dataset, judged: Audit, baselines: Table, runs: Mapping[str, Run]) -> Path:
    """Write one HTML page and say where: audit, simple models, curves, tables, exam; pictures are inside it.

    What can be moved on it (epochs, the threshold) moves without a kernel. `baselines` are from `audit.baseline_table`.
    It is `results/own/<data set>-<fingerprint>.html`; an older page of these images is replaced. A StoreError says that
    it cannot be written.
    """
    import labutils
    from labutils import evaluate, plots
    from labutils.course.widgets import standing_alone

    banner, reached = dataset.banner(), audit.run_table(runs, dataset)
    parts = [page.text(banner.splitlines()[0], "h1"), page.text(banner, "pre")]
    parts += ["<h2>Audit</h2>", page.table(judged.table()), "<h2>Simple models</h2>", page.table(baselines)]
    parts += ["<h2>Learning curves</h2>", page.figures(lambda: plots.learning_curves(dict(runs)))]
    parts += ["<h2>Networks, on the validation images</h2>", page.table(reached)]
    parts.append(page.text(audit.against_simple(runs, dataset).text))
    for label, run in runs.items():
        parts += [page.text(f"{label}: {run.label}", "h3"), page.table(evaluate.class_table(run))]
        parts.append(page.figures(partial(plots.confusion_matrix, run, run.best_epoch)))
    for title, control in standing_alone(runs).items():
        parts += [page.text(title, "h2"), control]
    parts += ["<h2>Exam</h2>", page.table(exam_table(runs, dataset))]
    parts.append(page.text(f"labutils {labutils.__version__}, images {dataset.fingerprint}."))
    file = paths.results_dir() / "own" / f"{dataset.name}-{dataset.fingerprint}.html"
    written = page.write(file, dataset.name, parts, " Set LABUTILS_RESULTS to a folder of your own.")
    print("written:", paths.short(written))
    return written
