"""Hand-made runs for the tests of `labutils.evaluate`: right and wrong answers are placed, nothing is trained."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from labutils.audit.simple import Baseline
from labutils.config import RunConfig
from labutils.evaluate import exam, group_seeds
from labutils.runs.run import ExamResult, Run
from labutils.runs.store import RunStore

RUNS = Path(__file__).parents[1] / "results" / "runs"

CLASS_NAMES = {
    "skin": ("Mel", "Nev"),
    "bone": ("AFF", "NFF"),
    "x_ray": tuple(f"C{i}" for i in range(1, 10)),
}


def run_from_predictions(
    config: RunConfig,
    predictions: np.ndarray,
    y_val: np.ndarray,
    accuracy: Sequence[float] | float = 0.9,
    loss: Sequence[float] | float = 0.3,
    source: str = "phantom",
) -> Run:
    """A run that predicts exactly this, (epochs, n_val, outputs); its validation curves follow from it."""
    predictions = np.asarray(predictions, dtype=np.float16)
    y_val = np.asarray(y_val, dtype=np.int64)
    epochs = len(predictions)
    full = predictions.astype(np.float64)
    if predictions.shape[2] == 1:
        own = np.where(y_val == 1, full[..., 0], 1 - full[..., 0])
        chosen = (predictions[..., 0] > 0.5).astype(int)
    else:
        own = full[:, np.arange(len(y_val)), y_val]
        chosen = predictions.argmax(axis=2)
    history = {
        "loss": np.broadcast_to(np.asarray(loss, dtype=np.float64), epochs),
        "accuracy": np.broadcast_to(np.asarray(accuracy, dtype=np.float64), epochs),
        "val_loss": -np.log(np.clip(own, 1e-7, 1 - 1e-7)).mean(axis=1),
        "val_accuracy": (chosen == y_val).mean(axis=1),
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
    """A run of `config.epochs` epochs, wrong on `wrong` images, that gives the true class of the others `confidence`.

    Parameters
    ----------
    wrong, confidence
        One value, or one per epoch. On the wrong images the true class gets 1 - `confidence`.
    shift : int
        Place of the first wrong image: runs with the same shift are wrong on the same images.
    n : int
        Validation images; their labels alternate between the classes.
    **curves
        `accuracy`, `loss`, `source` as in `run_from_predictions`.
    """
    classes = len(CLASS_NAMES[config.dataset])
    y_val = np.arange(n) % classes
    wrong = np.broadcast_to(wrong, config.epochs)
    sure = np.broadcast_to(confidence, config.epochs)
    place = (np.arange(n) - shift) % n
    own = np.where(place < wrong[:, None], 1 - sure[:, None], sure[:, None])
    if classes == 2:
        return run_from_predictions(config, np.where(y_val == 1, own, 1 - own)[..., None], y_val, **curves)
    predictions = np.zeros((config.epochs, n, classes))
    predictions[:, np.arange(n), y_val] = own
    predictions[:, np.arange(n), (y_val + 1) % classes] = 1 - own
    return run_from_predictions(config, predictions, y_val, **curves)


def with_exam(run: Run, right: float | Sequence[float], confidence: float = 0.8, n: int = 1000, noise: int = 0) -> Run:
    """The run after an exam of `n` images, at its first, best, lowest-loss and last epochs as far as they differ.

    Parameters
    ----------
    right : float or sequence of float
        Share of right answers at each of those epochs; they get `confidence`, the others 1 - `confidence`.
    noise : int
        Decides which images: runs with the same number are wrong on the same ones.
    """
    epochs = tuple(sorted({0, run.best_epoch, run.lowest_loss_epoch, run.epochs - 1}))
    classes = len(run.class_names)
    y = np.arange(n) % classes
    order = np.random.default_rng(noise).permutation(n)
    predictions = []
    for share in np.broadcast_to(right, len(epochs)):
        own = np.where(order < round(float(share) * n), confidence, 1 - confidence)
        table = np.zeros((n, classes))
        table[np.arange(n), y], table[np.arange(n), (y + 1) % classes] = own, 1 - own
        predictions.append(table[:, 1:] if classes == 2 else table)
    return replace(run, exam=ExamResult(epochs, np.array(predictions, np.float16), y, f"exam of {run.config.dataset}"))


@cache
def stored_spreads(kind: str) -> np.ndarray:
    """The standard deviations between seeds, in one of `exam.MEASURED`, of the settings that are stored with three."""
    stored = {run.path.name: run for run in RunStore(RUNS).all() if run.source == "phantom" and run.exam}
    groups = [runs for runs in group_seeds(stored).values() if len(runs) >= 3]
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
