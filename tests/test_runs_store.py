"""The store: what is kept is whole, what is damaged is named, what is someone else's is left alone."""

import errno
import io
import json
import os
import shutil
import zipfile
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from helpers import made_up_run, state_of, tiny_config, tiny_dataset

from labutils.errors import StoreError
from labutils.runs import disk
from labutils.runs.run import best_weights_file, read_run, read_start, write_run
from labutils.runs.store import RunStore

try:
    import resource
except ImportError:  # Windows
    resource = None

DATASET = tiny_dataset()
FILES = ["config.json", "history.csv", "provenance.json", "val_files.csv", "val_predictions.npy"]


class Crash(BaseException):
    """Stands for a kill: nothing catches it."""


def store_run(folder: Path, epochs: int = 3, weights: bytes | None = b"weights", **settings) -> Path:
    config = tiny_config(epochs=epochs, **settings)
    place = RunStore(folder).path_of(config, DATASET.fingerprint)
    run = replace(made_up_run(config, DATASET), path=place)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_run(run, state_of(run), weights)
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
    written = made_up_run(tiny_config(epochs=3), DATASET)
    read = read_run(store_run(tmp_path))
    assert same(read, written)
    assert (read.config, read.val_files, read.class_names) == (written.config, DATASET.files_val, ("Mel", "Nev"))
    assert read.y_val.tolist() == DATASET.y_val.tolist()
    assert read.status == "reused"


def test_a_run_that_diverged_is_kept_too(tmp_path):
    run = made_up_run(tiny_config(epochs=2), DATASET)
    predictions = np.full_like(run.val_predictions, np.nan)
    history = run.history | {
        "loss": np.array([np.inf, np.nan]),
        "val_loss": np.array([np.nan, np.nan]),
        "val_accuracy": (DATASET.y_val == 0).mean().repeat(2),
    }
    run = replace(run, history=history, val_predictions=predictions, path=tmp_path / "diverged")
    write_run(run, state_of(run), None)
    read = read_run(tmp_path / "diverged")
    assert np.isnan(read.history["val_loss"]).all()
    assert np.isinf(read.history["loss"][0])
    assert read_start(tmp_path / "diverged") is not None


def test_the_first_epochs_are_a_shorter_run():
    run = made_up_run(tiny_config(epochs=5), DATASET)
    short = run.first(2)
    assert (short.epochs, short.config.epochs, len(short.val_predictions)) == (2, 2, 2)
    with pytest.raises(ValueError, match="5 epochs, not 6"):
        run.first(6)


@pytest.mark.parametrize("moment", range(8))
def test_a_kill_at_any_moment_leaves_whole_epochs(tmp_path, monkeypatch, moment):
    folder = store_run(tmp_path)
    longer = grow(replace(read_run(folder), path=folder), 4)
    write_run(longer.first(3), state_of(longer.first(3)), b"weights")
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


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def garbage(file: Path) -> None:
    file.write_bytes(bytes(range(256)) * 3)


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("harm", [cut, garbage, empty, Path.unlink])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named_and_nothing_is_overwritten(tmp_path, name, harm):
    folder = store_run(tmp_path)
    harm(folder / name)
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    store = RunStore(tmp_path)
    with pytest.raises(StoreError) as caught:
        store.find(tiny_config(epochs=5), DATASET.fingerprint)
    assert name in str(caught.value)
    assert folder.name in str(caught.value)
    assert "labutils runs rm" in str(caught.value)
    assert str(tmp_path.parent) not in str(caught.value)
    with pytest.raises(StoreError):
        store.put(made_up_run(tiny_config(epochs=5), DATASET), {"epochs": np.array(5)}, None)
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def edit_json(name, **changes):
    def edit(folder: Path) -> None:
        values = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(values | changes))

    return edit


