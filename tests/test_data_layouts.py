"""Both layouts are found, and no file gets through that is not an image of exactly one class."""

import json
import os
import sys
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import pytest

from labutils.data import listing
from labutils.data.description import describe
from labutils.data.layouts import find_exam, find_files, read_class_names
from labutils.errors import DataError

FLAT = ["train/Mel_0001.jpg", "train/Nev_0001.jpg", "test/Mel_0001.jpg", "test/Nev_0001.jpg"]


def plant(root: Path, *files: str) -> Path:
    """Empty files: nothing here opens an image."""
    for file in files:
        path = root / "Skin" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root / "Skin"


def names(split) -> list[str]:
    return [file.name for file in split.files]


def refusal(folder: Path, name: str = "skin") -> str:
    with pytest.raises(DataError) as error:
        find_files(name, folder)
    assert "\n" not in str(error.value)
    assert str(folder.parent) not in str(error.value), "no folder of one machine in a message"
    return str(error.value)


def test_flat_layout_is_ordered_by_class_and_name(tmp_path):
    folder = plant(tmp_path, *FLAT, "train/Nev_0000.png", "train/Mel_0000.JPG", "train/x-nev-3.jpeg")
    train, validation = find_files("skin", folder)
    assert names(train) == ["Mel_0000.JPG", "Mel_0001.jpg", "Nev_0000.png", "Nev_0001.jpg", "x-nev-3.jpeg"]
    assert train.labels.tolist() == [0, 0, 1, 1, 1] and train.labels.dtype == "int64"
    assert names(validation) == ["Mel_0001.jpg", "Nev_0001.jpg"]


@pytest.mark.parametrize("second", ["test", "validation", "val", "Test", "VALIDATION"])
def test_layout_by_folder(tmp_path, second):
    folder = plant(
        tmp_path, "Train/mel/b.jpg", "Train/mel/a.jpg", "Train/Nev/a.jpg", f"{second}/Mel/c.tif", f"{second}/Nev/d.bmp"
    )
    train, validation = find_files("skin", folder)
    assert [file.relative_to(folder).as_posix() for file in train.files] == [
        "Train/mel/a.jpg",
        "Train/mel/b.jpg",
        "Train/Nev/a.jpg",
    ]
    assert train.labels.tolist() == [0, 0, 1] and validation.labels.tolist() == [0, 1]


def test_c1_is_not_c10(tmp_path):
    folder = plant(
        tmp_path, *(f"{split}/C{n}_{i}.jpg" for split in ("train", "test") for n in range(1, 10) for i in (1, 2))
    )
    assert find_files("x_ray", folder)[0].labels.tolist() == [n for n in range(9) for _ in (1, 2)]
    plant(tmp_path, "train/C10_1.jpg")
    assert "C10_1.jpg matches no class of X_ray" in refusal(folder, "x_ray")


@pytest.mark.parametrize("good", ["Mel0007", "Mel (7)", "007_mel", "a.Mel.b", "Mel ä 影"])
def test_ways_to_write_a_class(tmp_path, good):
    folder = plant(tmp_path, *FLAT, f"train/{good}.jpg")
    train, _ = find_files("skin", folder)
    assert train.labels.tolist() == [0, 0, 1] and f"{good}.jpg" in names(train)


@pytest.mark.parametrize("bad", ["IMG_12", "Melanoma_1", "Camel_1", "Caramel1", "nevus"])
def test_file_that_matches_no_class(tmp_path, bad):
    message = refusal(plant(tmp_path, *FLAT, f"train/{bad}.jpg"))
    assert message.endswith(
        f"Skin/train/{bad}.jpg matches no class of Skin: its name should contain Mel or Nev. Rename or remove it."
    )


def test_file_that_matches_two_classes(tmp_path):
    message = refusal(plant(tmp_path, *FLAT, "train/Nev_or_Mel_1.jpg"))
    assert "Nev_or_Mel_1.jpg matches two classes of Skin, Mel and Nev" in message


def test_file_in_the_folder_of_another_class(tmp_path):
    folder = plant(tmp_path, "train/Mel/Nev_1.jpg", "train/Nev/2.jpg", "test/Mel/1.jpg", "test/Nev/2.jpg")
    message = refusal(folder)
    assert "Mel/Nev_1.jpg lies in the folder of Mel, but its name says Nev" in message


