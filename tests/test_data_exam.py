"""`load_exam`: which images, and that they are no part of the data set."""

import numpy as np
import pytest
from PIL import Image

from labutils import paths
from labutils.config import ParameterError
from labutils.data import load_dataset
from labutils.data.exam import load_exam
from labutils.phantoms import write as phantoms


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("LABUTILS_DATA", raising=False)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    return tmp_path


def write(folder, *splits):
    rng = np.random.default_rng(0)
    for split in splits:
        for class_name in ("Mel", "Nev"):
            (folder / split / class_name).mkdir(parents=True)
            for number in range(3):
                pixels = rng.integers(0, 256, (40, 36), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / class_name / f"{number}.png")


def load(**settings):
    return load_exam("skin", image_size=32, progress=False, **settings)


def test_own_images_have_an_exam_beside_training_and_validation(home):
    folder = home / "data" / "Skin"
    write(folder, "train", "test")
    assert load() is None
    write(folder, "validation")
    exam = load()
    assert exam.x.shape == (6, 32, 32, 1) and exam.x.dtype == np.float32
    assert exam.y.tolist() == [0, 0, 0, 1, 1, 1]
    assert exam.files[0] == "test/Mel/0.png"
    dataset = load_dataset("skin", image_size=32, progress=False)
    assert dataset.files_val[0] == "validation/Mel/0.png"
    assert dataset.fingerprint != exam.fingerprint
    Image.fromarray(np.zeros((40, 36), np.uint8)).save(folder / "test" / "Mel" / "0.png")
    assert load().fingerprint != exam.fingerprint
    assert load_dataset("skin", image_size=32, progress=False).fingerprint == dataset.fingerprint


def test_the_exam_of_phantoms_is_drawn_when_it_is_needed(home, monkeypatch):
    monkeypatch.setitem(phantoms.COUNTS, "skin", {"train": 4, "validation": 2})
    monkeypatch.setitem(phantoms.EXAM_COUNTS, "skin", 4)
    before = load_dataset("skin", image_size=32, progress=False)
    assert not (home / "data" / "phantoms" / "Skin-exam").exists()
    exam = load()
    assert exam.x.shape == (4, 32, 32, 1)
    assert exam.files[0] == "exam/Mel_0001.jpg"
    assert load_dataset("skin", image_size=32, progress=False).fingerprint == before.fingerprint
    monkeypatch.setattr(phantoms, "write_phantoms", None)
    again = load()
    assert again.fingerprint == exam.fingerprint
    np.testing.assert_array_equal(again.x, exam.x)


def test_parameters_are_checked():
    with pytest.raises(ParameterError, match="image_size is 8"):
        load_exam("skin", image_size=8)
