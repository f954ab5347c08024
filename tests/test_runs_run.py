"""One run's folder: written whole whatever happens, read as it was written, or one sentence that names the fault."""

import errno
import json
import os
import re
import runpy
import shutil
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers import STRETCH, made_up_run, state_of, store_run, tiny_config, tiny_dataset

from labutils import paths
from labutils.errors import ComparisonError, StoreError, visible
from labutils.evaluate.exam import MEASURED, NoExamError
from labutils.evaluate.metrics import auc
from labutils.runs import disk
from labutils.runs.run import COLUMNS, ExamResult, best_weights_file, read_run, read_start, write_run
from labutils.runs.store import RunStore, find
from labutils.statistics import cross_entropy
from labutils.tools.cli import main

DATASET = tiny_dataset()
SEEN = np.array([np.nan, 0.75])
EXAM = ExamResult((0, 2), np.full((2, 6, 1), 0.25, np.float16), np.arange(6) % 2, "0123456789ab", SEEN)


class Crash(BaseException):
    """Stands for a kill: nothing catches it."""


def with_exam(folder: Path, **settings: object) -> Path:
    place = store_run(folder, **settings)
    run = replace(read_run(place), exam=EXAM)
    write_run(run, state_of(run), None)
    return place


def grow(run, epochs: int):
    """The made-up run at another length, with the same beginning."""
    long = made_up_run(run.config.with_(epochs=20), DATASET)
    return replace(long.first(epochs), path=run.path)


def same(run, other) -> bool:
    return all(np.allclose(run.history[name], other.history[name], atol=1e-6) for name in run.history) and (
        np.array_equal(run.val_predictions, other.val_predictions)
    )


def test_a_run_is_read_as_it_was_written(tmp_path):
    written, read = made_up_run(tiny_config(epochs=3), DATASET), read_run(with_exam(tmp_path))
    assert same(read, written)
    assert (read.config, read.val_files, read.class_names) == (written.config, DATASET.files_val, ("Mel", "Nev"))
    assert read.y_val.tolist() == DATASET.y_val.tolist() and read.status == "reused"
    assert read.exam.epochs == (0, 2) and np.array_equal(read.exam.at(2), EXAM.at(2))
    np.testing.assert_array_equal(read.exam.training, EXAM.training)


def further_seed(folder: Path, images, seed: int = 1):
    """A stored run on nine classes, of a further seed, that sat an exam."""
    config = tiny_config(dataset="x_ray", epochs=6, seed=seed)
    run = made_up_run(config, images)
    epochs = tuple(sorted({0, run.best_epoch, 5}))
    drawn = np.random.default_rng(0).dirichlet(np.ones(9), (len(epochs), 40)).astype(np.float16)
    sat = ExamResult(epochs, drawn, np.arange(40) % 9, "ab12")
    run = replace(run, exam=sat, path=RunStore(folder).path_of(config, images.fingerprint))
    write_run(run, state_of(run), b"weights")
    return run


def test_a_slim_run_is_compared_as_before_and_given_to_nobody_who_asks_for_it_alone(tmp_path):
    slim = runpy.run_path(str(paths.ROOT / "benchmarks" / "slim.py"))["slim"]
    images = tiny_dataset(n_val=18, classes=9)
    run, store = further_seed(tmp_path, images), RunStore(tmp_path)
    before = read_run(run.path)
    read = slim(run.path)
    assert before.whole and not read.whole and not (run.path / "checkpoint").exists()
    assert read.best_epoch == run.best_epoch and read.epochs == 6
    for name in ("accuracy", "AUC"):
        np.testing.assert_allclose(MEASURED[name](read), MEASURED[name](before), atol=1e-4)
    np.testing.assert_array_equal(
        *(cross_entropy(one.val_predictions[list(run.exam.epochs)], run.y_val) for one in (read, before))
    )
    with pytest.raises(NoExamError, match="stored at another epoch"):
        MEASURED["AUC"](replace(read, exam=replace(read.exam, areas=np.full_like(read.exam.areas, np.nan))))
    with pytest.raises(ComparisonError, match="Train it to see the other probabilities"):
        auc(read)
    assert store.find(run.config, images.fingerprint) is None
    assert find({"one": run.config}, "course", among=store)["one"].epochs == 6
    with pytest.raises(StoreError, match="stays"):
        slim(run.path)
    with pytest.raises(StoreError, match="stays"):
        slim(further_seed(tmp_path, images, seed=0).path)


