"""The lab as data: the runs of every task, what the lab report says about them, and the order to train them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from labutils import paths
from labutils.config import Augmentation, RunConfig
from labutils.errors import NotebookError

AUGMENTATION = Augmentation(rotation=10, shift=0.1, horizontal_flip=True, vertical_flip=False)
"""Random changes to the training images of Tasks 8 and 9."""

EXTRA_SEEDS = (1, 2)
"""Seeds beside 0 for every run of the first three stages: claims lean on them, and 8 or 16 filters train fast."""

FEW_IMAGES = 200  # training images in a setting of ours, Task 5A's: where its network should over-fit and dropout help

MORE_IMAGES = (2000, 4000)
"""Training images in the learning curve of Task 3: Task 5A's network with dropout, on more than the report had."""


@dataclass(frozen=True)
class Reported:
    """What the lab report says about one run on the validation images; None where it says nothing.

    `accuracy` is the best over the epochs (in Task 4 element-wise over nine one-hot columns), `loss` of an unsaid
    epoch.
    """

    accuracy: float | None = None
    loss: float | None = None
    train_accuracy: float | None = None
    train_loss: float | None = None


class Planned(NamedTuple):
    """One run of the training list."""

    stage: str
    task: str
    label: str
    config: RunConfig


SILENT = Reported()

TITLES = {  # the sixteen tasks in their order, with short titles
    "task1b": "Learning rates",
    "task1c": "AlexNet against VGG16",
    "task1d": "More filters, and dropout",
    "task1e": "Three networks on equal terms",
    "task2": "Bone: filters and dropout",
    "task3": "Skin against Bone: how reliable is a result?",
    "task4": "Nine classes: tuning AlexNet and LeNet",
    "task5a": "Dropout",
    "task5b": "Batch normalization",
    "task5c": "Batch normalization at a small learning rate",
    "task5d": "The same for longer",
    "task6a": "Spatial dropout",
    "task6b": "Spatial dropout for longer",
    "task7": "Augmentation, picture by picture",
    "task8": "Augmentation in training",
    "task9": "Everything together",
}

REAL = "HAM10000 selection"
"""Source of the lab's runs on real images: Skin, stored beside those on phantoms; the images are not."""

NOTEBOOKS = (*TITLES, "own", "index")
"""The names of the lab's notebooks, as far as they are there; the index, which tells of the others, comes last.

What else lies in their folder is somebody's, such as the out.ipynb of a papermill.
"""

SMALL = {"n_base": 8, "image_size": 64}  # what makes a run small: eight filters in the first block, images of 64 pixels
SMALL_LABEL = ", small"  # what the label of a stand-in ends with

SMALL_IN_WORDS = f"{SMALL['n_base']} filters, images of {SMALL['image_size']} pixels"

STAND_INS = ("task6a", "task6b", "task8", "task9")
"""Tasks whose runs take hours: small ones, stored, stand in for those that are not trained yet."""

STAGES: dict[str, tuple[str, ...]] = {
    "a": ("task1b", "task1c", "task1d", "task1e"),
    "b": ("task5a", "task5b", "task5c", "task5d"),
    "c": ("task2", "task3"),
    "d": ("task4",),
    "e": ("task6a", "task6b"),
    "f": ("task8", "task9"),
}
"""In which order the runs are trained; (e) begins with the stand-ins, and two last stages, "g" and "h", have other
seeds."""

_VGG16 = {"dataset": "skin", "model": "vgg16", "learning_rate": 1e-5, "epochs": 100}
_ALEXNET = {"dataset": "skin", "model": "alexnet", "learning_rate": 1e-4, "epochs": 50}
_SLOW = {**_ALEXNET, "learning_rate": 1e-5, "dropout": 0.4}
_X_RAY = {"dataset": "x_ray", "learning_rate": 1e-5, "epochs": 100}
_LARGE = {**_SLOW, "n_base": 64, "epochs": 80}
_BONE = {**_VGG16, "dataset": "bone"}
_TASK6A = {**_SLOW, "n_base": 32, "epochs": 150}
_TASK8 = {**_LARGE, "dense": (128, 64), "batch_norm": True}
_TASK9 = {**_LARGE, "model": "vgg16", "augmentation": AUGMENTATION}

_TASK4: dict[str, dict[str, Any]] = {
    "(1) lr 1e-5": {},
    "(2) b16": {"n_base": 16},
    "(3) lr 1e-4": {"learning_rate": 1e-4},
    "(4) lr 1e-6": {"learning_rate": 1e-6},
    "(5) dropout 0.4": {"dropout": 0.4},
    "(6) dropout 0.4, batch 16": {"dropout": 0.4, "batch_size": 16},
    "(7) dropout 0.2": {"dropout": 0.2},
}
_TASK4_NETWORKS: dict[str, tuple[dict[str, Any], Reported]] = {  # with what the report says of the setting (5)
    "LeNet": ({"model": "lenet"}, Reported(0.9872, 0.0474)),
    "AlexNet": ({"model": "alexnet", "dense": (64,)}, Reported(0.9824, 0.0572)),
}

