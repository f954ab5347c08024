"""`labutils run --missing`: what another process trains is passed over, what fails is named; in real processes."""

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from helpers import made_up_run, patience, python_path, state_of, tiny_config, wait_until
from picture_helpers import write_noise

from labutils import lab
from labutils.data import load_dataset
from labutils.lab import Planned
from labutils.runs.run import write_run
from labutils.runs.store import RunStore
from labutils.tools import missing
from labutils.tools.cli import commands as cli
from labutils.training import train

SMALL = {"n_train": 16, "n_val": 8}


def tiny_list(n: int, epochs: int = 1) -> list[Planned]:
    return [Planned("a", "task1b", f"seed {seed}", tiny_config(seed=seed, epochs=epochs, **SMALL)) for seed in range(n)]


@pytest.fixture
def three(results, monkeypatch):
    """Three tiny runs are the whole lab."""
    monkeypatch.setattr(lab, "training_list", lambda: tiny_list(3))
    monkeypatch.setattr("labutils.training.epoch.planned_lengths", lambda config: frozenset())  # an exam would be drawn
    return [planned.config for planned in tiny_list(3)]


def images():
    return load_dataset("skin", 32, source="phantom", **SMALL)


def seeds_stored() -> list[int]:
    return sorted(run.config.seed for run in RunStore().all())


def call(*arguments):
    return CliRunner().invoke(cli.main, [*map(str, arguments)], catch_exceptions=False)


def run(*arguments):
    return call("run", "--missing", *arguments)


def test_what_is_missing_is_counted_and_trained(three, capsys):
    train(three[1], images())
    said = run().output
    assert re.search(r"^1 of the lab's 3 runs are stored, 2 are missing: about \d+ s of training here.$", said, re.M)
    assert "task1b seed 0: trained 1 epochs" in said and "seed 1: " not in said
    assert seeds_stored() == [0, 1, 2]
    again = run()
    assert (again.exit_code, again.output) == (0, "3 of the lab's 3 runs are stored, 0 are missing.\n")


def test_own_images_are_trained_on_where_they_are(three, tmp_path, monkeypatch):
    write_noise(tmp_path / "data" / "Skin", splits=("train", "validation"), count=8)
    monkeypatch.setenv("LABUTILS_DATA", str(tmp_path / "data"))
    elsewhere = Planned("a", "task2", "b8", tiny_config(dataset="bone"))
    monkeypatch.setattr(lab, "training_list", lambda: [*tiny_list(1), elsewhere])
    said = run("--source", "course").output
    assert "There are no course images of bone: its runs are left out." in said
    assert "0 of the lab's 1 runs are stored, 1 are missing" in said
    assert {run.source for run in RunStore().all()} == {"course"}
    assert "1 of the lab's 1 runs are stored" in run("--source", "course").output


def test_only_the_epochs_that_are_missing_are_counted(three, monkeypatch):
    longer = [Planned("a", "task1b", "r", three[0].with_(epochs=n)) for n in (1, 4, 6)]
    monkeypatch.setattr(lab, "training_list", lambda: longer)
    monkeypatch.setattr(missing, "estimate_seconds", lambda config, *rest: 3600.0 * config.epochs)
    train(three[0], images())
    said = run().output
    assert "1 of the lab's 3 runs are stored, 2 are missing: about 5.0 h of training here." in said
    assert "extended from 1 to 4 epochs" in said and "extended from 4 to 6 epochs" in said


def test_a_damaged_run_is_named_and_does_not_keep_the_others(three):
    damaged = train(three[0], images()).path
    (damaged / "history.csv").write_text("nonsense")
    said = run()
    assert said.exit_code == 1 and "0 of the lab's 3 runs are stored, 3 are missing" in said.output
    assert re.search(r"task1b seed 0: failed. .* is not a stored run or is damaged \(", said.output)
    assert "1 runs could not be trained, see above: task1b seed 0." in said.output
    assert seeds_stored() == [1, 2]