def edit_text(name, old, new):
    def edit(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return edit


def save_predictions(array):
    return lambda folder: np.save(folder / "val_predictions.npy", array)


def plant_pickle(folder: Path) -> None:
    np.save(folder / "val_predictions.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)


def zip_instead(folder: Path) -> None:
    with zipfile.ZipFile(folder / "val_predictions.npy", "w") as archive:
        archive.writestr("a.npy", "")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (save_predictions(np.zeros((3, 10, 1), np.float32)), "val_predictions.npy is float32"),
        (save_predictions(np.zeros((3, 9, 1), np.float16)), "expected float16 (epochs, 10, 1)"),
        (save_predictions(np.zeros((1, 10, 1), np.float16)), "config.json speaks of 3 epochs"),
        (save_predictions(np.zeros((9, 10, 1), np.float16)), "val_predictions.npy 9"),
        (save_predictions(np.zeros((3, 10, 1), np.float16)), "val_accuracy in history.csv is not what"),
        (plant_pickle, "val_predictions.npy: holds object, numbers were expected"),
        (zip_instead, "val_predictions.npy: the magic string is not correct"),
        (edit_json("config.json", epochs=9), "config.json speaks of 9 epochs, history.csv has 3"),
        (edit_json("config.json", epochs=0), "config.json: n_epoch (epochs) is 0"),
        (edit_json("config.json", colour="red"), "colour is not a setting"),
        (edit_json("provenance.json", class_names=["A", "B", "C"]), "expected float16 (epochs, 10, 3)"),
        (edit_json("provenance.json", format=2), "format 2, this version of labutils reads 1"),
        (edit_text("val_files.csv", ",1\n", ",7\n"), "labels other than 0 to 1"),
        (edit_text("val_files.csv", ",1\n", ",0\n"), "val_accuracy in history.csv is not what"),
        (edit_text("history.csv", "\n2,", "\n3,"), "the epochs are not 1, 2, 3"),
        (edit_text("history.csv", "0.7", "seven"), "could not convert string to float"),
        (edit_text("history.csv", "loss", "l"), "history.csv: 'loss' is missing"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path, harm, said):
    folder = store_run(tmp_path)
    harm(folder)
    with pytest.raises(StoreError) as caught:
        read_run(folder)
    assert said in str(caught.value)


def test_a_planted_pickle_in_the_checkpoint_is_refused(tmp_path):
    folder = store_run(tmp_path)
    buffer = io.BytesIO()
    np.savez(buffer, epochs=np.array([{"a": 1}], dtype=object))
    (folder / "checkpoint" / "state.npz").write_bytes(buffer.getvalue())
    with pytest.raises(StoreError, match=r"state\.npz is damaged.*Remove this file: the stored epochs stay"):
        read_start(folder)


def test_a_folder_of_notes_is_left_alone(tmp_path):
    store = RunStore(tmp_path)
    folder = store.path_of(tiny_config(), DATASET.fingerprint)
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"is not a stored run or is damaged \(config.json: no such file"):
        store.find(tiny_config(), DATASET.fingerprint)
    assert [p.name for p in folder.iterdir()] == ["notes.txt"]


def test_a_run_under_another_runs_name_is_refused(tmp_path):
    folder = store_run(tmp_path)
    other = RunStore(tmp_path).path_of(tiny_config(seed=5), DATASET.fingerprint)
    shutil.copytree(folder, other)
    with pytest.raises(StoreError, match="holds another run than its name says"):
        RunStore(tmp_path).find(tiny_config(seed=5), DATASET.fingerprint)
    with pytest.raises(StoreError, match="holds another run than its name says"):
        edit_json("provenance.json", fingerprint="0018000a0001")(folder)
        RunStore(tmp_path).find(tiny_config(), DATASET.fingerprint)


def test_other_images_are_another_run(tmp_path):
    store_run(tmp_path)
    assert RunStore(tmp_path).find(tiny_config(), tiny_dataset(n_train=26).fingerprint) is None


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


def test_what_came_without_a_checkpoint_stays_until_the_longer_run_is_there(tmp_path):
    folder, store, config = store_run(tmp_path), RunStore(tmp_path), tiny_config(epochs=6)
    shutil.rmtree(folder / "checkpoint")
    beside, start = store.workplace(config, DATASET.fingerprint)
    assert start is None
    assert beside != folder
    run = replace(made_up_run(tiny_config(epochs=4), DATASET), path=beside)
    write_run(run, state_of(run), None)
    assert store.find(config, DATASET.fingerprint).epochs == 3
    assert list(store) == [folder]
    # Killed and asked for again, it goes on where it was.
    again, start = store.workplace(config, DATASET.fingerprint)
    assert (again, start[0].epochs) == (beside, 4)
    assert store.replace(beside, config, DATASET.fingerprint) == folder
    assert store.find(config, DATASET.fingerprint).epochs == 4
    assert [p.name for p in tmp_path.iterdir()] == [folder.name]


def test_a_kill_between_the_two_steps_of_replacing_loses_nothing(tmp_path, monkeypatch):
    folder, store, config = store_run(tmp_path), RunStore(tmp_path), tiny_config(epochs=6)
    shutil.rmtree(folder / "checkpoint")
    beside, _ = store.workplace(config, DATASET.fingerprint)
    run = replace(made_up_run(config, DATASET), path=beside)
    write_run(run, state_of(run), None)
    real = Path.rename

    def dying(self, target):
        if self == beside:
            raise Crash
        return real(self, target)

    monkeypatch.setattr(Path, "rename", dying)
    with pytest.raises(Crash):
        store.replace(beside, config, DATASET.fingerprint)
    monkeypatch.undo()
    assert not folder.exists()
    with store.lock(config, DATASET.fingerprint, lambda: None):
        assert store.find(config, DATASET.fingerprint).epochs == 3
        assert store.workplace(config, DATASET.fingerprint)[1][0].epochs == 6


def test_a_run_from_a_worker_is_kept_unless_a_longer_one_is_there(tmp_path):
    store, run = RunStore(tmp_path), made_up_run(tiny_config(epochs=3), DATASET)
    kept = store.put(run, state_of(run), b"weights")
    assert same(read_run(kept.path), run)
    longer = grow(run, 5)
    assert store.put(longer, state_of(longer), None).path == kept.path
    assert read_run(kept.path).epochs == 5
    assert best_weights_file(kept.path).read_bytes() == b"weights"
    store.put(run, state_of(run), b"other")
    assert read_run(kept.path).epochs == 5
    assert [p.name for p in tmp_path.iterdir() if not p.name.endswith(".lock")] == [kept.path.name]


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


@pytest.mark.parametrize("moment", range(7))
def test_a_full_disk_loses_no_stored_epoch(tmp_path, monkeypatch, moment):
    folder = store_run(tmp_path)
    longer = grow(replace(read_run(folder), path=folder), 4)
    write_run(longer.first(3), state_of(longer.first(3)), b"weights")
    calls = []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == moment + 1:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", full)
    with pytest.raises(StoreError, match="The disk is full") as caught:
        write_run(longer, state_of(longer), b"better")
    assert "The 3 epochs stored before are kept" in str(caught.value)
    monkeypatch.undo()
    assert same(read_run(folder), longer.first(read_run(folder).epochs))
    assert read_start(folder)[0].epochs == 3
    assert not list(folder.rglob("*.tmp"))


@contextmanager
def files_up_to(size: int):
    """The system lets this process write no larger file, as after `ulimit -f`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(resource is None, reason="needs limits on files (Linux, macOS)")
def test_a_file_that_may_not_grow_so_large_loses_no_stored_epoch(tmp_path):
    folder = store_run(tmp_path)
    longer = grow(replace(read_run(folder), path=folder), 4)
    write_run(longer.first(3), state_of(longer.first(3)), b"weights")
    large = state_of(longer) | {"weight_001": np.zeros(50_000, np.float32)}
    with files_up_to(100_000), pytest.raises(StoreError) as caught:
        write_run(longer, large, None)
    assert f"{folder.name} cannot be written (the file is larger than the file system or `ulimit -f` " in str(
        caught.value
    )
    assert "The 3 epochs stored before are kept" in str(caught.value)
    assert same(read_run(folder), longer.first(read_run(folder).epochs))
    assert read_start(folder)[0].epochs == 3
    assert not list(folder.rglob("*.tmp"))
    write_run(longer, large, None)
    assert read_start(folder)[0].epochs == 4


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EACCES, "no permission"),
        (errno.EPERM, "no permission"),
        (errno.EROFS, "a read-only file system"),
        (errno.EIO, "the disk reports an error"),
        (errno.EMFILE, "too many open files"),
    ],
)
def test_read_only_results_are_refused_before_training_and_still_read(tmp_path, monkeypatch, code, reason):
    store_run(tmp_path)
    store, real = RunStore(tmp_path), os.open

    def refuse(path, flags, *rest, **more):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(code, os.strerror(code), str(path))
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    assert store.find(tiny_config(), DATASET.fingerprint).epochs == 3
    with (
        pytest.raises(StoreError, match=rf"cannot be written \({reason}\). Set LABUTILS_RESULTS to a folder"),
        store.lock(tiny_config(epochs=9), DATASET.fingerprint, lambda: None),
    ):
        pass


def test_runs_are_removed_by_name(tmp_path):
    one, two = store_run(tmp_path), store_run(tmp_path, seed=1)
    store = RunStore(tmp_path)
    with pytest.raises(StoreError, match="2 stored runs are called 'skin-lenet'"):
        store.remove("skin-lenet")
    with pytest.raises(StoreError, match="No stored run is called 'nothing'"):
        store.remove("nothing")
    for nameless in ("", ".", "/", "./"):
        with pytest.raises(StoreError, match="A stored run has a name"):
            store.remove(nameless)
    with FileLock(tmp_path / f".{two.name}.lock"), pytest.raises(StoreError, match="is being trained"):
        store.remove(two.name)
    assert store.remove(str(two)) == two
    assert list(store) == [one]
    with pytest.raises(StoreError, match="A stored run has a name"):
        store.remove("")
    cut(one / "history.csv")
    store.remove(one.name)
    assert list(store) == []


def test_the_store_is_read_once_and_again_when_a_file_changes(tmp_path, monkeypatch):
    one, two = store_run(tmp_path), store_run(tmp_path, seed=1)
    reads = []
    monkeypatch.setattr("labutils.runs.store.read_run", lambda folder: reads.append(folder) or read_run(folder))
    assert [run.path for run in RunStore(tmp_path).all()] == [one, two]
    assert RunStore(tmp_path).all()[0] is RunStore(tmp_path).all()[0]
    assert not RunStore(tmp_path).damaged()
    assert sorted(reads) == sorted([one, two])
    longer = grow(replace(read_run(two), path=two), 4)
    write_run(longer, state_of(longer), None)
    assert [run.epochs for run in RunStore(tmp_path).all()] == [3, 4]
    assert reads.count(one) == 1 and reads.count(two) == 2


def test_what_is_read_once_cannot_be_changed_for_the_next_who_asks(tmp_path):
    store_run(tmp_path)
    run = RunStore(tmp_path).all()[0]
    for values in (run.val_predictions, run.y_val, run.history["loss"], run.first(2).history["loss"]):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0


def test_damaged_runs_are_left_out_and_listed_with_the_reason(tmp_path):
    one, two = store_run(tmp_path), store_run(tmp_path, seed=1)
    good = (one / "history.csv").read_bytes()
    cut(one / "history.csv")
    store = RunStore(tmp_path)
    assert [run.path for run in store.all()] == [two]
    assert list(store.damaged()) == [one] and "history.csv" in str(store.damaged()[one])
    (one / "history.csv").write_bytes(good)
    assert [run.path for run in store.all()] == [one, two] and not store.damaged()
    shutil.rmtree(one)
    assert [run.path for run in store.all()] == [two]


@pytest.mark.parametrize("place", ["history.csv.7.tmp", "checkpoint/state.npz.7.tmp"])
def test_what_a_kill_left_half_written_goes_with_the_next_look(tmp_path, place):
    """Also where nothing is left to train: killed in the last epoch's checkpoint, nobody writes to the run again."""
    folder, store, config = store_run(tmp_path), RunStore(tmp_path), tiny_config(epochs=3)
    half = folder / place
    half.write_bytes(b"half")
    with FileLock(tmp_path / f".{folder.name}.lock"):
        assert store.find(config, DATASET.fingerprint).epochs == 3
        assert half.exists(), "another process is writing it"
    assert store.find(config, DATASET.fingerprint).epochs == 3
    assert not half.exists()
    half.write_bytes(b"half")
    with store.lock(config, DATASET.fingerprint, lambda: None):
        assert not half.exists()
    half.write_bytes(b"half")
    run = read_run(folder)
    write_run(run, state_of(run), None)
    assert not half.exists()


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_a_file_system_knows_no_locks_a_file_stands_for_one(tmp_path, monkeypatch, code):
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    folder = store_run(tmp_path)
    store, config = RunStore(tmp_path), tiny_config(epochs=3)
    with store.lock(config, DATASET.fingerprint, lambda: None), pytest.raises(StoreError, match="is being trained"):
        store.remove(folder.name)
    store.remove(folder.name)
    assert list(store) == []


def test_a_file_where_the_results_should_be_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("mine")
    for folder, reason in ((tmp_path / "file", "a file stands there"), (tmp_path / "file" / "runs", "a file stands ")):
        store = RunStore(folder)
        assert store.all() == [] and store.find(tiny_config(), DATASET.fingerprint) is None
        with (
            pytest.raises(StoreError, match=rf"cannot be written \({reason}"),
            store.lock(tiny_config(), DATASET.fingerprint, lambda: None),
        ):
            pass


def test_results_that_may_not_be_listed_are_a_sentence(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(StoreError, match=r"cannot be read \(permission denied\)"):
        RunStore(tmp_path).all()


def test_what_is_damaged_is_said_each_time_and_keeps_nothing_alive(tmp_path):
    folder = store_run(tmp_path)
    (folder / "history.csv").write_text("nothing")
    said = []
    for _ in range(2):
        with pytest.raises(StoreError) as raised:
            RunStore(tmp_path).find(tiny_config(epochs=3), DATASET.fingerprint)
        said.append(raised.value)
    assert str(said[0]) == str(said[1]) and said[0] is not said[1]
    assert all(one is not said[0] for one in RunStore(tmp_path).damaged().values())
