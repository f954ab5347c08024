"""The whole life of an epoch: one `model.fit`, and what its callbacks do before, within and after every epoch.

What an epoch does depends on the seed and the epoch's number alone: the order of the images, the units that dropout
leaves out and the augmentation are drawn anew from both, so that a training that was stopped and taken up again is the
training that was never stopped. Which run is asked for, and where it is kept, is the business of `request`. Importing
this module imports Keras.
"""

import gc
import io
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from labutils.config import RunConfig
from labutils.data.dataset import Dataset
from labutils.errors import TrainingInterrupted
from labutils.progress import Progress, minutes
from labutils.runs.files import Run
from labutils.statistics import cross_entropy, predicted_labels
from labutils.training.backend import choose_precision, compiled_model, feed, import_keras, provenance
from labutils.training.exam import Candidates
from labutils.training.state import StopKey, Trained, empty_run, restore, state_of, write_weights

import_keras()

import keras  # noqa: E402 (only when its backend is chosen)

PREDICTION_BATCH = 64
FIRST_STEPS = ((0, 1), (1, 2), (2, 4), (4, 8))
"""The steps, from and to, whose mean losses are kept with a run; see `first_losses`."""


def fit(
    config: RunConfig,
    dataset: Dataset,
    *,
    start: Run | None = None,
    checkpoint: dict[str, np.ndarray] | None = None,
    exam_at: frozenset[int] = frozenset(),
    precision: str | None = None,
    on_epoch: Callable[[Run], None] | None = None,
    keep: Callable[[Trained], None] | None = None,
    label: str | None = None,
    show: bool = True,
) -> Trained:
    """Train without a store: from the beginning, or from `start` and its checkpoint.

    Parameters
    ----------
    config : RunConfig
        With more epochs than `start` has.
    start, checkpoint : Run and dict, optional
        The finished epochs and the state after the last of them.
    exam_at : frozenset of int
        Epochs after which the exam is taken; see `exam.planned_lengths`.
    precision : {"float32", "bfloat16"}, optional
        See `backend.choose_precision` for what is taken unless given.
    on_epoch : callable, optional
        Gets the run so far after every epoch.
    keep : callable, optional
        Gets everything after every epoch, before `on_epoch`.
    label : str, optional
        What to call the run in messages.
    show : bool
        Whether to print what it costs and how far it is.

    Returns
    -------
    Trained
        Its run has no `path`.

    Raises
    ------
    TrainingInterrupted
        If it is stopped by hand.
    """
    run, label = start or empty_run(config, dataset), label or config.slug
    stretches = run.provenance["stretches"]
    before = stretches[-1].get("precision", "float32") if stretches else None
    kept, stopped = None, False
    try:
        precision = precision or choose_precision(config, len(dataset.class_names), before)
        model = compiled_model(config, len(dataset.class_names), precision)
        batches = Batches(config, dataset)
        if checkpoint:
            restore(model, checkpoint)
        if show:
            _print_cost(model, batches, run.epochs, label)
        if not run.epochs:
            run = replace(run, provenance=run.provenance | {"first_losses": first_losses(model, batches)})
        with StopKey() as key, Progress(label, run.epochs, config.epochs, len(batches), show) as progress:
            measure = Measure(dataset)
            kept = Keep(run, batches, measure, Candidates(exam_at, checkpoint or {}), provenance(precision), keep)
            model.fit(
                feed(batches),
                initial_epoch=run.epochs,
                epochs=config.epochs,
                shuffle=False,
                verbose=0,
                callbacks=[Stop(key), Draw(batches), measure, kept, Show(progress), Live(kept, on_epoch)],
            )
    except KeyboardInterrupt:
        stopped = True
    if stopped:
        # TensorFlow's half-read input has to go while its threads can still run Python: left to the end of the
        # process, or held by this exception, it may hang the process there.
        gc.collect()
        finished = (kept.run if kept else run).epochs
        said = " and kept. Run the same again to go on from there." if keep else ", not kept (see reuse)."
        raise TrainingInterrupted(f"{label}: stopped, {finished} of {config.epochs} epochs are finished{said}")
    assert kept is not None
    return kept.trained()


