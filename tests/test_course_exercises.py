"""Exercises and their checks: what is right passes, mistakes are named, and nothing a student writes crashes."""

import threading
from itertools import repeat

import numpy as np
import pytest
from course_helpers import CELLS, exercise_cells, solution, written

from labutils import lab
from labutils.course import check
from labutils.course.cells import BEGIN, END, PLACEHOLDER, without_solution
from labutils.course.checking import SEED, inputs, run_check
from labutils.course.exercises import EXERCISES, POINTS, of_task
from labutils.course.exercises.built import LEARN

NAMES = [name for name in EXERCISES if name not in LEARN]
"""Those that build a network are in `test_course_exercises_built`."""
MISTAKES = [(name, mistake) for name in NAMES for mistake in EXERCISES[name].mistakes]


def test_every_notebook_has_its_exercises():
    assert list(exercise_cells()) == [(exercise.name, exercise.task) for exercise in EXERCISES.values()]
    assert [task for task in lab.TITLES if not of_task(task)] == []
    for exercise in EXERCISES.values():
        assert len(exercise.cases(np.random.default_rng(0))) >= 3 <= len(exercise.mistakes)
        source, checked = CELLS[exercise.name]
        assert 4 <= len(without_solution(source).splitlines()) <= 18 and checked.startswith("check.exercise(")
    assert dir(check) == sorted(EXERCISES)
    assert check.dropout.__doc__ == "Task 5A: a dropout layer." and not hasattr(check, "nothing")


@pytest.mark.parametrize("name", NAMES)
def test_the_cell_of_a_notebook_is_a_stub_and_a_solution(name):
    source, checked = CELLS[name]
    stub = without_solution(source)
    assert source.count(BEGIN) == source.count(END) == stub.count(PLACEHOLDER) >= 1 and BEGIN not in stub
    assert max(map(len, source.splitlines())) <= 120
    for part in source.split(BEGIN)[1:]:
        for line in filter(None, map(str.strip, part.split(END)[0].splitlines())):
            assert line not in stub, "the stub gives a line of the solution away"
    for seed in range(5):
        result = run_check(name, written(solution(name), checked), seed=seed)
        assert result.passed and result.points == POINTS, result.text
    result = run_check(name, written(stub, checked))
    assert result.text == f"{name}: not written yet." and result.points == 0 and not result.passed


@pytest.mark.parametrize(("name", "mistake"), MISTAKES, ids=[f"{n}: {m.name}" for n, m in MISTAKES])
def test_a_mistake_is_recognised_by_name(name, mistake):
    for seed in range(3):
        result = run_check(name, mistake.wrong, seed=seed)
        assert result.mistake == mistake.name and not result.passed, result.text
        assert f"This looks like: {mistake.name}. {mistake.hint}" in result.text
    lines = [line.strip() for line in solution(name).splitlines() if "return" in line or "=" in line]
    assert not any(line in mistake.hint for line in lines), "the hint gives the answer"


# As students write them: mistakes that are in no list in these words, and two at once.


def slow_and_squared(x, mean, variance, training, momentum, epsilon):
    now, spread = (x.mean((0, 1, 2)), x.var((0, 1, 2))) if training else (mean, variance)
    moved = ((1 - momentum) * mean + momentum * now, (1 - momentum) * variance + momentum * spread)
    return (x - now) / (spread + epsilon), *(moved if training else (mean, variance))


def stretched(image, low, high):
    scaled = (image - low) / (high - low)
    return scaled, scaled[:, ::-1], scaled[::-1]


def only_the_first_clipped(image, low, high):
    first, *others = stretched(image, low, high)
    yield from (np.clip(first, 0, 1), *others)


def clipped_below_and_turned(image, low, high):
    first, left_right, top_bottom = (np.maximum(one, 0) for one in stretched(image, low, high))
    yield from (first, top_bottom, left_right)


def plain_at_95(successes, n, z):
    p, z = successes / n, 1.96
    return p - z * (p * (1 - p) / n) ** 0.5, p + z * (p * (1 - p) / n) ** 0.5


