"""Experiments of a few seconds: their numbers, their words, and that a control moves them."""

import numpy as np
import pytest
from evaluate_helpers import make_run
from helpers import tiny_dataset

from labutils import lab
from labutils.course import widgets
from labutils.course.widgets import instant, play, small
from labutils.course.widgets.control import Drawn
from labutils.course.widgets.play import read_recorded
from labutils.models import describe

CONFIG = lab.runs("task1b")["lr 1e-5"]


def test_the_winner_flatters_the_more_the_more_take_part():
    one, ten = (instant.draw_study(200, runs, 0.85).max(axis=1).mean() for runs in (1, 10))
    assert one == pytest.approx(0.85, abs=0.003) and 0.87 < ten < 0.90
    assert "200 images" in instant.draw_winner(200, 10, 0).words
    assert instant.draw_winner(200, 10, 0).words != instant.draw_winner(200, 10, 1).words


def test_dropping_keeps_the_mean_and_takes_whole_maps_or_pixels():
    maps = np.ones((40, 40, 200))
    whole, pixels = (instant.drop(maps, 0.25, w) for w in (True, False))
    assert whole.mean() == pytest.approx(1, abs=0.1) and pixels.mean() == pytest.approx(1, abs=0.01)
    assert set(np.unique(whole.max(axis=(0, 1)))) == {0, 1 / 0.75} == set(np.unique(whole))
    assert (pixels.max(axis=(0, 1)) > 0).all()


def test_a_dropped_pixel_can_be_read_from_its_neighbours_a_dropped_map_cannot():
    picture = np.asarray(tiny_dataset().x_val[0])
    maps = instant.edge_maps(picture)
    seen = [
        np.mean([instant._seen(maps, instant.drop(maps, 0.2, whole, s)) for s in range(10)]) for whole in (True, False)
    ]
    assert seen[1] > seen[0]


def test_operations_count_three_passes_an_image():
    run = make_run(CONFIG.with_(epochs=3))
    run.provenance["counts"] = {"train": {"Mel": 10, "Nev": 5}}
    one = 3 * 15 * describe(CONFIG).multiply_adds / 1e12
    assert instant.costs(run) == pytest.approx([one, 2 * one, 3 * one])
    drawn = instant.draw_costs({"long": run, "short": run.first(1)}, 1.0)
    assert "long 3 epochs" in drawn.words and "short 1 epochs" in drawn.words


def test_passes_are_counted():
    run = make_run(CONFIG.with_(epochs=1))
    words = instant.draw_passes(run, 0, np.array([[0.2], [0.8], [0.9], [0.7]])).words
    assert "4 passes" in words and "3 passes say Nev" in words and "0.65 on average" in words


@pytest.mark.parametrize("show", [widgets.winners_curse, widgets.norm_view, widgets.lr_range_test])
def test_what_needs_no_run_shows_its_state(show, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda item, **kwargs: shown.append(item))
    show()
    assert len(shown) == 1 and len(shown[0]["text/plain"]) > 50 and "<img alt=" in shown[0]["text/html"]


def test_a_range_test_says_where_the_loss_was_lowest():
    rates = np.geomspace(1e-6, 1, 40).tolist()
    losses = [0.7] * 20 + [0.4] + [0.9] * 19
    assert f"is lowest at rate {rates[20]:.1e} (0.40)" in instant.range_in_words({"rate": rates, "loss": losses})


@pytest.fixture
def waiting(monkeypatch):
    """What controls have asked the background for."""
    asked = []
    monkeypatch.setattr("labutils.course.widgets.control.background", asked.append)
    return asked


def test_a_hundred_passes_are_worked_out_for_the_image_chosen_last(waiting, monkeypatch):
    dataset, run = tiny_dataset(n_val=10), make_run(CONFIG.with_(epochs=1), wrong=3, n=10)
    seen = []

    def network(pictures, training):
        seen.append(pictures[0])
        assert training and len(pictures) == 100
        return np.full((100, 1), 0.7)

    monkeypatch.setattr("labutils.training.load_best", lambda run: (network, 0))
    controls = instant._passes_controls(run, dataset, 0)
    assert "being worked out" in controls.widget.news["words"] and controls.widget.news["busy"]
    controls.choose(image=4)
    for work in waiting:
        work()
    assert len(seen) == 1 and np.array_equal(seen[0], dataset.x_val[3])
    news = controls.widget.news
    assert "Validation image 4" in news["words"] and not news["busy"] and "<svg" in news["picture"]


def test_the_range_test_grows_and_unlocks_its_button(waiting):
    first = instant.draw_range({"rate": [1e-5, 1e-4], "loss": [0.7, 0.6]})
    controls = instant._range_controls(first, lambda one: one.put(Drawn("<svg/>", "found")))
    controls._pressed(None, {"do": "again"}, None)
    assert controls.widget.news["busy"] and "being loaded" in controls.widget.news["words"]
    waiting.pop()()
    assert controls.widget.news["words"] == "found" and not controls.widget.news["busy"]


def test_the_recorded_range_test_falls_and_then_loses_what_it_has_learned():
    found = play.read("range")
    loss = np.array(found["loss"])
    lowest = int(loss[10:].argmin()) + 10
    assert loss[lowest] < 0.6 and abs(loss[lowest + 200 :] - np.log(2)).mean() < 0.05
    assert 1e-3 < found["rate"][lowest] < 3e-2 and "back at guessing" in instant.range_in_words(found)


def test_recordings_are_of_todays_phantoms():
    today = {name: small.small_dataset(name, "phantom").fingerprint for name in ("skin", "bone", "x_ray")}
    for name in ("range", "norm"):
        assert play.read(name)["fingerprint"] == today["skin"], f"python -m labutils.course.widgets.record {name}"
    for task, asked in small.PLAYS.items():
        recorded = read_recorded(task)["provenance"]
        assert recorded["fingerprint"] == today[asked.dataset], f"python -m labutils.course.widgets.record {task}"
        config = small.settings_for(task).config.model_dump(mode="json")
        assert recorded["config"] == config, f"python -m labutils.course.widgets.record {task}"


def test_without_runs_they_say_what_to_do(capsys):
    for call in (
        lambda: widgets.equal_time({}),
        lambda: widgets.epoch_scrubber({}),
        lambda: widgets.threshold(None),
        lambda: widgets.against_network(None, None),
        lambda: widgets.monte_carlo_dropout(None, None),
        lambda: widgets.break_the_network(None, None),
        lambda: widgets.feature_maps(None, None),
    ):
        call()
        assert "train_missing" in capsys.readouterr().out
