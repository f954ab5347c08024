"""What would train without a word: each kind of it is read rightly, or named."""

import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from labutils import paths
from labutils.audit import audit
from labutils.config import RunConfig
from labutils.data import cache, images, load_dataset
from labutils.data.exam import load_exam
from labutils.data.images import read_image
from labutils.data.layouts import find_files
from labutils.errors import DataError
from labutils.phantoms import files as phantom_files
from labutils.phantoms import write as phantoms


@pytest.fixture
def home(tmp_path, monkeypatch):
    """No data anywhere, and a place of its own for what the package writes."""
    monkeypatch.setattr(paths, "ROOT", tmp_path / "home")
    (tmp_path / "home" / "data").mkdir(parents=True)
    return tmp_path / "home" / "data"


def write_set(
    folder, splits=("train", "validation", "test"), count=3, change=lambda split, pixels: pixels, suffix="png"
):
    rng = np.random.default_rng(0)
    for split in splits:
        for name in ("a", "b"):
            (folder / split / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                noise = gaussian_filter(rng.standard_normal((40, 40)), 2)
                pixels = np.rint(255 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8)
                Image.fromarray(change(split, pixels)).save(folder / split / name / f"{number}.{suffix}")
    return folder


def write_rgb16(file, values, significant=None):
    """A PNG of three planes of 16 bits, which Pillow reads and does not write."""
    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    said = chunk(b"sBIT", bytes([significant] * 3)) if significant else b""
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + head + said + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return file


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_colour_of_16_bits_that_uses_fewer(tmp_path, bits):
    values = np.random.default_rng(0).integers(0, 2**bits, (20, 20, 3))
    values[0, 0] = 2**bits - 1
    with pytest.raises(DataError, match=rf"has 16 bits for each colour and uses {bits} of them at most"):
        read_image(write_rgb16(tmp_path / "x.png", values), 3)


def test_colour_of_16_bits_that_uses_all(tmp_path):
    values = np.random.default_rng(0).integers(0, 65536, (20, 20, 3))
    assert np.abs(read_image(write_rgb16(tmp_path / "x.png", values), 3) - values / 65535).max() < 1 / 255
    # A dark picture that says that it is one.
    assert read_image(write_rgb16(tmp_path / "y.png", values // 16, 16), 3).max() < 0.07


def test_files_under_the_name_of_another_format_are_read_like_the_others(tmp_path):
    bright = np.full((20, 20), 4000, np.uint16)
    Image.fromarray(bright).save(tmp_path / "bright.png")
    (tmp_path / "bright.png").rename(tmp_path / "bright.jpg")
    Image.fromarray(bright // 8).save(tmp_path / "dark.png")
    assert images.find_levels([tmp_path / "bright.jpg", tmp_path / "dark.png"]).depth == 12


@pytest.mark.parametrize("name", [".0.jpg", ".0.png.Ab3dEf", ".0.jpeg.part", ".syncthing.0.tif.tmp"])
def test_hidden_images_and_copies_that_were_not_finished(home, name):
    folder = write_set(home / "Chest")
    (folder / "train" / "a" / name).write_bytes(b"half")
    with pytest.raises(DataError, match="a hidden file: a copy that was not finished"):
        find_files("chest", folder)


@pytest.mark.parametrize("name", ["._0.png", ".DS_Store", ".nfs0001", ".picasa.ini"])
def test_what_systems_hide_is_left_out(home, name):
    folder = write_set(home / "Chest")
    (folder / "train" / "a" / name).write_bytes(b"x")
    assert len(find_files("chest", folder)[0].files) == 6


@pytest.mark.parametrize("where", ["train/a", "test/b", "."])
def test_names_that_are_not_utf8(home, where):
    folder = write_set(home / "Chest")
    try:
        (folder / where / "L\udce4sion_1.png").write_bytes((folder / "train" / "a" / "0.png").read_bytes())
    except OSError:
        pytest.skip("this file system takes no such names")
    with pytest.raises(DataError, match=r"L\\xe4sion_1\.png has a name that is not written in UTF-8"):
        load_dataset("chest", 32, progress=False)
        load_exam("chest", 32, progress=False)


def test_an_exam_of_another_depth_is_asked_about(home):
    def deepen(split, pixels):
        return pixels.astype(np.uint16) * (16 if split != "test" else 64) + 15

    write_set(home / "Chest", change=deepen)
    load_dataset("chest", 32, progress=False)
    with pytest.raises(DataError, match=r"training looks like 12, the exam like 14.*window: \[0, 16383\]"):
        load_exam("chest", 32, progress=False)


def test_a_flipped_bit_in_the_phantoms_exam(home, monkeypatch):
    folder = home / "phantoms" / "Bone-exam"
    monkeypatch.setitem(phantoms.EXAM_COUNTS, "bone", 4)
    phantoms.write_phantoms("bone", home / "phantoms" / "Bone", counts={"train": 4, "validation": 4}, progress=False)
    assert len(load_exam("bone", 32, progress=False, source="phantom").y) == 4
    file = next(folder.rglob("*.png"))
    pixels = np.asarray(Image.open(file)).copy()
    pixels[:80] ^= 128
    Image.fromarray(pixels).save(file)
    monkeypatch.setattr("labutils.phantoms.write._holds", lambda *_: True)  # sizes and times do not show it
    with pytest.raises(DataError, match="no longer the phantom that was drawn"):
        load_exam("bone", 32, progress=False, source="phantom")


# ---------------------------------------------------------------- what the audit sees


def rows_of(judged):
    return {row.check: row for row in judged.rows}


def test_the_audit_reads_values_as_the_loader_does(home):
    folder = write_set(home / "CT", change=lambda _, pixels: pixels.astype(np.float32) * 10, suffix="tif")
    assert "0 and 1" in rows_of(audit(folder))["Unreadable files"].finding
    (folder / "dataset.yaml").write_text("window: [0, 2550]")
    assert rows_of(audit(folder))["Unreadable files"].verdict == "fine"
    assert rows_of(audit("ct"))["Exam"].verdict.startswith("fine")


def test_training_images_in_the_exam_are_a_leak(home):
    folder = write_set(home / "Chest")
    (folder / "test" / "a" / "0.png").write_bytes((folder / "train" / "a" / "1.png").read_bytes())
    judged = audit("chest")
    assert judged.leaks == (("train/a/1.png", "test/a/0.png"),)
    assert rows_of(judged)["Exam"].verdict.startswith("LEAKAGE")
    assert audit(load_dataset("chest", 64, progress=False)).leakage


def test_an_exam_that_cannot_be_read_is_a_problem(home):
    folder = write_set(home / "Chest")
    assert rows_of(audit(folder))["Exam"].finding.startswith("6 images (a 3, b 3), none of them in training")
    (folder / "test" / "a" / "0.png").write_bytes(b"<html>")
    assert rows_of(audit(folder))["Exam"].verdict.startswith("problem")


def test_colour_is_spoken_of(home):
    assert "Colour" not in rows_of(audit(write_set(home / "Grey")))
    stained = audit(write_set(home / "Red", change=lambda _, p: np.stack([p, 0 * p, 0 * p], axis=2)))
    assert "21 % red, 72 % green and 7 % blue" in rows_of(stained)["Colour"].finding
    assert "one or two colours only" in rows_of(stained)["Colour"].verdict
    # Loaded as grey, colour is looked for in the files.
    assert (
        rows_of(audit(load_dataset("red", 32, progress=False)))["Colour"].verdict == rows_of(stained)["Colour"].verdict
    )
    folder = write_set(home / "Mixed", change=lambda _, p: np.stack([p, p, p // 2], axis=2))
    assert rows_of(audit(folder))["Colour"].verdict.startswith("fine")
    Image.new("L", (40, 40), 9).save(folder / "train" / "a" / "0.png")
    assert "others are grey" in rows_of(audit(folder))["Colour"].verdict


# ---------------------------------------------------------------- what must stay


def test_keys_of_stored_runs_stay():
    settings = {"learning_rate": 1e-5, "epochs": 1}
    assert RunConfig(dataset="skin", model="vgg16", **settings).key == "956fe116"
    assert RunConfig(dataset="bone", model="vgg16", **settings).key == "776a3f16"
    assert RunConfig(dataset="x_ray", model="lenet", **settings).key == "3520adb7"


@pytest.mark.parametrize(("name", "known"), [("skin", "f8d3f350c101"), ("bone", "3df39b4ef784"), ("x_ray", "5260a9")])
def test_fingerprints_of_the_labs_data_sets_stay(home, monkeypatch, name, known):
    """They stand for phantoms by what drew them, so nothing has to be drawn to know them."""
    folder = home / "phantoms" / {"skin": "Skin", "bone": "Bone", "x_ray": "X_ray"}[name]
    for address in phantoms.list_files(name, phantom_files.COUNTS[name]):
        (folder / address.file).parent.mkdir(parents=True, exist_ok=True)
        (folder / address.file).touch()
    recipe = {"version": phantom_files.VERSIONS[name], "seed": phantoms.SEED, "counts": phantom_files.COUNTS[name]}
    (folder / "phantoms.json").write_text(json.dumps(recipe))
    monkeypatch.setattr(phantom_files, "is_complete", lambda *_: True)

    def load_entry(_label, _root, files, size, channels, *_):
        return cache.Entry(np.zeros((len(files), size, size, channels), np.float32), "", 0)

    monkeypatch.setattr(cache, "load_entry", load_entry)
    assert load_dataset(name, 128, source="phantom", progress=False).fingerprint.startswith(known)