AS_WRITTEN = {
    stretched: ("versions", ["not cut off"], "This looks like: "),
    clipped_below_and_turned: (
        "versions",
        ["cut off at one end only", "the two flips exchanged"],
        "two mistakes at once: ",
    ),
    slow_and_squared: ("batch_norm", ["divided by the variance", "momentum turned around"], "two mistakes at once: "),
    plain_at_95: ("wilson", ["the plain interval", "z fixed at 1.96"], "two mistakes at once: "),
    only_the_first_clipped: ("versions", ["not cut off"], "A part of it looks like: "),
}


@pytest.mark.parametrize("function", list(AS_WRITTEN), ids=lambda function: function.__name__)
def test_mistakes_as_students_make_them(function):
    name, mistakes, words = AS_WRITTEN[function]
    hints = {mistake.name: mistake.hint for mistake in EXERCISES[name].mistakes}
    for seed in range(3):
        result = run_check(name, function, seed=seed)
        assert sorted(result.mistakes) == mistakes and words in result.text, result.text
        assert all(f"{mistake}. {hints[mistake]}" in result.text for mistake in mistakes)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_wrong_in_another_way_is_called_nothing(name):
    result = run_check(name, lambda *arguments: 0.123)
    assert not result.passed and result.mistakes == () and "looks like" not in result.text


# Hidden inputs.


def given(name, seed):
    """The arguments of an exercise's inputs, as text."""
    return {
        repr([np.asarray(one).tolist() for one in case.arguments.values()]) for case in inputs(EXERCISES[name], seed)
    }


@pytest.mark.parametrize("name", NAMES)
def test_no_hidden_input_is_a_visible_one(name):
    """A table of the answers that can be seen is an empty hand-in, whatever the seed."""
    for seed in [*range(1, 31), *([20, student] for student in range(30))]:
        assert len(hidden := given(name, seed)) >= 3 and hidden.isdisjoint(given(name, SEED))


# What else is right: loops, other types, another way.


def tuple_norm(x, mean, variance, training, momentum, epsilon):
    flat = x.astype(np.float32).reshape(-1, x.shape[-1])
    now, spread = (flat.mean(0), flat.var(0)) if training else (mean, variance)
    moved = [old + (1 - momentum) * (new - old) for old, new in ((mean, now), (variance, spread))]
    return [(x - now) * (spread + epsilon) ** -0.5, *moved]


def backwards(val_loss, climb):
    limit, epoch = min(val_loss) + climb, len(val_loss)
    if val_loss[-1] <= limit:
        return None
    while val_loss[epoch - 2] > limit:
        epoch -= 1
    return np.int64(epoch)


VARIANTS = {
    "dropout": lambda x, rate, draws, training: [
        [(value / (1 - rate) if u >= rate else 0.0) if training else value for value, u in zip(*pair, strict=True)]
        for pair in zip(x, draws, strict=True)
    ],
    "batch_norm": tuple_norm,
    "overfitting_epoch": backwards,
    "versions": lambda *given: [np.minimum(np.maximum(one, 0), 1) for one in stretched(*given)],
    "receptive_field": lambda layers: np.array(
        1 + sum((w - 1) * int(np.prod([s for _, s in layers[:i]])) for i, (w, _) in enumerate(layers))
    ),
}


@pytest.mark.parametrize("name", list(VARIANTS))
def test_other_right_ways_pass(name):
    assert run_check(name, VARIANTS[name]).passed, run_check(name, VARIANTS[name]).text


def test_libraries_agree_with_the_references():
    import keras
    from scipy.stats import binomtest

    low, high = binomtest(170, 200).proportion_ci(method="wilson")
    assert EXERCISES["wilson"](170, 200, 1.96) == pytest.approx((low, high), abs=1e-4)
    assert EXERCISES["mcnemar"](12, 4) == pytest.approx(binomtest(4, 16).pvalue)
    layer = keras.layers.BatchNormalization(momentum=0.9, center=False, scale=False)
    x = np.random.default_rng(0).normal(1, 2, (4, 3, 3, 2)).astype(np.float32)
    y = np.asarray(layer(x, training=True))
    ours = EXERCISES["batch_norm"](x, np.zeros(2), np.ones(2), True, 0.9, 1e-3)
    for one, other in zip((y, layer.moving_mean, layer.moving_variance), ours, strict=True):
        assert np.asarray(one) == pytest.approx(np.asarray(other), abs=1e-4)