def test_a_run_with_too_few_predictions_is_not_taken_for_a_slim_one(tmp_path):
    run = further_seed(tmp_path, tiny_dataset(n_val=18, classes=9))
    np.save(run.path / "val_predictions.npy", np.roll(run.val_predictions, 1, axis=0)[:3])
    with pytest.raises(StoreError, match=r"val_accuracy in history\.csv is not what val_predictions"):
        read_run(run.path)
    np.save(run.path / "val_predictions.npy", run.val_predictions[:4])
    with pytest.raises(StoreError, match=r"config\.json speaks of 6 epochs"):
        read_run(run.path)


def test_a_run_that_diverged_is_kept_too(tmp_path):
    run = made_up_run(tiny_config(epochs=2), DATASET)
    predictions = np.full_like(run.val_predictions, np.nan)
    history = run.history | {"loss": np.array([np.inf, np.nan]), "val_loss": np.full(2, np.nan)}
    history["val_accuracy"] = (DATASET.y_val == 0).mean().repeat(2)
    run = replace(run, history=history, val_predictions=predictions, path=tmp_path / "diverged")
    write_run(run, state_of(run), None)
    read = read_run(tmp_path / "diverged")
    assert np.isnan(read.history["val_loss"]).all() and np.isinf(read.history["loss"][0])
    assert read_start(tmp_path / "diverged") is not None


def test_the_first_epochs_are_a_shorter_run():
    run = made_up_run(tiny_config(epochs=5), DATASET)
    short = run.first(2)
    assert (short.epochs, short.config.epochs, len(short.val_predictions)) == (2, 2, 2)
    with pytest.raises(ValueError, match="5 epochs, not 6"):
        run.first(6)


@pytest.mark.parametrize(
    ("losses", "lowest"),
    [([0.75, 0.5, 0.5], 1), ([0.75, np.nan], 0), ([np.nan, 0.75], 1), ([np.nan, np.inf], 1), ([np.nan, np.nan], 0)],
)
def test_the_lowest_loss_is_a_number_where_there_is_one(losses, lowest):
    run = made_up_run(tiny_config(epochs=len(losses)), DATASET)
    assert replace(run, history=run.history | {"val_loss": np.array(losses)}).lowest_loss_epoch == lowest


def growing(folder: Path):
    """A stored run of three epochs, and the same with a fourth."""
    place = store_run(folder)
    longer = grow(replace(read_run(place), path=place), 4)
    write_run(longer.first(3), state_of(longer.first(3)), b"weights")
    return place, longer


@pytest.mark.parametrize("moment", range(8))
def test_a_kill_at_any_moment_leaves_whole_epochs(tmp_path, monkeypatch, moment):
    folder, longer = growing(tmp_path)
    real, replaced = os.replace, []

    def dying(source, target):
        if len(replaced) == moment:
            raise Crash
        replaced.append(target)
        real(source, target)

    monkeypatch.setattr(disk.os, "replace", dying)
    monkeypatch.setattr(Path, "unlink", lambda self, missing_ok=False: None)  # nobody clears up after a kill
    with nullcontext() if moment == 7 else pytest.raises(Crash):
        write_run(longer, state_of(longer), b"better")
    monkeypatch.undo()
    read, start = read_run(folder), read_start(folder)
    assert read.epochs in (3, 4)
    assert same(read, longer.first(read.epochs))
    assert start[0].epochs == int(start[1]["epochs"]) == (4 if moment == 7 else 3)
    write_run(longer, state_of(longer), b"better")
    assert not list(folder.glob("*.tmp"))
    assert read_run(folder).epochs == 4


