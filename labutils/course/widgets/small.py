"""`train_small`: a network small enough to be trained while its reader looks on, and the tasks' choices for it.

The same networks, images and training steps as everywhere in the lab, with fewer and smaller images: a run of thirty
epochs takes some ten seconds on two processor cores. Nothing is stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from labutils.config import Augmentation, RunConfig, scientific
from labutils.course.widgets.control import Knob, number_knob
from labutils.data.dataset import Dataset, load_dataset, spread
from labutils.statistics import class_probabilities, cross_entropy

SIZE, N_TRAIN, N_VAL, BATCH = 48, 400, 200, 16
"""Pixels of a side, training and validation images, images in a step: chosen by measurement."""
EPOCHS = 30
FIXED = 200
"""Training images that are measured after each epoch as validation images are: nothing dropped, nothing changed."""
COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy", "fixed_accuracy", "val_elementwise", "seconds")

OWN = "your generator"

Generator = Callable[[np.ndarray, np.random.Generator], np.ndarray]
History = dict[str, list[float]]


@dataclass(frozen=True, eq=False)
class Play:
    """The playground of one task: settings of `RunConfig` that stay, and knobs for those that do not.

    `extra` is a column of the history that is drawn beside the accuracies, and its label. With `seconds` every run ends
    after so many of training, whatever the network; without after `EPOCHS` epochs.
    """

    dataset: str
    fixed: dict[str, Any]
    knobs: tuple[Knob, ...]
    question: str
    extra: tuple[str, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class Settings:
    """One small run: everything that determines it but the clock."""

    config: RunConfig
    classes: int = 9
    elementwise: bool = False
    seconds: float | None = None
    generator: Generator | None = field(default=None, compare=False)


def _rates(low: int, high: int, start: float) -> Knob:
    values = [m * 10.0**e for e in range(low, high + 1) for m in (1, 3) if (m, e) != (3, high)]
    values = [float(f"{value:.0e}") for value in values]
    return Knob("learning_rate", "learning rate", tuple((scientific(v), v) for v in values), values.index(start))


def _change(**values: Any) -> Augmentation:
    return Augmentation(**values)


_NETWORK = Knob("model", "network", (("LeNet", "lenet"), ("AlexNet", "alexnet"), ("VGG16", "vgg16")), kind="menu")
_WIDTH = number_knob("n_base", "filters of the first block", (2, 4, 8, 16), 8)
_DROPOUT = number_knob("dropout", "dropout rate", (0.0, 0.2, 0.4, 0.6, 0.8), 0.0)
_NORM = Knob("batch_norm", "batch normalization", (("off", False), ("on", True)), kind="menu")
_CHANGES = Knob(
    "augmentation",
    "changes to the training images",
    (
        ("none", None),
        ("flips", _change(horizontal_flip=True, vertical_flip=True)),
        ("turn by 10 degrees, shift by a tenth, flip", _change(rotation=10, shift=0.1, horizontal_flip=True)),
        (
            "turn by 180 degrees, shift by a fifth, flip",
            _change(rotation=180, shift=0.2, horizontal_flip=True, vertical_flip=True),
        ),
    ),
    kind="menu",
)
_UNCHANGED = ("fixed_accuracy", "training images as validation sees them")
_NORMED = Play(
    "skin",
    {"model": "alexnet"},
    (_NORM, _rates(-5, -2, 1e-3)),
    "Where does training begin at once, and what does the validation curve do meanwhile?",
    extra=_UNCHANGED,
)
# Measured on the phantoms: at this rate a small LeNet leaves the plateau with and without dropout and over-fits clearly
# within thirty epochs; an AlexNet with dropout often stays on the plateau for most of them.
_OVERFITS = {"model": "lenet", "learning_rate": 3e-3}
_SPATIAL = number_knob("spatial_dropout", "share of feature maps dropped", (0.0, 0.05, 0.1, 0.2, 0.4), 0.0)

PLAYS: dict[str, Play] = {
    "task1b": Play(
        "skin",
        {"model": "lenet"},
        (_rates(-6, -1, 1e-3),),
        "Find a rate that does not start, one that learns and then over-fits, and one that dies.",
    ),
    "task1c": Play("skin", {"learning_rate": 1e-3}, (_NETWORK,), "Does more depth help four hundred images?"),
    "task1d": Play("skin", _OVERFITS, (_WIDTH, _DROPOUT), "Which of the two moves the gap between the curves?"),
    "task1e": Play(
        "skin",
        {"learning_rate": 1e-3},
        (_NETWORK,),
        "Every network gets the same time, not the same number of epochs. Which makes the most of it?",
        seconds=8.0,
    ),
    "task2": Play(
        "bone", {"model": "alexnet", "learning_rate": 1e-3}, (_WIDTH,), "How few filters are enough for fractures?"
    ),
    "task4": Play(
        "x_ray",
        {"model": "lenet", "learning_rate": 1e-3},
        (
            number_knob("classes", "classes", (3, 6, 9), 9),
            Knob("elementwise", "loss", (("categorical", False), ("one yes or no per class", True)), kind="menu"),
        ),
        "Watch both accuracies in the first epochs: which of them says that nothing has been learned?",
        extra=("val_elementwise", "validation, element-wise"),
    ),
    "task5a": Play("skin", _OVERFITS, (_DROPOUT,), "At which rate does the gap close?", extra=_UNCHANGED),
    "task5b": _NORMED,
    "task5c": _NORMED,
    "task5d": _NORMED,
    "task6a": Play(
        "skin", _OVERFITS, (_SPATIAL,), "How much can be dropped, and what does it do to either curve?", _UNCHANGED
    ),
    "task6b": Play(
        "skin",
        _OVERFITS,
        (_SPATIAL, _DROPOUT),
        "Whole maps, single units of the dense layers, both or neither: which narrows the gap for less?",
        extra=_UNCHANGED,
    ),
    "task8": Play("skin", _OVERFITS, (_CHANGES,), "Which changes narrow the gap, and what do they cost?", _UNCHANGED),
    "task9": Play(
        "skin",
        {},
        (_NETWORK, _WIDTH, _DROPOUT, _NORM, _rates(-5, -2, 1e-3), _CHANGES),
        "Build the best small network that three minutes allow, and choose it by its validation accuracy.",
        extra=_UNCHANGED,
    ),
}
"""The tasks that have a playground: what each lets you change."""


def play_for(task: str, generator: Generator | None = None) -> Play:
    """The playground of a task, with a reader's generator as one more choice of what is done to training images."""
    play = PLAYS[task]
    if generator is None:
        return play
    own = (OWN, generator)
    knobs = (replace(k, choices=(*k.choices, own)) if k.name == "augmentation" else k for k in play.knobs)
    return replace(play, knobs=tuple(knobs))


