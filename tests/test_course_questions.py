"""Questions: the words are compared, nothing is revealed before the student commits, what is right comes from runs."""

import dataclasses
import html
import json

import numpy as np
import pytest
from evaluate_helpers import make_run

from labutils import course, evaluate, lab, paths
from labutils.audit.against import CALLED, against_simple
from labutils.course import student
from labutils.course.ask import MISSING, THIS_SESSION, show
from labutils.course.questions import QUESTIONS, Found, Question, find_question
from labutils.errors import ParameterError, StoreError
from labutils.evaluate.sentences import sentence
from labutils.runs.store import find, lab_store
from labutils.tools.execution import read_script

CHOICES = {"one": "If it were one ...", "two": "As two is ..."}


@pytest.fixture(autouse=True)
def session():
    """A kernel that has just started."""
    THIS_SESSION.clear()


def ask(measure=lambda runs: Found(1, "Because 2 > 1."), *labels):
    show(Question("task1b", 1, "Which?", measure, CHOICES, labels), {})


def commit(widget, place):
    """What is revealed to a student who makes this choice."""
    widget._handle_custom_msg({"commit": place}, [])
    return widget.news.get("said")


def test_nothing_is_revealed_or_computed_before_a_choice_is_committed_to(shown, reader, capsys):
    ask(lambda runs: pytest.fail("computed before the student has committed"))
    still, widget = shown
    assert still["text/plain"] == "Predict: Which?\n  ( ) one\n  ( ) two"
    assert "Run this cell to answer." in still["text/html"] and "you said" not in still["text/html"]
    assert widget.news == {} and widget.data["choices"] == ["one", "two"]
    assert [commit(widget, nothing) for nothing in (None, -1, 2, "one")] == [None] * 4 and len(shown) == 2
    course.remind("task1b", 1)
    assert course.said("task1b", 1) == capsys.readouterr().out == ""


def test_without_a_reader_the_words_stand_alone(shown):
    ask()
    (still,) = shown
    assert list(still) == ["text/html", "text/plain"] and "Run this cell" not in still["text/html"]


ANSWERED = [
    (0, ["These runs show: two. Because 2 > 1.", "You chose: one. If it were one ..."]),
    (1, ["That is what these runs show. Because 2 > 1.", "As two is ..."]),
]


@pytest.mark.parametrize(("place", "lines"), ANSWERED)
def test_every_choice_gets_the_answer_and_its_sentence_and_a_notebook_keeps_them(shown, reader, capsys, place, lines):
    """The words beside the control are what is left of it when the notebook is opened again."""
    ask()
    chosen = list(CHOICES)[place]
    assert commit(shown[1], place) == lines and shown[1].news["chosen"] == place
    assert commit(shown[1], 1 - place) == lines, "committed is committed"
    course.remind("task1b", 1)
    assert course.said("task1b", 1) == chosen
    assert capsys.readouterr().out == f"Question 1, you said: {chosen}\n"
    *_, still = shown
    words = still["text/plain"].splitlines()
    assert words[1 + place] == f"  (x) {chosen}" and words[2 - place].startswith("  ( )") and words[3:] == lines
    assert all(html.escape(line) in still["text/html"] for line in lines)
    assert f"<b>{chosen}</b> (you said)" in still["text/html"] and "Run this" not in still["text/html"]


def test_missing_runs_and_errors_are_said(shown, reader):
    ask(lambda runs: pytest.fail("computed without its runs"), "lr 1e-4")
    assert commit(shown[-1], 0) == [MISSING]
    ask(lambda runs: 1 / 0)
    assert commit(shown[-1], 0) == ["ZeroDivisionError: division by zero"]


def test_a_choice_is_kept_with_what_the_runs_said_and_shown_again(shown, reader, students_folder):
    ask()
    commit(shown[1], 0)
    kept = json.loads((students_folder / "answers.json").read_text(encoding="utf-8"))
    answer = {"question": "Which?", "choice": "one", "runs": ANSWERED[0][1][0]}
    assert kept == {"choices": {"task1b-1": answer}}
    assert [file.name for file in students_folder.iterdir() if file.name[0] != "."] == ["answers.json"], "no lock file"
    THIS_SESSION.clear()
    ask()
    *_, still, widget = shown
    assert widget.news == {"chosen": 0, "said": ANSWERED[0][1]}
    assert "(you said)" in still["text/html"] and course.said("task1b", 1) == "one"


