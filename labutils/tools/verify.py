"""`labutils verify`: stored runs repeated, each on the backend and the threads it was trained with."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

from labutils import machine
from labutils.errors import StoreError
from labutils.runs.run import read_run
from labutils.training.cost import estimate_seconds
from labutils.training.verify import Verification, verify

LONGEST = 60.0
"""Seconds that a first epoch may take here, by the estimate, to be among the `quick_ones`."""
RUNS_PER_PROCESS = 8
"""Runs after which `verify_all` goes on in a fresh process: TensorFlow keeps a quarter of a gigabyte of each."""


def verify_all(folders: Iterable[Path], epochs: int = 1) -> Iterator[Verification]:
    """Verify stored runs in processes of their own: backend and threads are chosen before Keras is imported."""
    readable: list[tuple[str, int, Path]] = []
    for folder in folders:
        try:
            first = read_run(folder).provenance["stretches"][0]
        except StoreError as error:
            yield Verification(folder.name, problem=str(error))
        else:
            readable.append((first["backend"], first["threads"], folder))
    for (backend, threads), group in groupby(sorted(readable), key=lambda entry: entry[:2]):
        chosen = {"KERAS_BACKEND": backend, "LABUTILS_THREADS": str(min(threads, machine.cores()))}
        alike = [folder for *_, folder in group]
        for start in range(0, len(alike), RUNS_PER_PROCESS):
            part = alike[start : start + RUNS_PER_PROCESS]
            # A pool for each part: one with max_tasks_per_child may wait for ever (Python 3.11 to 3.13, gh-115634).
            with ProcessPoolExecutor(1, get_context("spawn"), initializer=_choose, initargs=(chosen,)) as pool:
                yield from pool.map(_verify_folder, part, [epochs] * len(part))


def quick_ones(folders: Iterable[Path]) -> list[Path]:
    """Those of which an epoch takes at most `LONGEST` seconds here, and those that cannot be read."""

    def seconds(folder: Path) -> float:
        try:
            run = read_run(folder)
        except StoreError:
            return 0.0
        images = sum(run.provenance.get("counts", {}).get("train", {}).values())
        return estimate_seconds(run.config.with_(epochs=1), images, len(run.class_names))

    return [folder for folder in folders if seconds(folder) <= LONGEST]


def _choose(settings: dict[str, str]) -> None:
    os.environ.update(settings)
    machine.leave_with_parent()


def _verify_folder(folder: Path, epochs: int) -> Verification:
    try:
        return verify(read_run(folder), epochs)
    except ValueError as error:  # DataError, or images of another kind than the run speaks of
        return Verification(folder.name, problem=str(error))
