"""Folders as people have handed them over, from public reports: read rightly, or refused by name."""

import json
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labutils import paths
from labutils.audit import audit
from labutils.data import images, load_dataset
from labutils.data.images import read_image
from labutils.errors import DataError

CASES = Path(__file__).parents[2] / "shared" / "cases"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """No data anywhere, and a place of its own for what the package writes."""
    monkeypatch.setattr(paths, "ROOT", tmp_path / "home")
    (tmp_path / "home").mkdir()
    return tmp_path


@pytest.fixture
def case(home, monkeypatch):
    """Copies a case and makes it the data folder."""

    def use(name, below="data"):
        if not (CASES / name).is_dir():
            pytest.skip("the cases are not beside the repository")
        shutil.copytree(CASES / name, home / "case")
        monkeypatch.setenv("LABUTILS_DATA", str(home / "case" / below))

    return use


def load(name="skin", **settings):
    return load_dataset(name, 32, progress=False, **settings)


# ---------------------------------------------------------------- the cases themselves


def test_case_12_bits_in_16(case):
    case("01-12bit-in-16bit-png")
    data = load(source="course")
    brightest = dict(zip(data.files_train, data.x_train.max(axis=(1, 2, 3)), strict=True))
    assert brightest["train/Mel_9001.png"] > 0.8


def test_case_synology(case):
    case("06-synology-eadir")
    assert load().counts()["train"] == {"Mel": 3, "Nev": 3}


def test_case_jpeg_of_12_bits(case):
    case("05-12bit-jpeg")
    with pytest.raises(DataError, match=r"Mel_9001\.jpg is a JPEG of 12 bits"):
        load()


def test_case_icloud(case):
    case("03-icloud-placeholder")
    with pytest.raises(DataError, match=r"\.Nev_0000\.jpg\.icloud, \.Nev_0001\.jpg\.icloud, which a cloud has not"):
        load()


def test_case_chest(case):
    case("14-chest-data-set", below="")
    data = load("chest")
    assert (data.name, data.class_names, data.source) == ("chest", ("Normal", "Pneumonia"), "course")
    assert data.banner().startswith(
        "Chest: course data, 32x32 grey\n  20 training images (Normal 10, Pneumonia 10)"
    ) or (data.counts()["train"]["Normal"] > 0)


# ---------------------------------------------------------------- their kinds


def picture(top=255, bottom=0):
    """A grey ramp with a bright bar, (60, 80) uint8."""
    ramp = np.tile(np.linspace(bottom, top, 80), (60, 1))
    ramp[20:30] = top
    return ramp.astype(np.uint8)


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_sbit(file, values, bits):
    """A PNG of 16 bits that says how many of them count."""
    Image.fromarray(values).save(file)
    content = file.read_bytes()
    file.write_bytes(content[:33] + png_chunk(b"sBIT", bytes([bits])) + content[33:])


def same(file, eight_bits, levels=None):
    found = read_image(file, levels=levels)
    assert np.abs(found - eight_bits / 255).max() < 2 / 255


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_any_depth_is_as_bright_as_its_8_bit_original(tmp_path, bits, suffix):
    grey = picture()
    values = np.rint(grey / 255 * (2**bits - 1)).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / f"x{suffix}")
    same(tmp_path / f"x{suffix}", grey)


