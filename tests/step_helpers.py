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
    """The loss in training mode, then its gradient for every trainable variable.

    Biases before batch normalization are left out: it takes away what they add, so their gradient is 0, and what is
    computed instead is rounding.
    """
    x, y = batch()
    loss = keras.losses.BinaryCrossentropy()
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
    elif keras.backend.backend() == "jax":
        import jax

        fixed = [v.value for v in model.non_trainable_variables]

        def of_weights(weights: list) -> jax.Array:
            return loss(y, model.stateless_call(weights, fixed, x, training=True)[0])

        value, gradients = jax.jit(jax.value_and_grad(of_weights))([v.value for v in model.trainable_variables])
    else:
        value = loss(y, model(x, training=True))
        value.backward()
        gradients = [v.value.grad for v in model.trainable_variables]
    normalized = any("_norm" in v.path for v in model.trainable_variables)
    kept = [
        gradient
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True)
        if not (normalized and "_conv" in variable.path and variable.path.endswith("bias"))
    ]
    return [keras.ops.convert_to_numpy(v) for v in (value, *kept)]


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
        if keras.backend.backend() != "tensorflow":  # that it trains there is what every other test shows
            model.compile("adam", "binary_crossentropy")
            history = model.fit(*batch(), batch_size=4, epochs=2, verbose=0).history
            assert np.isfinite(history["loss"]).all()
    np.savez(sys.argv[1], **steps)
