"""A Dask cluster of processes of their own, and workers that only seem to train."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from helpers import patience, python_path, tiny_config, tiny_dataset, wait_until

from labutils.runs.store import RunStore
from labutils.training.workers import Scheduler, connect, train_on

# What runs at the start of every Python of a cluster: training takes no time, or for ever, or the worker's life.
INSTEAD_OF_TRAINING = """
import os, signal, sys, time, types
from dataclasses import replace

def fit(config, images, **_):
    from helpers import STRETCH, made_up_run, state_of
    from labutils.training.checkpoint import Trained
    if config.n_base == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(3600 if config.n_base == 4 else 0.05)
    run = made_up_run(config, images)
    here = {**STRETCH, "device": f"process {os.getpid()}"}
    return Trained(replace(run, provenance=run.provenance | {"stretches": [here]}), state_of(run), None)

sys.modules["labutils.training.epoch"] = types.ModuleType("epoch")
sys.modules["labutils.training.epoch"].fit = fit
sys.modules["labutils.training.epoch"].planned_lengths = lambda config: frozenset()
"""
DEADLY, ENDLESS = tiny_config(n_base=3), tiny_config(n_base=4)


def instead_of_training(folder) -> dict[str, str]:
    """The settings of a cluster whose workers only seem to train."""
    (folder / "sitecustomize.py").write_text(INSTEAD_OF_TRAINING)
    (folder / "none").mkdir()
    return {"LABUTILS_DATA": str(folder / "none"), "LABUTILS_THREADS": "1", "PYTHONPATH": python_path(folder)}


@contextmanager
def dask_cluster(
    home: Path,
    *tls: str,
    workers: int = 2,
    started: list[subprocess.Popen] | None = None,
    host: str = "127.0.0.1",
    within: Sequence[str] = (),
    **environment: str,
) -> Iterator[str]:
    """The address of a Dask scheduler with workers: processes, each in a folder of its own, that must store nothing.

    `tls` are the options of a cluster that asks for certificates; `started` gets the processes, the scheduler's first;
    `within` is the command that starts each of them in another network, where `host` is its address.
    """
    started = [] if started is None else started
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"{'tls' if tls else 'tcp'}://{host}:{port}"

    def start(module: str, *arguments: str) -> None:
        folder = home / f"machine{len(started)}"
        folder.mkdir()
        settings = {"LABUTILS_RESULTS": str(folder / "nowhere"), **environment}
        command = [*within, sys.executable, "-m", f"distributed.cli.{module}", *arguments, *tls, "--no-dashboard"]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, env=os.environ | settings, cwd=folder, stdout=log, stderr=log)
        started.append(process)

    start("dask_scheduler", "--host", address.rsplit(":", 1)[0], "--port", str(port))
    for _ in range(workers):
        start("dask_worker", address, "--nthreads", "1", "--nanny")
    try:
        yield address
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGINT)
        for process in reversed(started):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    assert not list(home.glob("machine*/nowhere")), "a worker has stored something"


def train_until(lost: Callable[[], object], scheduler: Scheduler) -> None:
    """Train a short run and an endless one; once the short one has arrived, something is lost."""

    def lose() -> None:
        wait_until(lambda: len(list(RunStore())) == 1, 60)
        lost()

    with connect(scheduler) as client:
        client.wait_for_workers(1, timeout=patience(10))
        threading.Thread(target=lose).start()
        train_on(client.get_executor(), {"short": tiny_config(epochs=1), "endless": ENDLESS}, tiny_dataset())
