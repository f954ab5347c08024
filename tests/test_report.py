"""The report over the stored runs: complete, honest about what is missing, and the same every time."""

import re
from itertools import product

import numpy as np
import pytest
from evaluate_helpers import make_run

from labutils import report
from labutils.evaluate import lab
from labutils.runs import RunStore, write_run

LEARNING_RATES = lab.runs("task1b")


def store_run(store, config, source="phantom", **looks):
    run = make_run(config, **looks)
    provenance = {
        "source": source,
        "fingerprint": "0123456789ab",
        "class_names": list(run.class_names),
        "counts": {},
        "stretches": [{"first_epoch": 1, "seconds": 1.0}],
    }
    from dataclasses import replace

    fingerprint = "0123456789ab" if source == "phantom" else "ba9876543210"
    run = replace(run, provenance=provenance | {"fingerprint": fingerprint}, path=store.path_of(config, fingerprint))
    write_run(run, {"epochs": np.array(run.epochs)}, None)
    return run


@pytest.fixture
def store(results):
    store = RunStore()
    for wrong, config in zip((30, 40, 60), LEARNING_RATES.values(), strict=True):
        store_run(store, config.with_(epochs=100), wrong=wrong)
    store_run(store, LEARNING_RATES["lr 1e-5"], source=report.REAL, wrong=55)
    return store


def test_runs_of_a_task_are_found_by_their_settings(store):
    assert list(report.task_runs("task1b")) == list(LEARNING_RATES)
    assert report.missing("task1c", report.task_runs("task1c")) == ["AlexNet", "VGG16"]
    assert list(report.task_runs("task3")) == ["Skin"]


def test_sources_stay_apart(store):
    found = report.stored_runs(LEARNING_RATES["lr 1e-5"])
    assert [run.source for run in found] == ["phantom", report.REAL]
    assert all(run.source == "phantom" for run in report.all_stored().values())


def test_report_is_complete_and_the_same_every_time(store, results):
    text = report.write_report().read_text(encoding="utf-8")
    assert "phantom" in text.lower()
    assert re.search(r"Of 18 claims: \*\*\d+\*\* reproduced, .* \*\*15\*\* missing", text)
    assert "- Task 9: Skin; Bone" in text and report.REAL in text
    assert f"{1 - 30 / 200:.3f} [" in text, "the best accuracy of the first run, with its interval"
    for label, graph in product(("lr-1e-4", "lr-1e-5", "lr-1e-6"), ("curves", "confusion", "roc")):
        assert (results / "task1b" / f"{label}-{graph}.png").is_file()
    pictures = re.findall(r"!\[(.+?)\]\((.+?)\)", text)
    assert pictures
    for words, file in pictures:
        assert (results / file).is_file() and len(words) > 40
    files = {file: file.read_bytes() for file in results.rglob("*") if file.suffix in (".md", ".png")}
    report.write_report()
    assert {file: file.read_bytes() for file in results.rglob("*") if file.suffix in (".md", ".png")} == files


def test_a_changed_run_changes_what_is_written(store):
    before = report.results_table()
    store_run(store, LEARNING_RATES["lr 1e-4"], wrong=31)
    assert report.results_table() != before


def test_without_runs_everything_is_missing(results):
    text = report.write_report().read_text(encoding="utf-8")
    assert "**18** missing" in text
    assert "The run on real images is missing" in text


def test_readme_shows_what_the_store_holds():
    """Its table is written by `labutils report`; a run that changed since would make it say something else."""
    text = (report.paths.ROOT / "README.md").read_text(encoding="utf-8")
    shown = text.split(report.START)[1].split(report.END)[0].strip()
    assert shown == report.results_table()
