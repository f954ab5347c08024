"""The whole life of an epoch: `fit`, what happens before, within and after every epoch, the exam, and the stop key.

The order of the images, the units that dropout leaves out and the augmentation are drawn from the seed and the epoch's
number alone: a training that was stopped and taken up again is the training that was never stopped.
"""

import gc
import io
import signal
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils import lab
from labutils.config import RunConfig
from labutils.data.dataset import Dataset
from labutils.data.layouts import EXAM_FOLDERS, find_folder
from labutils.errors import DataError, TrainingInterrupted
from labutils.models import describe
from labutils.paths import LAB_DATASETS
from labutils.progress import Progress, minutes
from labutils.runs.run import COLUMNS, OPTIONAL_COLUMNS, ExamResult, Run
from labutils.statistics import cross_entropy, predicted_labels
from labutils.training.backend import choose_precision, compiled_model, feed, import_keras, provenance
from labutils.training.checkpoint import Trained, restore, state_of, write_weights

if TYPE_CHECKING:
    from labutils.data.exam import Exam

import_keras()

import keras  # noqa: E402 (only when its backend is chosen)

PREDICTION_BATCH = 64
FIRST_STEPS = ((0, 1), (1, 2), (2, 4), (4, 8))
"""The steps, from and to, whose mean losses are kept with a run; see `try_first_steps`."""
MEASURED = 100  # steps from which on it is said how long they will take


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
    """Train without a store: from the beginning, or from `start` and its `checkpoint`; TrainingInterrupted if stopped.

    `config` has more epochs than `start`. The exam is taken after the epochs `exam_at` (see `planned_lengths`), in the
    `precision` that `choose_precision` gives unless one is named. After every epoch `keep` gets everything, and then
    `on_epoch` the run so far. `label` is what messages call the run; without `show` nothing is printed.
    """
    run, label = start or empty_run(config, dataset), label or config.slug
    stretches = run.provenance["stretches"]
    before = stretches[-1].get("precision", "float32") if stretches else None
    life, stopped = None, False
    try:
        precision = precision or choose_precision(config, dataset.n_classes, before)
        model = compiled_model(config, dataset.n_classes, precision)
        batches = Batches(config, dataset)
        if checkpoint:
            restore(model, checkpoint)
        steps = (config.epochs - run.epochs) * len(batches)
        measured = show and steps >= MEASURED and len(batches) > 1  # the first step of all compiles
        if show:
            print(f"{label}: {model.count_params():,} parameters, {steps:,} steps", end="", flush=True)
        if measured or not run.epochs:
            losses, seconds = try_first_steps(model, batches)
            run = run if run.epochs else replace(run, provenance=run.provenance | {"first_losses": losses})
        if measured:
            print(f", about {minutes(seconds * steps)} on this machine ({1000 * seconds:.0f} ms a step)", end="")
        if show:
            print(flush=True)
        with StopKey() as key, Progress(label, run.epochs, config.epochs, len(batches), show) as progress:
            life = Life(run, batches, provenance(precision), exam_at, checkpoint or {}, key, progress, keep, on_epoch)
            options: dict[str, Any] = {"shuffle": False, "verbose": 0, "callbacks": [life]}
            model.fit(feed(batches), initial_epoch=run.epochs, epochs=config.epochs, **options)
    except KeyboardInterrupt:
        stopped = True
    if stopped:
        # TensorFlow's half-read input has to go while its threads can still run Python: left to the end of the
        # process, or held by this exception, it may hang the process there.
        gc.collect()
        finished = (life.run if life else run).epochs
        said = " and kept. Run the same again to go on from there." if keep else ", not kept (see reuse)."
        raise TrainingInterrupted(f"{label}: stopped, {finished} of {config.epochs} epochs are finished{said}")
    assert life is not None
    return Trained(life.run, life.state(life.run.epochs), life.best_weights)