# Whatever is written, a sentence comes of it.

LOOP = "def f(*a):\n    while True:\n        pass"
LOOPS = (LOOP, LOOP.replace("pass", "try:\n            sum(range(9))\n        except:\n            pass"))


@pytest.mark.parametrize("loop", LOOPS, ids=["plain", "catches everything"])
def test_a_loop_that_never_ends_is_ended_after_the_time_of_its_exercise(loop, monkeypatch):
    assert {exercise.limit for exercise in EXERCISES.values()} == {5.0, 60.0}
    monkeypatch.setattr(EXERCISES["mcnemar"], "limit", 0.2)
    before = threading.active_count()
    result = run_check("mcnemar", written(loop))
    assert "did not end within 0.2 seconds" in result.text and result.points == 0
    assert threading.active_count() == before


SENTENCES = {
    "def f(a, b):\n    x = a\n    return x / 0": "ZeroDivisionError: division by zero in line 3 of your function",
    "def f(a):\n    return a": "raised TypeError",
    "def f(a, b):\n    import sys\n    sys.exit(3)": "raised SystemExit",
    "def f(a, b):\n    raise KeyboardInterrupt": "raised KeyboardInterrupt",
    "def f(a, b):\n    return f(a, b)": "raised RecursionError",
    "def f(a, b):\n    return 'p'": "it gave a str, and a float was expected",
    "def f(a, b):\n    return float('nan')": "it holds nan",
    "def f(a, b):\n    return [0.1, 0.2]": "its shape is (2,), and () was expected",
    "def f(a, b):\n    return [[1], [1, 2]]": "a list that is no array",
    "def f(a, b):\n    return True": "it gave a bool",
    "def f(a, b):\n    return 1j": "it gave a complex",
    "def f(a, b):\n    return object()": "it gave an object",
    "def f(a, b):\n    if a < 6:\n        return 0.5": "it gave nothing back",
    "f = 3": "is an int, not a function",
}


@pytest.mark.parametrize("source", list(SENTENCES))
def test_whatever_is_written_is_a_sentence(source):
    result = run_check("mcnemar", written(source))
    assert SENTENCES[source] in result.text and not result.passed


def in_place(x, rate, draws, training):
    if training:
        x[draws < rate] = 0
        x /= 1 - rate
    return x


@pytest.mark.parametrize(
    ("name", "function", "said"),
    [
        ("dropout", in_place, "it changes x itself"),
        ("dropout", lambda x, rate, draws, training: x[:1] if len(x) > 1 else x[..., :1], "its shape is"),
        ("versions", lambda image, low, high: repeat(image), "10 values, and 3 were expected"),
    ],
)
def test_what_is_not_comparable_is_said(name, function, said):
    assert said in run_check(name, function).text


def test_the_words_say_what_went_in_and_what_came_out_and_are_wrapped(capsys):
    result = check.receptive_field(lambda layers: 1 + sum(window - 1 for window, _ in layers), seed=0)
    text = capsys.readouterr().out
    assert text.split() == result.text.split() and "right for 3 of 5" in text
    parts = "given     layers = [(", "\n  got ", "\n  expected ", "This looks like: the stride forgotten."
    assert all(part in text for part in parts)
    result = check.receptive_field(EXERCISES["receptive_field"].reference)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1 and max(map(len, lines)) <= 90 and " ".join(lines) == result.text


def test_half_right_gives_part_of_the_points():
    result = run_check("mcnemar", lambda only_a, only_b: 1.0)
    assert (result.right, result.points, result.passed) == (2, 2.0, False)
    assert repr(result) == "2 of 4 points"
