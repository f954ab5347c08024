"""Paired and unpaired comparisons of two runs."""

import dataclasses
from functools import partial

import numpy as np
import pytest
from evaluate_helpers import make_run, run_from_predictions
from scipy import stats

from labutils.config import RunConfig
from labutils.errors import ComparisonError
from labutils.evaluate import compare, curves, metrics

CONFIG = RunConfig(dataset="skin", model="lenet", learning_rate=1e-4, epochs=2)
BONE = CONFIG.with_(dataset="bone")


def run_right_on(right: np.ndarray):
    """A run of one epoch that is right on exactly these images."""
    y_val = np.arange(len(right)) % 2
    return run_from_predictions(CONFIG, np.where(right, y_val, 1 - y_val)[None, :, None], y_val)


def random_pair(seed: int, n: int = 200, p_a: float = 0.85, p_b: float = 0.8):
    rng = np.random.default_rng(seed)
    return run_right_on(rng.random(n) < p_a), run_right_on(rng.random(n) < p_b)


@pytest.mark.parametrize("seed", range(5))
def test_mcnemar_is_the_exact_binomial_test_on_disagreements(seed):
    run_a, run_b = random_pair(seed)
    test, right_a, right_b = compare.mcnemar(run_a, run_b), metrics.correct(run_a), metrics.correct(run_b)
    assert (test.n01, test.n10) == (np.sum(right_b & ~right_a), np.sum(right_a & ~right_b))
    assert test.p == pytest.approx(stats.binomtest(test.n01, test.n01 + test.n10).pvalue)


def test_mcnemar_of_even_disagreements_is_1_at_each_best_epoch_or_the_one_asked_for():
    run = make_run(CONFIG, wrong=10)
    assert compare.mcnemar(run, run) == (0, 0, 1.0)
    assert compare.mcnemar(run, make_run(CONFIG, wrong=10, shift=50)) == (10, 10, 1.0)
    early, late = make_run(CONFIG, wrong=[20, 60]), make_run(CONFIG, wrong=[60, 20])
    found = [compare.mcnemar(early, late, epoch=epoch)[:2] for epoch in (None, 0, 1)]
    assert found == [(0, 0), (0, 40), (40, 0)]


def test_runs_on_different_images_or_labels_are_refused():
    run, bone = make_run(CONFIG), make_run(BONE)
    relabelled = dataclasses.replace(run, y_val=1 - run.y_val)
    same_names = dataclasses.replace(run, provenance={"source": "course"})
    for other in (make_run(CONFIG, n=100), bone, relabelled, same_names):
        for refused in (
            lambda other=other: compare.mcnemar(run, other),
            lambda other=other: compare.accuracy_difference(run, other),
            lambda other=other: compare.loss_difference(run, other),
            lambda other=other: compare.gap_difference((run, other)),
            lambda: compare.gap_difference((run, run), (bone, bone)),
        ):
            with pytest.raises(ComparisonError, match="different images"):
                refused()


def test_accuracy_difference_holds_the_truth_19_times_in_20_and_of_equal_runs_keeps_a_width():
    intervals = [compare.accuracy_difference(*random_pair(seed, p_b=0.75)) for seed in range(400)]
    assert 0.92 <= np.mean([i.low <= 0.10 <= i.high for i in intervals]) <= 0.98
    run = make_run(CONFIG)
    value, low, high = compare.accuracy_difference(run, run)
    assert value == 0 and -0.02 < low < 0 < high < 0.02


def test_loss_difference_is_paired():
    run_a, run_b = make_run(CONFIG, wrong=30, confidence=0.8), make_run(CONFIG, wrong=30, confidence=0.7)
    difference = compare.loss_difference(run_a, run_b)
    expected = run_a.history["val_loss"][0] - run_b.history["val_loss"][0]
    assert difference.value == pytest.approx(expected, abs=1e-9)
    assert difference.low < expected < difference.high < 0
    assert expected > -metrics.image_losses(run_a).std() / np.sqrt(200) * 4, "two separate intervals overlap widely"


def test_gap_difference_averages_over_pairs():
    wide, narrow = make_run(CONFIG, wrong=40, accuracy=0.98), make_run(CONFIG, wrong=40, accuracy=0.88)
    same, other = (compare.gap_difference((wide, one)) for one in (narrow, make_run(CONFIG, wrong=20, accuracy=0.98)))
    assert same.value == pytest.approx(0.10) and 0.085 < same.low < 0.095 < 0.105 < same.high < 0.115
    assert other.value == pytest.approx(0.10) and 0.04 < other.low < 0.10 < other.high < 0.16
    assert compare.gap_difference((wide, narrow), (wide, wide)).value == pytest.approx(0.05)


