"""Figures in files that are drawn once: again only when the runs in them, their labels or the code have changed.

What a file was drawn from is noted beside the cache of decoded images; a file that somebody changed is drawn again.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib

from labutils import paths
from labutils.runs.run import Run

MOST_NOTES = 2000
"""Figures that are remembered; the oldest are forgotten, and drawn again."""


def draw_once(draw: Callable[..., None], runs: Run | Mapping[str, Run], file: Path) -> None:
    """Draw a figure into a file, unless it is there as it would be drawn.

    Parameters
    ----------
    draw : callable
        One of `labutils.plots`, which takes `runs`, and `save` for the file.
    runs : Run, or dict of str to Run
    file : Path
        A .png file.
    """
    recipe = _recipe(draw, runs)
    notes = _read_notes()
    place = str(file.resolve())
    if file.is_file() and notes.get(place) == [recipe, _digest(file)]:
        return
    draw(runs, save=file)
    notes.pop(place, None)
    notes[place] = [recipe, _digest(file)]
    text = json.dumps(dict(list(notes.items())[-MOST_NOTES:]))
    with suppress(OSError):  # a folder that nobody may write to: the next report takes longer
        _notes_file().parent.mkdir(parents=True, exist_ok=True)
        _notes_file().write_text(text, encoding="utf-8")  # cut short it would be no JSON, and nothing is lost


def _recipe(draw: Callable[..., None], runs: Run | Mapping[str, Run]) -> str:
    made = hashlib.sha256(f"{draw.__name__} {_code()}".encode())
    for label, run in runs.items() if isinstance(runs, Mapping) else [("", runs)]:
        said = (label, run.config.model_dump_json(), run.source, run.class_names, run.epochs)
        made.update(repr(said).encode())
        for values in (*run.history.values(), run.y_val, run.val_predictions):
            made.update(values.tobytes())
    return made.hexdigest()


@cache
def _code() -> str:
    """What decides how a figure looks beside its runs: this package, and matplotlib."""
    code = hashlib.sha256(matplotlib.__version__.encode())
    folder = Path(__file__).parent.parent
    for file in sorted([*folder.rglob("*.py"), *folder.glob("*.mplstyle")]):
        code.update(file.read_bytes())
    return code.hexdigest()


def _notes_file() -> Path:
    return paths.generated_dir() / "cache" / "figures.json"


def _read_notes() -> dict[str, Any]:
    try:
        notes = json.loads(_notes_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
