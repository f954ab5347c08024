"""Both layouts are found, and no file gets through that is not an image of exactly one class."""

import os
import sys
import unicodedata
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest

from labutils.data import listing
from labutils.data.description import describe
from labutils.data.layouts import find_files, read_classes
from labutils.errors import DataError

FLAT = ("train/Mel_0001.jpg", "train/Nev_0001.jpg", "test/Mel_0001.jpg", "test/Nev_0001.jpg")
BY_CLASS = ("train/Mel/1.jpg", "train/Nev/1.jpg", "test/Mel/1.jpg", "test/Nev/1.jpg")


def plant(root: Path, *files: str) -> Path:
    """Empty files: nothing here opens an image."""
    for file in files:
        path = root / "Skin" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root / "Skin"


def both(*files: str) -> list[str]:
    return [f"{split}/{file}" for split in ("train", "test") for file in files]


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
    files = ["Train/mel/a.jpg", "Train/mel/b.jpg", "Train/Nev/a.jpg"]
    train, validation = find_files("skin", plant(tmp_path, *files, f"{second}/Mel/c.tif", f"{second}/Nev/d.bmp"))
    assert [file.relative_to(tmp_path / "Skin").as_posix() for file in train.files] == files
    assert train.labels.tolist() == [0, 0, 1] and validation.labels.tolist() == [0, 1]


@pytest.mark.parametrize("good", ["Mel0007", "Mel (7)", "007_mel", "a.Mel.b", "Mel ä 影"])
def test_ways_to_write_a_class(tmp_path, good):
    folder = plant(tmp_path, *FLAT, f"train/{good}.jpg")
    train, _ = find_files("skin", folder)
    assert train.labels.tolist() == [0, 0, 1] and f"{good}.jpg" in names(train)


@pytest.mark.parametrize(
    "leftovers",
    [
        (".DS_Store", "Thumbs.db", "desktop.ini", "._Mel_0001.jpg", ".ipynb_checkpoints/x.jpg", "__MACOSX/x.jpg"),
        ("@eaDir/x", "@eaDir/Mel_1.jpg/SYNOFILE_THUMB_M.jpg", "#recycle/Mel_2.jpg", ".@__thumb/x"),
        (".nfs0001", ".picasa.ini", "../README.txt"),
    ],
    ids=["systems", "network storage", "programs"],
)
def test_what_others_leave_behind_is_left_out(tmp_path, leftovers):
    folder = plant(tmp_path, *FLAT, *(f"train/{file}" for file in leftovers))
    assert names(find_files("skin", folder)[0]) == ["Mel_0001.jpg", "Nev_0001.jpg"]


@pytest.mark.parametrize(
    ("files", "said", "classes", "labels"),
    [
        (both("2/2.jpg", "10/2.jpg", "nodule/2.jpg"), "", ("10", "2", "nodule"), [0, 1, 2]),
        (both("Normal1.jpg", "Normal2.jpg", "tb_1.jpg", "tb_2.jpg"), "", ("Normal", "tb"), [0, 0, 1, 1]),
        (both("C1_1.jpg", "C10_1.jpg", "C2_1.jpg"), "C1, C2, C10", ("C1", "C2", "C10"), [0, 1, 2]),
        (both("Normal_1.jpg", "Normal tissue_1.jpg"), "Normal, Normal tissue", ("Normal", "Normal tissue"), [0, 1]),
        (both("Milia_1.jpg", "MILIA_2.jpg", "Other_1.jpg"), "Milia, Other", ("Milia", "Other"), [0, 0, 1]),
    ],
)
def test_a_folder_of_another_name_has_the_classes_it_shows_or_says(tmp_path, files, said, classes, labels):
    folder = plant(tmp_path, *files)
    if said:
        (folder / "dataset.yaml").write_text(f"classes: [{said}]")
    assert read_classes("chest", folder).shown == classes
    assert [split.labels.tolist() for split in find_files("chest", folder)] == [labels, labels]


def test_folders_may_have_isic_s_names(tmp_path):
    train, _ = find_files("skin", plant(tmp_path, *both("melanoma/ISIC_1.jpg", "Nevus/ISIC_1.jpg")))
    assert [file.parent.name for file in train.files] == ["melanoma", "Nevus"] and train.labels.tolist() == [0, 1]


APART, TOGETHER = (unicodedata.normalize(form, "Bösartig") for form in ("NFD", "NFC"))


@pytest.mark.parametrize("names_of_splits", [*product((APART, TOGETHER), repeat=2)])
@pytest.mark.parametrize("place", ["{}/{}.jpg", "{}_{}.jpg"])
@pytest.mark.parametrize("said", [None, APART, TOGETHER])
def test_a_class_is_the_same_however_its_accents_are_stored(tmp_path, names_of_splits, place, said):
    folder = tmp_path / "Skin"
    for split, name in zip(("train", "test"), names_of_splits, strict=True):
        plant(tmp_path, *(f"{split}/{place.format(word, i)}" for word in (name, "Gutartig") for i in (1, 2)))
    if said:
        (folder / "dataset.yaml").write_text(f"classes: [{said}, Gutartig]", encoding="utf-8")
    assert [split.labels.tolist() for split in find_files("moles", folder)] == [[0, 0, 1, 1]] * 2
    assert read_classes("moles", folder).shown == (said or TOGETHER, "Gutartig")


