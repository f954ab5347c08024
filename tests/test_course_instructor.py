"""An instructor's course: hand-outs, grading in a process of its own, nbgrader's commands, runs, names of classes."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from course_helpers import CELLS, SECRET, small_notebook, solution
from evaluate_helpers import make_run
from nbformat.v4 import new_code_cell, new_output

from labutils import lab, paths
from labutils.course import cells, grade_choice, grading
from labutils.course.cells import ANSWER, BEGIN
from labutils.course.exercises import EXERCISES, POINTS
from labutils.course.grading import fresh_check, give_points
from labutils.course.instructor import ANSWER_POINTS, NAMES, assignment, class_name, grade_run, make_course, names_table
from labutils.course.reading import touched
from labutils.data.layouts import DATASETS
from labutils.errors import NotebookError, ParameterError, StoreError
from labutils.tools.cli import main
from labutils.tools.execution import read_script


def marks(notebook):
    return {cell.metadata["nbgrader"]["grade_id"]: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


def test_cells_carry_what_nbgrader_reads():
    notebook = small_notebook()
    notebook.cells.append(new_code_cell('course.reference("task3")'))
    assert "course.reference" in cells.students_version(notebook).cells[-1].source, "a self-learner's copy has it"
    made = assignment(notebook)
    assert not set(made.metadata) & {"jupytext", "labutils"} and not any(cell.get("outputs") for cell in made.cells)
    assert not any("course.reference" in cell.source for cell in made.cells)
    found = marks(made)
    told = {name: cell.metadata["nbgrader"] for name, cell in found.items()}
    kinds = {name: [one.get(key) for key in ("grade", "solution", "locked", "points")] for name, one in told.items()}
    assert kinds == {
        "exercise-mcnemar": [False, True, False, None],
        "check-mcnemar": [True, False, True, POINTS],
        "answer-1": [True, True, False, ANSWER_POINTS],
    }
    assert all(one["schema_version"] == 3 for one in told.values())
    assert [SECRET in cell.source for cell in made.cells].count(True) == 1, "the reference answer is the solution"
    assert SECRET in found["answer-1"].source
    check = found["check-mcnemar"].source
    assert "check.mcnemar(mcnemar).points" in check and "seed" not in check
    assert check.splitlines()[-2].startswith("0.0 "), "without the step that grades there are no points"
    chosen = marks(assignment(notebook, choices=True))
    assert set(chosen) - set(found) == {"choice-1", "check-choice-1"}
    assert chosen["check-choice-1"].metadata["nbgrader"]["points"] == 1
    for name in ("choice-1", "check-choice-1"):
        compile(chosen[name].source, "cell", "exec")


def test_a_check_of_nothing_is_a_sentence():
    notebook = small_notebook()
    notebook.cells[5].source = "check.unknown(unknown)"
    with pytest.raises(NotebookError, match="belongs to no exercise"):
        assignment(notebook)


def test_a_function_may_have_another_name_than_its_exercise():
    """So that it takes no parameter's name: `dropout_forward` in Task 5A."""
    found = marks(assignment(read_script(paths.notebooks_dir() / "task5a.py")))
    assert list(found) == ["exercise-dropout", "check-dropout", "answer-1"]
    assert "check.dropout(dropout_forward).points" in found["check-dropout"].source


def test_the_folder(notebooks, tmp_path):
    folder, config = tmp_path / "course", tmp_path / "course" / "nbgrader_config.py"
    for name, more, said in (
        ("course", (), "7 points (check-mcnemar 4, answer-1 3)"),
        ("other", ("--choices", "--seed", "7"), "8 points (check-mcnemar 4, answer-1 3, check-choice-1 1)"),
        ("third", (), "7 points (check-mcnemar 4, answer-1 3)"),
    ):
        outcome = CliRunner().invoke(main, ["course", str(tmp_path / name), "task3", *more])
        assert outcome.output == f"task3: {said}.\n"
    seeds = {re.search(r"seed=(\d+)", file.read_text(encoding="utf-8"))[1] for file in tmp_path.glob("*/*_config.py")}
    assert len(seeds) == 3 and "7" in seeds, "nobody knows the seed of a course unless it is given"
    made = folder / "source" / "task3" / "task3.ipynb"
    before = made.read_bytes()
    assert "left as it is" in make_course(folder, ["3"])[0] and made.read_bytes() == before
    assert make_course(folder, ["3"], seed=7)[0].startswith("nbgrader_config.py: left as it is")
    config.write_text("c = get_config()", encoding="utf-8")
    assert make_course(folder, ["3"])[0].startswith("nbgrader_config.py gives no points for exercises")
    with pytest.raises(NotebookError):
        make_course(folder, ["task99"])
    with pytest.raises(StoreError, match="something else"):
        make_course(notebooks)


