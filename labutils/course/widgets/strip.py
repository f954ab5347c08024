"""A network layer by layer: shapes, parameters, receptive field; feature maps from stored weights."""

from __future__ import annotations

import html
import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labutils.config import RunConfig
from labutils.course.widgets.control import Controls, Drawn, png, table
from labutils.course.widgets.small import Knob, number_knob
from labutils.course.widgets.stage import NOTHING, show
from labutils.models import ARCHITECTURES, KERNEL, POOL
from labutils.plots.charts import as_image

if TYPE_CHECKING:
    from labutils.data.dataset import Dataset
    from labutils.runs.run import Run

COLOURS = {"image": "#8C8C8C", "convolution": "#0072B2", "pooling": "#E69F00", "dense": "#009E73"}
MOST_MAPS = 32


class Layer(NamedTuple):
    """One layer: its name in Keras, its kind, the shape it gives, its parameters, and the pixels it looks at."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    field: int | None


def layers_of(config: RunConfig, n_classes: int = 2) -> list[Layer]:
    """The layers of a run's network in order, from its numbers alone.

    A convolution stands for itself with its batch normalization and ReLU; `field` is the side of the part of the image
    that one of its positions depends on, in pixels, None after the convolutional part.

    Parameters
    ----------
    config : RunConfig
    n_classes : int
        Classes of the data set, from 2.
    """
    architecture = ARCHITECTURES[config.model]
    side, channels, field, step = config.image_size, int(config.channels), 1, 1
    layers = [Layer("image", "image", (side, side, channels), 0, 1)]
    for number, (multiple, repeats) in enumerate(architecture.blocks, start=1):
        filters = multiple * config.n_base
        for i in range(1, repeats + 1):
            parameters = KERNEL * KERNEL * channels * filters + filters + (4 * filters if config.batch_norm else 0)
            field += (KERNEL - 1) * step
            channels = filters
            layers.append(Layer(f"block{number}_conv{i}", "convolution", (side, side, filters), parameters, field))
        if number in architecture.pools:
            side //= POOL
            field += (POOL - 1) * step
            step *= POOL
            layers.append(Layer(f"block{number}_pool", "pooling", (side, side, channels), 0, field))
    units = (side * side * channels, *config.hidden, 1 if n_classes == 2 else n_classes)
    for i, (inputs, outputs) in enumerate(pairwise(units), start=1):
        name = "output" if i == len(units) - 1 else f"dense{i}"
        layers.append(Layer(name, "dense", (outputs,), inputs * outputs + outputs, None))
    return layers


def strip_in_words(config: RunConfig, n_classes: int = 2) -> str:
    """A network's layers in words, one line each."""
    layers = layers_of(config, n_classes)
    lines = [
        f"{config.model}, {config.n_base} filters in the first block: {sum(x.parameters for x in layers):,} parameters"
    ]
    for layer in layers:
        field = f", sees {layer.field} x {layer.field} pixels" if layer.field and layer.kind != "image" else ""
        lines.append(f"{layer.name}: {_shape(layer)}, {layer.parameters:,} parameters{field}")
    return "\n".join(lines)


def architecture_strip(
    config: RunConfig, n_classes: int = 2, run: Run | None = None, dataset: Dataset | None = None
) -> None:
    """A network as a strip: a block for each layer, as high as its maps, as wide as it has of them; and a table.

    Parameters
    ----------
    config : RunConfig
    n_classes : int
        Classes of the data set.
    run, dataset : Run and Dataset, optional
        A stored run of this network with its weights, and its images: then a menu shows each layer's feature maps.
    """
    layers = layers_of(config, n_classes)
    rows = [(x.name, _shape(x), f"{x.parameters:,}", f"{x.field} px" if x.field else "all") for x in layers]
    heads = ("layer", "shape", "parameters", "sees (side)")
    words = strip_in_words(config, n_classes)
    from IPython.display import display

    content = f"{as_image(draw_strip(layers), words.splitlines()[0])}<details><summary>Layer by layer</summary>"
    display({"text/html": content + table(heads, rows) + "</details>", "text/plain": words}, raw=True)
    if run is not None and dataset is not None:
        feature_maps(run, dataset)


