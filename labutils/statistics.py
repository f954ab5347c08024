"""Numbers and how sure one can be of them, as functions of arrays: intervals, resampled means, losses of predictions,
several tests at once."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from math import comb, hypot, log, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.polynomial import Polynomial

SMALLEST_PROBABILITY = 1e-7
"""A probability below this counts as this, as in Keras: a confident mistake costs at most 16.1, and never infinity."""

GUESS = log(2)
"""What an image costs on which a network answers "one half" to two classes."""

LEVEL: ContextVar[float] = ContextVar("level", default=0.05)
"""How often an interval may miss: of 95 % ones in 1 of 20 cases. Only `evaluate.rules.contested` sets another."""

DRAWS = 4000


class Estimate(NamedTuple):
    """A number and its confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """`0.845 [0.788, 0.889]`; never `-0.000`, and where the interval excludes 0 it does so as shown, too."""
        value, low, high = (f"{round(number, 3) + 0.0:.3f}" for number in self)
        if self.low * self.high > 0:
            low = f"{self.low:.1g}" if low == "0.000" else low
            high = f"{self.high:.1g}" if high == "0.000" else high
        return f"{value} [{low}, {high}]"

    def turned(self) -> Estimate:
        """The same the other way round: by how much less, where it is by how much more."""
        return Estimate(-self.value, -self.high, -self.low)

    def moved_to(self, value: float) -> Estimate:
        """The interval around another value: an interval from stored predictions, whose float16 rounds sure mistakes,
        around the value that the history has."""
        shift = value - self.value
        return Estimate(value, self.low + shift, self.high + shift)


def points(value: float) -> str:
    """A share in percentage points, `+3.5`; never `-0.0`."""
    return f"{round(100 * value, 1) + 0.0:+.1f}"


def in_points(estimate: Estimate) -> str:
    """`+3.5 [+0.5, +6.5]`, in percentage points."""
    return f"{points(estimate.value)} [{points(estimate.low)}, {points(estimate.high)}]"


def p_value(p: float) -> str:
    """A p-value in three decimals, as tables show it: `0.031`, or `< 0.001`."""
    return f"{p:.3f}" if p >= 0.0005 else "< 0.001"


