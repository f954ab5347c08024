"""How an exercise is tested: a student's function is called, stopped if it does not end, and compared.

Whatever the function does, a sentence comes of it. It runs in a thread of its own, which is stopped from outside by an
exception that is sent again and again: that ends loops in Python on every system, those that catch everything too.
"""

from __future__ import annotations

import copy
import ctypes
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np

from labutils.course.exercises import EXERCISES, POINTS, Case, Exercise, Mistake
from labutils.course.exercises.built import unlike

PATIENCE = 5.0
"""Seconds in which a function that did not end is asked to stop, again and again."""
RELATIVE, ABSOLUTE = 1e-4, 1e-6
"""How far numbers may lie from what is expected: float32 has about seven digits."""
WIDTH = 88
"""Characters of a value that are shown."""
SEED = 0
"""Gives the inputs that a student sees; every other seed gives others of the same kind, and none of these."""
DRAWS = 20
"""How often an input is drawn until it is none of the visible ones."""
QUICK = 1.0
"""Seconds in which two mistakes at once are looked for."""
Seed = int | list[int]


class _Stopped(SystemExit):
    """Sent into a thread that takes too long; threads end on SystemExit without a word."""


@dataclass(frozen=True)
class Outcome:
    """What came of one call: a value, or the problem in words and, of an exception, its name; or it never ended."""

    value: Any = None
    problem: str = ""
    kind: str = ""
    ended: bool = True