def test_what_systems_leave_behind_is_left_out(tmp_path):
    leftovers = [
        ".DS_Store",
        "Thumbs.db",
        "desktop.ini",
        "._Mel_0001.jpg",
        ".ipynb_checkpoints/x.jpg",
        "__MACOSX/x.jpg",
    ]
    folder = plant(tmp_path, *FLAT, *(f"train/{file}" for file in leftovers), ".DS_Store", "README.txt")
    assert names(find_files("skin", folder)[0]) == ["Mel_0001.jpg", "Nev_0001.jpg"]


@pytest.mark.parametrize("file", ["notes.txt", "Mel_0002.dcm", "Mel_0003", "Mel_0004.jpg.part"])
def test_other_files_are_not_skipped(tmp_path, file):
    assert f"{file} is not an image that can be read here" in refusal(plant(tmp_path, *FLAT, f"train/{file}"))


def test_folder_absent(tmp_path):
    assert "Skin does not exist" in refusal(tmp_path / "Skin")


def test_folder_is_a_file(tmp_path):
    (tmp_path / "Skin").touch()
    assert "Skin is not a folder" in refusal(tmp_path / "Skin")


def test_folder_without_splits(tmp_path):
    (tmp_path / "Skin").mkdir()
    assert "holds no folder train" in refusal(tmp_path / "Skin")
    (tmp_path / "Skin" / "train").mkdir()
    assert "holds no folder test or validation or val" in refusal(tmp_path / "Skin")


def test_empty_split(tmp_path):
    folder = plant(tmp_path, "train/.DS_Store", "test/Mel_1.jpg")
    assert "train holds no images" in refusal(folder)


def test_two_validation_folders(tmp_path):
    folder = plant(tmp_path, *FLAT, "validation/Mel_1.jpg", "val/Mel_1.jpg")
    assert "holds val and validation: only one of them" in refusal(folder)


def test_test_beside_validation_is_the_exam(tmp_path):
    folder = plant(tmp_path, *FLAT)
    assert find_exam("skin", folder) is None
    plant(tmp_path, "validation/Mel_7.jpg", "validation/Nev_7.jpg")
    assert names(find_files("skin", folder)[1]) == ["Mel_7.jpg", "Nev_7.jpg"]
    exam = find_exam("skin", folder)
    assert exam is not None and names(exam) == ["Mel_0001.jpg", "Nev_0001.jpg"] and exam.labels.tolist() == [0, 1]


def test_folders_may_have_isic_s_names(tmp_path):
    folder = plant(
        tmp_path, *(f"{split}/{name}/ISIC_1.jpg" for split in ("train", "val") for name in ("melanoma", "Nevus"))
    )
    train, _ = find_files("skin", folder)
    assert [file.parent.name for file in train.files] == ["melanoma", "Nevus"] and train.labels.tolist() == [0, 1]
    plant(tmp_path, "train/Nevus/Melanoma_3.jpg")
    assert "lies in the folder of Nev, but its name says Mel" in refusal(folder)


def test_a_folder_of_another_name_has_the_classes_it_shows(tmp_path):
    by_folder = plant(
        tmp_path / "a", *(f"{split}/{c}/2.jpg" for split in ("train", "test") for c in ("2", "10", "nodule"))
    )
    assert read_class_names("chest", by_folder) == ("10", "2", "nodule")
    assert find_files("chest", by_folder)[0].labels.tolist() == [0, 1, 2]
    flat = plant(
        tmp_path / "b", *(f"{s}/{c}{i}.jpg" for s in ("train", "test") for c in ("Normal", "tb_") for i in (1, 2))
    )
    assert read_class_names("chest", flat) == ("Normal", "tb")
    assert find_files("chest", flat)[1].labels.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("files", [["1.jpg", "2.jpg"], ["a.jpg", "b.jpg", "c.jpg"], ["only/1.jpg"]])
def test_a_folder_that_does_not_tell_its_classes(tmp_path, files):
    folder = plant(tmp_path, *(f"{split}/{file}" for split in ("train", "test") for file in files))
    assert "does not tell which classes there are" in refusal(folder, "chest")


def test_the_longest_class_in_a_name_counts(tmp_path):
    folder = plant(tmp_path, *(f"{s}/{c}_1.jpg" for s in ("train", "test") for c in ("Normal", "Normal tissue")))
    (folder / "dataset.yaml").write_text("classes: [Normal, Normal tissue]")
    assert find_files("chest", folder)[0].labels.tolist() == [0, 1]


