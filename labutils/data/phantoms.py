"""Write the embedded data sets: images drawn from a seed, as ordinary files in the course's layout.

Here live the counts, the random streams, and the writing itself: parallel, complete or absent, and checkable
later. What the images look like is decided in `draw_skin`, `draw_bone` and `draw_xray`; reading them back is
the business of the loader, which treats them like anybody's images.
"""

import errno
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
from typing import Any

import numpy as np
from filelock import FileLock
from PIL import Image
from tqdm.auto import tqdm

from labutils import paths
from labutils.data.errors import DataError

VERSION = 1
"""Version of the drawings. Raise it whenever a pixel changes: stored runs are tied to it."""

SEED = 20
"""Seed of the embedded data sets."""

COUNTS: dict[str, dict[str, int]] = {
    "skin": {"train": 1000, "validation": 200},
    "bone": {"train": 1072, "validation": 140},
    "x_ray": {"train": 900, "validation": 225},
}
"""Images per split of each data set, as in the lab; balanced over the classes."""

CLASS_NAMES: dict[str, tuple[str, ...]] = {
    "skin": ("Mel", "Nev"),
    "bone": ("AFF", "NFF"),
    "x_ray": tuple(f"C{number}" for number in range(1, 10)),
}
"""Classes of each data set, in label order."""

FOLDERS = {"train": "train", "validation": "test"}
"""Split -> its folder in the course's layout."""

MANIFEST = "phantoms.json"

