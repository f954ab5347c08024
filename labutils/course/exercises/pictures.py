"""Exercises that make pictures and batches: 7 and 8."""

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


@versions.mistake("not cut off", "Grey values below 0 and above 1 cannot be shown.")
def _(image, low, high):
    return _three((image - low) / (high - low))


@versions.mistake("cut off at one end only", "The smallest grey value is 0, the largest 1: is each of them held?")
def _(image, low, high):
    return _three(np.maximum((image - low) / (high - low), 0))


@versions.mistake("cut off at one end only", "The smallest grey value is 0, the largest 1: is each of them held?")
def _(image, low, high):
    return _three(np.minimum((image - low) / (high - low), 1))


@versions.mistake("not stretched", "low has to become 0, and high 1.")
def _(image, low, high):
    return _three(image)


@versions.mistake(
    "the two flips exchanged", "The first index of an image counts its rows: which flip turns rows around?"
)
def _(image, low, high):
    stretched, left_right, top_bottom = versions(image, low, high)
    return stretched, top_bottom, left_right


@versions.mistake("cut off, not stretched", "low has to become 0, and high 1.")
def _(image, low, high):
    return _three(np.clip(image, low, high))


@versions.mistake("the flips not stretched", "All three pictures have the stretched values.")
def _(image, low, high):
    return _stretched(image, low, high), *_three(image)[1:]


@versions.mistake("one flip on top of the other", "Each flip begins with the picture as it was.")
def _(image, low, high):
    stretched, left_right, _ = versions(image, low, high)
    return stretched, left_right, left_right[::-1]


@versions.mistake("divided by high", "How long is the way from low to high?")
def _(image, low, high):
    return _three(np.clip((image - low) / high, 0, 1))


class Batches:
    def __init__(self, x, y, size, change):
        self.x, self.y, self.size, self.change = x, y, size, change

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, number):
        return self.part(number * self.size)

    def part(self, first):
        chosen = slice(first, first + self.size)
        return self.change(self.x[chosen]), self.y[chosen]


def _all_batches(written, *arguments):
    """The number of batches, and images and labels of each; None if the class says nothing."""
    made = written(*arguments)
    number = made.__len__()
    if number is None:
        return None
    return [number, *(made[i] for i in range(min(int(number), MOST)))]


batches = exercise("task8", "images and labels in batches, as Keras asks for them", _all_batches)(Batches)


def _double(images):
    return images * 2


@batches.inputs
def _(rng):
    def case(label, n, size, kind=np.float64):
        images = rng.uniform(0.1, 0.5, (n, 2, 2, 1)).round(2).astype(kind)
        return Case(label, x=images, y=np.arange(n) % 3, size=size, change=_double)

    return [
        case("a last batch that is smaller", 5, 2),
        case("batches that come out even", 6, 3),
        case("a batch larger than the data, float32", 3, 8, np.float32),
        case("one image", 1, 1),
    ]


@batches.mistake("the last batch lost", "Five images in twos are three batches.")
class _LastLost(Batches):
    def __len__(self):
        return len(self.x) // self.size


@batches.mistake("an empty batch at the end", "Six images in threes are two batches.")
class _OneTooMany(Batches):
    def __len__(self):
        return len(self.x) // self.size + 1


@batches.mistake("all labels with every batch", "A batch has as many labels as images.")
class _AllLabels(Batches):
    def __getitem__(self, number):
        return super().__getitem__(number)[0], self.y


@batches.mistake("images not changed", "The images of a batch go through change.")
class _NotChanged(Batches):
    def __init__(self, x, y, size, change):
        super().__init__(x, y, size, lambda images: images)


@batches.mistake("begins at the next image", "Batch 1 begins where batch 0 has ended.")
class _NextImage(Batches):
    def __getitem__(self, number):
        return self.part(number)


@batches.mistake("counted in images", "The length is a number of batches.")
class _Images(Batches):
    def __len__(self):
        return len(self.x)