def test_a_kill_in_the_first_epoch_leaves_no_run(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "rename", lambda self, target: (_ for _ in ()).throw(Crash))
    with pytest.raises(Crash):
        store_run(tmp_path)
    monkeypatch.undo()
    assert list(RunStore(tmp_path)) == []
    assert read_run(store_run(tmp_path)).epochs == 3
    assert [p.name for p in tmp_path.iterdir()] == [p.name for p in RunStore(tmp_path)]


@pytest.mark.parametrize("moment", range(7))
@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EFBIG, "cannot be written .the file is larger than the file system or `ulimit -f` allows"),
    ],
)
def test_a_full_disk_loses_no_stored_epoch(tmp_path, monkeypatch, moment, code, said):
    folder, longer = growing(tmp_path)
    calls = []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == moment + 1:
            raise OSError(code, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", full)
    with pytest.raises(StoreError, match=said) as caught:
        write_run(longer, state_of(longer), b"better")
    assert "The 3 epochs stored before are kept" in str(caught.value)
    monkeypatch.undo()
    assert same(read_run(folder), longer.first(read_run(folder).epochs))
    assert read_start(folder)[0].epochs == 3 and not list(folder.rglob("*.tmp"))


def test_large_weights_stay_out_of_the_repository(tmp_path, monkeypatch):
    monkeypatch.setattr("labutils.runs.run.LARGEST_WEIGHTS", 10)
    small, large = store_run(tmp_path, weights=b"1234567890"), store_run(tmp_path, seed=1, weights=b"12345678901")
    assert best_weights_file(small) == small / "best.h5"
    assert best_weights_file(large) == large / "checkpoint" / "best.h5"


@pytest.mark.parametrize("place", ["best.weights.h5", "checkpoint/best.weights.h5"])
def test_weights_under_the_name_of_earlier_versions_are_found_and_replaced(tmp_path, place):
    folder = store_run(tmp_path, weights=None)
    (folder / place).write_bytes(b"older")
    assert best_weights_file(folder) == folder / place
    run = read_run(folder)
    write_run(run, state_of(run), b"better")
    assert best_weights_file(folder).read_bytes() == b"better" and not (folder / place).exists()


def edit(name: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    """Another text in a file."""

    def harm(folder: Path) -> None:
        before = (folder / name).read_text()
        assert change(before) != before
        (folder / name).write_text(change(before))

    return harm


def json_with(name: str, **changes: object) -> Callable[[Path], None]:
    return edit(name, lambda text: json.dumps(json.loads(text) | changes))


def provenance(**changes: object) -> Callable[[Path], None]:
    return json_with("provenance.json", **changes)


def stretch(**changes: object) -> Callable[[Path], None]:
    return provenance(stretches=[STRETCH | changes])


def exchange(name: str, old: str, new: str) -> Callable[[Path], None]:
    return edit(name, lambda text: text.replace(old, new, 1))


def cell(column: str, value: str, epoch: str = "2") -> Callable[[Path], None]:
    """Another value in the history."""
    before = rf"(?m)^({epoch},(?:[^,\n]*,){{{[*COLUMNS].index(column)}}})[^,\n]*"
    return edit("history.csv", lambda text: re.sub(before, lambda found: found[1] + value, text))


def content(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(data)


def instead(name: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    """Something else in the place of a file."""
    return lambda folder: ((folder / name).unlink(), make(folder / name))


def sparse(name: str, size: int) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / name, size)


def header(shape: str, kind: str = "'<f2'", data: bytes = b"") -> Callable[[Path], None]:
    """A NumPy file that says this of itself."""
    said = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    said += b" " * (-(len(said) + 11) % 64) + b"\n"
    return content("val_predictions.npy", b"\x93NUMPY\x01\x00" + len(said).to_bytes(2, "little") + said + data)


def predictions(array: np.ndarray) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / "val_predictions.npy", array)


def above_one(folder: Path) -> None:
    """Where a prediction is above one half, so that the accuracy stays."""
    values = np.load(folder / "val_predictions.npy")
    values[tuple(np.argwhere(values > 0.5)[0])] = 1.5
    predictions(values)(folder)


def no_numbers(folder: Path) -> None:
    """With the accuracy that no numbers have: all images are taken for the first class."""
    predictions(np.full((3, 10, 1), np.nan, np.float16))(folder)
    cell("val_accuracy", "0.5", epoch=r"\d")(folder)


def exam(**changes: Callable) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        with np.load(folder / "exam.npz") as archive:
            values = dict(archive)
        np.savez(folder / "exam.npz", **{k: changes[k](v) if k in changes else v for k, v in values.items()})

    return harm


def bomb(folder: Path) -> None:
    with zipfile.ZipFile(folder / "exam.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("epochs.npy", bytes(70_000_000))


ESCAPE = "\x1b[2J\x1b]0;owned\x07"
HARM = {
    "stretch is text": (provenance(stretches=["x"]), "provenance.json: stretches.0 is 'x'"),
    "no stretch": (provenance(stretches=[]), "stretches is []"),
    "ended in words": (stretch(ended="yesterday"), "ended is 'yesterday': it should be a time such as 2026-01-31T"),
    "ended in year 0": (stretch(ended="0000-01-01T00:00:00Z"), "ended is '0000-01-01T00:00:00Z'"),
    "threads below 1": (stretch(threads=0), "threads is 0"),
    "threads without end": (stretch(threads=10**30), "threads is 1000000000"),
    "a module as backend": (stretch(backend="this"), "backend is 'this': input should be 'tensorflow', 'jax' or"),
    "seconds without end": (stretch(seconds=float("inf")), "seconds is inf: input should be a finite number"),
    "escape in device": (stretch(device=ESCAPE), r"device is '\x1b[2J\x1b]0;owned\x07': it holds control characters"),
    "right to left": (provenance(source="a\u202eb"), r"source is 'a\u202eb': it holds control characters"),
    "source of a megabyte": (provenance(source="x" * 10**6), "source is 'xxxxxxxxxxxx...xxxxxxxxxxxxx'"),
    "fingerprint a path": (provenance(fingerprint="../../x"), "fingerprint is '../../x'"),
    "one class twice": (provenance(class_names=["Mel", "Mel"]), "class_names holds one name twice"),
    "losses in words": (provenance(first_losses=["a"]), "first_losses.0 is 'a'"),
    "counts below 0": (provenance(counts={"train": {"Mel": -1}}), "counts.train.Mel is -1"),
    "format is true": (provenance(format=True), "format True, this version of labutils reads 1"),
    "provenance a list": (content("provenance.json", b"[1, 2]"), "provenance.json: holds list, an object was expected"),
    "nested": (content("provenance.json", b"[" * 10**5 + b"]" * 10**5), "is not JSON (nested too deeply)"),
    "many digits": (content("provenance.json", b'{"format": ' + b"9" * 5000 + b"}"), "is not JSON (Exceeds the limit"),
    "merge marks": (exchange("provenance.json", "{", "<<<<<<< HEAD\n{"), "is not JSON (Expecting value"),
    "not UTF-8": (content("provenance.json", b"\xff\xfe{"), "provenance.json: 'utf-8' codec can't decode"),
    "200 MB of JSON": (sparse("provenance.json", 200_000_000), "has 200,000,000 bytes, at most 4,000,000 were"),
    "a pipe": (instead("config.json", os.mkfifo), "config.json: is a pipe, an ordinary file was expected"),
    "a link": (instead("config.json", lambda file: file.symlink_to("/dev/zero")), "config.json: is a link, an ordin"),
    "rate no number": (json_with("config.json", learning_rate=float("nan")), "lr (learning_rate) is nan"),
    "a long name": (json_with("config.json", dataset="x" * 10**6), "config.json: dataset is 'xxx"),
    "escape in a setting": (json_with("config.json", **{ESCAPE: 1}), r"\x1b[2J\x1b]0;owned\x07 is not a setting"),
    "layers without end": (json_with("config.json", dense=[10**12]), "dense is (1000000000000,)"),
    "seconds inf": (cell("seconds", "inf"), "history.csv: seconds of epoch 2 is inf"),
    "accuracy above 1": (cell("accuracy", "7"), "history.csv: accuracy of epoch 2 is 7, 0 to 1 was expected"),
    "loss below 0": (cell("loss", "-3"), "history.csv: loss of epoch 2 is -3"),
    "escape for a number": (cell("loss", ESCAPE), "could not convert string to float: '\\x1b"),
    "a row too short": (exchange("history.csv", "\n2,", "\n2\n2,"), "history.csv: row 2 has not the 6 columns"),
    "a row too long": (exchange("history.csv", "\n2,", "\n2,1,"), "history.csv: row 2 has not the 6 columns"),
    "a long cell": (cell("loss", "1" * 10**6), "history.csv: is not a table (field larger than field limit"),
    "a huge table": (sparse("history.csv", 3 * 10**9), "history.csv: has 3,000,000,000 bytes"),
    "label a fraction": (exchange("val_files.csv", ",1\n", ",0.5\n"), "labels other than 0 to 1: '0.5'"),
    "no image": (content("val_files.csv", b"file,label\n"), "val_predictions.npy is float16"),
    "predictions a pipe": (instead("val_predictions.npy", os.mkfifo), "val_predictions.npy: is a pipe"),
    "shape without end": (header(f"({10**12}, 10, 1)"), "val_predictions.npy: "),  # too much memory, or too short
    "shape below 0": (header("(-1,)"), "val_predictions.npy: Failed to read all data for array"),
    "65 dimensions": (header(str((1,) * 65), data=b"00"), "val_predictions.npy: "),
    "objects": (header("(1,)", "'|O'"), "val_predictions.npy: Object arrays cannot be loaded"),
    "records": (header("(1,)", "[('a', '<f2')]", b"00"), "val_predictions.npy is [('a', '<f2')] (1,), expected fl"),
    "above 1": (above_one, "val_predictions.npy: holds 1.5, probabilities from 0 to 1 were expected"),
    "no numbers": (no_numbers, "has no numbers in epoch 1, whose val_loss is one"),
    "exam a bomb": (bomb, "exam.npz: unpacks to 70,000,000 bytes, at most 64,000,000 were expected"),
    "exam fractional": (exam(epochs=lambda e: e + 0.5), "exam.npz: the epochs and labels are not whole numbers"),
    "exam too early": (exam(epochs=lambda e: e - 9), "exam.npz: the epochs are not in order"),
    "exam empty": (exam(epochs=lambda e: e[:0], predictions=lambda p: p[:0]), "exam.npz: "),
    "exam training": (exam(training=lambda t: t + 1), "exam.npz: the training accuracies are float64 (2,)"),
    "exam labels": (exam(y=lambda y: y + 9), "exam.npz: it has labels other than 0 to 1"),
    "exam outputs": (exam(predictions=lambda p: np.repeat(p, 5, 2)), "the predictions are float16 (2, 6, 5)"),
    "exam above 1": (exam(predictions=lambda p: p + np.float16(1)), "exam.npz: holds 1.25"),
    "exam escape": (exam(fingerprint=lambda f: np.array(ESCAPE)), r"the fingerprint is '\x1b[2J"),
    "exam without labels": (lambda folder: np.savez(folder / "exam.npz", epochs=[1]), "'predictions' is missing"),
    "another precision": (predictions(np.zeros((3, 10, 1), np.float32)), "val_predictions.npy is float32"),
    "an image too few": (predictions(np.zeros((3, 9, 1), np.float16)), "expected float16 (epochs, 10, 1)"),
    "epochs too few": (predictions(np.zeros((1, 10, 1), np.float16)), "config.json speaks of 3 epochs"),
    "epochs too many": (predictions(np.zeros((9, 10, 1), np.float16)), "val_predictions.npy 9"),
    "others predicted": (predictions(np.zeros((3, 10, 1), np.float16)), "val_accuracy in history.csv is not what"),
    "an archive": (content("val_predictions.npy", b"PK\x05\x06" + bytes(18)), "val_predictions.npy: the magic string"),
    "epochs not kept": (json_with("config.json", epochs=9), "config.json speaks of 9 epochs, history.csv has 3"),
    "no epoch": (json_with("config.json", epochs=0), "config.json: n_epoch (epochs) is 0"),
    "no setting": (json_with("config.json", colour="red"), "colour is not a setting"),
    "a class too many": (provenance(class_names=["A", "B", "C"]), "exam.npz: the predictions are float16 (2, 6, 1)"),
    "a later format": (provenance(format=2), "format 2, this version of labutils reads 1"),
    "an epoch left out": (exchange("history.csv", "\n2,", "\n3,"), "the epochs are not 1, 2, 3"),
    "no such column": (exchange("history.csv", "loss", "l"), "history.csv: 'loss' is missing"),
}


@pytest.mark.parametrize(("harm", "said"), HARM.values(), ids=HARM)
def test_what_cannot_be_read_is_one_line_and_the_others_are_listed(results, harm, said):
    bad, good = with_exam(results / "runs"), store_run(results / "runs", seed=1)
    harm(bad)
    listed = CliRunner().invoke(main, ["runs"])
    assert listed.exit_code == 0, listed.exception
    lines = {line.split()[0]: line for line in listed.output.splitlines()}
    assert set(lines) == {bad.name, good.name} and "best accuracy" in lines[good.name]
    told = lines[bad.name]
    assert "DAMAGED" in told and said in told and told.isprintable() and len(told) < 1000
    with pytest.raises(StoreError, match=re.escape(visible(said))):
        read_run(bad)


@pytest.mark.parametrize("name", ["skin\x1b[2Jx", "skin\nall is well", "skin\udcff"])
def test_a_folders_name_is_shown_and_not_obeyed(results, name):
    bad = with_exam(results / "runs")
    (bad / "config.json").unlink()
    bad.rename(bad.with_name(name))
    (line,) = CliRunner().invoke(main, ["runs"]).output.splitlines()
    assert line.isprintable() and line.startswith(visible(name)) and "DAMAGED" in line


@pytest.mark.parametrize(
    "harm",
    [
        lambda file: (file.unlink(), os.mkfifo(file)),
        lambda file: (file.unlink(), file.symlink_to("/dev/zero")),
        lambda file: np.savez(file, epochs=np.array(3), losses=np.zeros((2, 3)), exam_x_1=np.ones(2)),
        lambda file: np.savez(file, epochs=-1, losses=np.zeros((2, 3))),
        lambda file: np.savez(file, epochs=3, losses=np.zeros((2, 2))),
        lambda file: np.savez(file, epochs=3, losses=np.full((2, 3), "a")),
        lambda file: np.savez(file, epochs="three", losses=np.zeros((2, 3))),
        lambda file: np.savez(file, losses=np.zeros((2, 3))),
        lambda file: np.savez(file, epochs=np.array([{"a": 1}], dtype=object)),
        lambda file: file.write_bytes(b"PK\x05\x06" + bytes(18)),
    ],
)
def test_a_checkpoint_that_cannot_be_gone_on_from_is_a_sentence(tmp_path, harm):
    folder = store_run(tmp_path)
    harm(folder / "checkpoint" / "state.npz")
    with pytest.raises(StoreError, match=r"state\.npz is damaged \(.+\)\. Remove this file: the stored epochs stay"):
        read_start(folder)


def test_every_run_of_the_lab_is_readable():
    assert not RunStore().damaged()
    assert RunStore().all()


def test_files_of_a_run_may_be_more_than_this_version_knows(tmp_path):
    folder = store_run(tmp_path)
    provenance(colour="red")(folder)
    stretch(moon="full", first_epoch=1)(folder)
    assert read_run(folder).provenance["colour"] == "red"


def test_a_checkpoint_of_another_history_is_not_used(tmp_path):
    folder = store_run(tmp_path)
    assert read_start(folder) is not None
    state = (folder / "checkpoint" / "state.npz").read_bytes()
    shutil.rmtree(folder)
    store_run(tmp_path, epochs=5)  # as if someone else's run had replaced it; its losses are others
    (folder / "checkpoint" / "state.npz").write_bytes(state)
    assert read_start(folder) is None
    shutil.rmtree(folder)
    store_run(tmp_path, epochs=2)  # and one that is shorter than the checkpoint
    (folder / "checkpoint" / "state.npz").write_bytes(state)
    assert read_start(folder) is None
