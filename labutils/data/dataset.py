"""`load_dataset`: a data set of the lab as arrays, from wherever its images are.

Which files there are is the business of `layouts`, pixels of `images`, keeping them of `cache`; drawing phantoms
of `phantoms`.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labutils import paths
from labutils.data import cache, images
from labutils.data.errors import DataError, shown
from labutils.data.layouts import DATASETS, Layout, Split, find_files, find_folder, read_class_names

SOURCES = ("auto", "course", "public", "phantom")
_SOURCE_WORDS = {
    "course": "course data",
    "public": "public data",
    "phantom": "PHANTOMS (synthetic images drawn by labutils, not patients)",
}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels of one data set, ready to train on.

    Attributes
    ----------
    name : str
        `skin`, `bone` or `x_ray`.
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

    def counts(self) -> dict[str, dict[str, int]]:
        """Images per class: `{"train": {"Mel": 500, "Nev": 500}, "validation": {...}}`."""
        splits = {"train": self.y_train, "validation": self.y_val}
        return {
            split: {name: int((labels == label).sum()) for label, name in enumerate(self.class_names)}
            for split, labels in splits.items()
        }

    def banner(self) -> str:
        """Three lines for the top of a notebook: whose images these are and in what form, and how many."""

        def say(split: str, word: str) -> str:
            by_class = self.counts()[split]
            shares = ", ".join(f"{name} {count}" for name, count in by_class.items())
            return f"{sum(by_class.values())} {word} images ({shares})"

        size, colour = self.image_size, "grey" if self.channels == 1 else "colour"
        return (
            f"{DATASETS[self.name].folder}: {_SOURCE_WORDS[self.source]}, {size}x{size} {colour}\n"
            f"  {say('train', 'training')}\n  {say('validation', 'validation')}"
        )


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
        `skin`, `bone` or `x_ray`.
    image_size : int
        Side of the square that every image is scaled to, 32 to 1024 pixels.
    channels : int
        1 (grey) or 3 (colour).
    source : str
        `course` (the folder Skin, Bone or X_ray in `data/` or in `LABUTILS_DATA`), `public` (fetched by
        `labutils data fetch`), `phantom` (drawn by labutils), or `auto`: the first of these that exists.
    n_train, n_val : int, optional
        Take this many images, spread evenly over the classes, the same ones every time; None takes all.
    progress : bool
        Whether a progress bar may be shown while images are read for the first time.

    Returns
    -------
    Dataset
        Pixels float32 in [0, 1].

    Raises
    ------
    ParameterError
        If a parameter has a value that is not allowed.
    DataError
        If the images are not there, or a file cannot be used.
    """
    _check(name, image_size, channels, source, n_train, n_val)
    layout = DATASETS[name]
    source, root = _locate(layout, source, progress)
    class_names = read_class_names(name, root)
    train, val = find_files(name, root)
    train = _subset(train, n_train, "n_train", f"{layout.folder} holds {len(train.files)} training images")
    val = _subset(val, n_val, "n_val", f"{layout.folder} holds {len(val.files)} validation images")
    files_train, files_val = _relative(train, root), _relative(val, root)
    x_train, digest_train = cache.load_pixels(
        f"{layout.folder}-train", root, files_train, image_size, channels, progress
    )
    x_val, digest_val = cache.load_pixels(
        f"{layout.folder}-validation", root, files_val, image_size, channels, progress
    )
    made_by: list[Any] = [digest_train, digest_val]
    if source == "phantom":
        # Floating point may move a pixel of a phantom by one grey level from one processor to the next: what
        # drew them stands for them, so that a stored run is found on every machine.
        made_by = _phantom_recipe(root)
    fingerprint = _fingerprint(
        name, class_names, train.labels.tolist(), val.labels.tolist(), image_size, channels, images.VERSION, made_by
    )
    return Dataset(
        name=name,
        x_train=x_train,
        y_train=train.labels,
        x_val=x_val,
        y_val=val.labels,
        class_names=class_names,
        files_train=files_train,
        files_val=files_val,
        source=source,
        fingerprint=fingerprint,
        root=root,
    )


