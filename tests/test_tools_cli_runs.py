"""`labutils runs | verify | train`: what a person types, and what the status tells a script."""

from dataclasses import replace

import pytest
from click.testing import CliRunner
from helpers import made_up_run, state_of, tiny_config, tiny_dataset

from labutils.config import Augmentation
from labutils.errors import TrainingInterrupted, visible
from labutils.runs.store import RunStore
from labutils.tools.cli import runs as cli_runs
from labutils.training.verify import Comparison, Verification

DATASET = replace(tiny_dataset(), source="phantom")
VERIFY_ALL = "labutils.tools.verify.verify_all"
TRAIN_ALL = "labutils.training.train_all"


def call(command, *arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)


def store_run(counts=None, **settings):
    run = made_up_run(tiny_config(**settings), DATASET)
    run = replace(run, provenance=run.provenance | ({"counts": counts} if counts else {}))
    return RunStore().put(run, state_of(run), None).path


def test_runs_are_listed_one_a_line_the_damaged_ones_too(results):
    assert call(cli_runs.runs).output == "No runs are stored yet.\n"
    one, two = store_run(), store_run(seed=1, epochs=4)
    (two / "history.csv").unlink()
    found = call(cli_runs.runs)
    assert found.exit_code == 0
    first, second = found.output.splitlines()
    assert first.startswith(one.name) and "2 epochs, best accuracy 0." in first and "] in epoch " in first
    assert "phantom data, of unknown age, trained in 3 s" in first
    assert second.startswith(two.name) and "DAMAGED" in second and "history.csv: no such file" in second


def test_a_run_is_removed_by_its_name(results):
    folder = store_run()
    refused = call(cli_runs.runs, "rm", "nothing")
    assert refused.exit_code == 2 and "No stored run is called 'nothing'" in refused.output
    assert call(cli_runs.runs, "rm", folder.name).output == f"{folder.name} is removed.\n"
    assert not folder.exists()


GOOD = Verification("good", 1, (Comparison("loss of epoch 1", 0.5, 0.5, 0.1),))
BAD = Verification("bad", 1, (Comparison("loss of epoch 1", 0.5, 0.7, 0.1),))
SILENT = Verification("silent", problem="its images are not\x1b[2J here.")


@pytest.mark.parametrize(
    ("found", "arguments", "status"),
    [
        ([GOOD], ["--all"], 0),
        ([GOOD, BAD], ["--all"], 1),
        ([GOOD, SILENT], ["--all"], 0),
        ([SILENT], ["--all"], 2),
        ([SILENT], ["skin"], 2),
        ([GOOD], ["--some", "1"], 0),
    ],
)
def test_the_status_of_verify_tells_what_came_of_it(results, monkeypatch, found, arguments, status):
    store_run()
    monkeypatch.setattr(VERIFY_ALL, lambda folders, epochs: iter(found))
    said = call(cli_runs.verify, *arguments)
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
    call(cli_runs.verify, "--some", 2, "--epochs", 3)
    call(cli_runs.verify, "--some", 9)
    call(cli_runs.verify, "--all")
    (some, epochs), (most, _), (every, _) = asked
    assert (len({*some}), epochs) == (2, 3)
    assert {*most} == quick | {damaged} and {*every} == quick | {damaged, slow}
    for folder in quick | {damaged}:
        RunStore().remove(folder.name)
    said = call(cli_runs.verify, "--some", 1)
    assert said.exit_code == 2 and "name one, or take --all" in said.output


def test_verify_wants_to_know_which_runs(results):
    assert "Say which runs" in call(cli_runs.verify).output
    assert "Say which runs" in call(cli_runs.verify, "--all", "--some", 1).output
    assert call(cli_runs.verify, "--all").exit_code == 2


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


TINY = ("--dataset", "skin", "--model", "lenet", "--image-size", 32)
RATE = ("--lr", "1e-5", "--epochs", 1)


def test_train_takes_every_setting_by_both_its_names(asked):
    said = call(
        cli_runs.train, *TINY, "--lr", "1e-5", "--n-epoch", 3, "--batch-s", 4, "--dense", "[8, 4]", "--batch-norm",
        "--augmentation", '{"shift": 0.1}', "--dropout", 0.2, "--n-train", 24, "--channels", 1,
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    ((configs,),) = asked
    assert configs == [
        tiny_config(
            n_base=8, learning_rate=1e-5, epochs=3, batch_size=4, dense=(8, 4), batch_norm=True, dropout=0.2,
            augmentation=Augmentation(shift=0.1), n_train=24,
        )
    ]  # fmt: skip
    assert "epochs, best accuracy" in said.output


def test_train_makes_a_run_for_each_value(asked):
    ended = call(cli_runs.train, *TINY, *RATE, "--lr", "1e-4", "--seeds", "0,1", "--jobs", 2)
    ((configs, source, jobs),) = asked
    assert (source, jobs, ended.exit_code) == ("auto", 2, 1), "one of them could not be trained"
    assert [(c.learning_rate, c.seed) for c in configs] == [(1e-5, 0), (1e-5, 1), (1e-4, 0), (1e-4, 1)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--lr", "0", "--epochs", 1], "lr (learning_rate) is 0.0: it must be a number above 0"),
        (["--epochs", 1], "learning_rate) is missing"),
        ([*RATE, "--dense", "[" * 5000], "nested too deeply"),
        ([*RATE, "--seeds", "a"], "seeds is 'a': it must be whole numbers"),
        ([*RATE, "--scheduler", "nonsense://here"], "'nonsense://here': it must be tcp://HOST:PORT or tls://HOST:PORT"),
    ],
)
def test_train_refuses_in_one_sentence(asked, arguments, said):
    found = call(cli_runs.train, *TINY, *arguments)
    assert found.exit_code == 2 and said in found.output and "Traceback" not in found.output


def test_the_stop_key_ends_train_with_130(asked, monkeypatch):
    def stop(configs, dataset):
        raise TrainingInterrupted("stopped, 3 of 9 epochs are finished and kept.")

    monkeypatch.setattr(TRAIN_ALL, stop)
    found = call(cli_runs.train, *TINY, *RATE)
    assert found.exit_code == 130 and "3 of 9 epochs are finished and kept." in found.output
