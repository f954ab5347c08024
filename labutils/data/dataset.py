"""`load_dataset`: a data set of the lab as arrays, from wherever its images are."""

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache as cache_once
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils.data import cache, images
from labutils.data.description import FILE
from labutils.data.layouts import Split, find_files, read_classes
from labutils.data.locate import SOURCES, WORDS, Place, locate, title_of
from labutils.errors import DataError, ParameterError
from labutils.paths import ALLOWED_NAME, dataset_name, shown
from labutils.statistics import outputs_of

if TYPE_CHECKING:
    from labutils.config import RunConfig


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels of one data set, ready to train on.

    Attributes
    ----------
    name : str
        `skin`, `bone`, `x_ray`, or that of a folder of one's own.
    x_train, x_val : ndarray
        (n, size, size, channels), float32 in [0, 1]; read-only, usually mapped from the disk.
    y_train, y_val : ndarray
        (n,), int64: index into `class_names`.
    class_names : tuple of str
        In label order.
    files_train, files_val : tuple of str
        POSIX paths relative to `root`, in the order of the images.
    source : str
        `course`, `public` or `phantom`.
    fingerprint : str
        12 hexadecimal digits that stand for pixels, labels, class names and preprocessing.
    root : Path
        The folder the files are in.
    asked : dict
        How many images were asked for: `n_train` and `n_val`, None for all.
    title : str
        What the data set is called where a reader sees it; empty for the name of its folder.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    class_names: tuple[str, ...]
    files_train: tuple[str, ...]
    files_val: tuple[str, ...]
    source: str
    fingerprint: str
    root: Path
    asked: dict[str, int | None] = field(default_factory=dict)
    title: str = ""

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def image_size(self) -> int:
        """Side of every image in pixels."""
        return int(self.x_train.shape[1])

    @property
    def channels(self) -> int:
        """1 (grey) or 3 (colour)."""
        return int(self.x_train.shape[3])

    @property
    def outputs(self) -> int:
        """Units of a network's last layer: one for two classes, else one for each."""
        return outputs_of(self.n_classes)

    @property
    def activation(self) -> str:
        """What makes probabilities of them: sigmoid or softmax."""
        return "sigmoid" if self.n_classes == 2 else "softmax"

    def run(self, **settings: Any) -> "RunConfig":
        """The settings of a run on these images: `settings` are `RunConfig`'s, but for what the images know.

        Examples
        --------
        `skin.run(model="vgg16", learning_rate=1e-5, epochs=100)` has the images' name, size, channels and numbers.
        """
        from labutils.config import RunConfig

        own = {"dataset": self.name, "image_size": self.image_size, "channels": self.channels, **self.asked}
        return RunConfig(**{**own, **settings})

    def small(self, side: int = 48, n_train: int = 400, n_val: int = 200) -> "Dataset":
        """Fewer and smaller images of the same source, or what there is of them: a network trains on them in seconds.

        Raises as `load_dataset`.
        """
        fewer = min(n_train, len(self.y_train)), min(n_val, len(self.y_val))
        return load_dataset(self.name, side, self.channels, self.source, *fewer)

    @property
    def majority(self) -> float:
        """Share of the validation images that the largest class has: what always giving one answer reaches."""
        return float(np.bincount(self.y_val, minlength=1).max() / max(1, len(self.y_val)))

    def counts(self) -> dict[str, dict[str, int]]:
        """Images per class: `{"train": {"Mel": 500, "Nev": 500}, "validation": {...}}`."""
        return {
            split: {name: int((labels == label).sum()) for label, name in enumerate(self.class_names)}
            for split, labels in (("train", self.y_train), ("validation", self.y_val))
        }

    def banner(self) -> str:
        """Lines for the top of a notebook: whose images these are, in what form, how many; the ceiling of phantoms."""
        whose, size = WORDS.get(self.source, self.source), self.image_size
        colour = "grey" if self.channels == 1 else "colour"
        lines = [f"{self.title or title_of(self.name)}: {whose}, {size}x{size} {colour}"]
        for split, by_class in self.counts().items():
            shares = ", ".join(f"{name} {count}" for name, count in by_class.items())
            word = "training" if split == "train" else split
            lines.append(f"  {sum(by_class.values())} {word} images ({shares})")
        if (top := self.ceiling) is not None:
            lines.append(
                f"  Whoever knew every drawn sign would be right about {top:.3f} of such phantoms: their ceiling."
            )
        return "\n".join(lines)

    @property
    def ceiling(self) -> float | None:
        """The accuracy of whoever knows every drawn sign of phantoms, as their manifest says; None for other images."""
        if self.source != "phantom":
            return None
        try:
            return float(json.loads((self.root / "phantoms.json").read_text(encoding="utf-8"))["ceiling"])
        except (OSError, ValueError, KeyError, TypeError):  # regions of the body can all be told apart: no ceiling
            return None


