"""DICOM to brightness: the same picture however it is stored, the files that pydicom ships, refusals by name."""

import numpy as np
import pytest
from dicom_helpers import PLAIN, pydicom, radiograph, shipped, write_dicom

from labutils.errors import DataError
from labutils.tools.imports import dicom

GREY = radiograph()
VALUES = np.rint(GREY / 255 * 4095)
TWELVE = {**PLAIN, "BitsStored": 12, "HighBit": 11}


def read(file):
    """The picture and how it was read, of a file that is looked at as an import does."""
    dicom.check_picture(dicom.read_header(file), file)
    found, deep, words = dicom.read_brightness(file)
    assert found.dtype == np.float32 and 0 <= found.min() < found.max() <= 1
    assert not deep or found.ndim == 2
    return found, words


@pytest.mark.parametrize(
    ("values", "changes", "words"),
    [
        *((np.rint(GREY / 255 * (2**n - 1)), {"BitsStored": n, "HighBit": n - 1}, f"{n} bits") for n in (10, 14, 16)),
        (VALUES, TWELVE, "12 bits"),
        (4095 - VALUES, {**TWELVE, "PhotometricInterpretation": "MONOCHROME1"}, "12 bits, turned (MONOCHROME1)"),
        (VALUES, {**TWELVE, "RescaleSlope": 2, "RescaleIntercept": -1000}, "12 bits"),
        # A slope below zero turns the picture: what is stored as bright is dark.
        (4095 - VALUES, {**TWELVE, "RescaleSlope": -2, "RescaleIntercept": -1000}, "12 bits"),
        ((VALUES - 2048).astype(np.int16).view(np.uint16), {**TWELVE, "PixelRepresentation": 1}, "12 bits"),
    ],
)
def test_the_same_picture_however_it_is_stored(tmp_path, values, changes, words):
    found, said = read(write_dicom(tmp_path / "x.dcm", values, **PLAIN | changes))
    assert np.abs(found - GREY / 255).max() < 2 / 255 and said == words


@pytest.mark.parametrize(
    ("kind", "width", "window", "expected"),
    [
        ("LINEAR", 100, None, [0, 0.5 + 0.5 / 99, 0.5 + 1.5 / 99, 1]),
        ("LINEAR_EXACT", 100, None, [0, 0.5, 0.51, 1]),
        ("SIGMOID", 80, None, [0, 0.5, 1 / (1 + np.exp(-4 * (41 - 40) / 80)), 1]),
        # What is asked for goes before what the file says.
        ("LINEAR", 100, (-1000, 3000), [0, 0.26, 0.26025, 1]),
    ],
)
def test_windows_are_those_of_the_standard(tmp_path, kind, width, window, expected):
    values = np.tile([0, 1040, 1041, 4000], (16, 4))
    changes = {"WindowCenter": [40, 400], "WindowWidth": [width, 800], "VOILUTFunction": kind}
    write_dicom(tmp_path / "x.dcm", values, **PLAIN | changes | {"RescaleIntercept": -1000})
    found = dicom.read_brightness(tmp_path / "x.dcm", window)[0][0, :4]
    assert found.tolist() == pytest.approx(expected, abs=1e-6)


def test_a_look_up_table_and_padding_whichever_way_it_counts(tmp_path):
    table = pydicom.Dataset()
    table.LUTDescriptor, table.LUTData = [4, 0, 8], np.array([0, 51, 102, 255], np.uint16).tobytes()
    values = np.tile([0, 1, 2, 3], (16, 4))
    found, words = read(write_dicom(tmp_path / "y.dcm", values, **PLAIN, VOILUTSequence=pydicom.Sequence([table])))
    assert found[0, :4].tolist() == pytest.approx([0, 0.2, 0.4, 1]) and words == "the file's look-up table"
    padded = np.vstack([np.full((5, 48), 4095), VALUES[5:]])
    found = read(write_dicom(tmp_path / "x.dcm", padded, **TWELVE | {"PixelPaddingValue": 4095}))[0]
    assert found[:5].max() == 0 and found[5:].max() > 0.8


