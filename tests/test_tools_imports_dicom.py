"""DICOM to brightness: the same picture however it is stored, the files that pydicom ships, refusals by name."""

import numpy as np
import pytest
from dicom_helpers import PLAIN, pydicom, radiograph, shipped, write_dicom

from labutils.errors import DataError
from labutils.tools.imports import dicom

GREY = radiograph()


def same(file, eight_bits=GREY):
    found, _, words = dicom.read_brightness(file)
    assert np.abs(found - eight_bits / 255).max() < 2 / 255, words
    return words


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_any_depth_is_the_same_picture(tmp_path, bits):
    values = np.rint(GREY / 255 * (2**bits - 1))
    words = same(write_dicom(tmp_path / "x.dcm", values, BitsStored=bits, HighBit=bits - 1, **PLAIN))
    assert words == f"{bits} bits"


def test_inverted_is_the_same_picture(tmp_path):
    values = 4095 - np.rint(GREY / 255 * 4095)
    changes = PLAIN | {"BitsStored": 12, "HighBit": 11, "PhotometricInterpretation": "MONOCHROME1"}
    assert "MONOCHROME1" in same(write_dicom(tmp_path / "x.dcm", values, **changes))


def test_signed_and_rescaled_values(tmp_path):
    values = np.rint(GREY / 255 * 4095)
    changes = {**PLAIN, "RescaleSlope": 2, "RescaleIntercept": -1000, "BitsStored": 12, "HighBit": 11}
    same(write_dicom(tmp_path / "x.dcm", values, **changes))
    # A slope below zero turns the picture: what is stored as bright is dark.
    same(write_dicom(tmp_path / "y.dcm", 4095 - values, **changes | {"RescaleSlope": -2}))
    signed = (values - 2048).astype(np.int16).view(np.uint16)
    same(write_dicom(tmp_path / "z.dcm", signed, **PLAIN | {"PixelRepresentation": 1, "BitsStored": 12, "HighBit": 11}))


@pytest.mark.parametrize(
    ("kind", "at_centre", "one_above"), [("LINEAR", 0.5 + 0.5 / 99, 0.5 + 1.5 / 99), ("LINEAR_EXACT", 0.5, 0.51)]
)
def test_windows_are_those_of_the_standard(tmp_path, kind, at_centre, one_above):
    values = np.tile([0, 1040, 1041, 4000], (16, 4))
    changes = {"WindowCenter": [40, 400], "WindowWidth": [100, 800], "VOILUTFunction": kind, "PixelPaddingValue": None}
    write_dicom(tmp_path / "x.dcm", values, RescaleIntercept=-1000, **changes)
    found = dicom.read_brightness(tmp_path / "x.dcm")[0][0, :4]
    assert found.tolist() == pytest.approx([0, at_centre, one_above, 1], abs=1e-6)
    # What is asked for goes before what the file says.
    asked = dicom.read_brightness(tmp_path / "x.dcm", (-1000, 3000))[0][0, :4]
    assert asked.tolist() == pytest.approx([0, 0.26, 0.26025, 1], abs=1e-6)


def test_sigmoid_and_look_up_table(tmp_path):
    values = np.tile([0, 40, 80, 120], (16, 4))
    changes = {**PLAIN, "WindowCenter": 40, "WindowWidth": 80, "VOILUTFunction": "SIGMOID"}
    found = dicom.read_brightness(write_dicom(tmp_path / "x.dcm", values, **changes))[0][0, :4]
    assert found[1] == 0.5 and found[0] == pytest.approx(1 - found[2]) and found[3] > found[2]
    table = pydicom.Dataset()
    table.LUTDescriptor, table.LUTData = [4, 0, 8], np.array([0, 51, 102, 255], np.uint16).tobytes()
    values = np.tile([0, 1, 2, 3], (16, 4))
    write_dicom(tmp_path / "y.dcm", values, **PLAIN, VOILUTSequence=pydicom.Sequence([table]))
    found, _, words = dicom.read_brightness(tmp_path / "y.dcm")
    assert found[0, :4].tolist() == pytest.approx([0, 0.2, 0.4, 1]) and words == "the file's look-up table"


