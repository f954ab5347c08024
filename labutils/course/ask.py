"""The questions of a notebook, asked in one line: `course.ask("task1b", 1, runs)`.

The student commits to a choice, and only then the answer is computed and shown. What is printed, and compared by nbval,
is the question in words. The control comes after it and needs no click to go on.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from labutils import lab, paths
from labutils.course import student
from labutils.progress import how_to_show

if TYPE_CHECKING:
    from labutils.course.questions import Question
    from labutils.runs.run import Run

MISSING = "The runs that answer this are not here: train them first (see train_missing under Parameters)."
UNCHOSEN = "Choose one, then commit."


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
    from labutils.course.questions import find_question
    from labutils.runs.store import find, lab_store

    question = find_question(task, number)
    asked = find(lab.runs(task), small=True, among=lab_store()) if runs is None else runs
    show(question, {label.removesuffix(lab.SMALL_LABEL): run for label, run in asked.items()})


def show(question: Question, runs: Mapping[str, Run]) -> None:
    """Show a question; its answer is computed when the student commits, and the choice kept in the student's folder."""
    import ipywidgets
    from IPython.display import display

    key = f"{question.task}-{question.number}"
    kept = student.answers(student.CHOICES).get(key, {}) if paths.in_my_lab() else {}
    # Where somebody looks on, the choices are there to be clicked; elsewhere the words are all that there is.
    print(f"Predict: {question.text}" if how_to_show() == "bar" else in_words(question.text, question.choices))
    layout = ipywidgets.Layout(width="max-content")
    radio = ipywidgets.RadioButtons(options=list(question.choices), value=None, layout=layout)
    button = ipywidgets.Button(description="Commit", tooltip="Commit to this choice and see the answer")
    text = ipywidgets.HTML(value=UNCHOSEN)

    def reveal(chosen: str) -> None:
        radio.value, radio.disabled, button.disabled = chosen, True, True
        text.value = _revealed(question, chosen, runs)

    def commit(_: Any) -> None:
        if radio.value is not None:
            reveal(radio.value)
            student.keep(student.CHOICES, key, {"question": question.text, "choice": radio.value})

    if kept.get("choice") in question.choices:
        reveal(kept["choice"])
    button.on_click(commit)
    box = ipywidgets.VBox([radio, button, text])
    # The control alone, without its text: what it shows in words is printed above, and that is what is compared.
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    display({"application/vnd.jupyter.widget-view+json": view}, raw=True)


def in_words(question: str, choices: Iterable[str]) -> str:
    """The question and its choices as text, nothing chosen.

    Examples
    --------
    >>> print(in_words("Which is higher?", ["the first", "the second"]))
    Predict: Which is higher?
      ( ) the first
      ( ) the second
    """
    return "\n".join([f"Predict: {question}", *(f"  ( ) {choice}" for choice in choices)])


def _revealed(question: Question, chosen: str, runs: Mapping[str, Run]) -> str:
    choices = list(question.choices)
    try:
        found = question.answer(runs)
    except Exception as error:  # in a control nobody sees what is raised
        return html.escape(f"{type(error).__name__}: {error}")
    if found is None:
        return html.escape(MISSING)
    right = found.accepts(choices.index(chosen))
    verdict = "That is what these runs show." if right else found.in_words(choices)
    # The sentence goes on from what was chosen: without it, it would be read as what is true.
    said = question.choices[chosen] if right else f"You chose: {chosen}. {question.choices[chosen]}"
    return f"<b>{html.escape(verdict)}</b> {html.escape(found.because)}<br>{html.escape(said)}"
