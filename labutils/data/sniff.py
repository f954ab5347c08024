"""What a file is that cannot be opened as an image: told from its first bytes, with what to do about it."""

import struct
from pathlib import Path

_HEAD = 1 << 16
_KINDS = {
    b"%!PS": "an EPS or PostScript file",
    b"\xc5\xd0\xd3\xc6": "an EPS file",
    b"%PDF": "a PDF",
    b"\x00\x00\x00\x0cjP  ": "a JPEG 2000 file",
    b"\xff\x4f\xff\x51": "a JPEG 2000 file",
    b"\x93NUMPY": "a NumPy array",
    b"PK\x03\x04": "a ZIP archive",
    b"8BPS": "a Photoshop file",
    b"\x1f\x8b": "a compressed file",
    b"<svg": "a drawing in SVG",
}
_SAVE = "Save it as PNG or JPEG, or remove it."


def what_it_is(file: Path) -> str:
    """The end of a sentence that begins with the file's name."""
    with open(file, "rb") as stream:
        head = stream.read(_HEAD)
    if not head.strip(b"\0"):
        return "holds nothing but zeros: a copy or a download that broke off. Copy it again, or remove it."
    if head.startswith(b"\xff\xd8"):
        return _what_jpeg(head)
    if head[128:132] == b"DICM":
        return "is a DICOM file, whatever its name says. Make a data set of it: `labutils data import`."
    if head[4:8] == b"ftyp":
        kind = "an AVIF picture" if head[8:12] in (b"avif", b"avis") else "a HEIC picture or a film"
        return f"is {kind}, whatever its name says. {_SAVE}"
    if head.startswith(b"version https://git-lfs"):
        return "is only a pointer of Git LFS to the image. Fetch the image: `git lfs pull`."
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "is not an image, whatever its name says, but a web page. Download it again, or remove it."
    for start, kind in _KINDS.items():
        if head.startswith(start):
            return f"is {kind}, whatever its name says. {_SAVE}"
    return "is not an image, whatever its name says. Replace or remove it."


def _what_jpeg(head: bytes) -> str:
    bits, coding = _frame(head)
    if bits == 12:
        return "is a JPEG of 12 bits, as DICOM has them, which is not read here. Save it as 16-bit PNG."
    if coding in (0xC3, 0xC7, 0xCB, 0xCF, 0xF7):
        return "is a lossless JPEG, as DICOM has them, which is not read here. Save it as PNG."
    return "is a damaged JPEG. Copy it again, or remove it."


def _frame(head: bytes) -> tuple[int, int]:
    """Bits per sample and kind of coding from a JPEG's frame header; zeros where there is none."""
    position = 2
    while position + 5 <= len(head) and head[position] == 0xFF:
        marker, (length,) = head[position + 1], struct.unpack(">H", head[position + 2 : position + 4])
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            return head[position + 4], marker
        position += 2 + length
    return 0, 0
