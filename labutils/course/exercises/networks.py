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
    def layers(strides):
        """Convolutions move by 1; a pooling's window is as wide as its stride, or wider by 1."""
        extra = [int(rng.integers(1, 9)) if stride == 1 else int(rng.integers(2)) for stride in strides]
        return [(stride + more, stride) for stride, more in zip(strides, extra, strict=True)]

    return [
        Case("LeNet: convolution, pooling, twice", layers=layers([1, 2, 1, 2])),
        Case("three convolutions", layers=layers([1, 1, 1])),
        Case("a wide window and a stride", layers=[(int(rng.integers(7, 40)), 1), *layers([2, 1, 3, 1])]),
        Case("one convolution", layers=[(int(rng.integers(2, 40)), 1)]),
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
