"""Experiments of a few seconds: their numbers, their words, and that a control moves them."""

import numpy as np
import pytest
from evaluate_helpers import make_run
from helpers import tiny_dataset

from labutils import lab, widgets
from labutils.models import describe
from labutils.widgets import instant

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
