"""What is measured of the same images every time alike, kept beside the stored runs: `results/<what>/`.

What is measured is the business of `judge` and `simple`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from labutils import paths

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from labutils.data.dataset import Dataset

T = TypeVar("T")


def kept(what: str, dataset: Dataset, kind: TypeAdapter[T], measure: Callable[[], T]) -> T:
    """What `measure` finds out about a data set, from `results/<what>/<name>-<fingerprint>.json` if it was before.

    Parameters
    ----------
    what : str
        The folder.
    dataset : Dataset
    kind : TypeAdapter
        What is kept; it writes and reads the file.
    measure : callable
        Called where there is no such file, or none that can be read and holds what it should.
    """
    from labutils.runs.disk import write_atomic
    from labutils.runs.reading import JSON_LIMIT, open_regular

    file = paths.results_dir() / what / f"{dataset.name}-{dataset.fingerprint}.json"
    with suppress(OSError, ValueError), open_regular(file, JSON_LIMIT) as handle:
        return kind.validate_json(handle.read())
    found = measure()
    with suppress(OSError):  # results that may only be read: measured each time
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, lambda handle: handle.write(kind.dump_json(found, indent=1) + b"\n"))
    return found
