"""The store: which run is whose, what is asked for is found, what is damaged is named, what is others' left alone."""

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluate_helpers import make_run
from filelock import FileLock
from helpers import STRETCH, made_up_run, state_of, store_run, tiny_config, tiny_dataset

from labutils import lab
from labutils.errors import StoreError
from labutils.runs.run import best_weights_file, read_run, write_run
from labutils.runs.store import BusyError, RunStore, everywhere, find, lab_store, nearest

DATASET = tiny_dataset()
FILES = ["config.json", "history.csv", "provenance.json", "val_files.csv", "val_predictions.npy"]
RATES = lab.runs("task1b")
REAL = "a hospital"


class Crash(BaseException):
    """Stands for a kill: nothing catches it."""


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def hold(store, **more):
    """Take the lock of a run, and let it go."""
    with store.lock(tiny_config(), DATASET.fingerprint, **more):
        pass


def put(config, source="phantom"):
    """Store a run of the lab's list that nobody trained, on images of a source."""
    run = make_run(config, source=source)
    more = {"fingerprint": ("0" if source == "phantom" else "f") * 12, "class_names": list(run.class_names)}
    run = replace(run, provenance={"source": source, **more, "stretches": [STRETCH]})
    return RunStore().put(run, {"epochs": np.array(run.epochs)}, None)


@pytest.fixture
def rates(results):
    """The runs of Task 1B, and the first seven epochs of one of them on other images."""
    for config in RATES.values():
        put(config)
    put(RATES["lr 1e-5"].with_(epochs=7), source=REAL)
    return RunStore()


def test_a_students_runs_are_written_to_the_students_folder_and_the_labs_read(students_folder, results):
    labs, mine = results / "runs", students_folder / "runs"
    for seed in (0, 1, 2):
        store_run(labs, epochs=3, seed=seed)
    for seed, epochs in ((1, 5), (2, 2), (3, 2)):
        store_run(mine, epochs=epochs, seed=seed)
    store, wanted = RunStore(), {seed: (3, 5, 3, 2)[seed] for seed in range(4)}
    found = {seed: store.find(tiny_config(seed=seed), DATASET.fingerprint).epochs for seed in wanted}
    assert found == {run.config.seed: run.epochs for run in store.all()} == wanted, "the longer one of both"
    assert {run.config.seed for run in lab_store().all()} == {0, 1, 2}
    assert find(tiny_config(seed=3), DATASET).epochs == everywhere(tiny_config(seed=3))[0].epochs == 2
    assert {place.parent for place in store} == {labs, mine} and store.folder == mine

    before = sorted(file.stat().st_mtime_ns for file in labs.rglob("*"))
    longer = made_up_run(tiny_config(epochs=4), DATASET)
    kept = store.put(longer, state_of(longer), None)
    assert kept.path.parent == mine
    assert best_weights_file(kept.path).read_bytes() == b"weights", "of the one it continues"
    assert store.put(made_up_run(tiny_config(), DATASET), {}, None).path == kept.path
    assert sorted(file.stat().st_mtime_ns for file in labs.rglob("*")) == before
    assert store.named(kept.path.name) == kept.path
    assert store.remove(kept.path.name) == kept.path and store.named(kept.path.name).parent == labs


def test_nobody_waits_where_waiting_is_not_wanted(tmp_path):
    hasty = RunStore(tmp_path, wait=False)
    with RunStore(tmp_path).lock(tiny_config(), DATASET.fingerprint), pytest.raises(BusyError, match="another process"):
        hold(hasty, waiting=lambda: pytest.fail("it waits"))


