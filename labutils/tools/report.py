"""What the stored runs say, all together: `results/REPORT.md` with its figures, and the overview of the index.

Everything is written from the store, which is read once; the same runs give the same files, byte for byte. A report is
on images of one source: phantoms, or one's own (`labutils report --source course`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from labutils import audit, lab, paths
from labutils.audit.baselines import simple_of
from labutils.config import RunConfig
from labutils.data.locate import title_of
from labutils.errors import DataError
from labutils.evaluate import (
    best,
    counts,
    exam_accuracy,
    exam_table,
    gap_table,
    judge_all,
    judge_real,
    paired_table,
    run_table,
    truth_table,
    verdict_table,
)
from labutils.evaluate.claims import MISSING, Verdict, same_but_seed
from labutils.evaluate.findings import ceiling_of
from labutils.evaluate.metrics import highest_elementwise
from labutils.evaluate.tables import Reached, as_table, mark_source
from labutils.paths import LAB_DATASETS
from labutils.progress import minutes
from labutils.runs.files import Run
from labutils.runs.queries import (
    Snapshot,
    all_stored,
    choose_runs,
    count_sources,
    missing,
    other_runs,
    shown_runs,
    stored_runs,
    task_runs,
)
from labutils.runs.store import RunStore
from labutils.statistics import Estimate, wilson_interval

if TYPE_CHECKING:
    from labutils.frames import Table

START, END = "<!-- results: written by `labutils report` -->", "<!-- end of results -->"

FIGURE_RUNS = 8
"""Runs whose curves fit into one figure."""

WORDS = {
    "phantom": (
        "**phantoms** (synthetic images drawn by labutils, not patients)",
        "they say how networks learn, nothing about patients",
    ),
    "course": ("**course data**", "they are about these images, and no others"),
    "public": ("**public data**", "they are about these images, and no others"),
}
"""Whose images the runs of a report are on, and what these can be asked."""


def verdicts(source: str = "phantom", store: RunStore | None = None) -> list[Verdict]:
    """The verdicts on all claims, from the stored runs at the report's settings and whatever seeds."""
    return judge_all(all_stored(source, store))


def show_links() -> None:
    """The notebooks in order: what each is about, which of its runs are stored, what training them takes here."""
    from IPython.display import display

    from labutils.frames import STYLE

    table = overview()
    html = STYLE + "</style>" + table.to_html(escape=False)  # its first column holds links
    display({"text/html": html, "text/plain": table.to_string()}, raw=True)


def overview() -> Table:
    """The notebooks in order, with links: runs stored, the time they take with these, and what training takes here.

    Runs are counted on the images that are used here; where these are not phantoms, runs on phantoms are named too.
    """
    from labutils.tools.execution.build import seconds_taken
    from labutils.training.cost import estimate_seconds

    rows, store = {}, Snapshot()
    n_train = {"skin": 1000, "bone": 1072, "x_ray": 900}
    for task, title in lab.TITLES.items():
        configs = lab.runs(task)
        seconds = seconds_taken(paths.notebooks_dir() / f"{task}.ipynb")
        here = sum(estimate_seconds(config, n_train[config.dataset]) for config in configs.values())
        rows[f'<a href="{task}.ipynb">{task.removeprefix("task").upper()}</a>'] = {
            "about": title,
            "runs stored": _runs_stored(task, store) if configs else "-",
            "with stored runs": "-" if seconds is None else f"{seconds} s",
            "training here": f"about {minutes(here)}" if configs else "-",
        }
    return as_table(rows, "task")


def _runs_stored(task: str, store: RunStore) -> str:
    configs = lab.runs(task)
    used = {name: _source_here(name) for name in {config.dataset for config in configs.values()}}
    found = {source: task_runs(task, source, store) for source in {"phantom", *used.values()}}
    own = [label for label, config in configs.items() if label in found[used[config.dataset]]]
    text = f"{len(own)} of {len(configs)}"
    if {*used.values()} == {"phantom"}:
        return text
    return f"{text} on {' and '.join(sorted({*used.values()}))} images, {len(found['phantom'])} on phantoms"


def _source_here(dataset: str) -> str:
    """Whose images of a data set are used on this machine; phantoms where that cannot be said, which loading will."""
    from labutils.data.locate import source_of

    try:
        return source_of(dataset)
    except DataError:
        return "phantom"


