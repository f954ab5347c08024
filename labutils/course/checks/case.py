"""The parts of a check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """One input: what is special about it, and its arguments by name, in order."""

    label: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Mistake:
    """A typical mistake: its name, a hint that does not give the answer, and a function that makes it."""

    name: str
    hint: str
    wrong: Callable[..., Any]


@dataclass(frozen=True)
class Check:
    """How one exercise is tested.

    `cases` draws the inputs; `use` gets what a student wrote and the arguments, and gives what is compared (a call,
    unless the exercise is a class or a generator).
    """

    name: str
    cases: Callable[[np.random.Generator], list[Case]]
    mistakes: tuple[Mistake, ...]
    use: Callable[..., Any] = lambda written, *arguments: written(*arguments)
