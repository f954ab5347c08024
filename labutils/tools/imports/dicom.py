"""One DICOM file to brightness, as it describes its picture for a screen. Needs pydicom: the extra `dicom`.

Grey: modality rescale, then the window (or look-up table) of interest, then MONOCHROME1 turned round (DICOM PS3.3,
C.7.6.3, C.11.1 and C.11.2). Colour: RGB; the YBR kinds, which pydicom turns into RGB while it decodes; PALETTE COLOR,
where numbers stand for colours in a table (C.7.6.3.1.2 and C.7.6.3.1.5).
"""

import re
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from labutils.data import images
from labutils.data.sniff import jpeg_bits
from labutils.errors import DataError
from labutils.paths import shown

SUFFIXES = (".dcm", ".dicom", ".ima")
"""Endings under which files are read as DICOM even where their first bytes do not say so."""

NARROW = 1 / 16
"""Share of the declared range below which a picture would come out flat: percentiles are taken then."""

PERCENTILES = (0.5, 99.5)
_GREY = ("MONOCHROME1", "MONOCHROME2")
_PALETTE = "PALETTE COLOR"
_ENVELOPE = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"  # the object identifier of an encrypted CMS message
_JPEG = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")  # with losses, of 8 bits and of 12
_DECODERS = "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg."
# Read at once: a damaged element is an error only when somebody looks at it.
_LOOKED_AT = ("Rows", "Columns", "BitsAllocated", "BitsStored", "PatientID", "WindowCenter", "NumberOfFrames")


def is_dicom(file: Path) -> bool:
    """Whether a file is DICOM: by its first bytes, or by its name."""
    with open(file, "rb") as stream:
        stream.seek(128)
        return stream.read(4) == b"DICM" or file.suffix.lower() in SUFFIXES


def is_directory(header: Any) -> bool:
    """Whether a file is a medium's table of contents, a DICOMDIR."""
    kind = str(header.file_meta.get("MediaStorageSOPClassUID", ""))
    return "DirectoryRecordSequence" in header or kind == "1.2.840.10008.1.3.10"


def is_keyword(text: str) -> bool:
    """Whether a text is the name of a DICOM attribute, such as PatientID."""
    with suppress(ImportError):
        from pydicom.datadict import tag_for_keyword

        return re.fullmatch("[A-Z][A-Za-z0-9]+", text) is not None and tag_for_keyword(text) is not None
    return False


def read_header(file: Path) -> Any:
    """What a DICOM file says about its picture and patient, without pixels; a DataError if it is none, or encrypted."""
    return _read(file, stop_before_pixels=True)


def check_picture(header: Any, file: Path, groups_known: bool = False) -> None:
    """Refuse what is no single picture of a kind that is read, or whose patient is encrypted, unless `groups_known`."""
    name, frames = shown(file), header.get("NumberOfFrames") or 1
    if not header.get("Rows") or not header.get("Columns"):
        kind = getattr(header.get("SOPClassUID"), "name", "") or header.get("Modality") or "no kind is given"
        raise DataError(f"{name} holds no picture ({kind}). Leave it out.")
    if header.get("EncryptedAttributesSequence") and not groups_known:
        raise DataError(
            f"{name} is encrypted in part, and with it who the patient is. "
            "Ask for a copy that is not, or say with --group which files belong together."
        )
    if not str(frames).isdecimal() or int(frames) > 1:
        expected = "one picture is expected. Save the frame you mean as a file of its own."
        raise DataError(f"{name} holds {frames} frames: {expected}")
    if not _is_grey(header) and not _is_readable_colour(header):
        kind = header.get("PhotometricInterpretation") or "no kind is given"
        raise DataError(
            f"{name} is in colour ({kind}) as it is not read here: expected is RGB, YBR_FULL or PALETTE COLOR. "
            "Save it as PNG."
        )
    if header.Rows * header.Columns > images.MAX_PIXELS:
        raise DataError(f"{name} has more than {images.MAX_PIXELS // 1_000_000} million pixels. Scale it down.")
    if min(header.Rows, header.Columns) < images.MIN_SIDE:
        raise DataError(f"{name} is {header.Columns}x{header.Rows} pixels: there is nothing to see. Leave it out.")


