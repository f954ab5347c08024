"""Exercises that compute what a layer sees or computes: 1C, 5A, 5B, 5C and 6B."""

# mypy: disable-error-code="no-untyped-def"
# Written as students write: without types.

from math import prod

import numpy as np

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


receptive_field.mistake(
    "the stride forgotten", "After a pooling, neighbouring positions lie two pixels of the image apart."
)(lambda layers: receptive_field([(window, 1) for window, _ in layers]))
receptive_field.mistake(
    "the stride too early", "A layer's own stride spreads the positions after it, not the ones that its window covers."
)(lambda layers: receptive_field([part for window, stride in layers for part in ((1, stride), (window, 1))]))
receptive_field.mistake(
    "whole windows added", "One position of a window is already counted: what does a 1x1 convolution add?"
)(lambda layers: receptive_field([(window + 1, stride) for window, stride in layers]))
receptive_field.mistake("windows multiplied", "Two 3x3 convolutions see 5x5 pixels, not 9x9.")(
    lambda layers: prod(window for window, _ in layers)
)
receptive_field.mistake("begun at 0", "Without any layer a position sees one pixel.")(
    lambda layers: receptive_field(layers) - 1
)


@exercise("task5a", "a dropout layer")
def dropout(x, rate, draws, training):
    return np.where(draws < rate, 0, x / (1 - rate)) if training else x


def _kept(x, rate, draws):
    return np.where(draws < rate, 0, x)


@dropout.inputs
def _(rng):
    def case(label, shape, rate, training, kind=np.float64):
        x = np.round(rng.uniform(0.1, 2, shape), 2).astype(kind)
        draws = np.round(rng.uniform(0, 1, shape), 2)
        draws.flat[0], draws.flat[-1] = 0.01, 0.99  # one left out, one kept
        return Case(label, x=x, rate=rate, draws=draws, training=training)

    return [
        case("training", (3, 4), 0.4, True),
        case("inference", (2, 3), 0.4, False),
        case("a batch of one in float32", (1, 6), 0.25, True, np.float32),
        case("rate 0", (2, 2), 0.0, True),
    ]


dropout.mistake(
    "what stays is not made larger", "With fewer units the next layer gets a smaller sum than it will get in inference."
)(lambda x, rate, draws, training: _kept(x, rate, draws) if training else x)
dropout.mistake("left out in inference as well", "In inference every unit is there.")(
    lambda x, rate, draws, training: dropout(x, rate, draws, True)
)
dropout.mistake("kept and left out exchanged", "At rate 0.1 nine of ten units stay.")(
    lambda x, rate, draws, training: np.where(draws >= rate, 0, x) / (1 - rate) if training else x
)
dropout.mistake("divided by the rate", "How large a share of the units is left? That is what is missing.")(
    lambda x, rate, draws, training: _kept(x, rate, draws) / rate if training else x
)
dropout.mistake(
    "made smaller in inference instead",
    "That is the dropout of 2014; here training makes up for it, and inference leaves x as it is.",
)(lambda x, rate, draws, training: _kept(x, rate, draws) if training else x * (1 - rate))


@exercise("task5b", "batch normalization with moving averages")
def batch_norm(x, mean, variance, training, momentum, epsilon, axes=(0, 1, 2)):
    if not training:
        return (x - mean) / np.sqrt(variance + epsilon), mean, variance
    now, spread = x.mean(axis=axes), x.var(axis=axes)
    y = (x - now) / np.sqrt(spread + epsilon)
    return y, momentum * mean + (1 - momentum) * now, momentum * variance + (1 - momentum) * spread


@batch_norm.inputs
def _(rng):
    def case(label, shape, training, momentum, kind=np.float64):
        x = (rng.normal(1, 0.15, shape) * np.arange(1, shape[-1] + 1)).round(3).astype(kind)
        mean = rng.uniform(0.5, 1.5, shape[-1]).round(2).astype(kind)
        variance = rng.uniform(0.02, 0.3, shape[-1]).round(3).astype(kind)
        return Case(label, x=x, mean=mean, variance=variance, training=training, momentum=momentum, epsilon=0.001)

    return [
        case("training", (4, 3, 3, 2), True, 0.9),
        case("inference", (2, 2, 2, 2), False, 0.9),
        case("a batch of one in float32", (1, 2, 3, 3), True, 0.99, np.float32),
        case("inference on one image", (1, 2, 2, 3), False, 0.8),
    ]


def _y(*given):
    return batch_norm(*given)[0]


def _moved(*given):
    return batch_norm(*given)[1:]


