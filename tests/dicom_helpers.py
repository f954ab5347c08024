"""DICOM files for tests, made from those that pydicom ships."""

from pathlib import Path

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")
data = pytest.importorskip("pydicom.data")


def shipped(name: str) -> Path:
    """One of pydicom's own files."""
    return Path(str(data.get_testdata_file(name, download=False)))


def write_dicom(file: Path, pixels: np.ndarray | None = None, name: str = "CT_small.dcm", **changes: object) -> Path:
    """A copy of a shipped file with other pixels and attributes; an attribute that is None is removed."""
    dataset = pydicom.dcmread(shipped(name))
    if pixels is not None:
        dataset.Rows, dataset.Columns = pixels.shape
        dataset.PixelData = pixels.astype(np.uint16 if dataset.BitsAllocated == 16 else np.uint8).tobytes()
    for keyword, value in changes.items():
        if value is None:
            if keyword in dataset:
                delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    file.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(file)
    return file


def radiograph(seed: int = 0, side: int = 48) -> np.ndarray:
    """A made-up picture with structure of its own, (side, side) uint8, with black and white in it."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).standard_normal((side, side)), 2)
    low, high = noise.min(), noise.max()
    return np.rint(255 * (noise - low) / (high - low)).astype(np.uint8)


PLAIN = {"RescaleSlope": None, "RescaleIntercept": None, "PixelPaddingValue": None, "PixelRepresentation": 0}
"""Changes that make of the shipped CT a film: stored values are brightness."""


def write_patients(folder: Path, n: int = 20, each: int = 2) -> Path:
    """A folder for each of two classes, and in it one for each patient, with pictures of 12 bits."""
    for patient in range(n):
        for number in range(each):
            grey = radiograph(each * patient + number)
            values = np.rint(grey / 255 * 4095)
            label = ("Normal", "Pneumonia")[patient % 2]
            file = folder / label / f"DOE_{patient}" / f"IM{number:04}"
            write_dicom(file, values, BitsStored=12, HighBit=11, PatientID=f"DOE{patient}", **PLAIN)
    return folder
