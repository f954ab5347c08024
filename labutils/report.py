"""What the stored runs say, all together: `results/REPORT.md` with its figures, and the overview of the index.

Everything is written from the store; the same runs give the same files, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from labutils import paths
from labutils.config import RunConfig
from labutils.evaluate import (
    best,
    counts,
    exam_accuracy,
    exam_table,
    gap_table,
    judge_all,
    lab,
    paired_table,
    run_table,
    truth_table,
    verdict_table,
)
from labutils.evaluate.conditions import ceiling_of, same_setting
from labutils.evaluate.metrics import highest_elementwise
from labutils.evaluate.tables import as_table
from labutils.evaluate.verdicts import Verdict
from labutils.progress import minutes
from labutils.runs.files import Run
from labutils.runs.queries import all_stored, missing, stored_runs, task_runs
from labutils.runs.store import RunStore

if TYPE_CHECKING:
    from labutils.frames import Table

START, END = "<!-- results: written by `labutils report` -->", "<!-- end of results -->"
REAL = "HAM10000 selection"
"""Source of the run on real images that is stored beside the phantoms."""


def verdicts(source: str = "phantom", store: RunStore | None = None) -> list[Verdict]:
    """The verdicts on all claims, from the stored runs at the report's settings and whatever seeds."""
    return judge_all(all_stored(source, store))


def overview() -> Table:
    """The notebooks in order, with links: runs stored, the time they take with these, and what training takes here."""
    from labutils.execution.build import seconds_taken
    from labutils.training.cost import estimate_seconds

    rows = {}
    for task, title in lab.TITLES.items():
        configs, runs = lab.runs(task), task_runs(task)
        n_train = {"skin": 1000, "bone": 1072, "x_ray": 900}
        seconds = seconds_taken(paths.notebooks_dir() / f"{task}.ipynb")
        here = sum(estimate_seconds(config, n_train[config.dataset]) for config in configs.values())
        rows[f'<a href="{task}.ipynb">{task.removeprefix("task").upper()}</a>'] = {
            "about": title,
            "runs stored": f"{len(runs)} of {len(configs)}" if configs else "-",
            "with stored runs": "-" if seconds is None else f"{seconds} s",
            "training here": f"about {minutes(here)}" if configs else "-",
        }
    return as_table(rows, "task")


def write_report(folder: Path | None = None, store: RunStore | None = None) -> Path:
    """Write REPORT.md, and the figures and tables of every task beside it.

    Parameters
    ----------
    folder : Path, optional
        `results/` unless given.
    store : RunStore, optional

    Returns
    -------
    Path
        The report.
    """
    folder = folder or paths.results_dir()
    folder.mkdir(parents=True, exist_ok=True)
    lines = [*_front_page(store)]
    for task in lab.TITLES:
        if lab.runs(task):
            lines += _task_pages(task, folder / task, store)
    file = folder / "REPORT.md"
    file.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8", newline="\n")
    return file


