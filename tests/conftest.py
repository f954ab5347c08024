"""What every test may rely on: one thread, no progress bars, and never the repository's own results."""

import os
from pathlib import Path

import pytest

# Before anything imports TensorFlow: results depend on the number of threads, and so do repeated tests.
os.environ["LABUTILS_THREADS"] = "1"
os.environ["LABUTILS_PROGRESS"] = "none"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty results folder for one test."""
    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path))
    return tmp_path
