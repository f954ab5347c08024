"""Simple models: finite numbers of any image, the same scores every time, guessing where there is nothing to see."""

import dataclasses

import numpy as np
import pytest
from helpers import tiny_dataset

from labutils.audit import simple
from labutils.audit.simple import SIMPLE, baselines, simple_features

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
    found = simple_features(x)
    assert {kind: values.shape for kind, values in found.items()} == {kind: (3, size) for kind, size in SIZES.items()}
    assert 35 <= sum(SIZES[kind] for kind in SIMPLE) <= 45
    colour = simple_features(np.repeat(x[..., None], 3, axis=3))
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
    y_train, y_eval = np.arange(60) % 2, np.arange(80) % 2
    x_train, x_eval = images(60, 2, y_train == 1), images(80, 3, y_eval == 1)
    found = {one.name: one for one in baselines(x_train, y_train, x_eval, y_eval)}
    assert len(found) == 6
    assert found["FFT rings, linear"].accuracy > 0.95
    assert found["simple numbers, forest"].accuracy > 0.95
    assert found["mean brightness, linear"].auc < 0.75
    for one in found.values():
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


def test_baselines_are_measured_once_and_stand_beside_the_largest_class(tmp_path, monkeypatch):
    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path))
    data = tiny_dataset(n_train=40, n_val=20)
    table = simple.baseline_table(data)
    assert table.index[0] == "always the largest class" and table["accuracy"].iloc[0] == "0.500"
    assert "simple numbers, forest" in table.index and not any("ceiling" in row for row in table.index)
    monkeypatch.setattr(simple, "baselines", lambda *_: pytest.fail("measured again"))
    assert simple.baseline_table(data).equals(table)
    row = simple.beside(data)
    (name,) = row
    assert name.startswith("no network: simple numbers, ") and row[name] in set(table["accuracy"])
    assert list(simple.beside(data, data)) == [f"{data.title}, {name}"]


def test_the_ceiling_of_phantoms_stands_beside_simple_models(tmp_path, monkeypatch):
    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path))
    (tmp_path / "baselines").touch()  # in its place no folder can be made
    (tmp_path / "phantoms.json").write_text('{"ceiling": 0.9377}')
    phantoms = dataclasses.replace(tiny_dataset(n_train=40), source="phantom", root=tmp_path)
    assert simple.beside(phantoms)[simple.CEILING] == "0.938 (on the exam)"
    assert simple.baseline_table(phantoms).loc[simple.CEILING, "accuracy"] == "0.938"
