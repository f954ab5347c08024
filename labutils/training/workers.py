"""Training on other machines: by the workers of a Dask scheduler, or of any `concurrent.futures.Executor`."""

from __future__ import annotations

import json
import logging
import os
import platform
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils import machine
from labutils.config import RunConfig
from labutils.data.dataset import Dataset, images_for, load_dataset
from labutils.errors import ClusterError, DataError, TrainingInterrupted
from labutils.progress import minutes
from labutils.runs.run import Run, read_start
from labutils.runs.store import RunStore
from labutils.training.checkpoint import Trained, check_dataset

if TYPE_CHECKING:
    from distributed import Client

HANDED_ON = "LABUTILS_SCHEDULER"
"""The variable in which `labutils run --scheduler` tells the notebooks that it executes where to train."""

_ONE_AT_A_TIME = threading.Lock()
"""A Dask worker may offer several threads, but TensorFlow's seeds and threads are the process's."""


def train_on(
    executor: Executor,
    configs: Mapping[str, RunConfig],
    dataset: Dataset,
    *,
    reuse: bool = True,
    store: RunStore | None = None,
) -> dict[str, Run]:
    """Train on the workers of `executor`; see `train_all`. Runs are stored as they arrive, unless trained anew.

    Images that workers cannot load are sent to them. A ClusterError says that a run failed or all workers are lost, a
    TrainingInterrupted that it was stopped by hand.
    """
    store = store or RunStore()
    stored = {label: store.find(config, dataset.fingerprint) for label, config in configs.items()}
    runs: dict[str, Run] = {}
    waiting: dict[Future, str] = {}
    starts: dict[str, tuple[Run, dict[str, np.ndarray]] | None] = {}
    failed, lost = dict[str, Exception](), False

    def send(label: str, images: Dataset | None) -> None:
        # Plain settings, by which Dask knows that two notebooks ask for the same: it is then trained once.
        what = configs[label].model_dump(mode="json"), dataset.source, dataset.fingerprint
        waiting[executor.submit(_work, *what, images, starts[label])] = label

    def receive(label: str, future: Future) -> None:
        nonlocal lost
        try:
            trained: Trained | None = future.result()
        except CancelledError:
            lost = True
            return
        except Exception as error:
            failed[label] = error
            print(f"{label}: failed, {type(error).__name__}: {error}", flush=True)
            return
        if trained is None:  # it has no such images; of a memory map, the file is this machine's
            send(label, replace(dataset, x_train=np.array(dataset.x_train), x_val=np.array(dataset.x_val)))
            return
        run, keep = trained.run, reuse or not stored[label]
        runs[label] = store.put(run, trained.checkpoint, trained.best_weights) if keep else run
        what = "extended to" if run.status == "extended" else "trained"
        spent = minutes(float(run.history["seconds"].sum()))
        print(f"{label}: {what} {run.epochs} epochs in {spent} by a worker.", flush=True)

    try:
        for label, config in configs.items():
            check_dataset(config, dataset)
            found = stored[label]
            if reuse and found and found.epochs >= config.epochs:
                runs[label] = found.first(config.epochs)
                print(f"{label}: reused, {config.epochs} stored epochs.", flush=True)
                continue
            starts[label] = read_start(found.path) if reuse and found and found.path else None
            send(label, None)
        print(f"{len(waiting)} runs to train on workers, {len(runs)} stored already.", flush=True)
        while waiting:
            future = next(as_completed(waiting))
            receive(waiting.pop(future), future)
    except KeyboardInterrupt:
        for future in waiting:
            future.cancel()
        raise TrainingInterrupted(
            f"Stopped, {len(runs)} of {len(configs)} runs are finished and kept. Run the same again for the others."
        ) from None
    kept = f"{len(runs)} of {len(configs)} runs are finished and kept: run the same again for the others"
    for label, reason in failed.items():
        said = f"failed on a worker ({type(reason).__name__}: {reason})"
        if type(reason).__name__ == "KilledWorker":  # Dask's: it has given up
            said = "was tried by several workers, and each of them died of it; of too little memory, perhaps"
        raise ClusterError(f"{label} {said}. {kept}.") from reason
    if lost:
        raise ClusterError(f"The scheduler is gone or out of reach. See that it runs. {kept}.")
    return {label: runs[label] for label in configs}


