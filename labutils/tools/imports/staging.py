"""The hidden folder in which a data set is made: pictures, a journal of them, and what they were made from.

A picture is in the journal once its file is complete. Killed at any moment, the same call finds what is done.
"""

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from labutils import machine
from labutils.data import images
from labutils.errors import DataError
from labutils.progress import bar
from labutils.tools.imports.pictures import Converted, convert
from labutils.tools.imports.sources import Item

VERSION = 1
"""Raised when the same file would become another picture: what an older version has begun is begun again."""


class Staging:
    """What is done of an import.

    Parameters
    ----------
    folder : Path
        Made if it is not there; emptied if it holds pictures of other files, or made with another window.
    items : list of Item
    window : (float, float), optional
    """

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

    def picture(self, item: Item) -> Path:
        """Where the picture of an item is kept until it has its name."""
        return self.folder / "pictures" / f"{hashlib.sha256(item.name.encode()).hexdigest()[:24]}.png"

    def convert(self, progress: bool) -> dict[str, str]:
        """Make every picture that is not there yet; what cannot be made, with the reason."""
        waiting = [item for item in self.items if item.name not in self.done]
        # Files that declare no depth are read alike, those that are done already included.
        levels = images.find_levels([item.file for item in self.items if not item.is_dicom], self.window)
        problems: dict[str, str] = {}

        def work(item: Item) -> Converted | str:
            target = self.picture(item)
            growing = target.with_suffix(".tmp")
            try:
                made = convert(item, growing, levels, self.window)
            except DataError as error:
                return str(error)
            os.replace(growing, target)
            return made

        pool = ThreadPoolExecutor(machine.cores())
        try:
            with self.journal.open("a", encoding="utf-8") as journal:
                outcomes = zip(waiting, pool.map(work, waiting), strict=True)
                for item, made in bar(progress, iterable=outcomes, total=len(waiting), desc="Importing", unit="image"):
                    if isinstance(made, str):
                        problems[item.name] = made
                        continue
                    self.done[item.name] = made
                    journal.write(_to_line(item.name, made))
                    journal.flush()
        finally:
            # Stopped by hand, what has not begun is not waited for.
            pool.shutdown(cancel_futures=True)
        return problems

    def place(self, item: Item, file: str) -> None:
        """Give a picture its name in the data set; it may have it already."""
        target = self.made / file
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.picture(item).exists():
            os.replace(self.picture(item), target)

    def _read(self) -> Iterator[tuple[str, Converted]]:
        if not self.journal.is_file():
            return
        for line in self.journal.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
                thumbnail = np.frombuffer(base64.b64decode(entry.pop("thumbnail")), np.float16)
                side = int(len(thumbnail) ** 0.5)
                yield entry.pop("name"), Converted(**entry, thumbnail=thumbnail.reshape(side, side))
            except (ValueError, KeyError, TypeError):
                continue  # the last line of a process that was killed


def _to_line(name: str, made: Converted) -> str:
    thumbnail = base64.b64encode(made.thumbnail.astype(np.float16).tobytes()).decode()
    rest = {key: getattr(made, key) for key in ("width", "height", "levels", "checksum")}
    return json.dumps({"name": name, **rest, "thumbnail": thumbnail}) + "\n"