_5A = {
    "no dropout": (_ALEXNET, Reported(0.8299, 0.4446, 0.9309, 0.1748)),
    "dropout 0.4": ({**_ALEXNET, "dropout": 0.4}, Reported(0.8500, 0.4499, 0.8399, 0.3774)),
}

_TABLE: dict[str, dict[str, tuple[dict[str, Any], Reported]]] = {
    "task1b": {
        "lr 1e-4": ({**_VGG16, "learning_rate": 1e-4}, Reported(0.81, 0.4431)),
        "lr 1e-5": (_VGG16, Reported(0.85, 0.4255)),
        "lr 1e-6": ({**_VGG16, "learning_rate": 1e-6}, Reported(0.80, 0.6907)),
    },
    "task1c": {
        "AlexNet": ({**_VGG16, "model": "alexnet", "dense": (64,), "epochs": 150}, Reported(0.815)),
        "VGG16": ({**_VGG16, "epochs": 150}, Reported(0.845)),
    },
    "task1d": {
        "b8": (_VGG16, Reported(0.845)),
        "b16": ({**_VGG16, "n_base": 16}, Reported(0.840)),
        "b16, dropout 0.2": ({**_VGG16, "n_base": 16, "dropout": 0.2}, Reported(0.855)),
    },
    "task1e": {
        "LeNet": ({**_VGG16, "model": "lenet"}, SILENT),
        "AlexNet": ({**_VGG16, "model": "alexnet"}, SILENT),
        "VGG16": (_VGG16, SILENT),
    },
    "task2": {
        "b8": (_BONE, Reported(0.9071, 0.2415)),
        "b8, dropout 0.2": ({**_BONE, "dropout": 0.2}, SILENT),
        "b16": ({**_BONE, "n_base": 16}, SILENT),
        "b16, dropout 0.2": ({**_BONE, "n_base": 16, "dropout": 0.2}, SILENT),
    },
    "task3": {"Skin": (_VGG16, Reported(0.8500, 0.4255)), "Bone": (_BONE, Reported(0.9071, 0.2415))},
    "task4": {
        f"{name} {setting}": ({**_X_RAY, **network, **changes}, best if setting.startswith("(5)") else SILENT)
        for name, (network, best) in _TASK4_NETWORKS.items()
        for setting, changes in _TASK4.items()
    },
    "task5a": _5A,
    "task5b": {
        **_5A,
        "batch norm": ({**_ALEXNET, "batch_norm": True}, Reported(train_accuracy=1.0, train_loss=0.0041)),
        "batch norm, dropout 0.4": (
            {**_ALEXNET, "batch_norm": True, "dropout": 0.4},
            Reported(train_accuracy=0.9490, train_loss=0.1174),
        ),
    },
    "task5c": {
        "no batch norm": ({**_SLOW, "epochs": 80}, Reported(0.8100, 0.5178)),
        "batch norm": ({**_SLOW, "epochs": 80, "batch_norm": True}, Reported(0.8149, 0.4521)),
    },
    "task5d": {
        "no batch norm": ({**_SLOW, "epochs": 150}, Reported(0.8299, 0.4736)),
        "batch norm": ({**_SLOW, "epochs": 150, "batch_norm": True}, Reported(0.8399, 0.5679)),
    },
    "task6a": {
        "no spatial dropout": (_TASK6A, Reported(0.8249, 0.4755)),
        "spatial dropout 0.1": ({**_TASK6A, "spatial_dropout": 0.1}, Reported(0.8050, 0.5006)),
    },
    "task6b": {
        "no spatial dropout": ({**_TASK6A, "epochs": 250}, Reported(0.8399, 0.4306)),
        "spatial dropout 0.1": ({**_TASK6A, "epochs": 250, "spatial_dropout": 0.1}, Reported(0.8450, 0.4725)),
    },
    "task7": {},
    "task8": {
        "no augmentation": (_TASK8, SILENT),
        "augmentation": ({**_TASK8, "augmentation": AUGMENTATION}, SILENT),
    },
    "task9": {
        "Skin": (_TASK9, Reported(0.8799, 0.3437)),
        "Bone": ({**_TASK9, "dataset": "bone"}, Reported(1.0, 0.0007)),
    },
}


