"""Grading in a process of its own: replaced checks get nothing, copies and commonest mistakes are named."""

import nbformat
import pytest
from click.testing import CliRunner
from course_helpers import CELLS, small_notebook, solution
from nbformat.v4 import new_code_cell, new_output

from labutils import paths
from labutils.course import grade_choice, grading
from labutils.course.cells import ANSWER
from labutils.course.exercises import EXERCISES, POINTS
from labutils.course.grading import fresh_check, give_points
from labutils.course.instructor import assignment
from labutils.course.reading import touched
from labutils.tools.cli import main
from labutils.tools.execution import read_script


def handed_in(written, *cells, choice=None):
    """A hand-in as nbgrader has executed it, and whatever it wrote, its kernel has shown full points."""
    notebook = assignment(small_notebook(), choices=choice is not None)
    notebook.cells[1:1] = map(new_code_cell, cells)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if grade_id == "exercise-mcnemar":
            cell.source = written
        elif grade_id == "choice-1":
            cell.source = choice
        elif grade_id == "answer-1":
            cell.source = ANSWER
        elif grade_id.startswith("check-"):
            cell.outputs = [new_output("execute_result", {"text/plain": "4.0"})]
    return notebook


def graded(notebook, student="1", seed=20):
    """The points and the text of its exercise, and the points of its prediction if it is asked."""
    give_points(notebook, {"nbgrader": {"student": student}}, seed=seed)
    outputs = [cell.outputs for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("points", 9) in (1, 4)]
    return [(float(value.data["text/plain"]), text.text) for text, value in outputs]


SOLUTION = solution("mcnemar")
WRONG = "def mcnemar(only_a, only_b):\n    return 1.0\n"
EMPTY = "def mcnemar(only_a, only_b):\n    ...\n"
ATTACKS = {
    "the check, by its module": "import labutils.course.check as c\nc.mcnemar = lambda *a, **k: 4.0\n" + WRONG,
    "the check, as it was once called": "import labutils\nlabutils.check.mcnemar = print\n" + WRONG,
    "the check, by setattr": "from labutils.course import checking\nsetattr(checking, 'judge', print)\n" + WRONG,
    "a fake module": "import sys\nsys.modules['labutils.course.check'] = sys\n" + WRONG,
    "a property": (
        "def mcnemar(only_a, only_b):\n    from labutils.course.checking import Result\n"
        "    Result.points = property(lambda self: 4.0)\n    Result.passed = True\n"
    ),
    "the reference": (
        "from labutils.course.exercises import EXERCISES\nEXERCISES['mcnemar'].reference = lambda a, b: 7.0\n"
        "def mcnemar(only_a, only_b):\n    return 7.0\n"
    ),
}
"""What sets something of what grades it; and below, what gets nothing because it is never asked."""
SILENT = {
    "a fake module, built up": "import sys\nvars(sys)['modules'].update({'labutils.course.checking': sys})\n" + EMPTY,
    "a property, of whatever came": (
        "from labutils.course import check\nwhole = type(check.exercise(lambda a, b: 1))\n"
        "whole.points = whole.right = property(lambda self: 4)\n" + EMPTY
    ),
    "the comparison": (
        "import numpy\nnumpy.isclose = lambda *a, **k: numpy.array(True)\ndef mcnemar(a, b):\n    return -1.0"
    ),
    "the name": "class check:\n    mcnemar = print\n" + EMPTY,
    "an end": "import os\ndef mcnemar(only_a, only_b):\n    os._exit(0)\n",
    "a loop in C": "def mcnemar(only_a, only_b):\n    sum(iter(int, 1))\n",
}


@pytest.mark.parametrize("attack", [*ATTACKS, *SILENT])
def test_what_is_put_in_place_of_the_check_gets_nothing(attack, monkeypatch):
    monkeypatch.setattr(grading, "STARTING", 60.0 if attack != "a loop in C" else 1.0)
    monkeypatch.setattr(EXERCISES["mcnemar"], "limit", 0.1)  # of the time that the process has; there it is 5 seconds
    [(points, text)] = graded(handed_in((ATTACKS | SILENT)[attack]))
    assert points == 0 and ("No points: it sets " in text) == (attack in ATTACKS), text


