"""Figures that show images chosen for a question: the most and the least of a property, or the hardest for a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from labutils.plots.figure import data_words, show, styled
from labutils.plots.pictures import _image_figure

if TYPE_CHECKING:
    from labutils.data.dataset import Dataset
    from labutils.runs.run import Run


def _fine_texture(x: np.ndarray) -> np.ndarray:
    from scipy.ndimage import uniform_filter

    return np.abs(x - uniform_filter(x, (0, 5, 5))).mean(axis=(1, 2))


def _dark_area(x: np.ndarray) -> np.ndarray:
    middle = (x.min(axis=(1, 2), keepdims=True) + x.max(axis=(1, 2), keepdims=True)) / 2
    return (x < middle).mean(axis=(1, 2))


def _asymmetry(x: np.ndarray) -> np.ndarray:
    return np.abs(x - x[:, :, ::-1]).mean(axis=(1, 2)) / (x.std(axis=(1, 2)) + 1e-6)


MEASURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "brightness": lambda x: x.mean(axis=(1, 2)),
    "contrast": lambda x: x.std(axis=(1, 2)),
    "fine texture": _fine_texture,
    "dark area": _dark_area,
    "asymmetry": _asymmetry,
}
"""Properties of an image as one number, from grey images (n, h, w) in [0, 1].

Brightness and contrast are mean and standard deviation; fine texture is the mean distance from the mean of the 5x5
pixels around; dark area the share of pixels below the middle between the darkest and the brightest; asymmetry the mean
distance from the mirrored image, in standard deviations.
"""


@styled
def extremes(dataset: Dataset, measure: str, n: int = 4, save: Path | str | None = None) -> None:
    """The training images with the least and the most of a property, each with its class and value.

    Parameters
    ----------
    dataset : Dataset
    measure : str
        One of `MEASURES`.
    n : int
        Images of either kind.
    save : Path or str, optional
        Where to save the figure (.png).

    Raises
    ------
    ValueError
        If there is no such measure.
    """
    if measure not in MEASURES:
        raise ValueError(f"{measure!r} is no measure of an image: there are {', '.join(MEASURES)}.")
    values = MEASURES[measure](np.asarray(dataset.x_train).mean(axis=3))
    order = np.argsort(values, kind="stable")
    n = min(n, len(order) // 2)
    chosen = np.concatenate([order[:n], order[-n:]])
    names = [dataset.class_names[label] for label in dataset.y_train[chosen]]
    titles = [f"{name}, {value:.2f}" for name, value in zip(names, values[chosen], strict=True)]
    figure = _image_figure([np.asarray(dataset.x_train[i]) for i in chosen], titles, n)
    data = data_words(dataset.name, dataset.source)
    figure.suptitle(f"{data}: least and most {measure}")
    told = f"Training images of {data} with the least {measure}: {', '.join(titles[:n])}; with the most: "
    show(figure, f"{told}{', '.join(titles[n:])}.", save)


@styled
def hardest(dataset: Dataset, run: Run | None, n: int = 8, save: Path | str | None = None) -> None:
    """The validation images of which a run is least sure at its best epoch, with its probability for their class.

    Parameters
    ----------
    dataset : Dataset
        What the run was validated on.
    run : Run or None
        None says that there is no run to ask.
    n : int
        How many images.
    save : Path or str, optional
        Where to save the figure (.png).
    """
    if run is None:
        print("No run is stored that could say which images are hard.")
        return
    from labutils.evaluate.metrics import class_probabilities

    probabilities = class_probabilities(run)
    chosen = np.argsort(probabilities.max(axis=1), kind="stable")[:n]
    labels = run.y_val[chosen]
    titles = [
        f"{run.class_names[label]}, p {probabilities[i, label]:.2f}" for i, label in zip(chosen, labels, strict=True)
    ]
    figure = _image_figure([np.asarray(dataset.x_val[i]) for i in chosen], titles, max(1, len(chosen) // 2))
    data = data_words(dataset.name, dataset.source)
    figure.suptitle(f"{data}: validation images of which {run.label} is least sure")
    show(figure, f"Validation images of {data} of which the network is least sure: {', '.join(titles)}.", save)
