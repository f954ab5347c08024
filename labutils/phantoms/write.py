"""Draw the embedded data sets from a seed, as files in the course's layout: in parallel, complete or absent."""

import errno
import io
import json
import multiprocessing
import shutil
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from filelock import FileLock
from PIL import Image

from labutils import machine
from labutils.errors import DataError
from labutils.machine import leave_with_parent
from labutils.paths import shown
from labutils.phantoms.files import (
    CLASS_NAMES,
    COUNTS,
    EXAM_COUNTS,
    FOLDERS,
    MANIFEST,
    TITLES,
    VERSIONS,
    Address,
    block_means,
    is_complete,
    list_files,
    read_manifest,
)
from labutils.progress import bar

SEED = 20  # seed of the embedded data sets
WITH_SIGNS = ("skin", "bone")  # data sets whose classes differ by the signs of one severity

_MODULES = {"skin": "draw_skin", "bone": "draw_bone", "x_ray": "draw_xray"}
_CHUNK = 16  # images per task of a worker: under half a second, so that an interrupt is answered at once


def draw_with_signs(name: str, class_name: str, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, float]]:
    """One phantom of a data set's class, and the signs it was drawn with (none for x_ray).

    Pixels are uint8, (height, width) for bone and x_ray, (height, width, 3) for skin, 200 to 400 a side. A DataError
    says that there is no such data set or class.
    """
    class_names = _class_names(name)
    if class_name not in class_names:
        raise DataError(f"{class_name!r} is no class of {name}: it has {', '.join(class_names)}.")
    return _drawing(name).draw_with_signs(class_name, rng)


def sample_signs(name: str, counts: dict[str, int]) -> list[tuple[Address, dict[str, float]]]:
    """Severity and signs of each image of a data set without drawing it: thousands a second; empty for x_ray.

    `counts` are as for `list_files`. A DataError says that there is no such data set.
    """
    class_names = _class_names(name)
    if name not in WITH_SIGNS:
        return []
    drawing = _drawing(name)
    return [
        (address, drawing.sample_signs(class_names[address.label], _stream(name, address)))
        for address in list_files(name, counts)
    ]


def ceiling(name: str, split: str = "exam") -> float | None:
    """Accuracy of an oracle, which knows every image's signs but not its class, on the exam or `validation`.

    A logistic regression on the signs, fitted to those of the training images: no reader of the pictures can be
    expected to do better. None for x_ray, whose images can all be told apart. A DataError says that there is no such
    data set.
    """
    _class_names(name)
    if name not in WITH_SIGNS:
        return None
    judged_on = EXAM_COUNTS[name] if split == "exam" else COUNTS[name][split]
    return _judge_oracle(name, COUNTS[name]["train"], split, judged_on)


@lru_cache
def _judge_oracle(name: str, n_train: int, split: str, n_judged: int) -> float:
    from sklearn.linear_model import LogisticRegression

    levels, labels = [], []
    for counts in ({"train": n_train}, {split: n_judged}):
        sampled = sample_signs(name, counts)
        levels.append([[level for sign, level in signs.items() if sign != "severity"] for _, signs in sampled])
        labels.append([address.label for address, _ in sampled])
    oracle = LogisticRegression(C=100, max_iter=5000).fit(levels[0], labels[0])
    return round(float(oracle.score(levels[1], labels[1])), 4)


