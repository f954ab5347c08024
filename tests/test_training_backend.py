"""Precision: float32 unless the processor has units for bfloat16 and they are measured to be faster."""

import numpy as np
import pytest
from helpers import tiny_config, tiny_dataset

from labutils import machine
from labutils.training import backend
from labutils.training.fit import fit


def choose(monkeypatch, asked, units, gain=None, before=None):
    monkeypatch.setenv("LABUTILS_PRECISION", asked)
    monkeypatch.setattr(machine, "bfloat16_units", lambda: units)

    def measured(*_):
        assert gain is not None, "nothing is to be measured here"
        return gain

    monkeypatch.setattr(backend, "measured_gain", measured)
    return backend.choose_precision(tiny_config(), 2, before)


def test_what_is_asked_for_is_taken(monkeypatch):
    assert choose(monkeypatch, "float32", units=True) == "float32"
    assert choose(monkeypatch, "bfloat16", units=False) == "bfloat16"


def test_auto_never_guesses(monkeypatch):
    assert choose(monkeypatch, "auto", units=False) == "float32"
    assert choose(monkeypatch, "auto", units=True, gain=1.29) == "float32"
    assert choose(monkeypatch, "auto", units=True, gain=1.31) == "bfloat16"


def test_auto_goes_on_in_the_precision_of_the_epochs_before_where_it_can(monkeypatch):
    assert choose(monkeypatch, "auto", units=True, before="bfloat16") == "bfloat16"
    assert choose(monkeypatch, "auto", units=True, before="float32") == "float32"
    assert choose(monkeypatch, "auto", units=False, before="bfloat16") == "float32"


@pytest.mark.parametrize("precision", backend.POLICIES)
def test_weights_and_output_are_float32_in_every_precision(precision):
    model = backend.compiled_model(tiny_config(batch_norm=True), 2, precision)
    assert model.layers[-1].compute_dtype == "float32"
    assert {str(weight.dtype) for weight in model.weights} == {"float32"}
    inner = next(layer for layer in model.layers if "conv" in layer.name)
    assert inner.compute_dtype == precision
    assert backend.import_keras().config.dtype_policy().name == "float32", "the policy is of this model alone"


@pytest.mark.skipif(not machine.bfloat16_units(), reason="this processor has no units for bfloat16")
def test_bfloat16_trains_to_nearly_the_same_and_is_recorded():
    config, dataset = tiny_config(epochs=2, learning_rate=3e-3), tiny_dataset()
    runs = {precision: fit(config, dataset, precision=precision, show=False).run for precision in backend.POLICIES}
    assert [runs[p].provenance["stretches"][-1]["precision"] for p in runs] == list(backend.POLICIES)
    for name in ("loss", "val_loss"):
        one, other = (run.history[name] for run in runs.values())
        np.testing.assert_allclose(one, other, atol=0.02)
        assert (one != other).any(), "bfloat16 rounds"
