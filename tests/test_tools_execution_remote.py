"""Whole notebooks on a real Dask scheduler, whose workers are other processes and share no folder with the caller."""

from concurrent.futures import Future
from pathlib import Path

import nbformat
import numpy as np
import pytest
from click.testing import CliRunner
from cluster_helpers import dask_cluster
from helpers import made_up_run, state_of, tiny_config, tiny_dataset, wait_until
from notebook_helpers import write

from labutils import paths
from labutils.data import load_dataset
from labutils.errors import TrainingInterrupted
from labutils.runs.run import best_weights_file, read_run, read_start
from labutils.runs.store import RunStore
from labutils.tools.cli import commands as cli
from labutils.tools.execution import remote
from labutils.tools.execution.execute import run_notebooks
from labutils.training import train

PARAMETERS = "n_epoch: int = 1  # epochs\nsource: str = 'phantom'  # images\nfile: str = ''  # a file"
TRAINS = """
from labutils.config import RunConfig
from labutils.data import load_dataset
from labutils.training import train
config = RunConfig(
    dataset="skin", model="lenet", n_base=2, dense=(8,), image_size=32, learning_rate=1e-3, epochs=n_epoch,
    n_train=16, n_val=8,
)
run = train(config, load_dataset("skin", 32, source=source, n_train=16, n_val=8), label="tiny")
"""
READS = "print(run.epochs, *run.history['val_loss'], *run.history['val_accuracy'])"
# Kills the worker that executes this notebook (kernel, papermill, worker), once: the file says that it has.
DIES = """
import os, pathlib, psutil, time
died = pathlib.Path(file)
if not died.exists():
    died.write_text(str(os.getpid()))
    psutil.Process().parent().parent().kill()
    time.sleep(600)
"""


def small_config(epochs=1):
    return tiny_config(epochs=epochs, n_train=16, n_val=8)


def images():
    return load_dataset("skin", 32, source="phantom", n_train=16, n_val=8)


@pytest.fixture
def task(tmp_path_factory, monkeypatch):
    """A function that writes the notebook of a task; there are no others."""
    folder = tmp_path_factory.mktemp("notebooks")
    monkeypatch.setattr(paths, "notebooks_dir", lambda: folder)

    def make(name, *sources):
        return write(folder, *sources, parameters=PARAMETERS).rename(folder / f"{name}.ipynb")

    return make


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    pytest.importorskip("distributed")
    home = tmp_path_factory.mktemp("machines")
    (home / "temporary").mkdir()
    with dask_cluster(home, TMPDIR=str(home / "temporary")) as address:
        yield address
    assert not list((home / "temporary").rglob("*.ipynb")), "a worker that was killed has left its folder"


def run(scheduler, into, *arguments):
    command = ["run", *arguments, "--scheduler", scheduler, "--out", str(into)]
    return CliRunner().invoke(cli.main, command, catch_exceptions=False)


def said_in(file: Path) -> list:
    """The outputs of the last cell."""
    return nbformat.read(file, as_version=4).cells[-1].outputs


def test_a_notebook_arrives_as_it_would_be_made_here_and_its_run_is_stored(scheduler, task, tmp_path, monkeypatch):
    notebook = task("task1b", TRAINS, READS)
    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path / "local"))
    (local,) = run_notebooks([notebook], tmp_path / "here", parameters={"n_epoch": 2})
    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path / "results"))
    ended = run(scheduler, tmp_path / "out", "task1b", "-p", "n_epoch", "2")
    assert ended.exit_code == 0, ended.output
    assert "task1b: arrived, 1 of 1." in ended.output
    assert ended.output.splitlines()[-1].split()[:3] == ["task1b", "1", "trained"]
    assert local.trained["trained"] == 1
    assert said_in(tmp_path / "out" / "task1b.ipynb") == said_in(local.output)

    (folder,) = RunStore()
    stored, here = read_run(folder), RunStore(tmp_path / "local" / "runs").find(small_config(), images().fingerprint)
    assert stored.epochs == here.epochs == 2
    np.testing.assert_array_equal(stored.val_predictions, here.val_predictions)
    assert best_weights_file(folder).stat().st_size > 0
    assert train(small_config(3), images()).status == "extended", "from its checkpoint"