def write_report(
    folder: Path | None = None, store: RunStore | None = None, source: str = "", beside: Sequence[str] = ()
) -> Path:
    """Write REPORT.md, and the figures and tables of every task beside it.

    Parameters
    ----------
    folder : Path, optional
        `results/` unless given; of a source that is asked for, a folder of its own in `results/own/`.
    store : RunStore, optional
    source : str
        Whose images: see `queries.choose_runs`.
    beside : sequence of str
        Other sources, whose runs stand below those of the same settings in the tables; beside phantoms, the lab's own
        runs on real images do in any case.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    StoreError
        If there are no runs on such images.
    """
    chosen, runs = choose_runs(source, store)
    if chosen == "phantom" and lab.REAL in count_sources(store):
        beside = [lab.REAL, *beside]
    others = [choose_runs(other, store) for other in beside]
    place = (folder or paths.results_dir()) / (f"own/{_file_name(source)}" if source else "")
    place.mkdir(parents=True, exist_ok=True)
    lines = [*_front_page(chosen, runs, store)]
    tasks = [task for task in lab.TITLES if lab.runs(task)]
    if chosen != "phantom":  # no page about nothing
        tasks = [task for task in tasks if task_runs(task, chosen, runs)]
    for task in tasks:
        lines += _task_pages(task, place / task, chosen, runs, others)
    if chosen != "phantom":
        lines += _other_pages(place / "other", runs)
    file = place / "REPORT.md"
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
    store = Snapshot(store)
    stored = store.all()
    for task in lab.TITLES:
        runs = shown_runs(task, store=store)
        for label, told in lab.reported(task).items():
            if _quoted(told) and not _of_earlier_task(task, label):
                small = label + lab.SMALL_LABEL
                lines.append(_results_row(task, label, small if small in runs else label, runs, stored))
    lines += _simple_rows(store)
    judged = verdicts(store=store)
    lines += [
        "",
        f"Of {len(judged)} conclusions of the report, on phantoms: what the lab could know (validation, one seed):",
    ]
    lines[-1] += (
        f" {_counted(judged)}; what holds for these images (exam, all stored seeds): {_counted(judged, exam=True)}."
    )
    if real := judge_real(store=store):
        words = (f"{number} {word}" for word, number in counts(real).items() if word != MISSING)
        lines[-1] += f" The real images can answer {len(real)} of them (validation, one seed): {', '.join(words)}."
    lines += [
        "Brackets are 95 % intervals, on the exam over seeds and images, of one seed over images alone; the ceiling is "
        f"the accuracy of an oracle that knows what was drawn; the real images are {_real_words(stored)}."
    ]
    if any("no network" in line for line in lines):
        lines[-1] += (
            " *No network*: a linear model or a forest, whichever is better on the validation images, on some forty "
            "numbers of each image."
        )
    if any(f"{lab.SMALL_LABEL} |" in line for line in lines):
        lines[-1] += f" *Small*: {lab.SMALL_IN_WORDS}, in place of a run that takes hours and is not stored yet."
    return "\n".join(lines)


def _results_row(task: str, label: str, name: str, runs: Mapping[str, Run], stored: list[Run]) -> str:
    """The row of a planned run, `label`, from the one of `runs` that stands for it, `name`, if it is there."""
    run = runs.get(name)
    config, told = lab.runs(task)[label], lab.reported(task)[label]
    real = [_short(other, config, told) for other in _real(stored) if other.config.key == config.key]
    exam, ceiling, report = "-", "-", f"{told.accuracy:.4f}" if told.accuracy is not None else "-"
    shown = "missing"
    if run is not None:
        numbers, top = best(run), ceiling_of(run)
        shown, ceiling = str(numbers.accuracy), "-" if top is None else f"{top:.3f}"
        seeds = same_but_seed(run, run.epochs, stored)
        estimate, sat = exam_accuracy(seeds), sum(other.exam is not None for other in seeds)
        exam = f"{estimate} ({sat} seed{'' if sat == 1 else 's'})" if estimate else "missing"
        if task == "task4":
            shown += f"; element-wise {highest_elementwise(run):.4f}"
        shown += _final_training(run, told)
    if task == "task4":
        report = f"element-wise {report}"
    elif told.accuracy is None:
        report = f"final training {told.train_accuracy:.4f}"
    cells = (task.removeprefix("task").upper(), name, shown, exam, ceiling, "".join(real[:1]) or "-", report)
    return f"| {' | '.join(cells)} |"


