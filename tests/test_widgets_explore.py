"""Controls: each draws what the function under it draws, survives having nothing to show, and can be moved."""

import pytest
from evaluate_helpers import make_run

from labutils import lab, plots, widgets
from labutils.evaluate import Verdict, interval_table

CONFIG = lab.runs("task1b")["lr 1e-5"]


@pytest.fixture
def runs():
    long, short = CONFIG.with_(epochs=3), CONFIG.with_(epochs=2)
    return {"long": make_run(long, wrong=[40, 30, 35]), "short": make_run(short, wrong=[50, 45])}


@pytest.fixture
def controls(monkeypatch):
    """What was displayed, by its description; the picture and the text under the controls by those names."""
    import IPython.display

    made = {"still": []}

    def display(shown, **kwargs):
        if isinstance(shown, dict):
            made["still"].append(shown)
            return
        *moved, picture, text = shown.children
        made.update({control.description: control for control in moved}, picture=picture, text=text)

    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr("labutils.widgets.explore.is_live", lambda: True)
    return made


def test_the_slider_starts_at_the_best_epoch_and_counts_from_one(runs, controls):
    drawn = []
    widgets.explore_epochs(lambda run, epoch: drawn.append((run.label, epoch)), runs)
    assert controls["epoch"].value == 2 and controls["epoch"].max == 3
    assert set(drawn) == {(runs["long"].label, 1)}


def test_a_shorter_run_stays_at_its_last_epoch(runs, controls):
    drawn = []
    widgets.explore_epochs(lambda run, epoch: drawn.append((run.label, epoch)), runs)
    controls["epoch"].value = 3
    controls["run"].value = "short"
    assert drawn[-1] == (runs["short"].label, 1)


def test_moving_a_control_changes_the_picture_and_its_words(runs, controls):
    widgets.explore_epochs(plots.confusion_matrix, runs)
    before, words = bytes(controls["picture"].value), controls["text"].value
    assert before.startswith(b"\x89PNG") and "This figure in words" in words
    controls["epoch"].value = 1
    assert bytes(controls["picture"].value) != before and controls["text"].value != words


def test_an_error_while_moving_is_shown_and_the_first_one_is_raised(controls):
    def show(value):
        if value > 1:
            raise ValueError("too < large")

    widgets.explore_number(show, "x", values=[1, 2], start=1)
    assert controls["picture"].layout.display == "none"
    controls["x"].value = 2
    assert controls["text"].value == "<pre>ValueError: too &lt; large</pre>"
    with pytest.raises(ValueError, match="too < large"):
        widgets.explore_number(show, "x", values=[1, 2], start=2)


def test_a_table_is_shown_under_its_control(controls):
    widgets.explore_number(interval_table, "images", values=[100, 200], start=100)
    assert "accuracy on 100 images" in controls["text"].value
    controls["images"].value = 200
    assert "accuracy on 200 images" in controls["text"].value


def test_without_runs_it_says_what_to_do(capsys):
    for show in (widgets.explore_epochs, widgets.show_first):
        show(lambda run, epoch: pytest.fail("nothing to draw"), {})
        assert "train_missing" in capsys.readouterr().out
    widgets.show_gradcam(None, None)
    assert "train_missing" in capsys.readouterr().out


def test_a_number_starts_at_the_nearest_value(controls):
    shown = []
    widgets.explore_number(shown.append, "accuracy", values=[0.6, 0.7, 0.8], start=0.74)
    assert set(shown) == {0.7}


def test_what_a_control_shows_first_is_there_without_it(runs, controls, monkeypatch):
    monkeypatch.setattr("labutils.widgets.explore.is_live", lambda: False)
    widgets.explore_epochs(plots.confusion_matrix, runs)
    widgets.explore_number(interval_table, "images", values=[100, 200], start=100)
    picture, _, table = controls["still"]
    assert "epoch" not in controls and picture["image/png"].startswith(b"\x89PNG")
    assert picture["text/plain"].startswith("Confusion matrix of")
    assert "accuracy on 100 images" in table["text/plain"] and "labutils-still" in table["text/html"]


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
    assert "On the exam: missing. Not judged." in shown[0]["text/plain"]


def test_links_lead_to_every_notebook(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: shown.append(data))
    widgets.show_links()
    for task in lab.TITLES:
        assert f'href="{task}.ipynb"' in shown[0]["text/html"]
