"""Experiments of a few seconds: their numbers, their words, and that a control moves them."""

import re

import numpy as np
import pytest
from evaluate_helpers import make_run
from helpers import tiny_dataset

from labutils import lab
from labutils.course import widgets
from labutils.course.widgets import experiments, small
from labutils.course.widgets.control import recorded
from labutils.evaluate.compare import mcnemar
from labutils.models import describe
from labutils.statistics import p_words, sign_test, wilson_interval

CONFIG = lab.runs("task1b")["lr 1e-5"]


def test_the_winner_flatters_the_more_the_more_take_part():
    one, ten = (experiments.draw_study(200, runs).max(axis=1).mean() for runs in (1, 10))
    assert one == pytest.approx(0.85, abs=0.003) and 0.87 < ten < 0.90
    first, second = (experiments.draw_winner(200, 10, seed).words for seed in (0, 1))
    assert "200 images" in first and first != second


@pytest.mark.parametrize(("redraws", "images"), [(1, 200), (20, 50), (500, 1000)])
def test_dots_pile_up_to_what_an_interval_says(redraws, images):
    drawn = experiments.draw_pile(0.85, redraws, images)
    assert drawn.picture.count("<circle") == redraws
    first = float(drawn.words.split("time ")[1][:5])
    low, high = wilson_interval(round(first * images), images)
    assert f"{first:.3f} [{low:.3f}, {high:.3f}]" in drawn.words
    if redraws > 1:
        held = int(re.search(r"and (\d+) of the", drawn.words)[1])
        assert 0.85 * redraws < held <= redraws, "about 95 of 100"
    assert experiments.draw_pile(0.85, redraws, images, seed=1).words != drawn.words


def test_no_dot_lies_on_another():
    circles = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', experiments.draw_pile(0.85, 100, 50).picture)
    assert len(set(circles)) == len(circles) == 100


def test_four_boxes_hold_every_image_and_the_test_moves_with_the_split(shown, reader, move):
    right, wrong = make_run(CONFIG.with_(epochs=1), wrong=[20]), make_run(CONFIG.with_(epochs=1), wrong=[30], shift=10)
    widgets.four_boxes({"A": right, "B": wrong})
    still, widget = shown
    test = mcnemar(right, wrong)
    assert (test.n10, test.n01) == (20, 10)
    said = "Only A is right on 20, only B on 10"
    assert said in still["text/plain"] and said in widget.news["words"] and p_words(test.p) in widget.news["words"]
    counts = [int(n) for n in re.findall(r">[^<]*: (\d+)</text>", widget.news["picture"])]
    assert counts == [160, 20, 10, 10] and sum(counts) == len(right.y_val)
    assert p_words(sign_test(15, 15)) in move(widget, split=15)["words"]
    widgets.four_boxes({"A": right})
    assert shown[-1]["text/plain"] == "Nothing to compare yet: this needs two runs."


def test_dropping_keeps_the_mean_and_takes_whole_maps_or_pixels():
    maps = np.ones((40, 40, 200))
    whole, pixels = (experiments.drop(maps, 0.25, w) for w in (True, False))
    assert whole.mean() == pytest.approx(1, abs=0.1) and pixels.mean() == pytest.approx(1, abs=0.01)
    assert set(np.unique(whole.max(axis=(0, 1)))) == {0, 1 / 0.75} == set(np.unique(whole))
    assert (pixels.max(axis=(0, 1)) > 0).all()


def test_a_dropped_pixel_can_be_read_from_its_neighbours_a_dropped_map_cannot():
    maps = experiments.edge_maps(np.asarray(tiny_dataset().x_val[0]))
    whole, pixels = (
        np.mean([experiments.agreement(maps, experiments.drop(maps, 0.2, whole, seed)) for seed in range(10)])
        for whole in (True, False)
    )
    assert pixels > whole


def test_operations_count_three_passes_an_image():
    run = make_run(CONFIG.with_(epochs=3))
    run.provenance["counts"] = {"train": {"Mel": 10, "Nev": 5}}
    one = 3 * 15 * describe(CONFIG).multiply_adds / 1e12
    assert experiments.costs(run) == pytest.approx([one, 2 * one, 3 * one])
    drawn = experiments.draw_costs({"long": run, "short": run.first(1)}, 1.0)
    assert "long 3 epochs" in drawn.words and "short 1 epochs" in drawn.words


def test_a_range_test_says_where_the_loss_was_lowest():
    rates = np.geomspace(1e-6, 1, 40).tolist()
    losses = [0.7] * 20 + [0.4] + [0.9] * 19
    assert f"is lowest at rate {rates[20]:.1e} (0.40)" in experiments.range_in_words({"rate": rates, "loss": losses})


def test_the_range_test_grows_and_unlocks_its_button(shown, reader, waiting, press, monkeypatch):
    busy = []

    def range_of(config, dataset):
        yield {"rate": [1e-5, 1e-4], "loss": [0.7, 0.6]}
        busy.append(widget.news["busy"])
        yield {"rate": [1e-5, 1e-4, 1e-3], "loss": [0.7, 0.6, 0.5]}

    monkeypatch.setattr(experiments, "learning_rate_range", range_of)
    widgets.lr_range_test(source="phantom")
    widget = shown[-1]
    press(widget, "again")
    assert widget.news["busy"] and "being loaded" in widget.news["words"]
    waiting.pop()()
    assert busy == [True] and not widget.news["busy"] and "test, 3 steps" in widget.news["words"]


def test_the_recorded_range_test_falls_and_then_loses_what_it_has_learned():
    found = recorded("range")
    loss = np.array(found["loss"])
    lowest = int(loss[10:].argmin()) + 10
    assert loss[lowest] < 0.6 and abs(loss[lowest + 200 :] - np.log(2)).mean() < 0.05
    assert 1e-3 < found["rate"][lowest] < 3e-2 and "back at guessing" in experiments.range_in_words(found)


def test_recordings_are_of_todays_phantoms():
    today = small.small_dataset("skin", "phantom").fingerprint
    for name in ("range", "norm"):
        assert recorded(name)["fingerprint"] == today, f"python -m labutils.course.widgets.record {name}"
