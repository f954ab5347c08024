"""Simple models: finite numbers of any image, the same scores every time, guessing where there is nothing to see."""

import numpy as np
import pytest

from labutils.audit.simple import SEEDS, SIMPLE, baselines, score_features, simple_features

SIZES = {
    "mean brightness": 1,
    "intensity": 13,
    "gradients": 9,
    "mask shape": 11,
    "band powers": 8,
    "FFT rings": 6,
    "16x16 pixels": 256,
    "HOG": 512,
}


def images(n, seed, striped):
    """Noise; where `striped`, with fine stripes of no mean brightness."""
    x = np.random.default_rng(seed).uniform(0.3, 0.7, (n, 64, 64)).astype(np.float32)
    x[striped] += 0.25 * np.where(np.arange(64) % 4 < 2, 1, -1).astype(np.float32)
    return x.clip(0, 1)


def test_kinds_and_sizes():
    x = images(3, 0, np.array([True, False, False]))
    found, colour = simple_features(x), simple_features(np.repeat(x[..., None], 3, axis=3))
    assert {kind: values.shape for kind, values in found.items()} == {kind: (3, size) for kind, size in SIZES.items()}
    assert 35 <= sum(SIZES[kind] for kind in SIMPLE) <= 45
    for kind, values in found.items():
        np.testing.assert_allclose(colour[kind], values, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
def test_constant_images_give_finite_numbers(grey):
    found = simple_features(np.full((2, 128, 128, 1), grey, np.float32))
    assert all(np.isfinite(values).all() for values in found.values())
    assert found["mean brightness"].ravel().tolist() == [grey, grey]


def test_block_means_are_those_of_the_picture():
    x = np.random.default_rng(1).random((1, 128, 128)).astype(np.float32)
    expected = x[0].reshape(16, 8, 16, 8).mean(axis=(1, 3)).ravel()
    np.testing.assert_allclose(simple_features(x)["16x16 pixels"][0], expected, rtol=1e-5)
    assert simple_features(np.zeros((1, 100, 100)))["16x16 pixels"].shape == (1, 256)


def test_texture_is_found_by_rings_and_not_by_brightness():
    y_train, y_eval = np.arange(60) % 2, np.arange(83) % 2
    x_train, x_eval = images(60, 2, y_train == 1), images(83, 3, y_eval == 1)
    x_eval[:20] = x_eval[20:40][::-1]  # of the other class: their answers are wrong
    found = {one.name: one for one in baselines(x_train, y_train, x_eval, y_eval)}
    assert len(found) == 7 and found["mean brightness, linear"].auc < 0.75
    for name in ("FFT rings, linear", "simple numbers, forest"):
        right = found[name].right.mean(axis=0)
        assert right[:20].mean() < 0.1 and right[20:].mean() > 0.9
    for one in found.values():
        assert one.right.shape == (SEEDS if one.name.endswith("forest") else 1, 83)
        assert one.right.mean() == pytest.approx(one.accuracy)
        assert one.accuracy_interval[0] <= one.accuracy <= one.accuracy_interval[1]
        assert one.auc_interval[0] <= one.auc <= one.auc_interval[1]
    assert found == {one.name: one for one in baselines(x_train, y_train, x_eval, y_eval)}


def test_three_classes_have_no_area_under_the_curve():
    y = np.arange(45) % 3
    x = images(45, 4, y == 2)
    x[y == 0] *= 0.5
    found = baselines(x, y, x, y)
    assert all(one.auc is None and one.auc_interval is None for one in found)
    assert {one.name: one for one in found}["simple numbers, forest"].accuracy > 0.9


def test_score_of_a_perfect_and_of_a_useless_feature():
    rng, y = np.random.default_rng(0), np.repeat([0, 1], 100)
    perfect = score_features(y[:, None] * 2.0, y, y[:, None] * 2.0, y)
    useless = score_features(rng.normal(size=(200, 1)), y, rng.normal(size=(200, 1)), y)
    nothing = score_features(np.ones((200, 2)), y, np.ones((200, 2)), y)
    assert perfect.value == 1 and 0.95 < perfect.low < 0.999
    assert useless.low < 0.5 < useless.high
    assert nothing.low < 0.45 < nothing.value == 0.5 < 0.55 < nothing.high
    assert score_features(y[:, None], y, y[:9, None], y[:9]) is None, "a class is missing among the others"
    assert score_features(y[:, None], 0 * y, y[:, None], y) is None


def test_weak_pattern_in_many_pixels_is_found():
    rng = np.random.default_rng(1)
    y_train, y_val = np.repeat([0, 1], 200), np.repeat([0, 1], 100)
    pattern = rng.normal(0, 0.15, 256)
    x_train, x_val = (rng.normal(size=(len(y), 256)) + np.outer(y, pattern) for y in (y_train, y_val))
    assert score_features(x_train, y_train, x_val, y_val).low > 0.7
