"""Bars are for people who look on: never in what a program executes, whatever is on the disk."""

import sys
from types import SimpleNamespace

import pytest

from labutils import progress


@pytest.fixture
def nothing_said(monkeypatch):
    monkeypatch.delenv("LABUTILS_PROGRESS", raising=False)


def kernel(answers_input):
    """IPython as seen in a kernel whose front end can, or cannot, answer input()."""
    return SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=answers_input)))


@pytest.mark.parametrize(("person", "how"), [(True, "bar"), (False, "none")])
def test_a_notebook_shows_bars_to_a_person_and_none_to_a_program(nothing_said, monkeypatch, person, how):
    monkeypatch.setitem(sys.modules, "IPython", kernel(person))
    assert progress.how_to_show() == how


@pytest.mark.parametrize(("terminal", "how"), [(True, "bar"), (False, "none")])
def test_outside_of_notebooks_a_terminal_shows_bars(nothing_said, monkeypatch, terminal, how):
    monkeypatch.setitem(sys.modules, "IPython", None)
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: terminal))
    assert progress.how_to_show() == how


@pytest.mark.parametrize("how", ["bar", "log", "none"])
def test_what_the_environment_says_counts(monkeypatch, how):
    monkeypatch.setenv("LABUTILS_PROGRESS", how)
    for person in (True, False):
        monkeypatch.setitem(sys.modules, "IPython", kernel(person))
        assert progress.how_to_show() == how


@pytest.mark.parametrize(("how", "asked", "shown"), [("bar", True, True), ("bar", False, False), ("none", True, False)])
def test_a_bar_shows_nothing_unless_both_want_it(monkeypatch, capsys, how, asked, shown):
    monkeypatch.setenv("LABUTILS_PROGRESS", how)
    with progress.bar(asked, total=3, desc="Drawing") as drawn:
        drawn.update(3)
    assert ("Drawing" in "".join(capsys.readouterr())) == shown