@pytest.mark.parametrize("form", ["NFD", "NFC"])
def test_accents_sort_alike_however_they_are_stored(tmp_path, form):
    name = unicodedata.normalize(form, "Mel_é.jpg")
    train, _ = find_files("skin", plant(tmp_path, *FLAT, f"train/{name}", "train/Mel_f.jpg"))
    assert names(train) == ["Mel_0001.jpg", "Mel_f.jpg", name, "Nev_0001.jpg"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        *(
            ((*FLAT, f"train/{bad}.jpg"), f"{bad}.jpg matches no class of Skin: its name should contain Mel or Nev.")
            for bad in ("IMG_12", "Melanoma_1", "Camel_1", "Caramel1", "nevus")
        ),
        ((*BY_CLASS, "train/Mel /2.jpg"), "Skin/train/Mel ' is a folder that is no class of Skin ('Mel', 'Nev')."),
        ((*FLAT, "train/Nev_or_Mel_1.jpg"), "Nev_or_Mel_1.jpg matches two classes of Skin, Mel and Nev"),
        ((*BY_CLASS, "train/Mel/Nev_1.jpg"), "Mel/Nev_1.jpg lies in the folder of Mel, but its name says Nev"),
        ((*FLAT, "train/notes.txt"), "notes.txt is not an image that can be read here"),
        ((*FLAT, "train/Mel_0002.dcm"), "Mel_0002.dcm is not an image that can be read here"),
        ((*FLAT, "train/Mel_0003"), "Mel_0003 is not an image that can be read here"),
        ((*FLAT, "train/Mel_0004.jpg.part"), "Mel_0004.jpg.part is not an image that can be read here"),
        ((*FLAT, "train/.Mel_2.jpg"), ".Mel_2.jpg, a hidden file: a copy that was not finished"),
        ((*BY_CLASS, "train/Mel/.0.png.Ab3dEf"), ".0.png.Ab3dEf, a hidden file"),
        ((*BY_CLASS, "train/Mel/.0.jpeg.part"), ".0.jpeg.part, a hidden file"),
        ((*BY_CLASS, "train/Mel/.syncthing.0.tif.tmp"), ".syncthing.0.tif.tmp, a hidden file"),
        ((*FLAT, "train/.Nev_2.jpg.icloud"), ".Nev_2.jpg.icloud, which a cloud has not fetched yet"),
        ((*FLAT, "train/Nev_2.jpg.nextcloud"), "Nev_2.jpg.nextcloud, which a cloud has not fetched yet"),
        ((*FLAT, "train/Nev_2.jpg.owncloud"), "Nev_2.jpg.owncloud, which a cloud has not fetched yet"),
        ((*BY_CLASS, "train/Nev/Melanoma_3.jpg"), "lies in the folder of Nev, but its name says Mel"),
        ((*FLAT, "train/Mel_\x1b[31m.jpg"), r"holds 'Mel_\x1b[31m.jpg', a name with control characters"),
        ((), "Skin does not exist"),
        (("x/y",), "holds no folder train"),
        (("train/Mel_1.jpg",), "holds no folder test or validation or val"),
        (("train/.DS_Store", "test/Mel_1.jpg"), "train holds no images"),
        ((*FLAT, "validation/Mel_1.jpg", "val/Mel_1.jpg"), "holds 'val' and 'validation': only one of them"),
        (FLAT[1:], "train holds no image of Mel"),
        (FLAT[:3], "test holds no image of Nev"),
        (("train/Nev/.gitkeep", *BY_CLASS[:1], *BY_CLASS[2:]), "train holds no image of Nev"),
        ((*BY_CLASS, "train/Mel/old/1.jpg"), "Mel/old is a folder inside a class"),
        ((*FLAT, "train/Mel/0002.jpg"), "folders for classes (Mel) and files beside them (Mel_0001.jpg)"),
    ],
)
def test_folders_that_are_refused(tmp_path, files, says):
    plant(tmp_path, *files)
    assert says in refusal(tmp_path / "Skin")


@pytest.mark.parametrize(
    ("name", "files", "says"),
    [
        *(("chest", files, "does not tell which classes there are") for files in (["1.jpg", "2.jpg"], ["only/1.jpg"])),
        ("chest", ["a.jpg", "b.jpg", "c.jpg"], "does not tell which classes there are"),
        ("x_ray", ["C1_1.jpg", "C10_1.jpg"], "C10_1.jpg matches no class of X_ray"),
        # The Turkish I with a dot, and i without one.
        *(("cysts", ["Milia_1.jpg", f"{word}_3.jpg"], f"{word}_3.jpg matches no") for word in ("MİLİA", "Mılia")),
    ],
)
def test_classes_that_are_refused(tmp_path, name, files, says):
    folder = plant(tmp_path, *both(*files))
    if name == "cysts":
        (folder / "dataset.yaml").write_text("classes: [Milia, Other]")
    assert says in refusal(folder, name)


