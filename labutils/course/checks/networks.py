"""Checks of exercises about the size of networks: 1C and 1D."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from labutils.course.checks.case import Case, Check, Mistake
from labutils.course.solutions import layer_parameters


def _stacks(rng: np.random.Generator) -> list[Case]:
    conv, pool, wide = (3, 1), (2, 2), (int(rng.choice([5, 7])), 1)
    return [
        Case("LeNet: convolution, pooling, twice", {"layers": [conv, pool, conv, pool]}),
        Case("three convolutions", {"layers": [conv, conv, conv]}),
        Case("a wide window and a stride", {"layers": [wide, (3, 2), conv, pool, conv]}),
        Case("one convolution", {"layers": [conv]}),
        Case("no layer", {"layers": []}),
    ]


def _no_stride(layers: Sequence[tuple[int, int]]) -> int:
    return 1 + sum(window - 1 for window, _ in layers)


def _stride_first(layers: Sequence[tuple[int, int]]) -> int:
    field, step = 1, 1
    for window, stride in layers:
        step *= stride
        field += (window - 1) * step
    return field


def _whole_windows(layers: Sequence[tuple[int, int]]) -> int:
    field, step = 1, 1
    for window, stride in layers:
        field += window * step
        step *= stride
    return field


def _from_zero(layers: Sequence[tuple[int, int]]) -> int:
    field, step = 0, 1
    for window, stride in layers:
        field += (window - 1) * step
        step *= stride
    return field


def _sizes(rng: np.random.Generator) -> list[Case]:
    units = int(rng.integers(20, 60))
    return [
        Case("a dense layer", {"inputs": 64, "outputs": units, "window": None}),
        Case("a 3x3 convolution", {"inputs": 8, "outputs": 16, "window": 3}),
        Case("the first convolution of grey images", {"inputs": 1, "outputs": 8, "window": 5}),
        Case("one unit", {"inputs": 1, "outputs": 1, "window": None}),
        Case("a 1x1 convolution", {"inputs": 4, "outputs": 3, "window": 1}),
    ]


def _weights(inputs: int, outputs: int, window: int | None) -> int:
    return inputs * outputs * (window or 1) ** 2


CHECKS = (
    Check(
        "receptive_field",
        _stacks,
        (
            Mistake(
                "the stride forgotten",
                "After a pooling, neighbouring positions lie two pixels of the image apart.",
                _no_stride,
            ),
            Mistake(
                "the stride too early",
                "A layer's own stride spreads the positions after it, not the ones that its window covers.",
                _stride_first,
            ),
            Mistake(
                "whole windows added",
                "One position of a window is already counted: what does a 1x1 convolution add?",
                _whole_windows,
            ),
            Mistake(
                "windows multiplied",
                "Two 3x3 convolutions see 5x5 pixels, not 9x9.",
                lambda layers: prod(window for window, _ in layers),
            ),
            Mistake("begun at 0", "Without any layer a position sees one pixel.", _from_zero),
        ),
    ),
    Check(
        "layer_parameters",
        _sizes,
        (
            Mistake("no biases", "Every output adds a number of its own.", _weights),
            Mistake(
                "a bias for every input",
                "Biases belong to outputs.",
                lambda inputs, outputs, window: _weights(inputs, outputs, window) + inputs,
            ),
            Mistake(
                "the window counted once",
                "A window of side 3 has more than 3 positions.",
                lambda inputs, outputs, window: inputs * outputs * (window or 1) + outputs,
            ),
            Mistake(
                "the input channels forgotten",
                "A filter has a window for every channel that it reads.",
                lambda inputs, outputs, window: (window * window if window else inputs) * outputs + outputs,
            ),
            Mistake(
                "the window ignored",
                "A convolution has weights for every position of its window.",
                lambda inputs, outputs, window: layer_parameters(inputs, outputs),
            ),
        ),
    ),
)
