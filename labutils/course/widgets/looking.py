"""Looking into a network: layer by layer, through its feature maps, with dropout on, and by changing its images.

What asks a stored network does so in the background; what has been overtaken by another move is not worked out.
"""

from __future__ import annotations

import functools
import html
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils import augment, explain, training
from labutils.config import RunConfig
from labutils.course.widgets.control import Controls, Drawn, Knob, needs_run, number_knob, png, recorded, show
from labutils.course.widgets.explore import images_of
from labutils.evaluate.metrics import accuracy, hits
from labutils.evaluate.tables import as_table
from labutils.models import Layer, layers_of
from labutils.plots.charts import COLOURS, VALIDATION, Panel, as_image, chart, svg
from labutils.statistics import Estimate, class_probabilities, proportion

if TYPE_CHECKING:
    from labutils.data.dataset import Dataset
    from labutils.runs.run import Run

KINDS = dict(zip(("dense", "pooling", "convolution", "image"), COLOURS, strict=False))
MOST_MAPS = 32
PART, STILL = 50, 0.3
"""Images that are predicted before another move is looked for, and seconds without one before what is slow begins."""
LOADED = "The network is being loaded: a few seconds."


def architecture_strip(config: RunConfig, n_classes: int = 2) -> None:
    """A network as a strip: a block for each layer, as high as its maps, as wide as it has of them; and a table."""
    from IPython.display import display

    layers = layers_of(config, n_classes)
    count = sum(layer.parameters for layer in layers)
    head = f"{config.model}, {config.n_base} filters in the first block: {count:,} parameters"
    words, rows = [head], {}
    for layer in layers:
        field = f", sees {layer.field} x {layer.field} pixels" if layer.field and layer.kind != "image" else ""
        words.append(_words(layer) + field)
        sees = f"{layer.field} px" if layer.field else "all"
        rows[layer.name] = {"shape": _shape(layer), "parameters": f"{layer.parameters:,}", "sees (side)": sees}
    listed = as_table(rows, "layer")._repr_html_()
    content = f"{as_image(draw_strip(layers), head)}<details><summary>Layer by layer</summary>{listed}</details>"
    display({"text/html": content, "text/plain": "\n".join(words)}, raw=True)


def draw_strip(layers: list[Layer]) -> str:
    """The strip as SVG: each layer is a box; over a layer its name, shape and parameters appear as a tooltip."""
    x, drawn, height = 10.0, "", 150
    for layer in layers:
        if len(layer.shape) == 3:
            tall, wide = 20 + 100 * layer.shape[0] / layers[0].shape[0], 6 + 5 * math.log2(layer.shape[2] + 1)
        else:
            tall, wide = 12 + 12 * math.log2(layer.shape[0] + 1), 8.0
        title = _words(layer) + (f", sees {layer.field} px" if layer.field else "")
        drawn += (
            f'<rect x="{x:.1f}" y="{(height - tall) / 2:.1f}" width="{wide:.1f}" height="{tall:.1f}" rx="2" '
            f'fill="{KINDS[layer.kind]}"><title>{html.escape(title)}</title></rect>'
        )
        x += wide + 5
    for i, (kind, colour) in enumerate(KINDS.items()):
        drawn += f'<rect x="{10 + 110 * i}" y="{height + 4}" width="10" height="10" fill="{colour}"/>'
        drawn += f'<text x="{25 + 110 * i}" y="{height + 13}">{kind}</text>'
    return svg(max(x + 5, 450), height + 20, drawn)


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


@needs_run
def feature_maps(run: Run, dataset: Dataset) -> None:
    """Feature maps of a validation image, layer by layer, from a stored run's weights.

    A small run stands in for one whose weights are not stored (`training.with_weights`).
    """
    run = training.with_weights(run)
    dataset = images_of(run, dataset)
    names = [x.name for x in layers_of(run.config, len(run.class_names)) if x.kind in ("convolution", "pooling")]
    first = f"validation image 1 ({run.class_names[run.y_val[0]]})"
    words = f"Feature maps of {run.label}, {first}: {', '.join(names)}; {names[0]} first."

    def before(ready: bool, image: int, layer: str) -> Drawn:
        return Drawn(_image(dataset, image, 128), f"Its maps after {layer} are being worked out." if ready else LOADED)

    def answers(model: Any, image: int, layer: str) -> Iterator[Drawn]:
        drawn = draw_maps(maps_of(model, np.asarray(dataset.x_val[image]), layer), layer)
        yield Drawn(_image(dataset, image, 128) + drawn.picture, f"Validation image {image + 1}, {drawn.words}")

    layers = Knob("layer", "layer", tuple((name, name) for name in names), kind="menu")
    _ask("Feature maps", words, _image(dataset, 0, 128), run, (layers, _images_knob(run)), before, answers)


def _image(dataset: Dataset, index: int, size: int, said: str = "") -> str:
    return png(np.asarray(dataset.x_val[index]), f"validation image {index + 1}{said}", size)


def _images_knob(run: Run, start: int = 0) -> Knob:
    return number_knob("image", "image", range(1, len(run.y_val) + 1), start + 1)


