"""More than 8 bits: as bright as the picture of 8 bits that it was made from, or refused."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from labutils.data.images import Levels, find_levels, load_images, read_image
from labutils.errors import DataError


def picture(top=255):
    """A grey ramp with a bright bar, (60, 80) uint8."""
    ramp = np.tile(np.linspace(0, top, 80), (60, 1))
    ramp[20:30] = top
    return ramp.astype(np.uint8)


def deepened(grey, bits):
    return np.rint(grey / 255 * (2**bits - 1)).astype(np.uint16)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_sbit(file, values, bits):
    """A PNG of 16 bits that says how many of them count."""
    Image.fromarray(values).save(file)
    content = file.read_bytes()
    file.write_bytes(content[:33] + chunk(b"sBIT", bytes([bits])) + content[33:])


def write_rgb16(file, values, significant=None):
    """A PNG of three planes of 16 bits, which Pillow reads and does not write."""
    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    said = chunk(b"sBIT", bytes([significant] * 3)) if significant else b""
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + head + said + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return file


def write_signed(file, values):
    """A TIFF of 16 bits with a sign, which Pillow reads and does not write."""
    tifffile.imwrite(file, values.astype(np.int16))


def same(file, eight_bits, levels=None):
    found = read_image(file, levels=levels)
    assert np.abs(found - eight_bits / 255).max() < 2 / 255


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_any_depth_is_as_bright_as_its_8_bit_original(tmp_path, bits, suffix):
    Image.fromarray(deepened(picture(), bits)).save(tmp_path / f"x{suffix}")
    same(tmp_path / f"x{suffix}", picture())


def test_a_dark_picture_that_declares_its_depth_stays_dark(tmp_path):
    grey = picture(top=40)
    of_12_bits = (grey.astype(int) * 4095 // 255).astype(np.uint16)
    write_sbit(tmp_path / "x.png", of_12_bits, 12)
    write_sbit(tmp_path / "y.png", grey.astype(np.uint16) * 257, 8)
    Image.fromarray(of_12_bits).save(tmp_path / "z.tif", tiffinfo={281: 4095})
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "repeated.png")  # bytes twice are 16 bits
    for name in ("x.png", "y.png", "z.tif", "repeated.png"):
        same(tmp_path / name, grey)


@pytest.mark.parametrize("name", ["bright.png", "bright.jpg"])
def test_a_dark_picture_among_brighter_ones_is_read_as_they_are(tmp_path, name):
    """Under the name of another format, too."""
    dark, bright = picture(top=40), picture()
    files = [tmp_path / "dark.png", tmp_path / name]
    for file, grey in zip(files, (dark, bright), strict=True):
        Image.fromarray(deepened(grey, 12)).save(file, "PNG")
    levels = find_levels(files)
    assert levels.depth == 12
    same(files[0], dark, levels)
    pixels, _ = load_images(files, 32, progress=False)
    assert pixels[0].max() < 50 / 255 and pixels[1].max() > 250 / 255


@pytest.mark.parametrize(
    "values",
    [deepened(255 - picture(), 12), deepened(255 - picture(), 16), 1 - picture().astype(np.float32) / 255],
    ids=["12 bits", "16 bits", "floats"],
)
def test_counted_from_white(tmp_path, values):
    Image.fromarray(values).save(tmp_path / "x.tif", tiffinfo={262: 0})
    same(tmp_path / "x.tif", picture())
    Image.fromarray(values).save(tmp_path / "y.tif")
    same(tmp_path / "y.tif", 255 - picture().astype(float))


@pytest.mark.parametrize("bits", [12, 16])
def test_signed_values_that_fill_their_range(tmp_path, bits):
    write_signed(tmp_path / "x.tif", np.rint(picture() / 255 * (2**bits - 1)) - 2 ** (bits - 1))
    same(tmp_path / "x.tif", picture())


def test_ct_numbers_are_refused_or_windowed(tmp_path):
    write_signed(tmp_path / "x.tif", picture().astype(int) * 16 - 1024)
    with pytest.raises(DataError, match=r"from -1024 to 3056; nothing says .*`window: \[-1024, 3056\]`"):
        read_image(tmp_path / "x.tif")
    same(tmp_path / "x.tif", picture(), Levels((-1024, 3056)))


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_colour_of_16_bits_that_uses_fewer(tmp_path, bits):
    values = np.random.default_rng(0).integers(0, 2**bits, (20, 20, 3)) | 2 ** (bits - 1)
    with pytest.raises(DataError, match=rf"has 16 bits for each colour and uses {bits} of them at most"):
        read_image(write_rgb16(tmp_path / "x.png", values), 3)


def test_colour_of_16_bits_that_uses_all(tmp_path):
    values = np.random.default_rng(0).integers(0, 65536, (20, 20, 3))
    assert np.abs(read_image(write_rgb16(tmp_path / "x.png", values), 3) - values / 65535).max() < 1 / 255
    # A dark picture that says that it is one.
    assert read_image(write_rgb16(tmp_path / "y.png", values // 16, 16), 3).max() < 0.07
