"""Write the embedded data sets: images drawn from a seed, as ordinary files in the course's layout.

Here live the random streams and the writing itself: parallel, and complete or absent. Which files there are, and
whether they are still those that were written, is in `phantom_files`; what they look like is decided in
`draw_skin`, `draw_bone` and `draw_xray`. The loader reads them like anybody's images.
"""

import errno
import io
import json
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from filelock import FileLock
from PIL import Image
from tqdm.auto import tqdm

from labutils.data.errors import DataError, shown
from labutils.data.layouts import DATASETS
from labutils.data.phantom_files import (
    COUNTS,
    FOLDERS,
    MANIFEST,
    VERSION,
    Address,
    block_means,
    find_damaged,
    is_complete,
    list_files,
    read_manifest,
)

__all__ = ["COUNTS", "SEED", "VERSION", "draw", "find_damaged", "is_complete", "read_manifest", "write_phantoms"]

SEED = 20
"""Seed of the embedded data sets."""

_MODULES = {"skin": "draw_skin", "bone": "draw_bone", "x_ray": "draw_xray"}
_CHUNK = 16  # images per task of a worker: under half a second, so that an interrupt is answered at once


def draw(name: str, class_name: str, rng: np.random.Generator) -> np.ndarray:
    """One phantom of a class, different with every state of `rng`.

    Parameters
    ----------
    name : {"skin", "bone", "x_ray"}
        Data set.
    class_name : str
        One of its classes, for example ``"Mel"``.
    rng : numpy.random.Generator
        Source of everything that varies.

    Returns
    -------
    ndarray of uint8, shape (height, width) or (height, width, 3)
        Grey for bone and x_ray, RGB for skin; 200 to 400 pixels a side.

    Raises
    ------
    DataError
        If the data set or the class does not exist.
    """
    class_names = _class_names(name)
    if class_name not in class_names:
        raise DataError(f"{class_name!r} is no class of {name}: it has {', '.join(class_names)}.")
    # Imported here, so that naming the data sets does not load scipy and scikit-image.
    return import_module(f"labutils.data.{_MODULES[name]}").draw(class_name, rng)


def write_phantoms(
    name: str, folder: Path, seed: int = SEED, counts: dict[str, int] | None = None, progress: bool = True
) -> None:
    """Write one phantom data set in the course's layout: `train/Mel_0001.jpg`, `test/Nev_0001.jpg`, ...

    The folder appears when it is complete, and not before: the files are written beside it and moved at the
    end. A folder that holds the same phantoms already is left as it is; of two processes that write at once,
    one waits for the other and uses its files.

    Parameters
    ----------
    name : {"skin", "bone", "x_ray"}
        Data set.
    folder : Path
        Where to put it; replaced if it holds other or damaged phantoms, refused if it holds anything else.
    seed : int
        Seed of all images. An image depends on the seed, its split, class and number alone, so the first
        hundred are the same whatever the counts.
    counts : dict of str to int, optional
        Images in ``"train"`` and ``"validation"``, shared out evenly over the classes; default `COUNTS`.
    progress : bool
        Show a progress bar.

    Raises
    ------
    DataError
        If the data set is unknown, the folder is not ours to replace, or the disk is full or write-protected.
    """
    _class_names(name)
    folder, counts = Path(folder), dict(counts or COUNTS[name])
    part = folder.with_name(f".{folder.name}.part")
    with _explained(name, folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if _holds(name, folder, seed, counts):
                return
            if folder.exists() and read_manifest(folder) is None and any(folder.iterdir()):
                raise DataError(
                    f"{shown(folder)} holds files that are not phantoms, and stays as it is. "
                    "Move them elsewhere, or choose another folder."
                )
            try:
                _remove(part)
                _write_files(name, part, seed, counts, progress)
                old = folder.with_name(f".{folder.name}.old")
                _remove(old)
                if folder.exists():
                    folder.rename(old)
                part.rename(folder)
                _remove(old)
            finally:
                shutil.rmtree(part, ignore_errors=True)


def _class_names(name: str) -> tuple[str, ...]:
    if name not in DATASETS:
        raise DataError(f"There are no phantoms of {name!r}: choose one of {', '.join(DATASETS)}.")
    return DATASETS[name].class_names


def _holds(name: str, folder: Path, seed: int, counts: dict[str, int]) -> bool:
    manifest = read_manifest(folder)
    same = manifest is not None and manifest["seed"] == seed and manifest["counts"] == counts
    return same and is_complete(name, folder)


def _write_files(name: str, folder: Path, seed: int, counts: dict[str, int], progress: bool) -> None:
    addresses = list(list_files(name, counts))
    for subfolder in FOLDERS.values():
        (folder / subfolder).mkdir(parents=True)
    chunks = [addresses[first : first + _CHUNK] for first in range(0, len(addresses), _CHUNK)]
    files: dict[str, dict[str, Any]] = {}
    with tqdm(
        total=len(addresses), desc=f"Drawing {DATASETS[name].folder} phantoms", unit="image", disable=not progress
    ) as bar:
        for entries in _in_parallel(name, folder, seed, chunks):
            files.update(entries)
            bar.update(len(entries))
    manifest = {
        "name": name,
        "version": VERSION,
        "seed": seed,
        "counts": counts,
        "files": {address.file: files[address.file] for address in addresses},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest) + "\n", encoding="utf-8", newline="\n")


