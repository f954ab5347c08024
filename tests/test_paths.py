"""Where things lie, and how their places are told to people."""

import os
import shutil
import subprocess
import sys
import unicodedata

import pytest

from labutils import paths


def test_results_and_data_follow_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path / "mine"))
    monkeypatch.setenv("LABUTILS_DATA", str(tmp_path))
    assert paths.results_dir() == tmp_path / "mine" and paths.data_dir() == tmp_path
    assert paths.generated_dir() == paths.ROOT / "data", "what the package writes stays out of somebody's folder"
    monkeypatch.delenv("LABUTILS_RESULTS")
    monkeypatch.delenv("LABUTILS_DATA")
    assert paths.results_dir() == paths.ROOT / "results" and paths.data_dir() == paths.ROOT / "data"


def test_places_are_told_without_the_folders_of_this_machine(tmp_path):
    assert paths.short(paths.ROOT / "results" / "runs") == "results/runs"
    assert paths.short(tmp_path / "a" / "b.csv") == "a/b.csv"
    link = tmp_path / "link.jpg"
    link.symlink_to(tmp_path / "gone.jpg")
    assert paths.shown(link).endswith("/link.jpg"), "the link that leads nowhere, not what it leads to"


def test_a_package_that_is_installed_alone_takes_the_folder_with_the_notebooks(tmp_path):
    installed, lab = tmp_path / "site-packages", tmp_path / "lab"
    shutil.copytree(paths.ROOT / "labutils", installed / "labutils", ignore=shutil.ignore_patterns("__pycache__"))
    (lab / "notebooks").mkdir(parents=True)
    code = "from labutils import lab, paths; print(paths.ROOT); lab.find_notebook('task1b')"
    options = {"capture_output": True, "text": True, "env": os.environ | {"PYTHONPATH": str(installed)}}

    def at(folder):
        return subprocess.run([sys.executable, "-c", code], cwd=folder, **options)

    assert at(lab).stdout.strip() == str(lab) and "-lab.zip, and type the same" in at(lab).stderr
    for name in ("index", "task1b"):
        (lab / "notebooks" / f"{name}.ipynb").touch()
    found = at(lab / "notebooks")
    assert (found.stdout.strip(), found.returncode) == (str(lab), 0), found.stderr


NAMES = {"Chest 2024": "chest_2024", "chest-xray": "chest_xray", "X-Ray": "x_ray", "हड्डी 2": "हड्डी_2", "骨": "骨"}
NAMES |= {
    "🩻 Chest": "🩻_chest",
    "Chest 🩻": "chest_🩻",
    "🦴": "🦴",
    "👩\u200d⚕\ufe0f": "👩\u200d⚕",
    "👩\u200d⚕": "👩\u200d⚕",
}
NAMES |= {"⚕🏽 set_": "⚕🏽_set", unicodedata.normalize("NFD", "Läsion"): "läsion", "x" * 192: "x" * 192}
NONE = ("", "_chest", ".chest", "chest.", "chest ", "..", "a/b", "a\\b", "a+b", "a^b", "a\x1bb", "a\u202eb", "a\udce4b")


@pytest.mark.parametrize(("typed", "name"), [*NAMES.items(), *((typed, None) for typed in (*NONE, "x" * 193, 3))])
def test_names_of_data_sets(typed, name):
    assert paths.dataset_name(typed) == name
