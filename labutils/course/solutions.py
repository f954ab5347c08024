"""The exercises as they are solved: real functions, of which the notebooks' cells are made (see `exercises`).

What stands between the marks is the part that a student writes. The checks take these functions as what is expected.
"""

# Docstrings here are read by students in a cell: the sentence that says what to write, without a table of parameters.

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import ceil, comb, sqrt

import numpy as np


def overfitting_epoch(val_loss: Sequence[float], climb: float = 0.02) -> int | None:
    """The epoch, counted from 1, from which on the validation loss stays above its minimum + climb to the end.

    None if the last epoch is not above it.
    """
    ### BEGIN SOLUTION
    limit = min(val_loss) + climb
    within = [epoch for epoch, loss in enumerate(val_loss, start=1) if loss <= limit]
    return None if within[-1] == len(val_loss) else within[-1] + 1
    ### END SOLUTION


def receptive_field(layers: Sequence[tuple[int, int]]) -> int:
    """The side, in pixels of the image, of what one position after these layers sees.

    Each layer is (side of its window, stride), the first one next to the image.
    """
    ### BEGIN SOLUTION
    field, step = 1, 1
    for window, stride in layers:
        field += (window - 1) * step
        step *= stride
    return field
    ### END SOLUTION


def layer_parameters(inputs: int, outputs: int, window: int | None = None) -> int:
    """How many numbers a layer learns: a dense layer, or a convolution if the side of its window is given.

    Inputs and outputs are units of a dense layer, channels of a convolution; both kinds have biases.
    """
    ### BEGIN SOLUTION
    weights = inputs * outputs
    if window is not None:
        weights *= window * window
    return weights + outputs
    ### END SOLUTION


def epoch_to_keep(val_loss: Sequence[float], patience: int) -> tuple[int, int]:
    """Early stopping: the epoch whose weights are kept, and the epoch after which training ends, both from 1.

    Training ends when the lowest loss so far is `patience` epochs old, or with the curve.
    """
    ### BEGIN SOLUTION
    lowest, kept = float("inf"), 0
    for epoch, loss in enumerate(val_loss, start=1):
        if loss < lowest:
            lowest, kept = loss, epoch
        if epoch - kept >= patience:
            return kept, epoch
    return kept, len(val_loss)
    ### END SOLUTION


def sensitivity_specificity(
    truth: np.ndarray, probability: np.ndarray, threshold: float = 0.5
) -> tuple[np.ndarray, float, float]:
    """The 2x2 confusion matrix (row: true label, column: predicted), the sensitivity and the specificity.

    Above the threshold the prediction is label 1. A rate of no images at all is nan.
    """
    ### BEGIN SOLUTION
    predicted = (np.asarray(probability) > threshold).astype(int)
    matrix = np.zeros((2, 2), int)
    for true, guess in zip(truth, predicted, strict=True):
        matrix[true, guess] += 1
    negatives, positives = matrix.sum(axis=1)
    sensitivity = matrix[1, 1] / positives if positives else float("nan")
    specificity = matrix[0, 0] / negatives if negatives else float("nan")
    return matrix, sensitivity, specificity
    ### END SOLUTION