def write_phantoms(name: str, folder: Path, counts: dict[str, int] | None = None, progress: bool = True) -> None:
    """Write a phantom data set in the course's layout: `train/Mel_0001.jpg`, `test/Nev_0001.jpg`, ...

    The folder appears when it is complete; one that holds the same phantoms already is left as it is, other phantoms
    are replaced. Of two processes that write at once, one waits for the other and uses its files. `counts` are as for
    `list_files`, `COUNTS` unless given; `{"exam": n}` are an exam, a folder of its own. An image depends on `SEED`, its
    split, class and number alone.

    A DataError says that the data set is unknown, the folder is not ours to replace, or the disk is full or write-
    protected.
    """
    _class_names(name)
    folder, counts = Path(folder), dict(counts or COUNTS[name])
    if _holds(name, folder, counts):
        return
    part = folder.with_name(f".{folder.name}.part")
    with _explained(name, folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if _holds(name, folder, counts):
                return
            if folder.exists() and read_manifest(folder) is None and any(folder.iterdir()):
                raise DataError(
                    f"{shown(folder)} holds files that are not phantoms, and stays as it is. "
                    "Move them elsewhere, or choose another folder."
                )
            old = folder.with_name(f".{folder.name}.old")
            try:
                for left in (part, old):
                    if left.exists():
                        shutil.rmtree(left)
                _write_files(name, part, counts, progress)
                if folder.exists():
                    folder.rename(old)
                part.rename(folder)
                if old.exists():
                    shutil.rmtree(old)
            finally:
                shutil.rmtree(part, ignore_errors=True)


def _class_names(name: str) -> tuple[str, ...]:
    if name not in CLASS_NAMES:
        raise DataError(f"There are no phantoms of {name!r}: choose one of {', '.join(CLASS_NAMES)}.")
    return CLASS_NAMES[name]


def _drawing(name: str) -> ModuleType:
    # Imported here, so that naming the data sets does not load scipy and scikit-image.
    return import_module(f"labutils.phantoms.{_MODULES[name]}")


def _stream(name: str, address: Address) -> np.random.Generator:
    """The random numbers of one image: they depend on nothing but its own address."""
    return np.random.default_rng([SEED, list(CLASS_NAMES).index(name), address.split, address.label, address.number])


def _holds(name: str, folder: Path, counts: dict[str, int]) -> bool:
    manifest = read_manifest(folder)
    same = manifest is not None and manifest["seed"] == SEED and manifest["counts"] == counts
    return same and is_complete(name, folder)


def _write_files(name: str, folder: Path, counts: dict[str, int], progress: bool) -> None:
    addresses = list(list_files(name, counts))
    for subfolder in (FOLDERS[split] for split in counts):
        (folder / subfolder).mkdir(parents=True)
    chunks = [addresses[first : first + _CHUNK] for first in range(0, len(addresses), _CHUNK)]
    files: dict[str, dict[str, Any]] = {}
    what = f"Drawing {TITLES[name]} phantoms"
    with bar(progress, total=len(addresses), desc=what, unit="image") as drawn:
        for entries in _in_parallel(name, folder, chunks):
            files.update(entries)
            drawn.update(len(entries))
    manifest = {
        "name": name,
        "version": VERSIONS[name],
        "seed": SEED,
        "counts": counts,
        **({"ceiling": ceiling(name)} if name in WITH_SIGNS else {}),
        "files": {address.file: files[address.file] for address in addresses},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest) + "\n", encoding="utf-8", newline="\n")


def _in_parallel(name: str, folder: Path, chunks: list[list[Address]]) -> Iterator[dict[str, dict[str, Any]]]:
    """The entries of each chunk as it is done, in any order; in this process where workers cannot be had."""
    done: set[int] = set()
    pool = _start_pool(min(machine.cores(), len(chunks)))
    if pool is not None:
        try:
            with _hidden_main():
                waiting = {pool.submit(_write_chunk, name, folder, c): i for i, c in enumerate(chunks)}
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
            yield _write_chunk(name, folder, chunk)


def _start_pool(workers: int) -> ProcessPoolExecutor | None:
    if workers < 2:
        return None
    try:
        # Not joblib's workers: killed, this process cannot tell them, and they draw on and wait for minutes.
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


def _start_worker() -> None:
    # An interrupt reaches the whole process group: the parent answers it, and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_with_parent()


def _write_chunk(name: str, folder: Path, addresses: list[Address]) -> dict[str, dict[str, Any]]:
    entries = {}
    for address in addresses:
        file = address.file
        pixels, signs = draw_with_signs(name, CLASS_NAMES[name][address.label], _stream(name, address))
        # Encoded in memory first: Pillow hides why a write failed, the operating system does not.
        buffer = io.BytesIO()
        form, how = ("JPEG", {"quality": 95}) if file.endswith(".jpg") else ("PNG", {"compress_level": 1})
        Image.fromarray(pixels).save(buffer, form, **how)
        content = buffer.getvalue()
        (folder / file).write_bytes(content)
        entries[file] = {"bytes": len(content), "grey": block_means(pixels)}
        if signs:
            entries[file]["signs"] = {sign: round(level, 4) for sign, level in signs.items()}
    return entries


@contextmanager
def _explained(name: str, folder: Path) -> Iterator[None]:
    """Turn what the operating system says into a sentence that helps."""
    try:
        yield
    except OSError as error:
        where = f"The {TITLES[name]} phantoms cannot be written to {shown(folder)}"
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
            raise DataError(f"{where}: the disk is full. Free 200 MB and try again.") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise DataError(f"{where}: no permission. Make {shown(folder.parent)} writable and try again.") from error
        raise DataError(f"{where}: {error.strerror or error}. Mend that and try again.") from error
