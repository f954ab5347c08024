"""The questions of a notebook, asked in one line: `course.ask("task1b", 1, runs)`.

The student commits to a choice, and only then the answer is computed and shown. What nbval compares is the question in
words. The control stands beside them and needs no click to go on; once it is answered, so are the words, which is what
a notebook that is opened again shows.
"""

from __future__ import annotations

import html
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labutils import paths
from labutils.course import student

if TYPE_CHECKING:
    from labutils.course.questions import Question
    from labutils.runs.run import Run

MISSING = "The runs that answer this are not here: train them first (see train_missing under Parameters)."
UNCHOSEN = "Choose one, then commit."
HINT = "<p><em>Run this cell to answer.</em></p>"

THIS_SESSION: dict[str, str] = {}
"""What was chosen since the kernel started, where nothing is kept."""


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
    from labutils.course.questions import find_question, plainly_named

    question = find_question(task, number)
    student.keep(student.OPENED, task, True)
    show(question, plainly_named(task, runs))


def said(task: str, number: int) -> str:
    """What the reader has chosen, for the figure that answers it: `plots.compare_curves(runs, said=course.said(...))`.

    Empty where nothing was chosen: the figure is then as it would be without.
    """
    key = f"{task}-{number}"
    kept = student.answers(student.CHOICES) if paths.in_my_lab() else {}
    return THIS_SESSION.get(key, "") or str(kept.get(key, {}).get("choice", ""))


def remind(task: str, number: int) -> None:
    """Print what the reader has chosen, above what answers it; nothing where nothing was chosen."""
    if choice := said(task, number):
        print(f"Question {number}, you said: {choice}")


def show(question: Question, runs: Mapping[str, Run]) -> None:
    """Show a question; its answer is computed when the student commits, and the choice kept in the student's folder."""
    from IPython.display import display

    from labutils.course.widgets.control import instrument, show_live

    key, choices = f"{question.task}-{question.number}", list(question.choices)
    kept = student.answers(student.CHOICES).get(key, {}).get("choice") if paths.in_my_lab() else None
    chosen = choices.index(kept) if kept in choices else None
    lines = [] if chosen is None else _revealed(question, choices[chosen], runs)
    there = uuid.uuid4().hex
    display(_still(question, chosen, lines), raw=True, display_id=there)

    def live() -> Any:
        data = {"question": question.text, "choices": choices, "unchosen": UNCHOSEN}
        widget = instrument("question", data)

        def commit(_: Any, content: Any, __: Any) -> None:
            place: Any = content.get("commit") if isinstance(content, dict) else None
            if widget.news or place not in range(len(choices)):
                return
            lines = _revealed(question, choices[place], runs)
            widget.news = {"chosen": place, "said": lines}
            # The words beside the control, which a notebook shows that is opened again.
            display(_still(question, place, lines), raw=True, display_id=there, update=True)
            THIS_SESSION[key] = choices[place]
            kept = {"question": question.text, "choice": choices[place], "runs": lines[0]}
            student.keep(student.CHOICES, key, kept)

        widget.on_msg(commit)
        if chosen is not None:
            widget.news = {"chosen": chosen, "said": lines}
        return widget

    show_live(live)


def _still(question: Question, chosen: int | None, lines: Sequence[str]) -> dict[str, str]:
    """A question as it stands where it cannot be answered, or has been."""
    from labutils.course.widgets.control import as_still, is_live

    words, rows = [f"Predict: {question.text}"], [f"<p><b>Predict:</b> {html.escape(question.text)}</p>"]
    for i, choice in enumerate(question.choices):
        words.append(f"  ({'x' if i == chosen else ' '}) {choice}")
        said = html.escape(choice)
        rows.append(f"<div>&#9679; <b>{said}</b> (you said)</div>" if i == chosen else f"<div>&#9675; {said}</div>")
    rows += [f"<p>{'' if i else '<b>'}{html.escape(line)}{'' if i else '</b>'}</p>" for i, line in enumerate(lines)]
    hint = HINT if is_live() and chosen is None else ""
    return {"text/html": as_still("".join(rows) + hint), "text/plain": "\n".join([*words, *lines])}


def _revealed(question: Question, chosen: str, runs: Mapping[str, Run]) -> list[str]:
    """What the runs show, and the sentence for who chose this."""
    choices = list(question.choices)
    try:
        if (found := question.answer(runs)) is None:
            return [MISSING]
    except Exception as error:  # in a control nobody sees what is raised
        return [f"{type(error).__name__}: {error}"]
    right = found.accepts(choices.index(chosen))
    verdict = "That is what these runs show." if right else found.in_words(choices)
    # The sentence goes on from what was chosen: without it, it would be read as what is true.
    sentence = question.choices[chosen] if right else f"You chose: {chosen}. {question.choices[chosen]}"
    return [f"{verdict} {found.because}", sentence]