def _ask(
    title: str,
    words: str,
    still: str,
    run: Run,
    knobs: Sequence[Knob],
    before: Callable[..., Drawn],
    answers: Callable[..., Iterator[Drawn | None]],
    **more: Any,
) -> None:
    """Show a control that asks a stored run's network: after a move what stands there `before`, then its `answers`."""
    network = functools.cache(lambda: training.load_best(run)[0])

    def moved(controls: Controls) -> None:
        values = controls.values | {"image": controls.values["image"] - 1}
        controls.put(before(network.cache_info().currsize > 0, **values))
        controls.later(lambda: answers(network(), **values))

    show(words, still, lambda: Controls(title, knobs, moved, **more).widget)


def draw_passes(run: Run, index: int, passes: np.ndarray) -> Drawn:
    """A hundred passes as a histogram of the probability of label 1, and in words."""
    p, name = passes[:, 0], run.class_names[1]
    bars = [(k / 20, (k + 1) / 20, float(h)) for k, h in enumerate(np.histogram(p, bins=20, range=(0, 1))[0])]
    stored = float(run.val_predictions[run.best_epoch, index, 0])
    panel = Panel(f"P({name}), {len(p)} passes", (0, 1), (0, len(p)), "probability", bars=bars, mark=stored)
    words = (
        f"Validation image {index + 1}, true class {run.class_names[run.y_val[index]]}: without dropout P({name}) is "
        f"{stored:.2f}; over {len(p)} passes with dropout it is {p.mean():.2f} on average, standard deviation "
        f"{p.std():.2f}, and {int((p > 0.5).sum())} passes say {name}."
    )
    return Drawn(chart([panel]), words)


@needs_run
def monte_carlo_dropout(run: Run, dataset: Dataset) -> None:
    """One validation image, a hundred passes, each with other units dropped: Gal and Ghahramani (2016)."""
    p = run.val_predictions[run.best_epoch, :, 0].astype(float)
    unsure, *_, sure = np.argsort(np.abs(p - 0.5), kind="stable").tolist()
    words = (
        f"Monte-Carlo dropout: one image, a hundred passes with dropout {run.config.dropout:g} on. Without dropout the "
        f"network is least sure of validation image {unsure + 1} (probability {p[unsure]:.2f}) and surest of image "
        f"{sure + 1} ({p[sure]:.2f}): on which of the two will the passes agree?"
    )
    pictures = _image(dataset, unsure, 160, ", unsure") + _image(dataset, sure, 160, ", sure")

    def before(ready: bool, image: int) -> Drawn:
        said = f"Validation image {image + 1}: a hundred passes are being worked out."
        return Drawn(_image(dataset, image, 160), said, busy=True)

    def answers(model: Any, image: int) -> Iterator[Drawn]:
        many = np.repeat(np.asarray(dataset.x_val[image], np.float32)[None], 100, axis=0)
        drawn = draw_passes(run, image, np.asarray(model(many, training=True)))
        yield Drawn(_image(dataset, image, 160) + drawn.picture, drawn.words)

    knobs, buttons = (_images_knob(run, unsure),), {"again": ("A hundred passes", Controls.refresh)}
    _ask("Monte-Carlo dropout", words, pictures, run, knobs, before, answers, buttons=buttons)


@dataclass(frozen=True)
class Change:
    """What is done to an image, in this order: rotate (degrees), scale, shift (shares of a side), flip, intensity."""

    rotate: float = 0.0
    scale: float = 1.0
    right: float = 0.0
    down: float = 0.0
    mirror: bool = False
    upside_down: bool = False
    low: float = 0.0
    high: float = 100.0


def apply(picture: np.ndarray, change: Change) -> np.ndarray:
    """The changed image, (h, w, c) in [0, 1] like `picture`."""
    out = picture
    if change.rotate:
        out = augment.rotate(out, change.rotate)
    if change.scale != 1:
        out = augment.scale(out, change.scale)
    if change.right or change.down:
        height, width = out.shape[:2]
        rows = np.clip(np.arange(height) - round(change.down * height), 0, height - 1)
        columns = np.clip(np.arange(width) - round(change.right * width), 0, width - 1)
        out = out[rows][:, columns]
    if change.mirror:
        out = augment.flip_horizontal(out)
    if change.upside_down:
        out = augment.flip_vertical(out)
    if (change.low, change.high) != (0, 100):
        out = augment.rescale_intensity(out, change.low, change.high)
    return out


def accuracy_under(model: Any, dataset: Dataset, change: Change) -> Iterator[Estimate | None]:
    """A network's accuracy on all validation images under a change, with its Wilson interval, at the end.

    Before it a None after every few images: then another move may overtake.
    """
    from labutils.training.epoch import predict

    right = []
    for start in range(0, len(dataset.x_val), PART):
        part = slice(start, start + PART)
        pictures = np.stack([apply(np.array(picture), change) for picture in dataset.x_val[part]])
        right.append(hits(predict(model, pictures), dataset.y_val[part]))
        yield None
    yield proportion(np.concatenate(right))


