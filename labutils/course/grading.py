"""How hand-ins are graded: what a student wrote runs in a process of its own, and only values come back from it.

nbgrader executes a hand-in, and then takes the step `give_points`, in nbgrader's own process: for every exercise a new
Python, in an empty folder, gets the student's cells, calls what is written there on hidden inputs, and writes down the
values. They are compared here, where nothing of the student's has ever run: what a hand-in puts in place of the checks,
in its kernel or in that process, is never asked. What this does not guard against is in docs/instructor.md.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from labutils.course.checking import PATIENCE, Outcome, Result, Seed, inputs, judge, try_out
from labutils.course.exercises import EXERCISES
from labutils.course.instructor import grade_choice
from labutils.course.reading import defines, grade_id, literal, parsed, runnable, touched

STARTING = 60.0
"""Seconds for a new Python to begin, and for the imports of a hand-in."""
MOST = 10_000_000
"""Bytes that may come back."""
RESULT = "labutils"
"""The entry of a check cell's metadata that holds what came of it."""


def give_points(notebook: Any, resources: Any, seed: int) -> tuple[Any, Any]:
    """Grade a hand-in that nbgrader has executed: put text and points of fresh checks in place of its cells' outputs.

    The notebook, with nbgrader's metadata, is changed in place; `resources` are nbgrader's, with the student's name,
    which together with `seed`, the course's, decides the hidden inputs.
    """
    from nbformat.v4 import new_output

    replaced = [found for found in touched(notebook) if found.startswith("sets ")]
    seeds = [seed, *resources["nbgrader"]["student"].encode()]
    for number, cell in enumerate(notebook.cells):
        mark = cell.metadata.get("nbgrader", {})
        if not mark.get("grade") or cell.cell_type != "code":
            continue
        if exercise := re.search(r"\bcheck\.(\w+)\((\w+)", cell.source):
            result = fresh_check(exercise[1], exercise[2], _before(notebook, number, exercise[1]), seeds)
            text, points = result.text, result.points
            known = {"cases": result.cases, "right": result.right, "written": result.written}
            cell.metadata[RESULT] = {"exercise": result.name, "mistakes": list(result.mistakes), **known}
        elif choice := re.search(r'\bgrade_choice\("(\w+)", (\d+)', cell.source):
            source = next(cell.source for cell in notebook.cells if grade_id(cell) == f"choice-{choice[2]}")
            given = [literal(line.value) for line in parsed(source) if isinstance(line, ast.Assign)]  # read, not run
            grade = grade_choice(choice[1], int(choice[2]), str(given[-1]) if given else None)
            text, points = repr(grade), grade.points
        else:  # a test that an instructor has added
            continue
        if replaced:
            text, points = f"No points: it {', '.join(replaced)}. Points may still be given by hand.", 0.0
        value = new_output("execute_result", {"text/plain": repr(points)}, execution_count=cell.execution_count)
        cell.outputs = [new_output("stream", name="stdout", text=f"{text}\n"), value]
    return notebook, resources


def _before(notebook: Any, number: int, name: str) -> list[str]:
    """What a check needs of the cells before it: its exercise whole, and other definitions and imports."""
    sources: list[str] = []
    for cell in notebook.cells[:number]:
        if grade_id(cell) == f"exercise-{name}":
            sources.append(runnable(cell.source))
        elif cell.cell_type == "code":
            sources += map(ast.unparse, filter(defines, parsed(cell.source)))
    return sources


def fresh_check(name: str, function: str, sources: list[str], seed: Seed) -> Result:
    """What came of a check in a process of its own: of an exercise, of what the student's function or class is called.

    `sources` are the cells that define it, in order; `seed` decides the inputs.
    """
    exercise = EXERCISES[name]
    cases = inputs(exercise, seed)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        answer = Path(folder) / "answer.json"
        asked = {"name": name, "function": function, "sources": sources, "seed": seed, "answer": str(answer)}
        places = f"{Path(__file__).parents[2]}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        try:
            subprocess.run(
                [sys.executable, "-m", "labutils.course.grading"],
                input=json.dumps(asked).encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": places, "MPLBACKEND": "agg"},
                timeout=STARTING + len(cases) * exercise.limit + PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Result(name, len(cases), f"{name}: what is written did not end, and was stopped.")
        try:
            if answer.stat().st_size > MOST:
                raise ValueError
            outcomes = _unpacked(json.loads(answer.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError):
            return Result(name, len(cases), f"{name}: the process in which it ran ended without an answer.")
    return judge(exercise, cases, outcomes if isinstance(outcomes, str) else outcomes[: len(cases)])


def _answer() -> None:
    """Run what a student wrote, as `fresh_check` asks on the standard input, and write down what came of it."""
    asked = json.load(sys.stdin)
    exercise = EXERCISES[asked["name"]]
    cases, try_it, packed, leave = inputs(exercise, asked["seed"]), try_out, _packed, os._exit
    namespace: dict[str, Any] = {"__name__": "__main__"}
    said = ""
    for number, source in enumerate(asked["sources"], start=1):
        try:
            exec(compile(source, f"cell {number}", "exec"), namespace)
        except BaseException as error:
            said = f"{exercise.name}: a cell before the check raised {type(error).__name__}: {error}"[:500]
    written = namespace.get(asked["function"])
    outcomes = try_it(exercise, cases, written)
    made = outcomes if isinstance(outcomes, str) else [{**vars(o), "value": packed(o.value)} for o in outcomes]
    text = json.dumps(said if said and written is None else made, default=lambda value: repr(value)[:99])
    Path(asked["answer"]).write_text(text, encoding="utf-8")
    leave(0)  # threads that a hand-in has started do not keep it


def _packed(value: Any) -> Any:
    """A value as JSON can hold it; of what no exercise asks for only its kind."""
    if isinstance(value, tuple | list):
        return {"tuple" if isinstance(value, tuple) else "list": [_packed(part) for part in value]}
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, bool | int | float | str):
        return {"plain": value}
    odd = {"odd": type(value).__name__, "shown": repr(value)[:99]}
    try:
        array = np.asarray(value)
    except Exception:
        return odd
    if array.dtype.kind not in "iufb":
        return odd
    return {"array": array.tolist(), "dtype": array.dtype.str, "shape": array.shape}


def _unpacked(answer: Any) -> list[Outcome] | str:
    if isinstance(answer, str):
        return answer
    return [Outcome(_value(o["value"]), str(o["problem"])[:500], str(o["kind"])[:99], bool(o["ended"])) for o in answer]


def _value(made: dict[str, Any]) -> Any:
    if "array" in made:
        return np.array(made["array"], np.dtype(made["dtype"])).reshape(made["shape"])
    if "odd" in made:
        return type(str(made["odd"]), (), {"__repr__": lambda _: str(made["shown"])})()
    if "plain" in made:
        return made["plain"]
    return tuple(map(_value, made["tuple"])) if "tuple" in made else [*map(_value, made["list"])]


if __name__ == "__main__":
    _answer()
