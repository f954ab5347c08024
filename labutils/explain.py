"""Grad-CAM: where in an image the evidence for a class lies, as far as the last convolution can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from labutils.data.dataset import in_turn
from labutils.evaluate.metrics import class_probabilities
from labutils.runs.run import Run

if TYPE_CHECKING:
    import keras

WARNING = (
    "A heat map shows where the last convolution found evidence for a class, coarsely: VGG16 in squares of 16x16 "
    "pixels, AlexNet in squares of 4x4. An empty map means that no region spoke for the class, not that nothing did. "
    "It does not show why the network decided, whether the reason is a medical one, or that another region would not "
    "have done as well; a sensible map on a few images is no proof that the network is right on the next one."
)
"""What a reader must know before believing a heat map; it belongs beside every Grad-CAM figure."""

BATCH = 32


def gradcam(model: keras.Model, images: np.ndarray, class_index: int | np.ndarray | None = None) -> np.ndarray:
    """Heat maps of the evidence for a class, one for each image (Selvaraju et al. 2017).

    The feature maps of the last convolution (after its ReLU) are added up, each weighted by the mean gradient of the
    class's score with respect to it; what counts against the class is cut off. The score is the one before sigmoid
    or softmax; for a network with one output, class 0's score is the negative of class 1's.

    Of images (n, h, w, c) in [0, 1] they are (n, h, w) float32 in [0, 1], 1 at the hottest place of each image; 0
    everywhere if nothing speaks for the class. The model ends in one dense layer on top of convolutions (else a
    ValueError). `class_index` is the label to explain, for all images or (n,) one for each; None is the model's answer.
    """
    from scipy.ndimage import zoom

    images = np.asarray(images, dtype=np.float32)
    features_of, head, kernel, bias = _split(model)
    wanted = None if class_index is None else np.broadcast_to(np.asarray(class_index), len(images))
    if wanted is not None and not ((wanted >= 0) & (wanted < len(bias))).all():
        raise ValueError(f"class_index is {class_index}: the model knows the classes 0 to {len(bias) - 1}.")
    heat = np.zeros(images.shape[:3], dtype=np.float32)
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        features = _to_numpy(features_of(images[part], training=False))
        scores = _to_numpy(head(features, training=False)) @ kernel + bias
        labels = scores.argmax(axis=1) if wanted is None else wanted[part]
        importance = _gradient(head, features, kernel.T[labels]).mean(axis=(1, 2), keepdims=True)
        evidence = np.maximum((importance * features).sum(axis=-1), 0)
        factors = np.divide(images.shape[1:3], evidence.shape[1:])
        # grid_mode: a cell of the feature map covers its own patch of the image, the outermost ones too.
        large = zoom(evidence, (1, *factors), order=1, mode="nearest", grid_mode=True)
        hottest = large.max(axis=(1, 2), keepdims=True)
        heat[part] = np.divide(large, hottest, out=np.zeros_like(large), where=hottest > 0)
    return np.clip(heat, 0, 1)


def telling_images(run: Run, n: int = 4, epoch: int | None = None) -> np.ndarray:
    """Validation images worth explaining: indices of `n` that the run is surest of at an epoch (index; None is the
    best), half of them right, one class after the other, then half of them wrong; fewer if it makes fewer mistakes."""
    probabilities = class_probabilities(run, epoch)
    answers, sureness = probabilities.argmax(axis=1), probabilities.max(axis=1)
    by_sureness = np.argsort(-sureness, kind="stable")
    right = (answers == run.y_val)[by_sureness]
    chosen = []
    for order in (by_sureness[right], by_sureness[~right]):
        labels = run.y_val[order]
        places = np.lexsort((labels, in_turn(labels)))[: n // 2]
        chosen.append(order[places[np.lexsort((places, labels[places]))]])
    return np.concatenate(chosen).astype(np.int64)


def _split(model: keras.Model) -> tuple[keras.Model, keras.Model, np.ndarray, np.ndarray]:
    """The model up to the last convolution's activation, from there to the last hidden layer; each class's weights."""
    import keras

    layers = model.layers
    convolutions = [i for i, layer in enumerate(layers) if isinstance(layer, keras.layers.Conv2D)]
    if not convolutions:
        raise ValueError(f"{model.name} has no convolution (Conv2D): Grad-CAM has no feature map to look at.")
    last = convolutions[-1]
    after = layers[last + 1 :]
    # In our networks the ReLU is a layer of its own, after batch normalization where there is one.
    activation = next((layer for layer in after if isinstance(layer, keras.layers.ReLU)), layers[last])
    output = layers[-1]
    if not isinstance(output, keras.layers.Dense):
        raise ValueError(f"{model.name} ends in {output.name}: Grad-CAM here needs a dense layer as the output.")
    features_of = keras.Model(model.inputs[0], activation.output)
    head = keras.Model(activation.output, output.input)
    kernel, bias = (_to_numpy(weights) for weights in (output.kernel, output.bias))
    if len(bias) == 1:  # one output speaks for class 1, and its negative for class 0
        kernel, bias = np.hstack([-kernel, kernel]), np.hstack([-bias, bias])
    return features_of, head, kernel, bias


def _to_numpy(tensor: Any) -> np.ndarray:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor))


def _gradient(head: keras.Model, features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Gradient of `head(features) * weights`, summed: images do not mix, so it holds each one's; (n, h, w, filters)."""
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        variable = tf.constant(features)
        with tf.GradientTape() as tape:
            tape.watch(variable)
            score = tf.reduce_sum(head(variable, training=False) * weights)
        return tape.gradient(score, variable).numpy()
    if backend == "jax":
        import jax

        gradient = jax.grad(lambda x: (head(x, training=False) * weights).sum())
        return np.asarray(gradient(features))
    variable = keras.ops.convert_to_tensor(features).detach().requires_grad_(True)
    score = (head(variable, training=False) * keras.ops.convert_to_tensor(weights)).sum()
    score.backward()
    return _to_numpy(variable.grad)
