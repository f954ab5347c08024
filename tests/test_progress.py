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


METRICS = {"loss": 0.5, "accuracy": 0.8, "val_loss": 0.6123, "val_accuracy": 0.75}


def test_a_log_gets_ten_lines_at_most_and_none_where_nothing_is_to_be_shown(monkeypatch, capsys):
    monkeypatch.setenv("LABUTILS_PROGRESS", "log")
    for show in (True, False):
        with progress.Progress("run", 5, 105, 4, show=show) as shown:
            for epoch in range(5, 105):
                shown.steps(4)
                shown.epoch(epoch + 1, METRICS)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0] == "run: epoch 15/105, loss 0.500, accuracy 0.800, val_loss 0.612, val_accuracy 0.750, 0 s left"
    assert lines[-1].startswith("run: epoch 105/105")


def test_a_bar_says_where_it_is(monkeypatch, capsys):
    monkeypatch.setenv("LABUTILS_PROGRESS", "bar")
    with progress.Progress("run", 0, 2, 4) as shown:
        shown.steps(3)
        shown.steps(4)
        shown.epoch(1, METRICS)
        assert shown.bar.n == 4
        shown.steps(1)
        shown.bar.refresh()
        words = str(shown.bar)
    assert words.startswith("run 1/2:  62%|")
    assert " left, loss 0.500, accuracy 0.800, val_loss 0.612, val_accuracy 0.750" in words


def test_durations_are_said_as_people_say_them():
    assert [progress.minutes(s) for s in (0.4, 42, 89, 700, 9000)] == ["0 s", "42 s", "89 s", "12 min", "2.5 h"]
