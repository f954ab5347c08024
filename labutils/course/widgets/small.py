"""Networks small enough to be trained while their reader looks on: the tasks' choices for them, and their images.

The same networks, images and training steps as everywhere in the lab, with fewer and smaller images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from labutils.config import Augmentation, RunConfig, scientific
from labutils.course.widgets.control import Knob, number_knob
from labutils.data.dataset import Dataset, load_dataset

SIZE, N_TRAIN, N_VAL, BATCH = 32, 400, 200, 16
"""Pixels of a side, training and validation images, images in a step: chosen by measurement."""
EPOCHS = 30
FIXED = 200
"""Training images that are measured after each epoch as validation images are: nothing dropped, nothing changed."""


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


def _rates(low: int, high: int, start: float) -> Knob:
    values = [float(f"{m}e{e}") for e in range(low, high + 1) for m in (1, 3) if (m, e) != (3, high)]
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
        "Build the best small network that you can, and choose it by its validation accuracy.",
        extra=_UNCHANGED,
    ),
}
"""The tasks that have a playground: what each lets you change."""


def config_for(task: str, **chosen: Any) -> RunConfig:
    """The run that a playground begins with, or one with other values for its knobs."""
    play = PLAYS[task]
    given: dict[str, Any] = {"dataset": play.dataset, "epochs": EPOCHS, "batch_size": BATCH, "image_size": SIZE}
    given |= {knob.name: knob.choices[knob.start][1] for knob in play.knobs} | play.fixed | chosen
    return RunConfig(**{name: value for name, value in given.items() if name in RunConfig.model_fields})


def small_dataset(name: str, source: str = "auto") -> Dataset:
    """The images of a playground: 400 for training, 200 for validation, or what there is of them."""
    return load_dataset(name, source=source, progress=False).small(SIZE, N_TRAIN, N_VAL)
