"""For the instructor: a course folder for nbgrader, points for choices and runs, names of classes in other languages.

nbgrader's own commands do the rest. What a cell is for comes from its tag (see `cells`): exercises become solution
cells, their checks locked tests that `grading` answers, answers in prose cells that a person grades.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labutils import lab, paths
from labutils.course import cells
from labutils.course.cells import BEGIN, END
from labutils.course.check import name_of
from labutils.course.exercises import EXERCISES, POINTS
from labutils.errors import LabError, NotebookError, ParameterError, StoreError

if TYPE_CHECKING:
    from labutils.frames import Table
    from labutils.runs.run import Run

ANSWER_POINTS = 3
"""Points for an answer in prose, given by a person."""
NO_POINTS = """### BEGIN HIDDEN TESTS
0.0  # until nbgrader_config.py puts in its place what a check in a process of its own gives
### END HIDDEN TESTS"""
"""nbgrader takes the last line's value as the points: what a hand-in has put in place of the check is never asked."""

NAMES = Path(__file__).with_name("class_names.json")
"""What the classes are called; the regions are those that the phantoms draw, for other images the file is changed."""
CONFIG = f'''"""nbgrader's configuration of this course; made by `labutils course`, yours to change."""

from functools import partial

from labutils.course.grading import give_points

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "labutils"
# Seconds a cell may take: the stored runs are read in a few, drawing the phantoms the first time takes longer.
c.ExecutePreprocessor.timeout = 300
c.ClearSolutions.code_stub = {{"python": "{cells.PLACEHOLDER}"}}
c.ClearSolutions.text_stub = "{cells.ANSWER}"
# Points come from checks in a process of their own, once a hand-in was executed. The number, with the student's name,
# decides the hidden inputs: keep it to yourself.
c.Autograde.autograde_preprocessors.insert(1, partial(give_points, seed=SEED))
# What a hand-in after the due date costs: "none", or "zero" for all its points.
c.LateSubmissionPlugin.penalty_method = "none"
'''


def make_course(folder: Path, tasks: Iterable[str] = (), choices: bool = False, seed: int | None = None) -> list[str]:
    """Write a course folder, and say in lines what was written; source notebooks that are there stay as they are.

    The notebooks of `tasks` are handed out; all of them unless some are named. With `choices` the predictions are
    graded too, a point each. `seed` decides the hidden inputs of a new course; nobody knows it unless it is given. A
    NotebookError says that there is no such notebook, a StoreError that the folder holds something else, or cannot be
    written to.
    """
    import nbformat

    sources = [lab.find_notebook(task) for task in (list(tasks) or lab.all_tasks())]
    config = folder / "nbgrader_config.py"
    if folder.exists() and any(folder.iterdir()) and not config.exists():
        raise StoreError(f"{paths.shown(folder)} holds something else. Give a new or an empty folder.")
    lines = []
    try:
        (folder / "source").mkdir(parents=True, exist_ok=True)
        if not config.exists():
            seed = secrets.randbelow(2**31) if seed is None else seed
            config.write_text(CONFIG.replace("seed=SEED", f"seed={seed}"), encoding="utf-8")
        elif "give_points" not in config.read_text(encoding="utf-8"):
            lines.append(f"{config.name} gives no points for exercises; remove it to have it made again.")
        elif seed is not None:
            lines.append(f"{config.name}: left as it is; remove it to have it made again, with another seed.")
        for source in sources:
            target = folder / "source" / source.stem / source.name
            if target.exists():
                lines.append(f"{source.stem}: left as it is; remove {paths.shown(target)} to have it made again.")
                continue
            notebook = assignment(cells.read(source), choices=choices)
            target.parent.mkdir(exist_ok=True)
            nbformat.write(notebook, target)
            lines.append(f"{source.stem}: {_points_in_words(notebook)}.")
    except OSError as error:
        raise StoreError(f"{paths.shown(folder)} cannot be written to ({error.strerror}).") from None
    return lines


def assignment(notebook: Any, *, choices: bool = False) -> Any:
    """A notebook as nbgrader's source: no pairing, no outputs, the cells of a course with nbgrader's metadata.

    A NotebookError says that a check is of no exercise.
    """
    from nbformat.v4 import new_code_cell

    made = cells.bare(notebook)
    reference = cells.reference_answer(notebook) or "See the reference answer."
    names = {function: name for name, function in map(_checked, made.cells) if name in EXERCISES}
    given, made.cells, tests, answers = [c for c in made.cells if cells.REFERENCE_CALL not in c.source], [], [], 0
    for cell in given:
        made.cells.append(cell)
        what = cells.kind(cell)
        if what in ("exercise", "check"):
            written = re.search(r"^(?:def|class) (\w+)", cell.source, re.M)
            function = written[1] if written else _checked(cell)[1]
            if function not in names:
                first, known = cell.source.partition("\n")[0], ", ".join(EXERCISES)
                raise NotebookError(f"The cell that begins with {first!r} belongs to no exercise: {known}.")
            if what == "exercise":
                _mark(cell, f"exercise-{names[function]}", solution=True)
            else:
                call = f"check.{names[function]}({function})"
                cell.source = f"from labutils.course import check\n\n{call}.points\n{NO_POINTS}"
                _mark(cell, f"check-{names[function]}", points=POINTS)
        elif what == "answer":
            answers += 1
            cell.source = f"{BEGIN}\n{reference}\n{END}"  # nbgrader puts the words before an answer in its place
            _mark(cell, f"answer-{answers}", points=ANSWER_POINTS, solution=True)
        elif what == "predict" and choices and (asked := re.search(r'ask\(\s*"(\w+)",\s*(\d+)', cell.source)):
            task, number = asked.groups()
            choice = new_code_cell(f'choice_{number} = None  # what you commit to: "a", "b", ...\n{BEGIN}\n{END}')
            made.cells.append(_mark(choice, f"choice-{number}", solution=True))
            call = f'course.grade_choice("{task}", {number}, choice_{number})'
            test = new_code_cell(f"from labutils import course\n\n{call}.points\n{NO_POINTS}")
            tests.append(_mark(test, f"check-choice-{number}", points=1))
    made.cells += tests
    return made


