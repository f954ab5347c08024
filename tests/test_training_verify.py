"""A stored run is repeated, on a machine that rounds otherwise too, and a planted change is caught there."""

import inspect
import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from helpers import made_up_run, tiny_config, tiny_dataset

from labutils import models
from labutils.runs.run import write_run
from labutils.training import bands, verify
from labutils.training.backend import compiled_model
from labutils.training.checkpoint import state_of
from labutils.training.epoch import fit

DATASET = tiny_dataset(n_train=32)
CONFIG = tiny_config(model="lenet", batch_norm=True, spatial_dropout=0.2, batch_size=4, epochs=2, learning_rate=1e-4)


@pytest.fixture(scope="module")
def trained():
    return fit(CONFIG, DATASET, show=False)


@pytest.fixture
def stored(trained):
    return trained.run


def elsewhere(run):
    """As if the run had been trained on another machine."""
    (stretch,) = run.provenance["stretches"]
    return replace(run, provenance=run.provenance | {"stretches": [stretch | {"device": "abacus", "threads": 64}]})


def test_the_same_run_is_repeated(stored):
    found = verify.verify(stored, epochs=2, dataset=DATASET)
    assert found.passed
    assert found.other == ()
    assert found.bands == {what: band * (1 if what == "first steps" else 2) for what, band in bands.TIGHT.items()}
    assert str(found).startswith(
        "skin-lenet-b2-lr0.0001-dense8-bn-sd0.2-batch4-32px: repeated, epochs 1 to 2 "
        "(same machine, threads and versions, tight bands: first steps 1e-06, loss 2e-06,"
    )
    assert all(c.stored == pytest.approx(c.repeated, abs=1e-7) for c in found.comparisons)


def test_a_run_from_elsewhere_that_is_the_same_says_so(stored):
    found = verify.verify(elsewhere(stored), dataset=DATASET)
    assert found.passed
    assert "(other device, threads than it was trained with, tight bands: first steps 1e-06, loss 1e-06" in str(found)


@pytest.fixture(scope="module")
def drawn():
    """A run on phantoms, and as a machine would have made it that draws and rounds otherwise."""
    phantoms = replace(DATASET, source="phantom")
    state, redrawn = bands._with_errors(CONFIG, phantoms, "float32", bands.ROUNDING["float32"], trial=1000)
    config = CONFIG.with_(epochs=1)
    return phantoms, fit(config, redrawn, checkpoint=state, show=False).run


@pytest.fixture(scope="module")
def measured(drawn):
    phantoms, _ = drawn
    return bands.measured_bands(
        fit(CONFIG.with_(epochs=1), phantoms, show=False).run, phantoms, "float32", bands.ROUNDING["float32"]
    )


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
    clean = state_of(compiled_model(config, 2, "float32"))
    state, same = bands._with_errors(config, DATASET, "float32", 2.0**-24, trial=0)
    assert same is DATASET  # photographs are what their files say
    kernel = clean["weight_000"]
    assert (state["weight_000"] != kernel).mean() > 0.9
    assert np.abs(state["weight_000"] / kernel - 1).max() < 2.0**-22
    _, redrawn = bands._with_errors(config, replace(DATASET, source="phantom"), "float32", 2.0**-24, trial=0)
    moved = np.abs(redrawn.x_val - DATASET.x_val).reshape(len(DATASET.y_val), -1)
    assert ((moved > 0).sum(axis=1) <= 1).all()
    assert moved.max() == pytest.approx(1 / 255, abs=1e-6)


def test_a_run_that_does_not_know_its_first_steps_claims_nothing_about_them(trained, stored, monkeypatch):
    monkeypatch.setattr("labutils.training.epoch.fit", lambda *args, **options: trained)
    known = {name: value for name, value in stored.provenance.items() if name != "first_losses"}
    found = verify.verify(replace(stored, provenance=known), epochs=2, dataset=DATASET)
    assert found.passed
    assert "first steps" not in str(found)


def changed_network(monkeypatch, move):
    """Build networks from the source of `models` with the ReLU moved past another line of its block."""
    lines = inspect.getsource(models).splitlines()
    (relu,) = (i for i, line in enumerate(lines) if "layers.ReLU(" in line)
    other = move(lines, relu)
    line = lines.pop(relu)
    lines.insert(other - (other > relu), line)
    changed = ModuleType("changed_models")
    monkeypatch.setitem(sys.modules, "changed_models", changed)  # dataclasses look their module up
    exec("\n".join(lines), changed.__dict__)
    monkeypatch.setattr(models, "build_model", changed.build_model)


def relu_before_norm(monkeypatch):
    changed_network(monkeypatch, lambda lines, relu: max(i for i in range(relu) if "if batch_norm" in lines[i]))


def dropout_before_relu(monkeypatch):
    def after_dropout(lines, relu):
        return 1 + min(i for i in range(relu, len(lines)) if "SpatialDropout2D(" in lines[i])

    changed_network(monkeypatch, after_dropout)


def train_otherwise(monkeypatch, change):
    """Train with what `change` makes of the settings and the images."""

    def other_fit(config, dataset, **options):
        config, dataset = change(config, dataset)
        return fit(config, dataset, **options)

    monkeypatch.setattr("labutils.training.epoch.fit", other_fit)


def change_config(**changes):
    def plant(monkeypatch):
        train_otherwise(monkeypatch, lambda config, dataset: (config.with_(**changes), dataset))

    return plant