def images_for(config: "RunConfig", source: str) -> tuple[str, int, int, str, int | None, int | None]:
    """What `load_dataset` is to be asked for where a run of these settings trains on images of this source."""
    return config.dataset, config.image_size, config.channels, source, config.n_train, config.n_val


def load_dataset(
    name: str,
    image_size: int = 128,
    channels: int = 1,
    source: str = "auto",
    n_train: int | None = None,
    n_val: int | None = None,
    progress: bool = True,
) -> Dataset:
    """One of the lab's data sets as arrays.

    Parameters
    ----------
    name : str
        `skin`, `bone`, `x_ray`, or the name of another folder in `data/` or in `LABUTILS_DATA`.
    image_size : int
        Side of the square that every image is scaled to, 32 to 1024 pixels.
    channels : int
        1 (grey) or 3 (colour).
    source : str
        `course` (the folder Skin, Bone or X_ray in `data/` or in `LABUTILS_DATA`), `public` (fetched by
        `labutils data fetch`), `phantom` (drawn by labutils), or `auto`: the first of these that exists.
    n_train, n_val : int, optional
        Take this many images, spread evenly over the classes, the same ones every time; None takes all. Of phantoms
        up to 4000 training images are drawn if they are asked for, beside the lab's.
    progress : bool
        Whether a progress bar may be shown while images are read for the first time.

    Raises
    ------
    ParameterError
        If a parameter has a value that is not allowed.
    DataError
        If the images are not there, or a file cannot be used.
    """
    name = check_parameters(name, image_size, channels, source, n_train, n_val)
    place = locate(name, source, progress, n_train)
    root, classes = place.root, read_classes(name, place.root)
    train, val = find_files(name, root)
    train = _subset(train, n_train, "n_train", f"{classes.title} holds {len(train.files)} training images")
    val = _subset(val, n_val, "n_val", f"{classes.title} holds {len(val.files)} validation images")
    files_train, files_val = relative_files(train, root), relative_files(val, root)
    read = reader(place, image_size, channels, classes.window, progress)
    x_train, x_val = read("train", files_train), read("validation", files_val)
    compare_depths(root, {"training": x_train.depth, "validation": x_val.depth})
    made_by = [x_train.digest, x_val.digest, *([classes.window] if classes.window else [])]
    if place.source == "phantom":
        made_by = phantom_recipe(root)
    labels = train.labels.tolist(), val.labels.tolist()
    fingerprint = hash_parts(name, classes.shown, *labels, image_size, channels, images.VERSION, made_by)
    arrays, files = (x_train.pixels, train.labels, x_val.pixels, val.labels), (files_train, files_val)
    asked = {"n_train": n_train, "n_val": n_val}
    return Dataset(name, *arrays, classes.shown, *files, place.source, fingerprint, root, asked, classes.title)


def check_parameters(
    name: str, image_size: int, channels: int, source: str, n_train: int | None = None, n_val: int | None = None
) -> str:
    """The data set's name as the lab writes it; ParameterError, with what is allowed, for a parameter that is not."""

    def whole(value: Any, low: int, high: float) -> bool:
        return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(low <= value <= high)

    rules = [
        ("name", name, dataset_name(name) is not None, ALLOWED_NAME),
        ("image_size", image_size, whole(image_size, 32, 1024), "a whole number from 32 to 1024 (pixels)"),
        ("channels", channels, whole(channels, 1, 3) and channels != 2, "1 (grey) or 3 (colour)"),
        ("source", source, isinstance(source, str) and source in SOURCES, "auto, course, public or phantom"),
        ("n_train", n_train, n_train is None or whole(n_train, 2, np.inf), "a whole number from 2, or None for all"),
        ("n_val", n_val, n_val is None or whole(n_val, 2, np.inf), "a whole number from 2, or None for all"),
    ]
    for parameter, value, good, allowed in rules:
        if not good:
            raise ParameterError(f"{parameter} is {value!r}: it must be {allowed}.")
    return str(dataset_name(name))


