"""Colour DICOM, from the files that pydicom ships: one picture however it is stored, and refusals by name."""

import numpy as np
import pytest
from dicom_helpers import pydicom, shipped, write_dicom

from labutils.errors import DataError
from labutils.tools.imports import dicom

TABLES = [f"{name}PaletteColorLookupTable" for name in ("Red", "Green", "Blue")]


def read(file):
    dicom.check_picture(dicom.read_header(file), file)
    found, deep, words = dicom.read_brightness(file)
    assert found.dtype == np.float32 and found.ndim == 3 and not deep and 0 <= found.min() < found.max() <= 1
    return found, words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SC_rgb_rle.dcm", "colour (RGB), 8 bits"),
        ("SC_rgb_rle_16bit.dcm", "colour (RGB), 16 bits"),
        ("SC_rgb_rle_32bit.dcm", "colour (RGB), 32 bits"),
        ("SC_rgb_dcmtk_+eb+cr.dcm", "colour (RGB)"),
        ("SC_rgb_dcmtk_+eb+cy+n1.dcm", "colour (YBR_FULL)"),
        ("SC_rgb_dcmtk_+eb+cy+np.dcm", "colour (YBR_FULL_422)"),
        ("SC_ybr_full_422_uncompressed.dcm", "colour (YBR_FULL_422)"),
        ("SC_rgb_gdcm_KY.dcm", "colour (RGB)"),
    ],
)
def test_one_picture_however_it_is_stored(name, words):
    found, said = read(shipped(name))
    bars = pydicom.dcmread(shipped("SC_rgb_rle.dcm")).pixel_array / 255
    assert words in said
    # In the middle of the bars; YBR keeps full blue to five levels.
    assert np.abs(found - bars)[5::10, 50].max() < 6 / 255


@pytest.mark.parametrize("name", ["examples_jpeg2k.dcm", "examples_rgb_color.dcm", "ExplVR_BigEnd.dcm"])
def test_files_that_pydicom_ships(name):
    assert np.ptp(read(shipped(name))[0], axis=2).max() > 0.1


def palette(file, values, bits, entries, first=0, count=None):
    """A picture whose numbers stand for (entries, 3) colours."""
    plain = dict.fromkeys(("RescaleSlope", "RescaleIntercept", "PixelPaddingValue"))
    write_dicom(file, values, PhotometricInterpretation="PALETTE COLOR", PixelRepresentation=0, **plain)
    data, kind = pydicom.dcmread(file), np.uint8 if bits == 8 else np.uint16
    for plane, name in enumerate(TABLES):
        data.add_new(f"{name}Descriptor", "US", [len(entries) if count is None else count, first, bits])
        data.add_new(f"{name}Data", "OW", entries[:, plane].astype(kind).tobytes())
    data.save_as(file)
    return file


def test_a_palette_is_looked_up_and_its_ends_stand_for_what_is_outside(tmp_path):
    entries = np.array([[0, 0, 255], [255, 0, 0], [0, 255, 0], [9, 9, 9]])
    values = np.tile([0, 10, 11, 12, 13, 4000], (12, 2))
    found, words = read(palette(tmp_path / "x.dcm", values, 8, entries, first=10))
    assert (found[0, :6] * 255).round().astype(int).tolist() == entries[[0, 0, 1, 2, 3, 3]].tolist()
    assert words == "colour (PALETTE COLOR), 8 bits for each"
    found, words = read(palette(tmp_path / "y.dcm", values, 16, entries * 257, first=10))
    assert (found[0, :6] * 255).round().astype(int).tolist() == entries[[0, 0, 1, 2, 3, 3]].tolist() and "16" in words


def test_the_palette_that_pydicom_ships():
    found, _ = read(shipped("examples_palette.dcm"))
    data = pydicom.dcmread(shipped("examples_palette.dcm"))
    looked_up = pydicom.pixels.apply_color_lut(data.pixel_array, data)
    assert np.abs(found - looked_up / np.iinfo(looked_up.dtype).max).max() < 1e-6


def test_what_would_be_read_wrongly_is_refused(tmp_path):
    many = np.zeros((1000, 3))
    for file in (
        palette(tmp_path / "long.dcm", np.tile([0, 999], (9, 5)), 8, many),
        write_dicom(tmp_path / "deep.dcm", SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL"),
        write_dicom(tmp_path / "j2k.dcm", SamplesPerPixel=3, PhotometricInterpretation="YBR_RCT"),
        write_dicom(tmp_path / "ink.dcm", SamplesPerPixel=4, PhotometricInterpretation="CMYK"),
    ):
        with pytest.raises(DataError, match=r"is in colour \(.*\) as it is not read here: expected is RGB"):
            read(file)
    with pytest.raises(DataError, match="is damaged"):
        read(palette(tmp_path / "cut.dcm", np.tile([0, 3], (9, 5)), 16, many[:4], count=200))
