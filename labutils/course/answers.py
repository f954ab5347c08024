"""What a student has answered, in one file of the student's folder: `my-lab/answers.json`.

Written only where a notebook runs in that folder: the lab's own notebooks, and executions by a machine, leave no trace.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from labutils import paths
from labutils.errors import StoreError

if TYPE_CHECKING:
    from labutils.course.checking import Result

FILE = "answers.json"
CHOICES, EXERCISES = "choices", "exercises"


def read(section: str) -> dict[str, Any]:
    """All that is kept of one kind, by key; nothing if nothing was kept.

    Raises
    ------
    StoreError
        If the file is there and cannot be read.
    """
    return _read_all().get(section, {})


def keep(section: str, key: str, value: Any) -> None:
    """Keep one value, if this runs in the student's folder."""
    if not paths.in_my_lab():
        return
    file = paths.my_lab_dir() / FILE
    with FileLock(f"{file}.lock"):
        everything = _read_all()
        everything.setdefault(section, {})[key] = value
        growing = file.with_suffix(".tmp")
        growing.write_text(json.dumps(everything, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        growing.replace(file)


def keep_result(result: Result) -> None:
    """Keep what came of a check: the last one counts."""
    kept = {"right": result.right, "cases": result.cases, "points": result.points, "of": result.most}
    keep(EXERCISES, result.name, kept | {"mistake": result.mistake, "written": result.written})


def _read_all() -> dict[str, dict[str, Any]]:
    file = paths.my_lab_dir() / FILE
    if not file.exists():
        return {}
    try:
        everything = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None  # nobody writes to a pipe
        if not isinstance(everything, dict):
            raise ValueError
    except (OSError, ValueError, RecursionError):
        raise StoreError(f"{paths.shown(file)} cannot be read: rename it, and answers are kept in a new one.") from None
    return everything