def test_stored_runs_are_reused_and_shorter_ones_continued(scheduler, task, results, tmp_path_factory):
    task("task1b", TRAINS, READS)
    task("task1c", TRAINS, READS, "raise RuntimeError('no')")
    train(small_config(), images())
    out = tmp_path_factory.mktemp("out")
    ended = run(scheduler, out, "--all")
    assert ended.exit_code == 1
    rows = [line.split() for line in ended.output.splitlines() if line.startswith("task1")]
    assert [row[:3] for row in rows[-3:-1]] == [["task1b", "1", "reused"], ["task1c", "1", "reused"]]
    assert "task1c failed: RuntimeError: no" in ended.output
    assert said_in(out / "task1c.ipynb")[0]["ename"] == "RuntimeError"
    assert "stored." not in ended.output

    ended = run(scheduler, out, "task1b", "-p", "n_epoch", "2")
    assert ended.exit_code == 0
    assert "2 epochs from a worker, stored." in ended.output
    (folder,) = RunStore()
    assert read_start(folder)[0].epochs == 2


def test_a_notebook_whose_worker_is_killed_is_done_again(scheduler, task, results, tmp_path_factory):
    task("task1b", TRAINS, DIES, READS)
    task("task1c", TRAINS, READS)
    out = tmp_path_factory.mktemp("out")
    ended = run(scheduler, out, "task1b", "task1c", "-p", "file", str(out / "died"))
    assert ended.exit_code == 0, ended.output
    assert "task1b: arrived" in ended.output and "task1c: arrived" in ended.output
    one, other = (
        [float(word) for word in said_in(out / f"{name}.ipynb")[0].text.split()] for name in ("task1b", "task1c")
    )
    assert one == pytest.approx(other, abs=1e-6), "one trained it, the other read it with seven digits"
    kernel = (out / "died").read_text()
    wait_until(lambda: not Path(f"/proc/{kernel}").exists())  # else it goes on for nobody


class Here:
    """An executor that works in this process, at once; `does` in place of the notebook's execution."""

    def __init__(self, does=None):
        self.does, self.sent = does, []

    def submit(self, function, order):
        self.sent.append(order)
        future = Future()
        try:
            future.set_result((self.does or function)(order))
        except BaseException as error:
            future.set_exception(error)
        return future


def stored_run(**settings):
    """A run that nobody trained, in the store, with weights and checkpoint."""
    run = made_up_run(tiny_config(**settings), tiny_dataset())
    return RunStore().put(run, state_of(run), b"weights").path


def test_heavy_files_travel_only_with_the_notebook_they_belong_to(results, task, monkeypatch):
    mine = stored_run(epochs=3)
    other = stored_run(epochs=3, dropout=0.5)
    monkeypatch.setattr(remote, "_planned", lambda task: [tiny_config(epochs=5)] if task == "task1b" else [])

    def names(folder, task_name, **parameters):
        order = remote._order(task(task_name, "1"), {"source": "phantom", **parameters}, results, 60.0)
        return {name.split("/", 2)[2] for name in order.files if folder.name in name}

    light, weights = set(remote.LIGHT) - {"exam.npz"}, {"best.h5"}  # made-up runs sit no exam
    assert names(mine, "task1b") == light | weights | {"checkpoint/state.npz"}, "shorter than planned"
    assert names(mine, "task1c") == names(other, "task1b") == light
    assert names(other, "task1b", dropout=0.5) == light | weights | {"checkpoint/state.npz"}
    monkeypatch.setattr(remote, "_planned", lambda task: [tiny_config(epochs=2)])
    assert names(mine, "task1b") == light | weights, "nothing to go on with"
    assert "checkpoint/state.npz" in names(mine, "task1b", n_epoch=9)


def done(order, runs=(), files=None, error=""):
    outcome = {"task": Path(order.name).stem, "seconds": 1.0, "error": error}
    return remote.Done(outcome, b"{}", list(runs), files or {})


def test_the_trials_of_a_search_travel_both_ways_and_overwrite_nobody(results, task):
    file = results / "task4" / "a.study.jsonl"
    file.parent.mkdir()
    file.write_text("one")
    options = {"parameters": {"source": "phantom"}, "show": lambda line: None}

    def adds(order):
        return done(order, files={name: content + b" two" for name, content in order.files.items()})

    remote.run_notebooks_on(Here(adds), [task("task4", "1")], results / "out", **options)
    assert file.read_text() == "one two"

    def adds_late(order):
        file.write_text("one two three")
        return adds(order)

    remote.run_notebooks_on(Here(adds_late), [task("task4", "1")], results / "out", **options)
    assert file.read_text() == "one two three"


