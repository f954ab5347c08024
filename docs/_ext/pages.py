"""Pages that are written from the package and the stored runs: what is found here, claims, runs, functions."""

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import IPython.display
import pandas as pd

from labutils import evaluate, lab, plots
from labutils.audit import growth
from labutils.config import RunConfig
from labutils.course.widgets import control
from labutils.course.widgets.verdict import static_verdict
from labutils.evaluate.card import reading
from labutils.evaluate.claims import CLAIMS, RIVAL, WORDS, Verdict
from labutils.evaluate.sentences import headline
from labutils.plots.charts import COLOURS, as_image, svg
from labutils.plots.dots import HERE, Dot, draw_dots
from labutils.plots.figure import collect_figures
from labutils.runs.run import Run
from labutils.runs.store import RunStore, find
from labutils.statistics import Estimate

STYLES = re.compile(r"<style[ >].*?</style>", re.S)
"""Styles within outputs: a page has them once, in `site.css`."""
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|#)([^)]*)\)")
ON_SITE = (".ipynb", ".md", ".png")
TASK = re.compile(r"^## Task (\w+):")
ROOMS = ("config", "lab", "data", "models", "augment", "training", "runs.store", "evaluate", "plots", "audit")
ROOMS += ("explain", "statistics", "course.widgets")
"""Rooms of ARCHITECTURE.md whose functions a notebook calls."""
SECTIONS = {
    "Start": ("Run it yourself <README>", "All notebooks <notebooks/index>"),
    "Tasks": (*(f"notebooks/{name}" for name in lab.TITLES), "notebooks/own"),
    "Results": ("claims", "contest", "runs", "results/REPORT", "docs/rules", "docs/claims", "results/README"),
    "Teach and build on it": ("docs/instructor", "data/README", "api", "ARCHITECTURE", "CONTRIBUTING", "CHANGELOG"),
}


def linked(text: str, name: str) -> str:
    """A page of the repository for the site: what is not there is no link; runs and claims of the report are some."""
    text = LINK.sub(lambda found: found[0] if found[2].partition("#")[0].endswith(ON_SITE) else found[1], text)
    if name == "results/REPORT.md":
        text = "\n".join(_linked_lines(text.splitlines()))
    return text


def _linked_lines(lines: list[str]) -> Iterator[str]:
    task = ""
    for line in lines:
        if found := TASK.match(line):
            task = f"task{found[1].lower()}"
        row = re.match(r"\| ([^|]+?) \|", line)
        where = row and (_claim_link(row[1]) or run_links(task).get(row[1]))
        yield f'| <a href="../{where}">{row[1]}</a> |{line[row.end() :]}' if row and where else line


def in_notebook(output: str, task: str) -> str:
    """A notebook's output whose links lead to pages, and whose runs and claims are links."""
    runs = run_links(task)

    def row(found: re.Match) -> str:
        where = _claim_link(found[1]) or runs.get(html.unescape(found[1]))
        return f'<th><a href="../{where}">{found[1]}</a></th>' if where else found[0]

    output = re.sub(r'href="(?:notebooks/)?(\w+)\.ipynb"', r'href="\1.html"', output)
    chip = r'(<span style="border[^>]*title="(C\d+):[^>]*>[^<]*</span>)'
    output = re.sub(chip, lambda found: f'<a href="../{_claim_link(found[2])}">{found[1]}</a>', output)
    return re.sub(r"<th>([^<]*)</th>", row, output)


def _claim_link(claim_id: str) -> str:
    return f"claims.html#{claim_id.lower()}" if claim_id in CLAIMS else ""


def run_links(task: str) -> dict[str, str]:
    """Where the settings of a task's runs are told, by label."""
    named = lab.runs(task) if task in lab.TITLES else {}
    small = {f"{label}{lab.SMALL_LABEL}": config for label, config in lab.stand_ins(task).items()} if named else {}
    return {label: _run_link(config) for label, config in {**named, **small}.items()}


