"""Exercises about the size of networks: 1C."""

# mypy: disable-error-code="no-untyped-def"
# Written as students write: without types.

from math import prod

from labutils.course.exercises.entry import Case, exercise


@exercise("task1c", "what one position after several layers sees")
def receptive_field(layers):
    field, step = 1, 1
    for window, stride in layers:
        field += (window - 1) * step
        step *= stride
    return field


@receptive_field.inputs
def _(rng):
    conv, pool, wide = (3, 1), (2, 2), (int(rng.choice([5, 7])), 1)
    return [
        Case("LeNet: convolution, pooling, twice", layers=[conv, pool, conv, pool]),
        Case("three convolutions", layers=[conv, conv, conv]),
        Case("a wide window and a stride", layers=[wide, (3, 2), conv, pool, conv]),
        Case("one convolution", layers=[conv]),
        Case("no layer", layers=[]),
    ]


@receptive_field.mistake(
    "the stride forgotten", "After a pooling, neighbouring positions lie two pixels of the image apart."
)
def _(layers):
    return receptive_field([(window, 1) for window, _ in layers])


@receptive_field.mistake(
    "the stride too early",
    "A layer's own stride spreads the positions after it, not the ones that its window covers.",
)
def _(layers):
    field, step = 1, 1
    for window, stride in layers:
        step *= stride
        field += (window - 1) * step
    return field


@receptive_field.mistake(
    "whole windows added", "One position of a window is already counted: what does a 1x1 convolution add?"
)
def _(layers):
    return receptive_field([(window + 1, stride) for window, stride in layers])


@receptive_field.mistake("windows multiplied", "Two 3x3 convolutions see 5x5 pixels, not 9x9.")
def _(layers):
    return prod(window for window, _ in layers)


@receptive_field.mistake("begun at 0", "Without any layer a position sees one pixel.")
def _(layers):
    return receptive_field(layers) - 1