def _simple_rows(store: Snapshot) -> Iterator[str]:
    """Rows on what simple models reach on the images of the lab's runs, as far as that is known."""
    planned = [run for task in lab.TITLES for run in task_runs(task, store=store).values()]
    for name in LAB_DATASETS:
        drawn = next((run for run in planned if run.config.dataset == name), None)
        if drawn is None or not (simple := simple_of(drawn)):
            continue
        known = (simple_of(run) for run in _real(store.all()) if run.config.dataset == name)
        real = next((found for found in known if found), None)
        top = ceiling_of(drawn)
        cells = [
            "-",
            f"{title_of(name)}, no network: simple numbers",
            f"{simple.validation.shown()} ({simple.kind})",
            simple.exam.shown() if simple.exam else "missing",
            "-" if top is None else f"{top:.3f}",
            f"{real.validation.shown()} ({real.kind})" if real else "-",
            "-",
        ]
        yield f"| {' | '.join(cells)} |"


def _final_training(run: Run, told: lab.Reported) -> str:
    """What stands beside the report's training accuracy, where it quotes no other."""
    return "" if told.accuracy is not None else f"; final training {best(run).final_train_accuracy:.4f}"


def _real(stored: list[Run]) -> list[Run]:
    """The runs on real images of the lab's data sets: what is stored with the lab first, then one's own."""
    real = [run for run in stored if run.source != "phantom" and run.config.dataset in LAB_DATASETS]
    return sorted(real, key=lambda run: (run.source != lab.REAL, run.source))


def _real_words(stored: list[Run]) -> str:
    sources = dict.fromkeys(run.source for run in _real(stored))
    words = {lab.REAL: "a selection from HAM10000 (its images are not included)"}
    shown = [words.get(source) or _whose(source)[0].strip("*") for source in sources]
    return " and ".join(shown) or "missing"


def _whose(source: str) -> tuple[str, str]:
    return WORDS.get(source, (f"**{source}**", WORDS["course"][1]))


def _quoted(told: lab.Reported) -> bool:
    return told.accuracy is not None or told.train_accuracy is not None


def _of_earlier_task(task: str, label: str) -> bool:
    """Whether a row would repeat a run that an earlier task stands for: 5B sets 5A's beside its own."""
    return task == "task5b" and label in lab.runs("task5a")


def _counted(judged: list[Verdict], exam: bool = False) -> str:
    return ", ".join(f"{number} {word}" for word, number in counts(judged, exam).items())


def _short(run: Run, config: RunConfig, told: lab.Reported) -> str:
    """The best accuracy, what stands beside the report's, and how far a run is that is not finished."""
    run = run.first(min(run.epochs, config.epochs))
    so_far = "" if run.epochs == config.epochs else f" ({run.epochs} of {config.epochs} epochs)"
    return f"{best(run).accuracy}{_final_training(run, told)}{so_far}"


def update_readme(file: Path, store: RunStore | None = None) -> None:
    """Write `results_table` between the marks in the README."""
    text = file.read_text(encoding="utf-8")
    head, rest = text.split(START, 1)
    tail = rest.split(END, 1)[1]
    file.write_text(f"{head}{START}\n{results_table(store)}\n{END}{tail}", encoding="utf-8", newline="\n")


