"""What a JPEG decoder passes over in silence: a stretch of zeros where a disk or a copy has lost something.

Pillow shows such a file as a picture whose rest is shifted and stained, without a word. Zeros are looked for first,
which costs next to nothing. What they mean depends on the file's own table of codes (ITU T.81, F.1.2 and K.3): in most,
zeros would be blocks of nothing but the finest stripes, hundreds of times the same, which no picture has. In others,
optimized ones, they stand for a flat area. Then the file is decoded again with more bits, or with others at the end of
that part: an undamaged part uses all of its bits and needs no more.
"""

import io
import re
from dataclasses import dataclass

import numpy as np

RUN = 32
"""Zeros in a row from which a part is looked at."""

_TAIL = 3  # bytes at the end of a part that are changed
_PATTERNS = (b"\x55", b"\xaa", b"\x33", b"\xcc")
_MARKER = re.compile(rb"\xff+[^\x00\xff]")
_TABLES, _SCAN, _END, _RESTARTS = 0xC4, 0xDA, 0xD9, range(0xD0, 0xD8)
_ARITHMETIC = range(0xC9, 0xD0)
# What may follow a part: tables, the next part, the number of lines, comments, data of applications.
_BETWEEN = (_TABLES, 0xCC, _SCAN, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0))


@dataclass(frozen=True)
class _Part:
    """Coded bits, from one marker to the next.

    `never` tells that no picture has many zeros there, `corrects` that they only make earlier ones more exact.
    """

    start: int
    end: int
    never: bool
    corrects: bool


def find_damage(content: bytes) -> str:
    """What is wrong with the coded bits of a JPEG, as far as it can be told for certain.

    Parameters
    ----------
    content : bytes
        The whole file.

    Returns
    -------
    str
        A reason for a person; empty if nothing is found.
    """
    parts, stray = _coded_parts(content)
    if stray:
        return f"FF {stray:02X} in the middle of the picture, which is no mark of JPEG"
    suspects = [part for part in parts if bytes(RUN) in content[part.start : part.end].rstrip(b"\0")]
    if not suspects or not (any(part.never for part in suspects) or _disagrees(content, parts, suspects)):
        return ""
    return f"zeros from byte {content.find(bytes(RUN), suspects[0].start)} on, where the picture should be"


def _coded_parts(content: bytes) -> tuple[list[_Part], int]:
    """The coded parts, and a marker between them that is none (0 for no such)."""
    parts: list[_Part] = []
    shortest: dict[int, int] = {}  # what the code of zeros alone stands for, by table
    kind, position = 0, 2
    while position + 4 <= len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if marker == 0xFF:  # fill bytes
            position += 1
            continue
        if marker == _END:
            break
        if parts and marker not in _BETWEEN:
            return parts, marker
        if 0xC0 <= marker <= 0xCF and marker not in (_TABLES, 0xC8, 0xCC):
            kind = marker
        body = content[position + 4 : position + 2 + int.from_bytes(content[position + 2 : position + 4], "big")]
        position += 4 + len(body)
        if marker == _TABLES:
            shortest |= _shortest_codes(body)
        if marker != _SCAN:
            continue
        corrects = len(body) > 1 and body[-1] >> 4 > 0
        never = kind not in _ARITHMETIC and not corrects and _never_zero(body, shortest)
        for found in _MARKER.finditer(content, position):
            parts.append(_Part(position, found.start(), never, corrects))
            position = found.end()
            if found[0][-1] not in _RESTARTS:
                position -= 2
                break
        else:  # it breaks off, which the decoder says itself
            break
    return parts, 0


def _shortest_codes(body: bytes) -> dict[int, int]:
    """The first symbol of each table of AC coefficients: codes are given out in order, and the first is zeros alone."""
    found = {}
    while len(body) > 17:
        if body[0] >> 4 == 1:
            found[body[0] & 15] = body[17]
        body = body[17 + sum(body[1:17]) :]
    return found


def _never_zero(scan: bytes, shortest: dict[int, int]) -> bool:
    """Whether zeros alone would be coefficients that are not zero, one after the other."""
    count = scan[0] if scan else 0
    if len(scan) < 4 + 2 * count or scan[2 + 2 * count] == 0:  # brightness of blocks alone may well be zeros
        return False
    # The lower half is how many bits the coefficient has; the table of the standard begins with one of one bit.
    return any(shortest.get(scan[2 + 2 * i] & 15, 1) & 15 for i in range(count))


def _disagrees(content: bytes, parts: list[_Part], suspects: list[_Part]) -> bool:
    """Whether a part ends before or after what it should hold."""
    picture = _decode(content)
    pieces, copied = [], 0
    for part in parts:
        pieces += [content[copied : part.end], 16 * _PATTERNS[0]]
        copied = part.end
    if not np.array_equal(picture, _decode(b"".join([*pieces, content[copied:]]))):
        return True
    # The end of a correction may be too small to be seen.
    return any(not part.corrects and _is_unused(content, picture, part) for part in suspects)


def _is_unused(content: bytes, picture: np.ndarray, part: _Part) -> bool:
    """Whether nothing is seen of changes at a part's end, though they are seen where the zeros are."""
    # Some programs fill up with zeros what they have written.
    end = part.start + len(content[part.start : part.end].rstrip(b"\0"))
    zeros = content.index(bytes(RUN), part.start)
    return not _is_seen(content, picture, max(part.start, end - _TAIL)) and _is_seen(content, picture, zeros)


def _is_seen(content: bytes, picture: np.ndarray, start: int) -> bool:
    changed = (content[:start] + _TAIL * pattern + content[start + _TAIL :] for pattern in _PATTERNS)
    return any(not np.array_equal(picture, _decode(one)) for one in changed)


def _decode(content: bytes) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=("JPEG", "MPO")) as image:
        return np.asarray(image)
