"""Scaling: weighted means, whatever the sides; that they are scikit-image's is tested with whole images."""

import numpy as np
import pytest
from skimage.transform import resize

from labutils.data.scaling import resize_image, weights


@pytest.mark.parametrize(
    ("side", "size", "step"), [(400, 128, 1), (401, 32, 2), (128, 128, 1), (20, 64, 1), (999, 33, 8)]
)
def test_every_pixel_is_a_weighted_mean(side, size, step):
    matrix = weights(side, size, step)
    assert matrix.shape == (size, -(-side // step))
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-6)
    assert matrix.min() >= 0


@pytest.mark.parametrize("shape", [(90, 60), (61, 200, 3), (20, 31)])
def test_the_result_is_that_of_scikit_image(shape):
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    ours, theirs = resize_image(image, 48), resize(image, (48, 48), anti_aliasing=True)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=2e-6)
