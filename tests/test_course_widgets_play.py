"""Playgrounds: their settings, what stands there before the first click, what a kernel does for a page that trains."""

import base64
import json
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import wait_until

from labutils import lab
from labutils.course import widgets
from labutils.course.widgets import play, small
from labutils.course.widgets.control import recorded
from labutils.errors import ParameterError


@pytest.fixture
def ask(shown, reader, monkeypatch):
    """A playground's page asks its kernel for something; what the kernel sends, with its bytes."""

    def asked(task="task1b", generator=None, **content):
        if (task, generator) not in made:
            widgets.playground(task, "phantom", generator)
            made[task, generator] = shown[-1]
        sent = []
        monkeypatch.setattr(made[task, generator], "send", lambda *said: sent.append(said))
        made[task, generator]._handle_custom_msg(content, [])
        return sent

    made = {}
    return asked


def turned(image, rng):
    """A generator as a student writes it: upside down, or as it is."""
    return image[::-1] if rng.random() < 0.5 else image


def test_every_task_that_trains_has_a_playground():
    assert [task for task in lab.TITLES if task not in small.PLAYS] == ["task3", "task7"]


@pytest.mark.parametrize("task", small.PLAYS)
def test_the_run_of_a_playground_is_that_of_its_knobs(task):
    start = small.config_for(task)
    assert (start.image_size, start.batch_size, start.epochs) == (small.SIZE, small.BATCH, small.EPOCHS)
    for name, value in ((knob.name, value) for knob in small.PLAYS[task].knobs for _, value in knob.choices):
        assert name in ("classes", "elementwise") or getattr(small.config_for(task, **{name: value}), name) == value


@pytest.mark.parametrize("task", small.PLAYS)
def test_every_playground_has_a_recorded_run_in_words_and_as_a_picture(task, shown):
    widgets.playground(task)
    before, asked = recorded(task), small.PLAYS[task]
    first = ", ".join(f"{knob.label} {knob.choices[knob.start][0]}" for knob in asked.knobs)
    assert before["words"] == first and before["said"].startswith(f"{first}: after {len(before['history']['loss'])} ")
    (only,) = shown
    assert asked.question in only["text/plain"] and f"Recorded with {first}" in only["text/plain"]
    page = play.static_playground(task)
    assert asked.question in page and all(
        f'alt="Recorded: {before["said"]}' in one for one in (only["text/html"], page)
    )
    assert not re.search(r"(src|href)=\W?http", page) and len(page) < 1e6


def test_recordings_are_of_todays_phantoms():
    skin = small.small_dataset("skin", "phantom")
    today = {task: play.images_of(task, "phantom") for task in small.PLAYS} | {"range": skin, "norm": skin}
    for name, images in today.items():
        assert recorded(name)["fingerprint"] == images.fingerprint, f"python benchmarks/record.py {name}"


@pytest.mark.parametrize("door", [widgets.playground, play.static_playground])
def test_a_task_without_a_playground_is_refused(door):
    with pytest.raises(ParameterError, match="'task7': there are playgrounds for task1b"):
        door("task7")


def test_the_page_has_all_that_it_trains_on(shown, reader):
    widgets.playground("task9", "phantom")
    data = shown[-1].data
    values = {knob["name"]: knob["values"] for knob in data["knobs"]}
    assert values["model"] == ["lenet", "alexnet", "vgg16"] == list(data["networks"]) and values["n_base"][-1] == 16
    assert values["augmentation"][2]["rotation"] == 10
    assert all(len(knob["values"]) == len(knob["choices"]) for knob in data["knobs"])
    blocks = [[1, 1, True], [2, 1, True], [4, 1, False], [4, 1, False], [2, 1, True]]
    assert data["networks"]["alexnet"] == {"blocks": blocks, "dense": (64, 64)}
    skin = play.images_of("task9", "phantom")
    assert skin.x_train.shape == (400, 32, 32, 1) and skin.x_val.shape == (200, 32, 32, 1)
    assert skin.y_train.mean() == skin.y_val.mean() == 0.5
    for part, images, labels in (("training", skin.x_train, skin.y_train), ("validation", skin.x_val, skin.y_val)):
        sent = data["images"][part]
        found = np.frombuffer(base64.b64decode(sent["bytes"]), np.uint8).reshape(images.shape)
        assert np.abs(found / 255 - images).max() <= 0.5 / 255 + 1e-6 and sent["labels"] == labels.tolist()


