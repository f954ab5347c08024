"""`load_dataset`: whose images, which of them, under which fingerprint; and what it says when they are not there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labutils import paths
from labutils.data import load_dataset
from labutils.data.layouts import DATASETS
from labutils.errors import DataError, ParameterError
from labutils.phantoms import files as phantom_files
from labutils.phantoms import write as phantoms

REAL = Path(__file__).parents[2] / "shared" / "real"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No data anywhere, and a place of its own for what the package writes."""
    monkeypatch.delenv("LABUTILS_DATA", raising=False)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    return tmp_path


def write_images(folder: Path, name: str = "skin", train: int = 4, val: int = 2, seed: int = 0) -> Path:
    """A data set in the flat layout with `train` and `val` images of each class."""
    rng = np.random.default_rng(seed)
    for split, count in (("train", train), ("test", val)):
        (folder / split).mkdir(parents=True)
        for class_name in DATASETS[name].class_names:
            for number in range(count):
                pixels = rng.integers(0, 256, (40, 36), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / f"{class_name}_{number:02}.png")
    return folder


def load(name: str = "skin", **settings):
    return load_dataset(name, **{"image_size": 32, "progress": False, **settings})


# ---------------------------------------------------------------- what comes back


def test_arrays_labels_and_files_belong_together(home):
    root = write_images(home / "data" / "Skin")
    data = load()
    assert (data.name, data.source, data.root) == ("skin", "course", root)
    assert data.x_train.shape == (8, 32, 32, 1) and data.x_val.shape == (4, 32, 32, 1)
    assert data.x_train.dtype == np.float32 and 0 <= data.x_train.min() < data.x_train.max() <= 1
    assert data.y_train.tolist() == [0] * 4 + [1] * 4 and data.y_train.dtype == np.int64
    assert data.files_train[0] == "train/Mel_00.png" and data.files_val[-1] == "test/Nev_01.png"
    assert (data.n_classes, data.image_size, data.channels) == (2, 32, 1)
    assert data.counts() == {"train": {"Mel": 4, "Nev": 4}, "validation": {"Mel": 2, "Nev": 2}}
    assert load(channels=3).x_val.shape == (4, 32, 32, 3)


def test_banner_says_whose_images_and_how_many(home):
    write_images(home / "data" / "Skin")
    assert load().banner() == (
        "Skin: course data, 32x32 grey\n  8 training images (Mel 4, Nev 4)\n  4 validation images (Mel 2, Nev 2)"
    )
    assert load(channels=3).banner().splitlines()[0].endswith("32x32 colour")


def test_real_images(home, monkeypatch):
    if not REAL.is_dir():
        pytest.skip("the real images are not beside the repository")
    monkeypatch.setenv("LABUTILS_DATA", str(REAL))
    data = load(n_train=20, n_val=10)
    assert data.source == "course"
    assert data.counts() == {"train": {"Mel": 10, "Nev": 10}, "validation": {"Mel": 5, "Nev": 5}}