def _setting(config: RunConfig) -> str:
    return config.with_(seed=0, epochs=1, dense=config.dense).slug


def _run_link(config: RunConfig) -> str:
    return f"runs.html#run-{_setting(config)}"


def write_all(folder: Path) -> None:
    """Write them."""
    (folder / "index.md").write_text(front_page(), encoding="utf-8")
    (folder / "claims.md").write_text(claims_page(), encoding="utf-8")
    (folder / "contest.md").write_text(STYLES.sub("", contest_page()), encoding="utf-8")
    (folder / "runs.md").write_text(runs_page(), encoding="utf-8")
    (folder / "api.md").write_text(functions_page(), encoding="utf-8")


def front_page() -> str:
    """What a newcomer sees first: six figures from the runs, and where each comes from."""
    stored = [run for run in RunStore().all() if run.source == "phantom"]
    verdicts = evaluate.judge_all({run.path.name: run for run in stored if run.path})
    by_id = {verdict.id: verdict for verdict in verdicts}
    flattery, grown = evaluate.flattery("skin", stored), growth()
    first = find(lab.runs("task1b"), "phantom", among=stored)
    equal = find(lab.runs("task1e"), "phantom", among=stored)
    parts = [
        "# Deep learning on medical images: a lab",
        "Sixteen notebooks in which small networks learn to read skin lesions, fractures and radiographs. They repeat "
        "a lab report and take none of its conclusions for granted. Nothing has to be installed to read them here, to "
        "move their instruments and to commit to a prediction; [two commands](README.md) run them on your machine.",
        "All images are *phantoms*, drawn by a program: nothing here says anything about patients.",
        "## What is found here, in six figures",
        *_figure(
            "Which conclusions hold",
            _counted(verdicts),
            lambda: None,
            '<a href="claims.html">All claims, their rules and verdicts</a>',
            _bars(verdicts),
        ),
        *_figure(
            "What the exam changed",
            flattery.said.text,
            lambda: plots.validation_against_exam(flattery),
            '<a href="notebooks/task3.html">Task 3: how do you know that a result is reliable?</a>',
        ),
        *_figure(
            "What forty numbers reach, and where the network catches up",
            grown.said.text if grown else "",
            lambda: plots.accuracy_by_images(grown),
            '<a href="notebooks/task3.html">Task 3</a>, <a href="docs/rules.html">the rules</a>',
        ),
        *_figure(
            "What a learning rate does",
            _judged(by_id["C3"]),
            lambda: plots.learning_curves(first),
            '<a href="notebooks/task1b.html">Task 1B: move through the epochs</a>',
        ),
        *_figure(
            "Three networks on equal terms",
            _judged(by_id["C20"]),
            lambda: _card(equal, "task1e"),
            '<a href="notebooks/task1e.html">Task 1E</a>',
        ),
        *_figure(
            "What broke the network",
            _broken()[1],
            lambda: draw_dots(*_broken()[0]),
            '<a href="notebooks/task7.html">Task 7: augmentation, picture by picture</a>',
        ),
        *(_toctree(title, pages) for title, pages in SECTIONS.items()),
    ]
    return "\n\n".join(parts)


def _figure(title: str, words: str, draw: Callable[[], Any], link: str, picture: str = "") -> list[str]:
    """A heading, a figure with its alt text, the sentence that its findings give, and where to go on."""
    with collect_figures() as drawn:
        draw()
    pictures = picture or "\n".join(as_image(png, alt) for png, alt in drawn)
    return [f"### {title}", f'<p class="front-figure">{pictures}</p>', f"{html.escape(words)} {link}."]


def _judged(verdict: Verdict) -> str:
    return f"{headline(verdict).text} “{verdict.claim}”: {reading(verdict)}."