def test_padding_is_background_whichever_way_it_counts(tmp_path):
    values = np.rint(GREY / 255 * 4095)
    values[:5] = 4095
    changes = PLAIN | {"PixelPaddingValue": 4095, "BitsStored": 12, "HighBit": 11}
    found = dicom.read_brightness(write_dicom(tmp_path / "x.dcm", values, **changes))[0]
    assert found[:5].max() == 0 and found[5:].max() > 0.8


def test_percentiles_where_the_file_gives_nothing_and_that_is_said():
    found, deep, words = dicom.read_brightness(shipped("CT_small.dcm"))
    assert words.startswith("percentiles 0.5 to 99.5") and deep
    assert found.min() == 0 and found.max() == 1 and 0.2 < found.mean() < 0.8


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("MR_small.dcm", "window 600/1600"),
        ("MR_small_bigendian.dcm", "window 600/1600"),
        ("MR_small_implicit.dcm", "window 600/1600"),
        ("MR_small_RLE.dcm", "window 600/1600"),
        ("MR_small_jp2klossless.dcm", "window 600/1600"),
        ("examples_overlay.dcm", "window 450/790"),
        ("image_dfl.dcm", "8 bits"),
        ("liver_1frame.dcm", "1 bits"),
        ("dicomdirtests/77654033/CR1/6154", "turned (MONOCHROME1)"),
    ],
)
def test_files_that_pydicom_ships(name, words):
    file = shipped(name) if "/" not in name else shipped("CT_small.dcm").parent / name
    dicom.check_picture(dicom.read_header(file), file)
    found, _, said = dicom.read_brightness(file)
    assert words in said and found.dtype == np.float32 and 0 <= found.min() < found.max() <= 1
    if name.startswith("MR_small_"):
        assert np.array_equal(found, dicom.read_brightness(shipped("MR_small.dcm"))[0])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("SC_rgb_rle_2frame.dcm", "holds 2 frames"),
        ("SC_rgb_small_odd.dcm", "3x3 pixels: there is nothing to see"),
        ("examples_ybr_color.dcm", "holds 30 frames"),
        ("rtplan.dcm", r"holds no picture \(RT Plan Storage\)"),
        ("badVR.dcm", "holds .* frames|is damaged"),
        ("MR_truncated.dcm", r"is damaged \(The number of bytes of pixel data is less than expected"),
        ("MR_small_jpeg_ls_lossless.dcm", r"is compressed \(JPEG-LS.*pip install pylibjpeg"),
        ("JPGExtended.dcm", "pip install pylibjpeg"),
        ("README.txt", "not a DICOM file|is damaged|holds no picture"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(name, says):
    file = shipped("CT_small.dcm").parent / name
    with pytest.raises(DataError, match=says) as error:
        dicom.check_picture(dicom.read_header(file), file)
        dicom.read_brightness(file)
    assert name in str(error.value) and "\n" not in str(error.value)


def test_encrypted_files_are_refused(tmp_path):
    (tmp_path / "x.dcm").write_bytes(b"\x30\x82\x10\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03" + bytes(500))
    with pytest.raises(DataError, match=r"x\.dcm is encrypted"):
        dicom.read_header(tmp_path / "x.dcm")
    hidden = pydicom.Dataset()
    hidden.EncryptedContentTransferSyntaxUID = "1.2.840.10008.1.2"
    file = write_dicom(tmp_path / "y.dcm", EncryptedAttributesSequence=pydicom.Sequence([hidden]))
    with pytest.raises(DataError, match=r"encrypted in part.*--group"):
        dicom.check_picture(dicom.read_header(file), file)
    dicom.check_picture(dicom.read_header(file), file, groups_known=True)


def test_a_file_that_broke_off(tmp_path):
    content = shipped("CT_small.dcm").read_bytes()
    for length in (140, 600, 5000):
        (tmp_path / "x.dcm").write_bytes(content[:length])
        with pytest.raises(DataError, match=r"x\.dcm (is damaged|holds no picture|is not a DICOM)"):
            dicom.check_picture(dicom.read_header(tmp_path / "x.dcm"), tmp_path / "x.dcm")
            dicom.read_brightness(tmp_path / "x.dcm")