def phantom_recipe(root: Path) -> list[Any]:
    """What stands for the pixels of phantoms, on every machine: version of the drawing, seed, counts."""
    recipe = json.loads((root / "phantoms.json").read_text(encoding="utf-8"))
    return [recipe["version"], recipe["seed"], recipe["counts"]]


def relative_files(split: Split, root: Path) -> tuple[str, ...]:
    """The files of a split as POSIX paths relative to `root`."""
    # Every file was found by listing `root`: cutting text is ten times as quick as Path.relative_to.
    start = len(str(root)) + 1
    return tuple(str(file)[start:].replace(os.sep, "/") for file in split.files)


def reader(
    place: Place, image_size: int, channels: int, window: tuple[float, float] | None, progress: bool
) -> Callable[..., cache.Entry]:
    """What reads a split of a data set, given its name, its files and, where it has one of its own, its folder.

    Phantoms are looked at once, while they are decoded: whether they are still those that were drawn.
    """
    label = re.sub(r"[^A-Za-z0-9_.-]+", "_", place.root.name)  # as every system can write it

    @cache_once
    def check(root: Path) -> None:
        from labutils.phantoms.files import find_damaged

        if place.source == "phantom" and (damaged := find_damaged(root)):
            more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
            raise DataError(
                f"{shown(root / damaged[0])}{more}: no longer the phantom that was drawn. "
                f"Remove {shown(root)}; it is drawn again when it is next needed."
            )

    def read(split: str, files: tuple[str, ...], root: Path = place.root) -> cache.Entry:
        settings = image_size, channels, progress, window
        return cache.load_entry(f"{label}-{split}", root, files, *settings, partial(check, root))

    return read


def compare_depths(root: Path, depths: dict[str, int]) -> None:
    """Raises DataError if files of 16 bits look like different depths in two splits: brightness would differ."""
    (first, low), (second, high) = depths.items()
    if low and high and low != high:
        raise DataError(
            f"{shown(root)} holds files of 16 bits that do not say how many they use: {first} looks like {low}, "
            f"{second} like {high}. Say which values are black and white in {shown(root / FILE)}: "
            f"`window: [0, {2 ** max(low, high) - 1}]`."
        )


def _subset(split: Split, wanted: int | None, parameter: str, holds: str) -> Split:
    """`wanted` images of a split: one of each class in turn, in the order of the files."""
    if wanted is None:
        return split
    if wanted > len(split.files):
        raise DataError(f"{parameter} is {wanted}: {holds}. Ask for fewer, or give None for all.")
    classes = np.unique(split.labels)
    if wanted < len(classes):
        raise DataError(f"{parameter} is {wanted}: there are {len(classes)} classes, and each needs an image.")
    chosen = spread(split.labels, wanted)
    return Split(tuple(split.files[index] for index in chosen), split.labels[chosen])


def in_turn(labels: np.ndarray) -> np.ndarray:
    """The turn of each of `labels` (n,) if every class has one after the other: how many of its class stand before it.

    Examples
    --------
    >>> in_turn(np.array([1, 1, 0, 1])).tolist()
    [0, 1, 0, 2]
    """
    turn = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        own = labels == label
        turn[own] = np.arange(own.sum())
    return turn


def spread(labels: np.ndarray, n: int) -> np.ndarray:
    """`n` places in their order, every class in turn; all where there are fewer."""
    return np.sort(np.lexsort((labels, in_turn(labels)))[:n])


def hash_parts(*parts: Any) -> str:
    """12 hexadecimal digits that stand for `parts`, which JSON can write."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
