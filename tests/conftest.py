"""What the tests share; threads and progress bars are set for every check in the conftest.py above."""

from pathlib import Path

import pytest


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty results folder for one test."""
    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def students_folder(results: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student's folder, in which this runs."""
    folder = results / "mine"
    folder.mkdir()
    monkeypatch.setenv("LABUTILS_MY_LAB", str(folder))
    monkeypatch.chdir(folder)
    return folder
