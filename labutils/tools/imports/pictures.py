"""Any picture as a PNG without anything but pixels, and the hidden folder in which such pictures are made.

A picture is in the folder's journal once its file is complete: killed at any moment, the same call finds what is done.
"""

import base64
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from labutils import machine
from labutils.audit.duplicates import make_thumbnail
from labutils.data import greylevels, images
from labutils.errors import DataError
from labutils.progress import bar
from labutils.tools.imports import dicom
from labutils.tools.imports.sources import Item

VERSION = 1
"""Raised when the same file would become another picture: what an older version has begun is begun again."""

_one_large = Lock()  # each of several threads with a large picture of its own would fill the memory


@dataclass(frozen=True)
class Converted:
    """What became of a picture: its size, how its grey levels were read, a checksum of the pixels, a thumbnail."""

    width: int
    height: int
    levels: str
    checksum: str
    thumbnail: np.ndarray


class Staging:
    """What is done of an import, in a folder; it is emptied if that was of other files, or with another window."""

    def __init__(self, folder: Path, items: list[Item], window: tuple[float, float] | None) -> None:
        self.folder, self.items, self.window = folder, items, window
        self.journal, self.made = folder / "journal.jsonl", folder / "set"
        state = hashlib.sha256(f"{VERSION} {window}".encode())
        for item in items:
            status = item.file.stat()
            state.update(f"{item.name}\0{status.st_size} {status.st_mtime_ns}\n".encode(errors="surrogateescape"))
        plan, key = folder / "plan", state.hexdigest()
        if not plan.is_file() or plan.read_text(encoding="utf-8") != key:
            shutil.rmtree(folder, ignore_errors=True)
            (folder / "pictures").mkdir(parents=True)
            self.made.mkdir()
            plan.write_text(key, encoding="utf-8")
        self.done = dict(self._read())

    def convert(self) -> dict[str, str]:
        """Make every picture that is not there yet; what cannot be made, with the reason."""
        waiting = [item for item in self.items if item.name not in self.done]
        # Files that declare no depth are read alike, those that are done already included.
        levels = images.find_levels([item.file for item in self.items if not item.is_dicom], self.window)
        problems: dict[str, str] = {}

        def work(item: Item) -> Converted | str:
            growing = self._picture(item).with_suffix(".tmp")
            try:
                made = convert(item, growing, levels, self.window)
            except DataError as error:
                return str(error)
            os.replace(growing, self._picture(item))
            return made

        pool = ThreadPoolExecutor(machine.cores())
        try:
            with self.journal.open("a", encoding="utf-8") as journal:
                outcomes = zip(waiting, pool.map(work, waiting), strict=True)
                for item, made in bar(iterable=outcomes, total=len(waiting), desc="Importing", unit="image"):
                    if isinstance(made, str):
                        problems[item.name] = made
                        continue
                    self.done[item.name] = made
                    thumbnail = base64.b64encode(made.thumbnail.astype(np.float16).tobytes()).decode()
                    journal.write(json.dumps({"name": item.name, **vars(made), "thumbnail": thumbnail}) + "\n")
                    journal.flush()
        finally:
            # Stopped by hand, what has not begun is not waited for.
            pool.shutdown(cancel_futures=True)
        return problems

    def place(self, item: Item, file: str) -> None:
        """Give a picture its name in the data set; it may have it already."""
        target = self.made / file
        target.parent.mkdir(parents=True, exist_ok=True)
        if self._picture(item).exists():
            os.replace(self._picture(item), target)

    def _picture(self, item: Item) -> Path:
        return self.folder / "pictures" / f"{hashlib.sha256(item.name.encode()).hexdigest()[:24]}.png"

    def _read(self) -> Iterator[tuple[str, Converted]]:
        for line in self.journal.read_text(encoding="utf-8").splitlines() if self.journal.is_file() else ():
            try:
                entry = json.loads(line)
                thumbnail = np.frombuffer(base64.b64decode(entry.pop("thumbnail")), np.float16)
                side = int(len(thumbnail) ** 0.5)
                yield entry.pop("name"), Converted(**entry, thumbnail=thumbnail.reshape(side, side))
            except (ValueError, KeyError, TypeError):
                continue  # the last line of a process that was killed


def convert(item: Item, target: Path, levels: images.Levels, window: tuple[float, float] | None) -> Converted:
    """Write the picture of an item as PNG, 8 bits where it has no more, else 16; a DataError says why it cannot be.

    `levels` says how 16-bit images that declare nothing are read (see `images.find_levels`), `window` which values of
    DICOM are black and white.
    """
    from PIL import Image

    if item.is_dicom:
        with _one_large if item.pixels > images.LARGE else nullcontext():
            return _write(*dicom.read_brightness(item.file, window), target)
    grey, deep = True, False
    with suppress(Exception), Image.open(item.file, formats=images.FORMATS) as image:  # said when it is read
        deep = greylevels.is_deep(image)
        grey = deep or (image.mode in ("1", "L") and not image.has_transparency_data)
    brightness = images.read_image(item.file, 1 if grey else 3, levels)
    words = "as stored" if not deep else f"{levels.depth} bits" if levels.depth else "as the file declares"
    return _write(brightness, deep, words if levels.window is None else "window as asked for", target)


def _write(brightness: np.ndarray, deep: bool, words: str, target: Path) -> Converted:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    pixels = np.rint(brightness * np.float32(65535 if deep else 255)).astype(np.uint16 if deep else np.uint8)
    said = PngInfo()
    if deep:
        # A dark picture would be taken for one of 12 bits.
        said.add(b"sBIT", bytes([16]))
    # Compressed by runs: on radiographs and photographs as small as the default, in half of the time.
    Image.fromarray(pixels).save(target, "PNG", pnginfo=said, compress_level=1, compress_type=zlib.Z_RLE)
    checksum = hashlib.sha256(f"{pixels.shape} {pixels.dtype}".encode() + np.ascontiguousarray(pixels).data)
    grey: Any = brightness if brightness.ndim == 2 else brightness @ np.array(images.GREY_WEIGHTS, np.float32)
    return Converted(pixels.shape[1], pixels.shape[0], words, checksum.hexdigest(), make_thumbnail(grey))
