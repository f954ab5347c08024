"""Checks of exercises that compute what a layer computes: 5A, 5B, 5C, 6A and 6B."""

from __future__ import annotations

from typing import Any

import numpy as np

from labutils.course import solutions
from labutils.course.checks.case import Case, Check, Mistake

Arrays = tuple[np.ndarray, ...]


def _units(rng: np.random.Generator) -> list[Case]:
    def case(label: str, shape: tuple[int, ...], rate: float, training: bool, kind: Any = np.float64) -> Case:
        x = np.round(rng.uniform(0.1, 2, shape), 2).astype(kind)
        draws = np.round(rng.uniform(0, 1, shape), 2)
        draws.flat[0], draws.flat[-1] = 0.01, 0.99  # one left out, one kept
        return Case(label, {"x": x, "rate": rate, "draws": draws, "training": training})

    return [
        case("training", (3, 4), 0.4, True),
        case("inference", (2, 3), 0.4, False),
        case("a batch of one, float32", (1, 6), 0.25, True, np.float32),
        case("rate 0", (2, 2), 0.0, True),
    ]


def _kept(x: np.ndarray, rate: float, draws: np.ndarray) -> np.ndarray:
    return np.where(draws < rate, 0, x)


def _also_in_inference(x: np.ndarray, rate: float, draws: np.ndarray, training: bool) -> np.ndarray:
    return _kept(x, rate, draws) / (1 - rate)


def _turned_around(x: np.ndarray, rate: float, draws: np.ndarray, training: bool) -> np.ndarray:
    return np.where(draws >= rate, 0, x) / (1 - rate) if training else x


def _by_rate(x: np.ndarray, rate: float, draws: np.ndarray, training: bool) -> np.ndarray:
    return _kept(x, rate, draws) / rate if training else x


def _scaled_in_inference(x: np.ndarray, rate: float, draws: np.ndarray, training: bool) -> np.ndarray:
    return _kept(x, rate, draws) if training else x * (1 - rate)


def _maps(rng: np.random.Generator) -> list[Case]:
    def case(label: str, shape: tuple[int, ...], training: bool, momentum: float, kind: Any = np.float64) -> Case:
        x = (rng.normal(1, 0.15, shape) * np.arange(1, shape[-1] + 1)).round(3).astype(kind)
        mean = rng.uniform(0.5, 1.5, shape[-1]).round(2).astype(kind)
        variance = rng.uniform(0.02, 0.3, shape[-1]).round(3).astype(kind)
        settings = {"training": training, "momentum": momentum, "epsilon": 0.001}
        return Case(label, {"x": x, "mean": mean, "variance": variance, **settings})

    return [
        case("training", (4, 3, 3, 2), True, 0.9),
        case("inference", (2, 2, 2, 2), False, 0.9),
        case("a batch of one, float32", (1, 2, 3, 3), True, 0.99, np.float32),
        case("inference on one image", (1, 2, 2, 3), False, 0.8),
    ]


def _normed(
    x: np.ndarray,
    moving: tuple[np.ndarray, np.ndarray],
    training: bool,
    momentum: float,
    epsilon: float,
    axes: tuple[int, ...] = (0, 1, 2),
) -> tuple[np.ndarray, Arrays]:
    now = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    used = now if training else moving
    return (x - used[0]) / np.sqrt(used[1] + epsilon), now


def _own_statistics(
    x: np.ndarray, mean: np.ndarray, variance: np.ndarray, training: bool, momentum: float, epsilon: float
) -> Arrays:
    if training:
        return solutions.batch_norm(x, mean, variance, True, momentum, epsilon)
    return _normed(x, (mean, variance), True, momentum, epsilon)[0], mean, variance


def _moved_in_inference(
    x: np.ndarray, mean: np.ndarray, variance: np.ndarray, training: bool, momentum: float, epsilon: float
) -> Arrays:
    y = solutions.batch_norm(x, mean, variance, training, momentum, epsilon)[0]
    return (y, *solutions.batch_norm(x, mean, variance, True, momentum, epsilon)[1:])


def _momentum_turned(
    x: np.ndarray, mean: np.ndarray, variance: np.ndarray, training: bool, momentum: float, epsilon: float
) -> Arrays:
    return solutions.batch_norm(x, mean, variance, training, 1 - momentum, epsilon)


def _averages_in_training(
    x: np.ndarray, mean: np.ndarray, variance: np.ndarray, training: bool, momentum: float, epsilon: float
) -> Arrays:
    y = solutions.batch_norm(x, mean, variance, False, momentum, epsilon)[0]
    return (y, *solutions.batch_norm(x, mean, variance, training, momentum, epsilon)[1:])