def test_dataset_yaml_gives_names_to_show(tmp_path):
    folder = plant(tmp_path, *FLAT)
    (folder / "classes.json").write_text('{"class_names": ["x", "y"]}')
    (folder / "dataset.yaml").write_text("title: Lesions\nclasses: {Nev: harmless, Mel: malign}\nwindow: [0, 4095]\n")
    assert read_class_names("skin", folder) == ("harmless", "malign")
    assert names(find_files("skin", folder)[0]) == ["Nev_0001.jpg", "Mel_0001.jpg"]
    assert describe(folder).window == (0, 4095) and describe(folder).title == "Lesions"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("classes: [A, a]", "classes must be two or more different names"),
        ("classes: {A: x, B: X}", "classes must be two or more different names"),
        ("window: [3, 1]", "window must be the values that are black and white"),
        ("window: [.nan, 1]", "window must be the values that are black and white"),
        ("title: [1]", "title must be a line of text"),
        ("clases: [A, B]", "has an entry 'clases': there are title, classes"),
        ("- a", "is no list of entries"),
        ("a: b: c", "is not YAML (line 1)"),
        ("a: !!python/object/apply:os.system ['true']", "is not YAML"),
    ],
)
def test_damaged_dataset_yaml(tmp_path, text, says):
    folder = plant(tmp_path, *FLAT)
    (folder / "dataset.yaml").write_text(text)
    assert "dataset.yaml" in refusal(folder) and says in refusal(folder)


# ---------------------------------------------------------------- what clouds, network disks and old archives leave


@pytest.mark.parametrize(
    "file", ["@eaDir/x", "@eaDir/Mel_1.jpg/SYNOFILE_THUMB_M.jpg", "#recycle/Mel_2.jpg", ".@__thumb/x"]
)
def test_side_files_of_network_storage_are_left_out(tmp_path, file):
    folder = plant(tmp_path, *FLAT, f"train/{file}")
    assert names(find_files("skin", folder)[0]) == ["Mel_0001.jpg", "Nev_0001.jpg"]


@pytest.mark.parametrize("file", [".Nev_0002.jpg.icloud", "Nev_0002.jpg.nextcloud", "Nev_0002.jpg.owncloud"])
def test_files_that_a_cloud_has_not_fetched_are_named(tmp_path, file):
    message = refusal(plant(tmp_path, *FLAT, f"train/{file}"))
    assert file in message and "a cloud has not fetched yet" in message


@pytest.mark.parametrize("marked", [{"st_file_attributes": 0x400020}, {"st_flags": 0x40000000}])
def test_marks_of_files_whose_content_is_elsewhere(tmp_path, marked):
    assert listing.is_elsewhere(SimpleNamespace(**marked))
    (tmp_path / "x").touch()
    assert not listing.is_elsewhere((tmp_path / "x").stat())


@pytest.mark.skipif(sys.platform != "linux", reason="only here may a name be any bytes")
def test_a_name_that_is_not_utf8_is_refused_before_anything_is_read(tmp_path):
    folder = plant(tmp_path, *FLAT)
    with open(os.fsencode(folder / "test") + b"/Mel_L\xe4sion_1.jpg", "wb"):
        pass
    message = refusal(folder)
    assert r"test/Mel_L\xe4sion_1.jpg has a name that is not written in UTF-8" in message
    message.encode()


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_a_name_with_control_characters_is_refused(tmp_path):
    assert r"'Mel_\x1b[31m.jpg'" in refusal(plant(tmp_path, *FLAT, "train/Mel_\x1b[31m.jpg"))


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_class_is_missing(tmp_path, split):
    folder = plant(tmp_path, *FLAT)
    (folder / split / "Nev_0001.jpg").unlink()
    assert f"{split} holds no image of Nev" in refusal(folder)


def test_empty_class_folder(tmp_path):
    folder = plant(tmp_path, "train/Mel/1.jpg", "train/Nev/.gitkeep", "test/Mel/1.jpg", "test/Nev/1.jpg")
    assert "train holds no image of Nev" in refusal(folder)


def test_sub_folder_in_a_flat_layout(tmp_path):
    assert "train/old is a folder that is no class of Skin" in refusal(plant(tmp_path, *FLAT, "train/old/Mel_2.jpg"))