@dataclass(frozen=True)
class Result:
    """What came of a check.

    `right` of `cases` inputs gave what was expected; `points` come of it. `mistakes` are the names of those
    that were recognised, `text` is what was printed.
    """

    name: str
    cases: int
    text: str
    right: int = 0
    written: bool = True
    mistakes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every input gave what was expected."""
        return self.right == self.cases

    @property
    def mistake(self) -> str:
        """The recognised mistakes in a line; empty if there are none."""
        return " and ".join(self.mistakes)

    @property
    def points(self) -> float:
        """The share of the points, in tenths; none for what is not written."""
        return round(POINTS * self.right / self.cases, 1) if self.written else 0.0

    def __repr__(self) -> str:
        """`4 of 4 points`."""
        return f"{self.points:g} of {POINTS} points"


def run_check(name: str, written: Any, seed: Seed = SEED) -> Result:
    """Test what a student wrote for an exercise of `EXERCISES`, on inputs of a seed; what is no function is said so."""
    exercise = EXERCISES[name]
    cases = inputs(exercise, seed)
    return judge(exercise, cases, try_out(exercise, cases, written))


def inputs(exercise: Exercise, seed: Seed) -> list[Case]:
    """The inputs of a seed; the visible ones come with `SEED` alone, also those that have no other number."""
    visible = exercise.cases(np.random.default_rng(SEED))
    if seed == SEED:
        return visible
    rng, shown_values = np.random.default_rng(seed), [case.arguments.values() for case in visible]
    found: dict[int, Case] = {}
    for _ in range(DRAWS):
        for number, case in enumerate(exercise.cases(rng)):
            values = case.arguments.values()
            if number not in found and not any(all(map(np.array_equal, values, seen)) for seen in shown_values):
                found[number] = case
        if len(found) == len(visible):
            break
    return [found[number] for number in sorted(found)]


def try_out(exercise: Exercise, cases: list[Case], written: Any) -> list[Outcome] | str:
    """What came of each input, up to the first that did not end; or why nothing could be called."""
    if not callable(written):
        return f"{exercise.name} is {_kind(written)}, not a function. Run its cell first."
    outcomes: list[Outcome] = []
    for case in cases:
        outcomes.append(_call(exercise, written, case))
        if not outcomes[-1].ended:  # the other inputs would take as long
            break
    return outcomes


def judge(exercise: Exercise, cases: list[Case], outcomes: list[Outcome] | str) -> Result:
    """What `try_out` found, compared with what the reference gives, in words."""
    name = exercise.name
    if isinstance(outcomes, str):
        return Result(name, len(cases), outcomes)
    expected = [exercise.use(exercise.reference, *_copies(case)) for case in cases]
    if _not_written(outcomes, expected):
        return Result(name, len(cases), f"{name}: not written yet.", written=False)
    problems = [o.problem or difference(o.value, e) for o, e in zip(outcomes, expected, strict=False)]
    problems += ["not tried, because an input before it did not end"] * (len(cases) - len(problems))
    right = problems.count("")
    if right == len(cases):
        labels = ", ".join(case.label for case in cases)
        return Result(name, len(cases), f"{name}: right for all {right} inputs ({labels}).", right)
    first = next(i for i, problem in enumerate(problems) if problem)
    given = [f"{argument} = {shown(value)}" for argument, value in cases[first].arguments.items()]
    lines = [
        f"{name}: right for {right} of {len(cases)} inputs. The first that is not: {cases[first].label}.",
        *(f"  {'' if i else 'given':<9} {line}" for i, line in enumerate(given)),
        *([] if outcomes[first].problem else [f"  {'got':<9} {shown(outcomes[first].value)}"]),
        f"  {'expected':<9} {shown(expected[first])}",
        f"  {'so':<9} {problems[first]}.",
    ]
    looks, known = _recognise(exercise, cases, outcomes, expected)
    if known:
        lines.append(f"{looks}: {' '.join(f'{mistake.name}. {mistake.hint}' for mistake in known)}")
    return Result(name, len(cases), "\n".join(lines), right, mistakes=tuple(mistake.name for mistake in known))


def _call(exercise: Exercise, written: Any, case: Case) -> Outcome:
    """What came of a call with copies of the arguments: also a problem if one of them was changed in place."""
    given = _copies(case)
    made: dict[str, Any] = {}

    def work() -> None:
        try:
            made["value"] = exercise.use(written, *given)
        except _Stopped:
            made["stopped"] = True
        except BaseException as error:  # also SystemExit: nothing that a student writes ends the notebook
            made["error"] = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(exercise.limit)
    if thread.is_alive():
        _stop(thread)
        return Outcome(
            problem=f"it did not end within {exercise.limit:g} seconds: is there a loop that never ends", ended=False
        )
    if "error" in made:
        return Outcome(problem=_raised(made["error"], written), kind=type(made["error"]).__name__)
    changed = [name for (name, was), now in zip(case.arguments.items(), given, strict=True) if _changed(was, now)]
    if changed:
        return Outcome(made["value"], f"it changes {changed[0]} itself; work on a copy, or make a new one")
    return Outcome(made["value"])


def _recognise(
    exercise: Exercise, cases: list[Case], outcomes: list[Outcome], expected: list[Any]
) -> tuple[str, list[Mistake]]:
    """The mistakes that give the same, and how to say it: one, two, or what explains over half of what is wrong."""
    if len(outcomes) < len(cases):
        return "", []
    wrong = ~np.array([part for o, e in zip(outcomes, expected, strict=True) for part in _parts_alike(o, Outcome(e))])
    if not wrong.any():  # the values are right, and something else is not
        return "", []
    end = time.monotonic() + max(QUICK, exercise.limit)
    explained: list[tuple[Mistake, np.ndarray]] = []
    for mistake in exercise.mistakes:
        explained.append((mistake, _explained(exercise, mistake.wrong, cases, outcomes)))
        if explained[-1][1].all():
            return "This looks like", [mistake]
        if time.monotonic() > end:
            break
    for (one, by_one), (two, by_two) in combinations(explained, 2):
        each = (by_one & ~by_two & wrong).any() and (by_two & ~by_one & wrong).any()
        if each and (by_one | by_two).all():
            return "This looks like two mistakes at once", [one, two]
    end = time.monotonic() + QUICK
    for one, two in permutations(exercise.mistakes, 2):
        if (
            time.monotonic() < end
            and _explained(exercise, _on_top(exercise, one.wrong, two.wrong), cases, outcomes).all()
        ):
            return "This looks like two mistakes at once", [one, two]
    share, most = max(
        (((by & wrong).sum() / wrong.sum(), mistake) for mistake, by in explained), key=lambda one: one[0]
    )
    return "A part of it looks like", [most] if share > 0.5 else []


def _explained(exercise: Exercise, wrong: Callable[..., Any], cases: list[Case], outcomes: list[Outcome]) -> np.ndarray:
    """Which parts of the values a mistake gives as well."""

    def made(case: Case) -> Outcome:
        try:
            with np.errstate(all="ignore"):
                return Outcome(exercise.use(wrong, *_copies(case)))
        except Exception as error:
            return Outcome(problem="raised", kind=type(error).__name__)

    return np.array([part for o, m in zip(outcomes, map(made, cases), strict=True) for part in _parts_alike(o, m)])


def _parts_alike(outcome: Outcome, other: Outcome) -> list[bool]:
    """Whether the other gives the same, for each part of a value that has several."""
    value, made = outcome.value, other.value
    several = isinstance(value, tuple | list)
    if outcome.kind or other.kind or not outcome.ended:
        return [outcome.ended and outcome.kind == other.kind] * (len(value) if several else 1)
    if not several:
        return [not difference(value, made)]
    if not isinstance(made, tuple | list) or len(made) != len(value):
        return [False] * len(value)
    return [not difference(part, wanted) for part, wanted in zip(value, made, strict=True)]


def _on_top(exercise: Exercise, wrong: Callable[..., Any], beneath: Callable[..., Any]) -> Callable[..., Any]:
    """One mistake made on top of another, which it calls for the reference."""

    def both(*arguments: Any) -> Any:
        exercise.beneath = beneath
        try:
            return wrong(*arguments)
        finally:
            exercise.beneath = None

    return both


def difference(got: Any, expected: Any) -> str:
    """How far `got` is not what was expected, in words; empty if it is."""
    if isinstance(expected, str) or (isinstance(expected, list) and expected and isinstance(expected[0], str)):
        return unlike(got, expected)
    if expected is None:
        return "" if got is None else f"None was expected, and it gave {_kind(got)}"
    if got is None:
        return "it gave nothing back: does every way through the function end with a return"
    if isinstance(expected, tuple | list):
        return _sequence_difference(got, expected)
    wanted = np.asarray(expected)
    try:
        values = np.asarray(got)
    except Exception:  # lists of different lengths, and whatever else calls itself an array
        return f"it gave {_kind(got)} that is no array"
    if values.dtype.kind not in "iuf" and not (values.dtype.kind == wanted.dtype.kind == "b"):
        return f"it gave {_kind(got)}, and {_kind(expected)} was expected"
    if values.shape != wanted.shape:
        return f"its shape is {values.shape}, and {wanted.shape} was expected"
    return _value_difference(values.astype(float), wanted.astype(float))


def shown(value: Any) -> str:
    """A value in a line."""
    if isinstance(value, np.ndarray):
        if value.size > 20:
            first = ", ".join(f"{number:.4g}" for number in value.flat[:4])
            return f"{first}, ... (shape {value.shape})"
        text = " ".join(np.array2string(value, precision=4, threshold=16, edgeitems=2, separator=", ").split())
        return f"{text} {value.shape}" if value.ndim > 1 else text
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))})"
    if isinstance(value, list) and any(isinstance(part, np.ndarray | tuple) for part in value):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    text = repr(value) if not isinstance(value, np.generic) else str(value)
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def _sequence_difference(got: Any, expected: tuple | list) -> str:
    if not isinstance(got, tuple | list | np.ndarray) or (isinstance(got, np.ndarray) and not got.ndim):
        return f"it gave {_kind(got)}, and {len(expected)} values were expected"
    if len(got) != len(expected):
        return f"it gave {len(got)} values, and {len(expected)} were expected"
    for number, (one, other) in enumerate(zip(got, expected, strict=True), start=1):
        if problem := difference(one, other):
            return f"value {number} of {len(expected)}: {problem}"
    return ""


def _value_difference(values: np.ndarray, wanted: np.ndarray) -> str:
    if np.any(np.isnan(values) & ~np.isnan(wanted)):
        return "it holds nan where a number was expected: is something divided by 0"
    right = np.isclose(values, wanted, RELATIVE, ABSOLUTE, equal_nan=True)
    if right.all():
        return ""
    if not values.ndim:
        return f"the number is another one (they may differ by {RELATIVE:g} of it)"
    where = tuple(int(i) for i in np.argwhere(~right)[0])
    place = where[0] if len(where) == 1 else where
    return (
        f"{np.count_nonzero(~right)} of {right.size} numbers are others (they may differ by {RELATIVE:g} of each), the "
        f"first at {place}: {values[where]:.4g}, and {wanted[where]:.4g} was expected"
    )


def _stop(thread: threading.Thread) -> None:
    """Send the exception until the thread ends: a loop that catches everything is outside its try now and then."""
    end = time.monotonic() + PATIENCE
    while thread.is_alive() and time.monotonic() < end:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Stopped))
        thread.join(0.002)


def _copies(case: Case) -> list[Any]:
    return copy.deepcopy(list(case.arguments.values()))


def _not_written(outcomes: list[Outcome], expected: list[Any]) -> bool:
    empty = [o.ended and not o.problem and (o.value is None or o.value is ...) for o in outcomes]
    return all(empty) and any(value is not None for value in expected)


def _changed(was: Any, now: Any) -> bool:
    if isinstance(was, np.ndarray):
        same_kind = isinstance(now, np.ndarray) and now.shape == was.shape and now.dtype == was.dtype
        return not (same_kind and np.array_equal(was, now))
    return bool(was != now)


def _raised(error: BaseException, written: Any) -> str:
    code = getattr(written, "__code__", None)
    own = code.co_filename if code else None
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
    first = code.co_firstlineno if code else 0
    where = f" in line {(lines[-1].lineno or first) - first + 1} of your function" if lines else ""
    text = " ".join(str(error).split())
    return f"it raised {type(error).__name__}{': ' + text[:200].rstrip('.') if text else ''}{where}"


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