@pytest.mark.parametrize(
    ("place", "make", "says"),
    [
        ("train/Mel_0002.jpg", lambda path: path.symlink_to("nowhere.jpg"), "Mel_0002.jpg is a link that leads nowh"),
        ("train/Mel_0002.jpg", lambda path: path.symlink_to(path), "Mel_0002.jpg is a link that leads nowhere"),
        ("train/Mel", lambda path: path.symlink_to(".."), "holds folders for classes (Mel) and files beside them"),
        ("train/Mel_0002.jpg", os.mkfifo, "Mel_0002.jpg is not an ordinary file"),
        ("classes.json", os.mkfifo, "classes.json does not list classes"),
        ("classes.json", lambda path: path.symlink_to(path), "classes.json does not list classes"),
        ("dataset.yaml", os.mkfifo, "dataset.yaml cannot be read"),
        ("dataset.yaml", lambda path: path.symlink_to(path), "dataset.yaml cannot be read"),
    ],
)
def test_links_that_lead_nowhere_and_pipes_are_refused(tmp_path, place, make, says):
    folder = plant(tmp_path, *FLAT)
    make(folder / place)
    assert says in refusal(folder)


def test_a_link_to_an_image_is_an_image(tmp_path):
    folder = plant(tmp_path, *FLAT)
    (folder / "train" / "Mel_0002.jpg").symlink_to("Mel_0001.jpg")
    assert names(find_files("skin", folder)[0]) == ["Mel_0001.jpg", "Mel_0002.jpg", "Nev_0001.jpg"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "Skin").touch()
    assert "Skin is not a folder" in refusal(tmp_path / "Skin")


def test_marks_of_files_whose_content_is_elsewhere(tmp_path):
    for marked in ({"st_file_attributes": 0x400020}, {"st_flags": 0x40000000}):
        assert listing.is_elsewhere(SimpleNamespace(**marked))
    assert not listing.is_elsewhere(tmp_path.stat())


@pytest.mark.skipif(sys.platform != "linux", reason="only here may a name be any bytes")
@pytest.mark.parametrize("where", ["test", "train/Mel", "."])
def test_a_name_that_is_not_utf8_is_refused_before_anything_is_read(tmp_path, where):
    folder = plant(tmp_path, *(BY_CLASS if "/" in where else FLAT))
    with open(os.fsencode(folder / where) + b"/Mel_L\xe4sion_1.jpg", "wb"):
        pass
    message = refusal(folder)
    assert r"/Mel_L\xe4sion_1.jpg has a name that is not written in UTF-8" in message
    message.encode()


def test_folder_that_may_not_be_read(tmp_path, monkeypatch):
    folder, real = plant(tmp_path, *FLAT), os.scandir

    def denied(path):
        if Path(path).name == "train":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", denied)
    assert "Skin/train may not be read by you" in refusal(folder)


def test_dataset_yaml_gives_names_to_show(tmp_path):
    folder = plant(tmp_path, *FLAT)
    (folder / "classes.json").write_text('{"class_names": ["Nev", "Mel"]}')
    assert read_classes("skin", folder).shown == ("Nev", "Mel")
    (folder / "dataset.yaml").write_text("title: Lesions\nclasses: {Nev: harmless, Mel: malign}\nwindow: [0, 4095]\n")
    assert read_classes("skin", folder).shown == ("harmless", "malign")
    assert names(find_files("skin", folder)[0]) == ["Nev_0001.jpg", "Mel_0001.jpg"]
    assert describe(folder).window == (0, 4095) and describe(folder).title == "Lesions"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        *(("dataset.yaml", f"classes: {two}", "two or more different names") for two in ("[A, a]", "{A: x, B: X}")),
        *(("dataset.yaml", f"window: {two}", "window must be the values that") for two in ("[3, 1]", "[.nan, 1]")),
        ("dataset.yaml", "title: [1]", "title must be a line of text"),
        ("dataset.yaml", "clases: [A, B]", "has an entry 'clases': there are title, classes"),
        ("dataset.yaml", "- a", "is no list of entries"),
        ("dataset.yaml", "a: b: c", "is not YAML (line 1)"),
        ("dataset.yaml", "a: !!python/object/apply:os.system ['true']", "is not YAML"),
        ("dataset.yaml", "[" * 5000, "is not YAML"),
        ("dataset.yaml", " " * 1_000_001, "cannot be read (no text)"),
        *(("classes.json", f'{{"class_names": {said}}}', "does not list") for said in ("3", '["A", "a"]', '["A", 1]')),
        *(("classes.json", said, "does not list classes") for said in ("", "[]", "[" * 5000, " " * 1_000_001)),
    ],
)
def test_descriptions_that_are_refused(tmp_path, name, text, says):
    folder = plant(tmp_path, *FLAT)
    (folder / name).write_text(text)
    assert name in refusal(folder) and says in refusal(folder)
