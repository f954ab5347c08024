"""One DICOM file to brightness: rescaled, windowed, turned where it counts from white; colour is left to `colour`.

The picture is the one that the file describes for a screen: modality rescale, then the window (or look-up table) of
interest, then MONOCHROME1 turned round (DICOM PS3.3, C.7.6.3, C.11.1 and C.11.2). Needs pydicom: the extra `dicom`.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from labutils.data import images
from labutils.errors import DataError
from labutils.paths import shown
from labutils.tools.imports import colour

SUFFIXES = (".dcm", ".dicom", ".ima")
"""Endings under which files are read as DICOM even where their first bytes do not say so."""

NARROW = 1 / 16
"""Share of the declared range below which a picture would come out flat: percentiles are taken then."""

PERCENTILES = (0.5, 99.5)
_GREY = ("MONOCHROME1", "MONOCHROME2")
_ENVELOPE = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"  # the object identifier of an encrypted CMS message


def is_dicom(file: Path) -> bool:
    """Whether a file is DICOM: by its first bytes, or by its name."""
    with open(file, "rb") as stream:
        stream.seek(128)
        return stream.read(4) == b"DICM" or file.suffix.lower() in SUFFIXES


def is_directory(header: Any) -> bool:
    """Whether a file is a medium's table of contents, a DICOMDIR."""
    return "DirectoryRecordSequence" in header or str(header.file_meta.get("MediaStorageSOPClassUID", "")) == (
        "1.2.840.10008.1.3.10"
    )


def read_header(file: Path) -> Any:
    """What a DICOM file says about its picture and patient, without the pixels.

    Raises
    ------
    DataError
        If it is no DICOM file, or is encrypted.
    """
    return _read(file, stop_before_pixels=True)


def check_picture(header: Any, file: Path, groups_known: bool = False) -> None:
    """Refuse what is no single picture.

    Parameters
    ----------
    groups_known : bool
        Whether somebody has said which files belong to one patient.

    Raises
    ------
    DataError
        If there is no picture, several frames, colour of a kind that is not read, or the patient is encrypted.
    """
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
        raise DataError(
            f"{name} holds {frames} frames: one picture is expected. Save the frame you mean as a file of its own."
        )
    if not _is_grey(header) and not colour.is_readable(header):
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
    """The picture of a DICOM file.

    Parameters
    ----------
    file : Path
    window : (float, float), optional
        The values that are black and white, after the file's own rescaling (CT numbers, say), in place of what the
        file says.

    Returns
    -------
    brightness : ndarray, (height, width), or (height, width, 3) for colour; float32
        From 0 to 1.
    deep : bool
        Whether it is grey of more than 8 bits.
    words : str
        How values became brightness.

    Raises
    ------
    DataError
        If the pixels are damaged, or compressed in a way that nothing here can read.
    """
    data = _read(file)
    stored = _pixels(data, file)
    if not _is_grey(data):
        try:
            rgb, words = colour.to_brightness(data, stored)
        except (ValueError, AttributeError, TypeError) as error:  # a table of colours that is not what it says
            raise DataError(_damaged(file, error)) from None
        return rgb, False, words
    padding = _padding(data, stored)
    bits = int(data.get("BitsStored") or data.BitsAllocated)
    brightness, words = _scale(data, _rescale(data, stored), stored, bits, padding, window)
    brightness = np.clip(brightness, 0, 1).astype(np.float32)
    if data.PhotometricInterpretation == "MONOCHROME1":
        brightness, words = 1 - brightness, f"{words}, turned (MONOCHROME1)"
    if padding is not None:
        # What surrounds the picture is background, whichever way it counts.
        brightness[padding] = 0
    return brightness, bits > 8, words


def _is_grey(header: Any) -> bool:
    return header.get("SamplesPerPixel", 1) == 1 and header.get("PhotometricInterpretation") in _GREY


def _read(file: Path, **settings: Any) -> Any:
    try:
        import pydicom
        from pydicom.errors import InvalidDicomError
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
            # Read now: a damaged element is an error only when somebody looks at it.
            for name in (
                "Rows",
                "Columns",
                "BitsAllocated",
                "BitsStored",
                "PatientID",
                "WindowCenter",
                "NumberOfFrames",
            ):
                data.get(name)
    except (OSError, MemoryError):
        raise
    except InvalidDicomError:
        raise DataError(_damaged(file, "not a DICOM file")) from None
    except Exception as error:
        raise DataError(_damaged(file, error)) from None
    if not len(data):
        raise DataError(f"{shown(file)} is not a DICOM file, whatever its name says. Leave it out, or copy it again.")
    if "TransferSyntaxUID" not in data.file_meta:
        # Files without a header are old ones: this is what was usual.
        data.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    return data


