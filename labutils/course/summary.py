"""What an instructor is told of a class after grading: results, commonest mistakes, copies, who touched the checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from labutils import lab, paths
from labutils.course import cells
from labutils.course.grading import RESULT
from labutils.course.reading import grade_id, plain, touched
from labutils.errors import StoreError


def summarize(folder: Path, tasks: Iterable[str] = ()) -> list[str]:
    """What came of a course's hand-ins, in lines: for each task those graded, its exercises, and whom to look at.

    In `folder`, `nbgrader autograde` has run; a StoreError says that nothing is graded there. All tasks unless some are
    named; a NotebookError says that there is none of that name.
    """
    graded: dict[str, dict[str, Any]] = {}
    wanted = {lab.find_notebook(task).stem for task in tasks}
    for file in sorted(folder.glob("autograded/*/*/*.ipynb")):
        if file.stem in wanted or not wanted:
            graded.setdefault(file.stem, {})[file.parts[-3]] = cells.read(file)
    if not graded:
        which = " of these tasks" if wanted else ""
        raise StoreError(f"{paths.shown(folder)} holds no graded hand-ins{which}: run `nbgrader autograde` first.")
    return [line for task, notebooks in graded.items() for line in _of_task(task, notebooks)]


def _of_task(task: str, notebooks: dict[str, Any]) -> Iterator[str]:
    yield f"{task}: {len(notebooks)} hand-in{'s' * (len(notebooks) != 1)}."
    results = [cell.metadata[RESULT] for n in notebooks.values() for cell in n.cells if RESULT in cell.metadata]
    for name in dict.fromkeys(result["exercise"] for result in results):
        yield f"  {name}: {_in_words([result for result in results if result['exercise'] == name])}"
    for student, notebook in notebooks.items():
        if found := touched(notebook):
            yield f"  {student} touches what grades it: {', '.join(found)}."
    same: dict[tuple[str, str], list[str]] = {}
    for student, notebook in notebooks.items():
        for cell in filter(_is_written, notebook.cells):
            text = plain(cell.source) if cell.cell_type == "code" else " ".join(cell.source.split())
            same.setdefault((grade_id(cell), text), []).append(student)
    for (cell_id, _), students in same.items():
        if len(students) > 1:
            yield f"  the same {cell_id}: {', '.join(students)}."


def _in_words(results: list[dict[str, Any]]) -> str:
    right = sum(result["right"] == result["cases"] for result in results)
    empty = sum(not result["written"] for result in results)
    words = f"{right} right, {len(results) - right - empty} wrong or in part, {empty} not written."
    mistakes = Counter(mistake for result in results for mistake in result["mistakes"]).most_common(1)
    return words + "".join(f" The commonest mistake: {mistake} ({count})." for mistake, count in mistakes)


def _is_written(cell: Any) -> bool:
    own = cell.metadata.get("nbgrader", {}).get("solution") and not grade_id(cell).startswith("choice-")
    return bool(own) and cells.PLACEHOLDER not in cell.source and not cells.IS_ANSWER.fullmatch(cell.source.strip())