DEPTHS = (("", 8), ("_16bit", 16), ("_32bit", 32))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        *(
            (f"MR_small{kind}.dcm", "window 600/1600")
            for kind in ("", "_bigendian", "_implicit", "_RLE", "_jp2klossless")
        ),
        ("CT_small.dcm", "percentiles 0.5 to 99.5"),
        ("examples_overlay.dcm", "window 450/790"),
        ("image_dfl.dcm", "8 bits"),
        ("liver_1frame.dcm", "1 bits"),
        ("dicomdirtests/77654033/CR1/6154", "turned (MONOCHROME1)"),
        ("examples_jpeg2k.dcm", "colour"),
        ("examples_rgb_color.dcm", "colour (RGB), 8 bits"),
        ("ExplVR_BigEnd.dcm", "colour"),
        *((f"SC_rgb_rle{kind}.dcm", f"colour (RGB), {bits} bits") for kind, bits in DEPTHS),
        ("SC_rgb_dcmtk_+eb+cr.dcm", "colour (RGB)"),
        ("SC_rgb_dcmtk_+eb+cy+n1.dcm", "colour (YBR_FULL)"),
        ("SC_rgb_dcmtk_+eb+cy+np.dcm", "colour (YBR_FULL_422)"),
        ("SC_ybr_full_422_uncompressed.dcm", "colour (YBR_FULL_422)"),
        ("SC_rgb_gdcm_KY.dcm", "colour (RGB)"),
    ],
)
def test_files_that_pydicom_ships(name, words):
    found, said = read(shipped(name) if "/" not in name else shipped("CT_small.dcm").parent / name)
    assert words in said and ("colour" in words) == (found.ndim == 3)
    if name.startswith("MR_small_"):
        assert np.array_equal(found, dicom.read_brightness(shipped("MR_small.dcm"))[0])
    if name.startswith("SC_"):
        # One picture of bars, in the middle of them; YBR keeps full blue to five levels.
        bars = pydicom.dcmread(shipped("SC_rgb_rle.dcm")).pixel_array / 255
        assert np.abs(found - bars)[5::10, 50].max() < 6 / 255
    elif found.ndim == 3:
        assert np.ptp(found, axis=2).max() > 0.1
    elif words.startswith("percentiles"):
        assert found.min() == 0 and found.max() == 1 and 0.2 < found.mean() < 0.8


def palette(file, values, bits, entries, first=0, count=None):
    """A picture whose numbers stand for (entries, 3) colours."""
    write_dicom(file, values, **PLAIN | {"PhotometricInterpretation": "PALETTE COLOR"})
    data, kind = pydicom.dcmread(file), np.uint8 if bits == 8 else np.uint16
    for plane, name in enumerate(f"{colour}PaletteColorLookupTable" for colour in ("Red", "Green", "Blue")):
        data.add_new(f"{name}Descriptor", "US", [len(entries) if count is None else count, first, bits])
        data.add_new(f"{name}Data", "OW", entries[:, plane].astype(kind).tobytes())
    data.save_as(file)
    return file


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_is_looked_up_and_its_ends_stand_for_what_is_outside(tmp_path, bits):
    entries = np.array([[0, 0, 255], [255, 0, 0], [0, 255, 0], [9, 9, 9]])
    values = np.tile([0, 10, 11, 12, 13, 4000], (12, 2))
    stored = entries * (1 if bits == 8 else 257)
    found, words = read(palette(tmp_path / "x.dcm", values, bits, stored, first=10))
    assert (found[0, :6] * 255).round().astype(int).tolist() == entries[[0, 0, 1, 2, 3, 3]].tolist()
    assert words == f"colour (PALETTE COLOR), {bits} bits for each"
    data = pydicom.dcmread(shipped("examples_palette.dcm"))
    looked_up = pydicom.pixels.apply_color_lut(data.pixel_array, data)
    found, _ = read(shipped("examples_palette.dcm"))
    assert np.abs(found - looked_up / np.iinfo(looked_up.dtype).max).max() < 1e-6