def test_opening_what_is_cached_imports_nothing_heavy(home):
    write_images(home / "data" / "Skin")
    load()
    code = (
        "import sys; from pathlib import Path; from labutils import paths; paths.ROOT = Path(sys.argv[1]);"
        "from labutils.data import load_dataset; print(load_dataset('skin', image_size=32).source);"
        "print(*{'skimage', 'PIL', 'scipy', 'tensorflow', 'pydantic', 'tqdm', 'filelock'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["course"], "nothing may be listed after the source"
    assert done.stderr == ""


# ---------------------------------------------------------------- where it comes from


def test_auto_takes_course_then_public_then_phantoms(home, monkeypatch):
    def write(name, folder, **_):
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
    assert load().source == "course"
    assert load(source="public").source == "public" and load(source="phantom").source == "phantom"


def test_phantoms_are_drawn_once(home, monkeypatch):
    monkeypatch.setitem(phantoms.COUNTS, "skin", {"train": 4, "validation": 2})
    first = load(source="phantom")
    monkeypatch.setattr(phantoms, "write_phantoms", None)
    assert load(source="phantom").fingerprint == first.fingerprint
    assert first.files_val == ("test/Mel_0001.jpg", "test/Nev_0001.jpg")


def test_labutils_data_wins_over_the_repository(home, monkeypatch):
    write_images(home / "data" / "Skin")
    mine = write_images(home / "mine" / "SKIN", seed=1)
    monkeypatch.setenv("LABUTILS_DATA", str(home / "mine"))
    assert load().root == mine


def test_public_classes(home):
    root = home / "data" / "public" / "X_ray"
    for split in ("train", "test"):
        for class_name in ("Hand", "Head CT"):
            (root / split / class_name).mkdir(parents=True)
            Image.new("L", (20, 20), 9).save(root / split / class_name / "1.jpg")
    (root / "classes.json").write_text('{"class_names": ["Hand", "Head CT"]}')
    data = load("x_ray")
    assert data.class_names == ("Hand", "Head CT") and data.files_train == ("train/Hand/1.jpg", "train/Head CT/1.jpg")


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
    with pytest.raises(ParameterError) as error:
        load(**{setting: value})
    assert str(error.value).startswith(f"{setting} is {value!r}: it must be {allowed}")


def test_error_is_a_sentence_in_a_notebook(home):
    with pytest.raises(DataError) as error:
        load(source="course")
    assert error.value._render_traceback_() == [f"DataError: {error.value}"]


@pytest.mark.parametrize(
    ("name", "source", "fragments"),
    [
        ("skin", "course", ["data/Skin", "LABUTILS_DATA", "`labutils data fetch skin`", "`labutils data phantoms`"]),
        ("x_ray", "public", ["data/public/X_ray", "`labutils data fetch xray`"]),
        ("bone", "public", ["data/public/Bone", "`labutils data phantoms`"]),
    ],
)
def test_absent_data_say_where_and_what_to_type(home, name, source, fragments):
    with pytest.raises(DataError) as error:
        load(name, source=source)
    assert all(fragment in str(error.value) for fragment in fragments)
    assert str(home) not in str(error.value)
    assert "fetch bone" not in str(error.value), "there are no public bone images to fetch"


def test_labutils_data_that_leads_nowhere(home, monkeypatch):
    monkeypatch.setenv("LABUTILS_DATA", str(home / "nowhere"))
    with pytest.raises(DataError, match=r"LABUTILS_DATA is .* is not a folder"):
        load()


def test_labutils_data_one_folder_too_deep(home, monkeypatch):
    monkeypatch.setenv("LABUTILS_DATA", str(write_images(home / "mine" / "Skin")))
    with pytest.raises(DataError, match="mine/Skin holds train, so it is one data set: LABUTILS_DATA should be"):
        load()


def test_folder_that_is_there_but_empty_is_not_passed_over(home):
    (home / "data" / "Skin").mkdir(parents=True)
    with pytest.raises(DataError, match="data/Skin holds no folder train"):
        load()


def test_bad_file_is_named(home):
    root = write_images(home / "data" / "Skin")
    (root / "train" / "Nev_03.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"data/Skin/train/Nev_03\.png is empty \(0 bytes\)"):
        load()


@pytest.mark.parametrize(("setting", "what"), [("n_train", "8 training"), ("n_val", "4 validation")])
def test_more_images_than_there_are(home, setting, what):
    write_images(home / "data" / "Skin")
    with pytest.raises(DataError, match=f"{setting} is 9: Skin holds {what} images"):
        load(**{setting: 9})


# ---------------------------------------------------------------- a part of the images


def test_part_is_balanced_and_the_same_every_time(home):
    write_images(home / "data" / "Skin")
    data = load(n_train=5, n_val=2)
    assert data.files_train == tuple(f"train/{n}.png" for n in ("Mel_00", "Mel_01", "Mel_02", "Nev_00", "Nev_01"))
    assert data.y_train.tolist() == [0, 0, 0, 1, 1] and data.y_val.tolist() == [0, 1]
    whole = load()
    np.testing.assert_array_equal(data.x_train, whole.x_train[[0, 1, 2, 4, 5]])


def test_part_of_uneven_classes_takes_what_there_is(home):
    root = write_images(home / "data" / "Skin")
    for number in (1, 2, 3):
        (root / "train" / f"Mel_{number:02}.png").unlink()
    assert load(n_train=4).counts()["train"] == {"Mel": 1, "Nev": 3}


def test_part_needs_every_class(home):
    write_images(home / "data" / "X_ray", "x_ray")
    with pytest.raises(DataError, match="n_train is 5: there are 9 classes"):
        load("x_ray", n_train=5)


def test_all_asked_for_by_number_is_all(home):
    write_images(home / "data" / "Skin")
    assert load(n_train=8, n_val=4).fingerprint == load().fingerprint


# ---------------------------------------------------------------- the fingerprint


def test_fingerprint_is_the_pixels_and_not_the_files(home):
    root = write_images(home / "data" / "Skin")
    before = load().fingerprint
    assert len(before) == 12 and int(before, 16) >= 0
    for file in (root / "train").iterdir():
        os.utime(file, ns=(5, 5))
    assert load().fingerprint == before
    shutil.move(root, home / "elsewhere")
    shutil.copytree(home / "elsewhere", root)
    assert load().fingerprint == before
    pixels = np.array(Image.open(root / "test" / "Nev_01.png"))
    Image.fromarray(pixels).save(root / "test" / "Nev_01.png", compress_level=0)
    assert load().fingerprint == before
    pixels[7, 7] ^= 1
    Image.fromarray(pixels).save(root / "test" / "Nev_01.png")
    assert load().fingerprint != before


def test_fingerprint_sees_a_swapped_label(home):
    root = write_images(home / "data" / "Skin")
    before = load().fingerprint
    # Last of one class and first of the next: the order of the pixels stays, only the label moves.
    (root / "train" / "Mel_03.png").rename(root / "train" / "Nev_-1.png")
    swapped = load()
    assert swapped.y_train.tolist() == [0, 0, 0, 1, 1, 1, 1, 1] and swapped.fingerprint != before


def test_fingerprint_sees_preprocessing_and_parts(home):
    write_images(home / "data" / "Skin")
    different = [load(), load(image_size=33), load(channels=3), load(n_train=4), load(n_val=2)]
    assert len({data.fingerprint for data in different}) == 5


def test_fingerprint_of_phantoms_is_their_recipe(home, monkeypatch):
    root = write_images(home / "data" / "phantoms" / "Skin")
    monkeypatch.setattr(phantom_files, "is_complete", lambda *_: True)

    def fingerprint(**recipe) -> str:
        whole = {"version": 1, "seed": 20, "counts": {"train": 8, "validation": 4}, **recipe}
        (root / "phantoms.json").write_text(json.dumps(whole))
        return load(source="phantom").fingerprint

    before = fingerprint()
    pixels = np.array(Image.open(root / "test" / "Nev_01.png"))
    Image.fromarray(pixels ^ 1).save(root / "test" / "Nev_01.png")
    assert fingerprint() == before
    assert len({before, fingerprint(version=2), fingerprint(seed=21), fingerprint(counts={"train": 9})}) == 4
    assert load(source="phantom", image_size=40).fingerprint != before
    assert load(source="phantom", n_train=4).fingerprint != before