def test_folder_inside_a_class(tmp_path):
    folder = plant(tmp_path, "train/Mel/old/1.jpg", "train/Nev/1.jpg", "test/Mel/1.jpg", "test/Nev/1.jpg")
    assert "Mel/old is a folder inside a class" in refusal(folder)


def test_both_layouts_mixed(tmp_path):
    message = refusal(plant(tmp_path, *FLAT, "train/Mel/0002.jpg"))
    assert "holds folders for classes (Mel) and files beside them (Mel_0001.jpg)" in message


@pytest.mark.parametrize("target", ["nowhere.jpg", "Mel_0002.jpg"])
def test_link_that_is_broken_or_leads_to_itself(tmp_path, target):
    folder = plant(tmp_path, *FLAT)
    link(folder / "train" / "Mel_0002.jpg", target)
    assert "Mel_0002.jpg is a link that leads nowhere" in refusal(folder)


def test_link_to_the_folder_above(tmp_path):
    folder = plant(tmp_path, *FLAT)
    link(folder / "train" / "Mel", "..")
    assert "holds folders for classes (Mel) and files beside them" in refusal(folder)


def test_link_to_an_image_is_an_image(tmp_path):
    folder = plant(tmp_path, *FLAT)
    link(folder / "train" / "Mel_0002.jpg", "Mel_0001.jpg")
    assert names(find_files("skin", folder)[0]) == ["Mel_0001.jpg", "Mel_0002.jpg", "Nev_0001.jpg"]


def link(path: Path, target: str) -> None:
    try:
        path.symlink_to(target)
    except (OSError, NotImplementedError):
        pytest.skip("this system does not let us make links")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_named_pipe_does_not_hang(tmp_path):
    folder = plant(tmp_path, *FLAT)
    os.mkfifo(folder / "train" / "Mel_0002.jpg")
    assert "Mel_0002.jpg is not an ordinary file" in refusal(folder)


def test_folder_that_may_not_be_read(tmp_path, monkeypatch):
    folder, real = plant(tmp_path, *FLAT), os.scandir

    def denied(path):
        if Path(path).name == "train":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", denied)
    assert "Skin/train may not be read by you" in refusal(folder)


def test_accents_sort_alike_however_they_are_stored(tmp_path):
    apart, together = unicodedata.normalize("NFD", "Mel_é.jpg"), unicodedata.normalize("NFC", "Mel_é.jpg")
    for number, name in enumerate((apart, together)):
        root = tmp_path / str(number)
        train, _ = find_files("skin", plant(root, *FLAT, f"train/{name}", "train/Mel_f.jpg"))
        found = [unicodedata.normalize("NFC", file) for file in names(train)]
        assert found == ["Mel_0001.jpg", "Mel_f.jpg", together, "Nev_0001.jpg"]


def test_public_data_bring_their_own_classes(tmp_path):
    folder = plant(tmp_path, "train/Hand_1.jpg", "train/Head CT_1.jpg", "test/Hand_1.jpg", "test/Head CT_1.jpg")
    (folder / "classes.json").write_text(json.dumps({"class_names": ["Head CT", "Hand"]}))
    assert read_class_names("x_ray", folder) == ("Head CT", "Hand")
    train, _ = find_files("x_ray", folder)
    assert names(train) == ["Head CT_1.jpg", "Hand_1.jpg"]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"class_names": 3}', '{"class_names": ["A", "a"]}', '{"class_names": ["A", 1]}']
)
def test_damaged_list_of_classes(tmp_path, text):
    folder = plant(tmp_path, *FLAT)
    (folder / "classes.json").write_text(text)
    assert "classes.json does not list classes" in refusal(folder)


@pytest.mark.parametrize("name", ["classes.json", "dataset.yaml"])
@pytest.mark.parametrize("kind", ["a pipe", "nested", "large", "leads to itself"])
def test_a_description_that_nobody_should_wait_for_is_refused(tmp_path, name, kind):
    folder = plant(tmp_path, *FLAT)
    file = folder / name
    if kind == "a pipe":
        os.mkfifo(file)
    elif kind == "leads to itself":
        file.symlink_to(file)
    else:
        file.write_text("[" * 5000 if kind == "nested" else " " * 1_000_001)
    assert name in refusal(folder)
