"""What the classes are called, in words and in several languages: one file, `class_names.json`, for an instructor.

The names of the nine regions are those that the phantoms draw; for images of one's own the file is changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from labutils.errors import ParameterError

if TYPE_CHECKING:
    from labutils.frames import Table

FILE = Path(__file__).with_name("class_names.json")


def class_name(code: str, language: str = "en") -> str:
    """What a class is called in words; the code itself if the file has no name for it.

    Raises
    ------
    ParameterError
        If the file has no such language.

    Examples
    --------
    >>> class_name("C6"), class_name("C6", "de")
    ('lumbar spine', 'Lendenwirbelsäule')
    """
    names = json.loads(FILE.read_text(encoding="utf-8"))
    if language not in names:
        raise ParameterError(f"{FILE.name} has no language {language!r}; there are {', '.join(names)}.")
    return str(names[language].get(code, code))


def names_table(codes: Iterable[str], language: str = "en") -> Table:
    """A row for each class: its code and what it is called."""
    from labutils.evaluate.tables import as_table

    return as_table({code: {"shows": class_name(code, language)} for code in codes}, "class")