def _counted(verdicts: list[Verdict]) -> str:
    said = []
    for exam, where in ((False, "On the validation images and one seed"), (True, "on the exam and all stored seeds")):
        found = ", ".join(f"{number} {word}" for word, number in evaluate.counts(verdicts, exam).items() if number)
        said.append(f"{where}: {found}")
    moved = [verdict.id for verdict in verdicts if verdict.verdict != verdict.holds]
    return f"Of {len(verdicts)} claims: {'; '.join(said)}. The exam changed the verdict of {len(moved)}."


def _bars(verdicts: list[Verdict]) -> str:
    """Both counts as two rows of boxes."""
    parts, width = [], 600 / max(len(verdicts), 1)
    looks = dict(zip(WORDS, (COLOURS[0], COLOURS[1], COLOURS[3], COLOURS[4], COLOURS[5]), strict=True))
    for row, exam in enumerate((False, True)):
        y, x = 10 + 62 * row, 10.0
        parts.append(f'<text x="10" y="{y + 10}">{("validation, one seed", "exam, all stored seeds")[row]}</text>')
        for word, number in evaluate.counts(verdicts, exam).items():
            if number:
                wide = number * width
                parts.append(
                    f'<rect x="{x:.1f}" y="{y + 16}" width="{wide - 2:.1f}" height="30" fill="{looks[word]}"/>'
                )
                parts.append(f'<text x="{x + 5:.1f}" y="{y + 36}" style="fill:#fff">{number}</text>')
                x += wide
    for i, word in enumerate(
        word for word in WORDS if word in {v.verdict for v in verdicts} | {v.holds for v in verdicts}
    ):
        parts.append(f'<rect x="{10 + 150 * i}" y="138" width="10" height="10" fill="{looks[word]}"/>')
        parts.append(f'<text x="{25 + 150 * i}" y="148">{word}</text>')
    return as_image(svg(620, 156, "".join(parts), size=12), _counted(verdicts))


def _card(runs: dict[str, Run], task: str) -> None:
    """The picture of a task's evidence card."""
    display, IPython.display.display = IPython.display.display, lambda *_, **__: None
    try:
        evaluate.card(runs, task=task)
    finally:
        IPython.display.display = display


def _broken() -> tuple[tuple[list[tuple[str, list[Dot]]], str, str], str]:
    """What was measured under changes of the images, for a picture, and in words."""
    found = {name: Estimate(*value) for name, value in control.recorded("changes")["accuracy"].items()}
    before = found.pop("unchanged")
    worst, least = min(found, key=lambda name: found[name].value), max(found, key=lambda name: found[name].value)
    title = f"From {before.value:.3f} to {found[worst].value:.3f}: {worst}"
    rows = [("unchanged", [Dot(HERE, before)]), *((name, [Dot(HERE, one)]) for name, one in sorted(found.items()))]
    words = (
        f"A trained network, its validation images changed: unchanged it is right on {before}; {worst}, on "
        f"{found[worst]}; {least}, on {found[least]}. Nothing that a reader would stumble over."
    )
    return (rows, title, "validation accuracy"), words


