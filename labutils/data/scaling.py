"""Scaling a picture to a square, with the result of scikit-image's `resize` in a fraction of its time.

That function blurs with a Gaussian and then interpolates linearly. Both are weighted sums along rows and along
columns, so one narrow matrix for each side does both at once; it depends on the side's length alone and is kept.
"""

from functools import lru_cache
from typing import Any

import numpy as np


def resize_image(image: np.ndarray, size: int) -> np.ndarray:
    """`image` scaled to a square with anti-aliasing, as `skimage.transform.resize` does it.

    Parameters
    ----------
    image : ndarray
        (height, width) or (height, width, channels), float in [0, 1].
    size : int
        Side of the result in pixels.

    Returns
    -------
    ndarray
        (size, size) or (size, size, channels), float32 in [0, 1].
    """
    return apply_weights(image, weights(image.shape[0], size, 1), weights(image.shape[1], size, 1))


def apply_weights(image: np.ndarray, rows: Any, columns: Any) -> np.ndarray:
    """The image that two matrices of `weights`, (size, height) and (size, width), make of `image`."""
    height, width = image.shape[:2]
    image = np.asarray(image, np.float32).reshape(height, width, -1)
    channels = image.shape[2]
    size = rows.shape[0]
    narrow = rows @ image.reshape(height, width * channels)
    turned = np.ascontiguousarray(narrow.reshape(size, width, channels).transpose(1, 0, 2)).reshape(width, -1)
    result = (columns @ turned).reshape(size, size, channels).transpose(1, 0, 2)
    # Rounding may leave the weights' sum a hair above 1.
    result = np.clip(result, 0, 1)
    return result[:, :, 0] if channels == 1 else result


@lru_cache(maxsize=512)
def weights(side: int, size: int, step: int) -> Any:
    """The sparse matrix that blurs and interpolates along one side of an image.

    Parameters
    ----------
    side : int
        Length of the side in pixels, at least 2.
    size : int
        Length of the result.
    step : int
        The image is given at 1 / `step` of `side`: each of its pixels is the mean of `step` of them.

    Returns
    -------
    scipy.sparse.csr_array
        (size, ceil(side / step)), float32; every row adds up to 1.
    """
    from scipy import sparse

    factor = side / size
    # scikit-image's width of the Gaussian, less what the means have blurred already.
    variance = max(0.0, (factor - 1) / 2) ** 2 - (step**2 - 1) / 12
    radius = int(4 * variance**0.5 + 0.5)
    offsets = np.arange(-radius, radius + 1)
    bell = np.exp(-0.5 * offsets**2 / variance) if radius else np.ones(1)
    bell /= bell.sum()
    # Each result lies between two pixels, at a distance of `right` from the left one.
    middles = (np.arange(size) + 0.5) * factor - 0.5
    left = np.floor(middles).astype(np.int64)
    right = middles - left
    columns = np.concatenate([left[:, None] + offsets, left[:, None] + 1 + offsets], axis=1)
    shares = np.concatenate([(1 - right)[:, None] * bell, right[:, None] * bell], axis=1)
    # Beyond its border an image is continued as in a mirror that stands on its last pixel.
    columns = np.abs((columns + side - 1) % (2 * side - 2) - (side - 1))
    rows = np.repeat(np.arange(size), columns.shape[1])
    shape = (size, -(-side // step))
    return sparse.csr_array((shares.ravel().astype(np.float32), (rows, columns.ravel() // step)), shape=shape)