def test_a_run_that_is_trained_here_meanwhile_is_left_out(results, task):
    made = made_up_run(tiny_config(), tiny_dataset())
    trained = remote.Trained(made, state_of(made), None)
    heard = []
    with RunStore(wait=False).lock(made.config, made.provenance["fingerprint"], lambda: None):
        (outcome,) = remote.run_notebooks_on(
            Here(lambda order: done(order, [trained])), [task("task1b", "1")], results / "out",
            parameters={"source": "phantom"}, show=heard.append,
        )  # fmt: skip
    assert outcome.error == ""
    assert any("left out: another process here trains the same." in line for line in heard)
    assert list(RunStore()) == []


def test_a_run_that_two_notebooks_lack_is_trained_by_one_and_sent_to_the_other(results, task, monkeypatch):
    made = made_up_run(tiny_config(), tiny_dataset())
    monkeypatch.setattr(remote, "_planned", lambda name: [] if name == "task2" else [made.config])
    work = Here(lambda order: done(order, [remote.Trained(made, state_of(made), None)]))
    heard, notebooks = [], [task(name, "1") for name in ("task1b", "task1c", "task2")]
    outcomes = remote.run_notebooks_on(
        work, notebooks, results / "out", parameters={"source": "phantom"}, show=heard.append
    )
    assert heard[0] == "2 notebooks sent to workers; 1 later, which need runs that those train."
    assert [(order.name, bool(order.files)) for order in work.sent] == [
        ("task1b.ipynb", False),
        ("task2.ipynb", False),
        ("task1c.ipynb", True),
    ]
    assert [outcome.task for outcome in outcomes] == ["task1b", "task1c", "task2"]


def test_a_scheduler_that_dies_fails_what_has_not_arrived_in_a_sentence(results, task, monkeypatch):
    class Dying(Here):
        def submit(self, function, order):
            future = super().submit(function, order)
            if order.name != "task1b.ipynb":
                future = Future()
                future.cancel()
                future.set_running_or_notify_cancel()
            return future

    monkeypatch.setattr(remote, "_planned", lambda name: [tiny_config()] if name != "task1b" else [])
    notebooks = [task(name, "1") for name in ("task1b", "task1c", "task2")]
    outcomes = remote.run_notebooks_on(
        Dying(done), notebooks, results / "out", parameters={"source": "phantom"}, show=lambda line: None
    )
    assert [outcome.error for outcome in outcomes] == ["", remote.GONE, remote.GONE]


def test_a_damaged_run_here_fails_its_notebook_and_keeps_what_arrived(results, task):
    made = made_up_run(tiny_config(), tiny_dataset())
    folder = stored_run(epochs=1)
    (folder / "history.csv").write_text("nonsense")
    work = Here(lambda order: done(order, [remote.Trained(made, state_of(made), None)]))
    (outcome,) = remote.run_notebooks_on(
        work, [task("task1b", "1")], results / "out", parameters={"source": "phantom"}, show=lambda line: None
    )
    assert "is not a stored run or is damaged" in outcome.error
    assert outcome.output.read_bytes() == b"{}"


def test_a_worker_with_other_images_refuses(results, task, monkeypatch):
    sent = Here()
    answers = iter(["course data", "phantoms"])
    monkeypatch.setattr(remote, "_images_of", lambda name: next(answers))
    monkeypatch.setattr(remote, "_planned", lambda name: [tiny_config()])
    (outcome,) = remote.run_notebooks_on(sent, [task("task1b", "1")], results / "out", show=lambda line: None)
    assert outcome.error.startswith("A worker has other images of Skin: phantoms, not course data. Put the same")


def test_the_stop_key_keeps_what_has_arrived(results, task, monkeypatch):
    def stop(order):
        if order.name == "task1c.ipynb":
            raise KeyboardInterrupt
        return done(order)

    notebooks = [task("task1b", "1"), task("task1c", "1")]
    monkeypatch.setattr(remote, "as_completed", list)  # in their order
    with pytest.raises(TrainingInterrupted, match="Stopped, 1 of 2 notebooks have arrived"):
        remote.run_notebooks_on(
            Here(stop), notebooks, results / "out", parameters={"source": "phantom"}, show=lambda line: None
        )
    assert (results / "out" / "task1b.ipynb").exists()
