"""Committed notebooks are made from their scripts, and nothing of the execution gets into them."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from labutils import lab, paths
from labutils.tools.cli.commands import QUICK
from labutils.tools.execution import build

SCRIPT = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Title

# %% tags=["parameters"]
n_epoch: int = 3  # epochs

# %%
print(n_epoch)

# %% tags=["nbval-ignore-output"]
from ipywidgets import IntSlider

IntSlider(2, 1, 3)
"""


def script(tmp_path, text=SCRIPT):
    file = tmp_path / "small.py"
    file.write_text(text, encoding="utf-8")
    return file


def test_outputs_are_carried_over_and_nothing_else(tmp_path):
    assert build.build(script(tmp_path)) == ""
    notebook = nbformat.read(tmp_path / "small.ipynb", as_version=4)
    assert notebook.cells[2].outputs[0].text == "3\n"
    assert [cell.id for cell in notebook.cells] == ["cell-00", "cell-01", "cell-02", "cell-03"]
    assert "widgets" not in notebook.metadata and "papermill" not in notebook.metadata
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)
    assert all("widget-view" not in str(cell.get("outputs")) for cell in notebook.cells)


def test_building_twice_changes_nothing_but_the_time_taken(tmp_path):
    file = script(tmp_path)
    built = []
    for _ in range(2):
        build.build(file)
        built.append(nbformat.read(file.with_suffix(".ipynb"), as_version=4))
        took = built[-1].metadata.pop("labutils")
        assert took == {"seconds": build.seconds_taken(file.with_suffix(".ipynb"))} and took["seconds"] in range(1, 600)
    assert built[0] == built[1]
    assert build.seconds_taken(file) is None and build.seconds_taken(tmp_path / "none.ipynb") is None


def test_a_failing_script_leaves_the_notebook_as_it_was(tmp_path):
    file = script(tmp_path)
    build.build(file)
    before = file.with_suffix(".ipynb").read_bytes()
    script(tmp_path, SCRIPT.replace("print(n_epoch)", "print(nothing)"))
    assert "NameError" in build.build(file)
    assert file.with_suffix(".ipynb").read_bytes() == before


def test_a_reference_is_of_the_script_with_what_was_injected_and_no_pictures(tmp_path):
    file = script(tmp_path)
    build.build(file)
    script(tmp_path, SCRIPT.replace("print(n_epoch)", "from matplotlib import pyplot\nprint('new')\npyplot.plot([1])"))
    assert build.build_reference(file, tmp_path / "reference") == ""
    notebook = nbformat.read(tmp_path / "reference" / "small.ipynb", as_version=4)
    assert "n_epoch = 2" in notebook.cells[2].source
    outputs = str([cell.get("outputs") for cell in notebook.cells])
    assert "new" in outputs and "<Figure size" in outputs and "image/png" not in outputs


def test_quick_settings_are_known_to_every_training_notebook():
    common = {name for name in build.QUICK if name not in ("seeds", "n_trial")}
    for script in build.scripts():
        if script.stem == "own":  # the cost decides there, and nothing is left out for being the lab's
            assert common - {"train_missing"} <= set(build.parameters_for(script))
        elif script.stem not in ("index", "task7"):
            assert common <= set(build.parameters_for(script)), script.stem
    assert QUICK["source"] == "phantom"


@pytest.fixture
def strays(tmp_path):
    """A lab of one task, in whose folder somebody has typed `papermill task7.ipynb out.ipynb` and opened the result."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("conftest.py", "pyproject.toml", ".gitignore"):
        shutil.copy(paths.ROOT / name, tmp_path)
    for ending in ("py", "ipynb"):
        shutil.copy(paths.notebooks_dir() / f"task7.{ending}", folder)
        shutil.copy(paths.notebooks_dir() / f"task7.{ending}", folder / f"out.{ending}")
    return folder


def test_strays_in_the_folder_are_no_tasks(strays, monkeypatch):
    monkeypatch.setattr(paths, "notebooks_dir", lambda: strays)
    assert [script.name for script in build.scripts()] == ["task7.py"]
    assert lab.all_tasks() == ["task7"]


def test_strays_in_the_folder_are_not_compared(strays):
    command = [sys.executable, "-m", "pytest", "--nbval", "--collect-only", "-q", "-p", "no:cacheprovider", "notebooks"]
    environment = os.environ | {"PYTHONPATH": str(paths.ROOT)}
    said = subprocess.run(command, cwd=strays.parent, env=environment, capture_output=True, text=True).stdout
    assert "task7.ipynb" in said and "out.ipynb" not in said, said


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_git_sees_no_strays(strays):
    subprocess.run(["git", "init", "-q"], cwd=strays.parent, check=True)
    listed = subprocess.run(["git", "ls-files", "--others", "--exclude-standard"], cwd=strays, capture_output=True)
    assert listed.stdout.decode().split() == ["task7.ipynb", "task7.py"]
