"""One model in training: epochs, predictions, and the state from which training goes on.

Keras is spoken here, and in `models`, `layers` and `explain`, and imported when something trains or predicts.
Stored runs, messages and progress are the business of `training`.

What an epoch does depends on the seed and the epoch's number alone: the order of the images, the units that dropout
leaves out and the augmentation are drawn anew from both, so that a training that was stopped and taken up again is the
training that was never stopped.
"""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from typing import Any, BinaryIO

import numpy as np

from labutils import paths
from labutils.config import RunConfig
from labutils.data.dataset import Dataset

VALIDATION_BATCH = 64
STEPS_AT_ONCE = 5
"""Training steps between two returns to Python."""
COPIED = 2**28
"""Bytes of training images up to which an epoch's are copied into their order before it; more stay on the disk."""


def import_keras() -> Any:
    """Keras, quiet, on the backend of `KERAS_BACKEND` (TensorFlow unless set), on `LABUTILS_THREADS` threads."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    threads = n_threads()
    if os.environ["KERAS_BACKEND"] == "tensorflow":
        # TensorFlow uses oneDNN by itself on some processors only; on all of them it halves the step (`make bench`).
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        with _silent_stderr():  # TensorFlow logs its build options before it reads TF_CPP_MIN_LOG_LEVEL
            import tensorflow as tf

        tf.get_logger().setLevel("ERROR")
        with suppress(RuntimeError):  # raised once TensorFlow runs: its threads were set by the first call
            tf.config.threading.set_intra_op_parallelism_threads(threads)
    elif os.environ["KERAS_BACKEND"] == "torch":
        import torch

        torch.set_num_threads(threads)
    import keras

    return keras


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Send what C++ code writes to file descriptor 2 nowhere."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def n_threads() -> int:
    """Threads that a training step uses: `LABUTILS_THREADS`, else the cores this process may run on."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(os.environ.get("LABUTILS_THREADS") or available)


