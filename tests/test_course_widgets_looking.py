"""Looking into networks: the strip agrees with Keras and `describe`, changes of images do what they say."""

import numpy as np
import pytest
from evaluate_helpers import make_run
from helpers import tiny_config, tiny_dataset

from labutils import lab
from labutils.course import widgets
from labutils.course.widgets import breaking, strip
from labutils.models import build_model, describe

CONFIG = lab.runs("task1b")["lr 1e-5"]


@pytest.mark.parametrize("model", ["lenet", "alexnet", "vgg16"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_strip_is_the_network(model, batch_norm):
    config = CONFIG.with_(model=model, batch_norm=batch_norm)
    layers, told = strip.layers_of(config), describe(config)
    assert sum(layer.parameters for layer in layers) == told.parameters
    assert max(layer.field or 0 for layer in layers) == told.receptive_field
    assert layers[-1].name == "output" and layers[-1].shape == (1,)


def test_shapes_and_names_are_those_of_keras():
    config = tiny_config()
    model = build_model(config)
    for layer in strip.layers_of(config)[1:]:
        assert tuple(model.get_layer(layer.name).output.shape[1:]) == layer.shape
    maps = strip.maps_of(model, tiny_dataset().x_val[0], "block1_conv1")
    assert maps.shape == (32, 32, 2) and maps.min() >= 0, "after the ReLU"
    assert "2 maps of 32 x 32, 2 shown" in strip.draw_maps(maps, "block1_conv1").words


def test_a_strip_says_its_layers_in_words(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda item, **kwargs: shown.append(item))
    widgets.architecture_strip(CONFIG)
    words = shown[0]["text/plain"]
    assert (
        "block1_conv1: 128 x 128 x 8, 80 parameters, sees 3 x 3 pixels" in words and "<table" in shown[0]["text/html"]
    )


def test_feature_maps_are_those_of_the_image_and_layer_chosen_last(monkeypatch):
    waiting = []
    monkeypatch.setattr("labutils.course.widgets.control.background", waiting.append)
    monkeypatch.setattr("labutils.training.load_best", lambda run: ("network", 0))
    monkeypatch.setattr(strip, "maps_of", lambda model, picture, layer: np.zeros((4, 4, 3)))
    names = ["block1_conv1", "block1_pool"]
    run = make_run(CONFIG.with_(epochs=1), wrong=3, n=10)
    controls = strip._maps_controls(run, tiny_dataset(n_val=10), names, names[0], 0)
    assert "being loaded" in controls.widget.news["words"]
    controls.choose(layer="block1_pool", image=3)
    for work in waiting:
        work()
    said = "Validation image 3, block1_pool: 3 maps of 4 x 4, 3 shown on one scale; 3 are empty."
    assert controls.widget.news["words"] == said


def test_changes_do_what_they_say():
    picture = tiny_dataset().x_val[0]
    assert np.array_equal(breaking.apply(picture, breaking.Change()), picture)
    assert np.array_equal(breaking.apply(picture, breaking.Change(mirror=True)), picture[:, ::-1])
    turned = breaking.apply(picture, breaking.Change(rotate=180))
    assert np.allclose(turned, picture[::-1, ::-1], atol=1e-4)
    moved = breaking.apply(picture, breaking.Change(right=0.25))
    assert np.array_equal(moved[:, 8:], picture[:, :-8]) and np.array_equal(moved[:, 0], moved[:, 7])


def test_accuracy_under_a_change_counts_all_images():
    dataset = tiny_dataset(n_val=10)

    class Left:
        """Says class 1 where the left half is darker than the right one."""

        def predict(self, batches, **_):
            pictures = np.concatenate([np.asarray(images) for (images,) in batches])
            return (pictures[:, :, :16].mean(axis=(1, 2, 3)) < pictures[:, :, 16:].mean(axis=(1, 2, 3)))[:, None] * 1.0

    unchanged = breaking.accuracy_under(Left(), dataset, breaking.Change())
    mirrored = breaking.accuracy_under(Left(), dataset, breaking.Change(mirror=True))
    assert unchanged.value + mirrored.value == pytest.approx(1) and unchanged.low <= unchanged.value <= unchanged.high


def test_what_was_measured_is_said_of_the_run_it_was_measured_on_only():
    run = make_run(CONFIG.with_(epochs=1))
    run.provenance["fingerprint"] = "aa"
    measured = {"run": run.config.key, "fingerprint": "aa", "accuracy": {"scaled by two": [0.7, 0.6, 0.8]}}
    assert "scaled by two: 0.700 [0.600, 0.800]" in breaking.breaking_in_words(run, measured)
    assert "scaled" not in breaking.breaking_in_words(run, measured | {"fingerprint": "bb"})


def test_a_prediction_is_a_bar_and_words():
    run = make_run(CONFIG.with_(epochs=1))
    said = breaking.bar(run, 0, np.array([0.25]))
    assert said.words == "Right: Mel (0.75), true class Mel." and "width:150px" in said.picture
    assert breaking.bar(run, 0, np.array([0.75])).words.startswith("Wrong: Nev")


def test_breaking_answers_from_the_background_and_surprises(monkeypatch):
    """The network is asked for the image as changed; what has been overtaken by another move is not worked out."""
    waiting, asked = [], []
    dataset = tiny_dataset(n_val=10)
    run = make_run(CONFIG.with_(epochs=1), wrong=3, n=10)

    class Network:
        def __call__(self, pictures, training):
            asked.append(np.asarray(pictures[0]))
            return np.array([[0.25]])

        def predict(self, pictures, **_):
            return np.full((len(pictures), 1), 0.25)

    monkeypatch.setattr("labutils.course.widgets.control.background", waiting.append)
    monkeypatch.setattr("labutils.training.load_best", lambda run: (Network(), 0))
    monkeypatch.setattr("labutils.explain.gradcam", lambda model, pictures: np.zeros(pictures.shape[:3]))
    controls = breaking.Breaking(run, dataset).controls
    assert "being loaded" in controls.widget.news["words"]
    controls.choose(mirror=True)
    for work in waiting:
        work()
    (picture,) = asked
    assert np.array_equal(picture, dataset.x_val[0][:, ::-1])
    assert "All 10 validation images under this change: accuracy 0.500" in controls.widget.news["words"]
    controls._pressed(None, {"do": "surprise"}, None)
    assert set(controls.widget.news["set"]["places"]) == {"image", *controls.values} - {"image"}
