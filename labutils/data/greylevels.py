"""Grey levels of more than 8 bits: which stored value is black and which is white, as far as the file says so.

A detector of 12 bits is stored in 16: read as 16 bits such a picture is nearly black. Where a file declares nothing
(PNG's sBIT, TIFF's tags), the largest value among all files of a split tells how many bits are used.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labutils.errors import DataError
from labutils.paths import shown

DEPTHS = (8, 10, 12, 14, 16)  # bits that detectors and converters use

PHOTOMETRIC, BITS, SAMPLE_FORMAT = 262, 258, 339
MINIMA, MAXIMA = (340, 280), (341, 281)
"""TIFF tags: whether zero is white (0) or black (1), bits stored, kind of number, smallest and largest value."""

DEEP_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")  # Pillow's names for pixels of more than 8 bits


@dataclass(frozen=True)
class Levels:
    """How values of more than 8 bits become brightness, where a file does not say it itself.

    `window` are the stored values that are black and white; `depth` is the number of bits that files which declare
    nothing were found to use together, 0 for as many as each shows.
    """

    window: tuple[float, float] | None = None
    depth: int = 0


def is_deep(image: Any) -> bool:
    """Whether an open image has more than 8 bits per pixel in one plane."""
    return image.mode in DEEP_MODES


def needed_bits(values: np.ndarray) -> int:
    """The smallest of `DEPTHS` that holds the values; 0 for black all over, 16 where every byte is there twice."""
    largest = int(values.max(initial=0))
    if largest == 0:
        return 0
    if largest > 255 and np.array_equal(values & 255, values >> 8):
        return 16
    return next((bits for bits in DEPTHS if largest < 2**bits), 16)


def declared_bits(image: Any, file: Path) -> int:
    """How many bits a file says it uses, 0 if it says nothing."""
    if image.format == "PNG":
        return _significant_bits(file)
    if image.format == "TIFF":
        bits = _first(image.tag_v2.get(BITS))
        if bits is not None and 8 < bits < 16:
            return int(bits)
        largest = _stated(image, MAXIMA)
        if largest and largest + 1 in {2**bits for bits in DEPTHS}:
            return int(largest).bit_length()
    return 0


def check_shallow(image: Any, file: Path) -> None:
    """Refuse colour of 16 bits that uses a quarter of its range or less: Pillow would cut it to 8 bits of nothing."""
    if image.mode in ("1", "L", "P") or image.format not in ("PNG", "TIFF"):
        return
    if image.format == "PNG":
        with open(file, "rb") as stream:
            bits = stream.read(25)[24]
    else:
        bits = _first(image.tag_v2.get(BITS)) or 0
    if bits <= 8:
        return
    largest = max(high for _, high in image.getextrema()[: 1 if image.mode == "LA" else 3])
    if largest < 64 and not (image.format == "PNG" and _significant_bits(file) == 16):
        raise DataError(
            f"{shown(file)} has 16 bits for each colour and uses {8 + largest.bit_length()} of them at most: read as "
            "it is, it would be nearly black. Scale it to the full range, or save it with 8 bits."
        )


def to_brightness(image: Any, file: Path, levels: Levels) -> np.ndarray:
    """Pixels of a deep image, (height, width): uint16 over the full range, or float32 in [0, 1], else a DataError."""
    # Pillow turns pictures that count from white round only where they have 8 bits.
    white_is_zero = image.format == "TIFF" and image.tag_v2.get(PHOTOMETRIC) == 0
    values = np.asarray(image)
    if bad := int((~np.isfinite(values)).sum()):
        raise DataError(f"{shown(file)} holds {bad} values that are no numbers (NaN or infinite). Mend or remove it.")
    if levels.window is not None:
        low, high = levels.window
        scaled = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1).astype(np.float32)
    elif image.mode == "F":
        if values.min() < 0 or values.max() > 1:
            raise DataError(
                f"{shown(file)} holds values from {values.min():.4g} to {values.max():.4g}: brightness should lie "
                "between 0 and 1. Scale it, or say in dataset.yaml which are black and white, for example "
                "`window: [0, 1000]`."
            )
        scaled = values.astype(np.float32)
    elif image.mode == "I":
        scaled = _scale_signed(image, values, file)
    else:
        return _scale_unsigned(image, values.astype(np.uint16), file, levels.depth, white_is_zero)
    return 1 - scaled if white_is_zero else scaled


def _scale_unsigned(image: Any, values: np.ndarray, file: Path, depth: int, white_is_zero: bool) -> np.ndarray:
    declared = declared_bits(image, file)
    bits = declared or max(depth, needed_bits(values)) or 16
    if image.format == "PNG" and declared and values.max(initial=0) >= 2**declared:
        # As the standard has it, the significant bits are the upper ones: the value is scaled already.
        bits = 16
    largest = 2**bits - 1
    if values.max(initial=0) > largest:
        raise DataError(
            f"{shown(file)} says that it uses {bits} bits, but holds {values.max()}, which is more. Save it again."
        )
    turned = largest - values if white_is_zero else values
    return turned if bits == 16 else turned.astype(np.float32) / np.float32(largest)


def _scale_signed(image: Any, values: np.ndarray, file: Path) -> np.ndarray:
    """Signed numbers of 16 bits between the limits that the file states, or that fill the range of a detector."""
    low, high = int(values.min()), int(values.max())
    signed = image.format == "TIFF" and _first(image.tag_v2.get(SAMPLE_FORMAT)) == 2
    if signed and _first(image.tag_v2.get(BITS)) == 16:
        least, most = (_stated(image, tags) for tags in (MINIMA, MAXIMA))
        if least is not None and most is not None and least <= low < high <= most:
            return ((values - least) / (most - least)).astype(np.float32)
        half = next(2 ** (bits - 1) for bits in DEPTHS if -(2 ** (bits - 1)) <= low and high < 2 ** (bits - 1))
        # Measurements such as CT numbers lie in a corner of the range: they would be flat grey.
        if high - low >= half:
            return ((values + half) / (2 * half - 1)).astype(np.float32)
    bits = 16 if _first(getattr(image, "tag_v2", {}).get(BITS)) == 16 else 32
    raise DataError(
        f"{shown(file)} holds {bits}-bit whole numbers from {low} to {high}; nothing says which are black and white. "
        f"Write it into dataset.yaml beside train (`window: [{low}, {high}]`, the same for all images), or save it as "
        "8- or 16-bit PNG."
    )


def _stated(image: Any, tags: tuple[int, ...]) -> float | None:
    return next((value for tag in tags if (value := _first(image.tag_v2.get(tag))) is not None), None)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and value else value


def _significant_bits(file: Path) -> int:
    """PNG's sBIT of a grey image, which Pillow does not tell; 0 if there is none."""
    with open(file, "rb") as stream:
        stream.seek(8)
        while len(header := stream.read(8)) == 8:
            length, kind = struct.unpack(">I4s", header)
            if kind == b"sBIT" and length:
                return stream.read(1)[0]
            if kind == b"IDAT":
                break
            stream.seek(length + 4, 1)
    return 0
