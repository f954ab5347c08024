"""Transforms of one image keep what they must keep; a batch's changes follow from each image's seed alone."""

import numpy as np
import pytest
from scipy import ndimage

from labutils import augment
from labutils.config import Augmentation
from labutils.errors import ParameterError

ALL = Augmentation(rotation=10, shift=0.1, horizontal_flip=True, vertical_flip=True)
SHAPES = [(40, 40), (32, 48), (33, 20, 1), (24, 24, 3)]


def picture(shape=(40, 40), seed=0, dtype=np.float32):
    noise = np.random.default_rng(seed).uniform(0, 1, shape)
    return np.clip(ndimage.gaussian_filter(noise, (2, 2) + (0,) * (len(shape) - 2)) * 3 - 1, 0, 1).astype(dtype)


TRANSFORMS = [
    lambda image: augment.scale(image, 2),
    lambda image: augment.scale(image, 0.5),
    lambda image: augment.rotate(image, 40),
    augment.flip_horizontal,
    augment.flip_vertical,
    lambda image: augment.rescale_intensity(image, 6, 80),
    lambda image: next(augment.random_images(image, 1)),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_shape_type_and_range_are_kept_and_the_image_is_left_alone(transform, shape, dtype):
    image = picture(shape, dtype=dtype)
    before = image.copy()
    result = transform(image)
    assert result.shape == shape and result.dtype == dtype
    assert result.min() >= 0 and result.max() <= 1
    assert not np.array_equal(result, image)
    assert np.array_equal(image, before) and not np.shares_memory(result, image)


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_asked_for_is_the_image_and_so_is_a_flip_twice(shape):
    image = picture(shape)
    for same in (augment.rotate(image, 0), augment.rotate(image, 360), augment.scale(image, 1)):
        assert np.allclose(same, image, atol=1e-5)
    still = augment.random_images(image, 2, rotation=0, shift=0, horizontal_flip=False, vertical_flip=False)
    for same in (*still, *(flip(flip(image)) for flip in (augment.flip_horizontal, augment.flip_vertical))):
        assert np.array_equal(same, image)
    assert np.array_equal(augment.flip_horizontal(image)[:, 0], image[:, -1])
    assert np.array_equal(augment.flip_vertical(image)[0], image[-1])


def test_a_quarter_turn_is_counter_clockwise():
    image = picture()
    assert np.allclose(augment.rotate(image, 90), np.rot90(image), atol=1e-5)
    back = augment.rotate(augment.rotate(image, 40), -40)
    assert np.abs(back - image)[12:28, 12:28].max() < 0.1


def test_scale_by_two_shows_the_middle_at_twice_its_size():
    image = picture()
    large = augment.scale(image, 2)
    assert np.allclose(large[9:31, 9:31][1::2, 1::2], image[15:26, 15:26], atol=0.2)
    assert np.abs(augment.scale(large, 0.5) - image)[12:28, 12:28].mean() < 0.03


def test_rescale_intensity_stretches_between_the_percentiles():
    image = np.linspace(0.2, 0.7, 101).reshape(1, 101)
    low, high = image[0, 6], image[0, 80]
    result = augment.rescale_intensity(image)
    assert np.allclose(result, np.clip((image - low) / (high - low), 0, 1))
    flat = np.full((8, 8), 0.3)
    assert np.array_equal(augment.rescale_intensity(flat), flat)


def test_random_images_differ_repeat_and_do_not_depend_on_how_many():
    image = picture((32, 32))
    first = list(augment.random_images(image, 4, seed=3))
    assert len({version.tobytes() for version in first}) == 4
    assert all(np.array_equal(a, b) for a, b in zip(first, augment.random_images(image, 9, seed=3), strict=False))
    assert not np.array_equal(first[0], next(augment.random_images(image, 1, seed=4)))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_does_to_an_image_what_its_seed_says_in_any_batch(channels):
    images = np.stack([picture((32, 32, channels), seed=i) for i in range(6)])
    seeds = [(7, 2, i) for i in range(6)]
    together = augment.augment_batch(images, ALL, seeds)
    assert together.dtype == np.float32 and together.shape == images.shape
    for i in (5, 0, 3):
        alone = augment.augment_batch(images[i : i + 1], ALL, [seeds[i]])
        assert np.array_equal(alone[0], together[i])
    later = augment.augment_batch(images, ALL, [(7, 3, i) for i in range(6)])
    assert all(not np.array_equal(a, b) for a, b in zip(together, later, strict=True))


def test_one_change_more_leaves_the_others_as_they_were():
    image = picture((32, 32, 1))[None]
    for seed in range(10):
        without = augment.augment_batch(image, Augmentation(rotation=20, shift=0.2), [seed])[0]
        with_flip = augment.augment_batch(image, Augmentation(rotation=20, shift=0.2, vertical_flip=True), [seed])[0]
        assert np.array_equal(with_flip, without) or np.array_equal(with_flip, without[::-1])


@pytest.mark.parametrize(("angle", "down", "right"), [(0.3, 0, 0), (0, 3.25, -7.5), (-1.2, -4, 2), (3.0, 30, 30)])
def test_moving_agrees_with_scipy(angle, down, right):
    """What enters the frame repeats the edge."""
    image, centre = picture((32, 41, 2)), np.array([15.5, 20])
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    offset = centre - matrix @ np.add(centre, (down, right))
    moved = augment._move(image, angle, down, right)
    for channel in range(2):
        wanted = ndimage.affine_transform(image[..., channel], matrix, offset, order=1, mode="nearest")
        assert np.abs(moved[..., channel] - wanted).max() < 1e-4


def test_the_turn_and_the_shift_stay_within_what_was_asked_for():
    peak = np.zeros((101, 101, 1), dtype=np.float32)
    peak[50, 90] = 1
    centres, angles = [], []
    for seed in range(200):
        shifted = augment.augment_batch(peak[None], Augmentation(shift=0.1), [seed])[0, ..., 0]
        centres.append(np.subtract(ndimage.center_of_mass(shifted), (50, 90)))
        turned = augment.augment_batch(peak[None], Augmentation(rotation=10), [seed])[0, ..., 0]
        y, x = np.subtract(ndimage.center_of_mass(turned), 50)
        angles.append(np.degrees(np.arctan2(y, x)))
    for moved in np.transpose(centres):  # up to 0.1 of 101 pixels, either way, down and right
        assert -10.6 <= moved.min() < -9 and 9 < moved.max() <= 10.6
    assert -10.5 <= min(angles) < -9 and 9 < max(angles) <= 10.5


def test_flips_happen_to_half_of_the_images():
    images = np.repeat(picture((8, 8, 1))[None], 400, axis=0)
    flipped = augment.augment_batch(images, Augmentation(horizontal_flip=True), range(400))
    share = np.mean([not np.array_equal(a, b) for a, b in zip(flipped, images, strict=True)])
    assert 0.42 < share < 0.58


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda i: augment.scale(i, 0), r"factor is 0: it must be a number from 0.1 to 10\."),
        (lambda i: augment.scale(i, "2"), "factor is '2'"),
        (lambda i: augment.rotate(i, np.nan), r"angle is nan: .* from -360 to 360 \(degrees\)"),
        (lambda i: augment.rescale_intensity(i, 80, 6), "low is 80 and high is 6: low must be the smaller"),
        (lambda i: augment.rescale_intensity(i, 0, 101), r"high is 101: .* \(a percentile\)"),
        (lambda i: augment.random_images(i, -1), "n is -1"),
        (lambda i: augment.random_images(i, 1, rotation=200), "rotation is 200"),
        (lambda i: augment.random_images(i, 1, shift=1), "shift is 1"),
        (lambda i: augment.augment_batch(np.stack([i, i])[..., None], ALL, [0]), "2 images and 1 seeds"),
    ],
)
def test_a_setting_out_of_range_is_refused_with_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message) as refused:
        call(picture())
    assert isinstance(refused.value, ParameterError) or "seeds" in message


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4), dtype=np.uint8), r"uint8 \(4, 4\): it must be a floating-point array"),
        (np.full((4, 4), 255.0), "outside 0 to 1: divide 8-bit pixels by 255"),
        (np.full((4, 4), np.nan), "outside 0 to 1"),
        (np.zeros((2, 4, 4, 1)), "it must be a floating-point array"),
        ([[0.0]], "The image is list"),
    ],
)
def test_what_is_no_image_is_refused(image, message):
    for transform in TRANSFORMS:
        with pytest.raises(ValueError, match=message):
            transform(image)
