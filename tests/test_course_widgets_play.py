"""Playgrounds: what stands there before the first click, and the training behind the buttons."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from labutils.course import widgets
from labutils.course.widgets import play, record, small
from labutils.course.widgets.control import recorded
from labutils.errors import ParameterError

HISTORY = {name: [0.7, 0.6, 0.65] for name in small.COLUMNS} | {"seconds": [1.0, 2.0, 3.0]}


@pytest.fixture
def ground(monkeypatch):
    """A playground whose thread works when the test says so, on a training that is made up."""
    waiting = []
    monkeypatch.setattr(play, "background", waiting.append)
    monkeypatch.setattr(play, "_heed_the_stop_key", lambda stop: None)
    monkeypatch.setattr(play.Playground, "_dataset", lambda self: None)
    warm = []
    monkeypatch.setattr(play._networks, "warm_up", lambda settings, dataset: warm.append(settings.config.learning_rate))
    made = play.Playground("task1b")
    made.work = lambda: waiting.pop()()
    made.warm = warm
    return made


def fake_training(monkeypatch, steps=3, during=lambda epoch: None):
    seen = []

    def train(settings, dataset, on_epoch, should_pause, should_stop, networks):
        seen.append(settings)
        for epoch in range(1, steps + 1):
            if should_stop():
                break
            on_epoch({name: values[:epoch] for name, values in HISTORY.items()})
            during(epoch)

    monkeypatch.setattr(small, "train_small", train)
    return seen


def say(ground, word):
    ground._hear(None, {"do": word}, None)


def test_it_is_loading_then_ready_then_trains_what_is_chosen(ground, monkeypatch):
    seen = fake_training(monkeypatch)
    assert ground.widget.news["status"] == "loading"
    say(ground, "train")
    assert ground.status == "loading", "nothing is trained before everything is there"
    ground.work()
    assert ground.status == "ready"
    ground.widget.state = {"learning_rate": 2}
    say(ground, "train")
    assert ground.status == "training"
    ground.work()
    assert ground.status == "ready" and seen[0].config.learning_rate == 1e-5
    assert ground.widget.news["run"]["words"] == "learning rate 1e-5"
    assert "after 3 epochs" in ground.widget.news["said"]


def test_what_is_chosen_is_compiled_before_the_click_and_once(ground):
    ground.widget.state = {"learning_rate": 0}
    ground.work()
    assert ground.warm == [1e-3], "nothing but the first choice is compiled while everything is loading"
    first, second = {"learning_rate": 1}, {"learning_rate": 2}
    ground.widget.state = first
    ground.widget.state = second
    ground.work()
    ground.work()
    assert ground.warm == [1e-3, 1e-5], "a choice that was overtaken is not compiled"


def test_the_last_three_runs_stay_and_reset_forgets_them(ground, monkeypatch):
    fake_training(monkeypatch)
    ground.work()
    for place in range(5):
        ground.widget.state = {"learning_rate": place}
        say(ground, "train")
        ground.work()
    assert [run["words"] for run in ground.widget.news["past"]] == [
        small.settings_in_words("task1b", {"learning_rate": place}) for place in (1, 2, 3)
    ]
    say(ground, "reset")
    assert ground.widget.news["run"] is None and ground.widget.news["past"] == []


def test_pause_go_on_and_reset_in_the_middle(ground, monkeypatch):
    def during(epoch):
        if epoch == 1:
            say(ground, "pause")
            assert ground.status == "paused" and ground.pausing.is_set()
            say(ground, "pause")
            assert ground.status == "training" and not ground.pausing.is_set()
        if epoch == 2:
            say(ground, "reset")

    fake_training(monkeypatch, during=during)
    ground.work()
    say(ground, "train")
    ground.work()
    assert ground.status == "ready" and ground.widget.news["run"] is None


def test_the_stop_key_is_heard_from_a_thread_too(monkeypatch):
    """JupyterLab's clicks arrive in a thread, where nobody may say who hears the key."""
    waiting, pressed = [], []
    loop = SimpleNamespace(add_callback=waiting.append)
    kernel = SimpleNamespace(io_loop=loop, saved_sigint_handler=None)
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=kernel))
    before = signal.getsignal(signal.SIGINT)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(play._heed_the_stop_key, lambda: pressed.append("stop")).result()
    try:
        waiting.pop()()
        signal.raise_signal(signal.SIGINT)
        assert pressed == ["stop"] and kernel.saved_sigint_handler is signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_error_in_the_thread_is_said(ground, monkeypatch):
    monkeypatch.setattr(small, "train_small", lambda *a: 1 / 0)
    ground.work()
    say(ground, "train")
    ground.work()
    assert ground.status == "failed" and "ZeroDivisionError" in ground.widget.news["said"]


def test_runs_of_a_students_own_copy_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("LABUTILS_MY_LAB", str(tmp_path / "mine"))
    assert play.keep("task1b", {"words": "w", "history": HISTORY}) is None
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    file = play.keep("task1b", {"words": "w", "history": HISTORY})
    assert json.loads(file.read_text())["task"] == "task1b" and file.parent == tmp_path / "mine" / "runs"


def test_a_generator_is_one_more_choice_of_task_8(monkeypatch):
    monkeypatch.setattr(play, "background", lambda work: None)

    def generator(image, rng):
        return image

    ground = play.Playground("task8", generator=generator)
    choices = ground.widget.data["knobs"][0]["choices"]
    last = len(choices) - 1
    assert choices[last] == "your generator"
    assert ground._settings({"augmentation": last}).generator is generator
    assert ground._settings({"augmentation": last - 1}).generator is None
    assert ground._words({"augmentation": last}) == "your generator"


@pytest.mark.parametrize("task", small.PLAYS)
def test_every_playground_has_a_recorded_run_in_words_and_as_a_picture(task, shown):
    widgets.playground(task)
    before = recorded(task)
    assert before["words"] == small.settings_in_words(task)
    assert before["provenance"]["source"] == "phantom" and len(before["history"]["loss"]) >= 2
    (only,) = shown
    assert small.PLAYS[task].question in only["text/plain"] and "Recorded with" in only["text/plain"]
    assert "<img alt=" in only["text/html"]


def test_a_task_without_a_playground_is_refused():
    with pytest.raises(ParameterError, match="'task7': there are playgrounds for task1b"):
        widgets.playground("task7")


def test_recording_writes_what_it_is_asked_for(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(record, "RECORDED", tmp_path)
    monkeypatch.setitem(record.RECORDINGS, "range", lambda: {"words": "found"})
    record.main(["range"])
    assert json.loads((tmp_path / "range.json").read_text()) == {"words": "found"}
    assert "range: found" in capsys.readouterr().out
