"""What validation images are worth: counts, the two reasons apart, a sign that turns, a source that tells the class."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from evaluate_helpers import make_run, with_exam

from labutils import evaluate, lab
from labutils.evaluate.validation import LAST_OF_HAM10000, Beside
from labutils.runs.store import find
from labutils.statistics import Estimate

REAL = Path(__file__).parents[2] / "shared" / "real" / "Skin"
CONFIG = lab.runs("task1b")["lr 1e-5"].with_(epochs=3)


def judged(validation, best, last, **settings):
    """A run whose validation accuracies are these, and that got these shares of the exam right after best and last."""
    run = make_run(CONFIG.with_(**settings), wrong=[round(200 * (1 - share)) for share in validation])
    epochs = sorted({0, run.best_epoch, run.lowest_loss_epoch, run.epochs - 1})
    shares = {0: 0.5, run.lowest_loss_epoch: 0.5} | {run.best_epoch: best} | {run.epochs - 1: last}
    return with_exam(run, [shares[epoch] for epoch in epochs])


def test_counts_and_reasons_are_those_of_the_runs():
    runs = [
        judged([0.70, 0.90, 0.84], best=0.80, last=0.80, seed=0),  # 10 points at the best epoch, 4 at the last
        judged([0.70, 0.86, 0.80], best=0.82, last=0.80, seed=1),  # 4 and 0
        judged([0.70, 0.80, 0.76], best=0.81, last=0.78, seed=2),  # -1 and -2
        make_run(CONFIG.with_(seed=3)),  # no exam
        judged([0.7, 0.9, 0.9], best=0.5, last=0.5, dataset="bone"),
        replace(judged([0.7, 0.9, 0.9], best=0.5, last=0.5), provenance={"source": "course"}),
    ]
    found = evaluate.flattery("skin", runs)
    assert [row.holds for row in found.rows] == [False, True, True] and found.held == 2
    assert found.difference == pytest.approx(0.13 / 3) and found.unchosen == pytest.approx(0.02 / 3)
    text = found.said.text
    assert text.startswith("Of 3 stored runs, 2 have a validation interval")
    assert "2 lie above it. The mean difference is +4.3 points: +3.7 from choosing the epoch, +0.7 that" in text
    assert "0.960 of them, and about 0.938 of the exam" in text and "are easier than the exam's" in text
    assert "3 stored runs it lies 4.3 points above" in found.short.text and "2 of their intervals" in found.short.text


def test_images_that_are_harder_no_ceiling_and_no_run_are_told_apart():
    skin = evaluate.flattery("skin", [judged([0.7, 0.9, 0.8], best=0.8, last=0.8)])
    assert "harder than" in replace(skin, ceilings=(0.90, 0.95)).said.text
    assert "every drawn sign" not in replace(skin, ceilings=None).said.text
    below = replace(skin, rows=(Beside("a", Estimate(0.7, 0.6, 0.8), 0.75, 0.7, 0.75),))
    assert "5.0 points below" in below.short.text and "0 lie above it" in below.said.text
    none = evaluate.flattery("skin", [])
    assert "not here yet" in none.said.text and "not here yet" in none.short.text


@pytest.mark.parametrize(
    ("wrong", "right", "says"),
    [
        ((30, 36), (0.80, 0.84), "augmentation is worth -3.0 ["),  # worse there, better on the exam
        ((36, 30), (0.84, 0.80), "augmentation is worth +3.0 ["),
        ((30, 36), (0.84, 0.80), ""),
        ((36, 30), (0.80, 0.84), ""),
        ((30, 30), (0.80, 0.84), ""),
        ((30, 36), None, ""),  # no exam
    ],
)
def test_a_sign_that_turns_is_said_and_no_other(results, wrong, right, says):
    settings = []
    for noise, missed in enumerate(wrong):
        runs = [make_run(CONFIG.with_(seed=seed), wrong=missed, shift=40 * noise) for seed in range(3)]
        settings.append([with_exam(run, right[noise], noise=noise) for run in runs] if right else runs)
    said = evaluate.reversal(*settings, "augmentation")
    assert (says in said.text) if says else said.text == ""
    assert len(said.findings) == bool(says) and ("the sign turns" in said.text) == bool(says)


def real_run(later, label, source=lab.REAL):
    """A run on images with the archive's numbers, `later` of which are of the other source and of this class."""
    run = make_run(CONFIG, source=source)
    mine = [i for i, y in enumerate(run.y_val) if y == label][:later]
    number = {i: LAST_OF_HAM10000 + 300 + i for i in mine}
    files = tuple(f"test/x_ISIC_{number.get(i, LAST_OF_HAM10000 - i):07}.jpg" for i in range(len(run.y_val)))
    return replace(run, val_files=files)


def test_a_source_that_is_one_class_is_said_with_the_auc_without_it():
    run = real_run(22, 0)
    said = evaluate.about_real(run).text
    of = "22 of the 200 validation images are of the ISIC 2018 test set, not of HAM10000, and all of these are Mel"
    assert "one image per lesion" in said and of in said
    kept = [i for i in range(200) if int(run.val_files[i][-11:-4]) <= LAST_OF_HAM10000]
    fewer = {"y_val": run.y_val[kept], "val_predictions": run.val_predictions[:, kept], "val_files": ("x",) * 178}
    areas = [evaluate.auc(one)["Nev"].value for one in (replace(run, **fewer), run)]
    assert [float(shown) for shown in re.findall(r"(0\.\d+) \[", said)] == pytest.approx(areas, abs=6e-4)


def test_other_sources_are_not_spoken_of_and_the_stored_runs_know_theirs():
    assert evaluate.about_real(real_run(5, 1, source="phantom")).text == ""
    mixed = replace(real_run(5, 0), val_files=tuple(f"a_ISIC_{LAST_OF_HAM10000 + 1}.jpg" for _ in range(200)))
    assert evaluate.about_real(mixed).text.endswith("not of HAM10000.")
    for run in find(lab.runs("task1b"), lab.REAL).values():
        assert "and all of these are Mel" in evaluate.about_real(run).text


def test_in_the_whole_selection_all_of_the_later_source_are_melanomas():
    if not REAL.is_dir():
        pytest.skip("the real images are not on this machine")
    files = [file.name for split in ("train", "test") for file in (REAL / split).iterdir()]
    later = [name for name in files if int(name[-11:-4]) > LAST_OF_HAM10000]
    assert len(files) == 1200 and len(later) == 153 and all(name.startswith("Mel") for name in later)