def test_single_runs_are_trained_side_by_side_and_in_a_students_folder_stored_there(students_folder, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", python_path())
    tiny = {"dataset": "skin", "model": "lenet", "n-base": 2, "dense": "[8]", "image-size": 32, "lr": 1e-3, "epochs": 1}
    settings = tiny | {"n-train": 16, "n-val": 8, "source": "phantom", "seeds": "0,1", "jobs": 2}
    said = call("train", *(word for name, value in settings.items() for word in (f"--{name}", value)))
    assert said.exit_code == 0, said.output
    assert said.output.count("1 epochs, best accuracy") == 2
    assert [place.parent for place in RunStore()] == [students_folder / "runs"] * 2


def test_a_run_that_another_process_trains_is_passed_over_and_looked_at_again(three, monkeypatch):
    config, dataset, pauses = three[0], images(), []
    with ExitStack() as elsewhere:
        elsewhere.enter_context(RunStore().lock(config, dataset.fingerprint))

        def pause(seconds):
            pauses.append(seeds_stored())
            there = replace(made_up_run(config, dataset), path=RunStore().path_of(config, dataset.fingerprint))
            write_run(there, state_of(there), None)
            elsewhere.close()

        monkeypatch.setattr(missing, "time", SimpleNamespace(sleep=pause))
        said = run()
    assert said.exit_code == 0, said.output
    assert said.output.count("task1b seed 0: passed over, another process trains it.") == 1
    assert pauses == [[1, 2]], "the others were trained meanwhile"
    assert seeds_stored() == [0, 1, 2]
    assert "task1b seed 0: trained" not in said.output


# What runs at the start of every Python of the command: a small lab, and runs that tell who trains them and begin when
# two processes have begun one, or when they are told to. Short ones only seem to train.
SITE = """
import os, pathlib, sys, time, types
from helpers import made_up_run, state_of, tiny_config
from labutils import lab, progress
from labutils.lab import Planned
epochs = int(os.environ["EPOCHS"])
lab.training_list = lambda: [
    Planned("a", "task1b", f"seed {seed}", tiny_config(seed=seed, epochs=epochs, n_train=16, n_val=8))
    for seed in range(4)
]
def begin(self):
    begun, go = pathlib.Path(os.environ["BEGUN"]), pathlib.Path(os.environ["GO"])
    (begun / f"{os.getpid()}-{os.environ['LABUTILS_THREADS']}").touch()
    while len(list(begun.iterdir())) < 2 or not go.exists():
        time.sleep(0.05)
    return self
def fit(config, images, keep, **_):
    from labutils.training.checkpoint import Trained
    begin(None)
    run = made_up_run(config, images)
    keep(Trained(run, state_of(run), None))
    return Trained(run, state_of(run), None)
if "work()" in sys.orig_argv[-1]:
    if epochs > 10:
        import labutils.training.epoch as epoch
        progress.Progress.__enter__ = begin
        progress.Progress.epoch = lambda self, *what: time.sleep(0.05)
    else:
        epoch = sys.modules["labutils.training.epoch"] = types.ModuleType("epoch")
        epoch.fit = fit
    epoch.planned_lengths = lambda config: frozenset()
"""


def start(results: Path, **environment: str) -> subprocess.Popen:
    (results / "sitecustomize.py").write_text(SITE)
    (results / "begun").mkdir(exist_ok=True)
    places = {"BEGUN": str(results / "begun"), "GO": str(results / "go"), "LABUTILS_RESULTS": str(results)}
    command = [sys.executable, "-c", "from labutils.tools.cli import main; main()", "run", "--missing", "--jobs", "2"]
    environment = {**os.environ, **places, "PYTHONPATH": python_path(results), **environment}
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, env=environment, text=True, **piped)


def who(results: Path) -> list[list[str]]:
    """Process and threads of those that have begun a run."""
    return [file.name.split("-") for file in (results / "begun").iterdir()]


def test_two_jobs_share_the_list_and_the_cores(students_folder, results):
    (results / "go").touch()
    process = start(results, EPOCHS="2", LABUTILS_THREADS="4")
    said = process.communicate(timeout=patience(30))[0]
    assert process.returncode == 0, said
    assert seeds_stored() == [0, 1, 2, 3] and not (results / "runs").exists()
    assert said.count(": trained 2 epochs") == 4 and "waiting" not in said, said
    assert [threads for _, threads in who(results)] == ["2", "2"]


@pytest.mark.skipif(os.name == "nt", reason="sends a signal")
def test_the_stop_key_stops_all_of_them_and_keeps_what_is_finished(results):
    (results / "go").touch()
    process = start(results, EPOCHS="5000")
    try:
        wait_until(lambda: len(list(RunStore())) == 2)
        pids = [pid for pid, _ in who(results)]
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=patience(10))[0]
    finally:
        process.kill()
    assert process.returncode == 130 and len(pids) == 2, said
    assert len(re.findall(r"stopped, \d+ of 5000 epochs are finished and kept. Run the same again", said)) == 2, said
    assert "All 2 processes have stopped. Run the same again to go on from there." in said
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert len(RunStore().all()) == 2


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")
def test_processes_leave_with_a_command_that_is_killed(results):
    process = start(results, EPOCHS="1")
    try:
        wait_until(lambda: len(who(results)) == 2)
    finally:
        process.kill()
        process.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid, _ in who(results)))


def test_a_process_that_is_killed_makes_the_command_fail(results):
    process = start(results, EPOCHS="1")
    wait_until(lambda: len(who(results)) == 2)
    os.kill(int(min(who(results))[0]), signal.SIGKILL)
    (results / "go").touch()
    said = process.communicate(timeout=patience(30))[0]
    assert process.returncode == 1, said
    assert "A process was killed (signal 9). Run the same again to go on from there." in said
    assert seeds_stored() == [0, 1, 2, 3], "the other one took its run up"
