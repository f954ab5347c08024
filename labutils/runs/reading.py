"""Reading files that somebody else may have written: JSON, CSV, NumPy arrays; what they must hold is in `schema`.

A run's folder may come from anywhere. So nothing is executed, nothing is waited for (a pipe), nothing is followed (a
link), and nothing takes more memory than the file can need. What is wrong is a `ValueError` that says what was found;
`run` makes one sentence of it.
"""

import csv
import io
import json
import math
import stat
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

JSON_LIMIT = 4_000_000
"""Bytes of a JSON file: a training that was taken up again five thousand times."""
CSV_LIMIT = 64_000_000
"""Bytes of a CSV file: the names of half a million images."""
UNPACKED_LIMIT = 64_000_000
"""Bytes that a small archive may unpack to; a large one to its own size."""
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@contextmanager
def open_regular(file: Path, limit: int) -> Iterator[BinaryIO]:
    """A file, open for reading, if it is an ordinary one of at most `limit` bytes.

    Raises
    ------
    ValueError
        If it is a link, a folder, a pipe or a device, or too large.
    OSError
        If it is missing or may not be read.
    """
    status = file.lstat()
    if not stat.S_ISREG(status.st_mode):
        kinds = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        raise ValueError(f"is {kinds.get(stat.S_IFMT(status.st_mode), 'a device')}, an ordinary file was expected")
    if status.st_size > limit:
        raise ValueError(f"has {status.st_size:,} bytes, at most {limit:,} were expected")
    with file.open("rb") as handle:
        yield handle


def read_json(file: Path) -> dict[str, Any]:
    """The object that a JSON file holds.

    Raises
    ------
    ValueError, OSError
        See `open_regular`; or if the file is not JSON, or not an object.
    """
    with open_regular(file, JSON_LIMIT) as handle:
        text = handle.read().decode()
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ValueError(f"is not JSON ({str(error).split(';')[0]})") from None
    except RecursionError:
        raise ValueError("is not JSON (nested too deeply)") from None
    if not isinstance(values, dict):
        raise ValueError(f"holds {type(values).__name__}, an object was expected")
    return values


def read_csv(file: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file, by column, if it has these and all rows are complete.

    Raises
    ------
    ValueError, OSError
        See `open_regular`; or if the table is not whole.
    """
    with open_regular(file, CSV_LIMIT) as handle:
        table = csv.DictReader(io.StringIO(handle.read().decode(), newline=""))
        try:
            rows = list(table)
        except csv.Error as error:
            raise ValueError(f"is not a table ({error})") from None
    for name in columns:
        if name not in (table.fieldnames or ()):
            raise ValueError(f"{name!r} is missing")
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            raise ValueError(f"row {number} has not the {len(table.fieldnames or ())} columns of the first line")
    return rows


def read_array(handle: Any, size: int) -> np.ndarray:
    """The array in an open `.npy` file of `size` bytes, if its header speaks of numbers or text and of this size.

    Parameters
    ----------
    handle : binary file
        From its start; `np.load` would believe the header, and take the memory first.

    Raises
    ------
    ValueError
    """
    version = np.lib.format.read_magic(handle)
    if version not in _HEADERS:
        raise ValueError(f"is a NumPy file of version {version}, 1.0 or 2.0 was expected")
    shape, by_columns, dtype = _HEADERS[version](handle)
    if dtype.kind not in "biufU":
        raise ValueError(f"holds {dtype}, numbers were expected")
    expected, found = math.prod(shape) * dtype.itemsize, size - handle.tell()
    if min(shape, default=0) < 0 or expected != found:
        raise ValueError(f"says that it holds {shape} {dtype}, {expected:,} bytes, and holds {found:,}")
    return np.ndarray(shape, dtype, handle.read(expected), order="F" if by_columns else "C")


def read_array_file(file: Path, limit: int) -> np.ndarray:
    """The array in a `.npy` file of at most `limit` bytes; see `read_array`."""
    with open_regular(file, limit) as handle:
        return read_array(handle, file.stat().st_size)


def read_arrays(file: Path, limit: int) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file of at most `limit` bytes, by name.

    Raises
    ------
    ValueError, OSError, zipfile.BadZipFile
        See `open_regular` and `read_array`; or if it unpacks to more than it can need.
    """
    with open_regular(file, limit) as handle, zipfile.ZipFile(handle) as archive:
        members = archive.infolist()
        unpacked = sum(member.file_size for member in members)
        if unpacked > max(UNPACKED_LIMIT, file.stat().st_size):
            raise ValueError(f"unpacks to {unpacked:,} bytes, at most {UNPACKED_LIMIT:,} were expected")
        arrays = {}
        for member in members:
            with archive.open(member) as packed:
                arrays[member.filename.removesuffix(".npy")] = read_array(packed, member.file_size)
    return arrays
