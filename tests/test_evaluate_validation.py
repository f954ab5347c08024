"""What validation images are worth: counts, and the two reasons apart."""

from dataclasses import replace

import pytest
from evaluate_helpers import make_run, with_exam

from labutils import evaluate, lab
from labutils.evaluate.validation import Beside
from labutils.statistics import Estimate

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


def test_images_that_are_harder_and_no_ceiling_are_told_apart():
    skin = evaluate.flattery("skin", [judged([0.7, 0.9, 0.8], best=0.8, last=0.8)])
    assert "harder than" in replace(skin, ceilings=(0.90, 0.95)).said.text
    assert "every drawn sign" not in replace(skin, ceilings=None).said.text
    below = replace(skin, rows=(Beside("a", Estimate(0.7, 0.6, 0.8), 0.75, 0.7, 0.75),))
    assert "0 lie above it" in below.said.text


def test_without_runs_it_says_so():
    found = evaluate.flattery("skin", [])
    assert "not here yet" in found.said.text
