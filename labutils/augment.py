"""Changed versions of images: one transform of one image (Task 7), random changes of a batch (Tasks 8 and 9).

Images are (h, w) or (h, w, c), floating point, in [0, 1], else a ValueError, and come back in the same shape and type.
Everything is a pure function of its arguments, seeds included; a number out of range is a ParameterError.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from labutils.config import Augmentation
from labutils.errors import ParameterError


def scale(image: np.ndarray, factor: float = 2) -> np.ndarray:
    """The image enlarged or shrunk (`factor` 0.1 to 10) about its centre, in a frame that keeps its size.

    Enlarged, the outer parts leave the frame; shrunk, the outermost pixels are repeated around it. The frame stays,
    since a network takes images of one size only.
    """
    from skimage.transform import SimilarityTransform, warp

    _check_image(image)
    _check_number("factor", factor, 0.1, 10, "")
    centre = (np.array(image.shape[1::-1]) - 1) / 2
    to_original = SimilarityTransform(scale=1 / factor, translation=centre - centre / factor)
    return _keep(image, warp(image, to_original, order=1, mode="edge"))


def rotate(image: np.ndarray, angle: float = 40) -> np.ndarray:
    """The image turned about its centre, counter-clockwise, by -360 to 360 degrees; corners are filled with the nearest
    pixel of its edge."""
    from skimage.transform import rotate as turn

    _check_image(image)
    _check_number("angle", angle, -360, 360, " (degrees)")
    return _keep(image, turn(image, angle, order=1, mode="edge"))


def flip_horizontal(image: np.ndarray) -> np.ndarray:
    """The image with left and right exchanged."""
    _check_image(image)
    return image[:, ::-1].copy()


def flip_vertical(image: np.ndarray) -> np.ndarray:
    """The image with top and bottom exchanged."""
    _check_image(image)
    return image[::-1].copy()


def rescale_intensity(image: np.ndarray, low: float = 6, high: float = 80) -> np.ndarray:
    """The image with its contrast stretched: what lies between two percentiles (0 <= low < high <= 100) fills the range
    from black to white. An image with nothing between the two comes back as it is."""
    from skimage import exposure

    _check_image(image)
    _check_number("low", low, 0, 100, " (a percentile)")
    _check_number("high", high, 0, 100, " (a percentile)")
    if low >= high:
        raise ParameterError(f"low is {low!r} and high is {high!r}: low must be the smaller one.")
    darkest, brightest = np.percentile(image, (low, high))
    if darkest == brightest:
        return image.copy()
    stretched = exposure.rescale_intensity(image, in_range=(darkest, brightest), out_range=(0.0, 1.0))
    return _keep(image, stretched)


def random_images(
    image: np.ndarray,
    n: int,
    rotation: float = 20,
    shift: float = 0.2,
    horizontal_flip: bool = True,
    vertical_flip: bool = True,
    seed: int = 0,
) -> Iterator[np.ndarray]:
    """Randomly changed versions of one image, `n` in all, one at a time.

    Each turns by up to `rotation` degrees (0 to 180), either way, and moves by up to the fraction `shift` (0 to below
    1) of its height and of its width; a flip comes in every second one, on average. The same `seed`, from 0, gives the
    same versions, and the first ones do not depend on `n`.
    """
    _check_image(image)
    _check_number("n", n, 0, 1_000_000, "")
    _check_number("seed", seed, 0, 2**31 - 1, "")
    changes = Augmentation(rotation=rotation, shift=shift, horizontal_flip=horizontal_flip, vertical_flip=vertical_flip)
    as_batch = image.reshape(1, *image.shape[:2], -1)
    # A generator of its own: what is wrong is said when the function is called, not when the first image is taken.
    versions = (augment_batch(as_batch, changes, [[seed, i]])[0] for i in range(int(n)))
    return (_keep(image, version.reshape(image.shape)) for version in versions)


def augment_batch(images: np.ndarray, augmentation: Augmentation, seeds: Sequence[int | Sequence[int]]) -> np.ndarray:
    """A batch of images (n, h, w, c), each turned, shifted and flipped at random, as Keras 2's image generator did it.

    An angle up to `rotation`, a shift up to that fraction of height and width, uniformly drawn; what enters the frame
    repeats the edge; each flip with probability one half. An image's seed, such as `(seed, epoch, index)`, alone
    decides what happens to it, whatever batch it is in and whichever of the other changes are on.
    """
    if len(seeds) != len(images):
        raise ValueError(f"There are {len(images)} images and {len(seeds)} seeds: give one seed for each image.")
    changed = np.empty_like(images)
    for image, seed, out in zip(images, seeds, changed, strict=True):
        # Five numbers for every image, used or not: switching one change on leaves the others as they were.
        turn, down, right, mirror, tip = np.random.default_rng(seed).random(5)
        moved = image
        if augmentation.rotation or augmentation.shift:
            angle = math.radians(augmentation.rotation * (2 * turn - 1))
            height, width = image.shape[:2]
            shift = augmentation.shift
            moved = _move(image, angle, shift * (2 * down - 1) * height, shift * (2 * right - 1) * width)
        if augmentation.horizontal_flip and mirror < 0.5:
            moved = moved[:, ::-1]
        if augmentation.vertical_flip and tip < 0.5:
            moved = moved[::-1]
        out[...] = moved
    return changed


def _move(image: np.ndarray, angle: float, down: float, right: float) -> np.ndarray:
    """`image` (h, w, c) turned by `angle` (radians) about its centre, then shifted (pixels); bilinear."""
    # Half the time of scipy.ndimage.affine_transform for images of this size.
    height, width, channels = image.shape
    rows, columns = _grid(height, width)
    cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    rows, columns = rows - np.float32(middle_y + down), columns - np.float32(middle_x + right)
    y = np.clip(cos * rows + sin * columns + np.float32(middle_y), 0, height - 1)
    x = np.clip(cos * columns - sin * rows + np.float32(middle_x), 0, width - 1)
    top = np.minimum(y.astype(np.int32), max(height - 2, 0))
    left = np.minimum(x.astype(np.int32), max(width - 2, 0))
    below, beside = y - top, x - left
    step_down, step_right = width * min(1, height - 1), min(1, width - 1)
    upper_left = top * width + left
    lower_left = upper_left + step_down
    moved = np.empty_like(image)
    for channel in range(channels):  # one at a time: gathering single numbers is what NumPy does fast
        pixels = image[..., channel].ravel()
        upper, lower = pixels.take(upper_left), pixels.take(lower_left)
        upper += beside * (pixels.take(upper_left + step_right) - upper)
        lower += beside * (pixels.take(lower_left + step_right) - lower)
        moved[..., channel] = upper + below * (lower - upper)
    return moved


@lru_cache(maxsize=4)
def _grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers (h, 1) and column numbers (1, w)."""
    return np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None]


def _keep(image: np.ndarray, result: np.ndarray) -> np.ndarray:
    # Interpolation may leave [0, 1] by a rounding error, and skimage computes some of it in float64.
    return np.clip(result, 0, 1).astype(image.dtype)


def _check_image(image: np.ndarray) -> None:
    found = f"{getattr(image, 'dtype', type(image).__name__)} {getattr(image, 'shape', '')}".strip()
    if not isinstance(image, np.ndarray) or image.ndim not in (2, 3) or not np.issubdtype(image.dtype, np.floating):
        raise ValueError(f"The image is {found}: it must be a floating-point array (h, w) or (h, w, channels).")
    if not image.size or not (image.min() >= 0 and image.max() <= 1):
        raise ValueError(f"The image ({found}) has values outside 0 to 1: divide 8-bit pixels by 255 first.")


def _check_number(name: str, value: float, low: float, high: float, unit: str) -> None:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise ParameterError(f"{name} is {value!r}: it must be a number from {low:g} to {high:g}{unit}.")
