"""Figures that show images: samples of a data set, one image beside its changed versions, Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labutils.plots.figure import count, data_words, show, styled

if TYPE_CHECKING:
    from labutils.data.dataset import Dataset


@styled
def sample_grid(dataset: Dataset, n: int = 8, seed: int = 0, save: Path | str | None = None) -> None:
    """Training images of every class, each under the name of its class.

    Parameters
    ----------
    dataset : Dataset
        Grey or colour, any number of classes.
    n : int
        How many images in all; rounded so that every class shows equally many, at least one.
    seed : int
        Another seed picks other images.
    save : Path or str, optional
        Where to save the figure (.png).
    """
    if n < 1:
        raise ValueError(f"n is {n!r}: it must be a whole number from 1 (images to show).")
    rng = np.random.default_rng(seed)
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
    axes = figure.subplots(rows, columns, squeeze=False).flat
    for ax, image, title in zip(axes, images, titles, strict=False):
        _draw_image(ax, image)
        ax.set_title(title, loc="center", fontsize=9)
    for ax in list(axes)[len(images) :]:
        ax.remove()
    return figure


def _draw_image(axes: Axes, image: np.ndarray) -> None:
    """One image with values in [0, 1], as it is: no stretching of its contrast to its own range."""
    pixels = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    axes.imshow(pixels, vmin=0, vmax=1)
    axes.set_axis_off()
