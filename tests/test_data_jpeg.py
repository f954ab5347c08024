"""Stretches of zeros in a JPEG are found however it was written, and no whole file is taken for a damaged one."""

import io
from itertools import product

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from labutils.data.images import read_image
from labutils.data.jpeg import find_damage
from labutils.errors import DataError

NOISE = gaussian_filter(np.random.default_rng(0).standard_normal((150, 200)), 2)
PHOTO = np.rint(255 * (NOISE - NOISE.min()) / np.ptp(NOISE)).astype(np.uint8)
WAYS = [
    {"quality": 90},
    {"quality": 60, "optimize": True},
    {"quality": 95, "optimize": True, "subsampling": 0},
    {"quality": 85, "restart_marker_rows": 2},
]


def encode(pixels, **settings):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", **settings)
    return stream.getvalue()


def colour(grey):
    return np.stack([grey, np.roll(grey, 9, 1), 255 - grey], axis=2)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("length", [48, 400])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_stretch_of_zeros(way, length, share):
    content = encode(colour(PHOTO), **way)
    assert find_damage(content) == ""
    # Behind the tables, which are the first six hundred bytes.
    start = 700 + int(share * (len(content) - 1200))
    assert "zeros from byte" in find_damage(content[:start] + bytes(length) + content[start + length :])


@pytest.mark.parametrize(
    "grey",
    [
        np.zeros_like(PHOTO),
        np.full_like(PHOTO, 127),
        np.tile(np.linspace(0, 255, 200).astype(np.uint8), (150, 1)),
        np.tile(np.uint8([0, 255]), (150, 100)),
        np.pad(PHOTO[:40, :40], ((5, 105), (80, 80))),
        PHOTO,
    ],
    ids=["black", "grey", "ramp", "stripes", "margin", "photo"],
)
def test_whole_files_are_whole(grey):
    """Flat areas are zeros by the hundred in optimized and progressive files."""
    for pixels, quality, optimize, progressive in product((grey, colour(grey)), (30, 90), (False, True), (False, True)):
        content = encode(pixels, quality=quality, optimize=optimize, progressive=progressive)
        assert find_damage(content) == "", (quality, optimize, progressive)
        assert find_damage(content[:-2] + bytes(90) + content[-2:]) == "", "filled up with zeros at the end"


def test_what_follows_a_picture_is_nobodys_business():
    assert find_damage(encode(PHOTO, quality=90) + bytes(500) + b"\xff\x01") == ""


def test_a_mark_that_is_none(tmp_path):
    content = encode(PHOTO, quality=90)
    (tmp_path / "x.jpg").write_bytes(content[:1200] + b"\xff\x3c" + content[1202:])
    with pytest.raises(DataError, match=r"x\.jpg is damaged \(FF 3C in the middle of the picture.*Copy it again"):
        read_image(tmp_path / "x.jpg")


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xda\x00\x02abc", b"\xff\xd8\xff\xc4\x00\x13" + bytes(40)],
)
def test_what_is_no_jpeg_is_left_to_the_decoder(content):
    assert find_damage(content) == ""