class Batches(keras.utils.PyDataset):
    """The training images in the order, and with the augmentation, of one epoch.

    Parameters
    ----------
    config : RunConfig
    dataset : Dataset
    steps : slice
        Which of an epoch's steps are taken; all unless given.
    """

    def __init__(self, config: RunConfig, dataset: Dataset, steps: slice = slice(None)) -> None:
        super().__init__()
        self.config, self.dataset, self.steps = config, dataset, steps
        kind = np.float32 if len(dataset.class_names) == 2 else np.int32
        self.labels = dataset.y_train.astype(kind)[:, None]
        self.draw(0)

    def draw(self, epoch: int) -> None:
        """Put the images into the order of epoch number `epoch` (from 0)."""
        size, n = self.config.batch_size, len(self.labels)
        order = np.random.default_rng([self.config.seed, epoch, 0]).permutation(n)
        # Within a batch by index: a mapped file is read in its own order, and sums come out the same every time.
        self.epoch, self.batches = epoch, [np.sort(order[i : i + size]) for i in range(0, n, size)][self.steps]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen, augmentation = self.batches[index], self.config.augmentation
        images = np.asarray(self.dataset.x_train[chosen])
        if augmentation:
            from labutils.augment import augment_batch

            images = augment_batch(images, augmentation, [[self.config.seed, self.epoch, 2, int(i)] for i in chosen])
        return images, self.labels[chosen]


