"""What is measured of the same images every time alike, kept beside the stored runs: `results/<what>/`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from labutils import paths
from labutils.data.dataset import Dataset
from labutils.runs.disk import JSON_LIMIT, open_regular, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import TypeAdapter

T = TypeVar("T")


def kept(what: str, dataset: Dataset, kind: TypeAdapter[T], measure: Callable[[], T]) -> T:
    """What `measure` finds out about a data set, from `results/<what>/<name>-<fingerprint>.json` if that can be read
    and holds what it should; `kind` writes and reads the file."""
    found = recall(what, dataset.name, dataset.fingerprint, kind)
    return keep(what, dataset, kind, measure()) if found is None else found


def recall(what: str, name: str, fingerprint: str, kind: TypeAdapter[T]) -> T | None:
    """What is kept of the images of that name and fingerprint; None if nothing is, or nothing that can be read."""
    with suppress(OSError, ValueError), open_regular(_file(what, name, fingerprint), JSON_LIMIT) as handle:
        return kind.validate_json(handle.read())
    return None


def keep(what: str, dataset: Dataset, kind: TypeAdapter[T], found: T) -> T:
    """Write down what was found, and give it back; where results may only be read it is not written down."""
    file = _file(what, dataset.name, dataset.fingerprint)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, lambda handle: handle.write(kind.dump_json(found, indent=1) + b"\n"))
    return found


def _file(what: str, name: str, fingerprint: str) -> Path:
    return paths.results_dir() / what / f"{name}-{fingerprint}.json"
