"""What the stored runs say, all together: `results/REPORT.md` with its figures, and the overview of the index.

The same runs give the same files, byte for byte.
"""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils import audit, evaluate, lab, paths
from labutils.audit.baselines import simple_of
from labutils.audit.tables import ACCURACY
from labutils.course.questions import QUESTIONS
from labutils.data.locate import title_of
from labutils.errors import DataError, StoreError, visible
from labutils.evaluate.claims import Verdict, same_but_seed
from labutils.evaluate.findings import ceiling_of
from labutils.evaluate.metrics import highest_elementwise
from labutils.evaluate.sentences import disagreements, every_sentence, headline
from labutils.evaluate.tables import POWER, as_table, mark_source, seeds_words, takes_words
from labutils.paths import LAB_DATASETS, dataset_name, speaks
from labutils.phantoms.files import CLASS_NAMES, COUNTS
from labutils.plots.charts import as_image
from labutils.progress import minutes
from labutils.runs.run import Run
from labutils.runs.store import RunStore, everywhere, find
from labutils.statistics import proportion

if TYPE_CHECKING:
    from labutils.frames import Table

START, END = "<!-- results: written by `labutils report` -->", "<!-- end of results -->"

FIGURE_RUNS = 8  # whose curves fit into one figure
MAIN, THUMBNAIL, READ = "plots.learning_curves(", 150, 200
"""What draws a notebook's picture for the index, how many pixels wide it is at most, and words read in a minute."""

SOURCES = {
    "phantom": "**phantoms** (synthetic images drawn by labutils, not patients)",
    "course": "**course data**",
    "public": "**public data**",
}
"""Whose images the runs of a report are on, in words."""


def show_links() -> None:
    """The notebooks in order: a picture of each, what it is about, which of its runs are stored, what it takes."""
    from IPython.display import display
    from pandas import option_context

    from labutils.frames import STYLE

    table = overview()
    with option_context("display.max_colwidth", None):
        html = STYLE + "</style>" + table.to_html(escape=False)  # its first columns hold links and pictures
    display({"text/html": html, "text/plain": table.drop(columns="").to_string()}, raw=True)


def overview() -> Table:
    """The notebooks in order, with links and pictures: runs stored, the time to read, to run, and to train here.

    Runs are counted on the images that are used here; where these are not phantoms, runs on phantoms are named too.
    """
    from labutils.course import cells
    from labutils.tools.execution import seconds_taken
    from labutils.training.cost import estimate_seconds

    rows, stored = {}, RunStore().all()
    for task, title in lab.TITLES.items():
        configs = lab.runs(task).values()
        file = paths.notebooks_dir() / f"{task}.ipynb"
        notebook, seconds = cells.read(file), seconds_taken(file)
        words = sum(len(cell.source.split()) for cell in notebook.cells if cell.cell_type == "markdown")
        here = sum(estimate_seconds(c, COUNTS[c.dataset]["train"], len(CLASS_NAMES[c.dataset])) for c in configs)
        rows[f'<a href="{task}.ipynb">{_number(task)}</a>'] = {
            "": thumbnail(notebook, title),
            "about": title,
            "to read": f"{max(1, round(words / READ))} min",
            "runs stored": _runs_stored(task, stored) if configs else "-",
            "with stored runs": "-" if seconds is None else f"{seconds} s",
            "training here": f"about {minutes(here)}" if configs else "-",
        }
    return as_table(rows, "task")


