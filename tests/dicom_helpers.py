"""DICOM files for tests, made from those that pydicom ships, and other pictures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
        if value is not None:
            setattr(dataset, keyword, value)
        elif keyword in dataset:
            delattr(dataset, keyword)
    file.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(file)
    return file


def radiograph(seed: int = 0, side: int = 48) -> np.ndarray:
    """A made-up picture with structure of its own, (side, side) uint8, with black and white in it."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).standard_normal((side, side)), 2)
    low, high = noise.min(), noise.max()
    return np.rint(255 * (noise - low) / (high - low)).astype(np.uint8)


def write(folder: Path, *names: str, picture: Callable[[int], np.ndarray] = radiograph) -> Path:
    """A picture for each name, another one each time."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(number)).save(folder / name)
    return folder


PLAIN = {"RescaleSlope": None, "RescaleIntercept": None, "PixelPaddingValue": None, "PixelRepresentation": 0}
"""Changes that make of the shipped CT a film: stored values are brightness."""


def write_patients(folder: Path) -> Path:
    """A folder for each of two classes, and in it one for each of ten patients, with two pictures of 12 bits."""
    for number in range(40):
        patient, label = f"DOE{number // 2}", ("Normal", "Pneumonia")[number // 2 % 2]
        file = folder / label / patient / f"IM{number % 2:04}"
        write_dicom(
            file, np.rint(radiograph(number) / 255 * 4095), BitsStored=12, HighBit=11, PatientID=patient, **PLAIN
        )
    return folder
