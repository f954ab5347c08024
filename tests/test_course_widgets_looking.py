"""Looking into networks: the strip says its layers, changes of images do what they say."""

import numpy as np
import pytest
from evaluate_helpers import make_run
from helpers import tiny_config, tiny_dataset

from labutils import lab
from labutils.course import widgets
from labutils.course.widgets import looking
from labutils.models import build_model

CONFIG = lab.runs("task1b")["lr 1e-5"]
RUN = make_run(CONFIG.with_(epochs=1), wrong=3, n=10)


@pytest.fixture
def network(monkeypatch):
    """A network that stands for the stored one; what it was asked is in `asked`."""

    class Network:
        asked = []  # noqa: RUF012 (one for the test)

        def __call__(self, pictures, training):
            self.asked.append((np.asarray(pictures[0]), len(pictures), training))
            return np.full((len(pictures), 1), 0.25)

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
    wanted = dataset.x_val[3][:, ::-1] if "mirror" in knobs else dataset.x_val[3]
    assert np.array_equal(picture, wanted) and (passes, bool(training)) == (
        (100, True) if len(knobs) == 1 else (1, False)
    )
    assert said in widget.news["words"] and not widget.news["busy"]


def test_changes_do_what_they_say():
    picture = tiny_dataset().x_val[0]
    changed = {name: looking.apply(picture, looking.Change(**{name: how})) for name, how in
               (("rotate", 180), ("mirror", True), ("right", 0.25), ("scale", 1.0))}  # fmt: skip
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
    unchanged, mirrored = (looking.accuracy_under(Left(), dataset, looking.Change(mirror=m)) for m in (False, True))
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