@needs_run
def break_the_network(run: Run, dataset: Dataset) -> None:
    """Every change of an image as a slider, the network's probability as a bar, Grad-CAM, accuracy on all images."""
    count = f"All {len(dataset.y_val)} validation images under this change"

    def both(image: int, changed: np.ndarray) -> str:
        return _image(dataset, image, 150) + png(changed, f"validation image {image + 1}, changed", 150)

    def before(ready: bool, image: int, **values: Any) -> Drawn:
        changed = apply(np.array(dataset.x_val[image]), Change(**values))
        return Drawn(both(image, changed), "The network is being asked." if ready else LOADED)

    def answers(model: Any, image: int, **values: Any) -> Iterator[Drawn | None]:
        changed = apply(np.array(dataset.x_val[image]), Change(**values))
        answer = bar(run, image, np.asarray(model(changed[None], training=False))[0])
        pictures, waiting = both(image, changed), f"{answer.words}\n{count}: being measured."
        yield Drawn(pictures + answer.picture, waiting)
        for _ in range(round(STILL / 0.05)):  # a slider that still moves is waited for
            time.sleep(0.05)
            yield None
        heat, grey = explain.gradcam(model, changed[None])[0], changed.mean(axis=2)
        warm = np.stack([np.clip(0.5 * grey + heat, 0, 1), 0.6 * grey, 0.6 * grey], axis=-1)
        pictures += png(warm, "Grad-CAM of the answer", 150) + answer.picture
        yield Drawn(pictures, waiting)
        for estimate in accuracy_under(model, dataset, Change(**values)):
            if estimate is None:
                yield None
        yield Drawn(pictures, f"{answer.words}\n{count}: accuracy {estimate}; unchanged, as stored, {accuracy(run)}.")

    words, knobs = breaking_in_words(run, recorded("changes")), (_images_knob(run), *KNOBS)
    buttons = {
        "surprise": ("Surprise me", lambda controls: controls.choose(**asdict(surprising(random.Random())))),
        "back": ("Back to the image", lambda controls: controls.choose(**asdict(Change()))),
    }
    still = _image(dataset, 0, 150)
    _ask("Break the network", words, still, run, knobs, before, answers, buttons=buttons, side=True)


def breaking_in_words(run: Run, before: dict[str, Any]) -> str:
    """The control before it is moved: the stored accuracy, and what was measured under each change of this run."""
    lines = [
        f"Break the network: {run.label}, validation accuracy {accuracy(run)} on unchanged images. Change an image "
        "with all sliders at once until the network gives way."
    ]
    this = {"run": run.config.key, "fingerprint": str(run.provenance.get("fingerprint"))}
    if this.items() <= before.items():
        lines += [f"{name}: {Estimate(*value)}" for name, value in before["accuracy"].items()]
    return "\n".join(lines)


KNOBS = (
    number_knob("rotate", "rotate (degrees)", range(-180, 181, 5), 0),
    number_knob("scale", "scale", [k / 10 for k in range(5, 31)], 1.0),
    number_knob("right", "to the right (of a side)", [k / 20 for k in range(-8, 9)], 0.0),
    number_knob("down", "down (of a side)", [k / 20 for k in range(-8, 9)], 0.0),
    number_knob("low", "black below (%)", range(46), 0),
    number_knob("high", "white above (%)", range(55, 101), 100),
    Knob("mirror", "left and right exchanged", (("no", False), ("yes", True)), kind="box"),
    Knob("upside_down", "top and bottom exchanged", (("no", False), ("yes", True)), kind="box"),
)
"""A knob for each part of a `Change`."""


def bar(run: Run, index: int, predicted: np.ndarray) -> Drawn:
    """A prediction as bars, one for each class, and in words."""
    p = class_probabilities(predicted[None])[0]
    truth, answer = int(run.y_val[index]), int(np.argmax(p))
    rows = "".join(
        f"<div style='display:flex;gap:8px;align-items:center'><span style='width:4em'>{html.escape(name)}</span>"
        f"<span style='display:inline-block;height:12px;width:{200 * value:.0f}px;background:{VALIDATION}'></span>"
        f"<span>{value:.2f}</span></div>"
        for name, value in zip(run.class_names, p, strict=True)
    )
    verdict = "Right" if truth == answer else "Wrong"
    said = f"{verdict}: {run.class_names[answer]} ({p[answer]:.2f}), true class {run.class_names[truth]}."
    return Drawn(rows, said)


def surprising(rng: random.Random) -> Change:
    """A change drawn at random, mild enough that a person still knows the image."""
    return Change(
        rotate=5 * rng.randint(-36, 36),
        mirror=rng.random() < 0.5,
        upside_down=rng.random() < 0.5,
        scale=round(rng.uniform(0.7, 1.6), 1),
        right=round(rng.uniform(-0.2, 0.2), 2),
        down=round(rng.uniform(-0.2, 0.2), 2),
        low=rng.randint(0, 10),
        high=rng.randint(80, 100),
    )


def _shape(layer: Layer) -> str:
    return " x ".join(map(str, layer.shape))


def _words(layer: Layer) -> str:
    return f"{layer.name}: {_shape(layer)}, {layer.parameters:,} parameters"
