"""What is kept of a data set is measured once, measured again where it cannot be read, and still true in `results`."""

import dataclasses
import os
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import tiny_dataset
from pydantic import TypeAdapter

from labutils.audit import audit, judge, simple
from labutils.audit.kept import kept
from labutils.data import load_dataset

RESULTS = Path(__file__).parents[1] / "results"
NUMBERS = TypeAdapter(list[float])
DECIMALS = re.compile(r"\d+\.\d+")


def test_measured_once(results):
    data = tiny_dataset()
    assert kept("numbers", data, NUMBERS, lambda: [0.5]) == [0.5]
    assert kept("numbers", data, NUMBERS, lambda: pytest.fail("measured again")) == [0.5]
    other = dataclasses.replace(data, fingerprint="0" * 12)
    assert kept("numbers", other, NUMBERS, lambda: [0.25]) == [0.25]


@pytest.mark.parametrize("text", ["", "[0.5", '{"a": 1}', '["half"]', "[" * 5000, None])
def test_measured_again_where_the_file_is_damaged(results, text):
    data = tiny_dataset()
    kept("numbers", data, NUMBERS, lambda: [0.5])
    (file,) = (results / "numbers").iterdir()
    file.unlink()
    file.write_text(text) if text is not None else os.mkfifo(file)  # a pipe is not waited for
    assert kept("numbers", data, NUMBERS, lambda: [0.75]) == [0.75]
    assert text is None or kept("numbers", data, NUMBERS, lambda: pytest.fail("measured again")) == [0.75]


def test_results_that_cannot_be_written(results):
    (results / "numbers").touch()  # in its place no folder can be made
    assert [kept("numbers", tiny_dataset(), NUMBERS, lambda n=n: [n]) for n in (0.5, 0.75)] == [[0.5], [0.75]]


def test_an_audit_is_kept_of_phantoms_only(results, monkeypatch):
    data = tiny_dataset(n_train=40, n_val=20)
    first = audit(data)
    assert not (results / "audits").exists()
    phantoms = dataclasses.replace(data, source="phantom")
    found = audit(phantoms)
    assert found.rows == first.rows and (results / "audits").is_dir()
    monkeypatch.setattr(judge, "_audit_dataset", lambda *_: pytest.fail("measured again"))
    assert audit(phantoms) == found


@pytest.mark.parametrize("name", ["skin", "bone"])  # those that a notebook audits
def test_what_is_kept_in_results_is_what_is_measured_today(name):
    dataset = load_dataset(name, source="phantom", progress=False)
    file = RESULTS / "audits" / f"{name}-{dataset.fingerprint}.json"
    old, new = TypeAdapter(judge.Audit).validate_json(file.read_bytes()), judge._audit_dataset(dataset, False)
    assert (old.title, old.leaks) == (new.title, new.leaks)
    for row, today in zip(old.rows, new.rows, strict=True):
        assert (row.check, row.verdict, DECIMALS.sub("", row.finding)) == (
            today.check,
            today.verdict,
            DECIMALS.sub("", today.finding),
        )
        # On another processor a pixel may be another by one grey level.
        areas = [[float(number) for number in DECIMALS.findall(one.finding)] for one in (row, today)]
        np.testing.assert_allclose(*areas, atol=0.011)


def test_simple_models_kept_in_results_are_those_of_today():
    dataset = load_dataset("bone", source="phantom", progress=False)
    file = RESULTS / "baselines" / f"bone-{dataset.fingerprint}.json"
    x, x_val = np.asarray(dataset.x_train), np.asarray(dataset.x_val)
    for old, new in zip(
        TypeAdapter(list[simple.Baseline]).validate_json(file.read_bytes()),
        simple.baselines(x, dataset.y_train, x_val, dataset.y_val),
        strict=True,
    ):
        assert old.name == new.name and old.accuracy == pytest.approx(new.accuracy, abs=1.5 / len(x_val))
        assert old.auc == pytest.approx(new.auc, abs=0.005)
