"""The three networks of the lab: data, which `build_model` turns into a Keras model and `describe` into counts."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labutils.config import DENSE_UNITS, RunConfig
from labutils.statistics import outputs_of

if TYPE_CHECKING:
    import keras

KERNEL = 3  # side of every convolution's window, in pixels (stride 1, same padding)
POOL = 2  # side and stride of every max-pooling window, in pixels


@dataclass(frozen=True)
class Architecture:
    """The convolutional part of a network: filters of its `blocks`, as multiples of `n_base`, and their convolutions.

    `pools` are the blocks, counted from 1, that end with max-pooling.
    """

    blocks: tuple[tuple[int, int], ...]
    pools: tuple[int, ...]


ARCHITECTURES: dict[str, Architecture] = {
    # LeCun et al. (1998), Gradient-based learning applied to document recognition; with ReLU, max-pooling, 3x3 windows
    "lenet": Architecture(((1, 1), (2, 1)), pools=(1, 2)),
    # Krizhevsky et al. (2012), ImageNet classification with deep convolutional neural networks; with 3x3 windows
    "alexnet": Architecture(((1, 1), (2, 1), (4, 1), (4, 1), (2, 1)), pools=(1, 2, 5)),
    # Simonyan and Zisserman (2014), Very deep convolutional networks for large-scale image recognition
    "vgg16": Architecture(((1, 2), (2, 2), (4, 3), (8, 3), (8, 3)), pools=(1, 2, 3, 4, 5)),
}


def build_model(config: RunConfig, n_classes: int = 2) -> keras.Model:
    """The network that a run trains, with its initial weights, not compiled; see `network`."""
    shape = (config.image_size, config.image_size, config.channels)
    options = {name: getattr(config, name) for name in ("n_base", "dropout", "batch_norm", "spatial_dropout", "seed")}
    return network(config.model, shape, n_classes=n_classes, dense=config.hidden, **options)


def network(
    name: str,
    input_shape: tuple[int, int, int] = (128, 128, 1),
    n_base: int = 8,
    n_classes: int = 2,
    dense: tuple[int, ...] | None = None,
    dropout: float = 0.0,
    batch_norm: bool = False,
    spatial_dropout: float = 0.0,
    seed: int = 0,
) -> keras.Model:
    """One of the `ARCHITECTURES` as a Keras model: blocks of convolutions, then the dense part.

    Parameters
    ----------
    name : {"lenet", "alexnet", "vgg16"}
    input_shape : (int, int, int)
        Height, width (pixels) and channels of an image; values are expected in [0, 1]. A ValueError says that it is too
        small to be halved by every max-pooling.
    n_base : int
        Filters of the first block, from 1; the others are multiples of it.
    n_classes : int
        Two classes give one sigmoid output (the probability of label 1), more give one softmax output each.
    dense : tuple of int, optional
        Units of each hidden dense layer; `config.DENSE_UNITS` unless given.
    dropout, spatial_dropout : float
        Rates in [0, 1) at which outputs of every hidden dense layer are dropped (Srivastava et al., 2014), and whole
        feature maps after every ReLU (Tompson et al., 2015). 0: no such layer.
    batch_norm : bool
        Batch normalization between every convolution and its ReLU (Ioffe and Szegedy, 2015).
    seed : int
        Decides initial weights and dropped units. A layer's weights do not depend on whether normalization or dropout
        stand beside it: runs that are compared with each other start alike.
    """
    import keras
    from keras import layers

    from labutils.layers import MaxPooling2D

    architecture = ARCHITECTURES[name]
    smallest = POOL ** len(architecture.pools)
    if min(input_shape[:2]) < smallest:
        raise ValueError(
            f"{name} halves the image {len(architecture.pools)} times: "
            f"{input_shape[0]}x{input_shape[1]} pixels are too few, give at least {smallest}x{smallest}."
        )

    def weights(layer: str) -> keras.Initializer:
        return keras.initializers.GlorotUniform(_layer_seed(seed, layer))

    image = x = keras.Input(input_shape, name="image")
    for number, (multiple, repeats) in enumerate(architecture.blocks, start=1):
        block = f"block{number}"
        for i in range(1, repeats + 1):
            conv = f"{block}_conv{i}"
            x = layers.Conv2D(multiple * n_base, KERNEL, padding="same", kernel_initializer=weights(conv), name=conv)(x)
            if batch_norm:
                x = layers.BatchNormalization(name=f"{block}_norm{i}")(x)
            x = layers.ReLU(name=f"{block}_relu{i}")(x)
            if spatial_dropout:
                drop = f"{block}_drop{i}"
                x = layers.SpatialDropout2D(spatial_dropout, seed=_layer_seed(seed, drop), name=drop)(x)
        if number in architecture.pools:
            x = MaxPooling2D(POOL, name=f"{block}_pool")(x)
    x = layers.Flatten(name="flatten")(x)
    for i, units in enumerate(dense or DENSE_UNITS[name], start=1):
        hidden, drop = f"dense{i}", f"dense{i}_drop"
        x = layers.Dense(units, activation="relu", kernel_initializer=weights(hidden), name=hidden)(x)
        if dropout:
            x = layers.Dropout(dropout, seed=_layer_seed(seed, drop), name=drop)(x)
    x = layers.Dense(
        outputs_of(n_classes),
        activation="sigmoid" if n_classes == 2 else "softmax",
        kernel_initializer=weights("output"),
        dtype="float32",  # whatever the precision of the others
        name="output",
    )(x)
    return keras.Model(image, x, name=name)


lenet, alexnet, vgg16 = (partial(network, name) for name in ARCHITECTURES)
"""The three by name, with the options of `network`."""


def layers_in_words(model: keras.Model) -> list[str]:
    """What a network computes, layer by layer: `Conv2D 8, 3x3, same`, `ReLU`, `MaxPooling2D 2x2`, `Dense 64`, ...; an
    activation is a layer of its own, however it was written."""
    words = []
    for layer in model.layers:
        kind, settings = type(layer).__name__, layer.get_config()
        if kind == "InputLayer":
            continue
        sides = [settings[name] for name in ("kernel_size", "pool_size") if name in settings]
        numbers = [f"{settings[name]:g}" for name in ("filters", "units", "rate") if name in settings]
        padding = [settings["padding"]] if kind.startswith("Conv") else []
        activation = settings.get("activation")
        if kind not in ("Activation", "ReLU"):
            words.append(
                " ".join([kind, ", ".join([*numbers, *(f"{high}x{wide}" for high, wide in sides), *padding])]).strip()
            )
        if kind == "ReLU" or activation == "relu":
            words.append("ReLU")
        elif activation not in (None, "linear"):
            words.append(str(activation))
    return words


def other_layer(built: list[str], wanted: list[str]) -> str:
    """Where two networks in words begin to differ, in a clause; empty if they do not."""
    for number, (own, expected) in enumerate(zip_longest(built, wanted), start=1):
        if own != expected:
            return f"layer {number} is {own or 'missing'}, and {expected or 'none'} was expected"
    return ""


class Layer(NamedTuple):
    """One layer of a network in numbers: "image", "convolution", "pooling" or "dense", with its name in Keras.

    `shape` is what it gives, (side, side, maps) or (units,); `parameters` of a convolution are with those of its batch
    normalization, moving averages included; `multiply_adds` are for one image, forward; `field` is the side in pixels
    of the part of the image that one position depends on, None after the convolutional part.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int = 0
    multiply_adds: int = 0
    field: int | None = None


