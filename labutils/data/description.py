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
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from labutils.data.listing import alike
from labutils.errors import DataError
from labutils.paths import shown

FILE = "dataset.yaml"
CLASSES_FILE = "classes.json"
LARGEST = 1_000_000
"""Bytes of either: thousands of classes."""


@dataclass(frozen=True)
class Description:
    """The classes of a data set and what else is said of it; empty where nothing is.

    `words` are the classes as folders and file names have them, in label order, `shown` as figures show them; `window`
    are the stored values that are black and white; `aliases` other names that a folder of a class may have.
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
    """What `dataset.yaml`, or else `classes.json`, in a data set's folder says.

    Raises DataError if the file cannot be used: one sentence says which entry, and what is allowed.
    """
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


def _parse(file: Path, text: str) -> Description:
    # Imported here: most folders have no such file, and opening what is cached stays instant.
    import yaml
    from pydantic import ValidationError

    try:
        entries = yaml.safe_load(text)
        written = _schema().model_validate({} if entries is None else entries)
    except (yaml.YAMLError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        where = "" if line is None else f" (line {line + 1})"
        raise DataError(f"{shown(file)} is not YAML{where}: it should hold lines such as `title: Chest`.") from None
    except ValidationError as error:
        raise DataError(_sentence(file, error)) from None
    if written.classes is None:
        words = names = _describe_classes(file.with_name(CLASSES_FILE)).words
    else:
        words = tuple(written.classes)
        names = tuple(written.classes.values()) if isinstance(written.classes, dict) else words
    return Description(written.title, words, names, written.window)


def _schema() -> Any:
    from pydantic import AfterValidator, BaseModel, ConfigDict, Field

    names = "two or more different names, such as [Normal, Pneumonia] or {Normal: healthy, ...}"
    values = "the values that are black and white, such as [0, 4095], the first the smaller"

    class Written(BaseModel):
        model_config = ConfigDict(extra="forbid")

        title: str = Field("", max_length=120, description="a line of text")
        classes: Annotated[list[str] | dict[str, str], AfterValidator(_check_classes)] | None = Field(
            None, description=names
        )
        licence: str = Field("", description="text")
        citation: str = Field("", description="text")
        window: Annotated[tuple[float, float], AfterValidator(_check_window)] | None = Field(None, description=values)

    return Written


def _check_classes(classes: list[str] | dict[str, str]) -> list[str] | dict[str, str]:
    named = list(classes.values()) if isinstance(classes, dict) else classes
    if not (_are_names(list(classes)) and _are_names(named)):
        raise ValueError("names")
    return classes


def _check_window(window: tuple[float, float]) -> tuple[float, float]:
    # Not a number compares as False, too.
    if not float("-inf") < window[0] < window[1] < float("inf"):
        raise ValueError("order")
    return window


def _sentence(file: Path, error: Any) -> str:
    first, fields = error.errors()[0], _schema().model_fields
    name = str(first["loc"][0]) if first["loc"] else ""
    if name not in fields:
        what = f"has an entry {name!r}" if name else "is no list of entries"
        return f"{shown(file)} {what}: there are {', '.join(fields)}."
    return f"{shown(file)}: {name} must be {fields[name].description}."
