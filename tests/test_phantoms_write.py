"""Phantoms: the same pictures every time, complete or absent on disk, and damage that is noticed."""

import errno
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from labutils.data.layouts import DATASETS
from labutils.errors import DataError
from labutils.phantoms import write as phantoms
from labutils.phantoms.files import MANIFEST, block_means, list_files

COUNTS = {"train": 6, "validation": 2}
# Mean grey of 4 x 4 blocks: stored runs are tied to these drawings.
X_RAY_C1 = [81.1, 161.9, 70.9, 72.7, 70.4, 202.5, 90.1, 41.0, 70.7, 213.5, 150.4, 54.6, 92.3, 127.8, 115.5, 85.2]
X_RAY_C9 = [67.3, 144.1, 36.7, 8.7, 96.8, 177.5, 119.4, 29.1, 49.6, 118.4, 129.0, 88.9, 12.6, 14.9, 38.1, 51.4]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written") / "Bone"
    phantoms.write_phantoms("bone", folder, counts=COUNTS, progress=False)
    return folder


@pytest.fixture
def bone(written, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(written, tmp_path / "Bone")


def pixels(folder):
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*.png"))}


@pytest.mark.parametrize("name", ["bone", "x_ray"])
def test_draw_gives_radiographs_of_varying_size(name):
    shapes = set()
    for number, class_name in enumerate(DATASETS[name].class_names * 2):
        image = phantoms.draw(name, class_name, np.random.default_rng(number))
        assert image.dtype == np.uint8
        assert image.ndim == 2
        assert min(image.shape) >= 200
        assert max(image.shape) <= 400
        assert image.std() > 3, "a picture without content"
        shapes.add(image.shape)
    assert len(shapes) > 2


@pytest.mark.parametrize(("name", "class_name"), [("bone", "NFF"), ("x_ray", "C7"), ("skin", "Mel")])
def test_same_stream_same_picture(name, class_name):
    first, again, other = (phantoms.draw(name, class_name, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()


@pytest.mark.parametrize("name", ["bone", "x_ray"])
def test_rounding_moves_a_pixel_by_one_grey_level_at_most(name, monkeypatch):
    """Other processors round differently; a nudge of every stroke in the sixth digit stands in for them."""
    from labutils.phantoms.radiograph import Film

    def picture(class_name):
        return phantoms.draw(name, class_name, np.random.default_rng(11)).astype(int)

    plain = [picture(class_name) for class_name in DATASETS[name].class_names]
    fields = Film._fields

    def nudged(film, chains, wall):
        window, outer, inner = fields(film, chains, wall)
        return window, outer * np.float32(1 + 1e-6), inner * np.float32(1 - 1e-6)

    monkeypatch.setattr(Film, "_fields", nudged)
    for before, class_name in zip(plain, DATASETS[name].class_names, strict=True):
        assert np.abs(picture(class_name) - before).max() <= 1


def test_unknown_names_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match=r"'lung'.*skin, bone, x_ray"):
        phantoms.draw("lung", "Mel", rng)
    with pytest.raises(DataError, match=r"'Mel'.*AFF, NFF"):
        phantoms.draw("bone", "Mel", rng)


def test_layout_and_manifest(written):
    files = sorted(f.relative_to(written).as_posix() for f in written.rglob("*.png"))
    train = [f"train/{c}_{n:04d}.png" for c in ("AFF", "NFF") for n in (1, 2, 3)]
    assert files == sorted([*train, "test/AFF_0001.png", "test/NFF_0001.png"])
    manifest = phantoms.read_manifest(written)
    assert (manifest["name"], manifest["version"], manifest["seed"]) == (
        "bone",
        phantoms.VERSIONS["bone"],
        phantoms.SEED,
    )
    assert manifest["counts"] == COUNTS
    assert phantoms.is_complete("bone", written)
    assert not phantoms.is_complete("skin", written)
    assert phantoms.find_damaged(written) == []


def test_manifest_tells_the_signs_and_the_ceiling(written):
    manifest = phantoms.read_manifest(written)
    assert manifest["ceiling"] == phantoms.ceiling("bone")
    for address, signs in phantoms.sample_signs("bone", COUNTS):
        assert manifest["files"][address.file]["signs"] == pytest.approx(signs, abs=1e-4)


@pytest.mark.parametrize(("name", "low", "high"), [("skin", 0.93, 0.96), ("bone", 0.95, 0.98)])
def test_ceiling_lies_where_it_was_aimed_at(name, low, high):
    assert low <= phantoms.ceiling(name) <= high


def test_regions_have_neither_signs_nor_a_ceiling():
    assert phantoms.ceiling("x_ray") is None
    assert phantoms.sample_signs("x_ray", COUNTS) == []
    pixels, signs = phantoms.draw_with_signs("x_ray", "C3", np.random.default_rng(1))
    assert signs == {}
    np.testing.assert_array_equal(pixels, phantoms.draw("x_ray", "C3", np.random.default_rng(1)))


@pytest.mark.parametrize(("name", "class_name", "grey"), [("x_ray", "C1", X_RAY_C1), ("x_ray", "C9", X_RAY_C9)])
def test_drawings_of_version_1_stay(name, class_name, grey):
    assert phantoms.VERSIONS[name] == 1
    means = block_means(phantoms.draw(name, class_name, np.random.default_rng(12)))
    np.testing.assert_allclose(means, grey, rtol=0, atol=1.0)


def test_exam_is_drawn_once_and_shares_no_picture(written, tmp_path, monkeypatch):
    monkeypatch.setitem(phantoms.EXAM_COUNTS, "bone", 4)
    folder = phantoms.ensure_exam("bone", tmp_path / "Bone-exam", progress=False)
    exam = pixels(folder)
    assert sorted(exam) == [f"exam/{c}_{n:04d}.png" for c in ("AFF", "NFF") for n in (1, 2)]
    assert not set(exam.values()) & set(pixels(written).values())
    assert phantoms.is_complete("bone", folder)
    monkeypatch.setattr(phantoms, "_write_chunk", lambda *_: pytest.fail("drawn again"))
    phantoms.ensure_exam("bone", folder, progress=False)


def test_nine_classes_share_out_a_count_that_nine_does_not_divide():
    files = [address.file for address in list_files("x_ray", {"train": 11, "validation": 9})]
    assert len(files) == 20
    assert "train/C2_0002.png" in files
    assert "train/C3_0002.png" not in files


def test_pictures_do_not_depend_on_counts_or_workers(written, tmp_path, monkeypatch):
    monkeypatch.setattr(phantoms, "_start_pool", lambda workers: None)
    phantoms.write_phantoms("bone", tmp_path / "B", counts={"train": 4, "validation": 2}, progress=False)
    expected = pixels(written)
    found = pixels(tmp_path / "B")
    assert len(found) == 6
    assert all(expected[file] == content for file, content in found.items())


def test_workers_give_the_same_files_and_are_done_without_when_they_die(written, tmp_path, monkeypatch):
    monkeypatch.setattr(phantoms, "_CHUNK", 4)
    monkeypatch.setattr("labutils.machine.cores", lambda: 2)
    phantoms.write_phantoms("bone", tmp_path / "pool", counts=COUNTS, progress=False)
    assert pixels(tmp_path / "pool") == pixels(written)

    class Broken:
        def submit(self, *_):
            raise phantoms.BrokenProcessPool

        def shutdown(self, **_):
            pass

    monkeypatch.setattr(phantoms, "_start_pool", lambda workers: Broken())
    phantoms.write_phantoms("bone", tmp_path / "alone", counts=COUNTS, progress=False)
    assert pixels(tmp_path / "alone") == pixels(written)


def test_another_seed_gives_other_pictures_and_replaces_the_folder(bone, written):
    phantoms.write_phantoms("bone", bone, seed=1, counts=COUNTS, progress=False)
    before, after = pixels(written), pixels(bone)
    assert before.keys() == after.keys()
    assert all(before[file] != after[file] for file in before)
    assert sorted(f.name for f in bone.parent.iterdir()) == [".Bone.lock", "Bone"]


def test_writing_again_draws_nothing(bone, monkeypatch):
    monkeypatch.setattr(phantoms, "_write_chunk", lambda *_: pytest.fail("drawn again"))
    phantoms.write_phantoms("bone", bone, counts=COUNTS, progress=False)


@pytest.mark.parametrize("damage", ["missing", "cut", "extra", "version", "manifest"])
def test_incomplete_folders_are_noticed_and_mended(bone, written, damage):
    file, manifest = bone / "train" / "AFF_0002.png", bone / MANIFEST
    if damage == "missing":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:-100])
    elif damage == "extra":
        shutil.copy(file, file.with_name("AFF_0009.png"))
    elif damage == "version":
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": 0}))
    else:
        manifest.write_text(manifest.read_text()[:-30])
    assert not phantoms.is_complete("bone", bone)
    if damage != "manifest":  # without a manifest the files might be anybody's
        phantoms.write_phantoms("bone", bone, counts=COUNTS, progress=False)
        assert pixels(bone) == pixels(written)