def draw_strip(layers: list[Layer]) -> str:
    """The strip as SVG: each layer is a box; over a layer its name, shape and parameters appear as a tooltip."""
    x, parts, height = 10.0, [], 150
    biggest = layers[0].shape[0]
    for layer in layers:
        if len(layer.shape) == 3:
            tall, wide = 20 + 100 * layer.shape[0] / biggest, 6 + 5 * math.log2(layer.shape[2] + 1)
        else:
            tall, wide = 12 + 12 * math.log2(layer.shape[0] + 1), 8.0
        title = f"{layer.name}: {_shape(layer)}, {layer.parameters:,} parameters"
        if layer.field:
            title += f", sees {layer.field} px"
        parts.append(
            f'<rect x="{x:.1f}" y="{(height - tall) / 2:.1f}" width="{wide:.1f}" height="{tall:.1f}" rx="2" '
            f'fill="{COLOURS[layer.kind]}"><title>{html.escape(title)}</title></rect>'
        )
        x += wide + 5
    keys = "".join(
        f'<rect x="{10 + 110 * i}" y="{height + 4}" width="10" height="10" fill="{colour}"/>'
        f'<text x="{25 + 110 * i}" y="{height + 13}">{kind}</text>'
        for i, (kind, colour) in enumerate(COLOURS.items())
    )
    width = max(x + 5, 450)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height + 20}" '
        f'viewBox="0 0 {width:.0f} {height + 20}" font-family="sans-serif" font-size="11" fill="#767676">'
        f"{''.join(parts)}{keys}</svg>"
    )


def maps_of(model: Any, picture: np.ndarray, layer: str) -> np.ndarray:
    """The feature maps of one image after a layer; of a convolution, after its ReLU, (h, w, maps)."""
    import keras

    name = layer.replace("_conv", "_relu")
    found = next((one for one in model.layers if one.name == name), None) or model.get_layer(layer)
    probe = keras.Model(model.inputs[0], found.output)
    return np.asarray(keras.ops.convert_to_numpy(probe(np.asarray(picture, np.float32)[None], training=False)))[0]


def draw_maps(maps: np.ndarray, layer: str) -> Drawn:
    """Feature maps side by side, on one scale, at most 32 of them, and how many are empty."""
    top = float(maps.max()) or 1.0
    shown = min(maps.shape[2], MOST_MAPS)
    empty = int((maps.reshape(-1, maps.shape[2]).max(axis=0) <= 0).sum())
    pictures = "".join(png(maps[..., k] / top, f"map {k + 1} of {layer}", 76) for k in range(shown))
    size = f"{maps.shape[2]} maps of {maps.shape[0]} x {maps.shape[1]}"
    words = f"{layer}: {size}, {shown} shown on one scale; {empty} are empty."
    return Drawn(f'<div class="lu-maps">{pictures}</div>', words)


def feature_maps(run: Run | None, dataset: Dataset, layer: str | None = None, index: int = 0) -> None:
    """Feature maps of a validation image, layer by layer, from a stored run's weights.

    Parameters
    ----------
    run : Run or None
        A stored run; a small one stands in for it where its weights are not stored (`training.with_weights`).
    dataset : Dataset
    layer : str, optional
        Where to begin; None is the first convolution.
    index : int
        A validation image.
    """
    if run is None:
        print(NOTHING)
        return
    from labutils import training
    from labutils.course.widgets.explore import images_of

    run = training.with_weights(run)
    dataset = images_of(run, dataset)
    names = [x.name for x in layers_of(run.config, len(run.class_names)) if x.kind in ("convolution", "pooling")]
    first = layer or names[0]
    words = (
        f"Feature maps of {run.label}, validation image {index + 1} "
        f"({run.class_names[run.y_val[index]]}): {', '.join(names)}; {first} first."
    )
    own = png(np.asarray(dataset.x_val[index]), f"validation image {index + 1}", 128)
    show(words, own, lambda: _maps_controls(run, dataset, names, first, index).widget)


def _maps_controls(run: Run, dataset: Dataset, names: list[str], first: str, index: int) -> Controls:
    kept: dict[str, Any] = {}

    def moved(controls: Controls) -> None:
        number, layer, turn = controls.values["image"], controls.values["layer"], controls.turn
        picture = np.asarray(dataset.x_val[number - 1])
        own = png(picture, f"validation image {number}", 128)
        if "model" not in kept:
            controls.put(Drawn(own, "The network is being loaded: a few seconds."))

        def work() -> None:
            from labutils import training

            if turn != controls.turn:
                return  # a slider that still moves asks again
            if "model" not in kept:
                kept["model"] = training.load_best(run)[0]
            maps = draw_maps(maps_of(kept["model"], picture, layer), layer)
            controls.put(Drawn(own + maps.picture, f"Validation image {number}, {maps.words}"))

        controls.later(work)

    layers = Knob("layer", "layer", tuple((name, name) for name in names), names.index(first), slider=False)
    images = number_knob("image", "image", range(1, len(run.y_val) + 1), index + 1)
    return Controls("Feature maps", (layers, images), moved)


def _shape(layer: Layer) -> str:
    return " x ".join(map(str, layer.shape))