def settings_for(task: str, chosen: dict[str, int] | None = None, generator: Generator | None = None) -> Settings:
    """The run that a playground's knobs stand for, by the place of each choice; those left out are where they begin."""
    play = play_for(task, generator)
    values = {knob.name: value for knob, (_, value) in _picked(play, chosen)}
    own = values.pop("augmentation") if callable(values.get("augmentation")) else None
    classes, elementwise = int(values.pop("classes", 9)), bool(values.pop("elementwise", False))
    given = {"dataset": play.dataset, "epochs": EPOCHS, "batch_size": BATCH, "image_size": SIZE, **play.fixed, **values}
    return Settings(RunConfig(**given), classes, elementwise, play.seconds, own)


def settings_in_words(task: str, chosen: dict[str, int] | None = None, generator: Generator | None = None) -> str:
    """The choices of a playground as its legend names them.

    Examples
    --------
    >>> settings_in_words("task1b"), settings_in_words("task1d", {"n_base": 0})
    ('learning rate 1e-3', 'filters of the first block 2, dropout rate 0')
    """
    picked = _picked(play_for(task, generator), chosen)
    said = [OWN if words == OWN else f"{knob.label} {words}" for knob, (words, _) in picked]
    return OWN if OWN in said else ", ".join(said)


def _picked(play: Play, chosen: dict[str, int] | None) -> list[tuple[Knob, tuple[str, Any]]]:
    return [(knob, knob.choices[(chosen or {}).get(knob.name, knob.start)]) for knob in play.knobs]