@pytest.mark.parametrize(
    "harm", [cut, lambda file: file.write_bytes(bytes(range(256)) * 3), lambda file: file.write_bytes(b""), Path.unlink]
)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named_and_nothing_is_overwritten(tmp_path, name, harm):
    folder, store, longer = store_run(tmp_path), RunStore(tmp_path), made_up_run(tiny_config(epochs=5), DATASET)
    harm(folder / name)
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    for ask in (lambda: store.find(longer.config, DATASET.fingerprint), lambda: store.put(longer, {}, None)):
        with pytest.raises(StoreError) as caught:
            ask()
        said = str(caught.value)
        assert name in said and folder.name in said and "labutils runs rm" in said and str(tmp_path.parent) not in said
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_a_folder_of_notes_is_left_alone(tmp_path):
    notes = RunStore(tmp_path).path_of(tiny_config(), DATASET.fingerprint) / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("mine")
    with pytest.raises(StoreError, match=r"is not a stored run or is damaged \(config.json: no such file"):
        RunStore(tmp_path).find(tiny_config(), DATASET.fingerprint)
    assert [*notes.parent.iterdir()] == [notes]


def test_a_run_under_another_runs_name_is_refused(tmp_path):
    folder, store = store_run(tmp_path), RunStore(tmp_path)
    shutil.copytree(folder, store.path_of(tiny_config(seed=5), DATASET.fingerprint))
    told = json.loads((folder / "provenance.json").read_text())
    (folder / "provenance.json").write_text(json.dumps(told | {"fingerprint": "0018000a0001"}))
    for seed in (5, 0):
        with pytest.raises(StoreError, match="holds another run than its name says"):
            store.find(tiny_config(seed=seed), DATASET.fingerprint)


def grown_beside(folder, epochs):
    """A run that came without its checkpoint, and a longer one trained beside it."""
    place, store = store_run(folder), RunStore(folder)
    shutil.rmtree(place / "checkpoint")
    beside, start = store.workplace(tiny_config(epochs=6), DATASET.fingerprint)
    assert start is None and beside != place
    run = replace(made_up_run(tiny_config(epochs=epochs), DATASET), path=beside)
    write_run(run, state_of(run), None)
    return store, place, beside


def test_what_came_without_a_checkpoint_stays_until_the_longer_run_is_there(tmp_path):
    (store, place, beside), config = grown_beside(tmp_path, epochs=4), tiny_config(epochs=6)
    assert store.find(config, DATASET.fingerprint).epochs == 3 and list(store) == [place]
    # Killed and asked for again, it goes on where it was.
    again, start = store.workplace(config, DATASET.fingerprint)
    assert (again, start[0].epochs) == (beside, 4)
    assert store.replace(beside, config, DATASET.fingerprint) == place
    assert store.find(config, DATASET.fingerprint).epochs == 4 and [*tmp_path.iterdir()] == [place]


def test_a_kill_between_the_two_steps_of_replacing_loses_nothing(tmp_path, monkeypatch):
    (store, place, beside), config, real = grown_beside(tmp_path, epochs=6), tiny_config(epochs=6), Path.rename

    def dying(self, target):
        if self == beside:
            raise Crash
        return real(self, target)

    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(Path, "rename", dying)
        store.replace(beside, config, DATASET.fingerprint)
    assert not place.exists()
    with store.lock(config, DATASET.fingerprint):
        assert store.find(config, DATASET.fingerprint).epochs == 3
        assert store.workplace(config, DATASET.fingerprint)[1][0].epochs == 6


def test_a_run_from_a_worker_is_kept_unless_a_longer_one_is_there(tmp_path):
    store = RunStore(tmp_path)
    for epochs, weights in ((3, b"weights"), (5, None), (3, b"other")):
        run = made_up_run(tiny_config(epochs=epochs), DATASET)
        kept = store.put(run, state_of(run), weights).path
        assert read_run(kept).epochs == max(3, epochs, read_run(kept).epochs)
        assert best_weights_file(kept).read_bytes() == b"weights"
    assert read_run(kept).epochs == 5
    assert [p.name for p in tmp_path.iterdir() if not p.name.endswith(".lock")] == [kept.name]


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
    with pytest.raises(StoreError, match=rf"cannot be written \({reason}\). Set LABUTILS_RESULTS to a folder"):
        hold(store)