def other_weights(monkeypatch):
    real = models._layer_seed
    monkeypatch.setattr(models, "_layer_seed", lambda seed, name: real(seed, name) + (name == "output"))


def other_images(monkeypatch):
    # The fingerprint does not see this: a phantom may be off by a grey level, not by a gamma.
    train_otherwise(monkeypatch, lambda config, dataset: (config, replace(dataset, x_train=(dataset.x_train**1.2))))


def one_label(monkeypatch):
    def change(config, dataset):
        y_train = dataset.y_train.copy()
        y_train[5] = 1 - y_train[5]
        return config, replace(dataset, y_train=y_train)

    train_otherwise(monkeypatch, change)


def swapped_labels(monkeypatch):
    train_otherwise(monkeypatch, lambda config, dataset: (config, replace(dataset, y_train=1 - dataset.y_train)))


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(change_config(seed=1), id="seed"),
        pytest.param(change_config(learning_rate=2e-4), id="learning rate"),
        pytest.param(change_config(spatial_dropout=0.25), id="spatial dropout"),
        pytest.param(change_config(spatial_dropout=0.0), id="dropout not applied"),
        pytest.param(change_config(batch_size=5), id="batch size"),
        swapped_labels,
        relu_before_norm,
        dropout_before_relu,
        other_weights,
        other_images,
        one_label,
    ],
)
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
        (lambda run: run.history["loss"].__setitem__(0, run.history["loss"][0] + 1e-4), "loss of epoch 1 was"),
        (lambda run: run.history["val_loss"].__setitem__(1, 0.5), "val_loss of epoch 2, which has to follow"),
        (
            lambda run: run.val_predictions.__setitem__((0, 3, 0), 0.1),
            "prediction for test/Nev_0003.jpg in epoch 1",
        ),
        (lambda run: run.y_val.__setitem__(0, 1), "labels as stored"),
        (lambda run: run.provenance.__setitem__("parameters", 3), "number of parameters was 3"),
        (lambda run: run.provenance.__setitem__("first_losses", [0.6]), "loss in step 1 was 0.6, is 0."),
    ],
)
def test_a_changed_number_is_caught(trained, stored, monkeypatch, change, said):
    monkeypatch.setattr("labutils.training.epoch.fit", lambda *args, **options: replace(trained, run=stored.first(1)))
    run = replace(
        stored,
        history={name: values.copy() for name, values in stored.history.items()},
        val_predictions=stored.val_predictions.copy(),
        y_val=stored.y_val.copy(),
        provenance=dict(stored.provenance),
    )
    change(run)
    assert said in str(verify.verify(run, dataset=DATASET))


def test_a_run_that_diverged_is_repeated(stored, monkeypatch):
    monkeypatch.setattr("labutils.training.epoch.predict", lambda model, x: np.full((len(x), 1), np.nan, np.float32))
    diverged = fit(CONFIG.with_(epochs=1), DATASET, show=False)
    monkeypatch.setattr("labutils.training.epoch.fit", lambda *args, **options: diverged)
    assert verify.verify(diverged.run, dataset=DATASET).passed


def test_what_cannot_be_verified_says_why(stored, monkeypatch):
    other = verify.verify(stored, dataset=tiny_dataset(n_train=40))
    assert other.passed is None
    assert "cannot verify: its images (course, fingerprint 0020000a0000) are not here; those here have" in str(other)
    (stretch,) = stored.provenance["stretches"]
    run = replace(stored, provenance=stored.provenance | {"stretches": [stretch | {"backend": "jax"}]})
    monkeypatch.setattr(verify, "find_spec", lambda name: True)
    said = str(verify.verify(run, dataset=DATASET))
    assert "trained with jax, and this process uses tensorflow: set KERAS_BACKEND=jax before" in said
    monkeypatch.setattr(verify, "find_spec", lambda name: None)
    assert "trained with jax, which is not installed" in str(verify.verify(run, dataset=DATASET))
    run = replace(stored, provenance=stored.provenance | {"stretches": []})
    assert "does not say how it was trained" in str(verify.verify(run, dataset=DATASET))


def test_stored_runs_are_verified_on_what_they_were_trained_with(results, monkeypatch):
    folders = []
    for source, seed in (("course", 0), ("HAM10000 selection", 1)):
        config = tiny_config(epochs=1, seed=seed)
        run = made_up_run(config, DATASET)
        run = replace(run, provenance=run.provenance | {"source": source}, path=results / f"run{seed}")
        write_run(run, {"epochs": np.array(1)}, None)
        folders.append(run.path)
    damaged = results / "damaged"
    damaged.mkdir()
    monkeypatch.setenv("LABUTILS_DATA", str(results))
    found = {v.name: v for v in verify.verify_all([*folders, damaged])}
    assert [v.passed for v in found.values()] == [None] * 3
    assert "its images (course, fingerprint" in str(found["run0"])
    assert "its images (HAM10000 selection, fingerprint" in str(found["run1"])
    assert "is not a stored run or is damaged" in str(found["damaged"])


def test_more_runs_than_one_process_verifies(results, monkeypatch):
    folders = []
    for seed in range(5):
        run = replace(made_up_run(tiny_config(epochs=1, seed=seed), DATASET), path=results / f"run{seed}")
        write_run(run, {"epochs": np.array(1)}, None)
        folders.append(run.path)
    monkeypatch.setenv("LABUTILS_DATA", str(results))
    monkeypatch.setattr(verify, "RUNS_PER_PROCESS", 2)
    assert [v.name for v in verify.verify_all(folders)] == [folder.name for folder in folders]