@dataclass(frozen=True)
class Scheduler:
    """Where a Dask scheduler is, and the files of the certificates that it asks for."""

    address: str
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


@contextmanager
def connect(scheduler: Scheduler) -> Iterator[Client]:
    """A client of the scheduler, whose workers have been compared with this machine; says so if there are none yet.

    A ClusterError: no Dask, no answer, certificates that are missing, or a worker that has not what is here.
    """
    try:
        from distributed import Client, Security
    except ImportError:
        raise ClusterError("Dask is not installed: pip install 'labutils[dask]'.") from None
    # A connection that is lost is told in a sentence; Dask writes the stack of it too.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    address = scheduler.address
    files = {"tls_ca_file": scheduler.ca, "tls_client_cert": scheduler.certificate, "tls_client_key": scheduler.key}
    try:
        # What is not given: Dask's settings.
        security = Security(**{name: file for name, file in files.items() if file})
        if address.startswith("tls://") and not security.get_connection_args("client").get("ssl_context"):
            raise ClusterError(f"{address} asks for certificates: give --tls-ca FILE --tls-cert FILE --tls-key FILE.")
        client = Client(address, timeout="20s", security=security)
    except (OSError, ValueError) as error:
        raise ClusterError(f"No Dask scheduler answers at {address} ({error}).") from None
    with client:
        if not client.nthreads():
            print(f"{address} has no workers yet. Start one: dask worker {address} --nthreads 1", flush=True)
        compare_workers(client.run(versions, on_error="return"))
        yield client


@contextmanager
def chosen_workers(executor: Executor | None) -> Iterator[Executor | None]:
    """The executor that was named, or that of a `labutils run --scheduler` that executes this notebook, or None."""
    if executor is None and HANDED_ON in os.environ:
        with connect(Scheduler(**json.loads(os.environ[HANDED_ON]))) as client:
            yield client.get_executor()
    else:
        yield executor


def versions() -> dict[str, str]:
    """What the numbers of a training depend on: versions of Python, of this package, and of what it trains with."""
    from importlib.metadata import version

    import labutils

    packages = {name: version(name) for name in ("numpy", "keras", machine.backend())}
    return {"Python": ".".join(platform.python_version_tuple()[:2]), "labutils": labutils.__version__, **packages}


def compare_workers(found: dict[str, Any]) -> None:
    """Refuse workers that have not what is here; `found` is by address, an exception where they could not say it."""
    here = versions()
    install = "Install the same version there, with requirements.txt."
    for worker, theirs in found.items():
        if isinstance(theirs, BaseException):
            said = f"does not know this labutils ({type(theirs).__name__}: {theirs})"
            raise ClusterError(f"Worker {worker} {said}. {install}")
        for name in here.keys() & theirs.keys():  # another backend is its own business: the run says so
            if theirs[name] != here[name]:
                said = f"has {name} {theirs[name]}, this machine has {here[name]}: results would differ"
                raise ClusterError(f"Worker {worker} {said}. {install}")


def _work(
    settings: dict[str, Any],
    source: str,
    fingerprint: str,
    images: Dataset | None,
    start: tuple[Run, dict[str, np.ndarray]] | None,
) -> Trained | None:
    """What a worker does: train and hand back everything, or None if the images have to be sent. It stores nothing."""
    config = RunConfig(**settings)
    if images is None:
        try:
            images = load_dataset(*images_for(config, source), progress=False)
        except DataError:
            return None
        if images.fingerprint != fingerprint:
            return None
    from labutils.training.epoch import fit, planned_lengths

    run, checkpoint = start or (None, None)
    with _ONE_AT_A_TIME:
        exam_at = planned_lengths(config)
        return fit(config, images, start=run, checkpoint=checkpoint, exam_at=exam_at, show=False)
