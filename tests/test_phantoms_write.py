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

from labutils import paths
from labutils.errors import DataError
from labutils.phantoms import write as phantoms
from labutils.phantoms.files import MANIFEST, TITLES, VERSIONS, find_damaged, is_complete, list_files, read_manifest

COUNTS = {"train": 6, "validation": 2}


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


def test_layout_and_manifest(written):
    files = sorted(f.relative_to(written).as_posix() for f in written.rglob("*.png"))
    train = [f"train/{c}_{n:04d}.png" for c in ("AFF", "NFF") for n in (1, 2, 3)]
    assert files == sorted([*train, "test/AFF_0001.png", "test/NFF_0001.png"])
    manifest = read_manifest(written)
    recipe = {"name": "bone", "version": VERSIONS["bone"], "seed": phantoms.SEED, "counts": COUNTS}
    assert recipe.items() <= manifest.items()
    assert is_complete("bone", written) and not is_complete("skin", written)
    assert find_damaged(written) == []
    assert manifest["ceiling"] == phantoms.ceiling("bone")
    for address, signs in phantoms.sample_signs("bone", COUNTS):
        assert manifest["files"][address.file]["signs"] == pytest.approx(signs, abs=1e-4)


@pytest.mark.parametrize(("name", "low", "high"), [("skin", 0.93, 0.96), ("bone", 0.95, 0.98)])
def test_ceiling_lies_where_it_was_aimed_at_and_is_told(name, low, high):
    assert low <= phantoms.ceiling(name) <= high
    told = (paths.ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert f"{phantoms.ceiling(name):.3f} of {TITLES[name]}'s" in told


def test_nine_regions_have_neither_signs_nor_a_ceiling_and_share_out_what_nine_does_not_divide():
    assert phantoms.ceiling("x_ray") is None and phantoms.sample_signs("x_ray", COUNTS) == []
    assert phantoms.draw_with_signs("x_ray", "C3", np.random.default_rng(1))[1] == {}
    files = {address.file for address in list_files("x_ray", {"train": 11, "validation": 9})}
    assert len(files) == 20 and "train/C2_0002.png" in files and "train/C3_0002.png" not in files


def test_exam_is_drawn_once_and_shares_no_picture(written, tmp_path, monkeypatch):
    folder, counts = tmp_path / "Bone-exam", {"exam": 4}
    phantoms.write_phantoms("bone", folder, counts, progress=False)
    exam = pixels(folder)
    assert sorted(exam) == [f"exam/{c}_{n:04d}.png" for c in ("AFF", "NFF") for n in (1, 2)]
    assert not set(exam.values()) & set(pixels(written).values())
    assert is_complete("bone", folder)
    monkeypatch.setattr(phantoms, "_write_chunk", lambda *_: pytest.fail("drawn again"))
    phantoms.write_phantoms("bone", folder, counts, progress=False)
    phantoms.write_phantoms("bone", written, counts=COUNTS, progress=False)


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


def test_other_phantoms_replace_the_folder(bone, written):
    phantoms.write_phantoms("bone", bone, counts={"train": 4}, progress=False)
    before, after = pixels(written), pixels(bone)
    assert after == {file: before[file] for file in before if file.startswith("train") and "3.png" not in file}
    assert sorted(f.name for f in bone.parent.iterdir()) == [".Bone.lock", "Bone"]


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
    assert not is_complete("bone", bone)
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
    assert find_damaged(bone) == ["train/AFF_0001.png", "test/NFF_0001.png"]


def test_files_of_others_are_never_replaced(tmp_path):
    theirs = tmp_path / "Bone" / "train" / "AFF_0001.jpg"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"x")
    with pytest.raises(DataError, match="not phantoms"):
        phantoms.write_phantoms("bone", tmp_path / "Bone", counts=COUNTS, progress=False)
    assert theirs.read_bytes() == b"x"


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (OSError(errno.ENOSPC, "trouble"), "Bone phantoms cannot be written to .*Bone.*disk is full"),
        (OSError(errno.EACCES, "trouble"), "no permission"),
        (OSError(errno.EIO, "trouble"), "Mend"),
        (KeyboardInterrupt(), "^$"),
    ],
)
def test_trouble_is_said_in_a_sentence_leaves_no_half_folder_and_keeps_the_old_one(
    bone, written, monkeypatch, trouble, words
):
    monkeypatch.setattr(phantoms, "_start_pool", lambda workers: None)
    monkeypatch.setattr(phantoms, "_write_chunk", lambda *_: (_ for _ in ()).throw(trouble))
    with pytest.raises((DataError, KeyboardInterrupt), match=words):
        phantoms.write_phantoms("bone", bone, counts={"train": 4}, progress=False)
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
        "from labutils import machine\n"
        "from labutils.phantoms import write as phantoms\n"
        "machine.cores, phantoms._CHUNK = (lambda: 2), 2\n"
        f"phantoms.write_phantoms('bone', Path({str(tmp_path / 'Bone')!r}), counts={COUNTS}, progress=False)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "once\n", "")
    assert is_complete("bone", tmp_path / "Bone")
