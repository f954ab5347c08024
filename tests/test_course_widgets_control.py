"""Controls: a still picture and its words everywhere, a widget where somebody can move it, and what that shows."""

import html
import inspect
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from evaluate_helpers import make_run
from helpers import made_up_run, tiny_config, tiny_dataset

from labutils import lab, plots
from labutils.course import widgets
from labutils.course.widgets import beside
from labutils.course.widgets.control import Controls, Drawn, Knob, control, is_live, number_knob, show
from labutils.evaluate.tables import as_table
from labutils.tools import report


@pytest.mark.parametrize(
    ("kernel", "answers_input", "said", "live"),
    [(True, True, "", True), (True, False, "", False), (True, True, "log", False), (False, True, "bar", False)],
)
def test_only_a_notebook_that_somebody_has_open_is_live(monkeypatch, kernel, answers_input, said, live):
    monkeypatch.setenv("LABUTILS_PROGRESS", said)
    shell = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=answers_input) if kernel else None)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert is_live() is live


def test_without_a_reader_the_widget_is_not_even_made(shown):
    show("first < line\nsecond", "<b>still</b>", lambda: pytest.fail("nobody can move it"))
    (only,) = shown
    assert only["text/plain"] == "first < line\nsecond" and "Run this cell to move it" in only["text/html"]
    assert "<b>still</b><p>first &lt; line</p><p>second</p>" in only["text/html"]


def draw(value, on):
    if value == 3:
        raise ValueError("too < large")
    return Drawn("<svg/>", f"value {value} {on}")


VALUE = number_knob("value", "v", [1, 2, 3], 1)
BOX = Knob("on", "on", (("no", False), ("yes", True)), kind="box")


def test_a_control_draws_again_shows_its_errors_and_moves_its_own_knobs(shown, reader, move):
    control("title", draw, VALUE, BOX)
    still, widget = shown
    assert still["text/plain"] == "value 1 False" and '<img alt="value 1 False"' in still["text/html"]
    assert [knob["kind"] for knob in widget.data["knobs"]] == ["slider", "box"]
    assert widget.news["picture"] == '<svg role="img" aria-label="value 1 False"/>'
    assert move(widget, value=1, on=1)["words"] == "value 2 True"
    assert move(widget, value=2)["words"] == "ValueError: too < large"


def test_knobs_can_be_moved_from_the_kernel():
    controls = Controls("title", (VALUE, BOX), lambda one: one.put(draw(**one.values)))
    controls.choose(value=2.2, on=True)
    assert controls.widget.news["words"] == "value 2 True"
    assert controls.widget.news["set"] == {"turn": 1, "places": {"value": 1, "on": 1}}


def test_buttons_work_in_the_background_and_say_what_went_wrong(waiting, press):
    def fail():
        yield Drawn("", "half", busy=True)
        raise ZeroDivisionError("no")

    first = Drawn("", "first")
    controls = Controls("title", (), lambda one: one.put(first), {"go": ("Go", lambda one: one.later(fail))})
    press(controls.widget, "other")
    assert waiting == [] and controls.widget.news["words"] == "first"
    press(controls.widget, "go")
    waiting.pop()()
    assert controls.widget.news["words"] == "ZeroDivisionError: no" and not controls.widget.news["busy"]


def test_what_has_been_overtaken_is_neither_begun_nor_shown(waiting):
    begun = []

    def moved(one):
        def pictures():
            begun.append(one.values["value"])
            yield Drawn("", f"first of {begun[-1]}")
            if begun[-1] == 2:
                one.choose(value=3)
            yield Drawn("", f"second of {begun[-1]}")

        one.put(Drawn("", "being drawn"))
        one.later(pictures)

    controls = Controls("title", (VALUE,), moved)
    controls.choose(value=2)
    for work in waiting[:2]:
        work()
    assert begun == [2] and controls.widget.news["words"] == "being drawn"
    waiting[2]()
    assert begun == [2, 3] and controls.widget.news["words"] == "second of 3"


def arguments(name, **known):
    """What a control is called with, of what is known, by the names of its parameters."""
    return {key: known[key] for key in inspect.signature(getattr(widgets, name)).parameters if key in known}


def asks_for(name):
    """The parameters of a control that have no default."""
    parameters = inspect.signature(getattr(widgets, name)).parameters.values()
    return {one.name for one in parameters if one.default is one.empty}


NAMES = sorted(name for name, value in vars(widgets).items() if inspect.isfunction(value) and name[0] != "_")
NAMES.remove("standing_alone")  # pages, and no control
PLAIN = [name for name in NAMES if asks_for(name) <= {"run", "runs", "dataset", "config"} and name != "show_gradcam"]


