"""Precision, float32 unless measured; and a Keras that is the same whoever configured it."""

import numpy as np
import pytest
from helpers import tiny_config, tiny_dataset

from labutils import machine
from labutils.errors import ParameterError
from labutils.training import backend
from labutils.training.epoch import PREDICTION_BATCH, Batches, Pictures, fit, predict


@pytest.mark.parametrize(
    ("asked", "units", "gain", "before", "epochs", "chosen"),
    [
        ("float32", True, None, None, 100, "float32"),
        ("bfloat16", False, None, None, 100, "bfloat16"),
        ("auto", False, None, None, 100, "float32"),
        ("auto", True, 1.29, None, 100, "float32"),
        ("auto", True, 1.31, None, 100, "bfloat16"),
        ("auto", True, None, None, backend.SHORT, "float32"),
        ("auto", True, None, "bfloat16", 100, "bfloat16"),
        ("auto", True, None, "float32", 100, "float32"),
        ("auto", False, None, "bfloat16", 100, "float32"),
    ],
)
def test_precision_is_what_is_asked_for_or_was_measured(monkeypatch, asked, units, gain, before, epochs, chosen):
    """`auto` measures (`gain`) only where it has to, and goes on in the precision of the epochs before where it can."""
    monkeypatch.setenv("LABUTILS_PRECISION", asked)
    monkeypatch.setattr(machine, "bfloat16_units", lambda: units)

    def measured(*_):
        assert gain is not None, "nothing is to be measured here"
        return gain

    monkeypatch.setattr(backend, "measured_gain", measured)
    assert backend.choose_precision(tiny_config(epochs=epochs), 2, before) == chosen


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


@pytest.mark.skipif(machine.backend() != "tensorflow", reason="the pipeline is TensorFlow's")
def test_what_a_network_reads_is_the_batches_and_nothing_that_tunes_itself():
    batches = Batches(tiny_config(batch_size=4), tiny_dataset())
    pipeline = backend.feed(batches)
    assert pipeline.options().autotune.enabled is False, "an epoch may wait for the end of the tuner's nap"
    assert len(pipeline) == len(batches)
    for epoch in (3, 4):
        batches.draw(epoch)
        for read, batch in zip(pipeline.as_numpy_iterator(), (batches[i] for i in range(len(batches))), strict=True):
            assert all(np.array_equal(one, other) for one, other in zip(read, batch, strict=True))


def test_other_backends_read_the_batches_themselves(monkeypatch):
    monkeypatch.setattr(machine, "backend", lambda: "jax")
    batches = Batches(tiny_config(), tiny_dataset())
    assert backend.feed(batches) is batches


@pytest.mark.parametrize("n", [1, PREDICTION_BATCH, PREDICTION_BATCH + 1, 2 * PREDICTION_BATCH + 3])
def test_images_are_predicted_once_each_in_equal_batches(n):
    images = np.random.default_rng(n).random((n, 32, 32, 1), dtype=np.float32)
    shapes = {batch[0].shape for batch in (Pictures(images)[i] for i in range(len(Pictures(images))))}
    assert len(shapes) == 1 and max(shapes)[0] <= PREDICTION_BATCH
    model = backend.compiled_model(tiny_config(image_size=32), 2, "float32")
    expected = np.concatenate([model.predict_on_batch(images[i : i + 1]) for i in range(n)])
    np.testing.assert_allclose(predict(model, images), expected, atol=1e-6)


def test_what_a_keras_json_or_a_cell_has_set_does_not_reach_a_training():
    keras = backend.import_keras()
    expected = fit(tiny_config(), tiny_dataset(), precision="float32", show=False).run
    set_by_a_cell = {"image_data_format": "channels_first", "floatx": "float16", "epsilon": 1e-3}
    for name, value in (set_by_a_cell | {"max_epochs": 1, "max_steps_per_epoch": 1}).items():
        getattr(keras.config, f"set_{name}")(value)
    run = fit(tiny_config(), tiny_dataset(), precision="float32", show=False).run
    for name in ("loss", "val_loss"):
        np.testing.assert_array_equal(run.history[name], expected.history[name])
    assert run.provenance["stretches"][-1]["image_data_format"] == "channels_last"
    assert (keras.config.floatx(), keras.config.epsilon(), keras.config.max_epochs()) == ("float32", 1e-7, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"floatx": "bfloat16"}', "floatx is 'bfloat16' in keras.json: it must be one of float32, float16, float64"),
        ('{"image_data_format": 1}', "it must be one of channels_last, channels_first"),
        ('{"epsilon": "small"}', "epsilon is 'small' in keras.json: it must be a number"),
        ("[1]", "it must hold settings in braces"),
    ],
)
def test_a_keras_json_that_ends_keras_is_a_sentence(tmp_path, monkeypatch, text, words):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    file = tmp_path / "keras.json"
    file.write_text(text)
    with pytest.raises(ParameterError, match=words) as refused:
        backend.import_keras()
    assert f"Remove {file}, or mend it" in str(refused.value)


@pytest.mark.parametrize(
    ("asked", "installed", "said"),
    [
        ("torch", {"tensorflow"}, r"'torch', but torch is not installed here: pip install torch, or set"),
        (None, set(), "KERAS_BACKEND is not set, and tensorflow is not installed here"),
    ],
)
def test_a_backend_that_is_not_installed_is_a_sentence(monkeypatch, asked, installed, said):
    monkeypatch.setattr(machine, "find_spec", lambda name: True if name in installed else None)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    if asked:
        monkeypatch.setenv("KERAS_BACKEND", asked)
    with pytest.raises(ParameterError, match=said):
        backend.import_keras()
