"""How runs develop: best epoch, smoothing, speed, over-fitting, gaps, spread over seeds."""

import dataclasses

import numpy as np
import pytest
from evaluate_helpers import make_run

from labutils import evaluate
from labutils.config import RunConfig
from labutils.evaluate import curves

CONFIG = RunConfig(dataset="skin", model="lenet", learning_rate=1e-4, epochs=60)


def test_a_loss_that_is_nan_is_never_the_lowest():
    run = make_run(CONFIG.with_(epochs=3))
    broken = {"val_loss": np.array([np.nan, 0.75, np.nan]), "loss": np.array([0.5, 0.4, np.nan])}
    best = evaluate.best(dataclasses.replace(run, history=run.history | broken))
    assert (best.lowest_loss, best.lowest_loss_epoch, best.lowest_train_loss) == (0.75, 2, 0.4)


def test_smooth_is_a_running_mean_that_shrinks_at_the_ends():
    curve = np.random.default_rng(0).random(30)
    ends = [curve[8:13].mean(), curve[:3].mean(), curve[-3:].mean()]
    assert curves.smooth(curve, 5)[[10, 0, -1]] == pytest.approx(ends)
    assert curves.smooth(curve, 1) == pytest.approx(curve)
    assert curves.smooth(curve[:2], 10) == pytest.approx([curve[:2].mean()] * 2)


def test_epochs_to_reach_counts_from_one():
    history = {"accuracy": np.array([0.5, 0.8, 0.7, 0.9]), "val_accuracy": np.array([0.9, 0.8, 0.7, 0.6])}
    assert [curves.epochs_to_reach(history, level) for level in (0.8, 0.85, 0.95)] == [2, 4, None]
    assert curves.epochs_to_reach(history, 0.9, curve="val_accuracy") == 1


def test_overfitting_begins_where_the_loss_leaves_its_minimum_for_good():
    falls = np.linspace(1, 0.5, 50)
    down_up = {"val_loss": np.concatenate([falls, np.linspace(0.5, 1.0, 51)[1:]])}
    # 0.01 an epoch upwards after the minimum of 0.5 at epoch 50: first above 0.525 at epoch 53.
    assert curves.overfitting_epoch(down_up, window=1, climb=0.025) == 53
    assert curves.overfitting_epoch(down_up) == pytest.approx(53, abs=3)
    bump = 0.5 + 0.3 * np.exp(-(((np.arange(100) - 60) / 5.0) ** 2))
    assert [curves.overfitting_epoch({"val_loss": loss}) for loss in (falls, bump)] == [None, None]


def test_loss_rise_compares_the_end_with_the_lowest_stretch():
    run = make_run(CONFIG, wrong=40, confidence=[0.6] * 20 + [0.8] * 20 + [0.95] * 20)
    loss, rise = run.history["val_loss"], curves.loss_rise(run)
    assert rise.value == pytest.approx(loss[50:].mean() - loss[20:40].mean(), abs=1e-9)
    flat = curves.loss_rise(make_run(CONFIG, wrong=40, confidence=0.8))
    assert flat.value == 0.0 > flat.low > -0.02, "its interval keeps a width"
    assert curves.loss_rise(run.first(2)).value == 0.0
    # The figure shows the history, however float16 rounds sure mistakes.
    moved = dataclasses.replace(run, history=run.history | {"val_loss": loss + np.r_[np.zeros(50), np.full(10, 0.7)]})
    after = curves.loss_rise(moved)
    assert after.value == pytest.approx(rise.value + 0.7)
    assert after.high - after.low == pytest.approx(rise.high - rise.low)


def test_gaps_take_the_training_curve_that_was_measured_like_validation_where_all_have_it():
    run = make_run(CONFIG, wrong=[100] * 50 + [40] * 10, accuracy=[0.1] * 50 + [0.85] * 10)
    fixed = dataclasses.replace(run, history=run.history | {"fixed_accuracy": np.full(60, 0.95)})
    gaps = [curves.accuracy_gap(run), curves.accuracy_gap(fixed), curves.accuracy_gap(fixed, "accuracy")]
    assert [gap.value for gap in gaps] == pytest.approx([0.05, 0.15, 0.05])
    assert curves.accuracy_gap(run.first(3)).value == pytest.approx(0.1 - 0.5)
    assert curves.train_curve(fixed, fixed) == "fixed_accuracy"
    assert curves.train_curve(fixed, run) == curves.train_curve() == "accuracy"