def results_table(store: RunStore | None = None) -> str:
    """The README's table: the runs that stand for each task, on phantoms and on real images, beside the report.

    A number beside a number is the same quantity: where the report quotes training accuracy or an accuracy of single
    outputs, ours is given as well.
    """
    lines = [
        "| task | run | phantoms: best val accuracy | phantoms: exam | ceiling | real images | lab report |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    stored = (store or RunStore()).all()
    for task in lab.TITLES:
        runs = task_runs(task, store=store)
        for label, told in lab.reported(task).items():
            if _quoted(told) and not _of_earlier_task(task, label):
                lines.append(_results_row(task, label, runs.get(label), stored))
    judged = verdicts(store=store)
    lines += [
        "",
        f"Of {len(judged)} conclusions of the report, on phantoms: what the lab could know (validation, one seed):",
    ]
    lines[-1] += (
        f" {_counted(judged)}; what holds for these images (exam, all stored seeds): {_counted(judged, exam=True)}."
    )
    lines += [
        "Brackets are 95 % intervals, on the exam over seeds and images; the ceiling is the accuracy of an oracle that "
        "knows what was drawn; the real images are a selection from HAM10000 (its images are not included)."
    ]
    return "\n".join(lines)


def _results_row(task: str, label: str, run: Run | None, stored: list[Run]) -> str:
    config, told = lab.runs(task)[label], lab.reported(task)[label]
    real = [_short(other, config) for other in stored if other.config.key == config.key and other.source == REAL]
    exam, ceiling, report = "-", "-", f"{told.accuracy:.4f}" if told.accuracy is not None else "-"
    shown = "missing"
    if run is not None:
        numbers, top = best(run), ceiling_of(run)
        shown, ceiling = str(numbers.accuracy), "-" if top is None else f"{top:.3f}"
        seeds = [other.first(run.epochs) for other in stored if same_setting(other, run) and other.epochs >= run.epochs]
        estimate, sat = exam_accuracy(seeds), sum(other.exam is not None for other in seeds)
        exam = f"{estimate} ({sat} seed{'' if sat == 1 else 's'})" if estimate else "missing"
        if task == "task4":
            shown += f"; element-wise {highest_elementwise(run):.4f}"
        if told.accuracy is None:
            shown += f"; final training {numbers.final_train_accuracy:.4f}"
    if task == "task4":
        report = f"element-wise {report}"
    elif told.accuracy is None:
        report = f"final training {told.train_accuracy:.4f}"
    cells = (task.removeprefix("task").upper(), label, shown, exam, ceiling, "".join(real[:1]) or "-", report)
    return f"| {' | '.join(cells)} |"


def _quoted(told: lab.Reported) -> bool:
    return told.accuracy is not None or told.train_accuracy is not None


def _of_earlier_task(task: str, label: str) -> bool:
    """Whether a row would repeat a run that an earlier task stands for: 5B sets 5A's beside its own."""
    return task == "task5b" and label in lab.runs("task5a")


def _counted(judged: list[Verdict], exam: bool = False) -> str:
    return ", ".join(f"{number} {word}" for word, number in counts(judged, exam).items())


def _short(run: Run, config: RunConfig) -> str:
    """The best accuracy, and how far a run is that is not finished."""
    run = run.first(min(run.epochs, config.epochs))
    so_far = "" if run.epochs == config.epochs else f" ({run.epochs} of {config.epochs} epochs)"
    return f"{best(run).accuracy}{so_far}"


def update_readme(file: Path, store: RunStore | None = None) -> None:
    """Write `results_table` between the marks in the README."""
    text = file.read_text(encoding="utf-8")
    head, rest = text.split(START, 1)
    tail = rest.split(END, 1)[1]
    file.write_text(f"{head}{START}\n{results_table(store)}\n{END}{tail}", encoding="utf-8", newline="\n")


def _front_page(store: RunStore | None) -> Iterator[str]:
    judged = verdicts(store=store)
    yield "# The lab, from its stored runs\n"
    yield (
        "Written by `labutils report`; every number is computed from `results/runs`. All runs are on **phantoms** "
        "(synthetic images drawn by labutils, not patients) unless a table says otherwise: they say how networks "
        "learn, nothing about patients.\n"
    )
    for what, exam in (("What the lab could know", False), ("What holds for these images", True)):
        found = ", ".join(f"**{number}** {word}" for word, number in counts(judged, exam).items())
        yield f"{what}, of {len(judged)} claims: {found}.\n"
    yield "The first is judged on validation images and one seed, the second on the exam and all stored seeds.\n"
    yield markdown_table(_two_words(judged))
    yield "\n## What is missing\n"
    absent = [(task, missing(task, task_runs(task, store=store))) for task in lab.TITLES]
    listed = [f"- {_name(task)}: {'; '.join(labels)}" for task, labels in absent if labels]
    yield "\n".join(listed) if listed else "Nothing: every run of the lab is stored."
    yield "\n`labutils run --missing` trains them, in the lab's order, and can be stopped at any time.\n"
    yield "## Phantoms beside real images\n"
    yield _real_beside_phantoms(store)


def _two_words(judged: list[Verdict]) -> Table:
    rows = {
        v.id: {
            "task": v.task.removeprefix("task").upper(),
            "claim": v.claim,
            "what the lab could know": v.verdict,
            "what holds for these images": v.holds,
        }
        for v in judged
    }
    return as_table(rows, "id")


def _real_beside_phantoms(store: RunStore | None) -> str:
    label = "lr 1e-5"
    found = stored_runs(lab.runs("task1b")[label], store)
    text = f"Task 1B, {label}: VGG16 with 8 filters, the same settings on different images.\n\n"
    if not any(run.source == REAL for run in found):
        text += "The run on real images is missing.\n\n"
    return text + markdown_table(truth_table(found, lab.reported("task1b")[label]))


def _task_pages(task: str, folder: Path, store: RunStore | None) -> Iterator[str]:
    from labutils import plots

    runs = task_runs(task, store=store)
    yield f"\n## {_name(task)}: {lab.TITLES[task]}\n"
    absent = missing(task, runs)
    if absent:
        yield f"Missing: {'; '.join(absent)}.\n"
    if not runs:
        return
    yield "Settings: " + "; ".join(f"{label}: `{run.config.slug}`, {run.epochs} epochs" for label, run in runs.items())
    yield ""
    yield _figure(plots.learning_curves, runs, folder / "learning-curves.png")
    yield markdown_table(run_table(runs, lab.reported(task))) + "\n"
    yield markdown_table(gap_table(runs)) + "\n"
    stored = all_stored(store=store)
    if len(runs) > 1 and len({run.config.dataset for run in runs.values()}) == 1:
        yield markdown_table(paired_table(runs)) + "\n"
        seeds = {
            label: [o.first(run.epochs) for o in stored.values() if same_setting(o, run) and o.epochs >= run.epochs]
            for label, run in runs.items()
        }
        yield markdown_table(exam_table(seeds)) + "\n"
    judged = judge_all(runs | stored, task)
    if judged:
        yield markdown_table(verdict_table(judged).drop(columns=["task", "data"])) + "\n"
    graphs = []
    for label, run in runs.items():
        name = _file_name(label)
        plots.learning_curves({label: run}, save=folder / f"{name}-curves.png")
        plots.confusion_matrix(run, save=folder / f"{name}-confusion.png")
        plots.roc_curve({label: run}, save=folder / f"{name}-roc.png")
        three = (f"[{what}]({task}/{name}-{what}.png)" for what in ("curves", "confusion", "roc"))
        graphs.append(f"{label}: {', '.join(three)}")
    yield "Graphs of every run: " + "; ".join(graphs) + "."


def _figure(draw: Callable[..., None], runs: Mapping[str, Run], file: Path) -> str:
    from labutils.plots import alt_text

    draw(runs, save=file)
    return f"![{alt_text(file)}]({file.parent.name}/{file.name})\n"


def markdown_table(table: Table) -> str:
    """A table as Markdown, its index as the first column; a table without rows as its sentence."""
    if not len(table):
        return table.nothing
    head = [table.index.name or "", *map(str, table.columns)]
    note = f"{table.note}\n\n" if table.note else ""
    rows = [head, ["---"] * len(head)]
    rows += [[str(index), *map(str, row)] for index, row in zip(table.index, table.to_numpy().tolist(), strict=True)]
    return note + "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def _name(task: str) -> str:
    return f"Task {task.removeprefix('task').upper()}"


def _file_name(label: str) -> str:
    words = "".join(c if c.isalnum() or c in ".-" else " " for c in label).split()
    return "-".join(words).lower()