class Pictures(keras.utils.PyDataset):
    """Images in their order, to be predicted, in equal batches: JAX compiles once for every shape that it meets.

    The last image is repeated until the last batch is full.
    """

    def __init__(self, images: np.ndarray) -> None:
        super().__init__()
        self.images = images
        self.size = -(-len(images) // len(self))

    def __len__(self) -> int:
        return -(-len(self.images) // PREDICTION_BATCH)

    def __getitem__(self, index: int) -> tuple[np.ndarray]:
        chosen = np.arange(index * self.size, (index + 1) * self.size).clip(max=len(self.images) - 1)
        return (np.asarray(self.images[chosen]),)


class Stop(keras.callbacks.Callback):
    """Before anything else: end the training between two steps if the stop key was pressed."""

    async_safe = True

    def __init__(self, key: StopKey) -> None:
        super().__init__()
        self.key = key

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.key.act()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self.key.pressed:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.key.act()  # before the others see an epoch that was cut off

    def on_train_end(self, logs: dict | None = None) -> None:
        self.key.act()


class Draw(keras.callbacks.Callback):
    """Before an epoch: the order of the images and the units that dropout leaves out, from seed and epoch."""

    async_safe = True

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.batches.draw(epoch)
        draw_dropout(self.model, self.batches.config.seed, epoch)


class Measure(keras.callbacks.Callback):
    """After an epoch: predict the validation images and a fixed part of the training images; the time it all took."""

    async_safe = True

    def __init__(self, dataset: Dataset) -> None:
        super().__init__()
        self.dataset = dataset
        self.fixed = fixed_part(len(dataset.y_train), len(dataset.y_val))
        self.predictions = np.empty(0)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        data = self.dataset
        self.predictions = predict(self.model, data.x_val)
        logs["val_loss"], logs["val_accuracy"] = loss_and_accuracy(self.predictions, data.y_val)
        seen = predict(self.model, data.x_train[self.fixed])
        logs["fixed_loss"], logs["fixed_accuracy"] = loss_and_accuracy(seen, data.y_train[self.fixed])
        logs["seconds"] = time.perf_counter() - self.started


class Keep(keras.callbacks.Callback):
    """After an epoch: the run with it, the state to go on from, the best weights, the exam; handed to `keep`."""

    async_safe = True

    def __init__(
        self,
        run: Run,
        batches: Batches,
        measure: Measure,
        candidates: Candidates,
        circumstances: dict[str, Any],
        keep: Callable[[Trained], None] | None,
    ) -> None:
        super().__init__()
        self.run, self.batches, self.measure, self.candidates, self.keep = run, batches, measure, candidates, keep
        # Of an epoch that a kill cut off after its history was written, only the seconds could be counted twice.
        self.earlier = [s for s in run.provenance["stretches"] if s["first_epoch"] <= run.epochs]
        self.stretch = circumstances | {"first_epoch": run.epochs + 1, "seconds": 0.0}
        self.status = "extended" if run.epochs else "trained"
        self.best_weights: bytes | None = None

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        self.stretch["seconds"] = round(self.stretch["seconds"] + logs["seconds"], 2)
        self.stretch["ended"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        run = replace(
            self.run.plus(logs, self.measure.predictions),
            config=self.batches.config.with_(epochs=epoch + 1),
            provenance=self.run.provenance | {"stretches": [*self.earlier, dict(self.stretch)]},
            status=self.status,
            path=None,
        )
        run = replace(run, exam=self.candidates.after_epoch(run, self.model, self.batches.dataset, predict))
        if changed := run.best_epoch == epoch:
            file = io.BytesIO()
            write_weights(self.model, file, epoch)
            self.best_weights = file.getvalue()
        if self.keep:
            self.keep(Trained(run, self.state(epoch + 1), self.best_weights if changed else None))
        self.run = run

    def state(self, epochs: int) -> dict[str, np.ndarray]:
        """All that the next epoch depends on."""
        return state_of(self.model) | self.candidates.state() | {"epochs": np.array(epochs)}

    def trained(self) -> Trained:
        """What the training leaves when it has ended."""
        return Trained(self.run, self.state(self.run.epochs), self.best_weights)


class Show(keras.callbacks.Callback):
    """Within and after an epoch: the bar or the line of the log."""

    async_safe = True

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.progress.steps(min(batch + 1, self.progress.steps_of_epoch))

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        self.progress.epoch(epoch + 1, logs)


class Live(keras.callbacks.Callback):
    """After an epoch: whoever watches gets the run so far."""

    async_safe = True

    def __init__(self, kept: Keep, on_epoch: Callable[[Run], None] | None) -> None:
        super().__init__()
        self.kept, self.on_epoch = kept, on_epoch

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.on_epoch:
            self.on_epoch(self.kept.run)


def draw_dropout(model: Any, seed: int, epoch: int) -> None:
    """Set what every dropout layer draws from to what belongs to epoch number `epoch` (from 0)."""
    for number, layer in enumerate(model.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            drawn = np.random.SeedSequence([seed, epoch, 1, number]).generate_state(2)
            # Half the range: every backend's integer type holds it, and steps can still be counted up.
            generator.state.assign((drawn >> 1).astype("uint32"))


def fixed_part(n_train: int, n_val: int) -> np.ndarray:
    """Indices of the training images that are measured after every epoch: as many as validation images, for all runs
    the same.
    """
    return np.sort(np.random.default_rng(0).permutation(n_train)[:n_val])


def predict(model: Any, images: np.ndarray) -> np.ndarray:
    """Probabilities for `images` in inference mode, float32, shape (images, outputs)."""
    return np.asarray(model.predict(feed(Pictures(images)), verbose=0))[: len(images)]


def loss_and_accuracy(predictions: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Mean cross-entropy in nats, as Keras computes it, and the share of right labels, as predictions are stored."""
    right = predicted_labels(predictions.astype(np.float16)) == labels
    return float(cross_entropy(predictions, labels).mean()), float(np.mean(right))


def first_losses(model: Any, batches: Batches) -> list[float]:
    """Mean loss in steps 1, 2, 3 to 4 and 5 to 8 of the first epoch; the model is left as it was.

    Rounding has no time to grow in them: they are the same on every machine to several digits, and others as soon
    as anything about the network, its first weights, the images or their order is other. See `verify`.
    """
    before = state_of(model)
    draw_dropout(model, batches.config.seed, 0)
    parts = [Batches(batches.config, batches.dataset, slice(*steps)) for steps in FIRST_STEPS]
    losses = [float(model.fit(feed(part), shuffle=False, verbose=0).history["loss"][0]) for part in parts if len(part)]
    restore(model, before)
    return losses


def seconds_per_step(model: Any, batches: Batches) -> float:
    """Seconds that a training step takes here, measured on a few; the model is left as it was."""
    before, few = state_of(model), feed(Batches(batches.config, batches.dataset, slice(3)))
    model.fit(few, shuffle=False, verbose=0)
    started = time.perf_counter()
    model.fit(few, shuffle=False, verbose=0)
    seconds = time.perf_counter() - started
    restore(model, before)
    return seconds / len(few)


def _print_cost(model: Any, batches: Batches, first: int, label: str) -> None:
    steps = (batches.config.epochs - first) * len(batches)
    print(f"{label}: {model.count_params():,} parameters, {steps:,} steps", end="", flush=True)
    if steps >= 100:
        seconds = seconds_per_step(model, batches) * steps  # this takes as long as compiling does
        print(f", about {minutes(seconds)} on this machine ({1000 * seconds / steps:.0f} ms a step)", end="")
    print(flush=True)