def thumbnail(notebook: Any, title: str) -> str:
    """A notebook's learning curves, or its first figure, as a small `<img>`; empty if it has been built without one."""
    from PIL import Image

    drawn = [cell for cell in notebook.cells if cell.cell_type == "code"]
    drawn.sort(key=lambda cell: MAIN not in cell.source)
    found = [output.get("data", {}).get("image/png") for cell in drawn for output in cell.outputs]
    if (png := next(filter(None, found), None)) is None:
        return ""
    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        small = image.convert("RGB")
        small.thumbnail((2 * THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    small.quantize(12).save(buffer, format="png", optimize=True)
    size = f"max-width: {THUMBNAIL}px; max-height: {THUMBNAIL // 2}px"
    return as_image(buffer.getvalue(), f"A figure of {title}", size)


def _runs_stored(task: str, stored: Sequence[Run]) -> str:
    from labutils.data.locate import source_of

    configs = lab.runs(task)
    used = dict.fromkeys((config.dataset for config in configs.values()), "phantom")
    for name in used:
        with suppress(DataError):  # which loading will say
            used[name] = source_of(name)
    found = {source: find(configs, source, among=stored) for source in {"phantom", *used.values()}}
    own = [label for label, config in configs.items() if label in found[used[config.dataset]]]
    text = f"{len(own)} of {len(configs)}"
    if {*used.values()} == {"phantom"}:
        return text
    return f"{text} on {' and '.join(sorted({*used.values()}))} images, {len(found['phantom'])} on phantoms"


def results_table() -> str:
    """The README's table: the runs that stand for each task, on phantoms and on real images, beside the report.

    Of each task those are shown that the report quotes; all, where it quotes none. A number beside a number is the same
    quantity: training accuracy, or an accuracy of single outputs, where the report quotes that.
    """
    head = "task", "run", "phantoms: best val accuracy", "phantoms: exam", "ceiling", "real images", "lab report"
    rows: list[Sequence[str]] = []
    stored = RunStore().all()
    for task in lab.TITLES:
        shown, reported = find(lab.runs(task), small=True, among=stored), lab.reported(task)
        if not reported:
            rows.append((_number(task), "trains nothing", *"-----"))
        for label in [label for label, told in reported.items() if told != lab.SILENT] or list(reported):
            # Beside its own runs Task 5B sets those of an earlier row.
            if task != "task5b" or label not in lab.runs("task5a"):
                small = label + lab.SMALL_LABEL
                rows.append(_results_row(task, label, small if small in shown else label, shown, stored))
    rows += _simple_rows(stored)
    judged = evaluate.judge_all(_by_name("phantom", stored))
    real_words = {lab.REAL: "a selection from HAM10000 (its images are not included)"} | SOURCES
    sources = dict.fromkeys(run.source for run in _real(stored))
    whose = " and ".join(real_words.get(source, source).strip("*") for source in sources) or "missing"
    said = (
        f"Of {len(judged)} claims, on phantoms: what the lab could know (validation, one seed): "
        f"{_counted(judged)}; what holds for these images (exam, all stored seeds): {_counted(judged, exam=True)}."
    )
    if real := evaluate.judge_real(runs=stored):
        words = (f"{number} {word}" for word, number in evaluate.counts(real).items() if number)
        said += f" The real images can answer {len(real)} of them (validation, one seed): {', '.join(words)}."
    notes = (
        "Brackets are 95 % intervals, on the exam over seeds and images, of one seed over images alone; the ceiling is "
        f"the accuracy of an oracle that knows what was drawn; the real images are {whose}."
    )
    if any("no network" in row[1] for row in rows):
        notes += " *No network*: a linear model or a forest, whichever is better on the validation images, "
        notes += "on some forty numbers of each image."
    if any(row[1].endswith(lab.SMALL_LABEL) for row in rows):
        notes += f" *Small*: {lab.SMALL_IN_WORDS}, in place of a run that takes hours and is not stored yet."
    return "\n".join([*_markdown(head, rows), "", said, notes])


def _results_row(task: str, label: str, name: str, shown: Mapping[str, Run], stored: list[Run]) -> tuple[str, ...]:
    """The row of a planned run, `label`, from the one of `shown` that stands for it, `name`, if it is there."""
    run, config, told = shown.get(name), lab.runs(task)[label], lab.reported(task)[label]
    only_training = told.accuracy is None and told.train_accuracy is not None

    def training(run: Run) -> str:  # stands beside the report's training accuracy, where it quotes no other
        return f"; final training {evaluate.best(run).final_train_accuracy:.4f}" if only_training else ""

    found, exam, ceiling, real = "missing", "-", "-", "-"
    if run is not None:
        element_wise = f"; element-wise {highest_elementwise(run):.4f}" if task == "task4" else ""
        found = f"{evaluate.best(run).accuracy}{element_wise}{training(run)}"
        seeds = same_but_seed(run, run.epochs, stored)
        estimate, sat = evaluate.exam_accuracy(seeds), sum(other.exam is not None for other in seeds)
        exam = f"{estimate} ({sat} seed{'' if sat == 1 else 's'})" if estimate else "missing"
        ceiling = _ceiling(run)
    if other := next((other for other in _real(stored) if other.config.key == config.key), None):
        other = other.first(min(other.epochs, config.epochs))
        so_far = "" if other.epochs == config.epochs else f" ({other.epochs} of {config.epochs} epochs)"
        real = f"{evaluate.best(other).accuracy}{training(other)}{so_far}"
    report = f"final training {told.train_accuracy:.4f}" if only_training else "-"
    report = report if told.accuracy is None else f"{told.accuracy:.4f}"
    return _number(task), name, found, exam, ceiling, real, f"element-wise {report}" if task == "task4" else report


def _simple_rows(stored: list[Run]) -> Iterator[tuple[str, ...]]:
    """Rows on what simple models reach on the images of the lab's runs, as far as that is known."""
    planned = [run for task in lab.TITLES for run in find(lab.runs(task), among=stored).values()]
    for name in LAB_DATASETS:
        drawn = next((run for run in planned if run.config.dataset == name), None)
        if drawn is None or not (simple := simple_of(drawn)):
            continue
        known = (simple_of(run) for run in _real(stored) if run.config.dataset == name)
        real = next((found for found in known if found), None)
        yield (
            "-",
            f"{title_of(name)}, no network: simple numbers",
            f"{simple.validation.shown()} ({simple.kind})",
            simple.exam.shown() if simple.exam else "missing",
            _ceiling(drawn),
            f"{real.validation.shown()} ({real.kind})" if real else "-",
            "-",
        )


def _ceiling(run: Run) -> str:
    top = ceiling_of(run)
    return "-" if top is None else f"{top:.3f}"


def _real(stored: list[Run]) -> list[Run]:
    """The runs on real images of the lab's data sets: what is stored with the lab first, then one's own."""
    real = [run for run in stored if run.source != "phantom" and run.config.dataset in LAB_DATASETS]
    return sorted(real, key=lambda run: (run.source != lab.REAL, run.source))


def _counted(judged: list[Verdict], exam: bool = False, mark: str = "") -> str:
    return ", ".join(f"{mark}{number}{mark} {word}" for word, number in evaluate.counts(judged, exam).items())


def update_readme(file: Path) -> None:
    """Write `results_table` between the marks in the README."""
    head, rest = file.read_text(encoding="utf-8").split(START, 1)
    tail = rest.split(END, 1)[1]
    file.write_text(f"{head}{START}\n{results_table()}\n{END}{tail}", encoding="utf-8", newline="\n")


def count_sources(runs: Sequence[Run]) -> dict[str, int]:
    """Whose images the runs are on, with the number of runs; data sets that are not the lab's by name too."""
    own = [run.config.dataset for run in runs if run.config.dataset not in LAB_DATASETS]
    return dict(Counter([run.source for run in runs] + own))


def choose_runs(asked: str, runs: Sequence[Run]) -> tuple[str, list[Run]]:
    """The runs on images of one source, or of one data set that is not the lab's; and that source.

    Nothing asked for chooses phantoms where there are runs on phantoms, or no runs at all, else the source of most
    runs. A StoreError names what there is (see `count_sources`) where there are no such runs.
    """
    known = count_sources(runs)
    sources = {run.source.casefold(): run.source for run in runs}
    chosen, name = sources.get(asked.casefold()), dataset_name(asked)
    if not asked:
        chosen = "phantom" if "phantom" in known or not known else max(sources.values(), key=lambda name: known[name])
    elif chosen is None and name in known and name not in LAB_DATASETS:
        of_it = [run for run in runs if run.config.dataset == name]
        return of_it[0].source, of_it
    if chosen is None:
        there = ", ".join(f"{name} ({number})" for name, number in known.items()) or "none at all"
        raise StoreError(f"No stored run is on images of {asked!r}; there are runs on {there}.")
    return chosen, [run for run in runs if run.source == chosen]


def other_runs(runs: Sequence[Run]) -> dict[str, Run]:
    """Runs that no task of the lab shows, by the name of their folder: other settings, data sets, or too short."""
    planned = [config for task in lab.TITLES for config in lab.runs(task).values()]
    shown: dict[str, int] = {}
    for config in planned + [run.config for run in lab.training_list()]:
        shown[config.key] = min(config.epochs, shown.get(config.key, config.epochs))
    return {run.path.name: run for run in runs if run.path and run.epochs < shown.get(run.config.key, run.epochs + 1)}


def power_words(source: str = "") -> str:
    """How many seeds more the undecided claims would take, as a table in text; for `source` see `write_report`."""
    chosen, runs = choose_runs(source, RunStore().all())
    return markdown_table(evaluate.power_table(evaluate.judge_all(_by_name(chosen, runs))))


def sentences_words(source: str = "") -> tuple[str, int]:
    """Every sentence that is made from stored runs, with the word and the numbers of the findings behind it.

    Beside the text, in how many places a sentence says what its findings do not; for `source` see `choose_runs`.
    """
    stored, lines, said, wrong = RunStore().all(), [], 0, 0
    chosen, runs = choose_runs(source, stored)
    verdicts = [verdict for verdict in evaluate.judge_all(_by_name(chosen, runs)) if verdict.parts]
    headlines = ((verdict.task, f"headline of {verdict.id}", headline(verdict)) for verdict in verdicts)
    for task, about, sentence in chain(every_sentence(stored, chosen), headlines):
        against = disagreements(sentence)
        said, wrong = said + 1, wrong + len(against)
        lines.append(f"{_number(task)}, {about}: {sentence.text}")
        lines += [f"    {own.word}: {own.evidence} ({own.basis})" for own in sentence.findings]
        lines += [f"    AGAINST ITS FINDING: {why}" for why in against]
    for (task, number), question in QUESTIONS.items():
        if found := question.answer(find(lab.runs(task), chosen, among=runs)):
            answer = found.in_words(list(question.choices))
            lines.append(f"{_number(task)}, question {number}: {question.text} {answer}\n    {found.because}")
    return "\n".join([*lines, f"{said} sentences, {wrong} places against their findings."]), wrong


def claims_words(source: str = "", file: str = "") -> tuple[str, int]:
    """What comes of the records of a file on stored runs, and how many say something else or were altered.

    Without a file the lab's claims are written as one, beside REPORT.md; for `source` see `choose_runs`.
    """
    from labutils.evaluate.records import ALTERED, OTHER, judge_again, read_records, write_records

    chosen, runs = choose_runs(source, RunStore().all())
    if not file:
        place = _place(source) / "claims.json"
        write_records(place, _by_name(chosen, runs))
        return f"written: {paths.short(place)}", 0
    lines, counted = [], Counter[str]()
    for record in read_records(Path(file)):
        word, why = judge_again(record, _by_name(chosen, runs))
        counted[word] += 1
        lines.append(visible(f"{record.id}: {word}: {why}"))
    told = ", ".join(f"{number} {word}" for word, number in counted.items())
    return "\n".join([*lines, f"{len(lines)} conclusions: {told}."]), counted[OTHER] + counted[ALTERED]


def _place(source: str) -> Path:
    place = paths.results_dir() / (f"own/{_file_name(source)}" if source else "")
    place.mkdir(parents=True, exist_ok=True)
    return place


def write_report(source: str = "", beside: Sequence[str] = ()) -> Path:
    """Write REPORT.md into `results/`, and the figures of every task beside it.

    For `source` see `choose_runs`; of one that is asked for it is `results/own/<source>/REPORT.md`. The runs on images
    of `beside`, further sources, stand below those of the same settings in the tables; beside phantoms, the lab's own
    runs on real images do in any case. A StoreError says that there are no runs on such images.
    """
    stored = RunStore().all()
    chosen, runs = choose_runs(source, stored)
    if chosen == "phantom" and lab.REAL in count_sources(stored):
        beside = [lab.REAL, *beside]
    pages = _Pages(_place(source), chosen, runs, [choose_runs(other, stored) for other in beside])
    lines = [*pages.front(stored)]
    for task in lab.TITLES:
        # On one's own images there is no page about nothing.
        if lab.runs(task) and (chosen == "phantom" or pages.planned(task)):
            lines += pages.task(task)
    if chosen != "phantom":
        lines += pages.others()
    file = pages.folder / "REPORT.md"
    file.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8", newline="\n")
    return file


@dataclass(frozen=True)
class _Pages:
    """The pages of a report into `folder`, on the runs of one source; `beside` are other sources with theirs."""

    folder: Path
    source: str
    runs: list[Run]
    beside: list[tuple[str, list[Run]]]

    def front(self, stored: list[Run]) -> Iterator[str]:
        """What all runs say together, and what is missing; `stored` are these runs and others."""
        drawn, whose = self.source == "phantom", SOURCES.get(self.source, f"**{self.source}**")
        about = "they are about these images, and no others"
        about = "they say how networks learn, nothing about patients" if drawn else about
        names = {run.config.dataset for run in self.runs}
        named = f" ({', '.join(sorted(names))})" if names and not names & {*LAB_DATASETS} else ""
        yield "# The lab, from its stored runs\n"
        yield (
            f"Written by `labutils report`; every number is computed from `results/runs`. All runs are on {whose}"
            f"{named} unless a table says otherwise: {about}.\n"
        )
        told = {run.path for run in self.runs}
        if not drawn and (others := count_sources([run for run in stored if run.path not in told])):
            elsewhere = ", ".join(f"{number} on {name}" for name, number in others.items())
            yield f"Other stored runs: {elsewhere} (`labutils report --source NAME`).\n"
        if not drawn and not any(self.planned(task) for task in lab.TITLES):
            yield "None of the lab's own runs is on these images: there is no claim of it to judge.\n"
            return
        judged = evaluate.judge_all(_by_name(self.source, self.runs))
        for what, exam in (("What the lab could know", False), ("What holds for these images", True)):
            yield f"{what}, of {len(judged)} claims: {_counted(judged, exam, '**')}.\n"
        yield "The first is judged on validation images and one seed, the second on the exam and all stored seeds.\n"
        yield (
            f"What a decision would take: seeds a setting with which {POWER:.0%} of such comparisons are decided, and "
            "hours of those that lack, if the difference is as estimated / twice the margin / none "
            "(`labutils report --power`).\n"
        )
        yield markdown_table(_in_words(judged, evaluate.judge_real(runs=stored) if drawn else []))
        yield "\n## What is missing\n"
        absent = [(task, self._missing(task)) for task in lab.TITLES]
        listed = [f"- Task {_number(task)}: {'; '.join(labels)}" for task, labels in absent if labels]
        yield "\n".join(listed) if listed else "Nothing: every run of the lab is stored."
        more = "" if drawn else f" --source {self.source}"
        yield f"\n`labutils run --missing{more}` trains them, in the lab's order, and can be stopped at any time.\n"
        if drawn:
            label, config = "lr 1e-5", lab.runs("task1b")["lr 1e-5"]
            yield "## Phantoms beside real images\n"
            yield f"Task 1B, {label}: VGG16 with 8 filters, the same settings on different images.\n"
            if not any(run.source == lab.REAL for run in everywhere(config, stored)):
                yield "The run on real images is missing.\n"
            yield markdown_table(audit.truth_table(config, stored))

    def task(self, task: str) -> Iterator[str]:
        """The runs of a task: curves, tables, verdicts, graphs."""
        from labutils import plots

        runs = find(lab.runs(task), self.source, small=True, among=self.runs)
        yield f"\n## Task {_number(task)}: {lab.TITLES[task]}\n"
        if absent := self._missing(task):
            yield f"Missing: {'; '.join(absent)}.\n"
        if not runs:
            return
        settings = (f"{label}: `{run.config.slug}`, {run.epochs} epochs" for label, run in runs.items())
        yield f"Settings: {'; '.join(settings)}\n"
        yield self._draw(plots.learning_curves, runs, f"{task}/learning-curves.png")
        elsewhere = {
            f"{label}, {mark_source(other)}": run
            for other, theirs in self.beside
            for label, run in find(lab.runs(task), other, among=theirs).items()
        }
        yield from _tables(runs, elsewhere, task)
        stored = _by_name(self.source, self.runs)
        if len(runs) > 1 and len({run.config.dataset for run in runs.values()}) == 1:
            yield markdown_table(evaluate.paired_table(runs)) + "\n"
            seeds = {label: same_but_seed(run, run.epochs, stored.values()) for label, run in runs.items()}
            yield markdown_table(evaluate.exam_table(seeds)) + "\n"
        if judged := evaluate.judge_all(runs | stored, task):
            yield markdown_table(evaluate.verdict_table(judged).drop(columns="data")) + "\n"
        yield self._graphs(runs, task)

    def others(self) -> Iterator[str]:
        """Runs that are not of the lab's list, one page for each set of images that they are on."""
        from labutils import plots

        groups: dict[tuple[str, str], dict[str, Run]] = {}
        for run in other_runs(self.runs).values():
            images = (run.config.dataset, str(run.provenance.get("fingerprint", ""))[:6])
            groups.setdefault(images, {})[run.config.slug] = run
        for (name, fingerprint), runs in groups.items():
            place = f"other/{name}-{fingerprint}"
            yield f"\n## Runs on {name}, images {fingerprint}\n"
            if name in LAB_DATASETS:
                yield "Settings that no task of the lab has, or fewer epochs than it asks for.\n"
            labelled = [*runs.items()]
            for start in range(0, len(runs), FIGURE_RUNS):
                shown, number = dict(labelled[start : start + FIGURE_RUNS]), start // FIGURE_RUNS + 1
                yield self._draw(plots.learning_curves, shown, f"{place}/learning-curves-{number}.png")
            yield from _tables(runs)
            if 1 < len(runs) <= FIGURE_RUNS:
                yield markdown_table(evaluate.paired_table(runs)) + "\n"
            yield self._graphs(runs, place)

    def planned(self, task: str) -> dict[str, Run]:
        """Those of a task's runs that are stored, by label."""
        return find(lab.runs(task), self.source, among=self.runs)

    def _missing(self, task: str) -> list[str]:
        found = self.planned(task)
        return [label for label in lab.runs(task) if label not in found]

    def _draw(self, draw: Callable[..., Any], shown: Any, name: str) -> str:
        """A picture in the report's folder, with its alt text; one that says the same is left as it is, for git."""
        from labutils.plots.figure import alt_text, collect_figures

        with collect_figures() as drawn:
            draw(shown)
        png, words = drawn[-1]
        file = self.folder / name
        with suppress(OSError):  # no picture is there, or none that can be read
            if (said := alt_text(file)) and words.endswith(said):
                return f"![{said}]({name})\n"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png)
        return f"![{words}]({name})\n"

    def _graphs(self, runs: Mapping[str, Run], place: str) -> str:
        """Curves, confusion and ROC of every run, drawn into a folder, as links."""
        from labutils import plots

        graphs = []
        draws: dict[str, Callable[..., Any]]
        draws = {"curves": plots.learning_curves, "confusion": plots.confusion_matrix, "roc": plots.roc_curve}
        for label, run in runs.items():
            names = {what: f"{place}/{_file_name(label)}-{what}.png" for what in draws}
            for what, name in names.items():
                self._draw(draws[what], run if what == "confusion" else {label: run}, name)
            graphs.append(f"{label}: {', '.join(f'[{what}]({name})' for what, name in names.items())}")
        return "Graphs of every run: " + "; ".join(graphs) + "."


def _by_name(source: str, stored: Sequence[Run]) -> dict[str, Run]:
    return {run.path.name: run for run in stored if run.source == source and run.path}


def _in_words(judged: list[Verdict], real: list[Verdict]) -> Table:
    rows, on_real = {}, {v.id: v.verdict for v in real}
    for v in judged:
        rows[v.id] = {
            "task": _number(v.task),
            "claim": v.claim,
            "kind": v.kind,
            "what the lab could know": v.verdict,
            "what holds for these images": v.holds,
            "AUC there, in points": v.area,
            "seeds a setting": seeds_words(v),
            "seeds that a decision would take": takes_words(v),
        }
        if real:
            rows[v.id]["on real images (validation, one seed)"] = on_real.get(v.id, "-")
    return as_table(rows, "id")


def _tables(runs: dict[str, Run], elsewhere: Mapping[str, Run] | None = None, task: str = "") -> Iterator[str]:
    """What runs reach, above those elsewhere and what is no network, and their gaps."""
    shown = {**runs, **(elsewhere or {})}
    yield markdown_table(audit.run_table(shown, task=task, beside=_majority(shown))) + "\n"
    yield markdown_table(evaluate.gap_table(runs)) + "\n"


def _majority(runs: Mapping[str, Run]) -> dict[str, dict[str, str]]:
    """What always answering the largest class reaches on the validation images: the line to beat."""
    rows, several = {}, len({run.config.dataset for run in runs.values()}) > 1
    for run in runs.values():
        counted = np.bincount(run.y_val, minlength=len(run.class_names))
        largest = int(counted.argmax())
        which = "" if counted.min() == counted.max() else f" ({run.class_names[largest]})"
        whose = f"{run.config.dataset}, " if several else ""
        rows[f"{whose}always the largest class{which}"] = {ACCURACY: str(proportion(run.y_val == largest))}
    return rows


def markdown_table(table: Table) -> str:
    """A table as Markdown, its index as the first column; a table without rows as its sentence."""
    if not len(table):
        return table.nothing
    rows = ([index, *row] for index, row in zip(table.index, table.to_numpy().tolist(), strict=True))
    note = f"{table.note}\n\n" if table.note else ""
    lines = _markdown([table.index.name or "", *table.columns], rows)
    return note + "\n".join([*lines, *(f"\n{text}" for text in table.folded())])


def _markdown(head: Sequence[object], rows: Iterable[Sequence[object]]) -> list[str]:
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in (head, ["---"] * len(head), *rows)]
    return [f"| {' | '.join(row)} |" for row in cells]


def _number(task: str) -> str:
    return task.removeprefix("task").upper()


def _file_name(label: str) -> str:
    words = "".join(c if speaks(c) or c in ".-" else " " for c in label).split()
    return "-".join(words).lower()