def test_a_right_function_has_its_points_and_what_it_needs():
    """Imports, functions and plain values of other cells are there; what else they do is not done again."""
    own = SOLUTION.replace("comb(n, k)", "np.exp(LOG + logs(n, k))").replace("from math import comb", "LOG = 0")
    helper = (
        "%matplotlib inline\nimport numpy as np\nfrom math import comb, log\ndef logs(n, k): return log(comb(n, k))"
    )
    [(points, text)] = graded(handed_in(own, helper, "raise SystemExit"))
    assert points == 4 and "right for all 3 inputs" in text, text


@pytest.mark.parametrize("name", ["sensitivity_specificity", "dropout", "versions", "build_lenet", "mend_batches"])
def test_arrays_generators_and_networks_come_through(name):
    function = CELLS[name][1].removeprefix("check.exercise(").rstrip(")")
    result = fresh_check(name, function, ["import numpy as np", solution(name)], [20, 1])
    assert result.passed and result.points == POINTS, result.text


SAID = {
    "def mcnemar(a, b):\n    return {'p': a}": "it gave a dict, and a float was expected",
    "def mcnemar(a, b):\n    return 1j": "got       1j",
    "def mcnemar(a, b):\n    return [1.0, (None, 'p')]": "got       [1, (None, 'p')]",
    "def mcnemar(a, b):\n    x = 1\n    return x / 0": "ZeroDivisionError: division by zero in line 3 of your function",
    "mcnemar = 3": "mcnemar is an int, not a function",
    "def mcnemar(a, b:": "a cell before the check raised SyntaxError",
}


@pytest.mark.parametrize("source", list(SAID))
def test_what_is_said_is_what_the_notebook_says(source):
    result = fresh_check("mcnemar", "mcnemar", [source], 20)
    assert SAID[source] in result.text and result.points == 0


def test_hidden_inputs_are_a_students_own():
    texts = {graded(handed_in(WRONG), student, seed)[0][1] for student, seed in (("1", 20), ("2", 20), ("1", 21))}
    assert len(texts) == 3 and graded(handed_in(WRONG))[0][1] in texts


def test_a_prediction_is_read_and_not_run():
    letter = next(letter for letter in "abcd" if grade_choice("task7", 1, letter).passed)
    assert graded(handed_in(EMPTY, choice=f"choice_1 = {letter!r}"))[1][0] == 1
    assert graded(handed_in(EMPTY, choice="import sys\nchoice_1 = sys.exit()"))[1][0] == 0


@pytest.mark.parametrize("script", sorted(paths.notebooks_dir().glob("*.py")), ids=lambda file: file.stem)
def test_the_labs_own_notebooks_touch_nothing(script):
    assert touched(read_script(script)) == []


ONE_SIDED = (
    "def mcnemar(only_a, only_b):\n    from math import comb\n\n"
    "    return sum(comb(only_a + only_b, k) for k in range(min(only_a, only_b) + 1)) / 2 ** (only_a + only_b)\n"
)
CLASS = {
    "1": SOLUTION,
    "2": ONE_SIDED,
    "3": "# by myself\n" + ONE_SIDED.replace("    from", '    """Mine alone."""\n\n    from').replace(" + ", "+"),
    "4": ATTACKS["a property"],
    "5": WRONG,
    "6": "from labutils.course.exercises import EXERCISES\n\nmcnemar = EXERCISES['mcnemar']",
    "7": EMPTY.replace("...", "...  # your lines here"),
}


def test_a_class_in_some_lines(tmp_path):
    assert "no graded hand-ins: run" in CliRunner().invoke(main, ["course", str(tmp_path), "--summary"]).output
    for student, written in CLASS.items():
        notebook = handed_in(written)
        graded(notebook, student)
        file = tmp_path / "autograded" / student / "task3" / "task3.ipynb"
        file.parent.mkdir(parents=True)
        nbformat.write(notebook, file)
    outcome = CliRunner().invoke(main, ["course", str(tmp_path), "3", "--summary"])
    assert outcome.output.splitlines() == [
        "task3: 7 hand-ins.",
        "  mcnemar: 2 right, 3 wrong or in part, 2 not written. The commonest mistake: one-sided (2).",
        "  4 touches what grades it: sets labutils.course.checking.Result.passed, "
        "sets labutils.course.checking.Result.points, uses labutils.course.checking.",
        "  6 touches what grades it: uses labutils.course.exercises.",
        "  the same exercise-mcnemar: 2, 3.",
    ]
    for arguments in (["4"], ["99"], ["--seed", "3"]):
        outcome = CliRunner().invoke(main, ["course", str(tmp_path), "--summary", *arguments])
        assert outcome.exit_code == 2 and outcome.output.count("\n") <= 5
