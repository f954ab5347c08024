"""Controls: each draws what the function under it draws, survives having nothing to show, and can be moved."""

from types import SimpleNamespace

import pytest
from evaluate_helpers import make_run

from labutils import lab, plots
from labutils.course import widgets
from labutils.course.widgets import explore
from labutils.course.widgets.control import Controls, Drawn, drawing_controls
from labutils.course.widgets.small import Knob, number_knob
from labutils.evaluate import Verdict
from labutils.evaluate.tables import as_table
from labutils.tools import report

CONFIG = lab.runs("task1b")["lr 1e-5"]


@pytest.fixture
def runs():
    long, short = CONFIG.with_(epochs=3), CONFIG.with_(epochs=2)
    return {"long": make_run(long, wrong=[40, 30, 35]), "short": make_run(short, wrong=[50, 45])}


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: `still`, and the `controls` behind the widget."""
    import IPython.display

    made = SimpleNamespace(still=[], controls=None)

    class Kept(explore.Controls):
        def __init__(self, *given, **more):
            made.controls = self
            super().__init__(*given, **more)

    monkeypatch.setattr(explore, "Controls", Kept)
    monkeypatch.setattr(
        IPython.display, "display", lambda item, **kwargs: made.still.append(item) if isinstance(item, dict) else None
    )
    monkeypatch.setattr(explore, "is_live", lambda: True)
    return made


def move(controls, **places):
    """Move knobs as the page does."""
    controls.widget.state = controls.widget.state | places | {"turn": controls.widget.state["turn"] + 1}
    assert controls.widget.news["turn"] == controls.widget.state["turn"]
    return controls.widget.news


def test_the_slider_starts_at_the_best_epoch_and_counts_from_one(runs, shown):
    drawn = []
    widgets.explore_epochs(lambda run, epoch: drawn.append((run.label, epoch)), runs)
    knobs = {knob["name"]: knob for knob in shown.controls.widget.data["knobs"]}
    assert knobs["epoch"]["choices"] == ["1", "2", "3"] and shown.controls.values["epoch"] == 2
    assert knobs["run"]["kind"] == "menu" and knobs["run"]["choices"] == ["long", "short"]
    assert set(drawn) == {(runs["long"].label, 1)}


def test_a_shorter_run_stays_at_its_last_epoch(runs, shown):
    drawn = []
    widgets.explore_epochs(lambda run, epoch: drawn.append((run.label, epoch)), runs)
    move(shown.controls, epoch=2)
    assert move(shown.controls, run=1)["words"] == "run short, epoch 3"
    assert drawn[-1] == (runs["short"].label, 1)


def test_moving_a_control_changes_the_picture_and_its_words(runs, shown):
    widgets.explore_epochs(plots.confusion_matrix, runs)
    before = shown.controls.widget.news["picture"]
    assert '<img alt="Confusion matrix of' in before and "This figure in words" in before
    assert move(shown.controls, epoch=0)["picture"] != before


def test_an_error_while_moving_is_shown_and_the_first_one_is_raised(shown):
    def show(value):
        if value > 1:
            raise ValueError("too < large")

    widgets.explore_number(show, "x", values=[1, 2], start=1)
    assert shown.controls.widget.news["picture"] == ""
    assert move(shown.controls, value=1)["words"] == "ValueError: too < large"
    with pytest.raises(ValueError, match="too < large"):
        widgets.explore_number(show, "x", values=[1, 2], start=2)


def small_table(images):
    return as_table({"all": {"images": images}}, f"accuracy on {images} images")


def test_a_table_is_shown_under_its_control(shown):
    widgets.explore_number(small_table, "images", values=[100, 200], start=100)
    assert "accuracy on 100 images" in shown.controls.widget.news["picture"]
    assert "accuracy on 200 images" in move(shown.controls, value=1)["picture"]


def test_a_control_draws_again_shows_its_errors_and_moves_its_own_knobs():
    def draw(value, on):
        if value == 3:
            raise ValueError("no")
        return Drawn("<svg/>", f"value {value} {on}")

    box = Knob("on", "on", (("no", False), ("yes", True)), 0, slider=False)
    controls = drawing_controls("title", draw, number_knob("value", "v", [1, 2, 3], 1), box)
    assert [knob["kind"] for knob in controls.widget.data["knobs"]] == ["slider", "box"]
    assert controls.widget.news["picture"] == '<svg role="img" aria-label="value 1 False"/>'
    assert move(controls, value=1, on=1)["words"] == "value 2 True"
    assert move(controls, value=2)["words"] == "ValueError: no"
    controls.choose(value=1.2, on=False)
    assert controls.widget.news["words"] == "value 1 False"
    assert controls.widget.news["set"] == {"turn": 1, "places": {"value": 0, "on": 0}}


def test_buttons_work_in_the_background_and_say_what_went_wrong(monkeypatch):
    waiting = []
    monkeypatch.setattr("labutils.course.widgets.control.background", waiting.append)
    first = Drawn("", "first")
    controls = Controls("title", (), lambda one: one.put(first), {"go": ("Go", lambda: controls.later(lambda: 1 / 0))})
    controls._pressed(None, {"do": "other"}, None)
    assert waiting == [] and controls.widget.news["words"] == "first"
    controls._pressed(None, {"do": "go"}, None)
    waiting.pop()()
    assert "ZeroDivisionError" in controls.widget.news["words"]


def test_without_runs_it_says_what_to_do(capsys):
    for show in (widgets.explore_epochs, widgets.show_first):
        show(lambda run, epoch: pytest.fail("nothing to draw"), {})
        assert "train_missing" in capsys.readouterr().out
    widgets.show_gradcam(None, None)
    assert "train_missing" in capsys.readouterr().out


def test_a_number_starts_at_the_nearest_value(shown):
    values = []
    widgets.explore_number(values.append, "accuracy", values=[0.6, 0.7, 0.8], start=0.74)
    assert set(values) == {0.7}


def test_what_a_control_shows_first_is_there_without_it(runs, shown, monkeypatch):
    monkeypatch.setattr(explore, "is_live", lambda: False)
    widgets.explore_epochs(plots.confusion_matrix, runs)
    widgets.explore_number(small_table, "images", values=[100, 200], start=100)
    picture, _, table = shown.still
    assert shown.controls is None and picture["image/png"].startswith(b"\x89PNG")
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
    report.show_links()
    for task in lab.TITLES:
        assert f'href="{task}.ipynb"' in shown[0]["text/html"]
