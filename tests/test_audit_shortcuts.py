"""Shortcut scores against scikit-learn, and their intervals against the bootstrap."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from labutils.audit.shortcuts import Score, score_features, score_probabilities


def make_scores(n, n_classes, seed=0):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    logits = rng.normal(0, 1, (n, n_classes))
    logits[np.arange(n), y] += 0.8
    p = np.exp(logits)
    return y, np.round(p / p.sum(axis=1, keepdims=True), 3)


@pytest.mark.parametrize("n_classes", [2, 4, 9])
def test_auc_is_that_of_scikit_learn(n_classes):
    y, p = make_scores(300, n_classes)
    if n_classes == 2:
        p[:, 0] = 1 - p[:, 1]
        expected = roc_auc_score(y, p[:, 1])
    else:
        expected = np.mean([roc_auc_score(y == c, p[:, c]) for c in range(n_classes)])
    assert score_probabilities(y, p).auc == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_interval_is_that_of_the_bootstrap(n_classes):
    y, p = make_scores(400, n_classes, seed=3)
    score = score_probabilities(y, p)
    rng = np.random.default_rng(0)
    groups = [np.flatnonzero(y == c) for c in range(n_classes)]
    drawn = []
    for _ in range(300):
        at = np.concatenate([rng.choice(group, len(group)) for group in groups])
        drawn.append(score_probabilities(y[at], p[at]).auc)
    assert (score.high - score.low) / 3.92 == pytest.approx(np.std(drawn), rel=0.2)


def test_score_of_a_perfect_and_of_a_useless_feature():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 100)
    assert score_features(y[:, None] * 2.0, y, y[:, None] * 2.0, y).auc == 1
    useless = score_features(rng.normal(size=(200, 1)), y, rng.normal(size=(200, 1)), y)
    assert useless.low < 0.5 < useless.high
    nothing = score_features(np.ones((200, 2)), y, np.ones((200, 2)), y)
    assert nothing.low < 0.45 < nothing.auc == 0.5 < 0.55 < nothing.high


def test_a_perfect_score_keeps_an_interval():
    y = np.repeat([0, 1], 100)
    assert 0.95 < score_features(y[:, None] * 2.0, y, y[:, None] * 2.0, y).low < 0.999


def test_weak_pattern_in_many_pixels_is_found():
    rng = np.random.default_rng(1)
    y_train, y_val = np.repeat([0, 1], 200), np.repeat([0, 1], 100)
    pattern = rng.normal(0, 0.15, 256)
    x_train, x_val = (rng.normal(size=(len(y), 256)) + np.outer(y, pattern) for y in (y_train, y_val))
    assert score_features(x_train, y_train, x_val, y_val).low > 0.7


def test_no_score_without_every_class():
    y = np.array([0, 1, 0, 1])
    x = np.arange(4.0)[:, None]
    assert score_features(x, y, x[:2], np.array([0, 0])) is None
    assert score_features(x, np.zeros(4, int), x, y) is None


def test_score_in_words():
    assert str(Score(0.6543, 0.6, 0.70)) == "AUC 0.65 (95 % interval 0.60 to 0.70)"
