"""A reader's runs beside the lab's: which is nearest, what the test says, and what to try on the plateau."""

import numpy as np
import pytest
from evaluate_helpers import make_run

from labutils import lab
from labutils.course import widgets
from labutils.course.widgets import beside

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


def test_the_labs_own_runs_are_left_alone(stored, shown):
    widgets.beside_the_lab({"lr 1e-5": make_run(MIDDLE)}, "task1b")
    assert shown[0]["text/plain"] == beside.UNCHANGED and "<img" not in shown[0]["text/html"]


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


def test_without_anything_to_compare_it_says_so(monkeypatch, shown):
    monkeypatch.setattr("labutils.course.widgets.beside.find", lambda *_, **__: {})
    widgets.beside_the_lab({"own": run_of(MIDDLE, FALLING)}, "task1b")
    assert shown[0]["text/plain"] == beside.NONE_STORED