def _in_parallel(
    name: str, folder: Path, seed: int, chunks: list[list[Address]]
) -> Iterator[dict[str, dict[str, Any]]]:
    """The entries of each chunk as it is done, in any order; in this process where workers cannot be had."""
    done: set[int] = set()
    pool = _start_pool(min(_cores(), len(chunks)))
    if pool is not None:
        try:
            with _hidden_main():
                waiting = {pool.submit(_write_chunk, name, folder, seed, c): i for i, c in enumerate(chunks)}
            for future in as_completed(waiting):
                entries = future.result()
                done.add(waiting[future])
                yield entries
        except BrokenProcessPool:
            pass  # the workers could not start here, or were ended: the rest is drawn below
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    for index, chunk in enumerate(chunks):
        if index not in done:
            yield _write_chunk(name, folder, seed, chunk)


def _start_pool(workers: int) -> ProcessPoolExecutor | None:
    if workers < 2:
        return None
    try:
        # Spawned, not forked: a notebook's kernel has threads, and a fork of it may hang.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    except (OSError, NotImplementedError, ImportError):  # systems without semaphores
        return None


@contextmanager
def _hidden_main() -> Iterator[None]:
    """While workers start: they need this package alone, but would run the caller's script again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows
        return os.cpu_count() or 1


def _start_worker() -> None:
    # An interrupt reaches the whole process group: the parent answers it, and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write_chunk(name: str, folder: Path, seed: int, addresses: list[Address]) -> dict[str, dict[str, Any]]:
    entries = {}
    for file, split, label, number in addresses:
        # One stream per image: it depends on nothing but its own address.
        rng = np.random.default_rng([seed, list(DATASETS).index(name), split, label, number])
        pixels = draw(name, DATASETS[name].class_names[label], rng)
        # Encoded in memory first: Pillow hides why a write failed, the operating system does not.
        buffer = io.BytesIO()
        if file.endswith(".jpg"):
            Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
        else:
            Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
        content = buffer.getvalue()
        (folder / file).write_bytes(content)
        entries[file] = {"bytes": len(content), "grey": block_means(pixels)}
    return entries


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


@contextmanager
def _explained(name: str, folder: Path) -> Iterator[None]:
    """Turn what the operating system says into a sentence that helps."""
    try:
        yield
    except OSError as error:
        where = f"The {DATASETS[name].folder} phantoms cannot be written to {shown(folder)}"
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
            raise DataError(f"{where}: the disk is full. Free 200 MB and try again.") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise DataError(f"{where}: no permission. Make {shown(folder.parent)} writable and try again.") from error
        raise DataError(f"{where}: {error.strerror or error}. Mend that and try again.") from error