def test_runs_are_removed_by_name(tmp_path):
    one, two, store = store_run(tmp_path), store_run(tmp_path, seed=1), RunStore(tmp_path)
    said = {"skin-lenet": "2 stored runs are called 'skin-lenet'", "nothing": "No stored run is called 'nothing'"}
    for name, words in (said | dict.fromkeys(("", ".", "/", "./"), "A stored run has a name")).items():
        with pytest.raises(StoreError, match=words):
            store.remove(name)
    with FileLock(tmp_path / f".{two.name}.lock"), pytest.raises(StoreError, match="is being trained"):
        store.remove(two.name)
    assert store.remove(str(two)) == two and list(store) == [one]
    with pytest.raises(StoreError, match="A stored run has a name"):
        store.remove("")  # though there is one alone
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
    longer = replace(made_up_run(tiny_config(epochs=4, seed=1), DATASET), path=two)
    write_run(longer, state_of(longer), None)
    assert [run.epochs for run in RunStore(tmp_path).all()] == [3, 4]
    assert reads.count(one) == 1 and reads.count(two) == 2
    third = store_run(tmp_path, seed=2)
    (run,) = RunStore(tmp_path).all({tiny_config(seed=2).key})
    assert reads[-1] == third and RunStore(tmp_path).find(tiny_config(seed=2), DATASET.fingerprint) is run
    assert everywhere(tiny_config(seed=2, epochs=3), RunStore(tmp_path)) == [run] and reads.count(third) == 1
    assert RunStore(tmp_path).all(set()) == []
    for values in (run.val_predictions, run.y_val, run.history["loss"], run.first(2).history["loss"]):
        with pytest.raises(ValueError, match="read-only"):  # the next who asks gets the same
            values[0] = 0


def test_damaged_runs_are_left_out_and_listed_with_the_reason(tmp_path):
    one, two = store_run(tmp_path), store_run(tmp_path, seed=1)
    good = (one / "history.csv").read_bytes()
    cut(one / "history.csv")
    store = RunStore(tmp_path)
    assert [run.path for run in store.all()] == [two]
    assert list(store.damaged()) == [one] and "history.csv" in str(store.damaged()[one])
    said = []
    for _ in range(2):
        with pytest.raises(StoreError) as raised:
            store.find(tiny_config(epochs=3), DATASET.fingerprint)
        said.append(raised.value)
    assert str(said[0]) == str(said[1]) and said[0] is not said[1], "what is raised keeps frames alive"
    (one / "history.csv").write_bytes(good)
    assert [run.path for run in store.all()] == [one, two] and not store.damaged()
    shutil.rmtree(one)
    assert [run.path for run in store.all()] == [two]


@pytest.mark.parametrize("place", ["history.csv.7.tmp", "checkpoint/state.npz.7.tmp"])
def test_what_a_kill_left_half_written_goes_with_the_next_look(tmp_path, place):
    """Also where nothing is left to train: killed in the last epoch's checkpoint, nobody writes to the run again."""
    folder, store, config = store_run(tmp_path), RunStore(tmp_path), tiny_config(epochs=3)
    (folder / place).write_bytes(b"half")
    with FileLock(tmp_path / f".{folder.name}.lock"):
        assert store.find(config, DATASET.fingerprint).epochs == 3
        assert (folder / place).exists(), "another process is writing it"
    run = store.find(config, DATASET.fingerprint)
    assert not (folder / place).exists()
    for clears in (lambda: hold(store), lambda: write_run(run, state_of(run), None)):
        (folder / place).write_bytes(b"half")
        clears()
        assert not (folder / place).exists()


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_a_file_system_knows_no_locks_a_file_stands_for_one(tmp_path, monkeypatch, code):
    error = OSError(code, os.strerror(code))
    monkeypatch.setattr(pytest.importorskip("fcntl"), "flock", lambda *_: (_ for _ in ()).throw(error))
    folder, store, config = store_run(tmp_path), RunStore(tmp_path), tiny_config(epochs=3)
    with store.lock(config, DATASET.fingerprint), pytest.raises(StoreError, match="is being trained"):
        store.remove(folder.name)
    store.remove(folder.name)
    assert list(store) == []


