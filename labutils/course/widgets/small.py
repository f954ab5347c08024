"""`train_small`: a network small enough to be trained while its reader looks on, and the tasks' choices for it.

The same networks, images and training steps as everywhere in the lab, with fewer and smaller images: a run of thirty
epochs takes some ten seconds on two processor cores. Nothing is stored.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils.config import Augmentation, RunConfig, scientific
from labutils.statistics import class_probabilities, cross_entropy

if TYPE_CHECKING:
    from labutils.data.dataset import Dataset

SIZE, N_TRAIN, N_VAL, BATCH = 48, 400, 200, 16
"""Pixels of a side, training and validation images, images in a step: chosen by measurement."""
EPOCHS = 30
FIXED = 200
"""Training images that are measured after each epoch as validation images are: nothing dropped, nothing changed."""
COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy", "fixed_accuracy", "val_elementwise", "seconds")

Generator = Callable[[np.ndarray, np.random.Generator], np.ndarray]
History = dict[str, list[float]]


@dataclass(frozen=True)
class Knob:
    """One control of a playground: its name, what it is called, its choices in words and as values, where it begins."""

    name: str
    label: str
    choices: tuple[tuple[str, Any], ...]
    start: int
    slider: bool = True


@dataclass(frozen=True, eq=False)
class Play:
    """The playground of one task.

    Attributes
    ----------
    dataset : str
    fixed : dict
        Settings of `RunConfig` that stay.
    knobs : tuple of Knob
    question : str
        What to try.
    extra : tuple of str
        A column of the history that is drawn beside the accuracies, and its label; or nothing.
    seconds : float or None
        Every run ends after so many seconds of training, whatever the network; None: after `EPOCHS` epochs.
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


def number_knob(
    name: str, label: str, values: Sequence[float], start: float, words: Callable[[Any], str] = "{:g}".format
) -> Knob:
    """A slider over some numbers; `words` says one of them."""
    return Knob(name, label, tuple((words(value), value) for value in values), list(values).index(start))


def _change(**values: Any) -> Augmentation:
    return Augmentation(**values)


_NETWORK = Knob("model", "network", (("LeNet", "lenet"), ("AlexNet", "alexnet"), ("VGG16", "vgg16")), 0, slider=False)
_WIDTH = number_knob("n_base", "filters of the first block", (2, 4, 8, 16), 8)
_DROPOUT = number_knob("dropout", "dropout rate", (0.0, 0.2, 0.4, 0.6, 0.8), 0.0)
_NORM = Knob("batch_norm", "batch normalization", (("off", False), ("on", True)), 0, slider=False)
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
    0,
    slider=False,
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
            Knob("elementwise", "loss", (("categorical", False), ("one yes or no per class", True)), 0, slider=False),
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


def settings_for(task: str, chosen: dict[str, int] | None = None, generator: Generator | None = None) -> Settings:
    """The run that a playground's controls stand for.

    Parameters
    ----------
    task : str
        One of `PLAYS`.
    chosen : dict of str to int, optional
        The place of the choice of each knob; those left out are where they begin.
    generator : callable, optional
        Changes a training image at random, in place of the lab's own augmentation: `generator(image, rng)`.
    """
    play = PLAYS[task]
    values = {k.name: k.choices[(chosen or {}).get(k.name, k.start)][1] for k in play.knobs}
    classes, elementwise = int(values.pop("classes", 9)), bool(values.pop("elementwise", False))
    given = {"dataset": play.dataset, "epochs": EPOCHS, "batch_size": BATCH, "image_size": SIZE, **play.fixed, **values}
    return Settings(RunConfig(**given), classes, elementwise, play.seconds, generator)


def settings_in_words(task: str, chosen: dict[str, int] | None = None) -> str:
    """The choices of a playground as its legend names them.

    Examples
    --------
    >>> settings_in_words("task1b"), settings_in_words("task1d", {"n_base": 0})
    ('learning rate 1e-3', 'filters of the first block 2, dropout rate 0')
    """
    return ", ".join(f"{k.label} {k.choices[(chosen or {}).get(k.name, k.start)][0]}" for k in PLAYS[task].knobs)


