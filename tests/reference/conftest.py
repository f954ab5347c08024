"""The quick live copies train: each into an empty results folder of its own, so that nothing stored is found."""

import os
import tempfile
from pathlib import Path

import pytest

RESULTS = tempfile.TemporaryDirectory(prefix="labutils-reference-")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before a notebook's first cell, and so before its kernel starts, name its folder."""
    os.environ["LABUTILS_RESULTS"] = str(Path(RESULTS.name) / item.path.stem)