@pytest.mark.parametrize("classes", [2, 9])
@pytest.mark.parametrize("name", PLAIN)
def test_the_lines_that_notebooks_call_show_their_words_and_ask_for_nothing(shown, name, classes):
    """On a few small images, as in quick live runs: they need no widget."""
    data = tiny_dataset(classes=classes, n_val=18)
    run = made_up_run(tiny_config() if classes == 2 else tiny_config(dataset="x_ray"), data)
    known = {"run": run, "runs": {"a": run, "b": run}, "dataset": data, "config": run.config, "n_classes": classes}
    getattr(widgets, name)(**arguments(name, **known))
    assert shown and all(len(item["text/plain"]) > 50 and "<img alt=" in item["text/html"] for item in shown)


@pytest.mark.parametrize("name", [name for name in NAMES if arguments(name, run=0, runs=0)])
def test_without_runs_they_say_what_to_do(name, capsys):
    known = {"run": None, "runs": {}, "dataset": None, "task": "task1b", "draw": pytest.fail}
    getattr(widgets, name)(**arguments(name, **known))
    assert "train_missing" in capsys.readouterr().out


# Around figures and tables.


@pytest.fixture
def runs():
    config = lab.runs("task1b")["lr 1e-5"]
    wrong = {"long": [40, 30, 35], "short": [50, 45]}
    return {name: make_run(config.with_(epochs=len(own)), wrong=own) for name, own in wrong.items()}


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


@pytest.mark.parametrize("draw", [plots.confusion_matrix, plots.reliability], ids=lambda draw: draw.__name__)
def test_what_moves_with_the_slider_says_what_the_figure_says(runs, shown, reader, move, draw):
    widgets.explore_epochs(draw, runs)
    *_, words, widget = shown
    before = widget.news["picture"]
    assert before.count(html.escape(words["text/plain"])) == 1
    assert '<svg role="img" aria-label="run long, epoch 2"' in before
    assert move(widget, epoch=0)["picture"] != before


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


# A reader's runs beside the lab's: which is nearest, what the test says, and what to try on the plateau.

PLANNED = lab.runs("task1b")
MIDDLE = PLANNED["lr 1e-5"]
FLAT, FALLING = [0.693, 0.692], [0.69, 0.68, 0.6, 0.5]


def run_of(config, loss, wrong=30, **more):
    return make_run(config.with_(epochs=len(loss)), wrong=wrong, loss=np.array(loss), **more)


@pytest.fixture
def stored(monkeypatch):
    """The lab's runs at two rates; their store holds nothing else."""
    runs = {"lr 1e-4": run_of(PLANNED["lr 1e-4"], FALLING, 20), "lr 1e-5": run_of(MIDDLE, FALLING, 40)}
    monkeypatch.setattr("labutils.course.widgets.beside.find", lambda *_, **__: dict(runs))
    return runs


def test_where_there_is_nothing_to_compare_it_says_so(stored, shown):
    widgets.beside_the_lab({"lr 1e-5": make_run(MIDDLE)}, "task1b")
    stored.clear()
    widgets.beside_the_lab({"own": run_of(MIDDLE, FALLING)}, "task1b")
    assert [one["text/plain"] for one in shown] == [beside.UNCHANGED, beside.NONE_STORED]
    assert "<img" not in shown[0]["text/html"]


def test_a_changed_run_stands_before_grey_ones_with_its_test(stored, shown):
    own = {"lr 3e-5": run_of(MIDDLE.with_(learning_rate=3e-5), FALLING, 20)}
    widgets.beside_the_lab(own, "task1b")
    words = shown[0]["text/plain"]
    assert "nearest stored run, lr 1e-5, 4 epochs (other learning_rate): 0.800" in words
    assert "only yours is right on 20 images, only the lab's on 0: McNemar's p < 0.001" in words
    assert "guessing" not in words
    svg = beside.draw_beside(own, stored)
    assert svg.count(f'stroke="{beside.GREY}" stroke-width="2.5"') >= 4 and "the lab" in svg


def test_the_nearest_has_the_fewest_other_settings_then_the_nearest_rate_on_the_same_images(stored):
    own = run_of(MIDDLE.with_(learning_rate=8e-5), FALLING)
    stored["wider"] = run_of(MIDDLE.with_(learning_rate=8e-5, n_base=16, dropout=0.4), FALLING)
    assert "nearest stored run, lr 1e-4, " in beside.in_words("own", own, stored)
    assert "other images" in beside.in_words("own", run_of(MIDDLE, FALLING, n=100), stored)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (MIDDLE, "the lab's run with these settings left it at epoch 3"),
        (MIDDLE.with_(learning_rate=1e-2), "the lab's runs that learn have a smaller rate. Try lr 1e-4."),
        (MIDDLE.with_(learning_rate=1e-7), "the lab's run at lr 1e-4 gets away"),
    ],
)
def test_a_run_that_has_not_begun_is_told_what_to_try(stored, config, said):
    words = beside.in_words("own", run_of(config, FLAT), stored)
    assert "still that of guessing after 2 epochs" in words and said in words
