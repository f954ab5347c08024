"""What a student has done so far, notebook by notebook, read from the student's own folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from labutils import lab, paths
from labutils.course import answers, cells
from labutils.course.exercises import of_task
from labutils.errors import NotebookError

if TYPE_CHECKING:
    from labutils.frames import Table
    from labutils.runs.run import Run

QUESTIONS_EACH = 2
NOTHING = "Nothing is done yet: `labutils lab` opens your own copies of the notebooks."


def progress() -> Table:
    """Each notebook that has a copy: opened, predictions made, answer written, exercises right, own runs.

    Returns
    -------
    Table
        A row for each copy; it says so if there is none.
    """
    from labutils.evaluate.tables import as_table

    folder = paths.my_lab_dir()
    choices, results, runs = answers.read(answers.CHOICES), answers.read(answers.EXERCISES), own_runs()
    rows = {}
    for task, title in lab.TITLES.items():
        file = folder / f"{task}.ipynb"
        if file.exists():
            own = sum(of_this(task, run) for run in runs)
            rows[task.removeprefix("task").upper()] = {"about": title, **_done(task, file, choices, results, own)}
    return as_table(rows, "task", NOTHING)


def own_runs() -> list[Run]:
    """The runs in the student's folder; damaged ones are left out, `labutils doctor` tells of the lab's."""
    from labutils.runs.store import RunStore

    return RunStore(paths.my_lab_dir() / "runs").all()


def of_this(task: str, run: Run) -> bool:
    """Whether a run could belong to a notebook: the same network on the same kind of images."""
    return (run.config.dataset, run.config.model) in {(c.dataset, c.model) for c in lab.runs(task).values()}


def _done(task: str, file: Path, choices: dict[str, Any], results: dict[str, Any], own: int) -> dict[str, str]:
    try:
        notebook = cells.read(file)
    except NotebookError:
        return {"opened": "cannot be read"}
    exercises = of_task(task)
    right = sum(_is_right(results.get(exercise.name)) for exercise in exercises)
    predicted = sum(f"{task}-{number}" in choices for number in range(1, QUESTIONS_EACH + 1))
    executed = any(cell.get("execution_count") for cell in notebook.cells if cell.cell_type == "code")
    return {
        "opened": "yes" if executed else "not yet",
        "predicted": f"{predicted} of {QUESTIONS_EACH}",
        "written": "yes" if cells.written_answer(notebook) else "not yet",
        "checked": f"{right} of {len(exercises)}",
        "own runs": str(own) if lab.runs(task) else "-",
    }


def _is_right(kept: dict[str, Any] | None) -> bool:
    return kept is not None and kept["right"] == kept["cases"]