COSTS = {
    "task9": "Images of 32 x 32 pixels. One run: 30 epochs of 400 images, ",
    "task1e": "Images of 32 x 32 pixels, learning rate 1e-3. One run takes 8 s of training, ",
    "task5b": "AlexNet on images of 32 x 32 pixels. One run: ",
    "task6b": "LeNet on images of 32 x 32 pixels, learning rate 3e-3. One run: ",
}


@pytest.mark.parametrize("task", COSTS)
def test_what_is_trained_and_what_it_costs_is_said(task):
    assert play.page_data(task, play.images_of(task, "phantom"))["cost"].startswith(COSTS[task])


def test_a_run_of_a_students_own_copy_is_kept(ask, students_folder, monkeypatch):
    run = {"words": "learning rate 1e-5", "said": "after 3 epochs", "history": {"loss": [0.7, 0.6, 0.5]}}
    for folder in (students_folder.parent, students_folder):
        monkeypatch.chdir(folder)
        ask(do="keep", run=run)
    (file,) = (students_folder / "runs").iterdir()
    assert json.loads(file.read_text()) == {"task": "task1b", **run}


def test_the_stop_key_ends_every_training_in_the_page(ask, monkeypatch):
    """JupyterLab's clicks arrive in a thread, where nobody may say who hears the key."""
    waiting = []
    kernel = SimpleNamespace(io_loop=SimpleNamespace(add_callback=waiting.append), saved_sigint_handler=None)
    shell = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=True, **vars(kernel)))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    before = signal.getsignal(signal.SIGINT)
    try:
        with ThreadPoolExecutor(1) as thread:
            sent, other = (thread.submit(ask, task, do="train").result() for task in ("task1b", "task2"))
        waiting.pop()()
        assert shell.kernel.saved_sigint_handler is signal.getsignal(signal.SIGINT) is not before and sent == []
        signal.raise_signal(signal.SIGINT)
        wait_until(lambda: sent == other == [({"stop": True},)])
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_generator_is_one_more_choice_and_changes_every_image_anew(ask, shown):
    def images(epoch):
        [(said, [sent])] = ask("task8", turned, do="images", run=0.25, epoch=epoch)
        assert said == {"run": 0.25}
        return np.frombuffer(sent, np.uint8).reshape(400, 32, 32)

    first = images(0)
    knob = shown[-1].data["knobs"][0]
    assert knob["choices"][-1] == knob["values"][-1] == shown[-1].data["own"] == "your generator"
    before = np.round(255 * play.images_of("task8", "phantom").x_train[..., 0]).astype(np.uint8)
    flipped = [np.array_equal(one, old[::-1]) for one, old in zip(first, before, strict=True)]
    same = [np.array_equal(one, old) for one, old in zip(first, before, strict=True)]
    assert all(a or b for a, b in zip(flipped, same, strict=True)) and 150 < sum(flipped) < 250
    assert np.array_equal(first, images(0)) and not np.array_equal(first, images(1))


BROKEN = {
    "ZeroDivisionError: division by zero": lambda image, rng: 1 / 0,
    "ParameterError: generator gives (5, 32, 1): the images it gets are (32, 32, 1)": lambda image, rng: image[:5],
}


@pytest.mark.parametrize("said", BROKEN)
def test_what_is_wrong_with_a_generator_is_said(ask, said):
    [(sent,)] = ask("task8", BROKEN[said], do="images", run=0.25, epoch=0)
    assert sent["failed"].startswith(said) and sent["run"] == 0.25
