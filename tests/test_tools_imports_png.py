"""What is written is a PNG that others read: pixels as they were, all bits counted, nothing else in it."""

import numpy as np
import pytest
from PIL import Image

from labutils.data.images import read_image
from labutils.tools.imports.png import write_png


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(8, 9), (256, 3), (257, 40), (700, 33)])
def test_grey_of_any_size(tmp_path, shape, kind):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)
    write_png(tmp_path / "x.png", pixels)
    with Image.open(tmp_path / "x.png") as image:
        image.load()
        assert np.array_equal(np.asarray(image), pixels) and not image.info


def test_colour(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (300, 20, 3), np.uint8)
    write_png(tmp_path / "x.png", pixels)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "x.png")), pixels)


def test_a_dark_picture_of_16_bits_stays_dark(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 900, (20, 20), np.uint16)
    write_png(tmp_path / "x.png", pixels)
    assert np.abs(read_image(tmp_path / "x.png") - pixels / 65535).max() < 1e-6


def test_runs_are_short_in_the_file(tmp_path):
    write_png(tmp_path / "x.png", np.tile(np.arange(1000, dtype=np.uint16), (500, 1)))
    assert (tmp_path / "x.png").stat().st_size < 20_000
