"""`dataset.yaml` beside the images of a data set: what a folder does not say by itself.

All of it may be left out. An example:

    title: Chest radiographs of our clinic
    classes: {Normal: healthy, Pneumonia: pneumonia}   # in label order: name of the folder, name in figures
    licence: for teaching within the clinic
    citation: Doe et al. (2024)
    window: [0, 4095]   # values that are black and white, for files of more than 8 bits

`classes` may be a list as well. `classes.json`, with class names only, is read where there is no such file.
"""

import json
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labutils.data.listing import alike
from labutils.errors import DataError
from labutils.paths import shown

FILE = "dataset.yaml"
CLASSES_FILE = "classes.json"
LARGEST = 1_000_000  # bytes of either: thousands of classes


@dataclass(frozen=True)
class Description:
    """The classes of a data set and what else is said of it; empty where nothing is.

    `words` are the classes as folders have them, in label order, `shown` as figures do; `window` are the stored values
    that are black and white; `aliases` other names that a folder of a class may have.
    """

    title: str = ""
    words: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    window: tuple[float, float] | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, int]:
        """Label by name as names are compared, aliases included."""
        labels = {alike(word): label for label, word in enumerate(self.words)}
        return {alias: labels[alike(word)] for alias, word in self.aliases.items()} | labels


def describe(folder: Path) -> Description:
    """What `dataset.yaml`, or else `classes.json`, in a folder says; a DataError names an entry that cannot be used."""
    file = folder / FILE
    try:
        text = _read(file)
    except (FileNotFoundError, NotADirectoryError):
        return _describe_classes(folder / CLASSES_FILE)
    except (OSError, ValueError) as error:
        raise DataError(f"{shown(file)} cannot be read ({getattr(error, 'strerror', None) or 'no text'}).") from None
    return _parse(file, text)


def _read(file: Path) -> str:
    status = file.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:  # nobody writes to a pipe
        raise ValueError("no text")
    return file.read_text(encoding="utf-8")


def _describe_classes(file: Path) -> Description:
    try:
        names = json.loads(_read(file))["class_names"]
    except (FileNotFoundError, NotADirectoryError):
        return Description()
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        names = ()
    if not _are_names(names):
        raise DataError(
            f'{shown(file)} does not list classes: it should read {{"class_names": ["Hand", "Knee"]}}, '
            "with two or more different names. Mend or remove it."
        )
    return Description(words=tuple(names), shown=tuple(names))


def _are_names(names: Any) -> bool:
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name.strip() for name in names):
        return False
    return len(names) >= 2 and len(set(map(alike, names))) == len(names)


def _is_window(said: Any) -> bool:
    try:
        low, high = map(float, said if isinstance(said, list) else ())
    except (TypeError, ValueError, OverflowError):
        return said is None
    return float("-inf") < low < high < float("inf")  # not a number compares as False, too


def _are_classes(said: Any) -> bool:
    named = list(said.values()) if isinstance(said, dict) else said
    return said is None or (_are_names(named) and _are_names(list(said)))


_TEXT = (lambda said: isinstance(said, str), "text")
_ENTRIES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "title": (lambda said: isinstance(said, str) and len(said) <= 120, "a line of text"),
    "classes": (_are_classes, "two or more different names, such as [Normal, Pneumonia] or {Normal: healthy, ...}"),
    "licence": _TEXT,
    "citation": _TEXT,
    "window": (_is_window, "the values that are black and white, such as [0, 4095], the first the smaller"),
}
"""The entries there may be: whether one can be used, and what is expected."""


def _parse(file: Path, text: str) -> Description:
    import yaml  # most folders have no such file, and opening what is cached stays instant

    try:
        entries = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        where = "" if line is None else f" (line {line + 1})"
        raise DataError(f"{shown(file)} is not YAML{where}: it should hold lines such as `title: Chest`.") from None
    entries = {} if entries is None else entries
    if not isinstance(entries, dict):
        raise DataError(f"{shown(file)} is no list of entries: there are {', '.join(_ENTRIES)}.")
    for name, said in entries.items():
        if name not in _ENTRIES:
            raise DataError(f"{shown(file)} has an entry {str(name)!r}: there are {', '.join(_ENTRIES)}.")
        is_good, expected = _ENTRIES[name]
        if not is_good(said):
            raise DataError(f"{shown(file)}: {name} must be {expected}.")
    title, classes, window = entries.get("title", ""), entries.get("classes"), entries.get("window")
    words = _describe_classes(file.with_name(CLASSES_FILE)).words if classes is None else tuple(classes)
    names = tuple(classes.values()) if isinstance(classes, dict) else words
    return Description(title, words, names, window and (float(window[0]), float(window[1])))