def small_dataset(name: str, source: str = "auto") -> Dataset:
    """The images of a playground: 400 for training, 200 for validation, or what there is of them."""
    return load_dataset(name, source=source, progress=False).small(SIZE, N_TRAIN, N_VAL)


def train_small(
    settings: Settings,
    dataset: Dataset,
    on_epoch: Callable[[History], None] | None = None,
    should_pause: Callable[[], bool] = lambda: False,
    should_stop: Callable[[], bool] = lambda: False,
    networks: Networks | None = None,
) -> History:
    """Train a small network on images of `small_dataset`, and measure it after every epoch.

    `on_epoch` gets the history so far after every epoch. `should_pause` and `should_stop` are asked between two epochs;
    a pause lasts until the first says no or the second says yes. With `networks` that are ready the first epoch comes
    sooner.

    Returns
    -------
    dict of str to list
        `loss` and `accuracy` on the training images as they went by, `val_loss` and `val_accuracy`, `fixed_accuracy`
        on training images measured as the validation images are, `val_elementwise` (see
        `evaluate.elementwise_accuracy`), and `seconds` of training since the start.
    """
    dataset = _chosen_classes(settings, dataset)
    model = (networks or Networks()).get(settings, dataset)
    epochs = 10 * EPOCHS if settings.seconds else settings.config.epochs
    history: History = {name: [] for name in COLUMNS}

    def goes_on(epoch: int, logs: dict[str, float], seconds: float) -> bool:
        row = logs | measured(model, dataset) | {"seconds": seconds}
        for name in COLUMNS:
            history[name].append(round(float(row[name]), 4))
        if on_epoch:
            on_epoch({name: list(values) for name, values in history.items()})
        while epoch < epochs and should_pause() and not should_stop():
            time.sleep(0.05)
        return not should_stop() and not (settings.seconds and seconds >= settings.seconds)

    if not should_stop():
        follow(model, settings.config, dataset, epochs, goes_on, settings.generator)
    return history


def follow(
    model: Any,
    config: RunConfig,
    dataset: Dataset,
    epochs: int,
    goes_on: Callable[[int, dict[str, float], float], bool],
    generator: Generator | None = None,
) -> None:
    """Train a network in the lab's own steps, without a store and without measuring anything.

    `goes_on` gets the number of the epoch (from 1), its loss and accuracy as the images went by, and the seconds of
    training so far; the training ends where it says no.
    """
    from labutils.training.backend import feed, import_keras
    from labutils.training.epoch import Batches, draw_dropout

    batches, seconds, started = Batches(config, dataset), 0.0, 0.0

    def begin(epoch: int, logs: dict | None = None) -> None:
        nonlocal started
        started = time.perf_counter()
        batches.dataset = _changed(dataset, generator, epoch)
        batches.draw(epoch)
        draw_dropout(model, config.seed, epoch)

    def end(epoch: int, logs: dict) -> None:
        nonlocal seconds
        seconds += time.perf_counter() - started
        model.stop_training = not goes_on(epoch + 1, logs, seconds)

    life = import_keras().callbacks.LambdaCallback(on_epoch_begin=begin, on_epoch_end=end)
    model.fit(feed(batches), epochs=epochs, shuffle=False, verbose=0, callbacks=[life])


def measured(model: Any, dataset: Dataset) -> dict[str, float]:
    """Validation and a part of the training images, predicted in one go: after a short epoch each call counts."""
    from labutils.training.epoch import predict

    fixed, n = spread(dataset.y_train, FIXED), len(dataset.y_val)
    predictions = predict(model, np.concatenate([dataset.x_val, dataset.x_train[fixed]]))
    labels = np.concatenate([dataset.y_val, dataset.y_train[fixed]])
    p = class_probabilities(predictions)
    hits, columns = p.argmax(axis=1) == labels, np.arange(p.shape[1]) == labels[:, None]
    return {
        "val_loss": float(cross_entropy(predictions[:n], labels[:n]).mean()),
        "val_accuracy": float(hits[:n].mean()),
        "fixed_accuracy": float(hits[n:].mean()),
        "val_elementwise": float(((p > 0.5) == columns)[:n].mean()),
    }