def _front_page(source: str, runs: Snapshot, store: RunStore | None) -> Iterator[str]:
    whose, about = _whose(source)
    own = sorted({run.config.dataset for run in runs.all()} - {*LAB_DATASETS})
    named = f" ({', '.join(own)})" if own and not any(run.config.dataset in LAB_DATASETS for run in runs.all()) else ""
    yield "# The lab, from its stored runs\n"
    yield (
        f"Written by `labutils report`; every number is computed from `results/runs`. All runs are on {whose}{named} "
        f"unless a table says otherwise: {about}.\n"
    )
    told = {run.path for run in runs.all()}
    if source != "phantom" and (others := count_sources(Snapshot(store, lambda run: run.path not in told))):
        elsewhere = ", ".join(f"{number} on {name}" for name, number in others.items())
        yield f"Other stored runs: {elsewhere} (`labutils report --source NAME`).\n"
    if source != "phantom" and not any(task_runs(task, source, runs) for task in lab.TITLES):
        yield "None of the lab's own runs is on these images: there is no claim of it to judge.\n"
        return
    judged = verdicts(source, runs)
    for what, exam in (("What the lab could know", False), ("What holds for these images", True)):
        found = ", ".join(f"**{number}** {word}" for word, number in counts(judged, exam).items())
        yield f"{what}, of {len(judged)} claims: {found}.\n"
    yield "The first is judged on validation images and one seed, the second on the exam and all stored seeds.\n"
    yield markdown_table(_in_words(judged, judge_real(store=store) if source == "phantom" else []))
    yield "\n## What is missing\n"
    absent = [(task, missing(task, task_runs(task, source, runs))) for task in lab.TITLES]
    listed = [f"- {_name(task)}: {'; '.join(labels)}" for task, labels in absent if labels]
    yield "\n".join(listed) if listed else "Nothing: every run of the lab is stored."
    more = "" if source == "phantom" else f" --source {source}"
    yield f"\n`labutils run --missing{more}` trains them, in the lab's order, and can be stopped at any time.\n"
    if source == "phantom":
        yield "## Phantoms beside real images\n"
        yield _real_beside_phantoms(store)


def _in_words(judged: list[Verdict], real: list[Verdict]) -> Table:
    rows, on_real = {}, {v.id: v.verdict for v in real}
    for v in judged:
        rows[v.id] = {
            "task": v.task.removeprefix("task").upper(),
            "claim": v.claim,
            "what the lab could know": v.verdict,
            "what holds for these images": v.holds,
        }
        if real:
            rows[v.id]["on real images (validation, one seed)"] = on_real.get(v.id, "-")
    return as_table(rows, "id")


def _real_beside_phantoms(store: RunStore | None) -> str:
    label = "lr 1e-5"
    found = stored_runs(lab.runs("task1b")[label], store)
    text = f"Task 1B, {label}: VGG16 with 8 filters, the same settings on different images.\n\n"
    if not any(run.source == lab.REAL for run in found):
        text += "The run on real images is missing.\n\n"
    return text + markdown_table(truth_table(found, lab.reported("task1b")[label], audit.simple_cells(found)))


def _task_pages(
    task: str, folder: Path, source: str, store: Snapshot, others: Sequence[tuple[str, Snapshot]]
) -> Iterator[str]:
    from labutils import plots

    runs = shown_runs(task, source, store)
    yield f"\n## {_name(task)}: {lab.TITLES[task]}\n"
    absent = missing(task, task_runs(task, source, store))
    if absent:
        yield f"Missing: {'; '.join(absent)}.\n"
    if not runs:
        return
    yield "Settings: " + "; ".join(f"{label}: `{run.config.slug}`, {run.epochs} epochs" for label, run in runs.items())
    yield ""
    yield _figure(plots.learning_curves, runs, folder / "learning-curves.png")
    elsewhere = {
        f"{label}, {mark_source(other)}": run
        for other, theirs in others
        for label, run in task_runs(task, other, theirs).items()
    }
    told = lab.reported(task)
    yield markdown_table(run_table(runs | elsewhere, told, _no_network(runs | elsewhere))) + "\n"
    yield markdown_table(gap_table(runs)) + "\n"
    stored = all_stored(source, store)
    if len(runs) > 1 and len({run.config.dataset for run in runs.values()}) == 1:
        yield markdown_table(paired_table(runs)) + "\n"
        seeds = {label: same_but_seed(run, run.epochs, stored.values()) for label, run in runs.items()}
        yield markdown_table(exam_table(seeds)) + "\n"
    judged = judge_all(runs | stored, task)
    if judged:
        yield markdown_table(verdict_table(judged).drop(columns="data")) + "\n"
    yield _graphs(runs, folder)


