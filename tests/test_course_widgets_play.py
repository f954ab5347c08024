"""Playgrounds: what stands there before the first click, and the training behind the buttons."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from labutils.course import widgets
from labutils.course.ask import ask
from labutils.course.widgets import play, record, small
from labutils.course.widgets.control import recorded
from labutils.errors import ParameterError

HISTORY = {name: [0.7, 0.6, 0.65] for name in small.COLUMNS} | {"seconds": [1.0, 2.0, 3.0]}


@pytest.fixture
def ground(monkeypatch, shown, reader, press):
    """A playground whose thread works when the test says so, on a training that is made up, as in `trained`."""
    waiting = []

    def train(settings, dataset, on_epoch, should_pause, should_stop, networks):
        made.trained.append(settings.config.learning_rate)
        for epoch in range(1, 4):
            if should_stop():
                break
            on_epoch({name: values[:epoch] for name, values in HISTORY.items()})
            made.during(epoch, should_pause)

    def warm_up(networks, settings, dataset):
        made.warm.append(settings.config.learning_rate)

    monkeypatch.setattr(play, "background", waiting.append)
    monkeypatch.setattr(small, "small_dataset", lambda name, source: None)
    monkeypatch.setattr(small, "train_small", train)
    monkeypatch.setattr(small.Networks, "warm_up", warm_up)
    made = SimpleNamespace(warm=[], trained=[], during=lambda epoch, should_pause: None)
    made.work = lambda: waiting.pop()()
    widgets.playground("task1b", source="of this test")
    made.widget = shown[-1]
    made.press = lambda word: press(made.widget, word)
    made.says = lambda name="status": made.widget.news[name]
    return made


def test_it_is_loading_then_ready_then_trains_what_is_chosen(ground):
    ground.press("train")
    assert ground.says() == "loading", "nothing is trained before everything is there"
    ground.work()
    assert ground.says() == "ready"
    ground.widget.state = {"learning_rate": 2}
    ground.press("train")
    assert ground.says() == "training"
    ground.work()
    assert ground.says() == "ready" and ground.trained == [1e-5]
    assert ground.says("run")["words"] == "learning rate 1e-5" and "after 3 epochs" in ground.says("said")


def test_what_is_chosen_is_compiled_before_the_click_and_once(ground):
    ground.widget.state = {"learning_rate": 0}
    ground.work()
    assert ground.warm == [1e-3], "nothing but the first choice is compiled while everything is loading"
    ground.widget.state = {"learning_rate": 1}
    ground.widget.state = {"learning_rate": 2}
    ground.work()
    ground.work()
    assert ground.warm == [1e-3, 1e-5], "a choice that was overtaken is not compiled"


def test_the_last_three_runs_stay_and_reset_forgets_them(ground):
    ground.work()
    for place in range(5):
        ground.widget.state = {"learning_rate": place}
        ground.press("train")
        ground.work()
    assert [run["words"] for run in ground.says("past")] == [
        small.settings_in_words("task1b", {"learning_rate": place}) for place in (1, 2, 3)
    ]
    ground.press("reset")
    assert ground.says("run") is None and ground.says("past") == []


def test_pause_go_on_and_reset_in_the_middle(ground):
    def during(epoch, should_pause):
        if epoch == 1:
            ground.press("pause")
            assert ground.says() == "paused" and should_pause()
            ground.press("pause")
            assert ground.says() == "training" and not should_pause()
        if epoch == 2:
            ground.press("reset")

    ground.during = during
    ground.work()
    ground.press("train")
    ground.work()
    assert ground.says() == "ready" and ground.says("run") is None


def test_an_error_in_the_thread_is_said(ground):
    ground.during = lambda epoch, should_pause: 1 / 0
    ground.work()
    ground.press("train")
    ground.work()
    assert ground.says() == "failed" and "ZeroDivisionError" in ground.says("said")


def test_the_stop_key_is_heard_from_a_thread_too(ground, monkeypatch):
    """JupyterLab's clicks arrive in a thread, where nobody may say who hears the key."""
    heeded = []
    kernel = SimpleNamespace(io_loop=SimpleNamespace(add_callback=heeded.append), saved_sigint_handler=None)
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=kernel))
    ground.work()
    with ThreadPoolExecutor(1) as thread:
        thread.submit(ground.press, "train").result()
    before = signal.getsignal(signal.SIGINT)
    try:
        heeded.pop()()
        assert kernel.saved_sigint_handler is signal.getsignal(signal.SIGINT) is not before
        ground.during = lambda epoch, should_pause: signal.raise_signal(signal.SIGINT) if epoch == 2 else None
        ground.work()
        assert ground.says("said").startswith("Stopped: learning rate 1e-3: after 2 epochs")
    finally:
        signal.signal(signal.SIGINT, before)


def test_runs_of_a_students_own_copy_are_kept(ground, students_folder, monkeypatch):
    ground.work()
    for folder in (students_folder.parent, students_folder):
        monkeypatch.chdir(folder)
        ground.press("train")
        ground.work()
    (file,) = (students_folder / "runs").iterdir()
    assert json.loads(file.read_text())["task"] == "task1b"


def test_a_generator_is_one_more_choice_of_task_8(ground, shown):
    def generator(image, rng):
        return image

    widgets.playground("task8", generator=generator)
    choices = shown[-1].data["knobs"][0]["choices"]
    last = len(choices) - 1
    assert choices[last] == "your generator"
    assert small.settings_for("task8", {"augmentation": last}, generator).generator is generator
    assert small.settings_for("task8", {"augmentation": last - 1}, generator).generator is None
    assert small.settings_in_words("task8", {"augmentation": last}, generator) == "your generator"


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


def test_a_question_has_the_playground_of_its_task_compiled_ahead(shown, reader, monkeypatch):
    waiting, warmed = [], []
    monkeypatch.setattr(play, "background", waiting.append)
    monkeypatch.setattr(play, "_dataset", lambda name, source: None)
    monkeypatch.setattr(play._networks, "warm_up", lambda settings, dataset: warmed.append(settings))
    ask("task5a", 1, {})
    ask("task7", 1, {})
    [work] = waiting
    work()
    assert warmed == [small.settings_for("task5a")], "what the playground begins with; Task 7 has none"
    monkeypatch.setattr(play, "is_live", lambda: False)
    ask("task5a", 1, {})
    assert len(waiting) == 1, "nobody is there to train"
