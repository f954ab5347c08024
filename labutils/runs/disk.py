"""Writing files so that nothing half-written is ever read, and saying in a sentence why something cannot be written."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from labutils import paths
from labutils.errors import StoreError

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


def write_atomic(file: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Write a file so that readers see the old one or the new one, never a part.

    Parameters
    ----------
    write : callable
        Gets the open binary file.
    """
    temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as handle:
            write(handle)
            handle.flush()
            os.fsync(handle.fileno())
        _replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def clear_errors(folder: Path, finished: int | None = None) -> Iterator[None]:
    """Turn what the system refuses to write into a `StoreError` that says what to do and what is kept.

    Parameters
    ----------
    folder : Path
        What is written to, as the message names it.
    finished : int, optional
        Epochs that are stored whatever happens now.
    """
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