class Life(keras.callbacks.Callback):
    """What happens before, within and after every epoch, in this order."""

    async_safe = True

    def __init__(
        self,
        run: Run,
        batches: "Batches",
        circumstances: dict[str, Any],
        exam_at: frozenset[int],
        checkpoint: dict[str, np.ndarray],
        key: "StopKey",
        progress: Progress,
        keep: Callable[[Trained], None] | None,
        on_epoch: Callable[[Run], None] | None,
    ) -> None:
        super().__init__()
        self.run, self.batches, self.dataset, self.exam_at = run, batches, batches.dataset, exam_at
        self.key, self.progress, self.keep, self.on_epoch = key, progress, keep, on_epoch
        self.status = "extended" if run.epochs else "trained"
        # Of an epoch that a kill cut off after its history was written, only the seconds could be counted twice.
        self.earlier = [s for s in run.provenance["stretches"] if s["first_epoch"] <= run.epochs]
        self.stretch = circumstances | {"first_epoch": run.epochs + 1, "seconds": 0.0}
        # Taken once: what `predict` was fed TensorFlow keeps, and a copy for every epoch would fill the memory.
        fixed = fixed_part(self.dataset)
        self.seen, self.y_seen = np.asarray(self.dataset.x_train[fixed]), self.dataset.y_train[fixed]
        self.best_weights: bytes | None = None
        self.candidates: dict[int, list[np.ndarray]] = {}
        """Weights of the epochs that the exam may ask for: best validation accuracy and lowest loss so far."""
        for name in sorted(checkpoint):
            if name.startswith("exam_"):
                self.candidates.setdefault(int(name.split("_")[1]), []).append(checkpoint[name])

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.key.act()
        self.batches.draw(epoch)
        draw_dropout(self.model, self.batches.config.seed, epoch)
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self.key.pressed:
            self.model.stop_training = True
        self.progress.steps(min(batch + 1, self.progress.steps_of_epoch))

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        self.key.act()  # before an epoch counts that was cut off
        predictions = self._measure(logs)
        self.stretch["seconds"] = round(self.stretch["seconds"] + logs["seconds"], 2)
        self.stretch["ended"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        run = replace(
            self.run.plus(logs, predictions),
            config=self.batches.config.with_(epochs=epoch + 1),
            provenance=self.run.provenance | {"stretches": [*self.earlier, dict(self.stretch)]},
            status=self.status,
            path=None,
        )
        if self.exam_at:
            run = replace(run, exam=self._sit_exam(run))
        if changed := run.best_epoch == epoch:
            file = io.BytesIO()
            write_weights(self.model, file, epoch)
            self.best_weights = file.getvalue()
        if self.keep:
            self.keep(Trained(run, self.state(epoch + 1), self.best_weights if changed else None))
        self.run = run
        self.progress.epoch(epoch + 1, logs)
        if self.on_epoch:
            self.on_epoch(run)

    def on_train_end(self, logs: dict | None = None) -> None:
        self.key.act()

    def state(self, epochs: int) -> dict[str, np.ndarray]:
        """All that the next epoch depends on, and what the exam may ask for."""
        kept = ((epoch, i, values) for epoch, weights in self.candidates.items() for i, values in enumerate(weights))
        exam = {f"exam_{epoch}_{i:03d}": values for epoch, i, values in kept}
        return state_of(self.model) | exam | {"epochs": np.array(epochs)}

    def _measure(self, logs: dict) -> np.ndarray:
        """Put what the epoch led to, and the time it all took, into its logs; the predictions for validation images."""
        data = self.dataset
        predictions = predict(self.model, data.x_val)
        logs["val_loss"], logs["val_accuracy"] = loss_and_accuracy(predictions, data.y_val)
        seen = predict(self.model, self.seen)
        logs["fixed_loss"], logs["fixed_accuracy"] = loss_and_accuracy(seen, self.y_seen)
        logs["seconds"] = time.perf_counter() - self.started
        return predictions

    def _sit_exam(self, run: Run) -> ExamResult | None:
        """Keep the weights that the exam may ask for, and sit it after a planned number of epochs; all results."""
        # The weights are kept with the checkpoint: a training that was stopped, or is made longer, sits the same exam.
        now, last = self.model.get_weights(), run.epochs - 1
        weights = self.candidates | {last: now}
        self.candidates = {e: kept for e, kept in weights.items() if e in (run.best_epoch, run.lowest_loss_epoch)}
        exam = exam_images(run.config, self.dataset) if run.epochs in self.exam_at else None
        if exam is None:
            return run.exam
        results: dict[int, tuple[np.ndarray, float]] = {}
        for epoch, kept in (self.candidates | {last: now}).items():
            if run.exam is None or epoch not in run.exam.epochs:
                self.model.set_weights(kept)
                _, seen = loss_and_accuracy(predict(self.model, self.dataset.x_train), self.dataset.y_train)
                results[epoch] = predict(self.model, exam.x), seen
        self.model.set_weights(now)
        return ExamResult.of(results, np.asarray(exam.y, np.int64), exam.fingerprint, run.exam)


class Batches(keras.utils.PyDataset):
    """The training images in the order, and with the augmentation, of one epoch; of its `steps` alone if given."""

    def __init__(self, config: RunConfig, dataset: Dataset, steps: slice = slice(None)) -> None:
        super().__init__()
        self.config, self.dataset, self.steps = config, dataset, steps
        self.labels = dataset.y_train.astype(np.float32 if dataset.n_classes == 2 else np.int32)[:, None]
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
    """Images to be predicted, the last one repeated until all batches are equal: JAX compiles once for every shape."""

    def __init__(self, images: np.ndarray) -> None:
        super().__init__()
        self.images = images
        self.size = -(-len(images) // len(self))

    def __len__(self) -> int:
        return -(-len(self.images) // PREDICTION_BATCH)

    def __getitem__(self, index: int) -> tuple[np.ndarray]:
        chosen = np.arange(index * self.size, (index + 1) * self.size).clip(max=len(self.images) - 1)
        return (np.asarray(self.images[chosen]),)


def predict(model: Any, images: np.ndarray) -> np.ndarray:
    """Probabilities for `images` in inference mode, float32, shape (images, outputs)."""
    return np.asarray(model.predict(feed(Pictures(images)), verbose=0))[: len(images)]


def loss_and_accuracy(predictions: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Mean cross-entropy in nats, as Keras computes it, and the share of right labels, as predictions are stored."""
    right = predicted_labels(predictions.astype(np.float16)) == labels
    return float(cross_entropy(predictions, labels).mean()), float(np.mean(right))


def draw_dropout(model: Any, seed: int, epoch: int) -> None:
    """Set what every dropout layer draws from to what belongs to epoch number `epoch` (from 0)."""
    for number, layer in enumerate(model.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            drawn = np.random.SeedSequence([seed, epoch, 1, number]).generate_state(2)
            # Half the range: every backend's integer type holds it, and steps can still be counted up.
            generator.state.assign((drawn >> 1).astype("uint32"))


def fixed_part(dataset: Dataset) -> np.ndarray:
    """Indices of the training images that are measured, the same for all runs: as many of each class as in validation,
    if there are. Of the lab's own data sets as many as validation images, of whichever class, as it always was."""
    n_train, labels = len(dataset.y_train), np.asarray(dataset.y_train)
    shuffled = np.random.default_rng(0).permutation(n_train)
    if dataset.name in LAB_DATASETS:
        return np.sort(shuffled[: len(dataset.y_val)])
    wanted = np.bincount(dataset.y_val, minlength=dataset.n_classes)
    return np.sort(np.concatenate([shuffled[labels[shuffled] == label][:n] for label, n in enumerate(wanted)]))


def try_first_steps(model: Any, batches: Batches) -> tuple[list[float], float]:
    """Mean losses in `FIRST_STEPS`, and seconds a step in the last of them; the model is left as it was.

    Rounding has no time to grow in them: they are others as soon as anything about the network, its first weights, the
    images or their order is. See `verify`.
    """
    before, losses, seconds = state_of(model), list[float](), 0.0
    draw_dropout(model, batches.config.seed, 0)
    for steps in FIRST_STEPS:
        part = Batches(batches.config, batches.dataset, slice(*steps))
        if len(part):
            started = time.perf_counter()
            losses.append(float(model.fit(feed(part), shuffle=False, verbose=0).history["loss"][0]))
            seconds = (time.perf_counter() - started) / len(part)
    restore(model, before)
    return losses, seconds


def empty_run(config: RunConfig, dataset: Dataset) -> Run:
    """A run before its first epoch."""
    return Run(
        config=config,
        history={name: np.empty(0) for name in (*COLUMNS, *OPTIONAL_COLUMNS)},
        val_predictions=np.empty((0, len(dataset.y_val), dataset.outputs), np.float16),
        y_val=np.asarray(dataset.y_val, np.int64),
        val_files=tuple(dataset.files_val),
        class_names=tuple(dataset.class_names),
        provenance={
            "source": dataset.source,
            "fingerprint": dataset.fingerprint,
            "class_names": list(dataset.class_names),
            "counts": dataset.counts(),
            "parameters": describe(config, dataset.n_classes).parameters,
            "stretches": [],
        },
    )


def planned_lengths(config: RunConfig) -> frozenset[int]:
    """Epochs after which a run sits its exam: on the lab's data those that it plans, on one's own the last."""
    if config.dataset not in LAB_DATASETS:
        return frozenset({config.epochs})
    of_tasks = [planned for task in lab.TITLES for planned in lab.runs(task).values()]
    planned = [*of_tasks, *(run.config for run in lab.training_list())]
    lengths = {other.epochs for other in planned if other.key == config.key}
    return frozenset(lengths | {config.epochs}) if lengths else frozenset()


def exam_images(config: RunConfig, dataset: Dataset) -> "Exam | None":
    """The exam that belongs to the training images: phantoms for phantoms, never for others."""
    from labutils.data.exam import load_exam

    own = (dataset.source,) if dataset.source in ("course", "public", "phantom") else ("course", "public")
    for source in own:
        try:
            if exam := load_exam(config.dataset, config.image_size, config.channels, source=source, progress=False):
                return exam
        except DataError as error:
            # What was trained is worth more than a stop now; but that there is no exam has to be said.
            if dataset.root.is_dir() and find_folder(dataset.root, EXAM_FOLDERS):
                warnings.warn(f"The exam was not sat: {error}", stacklevel=2)
    return None


class StopKey:
    """The stop key (an interrupt), held back until a step is done; pressed again, it acts at once.

    Raised wherever Python happens to be, it may be lost in a destructor of TensorFlow, or come between two files that
    belong together. Elsewhere than in the main thread, and where interrupts are ignored, this changes nothing.
    """

    def __init__(self) -> None:
        self.pressed = False
        self.before: Any = None

    def __enter__(self) -> "StopKey":
        ordinary = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if ordinary and threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)

    def act(self) -> None:
        """Raise the interrupt if the key was pressed."""
        if self.pressed:
            raise KeyboardInterrupt

    def _press(self, number: int, frame: FrameType | None) -> None:
        self.act()
        self.pressed = True
