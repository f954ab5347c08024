"""Figures in files that are drawn once: again only when the runs in them, their labels or the code have changed."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import matplotlib

from labutils import paths
from labutils.runs.run import Run

MOST = 2000
"""Figures that are kept, beside the cache of decoded images; the oldest are forgotten, and drawn again."""


def draw_once(draw: Callable[..., None], runs: Run | Mapping[str, Run], file: Path) -> None:
    """Draw a figure into a file; one that was drawn before is put there as it was.

    Parameters
    ----------
    draw : callable
        One of `labutils.plots`, which takes `runs`, and `save` for the file.
    runs : Run, or dict of str to Run
    file : Path
        A .png file.
    """
    kept = paths.generated_dir() / "cache" / "figures" / f"{_recipe(draw, runs)}.png"
    if not kept.is_file():
        draw(runs, save=file)
        with suppress(OSError):  # a folder that nobody may write to: the next report takes longer
            _keep(file.read_bytes(), kept)
    elif not file.is_file() or file.read_bytes() != kept.read_bytes():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(kept.read_bytes())


def _keep(png: bytes, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".tmp")
    part.write_bytes(png)
    part.replace(kept)
    by_age = sorted(kept.parent.glob("*.png"), key=lambda one: one.stat().st_mtime)
    for old in by_age[:-MOST]:
        old.unlink()


def _recipe(draw: Callable[..., None], runs: Run | Mapping[str, Run]) -> str:
    """A hash of all that can be seen in a figure, and of what draws it."""
    made = hashlib.sha256(f"{draw.__name__} {_code()}".encode())
    for label, run in runs.items() if isinstance(runs, Mapping) else [("", runs)]:
        said = (label, run.config.model_dump_json(), run.source, run.class_names, run.epochs)
        made.update(repr(said).encode())
        for values in (*run.history.values(), run.y_val, run.val_predictions):
            made.update(values.tobytes())
    return made.hexdigest()


@cache
def _code() -> str:
    """This package, and matplotlib."""
    code = hashlib.sha256(matplotlib.__version__.encode())
    folder = Path(__file__).parent.parent
    for file in sorted([*folder.rglob("*.py"), *folder.glob("*.mplstyle")]):
        code.update(file.read_bytes())
    return code.hexdigest()
