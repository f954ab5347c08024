"""The questions of a notebook, asked in one line: `course.ask("task1b", 1, runs)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from labutils.course.predict import predict

if TYPE_CHECKING:
    from labutils.runs.run import Run


def ask(task: str, number: int, runs: Mapping[str, Run] | None = None) -> None:
    """Ask one of a notebook's questions: choices, a button, and after it the answer from the runs shown.

    Parameters
    ----------
    task : str
    number : int
        From 1.
    runs : mapping of str to Run, optional
        The notebook's runs, by the labels of `lab.runs`; the lab's stored runs unless given, so that a question can
        stand before anything is shown.
    """
    from labutils import lab
    from labutils.course.questions import find_question
    from labutils.runs.store import find, lab_store

    question = find_question(task, number)
    asked = find(lab.runs(task), small=True, among=lab_store()) if runs is None else runs
    known = {label.removesuffix(lab.SMALL_LABEL): run for label, run in asked.items()}
    predict(
        question.text,
        question.choices,
        lambda: question.answer(known),
        question.feedback,
        key=f"{task}-{number}",
    )