def test_answers_that_cannot_be_read_are_a_sentence(students_folder):
    (students_folder / "answers.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="rename it"):
        student.answers("choices")


def test_two_questions_in_every_notebook():
    assert sorted(QUESTIONS) == sorted((task, number) for task in lab.TITLES for number in (1, 2))
    for question in QUESTIONS.values():
        feedback = list(question.choices.values())
        assert len(set(feedback)) == len(feedback) >= 2 and all(sentence.endswith(".") for sentence in feedback)
        assert set(question.needs) <= set(lab.runs(question.task)), question.text
    with pytest.raises(ParameterError, match="no question 3"):
        find_question("task1b", 3)


def made(task, epochs, **told):
    """Made-up runs of a task; what `make_run` is told is the same for all of them, or a tuple with one for each."""
    runs = {}
    for place, (label, config) in enumerate(lab.runs(task).items()):
        own = {name: value[place] if isinstance(value, tuple) else value for name, value in told.items()}
        runs[label] = make_run(config.with_(epochs=epochs), **own)
    return runs


@pytest.mark.parametrize("key", list(QUESTIONS), ids=lambda key: f"{key[0]} {key[1]}")
def test_the_answer_comes_from_the_runs(key):
    question, shape = QUESTIONS[key], (len(lab.runs(key[0])), 12)
    assert (question.answer({}) is None) == bool(question.needs)
    for rng in map(np.random.default_rng, range(6)):
        curves = np.sort(rng.uniform(0.5, 1, shape)), rng.uniform(0.05, 0.7, shape)
        wrong, accuracy, loss = map(tuple, (rng.integers(5, 90, shape).tolist(), *curves))
        found = question.answer(made(key[0], 12, wrong=wrong, accuracy=accuracy, loss=loss))
        if key == ("task1b", 2):  # what simple models make of these images is not known
            assert found is None
            continue
        assert 0 <= found.choice < len(question.choices) and found.because.endswith(".")
        assert found.accepts(found.choice) and all(found.accepts(i) for i in found.equal)


def test_networks_against_simple_numbers_as_the_exam_finds():
    question, stored = QUESTIONS["task1b", 2], find(lab.runs("task1b"), among=lab_store())
    [finding] = against_simple(stored).findings
    found = question.answer(stored)
    assert found.choice == {"wins": 0, "loses": 1}.get(CALLED[finding.word], 2)
    assert found.because == f"{finding.evidence}."


@pytest.mark.parametrize("key", [("task1b", 1), ("task6a", 1)])
def test_another_outcome_is_another_answer(key):
    """The run that gets its errors down first is the answer, whichever it is."""
    for number, first in enumerate(QUESTIONS[key].needs):
        wrong = tuple([90, 80, 20, 60] if label == first else [90, 80, 60, 20] for label in lab.runs(key[0]))
        assert QUESTIONS[key].answer(made(key[0], 4, wrong=wrong)).choice == number


@pytest.mark.parametrize("key", [("task2", 1), ("task5b", 2), ("task6a", 2)], ids=lambda key: key[0])
def test_gaps_are_those_of_the_table(key):
    accuracy = tuple(np.full(12, 0.8 - 0.05 * number) for number in range(len(lab.runs(key[0]))))
    runs = made(key[0], 12, wrong=40, accuracy=accuracy)
    for number, (label, run) in enumerate(runs.items()):
        like_validation = {"fixed_accuracy": np.full(12, 0.85 + 0.03 * number)}
        runs[label] = dataclasses.replace(run, history=run.history | like_validation)
    gaps = evaluate.gap_table(runs)["gap [95 % interval]"]
    found = QUESTIONS[key].answer(runs)
    assert all(gaps[label].split()[0] in found.because for label in QUESTIONS[key].needs)


def test_a_tie_accepts_both():
    found = QUESTIONS["task1e", 2].answer(made("task1e", 3, wrong=[90, 20, 30]))
    assert all(found.accepts(i) for i in range(3))
    assert found.in_words(("a", "b", "c")) == "These runs show: a, and as much b, and as much c."


RISES, CALM, OPEN = ([0.8] * 30 + [end] * 20 for end in (0.97, 0.8, 0.9))


@pytest.mark.parametrize(
    ("plain", "dropped", "right"),
    [(RISES, CALM, [0]), (RISES, RISES, [1]), (CALM, CALM, [2]), (CALM, RISES, [3]), (OPEN, CALM, [0, 2])],
    ids=["only without", "both", "neither", "only with", "one cannot be told"],
)
def test_who_over_fits_is_what_the_sentence_finds(plain, dropped, right):
    """The table, the sentence and the question speak of one finding; where it is open, either choice is right."""
    runs = made("task5a", 50, wrong=40, confidence=(plain, dropped))
    found = QUESTIONS["task5a", 2].answer(runs)
    assert [i for i in range(4) if found.accepts(i)] == right
    said = sentence("over-fitting", [runs["no dropout"]])[0].text
    assert ("cannot be told" in said) == ("no dropout: cannot be told" in found.because)


def test_a_question_about_one_epoch_or_a_lost_loss_has_an_answer():
    found = QUESTIONS["task5a", 2].answer(made("task5a", 1))
    assert all(found.accepts(i) for i in range(4)) and "too few epochs: 1" in found.because
    late = make_run(lab.runs("task5d")["batch norm"], wrong=40, confidence=[0.8] * 100 + [0.97] * 50)
    found = QUESTIONS["task5d", 1].answer({"batch norm": late})
    assert found.choice == 1 and "smoothed, from epoch 97 on" in found.because
    runs = made("task1b", 4)
    lost = runs["lr 1e-4"].history | {"val_loss": np.array([0.3, np.nan, np.nan, np.nan])}
    runs["lr 1e-4"] = dataclasses.replace(runs["lr 1e-4"], history=lost)
    assert "lr 1e-4: epoch 1" in QUESTIONS["task1b", 1].answer(runs).because


def test_what_is_shown_as_equal_is_equal():
    """No student can tell 0.1561 from 0.1564 in three decimals, and .865 and .855 are one point apart."""
    found = QUESTIONS["task2", 2].answer(made("task2", 2, wrong=0, confidence=(0.8, 0.85, 0.9, 0.90002)))
    assert [found.accepts(i) for i in range(4)] == [False, False, True, True]
    assert QUESTIONS["task6b", 1].answer(made("task6b", 2, wrong=(27, 29))).choice == 2


def test_grading_a_choice():
    runs = made("task4", 2, wrong=[60, 30])
    for choice, given, points, reason in (
        ("c", runs, 1, ""),
        ("0.89", runs, 1, ""),
        ("a", runs, 0, "0.89"),
        (None, runs, 0, "0.89"),
        ("c", {}, 0, "missing"),
    ):
        grade = course.grade_choice("task4", 1, choice, given)
        assert grade.points == points and reason in "".join(grade.reasons) and grade.passed == bool(points)


def test_ask_is_one_line(shown, reader):
    course.ask("task7", 1)
    still, widget = shown
    assert still["text/plain"].startswith("Predict: A picture is flipped")
    assert commit(widget, widget.data["choices"].index("by 180 degrees"))[0].startswith("That is what these runs show.")


@pytest.mark.parametrize("task", sorted(lab.TITLES))
def test_every_question_stands_before_the_cell_that_reveals_it(task):
    """A question has the tag `revealed-by-NAME`; the one cell that shows its answer has the tag NAME."""
    cells = read_script(paths.notebooks_dir() / f"{task}.py").cells
    tags = [cell.metadata.get("tags", []) for cell in cells]
    asked = [place for place, cell in enumerate(cells) if "course.ask(" in cell.source]
    assert len(asked) == 2
    for place in asked:
        [name] = [tag.removeprefix("revealed-by-") for tag in tags[place] if tag.startswith("revealed-by-")]
        [answer] = [i for i, own in enumerate(tags) if name in own]
        assert answer > place, f"{cells[place].source} stands after {name}"
