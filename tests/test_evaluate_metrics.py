"""Metrics of one run, against scipy and scikit-learn where they do the same."""

import numpy as np
import pytest
import sklearn.metrics as sk
from evaluate_helpers import CLASS_NAMES, make_run, run_from_predictions
from sklearn.calibration import calibration_curve

from labutils import evaluate
from labutils.config import RunConfig
from labutils.evaluate import metrics
from labutils.statistics import SMALLEST_PROBABILITY

SKIN = RunConfig(dataset="skin", model="lenet", learning_rate=1e-4, epochs=3)
X_RAY = RunConfig(dataset="x_ray", model="lenet", learning_rate=1e-4, epochs=2)


@pytest.fixture
def skin():
    rng, y_val = np.random.default_rng(0), np.arange(120) % 2
    return run_from_predictions(SKIN, np.clip(rng.normal(0.35 + 0.3 * y_val, 0.2, (3, 120)), 0, 1)[..., None], y_val)


@pytest.fixture
def x_ray():
    rng, y_val = np.random.default_rng(1), np.arange(180) % 9
    raw = rng.gamma(0.5, size=(2, 180, 9)) + 1.5 * (np.arange(9) == y_val[:, None])
    return run_from_predictions(X_RAY, raw / raw.sum(axis=2, keepdims=True), y_val)


def test_accuracy_agrees_with_the_stored_history_at_every_epoch(skin, x_ray):
    for run in (skin, x_ray):
        assert [metrics.accuracy(run, k).value for k in range(run.epochs)] == run.history["val_accuracy"].tolist()
        assert metrics.accuracy(run).value == run.history["val_accuracy"].max()


def test_a_prediction_of_one_half_is_label_0_and_no_yes():
    run = run_from_predictions(SKIN, [[[0.5], [0.5]]], [0, 1])
    assert metrics.predicted_labels(run).tolist() == [0, 0]
    undecided_and_wrong = run_from_predictions(X_RAY, [[[0, 0.5, 0.5, 0, 0, 0, 0, 0, 0]]], [0])
    assert metrics.elementwise_accuracy(undecided_and_wrong) == pytest.approx(8 / 9)


def test_confusion_matrix_keeps_a_class_that_no_image_shows(x_ray):
    run = run_from_predictions(X_RAY, np.eye(9)[None, [0, 1]], [0, 2])
    assert metrics.confusion_matrix(run).shape == (9, 9) and metrics.confusion_matrix(run)[2, 1] == 1
    assert list(metrics.class_recall(run)) == list(metrics.auc(run)) == ["C1", "C3"]
    table = evaluate.class_table(run)
    assert table.loc["C2"].to_dict() == {"images": 0, "recall [95 % interval]": "-", "AUC [95 % interval]": "-"}
    expected = sk.confusion_matrix(x_ray.y_val, metrics.predicted_labels(x_ray, 0))
    assert np.array_equal(metrics.confusion_matrix(x_ray, 0), expected)


def test_elementwise_accuracy_counts_one_hot_columns(x_ray):
    no_nine_times = run_from_predictions(X_RAY, np.full((1, 18, 9), 1 / 9), np.arange(18) % 9)
    assert metrics.elementwise_accuracy(no_nine_times) == pytest.approx(8 / 9)
    assert metrics.accuracy(no_nine_times).value == pytest.approx(1 / 9)
    yes = x_ray.val_predictions.astype(float) > 0.5
    expected = [sk.accuracy_score(np.eye(9)[x_ray.y_val].ravel(), epoch.ravel()) for epoch in yes]
    assert [metrics.elementwise_accuracy(x_ray, epoch) for epoch in range(x_ray.epochs)] == pytest.approx(expected)
    assert metrics.highest_elementwise(x_ray) == pytest.approx(max(expected))


def test_auc_of_every_class_is_sklearns(skin, x_ray):
    assert list(metrics.auc(skin)) == ["Nev"]
    areas = metrics.auc(x_ray, 0)
    assert list(areas) == list(CLASS_NAMES["x_ray"])
    scores = x_ray.val_predictions[0]
    expected = [sk.roc_auc_score(x_ray.y_val == label, scores[:, label]) for label in range(9)]
    assert [area.value for area in areas.values()] == pytest.approx(expected)


def test_losses_and_brier_scores_are_those_of_the_truth(skin, x_ray):
    p, q = skin.val_predictions[0, :, 0].astype(float), x_ray.val_predictions[0].astype(float)
    low, high = SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY
    assert metrics.image_losses(skin, 0).mean() == pytest.approx(sk.log_loss(skin.y_val, np.clip(p, low, high)))
    assert metrics.image_losses(x_ray, 0) == pytest.approx(-np.log(np.clip(q[range(180), x_ray.y_val], low, high)))
    assert metrics.brier_score(x_ray, 0) == pytest.approx(np.mean(np.sum((q - np.eye(9)[x_ray.y_val]) ** 2, axis=1)))


def test_reliability_curve_is_sklearns_and_of_many_classes_judges_the_chosen_one(skin):
    curve = metrics.reliability_curve(skin, 0, bins=8)
    observed, predicted = calibration_curve(skin.y_val, skin.val_predictions[0, :, 0].astype(float), n_bins=8)
    assert [b.observed.value for b in curve] == pytest.approx(observed)
    assert [b.predicted for b in curve] == pytest.approx(predicted)
    assert sum(b.images for b in curve) == 120 and all(b.low <= b.predicted <= b.high for b in curve)
    (only,) = metrics.reliability_curve(make_run(X_RAY, wrong=36, confidence=0.8, n=180))
    # Wrong images put 0.8 on a wrong class: predicted 0.8 everywhere, right in 144 of 180.
    assert (only.images, only.predicted, only.observed.value) == pytest.approx((180, 0.8, 0.8), abs=1e-3)