def _never_moved(
    x: np.ndarray, mean: np.ndarray, variance: np.ndarray, training: bool, momentum: float, epsilon: float
) -> Arrays:
    return solutions.batch_norm(x, mean, variance, training, momentum, epsilon)[0], mean, variance


def _replaced(
    x: np.ndarray, mean: np.ndarray, variance: np.ndarray, training: bool, momentum: float, epsilon: float
) -> Arrays:
    return solutions.batch_norm(x, mean, variance, training, 0.0, epsilon)


def _no_root(
    x: np.ndarray, mean: np.ndarray, variance: np.ndarray, training: bool, momentum: float, epsilon: float
) -> Arrays:
    y, new_mean, new_variance = solutions.batch_norm(x, mean, variance, training, momentum, epsilon)
    spread = x.var(axis=(0, 1, 2)) if training else variance
    return y / np.sqrt(spread + epsilon), new_mean, new_variance


def _one_for_all(
    x: np.ndarray, mean: np.ndarray, variance: np.ndarray, training: bool, momentum: float, epsilon: float
) -> Arrays:
    if not training:
        return solutions.batch_norm(x, mean, variance, False, momentum, epsilon)
    y = (x - x.mean()) / np.sqrt(x.var() + epsilon)
    return y, momentum * mean + (1 - momentum) * x.mean(), momentum * variance + (1 - momentum) * x.var()


def _channels(rng: np.random.Generator) -> list[Case]:
    def case(label: str, n: int, epsilon: float, kind: Any = np.float64) -> Case:
        numbers = {
            "gamma": rng.uniform(0.5, 2, n).round(2).astype(kind),
            "beta": rng.uniform(-1, 1, n).round(2).astype(kind),
            "mean": rng.uniform(0.2, 2, n).round(2).astype(kind),
            "variance": rng.uniform(0.05, 0.6, n).round(2).astype(kind),
        }
        return Case(label, {**numbers, "epsilon": epsilon})

    still = {"gamma": np.ones(2), "beta": np.array([0.5, -0.5]), "mean": np.array([1.0, 2.0]), "variance": np.zeros(2)}
    return [
        case("three channels", 3, 0.001),
        case("a large epsilon", 4, 0.1),
        case("one channel, float32", 1, 0.001, np.float32),
        Case("channels that never vary", {**still, "epsilon": 0.01}),
    ]


def _folded(gamma: np.ndarray, spread: np.ndarray, beta: np.ndarray, mean: np.ndarray) -> Arrays:
    return gamma / spread, beta - gamma / spread * mean


def _images(rng: np.random.Generator) -> list[Case]:
    def case(label: str, shape: tuple[int, int, int, int], rate: float, kind: Any = np.float64) -> Case:
        x = rng.uniform(0.1, 2, shape).round(2).astype(kind)
        draws = rng.uniform(0, 1, (shape[0], shape[3])).round(2)
        draws.flat[0], draws.flat[-1] = 0.01, 0.99
        if len(draws) > 1:
            draws[1, 0] = 0.9  # the first map is left out of the first image only
        return Case(label, {"x": x, "rate": rate, "draws": draws})

    return [
        case("two images, three maps", (2, 2, 2, 3), 0.4),
        case("images that are not square", (3, 2, 4, 2), 0.25),
        case("a batch of one, float32", (1, 2, 2, 5), 0.5, np.float32),
        case("rate 0", (2, 1, 2, 2), 0.0),
    ]


def _same_for_all(x: np.ndarray, rate: float, draws: np.ndarray) -> np.ndarray:
    return solutions.drop_maps(x, rate, np.broadcast_to(draws[:1], draws.shape))


def _orders(rng: np.random.Generator) -> list[Case]:
    def case(label: str, shape: tuple[int, int], rate: float, kind: Any = np.float64) -> Case:
        x = rng.normal(0, 1, shape).round(2).astype(kind)
        mask = ((rng.uniform(0, 1, shape) >= rate) / (1 - rate)).astype(kind)
        x.flat[:2], mask.flat[:2] = (-0.8, 0.7), 1 / (1 - rate)  # below and above 0, both kept
        x.flat[-1], mask.flat[-1] = 0.9, 0  # one above 0 that is left out
        return Case(label, {"x": x, "mask": mask})

    return [
        case("below and above 0", (3, 4), 0.5),
        case("another rate", (2, 5), 0.2),
        case("a batch of one, float32", (1, 4), 0.5, np.float32),
        Case("everything left out", {"x": np.array([[1.0, -1.0]]), "mask": np.zeros((1, 2))}),
    ]