def layers_of(config: RunConfig, n_classes: int = 2) -> list[Layer]:
    """The layers of a run's network in order, the image first; batch normalization, ReLU and dropout are none here.

    Receptive field as in Araujo et al. (2019), Computing receptive fields of convolutional neural networks.
    """
    architecture = ARCHITECTURES[config.model]
    side, channels = config.image_size, int(config.channels)
    field, step = 1, 1  # step: pixels of the image between neighbouring positions
    layers = [Layer("image", "image", (side, side, channels), field=field)]
    for number, (multiple, repeats) in enumerate(architecture.blocks, start=1):
        filters = multiple * config.n_base
        for i in range(1, repeats + 1):
            weights = KERNEL * KERNEL * channels * filters
            parameters = weights + filters + (4 * filters if config.batch_norm else 0)
            field += (KERNEL - 1) * step
            channels, name = filters, f"block{number}_conv{i}"
            layers.append(Layer(name, "convolution", (side, side, filters), parameters, weights * side * side, field))
        if number in architecture.pools:
            side //= POOL
            field += (POOL - 1) * step
            step *= POOL
            layers.append(Layer(f"block{number}_pool", "pooling", (side, side, channels), field=field))
    units = (side * side * channels, *config.hidden, outputs_of(n_classes))
    for i, (inputs, outputs) in enumerate(pairwise(units), start=1):
        name = "output" if i == len(units) - 1 else f"dense{i}"
        layers.append(Layer(name, "dense", (outputs,), inputs * outputs + outputs, inputs * outputs))
    return layers


@dataclass(frozen=True)
class Description:
    """A network in numbers, as in `Layer`; the output counts as a dense layer, and the `receptive_field`, after the
    last max-pooling, may be larger than the image."""

    convolutions: int
    dense_layers: int
    parameters: int
    multiply_adds: int
    receptive_field: int

    @property
    def layers(self) -> int:
        """Number of layers with weights: what the 16 in VGG16 counts."""
        return self.convolutions + self.dense_layers


def describe(config: RunConfig, n_classes: int = 2) -> Description:
    """Layers, parameters, operations and receptive field of a run's network, without building it."""
    layers = layers_of(config, n_classes)
    return Description(
        convolutions=sum(layer.kind == "convolution" for layer in layers),
        dense_layers=sum(layer.kind == "dense" for layer in layers),
        parameters=sum(layer.parameters for layer in layers),
        multiply_adds=sum(layer.multiply_adds for layer in layers),
        receptive_field=max(layer.field or 0 for layer in layers),
    )


def _layer_seed(seed: int, name: str) -> int:
    # By name, not by position: a convolution keeps its weights when a dropout layer is put before it.
    return int(np.random.SeedSequence([seed, zlib.crc32(name.encode())]).generate_state(1)[0] >> 1)
