"""What is shown where: a still picture and its words everywhere, a widget only where somebody can move it."""

import sys
from types import SimpleNamespace

import pytest

from labutils.course.widgets import stage


@pytest.fixture
def shown(monkeypatch):
    kept = []
    monkeypatch.setattr("IPython.display.display", lambda item, **kwargs: kept.append(item))
    return kept


@pytest.mark.parametrize(
    ("kernel", "answers_input", "said", "live"),
    [(True, True, "", True), (True, False, "", False), (True, True, "log", False), (False, True, "bar", False)],
)
def test_only_a_notebook_that_somebody_has_open_is_live(monkeypatch, kernel, answers_input, said, live):
    monkeypatch.setenv("LABUTILS_PROGRESS", said)
    shell = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=answers_input) if kernel else None)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert stage.is_live() is live


def test_without_a_reader_the_widget_is_not_even_made(shown):
    stage.show("first < line\nsecond", "<b>still</b>", lambda: pytest.fail("nobody can move it"))
    (only,) = shown
    assert only["text/plain"] == "first < line\nsecond"
    assert "<b>still</b><p>first &lt; line</p><p>second</p>" in only["text/html"]
    assert "Run this cell to move it" in only["text/html"]


def test_with_a_reader_the_widget_comes_after_the_still_picture(shown, monkeypatch):
    monkeypatch.setattr(stage, "is_live", lambda: True)
    marks = []
    stage.show("words", "", lambda: SimpleNamespace(add_class=marks.append))
    assert len(shown) == 2 and marks == ["labutils-live"]