def test_an_edited_picture_is_found_and_a_grey_level_is_not_an_edit(bone):
    edited, nudged = bone / "train" / "AFF_0001.png", bone / "train" / "NFF_0001.png"
    image = np.asarray(Image.open(edited)).copy()
    image[:40, :40] = 255 - image[:40, :40]
    Image.fromarray(image).save(edited)
    image = np.asarray(Image.open(nudged)).astype(int)
    Image.fromarray(np.clip(image + 1, 0, 255).astype(np.uint8)).save(nudged)
    (bone / "test" / "NFF_0001.png").write_bytes(b"not a picture")
    assert phantoms.find_damaged(bone) == ["train/AFF_0001.png", "test/NFF_0001.png"]


def test_a_folder_without_manifest_cannot_be_checked(tmp_path):
    with pytest.raises(DataError, match=r"phantoms\.json"):
        phantoms.find_damaged(tmp_path)


def test_files_of_others_are_never_replaced(tmp_path):
    theirs = tmp_path / "Bone" / "train" / "AFF_0001.jpg"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"x")
    with pytest.raises(DataError, match="not phantoms"):
        phantoms.write_phantoms("bone", tmp_path / "Bone", counts=COUNTS, progress=False)
    assert theirs.read_bytes() == b"x"


@pytest.mark.parametrize(
    ("code", "words"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "no permission"), (errno.EIO, "Mend")]
)
def test_trouble_with_the_disk_is_said_in_a_sentence_and_leaves_nothing(tmp_path, monkeypatch, code, words):
    def fail(*_):
        raise OSError(code, "trouble")

    monkeypatch.setattr(phantoms, "_start_pool", lambda workers: None)
    monkeypatch.setattr(phantoms, "_write_chunk", fail)
    with pytest.raises(DataError, match=f"Bone phantoms cannot be written to .*Bone.*{words}"):
        phantoms.write_phantoms("bone", tmp_path / "Bone", counts=COUNTS, progress=False)
    assert [f.name for f in tmp_path.iterdir()] == [".Bone.lock"]


def test_interrupt_leaves_no_half_folder_and_keeps_the_old_one(bone, written, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(phantoms, "_start_pool", lambda workers: None)
    monkeypatch.setattr(phantoms, "_write_chunk", interrupt)
    with pytest.raises(KeyboardInterrupt):
        phantoms.write_phantoms("bone", bone, seed=1, counts=COUNTS, progress=False)
    assert pixels(bone) == pixels(written)
    assert sorted(f.name for f in bone.parent.iterdir()) == [".Bone.lock", "Bone"]


def test_two_writers_at_once_both_end_well(tmp_path, written):
    def write(_):
        phantoms.write_phantoms("bone", tmp_path / "Bone", counts=COUNTS, progress=False)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(2)))
    assert pixels(tmp_path / "Bone") == pixels(written)


def test_workers_do_not_run_the_script_again(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "print('once')\n"
        "from pathlib import Path\n"
        "from labutils.phantoms import write as phantoms\n"
        "phantoms._cores, phantoms._CHUNK = (lambda: 2), 2\n"
        f"phantoms.write_phantoms('bone', Path({str(tmp_path / 'Bone')!r}), counts={COUNTS}, progress=False)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "once\n", "")
    assert phantoms.is_complete("bone", tmp_path / "Bone")
