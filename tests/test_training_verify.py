"""A stored run is repeated, on a machine that rounds otherwise too, and a planted change is caught there."""

import inspect
import sys
from copy import deepcopy
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from helpers import tiny_config, tiny_dataset

from labutils import models
from labutils.training import verify
from labutils.training.backend import compiled_model
from labutils.training.checkpoint import Trained, state_of
from labutils.training.epoch import fit
from labutils.training.verify import ROUNDING, TIGHT, measured_bands, with_errors

DATASET = tiny_dataset(n_train=32)
CONFIG = tiny_config(model="lenet", batch_norm=True, spatial_dropout=0.2, batch_size=4, epochs=2, learning_rate=1e-4)


@pytest.fixture(scope="module")
def stored():
    return fit(CONFIG, DATASET, show=False).run


def fit_gives(monkeypatch, run):
    """Nothing is trained: this is what comes of it."""
    monkeypatch.setattr("labutils.training.epoch.fit", lambda *args, **options: Trained(run, {}, None))


def with_stretch(run, **changes):
    """As if the run had been trained in other circumstances."""
    (stretch,) = run.provenance["stretches"]
    return replace(run, provenance=run.provenance | {"stretches": [stretch | changes]})


def elsewhere(run):
    return with_stretch(run, device="abacus", threads=64)


@pytest.mark.parametrize(("epochs", "said"), [(1, "epoch 1"), (2, "epochs 1 to 2")])
def test_the_same_run_is_repeated(stored, epochs, said):
    found = verify.verify(stored, epochs, dataset=DATASET)
    assert found.passed and found.other == ()
    assert found.bands == {what: band * (1 if what == "first steps" else epochs) for what, band in TIGHT.items()}
    assert str(found).startswith(
        f"skin-lenet-b2-lr0.0001-dense8-bn-sd0.2-batch4-32px: repeated, {said} "
        f"(same machine, threads and versions, tight bands: first steps 1e-06, loss {epochs}e-06,"
    )
    assert all(c.stored == pytest.approx(c.repeated, abs=1e-7) for c in found.comparisons)


def test_a_run_from_elsewhere_that_is_the_same_says_so(stored, monkeypatch):
    fit_gives(monkeypatch, stored.first(1))
    found = verify.verify(elsewhere(stored), dataset=DATASET)
    assert found.passed and "(other device, threads than it was trained with, tight bands: first step" in str(found)


@pytest.fixture(scope="module")
def drawn():
    """A run on phantoms, and as a machine would have made it that draws and rounds otherwise."""
    phantoms = replace(DATASET, source="phantom")
    state, redrawn = with_errors(CONFIG, phantoms, "float32", ROUNDING["float32"], trial=1000)
    return phantoms, fit(CONFIG.with_(epochs=1), redrawn, checkpoint=state, show=False).run


@pytest.fixture(scope="module")
def measured(drawn):
    phantoms, _ = drawn
    again = fit(CONFIG.with_(epochs=1), phantoms, show=False).run
    return measured_bands(again, phantoms, "float32", ROUNDING["float32"])


def test_rounding_and_grey_levels_of_another_machine_are_no_difference(drawn, measured, monkeypatch):
    phantoms, run = drawn
    assert verify.verify(run, dataset=phantoms).passed is False, "on this machine they are"
    asked = []
    monkeypatch.setattr(verify, "measured_bands", lambda *what: asked.append(what[2:]) or measured)
    found = verify.verify(elsewhere(run), dataset=phantoms)
    assert found.passed, str(found)
    assert asked == [("float32", 2.0**-24)]
    assert "(other device, threads than it was trained with, measured bands: first steps " in str(found)


def test_errors_are_planted_once_in_every_weight_and_every_phantom():
    config = tiny_config()
    clean = state_of(compiled_model(config, 2, "float32"))["weight_000"]
    state, same = with_errors(config, DATASET, "float32", 2.0**-24, trial=0)
    assert same is DATASET  # photographs are what their files say
    assert (state["weight_000"] != clean).mean() > 0.9
    assert np.abs(state["weight_000"] / clean - 1).max() < 2.0**-22
    _, redrawn = with_errors(config, replace(DATASET, source="phantom"), "float32", 2.0**-24, trial=0)
    moved = np.abs(redrawn.x_val - DATASET.x_val).reshape(len(DATASET.y_val), -1)
    assert ((moved > 0).sum(axis=1) <= 1).all()
    assert moved.max() == pytest.approx(1 / 255, abs=1e-6)


def train_otherwise(change):
    """Train with what `change` makes of the settings and the images."""
    return lambda monkeypatch: monkeypatch.setattr(
        "labutils.training.epoch.fit", lambda *what, **options: fit(*change(*what), **options)
    )


def settings(**changes):
    return train_otherwise(lambda config, dataset: (config.with_(**changes), dataset))


