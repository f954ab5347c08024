"""What cannot be opened is named for what it is; zeros in a JPEG are found, and no whole file is called damaged."""

import io
from itertools import product

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image
from scipy.ndimage import gaussian_filter

from labutils.data.images import read_image
from labutils.data.sniff import find_damage
from labutils.errors import DataError

NOISE = gaussian_filter(np.random.default_rng(0).standard_normal((150, 200)), 2)
PHOTO = np.rint(255 * (NOISE - NOISE.min()) / np.ptp(NOISE)).astype(np.uint8)
WAYS = [
    {"quality": 90},
    {"quality": 60, "optimize": True},
    {"quality": 95, "optimize": True, "subsampling": 0},
    {"quality": 85, "restart_marker_rows": 2},
]
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n%%EndComments\nshowpage\n%%EOF\n"
SAVE = r"Save it as PNG or JPEG, or remove it\."


def encode(pixels, **settings):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", **settings)
    return stream.getvalue()


def colour(grey):
    return np.stack([grey, np.roll(grey, 9, 1), 255 - grey], axis=2)


def framed(marker, bits):
    """A JPEG up to its frame, behind an application's data."""
    return b"\xff\xd8\xff\xe0\0\x04ab\xff" + bytes([marker]) + b"\0\x0b" + bytes([bits]) + bytes(40)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (EPS, f"is an EPS or PostScript file, whatever its name says. {SAVE}"),
        (b"%PDF-1.7\n", f"is a PDF, whatever its name says. {SAVE}"),
        (b"\0" * 5000, "holds nothing but zeros: a copy or a download that broke off"),
        (bytes(128) + b"DICM" + bytes(90), "is a DICOM file.*`labutils data import`"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "is a HEIC picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "is a JPEG 2000 file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is only a pointer of Git LFS"),
        (b"<!DOCTYPE html><html></html>", "is not an image, whatever its name says, but a web page"),
        (b"P5 20 20 255\n" + bytes(400), r"is not an image, whatever its name says\. Replace or remove it"),
        (b"These are my notes.", "is not an image"),
        (framed(0xC1, 12), "is a JPEG of 12 bits"),
        (framed(0xC3, 8), "is a lossless JPEG"),
        (b"\xff\xd8" + bytes(40), "is a damaged JPEG"),
    ],
)
def test_only_documented_formats_are_opened(tmp_path, content, says, monkeypatch):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("a program was started"))
    (tmp_path / "Mel_9.jpg").write_bytes(content)
    with pytest.raises(DataError, match=rf"Mel_9\.jpg {says}"):
        read_image(tmp_path / "Mel_9.jpg")


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


@pytest.mark.parametrize(
    "content",
    [
        encode(PHOTO, quality=90) + bytes(500) + b"\xff\x01",
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xda\x00\x02abc",
        b"\xff\xd8\xff\xc4\x00\x13" + bytes(40),
    ],
    ids=["behind the picture", "nothing", "a start", "half a mark", "broken off", "tables alone"],
)
def test_what_is_no_picture_is_nobodys_business(content):
    assert find_damage(content) == ""


def test_a_mark_that_is_none(tmp_path):
    content = encode(PHOTO, quality=90)
    (tmp_path / "x.jpg").write_bytes(content[:1200] + b"\xff\x3c" + content[1202:])
    with pytest.raises(DataError, match=r"x\.jpg is damaged \(FF 3C in the middle of the picture.*Copy it again"):
        read_image(tmp_path / "x.jpg")
