"""What the cells of a task notebook are for, and the notebook as a student gets it.

A cell's tag says what it is: `exercise`, `check`, `answer`, `reference`, `predict`. Cells without a tag are known by
what is in them, so that a forgotten tag never gives a solution away.
"""

from __future__ import annotations

import copy
import hashlib
import re
from pathlib import Path
from typing import Any

from labutils.errors import NotebookError

ANSWER = "*Your answer (double-click to write):*"
"""What stands where a student answers in prose; older copies have it without the words in brackets."""
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
PLACEHOLDER = "...  # your lines here"
"""What stands where the solution was: it runs anywhere, and the check says that nothing is written yet."""
REFERENCE_CALL = "course.reference("
"""A cell that shows a self-learner our answer; a hand-out leaves it out."""
REFERENCE_MARK = "<summary><b>Reference answer"
KINDS = ("exercise", "check", "answer", "reference", "predict")
IS_ANSWER = re.compile(r"\*Your answer(?: \([^)]*\))?:\*")
_SOLUTION = re.compile(rf"^([ \t]*){BEGIN}\n.*?^[ \t]*{END}\n?", re.M | re.S)


def kind(cell: Any) -> str:
    """What a cell is for: one of `KINDS`, or nothing."""
    tagged = [tag for tag in cell.metadata.get("tags", []) if tag in KINDS]
    if tagged:
        return str(tagged[0])
    if cell.cell_type == "code":
        if BEGIN in cell.source:
            return "exercise"
        if re.match(r"\s*check\.\w+\(", cell.source):
            return "check"
        return "predict" if re.search(r"\bcourse\.ask\(", cell.source) else ""
    if REFERENCE_MARK in cell.source:
        return "reference"
    return "answer" if IS_ANSWER.match(cell.source.strip()) else ""


def without_solution(source: str) -> str:
    """A cell with every marked solution replaced by lines that run and say nothing.

    Examples
    --------
    >>> print(without_solution("def one():\\n    ### BEGIN SOLUTION\\n    return 1\\n    ### END SOLUTION"))
    def one():
        ...  # your lines here
    """
    return _SOLUTION.sub(lambda found: f"{found[1]}{PLACEHOLDER}\n", source + "\n").rstrip()


def bare(notebook: Any) -> Any:
    """A copy without outputs and reference answers, paired with nothing."""
    made = copy.deepcopy(notebook)
    for name in ("jupytext", "labutils", "papermill", "widgets"):
        made.metadata.pop(name, None)
    made.cells = [cell for cell in made.cells if kind(cell) != "reference"]
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return made


def students_version(notebook: Any) -> Any:
    """The notebook without outputs, solutions and reference answers, and paired with nothing."""
    made = bare(notebook)
    for cell in made.cells:
        cell.source = without_solution(cell.source) if BEGIN in cell.source else cell.source
    return made


def fingerprint(notebook: Any) -> str:
    """Twelve digits that stand for the cells of a notebook, whatever was executed."""
    text = "\0".join(f"{cell.cell_type}\0{cell.source}" for cell in notebook.cells)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def reference_answer(notebook: Any) -> str:
    """The reference answer of a notebook, as text; empty if it has none."""
    found = next((cell.source for cell in notebook.cells if kind(cell) == "reference"), "")
    return re.sub(r"^.*?</summary>|</details>.*$", "", found, flags=re.S).strip()


def written_answer(notebook: Any) -> str:
    """What a student has written as an answer; empty if nothing."""
    texts = (IS_ANSWER.sub("", cell.source.strip(), count=1) for cell in notebook.cells if kind(cell) == "answer")
    return "\n\n".join(filter(None, map(str.strip, texts)))


def read(file: Path) -> Any:
    """A notebook as it is on disk; a NotebookError if it cannot be read."""
    import nbformat

    from labutils import paths

    try:
        if not file.is_file() and file.exists():  # nobody writes to a pipe
            raise ValueError("it is not an ordinary file")
        return nbformat.read(file, as_version=4)
    except Exception as error:
        raise NotebookError(f"{paths.shown(file)} is no notebook that can be read ({error}).") from None
