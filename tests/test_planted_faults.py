"""A test that cannot fail is no test: faults planted in a copy of the repository must turn a check red."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import patience

from labutils import lab, paths
from labutils.data import load_dataset
from labutils.runs.store import RunStore

FOLDERS = ("labutils", "tests", "notebooks", "results")
FILES = ("pyproject.toml", "conftest.py", "README.md")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A copy of what the checks look at; the phantoms are lent, not copied."""
    load_dataset("skin", progress=False)
    copy = tmp_path_factory.mktemp("repository")
    for folder in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", "checkpoint", ".*", "*.png")
        shutil.copytree(paths.ROOT / folder, copy / folder, ignore=ignored)
    for file in FILES:
        shutil.copy(paths.ROOT / file, copy / file)
    (copy / "data").mkdir()
    for part in ("phantoms", "cache"):
        (copy / "data" / part).symlink_to(paths.ROOT / "data" / part)
    return copy


@pytest.fixture
def plant(original):
    """Change one file of the copy by a regular expression; it is put back afterwards."""
    changed: list[tuple[Path, str]] = []

    def change(name: str, pattern: str, replacement: str) -> None:
        file = next(iter(sorted(original.glob(name))), None)
        assert file is not None, f"nothing is called {name}"
        before = file.read_text(encoding="utf-8")
        after, n = re.subn(pattern, replacement, before, count=1, flags=re.S)
        assert n == 1 and after != before, f"the fault was not planted in {file.name}"
        file.write_text(after, encoding="utf-8")
        changed.append((file, before))

    yield change
    for file, before in changed:
        file.write_text(before, encoding="utf-8")


def check(copy, *arguments):
    """The exit status of a check in the copy: 0 green, 1 red."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider", *arguments]
    environment |= {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=patience(60))
    assert done.returncode in (0, 1), done.stdout[-2000:] + done.stderr[-2000:]
    return done.returncode


PAIRS = ("tests/test_notebooks.py", "pair_agrees or default_parameters")
FAULTS = {
    "an edited cell": ("notebooks/task5a.ipynb", r"plots\.learning_curves", "plots.compare_curves", PAIRS),
    "a changed parameter": ("notebooks/task5a.py", r"lr: float = 1e-4", "lr: float = 1e-3", PAIRS),
    "a changed block order": (
        "labutils/models.py",
        r"(            if batch_norm:\n.*?\n)(            x = layers\.ReLU.*?\n)",
        r"\2\1",
        ("tests/test_models.py", "order"),
    ),
    "swapped labels": (
        "labutils/data/layouts.py",
        r'"Skin", "Mel", "Nev"',
        '"Skin", "Nev", "Mel"',
        ("tests/test_data_layouts.py", "flat or folder"),
    ),
}


def test_without_a_fault_the_checks_are_green(original):
    files, words = zip(*{check for *_, check in FAULTS.values()}, strict=True)
    assert check(original, *files, "-k", " or ".join(words)) == 0


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(original, plant, fault):
    name, pattern, replacement, (file, words) = FAULTS[fault]
    plant(name, pattern, replacement)
    assert check(original, file, "-k", words) == 1


def test_a_changed_stored_number(original, plant):
    """In a notebook that trains no network of its own."""
    fingerprint = load_dataset("skin", source="phantom").fingerprint
    run = RunStore().find(lab.runs("task3")["Skin"], fingerprint)
    assert run is not None and run.path is not None
    nbval = ("--nbval", "notebooks/task3.ipynb")
    assert check(original, *nbval) == 0
    plant(f"results/runs/{run.path.name}/history.csv", r"(\n5,[^,]+,[^,]+,)[^,]+,", r"\g<1>0.1234,")
    assert check(original, *nbval) == 1


def test_a_cell_that_cannot_be_run_again(original, plant):
    once = r'"assert \\"ran\\" not in globals()\\n",\n"ran = True\\n",\n\g<0>'
    plant("notebooks/index.ipynb", r'"course\.progress\(\)"', once)
    nbval = ("--nbval", "notebooks/index.ipynb")
    assert check(original, *nbval, "-k", "not again") == 0
    assert check(original, *nbval) == 1


def test_the_mutants_find_what_they_change():
    faults = runpy.run_path(str(paths.ROOT / "benchmarks" / "mutants.py"))["FAULTS"]
    texts = {fault.name: (paths.ROOT / "labutils" / fault.module).read_text(encoding="utf-8") for fault in faults}
    assert [fault.name for fault in faults if texts[fault.name].count(fault.old) != 1] == []