CHECKS = (
    Check(
        "dropout",
        _units,
        (
            Mistake(
                "what stays is not made larger",
                "With fewer units the next layer gets a smaller sum than it will get in inference.",
                lambda x, rate, draws, training: _kept(x, rate, draws) if training else x,
            ),
            Mistake("left out in inference as well", "In inference every unit is there.", _also_in_inference),
            Mistake(
                "kept and left out exchanged",
                "At rate 0.1 nine of ten units stay.",
                _turned_around,
            ),
            Mistake(
                "divided by the rate", "How large a share of the units is left? That is what is missing.", _by_rate
            ),
            Mistake(
                "made smaller in inference instead",
                "That is the dropout of 2014; here training makes up for it, and inference leaves x as it is.",
                _scaled_in_inference,
            ),
        ),
    ),
    Check(
        "batch_norm",
        _maps,
        (
            Mistake(
                "the batch's own statistics in inference",
                "One image must not depend on the others it comes with: what was carried along for that?",
                _own_statistics,
            ),
            Mistake("averages moved in inference", "Inference learns nothing, so nothing moves.", _moved_in_inference),
            Mistake("momentum turned around", "At momentum 0.99 the averages move slowly.", _momentum_turned),
            Mistake(
                "moving averages used in training",
                "A training step normalizes with the batch that it has.",
                _averages_in_training,
            ),
            Mistake("averages never moved", "Training gives back new moving averages.", _never_moved),
            Mistake("averages replaced", "The new average is mostly the old one.", _replaced),
            Mistake("divided by the variance", "A spread has the unit of x; the variance its square.", _no_root),
            Mistake("one mean for all channels", "Every channel is a feature of its own.", _one_for_all),
        ),
    ),
    Check(
        "fold_batch_norm",
        _channels,
        (
            Mistake(
                "epsilon outside the root",
                "It is added to the variance, before the root.",
                lambda gamma, beta, mean, variance, epsilon: _folded(gamma, np.sqrt(variance) + epsilon, beta, mean),
            ),
            Mistake(
                "divided by the variance",
                "The spread is the root of the variance.",
                lambda gamma, beta, mean, variance, epsilon: _folded(gamma, variance + epsilon, beta, mean),
            ),
            Mistake(
                "the mean not scaled",
                "The mean is subtracted before x is scaled: what becomes of it?",
                lambda gamma, beta, mean, variance, epsilon: (gamma / np.sqrt(variance + epsilon), beta - mean),
            ),
            Mistake(
                "the sign of the shift",
                "The mean is taken away.",
                lambda gamma, beta, mean, variance, epsilon: _folded(gamma, np.sqrt(variance + epsilon), beta, -mean),
            ),
            Mistake(
                "epsilon left out",
                "A channel that never varies would be divided by 0.",
                lambda gamma, beta, mean, variance, epsilon: _folded(gamma, np.sqrt(variance), beta, mean),
            ),
        ),
    ),
    Check(
        "drop_maps",
        _images,
        (
            Mistake(
                "what stays is not made larger",
                "The mean over many draws should be x.",
                lambda x, rate, draws: x * (draws >= rate)[:, None, None, :],
            ),
            Mistake("the same maps for every image", "Each image has a row of draws of its own.", _same_for_all),
            Mistake(
                "kept and left out exchanged",
                "At rate 0.1 nine of ten maps stay.",
                lambda x, rate, draws: x * (draws < rate)[:, None, None, :] / (1 - rate),
            ),
            Mistake(
                "divided by the rate",
                "How large a share of the maps is left?",
                lambda x, rate, draws: x * (draws >= rate)[:, None, None, :] / rate,
            ),
            Mistake(
                "whole images left out",
                "An image loses some of its maps, not all of them.",
                lambda x, rate, draws: x * (draws[:, 0] >= rate)[:, None, None, None] / (1 - rate),
            ),
        ),
    ),
    Check(
        "both_orders",
        _orders,
        (
            Mistake(
                "no ReLU",
                "The ReLU gives 0 for what is below 0.",
                lambda x, mask: (x * mask, x * mask),
            ),
            Mistake(
                "the mask as yes or no",
                "The mask also makes larger what stays.",
                lambda x, mask: (np.maximum(x * (mask > 0), 0), np.maximum(x, 0) * (mask > 0)),
            ),
            Mistake(
                "no mask after the ReLU",
                "Both orders leave the same things out.",
                lambda x, mask: (np.maximum(x * mask, 0), np.maximum(x, 0)),
            ),
            Mistake(
                "no ReLU after the mask",
                "Mask first: the ReLU still follows.",
                lambda x, mask: (x * mask, np.maximum(x, 0) * mask),
            ),
            Mistake(
                "the mask twice",
                "Each order uses the mask once.",
                lambda x, mask: (np.maximum(x * mask, 0) * mask, np.maximum(x * mask, 0) * mask),
            ),
        ),
    ),
)
