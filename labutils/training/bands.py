"""How far a stored run and its repetition may be apart: hardly, on the same machine; elsewhere, as rounding grows.

Another processor rounds otherwise, and a training amplifies that. How much depends on the network (batch normalization
divides by small variances), the learning rate and the step, so it is measured, on the run in question: trained again
with errors of the size of rounding planted before its first step, it moves, and what is stored may be a generous
multiple of that away.
"""

from dataclasses import replace

import numpy as np

from labutils.config import RunConfig
from labutils.data.dataset import Dataset
from labutils.runs.run import Run
from labutils.training.checkpoint import state_of

TIGHT = {"first steps": 1e-6, "loss": 1e-6, "accuracy": 1e-6, "val_loss": 1e-6, "predictions": 5e-4}
"""Bands on the same machine, threads and versions: history.csv keeps seven digits, predictions are float16."""
ROUNDING = {"float32": 2.0**-24, "bfloat16": 2.0**-9}
"""The largest relative error of rounding to each precision: half of what the last bit of a number is worth."""
TRIALS = 3
"""Trainings with planted errors from which bands are measured."""
MULTIPLE = {"first steps": 16, "loss": 8, "accuracy": 8, "val_loss": 8, "predictions": 8}
"""A band is so many times what planted errors moved.

They are planted once, before the first step, while a processor rounds at every step, and it may draw a few pixels of a
phantom otherwise, not one; and of three draws the furthest may by chance lie near zero. Over a whole epoch this evens
out: where errors grow fast, they soon are as large whatever they began with.
"""
ACCURACY = 0.01
"""Added to the band of accuracies, which move by whole images."""
STEPS = ("step 1", "step 2", "steps 3 to 4", "steps 5 to 8")


def tight_bands(epochs: int) -> dict[str, np.ndarray]:
    """`TIGHT` for each of `STEPS`, and for each epoch, growing with its number."""
    bands = {what: band * np.arange(1, epochs + 1) for what, band in TIGHT.items()}
    return bands | {"first steps": np.full(len(STEPS), TIGHT["first steps"])}


def measured_bands(again: Run, dataset: Dataset, precision: str, rounding: float) -> dict[str, np.ndarray]:
    """How far a run may be from what another machine made of the same settings, from how it amplifies rounding.

    Parameters
    ----------
    again : Run
        As it was trained here.
    dataset : Dataset
        The images it was trained on.
    precision : {"float32", "bfloat16"}
        What it is trained in here.
    rounding : float
        Relative error of one rounding; see `ROUNDING`.

    Returns
    -------
    dict of str to ndarray
        For every name of `TIGHT`, a band for each of `STEPS` or for each epoch.
    """
    from labutils.training.epoch import fit

    moved = []
    for trial in range(TRIALS):
        state, images = _with_errors(again.config, dataset, precision, rounding, trial)
        other = fit(again.config, images, checkpoint=state, precision=precision, show=False).run
        moved.append(_distances(again, other))
    # What was moved once stays moved, and the two losses of an epoch are moved alike.
    furthest = {what: np.maximum.accumulate(np.max([m[what] for m in moved], axis=0)) for what in TIGHT}
    furthest["loss"] = furthest["val_loss"] = np.maximum(furthest["loss"], furthest["val_loss"])
    return {
        what: TIGHT[what] + MULTIPLE[what] * np.nan_to_num(far) + (ACCURACY if what == "accuracy" else 0)
        for what, far in furthest.items()
    }


def _with_errors(
    config: RunConfig, dataset: Dataset, precision: str, rounding: float, trial: int
) -> tuple[dict[str, np.ndarray], Dataset]:
    """The state and the images of a run before its first step, with errors such as another machine makes.

    Every weight is off by one rounding. Of phantoms, which each machine draws for itself, one pixel of every image is
    off by a grey level: floating point may move it by that, and the fingerprint does not see it (`load_dataset`).
    """
    from labutils.training.backend import compiled_model

    rng = np.random.default_rng(trial)
    state = state_of(compiled_model(config, dataset.n_classes, precision))
    for name, values in state.items():
        if name.startswith("weight"):
            signs = rng.choice((-1, 1), values.shape)
            state[name] = (values * (1 + rounding * signs)).astype(values.dtype)  # worked out in float64
    if dataset.source != "phantom":
        return state, dataset

    def redrawn(images: np.ndarray) -> np.ndarray:
        images = np.array(images)
        pixels = images.reshape(len(images), -1)
        moved = np.arange(len(images)), rng.integers(0, pixels.shape[1], len(images))
        pixels[moved] = np.clip(pixels[moved] + rng.choice((-1, 1), len(images)) / 255, 0, 1)
        return images

    return state, replace(dataset, x_train=redrawn(dataset.x_train), x_val=redrawn(dataset.x_val))


def _distances(one: Run, other: Run) -> dict[str, np.ndarray]:
    """How far two trainings on the same images are apart, in each of `STEPS` or epochs."""
    epochs = min(one.epochs, other.epochs)
    first = [np.asarray(run.provenance.get("first_losses", ()), float) for run in (one, other)]
    steps = min(map(len, first))
    predictions = [run.val_predictions[:epochs].astype(float) for run in (one, other)]
    columns = ("loss", "accuracy", "val_loss")
    return {
        "first steps": np.abs(first[0][:steps] - first[1][:steps]),
        **{name: np.abs(one.history[name][:epochs] - other.history[name][:epochs]) for name in columns},
        "predictions": np.abs(predictions[0] - predictions[1]).max(axis=(1, 2)),
    }