def _checked(cell: Any) -> tuple[str, str]:
    """The exercise that a cell checks, and the function that it gives to the check; empty if it checks nothing."""
    found = re.search(r"\bcheck\.(\w+)\((\w+)", cell.source) if cells.kind(cell) == "check" else None
    if found is None:
        return "", ""
    return (name_of(found[2]) if found[1] == "exercise" else found[1]), found[2]


def _mark(cell: Any, grade_id: str, *, points: int = 0, solution: bool = False) -> Any:
    """The cell with nbgrader's metadata; one that gives points and is no solution is a locked test."""
    cell.metadata["nbgrader"] = {
        "grade": points > 0,
        "grade_id": grade_id,
        "locked": points > 0 and not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
        **({"points": points} if points else {}),
    }
    return cell


def _points_in_words(notebook: Any) -> str:
    marks = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    graded = {mark["grade_id"]: mark["points"] for mark in marks if mark.get("grade")}
    told = ", ".join(f"{name} {points}" for name, points in graded.items())
    return f"{sum(graded.values())} points ({told})" if graded else "nothing to grade"


class Grade(NamedTuple):
    """Points, and a sentence for every one that was lost."""

    points: float
    most: float
    reasons: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no point was lost."""
        return self.points == self.most

    def __repr__(self) -> str:
        return f"{self.points:g} of {self.most:g} points" + "".join(f"; {reason}" for reason in self.reasons)


def grade_choice(task: str, number: int, choice: str | None, runs: Mapping[str, Run] | None = None) -> Grade:
    """One point if a choice, given by its text or as a, b, c, d, is what the runs show.

    They are the lab's stored ones unless given. A ParameterError says that there is no such question.
    """
    from labutils.course.questions import find_question, plainly_named

    question = find_question(task, number)
    found = question.answer(plainly_named(task, runs))
    if found is None:
        return Grade(0, 1, ("the runs that answer the question are missing",))
    choices = list(question.choices)
    given = dict(zip("abcd", choices, strict=False)).get(str(choice).strip().lower(), choice)
    if given in choices and found.accepts(choices.index(str(given))):
        return Grade(1, 1)
    return Grade(0, 1, (f"{found.in_words(choices)} {found.because}",))


def grade_run(run: Run, accuracy_band: tuple[float, float], settings: Mapping[str, Any], repeat: bool = True) -> Grade:
    """Grade a run that a student has trained, by what cannot depend on the machine it was trained on.

    One point each: the settings asked for, a best validation accuracy within a band, a provenance that fits the
    epochs, and, if `repeat`, a first epoch that comes out the same when it is trained again.

    Parameters
    ----------
    run : Run
    accuracy_band : (float, float)
        Lowest and highest best validation accuracy that are accepted. Never a number: training is noisy.
    settings : mapping
        Settings of `RunConfig` that were asked for; the others are free. `epochs` is the least that is asked for.
    repeat : bool
        Train the first epoch again (`training.verify`); takes as long as that epoch.
    """
    (low, high), best = accuracy_band, float(run.history["val_accuracy"].max())
    outside = "" if low <= best <= high else f"best accuracy {best:.3f}, expected {low:g} to {high:g}"
    got = {name: getattr(run.config, name, None) for name in settings} | {"epochs": run.epochs}
    others = (
        f"{name} is {got[name]}, and {wanted} was asked for"
        for name, wanted in settings.items()
        if (got[name] < wanted if name == "epochs" else got[name] != wanted)
    )
    problems = [next(others, ""), outside, _no_provenance(run), *([_not_repeated(run)] if repeat else [])]
    return Grade(problems.count(""), len(problems), tuple(filter(None, problems)))


def _no_provenance(run: Run) -> str:
    starts = [stretch.get("first_epoch") for stretch in run.provenance.get("stretches", [])]
    if not starts or starts[0] != 1 or starts != sorted(starts) or starts[-1] > run.epochs:
        return "its provenance does not tell where its epochs come from"
    return "" if run.provenance.get("fingerprint") else "its provenance does not tell which images it saw"


def _not_repeated(run: Run) -> str:
    from labutils.training.verify import verify

    try:
        verification = verify(run)
    except (LabError, ValueError) as error:
        return f"its first epoch cannot be repeated here: {error}"
    return "" if verification.passed else "its first epoch, trained again, gives something else"


def class_name(code: str, language: str = "en") -> str:
    """What a class is called in words; the code itself without a name. ParameterError: no such language.

    >>> class_name("C6"), class_name("C6", "de")
    ('lumbar spine', 'Lendenwirbelsäule')
    """
    names = json.loads(NAMES.read_text(encoding="utf-8"))
    if language not in names:
        raise ParameterError(f"{NAMES.name} has no language {language!r}; there are {', '.join(names)}.")
    return str(names[language].get(code, code))


def names_table(codes: Iterable[str], language: str = "en") -> Table:
    """A row for each class: its code and what it is called."""
    from labutils.evaluate.tables import as_table

    return as_table({code: {"shows": class_name(code, language)} for code in codes}, "class")
