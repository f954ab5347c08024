"""Other people's machines: paths with spaces and letters, other folders and languages, no kernel, no home."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from helpers import patience, python_path, tiny_config
from notebook_helpers import write
from picture_helpers import write_noise

from labutils import machine, paths
from labutils.data import load_dataset
from labutils.errors import ParameterError
from labutils.runs.store import RunStore
from labutils.tools.execution import execute
from labutils.training import train


@pytest.fixture
def strange(tmp_path, monkeypatch):
    """A folder with a space and letters that are not English, for results too."""
    folder = tmp_path / "Mein Labor (größer) 数据"
    folder.mkdir()
    monkeypatch.setenv("LABUTILS_RESULTS", str(folder / "Ergebnisse"))
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("encoding", [{}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}])
def test_commands_say_what_they_say_in_every_language(strange, encoding):
    """`LANG=C`, once as Python mends it, and once with a terminal that shows plain letters alone."""
    home = {"LC_ALL": "C", "LABUTILS_DATA": str(strange), "PYTHONPATH": python_path(), "LABUTILS_THREADS": "abc"}
    command = [sys.executable, "-c", "from labutils.tools.cli import main; main(['doctor'])"]
    done = subprocess.run(command, env=os.environ | home | encoding, capture_output=True, timeout=patience(20))
    good, bad = ("ok ", "BAD") if encoding else ("✓", "✗")
    lines = done.stdout.decode("ascii" if encoding else "utf-8").splitlines()
    assert all(line.startswith((good, bad, " ")) for line in lines), lines
    assert any(line.startswith(f"{good} stored runs") and "0 readable" in line for line in lines)
    assert any(line.startswith(f"{bad} cores") for line in lines) and b"Traceback" not in done.stderr


def test_a_notebook_runs_from_a_strange_folder_without_kernel_spec_or_home(strange, monkeypatch):
    """VS Code and conda name their kernels otherwise; a home without write permission is one that is a file."""
    (strange / "home").write_text("no folder")
    for name, place in (("HOME", "home"), ("JUPYTER_PATH", "nothing"), ("IPYTHONDIR", "ipython")):
        monkeypatch.setenv(name, str(strange / place))
    notebook = write(strange, "import labutils.plots\nfrom labutils import paths\nprint(paths.results_dir().name, a)")
    content = nbformat.read(notebook, as_version=4)
    content.metadata["kernelspec"] = {"name": ".venv", "display_name": ".venv (3.11)", "language": "python"}
    nbformat.write(content, notebook)
    heard = []
    done = execute(notebook, {"a": 3}, output=strange / "out" / "fertig.ipynb", show=heard.append)
    assert done.error == "" and heard[-1] == "Ergebnisse 3"


def test_a_strange_folder_of_images_and_results_trains(strange, monkeypatch):
    write_noise(strange / "Bilder der Klinik" / "Skin", splits=("train", "validation"), count=5, suffix="größer.png")
    monkeypatch.setenv("LABUTILS_DATA", str(strange / "Bilder der Klinik"))
    monkeypatch.setattr(paths, "generated_dir", lambda: strange / "geschrieben")
    run = train(tiny_config(epochs=1), load_dataset("skin", 32))
    assert run.source == "course" and [found.epochs for found in RunStore().all()] == [1]
    assert json.loads(next((strange / "Ergebnisse" / "runs").glob("*/config.json")).read_text())["dataset"] == "skin"


def test_the_readme_lists_every_environment_variable():
    text = (paths.ROOT / "README.md").read_text(encoding="utf-8")
    code = "".join(Path(module.__file__).read_text(encoding="utf-8") for module in (machine, paths))
    listed = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE))
    assert set(re.findall(r'"(LABUTILS_\w+|KERAS_BACKEND)"', code)) == {*listed} and len(listed) == 7
    for name, words in machine.CHOICES.items():
        assert all(word in listed[name] for word in words)


@pytest.mark.parametrize(
    ("name", "value", "ask"),
    [
        ("LABUTILS_RESULTS", "x" * 300, paths.results_dir),
        ("LABUTILS_RESULTS", "~nobody-here/results", paths.results_dir),
        ("LABUTILS_DATA", "x" * 300, paths.data_dir),
        ("LABUTILS_MY_LAB", "~nobody-here", paths.my_lab_dir),
        ("LABUTILS_THREADS", "9" * 5000, machine.threads),
    ],
)
def test_a_variable_that_cannot_be_used_is_one_sentence(monkeypatch, name, value, ask):
    monkeypatch.setenv(name, value)
    says = rf"{name} is '.{{20,60}}.*: (set it to a folder|it must be a whole number)"
    with pytest.raises(ParameterError, match=says):
        ask()
