"""What is shown where, a still picture and its words everywhere, a widget where somebody can move it; and its knobs."""

import sys
from types import SimpleNamespace

import pytest
from helpers import made_up_run, tiny_config, tiny_dataset

from labutils.course import widgets
from labutils.course.widgets.control import Controls, Drawn, Knob, control, is_live, number_knob, show


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
    assert only["text/plain"] == "first < line\nsecond"
    assert "<b>still</b><p>first &lt; line</p><p>second</p>" in only["text/html"]
    assert "Run this cell to move it" in only["text/html"]


def test_with_a_reader_the_widget_comes_after_the_still_picture(shown, reader):
    marks = []
    show("words", "", lambda: SimpleNamespace(add_class=marks.append))
    assert len(shown) == 2 and marks == ["labutils-live"]


def draw(value, on):
    if value == 3:
        raise ValueError("too < large")
    return Drawn("<svg/>", f"value {value} {on}")


BOX = Knob("on", "on", (("no", False), ("yes", True)), kind="box")


def test_a_control_draws_again_shows_its_errors_and_moves_its_own_knobs(shown, reader, move):
    control("title", draw, number_knob("value", "v", [1, 2, 3], 1), BOX)
    still, widget = shown
    assert still["text/plain"] == "value 1 False" and '<img alt="value 1 False"' in still["text/html"]
    assert [knob["kind"] for knob in widget.data["knobs"]] == ["slider", "box"]
    assert widget.news["picture"] == '<svg role="img" aria-label="value 1 False"/>'
    assert move(widget, value=1, on=1)["words"] == "value 2 True"
    assert move(widget, value=2)["words"] == "ValueError: too < large"


def test_knobs_can_be_moved_from_the_kernel():
    knobs = (number_knob("value", "v", [1, 2, 3], 2), BOX)
    controls = Controls("title", knobs, lambda one: one.put(draw(**one.values)))
    controls.choose(value=1.2, on=True)
    assert controls.widget.news["words"] == "value 1 True"
    assert controls.widget.news["set"] == {"turn": 1, "places": {"value": 0, "on": 1}}


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

    controls = Controls("title", (number_knob("value", "v", [1, 2, 3], 1),), moved)
    controls.choose(value=2)
    for work in waiting[:2]:
        work()
    assert begun == [2] and controls.widget.news["words"] == "being drawn"
    waiting[2]()
    assert begun == [2, 3] and controls.widget.news["words"] == "second of 3"


@pytest.mark.parametrize("classes", [2, 9])
@pytest.mark.parametrize(
    "line",
    [
        lambda run, data: widgets.epoch_scrubber(dataset=data, runs={"a": run, "b": run}),
        lambda run, data: widgets.against_network(run, data),
        lambda run, data: widgets.equal_time({"a": run}),
        lambda run, data: widgets.drop_map(data),
        lambda run, data: widgets.architecture_strip(run.config, data.n_classes),
        lambda run, data: widgets.feature_maps(run, data),
        lambda run, data: widgets.break_the_network(run, data),
        lambda run, data: widgets.monte_carlo_dropout(run, data),
        lambda run, data: widgets.threshold(run),
        lambda run, data: widgets.winners_curse(),
        lambda run, data: widgets.interval_slider(),
        lambda run, data: widgets.four_boxes({"a": run, "b": run}),
        lambda run, data: widgets.norm_view(),
        lambda run, data: widgets.lr_range_test(),
    ],
)
def test_the_lines_that_notebooks_call_show_their_words_and_ask_for_nothing(shown, line, classes):
    """On a few small images, as in quick live runs: they need no widget."""
    data = tiny_dataset(classes=classes, n_val=18)
    config = tiny_config() if classes == 2 else tiny_config(dataset="x_ray")
    line(made_up_run(config, data), data)
    assert shown and all(len(item["text/plain"]) > 50 and "<img alt=" in item["text/html"] for item in shown)


@pytest.mark.parametrize(
    ("control", "nothing"),
    [(name, {"dataset": None, "run": None}) for name in ("against_network", "monte_carlo_dropout", "show_gradcam")]
    + [(name, {"dataset": None, "run": None}) for name in ("break_the_network", "feature_maps")]
    + [
        ("equal_time", {"runs": {}}),
        ("four_boxes", {"runs": {}}),
        ("epoch_scrubber", {"dataset": None, "runs": {}}),
        ("threshold", {"run": None}),
    ]
    + [("beside_the_lab", {"task": "task1b", "runs": {}}), ("explore_epochs", {"draw": pytest.fail, "runs": {}})],
)
def test_without_runs_they_say_what_to_do(control, nothing, capsys):
    getattr(widgets, control)(**nothing)
    assert "train_missing" in capsys.readouterr().out