@dataclass
class _Ready:
    """A compiled network, the numbers that it begins with, and whether its steps are compiled too."""

    model: Any
    start: dict[str, np.ndarray]
    warm: bool = False


class Networks:
    """Networks that were compiled before, by all that compiling depends on; a learning rate is only set."""

    def __init__(self) -> None:
        self._ready: dict[Any, _Ready] = {}

    def get(self, settings: Settings, dataset: Dataset) -> Any:
        """A network before its first step."""
        from labutils.training.checkpoint import restore

        found = self._find(settings, dataset)
        restore(found.model, found.start)
        found.model.optimizer.learning_rate = settings.config.learning_rate
        return found.model

    def warm_up(self, settings: Settings, dataset: Dataset) -> None:
        """Compile what a run of these settings needs, so that its first epoch comes at once."""
        dataset = _chosen_classes(settings, dataset)
        found, config = self._find(settings, dataset), settings.config
        if not found.warm:
            few = spread(dataset.y_train, 2 * config.batch_size)
            less = replace(dataset, x_train=np.asarray(dataset.x_train[few]), y_train=dataset.y_train[few])
            follow(found.model, config, less, 1, lambda *_: False)
            measured(found.model, dataset)
            found.warm = True

    def _find(self, settings: Settings, dataset: Dataset) -> _Ready:
        from labutils.training.checkpoint import state_of

        config = settings.config.with_(learning_rate=1e-3)
        key = config, settings.elementwise, dataset.n_classes, len(dataset.y_train)
        if key not in self._ready:
            if len(self._ready) >= 8:  # a network and its optimizer are a few megabytes
                self._ready.pop(next(iter(self._ready)))
            model = _compiled(settings, dataset.n_classes)
            self._ready[key] = _Ready(model, state_of(model))
        return self._ready[key]


def _compiled(settings: Settings, classes: int) -> Any:
    from labutils.training.backend import compiled_model, import_keras

    keras, model = import_keras(), compiled_model(settings.config, classes, "float32")
    if settings.elementwise:

        def yes_or_no(labels: Any, predicted: Any) -> Any:
            wanted = keras.ops.one_hot(keras.ops.cast(labels[:, 0], "int32"), classes)
            return keras.losses.binary_crossentropy(wanted, predicted)

        optimizer = keras.optimizers.Adam(settings.config.learning_rate)
        accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        model.compile(optimizer, loss=yes_or_no, metrics=[accuracy])
        optimizer.build(model.trainable_variables)
    return model


def first_classes(dataset: Dataset, n: int) -> Dataset:
    """The images of the first `n` classes of a data set."""
    train, val = np.flatnonzero(dataset.y_train < n), np.flatnonzero(dataset.y_val < n)
    return replace(
        dataset,
        x_train=np.asarray(dataset.x_train[train]),
        y_train=dataset.y_train[train],
        x_val=np.asarray(dataset.x_val[val]),
        y_val=dataset.y_val[val],
        files_train=tuple(dataset.files_train[i] for i in train),
        files_val=tuple(dataset.files_val[i] for i in val),
        class_names=dataset.class_names[:n],
    )


def _chosen_classes(settings: Settings, dataset: Dataset) -> Dataset:
    fewer = settings.config.dataset == "x_ray" and settings.classes < dataset.n_classes
    return first_classes(dataset, settings.classes) if fewer else dataset


def _changed(dataset: Dataset, generator: Generator | None, epoch: int) -> Dataset:
    if generator is None:
        return dataset
    rng = np.random.default_rng([epoch, 3])
    images = np.stack([np.asarray(generator(np.array(image), rng), np.float32) for image in dataset.x_train])
    return replace(dataset, x_train=images)
