"""How an exercise is entered: its reference, and by it the inputs and the mistakes that are known by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

POINTS = 4
"""What an exercise counts."""
LIMIT = 5.0
"""Seconds that one call may take, unless an exercise says otherwise; most solutions take less than a thousandth."""


class Case:
    """One input: what is special about it, and its arguments by name, in order."""

    def __init__(self, label: str, /, **arguments: Any) -> None:
        self.label, self.arguments = label, arguments


class Mistake(NamedTuple):
    """A typical mistake: its name, a hint that does not give the answer, and a function that makes it."""

    name: str
    hint: str
    wrong: Callable[..., Any]


def call(written: Callable[..., Any], *arguments: Any) -> Any:
    """What most exercises compare: what the function gives."""
    return written(*arguments)


@dataclass
class Exercise:
    """One thing to write, and how `check.NAME` tests it; what it asks is in the notebook's own cell, and nowhere else.

    `reference` gives what is expected. `use` gets what a student wrote and the arguments, and gives what is compared.
    One call may take `limit` seconds. Called, an exercise is its reference, or the mistake that is put `beneath`: a
    mistake that is written by calling the exercise is so made together with another one.
    """

    task: str
    about: str
    reference: Callable[..., Any]
    use: Callable[..., Any]
    limit: float = LIMIT
    cases: Callable[[np.random.Generator], list[Case]] = lambda rng: []
    mistakes: list[Mistake] = field(default_factory=list)
    beneath: Callable[..., Any] | None = None

    @property
    def name(self) -> str:
        """That of the reference."""
        return self.reference.__name__

    def __call__(self, *arguments: Any) -> Any:
        wrong, self.beneath = self.beneath, None
        try:
            return (wrong or self.reference)(*arguments)
        finally:
            self.beneath = wrong

    def inputs(self, cases: Callable[[np.random.Generator], list[Case]]) -> None:
        """Enter the function that draws the inputs, from so wide a space that hidden ones are others."""
        self.cases = cases

    def mistake(self, name: str, hint: str, **options: Any) -> Callable[[Callable[..., Any]], None]:
        """Enter a mistake; the first one that gives the same as a student's is named.

        It is the reference with other options, or without any the function that comes next.
        """

        def enter(wrong: Callable[..., Any]) -> None:
            self.mistakes.append(Mistake(name, hint, wrong))

        if options:
            enter(partial(self.reference, **options))
        return enter

    def then(self, change: Callable[..., Any]) -> Callable[..., Any]:
        """A mistake that begins with what the exercise gives: what is made of its values."""
        return lambda *arguments: change(*self(*arguments))


ENTERED: list[Exercise] = []


def exercise(
    task: str, about: str, use: Callable[..., Any] = call, limit: float = LIMIT
) -> Callable[[Callable[..., Any]], Exercise]:
    """Enter a function as the reference of an exercise; one call may take `limit` seconds."""

    def enter(reference: Callable[..., Any]) -> Exercise:
        ENTERED.append(Exercise(task, about, reference, use, limit))
        return ENTERED[-1]

    return enter
