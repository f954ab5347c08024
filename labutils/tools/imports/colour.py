"""Colour in DICOM, as photographs of skin and endoscopies have it: stored pixels to red, green and blue.

RGB; the YBR kinds, which pydicom turns into RGB while it decodes; and PALETTE COLOR, where numbers stand for colours in
a table (DICOM PS3.3, C.7.6.3.1.2 and C.7.6.3.1.5). A window is for grey values and has no meaning here.
"""

from typing import Any

import numpy as np

PALETTE = "PALETTE COLOR"


def is_readable(header: Any) -> bool:
    """Whether a file says that its picture is in colour, of a kind that is read here."""
    kind, planes = header.get("PhotometricInterpretation", ""), header.get("SamplesPerPixel", 1)
    if kind == PALETTE:
        # A table of more colours than 8 bits can count would be looked up by the lower 8 bits alone.
        descriptor = header.get("RedPaletteColorLookupTableDescriptor") or (0, 0, 8)
        return planes == 1 and (descriptor[2] > 8 or 0 < descriptor[0] <= 256)
    if kind in ("YBR_FULL", "YBR_FULL_422"):
        return planes == 3 and header.get("BitsAllocated") == 8
    if kind in ("YBR_ICT", "YBR_RCT"):  # made by JPEG 2000, and undone by its decoder
        return planes == 3 and header.file_meta.TransferSyntaxUID.is_compressed
    return kind == "RGB" and planes == 3


def to_brightness(data: Any, stored: np.ndarray) -> tuple[np.ndarray, str]:
    """Red, green and blue of a DICOM file's picture.

    Parameters
    ----------
    data : pydicom.Dataset
    stored : ndarray, (height, width, 3), or (height, width) for a palette
        What `pixel_array` gives.

    Returns
    -------
    colour : ndarray, (height, width, 3), float32
        From 0 to 1.
    words : str
        How it was read.
    """
    kind = data.PhotometricInterpretation
    colour, bits = stored, int(data.get("BitsStored") or data.BitsAllocated)
    if kind == PALETTE:
        from pydicom.pixels import apply_color_lut

        count, first, bits = map(int, data.RedPaletteColorLookupTableDescriptor)
        # What lies outside the table has the colour at its end; a fourth plane would say how opaque the picture is.
        inside = np.clip(stored.astype(np.int64), first, first + (count or 2**16) - 1)
        colour = apply_color_lut(inside, data)[..., :3]
        if colour.max(initial=0) >= 2**bits:  # written with 16 bits, whatever the table says
            bits = 16
    scaled = colour.astype(np.float32) / np.float32(2**bits - 1)
    return np.clip(scaled, 0, 1), f"colour ({kind}), {bits} bits for each"
