"""Grad-CAM finds the patch that decides, and says nothing where there is nothing."""

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from evaluate_helpers import run_from_predictions
from helpers import patience, tiny_config
from scipy.ndimage import center_of_mass

from labutils import explain
from labutils.models import build_model

PLACES = [(8, 8), (24, 10), (20, 24)]


def patches(value=1.0, channels=1):
    """Grey images of 32x32, each with a patch of 6x6 around its own place."""
    images = np.full((len(PLACES), 32, 32, channels), 0.5, dtype=np.float32)
    for image, (y, x) in zip(images, PLACES, strict=True):
        image[y - 3 : y + 3, x - 3 : x + 3] = value
    return images


def detector(outputs=1, batch_norm=False, own_activation=False):
    """A network by hand: filter 0 fires on bright patches, filter 1 on dark ones.

    One output: bright is label 1, dark label 0. Three outputs: bright is 0, dark is 1, neither is 2.
    """
    from labutils.training.backend import import_keras

    keras = import_keras()
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            layers.Conv2D(2, 3, padding="same", name="first", activation="relu" if own_activation else None),
            *([layers.BatchNormalization()] if batch_norm else []),
            *([] if own_activation else [layers.ReLU()]),
            layers.MaxPooling2D(4),
            layers.Flatten(),
            layers.Dense(2, activation="relu", name="hidden"),
            layers.Dense(outputs, activation="sigmoid" if outputs == 1 else "softmax", name="output"),
        ]
    )
    kernel = np.zeros((3, 3, 1, 2))
    kernel[1, 1, 0] = 1, -1
    output = [[3.0], [-3.0]] if outputs == 1 else [[3.0, 0, 0], [0, 3.0, 0]]
    bias = [0.0] if outputs == 1 else [0, 0, 0.5]
    model.get_layer("first").set_weights([kernel, np.array([-0.6, 0.4])])
    model.get_layer("hidden").set_weights([np.tile(np.eye(2), (64, 1)), np.zeros(2)])
    model.get_layer("output").set_weights([np.array(output), np.array(bias)])
    return model


def assert_heat_on_the_patches(heat):
    assert heat.shape == (3, 32, 32) and heat.dtype == np.float32
    assert np.allclose(heat.max(axis=(1, 2)), 1) and heat.min() >= 0
    for one, place in zip(heat, PLACES, strict=True):
        assert np.hypot(*np.subtract(center_of_mass(one), np.subtract(place, 0.5))) < 0.6
        y, x = np.indices(one.shape)
        inside = (abs(y - place[0] + 0.5) < 5) & (abs(x - place[1] + 0.5) < 5)
        assert one[inside].sum() > 0.95 * one.sum()


@pytest.mark.parametrize("options", [{}, {"batch_norm": True}, {"own_activation": True}])
def test_heat_falls_on_the_planted_patch(options):
    assert_heat_on_the_patches(explain.gradcam(detector(**options), patches()))


def test_one_output_explains_both_classes():
    model = detector()
    assert_heat_on_the_patches(explain.gradcam(model, patches(0.0)))  # the answer is label 0: the dark patch
    assert_heat_on_the_patches(explain.gradcam(model, patches(0.0), class_index=0))
    assert not explain.gradcam(model, patches(0.0), class_index=1).any()
    mixed = np.concatenate([patches(1.0)[:1], patches(0.0)[1:]])
    assert_heat_on_the_patches(explain.gradcam(model, mixed, class_index=np.array([1, 0, 0])))


def test_several_outputs_explain_the_class_that_is_asked_for():
    model = detector(outputs=3)
    both = patches()
    both[:, :4, 28:] = 0.0  # a small dark corner: evidence for class 1 in every image
    assert_heat_on_the_patches(explain.gradcam(model, patches()))
    corner = explain.gradcam(model, both, class_index=1)
    assert corner[:, :6, 26:].max() == 1 and not corner[:, 12:].any()


def test_an_image_is_explained_alike_in_any_batch(monkeypatch):
    images = np.concatenate([patches(), patches(0.0)])
    together = explain.gradcam(detector(), images)
    monkeypatch.setattr(explain, "BATCH", 2)
    assert np.allclose(explain.gradcam(detector(), images), together, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("lenet", {}),
        ("alexnet", {"batch_norm": True, "spatial_dropout": 0.1, "dropout": 0.4}),
        ("vgg16", {"dropout": 0.2}),
    ],
)
def test_the_labs_networks_are_explained_whatever_their_options(model, options):
    images = np.random.default_rng(0).uniform(0, 1, (2, 48, 48, 1)).astype(np.float32)
    heat = explain.gradcam(build_model(tiny_config(model=model, n_base=4, image_size=48, **options)), images)
    assert heat.shape == (2, 48, 48) and heat.min() >= 0 and heat.max() <= 1


def test_what_cannot_be_explained_is_refused():
    keras = pytest.importorskip("keras")
    flat = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="has no convolution"):
        explain.gradcam(flat, np.zeros((1, 8, 8, 1)))
    with pytest.raises(ValueError, match="class_index is 2: the model knows the classes 0 to 1"):
        explain.gradcam(detector(), patches(), class_index=2)


def test_telling_images_are_the_surest_right_and_wrong_ones_of_every_class():
    p = np.array([0.1, 0.2, 0.7, 0.99, 0.6, 0.9, 0.4, 0.05])[None, :, None]
    run = run_from_predictions(tiny_config(epochs=1), p, np.repeat([0, 1], 4))
    assert explain.telling_images(run, 4).tolist() == [0, 5, 3, 7]
    assert explain.telling_images(run, 6).tolist() == [0, 1, 5, 3, 2, 7]
    assert explain.telling_images(run, 100).tolist() == [0, 1, 5, 4, 3, 2, 7, 6]


@pytest.mark.backend
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_give_the_same_heat(backend, tmp_path):
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "import numpy as np, test_explain as t\n"
        "heat = t.explain.gradcam(t.detector(outputs=3), t.patches())\n"
        "t.assert_heat_on_the_patches(heat); np.save(sys.argv[1], heat)\n"
    )
    file = tmp_path / "heat.npy"
    environment = os.environ | {"KERAS_BACKEND": backend}
    subprocess.run([sys.executable, "-c", code, str(file)], check=True, env=environment, timeout=patience(30))
    assert np.allclose(np.load(file), explain.gradcam(detector(outputs=3), patches()), atol=1e-5)
