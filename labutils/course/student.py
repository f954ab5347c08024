"""The student's own folder, `my-lab/`: copies of the notebooks that nobody overwrites, answers kept, what is done.

A copy is made when the folder is opened and the copy is not there. What it was made from is kept as a fingerprint, so
that a newer version can be told of; it is taken only when asked for, and the old copy stays beside it. Answers are kept
only where a notebook runs in that folder: the lab's own notebooks, and executions by a machine, leave no trace.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from labutils import lab, paths
from labutils.course import cells
from labutils.course.exercises import POINTS, of_task
from labutils.errors import NotebookError, StoreError

if TYPE_CHECKING:
    from labutils.course.checking import Result
    from labutils.frames import Table
    from labutils.runs.run import Run

ANSWERS = "answers.json"
CHOICES, EXERCISES, OPENED, QUIZ = "choices", "exercises", "opened", "quiz"
"""What is kept there, each by key."""
QUESTIONS = (1, 2)
"""The numbers of a notebook's questions."""
UNWRITTEN = "Write at least two sentences above, save (Ctrl+S), and run this cell again: then our answer stands here."
NOT_MINE = "In your own copy of this notebook (`labutils lab`) our answer stands here once yours is written."
NOTHING = "Nothing is done yet: `labutils lab` opens your own copies of the notebooks."
VERSIONS = ".versions.json"
SETTINGS = {
    # Without it JupyterLab asks whether to fetch news, in a box over the notebook, although there are none to fetch.
    "default_setting_overrides": {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}},
    # A menu of instructors' tools.
    "page_config": {"disabledExtensions": {"@jupyter/nbgrader": True}},
}
"""JupyterLab's configuration for a student, by file."""
UNPAIRED = '# Copies are not paired with scripts.\nformats = ""\n'


def open_lab(show_browser: bool = True) -> int:
    """JupyterLab on the student's folder, until it is stopped; its status."""
    folder = paths.my_lab_dir()
    return subprocess.call(command(folder, show_browser), env=environment(folder))


def command(folder: Path, show_browser: bool = True) -> list[str]:
    """The command that opens JupyterLab: no question about news, no note of newer versions, no network."""
    options = [
        f"--ServerApp.root_dir={folder.resolve()}",
        "--LabApp.default_url=/lab/tree/index.ipynb",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",
    ]
    return [sys.executable, "-m", "jupyterlab", *options, *([] if show_browser else ["--no-browser"])]


def environment(folder: Path) -> dict[str, str]:
    """The variables that JupyterLab is started with: it finds `SETTINGS` in the student's folder."""
    config = folder.resolve() / ".jupyter"
    (config / "labconfig").mkdir(parents=True, exist_ok=True)
    for name, settings in SETTINGS.items():
        (config / "labconfig" / f"{name}.json").write_text(json.dumps(settings), encoding="utf-8")
    more = os.environ.get("JUPYTER_CONFIG_PATH")
    return os.environ | {"JUPYTER_CONFIG_PATH": os.pathsep.join([str(config), *([more] if more else [])])}


