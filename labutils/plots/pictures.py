"""Figures that show images: samples of a data set, one image beside its changed versions, Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from labutils.plots.figure import count, data_words, show, styled

if TYPE_CHECKING:
    from labutils.data.dataset import Dataset
    from labutils.runs.run import Run


@styled
def sample_grid(dataset: Dataset, n: int = 8, save: Path | str | None = None) -> None:
    """Training images of every class, each under the name of its class.

    Parameters
    ----------
    dataset : Dataset
        Grey or colour, any number of classes.
    n : int
        How many images in all; rounded so that every class shows equally many, at least one.
    save : Path or str, optional
        Where to save the figure (.png).
    """
    if n < 1:
        raise ValueError(f"n is {n!r}: it must be a whole number from 1 (images to show).")
    rng = np.random.default_rng(0)
    labels = np.asarray(dataset.y_train)
    members = [np.flatnonzero(labels == k) for k in range(len(dataset.class_names))]
    each = min(max(1, n // len(members)), *(len(m) for m in members))
    chosen = np.concatenate([np.sort(rng.choice(m, each, replace=False)) for m in members])
    images = [np.asarray(dataset.x_train[i]) for i in chosen]
    titles = [dataset.class_names[labels[i]] for i in chosen]
    data = data_words(dataset.name, dataset.source)
    figure = _image_figure(images, titles, _columns(len(images), each))
    height, width, channels = images[0].shape
    colour = "grey" if channels == 1 else "colour"
    figure.suptitle(f"{data}: training images, {width}x{height} {colour}")
    classes = ", ".join(f"{each} {name}" for name in dataset.class_names)
    show(figure, f"{count(len(images), 'training image')} of {data}, {width}x{height} {colour}: {classes}.", save)


@styled
def images_row(
    images: Sequence[np.ndarray], titles: Sequence[str], title: str = "", save: Path | str | None = None
) -> None:
    """Images side by side, such as one image and its changed versions; at most six in a row.

    Parameters
    ----------
    images : sequence of np.ndarray
        Each (h, w) or (h, w, c), in [0, 1].
    titles : sequence of str
        One for each image.
    title : str
        Over the whole figure; say here which data the images are from, and `phantom` where they are phantoms.
    save : Path or str, optional
        Where to save the figure (.png).

    Raises
    ------
    ValueError
        If there is not one title for each image, or no image.
    """
    images = [np.asarray(image) for image in images]
    if not images or len(images) != len(titles):
        raise ValueError(f"There are {len(images)} images and {len(titles)} titles: give one title for each image.")
    figure = _image_figure(images, titles, -(-len(images) // -(-len(images) // 6)))
    figure.suptitle(title)
    # Mean and spread make the words change when a transform does.
    told = [
        f"{name} ({image.shape[1]}x{image.shape[0]}, mean {image.mean():.2f}, standard deviation {image.std():.2f})"
        for name, image in zip(titles, images, strict=True)
    ]
    show(figure, f"{title + ': ' if title else ''}{count(len(images), 'image')}: {'; '.join(told)}.", save)


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

    Parameters
    ----------
    run : Run
        Whose predictions are named.
    dataset : Dataset
        The data that the run was validated on.
    chosen : sequence of int
        Indices of the validation images, such as `explain.telling_images` gives.
    heat : np.ndarray
        (len(chosen), h, w) in [0, 1], from `explain.gradcam`.
    epoch : int, optional
        Index (from 0) of the epoch that the model is from; None is the best.
    save : Path or str, optional
        Where to save the figure (.png).

    Raises
    ------
    ValueError
        If there is not one heat map for each image, or the run was validated on other images.
    """
    from labutils.evaluate.metrics import class_probabilities

    chosen = np.asarray(chosen, dtype=int)
    if not len(chosen) or len(heat) != len(chosen):
        raise ValueError(f"There are {len(chosen)} images and {len(heat)} heat maps: give one map for each image.")
    if tuple(run.val_files) != tuple(dataset.files_val):
        raise ValueError(f"{run.label} was validated on other images than these: load the data it was trained on.")
    probabilities = class_probabilities(run, epoch)[chosen]
    answers, truths = probabilities.argmax(axis=1), run.y_val[chosen]
    names, columns = run.class_names, min(len(chosen), 6)
    blocks = -(-len(chosen) // columns)
    figure = Figure(figsize=(max(4.5, 1.9 * columns + 1.1), 0.6 + 4.1 * blocks))
    axes = figure.subplots(2 * blocks, columns, squeeze=False)
    told = []
    for i in range(blocks * columns):
        upper, lower = axes[2 * (i // columns), i % columns], axes[2 * (i // columns) + 1, i % columns]
        if i >= len(chosen):
            upper.remove()
            lower.remove()
            continue
        image = np.asarray(dataset.x_val[chosen[i]])
        _draw_image(upper, image)
        _draw_image(lower, image)
        lower.imshow(heat[i], cmap="inferno", vmin=0, vmax=1, alpha=0.65 * np.sqrt(heat[i]))
        if not heat[i].any():
            lower.set_title("no region speaks for it", loc="center", fontsize=9)
        verdict = "right" if answers[i] == truths[i] else "WRONG"
        sure = probabilities[i, answers[i]]
        upper.set_title(
            f"{verdict}: {names[answers[i]]} ({sure:.2f})\ntrue class {names[truths[i]]}", loc="center", fontsize=9
        )
        what = "recognised" if verdict == "right" else f"taken for {names[answers[i]]}"
        told.append(f"{names[truths[i]]} {what} with {sure:.2f}, {_where(heat[i])}")
    figure.colorbar(
        ScalarMappable(cmap="inferno"),
        ax=figure.axes,
        label="evidence, relative to the hottest place",
        shrink=0.6 / blocks,
    )
    data = data_words(dataset.name, dataset.source)
    figure.suptitle(f"Grad-CAM of the predicted class on {data}")
    show(figure, f"Grad-CAM of {run.label} on {count(len(chosen), 'image')} of {data}: {'; '.join(told)}.", save)


def _where(heat: np.ndarray) -> str:
    """Where the heat lies, in words: its centre in ninths of the image, and how much of the image is hot."""
    if not heat.any():
        return "no region speaks for it"
    y, x = (float((heat.sum(axis=1 - axis) * np.arange(n)).sum() / heat.sum() / n) for axis, n in enumerate(heat.shape))
    row = ("top", "middle", "bottom")[min(int(3 * y), 2)]
    column = ("left", "centre", "right")[min(int(3 * x), 2)]
    hot = 5 * round(20 * float((heat > 0.5).mean()))
    return f"heat around the {row} {column}, about {hot} % of the image above one half"


def _columns(n: int, each: int) -> int:
    """Columns for `n` images of which `each` belong together: full rows, no class torn apart where it can be."""
    if each >= 3:
        return min(each, 8)
    return next((c for c in range(6, 2, -1) if n % c == 0 and c % each == 0), min(n, 6))


def _image_figure(images: Sequence[np.ndarray], titles: Sequence[str], columns: int) -> Figure:
    rows = -(-len(images) // columns)
    lines = max(title.count("\n") for title in titles) + 1
    height, width = images[0].shape[:2]
    side = min(1.9, max(1.3, 9 / columns))
    figure = Figure(figsize=(max(4.5, side * columns), 0.4 + rows * (side * height / width + 0.2 * lines)))
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax, image, title in zip(axes, images, titles, strict=False):
        _draw_image(ax, image)
        ax.set_title(title, loc="center", fontsize=9)
    for ax in axes[len(images) :]:
        ax.remove()
    return figure


def _draw_image(axes: Axes, image: np.ndarray) -> None:
    """One image with values in [0, 1], as it is: no stretching of its contrast to its own range."""
    pixels = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    axes.imshow(pixels, vmin=0, vmax=1)
    axes.set_axis_off()
