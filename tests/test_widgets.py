"""Controls: each draws what the function under it draws, survives having nothing to show, and can be moved."""

import ipywidgets
import pytest
from evaluate_helpers import make_run

from labutils import widgets
from labutils.evaluate import Verdict, lab

CONFIG = lab.runs("task1b")["lr 1e-05"]


@pytest.fixture
def runs():
    long, short = CONFIG.with_(epochs=3), CONFIG.with_(epochs=2)
    return {"long": make_run(long, wrong=[40, 30, 35]), "short": make_run(short, wrong=[50, 45])}


@pytest.fixture
def controls(monkeypatch):
    """The controls that `interact` was given, and what moving them calls."""
    made = {}

    def interact(show, **given):
        made.update(given, show=show)
        show(**{name: control.value for name, control in given.items()})

    monkeypatch.setattr(ipywidgets, "interact", interact)
    return made


def test_the_slider_starts_at_the_best_epoch_and_counts_from_one(runs, controls):
    drawn = []
    widgets.explore_epochs(lambda run, epoch: drawn.append((run, epoch)), runs)
    assert controls["epoch"].value == 2 and controls["epoch"].max == 3
    assert drawn == [(runs["long"], 1)]


def test_a_shorter_run_stays_at_its_last_epoch(runs, controls):
    drawn = []
    widgets.explore_epochs(lambda run, epoch: drawn.append((run.label, epoch)), runs)
    controls["show"](run="short", epoch=3)
    assert drawn[-1] == (runs["short"].label, 1)


def test_without_runs_it_says_what_to_do(capsys):
    for show in (widgets.explore_epochs, widgets.show_first):
        show(lambda run, epoch: pytest.fail("nothing to draw"), {})
        assert "train_missing" in capsys.readouterr().out
    widgets.show_gradcam(None, None)
    assert "train_missing" in capsys.readouterr().out


def test_a_number_starts_at_the_nearest_value(controls):
    shown = []
    widgets.explore_number(shown.append, "accuracy", values=[0.6, 0.7, 0.8], start=0.74)
    assert shown == [0.7]


def test_the_static_picture_is_the_best_epoch(runs):
    drawn = []
    widgets.show_first(lambda run, epoch: drawn.append((run, epoch)), runs)
    assert drawn == [(runs["long"], 1)]


def test_the_evidence_behind_an_answer_is_folded(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: shown.append(data))
    verdict = Verdict("C1", "task1b", "a < b", "0.4 against 0.5", "reproduced", "rule", "phantom")
    widgets.show_evidence([verdict])
    assert shown[0]["text/html"].startswith("<details><summary>What these runs say</summary><ul>")
    assert "a &lt; b (C1): reproduced. 0.4 against 0.5" in shown[0]["text/html"]


def test_links_lead_to_every_notebook(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: shown.append(data))
    widgets.show_links()
    for task in lab.TITLES:
        assert f'href="{task}.ipynb"' in shown[0]["text/html"]
