"""Exercises about the size of networks: 1C and 1D."""

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


@exercise("task1d", "how many numbers a layer learns")
def layer_parameters(inputs, outputs, window):
    return _weights(inputs, outputs, window) + outputs


def _weights(inputs, outputs, window):
    return inputs * outputs * (window or 1) ** 2


@layer_parameters.inputs
def _(rng):
    def case(label, inputs, outputs, window):
        inputs, outputs = (int(rng.integers(*ends)) if isinstance(ends, tuple) else ends for ends in (inputs, outputs))
        return Case(label, inputs=inputs, outputs=outputs, window=window)

    return [
        case("a dense layer", (60, 400), (2, 60), None),
        case("a 3x3 convolution", (4, 60), (60, 130), 3),
        case("the first convolution of grey images", 1, (4, 70), int(rng.integers(4, 12))),
        case("one unit", (2, 400), 1, None),
        case("a 1x1 convolution", (30, 90), (3, 30), 1),
    ]


@layer_parameters.mistake("no biases", "Every output adds a number of its own.")
def _(inputs, outputs, window):
    return _weights(inputs, outputs, window)


@layer_parameters.mistake("a bias for every input", "Biases belong to outputs.")
def _(inputs, outputs, window):
    return _weights(inputs, outputs, window) + inputs


@layer_parameters.mistake("the window counted once", "A window of side 3 has more than 3 positions.")
def _(inputs, outputs, window):
    return inputs * outputs * (window or 1) + outputs


@layer_parameters.mistake("the input channels forgotten", "A filter has a window for every channel that it reads.")
def _(inputs, outputs, window):
    return (window * window if window else inputs) * outputs + outputs


@layer_parameters.mistake("the window ignored", "A convolution has weights for every position of its window.")
def _(inputs, outputs, window):
    return layer_parameters(inputs, outputs, None)
