"""`labutils run --missing`: the runs of the lab that are not stored yet, trained by one process or by several.

Processes share the list out by the locks of the store and need not know of each other: each trains the next run that
no other process holds, so they may as well be in two terminals, or on two machines with a shared folder.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

from labutils import lab, machine
from labutils.data.dataset import images_for, load_dataset
from labutils.data.locate import find_place
from labutils.errors import DataError, StoreError, TrainingInterrupted
from labutils.lab import Planned
from labutils.paths import LAB_DATASETS
from labutils.progress import minutes
from labutils.runs.store import BusyError, RunStore
from labutils.training.cost import estimate_seconds

PAUSE = 5.0
"""Seconds between two looks at runs that other processes train."""

AGAIN = "Run the same again to go on from there."

_load = cache(load_dataset)  # many runs are on the same images

_COMMAND = """
from labutils.machine import leave_with_parent
leave_with_parent()
from labutils.tools.cli import main
main(prog_name="labutils")
"""


def train_missing(source: str = "phantom") -> list[str]:
    """Train every run of the lab that is not stored, in the lab's order.

    A run that another process trains is passed over and looked at again at the end, until all are stored. One that
    fails is named and does not keep the others.

    Parameters
    ----------
    source : str
        Whose images, one of `data.locate.SOURCES`. A data set that has none such is named and left out.

    Returns
    -------
    list of str
        The runs that failed; the reasons have been printed.

    Raises
    ------
    TrainingInterrupted
        If it is stopped by hand; finished epochs are kept.
    """
    from labutils.training import train

    store, failed = RunStore(wait=False), list[str]()
    try:
        left = _find_missing(store, source)
        busy: list[Planned] = []
        while left:
            passed, busy = busy, []
            for planned in left:
                try:
                    train(planned.config, _load(*images_for(planned.config, source)), store=store, label=_name(planned))
                except BusyError:
                    busy.append(planned)
                    if planned not in passed:
                        print(f"{_name(planned)}: passed over, another process trains it.", flush=True)
                except (StoreError, DataError) as error:
                    failed.append(_name(planned))
                    print(f"{_name(planned)}: failed. {error}", flush=True)
            if busy == left:  # nothing to do but to wait for the others
                time.sleep(PAUSE)
            left = busy
    except TrainingInterrupted:
        raise
    except KeyboardInterrupt:
        raise TrainingInterrupted(f"Stopped; finished epochs are kept. {AGAIN}") from None
    return failed


def train_side_by_side(jobs: int, source: str = "phantom") -> int:
    """Let `jobs` processes on this machine train what is missing, its cores shared out evenly.

    Returns
    -------
    int
        How it ended, for the shell: 0 if all went well.

    Raises
    ------
    TrainingInterrupted
        If they were stopped by hand; each has then said what it keeps.
    """
    ours = {"LABUTILS_THREADS": str(max(1, machine.threads() // jobs)), "PYTHONUNBUFFERED": "1"}
    environment = {"LABUTILS_PROGRESS": "log", **os.environ, **ours}
    command = [sys.executable, "-c", _COMMAND, "run", "--missing", "--source", source]
    for name in ("SIGTERM", "SIGHUP"):  # a closed terminal, or a time limit, is to stop them as the stop key does
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) != signal.SIG_IGN:  # set by nohup
            signal.signal(getattr(signal, name), signal.default_int_handler)
    # In sessions of their own they get the stop key once, from here, and not from the terminal too: pressed twice it
    # would act in the middle of a step.
    options: dict[str, Any] = {"env": environment, "stdin": subprocess.PIPE, "start_new_session": True}
    workers = [subprocess.Popen(command, **options) for _ in range(jobs)]
    stopped = False
    while any(worker.poll() is None for worker in workers):
        try:
            for worker in workers:
                worker.wait()
        except KeyboardInterrupt:
            stopped = True
            for worker in workers:
                if os.name != "nt" and worker.poll() is None:  # there the terminal has told them
                    worker.send_signal(signal.SIGINT)
    if stopped:
        raise TrainingInterrupted(f"All {jobs} processes have stopped. {AGAIN}")
    for worker in workers:
        if worker.returncode < 0:
            print(f"A process was killed (signal {-worker.returncode}). {AGAIN}", file=sys.stderr)
    return int(any(worker.returncode for worker in workers))


def _find_missing(store: RunStore, source: str) -> list[Planned]:
    """The runs of the lab that are not stored, or damaged; prints how many, and how long training them takes here."""
    absent = dict(_find_absent(source))
    for said in absent.values():
        print(said, flush=True)
    planned = [run for run in lab.training_list() if run.config.dataset not in absent]
    missing, seconds, epochs = [], 0.0, dict[str, int]()
    for run in planned:
        config, dataset = run.config, _load(*images_for(run.config, source))
        try:
            found = store.find(config, dataset.fingerprint)
        except StoreError:
            found = None
        if found and found.epochs >= config.epochs:
            continue
        # A longer run continues the shorter one, which comes before it in the list.
        finished = max(found.epochs if found else 0, epochs.get(config.key, 0))
        rest = config.with_(epochs=config.epochs - finished)
        seconds += estimate_seconds(rest, len(dataset.y_train), dataset.n_classes)
        epochs[config.key] = config.epochs
        missing.append(run)
    said = f"{len(planned) - len(missing)} of the lab's {len(planned)} runs are stored, {len(missing)} are missing"
    print(f"{said}: about {minutes(seconds)} of training here." if missing else f"{said}.", flush=True)
    return missing


def _find_absent(source: str) -> Iterator[tuple[str, str]]:
    """The data sets of the lab that have no images of this source, each with a sentence."""
    for name in LAB_DATASETS:
        try:
            there = source in ("auto", "phantom") or find_place(name, source) is not None
        except DataError as error:
            yield name, str(error)
        else:
            if not there:
                yield name, f"There are no {source} images of {name}: its runs are left out."


def _name(planned: Planned) -> str:
    return f"{planned.task} {planned.label}"
