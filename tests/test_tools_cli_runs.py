"""`labutils runs | verify | train`: what a person types, and what the status tells a script."""

from dataclasses import replace

import pytest
from click.testing import CliRunner
from helpers import made_up_run, state_of, tiny_config, tiny_dataset

from labutils.config import Augmentation
from labutils.errors import TrainingInterrupted, visible
from labutils.runs.store import RunStore
from labutils.tools.cli import main
from labutils.training.verify import Comparison, Verification

DATASET = replace(tiny_dataset(), source="phantom")
VERIFY_ALL = "labutils.tools.verify.verify_all"
TRAIN_ALL = "labutils.training.train_all"


def call(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)


def store_run(counts=None, **settings):
    run = made_up_run(tiny_config(**settings), DATASET)
    run = replace(run, provenance=run.provenance | ({"counts": counts} if counts else {}))
    return RunStore().put(run, state_of(run), None).path


def test_runs_are_listed_one_a_line_the_damaged_ones_too_and_removed_by_name(results):
    assert call("runs").output == "No runs are stored yet.\n"
    one, two = store_run(), store_run(seed=1, epochs=4)
    (two / "history.csv").unlink()
    first, second = call("runs").output.splitlines()
    assert first.startswith(one.name) and "2 epochs, best accuracy 0." in first and "] in epoch " in first
    assert "phantom data, of unknown age, trained in 3 s" in first
    assert second.startswith(two.name) and "DAMAGED" in second and "history.csv: no such file" in second
    assert call("runs", "rm", one.name).output == f"{one.name} is removed.\n"
    assert not one.exists() and two.exists()


GOOD = Verification("good", 1, (Comparison("loss of epoch 1", 0.5, 0.5, 0.1),))
BAD = Verification("bad", 1, (Comparison("loss of epoch 1", 0.5, 0.7, 0.1),))
SILENT = Verification("silent", problem="its images are not\x1b[2J here.")


@pytest.mark.parametrize(
    ("found", "asked", "status"),
    [
        ([GOOD], "--all", 0),
        ([GOOD, BAD], "--all", 1),
        ([GOOD, SILENT], "--all", 0),
        ([SILENT], "--all", 2),
        ([SILENT], "skin", 2),
    ],
)
def test_the_status_of_verify_tells_what_came_of_it(results, monkeypatch, found, asked, status):
    store_run()
    monkeypatch.setattr(VERIFY_ALL, lambda folders, epochs: iter(found))
    said = call("verify", asked)
    assert said.exit_code == status
    *each, last = said.output.splitlines()
    assert each == [visible(str(v)) for v in found] and last.endswith("cannot be verified here.")


def test_some_runs_are_that_many_and_none_of_those_that_take_long(results, monkeypatch):
    asked = []
    monkeypatch.setattr(VERIFY_ALL, lambda folders, epochs: asked.append((folders, epochs)) or [GOOD])
    # A matrix product's speed on a plain laptop: half of it is what a training step reaches.
    monkeypatch.setattr("labutils.training.cost._product_speed", lambda: 2e11)
    counts = {"train": {"Mel": 500, "Nev": 500}}
    quick, damaged = {store_run(counts, seed=seed) for seed in range(3)}, store_run(seed=3)
    (damaged / "history.csv").unlink()
    slow = store_run(counts, model="vgg16", n_base=64, image_size=128)
    for words in (("--some", 2, "--epochs", 3), ("--some", 9), ("--all",)):
        assert call("verify", *words).exit_code == 0
    (some, epochs), (most, _), (every, _) = asked
    assert (len({*some}), epochs) == (2, 3)
    assert {*most} == quick | {damaged} and {*every} == quick | {damaged, slow}
    for folder in quick | {damaged}:
        RunStore().remove(folder.name)
    said = call("verify", "--some", 1)
    assert said.exit_code == 2 and "name one, or take --all" in said.output


@pytest.fixture
def asked(results, monkeypatch):
    """The settings that `train` would train."""
    found = []

    def note(configs, dataset):
        found.append((list(configs.values()),))
        return {label: made_up_run(config, DATASET) for label, config in configs.items()}

    def share_out(runs, source, jobs):
        found.append(([config for _, config in runs], source, jobs))
        return 1

    monkeypatch.setattr("labutils.data.dataset.load_dataset", lambda *images: DATASET)
    monkeypatch.setattr(TRAIN_ALL, note)
    monkeypatch.setattr("labutils.tools.missing.share_out", share_out)
    return found


TINY = ("train", "--dataset", "skin", "--model", "lenet", "--image-size", 32, "--lr", "1e-5")


def test_train_takes_every_setting_by_both_its_names(asked):
    said = call(
        *TINY, "--n-epoch", 3, "--batch-s", 4, "--dense", "[8, 4]", "--batch-norm", "--dropout", 0.2, "--n-train", 24,
        "--augmentation", '{"shift": 0.1}', "--channels", 1,
    )  # fmt: skip
    assert said.exit_code == 0 and "epochs, best accuracy" in said.output, said.output
    settings = {"n_base": 8, "learning_rate": 1e-5, "epochs": 3, "batch_size": 4, "dense": (8, 4), "batch_norm": True}
    settings |= {"dropout": 0.2, "augmentation": Augmentation(shift=0.1), "n_train": 24}
    assert asked == [([tiny_config(**settings)],)]


def test_train_makes_a_run_for_each_value(asked):
    ended = call(*TINY, "--epochs", 1, "--lr", "1e-4", "--seeds", "0,1", "--jobs", 2)
    ((configs, source, jobs),) = asked
    assert (source, jobs, ended.exit_code) == ("auto", 2, 1), "one of them could not be trained"
    assert [(c.learning_rate, c.seed) for c in configs] == [(1e-5, 0), (1e-5, 1), (1e-4, 0), (1e-4, 1)]


def test_the_stop_key_ends_train_with_130(asked, monkeypatch):
    def stop(configs, dataset):
        raise TrainingInterrupted("stopped, 3 of 9 epochs are finished and kept.")

    monkeypatch.setattr(TRAIN_ALL, stop)
    found = call(*TINY, "--epochs", 1)
    assert found.exit_code == 130 and "3 of 9 epochs are finished and kept." in found.output
