"""The texts of the exercises: a stub that runs, a solution between marks, one or two for every notebook."""

import re

import pytest

from labutils import lab, paths
from labutils.course.exercises import BEGIN, END, EXERCISES, PLACEHOLDER, of_task


def body(source):
    """The lines that a student writes, and not the docstring."""
    return re.findall(rf"{BEGIN}\n(.*?){END}", source, re.S)


def test_every_notebook_has_an_exercise():
    assert [task for task in lab.TITLES if not of_task(task)] == []
    assert {exercise.task for exercise in EXERCISES.values()} == set(lab.TITLES)


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=list(EXERCISES))
def test_texts(exercise):
    assert exercise.question.endswith((".", "?")) and exercise.question.count(".") + exercise.question.count("?") <= 3
    assert exercise.source.count(BEGIN) == exercise.source.count(END) == exercise.stub.count(PLACEHOLDER) >= 1
    assert 4 <= len(exercise.stub.splitlines()) <= 18
    assert BEGIN not in exercise.stub and BEGIN not in exercise.solution and PLACEHOLDER not in exercise.solution
    for part in body(exercise.source):
        for line in filter(None, map(str.strip, part.splitlines())):
            assert line not in exercise.stub, "the stub gives a line of the solution away"
    assert max(map(len, exercise.source.splitlines())) <= 120
    assert "->" not in exercise.source, "students write functions without types"
    assert exercise.test == f"check.{exercise.name}({exercise.name})"
    for text in (exercise.source, exercise.stub, exercise.solution):
        compile(text, exercise.name, "exec")


def test_what_is_imported_is_used():
    for exercise in EXERCISES.values():
        for name in re.findall(r"^(?:from math )?import (?:numpy as )?(\w+)$", exercise.source, re.M):
            assert re.search(rf"(?<![\w.]){name}[.(]", exercise.source)


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.name)
def test_a_notebook_holds_the_solution_that_the_checks_are_tested_with(exercise):
    script = (paths.notebooks_dir() / f"{exercise.task}.py").read_text(encoding="utf-8")
    shown, own = ("".join(body(source)) for source in (script, exercise.source))
    assert own in shown