def test_a_dark_picture_that_declares_its_depth_stays_dark(tmp_path):
    grey = picture(top=40)
    write_sbit(tmp_path / "x.png", (grey.astype(int) * 4095 // 255).astype(np.uint16), 12)
    same(tmp_path / "x.png", grey)
    write_sbit(tmp_path / "y.png", grey.astype(np.uint16) * 257, 8)
    same(tmp_path / "y.png", grey)
    Image.fromarray((grey.astype(int) * 4095 // 255).astype(np.uint16)).save(tmp_path / "z.tif", tiffinfo={281: 4095})
    same(tmp_path / "z.tif", grey)


def test_bytes_that_were_repeated_are_16_bits_however_dark(tmp_path):
    grey = picture(top=12)
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "x.png")
    same(tmp_path / "x.png", grey)


def test_a_dark_picture_among_brighter_ones_is_read_as_they_are(tmp_path):
    dark, bright = picture(top=40), picture()
    files = [tmp_path / "dark.png", tmp_path / "bright.png"]
    for file, grey in zip(files, (dark, bright), strict=True):
        Image.fromarray(np.rint(grey / 255 * 4095).astype(np.uint16)).save(file)
    levels = images.find_levels(files)
    assert levels.depth == 12
    same(files[0], dark, levels)
    pixels, _ = images.load_images(files, 32, progress=False)
    assert pixels[0].max() < 50 / 255 and pixels[1].max() > 250 / 255


@pytest.mark.parametrize("bits", [12, 16])
def test_counted_from_white(tmp_path, bits):
    grey = picture()
    values = np.rint((255 - grey.astype(float)) / 255 * (2**bits - 1))
    values = values.astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "x.tif", tiffinfo={262: 0})
    same(tmp_path / "x.tif", grey)


def test_floats_counted_from_white(tmp_path):
    grey = picture()
    Image.fromarray(1 - grey.astype(np.float32) / 255).save(tmp_path / "x.tif", tiffinfo={262: 0})
    same(tmp_path / "x.tif", grey)


def write_signed(file, values):
    """A TIFF of 16 bits with a sign, which Pillow reads and does not write: one strip, little-endian."""
    data = values.astype("<i2").tobytes()
    height, width = values.shape
    entries = [(256, 3, width), (257, 3, height), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 8)]
    entries += [(277, 3, 1), (278, 3, height), (279, 4, len(data)), (339, 3, 2)]
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    header = struct.pack("<2sHI", b"II", 42, 8 + len(data))
    file.write_bytes(header + data + struct.pack("<H", len(entries)) + table + struct.pack("<I", 0))


@pytest.mark.parametrize("bits", [12, 16])
def test_signed_values_that_fill_their_range(tmp_path, bits):
    grey = picture()
    values = np.rint(grey / 255 * (2**bits - 1)) - 2 ** (bits - 1)
    write_signed(tmp_path / "x.tif", values)
    same(tmp_path / "x.tif", grey)


def test_ct_numbers_are_refused_or_windowed(tmp_path):
    values = picture().astype(int) * 16 - 1024
    write_signed(tmp_path / "x.tif", values)
    with pytest.raises(DataError, match=r"from -1024 to 3056; nothing says .*`window: \[-1024, 3056\]`"):
        read_image(tmp_path / "x.tif")
    same(tmp_path / "x.tif", picture(), images.Levels((-1024, 3056)))


def test_a_window_is_used_and_has_its_own_fingerprint(home, monkeypatch):
    folder = home / "data" / "CT"
    monkeypatch.setenv("LABUTILS_DATA", str(home / "data"))
    for split in ("train", "val"):
        for name in ("a", "bb"):
            (folder / split / name).mkdir(parents=True)
            write_signed(folder / split / name / "1.tif", picture().astype(int) * 16 - 1024)
    with pytest.raises(DataError, match="nothing says which are black and white"):
        load("ct")
    seen = set()
    for window in ([-1024, 3056], [-1024, 1016]):
        (folder / "dataset.yaml").write_text(f"window: {window}")
        data = load("CT")
        seen.add(data.fingerprint)
    assert len(seen) == 2 and data.x_train[0, 20, 20, 0] > 0.95


def test_training_and_validation_of_different_depth_are_asked_about(home, monkeypatch):
    monkeypatch.setenv("LABUTILS_DATA", str(home / "data"))
    for split, bits in (("train", 12), ("val", 14)):
        for name in ("a", "b"):
            (home / "data" / "Chest" / split / name).mkdir(parents=True)
            values = np.rint(picture() / 255 * (2**bits - 1)).astype(np.uint16)
            Image.fromarray(values).save(home / "data" / "Chest" / split / name / "1.png")
    with pytest.raises(DataError, match=r"training looks like 12, validation like 14.*window: \[0, 16383\]"):
        load("chest")


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (EPS, "is an EPS or PostScript file"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"\0" * 5000, "holds nothing but zeros"),
        (bytes(128) + b"DICM" + bytes(90), "is a DICOM file"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "is a HEIC picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "is a JPEG 2000 file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is only a pointer of Git LFS"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"P5 20 20 255\n" + bytes(400), "is not an image"),
    ],
)
def test_only_documented_formats_are_opened(tmp_path, content, says, monkeypatch):
    from PIL import EpsImagePlugin

    def start(*_args, **_kwargs):
        raise AssertionError("a program was started")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", start)
    (tmp_path / "Mel_9.jpg").write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_image(tmp_path / "Mel_9.jpg")


