"""Bars are for people who look on: never in what a program executes, whatever is on the disk."""

import sys
from types import SimpleNamespace

import pytest

from labutils import progress


def kernel(answers_input):
    """IPython as seen in a kernel whose front end can, or cannot, answer input()."""
    return SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=answers_input)))


@pytest.mark.parametrize(
    ("said", "notebook", "terminal", "how"),
    [
        ("", kernel(True), False, "bar"),
        ("", kernel(False), True, "none"),
        ("", None, True, "bar"),
        ("", None, False, "none"),
        ("bar", kernel(False), False, "bar"),
        ("log", kernel(True), True, "log"),
        ("none", kernel(True), True, "none"),
    ],
)
def test_bars_are_for_people_unless_the_environment_says_otherwise(monkeypatch, said, notebook, terminal, how):
    monkeypatch.setenv("LABUTILS_PROGRESS", said)
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: terminal))
    assert progress.how_to_show() == how


@pytest.mark.parametrize(("how", "asked", "shown"), [("bar", True, True), ("bar", False, False), ("none", True, False)])
def test_a_bar_shows_nothing_unless_both_want_it(monkeypatch, capsys, how, asked, shown):
    monkeypatch.setenv("LABUTILS_PROGRESS", how)
    with progress.bar(asked, total=3, desc="Drawing") as drawn:
        drawn.update(3)
    assert ("Drawing" in "".join(capsys.readouterr())) == shown
