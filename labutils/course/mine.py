"""The student's report: one HTML page with answers, choices, exercises and own runs, from local files only.

It is what is handed in where there is no nbgrader. No name is in it unless one is given.
"""

from __future__ import annotations

import html
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import labutils
from labutils import lab, paths, plots
from labutils.course import cells, page, student
from labutils.course.exercises import of_task
from labutils.errors import NotebookError, StoreError
from labutils.evaluate import best
from labutils.runs.store import lab_store, nearest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


def write_mine(name: str = "") -> list[Path]:
    """Write `my-lab/report.html`, and `report.pdf` where a browser is there to make it; what was written comes back.

    `name` is whose it is; nothing is put in its place. A StoreError says that there is no student's folder yet, or that
    it cannot be written to.
    """
    folder = paths.my_lab_dir()
    if not folder.is_dir():
        raise StoreError(f"There is no {paths.shown(folder)} yet: `labutils lab` makes your copies of the notebooks.")
    title = "What I did in the lab" + (f": {name}" if name else "")
    file = page.write(folder / "report.html", title, _parts(title))
    printed = _print(file)
    return [file, printed] if printed else [file]


def _parts(title: str) -> Iterator[str]:
    yield page.text(title, "h1")
    yield page.text(f"Made by labutils {labutils.__version__} from the files in {paths.short(paths.my_lab_dir())}.")
    yield page.table(student.progress())
    for task in lab.TITLES:
        if done := list(_of_task(task)):
            yield page.text(f"Task {task.removeprefix('task').upper()}: {lab.TITLES[task]}", "h2")
            yield from done
    for quiz in student.answers(student.QUIZ).values():
        yield page.text("You against the network: {right} of {of} images right; {against}: {network}.".format(**quiz))
    yield from _own_runs()


def _of_task(task: str) -> Iterator[str]:
    choices = student.answers(student.CHOICES)
    for number in student.QUESTIONS:
        if kept := choices.get(f"{task}-{number}"):
            question, choice, shown = (html.escape(kept.get(name, "")) for name in ("question", "choice", "runs"))
            yield f"<p>Predicted: {question} <b>{choice}</b>{'<br>' if shown else ''}{shown}</p>"
    for exercise in of_task(task):
        if kept := student.answers(student.EXERCISES).get(exercise.name):
            said = f"{kept['right']} of {kept['cases']} inputs right, {kept['points']:g} of {kept['of']:g} points"
            said = said if kept["written"] else "not written yet"
            said += f"; looks like: {kept['mistake']}" if kept["mistake"] else ""
            yield f"<p>Exercise <code>{exercise.name}</code>: {html.escape(said)}.</p>"
    for file in sorted((paths.my_lab_dir() / "runs").glob(f"{task}-*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):  # what was written by half says nothing
            yield page.text(f"Playground: {json.loads(file.read_text(encoding='utf-8'))['said']}")
    file = paths.my_lab_dir() / f"{task}.ipynb"
    try:
        notebook = cells.read(file) if file.exists() else None
    except NotebookError as error:
        yield page.text(str(error))
        return
    for cell in notebook.cells if notebook else ():
        if cells.kind(cell) == "exercise" and cells.PLACEHOLDER not in cell.source:
            yield page.text(cell.source, "pre")
    if notebook and (written := cells.written_answer(notebook)):
        yield "<p>Answer:</p>" + page.text(written, "blockquote")


def _own_runs() -> Iterator[str]:
    runs = student.own_runs()
    labs = lab_store().all() if runs else []
    if runs:
        yield "<h2>Own runs</h2>"
    for run in runs:
        found, kind = best(run), (run.config.dataset, run.config.model)
        alike = {str(i): other for i, other in enumerate(labs) if (other.config.dataset, other.config.model) == kind}
        said = (
            f"{run.epochs} epochs; best validation accuracy {found.accuracy} at epoch {found.epoch}, lowest validation "
            f"loss {found.lowest_loss:.3f} at epoch {found.lowest_loss_epoch}. Images: {run.source}."
        )
        shown = {f"mine: {run.config.slug}": run}
        if label := nearest(run, alike):
            shown[f"the lab's: {alike[label].config.slug}"] = alike[label]
        yield page.text(run.config.slug, "h3")
        yield page.text(said)
        yield page.figures(partial(plots.learning_curves, shown))


def _print(file: Path) -> Path | None:
    """The page as PDF, by a browser that is installed; None if there is none, or it cannot."""
    browser, target = next(filter(None, map(shutil.which, BROWSERS)), None), file.with_suffix(".pdf")
    if browser is None:
        return None
    with tempfile.TemporaryDirectory() as profile, suppress(subprocess.SubprocessError, OSError):
        options = ["--headless", "--disable-gpu", f"--user-data-dir={profile}", "--no-pdf-header-footer"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.append("--no-sandbox")  # as root, in a container, a browser does not start with it
        command = [browser, *options, f"--print-to-pdf={target}", file.resolve().as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        return target if target.exists() else None
    return None