def _other_pages(folder: Path, store: Snapshot) -> Iterator[str]:
    """Runs that are not of the lab's list, one page for each set of images that they are on."""
    from labutils import plots

    groups: dict[tuple[str, str], dict[str, Run]] = {}
    for run in other_runs(store).values():
        images = (run.config.dataset, str(run.provenance.get("fingerprint", "")))
        groups.setdefault(images, {})[run.config.slug] = run
    for (name, fingerprint), runs in groups.items():
        place = folder / f"{name}-{fingerprint[:6]}"
        yield f"\n## Runs on {name}, images {fingerprint[:6]}\n"
        if name in LAB_DATASETS:
            yield "Settings that no task of the lab has, or fewer epochs than it asks for.\n"
        for start in range(0, len(runs), FIGURE_RUNS):
            shown = dict(list(runs.items())[start : start + FIGURE_RUNS])
            yield _figure(plots.learning_curves, shown, place / f"learning-curves-{start // FIGURE_RUNS + 1}.png", 2)
        yield markdown_table(run_table(runs, beside=_no_network(runs))) + "\n"
        yield markdown_table(gap_table(runs)) + "\n"
        if 1 < len(runs) <= FIGURE_RUNS:
            yield markdown_table(paired_table(runs)) + "\n"
        yield _graphs(runs, place, 2)


def _no_network(runs: Mapping[str, Run]) -> dict[str, Reached]:
    """What stands below networks: the largest class, the simple models and, of phantoms, the ceiling."""
    return _majority(runs) | audit.beside_runs(runs.values())


def _majority(runs: Mapping[str, Run]) -> dict[str, Reached]:
    """What always answering the largest class reaches on the validation images: the line to beat."""
    rows = {}
    for run in runs.values():
        counted = np.bincount(run.y_val, minlength=len(run.class_names))
        largest, of = int(counted.max()), "" if counted.min() == counted.max() else f" ({_largest(run, counted)})"
        whose = f"{run.config.dataset}, " if len({other.config.dataset for other in runs.values()}) > 1 else ""
        share = Estimate(largest / len(run.y_val), *wilson_interval(largest, len(run.y_val)))
        rows[f"{whose}always the largest class{of}"] = Reached(str(share))
    return rows


def _largest(run: Run, counted: np.ndarray) -> str:
    return run.class_names[int(counted.argmax())]


def _graphs(runs: Mapping[str, Run], folder: Path, above: int = 1) -> str:
    """Curves, confusion and ROC of every run, drawn into a folder, as links."""
    from labutils import plots
    from labutils.plots.kept import draw_once

    graphs = []
    for label, run in runs.items():
        name = _file_name(label)
        draw_once(plots.learning_curves, {label: run}, folder / f"{name}-curves.png")
        draw_once(plots.confusion_matrix, run, folder / f"{name}-confusion.png")
        draw_once(plots.roc_curve, {label: run}, folder / f"{name}-roc.png")
        place = "/".join(folder.parts[-above:])
        three = (f"[{what}]({place}/{name}-{what}.png)" for what in ("curves", "confusion", "roc"))
        graphs.append(f"{label}: {', '.join(three)}")
    return "Graphs of every run: " + "; ".join(graphs) + "."


def _figure(draw: Callable[..., None], runs: Mapping[str, Run], file: Path, above: int = 1) -> str:
    """A figure in its file, as Markdown; `above` folders of its path lie below the report."""
    from labutils.plots import alt_text
    from labutils.plots.kept import draw_once

    draw_once(draw, runs, file)
    return f"![{alt_text(file)}]({'/'.join(file.parts[-above - 1 :])})\n"


def markdown_table(table: Table) -> str:
    """A table as Markdown, its index as the first column; a table without rows as its sentence."""
    if not len(table):
        return table.nothing
    head = [table.index.name or "", *map(str, table.columns)]
    note = f"{table.note}\n\n" if table.note else ""
    rows = [head, ["---"] * len(head)]
    rows += [[str(index), *map(str, row)] for index, row in zip(table.index, table.to_numpy().tolist(), strict=True)]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return note + "\n".join([*lines, *(f"\n{text}" for text in table.folded())])


def _name(task: str) -> str:
    return f"Task {task.removeprefix('task').upper()}"


def _file_name(label: str) -> str:
    words = "".join(c if c.isalnum() or c in ".-" else " " for c in label).split()
    return "-".join(words).lower()
