"""Pooling and the training step give what plain Keras gives, on every backend and with either set of CPU kernels."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from step_helpers import NETWORKS, assert_same, loss_and_gradients, network, plain_twin

from labutils import layers

HELPERS = Path(__file__).with_name("step_helpers.py")


def values_and_gradient(function, x):
    tf = pytest.importorskip("tensorflow")
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
        # A different weight for every output, so that gradients in wrong places show.
        total = tf.reduce_sum(y * tf.reshape(tf.range(1, tf.size(y) + 1, dtype="float32"), tf.shape(y)))
    return np.asarray(y), np.asarray(tape.gradient(total, x))


def steps_in_a_process(file, **environment):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run([sys.executable, str(HELPERS), str(file)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(file) as steps:
        return {name: [steps[key] for key in sorted(steps.files) if key.startswith(name)] for name in NETWORKS}


@pytest.mark.parametrize("shape", [(2, 8, 6, 3), (1, 7, 9, 2), (3, 5, 4, 1)])
def test_windows_are_pooled_as_keras_does(shape):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    values, gradient = values_and_gradient(lambda x: layers.max_of_windows(x, (2, 2)), x)
    plain_values, plain_gradient = values_and_gradient(keras.layers.MaxPooling2D(2), x)
    np.testing.assert_array_equal(values, plain_values)
    np.testing.assert_array_equal(gradient, plain_gradient)


def test_tied_values_share_the_gradient():
    _, gradient = values_and_gradient(lambda x: layers.max_of_windows(x, (2, 2)), np.ones((1, 2, 2, 1), "float32"))
    np.testing.assert_array_equal(gradient, np.full((1, 2, 2, 1), 0.25, "float32"))


def test_layer_survives_its_configuration():
    layer = layers.MaxPooling2D(3, name="block1_pool")
    again = layers.MaxPooling2D.from_config(layer.get_config())
    assert (again.pool_size, again.strides, again.padding, again.name) == ((3, 3), (3, 3), "valid", "block1_pool")


@pytest.mark.parametrize("name", NETWORKS)
def test_pooling_by_windows_trains_as_the_plain_network(name, monkeypatch):
    plain = loss_and_gradients(plain_twin(network(name)))
    monkeypatch.setattr(layers, "backend", lambda: "jax")
    assert_same(loss_and_gradients(network(name)), plain)


def test_a_wrong_pooling_would_be_noticed(monkeypatch):
    model = network("lenet")
    plain = loss_and_gradients(plain_twin(model))
    monkeypatch.setattr(layers.MaxPooling2D, "call", lambda self, x: keras.ops.average_pool(x, 2, 2))
    with pytest.raises(AssertionError):
        assert_same(loss_and_gradients(model), plain)


def test_both_kernel_sets_of_tensorflow_give_the_same_step(tmp_path):
    pytest.importorskip("tensorflow")
    ours = {name: loss_and_gradients(network(name)) for name in NETWORKS}  # with oneDNN, as all tests
    plain = steps_in_a_process(tmp_path / "eigen.npz", TF_ENABLE_ONEDNN_OPTS="0")
    for name in NETWORKS:
        assert_same(ours[name], plain[name])


@pytest.mark.backend
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_train_every_network_as_plain_keras_does(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    steps_in_a_process(tmp_path / "steps.npz", KERAS_BACKEND=backend)