def _pixels(data: Any, file: Path) -> np.ndarray:
    from pydicom.pixels import get_decoder

    syntax = data.file_meta.TransferSyntaxUID
    try:
        if syntax.is_compressed and not get_decoder(syntax).is_available:
            raise DataError(
                f"{shown(file)} is compressed ({syntax.name}), which needs a decoder: "
                "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg."
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(data.pixel_array)
    except (DataError, MemoryError):
        raise
    except Exception as error:
        hint = ""
        if syntax.is_compressed and not syntax.is_deflated:
            hint = f" If it is not ({syntax.name}): pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg."
        raise DataError(_damaged(file, error) + hint) from None


def _damaged(file: Path, error: object) -> str:
    reason = " ".join(str(error).split("\n")[0].split())[:120].rstrip(".:")
    return f"{shown(file)} is damaged ({reason}). Copy it again, or leave it out."


def _rescale(data: Any, stored: np.ndarray) -> np.ndarray:
    """Stored values as the modality means them, CT numbers for example."""
    from pydicom.pixels import apply_modality_lut

    if data.get("ModalityLUTSequence"):
        return np.asarray(apply_modality_lut(stored, data), np.float32)
    slope, intercept = data.get("RescaleSlope"), data.get("RescaleIntercept")
    slope = 1.0 if slope in (None, "") else float(slope)
    return stored.astype(np.float32) * np.float32(slope) + np.float32(intercept or 0)


def _padding(data: Any, stored: np.ndarray) -> np.ndarray | None:
    """Where the picture is only padded, None if it says nothing of the kind."""
    value = data.get("PixelPaddingValue")
    if value in (None, ""):
        return None
    limit = data.get("PixelPaddingRangeLimit")
    ends = sorted((int(value), int(value if limit in (None, "") else limit)))
    return (stored >= ends[0]) & (stored <= ends[1])


def _scale(
    data: Any,
    values: np.ndarray,
    stored: np.ndarray,
    bits: int,
    padding: np.ndarray | None,
    window: tuple[float, float] | None,
) -> tuple[np.ndarray, str]:
    if window is not None:
        return (values - window[0]) / (window[1] - window[0]), f"window {window[0]:g} to {window[1]:g} as asked for"
    if data.get("VOILUTSequence"):
        from pydicom.pixels import apply_voi

        depth = int(data.VOILUTSequence[0].LUTDescriptor[2])
        # A table is looked up with whole numbers.
        return apply_voi(np.rint(values).astype(np.int64), data) / np.float32(2**depth - 1), "the file's look-up table"
    if found := _window(data):
        return _apply_window(values, *found), f"the file's window {found[0]:g}/{found[1]:g}"
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if data.get("PixelRepresentation") else (0, 2**bits - 1)
    seen = values if padding is None or padding.all() else values[~padding]
    first, last = np.percentile(seen, PERCENTILES)
    inside = data.get("BitsStored") and low <= stored.min() and stored.max() <= high
    # A table of the modality has other units than the bits that are stored.
    if inside and not data.get("ModalityLUTSequence"):
        black, white = sorted(_rescale(data, np.array([low, high])).tolist())
        if last - first >= NARROW * (white - black) or bits <= 8:
            return (values - black) / (white - black), f"{bits} bits"
    words = f"percentiles {PERCENTILES[0]} to {PERCENTILES[1]} of the picture, as the file gives no window"
    return (values - first) / max(float(last - first), 1e-6), words


def _window(data: Any) -> tuple[float, float, str] | None:
    """Centre, width and kind of the first window; None where there is none that can be used."""
    ends = []
    for name in ("WindowCenter", "WindowWidth"):
        value = data.get(name)
        if value not in (None, "") and not isinstance(value, float | int):
            value = value[0] if len(value) else None
        if value in (None, ""):
            return None
        ends.append(float(value))
    kind = str(data.get("VOILUTFunction") or "LINEAR").upper()
    return (ends[0], ends[1], kind) if ends[1] > (1 if kind == "LINEAR" else 0) else None


def _apply_window(values: np.ndarray, centre: float, width: float, kind: str) -> np.ndarray:
    """C.11.2.1.2 and C.11.2.1.3 of PS3.3, with output from 0 to 1."""
    if kind == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -60, 60)))
    if kind == "LINEAR_EXACT":
        return (values - centre) / width + 0.5
    return (values - (centre - 0.5)) / (width - 1) + 0.5
