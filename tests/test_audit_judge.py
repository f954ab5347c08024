"""Planted faults are found, each by its own check; a clean set passes."""

from pathlib import Path

import numpy as np
import pytest
from picture_helpers import COUNTS, make_pictures, write_set
from PIL import Image, ImageEnhance

from labutils.audit import audit
from labutils.audit.pictures import measure_files
from labutils.data.locate import find_source
from labutils.errors import DataError
from labutils.statistics import Estimate

REAL = Path(__file__).parents[2] / "shared" / "real"


@pytest.fixture
def clean(tmp_path):
    return write_set(tmp_path / "Skin")


def verdicts(found):
    table = found.table()
    return dict(zip(table["check"], table["verdict"], strict=True))


def finding(found, check):
    table = found.table()
    return table.loc[table["check"] == check, "finding"].item()


def replace_image(folder, source, target, change=lambda image: image, **settings):
    with Image.open(folder / source) as image:
        change(image.convert("RGB" if target.endswith("jpg") else image.mode)).save(folder / target, **settings)


def test_clean_set_passes(clean):
    found = audit(clean)
    assert not found.leakage and found.leaks == ()
    said = verdicts(found)
    assert list(found.table().columns) == ["check", "finding", "verdict"]
    wrong = {check: verdict for check, verdict in said.items() if not verdict.startswith("fine")}
    # Files numbered from 0001 in both splits: the one thing that cannot be told from names.
    assert list(wrong) == ["Same id, in training and validation"] and "look" in wrong.popitem()[1]
    assert finding(found, "Images") == ("80 training images (Mel 40, Nev 40); 48 validation images (Mel 24, Nev 24).")


def test_copy_across_splits(clean):
    (clean / "test" / "Nev_0002.png").write_bytes((clean / "train" / "Nev_0007.png").read_bytes())
    found = audit(clean)
    assert found.leakage and found.leaks == (("train/Nev_0007.png", "test/Nev_0002.png"),)
    assert verdicts(found)["Same picture, in training and validation"].startswith("LEAKAGE")
    assert "1 of 48 validation images" in finding(found, "Same picture, in training and validation")


def test_copy_in_another_format_is_the_same_picture(clean):
    replace_image(clean, "train/Nev_0007.png", "test/Nev_0099.bmp", lambda image: image.convert("RGB"))
    assert audit(clean).leaks == (("train/Nev_0007.png", "test/Nev_0099.bmp"),)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: ImageEnhance.Brightness(image).enhance(1.3),
        lambda image: image.resize((50, 50), Image.Resampling.BICUBIC),
        lambda image: image.transpose(Image.Transpose.ROTATE_90),
    ],
    ids=["brighter", "smaller", "turned"],
)
def test_near_copy_across_splits(clean, change):
    replace_image(clean, "train/Mel_0003.png", "test/Mel_0099.jpg", change, quality=60)
    found = audit(clean)
    assert found.leaks == (("train/Mel_0003.png", "test/Mel_0099.jpg"),)
    said = verdicts(found)
    assert said["Nearly the same picture, in training and validation"].startswith("LEAKAGE")
    assert said["Same picture, in training and validation"] == "fine"


def test_copies_within_a_split_are_no_leakage(clean):
    (clean / "train" / "Mel_0099.png").write_bytes((clean / "train" / "Mel_0001.png").read_bytes())
    found = audit(clean)
    assert not found.leakage and verdicts(found)["Same picture, within a split"].startswith("look")


def test_one_picture_with_two_labels(clean):
    (clean / "train" / "Mel_0099.png").write_bytes((clean / "train" / "Nev_0001.png").read_bytes())
    assert verdicts(audit(clean))["Same picture, within a split"].startswith("problem")


def test_same_patient_in_both_splits(clean):
    (clean / "train" / "Mel_0001.png").rename(clean / "train" / "Mel_patient7_a.png")
    (clean / "test" / "Mel_0001.png").rename(clean / "test" / "Mel_patient7_b.png")
    found = audit(clean)
    assert found.leaks == (("train/Mel_patient7_a.png", "test/Mel_patient7_b.png"),)
    assert "patient 7" in finding(found, "Same id, in training and validation")


