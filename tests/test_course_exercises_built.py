"""Exercises that build or mend a network: right ones pass and learn, mistakes are named, and layers are spoken of."""

import inspect

import pytest
from course_helpers import CELLS, written

from labutils import paths
from labutils.course import cells
from labutils.course.cells import without_solution
from labutils.course.checking import run_check
from labutils.course.exercises import EXERCISES, built
from labutils.tools.execution import read_script

NAMES = list(built.LEARN)
MISTAKES = [(name, mistake) for name in NAMES for mistake in EXERCISES[name].mistakes]


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Where others compute too, a training takes longer."""
    for name in NAMES:
        monkeypatch.setattr(EXERCISES[name], "limit", 2 * built.LIMIT)


@pytest.mark.parametrize("name", ["build_blocks", "mend_normalization", "mend_batches"])
def test_what_is_not_written_is_said(name):
    source, check = CELLS[name]
    assert run_check(name, written(without_solution(source), check)).text == f"{name}: not written yet."


@pytest.mark.parametrize(("name", "mistake"), MISTAKES, ids=[f"{n}: {m.name}" for n, m in MISTAKES])
def test_a_mistake_is_recognised_by_name(name, mistake):
    result = run_check(name, mistake.wrong, seed=1)
    assert result.mistake == mistake.name and not result.passed, result.text
    assert f"This looks like: {mistake.name}. {mistake.hint}" in result.text


@pytest.mark.parametrize("name", ["mend_two_classes", "mend_normalization", "mend_batches"])
def test_what_is_to_be_mended_is_broken(name):
    sources = [
        cell.source
        for cell in read_script(paths.notebooks_dir() / f"{EXERCISES[name].task}.py").cells
        if cell.cell_type == "code"
    ]
    place = next(i for i, source in enumerate(sources) if cells.BEGIN in source and f"def {name}(" in source)
    namespace = {}
    exec(f"import numpy as np\n{sources[place - 1]}", namespace)
    function = list(namespace.values())[-1]
    assert inspect.isfunction(function)
    assert run_check(name, function).mistake == EXERCISES[name].mistakes[0].name


def functional(side, n_base, rate):
    import keras
    from keras import layers

    image = x = keras.Input((side, side, 1), name="mine")
    for filters in n_base, 2 * n_base:
        x = layers.Activation("relu")(layers.Conv2D(filters, (3, 3), padding="same", name=f"c{filters}")(x))
        x = layers.MaxPool2D((2, 2))(x)
    x = layers.ReLU()(layers.Dense(64)(layers.Flatten()(x)))
    x = layers.Dense(1)(layers.Dropout(rate)(x))
    return keras.Model(image, layers.Activation("sigmoid")(x))


def objects(side, n_base):
    import keras

    network = EXERCISES["build_nine_classes"](side, n_base)
    network.compile("adam", keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
    network.optimizer.learning_rate = 0.005
    return network


def strided(side, budget):
    import keras
    from keras import layers

    convolutions = [layers.Conv2D(12, 3, activation="relu"), layers.Conv2D(6, 3, strides=2, activation="relu")]
    ends = [layers.GlobalMaxPooling2D(), layers.Dense(1, activation="sigmoid")]
    network = keras.Sequential([keras.Input((side, side, 1)), *convolutions, *ends])
    network.compile(keras.optimizers.RMSprop(0.01), keras.losses.BinaryCrossentropy())
    return network


def layer_that_normalizes(network, x, y, new):
    import keras

    scale = keras.layers.Normalization(axis=None)
    scale.adapt(x)
    network.fit(scale(x), y, batch_size=20, epochs=10, verbose=0)
    return network(scale(new))


RIGHT = {
    "build_lenet": functional,
    "build_nine_classes": objects,
    "build_on_budget": strided,
    "mend_normalization": layer_that_normalizes,
}


@pytest.mark.parametrize("name", list(RIGHT))
def test_other_right_ways_pass(name):
    result = run_check(name, RIGHT[name])
    assert result.passed, result.text


def no_input(side, n_base, rate):
    import keras

    return keras.Sequential([keras.layers.Dense(1)])


def dull(side, budget):
    network = EXERCISES["build_on_budget"](side, budget)
    network.optimizer.learning_rate = 1e-9
    return network


lenet, two_classes = (EXERCISES[name] for name in ("build_lenet", "mend_two_classes"))


@pytest.mark.parametrize(
    ("name", "function", "said"),
    [
        ("build_lenet", lambda side, n, rate: lenet(side, n, 0.62), "layer 10 is Dropout 0.62, and Dr"),
        ("build_lenet", lambda side, n, rate: lenet(side, n, rate).summary(), "not written yet"),
        ("build_lenet", no_input, "kind: Sequential without Input, and a network was expected"),
        ("build_lenet", lambda side, n, rate: 3, "kind: int, and a network was expected"),
        ("mend_two_classes", lambda side, n: built.compiled(two_classes(side, n), "mse"), "loss: mean_squared_error"),
        ("mend_batches", lambda x, y, size: [(x, y)], "kind: list, without a batch, and a generator was expected"),
        ("build_on_budget", dull, "share of new images known: 0."),
    ],
)
def test_feedback_speaks_of_layers(name, function, said):
    result = run_check(name, function)
    assert said in result.text and "seed" not in result.text and not result.passed
