"""Questions to the store: found by settings and by source, at most as long as asked for, and read once for all."""

from dataclasses import replace

import numpy as np
import pytest
from evaluate_helpers import make_run
from helpers import STRETCH

from labutils import lab
from labutils.errors import StoreError
from labutils.runs import RunStore, queries
from labutils.runs.run import read_run
from labutils.tools import report

LEARNING_RATES = lab.runs("task1b")
REAL = "a hospital"


def put(config, source="phantom", **looks):
    run = make_run(config, source=source, **looks)
    more = {"fingerprint": ("0" if source == "phantom" else "f") * 12, "class_names": list(run.class_names)}
    run = replace(run, provenance={"source": source, **more, "stretches": [STRETCH]})
    return RunStore().put(run, {"epochs": np.array(run.epochs)}, None)


@pytest.fixture
def store(results):
    for config in LEARNING_RATES.values():
        put(config)
    put(LEARNING_RATES["lr 1e-5"].with_(epochs=7), source=REAL)
    return RunStore()


def test_runs_of_a_task_are_found_by_their_settings(store):
    found = queries.task_runs("task1b")
    assert {label: run.config for label, run in found.items()} == LEARNING_RATES
    assert queries.missing("task1b", found) == []
    assert list(queries.task_runs("task3")) == ["Skin"]
    assert queries.missing("task3", queries.task_runs("task3")) == ["Bone"]


def test_a_run_that_is_too_short_is_missing_and_a_longer_one_is_cut(results):
    config = LEARNING_RATES["lr 1e-5"]
    put(config.with_(epochs=config.epochs - 1))
    assert queries.task_runs("task1b") == {}
    put(config.with_(epochs=config.epochs + 50))
    assert [run.epochs for run in queries.task_runs("task1b").values()] == [config.epochs]


def test_sources_stay_apart(store):
    found = queries.stored_runs(LEARNING_RATES["lr 1e-5"])
    assert [(run.source, run.epochs) for run in found] == [("phantom", 100), (REAL, 7)]
    assert [run.epochs for run in queries.stored_runs(LEARNING_RATES["lr 1e-5"].with_(epochs=5))] == [5, 5]
    assert len(queries.all_stored()) == 3
    assert [run.source for run in queries.all_stored(REAL).values()] == [REAL]
    assert queries.task_runs("task1b", REAL) == {}


def test_index_and_table_read_every_run_once(store, monkeypatch):
    reads = []
    monkeypatch.setattr("labutils.runs.store.read_run", lambda folder: reads.append(folder.name) or read_run(folder))
    report.overview()
    report.results_table()
    assert sorted(reads) == [folder.name for folder in store]


def test_small_runs_stand_in_for_a_task_until_its_own_are_stored(results):
    for config in lab.stand_ins("task6a").values():
        put(config)
    assert list(queries.shown_runs("task6a")) == ["no spatial dropout, small", "spatial dropout 0.1, small"]
    assert queries.task_runs("task6a") == {} == queries.shown_runs("task6b")
    for config in lab.runs("task6a").values():
        put(config)
    assert queries.shown_runs("task6a").keys() == lab.runs("task6a").keys()


def test_a_snapshot_is_read_once_and_holds_what_is_kept(store, monkeypatch):
    taken = queries.Snapshot(store, lambda run: run.source == REAL)
    monkeypatch.setattr(RunStore, "all", lambda self: pytest.fail("asked again"))
    assert [run.source for run in taken.all()] == [REAL]
    assert queries.task_runs("task1b", store=taken) == {}


def test_runs_are_chosen_by_their_images(store):
    assert queries.choose_runs()[0] == "phantom" and len(queries.choose_runs()[1].all()) == 3
    source, runs = queries.choose_runs("A Hospital")
    assert source == REAL and [run.epochs for run in runs.all()] == [7]
    with pytest.raises(StoreError, match=r"No stored run is on images of 'chest'; .*phantom \(3\)"):
        queries.choose_runs("chest")


def test_without_phantoms_the_images_of_most_runs_are_told_of(results):
    assert queries.choose_runs()[0] == "phantom", "nothing is stored"
    put(LEARNING_RATES["lr 1e-5"], source=REAL)
    assert queries.choose_runs()[0] == REAL


def test_runs_that_no_task_shows_are_other_runs(store):
    short = LEARNING_RATES["lr 1e-5"].with_(epochs=7)
    put(LEARNING_RATES["lr 1e-5"].with_(dropout=0.15), source=REAL)
    put(LEARNING_RATES["lr 1e-4"], source=REAL)
    found = queries.other_runs(queries.choose_runs(REAL)[1])
    assert sorted((run.config.dropout, run.epochs) for run in found.values()) == [(0.0, short.epochs), (0.15, 100)]
    assert queries.other_runs(queries.choose_runs("phantom")[1]) == {}


def test_only_what_is_asked_for_is_read_and_once(store, monkeypatch):
    read = []
    monkeypatch.setattr("labutils.runs.store.read_run", lambda folder: read.append(folder.name) or read_run(folder))
    wanted = LEARNING_RATES["lr 1e-4"]
    path = store.path_of(wanted, "0" * 12)
    (found,) = queries.stored_runs(wanted)
    assert read == [path.name] and found.config == wanted
    assert store.find(wanted, "0" * 12) is found and len(read) == 1
    for asked in (store, queries.Snapshot(store)):
        assert [run.config.key for run in asked.all({wanted.key})] == [wanted.key]
        assert asked.all(set()) == []
    (path / "config.json").touch()
    assert store.find(wanted, "0" * 12) is not found and read.count(path.name) == 2
