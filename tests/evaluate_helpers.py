"""Hand-made runs for the tests of `labutils.evaluate`: right and wrong answers are placed, nothing is trained."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from labutils.audit.simple import Baseline
from labutils.config import RunConfig
from labutils.evaluate import exam
from labutils.runs.run import ExamResult, Run
from labutils.runs.store import RunStore
from labutils.statistics import cross_entropy, predicted_labels

RUNS = Path(__file__).parents[1] / "results" / "runs"

CLASS_NAMES = {"skin": ("Mel", "Nev"), "bone": ("AFF", "NFF"), "x_ray": tuple(f"C{i}" for i in range(1, 10))}


def run_from_predictions(
    config: RunConfig,
    predictions: np.ndarray,
    y_val: np.ndarray,
    accuracy: Sequence[float] | float = 0.9,
    loss: Sequence[float] | float = 0.3,
    source: str = "phantom",
) -> Run:
    """A run that predicts exactly this, (epochs, n_val, outputs); its validation curves follow from it."""
    predictions, y_val = np.asarray(predictions, np.float16), np.asarray(y_val, np.int64)
    epochs = len(predictions)
    history = {
        "loss": np.broadcast_to(np.asarray(loss, dtype=np.float64), epochs),
        "accuracy": np.broadcast_to(np.asarray(accuracy, dtype=np.float64), epochs),
        "val_loss": cross_entropy(predictions, y_val).mean(axis=1),
        "val_accuracy": (predicted_labels(predictions) == y_val).mean(axis=1),
        "seconds": np.full(epochs, 1.0),
    }
    return Run(
        config=config.with_(epochs=epochs),
        history=history,
        val_predictions=predictions,
        y_val=y_val,
        val_files=tuple(f"{config.dataset}/{i:04d}.jpg" for i in range(len(y_val))),
        class_names=CLASS_NAMES[config.dataset],
        provenance={"source": source},
    )


def make_run(
    config: RunConfig,
    wrong: int | Sequence[int] = 30,
    confidence: float | Sequence[float] = 0.8,
    shift: int = 0,
    n: int = 200,
    **curves: object,
) -> Run:
    """A run of `config.epochs` epochs on `n` images of classes in turn, wrong on so many from the place `shift` on.

    `wrong` and `confidence` are one value, or one per epoch: the true class gets `confidence`, of the wrong images
    1 - `confidence`. `curves` are `accuracy`, `loss`, `source` as in `run_from_predictions`.
    """
    classes = len(CLASS_NAMES[config.dataset])
    y_val, place = np.arange(n) % classes, (np.arange(n) - shift) % n
    wrong, sure = (np.broadcast_to(values, config.epochs)[:, None] for values in (wrong, confidence))
    own = np.where(place < wrong, 1 - sure, sure)
    return run_from_predictions(config, _answers(own, y_val, classes), y_val, **curves)


def _answers(own: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    """Predictions that give the true class so much, (epochs, n), and the next one the rest."""
    table = np.zeros((*own.shape, classes))
    table[:, np.arange(len(y)), y], table[:, np.arange(len(y)), (y + 1) % classes] = own, 1 - own
    return table[..., 1:] if classes == 2 else table


def with_exam(run: Run, right: float | Sequence[float], confidence: float = 0.8, n: int = 1000, noise: int = 0) -> Run:
    """The run after an exam of `n` images, at its first, best, lowest-loss and last epochs as far as they differ.

    `right` is the share of right answers at each of those epochs; they get `confidence`, the others 1 - `confidence`.
    `noise` decides which images: runs with the same number are wrong on the same ones.
    """
    epochs = tuple(sorted({0, run.best_epoch, run.lowest_loss_epoch, run.epochs - 1}))
    y, order = np.arange(n) % len(run.class_names), np.random.default_rng(noise).permutation(n)
    shares = np.broadcast_to(right, len(epochs))[:, None]
    own = np.where(order < np.round(shares * n), confidence, 1 - confidence)
    predictions = _answers(own, y, len(run.class_names)).astype(np.float16)
    return replace(run, exam=ExamResult(epochs, predictions, y, f"exam of {run.config.dataset}"))


@cache
def stored_spreads(kind: str, classes: int = 2) -> np.ndarray:
    """The standard deviations between seeds, in one of `exam.MEASURED`, of the settings that are stored with three."""
    sat = [run for run in RunStore(RUNS).all() if run.source == "phantom" and run.exam]
    stored = [run for run in sat if len(run.class_names) == classes]
    lengths = {(run.config.with_(seed=0, epochs=1), run.epochs) for run in stored}
    settings = [[r for r in stored if r.config.with_(seed=0, epochs=1) == of and r.epochs >= n] for of, n in lengths]
    groups = [[run.first(n) for run in runs] for runs, (_, n) in zip(settings, lengths, strict=True) if len(runs) > 2]
    return np.array([np.std([exam.MEASURED[kind](run).mean() for run in runs], ddof=1) for runs in groups])


def simple_model(name: str, right: np.ndarray) -> Baseline:
    """A simple model that was right about these images, (seeds, images) bool."""
    accuracy = float(right.mean())
    answers = tuple(b64encode(row.tobytes()).decode() for row in np.packbits(right, axis=1))
    interval = (accuracy - 0.05, accuracy + 0.05)
    return Baseline(name, accuracy, interval, 0.9, (0.85, 0.95), right.shape[1], answers)


def right_about(share: float, n: int = 1000, noise: int = 0) -> np.ndarray:
    """Which of `n` images a run after `with_exam(run, share, n=n, noise=noise)` is right about, (n,) bool."""
    return np.random.default_rng(noise).permutation(n) < round(share * n)