def small_dataset(name: str, source: str = "auto") -> Dataset:
    """The images of a playground: 400 for training, 200 for validation, or what there is of them."""
    from labutils.data import load_dataset

    dataset = load_dataset(name, SIZE, source=source, progress=False)
    return _first(dataset, min(N_TRAIN, len(dataset.y_train)), min(N_VAL, len(dataset.y_val)))


def train_small(
    settings: Settings,
    dataset: Dataset,
    on_epoch: Callable[[History], None] | None = None,
    should_pause: Callable[[], bool] = lambda: False,
    should_stop: Callable[[], bool] = lambda: False,
    trainers: Trainers | None = None,
) -> History:
    """Train a small network and measure it after every epoch.

    Parameters
    ----------
    settings : Settings
    dataset : Dataset
        From `small_dataset`.
    on_epoch : callable, optional
        Gets the history so far after every epoch.
    should_pause, should_stop : callable
        Asked between two epochs; a pause lasts until `should_pause` says no or `should_stop` says yes.
    trainers : Trainers, optional
        Networks that are ready: the first epoch comes sooner.

    Returns
    -------
    dict of str to list
        `loss` and `accuracy` on the training images as they went by, `val_loss` and `val_accuracy`, `fixed_accuracy`
        on training images measured as the validation images are, `val_elementwise` (see
        `evaluate.elementwise_accuracy`), and `seconds` of training since the start.
    """
    dataset = _chosen_classes(settings, dataset)
    trainer = (trainers or Trainers()).get(settings, dataset)
    history: History = {name: [] for name in COLUMNS}
    spent = 0.0
    for epoch in range(10 * EPOCHS if settings.seconds else settings.config.epochs):
        while should_pause() and not should_stop():
            time.sleep(0.05)
        if should_stop() or (settings.seconds and spent >= settings.seconds):
            break
        started = time.perf_counter()
        trainer.dataset = _changed(dataset, settings.generator, epoch)
        row = trainer.train_epoch(epoch)
        spent += time.perf_counter() - started
        row |= _measured(trainer, dataset) | {"seconds": spent}
        for name in COLUMNS:
            history[name].append(round(float(row[name]), 4))
        if on_epoch:
            on_epoch({name: list(values) for name, values in history.items()})
    return history


def first_classes(dataset: Dataset, n: int) -> Dataset:
    """The images of the first `n` classes of a data set."""
    train, val = np.flatnonzero(dataset.y_train < n), np.flatnonzero(dataset.y_val < n)
    return dataclasses.replace(_taken(dataset, train, val), class_names=dataset.class_names[:n])


def _chosen_classes(settings: Settings, dataset: Dataset) -> Dataset:
    fewer = settings.config.dataset == "x_ray" and settings.classes < dataset.n_classes
    return first_classes(dataset, settings.classes) if fewer else dataset


class Trainers:
    """Networks that were compiled before, by all that compiling depends on; a learning rate is only set."""

    def __init__(self) -> None:
        self._ready: dict[Any, tuple[Trainer, dict[str, np.ndarray]]] = {}

    def warm_up(self, settings: Settings, dataset: Dataset) -> None:
        """Compile what a run of these settings needs, so that its first epoch comes at once."""
        self.get(settings, _chosen_classes(settings, dataset)).warm_up()

    def get(self, settings: Settings, dataset: Dataset) -> Trainer:
        """A trainer at its first step."""
        key = settings.config.with_(learning_rate=1e-3), settings.elementwise, dataset.n_classes, len(dataset.y_train)
        if key not in self._ready:
            if len(self._ready) >= 8:  # a network and its optimizer are a few megabytes
                self._ready.pop(next(iter(self._ready)))
            trainer = Trainer(settings, dataset)
            self._ready[key] = trainer, trainer.state()
        trainer, start = self._ready[key]
        trainer.restore(start)
        trainer.model.optimizer.learning_rate = settings.config.learning_rate
        return trainer