_MODULES = {"skin": "draw_skin", "bone": "draw_bone", "x_ray": "draw_xray"}
# Photographs as JPEG, as the course has them. Radiographs as PNG: a rounding difference of one grey level
# between two processors stays one grey level, where JPEG's quantization could widen it.
_SUFFIXES = {"skin": ".jpg", "bone": ".png", "x_ray": ".png"}
_CHUNK = 16  # images per task of a worker: under half a second, so that an interrupt is answered at once
_GRID = 4  # the checksum of an image is the mean grey of each of 4 x 4 blocks


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
    if name not in CLASS_NAMES:
        raise DataError(f"There are no phantoms of {name!r}: choose one of {', '.join(CLASS_NAMES)}.")
    if class_name not in CLASS_NAMES[name]:
        raise DataError(f"{class_name!r} is no class of {name}: it has {', '.join(CLASS_NAMES[name])}.")
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
    if name not in CLASS_NAMES:
        raise DataError(f"There are no phantoms of {name!r}: choose one of {', '.join(CLASS_NAMES)}.")
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        # A script without an `if __name__ == "__main__"` guard is run again by each worker that it starts.
        # Waiting here for the lock that its parent holds would never end; ending the worker makes the parent
        # go on alone.
        sys.exit(1)
    folder, counts = Path(folder), dict(counts or COUNTS[name])
    part = folder.with_name(f".{folder.name}.part")
    with _explained(name, folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if _holds(name, folder, seed, counts):
                return
            if folder.exists() and read_manifest(folder) is None and any(folder.iterdir()):
                raise DataError(
                    f"{paths.short(folder)} holds files that are not phantoms, and stays as it is. "
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


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """What `phantoms.json` says about a folder of phantoms.

    Returns
    -------
    dict or None
        ``name``, ``version``, ``seed``, ``counts`` and ``files``: per file its length in ``bytes`` and its
        ``grey`` (the mean grey of 4 x 4 blocks, 0 to 255). None if there is no manifest that we wrote.
    """
    try:
        manifest = json.loads((Path(folder) / MANIFEST).read_text(encoding="utf-8"))
        known = {"name", "version", "seed", "counts", "files"} <= set(manifest)
    except (OSError, ValueError, TypeError):
        return None
    return manifest if known else None


def is_complete(name: str, folder: Path) -> bool:
    """Whether a folder holds a whole phantom data set of this version, every file as long as it was written.

    Opens no image: a few hundredths of a second. See `find_damaged` for the pixels.
    """
    manifest = read_manifest(folder)
    if manifest is None or manifest["name"] != name or manifest["version"] != VERSION:
        return False
    listed = manifest["files"]
    if sorted(listed) != sorted(_relative_files(name, manifest["counts"])):
        return False
    found = {}
    for subfolder in FOLDERS.values():
        try:
            with os.scandir(Path(folder) / subfolder) as entries:
                found.update({f"{subfolder}/{e.name}": e.stat().st_size for e in entries if e.is_file()})
        except OSError:
            return False
    return found == {file: entry["bytes"] for file, entry in listed.items()}


def find_damaged(folder: Path) -> list[str]:
    """The files of a phantom folder whose pixels are no longer those that were written.

    Compares the mean grey of 4 x 4 blocks within one grey level, which is what two processors may differ by.

    Parameters
    ----------
    folder : Path
        A folder that `write_phantoms` wrote.

    Returns
    -------
    list of str
        POSIX paths relative to `folder`; empty if all is well.

    Raises
    ------
    DataError
        If the folder has no readable `phantoms.json`.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise DataError(
            f"{paths.short(folder)} has no readable {MANIFEST}: it cannot be checked. "
            "Delete the folder; it is written again when it is next needed."
        )
    return [f for f, entry in manifest["files"].items() if not _looks_like(Path(folder) / f, entry["grey"])]


def _looks_like(file: Path, grey: list[float]) -> bool:
    try:
        with Image.open(file) as image:
            return bool(np.allclose(_block_means(np.asarray(image)), grey, rtol=0, atol=1.0))
    except (OSError, ValueError, SyntaxError):  # Pillow reports a broken PNG as a SyntaxError
        return False


def _block_means(image: np.ndarray) -> list[float]:
    grey = image if image.ndim == 2 else image.mean(axis=2)
    blocks = [part for row in np.array_split(grey, _GRID) for part in np.array_split(row, _GRID, axis=1)]
    return [round(float(block.mean()), 1) for block in blocks]


def _holds(name: str, folder: Path, seed: int, counts: dict[str, int]) -> bool:
    manifest = read_manifest(folder)
    same = manifest is not None and manifest["seed"] == seed and manifest["counts"] == counts
    return same and is_complete(name, folder)


def _jobs(name: str, counts: dict[str, int]) -> Iterator[tuple[str, int, int, int]]:
    """(file, split, class, number) of every image; number from 0."""
    class_names = CLASS_NAMES[name]
    for split, (split_name, subfolder) in enumerate(FOLDERS.items()):
        each, left = divmod(counts[split_name], len(class_names))
        for label, class_name in enumerate(class_names):
            for number in range(each + (label < left)):
                yield f"{subfolder}/{class_name}_{number + 1:04d}{_SUFFIXES[name]}", split, label, number


def _relative_files(name: str, counts: dict[str, int]) -> list[str]:
    return [file for file, *_ in _jobs(name, counts)]


def _write_files(name: str, folder: Path, seed: int, counts: dict[str, int], progress: bool) -> None:
    jobs = list(_jobs(name, counts))
    for subfolder in FOLDERS.values():
        (folder / subfolder).mkdir(parents=True)
    chunks = [jobs[first : first + _CHUNK] for first in range(0, len(jobs), _CHUNK)]
    files: dict[str, dict[str, Any]] = {}
    with tqdm(
        total=len(jobs), desc=f"Drawing {folder_title(name)} phantoms", unit="image", disable=not progress
    ) as bar:
        for entries in _in_parallel(name, folder, seed, chunks):
            files.update(entries)
            bar.update(len(entries))
    manifest = {
        "name": name,
        "version": VERSION,
        "seed": seed,
        "counts": counts,
        "files": {file: files[file] for file, *_ in jobs},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest) + "\n", encoding="utf-8", newline="\n")


def folder_title(name: str) -> str:
    """The data set as its folder and its figures name it: Skin, Bone, X_ray."""
    return {"skin": "Skin", "bone": "Bone", "x_ray": "X_ray"}[name]


def _in_parallel(name: str, folder: Path, seed: int, chunks: list[list]) -> Iterator[dict[str, dict[str, Any]]]:
    """The entries of each chunk as it is done, in any order; in this process where workers cannot be had."""
    done: set[int] = set()
    pool = _start_pool(min(_cores(), len(chunks)))
    if pool is not None:
        try:
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


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows
        return os.cpu_count() or 1


def _start_worker() -> None:
    # An interrupt reaches the whole process group: the parent answers it, and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write_chunk(name: str, folder: Path, seed: int, jobs: list) -> dict[str, dict[str, Any]]:
    entries = {}
    for file, split, label, number in jobs:
        # One stream per image: it depends on nothing but its own address.
        rng = np.random.default_rng([seed, list(CLASS_NAMES).index(name), split, label, number])
        pixels = draw(name, CLASS_NAMES[name][label], rng)
        options: dict[str, Any] = {"quality": 95} if file.endswith(".jpg") else {"compress_level": 1}
        Image.fromarray(pixels).save(folder / file, **options)
        entries[file] = {"bytes": (folder / file).stat().st_size, "grey": _block_means(pixels)}
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
        where = f"The {folder_title(name)} phantoms cannot be written to {paths.short(folder)}"
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
            raise DataError(f"{where}: the disk is full. Free 200 MB and try again.") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise DataError(
                f"{where}: no permission. Make {paths.short(folder.parent)} writable and try again."
            ) from error
        raise DataError(f"{where}: {error.strerror or error}. Mend that and try again.") from error
