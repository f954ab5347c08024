"""Pixels to a PNG file, several times faster than Pillow writes it: half of the time of an import was this.

Each row is stored as its difference from the one above (PNG's filter 2), compressed by runs: measured on radiographs
and photographs, files are within a few percent of Pillow's, which tries five filters for each row and keeps the lock of
Python meanwhile. Only pixels go in: no name, no date, no place.
"""

import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np

_ROWS = 256  # compressed at a time, so that a large picture is not in memory three times
_GREY, _RGB, _UP = 0, 2, 2


def write_png(file: Path, pixels: np.ndarray) -> None:
    """Write pixels as a PNG that says how many of its bits count: all.

    Parameters
    ----------
    file : Path
    pixels : ndarray, (height, width) or (height, width, 3)
        uint8 or uint16.
    """
    bits, planes = 8 * pixels.itemsize, 1 if pixels.ndim == 2 else 3
    height, width = pixels.shape[:2]
    compressor = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    above = np.zeros((1, width * planes * pixels.itemsize), np.uint8)
    with open(file, "wb") as stream:
        stream.write(b"\x89PNG\r\n\x1a\n")
        _write_chunk(
            stream, b"IHDR", struct.pack(">IIBBBBB", width, height, bits, _GREY if planes == 1 else _RGB, 0, 0, 0)
        )
        if bits == 16:
            # A dark picture would be taken for one of 12 bits.
            _write_chunk(stream, b"sBIT", bytes([bits] * planes))
        for start in range(0, height, _ROWS):
            rows = np.ascontiguousarray(pixels[start : start + _ROWS], f">u{pixels.itemsize}").view(np.uint8)
            rows = rows.reshape(len(rows), -1)
            filtered = np.full((len(rows), rows.shape[1] + 1), _UP, np.uint8)
            np.subtract(rows, np.concatenate([above, rows[:-1]]), out=filtered[:, 1:])
            above = rows[-1:]
            _write_chunk(stream, b"IDAT", compressor.compress(filtered.data))
        _write_chunk(stream, b"IDAT", compressor.flush())
        _write_chunk(stream, b"IEND", b"")


def _write_chunk(stream: IO[bytes], kind: bytes, data: bytes) -> None:
    stream.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))