def test_unreadable_files_are_counted_not_skipped(clean):
    (clean / "train" / "Mel_0002.png").write_bytes(b"")
    content = (clean / "test" / "Nev_0003.png").read_bytes()
    (clean / "test" / "Nev_0003.png").write_bytes(content[: len(content) // 2])
    found = audit(clean)
    said = finding(found, "Unreadable files")
    assert said.startswith("2 of 128 files") and "Mel_0002.png" in said and "Nev_0003.png" in said
    assert verdicts(found)["Unreadable files"].startswith("problem") and not found.leakage


def test_imbalance(clean):
    for number in range(1, 21):
        (clean / "train" / f"Mel_{number:04}.png").unlink()
    found = audit(clean)
    assert "2 times" in finding(found, "Balance") and verdicts(found)["Balance"].startswith("look")


def test_brightness_shortcut(tmp_path):
    said = verdicts(audit(write_set(tmp_path / "Skin", lambda picture, label: picture + np.uint8(20 * label))))
    assert said["Brightness and its square"].startswith("SHORTCUT")
    assert said["16x16 pixels and a linear model"].startswith("SHORTCUT")
    assert said["File size and pixel format alone"].startswith("fine")


def test_size_shortcut(tmp_path):
    found = audit(write_set(tmp_path / "Skin", lambda picture, label: picture[: 72 - 8 * label]))
    said = verdicts(found)
    assert said["File size and pixel format alone"].startswith("SHORTCUT")
    assert finding(found, "File sizes") == "Mel: 72x72; Nev: 72x64." and said["File sizes"].startswith("look")
    assert said["Brightness and its square"].startswith("fine")


def test_colour_shortcut(tmp_path):
    def tint(picture, label):
        # Red for one class, blue for the other, at the same brightness.
        cast = np.array([20, 0, 0] if label else [0, 0, 60])
        return np.clip(picture[..., None] + cast - int(cast @ (0.2125, 0.7154, 0.0721)), 0, 255).astype(np.uint8)

    said = verdicts(audit(write_set(tmp_path / "Skin", tint)))
    assert said["Mean colour alone"].startswith("SHORTCUT") and said["Brightness and its square"].startswith("fine")


def test_format_shortcut(tmp_path):
    found = audit(
        write_set(tmp_path / "Skin", lambda picture, label: np.stack([picture] * 3, -1) if label else picture)
    )
    assert finding(found, "Pixel formats") == "Mel: L; Nev: RGB."
    assert verdicts(found)["File size and pixel format alone"].startswith("SHORTCUT")


def test_loaded_data_set(clean, tmp_path):
    from labutils.data.dataset import Dataset
    from labutils.data.images import load_images
    from labutils.data.layouts import find_files

    (clean / "test" / "Nev_0002.png").write_bytes((clean / "train" / "Nev_0007.png").read_bytes())
    train, validation = find_files("skin", clean)
    dataset = Dataset(
        "skin",
        load_images(train.files, 64, progress=False)[0],
        train.labels,
        load_images(validation.files, 64, progress=False)[0],
        validation.labels,
        ("Mel", "Nev"),
        tuple(file.relative_to(clean).as_posix() for file in train.files),
        tuple(file.relative_to(clean).as_posix() for file in validation.files),
        "course",
        "0" * 12,
        clean,
    )
    found = audit(dataset)
    assert found.leaks == (("train/Nev_0007.png", "test/Nev_0002.png"),)
    assert finding(found, "File sizes") == "Every class: 72x72."
    assert "course data" in found.title
    # Where the files have gone, the pixels are judged all the same.
    moved = audit(Dataset(**{**vars(dataset), "root": tmp_path / "gone"}))
    assert moved.leaks == found.leaks and verdicts(moved)["File sizes"] == "not judged"
    assert "File size and pixel format alone" not in verdicts(moved)


def test_class_folders_with_classes_of_their_own(tmp_path):
    pictures = iter(make_pictures(60, seed=1))
    for split, count in (("train", 12), ("val", 8)):
        for name in ("Hand", "Knee", "Foot"):
            (tmp_path / "some" / split / name).mkdir(parents=True)
            for number in range(count):
                Image.fromarray(next(pictures)).save(tmp_path / "some" / split / name / f"{number}.png")
    assert "(Foot 8, Hand 8, Knee 8)" in finding(audit(tmp_path / "some"), "Images")
    (tmp_path / "some" / "classes.json").write_text('{"class_names": ["Hand", "Knee", "Foot"]}')
    found = audit(tmp_path / "some")
    assert "24 validation images (Hand 8, Knee 8, Foot 8)" in finding(found, "Images") and not found.leakage


@pytest.mark.parametrize(
    ("interval", "word"),
    {(0.49, 0.98): "cannot tell", (0.34, 0.66): "fine", (0.55, 0.7): "look", (0.6, 0.9): "look"}.items(),
)
def test_few_images_cannot_rule_out_a_shortcut(monkeypatch, clean, interval, word):
    monkeypatch.setattr("labutils.audit.judge.score_features", lambda *_: Estimate(0.73, *interval))
    assert verdicts(audit(clean))["Brightness and its square"].startswith(word)


def test_folder_of_another_name_is_recognised_by_its_files(clean):
    assert not audit(clean.rename(clean.parent / "my lesions")).leakage


def test_data_set_by_name(clean, monkeypatch):
    monkeypatch.setenv("LABUTILS_DATA", str(clean.parent))
    assert audit("skin").title == audit("Skin").title == "Skin: course data"
    monkeypatch.setenv("LABUTILS_DATA", str(clean / "gone"))
    with pytest.raises(DataError, match="LABUTILS_DATA"):
        audit("skin")


def test_no_such_folder(tmp_path):
    with pytest.raises(DataError, match="neither a data set"):
        audit(tmp_path / "gone")


def test_shown_in_full(clean):
    found = audit(clean)
    assert finding(found, "Images") in found._repr_html_() and finding(found, "Images") in str(found)
    assert str(clean.parent) not in found._repr_html_() + str(found)


def test_real_lesions_are_one_image_each():
    if not REAL.is_dir():
        pytest.skip("the real images are not on this machine")
    found = audit(REAL / "Skin")
    assert not found.leakage
    assert not [check for check, verdict in verdicts(found).items() if verdict.startswith(("SHORTCUT", "problem"))]


def measured(folder):
    found = find_source(folder)
    return measure_files(found.root, (found.train, found.validation), found.class_names)


def test_every_picture_is_measured_and_a_broken_one_is_kept_with_its_problem(tmp_path):
    folder = write_set(tmp_path / "Skin")
    (folder / "train" / "Mel_0003.png").write_bytes(b"nothing")
    found = measured(folder)
    assert len(found.files) == 2 * sum(COUNTS.values()) == len(found.readable)
    assert [file for file, good in zip(found.files, found.readable, strict=True) if not good] == ["train/Mel_0003.png"]
    assert set(found.modes) == {"L", ""} and found.sizes.max() == 72
    assert found.in_validation.sum() == 2 * COUNTS["test"]
    assert found.thumbnails[~found.readable].sum() == 0


def test_the_same_picture_in_another_format_has_the_same_checksum(tmp_path):
    folder = write_set(tmp_path / "Skin")
    with Image.open(folder / "train" / "Mel_0001.png") as picture:
        picture.convert("RGB").save(folder / "train" / "Mel_0002.bmp")
    (folder / "train" / "Mel_0002.png").unlink()
    found = measured(folder)
    one, two = (found.files.index(f"train/{name}") for name in ("Mel_0001.png", "Mel_0002.bmp"))
    assert found.checksums[one] == found.checksums[two]
    assert found.checksums[one] not in np.delete(found.checksums, [one, two])
