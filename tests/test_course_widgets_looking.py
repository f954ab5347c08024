"""Looking into networks, and experiments of a few seconds: numbers, words, and that a control moves them."""

import re

import numpy as np
import pytest
from evaluate_helpers import make_run
from helpers import tiny_config, tiny_dataset

from labutils import lab
from labutils.course import widgets
from labutils.course.widgets import experiments, looking
from labutils.course.widgets.control import recorded
from labutils.evaluate.compare import mcnemar
from labutils.models import build_model, describe
from labutils.statistics import p_words, sign_test, wilson_interval

CONFIG = lab.runs("task1b")["lr 1e-5"]
RUN = make_run(CONFIG.with_(epochs=1), wrong=3, n=10)


@pytest.fixture
def network(monkeypatch):
    """A network that stands for the stored one; what it was asked is in `asked`."""

    class Network:
        def __init__(self):
            self.asked = []

        def __call__(self, pictures, training):
            self.asked.append((np.asarray(pictures[0]), len(pictures), training))
            return self.predict(pictures)

        def predict(self, pictures, **_):
            return np.full((len(pictures), 1), 0.25)

    made = Network()
    monkeypatch.setattr("labutils.training.load_best", lambda run: (made, 0))
    monkeypatch.setattr("labutils.training.with_weights", lambda run: run)
    monkeypatch.setattr(looking, "images_of", lambda run, dataset: dataset)
    return made


def test_feature_maps_are_taken_after_the_relu():
    maps = looking.maps_of(build_model(tiny_config()), tiny_dataset().x_val[0], "block1_conv1")
    assert maps.shape == (32, 32, 2) and maps.min() >= 0
    assert "2 maps of 32 x 32, 2 shown" in looking.draw_maps(maps, "block1_conv1").words


def test_a_strip_says_its_layers_in_words(shown):
    widgets.architecture_strip(CONFIG)
    assert "block1_conv1: 128 x 128 x 8, 80 parameters, sees 3 x 3 pixels" in shown[0]["text/plain"]
    assert "<table" in shown[0]["text/html"]


def test_passes_are_counted():
    words = looking.draw_passes(RUN, 0, np.array([[0.2], [0.8], [0.9], [0.7]])).words
    assert "4 passes" in words and "3 passes say Nev" in words and "0.65 on average" in words


@pytest.mark.parametrize(
    ("show", "at_first", "said"),
    [
        (widgets.feature_maps, "being loaded", "Validation image 4, block1_pool: 3 maps of 4 x 4, 3 shown"),
        (widgets.monte_carlo_dropout, "a hundred passes are being worked out", "Validation image 4, true class"),
        (widgets.break_the_network, "being loaded", "All 10 validation images under this change: accuracy 0.500"),
    ],
)
def test_the_network_is_asked_in_the_background_for_what_was_chosen_last(
    network, shown, reader, waiting, move, monkeypatch, show, at_first, said
):
    monkeypatch.setattr("labutils.explain.gradcam", lambda model, pictures: np.zeros(pictures.shape[:3]))
    monkeypatch.setattr(looking, "maps_of", lambda model, picture, layer: np.full((4, 4, 3), model(picture[None], 0)))
    dataset = tiny_dataset(n_val=10)
    show(RUN, dataset)
    widget = shown[-1]
    assert at_first in widget.news["words"]
    knobs = {knob["name"]: knob["choices"] for knob in widget.data["knobs"]}
    other = {"layer": knobs.get("layer", ["block1_pool"]).index("block1_pool"), "mirror": 1}
    move(widget, image=3, **{name: place for name, place in other.items() if name in knobs})
    for work in waiting:
        work()
    ((picture, passes, training),) = network.asked
    assert np.array_equal(picture, dataset.x_val[3][:, ::-1] if "mirror" in knobs else dataset.x_val[3])
    assert (passes, bool(training)) == ((100, True) if len(knobs) == 1 else (1, False))
    assert said in widget.news["words"] and not widget.news["busy"]


def test_changes_do_what_they_say():
    picture, ways = tiny_dataset().x_val[0], {"rotate": 180, "mirror": True, "right": 0.25, "scale": 1.0}
    changed = {name: looking.apply(picture, looking.Change(**{name: how})) for name, how in ways.items()}
    assert np.array_equal(changed["scale"], picture) and np.array_equal(changed["mirror"], picture[:, ::-1])
    assert np.allclose(changed["rotate"], picture[::-1, ::-1], atol=1e-4)
    moved = changed["right"]
    assert np.array_equal(moved[:, 8:], picture[:, :-8]) and np.array_equal(moved[:, 0], moved[:, 7])


