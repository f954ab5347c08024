"""What stands beside networks: simple models measured once, on the exam where there is one, and what is possible."""

import dataclasses
import json

import numpy as np
import pytest
from evaluate_helpers import make_run, right_about, simple_model, with_exam
from helpers import tiny_dataset
from picture_helpers import write_noise

from labutils import audit, lab
from labutils.audit import baselines
from labutils.audit.tables import ACCURACY, CEILING, EXAM
from labutils.data import load_dataset
from labutils.data.exam import load_exam

CONFIG = lab.runs("task1b")["lr 1e-5"]


@pytest.fixture
def data(results):
    return tiny_dataset(n_train=40, n_val=20)


@pytest.fixture
def chest(results, monkeypatch, tmp_path):
    """Somebody's own images, bright and dark ones, with an exam of ten."""
    monkeypatch.setenv("LABUTILS_DATA", str(tmp_path / "own"))
    counts = {"train": 20, "validation": 8, "test": 5}
    for name, base in (("clear", 60), ("ill", 140)):
        dim = lambda _, pixels, base=base: (base + pixels // 5).astype(np.uint8)  # noqa: E731
        write_noise(tmp_path / "own" / "chest", (name,), tuple(counts), counts, change=dim, seed=base)
    return load_dataset("chest", 32, progress=False)


def keep(data, linear, forest, exam=None):
    """As if simple models had been measured on some images: their accuracies there and, with `exam`, on an exam."""

    def models(linear, forest):
        named = (("simple numbers, linear", linear), ("simple numbers, forest", forest))
        return [simple_model(name, right_about(value, 4000)[None]) for name, value in named]

    baselines.keep(baselines.VALIDATION, data, baselines.MODELS, models(linear, forest))
    if exam:
        baselines.keep(baselines.EXAM, data, baselines.ON_EXAM, baselines.OnExam("f" * 12, 1000, models(*exam)))


def on_images_of(data, source="phantom", **looks):
    """A run on the images of a data set."""
    run = make_run(CONFIG.with_(dataset=data.name), source=source, **looks)
    return dataclasses.replace(run, provenance=run.provenance | {"fingerprint": data.fingerprint})


def beside(runs, *datasets):
    """The rows below some runs: accuracy on the validation images and, where one has sat it, on the exam."""
    table = audit.run_table({str(place): run for place, run in enumerate(runs)}, *datasets).iloc[len(runs) :]
    return {name: row.reindex([ACCURACY, EXAM]).dropna().tolist() for name, row in table.iterrows()}


def test_baselines_are_measured_once_and_stand_beside_the_largest_class(data, monkeypatch):
    table = audit.baseline_table(data)
    assert table.index[0] == "always the largest class" and table["accuracy"].iloc[0] == "0.500"
    assert "simple numbers, forest" in table.index and not any("ceiling" in row for row in table.index)
    monkeypatch.setattr(baselines, "baselines", lambda *_: pytest.fail("measured again"))
    assert audit.baseline_table(data).equals(table)
    below = beside([on_images_of(data, data.source)], data)
    (name,) = below
    assert name.startswith("no network: simple numbers, ") and below[name][0] in set(table["accuracy"])


def test_the_ceiling_of_phantoms_stands_below_simple_models(results, tmp_path):
    (results / "baselines").touch()  # in its place no folder can be made
    (tmp_path / "phantoms.json").write_text('{"ceiling": 0.9377}')
    phantoms = dataclasses.replace(tiny_dataset(n_train=40), source="phantom", root=tmp_path)
    assert audit.baseline_table(phantoms).loc[CEILING, "accuracy"] == "0.938"


def test_an_exam_of_phantoms_is_not_drawn_for_a_row(data, monkeypatch):
    monkeypatch.setattr("labutils.data.exam.load_exam", lambda *_, **__: pytest.fail("drawn"))
    phantoms = dataclasses.replace(data, source="phantom")
    keep(phantoms, 0.7, 0.8)
    assert baselines.exam_baselines(phantoms) is None
    keep(phantoms, 0.7, 0.8, exam=(0.75, 0.65))
    row = beside([with_exam(on_images_of(phantoms), 0.9)], phantoms)["no network: simple numbers, forest"]
    # Validation chose the forest; that the other one does better on the exam is not looked at.
    assert row == ["0.800 [0.750, 0.850]", "0.650 [0.600, 0.700]"]


def test_own_images_are_measured_on_their_exam_once(chest, monkeypatch):
    exam = load_exam("chest", 32, progress=False)
    found = baselines.exam_baselines(chest)
    assert (found.fingerprint, found.training, found.models[0].images) == (exam.fingerprint, 40, 10)
    assert baselines.better_simple(chest, found).exam.accuracy == 1.0, "bright against dark"
    with monkeypatch.context() as patch:
        patch.setattr(baselines, "baselines", lambda *_: pytest.fail("measured again"))
        assert baselines.exam_baselines(chest) == found
    last = chest.root / "test" / "ill" / "4.png"
    last.unlink()
    assert baselines.exam_baselines(chest).models[0].images == 9, "another exam is measured anew"
    last.write_bytes(b"not a picture")
    assert baselines.exam_baselines(chest) is None


def spoil(models, **changes):
    """What is kept of models, with something changed in one on the simple numbers."""
    next(one for one in models if one["name"] == "simple numbers, linear").update(changes)
    return models


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda models: [],
        lambda models: [one for one in models if not one["name"].startswith("simple")],
        lambda models: [{key: one[key] for key in one if key != "answers"} for one in models],  # as they were once kept
        lambda models: spoil(models, answers=[]),
        lambda models: spoil(models, answers=["no base64"]),
        lambda models: spoil(models, answers=["AAAA"]),  # right about nothing: not the accuracy beside it
        lambda models: spoil(models, images=40),
        lambda models: spoil(models, images=-1),
    ],
)
def test_what_is_not_whole_is_measured_again(data, results, monkeypatch, spoilt):
    keep(data, 0.7, 0.8)
    (file,) = (results / "baselines").glob("*.json")
    whole = baselines.stored_baselines(data)
    monkeypatch.setattr(baselines, "baselines", lambda *_: whole)
    file.write_text(json.dumps(spoilt(json.loads(file.read_text()))))
    assert baselines.simple_of(on_images_of(data)) is None
    assert baselines.stored_baselines(data) == whole and baselines.simple_of(on_images_of(data))


