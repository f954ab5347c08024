"""Checks for what a student writes: `check.exercise(wilson)`, or by the exercise's name, `check.wilson(mine)`.

Each says what went in, what came out and what was expected, and names the mistake if it is a typical one. The functions
are those of `exercises.EXERCISES`, how they test is in `checking`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labutils.course.checking import SEED, Result, run_check
from labutils.course.exercises import EXERCISES
from labutils.course.student import keep_result
from labutils.errors import ParameterError
from labutils.evaluate.sentences import say

WRITTEN_AS = {"dropout_forward": "dropout"}
"""The name of what is written -> the exercise, where they differ: a notebook's parameter has the other name."""


def exercise(written: Any, seed: int = SEED) -> Result:
    """Check a function or class by its own name; say what came of it, and give it back. ParameterError: no exercise."""
    return _checked(name_of(getattr(written, "__name__", repr(written))), written, seed)


def name_of(written: str) -> str:
    """The exercise that something of this name solves; raises as `exercise`."""
    name = WRITTEN_AS.get(written, written)
    if name not in EXERCISES:
        raise ParameterError(f"{written} is no exercise; there are {', '.join(EXERCISES)}.")
    return name


def __getattr__(name: str) -> Callable[..., Result]:
    if name not in EXERCISES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def check(written: Any, seed: int = SEED) -> Result:
        return _checked(name, written, seed)

    check.__name__ = check.__qualname__ = name
    check.__doc__ = f"Task {EXERCISES[name].task.removeprefix('task').upper()}: {EXERCISES[name].about}."
    return check


def _checked(name: str, written: Any, seed: int) -> Result:
    result = run_check(name, written, seed=seed)
    for line in result.text.splitlines():
        (print if line.startswith(" ") else say)(line)  # what begins with spaces is a list
    keep_result(result)
    return result


def __dir__() -> list[str]:
    return list(EXERCISES)
