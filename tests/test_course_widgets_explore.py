"""Controls around figures and tables: each shows what the function under it draws, and can be moved."""

import html

import pytest
from evaluate_helpers import make_run

from labutils import lab, plots
from labutils.course import widgets
from labutils.evaluate.tables import as_table
from labutils.tools import report

CONFIG = lab.runs("task1b")["lr 1e-5"]


@pytest.fixture
def runs():
    long, short = CONFIG.with_(epochs=3), CONFIG.with_(epochs=2)
    return {"long": make_run(long, wrong=[40, 30, 35]), "short": make_run(short, wrong=[50, 45])}


def test_the_slider_starts_at_the_best_epoch_counts_from_one_and_ends_with_the_run(runs, shown, reader, move):
    drawn = []
    widgets.explore_epochs(lambda run, epoch: drawn.append((run, epoch)), runs)
    (widget,) = shown
    knobs = {knob["name"]: knob for knob in widget.data["knobs"]}
    assert knobs["epoch"]["choices"] == ["1", "2", "3"] and knobs["epoch"]["start"] == 1
    assert knobs["run"]["kind"] == "menu" and knobs["run"]["choices"] == ["long", "short"]
    assert drawn == [(runs["long"], 1)] * 2, "once as a still picture, once as a control"
    move(widget, epoch=2)
    assert move(widget, run=1)["words"] == "run short, epoch 3"
    assert drawn[-1] == (runs["short"], 1)


def test_moving_a_control_changes_the_picture_and_its_words(runs, shown, reader, move):
    widgets.explore_epochs(plots.confusion_matrix, runs)
    before = shown[-1].news["picture"]
    assert '<svg role="img" aria-label="run long, epoch 2"' in before and "Confusion matrix of" in before
    assert move(shown[-1], epoch=0)["picture"] != before


def test_what_moves_with_the_slider_says_what_the_figure_says(runs, shown, reader):
    for draw in (plots.confusion_matrix, plots.reliability):
        widgets.explore_epochs(draw, runs)
        *_, words, widget = shown
        assert widget.news["picture"].count(html.escape(words["text/plain"])) == 1


def small_table(images):
    if images > 200:
        raise ValueError("too many")
    return as_table({"all": {"images": images}}, f"accuracy on {images} images")


def test_a_table_is_shown_under_its_control_which_starts_at_the_nearest_value(shown, reader, move):
    widgets.explore_number(small_table, "images", values=[100, 200, 300], start=140)
    still, widget = shown
    assert "accuracy on 100 images" in still["text/plain"] and "accuracy on 100 images" in widget.news["picture"]
    assert "accuracy on 200 images" in move(widget, value=1)["picture"]
    assert move(widget, value=2)["words"] == "ValueError: too many"
    with pytest.raises(ValueError, match="too many"):
        widgets.explore_number(small_table, "images", values=[300], start=300)


def test_what_a_control_shows_first_is_there_without_it(runs, shown):
    widgets.explore_epochs(plots.confusion_matrix, runs)
    widgets.explore_number(small_table, "images", values=[100, 200], start=100)
    picture, words, table = shown
    assert picture["image/png"].startswith(b"\x89PNG") and picture["text/plain"] == words["text/plain"]
    assert "Confusion matrix of" in picture["text/plain"]
    assert "accuracy on 100 images" in table["text/plain"] and "labutils-still" in table["text/html"]


def test_links_lead_to_every_notebook(shown):
    report.show_links()
    assert all(f'href="{task}.ipynb"' in shown[0]["text/html"] for task in lab.TITLES)
