"""Images chosen for a question: the property orders them, and the words say which were chosen."""

from dataclasses import replace

import numpy as np
import pytest
from evaluate_helpers import run_from_predictions
from helpers import tiny_config, tiny_dataset

from labutils.plots import chosen


def test_extremes_are_the_least_and_the_most(monkeypatch):
    told = []
    monkeypatch.setattr(chosen, "show", lambda figure, alt, save=None: told.append(alt))
    data = tiny_dataset(n_train=6)
    flat = np.stack([np.full((32, 32, 1), value, np.float32) for value in (0.5, 0.1, 0.9, 0.4, 0.6, 0.3)])
    chosen.extremes(replace(data, x_train=flat), "brightness", n=1)
    assert "least brightness" in told[0]
    assert "0.10; with the most" in told[0] and told[0].endswith("0.90.")


@pytest.mark.parametrize("measure", list(chosen.MEASURES))
def test_measures_are_one_finite_number_an_image_and_tell_images_apart(measure):
    noise = np.random.default_rng(0).random((3, 32, 32), np.float32)
    images = np.stack([noise[0] * 0.2, noise[1], np.full((32, 32), 0.5, np.float32)])
    images[0, :8] += 0.5
    values = chosen.MEASURES[measure](images)
    assert values.shape == (3,) and np.isfinite(values).all() and len(set(values.tolist())) > 1


def test_an_unknown_measure_is_refused_and_the_known_are_named():
    with pytest.raises(ValueError, match="no measure of an image: there are brightness"):
        chosen.extremes(tiny_dataset(), "beauty")


def test_without_a_run_nothing_is_hard(capsys):
    chosen.hardest(tiny_dataset(), None)
    assert "No run is stored" in capsys.readouterr().out


def test_the_hardest_are_those_nearest_to_one_half(monkeypatch):
    told = []
    monkeypatch.setattr(chosen, "show", lambda figure, alt, save=None: told.append(alt))
    data = tiny_dataset()
    probabilities = np.linspace(0.05, 0.93, len(data.y_val))[None, :, None]
    run = run_from_predictions(tiny_config(epochs=1), probabilities, data.y_val)
    chosen.hardest(data, run, n=1)
    assert told[0].endswith("least sure: Mel, p 0.46.") or told[0].endswith("least sure: Nev, p 0.54."), told[0]
