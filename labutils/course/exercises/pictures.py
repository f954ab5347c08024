"""Exercises that make pictures: 7."""

# mypy: disable-error-code="no-untyped-def"
# Written as students write: without types.

from collections.abc import Iterable
from itertools import islice

import numpy as np

from labutils.course.exercises.entry import Case, exercise

MOST = 10
"""Pictures that are taken from a student's generator; it may be endless."""


def _taken(written, *arguments):
    """The first pictures of a generator, each as it was when it came."""
    made = written(*arguments)
    if made is None or not isinstance(made, Iterable):
        return made
    return [np.array(picture) for picture in islice(made, MOST)]


@exercise("task7", "a generator of changed pictures", _taken)
def versions(image, low, high):
    return _three(_stretched(image, low, high))


def _stretched(image, low, high):
    return np.clip((image - low) / (high - low), 0, 1)


def _three(image):
    return image, image[:, ::-1], image[::-1]


@versions.inputs
def _(rng):
    def picture(*shape):
        values = rng.uniform(0, 1, shape).round(2)
        values.flat[0], values.flat[1], values.flat[-1] = 0.05, 0.6, 0.95  # some are cut off at either end
        return values

    return [
        Case("a grey picture", image=picture(3, 4), low=0.2, high=0.8),
        Case("three channels, float32", image=picture(2, 3, 3).astype(np.float32), low=0.1, high=0.7),
        Case("nothing cut off", image=picture(4, 3), low=0.0, high=1.0),
        Case("one pixel", image=rng.uniform(0.3, 0.7, (1, 1)).round(4), low=0.25, high=0.75),
    ]


versions.mistake("not cut off", "Grey values below 0 and above 1 cannot be shown.")(
    lambda image, low, high: _three((image - low) / (high - low))
)
versions.mistake("cut off at one end only", "The smallest grey value is 0, the largest 1: is each of them held?")(
    lambda image, low, high: _three(np.maximum((image - low) / (high - low), 0))
)
versions.mistake("cut off at one end only", "The smallest grey value is 0, the largest 1: is each of them held?")(
    lambda image, low, high: _three(np.minimum((image - low) / (high - low), 1))
)
versions.mistake("not stretched", "low has to become 0, and high 1.")(lambda image, low, high: _three(image))
versions.mistake(
    "the two flips exchanged", "The first index of an image counts its rows: which flip turns rows around?"
)(versions.then(lambda stretched, left_right, top_bottom: (stretched, top_bottom, left_right)))
versions.mistake("cut off, not stretched", "low has to become 0, and high 1.")(
    lambda image, low, high: _three(np.clip(image, low, high))
)
versions.mistake("the flips not stretched", "All three pictures have the stretched values.")(
    lambda image, low, high: (_stretched(image, low, high), *_three(image)[1:])
)
versions.mistake("one flip on top of the other", "Each flip begins with the picture as it was.")(
    versions.then(lambda stretched, left_right, _: (stretched, left_right, left_right[::-1]))
)
versions.mistake("divided by high", "How long is the way from low to high?")(
    lambda image, low, high: _three(np.clip((image - low) / high, 0, 1))
)
