"""Training on other machines: a real Dask scheduler with workers that share no folder with the caller."""

from concurrent.futures import Future

import numpy as np
import pytest
from cluster_helpers import dask_cluster
from helpers import patience, python_path, tiny_config, tiny_dataset

from labutils.errors import ClusterError, TrainingInterrupted
from labutils.runs.run import best_weights_file, read_run, read_start
from labutils.runs.store import RunStore
from labutils.training import train, train_all, workers
from labutils.training.epoch import fit
from labutils.training.workers import train_on

DATASET = tiny_dataset()
CONFIGS = {f"seed {seed}": tiny_config(seed=seed, dropout=0.2) for seed in range(3)}


@pytest.fixture(scope="module")
def local():
    """The same runs, trained in this process."""
    return {label: fit(config, DATASET, show=False).run for label, config in CONFIGS.items()}


@pytest.fixture
def no_images(results, monkeypatch):
    """Workers find no images of their own."""
    (results / "empty").mkdir()
    monkeypatch.setenv("LABUTILS_DATA", str(results / "empty"))
    monkeypatch.setenv("PYTHONPATH", python_path())


def assert_complete(runs, local) -> None:
    assert list(runs) == list(local)
    for label, run in runs.items():
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            np.testing.assert_allclose(run.history[name], local[label].history[name], atol=1e-6)
        np.testing.assert_array_equal(run.val_predictions, local[label].val_predictions)
        assert read_run(run.path).config == run.config and best_weights_file(run.path)
        assert read_start(run.path)[0].epochs == run.epochs


class Here:
    """An executor that works in this process, at once, or fails with the next of `fails`."""

    def __init__(self, *fails):
        self.fails, self.sent = list(fails), []

    def submit(self, function, *args):
        self.sent.append(args)
        future = Future()
        try:
            if self.fails and (error := self.fails.pop(0)):
                raise error
            future.set_result(function(*args))
        except BaseException as error:
            future.set_exception(error)
        return future


@pytest.fixture
def images_there(no_images, monkeypatch):
    """Workers have the images."""
    monkeypatch.setattr(workers, "load_dataset", lambda *_, **__: DATASET)


def test_images_are_sent_to_workers_that_have_none(no_images):
    here = Here()
    train_on(here, {"a": tiny_config(epochs=1)}, DATASET)
    assert [images is None for *_, images, _ in here.sent] == [True, False]


def test_stored_runs_are_not_sent_and_short_ones_are_continued(images_there, capsys):
    train(tiny_config(epochs=2), DATASET)
    here = Here()
    runs = train_on(here, {"done": tiny_config(epochs=1), "short": tiny_config(epochs=3)}, DATASET)
    ((*_, images, (start, _)),) = here.sent
    assert images is None and start.epochs == 2
    assert [(run.status, run.epochs) for run in runs.values()] == [("reused", 1), ("extended", 3)]
    said = capsys.readouterr().out
    assert "done: reused, 1 stored epochs." in said and "short: extended to 3 epochs in" in said
    assert "1 runs to train on workers, 1 stored already." in said
    whole = fit(tiny_config(epochs=3), DATASET, show=False).run
    np.testing.assert_allclose(read_run(runs["short"].path).history["loss"], whole.history["loss"], atol=1e-6)


def test_a_run_trained_anew_leaves_the_stored_one(images_there):
    stored = train(tiny_config(epochs=1), DATASET)
    stamp = (stored.path / "history.csv").stat().st_mtime_ns
    runs = train_on(Here(), {"a": tiny_config(epochs=1)}, DATASET, reuse=False)
    assert (runs["a"].status, runs["a"].path) == ("trained", None)
    assert (stored.path / "history.csv").stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("last", "raised", "said", "least"),
    [
        (MemoryError("large"), ClusterError, r"seed 2 failed on a worker .MemoryError: large.. 2 of 3 runs are", 2),
        (KeyboardInterrupt(), TrainingInterrupted, r"Stopped, \d of 3 runs are finished and kept", 0),
    ],
)
def test_what_has_arrived_is_kept(images_there, last, raised, said, least):
    with pytest.raises(raised, match=said):
        train_on(Here(None, None, last), CONFIGS, DATASET)
    assert len(list(RunStore())) >= least


# Dies in its first run, once: the file says that it has.
MORTAL = """
import os, pathlib, signal
from labutils import progress
real = progress.Progress.epoch
def dies_once(self, done, metrics):
    if done == 1 and self.label.endswith("seed1"):
        try:
            pathlib.Path(os.environ["DIED"]).touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)
        except FileExistsError:
            pass
    real(self, done, metrics)
progress.Progress.epoch = dies_once
"""


def test_a_cluster_gives_what_this_process_gives_though_a_worker_dies(no_images, results, local, capfd):
    distributed = pytest.importorskip("distributed")
    (results / "sitecustomize.py").write_text(MORTAL)
    settings = {"LABUTILS_THREADS": "1", "DIED": str(results / "died"), "PYTHONPATH": python_path(results)}
    with dask_cluster(results, **settings) as address, distributed.Client(address, timeout=patience(5)) as client:
        client.wait_for_workers(2, timeout=patience(5))
        runs = train_all(CONFIGS, DATASET, executor=client.get_executor())
    assert (results / "died").exists()
    assert_complete(runs, local)
    assert {path.parent for path in RunStore()} == {results / "runs"}
    assert "seed 1: trained 2 epochs" in capfd.readouterr().out
