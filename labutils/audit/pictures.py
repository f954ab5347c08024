"""Measure every picture of a data set for the audit, from files in a folder or from a data set that is loaded
already."""

import hashlib
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from labutils import machine
from labutils.audit import duplicates
from labutils.data.dataset import Dataset
from labutils.data.description import describe
from labutils.data.images import FORMATS, GREY_WEIGHTS, Levels, find_levels, read_image
from labutils.data.layouts import Split
from labutils.errors import DataError
from labutils.progress import bar

_GREY_MODES = ("1", "L", "I", "I;16", "I;16B", "F")


@dataclass(frozen=True)
class Pictures:
    """What is known of each picture, in one array or tuple per property.

    `files` are relative to the data set's folder; `sizes` (n, 2) width and height in pixels, 0 where the file is not at
    hand; `modes` Pillow's names for the pixel format (`L` grey, `RGB` colour), empty there. `checksums` are equal for
    equal pixels, empty for what cannot be read; `colours` (n, 3) mean red, green and blue, and grey `thumbnails`
    (n, 32, 32) float32, both from 0 to 1; `problems` why a picture cannot be read, empty for one that can.
    """

    files: tuple[str, ...]
    labels: np.ndarray
    in_validation: np.ndarray
    class_names: tuple[str, ...]
    sizes: np.ndarray
    modes: tuple[str, ...]
    checksums: tuple[str, ...]
    colours: np.ndarray
    thumbnails: np.ndarray
    problems: tuple[str, ...]

    @property
    def readable(self) -> np.ndarray:
        """Which pictures could be read, (n,) bool."""
        return np.array([not problem for problem in self.problems])


class _Picture(NamedTuple):
    """One picture's part of `Pictures`, in the same order."""

    size: tuple[int, int]
    mode: str
    checksum: str = ""
    colour: tuple[float, ...] = (0.0, 0.0, 0.0)
    thumbnail: np.ndarray = np.zeros((duplicates.THUMBNAIL, duplicates.THUMBNAIL), np.float32)
    problem: str = ""


def measure_files(
    root: Path, splits: Sequence[Split], class_names: tuple[str, ...], progress: bool = False
) -> Pictures:
    """Read and measure the files of a data set in `root`, on all cores; those of a second split are in validation.

    What cannot be read has its problem noted; none is left out.
    """
    # As the loader reads them: a split at a time, with the window that somebody has written down.
    window = describe(root).window
    items = [
        (file, levels) for split in splits for levels in [find_levels(split.files, window)] for file in split.files
    ]
    names = [file.relative_to(root).as_posix() for file, _ in items]
    # Threads, not processes: decoding and resizing leave Python's lock, and nothing has to be sent back.
    with ThreadPoolExecutor(machine.cores()) as pool:
        found = pool.map(_measure_file, items)
        return _collect(found, names, [split.labels for split in splits], class_names, progress)


def measure_dataset(dataset: "Dataset", progress: bool = False) -> Pictures:
    """Measure the pictures of a loaded data set; sizes and modes come from the headers of its files.

    None has a problem: what cannot be read cannot be loaded either.
    """
    names = [*dataset.files_train, *dataset.files_val]
    images = zip(chain(dataset.x_train, dataset.x_val), names, strict=True)
    # One after the other: at 128 pixels a side an image is measured faster than it is handed to a thread.
    found = (_measure_pixels(image, *_read_header(dataset.root / name)) for image, name in images)
    return _collect(found, names, [dataset.y_train, dataset.y_val], dataset.class_names, progress)


def sample_colours(dataset: "Dataset") -> np.ndarray:
    """Mean red, green and blue of 100 of a data set's files, spread evenly, however it was loaded, (k, 3) from 0 to 1;
    empty where they are not at hand."""
    names = [*dataset.files_train, *dataset.files_val]
    colours = []
    for name in names[:: -(-len(names) // 100)]:
        if mode := _read_header(dataset.root / name)[1]:
            grey = mode in _GREY_MODES
            colours.append([0.5] * 3 if grey else read_image(dataset.root / name, 3).mean(axis=(0, 1)).tolist())
    return np.array(colours).reshape(-1, 3)


def _collect(
    measured: Iterable[_Picture],
    names: Sequence[str],
    labels: Sequence[np.ndarray],
    class_names: tuple[str, ...],
    progress: bool,
) -> Pictures:
    found = bar(progress, iterable=measured, total=len(names), desc="Reading", unit="image")
    sizes, modes, checksums, colours, thumbnails, problems = zip(*found, strict=True)
    return Pictures(
        tuple(names),
        np.concatenate(labels).astype(np.int64),
        np.repeat(np.arange(len(labels)) == 1, [len(one) for one in labels]),
        class_names,
        np.array(sizes, dtype=np.int64),
        modes,
        checksums,
        np.array(colours),
        np.array(thumbnails, dtype=np.float32),
        problems,
    )


def _measure_file(item: tuple[Path, Levels]) -> _Picture:
    file, levels = item
    size, mode = _read_header(file)
    try:
        # Grey files are read as grey: a third of the work, and the same pixels.
        pixels = read_image(file, 1 if mode in _GREY_MODES else 3, levels)
    except (DataError, OSError) as error:
        return _Picture(size, mode, problem=str(error))
    return _measure_pixels(pixels, size, mode)


def _measure_pixels(pixels: np.ndarray, size: tuple[int, int], mode: str) -> _Picture:
    # Whatever the loader hands over, (h, w), (h, w, 1) or (h, w, 3): grey has one plane, colour three.
    planes = np.atleast_3d(pixels)
    grey = planes[..., 0] if planes.shape[2] == 1 else planes[..., :3] @ np.array(GREY_WEIGHTS, dtype=np.float32)
    colour = np.broadcast_to(planes[..., :3].mean(axis=(0, 1), dtype=np.float64), 3)
    # In steps of one grey level, so that the same picture in a file of another format is still the same.
    levels = np.rint(grey * 255).astype(np.uint8)
    checksum = hashlib.sha256(repr(levels.shape).encode() + levels.tobytes()).hexdigest()
    return _Picture(size, mode, checksum, tuple(colour.tolist()), duplicates.make_thumbnail(grey))


def _read_header(file: Path) -> tuple[tuple[int, int], str]:
    """Width, height and mode as the file states them, (0, 0) and "" if it cannot be opened."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file, formats=FORMATS) as image:
                return image.size, image.mode
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return (0, 0), ""
