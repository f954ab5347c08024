"""Intervals, losses and adjusted p-values, against scipy, scikit-learn and counting."""

import numpy as np
import pytest
import sklearn.metrics as sk
from scipy import stats
from scipy.stats import binomtest

from labutils import statistics


@pytest.mark.parametrize("successes, n", [(0, 10), (10, 10), (1, 3), (169, 200), (7, 140), (100, 200)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_wilson_interval_is_scipys(successes, n, confidence):
    expected = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert statistics.wilson_interval(successes, n, confidence) == pytest.approx(tuple(expected), abs=1e-12)


@pytest.mark.parametrize("successes, n", [(3, 2), (-1, 5), (0, 0)])
def test_wilson_interval_refuses_what_is_no_proportion(successes, n):
    with pytest.raises(ValueError, match=f"{successes} of {n}"):
        statistics.wilson_interval(successes, n)


@pytest.mark.parametrize("distance", [0.5, 1.5, 3.0])
def test_auc_interval_holds_the_true_area_19_times_in_20(distance):
    truth, positive = stats.norm.cdf(distance / np.sqrt(2)), np.arange(200) % 2 == 1
    scores = np.random.default_rng(2).normal(distance * positive, 1.0, (300, 200))
    intervals = [statistics.auc_interval(positive, row) for row in scores]
    assert 0.92 <= np.mean([i.low <= truth <= i.high for i in intervals]) <= 0.99


def test_auc_interval_keeps_its_width_when_classes_separate():
    answers = np.arange(140) % 2
    area = statistics.auc_interval(answers == 1, answers)
    assert area.value == area.high == 1.0 and 0.94 < area.low < 0.99
    assert statistics.auc_interval(answers == 0, answers)[:2] == (0.0, 0.0)
    assert statistics.auc_interval(answers == 1, np.full(140, 0.5)).value == 0.5, "ties count one half"
    with pytest.raises(ValueError, match="0 positive and 5 negative"):
        statistics.auc_interval(np.zeros(5), np.arange(5))


def test_the_mean_area_of_several_classes_is_scikit_learns_and_its_interval_the_bootstraps():
    rng = np.random.default_rng(4)
    y = np.arange(400) % 4
    scores = rng.gamma(1.0, size=(400, 4)) + 0.8 * (np.arange(4) == y[:, None])
    scores /= scores.sum(axis=1, keepdims=True)
    area = statistics.mean_auc_interval(y, scores)
    assert area.value == pytest.approx(sk.roc_auc_score(y, scores, multi_class="ovr"))
    groups = [np.flatnonzero(y == label) for label in range(4)]
    drawn = []
    for _ in range(300):
        at = np.concatenate([rng.choice(group, len(group)) for group in groups])
        drawn.append(sk.roc_auc_score(y[at], scores[at], multi_class="ovr"))
    assert (area.high - area.low) / 3.92 == pytest.approx(np.std(drawn), rel=0.2)


@pytest.mark.parametrize("classes", [2, 4])
def test_an_areas_pseudovalues_are_those_of_leaving_every_image_out(classes):
    rng = np.random.default_rng(7)
    y = np.arange(60) % classes
    scores = rng.dirichlet(np.ones(classes), 60).round(1) + 0.3 * np.eye(classes)[y]

    def area(own):
        if classes == 2:
            return sk.roc_auc_score(y[own], scores[own, 1])
        return np.mean([sk.roc_auc_score(y[own] == k, scores[own, k]) for k in range(classes)])

    everything = np.arange(60)
    expected = [60 * area(everything) - 59 * area(np.delete(everything, i)) for i in everything]
    values = statistics.auc_by_image(y, scores)
    assert values == pytest.approx(expected) and values.mean() == pytest.approx(area(everything))


def test_the_mean_area_of_classes_that_separate_keeps_its_width():
    y = np.arange(90) % 3
    area = statistics.mean_auc_interval(y, np.eye(3)[y])
    assert area.value == area.high == 1.0 and 0.8 < area.low < 0.99
    useless = statistics.mean_auc_interval(y, np.zeros((90, 3)))
    assert useless.low < 0.45 < useless.value == 0.5 < 0.55 < useless.high


def test_bootstrap_interval_agrees_with_scipys_and_repeats_itself():
    values = np.random.default_rng(3).exponential(size=150)
    ours = statistics.bootstrap_mean(values)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=1).confidence_interval
    assert ours[1:] == pytest.approx(tuple(theirs), abs=0.02)
    assert ours == statistics.bootstrap_mean(values)


@pytest.mark.parametrize("unit", [1.0, statistics.GUESS])
def test_the_interval_of_equal_values_knows_how_many_there_are(unit):
    """All images right, or all losses 0.208: a few hundred images are not all that there are."""
    few, many = (statistics.bootstrap_mean(np.full(n, 0.208), unit) for n in (50, 5000))
    assert (few.value, many.value) == pytest.approx((0.208, 0.208))
    assert few.high - few.low == pytest.approx(2 * 1.959964 * unit / 52, rel=1e-6)
    assert 0 < many.high - many.low < 0.02 * (few.high - few.low)


def test_cross_entropy_is_scikit_learns_and_finite():
    rng = np.random.default_rng(5)
    p, y = rng.uniform(0.01, 0.99, (60, 1)), rng.integers(0, 2, 60)
    assert statistics.cross_entropy(p, y).mean() == pytest.approx(sk.log_loss(y, p[:, 0]))
    q = rng.dirichlet(np.ones(3), 60)
    y = np.arange(60) % 3
    assert statistics.cross_entropy(q, y).mean() == pytest.approx(sk.log_loss(y, q))
    assert statistics.cross_entropy(np.array([q, q]), y).shape == (2, 60)
    sure = statistics.cross_entropy(np.array([[1.0], [0.0]]), np.array([0, 1]))
    assert sure == pytest.approx([-np.log(1e-7)] * 2)


@pytest.mark.parametrize(
    "p, adjusted",
    [((0.011, 0.6, 0.02, 0.005), (0.033, 0.6, 0.04, 0.02)), ((), ()), ((0.03,), (0.03,)), ((0.9, 0.8), (1.0, 1.0))],
)
def test_holm_is_that_of_its_definition_and_keeps_the_names(p, adjusted):
    """The k-th smallest of m, times m - k + 1, never below a smaller one, at most 1."""
    found = statistics.holm(dict(zip("abcd", p, strict=False)))
    assert found == pytest.approx(dict(zip("abcd", adjusted, strict=False))) and list(found) == [*"abcd"][: len(p)]


def test_holm_finds_something_in_one_of_twenty_families_at_most():
    rng = np.random.default_rng(6)
    found = [min(statistics.holm(dict(enumerate(row))).values()) < 0.05 for row in rng.uniform(size=(2000, 6))]
    assert 0.035 < np.mean(found) < 0.065


@pytest.mark.parametrize(
    "numbers, shown",
    [
        ((0.845, 0.7884, 0.8886), "0.845 [0.788, 0.889]"),
        ((-0.0001, -0.05, 0.0), "0.000 [-0.050, 0.000]"),  # no negative zero
        ((-0.038, -0.075, -0.0004), "-0.038 [-0.075, -0.0004]"),  # it excludes 0
        ((0.044, 0.0003, 0.09), "0.044 [0.0003, 0.090]"),
    ],
)
def test_an_estimate_reads_as_value_and_interval(numbers, shown):
    assert str(statistics.Estimate(*numbers)) == shown


def test_points_have_no_negative_zero_and_small_p_values_no_digits():
    assert [statistics.points(x) for x in (-0.0001, 0.035, -0.1)] == ["+0.0", "+3.5", "-10.0"]
    assert statistics.in_points(statistics.Estimate(0.035, 0.005, 0.065)) == "+3.5 [+0.5, +6.5]"
    assert [statistics.p_words(p) for p in (0.0312, 0.0001)] == ["p = 0.031", "p < 0.001"]
