"""One training step on whichever backend runs: loss and gradients of a network and of its plain Keras twin.

`python step_helpers.py FILE` computes them in a process of its own, with the environment's backend and kernels.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from labutils.config import RunConfig
from labutils.layers import MaxPooling2D
from labutils.models import build_model

NETWORKS = {
    "lenet": {"dropout": 0.4},
    "alexnet": {"batch_norm": True, "spatial_dropout": 0.1},
    "vgg16": {},
}
"""A network of each kind; between them they use every option."""


def network(name: str) -> keras.Model:
    settings = {"model": name, "n_base": 4, "image_size": 50, **NETWORKS[name]}
    return build_model(RunConfig(dataset="skin", learning_rate=1e-3, epochs=1, **settings))


def plain_twin(model: keras.Model) -> keras.Model:
    """The same network with Keras's own pooling, with the same weights and the same dropped units."""

    def copy(layer: keras.Layer) -> keras.Layer:
        if isinstance(layer, MaxPooling2D):
            return keras.layers.MaxPooling2D(2, name=layer.name)
        return type(layer).from_config(layer.get_config())

    twin = keras.models.clone_model(model, clone_function=copy)
    twin.set_weights(model.get_weights())
    return twin


def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    x = rng.random((8, 50, 50, 1)).astype("float32")
    x[:, :12] = 0  # a black border, as in radiographs: whole windows of one value
    return x, rng.integers(0, 2, (8, 1)).astype("float32")


def loss_and_gradients(model: keras.Model) -> list[np.ndarray]:
    """The loss in training mode, then its gradient for every trainable variable: how far one step goes.

    Biases before batch normalization are left out: it takes away what they add, so their gradient is 0, and what is
    computed instead is rounding.
    """
    before, long = model.get_weights(), 1000.0  # steps so long that the weights' last digits do not count
    model.compile(keras.optimizers.SGD(long), "binary_crossentropy")
    loss = np.asarray(model.train_on_batch(*batch()))
    normalized = any("_norm" in v.path for v in model.trainable_variables)
    kept = [
        (old - new) / long
        for variable, old, new in zip(model.weights, before, model.get_weights(), strict=True)
        if variable.trainable and not (normalized and "_conv" in variable.path and variable.path.endswith("bias"))
    ]
    model.set_weights(before)
    return [loss, *kept]


def assert_same(ours: list[np.ndarray], other: list[np.ndarray]) -> None:
    """Loss within 1e-5, each variable's gradient within 1e-4 of its length."""
    assert abs(ours[0] - other[0]) < 1e-5
    for a, b in zip(ours[1:], other[1:], strict=True):
        assert np.linalg.norm(a - b) <= 1e-4 * np.linalg.norm(b)


if __name__ == "__main__":
    steps = {}
    for name in NETWORKS:
        model = network(name)
        ours, plain = loss_and_gradients(model), loss_and_gradients(plain_twin(model))
        assert_same(ours, plain)
        steps |= {f"{name}_{i:02d}": value for i, value in enumerate(ours)}
    np.savez(sys.argv[1], **steps)