@pytest.mark.parametrize("place", ["file", "file/runs"])
def test_a_file_where_the_results_should_be_is_a_sentence(tmp_path, place):
    (tmp_path / "file").write_text("mine")
    store = RunStore(tmp_path / place)
    assert store.all() == [] and store.find(tiny_config(), DATASET.fingerprint) is None
    with pytest.raises(StoreError, match=r"cannot be written \(a file stands "):
        hold(store)


def test_results_that_may_not_be_listed_are_a_sentence(tmp_path, monkeypatch):
    error = PermissionError(errno.EACCES, "Permission denied")
    monkeypatch.setattr(Path, "iterdir", lambda self: (_ for _ in ()).throw(error))
    with pytest.raises(StoreError, match=r"cannot be read \(permission denied\)"):
        RunStore(tmp_path).all()


def test_runs_are_found_by_their_settings_and_the_images_they_are_on(rates):
    found = find(RATES)
    assert {label: run.config for label, run in found.items()} == RATES
    assert list(find(lab.runs("task3"))) == ["Skin"]
    assert find(RATES, REAL) == {} == find(RATES, "course")
    assert find(RATES["lr 1e-5"], REAL) is None and find(RATES["lr 1e-5"], REAL, at_least=7).epochs == 7
    assert [run.epochs for run in find(RATES, REAL, at_least=1).values()] == [7]
    assert find(RATES["lr 1e-5"].with_(epochs=5), REAL).epochs == 5
    assert [(run.source, run.epochs) for run in everywhere(RATES["lr 1e-5"])] == [("phantom", 100), (REAL, 7)]
    assert [run.epochs for run in everywhere(RATES["lr 1e-5"].with_(epochs=5))] == [5, 5]


def test_a_run_on_these_very_images_is_found_and_said_where_it_is_damaged(results):
    place, config = store_run(results / "runs", epochs=3), tiny_config(epochs=3)
    assert find(config, DATASET).epochs == 3 and find(config, tiny_dataset(n_train=26)) is None
    assert find(config.with_(epochs=2), DATASET).epochs == 2 and find(config.with_(epochs=4), DATASET) is None
    assert find(config.with_(epochs=4), DATASET, at_least=1).epochs == 3
    assert list(find({"a": config, "b": config.with_(seed=5)}, DATASET)) == ["a"]
    cut(place / "history.csv")
    with pytest.raises(StoreError, match=r"history\.csv"):
        find(config, DATASET)
    assert find(config, "course") is None
    put(RATES["lr 1e-5"].with_(epochs=150))
    assert [run.epochs for run in find(RATES).values()] == [100], "a longer one is cut"


def test_small_runs_stand_in_until_those_asked_for_are_stored(results):
    asked = lab.runs("task6a")
    for config in lab.stand_ins("task6a").values():
        put(config)
    assert list(find(asked, small=True)) == ["no spatial dropout, small", "spatial dropout 0.1, small"]
    assert find(asked) == {} == find(lab.runs("task6b"), small=True)
    for config in asked.values():
        put(config)
    assert find(asked, small=True).keys() == asked.keys()


def test_the_nearest_run_has_the_fewest_other_settings_then_the_nearest_rate():
    run = made_up_run(tiny_config(learning_rate=8e-5), DATASET)
    others = {"far": {"learning_rate": 1e-5}, "near": {"learning_rate": 1e-4}, "wider": {"n_base": 4, "dropout": 0.4}}
    stored = {label: made_up_run(tiny_config(**changes), DATASET) for label, changes in others.items()}
    assert nearest(run, stored) == "near" and nearest(run, {}) is None