def runs(task: str, **changes: Any) -> dict[str, RunConfig]:
    """The runs of a task ("task1b" to "task9") at the report's settings, by label, in the report's order.

    `changes` are settings of `RunConfig` to use in every one of them instead, such as `epochs=2` or `seed=1`; a
    ParameterError says that one is unknown or out of range, a ValueError that there is no such task.

    Examples
    --------
    >>> list(runs("task1b"))
    ['lr 1e-4', 'lr 1e-5', 'lr 1e-6']
    """
    return {label: RunConfig(**{**settings, **changes}) for label, (settings, _) in _rows(task).items()}


def reported(task: str) -> dict[str, Reported]:
    """The report's numbers for the runs of a task, by the same labels as `runs`; errors are those of `runs`."""
    return {label: numbers for label, (_, numbers) in _rows(task).items()}


def stand_ins(task: str) -> dict[str, RunConfig]:
    """Small runs to show while those of a task are not trained, by labels that say so; most tasks have none."""
    return small(runs(task)) if task in STAND_INS else {}


def small(configs: Mapping[str, RunConfig]) -> dict[str, RunConfig]:
    """The small runs that stand in for these, by labels that say so."""
    return {f"{label}{SMALL_LABEL}": config.with_(**SMALL) for label, config in configs.items()}


def learning_curve() -> dict[int, RunConfig]:
    """Task 5A's network with dropout by number of training images, few and many; ours, in no sentence of the report."""
    config = runs("task5a")["dropout 0.4"]
    return {n: config if n == 1000 else config.with_(n_train=n) for n in (FEW_IMAGES, 1000, *MORE_IMAGES)}


def few_images() -> dict[str, RunConfig]:
    """Task 5A with few training images; in no sentence of the report."""
    return {f"{label}, {FEW_IMAGES} images": config for label, config in runs("task5a", n_train=FEW_IMAGES).items()}


def further_seeds() -> Iterator[tuple[str, dict[str, RunConfig], int]]:
    """Settings of a task, and how many seeds they have in the end; why so many is in docs/rules.md."""
    yield "task5a", runs("task5a") | few_images(), 8
    yield from (("task3", {f"{n} images": learning_curve()[n]}, 3) for n in MORE_IMAGES)
    yield "task5c", runs("task5c"), 8
    for number in ("(1)", "(5)"):
        yield "task4", {label: config for label, config in runs("task4").items() if number in label}, 8
    yield "task4", runs("task4"), 2
    yield from ((task, runs(task), 3) for task in ("task6a", "task8", "task9", "task6b"))


def training_list() -> list[Planned]:
    """Every run of the lab in the order it should be trained, none twice; a run's beginning comes before it."""
    planned = []
    for stage, tasks in STAGES.items():
        if stage == "e":
            planned += [Planned(stage, task, *row) for task in STAND_INS for row in stand_ins(task).items()]
        planned += [Planned(stage, task, *row) for task in tasks for row in runs(task).items()]
    again = [
        ("g", one.task, one.label, one.config, seed) for seed in EXTRA_SEEDS for one in planned if one.stage in "abc"
    ]
    for task, configs, seeds in further_seeds():
        again += [("h", task, *row, seed) for seed in range(seeds) for row in configs.items()]
    for stage, task, label, config, seed in again:
        planned.append(Planned(stage, task, f"{label}, seed {seed}", config.with_(seed=seed)))
    longest: dict[str, int] = {}
    needed = []
    for run in planned:
        if run.config.epochs > longest.get(run.config.key, 0):
            longest[run.config.key] = run.config.epochs
            needed.append(run)
    return needed


def _rows(task: str) -> dict[str, tuple[dict[str, Any], Reported]]:
    if task not in _TABLE:
        raise ValueError(f"{task!r} is not a task; there are {', '.join(_TABLE)}.")
    return _TABLE[task]


def find_notebook(task: str) -> Path:
    """The notebook of that name: `task1b`, also `1b` or `1B`, `own`, `index`; a path is no name."""
    name = task.lower().removesuffix(".ipynb").removesuffix(".py")
    there = {file.stem: file for title in NOTEBOOKS if (file := paths.notebooks_dir() / f"{title}.ipynb").is_file()}
    if found := there.get(name) or there.get(f"task{name}"):
        return found
    if not there:
        raise NotebookError(
            f"There are no notebooks in {paths.ROOT}: the package alone brings none. Unpack the release's ZIP that "
            "ends in -lab.zip, and type the same in the folder that it makes."
        )
    raise NotebookError(f"There is no notebook {task!r}; there are {', '.join(there)}.")


def all_tasks() -> list[str]:
    """The tasks that have a notebook, in the lab's order."""
    return [task for task in TITLES if (paths.notebooks_dir() / f"{task}.ipynb").is_file()]
