"""The report over the stored runs: complete, honest about what is missing, and the same every time."""

import re
from itertools import product

import numpy as np
import pytest
from evaluate_helpers import make_run, with_exam
from helpers import STRETCH

from labutils import lab, report
from labutils.runs.files import write_run
from labutils.runs.store import RunStore

LEARNING_RATES = lab.runs("task1b")


def store_run(store, config, source="phantom", **looks):
    run = make_run(config, **looks)
    provenance = {
        "source": source,
        "fingerprint": "0123456789ab",
        "class_names": list(run.class_names),
        "counts": {},
        "stretches": [STRETCH],
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


def test_report_is_complete_and_the_same_every_time(store, results):
    text = report.write_report().read_text(encoding="utf-8")
    assert "phantom" in text.lower()
    for column in ("What the lab could know", "What holds for these images"):
        assert re.search(rf"{column}, of 24 claims: \*\*\d+\*\* reproduced, .* \*\*\d+\*\* missing", text)
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
    assert text.count("**24** missing") == 2
    assert "The run on real images is missing" in text


def test_readme_shows_what_the_store_holds():
    """Its table is written by `labutils report`; a run that changed since would make it say something else."""
    text = (report.paths.ROOT / "README.md").read_text(encoding="utf-8")
    shown = text.split(report.START)[1].split(report.END)[0].strip()
    assert shown == report.results_table()


def test_the_results_table_has_the_exam_the_ceiling_and_like_beside_like(store):
    rows = {tuple(cells[1:3]): cells[3:8] for cells in table_rows(report.results_table())}
    assert rows["1B", "lr 1e-5"][1:3] == ["missing", "0.938"]
    assert rows["1B", "lr 1e-5"][3].startswith("0.725 ["), "the real images"
    assert rows["5B", "batch norm"][4] == "final training 1.0000" and ("5B", "no dropout") not in rows
    assert rows["4", "LeNet (5) dropout 0.4"][4] == "element-wise 0.9872"
    sit_exam(store, 0.8)
    after = {tuple(cells[1:3]): cells[3:8] for cells in table_rows(report.results_table())}
    assert after["1B", "lr 1e-5"][1].startswith("0.800 [") and after["1B", "lr 1e-5"][1].endswith("(3 seeds)")
    assert after["1B", "lr 1e-4"][1] == "missing"


def test_the_verdicts_of_the_report_take_all_stored_seeds(store):
    before = {v.id: v for v in report.verdicts()}
    assert before["C19"].holds == "missing" and "no exam is stored" in before["C19"].exam
    sit_exam(store, 0.8)
    assert "3 seeds" in {v.id: v for v in report.verdicts()}["C19"].exam


def table_rows(text):
    return [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.startswith("| ")]


def sit_exam(store, right):
    """Three seeds of the middle rate are stored with an exam."""
    for seed in range(3):
        config = LEARNING_RATES["lr 1e-5"].with_(seed=seed)
        run = with_exam(store_run(store, config, wrong=40), right, noise=seed)
        write_run(run, {"epochs": np.array(run.epochs)}, None)
