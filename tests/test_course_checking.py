"""Checks of exercises: solutions and their variants pass, mistakes are named, and nothing a student writes crashes."""

import numpy as np
import pytest

from labutils.course import check
from labutils.course.checking import CHECKS, Case, call, run_check
from labutils.course.exercises import EXERCISES

NAMES = list(EXERCISES)
MISTAKES = [(name, mistake) for name in NAMES for mistake in CHECKS[name].mistakes]


def written(source, name):
    namespace = {}
    exec(compile(source, "exercise", "exec"), namespace)
    return namespace[name]


def test_every_exercise_has_a_check_and_a_function():
    assert set(EXERCISES) == set(CHECKS)
    assert all(callable(getattr(check, name)) for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_solution_passes_with_any_inputs(name):
    solution = written(EXERCISES[name].solution, name)
    for seed in range(5):
        result = run_check(name, solution, seed=seed)
        assert result.passed and result.points == EXERCISES[name].points, result.text


@pytest.mark.parametrize("name", NAMES)
def test_the_stub_is_not_written_yet(name):
    result = run_check(name, written(EXERCISES[name].stub, name))
    assert result.text == f"{name}: not written yet." and result.points == 0 and not result.passed


@pytest.mark.parametrize("name", NAMES)
def test_three_inputs_and_three_mistakes_at_least(name):
    assert len(CHECKS[name].cases(np.random.default_rng(0))) >= 3
    assert len(CHECKS[name].mistakes) >= 3


@pytest.mark.parametrize(("name", "mistake"), MISTAKES, ids=[f"{n}: {m.name}" for n, m in MISTAKES])
def test_a_mistake_is_recognised_by_name(name, mistake):
    for seed in range(3):
        result = run_check(name, mistake.wrong, seed=seed)
        assert not result.passed
        assert result.mistake == mistake.name, result.text
        assert f"This looks like: {mistake.name}. {mistake.hint}" in result.text


def test_hints_do_not_give_the_answer():
    for name, mistake in MISTAKES:
        lines = [line.strip() for line in EXERCISES[name].solution.splitlines() if "return" in line or "=" in line]
        assert not any(line in mistake.hint for line in lines if line)


# What else is right: loops, other types, another way.


def looped_dropout(x, rate, draws, training):
    out = [[0.0] * len(row) for row in x]
    for i, row in enumerate(x):
        for j, value in enumerate(row):
            if not training:
                out[i][j] = value
            elif draws[i][j] >= rate:
                out[i][j] = value / (1 - rate)
    return out


def tuple_norm(x, mean, variance, training, momentum, epsilon):
    x = x.astype(np.float32)
    if training:
        flat = x.reshape(-1, x.shape[-1])
        now, spread = flat.mean(0), flat.var(0)
        mean = mean + (1 - momentum) * (now - mean)
        variance = variance + (1 - momentum) * (spread - variance)
    else:
        now, spread = mean, variance
    return [(x - now) * (spread + epsilon) ** -0.5, mean, variance]


def looped_accuracies(truth, probabilities):
    right = entries = 0
    for label, row in zip(truth, probabilities, strict=True):
        right += int(max(range(len(row)), key=lambda i: row[i]) == label)
        entries += sum((p > 0.5) == (i == label) for i, p in enumerate(row))
    return np.float32(right / len(truth)), entries / probabilities.size


def backwards(val_loss, climb):
    limit, epoch = min(val_loss) + climb, len(val_loss)
    if val_loss[-1] <= limit:
        return None
    while val_loss[epoch - 2] > limit:
        epoch -= 1
    return np.int64(epoch)


def convolved(accuracy, val_accuracy, window):
    return list(np.convolve(np.subtract(accuracy, val_accuracy), np.ones(window) / window, "valid"))


def listed_versions(image, low, high):
    stretched = np.minimum(np.maximum((image - low) / (high - low), 0), 1)
    return [stretched, np.fliplr(stretched), np.flipud(stretched)]


VARIANTS = {
    "dropout": looped_dropout,
    "batch_norm": tuple_norm,
    "accuracies": looped_accuracies,
    "overfitting_epoch": backwards,
    "smoothed_gap": convolved,
    "versions": listed_versions,
    "drop_maps": lambda x, rate, draws: np.stack(
        [image * (d >= rate) / (1 - rate) for image, d in zip(x, draws, strict=True)]
    ),
    "layer_parameters": lambda inputs, outputs, window=None: float((inputs * (window or 1) ** 2 + 1) * outputs),
    "receptive_field": lambda layers: np.array(
        1 + sum((w - 1) * int(np.prod([s for _, s in layers[:i]])) for i, (w, _) in enumerate(layers))
    ),
}


@pytest.mark.parametrize("name", list(VARIANTS))
def test_other_right_ways_pass(name):
    assert run_check(name, VARIANTS[name]).passed, run_check(name, VARIANTS[name]).text


def test_libraries_agree_with_the_solutions():
    import keras
    from scipy.stats import binomtest

    from labutils.course import solutions

    low, high = binomtest(170, 200).proportion_ci(method="wilson")
    assert solutions.wilson(170, 200) == pytest.approx((low, high), abs=1e-4)
    assert solutions.mcnemar(12, 4) == pytest.approx(binomtest(4, 16).pvalue)
    layer = keras.layers.BatchNormalization(momentum=0.9, center=False, scale=False)
    x = np.random.default_rng(0).normal(1, 2, (4, 3, 3, 2)).astype(np.float32)
    y = np.asarray(layer(x, training=True))
    ours = solutions.batch_norm(x, np.zeros(2), np.ones(2), True)
    for one, other in zip((y, layer.moving_mean, layer.moving_variance), ours, strict=True):
        assert np.asarray(one) == pytest.approx(np.asarray(other), abs=1e-4)


# Whatever is written, a sentence comes of it.

LOOPS = {
    "plain": "def f(*a):\n    while True:\n        pass",
    "catches everything": (
        "def f(*a):\n    while True:\n        try:\n            sum(range(9))\n        except:\n            pass"
    ),
    "generator": "def f(*a):\n    while True:\n        x = [i for i in range(100)]",
}


@pytest.mark.parametrize("loop", list(LOOPS))
def test_a_loop_that_never_ends_is_ended(loop):
    import threading

    before = threading.active_count()
    result = run_check("mcnemar", written(LOOPS[loop], "f"), limit=0.2)
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
    result = run_check("mcnemar", written(source, "f"))
    assert SENTENCES[source] in result.text and not result.passed


def test_changing_the_input_is_said():
    def in_place(x, rate, draws, training):
        if training:
            x[draws < rate] = 0
            x /= 1 - rate
        return x

    assert "it changes x itself" in run_check("dropout", in_place).text


def test_a_wrong_shape_is_said():
    assert "its shape is" in run_check("drop_maps", lambda x, rate, draws: x[:1] if len(x) > 1 else x[..., :1]).text


def test_an_endless_generator_is_cut():
    def endless(image, low, high):
        while True:
            yield image

    assert "10 values, and 3 were expected" in run_check("versions", endless).text


def test_the_words_say_what_went_in_and_what_came_out(capsys):
    result = check.layer_parameters(lambda inputs, outputs, window: inputs * outputs * (window or 1) ** 2, seed=0)
    text = capsys.readouterr().out
    assert text == result.text + "\n"
    for part in ("right for 0 of 5", "given     inputs = 64", "got", "expected", "This looks like: no biases."):
        assert part in text


def test_long_sentences_are_wrapped_between_words(capsys):
    from labutils.course import solutions

    result = check.receptive_field(solutions.receptive_field)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1 and max(map(len, lines)) <= 90
    assert " ".join(lines) == result.text


def test_half_right_gives_part_of_the_points():
    def only_the_edge(only_a, only_b):
        return 1.0

    result = run_check("mcnemar", only_the_edge)
    assert (result.right, result.points, result.passed) == (2, 2.0, False)
    assert repr(result) == "2 of 4 points"


def test_a_call_gets_copies():
    given = np.zeros(3)
    call(lambda function, x: function(x), lambda x: x.fill(1), Case("", {"x": given}))
    assert not given.any()
