"""Training without a store: epoch after epoch, from the first one or from where an earlier training stopped.

How one epoch is trained is the business of `engine`; which run is asked for, and where it is kept, that of `training`.
"""

import gc
import io
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from labutils.config import RunConfig
from labutils.data.dataset import Dataset
from labutils.models import describe
from labutils.progress import Progress, minutes
from labutils.run_files import COLUMNS, Run, predicted_labels


class TrainingInterrupted(KeyboardInterrupt):
    """A training was stopped by hand; the message says what is kept and how to go on."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class StopKey:
    """The stop key (an interrupt), held back until a step is done; pressed again, it acts at once.

    Raised wherever Python happens to be, an interrupt may be lost in a destructor of TensorFlow, which swallows it, or
    come between two files that belong together. As a context manager, in the main thread only: elsewhere, and where
    interrupts are ignored, it changes nothing.
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


@dataclass(frozen=True)
class Trained:
    """What a training leaves: the run, the state to go on from, and the best weights as an HDF5 file.

    The weights are None where they did not change since the state that training went on from.
    """

    run: Run
    checkpoint: dict[str, np.ndarray]
    best_weights: bytes | None


def fit(
    config: RunConfig,
    dataset: Dataset,
    *,
    start: Run | None = None,
    checkpoint: dict[str, np.ndarray] | None = None,
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
    from labutils.engine import Trainer, provenance

    run, label = start or empty_run(config, dataset), label or config.slug
    first = finished = run.epochs
    best_weights = None
    stopped = False
    try:
        trainer = Trainer(config, dataset)
        if checkpoint:
            trainer.restore(checkpoint)
        if show:
            _print_cost(trainer, config, first, label)
        if not first:
            run = replace(run, provenance=run.provenance | {"first_losses": trainer.first_losses()})
        stretch = provenance() | {"first_epoch": first + 1, "seconds": 0.0}
        # Of an epoch that a kill cut off after its history was written, only the seconds could be counted twice.
        earlier = [s for s in run.provenance["stretches"] if s["first_epoch"] <= first]
        with StopKey() as key, Progress(label, first, config.epochs, trainer.steps, show) as progress:

            def after_steps(done: int) -> bool:
                progress.steps(done)
                return key.pressed

            for epoch in range(first, config.epochs):
                started = time.perf_counter()
                metrics = trainer.train_epoch(epoch, after_steps)
                key.act()
                predictions = trainer.predict()
                metrics |= {
                    "val_loss": trainer.val_loss(predictions),
                    "val_accuracy": float(np.mean(predicted_labels(predictions.astype(np.float16)) == dataset.y_val)),
                    "seconds": time.perf_counter() - started,
                }
                stretch = stretch | {
                    "seconds": round(stretch["seconds"] + metrics["seconds"], 2),
                    "ended": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                }
                run = replace(
                    run.plus(metrics, predictions),
                    config=config.with_(epochs=epoch + 1),
                    provenance=run.provenance | {"stretches": [*earlier, stretch]},
                    status="extended" if first else "trained",
                    path=None,
                )
                if changed := run.best_epoch == epoch:
                    file = io.BytesIO()
                    trainer.write_weights(file, epoch)
                    best_weights = file.getvalue()
                state = trainer.state() | {"epochs": np.array(epoch + 1)}
                if keep:
                    keep(Trained(run, state, best_weights if changed else None))
                finished = run.epochs
                progress.epoch(finished, metrics)
                if on_epoch:
                    on_epoch(run)
                key.act()
    except KeyboardInterrupt:
        stopped = True
    if stopped:
        # TensorFlow's half-read input has to go while its threads can still run Python: left to the end of the
        # process, or held by this exception, it may hang the process there.
        gc.collect()
        kept = " and kept. Run the same again to go on from there." if keep else ", not kept (see reuse)."
        raise TrainingInterrupted(f"{label}: stopped, {finished} of {config.epochs} epochs are finished{kept}")
    return Trained(run, state, best_weights)


def empty_run(config: RunConfig, dataset: Dataset) -> Run:
    """A run before its first epoch."""
    outputs = 1 if len(dataset.class_names) == 2 else len(dataset.class_names)
    return Run(
        config=config,
        history={name: np.empty(0) for name in COLUMNS},
        val_predictions=np.empty((0, len(dataset.y_val), outputs), np.float16),
        y_val=np.asarray(dataset.y_val, np.int64),
        val_files=tuple(dataset.files_val),
        class_names=tuple(dataset.class_names),
        provenance={
            "source": dataset.source,
            "fingerprint": dataset.fingerprint,
            "class_names": list(dataset.class_names),
            "counts": dataset.counts(),
            "parameters": describe(config, len(dataset.class_names)).parameters,
            "stretches": [],
        },
    )


def check_dataset(config: RunConfig, dataset: Dataset) -> None:
    """Refuse images that are not those the settings speak of.

    Raises
    ------
    ValueError
    """
    found = (dataset.name, dataset.x_train.shape[1], dataset.x_train.shape[-1])
    wanted = (config.dataset, config.image_size, config.channels)
    for name, got, asked in zip(("dataset", "image_size", "channels"), found, wanted, strict=True):
        if got != asked:
            raise ValueError(f"The images have {name} {got!r}, the run asks for {asked!r}: load them with the same.")
    for name, labels in (("n_train", dataset.y_train), ("n_val", dataset.y_val)):
        asked_for = getattr(config, name)
        if asked_for is not None and asked_for != len(labels):
            raise ValueError(
                f"There are {len(labels)} images, the run's {name} is {asked_for}: load them with the same."
            )


def _print_cost(trainer: Any, config: RunConfig, first: int, label: str) -> None:
    steps = (config.epochs - first) * trainer.steps
    print(f"{label}: {trainer.model.count_params():,} parameters, {steps:,} steps", end="", flush=True)
    if steps >= 100:
        seconds = trainer.seconds_per_step() * steps  # this takes as long as compiling does
        print(f", about {minutes(seconds)} on this machine ({1000 * seconds / steps:.0f} ms a step)", end="")
    print(flush=True)
