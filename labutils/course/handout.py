"""The instructor's course folder for nbgrader, made from the notebooks: `source/`, and the configuration beside it.

nbgrader's own commands do the rest. What a cell is for comes from its tag (see `cells`): exercises become solution
cells, their checks locked tests with hidden inputs, answers in prose cells that a person grades.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labutils import lab, paths
from labutils.course import cells
from labutils.course.exercises import BEGIN, END, EXERCISES, PLACEHOLDER
from labutils.errors import NotebookError, StoreError

ANSWER_POINTS = 3
"""Points for an answer in prose, given by a person."""

HIDDEN_SEED = 20
"""Inputs of the hidden tests; a course may take another number."""

CONFIG = f'''"""nbgrader's configuration of this course; made by `labutils course`, yours to change."""

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "labutils"
# Seconds a cell may take: the stored runs are read in a few, drawing the phantoms the first time takes longer.
c.ExecutePreprocessor.timeout = 300
c.ClearSolutions.code_stub = {{"python": "{PLACEHOLDER}"}}
c.ClearSolutions.text_stub = "{cells.ANSWER}"
# What a hand-in after the due date costs: "none", or "zero" for all its points.
c.LateSubmissionPlugin.penalty_method = "none"
'''


def make_course(
    folder: Path, tasks: Iterable[str] = (), *, choices: bool = False, seed: int = HIDDEN_SEED
) -> list[str]:
    """Write a course folder; source notebooks that are there stay as they are.

    Parameters
    ----------
    folder : Path
    tasks : iterable of str
        The notebooks to hand out; all of them unless some are named.
    choices : bool
        Grade the predictions too, a point each.
    seed : int
        Decides the inputs of the hidden tests.

    Returns
    -------
    list of str
        What was written, and what was left alone.

    Raises
    ------
    NotebookError
        If there is no such notebook.
    StoreError
        If the folder holds something else, or cannot be written to.
    """
    import nbformat

    sources = [lab.find_notebook(task) for task in (list(tasks) or lab.all_tasks())]
    config = folder / "nbgrader_config.py"
    if folder.exists() and any(folder.iterdir()) and not config.exists():
        raise StoreError(f"{paths.shown(folder)} holds something else. Give a new or an empty folder.")
    lines = []
    try:
        (folder / "source").mkdir(parents=True, exist_ok=True)
        if not config.exists():
            config.write_text(CONFIG, encoding="utf-8")
        for source in sources:
            target = folder / "source" / source.stem / source.name
            if target.exists():
                lines.append(f"{source.stem}: left as it is; remove {paths.shown(target)} to have it made again.")
                continue
            notebook = assignment(cells.read(source), choices=choices, seed=seed)
            target.parent.mkdir(exist_ok=True)
            nbformat.write(notebook, target)
            lines.append(f"{source.stem}: {_points_in_words(notebook)}.")
    except OSError as error:
        raise StoreError(f"{paths.shown(folder)} cannot be written to ({error.strerror}).") from None
    return lines


def assignment(notebook: Any, *, choices: bool = False, seed: int = HIDDEN_SEED) -> Any:
    """A notebook as nbgrader's source: no pairing, no outputs, the cells of a course with nbgrader's metadata.

    Raises
    ------
    NotebookError
        If a check is of no exercise.
    """
    made = copy.deepcopy(notebook)
    made.metadata = cells.without_pairing(made.metadata)
    reference = cells.reference_answer(notebook)
    made.cells, asked, answers = [], [], 0
    for cell in copy.deepcopy(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        what = cells.kind(cell)
        if what == "reference":
            continue
        made.cells.append(cell)
        if what == "exercise":
            _mark(cell, f"exercise-{_exercise_of(cell)}", solution=True)
        elif what == "check":
            name = _exercise_of(cell)
            cell.source = _test(name, seed)
            _mark(cell, f"check-{name}", points=EXERCISES[name].points, locked=True)
        elif what == "answer":
            answers += 1
            cell.source = f"{cells.ANSWER}\n\n{BEGIN}\n{reference or 'See the reference answer.'}\n{END}"
            _mark(cell, f"answer-{answers}", points=ANSWER_POINTS, solution=True)
        elif what == "predict" and choices and (found := re.search(r'ask\(\s*"(\w+)",\s*(\d+)', cell.source)):
            asked.append(found.groups())
            made.cells.append(_choice_cell(found[2]))
    made.cells += [_choice_test(task, number) for task, number in asked]
    return made


def _test(name: str, seed: int) -> str:
    # The points are the value of the last line: nbgrader takes a number there as the grade. Checks are imported in the
    # cell, so that a name that a student has put in their place does not count.
    return (
        f"from labutils.course import check\n\ncheck.{name}({name}).points\n"
        f"### BEGIN HIDDEN TESTS\ncheck.{name}({name}, seed={seed}).points\n### END HIDDEN TESTS"
    )


def _exercise_of(cell: Any) -> str:
    found = re.search(r"^(?:def|class) (\w+)|\bcheck\.(\w+)\(", cell.source, re.M)
    name = (found[1] or found[2]) if found else ""
    if name not in EXERCISES:
        first = cell.source.splitlines()[0] if cell.source else ""
        raise NotebookError(f"The cell that begins with {first!r} belongs to no exercise: {', '.join(EXERCISES)}.")
    return name


def _choice_cell(number: str) -> Any:
    from nbformat.v4 import new_code_cell

    cell = new_code_cell(f'choice_{number} = None  # what you commit to: "a", "b", ...\n{BEGIN}\n{END}')
    _mark(cell, f"choice-{number}", solution=True)
    return cell


def _choice_test(task: str, number: str) -> Any:
    from nbformat.v4 import new_code_cell

    runs = "globals().get('runs')"  # Task 7 has none
    cell = new_code_cell(
        f'from labutils import course\n\ncourse.grade_choice("{task}", {number}, choice_{number}, {runs}).points'
    )
    _mark(cell, f"check-choice-{number}", points=1, locked=True)
    return cell


def _mark(cell: Any, grade_id: str, *, points: int = 0, solution: bool = False, locked: bool = False) -> None:
    cell.metadata["nbgrader"] = {
        "grade": points > 0,
        "grade_id": grade_id,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
        **({"points": points} if points else {}),
    }


def _points_in_words(notebook: Any) -> str:
    marks = [cell.metadata["nbgrader"] for cell in notebook.cells if "nbgrader" in cell.metadata]
    graded = [f"{mark['grade_id']} {mark['points']}" for mark in marks if mark["grade"]]
    total = sum(mark["points"] for mark in marks if mark["grade"])
    return f"{total} points ({', '.join(graded)})" if graded else "nothing to grade"
