"""What simple models reach, with a few numbers per image: beating them is the first thing a network has to show."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from labutils.machine import cores
from labutils.statistics import Estimate, mean_auc_interval, wilson_interval

RINGS = 6
"""Rings of spatial frequency, doubling in radius from one cycle per image."""

SIMPLE = ("intensity", "gradients", "mask shape", "band powers")
"""The kinds of `simple_features` that make up the simple numbers."""

SEEDS = 3
"""Forests that are grown of each kind, with a seed each: what the seed does is then known."""


@dataclass(frozen=True)
class Baseline:
    """How far a simple model gets on images it was not fitted to.

    `name` is what it sees and what it is, `simple numbers, forest`. Accuracy and AUC (None with more than two classes)
    have 95 % intervals, and are means over the seeds of a forest. `answers` are which of the `images` it was right
    about, for each seed: bits in base64, read by `right`.
    """

    name: str
    accuracy: float
    accuracy_interval: tuple[float, float]
    auc: float | None
    auc_interval: tuple[float, float] | None
    images: int
    answers: tuple[str, ...]

    @property
    def right(self) -> np.ndarray:
        """Which images it was right about, (seeds, images) bool; one row where no seed plays a part. A ValueError says
        that the answers are not those of its images, or not of its accuracy."""
        rows = [np.frombuffer(b64decode(text, validate=True), np.uint8) for text in self.answers]
        if not rows or {len(row) for row in rows} != {-(-self.images // 8)}:
            raise ValueError(f"the answers of {self.name!r} are not for {self.images} images")
        found = np.unpackbits(np.stack(rows), axis=1)[:, : self.images].astype(bool)
        if abs(found.mean() - self.accuracy) > 1e-9:
            raise ValueError(f"the answers of {self.name!r} are right as often as {found.mean()}, not {self.accuracy}")
        return found

    def shown(self) -> str:
        """The accuracy with its interval, ready to be read."""
        return str(Estimate(self.accuracy, *self.accuracy_interval))

    def auc_shown(self) -> str:
        """The area under the ROC curve with its interval."""
        return "-" if self.auc is None or self.auc_interval is None else str(Estimate(self.auc, *self.auc_interval))


def simple_features(x: np.ndarray) -> dict[str, np.ndarray]:
    """Numbers that describe each image without looking at what is in it, (n, k) float64, of each kind.

    Of pixels (n, side, side) or (n, side, side, channels) in [0, 1], at least 32 a side; colours are averaged. Kinds
    are ``mean brightness`` (k = 1), ``intensity`` (quantiles and moments, 13), ``gradients`` (9), ``mask shape`` (of
    the two parts that Otsu's threshold makes, 11), ``band powers`` (differences of Gaussians, 8), ``FFT rings``
    (6), ``16x16 pixels`` (256) and ``HOG`` (Dalal and Triggs 2005, 512). All finite, of constant images too.
    """
    rows = []
    for image in x:
        grey = np.asarray(image, np.float64)
        rows.append(_measure(grey.mean(axis=2) if grey.ndim == 3 else grey))
    return {kind: np.stack([row[kind] for row in rows]) for kind in rows[0]}


def baselines(x_train: np.ndarray, y_train: np.ndarray, x_eval: np.ndarray, y_eval: np.ndarray) -> list[Baseline]:
    """Fit simple models to the training images (`simple_features`) and their labels, and judge them on others.

    Linear models (logistic regression) on mean brightness, 16x16 pixels, FFT rings, HOG and the simple numbers, and
    random forests on the rings and on the simple numbers. The same every time; about 8 ms an image.
    """
    return fit_baselines(simple_features(x_train), y_train, simple_features(x_eval), y_eval)


def fit_baselines(
    train: dict[str, np.ndarray], y_train: np.ndarray, evaluated: dict[str, np.ndarray], y_eval: np.ndarray
) -> list[Baseline]:
    """The models of `baselines` on features that `simple_features` has measured already."""
    from sklearn.ensemble import RandomForestClassifier

    # With hundreds of correlated features for a thousand images, a weak penalty would learn noise.
    seen = {kind: (train[kind], evaluated[kind]) for kind in ("mean brightness", "16x16 pixels", "FFT rings", "HOG")}
    numbers, others = (np.concatenate([split[kind] for kind in SIMPLE], axis=1) for split in (train, evaluated))
    seen["simple numbers"] = numbers, others
    rows = []
    for kind, (x, x_eval) in seen.items():
        models: dict[str, list[Any]] = {"linear": [_linear(1.0 if x.shape[1] < 100 else 0.01, 2000).fit(x, y_train)]}
        if kind in ("FFT rings", "simple numbers"):
            how = {"min_samples_leaf": 2, "n_jobs": cores()}
            grown = [RandomForestClassifier(300, random_state=seed, **how) for seed in range(SEEDS)]
            # Several threads would add up the trees in any order: the last digit of a probability decides a tie.
            models["forest"] = [forest.fit(x, y_train).set_params(n_jobs=1) for forest in grown]
        rows += [_judge(f"{kind}, {what}", own, x_eval, y_eval) for what, own in models.items()]
    return rows


def score_features(x_train: np.ndarray, y_train: np.ndarray, x_val: np.ndarray, y_val: np.ndarray) -> Estimate | None:
    """How well a linear model on numbers (n, features) tells the classes of the validation images apart: the area under
    the ROC curve, with several classes the mean. None where a class of either split is missing in the other."""
    classes = np.unique(y_train)
    if len(classes) < 2 or not np.array_equal(classes, np.unique(y_val)):
        return None
    if np.ptp(x_train, axis=0).max() == 0:  # nothing to go by: every image gets the same score
        return mean_auc_interval(y_val, np.zeros((len(y_val), len(classes))))
    # Hundreds of correlated pixels for a thousand images: without a strong penalty the model learns noise and
    # would hide the very shortcut it is to find.
    model = _linear(1.0 if x_train.shape[1] < 10 else 0.01, 1000).fit(x_train, y_train)
    return mean_auc_interval(y_val, model.predict_proba(x_val))


def _linear(strength: float, steps: int) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=steps))


def _judge(name: str, models: list[Any], x: np.ndarray, y: np.ndarray) -> Baseline:
    classes, probabilities = models[0].classes_, [model.predict_proba(x) for model in models]
    right = np.stack([classes[one.argmax(axis=1)] == y for one in probabilities])
    accuracy = float(right.mean())
    interval = wilson_interval(round(accuracy * len(y)), len(y))
    answers = tuple(b64encode(row.tobytes()).decode() for row in np.packbits(right, axis=1))
    if len(classes) != 2 or len(np.unique(y)) != 2:
        return Baseline(name, accuracy, interval, None, None, len(y), answers)
    area, low, high = np.mean([mean_auc_interval(y, one) for one in probabilities], axis=0).tolist()
    return Baseline(name, accuracy, interval, area, (low, high), len(y), answers)


def _measure(grey: np.ndarray) -> dict[str, np.ndarray]:
    from scipy import ndimage
    from skimage.feature import hog

    spread = grey.std() + 1e-6
    centred = grey - grey.mean()
    quantiles = np.quantile(grey, (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99))
    moments = [grey.mean(), grey.std(), (centred**3).mean() / spread**3, (centred**4).mean() / spread**4]

    smooth = ndimage.gaussian_filter(grey, 1.0)
    slope = np.hypot(*np.gradient(smooth))
    steps = np.quantile(slope, (0.1, 0.25, 0.5, 0.75, 0.9, 0.99))

    blurred = [ndimage.gaussian_filter(grey, sigma) for sigma in (0.5, 1, 2, 4, 8, 16, 32)]
    bands = [fine - coarse for fine, coarse in pairwise(blurred)]
    powers = [np.log(band.std() + 1e-6) for band in bands]

    side = min(grey.shape)
    rows, cols = (np.linspace(0, length, 17).astype(int)[:-1] for length in grey.shape)
    blocks = np.add.reduceat(np.add.reduceat(grey, rows, axis=0), cols, axis=1)
    counts = np.outer(np.diff([*rows, grey.shape[0]]), np.diff([*cols, grey.shape[1]]))
    cells = max(4, side // 8)
    return {
        "mean brightness": np.array([grey.mean()]),
        "intensity": np.array([*quantiles, *moments]),
        "gradients": np.array([*steps, slope.mean(), slope.std(), slope.mean() / spread]),
        "mask shape": _mask_shape(smooth),
        "band powers": np.array([*powers, powers[1] - powers[3], powers[2] - powers[4]]),
        "FFT rings": _rings(centred),
        "16x16 pixels": (blocks / counts).ravel(),
        "HOG": hog(grey[: 8 * cells, : 8 * cells], 8, pixels_per_cell=(cells, cells), cells_per_block=(1, 1)),
    }


def _rings(centred: np.ndarray) -> np.ndarray:
    """Logarithm of the power in rings of spatial frequency; a window keeps the picture's edges out."""
    window = np.outer(np.hanning(centred.shape[0]), np.hanning(centred.shape[1]))
    power = np.abs(np.fft.fft2(centred * window)) ** 2 / centred.size**2
    row, col = (np.fft.fftfreq(n) * n for n in centred.shape)
    radius = np.hypot(row[:, None], col[None, :])
    edges = np.geomspace(1, min(centred.shape) / 2, RINGS + 1)
    ring = np.digitize(radius.ravel(), edges)
    total = np.bincount(ring, power.ravel(), minlength=RINGS + 2)[1 : RINGS + 1]
    return np.log(total / np.maximum(np.bincount(ring, minlength=RINGS + 2)[1 : RINGS + 1], 1) + 1e-12)


def _mask_shape(smooth: np.ndarray) -> np.ndarray:
    """Shape of the part that touches the border less, of the two that Otsu's threshold makes."""
    from scipy import ndimage
    from skimage.filters import threshold_otsu
    from skimage.measure import perimeter

    if np.ptp(smooth) < 1e-6:
        return np.zeros(11)
    mask = smooth > threshold_otsu(smooth)
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    if border.mean() > 0.5:
        mask = ~mask
    labels, count = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())[1:]
    if not count:
        return np.zeros(11)
    largest = labels == sizes.argmax() + 1
    rows, cols = np.nonzero(largest)
    centre = np.array([rows.mean(), cols.mean()])
    spread = np.linalg.eigvalsh(np.cov(np.stack([rows, cols])) + np.eye(2) / 12) if len(rows) > 1 else np.ones(2)
    around, area = perimeter(largest), len(rows)
    # The part of it that lies outside of itself turned by half a turn.
    turned = np.rint(2 * centre - np.stack([rows, cols], axis=1)).astype(int)
    seen = ((turned >= 0) & (turned < mask.shape)).all(axis=1)
    overlap = largest[turned[seen, 0], turned[seen, 1]].sum() / area
    sizes_and_parts = mask.mean(), largest.mean(), np.log(count), np.sqrt(spread[0] / spread[1])
    form = around**2 / (4 * np.pi * area), overlap, area / (4 * np.pi * np.sqrt(spread.prod()))
    contrast = smooth[mask].mean() - (smooth[~mask].mean() if not mask.all() else 0.0), smooth[mask].std()
    return np.array([*sizes_and_parts, *form, *np.abs(centre / mask.shape - 0.5), *contrast])
