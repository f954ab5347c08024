"""The student's report: one HTML page with answers, choices, exercises and own runs, from local files only.

It is what is handed in where there is no nbgrader. No name is in it unless one is given.
"""

from __future__ import annotations

import base64
import html
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import labutils
from labutils import lab, paths
from labutils.course import cells, student
from labutils.course.exercises import of_task
from labutils.errors import NotebookError, StoreError

if TYPE_CHECKING:
    from labutils.runs.files import Run

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .2em .8em; border-bottom: 1px solid #ccc; }
img { max-width: 100%; } pre { white-space: pre-wrap; background: #f5f5f5; padding: .6em; }
blockquote { border-left: 3px solid #999; margin-left: 0; padding-left: 1em; white-space: pre-wrap; }
"""


def write_mine(name: str = "") -> list[Path]:
    """Write `my-lab/report.html`, and `report.pdf` where a browser is there to make it; what was written comes back.

    Parameters
    ----------
    name : str
        Whose it is; nothing is put in its place.

    Raises
    ------
    StoreError
        If there is no student's folder yet, or it cannot be written to.
    """
    folder = paths.my_lab_dir()
    if not folder.is_dir():
        raise StoreError(f"There is no {paths.shown(folder)} yet: `labutils lab` makes your copies of the notebooks.")
    page = folder / "report.html"
    try:
        page.write_text(page_of(name), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{paths.shown(page)} cannot be written ({error.strerror}).") from None
    printed = _print(page)
    return [page, printed] if printed else [page]


def page_of(name: str = "") -> str:
    """The page as HTML; pictures are inside it."""
    title = "What I did in the lab" + (f": {name}" if name else "")
    made = f"Made by labutils {labutils.__version__} from the files in {paths.short(paths.my_lab_dir())}."
    parts = [f"<h1>{html.escape(title)}</h1>", f"<p>{html.escape(made)}</p>", student.progress().to_html(border=0)]
    for task in lab.TITLES:
        done = list(_of_task(task))
        if done:
            heading = f"Task {task.removeprefix('task').upper()}: {lab.TITLES[task]}"
            parts += [f"<h2>{html.escape(heading)}</h2>", *done]
    parts += list(_own_runs())
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _of_task(task: str) -> Iterator[str]:
    choices = student.answers(student.CHOICES)
    for number in student.QUESTIONS:
        if kept := choices.get(f"{task}-{number}"):
            question, choice = html.escape(kept["question"]), html.escape(kept["choice"])
            yield f"<p>Predicted: {question} <b>{choice}</b></p>"
    for exercise in of_task(task):
        if kept := student.answers(student.EXERCISES).get(exercise.name):
            said = f"{kept['right']} of {kept['cases']} inputs right, {kept['points']:g} of {kept['of']:g} points"
            said = said if kept["written"] else "not written yet"
            said += f"; looks like: {kept['mistake']}" if kept["mistake"] else ""
            yield f"<p>Exercise <code>{exercise.name}</code>: {html.escape(said)}.</p>"
    file = paths.my_lab_dir() / f"{task}.ipynb"
    if not file.exists():
        return
    try:
        notebook = cells.read(file)
    except NotebookError as error:
        yield f"<p>{html.escape(str(error))}</p>"
        return
    for cell in notebook.cells:
        if cells.kind(cell) == "exercise" and cells.PLACEHOLDER not in cell.source:
            yield f"<pre>{html.escape(cell.source)}</pre>"
    if written := cells.written_answer(notebook):
        yield f"<p>Answer:</p><blockquote>{html.escape(written)}</blockquote>"


def _own_runs() -> Iterator[str]:
    from labutils.evaluate import best

    runs = student.own_runs()
    if runs:
        yield "<h2>Own runs</h2>"
    for run in runs:
        found, beside = best(run), _labs_run(run)
        said = (
            f"{run.epochs} epochs; best validation accuracy {found.accuracy} at epoch {found.epoch}, lowest validation "
            f"loss {found.lowest_loss:.3f} at epoch {found.lowest_loss_epoch}. Images: {run.source}."
        )
        yield f"<h3>{html.escape(run.config.slug)}</h3>"
        yield f"<p>{html.escape(said)}</p>"
        shown = {f"mine: {run.config.slug}": run}
        yield _figure(shown | ({f"the lab's: {beside.config.slug}": beside} if beside else {}))


def _labs_run(run: Run) -> Run | None:
    """The lab's run that differs from a student's in the fewest settings, on the same kind of images."""
    from labutils.runs.store import RunStore

    def settings_apart(other: Run) -> int:
        mine, labs = run.config.model_dump(), other.config.model_dump()
        return sum(mine[name] != labs[name] for name in mine)

    kind = (run.config.dataset, run.config.model)
    alike = [other for other in student.readable(RunStore()) if (other.config.dataset, other.config.model) == kind]
    return min(alike, key=lambda other: (settings_apart(other), str(other.path)), default=None)


def _figure(runs: dict[str, Run]) -> str:
    from labutils import plots
    from labutils.plots.figure import collect_figures, in_words

    with collect_figures() as figures:
        plots.learning_curves(runs)
    if not figures:
        return ""
    png, alt = figures[-1]
    encoded = base64.b64encode(png).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{encoded}">{in_words(alt)}'


def _print(page: Path) -> Path | None:
    """The page as PDF, by a browser that is installed; None if there is none, or it cannot."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return None
    target = page.with_suffix(".pdf")
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--disable-gpu", f"--user-data-dir={profile}", "--no-pdf-header-footer"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.append("--no-sandbox")  # as root, in a container, a browser does not start with it
        command = [browser, *options, f"--print-to-pdf={target}", page.resolve().as_uri()]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=60)
        except (subprocess.SubprocessError, OSError):
            return None
    return target if target.exists() else None
