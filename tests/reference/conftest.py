"""The quick live copies train: each into an empty results folder of its own, and they leave the lab's as it was."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from labutils import paths

RESULTS = tempfile.TemporaryDirectory(prefix="labutils-reference-")
LABS = paths.results_dir()


def _kept() -> set[Path]:
    """What lies among the lab's results, but for the page that `own` writes on one's own images, beside these tests."""
    return {file for file in LABS.rglob("*") if file.relative_to(LABS).parts[0] != "own"}


BEFORE = _kept()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Before a notebook's first cell, and so before its kernel starts, name its folder."""
    with pytest.MonkeyPatch.context() as patch:  # what is compared next may be a notebook with the stored runs
        patch.setenv("LABUTILS_RESULTS", str(Path(RESULTS.name) / item.path.stem))
        return (yield)


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """After its last cell, nothing new may lie among the lab's results."""
    if nextitem is None or nextitem.path != item.path:
        assert _kept() <= BEFORE
