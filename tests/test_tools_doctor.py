"""What `labutils doctor` finds, and what it says to type."""

import errno
import json
import shutil
import sys
import tempfile
from importlib.metadata import version

import pytest
from helpers import store_run
from picture_helpers import write_noise

from labutils import machine, paths
from labutils.tools import doctor


def look(name):
    """What is found, and what to do about it."""
    return doctor.looks()[name]()


def crosses():
    return {check.name: f"{check.found}: {check.remedy}" for check in doctor.examine() if check.remedy}


def test_pins_are_read_past_comments_hashes_and_markers(tmp_path, monkeypatch):
    there, hashes = version("numpy"), " \\\n    --hash=sha256:0123456789abcdef"
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    good = f"# made by uv\nnumpy=={there}{hashes}\nnot-there==1.0 ; sys_platform == 'elsewhere'{hashes}\n-e .\n"
    (tmp_path / "requirements.txt").write_text(good)
    assert look("packages") == ("1 as pinned in requirements.txt", "")
    (tmp_path / "requirements.txt").write_text(f"numpy==0.1{hashes}\nnot-there==1.0{hashes}\n")
    found = f"2 differ: numpy {there}, not-there missing"
    assert look("packages") == (found, "pip install -r requirements.txt")


def test_damaged_runs_are_counted_and_one_is_named(results):
    place = [store_run(results / "runs", seed=seed) for seed in range(3)][-1]
    assert look("stored runs") == ("3 readable", "")
    (place / "history.csv").write_text("nonsense")
    assert look("stored runs") == ("2 readable, 1 damaged", f"labutils runs rm {place.name}")


def test_a_full_disk_and_little_memory_have_a_remedy(monkeypatch):
    monkeypatch.setattr(doctor, "SMALLEST_DISK", 10.0**9)
    assert look("disk")[1] == "make room"
    for memory, words, remedy in ((2_000_000_000, "2.0 GB", True), (None, "memory unknown", False)):
        monkeypatch.setattr(machine, "memory", lambda memory=memory: memory)
        found = look("cores")
        assert words in found[0] and bool(found[1]) == remedy


@pytest.mark.parametrize(
    ("name", "value", "check", "words"),
    [
        ("KERAS_BACKEND", "abacus", "backend", "must be tensorflow, jax or torch"),
        ("KERAS_BACKEND", "torch", "backend", "torch is not installed here: pip install torch"),
        ("LABUTILS_THREADS", "abc", "cores", "must be a whole number from 1"),
        ("LABUTILS_PRECISION", "float8", "precision", "must be auto, float32 or bfloat16"),
        ("LABUTILS_PRECISION", "bfloat16", "precision", "unset LABUTILS_PRECISION"),
        ("LABUTILS_DATA", "/nowhere", "images", "which is not a folder"),
        ("LABUTILS_RESULTS", __file__, "results", "which is a file"),
    ],
)
def test_what_stops_every_training_is_a_cross_with_what_to_type(monkeypatch, name, value, check, words):
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(machine, "bfloat16_units", lambda: False)
    monkeypatch.setattr(machine, "find_spec", lambda name: True if name == "tensorflow" else None)
    assert words in crosses()[check]


def test_a_keras_json_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert look("keras.json") == ("nothing unusual", "")
    file = tmp_path / "keras.json"
    file.write_text('{"floatx": "float16", "image_data_format": "channels_last"}')
    assert look("keras.json") == ("says floatx float16; the lab does not follow it", "")
    file.write_text('{"floatx": 16}')
    assert f"Remove {file}" in crosses()["keras.json"]


def test_a_look_that_fails_is_a_cross_and_keeps_no_other(monkeypatch):
    def breaks():
        raise TypeError("nobody foresaw this\nnor that")

    monkeypatch.setattr(machine, "processor", breaks)
    assert crosses()["devices"].startswith("could not be looked at (nobody foresaw this): ")
    assert len(doctor.examine()) > 10


def test_a_kernel_of_another_python_has_a_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    (tmp_path / "kernels" / "python3").mkdir(parents=True)
    for program, good in (("python", 1), (sys.executable, 1), ("/gone/bin/python", 0), (shutil.which("sh"), 0)):
        spec = {"argv": [program, "-m", "ipykernel_launcher"], "display_name": "x", "language": "python"}
        (tmp_path / "kernels" / "python3" / "kernel.json").write_text(json.dumps(spec))
        remedy = look("kernelspec")[1]
        assert remedy == "" if good else remedy.endswith("-m ipykernel install --sys-prefix"), program


def test_images_are_counted_by_class_and_what_is_none_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("LABUTILS_DATA", str(tmp_path))
    chest = tmp_path / "Chest"
    write_noise(chest, ("Sick", "Well"), ("train", "validation"), {"train": 4, "validation": 2})
    write_noise(chest, ("Well",), ("train",), 5, change=lambda _, pixels: pixels[:30])
    found = "course data; 9 training (4 Sick, 5 Well); 4 validation (2 Sick, 2 Well); 36x40 pixels and 1 other sizes, L"
    assert look("images of Chest") == (found, "")
    (chest / "train" / "Sick" / "1.png").write_text("a text")
    assert look("images of Chest") == (f"{found}; no images: Sick/1.png", "labutils data audit chest")


def test_results_that_nobody_may_write_to_have_a_remedy(tmp_path, monkeypatch):
    def refuse(**_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path / "new" / "results"))
    assert look("results") == ("new/results writable", "")
    assert not (tmp_path / "new").exists(), "looking makes nothing"
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    found, remedy = look("results")
    assert found == "new/results not writable (read-only file system)" and "LABUTILS_RESULTS" in remedy


def test_the_table_has_a_row_for_every_check_and_a_dash_where_nothing_is_to_do(monkeypatch):
    found = {"disk": ("enough", ""), "images": ("none", "draw them")}
    monkeypatch.setattr(doctor, "looks", lambda: {name: lambda name=name: found[name] for name in found})
    table = doctor.table()
    assert table["to do"].tolist() == ["-", "draw them"] and table.index.tolist() == ["disk", "images"]


@pytest.mark.parametrize(
    ("kind", "metal", "says", "remedy"),
    [
        ("arm64", None, "Apple silicon", ""),
        ("x86_64", None, "Apple M3", "a Python for Apple silicon"),
        ("arm64", "1.2.0", "tensorflow-metal 1.2.0", "pip uninstall tensorflow-metal"),
    ],
)
def test_a_mac_is_told_what_is_wrong_with_it(monkeypatch, kind, metal, says, remedy):
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("platform.machine", lambda: kind)
    monkeypatch.setattr(machine, "processor", lambda: "Apple M3, 8 cores")
    if metal:
        monkeypatch.setattr(doctor, "version", lambda name: metal if name == "tensorflow-metal" else version(name))
    found, to_do = look("backend" if metal else "devices")
    assert says in found and remedy in to_do and bool(remedy) == bool(to_do)
