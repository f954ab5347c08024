"""Checks of exercises that make pictures and batches: 7 and 8."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from labutils.course.checks.case import Case, Check, Mistake

MOST = 10
"""Pictures that are taken from a student's generator; it may be endless."""


def _pictures(rng: np.random.Generator) -> list[Case]:
    def picture(*shape: int) -> np.ndarray:
        values = rng.uniform(0, 1, shape).round(2)
        values.flat[0], values.flat[1], values.flat[-1] = 0.05, 0.6, 0.95  # some are cut off at either end
        return values

    return [
        Case("a grey picture", {"image": picture(3, 4), "low": 0.2, "high": 0.8}),
        Case("three channels, float32", {"image": picture(2, 3, 3).astype(np.float32), "low": 0.1, "high": 0.7}),
        Case("nothing cut off", {"image": picture(4, 3), "low": 0.0, "high": 1.0}),
        Case("one pixel", {"image": np.array([[0.5]]), "low": 0.25, "high": 0.75}),
    ]


def _take(written: Any, *arguments: Any) -> Any:
    """The first pictures of a generator, each as it was when it came."""
    made = written(*arguments)
    if made is None or not isinstance(made, Iterable):
        return made
    return [np.array(picture) for picture in islice(made, MOST)]


def _stretch(image: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.clip((image - low) / (high - low), 0, 1)


def _not_cut(image: np.ndarray, low: float, high: float) -> Iterator[np.ndarray]:
    stretched = (image - low) / (high - low)
    yield from (stretched, stretched[:, ::-1], stretched[::-1])


def _sides_exchanged(image: np.ndarray, low: float, high: float) -> Iterator[np.ndarray]:
    stretched = _stretch(image, low, high)
    yield from (stretched, stretched[::-1], stretched[:, ::-1])


def _only_cut(image: np.ndarray, low: float, high: float) -> Iterator[np.ndarray]:
    cut = np.clip(image, low, high)
    yield from (cut, cut[:, ::-1], cut[::-1])


def _flips_not_stretched(image: np.ndarray, low: float, high: float) -> Iterator[np.ndarray]:
    yield from (_stretch(image, low, high), image[:, ::-1], image[::-1])


def _flips_add_up(image: np.ndarray, low: float, high: float) -> Iterator[np.ndarray]:
    stretched = _stretch(image, low, high)
    yield from (stretched, stretched[:, ::-1], stretched[::-1, ::-1])


def _divided_by_high(image: np.ndarray, low: float, high: float) -> Iterator[np.ndarray]:
    stretched = np.clip((image - low) / high, 0, 1)
    yield from (stretched, stretched[:, ::-1], stretched[::-1])


def _double(images: np.ndarray) -> np.ndarray:
    return images * 2


def _data(rng: np.random.Generator) -> list[Case]:
    def case(label: str, n: int, size: int, kind: Any = np.float64) -> Case:
        images = rng.uniform(0.1, 0.5, (n, 2, 2, 1)).round(2).astype(kind)
        return Case(label, {"x": images, "y": np.arange(n) % 3, "size": size, "change": _double})

    return [
        case("a last batch that is smaller", 5, 2),
        case("batches that come out even", 6, 3),
        case("a batch larger than the data, float32", 3, 8, np.float32),
        case("one image", 1, 1),
    ]


def _all_batches(written: Any, *arguments: Any) -> Any:
    """The number of batches, and images and labels of each; None if the class says nothing."""
    made = written(*arguments)
    number = made.__len__()
    if number is None:
        return None
    return [number, *(made[i] for i in range(min(int(number), MOST)))]


class _Whole:
    """Batches, and what their mistakes share."""

    def __init__(self, x: np.ndarray, y: np.ndarray, size: int, change: Any) -> None:
        self.x, self.y, self.size, self.change = x, y, size, change

    def __len__(self) -> int:
        return -(-len(self.x) // self.size)

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        chosen = slice(number * self.size, (number + 1) * self.size)
        return self.change(self.x[chosen]), self.y[chosen]


class _LastLost(_Whole):
    def __len__(self) -> int:
        return len(self.x) // self.size


class _OneTooMany(_Whole):
    def __len__(self) -> int:
        return len(self.x) // self.size + 1


class _AllLabels(_Whole):
    def __getitem__(self, number: int) -> tuple[Any, Any]:
        return super().__getitem__(number)[0], self.y


class _NotChanged(_Whole):
    def __getitem__(self, number: int) -> tuple[Any, Any]:
        chosen = slice(number * self.size, (number + 1) * self.size)
        return self.x[chosen], self.y[chosen]


class _NextImage(_Whole):
    def __getitem__(self, number: int) -> tuple[Any, Any]:
        chosen = slice(number, number + self.size)
        return self.change(self.x[chosen]), self.y[chosen]


class _Images(_Whole):
    def __len__(self) -> int:
        return len(self.x)


CHECKS = (
    Check(
        "versions",
        _pictures,
        (
            Mistake("not cut off", "Grey values below 0 and above 1 cannot be shown.", _not_cut),
            Mistake(
                "the two flips exchanged",
                "The first index of an image counts its rows: which flip turns rows around?",
                _sides_exchanged,
            ),
            Mistake("cut off, not stretched", "low has to become 0, and high 1.", _only_cut),
            Mistake("the flips not stretched", "All three pictures have the stretched values.", _flips_not_stretched),
            Mistake("one flip on top of the other", "Each flip begins with the picture as it was.", _flips_add_up),
            Mistake("divided by high", "How long is the way from low to high?", _divided_by_high),
        ),
        _take,
    ),
    Check(
        "Batches",
        _data,
        (
            Mistake("the last batch lost", "Five images in twos are three batches.", _LastLost),
            Mistake("an empty batch at the end", "Six images in threes are two batches.", _OneTooMany),
            Mistake("all labels with every batch", "A batch has as many labels as images.", _AllLabels),
            Mistake("images not changed", "The images of a batch go through change.", _NotChanged),
            Mistake("begins at the next image", "Batch 1 begins where batch 0 has ended.", _NextImage),
            Mistake("counted in images", "The length is a number of batches.", _Images),
        ),
        _all_batches,
    ),
)