def test_rows_for_runs_measure_nothing_and_say_whose_images(data, monkeypatch):
    monkeypatch.setattr(baselines, "baselines", lambda *_: pytest.fail("measured"))
    real, bone = (dataclasses.replace(data, **own) for own in ({"fingerprint": "c" * 12}, {"name": "bone"}))
    runs = [on_images_of(data), on_images_of(data, wrong=60), on_images_of(real, source="HAM10000 selection")]
    linear, exam = "no network: simple numbers, linear", ["0.700 [0.650, 0.750]", "0.800 [0.750, 0.850]"]
    assert beside(runs) == {}
    keep(data, 0.7, 0.6, exam=(0.8, 0.9))
    keep(real, 0.6, 0.7)
    keep(bone, 0.9, 0.8)
    assert beside(runs[:2]) == {linear: exam[:1], CEILING: ["0.938 (on the exam)"]}, "there is no column for the exam"
    assert list(beside([with_exam(on_images_of(data), 0.85)]).values()) == [exam, ["-", "0.938"]]
    sources = [f"PHANTOM, {linear}", f"PHANTOM, {CEILING}", "HAM10000 selection, no network: simple numbers, forest"]
    assert list(beside(runs)) == sources
    both = beside([runs[0], on_images_of(bone)])
    assert [name.split(",")[0] for name in both] == ["Skin", "Skin", "Bone", "Bone"]


def test_simple_models_stand_under_each_source_of_images(data):
    real = dataclasses.replace(data, fingerprint="c" * 12)
    runs = [on_images_of(data), on_images_of(real, source="HAM10000 selection")]
    keep(data, 0.7, 0.6, exam=(0.8, 0.9))
    keep(real, 0.6, 0.78)
    table = audit.truth_table(CONFIG, runs)
    assert table.loc["no network: val accuracy", "HAM10000 selection"].startswith("0.780 [")
    assert table.loc["no network, what it is"].tolist() == ["-", "simple numbers, linear", "simple numbers, forest"]
    assert table.loc["no network: exam accuracy"].tolist() == ["-", "0.800 [0.750, 0.850]", "-"]


def test_further_rows_have_dashes_where_they_say_nothing(data):
    table = audit.run_table({"a": on_images_of(data)}, task="task1b", beside={"guessing": {ACCURACY: "0.5"}})
    assert list(table.index)[:2] == ["a", "guessing"] and audit.run_table({}).empty
    assert set(table.iloc[1:][["best epoch", "lowest val loss", "report: accuracy"]].to_numpy().ravel()) == {"-"}


def test_files_are_measured_as_the_loader_reads_them(chest):
    table = audit.file_baselines("chest")
    assert table.equals(audit.baseline_table(load_dataset("chest", progress=False)))
    assert table.loc["simple numbers, linear", "accuracy"].startswith("1.000 [")
    assert audit.file_baselines(chest.root).equals(table), "by its folder"
    assert "validation images without a network" in repr(table).splitlines()[0]