def make_copies() -> list[str]:
    """Make the copies that are not there, and say, in lines for the student, which others have a newer version.

    A StoreError says that the folder cannot be written to.
    """
    import nbformat

    folder = paths.my_lab_dir()
    lines, made = [], 0
    versions = _read(folder / VERSIONS) or {}  # without them every copy is said to have a newer version
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "jupytext.toml").write_text(UNPAIRED, encoding="utf-8")
        for source in sorted(paths.notebooks_dir().glob("*.ipynb")):
            notebook = cells.students_version(cells.read(source))
            newest, copy = cells.fingerprint(notebook), folder / source.name
            if not copy.exists():
                _replace(copy, nbformat.writes(notebook) + "\n")
                versions[source.stem] = newest
                made += 1
            elif versions.get(source.stem) != newest:
                takes = f"`labutils lab --reset {source.stem}` takes it, and keeps yours beside it."
                lines.append(f"{source.stem}: there is a newer version. {takes}")
        (folder / VERSIONS).write_text(json.dumps(versions, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{paths.shown(folder)} cannot be written to ({error.strerror}).") from None
    if made:
        lines.insert(0, f"{made} notebooks copied to {paths.shown(folder)}. They are yours: nothing overwrites them.")
    return lines


def reset(task: str) -> str:
    """Take the newest version of a notebook, and say so; the old copy stays beside it. NotebookError: no such one."""
    task, said = lab.find_notebook(task).stem, ""
    copy = paths.my_lab_dir() / f"{task}.ipynb"
    if copy.exists():
        old = next(f for n in range(1, 10_000) if not (f := copy.with_stem(f"{task}-old-{n}")).exists())
        copy.rename(old)
        said = f"; yours is now {old.name}"
    make_copies()
    return f"{task}: a new copy{said}."


def _replace(file: Path, text: str) -> None:
    """Write a file that is there whole or not at all."""
    growing = file.with_suffix(".tmp")
    growing.write_text(text, encoding="utf-8")
    growing.replace(file)


def _read(file: Path) -> dict[str, Any] | None:
    """What a file that was written here holds: nothing where it is not there, None where it cannot be read."""
    if not file.exists():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None  # nobody writes to a pipe
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def answers(section: str) -> dict[str, Any]:
    """All that is kept of one kind, by key; nothing if nothing was kept. A StoreError if the file cannot be read."""
    return _read_answers().get(section, {})


def keep(section: str, key: str, value: Any) -> None:
    """Keep one value, if this runs in the student's folder."""
    if not paths.in_my_lab():
        return
    file = paths.my_lab_dir() / ANSWERS
    with FileLock(file.with_name(f".{ANSWERS}.lock")):  # a dot: the student's list of files does not show it
        everything = _read_answers()
        everything.setdefault(section, {})[key] = value
        _replace(file, json.dumps(everything, indent=1, sort_keys=True) + "\n")


def keep_result(result: Result) -> None:
    """Keep what came of a check: the last one counts."""
    kept = {"right": result.right, "cases": result.cases, "points": result.points, "of": POINTS}
    keep(EXERCISES, result.name, kept | {"mistake": result.mistake, "written": result.written})


def _read_answers() -> dict[str, dict[str, Any]]:
    file = paths.my_lab_dir() / ANSWERS
    everything = _read(file)
    if everything is None:
        raise StoreError(f"{paths.shown(file)} cannot be read: rename it, and answers are kept in a new one.")
    return everything


def progress() -> Table:
    """A row for each notebook that has a copy: opened, predictions made, answer written, exercises right, own runs."""
    from labutils.evaluate.tables import as_table

    runs, rows = own_runs(), {}
    for task, title in lab.TITLES.items():
        file = paths.my_lab_dir() / f"{task}.ipynb"
        if file.exists():
            rows[task.removeprefix("task").upper()] = {"about": title, **_done(task, file, runs)}
    return as_table(rows, "task", NOTHING)


def reference(task: str) -> None:
    """Show the reference answer of a notebook to a student who has written and saved one of at least two sentences.

    The lab's own notebooks, and those that an instructor hands out, do not show it here.
    """
    from IPython.display import display

    if not paths.in_my_lab():
        print(NOT_MINE)
        return
    written = cells.written_answer(cells.read(paths.my_lab_dir() / f"{task}.ipynb"))
    sentences = [part for part in re.split(r"(?<=[.!?])\s+", written) if len(part.split()) >= 3]
    if len(sentences) < 2:
        print(UNWRITTEN)
        return
    answer = cells.reference_answer(cells.read(paths.notebooks_dir() / f"{task}.ipynb"))
    display({"text/markdown": f"**Our answer**\n\n{answer}", "text/plain": answer}, raw=True)


def own_runs() -> list[Run]:
    """The runs in the student's folder; damaged ones are left out, `labutils doctor` tells of the lab's."""
    from labutils.runs.store import RunStore

    return RunStore(paths.my_lab_dir() / "runs").all()


def _done(task: str, file: Path, runs: list[Run]) -> dict[str, str]:
    try:
        notebook = cells.read(file)
    except NotebookError:
        return {"opened": "cannot be read"}
    choices, results, exercises = answers(CHOICES), answers(EXERCISES), of_task(task)
    checked = [results[exercise.name] for exercise in exercises if exercise.name in results]
    executed = any(cell.get("execution_count") for cell in notebook.cells if cell.cell_type == "code")
    # A run could belong to a notebook: the same network on the same kind of images.
    asked = {(config.dataset, config.model) for config in lab.runs(task).values()}
    own = sum((run.config.dataset, run.config.model) in asked for run in runs)
    return {
        "opened": "yes" if executed or task in answers(OPENED) else "not yet",
        "predicted": f"{sum(f'{task}-{number}' in choices for number in QUESTIONS)} of {len(QUESTIONS)}",
        "written": "yes" if cells.written_answer(notebook) else "not yet",
        "checked": f"{sum(kept['right'] == kept['cases'] for kept in checked)} of {len(exercises)}",
        "own runs": str(own) if asked else "-",
    }