def test_the_labs_notebooks_can_be_handed_out(tmp_path):
    lines = make_course(tmp_path / "course")
    assert len(lines) == len(lab.TITLES) and all("points" in line for line in lines)
    for source in (tmp_path / "course" / "source").glob("*/*.ipynb"):
        nbformat.validate(nbformat.read(source, as_version=4))


# Grading: replaced checks get nothing, copies and commonest mistakes are named.


def handed_in(written, *cells, choice=None):
    """A hand-in as nbgrader has executed it, and whatever it wrote, its kernel has shown full points."""
    notebook = assignment(small_notebook(), choices=choice is not None)
    notebook.cells[1:1] = map(new_code_cell, cells)
    for name, cell in marks(notebook).items():
        if name.startswith("check-"):
            cell.outputs = [new_output("execute_result", {"text/plain": "4.0"})]
        else:
            cell.source = {"exercise-mcnemar": written, "choice-1": choice, "answer-1": ANSWER}[name]
    return notebook


def graded(notebook, student="1", seed=20):
    """The points and the text of its exercise, and the points of its prediction if it is asked."""
    give_points(notebook, {"nbgrader": {"student": student}}, seed=seed)
    outputs = [cell.outputs for name, cell in marks(notebook).items() if name.startswith("check-")]
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
    helper = "%matplotlib inline\nimport numpy as np\nfrom math import *\ndef logs(n, k): return log(comb(n, k))"
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


# With the real nbgrader: five hand-ins.

FAKE = """
import sys, types
sys.modules["labutils.course"] = types.SimpleNamespace(
    check=types.SimpleNamespace(mcnemar=lambda *a, **k: types.SimpleNamespace(points=4.0))
)
from IPython import get_ipython
get_ipython().display_formatter.format = lambda value, *a, **k: ({"text/plain": "4.0"}, {})
"""
HAND_INS = {"1": (SOLUTION, 4.0), "2": (WRONG, 1.3), "3": (None, 0.0), "4": (FAKE, 0.0)}
HAND_INS["5"] = HAND_INS["1"]
"""What each student, by number, wrote, and the points of it; the last one comes late."""