def wilson(successes: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a proportion: its lower and its upper end.

    centre = (p + z² / 2n) / (1 + z² / n), half width = z sqrt(p (1 - p) / n + z² / 4n²) / (1 + z² / n).
    """
    ### BEGIN SOLUTION
    p = successes / n
    below = 1 + z**2 / n
    centre = (p + z**2 / (2 * n)) / below
    half = z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / below
    return centre - half, centre + half
    ### END SOLUTION


def mcnemar(only_a: int, only_b: int) -> float:
    """McNemar's exact test: the two-sided p of this split, or a more uneven one, among the images that differ.

    only_a images are right in A alone, only_b in B alone; by chance each falls to either side with probability 1/2.
    """
    ### BEGIN SOLUTION
    n, smaller = only_a + only_b, min(only_a, only_b)
    tail = sum(comb(n, k) for k in range(smaller + 1)) / 2**n
    return min(1.0, 2 * tail)
    ### END SOLUTION


def accuracies(truth: np.ndarray, probabilities: np.ndarray) -> tuple[float, float]:
    """The categorical and the element-wise accuracy of probabilities (images, classes) for labels from 0.

    Categorical: the most probable class is the right one. Element-wise: each entry, taken as yes above 0.5, is what
    the one-hot truth says.
    """
    ### BEGIN SOLUTION
    truth, probabilities = np.asarray(truth), np.asarray(probabilities)
    categorical = np.mean(probabilities.argmax(axis=1) == truth)
    one_hot = truth[:, None] == np.arange(probabilities.shape[1])
    element_wise = np.mean((probabilities > 0.5) == one_hot)
    return float(categorical), float(element_wise)
    ### END SOLUTION


def dropout(x: np.ndarray, rate: float, draws: np.ndarray, training: bool) -> np.ndarray:
    """The output of a dropout layer for the units x (batch, units).

    In training a unit is left out where its draw, a number from 0 to 1, is below the rate, and what stays is made
    larger so that the mean stays the same. Otherwise x comes back as it is.
    """
    ### BEGIN SOLUTION
    if not training:
        return x
    return np.where(draws < rate, 0, x / (1 - rate))
    ### END SOLUTION


def batch_norm(
    x: np.ndarray, mean: np.ndarray, variance: np.ndarray, training: bool, momentum: float = 0.9, epsilon: float = 1e-3
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Feature maps x (batch, height, width, channels), each channel normalized, and the new moving averages.

    Training uses the mean and variance of this batch, and moves the averages: momentum * old + (1 - momentum) * new.
    Inference uses the moving averages, and leaves them. Divide by sqrt(variance + epsilon).
    """
    ### BEGIN SOLUTION
    if not training:
        return (x - mean) / np.sqrt(variance + epsilon), mean, variance
    now, spread = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    y = (x - now) / np.sqrt(spread + epsilon)
    mean = momentum * mean + (1 - momentum) * now
    variance = momentum * variance + (1 - momentum) * spread
    return y, mean, variance
    ### END SOLUTION


def fold_batch_norm(
    gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, variance: np.ndarray, epsilon: float = 1e-3
) -> tuple[np.ndarray, np.ndarray]:
    """Batch normalization at inference as one multiplication and one addition: (scale, shift) of every channel.

    scale * x + shift must equal gamma * (x - mean) / sqrt(variance + epsilon) + beta.
    """
    ### BEGIN SOLUTION
    scale = gamma / np.sqrt(variance + epsilon)
    return scale, beta - scale * mean
    ### END SOLUTION


def smoothed_gap(accuracy: Sequence[float], val_accuracy: Sequence[float], window: int) -> np.ndarray:
    """Training minus validation accuracy, as the mean of every `window` epochs in a row.

    The first value is that of the first `window` epochs, the last one that of the last: n - window + 1 values.
    """
    ### BEGIN SOLUTION
    gap = np.asarray(accuracy, float) - np.asarray(val_accuracy, float)
    return np.array([gap[start : start + window].mean() for start in range(len(gap) - window + 1)])
    ### END SOLUTION


def drop_maps(x: np.ndarray, rate: float, draws: np.ndarray) -> np.ndarray:
    """Spatial dropout in training: of x (batch, height, width, channels) whole feature maps are left out.

    A map of an image is left out where its draw (batch, channels) is below the rate; the others are divided by
    1 - rate.
    """
    ### BEGIN SOLUTION
    mask = (draws >= rate) / (1 - rate)
    return x * mask[:, None, None, :]
    ### END SOLUTION


def both_orders(x: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values x (batch, channels), times a dropout mask, before the ReLU and after it.

    The mask holds 0 where something is left out and 1 / (1 - rate) elsewhere. First value: mask, then ReLU; second:
    ReLU, then mask.
    """
    ### BEGIN SOLUTION
    before = np.maximum(x * mask, 0)
    after = np.maximum(x, 0) * mask
    return before, after
    ### END SOLUTION


def versions(image: np.ndarray, low: float, high: float) -> Iterator[np.ndarray]:
    """Three changed pictures, one at a time (yield): the grey values stretched; that flipped left to right; and
    that flipped top to bottom.

    Stretched: low becomes 0, high becomes 1, what lies outside is cut off. The image itself is not changed.
    """
    ### BEGIN SOLUTION
    stretched = np.clip((image - low) / (high - low), 0, 1)
    yield stretched
    yield stretched[:, ::-1]
    yield stretched[::-1]
    ### END SOLUTION


class Batches:
    """Images and labels in batches, as Keras asks a PyDataset for them; each batch's images go through `change`."""

    def __init__(self, x: np.ndarray, y: np.ndarray, size: int, change: Callable[[np.ndarray], np.ndarray]) -> None:
        self.x, self.y, self.size, self.change = x, y, size, change

    def __len__(self) -> int:
        """How many batches an epoch has; the last one may be smaller."""
        ### BEGIN SOLUTION
        return ceil(len(self.x) / self.size)
        ### END SOLUTION

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `number`, from 0: changed images, and their labels."""
        ### BEGIN SOLUTION
        chosen = slice(number * self.size, (number + 1) * self.size)
        return self.change(self.x[chosen]), self.y[chosen]
        ### END SOLUTION


def predictive_values(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    """The probability of disease after a positive answer, and of no disease after a negative one.

    The prevalence is the share of the ill among those who are tested.
    """
    ### BEGIN SOLUTION
    true_positive, false_positive = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    true_negative, false_negative = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    positive = true_positive / (true_positive + false_positive)
    return positive, true_negative / (true_negative + false_negative)
    ### END SOLUTION