def test_accuracy_under_a_change_counts_all_images():
    class Left:
        """Says class 1 where the left half is darker than the right one."""

        def predict(self, batches, **_):
            pictures = np.concatenate([np.asarray(images) for (images,) in batches])
            return (pictures[:, :, :16].mean(axis=(1, 2, 3)) < pictures[:, :, 16:].mean(axis=(1, 2, 3)))[:, None] * 1.0

    dataset = tiny_dataset(n_val=10)
    unchanged, mirrored = (
        [*looking.accuracy_under(Left(), dataset, looking.Change(mirror=m))][-1] for m in (False, True)
    )
    assert unchanged.value + mirrored.value == pytest.approx(1) and unchanged.low <= unchanged.value <= unchanged.high


def test_what_was_measured_is_said_of_the_run_it_was_measured_on_only():
    run = make_run(CONFIG.with_(epochs=1))
    run.provenance["fingerprint"] = "aa"
    measured = {"run": run.config.key, "fingerprint": "aa", "accuracy": {"scaled by two": [0.7, 0.6, 0.8]}}
    assert "scaled by two: 0.700 [0.600, 0.800]" in looking.breaking_in_words(run, measured)
    assert "scaled" not in looking.breaking_in_words(run, measured | {"fingerprint": "bb"})


def test_a_prediction_is_a_bar_and_words():
    said = looking.bar(RUN, 0, np.array([0.25]))
    assert said.words.endswith(": Mel (0.75), true class Mel.") and said.words.startswith("Right")
    assert "width:150px" in said.picture and looking.bar(RUN, 0, np.array([0.75])).words.startswith("Wrong: Nev")


def test_a_surprise_moves_every_knob_but_the_image(network, shown, reader, waiting, press):
    widgets.break_the_network(RUN, tiny_dataset(n_val=10))
    press(shown[-1], "surprise")
    assert set(shown[-1].news["set"]["places"]) == {knob["name"] for knob in shown[-1].data["knobs"]} - {"image"}


# Experiments.


def test_the_winner_flatters_the_more_the_more_take_part():
    words = [experiments.draw_winner(200, runs, 0).words for runs in (1, 10)]
    one, ten = (float(re.search(r"the best has ([\d.]+) on average", said)[1]) for said in words)
    assert one == pytest.approx(0.85, abs=0.003) and 0.87 < ten < 0.90
    first, second = (experiments.draw_winner(200, 10, seed).words for seed in (0, 1))
    assert "200 images" in first and first != second


@pytest.mark.parametrize(("redraws", "images"), [(1, 200), (20, 50), (500, 1000)])
def test_dots_pile_up_to_what_an_interval_says(redraws, images):
    drawn = experiments.draw_pile(0.85, redraws, images)
    circles = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', drawn.picture)
    assert len(circles) == redraws and (redraws > 100 or len(set(circles)) == redraws), "no dot lies on another"
    first = float(drawn.words.split("time ")[1][:5])
    low, high = wilson_interval(round(first * images), images)
    assert f"{first:.3f} [{low:.3f}, {high:.3f}]" in drawn.words
    if redraws > 1:
        held = int(re.search(r"and (\d+) of the", drawn.words)[1])
        assert 0.85 * redraws < held <= redraws, "about 95 of 100"
    assert experiments.draw_pile(0.85, redraws, images, seed=1).words != drawn.words


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


def test_dropping_keeps_the_mean_and_a_dropped_pixel_can_be_read_from_its_neighbours():
    maps = np.ones((40, 40, 200))
    whole, pixels = (experiments.drop(maps, 0.25, w) for w in (True, False))
    assert whole.mean() == pytest.approx(1, abs=0.1) and pixels.mean() == pytest.approx(1, abs=0.01)
    assert set(np.unique(whole.max(axis=(0, 1)))) == {0, 1 / 0.75} == set(np.unique(whole))
    assert (pixels.max(axis=(0, 1)) > 0).all()
    maps = experiments.edge_maps(np.asarray(tiny_dataset().x_val[0]))
    read = [[experiments.agreement(maps, experiments.drop(maps, 0.2, w, i)) for i in range(10)] for w in (True, False)]
    assert np.mean(read[1]) > np.mean(read[0])


def test_operations_count_three_passes_an_image():
    run = make_run(CONFIG.with_(epochs=3))
    run.provenance["counts"] = {"train": {"Mel": 10, "Nev": 5}}
    one = 3 * 15 * describe(CONFIG).multiply_adds / 1e12
    assert experiments.costs(run) == pytest.approx([one, 2 * one, 3 * one])
    drawn = experiments.draw_costs({"long": run, "short": run.first(1)}, 1.0)
    assert "long 3 epochs" in drawn.words and "short 1 epochs" in drawn.words


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
    assert 1e-3 < found["rate"][lowest] < 3e-2
    said = experiments.range_in_words(found)
    assert f"is lowest at rate {found['rate'][lowest]:.1e} ({loss[lowest]:.2f})" in said and "back at guessing" in said
