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

from labutils.course.exercises import BEGIN, without_solution
from labutils.errors import NotebookError

ANSWER = "*Your answer:*"
"""What stands where a student answers in prose."""

REFERENCE_MARK = "<summary><b>Reference answer"
KINDS = ("exercise", "check", "answer", "reference", "predict")


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
    return "answer" if cell.source.strip().startswith(ANSWER) else ""


def students_version(notebook: Any) -> Any:
    """The notebook without outputs, solutions and reference answers, and paired with nothing."""
    made = copy.deepcopy(notebook)
    made.metadata = without_pairing(made.metadata)
    made.cells = [cell for cell in made.cells if kind(cell) != "reference"]
    for cell in made.cells:
        cell.source = without_solution(cell.source) if BEGIN in cell.source else cell.source
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return made


def without_pairing(metadata: Any) -> Any:
    """A notebook's metadata without jupytext's header and what the lab keeps there."""
    kept = copy.deepcopy(metadata)
    for name in ("jupytext", "labutils", "papermill", "widgets"):
        kept.pop(name, None)
    return kept


def fingerprint(notebook: Any) -> str:
    """Twelve digits that stand for the cells of a notebook, whatever was executed."""
    text = "\0".join(f"{cell.cell_type}\0{cell.source}" for cell in notebook.cells)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def reference_answer(notebook: Any) -> str:
    """The reference answer of a notebook, as text; empty if it has none."""
    found = [cell.source for cell in notebook.cells if kind(cell) == "reference"]
    if not found:
        return ""
    text = re.sub(r"^.*?</summary>|</details>.*$", "", found[0], flags=re.S)
    return text.strip()


def written_answer(notebook: Any) -> str:
    """What a student has written as an answer; empty if nothing."""
    texts = [cell.source.strip().removeprefix(ANSWER).strip() for cell in notebook.cells if kind(cell) == "answer"]
    return "\n\n".join(text for text in texts if text)


def read(file: Path) -> Any:
    """A notebook as it is on disk.

    Raises
    ------
    NotebookError
        If it cannot be read.
    """
    import nbformat

    from labutils import paths

    try:
        if not file.is_file() and file.exists():  # nobody writes to a pipe
            raise ValueError("it is not an ordinary file")
        return nbformat.read(file, as_version=4)
    except Exception as error:
        raise NotebookError(f"{paths.shown(file)} is no notebook that can be read ({error}).") from None