def nbgrader(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(paths.ROOT), "JUPYTER_CONFIG_DIR": str(folder / "none")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, f"nbgrader {' '.join(arguments)}:\n{done.stderr[-3000:]}"
    return done.stderr


@pytest.mark.skipif(find_spec("nbgrader") is None, reason="needs the extra instructor")
def test_from_hand_out_to_grades(notebooks, tmp_path):
    folder = tmp_path / "course"
    make_course(folder, ["task3"])
    nbgrader(folder, "generate_assignment", "task3")
    release = folder / "release" / "task3" / "task3.ipynb"
    text = release.read_text(encoding="utf-8")
    assert SECRET not in text and BEGIN not in text and "HIDDEN" not in text and "comb(n, k)" not in text
    assert "...  # your lines here" in text and text.count("*Your answer (double-click to write):*") == 1
    nbgrader(folder, "db", "assignment", "add", "task3", "--duedate", "2026-05-01 12:00:00 UTC")
    for student, (written, _) in HAND_INS.items():
        target = folder / "submitted" / student / "task3" / "task3.ipynb"
        target.parent.mkdir(parents=True)
        shutil.copy(release, target)
        notebook = nbformat.read(target, as_version=4)
        if written:
            marks(notebook)["exercise-mcnemar"].source = written
            nbformat.write(notebook, target)
        day = "2026-05-02" if student == "5" else "2026-04-30"
        (target.parent / "timestamp.txt").write_text(f"{day} 12:00:00 UTC\n", encoding="utf-8")
    nbgrader(folder, "autograde", "task3", "--create")
    nbgrader(folder, "generate_feedback", "task3")
    nbgrader(folder, "export", "--to", "grades.csv")
    with (folder / "grades.csv").open(encoding="utf-8", newline="") as handle:
        rows = {row["student_id"]: row for row in csv.DictReader(handle)}
    scores = {student: float(row["score"]) for student, row in rows.items()}
    assert scores == {student: points for student, (_, points) in HAND_INS.items()}
    assert all(float(row["max_score"]) == 4 + ANSWER_POINTS for row in rows.values())
    assert rows["5"]["timestamp"] > rows["5"]["duedate"] and rows["1"]["timestamp"] < rows["1"]["duedate"]
    feedback = (folder / "feedback" / "2" / "task3" / "task3.html").read_text(encoding="utf-8")
    assert "right for 1 of 3 inputs" in feedback
    seed = re.search(r"seed=(\d+)", (folder / "nbgrader_config.py").read_text(encoding="utf-8"))[1]
    assert "seed" not in re.sub(r"<style.*?</style>", "", feedback, flags=re.S) and seed not in feedback
    outcome = CliRunner().invoke(main, ["course", str(folder), "--summary"])
    assert "  mcnemar: 2 right, 2 wrong or in part, 1 not written.\n  4 touches what grades it: " in outcome.output
    assert outcome.output.endswith("  the same exercise-mcnemar: 1, 5.\n")


# A trained result: a band, the settings, where it comes from; never digits.


def own_run(**provenance):
    config = lab.runs("task1b")["lr 1e-5"].with_(epochs=3, learning_rate=1e-3)
    told = {"source": "phantom", "fingerprint": "01", "stretches": [{"first_epoch": 1}]}
    return replace(make_run(config, wrong=[60, 50, 40]), provenance={**told, **provenance})


def test_a_run_is_graded_by_band_settings_and_provenance():
    asked = {"learning_rate": 1e-3, "model": "vgg16", "epochs": 3}
    for run, band, settings, *reasons in (
        (own_run(), (0.7, 0.9), asked),
        (own_run(), (0.7, 0.9), {"epochs": 2}),  # more than asked for are fine
        (own_run(), (0.85, 0.9), asked, "best accuracy 0.800, expected 0.85 to 0.9"),
        (own_run(), (0.7, 0.9), {**asked, "dropout": 0.4}, "dropout is 0.0, and 0.4 was asked for"),
        (own_run(), (0.7, 0.9), {"epochs": 10}, "epochs is 3, and 10 was asked for"),
        (own_run(stretches=[]), (0.7, 0.9), asked, "its provenance does not tell where its epochs come from"),
        (
            own_run(stretches=[{"first_epoch": 9}]),
            (0, 1),
            {},
            "its provenance does not tell where its epochs come from",
        ),
        (own_run(fingerprint=""), (0.7, 0.9), asked, "its provenance does not tell which images it saw"),
    ):
        grade = grade_run(run, band, settings, repeat=False)
        assert (grade.points, grade.most, list(grade.reasons)) == (3 - len(reasons), 3, reasons)
        assert grade.passed == (not reasons)


def test_a_run_that_cannot_be_repeated_loses_a_point(monkeypatch):
    from labutils.training import verify

    for problem, points in (("", 4), ("other images", 3)):
        monkeypatch.setattr(verify, "verify", lambda run, said=problem: verify.Verification("x", problem=said))
        assert grade_run(own_run(), (0, 1), {}).points == points


# Names of classes: every class has one, in every language.


@pytest.mark.parametrize("language", list(json.loads(NAMES.read_text(encoding="utf-8"))))
def test_every_class_has_a_name_of_its_own(language):
    codes = [code for one in DATASETS.values() for code in one.words]
    names = [class_name(code, language) for code in codes]
    assert len(set(names)) == len(names) and not set(names) & set(codes)
    assert list(names_table(codes, language)["shows"]) == names


def test_the_regions_are_those_that_the_phantoms_draw():
    from labutils.phantoms.draw_xray import REGIONS

    for code, draw in REGIONS.items():
        assert draw.__name__ == f"draw_{class_name(code).removeprefix('lumbar ')}"


def test_a_class_or_a_language_without_names():
    assert class_name("C10") == "C10"
    with pytest.raises(ParameterError, match="no language 'xx'; there are en, de"):
        class_name("C1", "xx")