def p_words(p: float) -> str:
    """A p-value in a sentence: `p = 0.031`, or `p < 0.001`."""
    shown = p_value(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def count(n: int, noun: str) -> str:
    """A number with its noun: `1 run`, `3 runs`."""
    return f"{n} {noun}" + ("" if n == 1 else "s")


def tails() -> tuple[float, float]:
    """The quantiles that an interval lies between: .025 and .975 for one of 95 %."""
    return LEVEL.get() / 2, 1 - LEVEL.get() / 2


def normal_quantile(confidence: float) -> float:
    """How many standard errors an interval reaches to either side: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The ends of the interval of a proportion, by Wilson's score method (1927, Journal of the American Statistical
    Association 22, 209-212): within 0 and 1, and sensible at 0 and at `n` successes, too.

    A ValueError says that `n` is below 1 or `successes` not from 0 to `n`.

    Examples
    --------
    >>> low, high = wilson_interval(169, 200)
    >>> round(low, 3), round(high, 3)
    (0.788, 0.889)
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no proportion: successes must be from 0 to n, and n at least 1.")
    # scipy.stats has this too, but every notebook needs it, and its import takes longer than all else in a table.
    z, share = normal_quantile(confidence), successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # At 0 and n successes rounding would leave the ends a hair away from where they belong.
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == n else centre + half)


def proportion(hits: np.ndarray) -> Estimate:
    """The share of True in `hits` (n,), with its Wilson interval."""
    return Estimate(float(np.mean(hits)), *wilson_interval(int(np.sum(hits)), len(hits), 1 - LEVEL.get()))


def auc_interval(is_positive: np.ndarray, scores: np.ndarray) -> Estimate:
    """The area under the ROC curve of scores (n,), higher for positives (n,) bool, with Newcombe's 95 % score interval.

    It solves `|AUC - area| = z * standard error(area)` (Newcombe 2006, Statistics in Medicine 25, 559-573, method 5),
    with the standard error of Hanley and McNeil (1982, Radiology 143, 29-36). Unlike DeLong's interval and the
    bootstrap it does not shrink to a point where the classes separate perfectly, as they may on 140 images. A
    ValueError says that all images belong to one class.
    """
    is_positive = np.asarray(is_positive, dtype=bool)
    m, n = int(is_positive.sum()), int((~is_positive).sum())
    if not m or not n:
        raise ValueError(f"An AUC needs both classes; there are {m} positive and {n} negative images.")
    value = float(_shares_outranked(is_positive, np.asarray(scores))[is_positive].mean())
    # The equation as a polynomial in the area, by its denominators: two of its four roots are from 0 to 1, one on
    # either side of the AUC. Where that is 0 or 1, it is an end itself.
    area, extra = Polynomial([0.0, 1.0]), (m + n) / 2 - 1
    beyond = (2 - area) * (1 + area)
    spread = area * (1 - area) * (beyond + extra * ((1 - area) * (1 + area) + area * (2 - area)))
    roots = (m * n * (value - area) ** 2 * beyond - normal_quantile(0.95) ** 2 * spread).roots().real
    low = max(roots[roots < value - 1e-9].max(), 0.0) if value > 0 else 0.0
    high = min(roots[roots > value + 1e-9].min(), 1.0) if value < 1 else 1.0
    return Estimate(value, float(low), float(high))


def mean_auc_interval(y: np.ndarray, scores: np.ndarray) -> Estimate:
    """The mean area under the ROC curve over each class against the rest, with its 95 % interval.

    Of labels `y` (n,) and scores (n, classes), of which each occurs; with two the second column counts. Areas of the
    same images move together, so their intervals (`auc_interval`) are joined (Zou and Donner 2008, Statistics in
    Medicine 27, 1693-1702) by how strongly they do (DeLong and others 1988, Biometrics 44, 837-845).
    """
    labels = np.unique(y)
    if len(labels) == 2:
        return auc_interval(y == labels[1], scores[:, 1])
    areas, moves = [], []
    for column, label in enumerate(labels):
        positive = y == label
        areas.append(auc_interval(positive, scores[:, column]))
        share = _shares_outranked(positive, scores[:, column])
        moves.append((share - areas[-1].value) / np.where(positive, positive.sum(), (~positive).sum()))
    covariance = np.array(moves) @ np.array(moves).T
    spread = np.sqrt(np.diag(covariance))
    scale = np.outer(spread, spread)
    together = np.divide(covariance, scale, out=np.ones_like(covariance), where=scale > 0)
    value = float(np.mean([area.value for area in areas]))
    reach = np.array([[area.value - area.low, area.high - area.value] for area in areas]).T
    down, up = (float(np.sqrt(max(side @ together @ side, 0.0))) / len(areas) for side in reach)
    return Estimate(value, max(value - down, 0.0), min(value + up, 1.0))


def auc_by_image(y: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """What each image contributes to the mean AUC of every class against the rest, (n,); their mean is that AUC.

    Of labels `y` (n,) and scores (n, classes), as in `mean_auc_interval`. These are the jackknife's pseudovalues, n AUC
    - (n - 1) AUC without the image, in closed form: with them an AUC is compared over readers and images like any mean
    (Dorfman, Berbaum and Metz 1992, Investigative Radiology 27, 723-731).
    """
    columns = [1] if scores.shape[1] == 2 else [k for k in range(scores.shape[1]) if (y == k).any()]
    values = []
    for column in columns:
        positive = y == column
        share = _shares_outranked(positive, scores[:, column])
        area, side = share[positive].mean(), np.where(positive, positive.sum(), (~positive).sum())
        values.append(area + (len(y) - 1) * (share - area) / np.maximum(side - 1, 1))
    return np.mean(values, axis=0)


def _shares_outranked(positive: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """For each image the share of the other side that it is ranked rightly against, (n,); ties count half."""
    share = np.empty(len(scores))
    for side in (positive, ~positive):
        others = np.sort(scores[~side])
        below, not_above = (others.searchsorted(scores[side], edge) for edge in ("left", "right"))
        share[side] = (below + not_above) / 2 / len(others)
    share[~positive] = 1 - share[~positive]
    return share


def bootstrap_mean(values: np.ndarray, unit: float = 1.0) -> Estimate:
    """The mean of `values` (n,), one per image, with its 95 % percentile bootstrap interval (Efron 1979, Annals of
    Statistics 7, 1-26), the same at every call.

    Resampling values that are all the same gives the same mean every time, as if n images were all there are. Half an
    image that lies one `unit` above and half an image that lies one below are therefore added to the variance, as
    Agresti and Min do for differences of proportions. One `unit` is what one image more can change: 1 for a right or
    wrong answer, `GUESS` for a loss.
    """
    mean = float(np.mean(values))
    low, high = np.quantile(resampled_means(values), tails())
    return widened(Estimate(mean, float(low), float(high)), len(values), unit)


def widened(estimate: Estimate, n: int, unit: float = 1.0) -> Estimate:
    """An interval over n images, wider by what half an image on either side would add; see `bootstrap_mean`."""
    least = normal_quantile(1 - LEVEL.get()) * unit / (n + 2)
    value, low, high = estimate
    return Estimate(value, value - hypot(value - low, least), value + hypot(high - value, least))


def resampled_means(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """The means of 4000 samples drawn from `values` (n,) with replacement, each as large as `values`."""
    values = np.asarray(values, dtype=np.float64)
    return values[resamples(len(values), seed)].mean(axis=1)


def resamples(n: int, seed: int = 0, draws: int = DRAWS) -> np.ndarray:
    """Indices of samples drawn from n things with replacement, (draws, n); the same at every call."""
    return np.random.default_rng(seed).integers(n, size=(draws, n))


def outputs_of(n_classes: int) -> int:
    """Units of a network's last layer: two classes make one, which speaks for label 1; more have one each."""
    return 1 if n_classes == 2 else n_classes


def class_probabilities(predictions: np.ndarray) -> np.ndarray:
    """Predictions as one column per class, also those of a network with one output, (..., n, n_classes) float64."""
    stored = np.asarray(predictions, dtype=np.float64)
    return np.concatenate([1.0 - stored, stored], axis=-1) if stored.shape[-1] == 1 else stored


def cross_entropy(predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The loss of each image, (..., n), from 0 to 16.1, of predictions (..., n, outputs) and labels (n,); their mean is
    what Keras calls the loss."""
    own = class_probabilities(predictions)[..., np.arange(len(labels)), labels]
    return -np.log(np.clip(own, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY))


def predicted_labels(predictions: np.ndarray) -> np.ndarray:
    """Labels that probabilities (..., outputs) stand for: above one half, or the largest of several; (...) int64."""
    return (predictions[..., 0] > 0.5).astype(np.int64) if predictions.shape[-1] == 1 else predictions.argmax(-1)


def sign_test(a: int, b: int) -> float:
    """McNemar's exact p value (1947, Psychometrika 12, 153-157), two-sided, from the images that only one of two gets
    right. Were both equally good, each would be a toss of a coin: the chance of a split this uneven, doubled.

    Examples
    --------
    >>> sign_test(1, 7)
    0.0703125
    """
    n = a + b
    return min(2 * sum(comb(n, k) for k in range(min(a, b) + 1)) / 2**n, 1.0)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p-values of several tests, adjusted so that a true difference of nothing is found in 1 of 20 *families* of tests
    (Holm 1979, Scandinavian Journal of Statistics 6, 65-70).

    Examples
    --------
    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'b': 0.06, 'c': 0.06}
    """
    adjusted, largest = {}, 0.0
    for i, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, min((len(p_values) - i) * p_values[name], 1.0))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}
