"""Which files make up a phantom data set, and whether a folder holds them as they were written."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

VERSIONS = {"skin": 2, "bone": 2, "x_ray": 1}
"""Version of the drawings of each data set. Raise it whenever a pixel changes: stored runs are tied to it."""

CLASS_NAMES = {"skin": ("Mel", "Nev"), "bone": ("AFF", "NFF"), "x_ray": tuple(f"C{number}" for number in range(1, 10))}
"""The classes that can be drawn, in label order, as the course's files are called."""

TITLES = {"skin": "Skin", "bone": "Bone", "x_ray": "X_ray"}  # what a data set is called in sentences

COUNTS: dict[str, dict[str, int]] = {  # images per split of each data set, as in the lab; balanced over the classes
    "skin": {"train": 1000, "validation": 200},
    "bone": {"train": 1072, "validation": 140},
    "x_ray": {"train": 900, "validation": 225},
}

MORE_TRAINING = 4000
"""Training images that may be drawn of each data set; the first of every class are those of `COUNTS`."""

EXAM_COUNTS = {"skin": 4000, "bone": 4000, "x_ray": 4500}  # images of each exam; balanced over the classes

FOLDERS = {"train": "train", "validation": "test", "exam": "exam"}
"""Split -> its folder in the course's layout; the exam lies beside the data set, in a folder of its own."""

MANIFEST = "phantoms.json"

# Photographs as JPEG, as the course has them. Radiographs as PNG: a rounding difference of one grey level
# between two processors stays one grey level, where JPEG's quantization could widen it.
_SUFFIXES = {"skin": ".jpg", "bone": ".png", "x_ray": ".png"}
_GRID = 4  # the checksum of an image is the mean grey of each of 4 x 4 blocks


class Address(NamedTuple):
    """Which image of a data set: all that a phantom depends on besides the seed."""

    file: str
    split: int
    label: int
    number: int


def list_files(name: str, counts: dict[str, int]) -> Iterator[Address]:
    """The images of a data set, by split, class and number; files as POSIX paths such as `train/Mel_0001.jpg`.

    `counts` are images of some of the splits in `FOLDERS`; the first classes get one more where they do not share out.
    """
    class_names = CLASS_NAMES[name]
    for split, (split_name, subfolder) in enumerate(FOLDERS.items()):
        if split_name not in counts:
            continue
        each, left = divmod(counts[split_name], len(class_names))
        for label, class_name in enumerate(class_names):
            for number in range(each + (label < left)):
                yield Address(f"{subfolder}/{class_name}_{number + 1:04d}{_SUFFIXES[name]}", split, label, number)


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """What `phantoms.json` says about a folder of phantoms; None if there is none that we wrote.

    `name`, `version`, `seed`, `counts` and `files`: of each its length in `bytes`, its `grey` (see `block_means`) and,
    for skin and bone, its `signs`, beside the `ceiling` of the data set.
    """
    try:
        manifest = json.loads((Path(folder) / MANIFEST).read_text(encoding="utf-8"))
        known = {"name", "version", "seed", "counts", "files"} <= set(manifest)
    except (OSError, ValueError, TypeError):
        return None
    return manifest if known else None


def is_complete(name: str, folder: Path) -> bool:
    """Whether a folder holds a whole phantom data set of this version, by names and lengths; no image is opened."""
    manifest = read_manifest(folder)
    if manifest is None or manifest["name"] != name or manifest["version"] != VERSIONS[name]:
        return False
    listed = manifest["files"]
    if sorted(listed) != sorted(address.file for address in list_files(name, manifest["counts"])):
        return False
    found = {}
    for subfolder in (FOLDERS[split] for split in manifest["counts"]):
        try:
            with os.scandir(Path(folder) / subfolder) as entries:
                found.update({f"{subfolder}/{e.name}": e.stat().st_size for e in entries if e.is_file()})
        except OSError:
            return False
    return found == {file: entry["bytes"] for file, entry in listed.items()}


def find_damaged(folder: Path) -> list[str]:
    """The files, relative to `folder`, whose pixels are no longer those that were written, to within a grey level."""
    listed = (read_manifest(folder) or {"files": {}})["files"]
    return [file for file, entry in listed.items() if not _looks_like(Path(folder) / file, entry["grey"])]


def block_means(image: np.ndarray) -> list[float]:
    """Mean grey of 4 x 4 blocks of an 8-bit image, row by row: a checksum that a rounding error does not change."""
    grey = image if image.ndim == 2 else image.mean(axis=2)
    blocks = [part for row in np.array_split(grey, _GRID) for part in np.array_split(row, _GRID, axis=1)]
    return [round(float(block.mean()), 1) for block in blocks]


def _looks_like(file: Path, grey: list[float]) -> bool:
    try:
        with Image.open(file) as image:
            return bool(np.allclose(block_means(np.asarray(image)), grey, rtol=0, atol=1.0))
    except (OSError, ValueError, SyntaxError):  # Pillow reports a broken PNG as a SyntaxError
        return False