def test_runs_on_different_images_are_compared_as_two_samples():
    skin, bone = make_run(CONFIG, wrong=40, n=200), make_run(BONE, wrong=10, n=140)
    assert compare.fisher(bone, skin) == pytest.approx(stats.fisher_exact([[130, 10], [160, 40]]).pvalue)
    difference = compare.loss_difference(bone, skin, paired=False)
    assert difference.value == pytest.approx(bone.history["val_loss"][0] - skin.history["val_loss"][0], abs=1e-9)
    a, b = metrics.image_losses(bone), metrics.image_losses(skin)
    welch = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    assert difference[1:] == pytest.approx((welch.low, welch.high), abs=0.01)


def test_loss_difference_of_constant_predictions_is_neither_a_point_nor_a_nan():
    same, other = make_run(CONFIG, wrong=0, confidence=0.5), make_run(BONE, wrong=0, confidence=0.75)
    expected = other.history["val_loss"][0] - same.history["val_loss"][0]
    for difference in (compare.loss_difference(other, same, paired=False), compare.loss_difference(same, same)):
        assert 0.005 < difference.high - difference.value < 0.02
    assert compare.loss_difference(other, same, paired=False).value == pytest.approx(expected)


def test_losses_are_compared_at_the_lowest_ones():
    run_a = make_run(CONFIG, wrong=[28, 30], confidence=[0.99, 0.8])
    run_b = make_run(CONFIG, wrong=[30, 30], confidence=[0.8, 0.8])
    assert run_a.best_epoch == 0 and run_a.lowest_loss_epoch == 1
    assert run_a.history["val_loss"][0] > run_a.history["val_loss"][1]
    for difference in (compare.loss_difference, partial(compare.loss_difference, paired=False)):
        assert difference(run_a, run_b).value == pytest.approx(0.0, abs=1e-9)


def falling(epochs_needed, epochs=100, **settings):
    confidence = np.minimum(0.55 + 0.35 * np.arange(epochs) / epochs_needed, 0.90)
    return make_run(CONFIG.with_(epochs=epochs), wrong=10, confidence=confidence, **settings)


def test_speed_is_epochs_to_the_higher_of_the_two_minima():
    fast, slow = falling(30), falling(60)
    found = compare.speed(fast, slow, slack=0.01)
    level = max(curves.smooth(run.history["val_loss"]).min() for run in (fast, slow)) + 0.01
    assert found.level == pytest.approx(level)
    down = [int(np.argmax(curves.smooth(run.history["val_loss"]) <= level)) + 1 for run in (fast, slow)]
    assert [found.epochs_a, found.epochs_b] == down
    assert found.ratio.low <= found.ratio.value == found.epochs_a / found.epochs_b <= found.ratio.high < 0.7


def test_speed_on_few_images_is_less_sure_than_on_many():
    rng = np.random.default_rng(0)

    def learning(n, pace):
        y, logits = np.arange(n) % 2, rng.normal(1, 1.5, n) * np.minimum(np.arange(80) / pace, 1.0)[:, None]
        p = 1 / (1 + np.exp(-logits))
        return run_from_predictions(CONFIG.with_(epochs=80), np.where(y == 1, p, 1 - p)[..., None], y)

    few, many = (compare.speed(learning(n, 40), learning(n, 50), slack=0.01).ratio for n in (40, 2000))
    assert many.high - many.low < (few.high - few.low) / 2


def test_steadiness_is_how_far_one_curve_strays_beside_the_other():
    def straying(by, n=200):
        wrong = 30 + by * (np.arange(40) % 2)
        return make_run(CONFIG.with_(epochs=40), wrong=wrong * n // 200, n=n)

    few, many = (compare.steadiness(straying(4, n), straying(8, n)) for n in (200, 2000))
    assert few.value == many.value == pytest.approx(0.5)
    assert few.low < many.low < 0.5 < many.high < few.high
    assert compare.steadiness(straying(0), straying(0)).value == 1.0
    steep = np.linspace(0.5, 0.9, 60)
    assert curves.unsteadiness(steep) < 0.005, "a curve that rises is not unsteady"
    assert curves.unsteadiness(steep + 0.02 * (-1) ** np.arange(60)) == pytest.approx(0.02, rel=0.05)