JPEG_12 = b"\xff\xd8\xff\xc1\x00\x0b\x0c\x00\x10\x00\x10\x01\x01\x11\x00\xff\xda\x00\x08" + bytes(20)
"""The beginning of a JPEG of 12 bits, and then nothing that is a picture."""


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
        ("JPGExtended.dcm", r"holds a JPEG of 12 bits, which needs a decoder: pip install pylibjpeg.*same again"),
        ("JPEG-lossy.dcm", "holds a JPEG of 12 bits, which needs a decoder"),
        ("README.txt", "not a DICOM file|is damaged|holds no picture"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(name, says):
    with pytest.raises(DataError, match=says) as error:
        read(shipped("CT_small.dcm").parent / name)
    assert name in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("stream", "decoders", "says"),
    [
        (JPEG_12, ("pillow",), "holds a JPEG of 12 bits, which needs a decoder"),
        (JPEG_12, ("pillow", "pylibjpeg"), "is damaged"),  # they could not read it either
        (JPEG_12.replace(b"\xff\xc1\x00\x0b\x0c", b"\xff\xc1\x00\x0b\x08"), ("pillow",), "is damaged"),
        (b"\xff\xd8" + bytes(20), ("pillow",), "is damaged"),
    ],
)
def test_12_bits_are_told_from_damage(tmp_path, monkeypatch, stream, decoders, says):
    from pydicom.encaps import encapsulate
    from pydicom.pixels import get_decoder

    dataset = pydicom.dcmread(shipped("JPGExtended.dcm"))
    dataset.PixelData = encapsulate([stream])
    dataset.save_as(tmp_path / "x.dcm")
    decoder = type(get_decoder(dataset.file_meta.TransferSyntaxUID))
    monkeypatch.setattr(decoder, "available_plugins", property(lambda _: decoders))
    with pytest.raises(DataError, match=says):
        read(tmp_path / "x.dcm")


def test_colour_that_would_be_read_wrongly_is_refused(tmp_path):
    ramp = np.tile([0, 999], (9, 5))
    for file in (
        palette(tmp_path / "long.dcm", ramp, 8, np.zeros((1000, 3))),
        write_dicom(tmp_path / "deep.dcm", SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL"),
        write_dicom(tmp_path / "j2k.dcm", SamplesPerPixel=3, PhotometricInterpretation="YBR_RCT"),
        write_dicom(tmp_path / "ink.dcm", SamplesPerPixel=4, PhotometricInterpretation="CMYK"),
    ):
        with pytest.raises(DataError, match=r"is in colour \(.*\) as it is not read here: expected is RGB"):
            read(file)
    with pytest.raises(DataError, match="is damaged"):
        read(palette(tmp_path / "cut.dcm", np.tile([0, 3], (9, 5)), 16, np.zeros((4, 3)), count=200))


def test_encrypted_files_are_refused(tmp_path):
    (tmp_path / "x.dcm").write_bytes(b"\x30\x82\x10\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03" + bytes(500))
    with pytest.raises(DataError, match=r"x\.dcm is encrypted"):
        read(tmp_path / "x.dcm")
    hidden = pydicom.Dataset()
    hidden.EncryptedContentTransferSyntaxUID = "1.2.840.10008.1.2"
    file = write_dicom(tmp_path / "y.dcm", EncryptedAttributesSequence=pydicom.Sequence([hidden]))
    with pytest.raises(DataError, match=r"encrypted in part.*--group"):
        read(file)
    dicom.check_picture(dicom.read_header(file), file, groups_known=True)


def test_a_file_that_broke_off(tmp_path):
    for length in (140, 600, 5000):
        (tmp_path / "x.dcm").write_bytes(shipped("CT_small.dcm").read_bytes()[:length])
        with pytest.raises(DataError, match=r"x\.dcm (is damaged|holds no picture|is not a DICOM)"):
            read(tmp_path / "x.dcm")