def read_brightness(file: Path, window: tuple[float, float] | None = None) -> tuple[np.ndarray, bool, str]:
    """The picture of a DICOM file, float32 from 0 to 1; whether it is grey of more than 8 bits; in words, how it came.

    It is (height, width), or (height, width, 3) for colour. `window` are the values that are black and white, after the
    file's own rescaling (CT numbers, say), in place of what the file says; colour has none. A DataError says that the
    pixels are damaged, or compressed in a way that nothing here can read.
    """
    data = _read(file)
    stored, bits = _pixels(data, file), int(data.get("BitsStored") or data.BitsAllocated)
    if not _is_grey(data):
        try:
            return _scale_colour(data, stored, bits)
        except (ValueError, AttributeError, TypeError) as error:  # a table of colours that is not what it says
            raise _damaged(file, error) from None
    padding = np.zeros(stored.shape, bool)  # where the picture is only padded
    value, limit = (_number(data, name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit"))
    if value is not None:
        low, high = sorted((value, value if limit is None else limit))
        padding = (stored >= low) & (stored <= high)
    brightness, words = _scale(data, stored, bits, padding, window)
    brightness = np.clip(brightness, 0, 1).astype(np.float32)
    if data.PhotometricInterpretation == "MONOCHROME1":
        brightness, words = 1 - brightness, f"{words}, turned (MONOCHROME1)"
    # What surrounds the picture is background, whichever way it counts.
    brightness[padding] = 0
    return brightness, bits > 8, words


def _is_grey(header: Any) -> bool:
    return header.get("SamplesPerPixel", 1) == 1 and header.get("PhotometricInterpretation") in _GREY


def _is_readable_colour(header: Any) -> bool:
    kind, planes = header.get("PhotometricInterpretation", ""), header.get("SamplesPerPixel", 1)
    if kind == _PALETTE:
        # A table of more colours than 8 bits can count would be looked up by the lower 8 bits alone.
        descriptor = header.get("RedPaletteColorLookupTableDescriptor") or (0, 0, 8)
        return planes == 1 and (descriptor[2] > 8 or 0 < descriptor[0] <= 256)
    if kind in ("YBR_FULL", "YBR_FULL_422"):
        return planes == 3 and header.get("BitsAllocated") == 8
    if kind in ("YBR_ICT", "YBR_RCT"):  # made by JPEG 2000, and undone by its decoder
        return planes == 3 and header.file_meta.TransferSyntaxUID.is_compressed
    return kind == "RGB" and planes == 3


def _read(file: Path, **settings: Any) -> Any:
    try:
        import pydicom
    except ImportError:
        raise DataError("DICOM is read with pydicom, which is not installed: pip install 'labutils[dicom]'.") from None
    with open(file, "rb") as stream:
        head = stream.read(64)
    if _ENVELOPE in head:
        raise DataError(f"{shown(file)} is encrypted (a CMS envelope). Ask whoever exported it for a plain copy.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(file, force=True, **settings)
            for name in _LOOKED_AT:
                data.get(name)
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise _damaged(file, error) from None
    if not len(data):
        raise DataError(f"{shown(file)} is not a DICOM file, whatever its name says. Leave it out, or copy it again.")
    if "TransferSyntaxUID" not in data.file_meta:
        # Files without a header are old ones: this is what was usual.
        data.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    return data


def _pixels(data: Any, file: Path) -> np.ndarray:
    from pydicom.encaps import generate_frames
    from pydicom.pixels import get_decoder

    syntax = data.file_meta.TransferSyntaxUID
    try:
        if syntax.is_compressed and not get_decoder(syntax).is_available:
            raise DataError(f"{shown(file)} is compressed ({syntax.name}), which needs a decoder: {_DECODERS}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(data.pixel_array)
    except (DataError, MemoryError):
        raise
    except Exception as error:
        bits = 0
        if syntax in _JPEG and {*get_decoder(syntax).available_plugins} <= {"pillow"}:
            with suppress(ValueError, TypeError, StopIteration):
                bits = jpeg_bits(next(generate_frames(data.PixelData, number_of_frames=1)))
        if bits > 8:
            raise DataError(
                f"{shown(file)} holds a JPEG of {bits} bits, which needs a decoder: {_DECODERS} With it, type the same "
                "again; or ask for an export that is not compressed."
            ) from None
        may_be_whole = syntax.is_compressed and not syntax.is_deflated
        raise _damaged(file, error, f" If it is not ({syntax.name}): {_DECODERS}" if may_be_whole else "") from None


def _damaged(file: Path, error: object, hint: str = "") -> DataError:
    reason = " ".join(str(error).split("\n")[0].split())[:120].rstrip(".:")
    return DataError(f"{shown(file)} is damaged ({reason}). Copy it again, or leave it out.{hint}")


def _scale_colour(data: Any, stored: np.ndarray, bits: int) -> tuple[np.ndarray, bool, str]:
    kind, colour = data.PhotometricInterpretation, stored
    if kind == _PALETTE:
        from pydicom.pixels import apply_color_lut

        count, first, bits = map(int, data.RedPaletteColorLookupTableDescriptor)
        # What lies outside the table has the colour at its end; a fourth plane would say how opaque the picture is.
        inside = np.clip(stored.astype(np.int64), first, first + (count or 2**16) - 1)
        colour = apply_color_lut(inside, data)[..., :3]
        if colour.max(initial=0) >= 2**bits:  # written with 16 bits, whatever the table says
            bits = 16
    scaled = colour.astype(np.float32) / np.float32(2**bits - 1)
    return np.clip(scaled, 0, 1), False, f"colour ({kind}), {bits} bits for each"


def _scale(
    data: Any, stored: np.ndarray, bits: int, padding: np.ndarray, window: tuple[float, float] | None
) -> tuple[np.ndarray, str]:
    values = _rescale(data, stored)
    if window is not None:
        return (values - window[0]) / (window[1] - window[0]), f"window {window[0]:g} to {window[1]:g} as asked for"
    if data.get("VOILUTSequence"):
        from pydicom.pixels import apply_voi

        depth = int(data.VOILUTSequence[0].LUTDescriptor[2])
        # A table is looked up with whole numbers.
        return apply_voi(np.rint(values).astype(np.int64), data) / np.float32(2**depth - 1), "the file's look-up table"
    centre, width = (_number(data, name) for name in ("WindowCenter", "WindowWidth"))
    kind = str(data.get("VOILUTFunction") or "LINEAR").upper()
    if centre is not None and width is not None and width > (1 if kind == "LINEAR" else 0):
        words = f"the file's window {centre:g}/{width:g}"  # C.11.2.1.2 and C.11.2.1.3 of PS3.3, output from 0 to 1
        if kind == "SIGMOID":
            return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -60, 60))), words
        if kind == "LINEAR_EXACT":
            return (values - centre) / width + 0.5, words
        return (values - (centre - 0.5)) / (width - 1) + 0.5, words
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if data.get("PixelRepresentation") else (0, 2**bits - 1)
    first, last = np.percentile(values if padding.all() else values[~padding], PERCENTILES)
    inside = data.get("BitsStored") and low <= stored.min() and stored.max() <= high
    # A table of the modality has other units than the bits that are stored.
    if inside and not data.get("ModalityLUTSequence"):
        black, white = sorted(_rescale(data, np.array([low, high])).tolist())
        if last - first >= NARROW * (white - black) or bits <= 8:
            return (values - black) / (white - black), f"{bits} bits"
    words = f"percentiles {PERCENTILES[0]} to {PERCENTILES[1]} of the picture, as the file gives no window"
    return (values - first) / max(float(last - first), 1e-6), words


def _rescale(data: Any, stored: np.ndarray) -> np.ndarray:
    """Stored values as the modality means them, CT numbers for example."""
    if data.get("ModalityLUTSequence"):
        from pydicom.pixels import apply_modality_lut

        return np.asarray(apply_modality_lut(stored, data), np.float32)
    slope, intercept = (_number(data, name) for name in ("RescaleSlope", "RescaleIntercept"))
    return stored.astype(np.float32) * np.float32(1 if slope is None else slope) + np.float32(intercept or 0)


def _number(data: Any, name: str) -> float | None:
    """A number of the header, the first of several; None where there is none."""
    value = data.get(name)
    if value not in (None, "") and not isinstance(value, float | int):
        value = value[0] if len(value) else None
    return None if value in (None, "") else float(value)