def images(change):
    return train_otherwise(lambda config, dataset: (config, change(dataset)))


def one_label(dataset):
    y_train = dataset.y_train.copy()
    y_train[5] = 1 - y_train[5]
    return replace(dataset, y_train=y_train)


def relu_moved(behind):
    """Networks from the source of `models`, with the ReLU of a block moved past another line of it."""

    def plant(monkeypatch):
        lines = inspect.getsource(models).splitlines()
        (relu,) = (i for i, line in enumerate(lines) if "layers.ReLU(" in line)
        other = behind(lines, relu)
        line = lines.pop(relu)
        lines.insert(other - (other > relu), line)
        changed = ModuleType("changed_models")
        monkeypatch.setitem(sys.modules, "changed_models", changed)  # dataclasses look their module up
        exec("\n".join(lines), changed.__dict__)
        monkeypatch.setattr(models, "build_model", changed.build_model)

    return plant


def other_weights(monkeypatch):
    real = models._layer_seed
    monkeypatch.setattr(models, "_layer_seed", lambda seed, name: real(seed, name) + (name == "output"))


FAULTS = {
    "learning rate": settings(learning_rate=2e-4),
    "spatial dropout": settings(spatial_dropout=0.25),
    "batch size": settings(batch_size=5),
    "one label": images(one_label),
    # The fingerprint does not see this: a phantom may be off by a grey level, not by a gamma.
    "other images": images(lambda dataset: replace(dataset, x_train=dataset.x_train**1.2)),
    "ReLU before norm": relu_moved(lambda lines, relu: max(i for i in range(relu) if "if batch_norm" in lines[i])),
    "dropout before ReLU": relu_moved(
        lambda lines, relu: 1 + min(i for i in range(relu, len(lines)) if "SpatialDropout2D(" in lines[i])
    ),
    "other weights": other_weights,
}


@pytest.mark.parametrize("plant", FAULTS.values(), ids=FAULTS)
def test_a_planted_change_is_caught_from_elsewhere(drawn, measured, monkeypatch, plant):
    phantoms, run = drawn
    monkeypatch.setattr(verify, "measured_bands", lambda *what: measured)  # once for all of them
    plant(monkeypatch)
    found = verify.verify(elsewhere(run), dataset=phantoms)
    assert found.passed is False
    assert "DIFFERS in epoch 1 (other device, threads" in str(found)
    assert any("loss in step" in text for text in found.differences)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda run: run.history["loss"].put(0, run.history["loss"][0] + 1e-4), "loss of epoch 1 was"),
        (lambda run: run.history["val_loss"].put(1, 0.5), "val_loss of epoch 2, which has to follow"),
        (lambda run: run.val_predictions.put(3, 0.1), "prediction for test/Nev_0003.jpg in epoch 1"),
        (lambda run: run.y_val.put(0, 1), "labels as stored"),
        (lambda run: run.provenance.update(parameters=3), "number of parameters was 3"),
        (lambda run: run.provenance.update(first_losses=[0.6]), "loss in step 1 was 0.6, is 0."),
    ],
)
def test_a_changed_number_is_caught(stored, monkeypatch, change, said):
    fit_gives(monkeypatch, stored.first(1))
    run = deepcopy(stored)
    change(run)
    assert said in str(verify.verify(run, dataset=DATASET))


def test_a_run_that_does_not_know_its_first_steps_claims_nothing_about_them(stored, monkeypatch):
    fit_gives(monkeypatch, stored)
    known = {name: value for name, value in stored.provenance.items() if name != "first_losses"}
    found = verify.verify(replace(stored, provenance=known), epochs=2, dataset=DATASET)
    assert found.passed and "first steps" not in str(found)


def test_a_run_that_diverged_is_repeated(monkeypatch):
    monkeypatch.setattr("labutils.training.epoch.predict", lambda model, x: np.full((len(x), 1), np.nan, np.float32))
    diverged = fit(CONFIG.with_(epochs=1), DATASET, show=False).run
    fit_gives(monkeypatch, diverged)
    assert verify.verify(diverged, dataset=DATASET).passed


@pytest.mark.parametrize(
    ("change", "n_train", "said"),
    [
        ({}, 40, "its images (course, fingerprint 0020000a0000) are not here; those here have 0028"),
        ({"backend": "jax"}, 32, "trained with jax, and this process uses tensorflow: set KERAS_BACKEND=jax"),
        ({"backend": "no such"}, 32, "trained with no such, which is not installed"),
    ],
)
def test_what_cannot_be_verified_says_why(stored, monkeypatch, change, n_train, said):
    monkeypatch.setattr(verify, "find_spec", lambda name: None if name == "no such" else True)
    found = verify.verify(with_stretch(stored, **change), dataset=tiny_dataset(n_train=n_train))
    assert found.passed is None and said in str(found)
