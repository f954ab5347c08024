"""What the tests share; threads and progress bars are set for every check in the conftest.py above."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

SLOW = (
    "test_tools_missing",
    "test_training_train",
    "test_planted_faults",
    "test_tools_machines",
    "test_course_exercises_built",
    "test_training_verify",
    "test_training_workers",
    "test_tools_report",
    "test_tools_execution",
)
"""Files that train or wait, the dearest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest goes first, so that no worker is left alone with it; `make quick` passes over it."""
    for item in items:
        if item.path.stem in SLOW:
            item.add_marker("slow")
    items.sort(key=lambda item: SLOW.index(item.path.stem) if item.path.stem in SLOW else len(SLOW))


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty results folder for one test."""
    monkeypatch.setenv("LABUTILS_RESULTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list:
    """What a test displays, as in a notebook: dictionaries of data by their kind, and widgets."""
    kept: list = []
    monkeypatch.setattr("IPython.display.display", lambda item, **_: kept.append(item))
    return kept


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who has the notebook open, so that controls can be moved."""
    shell = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=True))
    monkeypatch.setenv("LABUTILS_PROGRESS", "bar")
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What controls have asked the background for; it is done when the test says so."""
    asked: list[Callable[[], None]] = []
    monkeypatch.setattr("labutils.course.widgets.control.background", asked.append)
    return asked


@pytest.fixture
def move() -> Callable[..., dict]:
    """Move the knobs of a widget to other places, as the page does; what is shown then."""

    def moved(widget: Any, **places: int) -> dict:
        widget.state = widget.state | places | {"turn": widget.state["turn"] + 1}
        assert widget.news["turn"] == widget.state["turn"]
        return widget.news

    return moved


@pytest.fixture
def press() -> Callable[..., None]:
    """Press a button of a widget, as the page does."""
    return lambda widget, word: widget._handle_custom_msg({"do": word}, [])


@pytest.fixture
def students_folder(results: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student's folder, in which this runs."""
    folder = results / "mine"
    folder.mkdir()
    monkeypatch.setenv("LABUTILS_MY_LAB", str(folder))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lab of two small notebooks."""
    import nbformat
    from course_helpers import small_notebook

    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("task3", "index"):
        nbformat.write(small_notebook(), folder / f"{name}.ipynb")
    monkeypatch.setattr("labutils.paths.notebooks_dir", lambda: folder)
    return folder
