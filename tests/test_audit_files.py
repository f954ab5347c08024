"""What the audit says about files as people have them: read as the loader reads them, exams and colour spoken of."""

import numpy as np
import pytest
from picture_helpers import write_noise
from PIL import Image

from labutils import paths
from labutils.audit import audit
from labutils.data import load_dataset


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("LABUTILS_DATA", raising=False)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def write_set(folder, **how):
    return write_noise(folder, ("a", "b"), ("train", "validation", "test"), **how)


def rows_of(judged):
    return {row.check: row for row in judged.rows}


def test_pictures_that_show_nothing_are_told_of(home):
    folder = write_noise(home / "Chest", count=4)
    Image.new("L", (40, 40), 0).save(folder / "train" / "Mel" / "0.png")
    Image.new("RGB", (40, 40), (9, 9, 9)).save(folder / "test" / "Nev" / "1.png")
    row = rows_of(audit(folder))["Empty pictures"]
    assert "2 pictures are of one colour: train/Mel/0.png (black), test/Nev/1.png" in row.finding
    assert row.verdict.startswith("look")


def test_values_are_read_as_the_loader_reads_them(home):
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
    stained = rows_of(audit(write_set(home / "Red", change=lambda _, p: np.stack([p, 0 * p, 0 * p], axis=2))))
    assert "21 % red, 72 % green and 7 % blue" in stained["Colour"].finding
    assert "one or two colours only" in stained["Colour"].verdict
    # Loaded as grey, colour is looked for in the files.
    loaded = load_dataset("red", 32, progress=False)
    assert rows_of(audit(loaded))["Colour"].verdict == stained["Colour"].verdict
    folder = write_set(home / "Mixed", change=lambda _, p: np.stack([p, p, p // 2], axis=2))
    assert rows_of(audit(folder))["Colour"].verdict.startswith("fine")
    Image.new("L", (40, 40), 9).save(folder / "train" / "a" / "0.png")
    assert "others are grey" in rows_of(audit(folder))["Colour"].verdict
