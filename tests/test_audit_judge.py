"""Planted faults are found, each by its own check; a clean set passes; files are read as the loader reads them."""

from pathlib import Path

import numpy as np
import pytest
from picture_helpers import write_noise, write_set
from PIL import Image, ImageEnhance

from labutils import paths
from labutils.audit import audit
from labutils.data import load_dataset
from labutils.errors import DataError
from labutils.statistics import Estimate

REAL = Path(__file__).parents[2] / "shared" / "real"
SAME_ID = "Same id, in training and validation"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder of data sets."""
    monkeypatch.delenv("LABUTILS_DATA", raising=False)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def clean(home):
    return write_set(home / "Skin")


def with_exam(folder, **how):
    return write_noise(folder, ("a", "b"), ("train", "validation", "test"), **how)


def verdicts(found):
    return {row.check: row.verdict for row in found.rows}


def finding(found, check):
    return {row.check: row.finding for row in found.rows}[check]


def copy(source, target):
    target.write_bytes(source.read_bytes())


def test_clean_set_passes_and_is_shown_in_full(clean):
    found = audit(clean)
    assert not found.leakage and found.leaks == ()
    assert list(found.table().columns) == ["check", "finding", "verdict"]
    wrong = {check: verdict for check, verdict in verdicts(found).items() if not verdict.startswith("fine")}
    # Files numbered from 0001 in both splits: the one thing that cannot be told from names.
    assert list(wrong) == [SAME_ID] and "look" in wrong.popitem()[1]
    images = finding(found, "Images")
    assert images == "80 training images (Mel 40, Nev 40); 48 validation images (Mel 24, Nev 24)."
    assert images in found._repr_html_() and images in str(found)
    assert str(clean.parent) not in found._repr_html_() + str(found)


@pytest.mark.parametrize(
    ("source", "target", "check", "verdict", "leaks"),
    [
        ("train/Nev_0007", "test/Nev_0002", "Same picture, in training and validation", "LEAKAGE", True),
        ("train/Mel_0001", "train/Mel_0099", "Same picture, within a split", "look", False),
        ("train/Nev_0001", "train/Mel_0099", "Same picture, within a split", "problem", False),
    ],
    ids=["across splits", "within a split", "two labels"],
)
def test_copies(clean, source, target, check, verdict, leaks):
    copy(clean / f"{source}.png", clean / f"{target}.png")
    found = audit(clean)
    assert verdicts(found)[check].startswith(verdict) and found.leakage == leaks
    assert found.leaks == (((f"{source}.png", f"{target}.png"),) if leaks else ())
    assert not leaks or "1 of 48 validation images" in finding(found, check)


@pytest.mark.parametrize(
    ("target", "change", "exactly"),
    [
        ("test/Mel_0099.bmp", lambda image: image, True),
        ("test/Mel_0099.jpg", lambda image: ImageEnhance.Brightness(image).enhance(1.3), False),
    ],
    ids=["another format", "brighter"],
)
def test_copies_in_another_dress(clean, target, change, exactly):
    with Image.open(clean / "train" / "Mel_0003.png") as image:
        change(image.convert("RGB")).save(clean / target, quality=60)
    found = audit(clean)
    said = verdicts(found)
    assert found.leaks == (("train/Mel_0003.png", target),)
    assert said["Same picture, in training and validation"].startswith("LEAKAGE") == exactly
    assert said["Nearly the same picture, in training and validation"].startswith("LEAKAGE") != exactly


NAMES = {
    "person{p}_bacteria_{n}": True,
    "{p:08}_{n:03}": True,
    "HAM_{p:07}_{n}": True,
    "IMG-{p:04}-{n:05}": False,
    "ISIC_{i:07}": False,
    "{i:02}": False,
}
"""File names of patients p with pictures n, or of pictures i; and whether they tell who it is, or which lesion."""


def name_anew(folder, scheme, patients):
    """Give every file of a data set a name, two for each of a split's patients."""
    for split, numbers in patients.items():
        for i, file in enumerate(sorted((folder / split).rglob("*.png"))):
            name = scheme.format(p=numbers[i // 2], n=i % 2 + 1, i=100 * len(split) + i)
            file.rename(file.with_name(f"new-{name}.png"))
    for file in folder.rglob("new-*.png"):
        file.rename(file.with_name(file.name.removeprefix("new-")))


@pytest.mark.parametrize(("scheme", "known"), NAMES.items())
def test_patients_on_both_sides_are_a_leak_or_nobody_knows(home, scheme, known):
    splits = ("train", "validation", "test")
    folder = write_noise(home / "Chest", ("a", "b"), splits, count=2)
    name_anew(folder, scheme, {"train": (1, 2), "validation": (2, 3), "test": (3, 1)})
    found = audit(folder)
    assert found.leakage == known
    for check in (SAME_ID, "Exam"):
        assert verdicts(found)[check].startswith("LEAKAGE" if known else "look: nobody knows"), finding(found, check)
    name_anew(folder, scheme, {"train": (1, 2), "validation": (3, 4), "test": (5, 6)})
    found = audit(folder)
    for check in (SAME_ID, "Exam"):
        fine = known and not scheme.startswith("HAM")  # a patient may have several lesions
        assert verdicts(found)[check].startswith("fine" if fine else "look: nobody knows"), finding(found, check)


def test_unreadable_files_are_counted_not_skipped(clean):
    (clean / "train" / "Mel_0002.png").write_bytes(b"")
    half = clean / "test" / "Nev_0003.png"
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    found = audit(clean)
    said = finding(found, "Unreadable files")
    assert said.startswith("2 of 128 files") and "Mel_0002.png" in said and "Nev_0003.png" in said
    assert verdicts(found)["Unreadable files"].startswith("problem") and not found.leakage
    assert verdicts(found)["Empty pictures"] == "fine", "what cannot be read is not empty"


@pytest.mark.parametrize(
    ("splits", "word", "said"),
    [
        ({"train": 1, "test": 1}, "with fewer", "Nev has 1 in training, Mel has 1 in validation and 1 more."),
        ({"train": 12, "test": 9}, "with fewer", "Few images: Mel has 9 in validation, Nev has 9 in validation."),
        ({"train": 10, "test": 10}, "", "same number of images, in training and in validation."),
        ({"train": 20, "test": 10, "less": 10}, "always", "2 times the images of the smallest in training, 1 times in"),
    ],
)
def test_few_images_of_a_class_or_many_more_of_another_are_no_balance(home, splits, word, said):
    folder = write_noise(home / "Chest", count=splits)
    for file in sorted((folder / "train" / "Mel").iterdir())[: splits.get("less", 0)]:
        file.unlink()
    found = audit(folder)
    assert verdicts(found)["Balance"].startswith(f"look: {word}" if word else "fine")
    assert said in finding(found, "Balance")


def tinted(picture, label):
    """Red for one class, blue for the other, at the same brightness."""
    cast = np.array([20, 0, 0] if label else [0, 0, 60])
    return np.clip(picture[..., None] + cast - int(cast @ (0.2125, 0.7154, 0.0721)), 0, 255).astype(np.uint8)


def two_formats(picture, label):
    return np.stack([picture] * 3, -1) if label else picture


BRIGHTNESS, SIZE = "Brightness and its square", "File size and pixel format alone"
PIXELS = "16x16 pixels and a linear model"


@pytest.mark.parametrize(
    ("change", "shortcuts", "fine", "said"),
    [
        (lambda p, label: p + np.uint8(20 * label), (BRIGHTNESS, PIXELS), SIZE, ("File sizes", "Every class: 72x72.")),
        (lambda p, label: p[: 72 - 8 * label], (SIZE,), BRIGHTNESS, ("File sizes", "Mel: 72x72; Nev: 72x64.")),
        (tinted, ("Mean colour alone",), BRIGHTNESS, ("Pixel formats", "Every class: RGB.")),
        (two_formats, (SIZE,), BRIGHTNESS, ("Pixel formats", "Mel: L; Nev: RGB.")),
    ],
    ids=["brightness", "size", "colour", "format"],
)
def test_shortcuts(tmp_path, change, shortcuts, fine, said):
    found = audit(write_set(tmp_path / "Skin", change))
    assert all(verdicts(found)[check].startswith("SHORTCUT") for check in shortcuts)
    assert verdicts(found)[fine].startswith("fine") and finding(found, said[0]) == said[1]
    assert verdicts(found)[said[0]].startswith("fine" if said[1].startswith("Every") else "look")


@pytest.mark.parametrize(
    ("interval", "word"),
    {(0.49, 0.98): "cannot tell", (0.34, 0.66): "fine", (0.55, 0.7): "look", (0.6, 0.9): "look"}.items(),
)
def test_few_images_cannot_rule_out_a_shortcut(monkeypatch, clean, interval, word):
    monkeypatch.setattr("labutils.audit.judge.score_features", lambda *_: Estimate(0.73, *interval))
    assert verdicts(audit(clean))[BRIGHTNESS].startswith(word)


def test_loaded_data_set(clean):
    copy(clean / "train" / "Nev_0007.png", clean / "test" / "Nev_0002.png")
    found = audit(dataset := load_dataset("skin", 64, progress=False))
    assert found.leaks == (("train/Nev_0007.png", "test/Nev_0002.png"),)
    assert finding(found, "File sizes") == "Every class: 72x72." and "course data" in found.title
    # Where the files have gone, the pixels are judged all the same.
    clean.rename(clean.with_name("gone"))
    moved = audit(dataset)
    assert moved.leaks == found.leaks and verdicts(moved)["File sizes"] == "not judged"
    assert SIZE not in verdicts(moved)


def test_folders_are_judged_by_name_or_place(clean, monkeypatch):
    assert audit("skin").title == audit("Skin").title == "Skin: course data"
    assert not audit(clean.rename(clean.with_name("my lesions"))).leakage, "recognised by its files"
    some = write_noise(clean.with_name("some"), ("Hand", "Knee", "Foot"), ("train", "val"), count=8)
    assert "(Foot 8, Hand 8, Knee 8)" in finding(audit(some), "Images")
    (some / "classes.json").write_text('{"class_names": ["Hand", "Knee", "Foot"]}')
    assert "24 validation images (Hand 8, Knee 8, Foot 8)" in finding(audit(some), "Images")
    with pytest.raises(DataError, match="neither a data set"):
        audit(clean.with_name("gone"))
    monkeypatch.setenv("LABUTILS_DATA", str(clean / "gone"))
    with pytest.raises(DataError, match="LABUTILS_DATA"):
        audit("skin")


def test_real_lesions_are_one_image_each():
    if not REAL.is_dir():
        pytest.skip("the real images are not on this machine")
    found = audit(REAL / "Skin")
    assert not found.leakage
    assert not [check for check, verdict in verdicts(found).items() if verdict.startswith(("SHORTCUT", "problem"))]


# ---------------------------------------------------------------- exams, values and colours as people have them


def test_pictures_that_show_nothing_are_told_of(home):
    folder = write_noise(home / "Chest", count=4)
    Image.new("L", (40, 40), 0).save(folder / "train" / "Mel" / "0.png")
    Image.new("RGB", (40, 40), (9, 9, 9)).save(folder / "test" / "Nev" / "1.png")
    found = audit(folder)
    assert "2 pictures are of one colour: train/Mel/0.png (black), test/Nev/1.png" in finding(found, "Empty pictures")
    assert verdicts(found)["Empty pictures"].startswith("look")


def test_values_are_read_as_the_loader_reads_them(home):
    folder = with_exam(home / "CT", change=lambda _, pixels: pixels.astype(np.float32) * 10, suffix="tif")
    assert "0 and 1" in finding(audit(folder), "Unreadable files")
    (folder / "dataset.yaml").write_text("window: [0, 2550]")
    assert verdicts(audit(folder))["Unreadable files"] == "fine"
    assert finding(audit("ct"), "Exam").endswith("none of them in training or validation.")


def test_an_exam_is_new_to_the_network_a_leak_or_a_problem(home):
    folder = with_exam(home / "Chest")
    assert finding(audit(folder), "Exam").startswith("6 images (a 3, b 3), none of them in training")
    copy(folder / "train" / "a" / "1.png", folder / "test" / "a" / "0.png")
    found = audit("chest")
    assert found.leaks == (("train/a/1.png", "test/a/0.png"),) and verdicts(found)["Exam"].startswith("LEAKAGE")
    assert audit(load_dataset("chest", 64, progress=False)).leakage
    (folder / "test" / "a" / "0.png").write_bytes(b"<html>")
    assert verdicts(audit(folder))["Exam"].startswith("problem")


def test_colour_is_spoken_of(home):
    assert "Colour" not in verdicts(audit(with_exam(home / "Grey")))
    stained = audit(with_exam(home / "Red", change=lambda _, p: np.stack([p, 0 * p, 0 * p], axis=2)))
    assert "21 % red, 72 % green and 7 % blue" in finding(stained, "Colour")
    assert "one or two colours only" in verdicts(stained)["Colour"]
    # Loaded as grey, colour is looked for in the files.
    loaded = load_dataset("red", 32, progress=False)
    assert verdicts(audit(loaded))["Colour"] == verdicts(stained)["Colour"]
    folder = with_exam(home / "Mixed", change=lambda _, p: np.stack([p, p, p // 2], axis=2))
    assert verdicts(audit(folder))["Colour"].startswith("fine")
    Image.new("L", (40, 40), 9).save(folder / "train" / "a" / "0.png")
    assert "others are grey" in verdicts(audit(folder))["Colour"]


def test_what_needs_a_look_is_in_sight_and_what_is_fine_folded(clean):
    found = audit(clean)
    sight, folded = found._repr_html_().split("<details>")
    fine = [row.check for row in found.rows[1:] if row.verdict.split(":")[0] == "fine"]
    assert fine and len(fine) < len(found.rows) - 1
    assert f"{len(fine)} of {len(found.rows)} checks find nothing" in folded
    assert [row.check in sight for row in found.rows] == [row.check not in fine for row in found.rows]
    assert all(check in folded for check in fine)
