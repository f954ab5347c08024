"""The networks: sizes, order of layers, names, seeds, and the counts that need no Keras."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from labutils.config import RunConfig
from labutils.models import build_model, describe, layers_in_words, layers_of, other_layer, vgg16


def run(model="vgg16", **settings):
    return RunConfig(dataset="skin", model=model, learning_rate=1e-5, epochs=1, **settings)


@pytest.mark.parametrize(
    ("name", "settings", "parameters", "convolutions", "field"),
    [
        ("lenet", {}, 2_098_657, 2, 10),
        ("alexnet", {}, 286_193, 5, 38),
        ("alexnet", {"dense": (64,)}, 282_033, 5, 38),
        ("vgg16", {}, 300_249, 13, 212),
    ],
)
def test_numbers_of_the_textbook_networks(name, settings, parameters, convolutions, field):
    config = run(name, **settings)
    counts = describe(config)
    assert build_model(config).count_params() == counts.parameters == parameters
    assert (counts.convolutions, counts.receptive_field) == (convolutions, field)
    assert counts.layers == convolutions + len(config.hidden) + 1


@pytest.mark.parametrize("n_classes", [2, 9])
@pytest.mark.parametrize("name", ["lenet", "alexnet", "vgg16"])
def test_description_agrees_with_the_model(name, n_classes):
    config = run(name, n_base=2, batch_norm=True, dropout=0.4, spatial_dropout=0.1, image_size=67, channels=3)
    model, counts = build_model(config, n_classes), describe(config, n_classes)
    convolutions = [layer for layer in model.layers if type(layer).__name__ == "Conv2D"]
    dense = [layer for layer in model.layers if type(layer).__name__ == "Dense"]
    products = sum(layer.kernel.shape[0] * layer.kernel.shape[1] for layer in dense) + sum(
        int(np.prod(layer.kernel.shape)) * layer.output.shape[1] * layer.output.shape[2] for layer in convolutions
    )
    assert (counts.convolutions, counts.dense_layers) == (len(convolutions), len(dense))
    assert counts.parameters == model.count_params()
    assert counts.multiply_adds == products
    for layer in layers_of(config, n_classes)[1:]:
        assert tuple(model.get_layer(layer.name).output.shape[1:]) == layer.shape
    output = model.get_layer("output")
    assert (output.units, output.activation.__name__) == ((1, "sigmoid") if n_classes == 2 else (9, "softmax"))


def test_describe_imports_no_keras():
    code = (
        "import sys; from labutils.config import RunConfig; from labutils.models import describe;"
        "describe(RunConfig(dataset='skin', model='vgg16', learning_rate=1e-5, epochs=1));"
        "sys.exit('keras' in sys.modules or 'tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_block_order():
    model = build_model(run("alexnet", n_base=2, batch_norm=True, spatial_dropout=0.1, dropout=0.4))
    block = {"conv1": "Conv2D", "norm1": "BatchNormalization", "relu1": "ReLU", "drop1": "SpatialDropout2D"}
    expected = {"image": "InputLayer"}
    for number in range(1, 6):
        parts = block | ({"pool": "MaxPooling2D"} if number in (1, 2, 5) else {})
        expected |= {f"block{number}_{part}": kind for part, kind in parts.items()}
    expected |= {"flatten": "Flatten", "dense1": "Dense", "dense1_drop": "Dropout"}
    expected |= {"dense2": "Dense", "dense2_drop": "Dropout", "output": "Dense"}
    assert {layer.name: type(layer).__name__ for layer in model.layers} == expected
    assert [layer.name for layer in model.layers] == list(expected)
    # The graph itself, not only the list: each layer reads from the one before it.
    for before, layer in pairwise(model.layers):
        assert layer.input is before.output
    assert model.get_layer("dense1").activation.__name__ == "relu"


def test_seed_decides_the_weights():
    def weights(**settings):
        model = build_model(run("vgg16", n_base=2, image_size=32, **settings))
        return {layer.name: layer.get_weights() for layer in model.layers if layer.name.startswith(("block", "dense"))}

    first, again, other = weights(), weights(), weights(seed=1)
    for name, values in first.items():
        for a, b in zip(values, again[name], strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first["block1_conv1"][0], other["block1_conv1"][0])
    # Layers of one shape must not start alike ...
    assert not np.array_equal(first["block5_conv2"][0], first["block5_conv3"][0])
    # ... and one layer starts alike with and without dropout beside it.
    beside = weights(spatial_dropout=0.1, dropout=0.4, batch_norm=True)
    np.testing.assert_array_equal(first["block3_conv2"][0], beside["block3_conv2"][0])


def test_dropout_is_seeded():
    def outputs(seed):
        # The weights come from the same seed: only the dropped units may differ.
        model = build_model(run("lenet", image_size=32, dropout=0.5, spatial_dropout=0.5))
        other = build_model(run("lenet", image_size=32, dropout=0.5, spatial_dropout=0.5, seed=seed))
        for layer in other.layers:
            layer.set_weights(model.get_layer(layer.name).get_weights())
        return np.asarray(other(np.ones((2, 32, 32, 1), "float32"), training=True))

    np.testing.assert_array_equal(outputs(0), outputs(0))
    assert not np.array_equal(outputs(0), outputs(1))


def test_too_small_an_image_is_refused():
    with pytest.raises(ValueError, match=r"halves the image 5 times: 31x31 .* at least 32x32"):
        vgg16((31, 31, 1))


def test_a_network_in_words_tells_what_it_computes_not_how_it_was_written():
    from keras import Input, Sequential
    from keras.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D, ReLU

    short = [Input((32, 32, 1)), Conv2D(8, 3, padding="same", activation="relu"), MaxPooling2D(), Flatten()]
    short += [Dropout(0.25), Dense(1, activation="sigmoid")]
    long = [Conv2D(8, (3, 3), padding="same"), ReLU(), MaxPooling2D(2), Flatten()]
    long += [Dropout(0.25), Dense(1), Activation("sigmoid")]
    wanted = ["Conv2D 8, 3x3, same", "ReLU", "MaxPooling2D 2x2", "Flatten", "Dropout 0.25", "Dense 1", "sigmoid"]
    assert layers_in_words(Sequential(short)) == layers_in_words(Sequential(long)) == wanted
    assert other_layer(wanted, wanted) == ""
    assert other_layer(wanted[:-1], wanted) == "layer 7 is missing, and sigmoid was expected"
    assert other_layer([*wanted, "ReLU"], wanted) == "layer 8 is ReLU, and none was expected"
