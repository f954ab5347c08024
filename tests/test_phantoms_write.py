"""Phantoms: the same pictures every time, complete or absent on disk, and damage that is noticed."""

import errno
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from labutils import paths
from labutils.errors import DataError
from labutils.phantoms import write as phantoms
from labutils.phantoms.files import MANIFEST, TITLES, VERSIONS, find_damaged, is_complete, list_files, read_manifest

COUNTS = {"train": 6, "validation": 2}


def write(folder, counts=COUNTS):
    phantoms.write_phantoms("bone", folder, counts, progress=False)
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(tmp_path_factory.mktemp("written") / "Bone")


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
    folder = write(tmp_path / "Bone-exam", {"exam": 4})
    exam = pixels(folder)
    assert sorted(exam) == [f"exam/{c}_{n:04d}.png" for c in ("AFF", "NFF") for n in (1, 2)]
    assert not set(exam.values()) & set(pixels(written).values())
    assert is_complete("bone", folder)
    monkeypatch.setattr(phantoms, "_write_chunk", lambda *_: pytest.fail("drawn again"))
    write(folder, {"exam": 4})
    write(written)


def test_workers_give_the_same_files_and_are_done_without_when_they_die(written, tmp_path, monkeypatch):
    monkeypatch.setattr(phantoms, "_CHUNK", 4)
    monkeypatch.setattr("labutils.machine.cores", lambda: 2)
    assert pixels(write(tmp_path / "pool")) == pixels(written)

    broken = Mock(submit=Mock(side_effect=phantoms.BrokenProcessPool))
    monkeypatch.setattr(phantoms, "_start_pool", lambda workers: broken)
    assert pixels(write(tmp_path / "alone")) == pixels(written)


def test_other_phantoms_replace_the_folder(bone, written):
    before, after = pixels(written), pixels(write(bone, {"train": 4}))
    assert after == {file: before[file] for file in before if file.startswith("train") and "3.png" not in file}
    assert sorted(f.name for f in bone.parent.iterdir()) == [".Bone.lock", "Bone"]


def cut(file):
    file.write_bytes(file.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("harmed", "harm"),
    [
        ("train/AFF_0002.png", Path.unlink),
        ("train/AFF_0002.png", cut),
        ("train/AFF_0002.png", lambda file: shutil.copy(file, file.with_name("AFF_0009.png"))),
        (MANIFEST, lambda file: file.write_text(json.dumps({**json.loads(file.read_text()), "version": 0}))),
        (MANIFEST, cut),
    ],
)
def test_incomplete_folders_are_noticed_and_mended(bone, written, harmed, harm):
    harm(bone / harmed)
    assert not is_complete("bone", bone)
    if (harmed, harm) != (MANIFEST, cut):  # without a manifest the files might be anybody's
        assert pixels(write(bone)) == pixels(written)


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
        write(tmp_path / "Bone")
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
        write(bone, {"train": 4})
    assert pixels(bone) == pixels(written)
    assert sorted(f.name for f in bone.parent.iterdir()) == [".Bone.lock", "Bone"]


def test_two_writers_at_once_both_end_well(tmp_path, written):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, [tmp_path / "Bone"] * 2))
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