def test_large_pictures_are_decoded_one_at_a_time(tmp_path, monkeypatch):
    files = [tmp_path / f"{number}.png" for number in range(6)]
    for file in files:
        Image.fromarray(picture()).save(file)
    together, most, real = [], [], images._to_array

    def watch(image):
        together.append(1)
        most.append(len(together))
        try:
            return real(image)
        finally:
            together.pop()

    monkeypatch.setattr(images, "_to_array", watch)
    monkeypatch.setattr("labutils.machine.cores", lambda: 4)
    monkeypatch.setattr(images, "LARGE", 100)
    images.load_images(files, 32, progress=False)
    assert max(most) == 1 and len(most) == 6


# ---------------------------------------------------------------- whose images


def write_set(folder, classes=("Mel", "Nev"), count=3, splits=("train", "test")):
    rng = np.random.default_rng(0)
    for split in splits:
        for name in classes:
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (40, 40), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")
    return folder


@pytest.mark.parametrize("folder", ["Skins", "skin_", "Skin (1)", "Skin copy", "Skn"])
def test_a_folder_that_is_nearly_a_name_is_asked_about(home, monkeypatch, folder):
    write_set(home / "data" / folder)
    monkeypatch.setenv("LABUTILS_DATA", str(home / "data"))
    if folder == "skin_":
        assert load().source == "course"
        return
    with pytest.raises(DataError, match=r"holds .*, but no Skin\. Is it meant\? Rename it to Skin") as error:
        load()
    assert folder in str(error.value)
    (home / "data" / folder / "dataset.yaml").write_text("title: Another set")
    with pytest.raises(DataError, match=r"There is no .*data/Skin with"):
        load(source="course")


def test_a_name_that_is_not_there_says_what_is(home, monkeypatch):
    write_set(home / "data" / "Chest")
    monkeypatch.setenv("LABUTILS_DATA", str(home / "data"))
    with pytest.raises(DataError, match=r"There are no images of 'lung': .*data holds chest"):
        load("lung")
    with pytest.raises(DataError, match=r"Is it meant\?"):
        load("chests")
    with pytest.raises(DataError, match="There are no phantoms of 'chest'"):
        load("chest", source="phantom")


def test_five_classes_of_any_name(home, monkeypatch):
    classes = ("$alpha$", "b c", "Çà", "影", "x_1")
    write_set(home / "data" / "Über 5", classes, splits=("train", "validation", "test"))
    monkeypatch.setenv("LABUTILS_DATA", str(home / "data"))
    data = load("über 5")
    assert data.name == "über_5" and set(data.class_names) == set(classes) and len(data.y_val) == 15
    assert data.majority == pytest.approx(0.2)


def test_the_audit_tells_of_pictures_that_show_nothing(home):
    folder = write_set(home / "Chest", count=4)
    Image.new("L", (40, 40), 0).save(folder / "train" / "Mel" / "0.png")
    Image.new("RGB", (40, 40), (9, 9, 9)).save(folder / "test" / "Nev" / "1.png")
    row = next(row for row in audit(folder).rows if row.check == "Empty pictures")
    assert "2 pictures are of one colour: train/Mel/0.png (black), test/Nev/1.png" in row.finding
    assert row.verdict.startswith("look")


def test_a_flipped_bit_in_a_phantom_is_found_when_it_is_first_read(home, monkeypatch):
    from labutils.phantoms import files as phantom_files
    from labutils.phantoms.write import write_phantoms

    counts = {"train": 4, "validation": 4}
    folder = home / "home" / "data" / "phantoms" / "Bone"
    write_phantoms("bone", folder, counts=counts, progress=False)
    assert load("bone", source="phantom").counts()["train"] == {"AFF": 2, "NFF": 2}
    file = folder / "train" / "AFF_0001.png"
    pixels = np.asarray(Image.open(file)).copy()
    pixels[:80] ^= 128
    Image.fromarray(pixels).save(file, compress_level=1)
    manifest = json.loads((folder / "phantoms.json").read_text())
    manifest["files"]["train/AFF_0001.png"]["bytes"] = file.stat().st_size  # as long as it was
    (folder / "phantoms.json").write_text(json.dumps(manifest))
    assert phantom_files.is_complete("bone", folder)
    with pytest.raises(DataError, match=r"AFF_0001\.png: no longer the phantom that was drawn"):
        load("bone", source="phantom")