def _check(name: str, image_size: int, channels: int, source: str, n_train: int | None, n_val: int | None) -> None:
    def whole(value: Any, low: int, high: float) -> bool:
        return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(low <= value <= high)

    rules = [
        ("name", name, isinstance(name, str) and name in DATASETS, "skin, bone or x_ray"),
        ("image_size", image_size, whole(image_size, 32, 1024), "a whole number from 32 to 1024 (pixels)"),
        ("channels", channels, whole(channels, 1, 3) and channels != 2, "1 (grey) or 3 (colour)"),
        ("source", source, isinstance(source, str) and source in SOURCES, "auto, course, public or phantom"),
        ("n_train", n_train, n_train is None or whole(n_train, 2, np.inf), "a whole number from 2, or None for all"),
        ("n_val", n_val, n_val is None or whole(n_val, 2, np.inf), "a whole number from 2, or None for all"),
    ]
    for parameter, value, good, allowed in rules:
        if not good:
            from labutils.config import ParameterError

            raise ParameterError(f"{parameter} is {value!r}: it must be {allowed}.")


def _locate(layout: Layout, source: str, progress: bool) -> tuple[str, Path]:
    """The source that is used and the folder it is in."""
    public = paths.generated_dir() / "public" / layout.folder
    if source in ("auto", "course"):
        data = _data_dir()
        course = find_folder(data, (layout.folder.casefold(),)) if data.is_dir() else None
        if course is not None:
            return "course", course
        if source == "course":
            raise DataError(_absent(layout, data / layout.folder, "the course's images"))
    if source in ("auto", "public") and public.exists():
        return "public", public
    if source == "public":
        raise DataError(_absent(layout, public, "public images"))
    return "phantom", _phantoms(layout, progress)


def _data_dir() -> Path:
    try:
        folder = paths.data_dir()
    except FileNotFoundError as error:
        raise DataError(str(error)) from None
    inside = {entry.name.casefold() for entry in folder.iterdir()} if folder.is_dir() else set()
    if "train" in inside and not inside & {layout.folder.casefold() for layout in DATASETS.values()}:
        raise DataError(
            f"{shown(folder)} holds train, so it is one data set: LABUTILS_DATA should be the folder above it, "
            "in which the data sets are called Skin, Bone and X_ray."
        )
    return folder


def _absent(layout: Layout, folder: Path, what: str) -> str:
    fetch = {"skin": "labutils data fetch skin", "x_ray": "labutils data fetch xray"}.get(layout.name)
    remedies = [
        "put the course's images there (or set LABUTILS_DATA to the folder that holds " + layout.folder + ")",
        f"type `{fetch}` for public images" if fetch else "",
        "type `labutils data phantoms` for synthetic ones (source='phantom')",
    ]
    return f"There is no {shown(folder)} with {what} of {layout.folder}: {', or '.join(filter(None, remedies))}."


def _phantoms(layout: Layout, progress: bool) -> Path:
    from labutils.data import phantom_files

    folder = paths.generated_dir() / "phantoms" / layout.folder
    if not phantom_files.is_complete(layout.name, folder):
        from labutils.data import phantoms

        phantoms.write_phantoms(layout.name, folder, progress=progress)
    return folder


def _phantom_recipe(root: Path) -> list[Any]:
    recipe = json.loads((root / "phantoms.json").read_text(encoding="utf-8"))
    return [recipe["version"], recipe["seed"], recipe["counts"]]


def _relative(split: Split, root: Path) -> tuple[str, ...]:
    # Every file was found by listing `root`: cutting text is ten times as quick as Path.relative_to.
    start = len(str(root)) + 1
    return tuple(str(file)[start:].replace(os.sep, "/") for file in split.files)


def _subset(split: Split, wanted: int | None, parameter: str, holds: str) -> Split:
    """`wanted` images of a split: one of each class in turn, in the order of the files."""
    if wanted is None or wanted == len(split.files):
        return split
    if wanted > len(split.files):
        raise DataError(f"{parameter} is {wanted}: {holds}. Ask for fewer, or give None for all.")
    classes = np.unique(split.labels)
    if wanted < len(classes):
        raise DataError(f"{parameter} is {wanted}: there are {len(classes)} classes, and each needs an image.")
    rank = np.empty(len(split.labels), np.int64)
    for label in classes:
        members = split.labels == label
        rank[members] = np.arange(members.sum())
    chosen = np.sort(np.lexsort((split.labels, rank))[:wanted])
    return Split(tuple(split.files[index] for index in chosen), split.labels[chosen])


def _fingerprint(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