class Trainer:
    """A model, its optimizer and its data.

    Parameters
    ----------
    config : RunConfig
        `epochs` is not used: the caller says which epoch is trained.
    dataset : Dataset
    """

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        self.keras = import_keras()
        from labutils.models import build_model

        self.config, self.dataset = config, dataset
        self.keras.utils.set_random_seed(config.seed)
        self.model = build_model(config, n_classes=len(dataset.class_names))
        binary = len(dataset.class_names) == 2
        self.model.compile(
            optimizer=self.keras.optimizers.Adam(config.learning_rate),
            loss="binary_crossentropy" if binary else "sparse_categorical_crossentropy",
            metrics=["accuracy"],
            # JAX compiles in any case. On TensorFlow, oneDNN's convolutions are faster than XLA's (`make bench`).
            jit_compile=self.keras.backend.backend() == "jax",
            steps_per_execution=STEPS_AT_ONCE,
        )
        self.model.optimizer.build(self.model.trainable_variables)
        self.steps = -(-len(dataset.y_train) // config.batch_size)

    def train_epoch(self, epoch: int, on_steps: Callable[[int], bool | None] | None = None) -> dict[str, float]:
        """Train epoch number `epoch` (from 0); mean loss and accuracy on the training images as they went by.

        Parameters
        ----------
        on_steps : callable, optional
            Called after every few steps with how many of the epoch's are done; if it returns True, it ends there.
        """
        self._reset_dropout(epoch)
        history = self._fit(self._order(epoch), epoch, on_steps)
        return {"loss": float(history["loss"][0]), "accuracy": float(history["accuracy"][0])}

    def predict(self) -> np.ndarray:
        """Probabilities on the validation images, float32, shape (images, outputs)."""
        images = self.dataset.x_val
        batches = -(-len(images) // VALIDATION_BATCH)
        size = -(-len(images) // batches)
        # Equal batches: JAX compiles once for every shape that it meets.
        missing = batches * size - len(images)
        if missing:
            images = np.concatenate([images, np.repeat(images[-1:], missing, axis=0)])
        predicted = self.model.predict(np.asarray(images), batch_size=size, verbose=0)
        return np.asarray(predicted)[: len(self.dataset.x_val)]

    def val_loss(self, predictions: np.ndarray) -> float:
        """Mean cross-entropy of `predictions` on the validation labels, in nats, as Keras computes it."""
        labels = self.dataset.y_val
        p = predictions.astype(np.float64)
        p = np.column_stack([1 - p[:, 0], p[:, 0]]) if p.shape[1] == 1 else p
        of_label = np.clip(p[np.arange(len(labels)), labels], 1e-7, 1 - 1e-7)
        return float(-np.log(of_label).mean())

    def first_losses(self) -> list[float]:
        """Mean loss in steps 1, 2, 3 to 4 and 5 to 8 of the first epoch; the model is left as it was.

        Rounding has no time to grow in them: they are the same on every machine to several digits, and others as soon
        as anything about the network, its first weights, the images or their order is other. See `verify`.
        """
        before, size = self.state(), self.config.batch_size
        self._reset_dropout(0)
        order = self._order(0)
        parts = [order[first * size : last * size] for first, last in ((0, 1), (1, 2), (2, 4), (4, 8))]
        losses = [float(self._fit(part, epoch=0)["loss"][0]) for part in parts if len(part)]
        self.restore(before)
        return losses

    def seconds_per_step(self, steps: int = 3) -> float:
        """Seconds that a training step takes here, measured on a few; the model is left as it was."""
        before = self.state()
        few = np.arange(min(steps * self.config.batch_size, len(self.dataset.y_train)))
        self._fit(few, epoch=0)
        started = time.perf_counter()
        self._fit(few, epoch=0)
        seconds = time.perf_counter() - started
        self.restore(before)
        return seconds / -(-len(few) // self.config.batch_size)

    def state(self) -> dict[str, np.ndarray]:
        """All numbers that the next epoch depends on: weights and the optimizer's."""
        arrays = {f"weight_{i:03d}": np.array(v) for i, v in enumerate(self._numpy(self.model.weights))}
        optimizer = self._numpy(self.model.optimizer.variables)
        return arrays | {f"optimizer_{i:03d}": np.array(v) for i, v in enumerate(optimizer)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Put back what `state` returned.

        Raises
        ------
        ValueError
            If it belongs to another network.
        """
        for prefix, variables in (
            ("weight", self.model.weights),
            ("optimizer", self.model.optimizer.variables),
        ):
            for i, variable in enumerate(variables):
                saved = state.get(f"{prefix}_{i:03d}")
                if saved is None or saved.shape != tuple(variable.shape):
                    raise ValueError(f"the checkpoint does not fit the network at {variable.path}")
                variable.assign(saved)

    def write_weights(self, file: BinaryIO, epoch: int) -> None:
        """Write the weights and the epoch's index as HDF5: an array per variable, float16 unless it does not fit."""
        import h5py

        with h5py.File(file, "w") as archive:
            archive.attrs["epoch"] = epoch
            for i, variable in enumerate(self.model.weights):
                values = np.array(self._numpy([variable])[0])
                # A training that diverges may have moving averages that float16 cannot hold.
                values = values.astype(np.float16) if np.abs(values).max() < np.finfo(np.float16).max else values
                archive.create_dataset(f"{i:03d}/{variable.path}", data=values)

    def _numpy(self, variables: list) -> list[np.ndarray]:
        return [self.keras.ops.convert_to_numpy(v) for v in variables]

    def _order(self, epoch: int) -> np.ndarray:
        return np.random.default_rng([self.config.seed, epoch, 0]).permutation(len(self.dataset.y_train))

    def _reset_dropout(self, epoch: int) -> None:
        for number, layer in enumerate(self.model.layers):
            generator = getattr(layer, "seed_generator", None)
            if generator is not None:
                drawn = np.random.SeedSequence([self.config.seed, epoch, 1, number]).generate_state(2)
                # Half the range: every backend's integer type holds it, and steps can still be counted up.
                generator.state.assign((drawn >> 1).astype("uint32"))

    def _fit(self, order: np.ndarray, epoch: int, on_steps: Callable[[int], bool | None] | None = None) -> dict:
        keras = self.keras
        config, dataset = self.config, self.dataset

        # Within a batch by index: a mapped file is read in its own order, and sums come out the same every time.
        size = config.batch_size
        order = np.concatenate([np.sort(order[i : i + size]) for i in range(0, len(order), size)])
        labels = dataset.y_train.astype(np.float32 if len(dataset.class_names) == 2 else np.int32)[:, None]

        class Batches(keras.utils.PyDataset):  # type: ignore[name-defined]
            def __len__(self) -> int:
                return -(-len(order) // size)

            def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
                chosen = order[index * size : (index + 1) * size]
                images = np.asarray(dataset.x_train[chosen])
                if config.augmentation:
                    from labutils.augment import augment_batch

                    seeds = [[config.seed, epoch, 2, int(i)] for i in chosen]
                    images = augment_batch(images, config.augmentation, seeds)
                return images, labels[chosen]

        class Steps(keras.callbacks.Callback):  # type: ignore[name-defined]
            async_safe = True

            def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
                done = min(batch + 1, -(-len(order) // size))
                if on_steps and on_steps(done):
                    self.model.stop_training = True

        given: dict[str, Any] = {"x": Batches()}
        if not config.augmentation and len(order) * dataset.x_train[0].nbytes <= COPIED:
            # One copy beforehand: on the smallest networks a step waits for batches that Python puts together.
            given = {"x": np.asarray(dataset.x_train[order]), "y": labels[order], "batch_size": size}
        return self.model.fit(**given, epochs=1, shuffle=False, verbose=0, callbacks=[Steps()]).history


def provenance() -> dict[str, Any]:
    """What a result may depend on beside its settings: versions, backend, device, threads, commit."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    names = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
    return {
        "backend": backend,
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("keras", "numpy", names[backend])},
        "device": _device(backend),
        "threads": n_threads(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "1",
        "commit": _commit(),
    }


def _device(backend: str) -> str:
    if backend == "jax":
        import jax

        if jax.default_backend() != "cpu":
            return str(jax.devices()[0].device_kind)
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = [line.split(":", 1) for line in file if ":" in line]
        facts = {name.strip(): value.strip() for name, value in lines}
    except OSError:
        facts = {}
    name = facts.get("model name") or platform.processor() or platform.machine()
    # Processors of one name may differ in this, and then results differ in their last digits.
    widest = [kind for kind in ("avx512_vnni", "avx512f", "avx2") if kind in facts.get("flags", "").split()]
    return f"{name}{f' ({widest[0]})' if widest else ''}, {os.cpu_count()} cores, {platform.system()}"


def _commit() -> str:
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
        done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"
