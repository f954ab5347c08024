"""A network ready to be trained. `import tensorflow` stands here and nowhere else."""

import os
import platform
import subprocess
import time
from importlib.metadata import version
from typing import Any

import numpy as np

from labutils import machine, paths
from labutils.config import RunConfig
from labutils.keras_import import import_keras

STEPS_AT_ONCE = 5  # training steps between two returns to Python
AHEAD = 2 * STEPS_AT_ONCE  # batches that are made ready while the network is at work on those before
WORTHWHILE = 1.3  # how many times faster than float32 a network has to be in bfloat16 for `auto` to choose it
SHORT = 5  # epochs up to which a training is over before it would pay to measure which precision is faster

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
"""Precision -> Keras's policy. Weights, output layer and loss are float32 in both."""


def compiled_model(config: RunConfig, n_classes: int, precision: str) -> Any:
    """The network of a run with its initial weights and its optimizer, ready to be trained in that precision."""
    keras = import_keras()
    from labutils.models import build_model

    keras.utils.set_random_seed(config.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        model = build_model(config, n_classes=n_classes)
    finally:
        keras.config.set_dtype_policy(before)
    model.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate),
        loss="binary_crossentropy" if n_classes == 2 else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        # JAX compiles in any case. On TensorFlow, oneDNN's convolutions are faster than XLA's (`make bench`).
        jit_compile=machine.backend() == "jax",
        steps_per_execution=STEPS_AT_ONCE,
    )
    model.optimizer.build(model.trainable_variables)
    return model


def feed(batches: Any) -> Any:
    """What a model's `fit` and `predict` read batches (a `keras.utils.PyDataset`) from.

    On TensorFlow a pipeline that does not tune itself: Keras's own may wait until its tuner looks up, and an epoch of
    25 s lasts 41 s now and again. Elsewhere `batches`.
    """
    if machine.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    signature = tuple(tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in batches[0])
    options = tf.data.Options()
    options.autotune.enabled = False
    pipeline = tf.data.Dataset.from_generator(
        lambda: (batches[number] for number in range(len(batches))), output_signature=signature
    )
    counted = pipeline.apply(tf.data.experimental.assert_cardinality(len(batches)))
    return counted.prefetch(AHEAD).with_options(options)


def choose_precision(config: RunConfig, n_classes: int, before: str | None = None) -> str:
    """The precision to train in: what `LABUTILS_PRECISION` says, else what is faster here.

    `auto` gives bfloat16 only where the processor has units for it *and* a few steps are at least `WORTHWHILE` times
    faster, or where the epochs `before` were trained in it.
    """
    asked = machine.precision()
    if asked != "auto":
        return asked
    if not machine.bfloat16_units() or (before is None and config.epochs <= SHORT):
        return "float32"
    return before or ("bfloat16" if measured_gain(config, n_classes) >= WORTHWHILE else "float32")


def measured_gain(config: RunConfig, n_classes: int) -> float:
    """How many times faster a few steps of this network are in bfloat16 than in float32, on this machine."""
    rng, size, seconds = np.random.default_rng(0), config.batch_size * STEPS_AT_ONCE, dict[str, float]()
    x = rng.random((size, config.image_size, config.image_size, config.channels), dtype=np.float32)
    labels = rng.integers(0, n_classes, (size, 1)).astype(np.float32 if n_classes == 2 else np.int32)
    for precision in POLICIES:
        model = compiled_model(config, n_classes, precision)
        spent = []
        for _ in range(4):  # the first one compiles
            started = time.perf_counter()
            model.fit(x, labels, batch_size=config.batch_size, shuffle=False, verbose=0)
            spent.append(time.perf_counter() - started)
        seconds[precision] = min(spent[1:])
    return seconds["float32"] / seconds["bfloat16"]


def provenance(precision: str) -> dict[str, Any]:
    """What a result may depend on beside its settings: versions, backend, precision, device, threads, commit."""
    backend = machine.backend()
    return {
        "backend": backend,
        "versions": {"python": platform.python_version(), **{n: version(n) for n in ("keras", "numpy", backend)}},
        "device": _device(backend),
        "threads": machine.threads(),
        "precision": precision,
        "image_data_format": import_keras().config.image_data_format(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "1",
        "commit": _commit(),
    }


def _device(backend: str) -> str:
    if backend == "jax":
        import jax

        if jax.default_backend() != "cpu":
            return str(jax.devices()[0].device_kind)
    return machine.processor()


def _commit() -> str:
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
        done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"
