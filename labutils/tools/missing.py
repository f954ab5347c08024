"""`labutils run --missing`, and `--jobs`: runs trained in an order, by one process or by several.

Processes share a list out by the locks of the store, so they may as well be in two terminals, or on two machines.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from labutils import lab, machine
from labutils.config import RunConfig
from labutils.data.dataset import images_for, load_dataset
from labutils.data.locate import find_place
from labutils.errors import DataError, StoreError, TrainingInterrupted
from labutils.paths import LAB_DATASETS
from labutils.progress import minutes
from labutils.runs.store import BusyError, RunStore
from labutils.training.cost import estimate_seconds

PAUSE = 5.0
"""Seconds between two looks at runs that other processes train."""

AGAIN = "Run the same again to go on from there."

_load = cache(load_dataset)  # many runs are on the same images


@contextmanager
def _stoppable() -> Iterator[None]:
    try:
        yield
    except TrainingInterrupted:
        raise
    except KeyboardInterrupt:
        raise TrainingInterrupted(f"Stopped; finished epochs are kept. {AGAIN}") from None


@_stoppable()
def train_missing(source: str, jobs: int = 1) -> int:
    """Train every run of the lab that is not stored on images of a source, in the lab's order; see `share_out`.

    A data set that has no such images is named and left out.
    """
    return share_out(_find_missing(RunStore(), source), source, jobs)


def share_out(runs: Sequence[tuple[str, RunConfig]], source: str, jobs: int = 1) -> int:
    """Train runs, each with its name, by `jobs` processes (1: this one) on this machine, its cores shared out evenly.

    A run that another process trains is passed over and looked at again at the end, until all are stored. One that
    fails is named and does not keep the others. The images are those of `source`, one of `data.locate.SOURCES`. How it
    ended comes back, for the shell: 0 if all went well; what did not has been printed. Stopped by hand, it raises a
    TrainingInterrupted.
    """
    if jobs == 1 or not runs:
        return _train(runs, source)
    ours = {"LABUTILS_THREADS": str(max(1, machine.threads() // jobs)), "PYTHONUNBUFFERED": "1"}
    environment = {"LABUTILS_PROGRESS": "log", **os.environ, **ours}
    for name in ("SIGTERM", "SIGHUP"):  # a closed terminal, or a time limit, is to stop them as the stop key does
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) != signal.SIG_IGN:  # set by nohup
            signal.signal(getattr(signal, name), signal.default_int_handler)
    # In sessions of their own they get the stop key once, from here, and not from the terminal too: pressed twice it
    # would act in the middle of a step.
    options: dict[str, Any] = {"env": environment, "stdin": subprocess.PIPE, "start_new_session": True, "text": True}
    command = [sys.executable, "-c", "from labutils.tools.missing import work; work()"]
    workers = [subprocess.Popen(command, **options) for _ in range(jobs)]
    asked = json.dumps([source, [(label, config.model_dump(mode="json")) for label, config in runs]])
    for worker in workers:
        with suppress(BrokenPipeError):  # it has ended: said below
            print(asked, file=worker.stdin, flush=True)
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


def work() -> None:
    """One of several processes: what it is to train comes as a line, and nothing after that."""
    source, runs = json.loads(sys.stdin.readline())
    machine.leave_with_parent()
    try:
        sys.exit(_train([(label, RunConfig(**settings)) for label, settings in runs], source))
    except TrainingInterrupted as error:
        print(error, file=sys.stderr, flush=True)
        sys.exit(130)


@_stoppable()
def _train(left: Sequence[tuple[str, RunConfig]], source: str) -> int:
    from labutils.training import train

    failed, busy = list[str](), list[tuple[str, RunConfig]]()
    store = RunStore(wait=False)
    while left:
        passed, busy = busy, []
        for label, config in left:
            try:
                train(config, _load(*images_for(config, source)), store=store, label=label)
            except BusyError:
                busy.append((label, config))
                if (label, config) not in passed:
                    print(f"{label}: passed over, another process trains it.", flush=True)
            except (StoreError, DataError) as error:
                failed.append(label)
                print(f"{label}: failed. {error}", flush=True)
        if busy == left:  # nothing to do but to wait for the others
            time.sleep(PAUSE)
        left = busy
    if failed:
        print(f"{len(failed)} runs could not be trained, see above: {', '.join(failed)}.", file=sys.stderr, flush=True)
    return int(bool(failed))


def _find_missing(store: RunStore, source: str) -> list[tuple[str, RunConfig]]:
    """The runs of the lab that are not stored, or damaged; prints how many, and how long training them takes here."""
    absent = list[str]()
    for name in LAB_DATASETS:
        try:
            if source != "phantom" and not find_place(name, source):
                raise DataError(f"There are no {source} images of {name}: its runs are left out.")
        except DataError as error:
            print(error, flush=True)
            absent.append(name)
    planned = [run for run in lab.training_list() if run.config.dataset not in absent]
    missing, seconds, epochs = list[tuple[str, RunConfig]](), 0.0, dict[str, int]()
    for run in planned:
        config, dataset = run.config, _load(*images_for(run.config, source))
        stored = [one for one in store.all({config.key}) if one.fingerprint == dataset.fingerprint]
        found = max((one.epochs for one in stored), default=0)
        if found >= config.epochs:
            continue
        # A longer run continues the shorter one, which comes before it in the list.
        finished = max(found, epochs.get(config.key, 0))
        rest = config.with_(epochs=config.epochs - finished)
        seconds += estimate_seconds(rest, len(dataset.y_train), dataset.n_classes)
        epochs[config.key] = config.epochs
        missing.append((f"{run.task} {run.label}", config))
    said = f"{len(planned) - len(missing)} of the lab's {len(planned)} runs are stored, {len(missing)} are missing"
    print(f"{said}: about {minutes(seconds)} of training here." if missing else f"{said}.", flush=True)
    return missing
