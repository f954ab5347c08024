"""Any picture as a PNG without anything but pixels: no name, no date, no place remains of what a file carried."""

import hashlib
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from labutils.audit.duplicates import make_thumbnail
from labutils.data import greylevels, images
from labutils.tools.imports import dicom
from labutils.tools.imports.png import write_png
from labutils.tools.imports.sources import Item

_one_large = Lock()  # each of several threads with a large picture of its own would fill the memory


@dataclass(frozen=True)
class Converted:
    """What became of a picture: its size, how its grey levels were read, a checksum of the pixels, a thumbnail."""

    width: int
    height: int
    levels: str
    checksum: str
    thumbnail: np.ndarray


def convert(item: Item, target: Path, levels: images.Levels, window: tuple[float, float] | None) -> Converted:
    """Write the picture of an item as PNG: 8 bits where it has no more, else 16.

    Parameters
    ----------
    item : Item
    target : Path
        A file in a folder that exists.
    levels : Levels
        How 16-bit images that declare nothing are read; see `images.find_levels`.
    window : (float, float), optional
        Values that are black and white, for DICOM.

    Raises
    ------
    DataError
        If the picture cannot be read.
    """
    if item.is_dicom:
        with _one_large if item.pixels > images.LARGE else nullcontext():
            return _write(*dicom.read_brightness(item.file, window), target)
    grey, deep = _kind(item.file)
    brightness = images.read_image(item.file, 1 if grey else 3, levels)
    words = "as stored" if not deep else f"{levels.depth} bits" if levels.depth else "as the file declares"
    return _write(brightness, deep, words if levels.window is None else "window as asked for", target)


def _kind(file: Path) -> tuple[bool, bool]:
    """Whether an image is grey, and whether it has more than 8 bits."""
    from PIL import Image

    try:
        with Image.open(file, formats=images.FORMATS) as image:
            deep = greylevels.is_deep(image)
            return deep or (image.mode in ("1", "L") and not image.has_transparency_data), deep
    except Exception:  # said in a sentence when it is read
        return True, False


def _write(brightness: np.ndarray, deep: bool, words: str, target: Path) -> Converted:
    pixels = np.rint(brightness * np.float32(65535 if deep else 255)).astype(np.uint16 if deep else np.uint8)
    write_png(target, pixels)
    checksum = hashlib.sha256(f"{pixels.shape} {pixels.dtype}".encode() + np.ascontiguousarray(pixels).data)
    grey: Any = brightness if brightness.ndim == 2 else brightness @ np.array(images.GREY_WEIGHTS, np.float32)
    return Converted(pixels.shape[1], pixels.shape[0], words, checksum.hexdigest(), make_thumbnail(grey))