batch_norm.mistake(
    "the batch's own statistics in inference",
    "One image must not depend on the others it comes with: what was carried along for that?",
)(lambda x, m, v, training, *more: (_y(x, m, v, True, *more), *_moved(x, m, v, training, *more)))
batch_norm.mistake("averages moved in inference", "Inference learns nothing, so nothing moves.")(
    lambda x, m, v, training, *more: (_y(x, m, v, training, *more), *_moved(x, m, v, True, *more))
)
batch_norm.mistake("momentum turned around", "At momentum 0.99 the averages move slowly.")(
    lambda x, m, v, training, momentum, epsilon: batch_norm(x, m, v, training, 1 - momentum, epsilon)
)
batch_norm.mistake("moving averages used in training", "A training step normalizes with the batch that it has.")(
    lambda x, m, v, training, *more: (_y(x, m, v, False, *more), *_moved(x, m, v, training, *more))
)
batch_norm.mistake("averages never moved", "Training gives back new moving averages.")(
    lambda x, mean, variance, *more: (_y(x, mean, variance, *more), mean, variance)
)
batch_norm.mistake("averages replaced", "The new average is mostly the old one.")(
    lambda x, m, v, training, momentum, epsilon: batch_norm(x, m, v, training, 0.0, epsilon)
)
batch_norm.mistake("divided by the variance", "A spread has the unit of x; the variance its square.")(
    lambda x, m, v, training, momentum, epsilon: (
        _y(x, m, v, training, momentum, epsilon) / np.sqrt((x.var(axis=(0, 1, 2)) if training else v) + epsilon),
        *_moved(x, m, v, training, momentum, epsilon),
    )
)
batch_norm.mistake("one mean for all channels", "Every channel is a feature of its own.")(
    lambda *given: batch_norm(*given, None)
)
batch_norm.mistake(
    "one mean for every position",
    "A channel has one mean and one variance, over its images, rows and columns: which shape do the averages have?",
)(lambda *given: batch_norm(*given, (0,)))


@exercise("task5c", "batch normalization at inference, as scale and shift")
def fold_batch_norm(gamma, beta, mean, variance, epsilon):
    return _folded(gamma, beta, mean, np.sqrt(variance + epsilon))


def _folded(gamma, beta, mean, spread):
    scale = gamma / spread
    return scale, beta - scale * mean


@fold_batch_norm.inputs
def _(rng):
    def case(label, n, epsilon, kind=np.float64):
        ranges = {"gamma": (0.5, 2), "beta": (-1, 1), "mean": (0.2, 2), "variance": (0.05, 0.6)}
        numbers = {name: rng.uniform(low, high, n).round(2).astype(kind) for name, (low, high) in ranges.items()}
        return Case(label, **numbers, epsilon=epsilon)

    still = case("channels that never vary", 2, 0.01)
    still.arguments["variance"] = np.zeros(2)
    return [
        case("three channels", 3, 0.001),
        case("a large epsilon", 4, 0.1),
        case("one channel, float32", 1, 0.001, np.float32),
        still,
    ]


fold_batch_norm.mistake("epsilon outside the root", "It is added to the variance, before the root.")(
    lambda gamma, beta, mean, variance, epsilon: _folded(gamma, beta, mean, np.sqrt(variance) + epsilon)
)
fold_batch_norm.mistake("divided by the variance", "The spread is the root of the variance.")(
    lambda gamma, beta, mean, variance, epsilon: _folded(gamma, beta, mean, variance + epsilon)
)
fold_batch_norm.mistake("the mean not scaled", "The mean is subtracted before x is scaled: what becomes of it?")(
    lambda gamma, beta, mean, variance, epsilon: (gamma / np.sqrt(variance + epsilon), beta - mean)
)
fold_batch_norm.mistake("the sign of the shift", "The mean is taken away.")(
    lambda gamma, beta, mean, variance, epsilon: fold_batch_norm(gamma, beta, -mean, variance, epsilon)
)
fold_batch_norm.mistake("epsilon left out", "A channel that never varies would be divided by 0.")(
    lambda gamma, beta, mean, variance, epsilon: fold_batch_norm(gamma, beta, mean, variance, 0)
)


@exercise("task6b", "a mask before and after the ReLU")
def both_orders(x, mask):
    return np.maximum(x * mask, 0), np.maximum(x, 0) * mask


@both_orders.inputs
def _(rng):
    def case(label, shape, rate, kind=np.float64):
        x = rng.normal(0, 1, shape).round(2).astype(kind)
        mask = ((rng.uniform(0, 1, shape) >= rate) / (1 - rate)).astype(kind)
        x.flat[:2], mask.flat[:2] = (-0.8, 0.7), 1 / (1 - rate)  # below and above 0, both kept
        x.flat[-1], mask.flat[-1] = 0.9, 0  # one above 0 that is left out
        return Case(label, x=x, mask=mask)

    return [
        case("below and above 0", (3, 4), 0.5),
        case("another rate", (2, 5), 0.2),
        case("a batch of one in float32", (1, 4), 0.5, np.float32),
        Case("everything left out", x=rng.normal(0, 1, (1, 3)).round(3), mask=np.zeros((1, 3))),
    ]


both_orders.mistake("no ReLU", "The ReLU gives 0 for what is below 0.")(lambda x, mask: (x * mask, x * mask))
both_orders.mistake("the mask as yes or no", "The mask also makes larger what stays.")(
    lambda x, mask: both_orders(x, mask > 0)
)
both_orders.mistake("no mask after the ReLU", "Both orders leave the same things out.")(
    lambda x, mask: (np.maximum(x * mask, 0), np.maximum(x, 0))
)
both_orders.mistake("no ReLU after the mask", "Mask first: the ReLU still follows.")(
    lambda x, mask: (x * mask, np.maximum(x, 0) * mask)
)


@both_orders.mistake("the mask twice", "Each order uses the mask once.")
def _(x, mask):
    twice = np.maximum(x * mask, 0) * mask
    return twice, twice