def _toctree(title: str, names: tuple[str, ...]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {title}", "", *names, "```"])


def claims_page() -> str:
    """Every claim: what it says, its rule, what came of it, and the runs that it rests on."""
    parts = [
        "# The claims and their verdicts",
        "Every claim is judged twice, by a rule that stood before its runs were looked at: "
        "[what is judged](docs/rules.md#what-is-judged), [when a difference is called one]"
        "(docs/rules.md#when-a-difference-is-called-one), [what seeds may do](docs/rules.md#what-seeds-may-do). "
        "The limits themselves stand in `labutils/evaluate/rules.py`; [contest them](contest.md).",
    ]
    stored = {run.path.name: run for run in RunStore().all() if run.source == "phantom" and run.path}
    for verdict in evaluate.judge_all(stored):
        claim, words = CLAIMS[verdict.id], f"“{verdict.claim}”"
        runs = ", ".join(
            f'<a href="{_run_link(config)}">{html.escape(name)}</a>' for name, config in claim.needs.items()
        )
        more = f" and {RIVAL}" if any(RIVAL in condition.names for condition in claim.conditions) else ""
        task = f"[Task {verdict.task.removeprefix('task').upper()}](notebooks/{verdict.task}.ipynb)"
        parts += [
            f"## {verdict.id}",
            f"**{words}** ({verdict.kind}; {task})",
            f"*What the lab could know*: **{verdict.verdict}**. {html.escape(verdict.evidence)}",
            f"*What holds for these images*: **{verdict.holds}**. {html.escape(verdict.exam)}",
            f"[The rule](docs/rules.md#when-a-difference-is-called-one): {html.escape(verdict.rule)}",
            f"Runs: {runs}{more}.",
        ]
    return "\n\n".join(parts)


def contest_page() -> str:
    """Every verdict, to be judged by other limits."""
    intro = (
        "Level, margins, seeds, the exam or the validation images: choose others, and see which [verdicts](claims.md) "
        "turn. They are computed in this page, by [the rules](docs/rules.md), from what the stored runs answered."
    )
    return "\n\n".join(["# Contest a verdict", intro, f"``````{{raw}} html\n{static_verdict()}\n``````"])


def runs_page() -> str:
    """Every stored run by its settings: what it was trained with, where, and what it reached."""
    parts = [
        "# The runs and their settings",
        "Everything that changes a result is a setting of `RunConfig`; those at their default are not listed. A run "
        "lies in `results/runs`, in the folder that its row names, with its history and its predictions.",
    ]
    settings: dict[str, list[Run]] = {}
    for run in RunStore().all():
        settings.setdefault(_setting(run.config), []).append(run)
    for name, runs in sorted(settings.items()):
        given = runs[0].config.model_dump(mode="json", exclude_defaults=True, exclude={"epochs", "seed"})
        parts += [
            f'<span id="run-{name}"></span>',
            f"## {name}",
            ", ".join(f"`{key}` {html.escape(str(value))}" for key, value in given.items()) + ".",
            _runs_table(runs),
        ]
    return "\n\n".join(parts)


def _runs_table(runs: list[Run]) -> str:
    rows = {}
    for run in runs:
        on_exam = evaluate.exam_accuracy([run])
        last = run.provenance["stretches"][-1]
        rows[run.path.name if run.path else run.label] = {
            "images": run.source,
            "seed": run.config.seed,
            "epochs": run.epochs,
            "best validation accuracy": str(evaluate.accuracy(run)),
            "exam": str(on_exam or "-"),
            "trained with": f"{last['backend']}, {last['device']}, {last['ended'][:10]}",
        }
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame.index.name = "folder"
    return f'<div class="wide">{frame.reset_index().to_html(index=False, border=0)}</div>'


def _comes_from(value: Any, room: str) -> bool:
    return f"{getattr(value, '__module__', '')}.".startswith(f"{room}.")


def functions_page() -> str:
    """What can be called, room by room, from the docstrings."""
    parts = ["# The functions", "What notebooks call, by the rooms of [ARCHITECTURE](ARCHITECTURE.md)."]
    for room in ROOMS:
        module = __import__(f"labutils.{room}", fromlist=["__all__"])
        names = getattr(module, "__all__", None) or [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and callable(value) and _comes_from(value, module.__name__)
        ]
        if not names:
            raise ValueError(f"labutils.{room} offers nothing: has it moved?")
        parts.append(f"## labutils.{room}")
        for name in names:
            value = getattr(module, name)
            if callable(value):
                kind = "autoclass" if isinstance(value, type) else "autofunction"
                parts.append(f"```{{eval-rst}}\n.. {kind}:: labutils.{room}.{name}\n```")
    return "\n\n".join(parts)
