"""`load_dataset` and `load_exam`: whose images, which of them, under which fingerprint; what is said without them."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from picture_helpers import write_noise
from PIL import Image

from labutils import paths
from labutils.config import RunConfig
from labutils.data import cache, load_dataset, locate
from labutils.data.exam import load_exam
from labutils.data.layouts import DATASETS
from labutils.errors import DataError, ParameterError
from labutils.phantoms import files as phantom_files
from labutils.phantoms import write as phantoms

SHARED = Path(__file__).parents[2] / "shared"
FOLDERS = {name: one.title for name, one in DATASETS.items()}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """No data anywhere, and a place of its own for what the package writes."""
    monkeypatch.delenv("LABUTILS_DATA", raising=False)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    (tmp_path / "data").mkdir()
    return tmp_path


def write_images(folder, name="skin", train=4, val=2, **how):
    """A data set in the flat layout with `train` and `val` images of each class."""
    return write_noise(folder, DATASETS[name].words, count={"train": train, "test": val}, flat=True, **how)


def load(name="skin", **settings):
    return load_dataset(name, **{"image_size": 32, "progress": False, **settings})


def exam(name="skin", **settings):
    return load_exam(name, **{"image_size": 32, "progress": False, **settings})


def spoil(file):
    """Other pixels in a picture, though none that its size or time would show."""
    pixels = np.asarray(Image.open(file)).copy()
    pixels[:80] ^= 128
    Image.fromarray(pixels).save(file, compress_level=1)


# ---------------------------------------------------------------- what comes back


def test_arrays_labels_and_files_belong_together(home):
    root = write_images(home / "data" / "Skin")
    data = load()
    assert (data.name, data.source, data.root) == ("skin", "course", root)
    assert data.x_train.shape == (8, 32, 32, 1) and data.x_val.shape == (4, 32, 32, 1)
    assert data.x_train.dtype == np.float32 and 0 <= data.x_train.min() < data.x_train.max() <= 1
    assert data.y_train.tolist() == [0] * 4 + [1] * 4 and data.y_train.dtype == np.int64
    assert data.files_train[0] == "train/Mel_00.png" and data.files_val[-1] == "test/Nev_01.png"
    assert (data.n_classes, data.image_size, data.channels, data.majority) == (2, 32, 1, 0.5)
    assert data.counts() == {"train": {"Mel": 4, "Nev": 4}, "validation": {"Mel": 2, "Nev": 2}}
    assert data.banner() == (
        "Skin: course data, 32x32 grey\n  8 training images (Mel 4, Nev 4)\n  4 validation images (Mel 2, Nev 2)"
    )
    coloured = load(channels=3)
    assert coloured.x_val.shape == (4, 32, 32, 3) and coloured.banner().splitlines()[0].endswith("32x32 colour")


def test_opening_what_is_cached_imports_nothing_heavy(home):
    write_images(home / "data" / "Skin")
    load()
    code = (
        "import sys; from pathlib import Path; from labutils import paths; paths.ROOT = Path(sys.argv[1]);"
        "from labutils.data import load_dataset; print(load_dataset('skin', image_size=32).source);"
        "print(*{'skimage', 'PIL', 'scipy', 'tensorflow', 'pydantic', 'tqdm', 'filelock'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home)], capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (["course"], ""), "nothing may be listed after the source"


@pytest.mark.parametrize(
    ("case", "name", "counts"),
    [
        ("real", "skin", {"Mel": 10, "Nev": 10}),
        ("cases/01-12bit-in-16bit-png/data", "skin", {"Mel": 4, "Nev": 3}),
        ("cases/06-synology-eadir/data", "skin", {"Mel": 3, "Nev": 3}),
        ("cases/14-chest-data-set", "chest", {"Normal": 10, "Pneumonia": 10}),
        ("cases/17-decomposed-class-name", "moles", {"Bösartig": 4, "Gutartig": 4}),
        ("cases/03-icloud-placeholder/data", "skin", r"\.Nev_0000\.jpg\.icloud, .*, which a cloud has not fetched"),
        ("cases/05-12bit-jpeg/data", "skin", r"Mel_9001\.jpg is a JPEG of 12 bits"),
    ],
)
def test_folders_as_people_have_handed_them_over(home, monkeypatch, case, name, counts):
    if not (SHARED / case).is_dir():
        pytest.skip(f"{case} is not beside the repository")
    monkeypatch.setenv("LABUTILS_DATA", str(SHARED / case))
    if isinstance(counts, str):
        with pytest.raises(DataError, match=counts):
            load(name)
        return
    data = load(name, n_train=20 if case == "real" else None)
    assert data.source == "course" and data.class_names == tuple(counts) and data.counts()["train"] == counts
    if "12bit" in case:  # as bright as the others
        assert data.x_train[data.files_train.index("train/Mel_9001.png")].max() > 0.8


# ---------------------------------------------------------------- where it comes from


def test_auto_takes_course_then_public_then_phantoms(home, monkeypatch):
    def write(name, folder, *_):
        write_images(Path(folder), name, train=2, val=1, seed=7)
        (Path(folder) / "phantoms.json").write_text(json.dumps({"version": 1, "seed": 7, "counts": {"train": 4}}))

    monkeypatch.setattr(phantoms, "write_phantoms", write)
    monkeypatch.setattr(phantom_files, "is_complete", lambda name, folder: Path(folder).is_dir())
    assert load().source == "phantom"
    first, second, _ = load().banner().splitlines()
    assert first.startswith("Skin: PHANTOMS (synthetic images drawn by labutils, not patients), ")
    assert second == "  4 training images (Mel 2, Nev 2)"
    write_images(home / "data" / "public" / "Skin")
    assert load().source == "public" and load().banner().startswith("Skin: public data, ")
    write_images(home / "data" / "skin")
    assert load("SKIN").source == "course"
    assert load(source="public").source == "public" and load(source="phantom").source == "phantom"


def test_phantoms_and_their_exam_are_drawn_once_and_when_they_are_needed(home, monkeypatch):
    monkeypatch.setitem(phantoms.COUNTS, "skin", {"train": 4, "validation": 2})
    monkeypatch.setitem(phantoms.EXAM_COUNTS, "skin", 4)
    data = load(source="phantom")
    assert data.files_val == ("test/Mel_0001.jpg", "test/Nev_0001.jpg") and data.ceiling is not None
    assert data.banner().endswith(f"right about {data.ceiling:.3f} of such phantoms: their ceiling.")
    assert not (home / "data" / "phantoms" / "Skin-exam").exists()
    first = exam()
    assert first.x.shape == (4, 32, 32, 1) and first.files[0] == "exam/Mel_0001.jpg"
    monkeypatch.setattr(phantoms, "_write_chunk", lambda *_: pytest.fail("drawn again"))
    again = exam()
    assert load(source="phantom").fingerprint == data.fingerprint and again.fingerprint == first.fingerprint
    np.testing.assert_array_equal(again.x, first.x)


def test_more_phantoms_than_the_lab_has_hold_the_labs(home, monkeypatch):
    monkeypatch.setitem(phantoms.COUNTS, "skin", {"train": 4, "validation": 2})
    monkeypatch.setattr(phantom_files, "MORE_TRAINING", 8)
    lab, more, everything = (load(source="phantom", n_train=n) for n in (None, 6, 8))
    assert more.root == everything.root == home / "data" / "phantoms" / "Skin-8" and lab.root.name == "Skin"
    assert more.counts()["train"] == {"Mel": 3, "Nev": 3}
    for first, second in ((lab, more), (more, everything)):
        images = dict(zip(second.files_train, second.x_train, strict=True))
        for file, image in zip(first.files_train, first.x_train, strict=True):
            np.testing.assert_array_equal(image, images[file])
        np.testing.assert_array_equal(first.x_val, second.x_val)
    assert len({data.fingerprint for data in (lab, more, everything)}) == 3
    with pytest.raises(DataError, match="n_train is 9: Skin holds 4 training images"):
        load(source="phantom", n_train=9)


# ---------------------------------------------------------------- what it says when it cannot


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        ("image_size", 7, "a whole number from 32 to 1024"),
        ("image_size", 128.5, "a whole number from 32 to 1024"),
        ("image_size", True, "a whole number"),
        ("image_size", "128", "a whole number"),
        ("channels", 2, "1 (grey) or 3 (colour)"),
        ("source", "phantoms", "auto, course, public or phantom"),
        ("n_train", 1, "a whole number from 2"),
        ("n_val", -4, "a whole number from 2"),
        ("name", "Skin ", "skin, bone or x_ray"),
    ],
)
def test_value_that_is_not_allowed(home, setting, value, allowed):
    for ask in (load, exam) if setting in ("image_size", "channels", "source") else (load,):
        with pytest.raises(ParameterError) as error:
            ask(**{setting: value})
        assert str(error.value).startswith(f"{setting} is {value!r}: it must be {allowed}")


@pytest.mark.parametrize(
    ("name", "source", "says"),
    [
        ("skin", "course", "data/Skin .*LABUTILS_DATA .*`labutils data fetch skin` .*`labutils data phantoms`"),
        ("x_ray", "public", "data/public/X_ray .*`labutils data fetch xray`"),
        ("bone", "public", r"data/public/Bone with((?!fetch).)*`labutils data phantoms`"),
        ("lung", "auto", r"There are no images of 'lung': .*data holds chest"),
        ("chests", "auto", r"Is it meant\?.* Or ask for 'chest'"),
        ("spaced", "auto", r"data holds 'Spaced ', but no spaced\. Is it meant\? Rename it to spaced\.$"),
        ("chest", "phantom", "There are no phantoms of 'chest'"),
        ("empty", "auto", "data/Empty holds no folder train"),
        ("broken", "auto", r"data/Broken/train/Nev/2\.png is empty \(0 bytes\)"),
    ],
)
def test_images_that_are_not_there_say_where_and_what_to_type(home, name, source, says):
    folder = home / "data" / {"empty": "Empty", "broken": "Broken", "spaced": "Spaced "}.get(name, "Chest")
    if name not in FOLDERS:
        write_noise(folder)
    if name == "empty":
        shutil.rmtree(folder / "train")
        (folder / "dataset.yaml").touch()
    if name == "broken":
        (folder / "train" / "Nev" / "2.png").write_bytes(b"")
    with pytest.raises(DataError, match=says) as error:
        load(name, source=source)
    assert str(home) not in str(error.value)


@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ("mine", ""),
        ("nowhere", r"LABUTILS_DATA is .*nowhere.* not a folder\. Set it to"),
        ("mine/SKIN", "mine/SKIN holds train, so it is one data set: LABUTILS_DATA should be"),
    ],
)
def test_labutils_data_wins_over_the_repository_and_may_lead_elsewhere(home, monkeypatch, folder, says):
    write_images(home / "data" / "Skin")
    mine = write_images(home / "mine" / "SKIN", seed=1)
    monkeypatch.setenv("LABUTILS_DATA", str(home / folder))
    with pytest.raises(DataError, match=says) if says else nullcontext():
        assert load().root == mine


@pytest.mark.parametrize("folder", ["Skins", "Skin (1)", "Skin copy", "Skn", "Skin "])
def test_a_folder_that_is_nearly_a_name_is_asked_about(home, folder):
    write_images(home / "data" / folder)
    with pytest.raises(DataError, match=r"holds .*, but no Skin\. Is it meant\? Rename it to Skin") as error:
        load()
    assert f"holds {folder!r}, but" in str(error.value)
    (home / "data" / folder / "dataset.yaml").write_text("title: Another set")
    with pytest.raises(DataError, match=r"There is no .*data/Skin with"):
        load(source="course")


@pytest.mark.parametrize(
    ("two", "refused"),
    [
        (("chest-xray", "chest_xray"), "chest_xray"),
        (("Chest", "chest"), "chest"),
        (("🩻 chest", "🩻_chest"), "🩻 chest"),
        (("Skin", "SKIN"), "skin"),
    ],
)
def test_two_folders_of_one_name_block_no_other(home, two, refused):
    for folder in two:
        write_noise(home / "data" / folder, ("Normal", "Sick"))
    write_noise(home / "data" / "Bone", ("AFF", "NFF"))
    write_noise(home / "data" / "hips")
    assert load("bone").source == "course" and load("hips").n_classes == 2
    both = " and ".join(map(repr, sorted(two)))
    with pytest.raises(DataError, match=f"data holds {both}: only one of them can be used. Rename the other"):
        load(refused)
    assert locate.existing()[-1] == locate.dataset_name(refused) and {"bone", "hips"} <= {*locate.existing()}
    for source in ("public", "course"):  # what has no images says so, and nothing of those two
        with pytest.raises(DataError, match=r"There is no .*data/(public/)?X_ray with"):
            load("x_ray", source=source)


@pytest.mark.parametrize(
    ("folder", "classes", "says"),
    [
        ("chest-xray", ("Normal", "Sick"), "There is no .*data/X_ray with"),  # other classes: it is no X_ray
        ("my x-ray", ("C1", "C2"), r"holds 'my x-ray', but no X_ray\. Is it meant\?"),
    ],
)
def test_a_set_of_other_classes_is_not_asked_about(home, folder, classes, says):
    write_noise(home / "data" / folder, classes)
    with pytest.raises(DataError, match=says):
        load("x_ray", source="course")


@pytest.mark.parametrize("changed", ["data", "exam"])
def test_a_flipped_bit_in_a_phantom_is_found_when_it_is_first_read(home, monkeypatch, changed):
    monkeypatch.setitem(phantoms.COUNTS, "bone", {"train": 4, "validation": 4})
    monkeypatch.setitem(phantoms.EXAM_COUNTS, "bone", 4)
    folder = home / "data" / "phantoms" / ("Bone" if changed == "data" else "Bone-exam")
    ask = load if changed == "data" else exam
    ask("bone", source="phantom")
    file = next(folder.rglob("AFF_0001.png"))
    spoil(file)
    manifest = json.loads((folder / "phantoms.json").read_text())
    manifest["files"][file.relative_to(folder).as_posix()]["bytes"] = file.stat().st_size  # as long as it was
    (folder / "phantoms.json").write_text(json.dumps(manifest))
    assert phantom_files.is_complete("bone", folder)
    with pytest.raises(DataError, match=r"AFF_0001\.png: no longer the phantom that was drawn"):
        ask("bone", source="phantom")


# ---------------------------------------------------------------- a part of the images, and the exam


def test_part_is_balanced_and_the_same_every_time(home):
    root = write_images(home / "data" / "Skin")
    data = load(n_train=5, n_val=2)
    assert data.files_train == tuple(f"train/{n}.png" for n in ("Mel_00", "Mel_01", "Mel_02", "Nev_00", "Nev_01"))
    assert data.y_train.tolist() == [0, 0, 0, 1, 1] and data.y_val.tolist() == [0, 1]
    whole = load()
    np.testing.assert_array_equal(data.x_train, whole.x_train[[0, 1, 2, 4, 5]])
    assert load(n_train=8, n_val=4).fingerprint == whole.fingerprint
    for number in (1, 2, 3):
        (root / "train" / f"Mel_{number:02}.png").unlink()
    assert load(n_train=4).counts()["train"] == {"Mel": 1, "Nev": 3}, "what there is"


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("skin", {"n_train": 9}, "n_train is 9: Skin holds 8 training images"),
        ("skin", {"n_val": 9}, "n_val is 9: Skin holds 4 validation images"),
        ("x_ray", {"n_train": 5}, "n_train is 5: there are 9 classes"),
    ],
)
def test_parts_that_cannot_be_had(home, name, settings, says):
    write_images(home / "data" / FOLDERS[name], name)
    with pytest.raises(DataError, match=says):
        load(name, **settings)


def test_own_images_have_an_exam_beside_training_and_validation(home):
    folder = write_noise(home / "data" / "Skin")
    assert exam() is None
    write_noise(folder, splits=("validation",), seed=1)
    found, data = exam(), load()
    assert found.x.shape == (6, 32, 32, 1) and found.x.dtype == np.float32
    assert found.y.tolist() == [0, 0, 0, 1, 1, 1] and found.files[0] == "test/Mel/0.png"
    assert data.files_val[0] == "validation/Mel/0.png" and data.fingerprint != found.fingerprint
    spoil(folder / "test" / "Mel" / "0.png")
    assert exam().fingerprint != found.fingerprint and load().fingerprint == data.fingerprint


@pytest.mark.parametrize(("deeper", "says"), [("validation", "validation like 14"), ("test", "the exam like 14")])
def test_splits_of_different_depth_are_asked_about(home, deeper, says):
    def deepen(split, pixels):
        return pixels.astype(np.uint16) * (64 if split == deeper else 16) + 15

    write_noise(home / "data" / "Chest", splits=("train", "validation", "test"), change=deepen)
    with pytest.raises(DataError, match=rf"training looks like 12, {says}.*window: \[0, 16383\]"):
        load("chest")
        exam("chest")


def test_a_window_is_used_and_has_its_own_fingerprint(home):
    how = {"change": lambda _, pixels: pixels.astype(np.float32) * 10, "suffix": "tif", "count": 1}
    folder = write_noise(home / "data" / "CT", **how)
    with pytest.raises(DataError, match="brightness should lie between 0 and 1"):
        load("ct")
    found = []
    for window in ([0, 2550], [0, 1000]):
        (folder / "dataset.yaml").write_text(f"window: {window}")
        found.append(load("CT"))
    assert found[0].fingerprint != found[1].fingerprint and found[0].x_train.mean() < found[1].x_train.mean()


# ---------------------------------------------------------------- the fingerprint


def test_fingerprint_is_the_pixels_and_not_the_files(home):
    root = write_images(home / "data" / "Skin")
    before, file = load().fingerprint, root / "test" / "Nev_01.png"
    assert len(before) == 12 and int(before, 16) >= 0
    os.utime(file, ns=(5, 5))
    assert load().fingerprint == before
    pixels = np.array(Image.open(file))
    Image.fromarray(pixels).save(file, compress_level=0)
    assert load().fingerprint == before
    pixels[7, 7] ^= 1
    Image.fromarray(pixels).save(file)
    assert load().fingerprint != before


def test_fingerprint_sees_preprocessing_parts_and_a_swapped_label(home):
    root = write_images(home / "data" / "Skin")
    different = [load(), load(image_size=33), load(channels=3), load(n_train=4), load(n_val=2)]
    # Last of one class and first of the next: the order of the pixels stays, only the label moves.
    (root / "train" / "Mel_03.png").rename(root / "train" / "Nev_-1.png")
    swapped = load()
    assert swapped.y_train.tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert len({data.fingerprint for data in [*different, swapped]}) == 6


@pytest.mark.parametrize(
    ("name", "model", "key", "known"),
    [
        ("skin", "vgg16", "956fe116", "f8d3f350c101"),
        ("bone", "vgg16", "776a3f16", "3df39b4ef784"),
        ("x_ray", "lenet", "3520adb7", "5260a9"),
    ],
)
def test_keys_and_fingerprints_of_stored_runs_stay(home, monkeypatch, name, model, key, known):
    """They stand for phantoms by what drew them, so nothing has to be drawn to know them."""
    assert RunConfig(dataset=name, model=model, learning_rate=1e-5, epochs=1).key == key
    folder = home / "data" / "phantoms" / FOLDERS[name]
    for split in ("train", "test"):
        (folder / split).mkdir(parents=True)
    for address in phantom_files.list_files(name, phantom_files.COUNTS[name]):
        (folder / address.file).touch()
    recipe = {"version": phantom_files.VERSIONS[name], "seed": phantoms.SEED, "counts": phantom_files.COUNTS[name]}
    (folder / "phantoms.json").write_text(json.dumps(recipe))
    monkeypatch.setattr(phantom_files, "is_complete", lambda *_: True)

    def load_entry(_label, _root, files, size, channels, *_):
        return cache.Entry(np.zeros((len(files), size, size, channels), np.float32), "", 0)

    monkeypatch.setattr(cache, "load_entry", load_entry)
    assert load(name, image_size=128, source="phantom").fingerprint.startswith(known)
