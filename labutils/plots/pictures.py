"""Figures that show images: samples, those with most of a property or hardest for a run, changed ones, Grad-CAM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from labutils.data.dataset import Dataset
from labutils.evaluate.metrics import class_probabilities
from labutils.plots.figure import data_words, grid, show, styled
from labutils.runs.run import Run
from labutils.statistics import count


def _fine_texture(x: np.ndarray) -> np.ndarray:
    from scipy.ndimage import uniform_filter

    # A hair is the strongest edge of an image, and no texture: what is thinner than seven pixels is no lesion. Nor are
    # the dark corners of a picture that was taken through a tube.
    margin = max(1, x.shape[1] // 8)
    x = x[:, margin:-margin, margin:-margin]
    smooth = uniform_filter(x, (0, 5, 5))
    middle = (smooth.min(axis=(1, 2), keepdims=True) + smooth.max(axis=(1, 2), keepdims=True)) / 2
    inside = uniform_filter((smooth < middle).astype(np.float32), (0, 7, 7)) > 0.99
    lesion = uniform_filter(inside.astype(np.float32), (0, 7, 7)) > 0.01
    edges = np.abs(x - smooth)
    return np.array([np.median(own[of] if of.any() else own) for own, of in zip(edges, lesion, strict=True)])


def _dark_area(x: np.ndarray) -> np.ndarray:
    middle = (x.min(axis=(1, 2), keepdims=True) + x.max(axis=(1, 2), keepdims=True)) / 2
    return (x < middle).mean(axis=(1, 2))


def _asymmetry(x: np.ndarray) -> np.ndarray:
    return np.abs(x - x[:, :, ::-1]).mean(axis=(1, 2)) / (x.std(axis=(1, 2)) + 1e-6)


MEASURES: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "brightness": ("the mean, from 0, black, to 1, white", lambda x: x.mean(axis=(1, 2))),
    "contrast": ("the standard deviation of the pixels, from 0 to 1", lambda x: x.std(axis=(1, 2))),
    "fine texture": ("the median distance from the 5x5 pixels around", _fine_texture),
    "dark area": ("the share of the pixels darker than halfway", _dark_area),
    "asymmetry": ("the distance from the mirror image, in standard deviations", _asymmetry),
}
"""Properties of an image as one number, in words and from grey images (n, h, w) in [0, 1]; what is thin as a hair is no
texture."""

HEAT, STEPS, GREYS = "plasma", 5, 24
"""The colours of evidence, in steps: the lighter, the more of it, without a grey that could be the image's, of which
there are so many that all mixtures find room in a small file."""


@styled
def sample_grid(dataset: Dataset, n: int = 8, save: Path | str | None = None) -> None:
    """Training images of every class, grey or colour, each under the name of its class.

    They are `n` in all, rounded so that every class shows equally many, at least one.
    """
    if n < 1:
        raise ValueError(f"n is {n!r}: it must be a whole number from 1 (images to show).")
    rng = np.random.default_rng(0)
    labels = np.asarray(dataset.y_train)
    members = [np.flatnonzero(labels == k) for k in range(len(dataset.class_names))]
    each = min(max(1, n // len(members)), *(len(m) for m in members))
    chosen = np.concatenate([np.sort(rng.choice(m, each, replace=False)) for m in members])
    images = np.asarray(dataset.x_train[chosen])
    titles = [dataset.class_names[label] for label in labels[chosen]]
    data = data_words(dataset.name, dataset.source)
    look = f"{images.shape[2]}x{images.shape[1]} {'grey' if images.shape[3] == 1 else 'colour'}"
    classes = ", ".join(f"{each} {name}" for name in dataset.class_names)
    figure = _image_figure(images, titles, _columns(len(images), each))
    words = f"{count(len(images), 'training image')} of {data}, {look}: {classes}."
    show(figure, f"{data}: training images, {look}", "", words, save)


@styled
def extremes(dataset: Dataset, measure: str, n: int = 4, save: Path | str | None = None) -> None:
    """The `n` training images with the least and with the most of a property, each with its class and value.

    `measure` is one of `MEASURES`; another raises ValueError.
    """
    if measure not in MEASURES:
        raise ValueError(f"{measure!r} is no measure of an image: there are {', '.join(MEASURES)}.")
    said, values_of = MEASURES[measure]
    values = values_of(np.asarray(dataset.x_train).mean(axis=3))
    order = np.argsort(values, kind="stable")
    n = min(n, len(order) // 2)
    chosen = np.concatenate([order[:n], order[-n:]])
    names = [dataset.class_names[label] for label in dataset.y_train[chosen]]
    titles = [f"{name}, {value:.3f}" for name, value in zip(names, values[chosen], strict=True)]
    data = data_words(dataset.name, dataset.source)
    figure = _image_figure(dataset.x_train[chosen], titles, 2 * n)
    least, most = map(_counted, (names[:n], names[n:]))
    under = f"{data}, training images; from the least {measure} to the most: {said}."
    told = f"Training images of {data} with the least {measure}, {said}: {', '.join(titles[:n])}; with the most: "
    show(figure, f"Least {measure}: {least}; most: {most}", under, f"{told}{', '.join(titles[n:])}.", save)


@styled
def hardest(dataset: Dataset, run: Run | None, n: int = 8, save: Path | str | None = None) -> None:
    """The `n` validation images of which a run is least sure at its best epoch, with its probability for their class.

    `dataset` is what the run was validated on; without a run it is said that there is none to ask.
    """
    if run is None:
        print("No run is stored that could say which images are hard.")
        return
    probabilities = class_probabilities(run)
    chosen = np.argsort(probabilities.max(axis=1), kind="stable")[:n]
    titles = [f"{run.class_names[run.y_val[i]]}, p {probabilities[i, run.y_val[i]]:.2f}" for i in chosen]
    data = data_words(dataset.name, dataset.source)
    figure = _image_figure(dataset.x_val[chosen], titles, min(8, len(chosen)))
    title = f"Least sure of: {_counted([run.class_names[run.y_val[i]] for i in chosen])}"
    under = f"{data}: validation images of which {run.label} is least sure; p is what it gives to their class."
    words = f"Validation images of {data} of which the network is least sure: {', '.join(titles)}."
    show(figure, title, under, words, save)


@styled
def images_row(
    images: Sequence[np.ndarray], titles: Sequence[str], title: str = "", save: Path | str | None = None
) -> None:
    """Images (h, w) or (h, w, c) in [0, 1] side by side, such as one image and its changed versions; six in a row.

    There is one of the `titles` for each image, else a ValueError; `title` stands over the whole figure: say here which
    data the images are from, and `phantom` where they are phantoms.
    """
    images = [np.asarray(image) for image in images]
    if not images or len(images) != len(titles):
        raise ValueError(f"There are {len(images)} images and {len(titles)} titles: give one title for each image.")
    figure = _image_figure(images, titles, -(-len(images) // -(-len(images) // 6)))
    # Mean and spread make the words change when a transform does.
    told = [
        f"{name} ({image.shape[1]}x{image.shape[0]}, mean {image.mean():.2f}, standard deviation {image.std():.2f})"
        for name, image in zip(titles, images, strict=True)
    ]
    show(figure, title, "", f"{count(len(images), 'image')}: {'; '.join(told)}.", save)


@styled
def gradcam_grid(
    run: Run,
    dataset: Dataset,
    chosen: Sequence[int] | np.ndarray,
    heat: np.ndarray,
    epoch: int | None = None,
    save: Path | str | None = None,
) -> None:
    """Validation images, and below each the same image under its heat map, with the true and the predicted class.

    `chosen` are indices such as `explain.telling_images` gives, `heat` (len(chosen), h, w) in [0, 1] is from
    `explain.gradcam` of the run's model at an epoch. A ValueError says that there is not one heat map for each image,
    or that the run was validated on other images than the data set's.
    """
    chosen = np.asarray(chosen, dtype=int)
    if not len(chosen) or len(heat) != len(chosen):
        raise ValueError(f"There are {len(chosen)} images and {len(heat)} heat maps: give one map for each image.")
    if tuple(run.val_files) != tuple(dataset.files_val):
        raise ValueError(f"{run.label} was validated on other images than these: load the data it was trained on.")
    probabilities = class_probabilities(run, epoch)[chosen]
    answers, truths = probabilities.argmax(axis=1), run.y_val[chosen]
    names, columns = run.class_names, min(len(chosen), 4)
    blocks = -(-len(chosen) // columns)
    size = (max(4.5, 1.6 * columns + 1.3), 0.7 + 3.5 * blocks)
    figure, pairs = grid(size, len(chosen), columns, kinds=2)
    told = []
    for i, (upper, lower) in enumerate(zip(*pairs, strict=True)):
        image = np.asarray(dataset.x_val[chosen[i]])
        _draw_image(upper, image)
        _draw_image(lower, np.round(GREYS * image) / GREYS)
        steps = np.ceil(STEPS * heat[i]) / STEPS
        lower.imshow(steps, cmap=HEAT, vmin=0, vmax=1, alpha=0.65 * np.sqrt(steps))
        if not heat[i].any():
            lower.set_title("no region speaks for it", loc="center", fontsize=9)
        answer, truth, sure = names[answers[i]], names[truths[i]], probabilities[i, answers[i]]
        verdict, what = ("right", "recognised") if answer == truth else ("WRONG", f"taken for {answer}")
        upper.set_title(f"{verdict}: {answer} ({sure:.2f})\ntrue class {truth}", loc="center", fontsize=9)
        told.append(f"{truth} {what} with {sure:.2f}, {_where(heat[i])}")
    steps_of = ScalarMappable(cmap=matplotlib.colormaps[HEAT].resampled(STEPS))
    bar = figure.colorbar(steps_of, ax=figure.axes, alpha=0.65, shrink=0.6 / blocks, ticks=[0, 1])
    bar.set_ticklabels(["no evidence", "hottest\nplace"])
    data = data_words(dataset.name, dataset.source)
    right = answers == truths
    ways = [(right, "right"), (~right, "wrong")]
    title = ", ".join(f"{of.sum()} {word} (up to {probabilities[of].max():.2f} sure)" for of, word in ways if of.any())
    under = f"Grad-CAM of {run.label} on {data}: below each image where the evidence for the predicted class lies."
    words = f"Grad-CAM of {run.label} on {count(len(chosen), 'image')} of {data}: {'; '.join(told)}."
    show(figure, title, under, words, save)


def _where(heat: np.ndarray) -> str:
    """Where the heat lies, in words: its centre in ninths of the image, and how much of the image is hot."""
    if not heat.any():
        return "no region speaks for it"
    y, x = (float((heat.sum(axis=1 - axis) * np.arange(n)).sum() / heat.sum() / n) for axis, n in enumerate(heat.shape))
    row = ("top", "middle", "bottom")[min(int(3 * y), 2)]
    column = ("left", "centre", "right")[min(int(3 * x), 2)]
    hot = 5 * round(20 * float((heat > 0.5).mean()))
    return f"heat around the {row} {column}, about {hot} % of the image above one half"


def _counted(names: Sequence[str]) -> str:
    return ", ".join(f"{k} {name}" for name, k in Counter(names).most_common(4))


def _columns(n: int, each: int) -> int:
    """Columns for `n` images of which `each` belong together: full rows, no class torn apart where it can be."""
    if each >= 3:
        return min(each, 8)
    return next((c for c in range(6, 2, -1) if n % c == 0 and c % each == 0), min(n, 6))


def _image_figure(images: Sequence[np.ndarray] | np.ndarray, titles: Sequence[str], columns: int) -> Figure:
    rows = -(-len(images) // columns)
    lines = max(title.count("\n") for title in titles) + 1
    height, width = images[0].shape[:2]
    side = min(1.5, max(1.05, 8.4 / columns))
    size = (max(4.5, side * columns), 0.4 + rows * (side * height / width + 0.2 * lines))
    figure, [axes] = grid(size, len(images), columns)
    for ax, image, title in zip(axes, images, titles, strict=True):
        _draw_image(ax, image)
        ax.set_title(title, loc="center", fontsize=9)
    return figure


def _draw_image(axes: Axes, image: np.ndarray) -> None:
    """One image with values in [0, 1], as it is: no stretching of its contrast to its own range."""
    pixels = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    axes.imshow(pixels, vmin=0, vmax=1)
    axes.set_axis_off()
