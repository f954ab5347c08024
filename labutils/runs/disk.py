"""Files that are never half-written and never believed.

A folder may come from anywhere. So nothing is waited for (a pipe), nothing is followed (a link), and nothing takes more
memory than it can need; what is wrong is a `ValueError` that says what was found.
"""

import errno
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from labutils import paths
from labutils.errors import StoreError

JSON_LIMIT = 4_000_000  # bytes of a JSON file: a training that was taken up again five thousand times

_REASONS = {
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EROFS: "a read-only file system",
    errno.EFBIG: "the file is larger than the file system or `ulimit -f` allows",
    errno.EEXIST: "a file stands there",
    errno.ENOTDIR: "a file stands where a folder should be",
    errno.ENAMETOOLONG: "the name is too long for the file system",
    errno.EIO: "the disk reports an error",
    errno.ESTALE: "the network drive is gone",
}
_KINDS = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def write_atomic(file: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Write a file so that readers see the old one or the new one, never a part; `write` gets it open, in binary."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as handle:
            write(handle)
            handle.flush()
            os.fsync(handle.fileno())
        _replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def _replace(temporary: Path, file: Path) -> None:
    # Windows refuses to replace a file that a virus scanner or another reader holds open for a moment.
    for _ in range(20):
        try:
            os.replace(temporary, file)
            return
        except PermissionError:
            if os.name != "nt":
                raise
            time.sleep(0.05)
    os.replace(temporary, file)


@contextmanager
def clear_errors(folder: Path, finished: int | None = None) -> Iterator[None]:
    """Turn what the system refuses to write to `folder` into a `StoreError` that says what to do and what is kept."""
    kept = "" if finished is None else f" The {finished} epochs stored before are kept; the next call goes on there."
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(f"The disk is full: {paths.short(folder)} cannot be written. Make room.{kept}") from error
        raise StoreError(
            f"{paths.short(folder)} cannot be written ({reason(error)}). "
            f"Set LABUTILS_RESULTS to a folder of your own.{kept}"
        ) from error


def reason(error: OSError) -> str:
    """Why the system refuses to write, in words that fit into a sentence."""
    return _REASONS.get(error.errno or 0) or (error.strerror or str(error)).lower()


@contextmanager
def open_regular(file: Path, limit: int) -> Iterator[BinaryIO]:
    """A file, open for reading, if it is an ordinary one of at most `limit` bytes; else a ValueError or OSError."""
    status = file.lstat()
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "a device")
        raise ValueError(f"is {kind}, an ordinary file was expected")
    if status.st_size > limit:
        raise ValueError(f"has {status.st_size:,} bytes, at most {limit:,} were expected")
    with file.open("rb") as handle:
        yield handle


def read_json(file: Path) -> dict[str, Any]:
    """The object that a JSON file holds; errors as of `open_regular`, a ValueError too if it is no such thing."""
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
