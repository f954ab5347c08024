"""What the stored runs say, all together: `results/REPORT.md` with its figures, and the overview of the index.

Everything is written from the store; the same runs give the same files, byte for byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from labutils import paths
from labutils.config import RunConfig
from labutils.evaluate import (
    best,
    gap_table,
    judge_all,
    lab,
    paired_table,
    run_table,
    truth_table,
    verdict_table,
)
from labutils.evaluate.tables import as_table
from labutils.evaluate.verdicts import Verdict
from labutils.progress import minutes
from labutils.runs import Run, RunStore, StoreError, read_run

if TYPE_CHECKING:
    from labutils.frames import Table

START, END = "<!-- results: written by `labutils report` -->", "<!-- end of results -->"
WORDS = ("reproduced", "not reproduced", "undecided", "missing")
REAL = "HAM10000 selection"
"""Source of the run on real images that is stored beside the phantoms."""


def stored_runs(config: RunConfig, store: RunStore | None = None) -> list[Run]:
    """Stored runs with these settings, on whatever images: phantoms first, then by source; at most `config.epochs`.

    Runs with fewer epochs come with those they have.
    """
    found = [run.first(min(run.epochs, config.epochs)) for run in _all_runs(store) if run.config.key == config.key]
    return sorted(found, key=lambda run: (run.source != "phantom", run.source))


def all_stored(source: str = "phantom", store: RunStore | None = None) -> dict[str, Run]:
    """All stored runs on images of one source, by the name of their folder."""
    return {run.path.name: run for run in _all_runs(store) if run.source == source and run.path}


def task_runs(task: str, source: str = "phantom", store: RunStore | None = None) -> dict[str, Run]:
    """The stored runs of a task at the report's settings, by label, as far as they are there and long enough."""
    by_key = {run.config.key: run for run in _all_runs(store) if run.source == source}
    return {
        label: by_key[config.key].first(config.epochs)
        for label, config in lab.runs(task).items()
        if config.key in by_key and by_key[config.key].epochs >= config.epochs
    }


def missing(task: str, runs: Mapping[str, Run]) -> list[str]:
    """The labels of a task's runs that are not stored."""
    return [label for label in lab.runs(task) if label not in runs]


def verdicts(source: str = "phantom", store: RunStore | None = None) -> list[Verdict]:
    """The verdicts on all claims, from the stored runs."""
    runs = {f"{task} {label}": run for task in lab.TITLES for label, run in task_runs(task, source, store).items()}
    return judge_all(runs)


def overview() -> Table:
    """The notebooks in order, with links: runs stored, the time they take with these, and what training takes here."""
    from labutils.build import seconds_taken
    from labutils.training import estimate_seconds

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
    """The README's table: the run that stands for each task, on phantoms and on real images, beside the report."""
    lines = [
        "| task | run | phantoms: best val accuracy | real images | lab report |",
        "| --- | --- | --- | --- | --- |",
    ]
    for task in lab.TITLES:
        runs = task_runs(task, store=store)
        for label, told in lab.reported(task).items():
            if told.accuracy is None:
                continue
            config = lab.runs(task)[label]
            real = [_short(run, config) for run in stored_runs(config, store) if run.source == REAL]
            shown = str(best(runs[label]).accuracy) if label in runs else "missing"
            note = " (element-wise)" if task == "task4" else ""
            name = task.removeprefix("task").upper()
            lines.append(f"| {name} | {label} | {shown} | {''.join(real[:1]) or '-'} | {told.accuracy:.4f}{note} |")
    counts = Counter(verdict.verdict for verdict in verdicts(store=store))
    judged = ", ".join(f"{counts[word]} {word}" for word in WORDS)
    lines += ["", f"Of the {sum(counts.values())} conclusions of the report, on phantoms: {judged}."]
    lines += [
        "Brackets are 95 % intervals; the real images are a selection from HAM10000 (its images are not included)."
    ]
    return "\n".join(lines)


def _short(run: Run, config: RunConfig) -> str:
    """The best accuracy, and how far a run is that is not finished."""
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
    counts = Counter(verdict.verdict for verdict in judged)
    yield "# The lab, from its stored runs\n"
    yield (
        "Written by `labutils report`; every number is computed from `results/runs`. All runs are on **phantoms** "
        "(synthetic images drawn by labutils, not patients) unless a table says otherwise: they say how networks "
        "learn, nothing about patients.\n"
    )
    yield f"Of {len(judged)} claims: " + ", ".join(f"**{counts[word]}** {word}" for word in WORDS) + ".\n"
    yield markdown_table(verdict_table(judged)[["task", "claim", "verdict"]])
    yield "\n## What is missing\n"
    absent = [(task, missing(task, task_runs(task, store=store))) for task in lab.TITLES]
    listed = [f"- {_name(task)}: {'; '.join(labels)}" for task, labels in absent if labels]
    yield "\n".join(listed) if listed else "Nothing: every run of the lab is stored."
    yield "\n`labutils run --missing` trains them, in the lab's order, and can be stopped at any time.\n"
    yield "## Phantoms beside real images\n"
    yield _real_beside_phantoms(store)


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
    if len(runs) > 1 and len({run.config.dataset for run in runs.values()}) == 1:
        yield markdown_table(paired_table(runs)) + "\n"
    judged = judge_all(runs if task != "task9" else runs | all_stored(store=store), task)
    if judged:
        yield markdown_table(verdict_table(judged)[["claim", "evidence", "verdict", "rule"]]) + "\n"
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
    rows = [head, ["---"] * len(head)]
    rows += [[str(index), *map(str, row)] for index, row in zip(table.index, table.to_numpy().tolist(), strict=True)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def _all_runs(store: RunStore | None) -> list[Run]:
    runs = []
    for folder in store or RunStore():
        try:
            runs.append(read_run(folder))
        except StoreError:
            continue  # `labutils runs` and `labutils doctor` name damaged ones
    return runs


def _name(task: str) -> str:
    return f"Task {task.removeprefix('task').upper()}"


def _file_name(label: str) -> str:
    words = "".join(c if c.isalnum() or c in ".-" else " " for c in label).split()
    return "-".join(words).lower()
