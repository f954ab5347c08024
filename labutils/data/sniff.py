"""What a file is that cannot be opened as an image, and what a JPEG decoder passes over in silence."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

RUN = 32  # zeros in a row from which a JPEG is looked at more closely
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

_TABLES, _PICTURE, _END, _RESTARTS = 0xC4, 0xDA, 0xD9, range(0xD0, 0xD8)
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {_TABLES, 0xC8, 0xCC}
_PLAIN = (0xC0, 0xC1)  # frames whose parts hold whole blocks in Huffman's code
_BETWEEN = {_TABLES, 0xCC, _PICTURE, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)}  # tables, comments, the next part
_MARKER = re.compile(rb"\xff+[^\x00\xff]")
_TAIL = 3  # bytes at the end of a part that are changed
_PATTERNS = (b"\x55", b"\xaa", b"\x33", b"\xcc")


def what_it_is(file: Path) -> str:
    """The end of a sentence that begins with the file's name, told from its first bytes."""
    with open(file, "rb") as stream:
        head = stream.read(_HEAD)
    if not head.strip(b"\0"):
        return "holds nothing but zeros: a copy or a download that broke off. Copy it again, or remove it."
    if head.startswith(b"\xff\xd8"):
        marker = next((marker for marker, _, _ in _walk(head) if marker in _FRAMES), 0)
        if jpeg_bits(head) == 12:
            return "is a JPEG of 12 bits, as DICOM has them, which is not read here. Save it as 16-bit PNG."
        if marker in (0xC3, 0xC7, 0xCB, 0xCF, 0xF7):
            return "is a lossless JPEG, as DICOM has them, which is not read here. Save it as PNG."
        return "is a damaged JPEG. Copy it again, or remove it."
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


def jpeg_bits(content: bytes) -> int:
    """Bits of each value of a JPEG, as it says itself; 0 where it does not."""
    start = next((start for marker, start, _ in _walk(content) if marker in _FRAMES), len(content))
    return content[start] if content.startswith(b"\xff\xd8") and start < len(content) else 0


def find_damage(content: bytes) -> str:
    """What is wrong with the coded bits of a JPEG, as far as it can be told for certain; empty if nothing is.

    A stretch that was lost is zeros, and Pillow shows a picture whose rest is shifted and stained, without a word. With
    most tables of codes (ITU T.81, F.1.2 and K.3) they would be blocks of nothing but the finest stripes, which no
    picture has; with others they stand for a flat area. Then the file is decoded again with more bits, or with others
    at the end of that part: an undamaged part uses all of its bits and needs no more.
    """
    parts: list[tuple[int, int]] = []
    checked: list[tuple[int, int]] = []  # parts whose end is seen: not those that only make earlier ones more exact
    kind, pictures, exact, striped = 0, 0, False, False
    for marker, start, end in _walk(content):
        if marker == 0:
            parts.append((start, end))
            checked += [(start, end)] if exact else []
        elif parts and marker not in _BETWEEN:
            return f"FF {marker:02X} in the middle of the picture, which is no mark of JPEG"
        elif marker in _FRAMES:
            kind = marker
        elif marker == _TABLES:
            striped = striped or _never_zeros(content[start:end])
        elif marker == _PICTURE:
            pictures, exact = pictures + 1, content[end - 1 : end] < b"\x10"
    zeros = [part for part in parts if bytes(RUN) in content[slice(*part)].rstrip(b"\0")]
    # Where every part holds all colours, zeros cannot be of one whose table is another.
    impossible = striped and kind in _PLAIN and pictures == 1
    if not zeros or not (impossible or _disagrees(content, parts, [part for part in zeros if part in checked])):
        return ""
    return f"zeros from byte {content.find(bytes(RUN), zeros[0][0])} on, where the picture should be"


def _walk(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of what a JPEG consists of, up to its end; coded bits have the marker 0."""
    position, coded = 2, False
    while position + 4 <= len(content):
        if coded:
            found = _MARKER.search(content, position)
            if found is None:  # it breaks off, which the decoder says itself
                return
            yield 0, position, found.start()
            position = found.end() - 2
            if content[position + 1] in _RESTARTS:
                position += 2
                continue
        marker = content[position + 1]
        if content[position] != 0xFF or marker == _END:
            return
        if marker == 0xFF:  # fill bytes
            position += 1
            continue
        end = position + 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        yield marker, position + 4, end
        position, coded = end, marker == _PICTURE


def _never_zeros(tables: bytes) -> bool:
    """Whether zeros alone are coefficients that are not zero: zeros alone are the first code of a table."""
    while len(tables) > 17:
        # The lower half of a symbol is how many bits the coefficient has.
        if tables[0] >> 4 == 1 and tables[17] & 15:
            return True
        tables = tables[17 + sum(tables[1:17]) :]
    return False


def _disagrees(content: bytes, parts: list[tuple[int, int]], suspects: list[tuple[int, int]]) -> bool:
    """Whether a part ends before or after what it should hold."""
    picture, pieces, copied = _decode(content), list[bytes](), 0

    def is_seen(start: int) -> bool:
        changed = (content[:start] + _TAIL * pattern + content[start + _TAIL :] for pattern in _PATTERNS)
        return any(not np.array_equal(picture, _decode(one)) for one in changed)

    for _, end in parts:
        pieces += [content[copied:end], 16 * _PATTERNS[0]]
        copied = end
    if not np.array_equal(picture, _decode(b"".join([*pieces, content[copied:]]))):
        return True
    for start, end in suspects:
        # Some programs fill up with zeros what they have written.
        last = max(start, start + len(content[start:end].rstrip(b"\0")) - _TAIL)
        # Nothing is seen of changes at the part's end, though they are seen where the zeros are.
        if not is_seen(last) and is_seen(content.index(bytes(RUN), start)):
            return True
    return False


def _decode(content: bytes) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=("JPEG", "MPO")) as image:
        return np.asarray(image)
