"""Other people's machines: paths with spaces and letters, other folders and languages, no kernel, no home."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from helpers import TESTS, patience
from notebook_helpers import write

from labutils import machine, paths
from labutils.errors import ParameterError
from labutils.tools.execution import execute

LABUTILS = [sys.executable, "-c", "from labutils.tools.cli import main; main(prog_name='labutils')"]


def labutils(*arguments, cwd, **environment):
    """What the command prints in a process of its own, from another folder and with another environment."""
    done = subprocess.run(
        [*LABUTILS, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(TESTS.parent), **environment},
        capture_output=True,
        timeout=patience(20),
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
    return done


@pytest.fixture
def strange(tmp_path):
    """A folder with a space and letters that are not English."""
    folder = tmp_path / "Mein Labor (größer) 数据"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("encoding", [{}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}])
def test_commands_say_what_they_say_in_every_language(strange, encoding):
    """`LANG=C`, once as Python mends it, and once with a terminal that shows plain letters alone."""
    home = {"LC_ALL": "C", "LABUTILS_RESULTS": str(strange / "Ergebnisse"), "LABUTILS_DATA": str(strange), **encoding}
    done = labutils("doctor", cwd=strange, **home)
    good, bad = ("ok ", "BAD") if encoding else ("✓", "✗")
    lines = done.stdout.decode("utf-8").splitlines()
    assert all(line.startswith((good, bad, " ")) for line in lines), lines
    assert any(line.startswith(f"{good} stored runs") and "0 readable" in line for line in lines)


def test_a_notebook_runs_from_a_strange_folder_without_kernel_spec_or_home(strange, monkeypatch):
    """VS Code and conda name their kernels otherwise; a home without write permission is one that is a file."""
    home = strange / "home"
    home.write_text("no folder")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("JUPYTER_PATH", str(strange / "nothing"))
    monkeypatch.setenv("IPYTHONDIR", str(strange / "ipython"))
    monkeypatch.setenv("LABUTILS_RESULTS", str(strange / "Ergebnisse"))
    monkeypatch.chdir(strange)
    source = "import labutils.plots\nfrom labutils import paths\nprint(paths.results_dir().name, a)"
    notebook = write(strange, source)
    content = nbformat.read(notebook, as_version=4)
    content.metadata["kernelspec"] = {"name": ".venv", "display_name": ".venv (3.11)", "language": "python"}
    nbformat.write(content, notebook)
    heard = []
    done = execute(notebook, {"a": 3}, output=strange / "out" / "fertig.ipynb", show=heard.append)
    assert done.error == "" and heard[-1] == "Ergebnisse 3"


def test_a_strange_folder_of_images_and_results_trains(strange, monkeypatch):
    from helpers import tiny_config
    from PIL import Image

    from labutils.data import load_dataset
    from labutils.runs.store import RunStore
    from labutils.training import train

    for split, n in (("train", 6), ("validation", 3)):
        for word in ("Mel", "Nev"):
            folder = strange / "Bilder der Klinik" / "Skin" / split / word
            folder.mkdir(parents=True)
            for i in range(n):
                Image.new("L", (40, 40), 20 * i + len(split)).save(folder / f"Läsion {i}.png")
    monkeypatch.setenv("LABUTILS_DATA", str(strange / "Bilder der Klinik"))
    monkeypatch.setenv("LABUTILS_RESULTS", str(strange / "Ergebnisse"))
    monkeypatch.setattr(paths, "generated_dir", lambda: strange / "geschrieben")
    skin = load_dataset("skin", 32)
    run = train(tiny_config(epochs=1), skin)
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
    with pytest.raises(
        ParameterError, match=rf"{name} is '.{{20,60}}.*: (set it to a folder|it must be a whole number)"
    ):
        ask()
