"""A question with choices: the student commits to one, and only then the answer is computed and shown.

What is printed, and compared by nbval, is the question in words. The control comes after it and needs no
click to go on.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from labutils import paths
from labutils.course import answers
from labutils.progress import how_to_show

MISSING = "The runs that answer this are not here: train them first (see train_missing under Parameters)."
UNCHOSEN = "Choose one, then commit."


class Found(NamedTuple):
    """The right choice, an index from 0, the numbers that say so, and choices that are as right (a tie)."""

    choice: int
    because: str
    equal: tuple[int, ...] = ()

    def accepts(self, choice: int) -> bool:
        """Whether a choice is right."""
        return choice == self.choice or choice in self.equal

    def in_words(self, choices: Sequence[str]) -> str:
        """`These runs show: AlexNet, and as much VGG16.`"""
        also = "".join(f", and as much {choices[i]}" for i in self.equal)
        return f"These runs show: {choices[self.choice]}{also}."


def predict(
    question: str,
    choices: Sequence[str],
    answer: Callable[[], Found | None],
    feedback: Sequence[str],
    key: str = "",
) -> None:
    """Ask, and show the answer after the student has committed to a choice.

    Parameters
    ----------
    question : str
    choices : sequence of str
    answer : callable
        Computes what is right from what there is; None if that is missing. Called when the student commits.
    feedback : sequence of str
        A sentence for each choice, for the student who chose it.
    key : str
        Under which the choice is kept in the student's folder; without one it is not kept.
    """
    import ipywidgets
    from IPython.display import display

    kept = answers.read(answers.CHOICES).get(key) if key and paths.in_my_lab() else None
    # Where somebody looks on, the choices are there to be clicked; elsewhere the words are all that there is.
    print(f"Predict: {question}" if how_to_show() == "bar" else in_words(question, choices))
    radio = ipywidgets.RadioButtons(options=list(choices), value=None, layout=ipywidgets.Layout(width="max-content"))
    button = ipywidgets.Button(description="Commit", tooltip="Commit to this choice and see the answer")
    text = ipywidgets.HTML(value=UNCHOSEN)

    def reveal(chosen: str) -> None:
        text.value = _revealed(choices, list(choices).index(chosen), answer, feedback)

    def commit(_: Any = None) -> None:
        if radio.value is None:
            text.value = UNCHOSEN
            return
        radio.disabled = button.disabled = True
        reveal(radio.value)
        if key:
            answers.keep(answers.CHOICES, key, {"question": question, "choice": radio.value})

    if kept and kept.get("choice") in choices:
        radio.value, radio.disabled, button.disabled = kept["choice"], True, True
        reveal(kept["choice"])
    button.on_click(commit)
    box = ipywidgets.VBox([radio, button, text])
    # The control alone, without its text: what it shows in words is printed above, and that is what is compared.
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    display({"application/vnd.jupyter.widget-view+json": view}, raw=True)


def in_words(question: str, choices: Sequence[str]) -> str:
    """The question and its choices as text, nothing chosen.

    Examples
    --------
    >>> print(in_words("Which is higher?", ["the first", "the second"]))
    Predict: Which is higher?
      ( ) the first
      ( ) the second
    """
    return "\n".join([f"Predict: {question}", *(f"  ( ) {choice}" for choice in choices)])


def _revealed(choices: Sequence[str], chosen: int, answer: Callable[[], Found | None], feedback: Sequence[str]) -> str:
    try:
        found = answer()
    except Exception as error:  # in a control nobody sees what is raised
        return html.escape(f"{type(error).__name__}: {error}")
    if found is None:
        return html.escape(MISSING)
    right = found.accepts(chosen)
    verdict = "That is what these runs show." if right else found.in_words(choices)
    # The sentence goes on from what was chosen: without it, it would be read as what is true.
    said = feedback[chosen] if right else f"You chose: {choices[chosen]}. {feedback[chosen]}"
    return f"<b>{html.escape(verdict)}</b> {html.escape(found.because)}<br>{html.escape(said)}"
