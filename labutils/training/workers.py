"""Training on other processes or machines: whatever `concurrent.futures.Executor` is given, or this machine's cores.

Workers train and hand back everything; only the caller writes to the store, so they need no shared folder.
"""

import os
import signal
import threading
from collections.abc import Mapping
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import active_children, get_context
from typing import Any

import numpy as np

from labutils import machine
from labutils.config import RunConfig
from labutils.data.dataset import Dataset, load_dataset
from labutils.errors import ClusterError, DataError, TrainingInterrupted
from labutils.machine import leave_with_parent
from labutils.progress import minutes
from labutils.runs.run import Run, read_start
from labutils.runs.store import RunStore
from labutils.training.checkpoint import Trained, check_dataset

_ONE_AT_A_TIME = threading.Lock()
"""A Dask worker may offer several threads, but TensorFlow's seeds and threads are the process's."""


class MissingImagesError(Exception):
    """A worker has no images of that name with that fingerprint: send them."""


def train_on(
    executor: Executor,
    configs: Mapping[str, RunConfig],
    dataset: Dataset,
    *,
    reuse: bool = True,
    store: RunStore | None = None,
) -> dict[str, Run]:
    """Train on the workers of `executor`; see `train_all`. Runs are stored as they arrive.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        Its workers need labutils; images that they cannot load themselves are sent to them.
    reuse : bool
        False trains all of them anew; one that is stored already is then handed back, and not stored.

    Returns
    -------
    dict of str to Run

    Raises
    ------
    ClusterError
        If a run failed or the connection to all workers is lost; all others that arrived are stored.
    concurrent.futures.process.BrokenProcessPool
        If the executor is a pool of this machine and one of its processes is killed.
    TrainingInterrupted
        If it is stopped by hand; runs that have arrived are stored.
    """
    store = store or RunStore()
    stored = {label: store.find(config, dataset.fingerprint) for label, config in configs.items()}
    runs: dict[str, Run] = {}
    waiting: dict[Future, str] = {}
    starts: dict[str, tuple[Run, dict[str, np.ndarray]] | None] = {}

    def submit(label: str, images: Dataset | None) -> None:
        what = (configs[label], _recipe(configs[label], dataset), dataset.fingerprint, images)
        waiting[executor.submit(_work, *what, starts[label])] = label

    try:
        for label, config in configs.items():
            check_dataset(config, dataset)
            found = stored[label]
            if reuse and found and found.epochs >= config.epochs:
                runs[label] = found.first(config.epochs)
                continue
            starts[label] = read_start(found.path) if reuse and found and found.path else None
            submit(label, None)
        print(f"{len(waiting)} runs to train on workers, {len(runs)} stored already.", flush=True)
        failed, lost = dict[str, Exception](), 0
        while waiting:
            future = next(as_completed(waiting))
            label = waiting.pop(future)
            try:
                trained: Trained = future.result()
            except CancelledError:
                lost += 1
                continue
            except MissingImagesError:
                submit(label, _in_memory(dataset))
                continue
            except Exception as error:
                failed[label] = error
                print(f"{label}: failed, {type(error).__name__}: {error}", flush=True)
                continue
            keep = reuse or not stored[label]
            runs[label] = store.put(trained.run, trained.checkpoint, trained.best_weights) if keep else trained.run
            seconds = minutes(float(trained.run.history["seconds"].sum()))
            print(f"{label}: trained {trained.run.epochs} epochs in {seconds} by a worker.", flush=True)
    except KeyboardInterrupt:
        for future in waiting:
            future.cancel()
        raise TrainingInterrupted(
            f"Stopped, {len(runs)} of {len(configs)} runs are finished and kept. Run the same again for the others."
        ) from None
    kept = f"{len(runs)} of {len(configs)} runs are finished and kept: run the same again for the others"
    for label, reason in failed.items():
        if isinstance(reason, BrokenProcessPool):
            raise reason
        said = f"failed on a worker ({type(reason).__name__}: {reason})"
        if type(reason).__name__ == "KilledWorker":  # Dask's: it has given up
            said = "was tried by several workers, and each of them died of it; of too little memory, perhaps"
        raise ClusterError(f"{label} {said}. {kept}.") from reason
    if lost:
        raise ClusterError(f"The scheduler is gone or out of reach. See that it runs. {kept}.")
    return {label: runs[label] for label in configs}


def train_on_cores(
    configs: Mapping[str, RunConfig], dataset: Dataset, jobs: int, *, store: RunStore | None = None
) -> dict[str, Run]:
    """Train `jobs` runs at a time on this machine, its cores shared out evenly; see `train_all`.

    A worker that is killed (out of memory, say) takes the others with it: the runs that had not arrived are then
    done again, once, by new workers.

    Raises
    ------
    ClusterError
        If a worker dies again.
    """
    threads, others = max(1, machine.threads() // jobs), set(active_children())
    for last in (False, True):
        # Started afresh, not forked: TensorFlow does not survive a fork.
        pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_prepare_worker, initargs=(threads,))
        try:
            with pool:
                try:
                    return train_on(pool, configs, dataset, store=store)
                except TrainingInterrupted:
                    for worker in set(active_children()) - others:
                        worker.terminate()
                    raise
        except BrokenProcessPool:
            if last:
                raise ClusterError(
                    "A worker was killed again; of too little memory, perhaps. What had arrived is kept: run the same "
                    "again for the others, with fewer --jobs."
                ) from None
            print("A worker was killed; what is not finished is trained again by new ones.", flush=True)
    raise AssertionError("not reached")


def _work(
    config: RunConfig,
    recipe: dict[str, Any],
    fingerprint: str,
    images: Dataset | None,
    start: tuple[Run, dict[str, np.ndarray]] | None,
) -> Trained:
    """What a worker does: train and hand back everything; it writes nothing but images that it draws itself."""
    if images is None:
        try:
            images = load_dataset(**recipe)
        except DataError:
            raise MissingImagesError from None
        if images.fingerprint != fingerprint:
            raise MissingImagesError
    from labutils.training.epoch import fit, planned_lengths

    run, checkpoint = start or (None, None)
    with _ONE_AT_A_TIME:
        exam_at = planned_lengths(config)
        return fit(config, images, start=run, checkpoint=checkpoint, exam_at=exam_at, show=False)


def _recipe(config: RunConfig, dataset: Dataset) -> dict[str, Any]:
    settings = {name: getattr(config, name) for name in ("image_size", "channels", "n_train", "n_val")}
    return {"name": dataset.name, "source": dataset.source, "progress": False, **settings}


def _in_memory(dataset: Dataset) -> Dataset:
    # A memory map is a file of this machine.
    return replace(dataset, x_train=np.array(dataset.x_train), x_val=np.array(dataset.x_val))


def _prepare_worker(threads: int) -> None:
    os.environ["LABUTILS_THREADS"] = str(threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the stop key reaches all processes; the caller decides
    leave_with_parent()