class Trainer:
    """A compiled network that trains one epoch at a time, as `training.fit` does, without anything that is kept."""

    def __init__(self, settings: Settings, dataset: Dataset) -> None:
        from labutils.training.backend import compiled_model, import_keras

        self.config, self.dataset, self.keras = settings.config, dataset, import_keras()
        self.warm = False
        self.model = compiled_model(settings.config, dataset.n_classes, "float32")
        if settings.elementwise:
            self._judge_elementwise(dataset.n_classes)

    def _judge_elementwise(self, classes: int) -> None:
        keras = self.keras

        def yes_or_no(labels: Any, predicted: Any) -> Any:
            wanted = keras.ops.one_hot(keras.ops.cast(labels[:, 0], "int32"), classes)
            return keras.losses.binary_crossentropy(wanted, predicted)

        optimizer = keras.optimizers.Adam(self.config.learning_rate)
        accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        self.model.compile(optimizer, loss=yes_or_no, metrics=[accuracy])
        optimizer.build(self.model.trainable_variables)

    def train_epoch(self, epoch: int) -> dict[str, float]:
        """Loss and accuracy of epoch number `epoch` (from 0), as the images went by."""
        from labutils.training.backend import feed
        from labutils.training.fit import Batches, draw_dropout

        batches = Batches(self.config, self.dataset)
        batches.draw(epoch)
        draw_dropout(self.model, self.config.seed, epoch)
        history = self.model.fit(feed(batches), shuffle=False, verbose=0).history
        return {name: float(history[name][0]) for name in ("loss", "accuracy")}

    def warm_up(self) -> None:
        """Compile the step and the prediction, unless that was done before."""
        if self.warm:
            return
        before, everything = self.state(), self.dataset
        few = min(2 * self.config.batch_size, len(everything.y_train))
        self.dataset = _first(everything, few, len(everything.y_val))
        self.train_epoch(0)
        _measured(self, everything)
        self.dataset, self.warm = everything, True
        self.restore(before)

    def predict(self) -> np.ndarray:
        """Probabilities on the validation images."""
        from labutils.training.fit import predict

        return predict(self.model, self.dataset.x_val)

    def state(self) -> dict[str, np.ndarray]:
        """The numbers to go back to with `restore`."""
        from labutils.training.state import state_of

        return state_of(self.model)

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Put back what `state` returned."""
        from labutils.training.state import restore

        restore(self.model, state)


def _measured(trainer: Trainer, dataset: Dataset) -> dict[str, float]:
    fixed = _spread(dataset.y_train, min(FIXED, len(dataset.y_train)))
    both = dataclasses.replace(
        dataset,
        x_val=np.concatenate([dataset.x_val, dataset.x_train[fixed]]),
        y_val=np.concatenate([dataset.y_val, dataset.y_train[fixed]]),
    )
    trainer.dataset = both
    predictions = np.asarray(trainer.predict())
    n_val = len(dataset.y_val)
    labels = both.y_val
    p = class_probabilities(predictions)
    hits = p.argmax(axis=1) == labels
    columns = (p[:n_val] > 0.5) == (np.arange(p.shape[1]) == labels[:n_val, None])
    return {
        "val_loss": float(cross_entropy(predictions[:n_val], labels[:n_val]).mean()),
        "val_accuracy": float(hits[:n_val].mean()),
        "fixed_accuracy": float(hits[n_val:].mean()),
        "val_elementwise": float(columns.mean()),
    }


def _changed(dataset: Dataset, generator: Generator | None, epoch: int) -> Dataset:
    if generator is None:
        return dataset
    rng = np.random.default_rng([epoch, 3])
    images = np.stack([np.asarray(generator(np.array(image), rng), np.float32) for image in dataset.x_train])
    return dataclasses.replace(dataset, x_train=images)


def _first(dataset: Dataset, n_train: int, n_val: int) -> Dataset:
    return _taken(dataset, _spread(dataset.y_train, n_train), _spread(dataset.y_val, n_val))


def _spread(labels: np.ndarray, n: int) -> np.ndarray:
    """`n` places, every class in turn."""
    rank = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        members = labels == label
        rank[members] = np.arange(members.sum())
    return np.sort(np.lexsort((labels, rank))[:n])


def _taken(dataset: Dataset, train: np.ndarray, val: np.ndarray) -> Dataset:
    return dataclasses.replace(
        dataset,
        x_train=np.asarray(dataset.x_train[train]),
        y_train=dataset.y_train[train],
        x_val=np.asarray(dataset.x_val[val]),
        y_val=dataset.y_val[val],
        files_train=tuple(dataset.files_train[i] for i in train),
        files_val=tuple(dataset.files_val[i] for i in val),
    )
