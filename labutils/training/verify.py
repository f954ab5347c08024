"""Can a run be repeated? Its first epochs are trained again and compared with what is stored, in bands.

Where circumstances are the same, all agrees bit by bit. Another processor rounds otherwise, and a training amplifies
that: trained again with errors of the size of rounding planted before its first step, the run moves, and what is stored
may be a generous multiple of that away. The first eight steps say most: rounding has little time to grow in them.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from labutils import machine
from labutils.config import RunConfig
from labutils.data.dataset import Dataset, images_for, load_dataset
from labutils.errors import DataError
from labutils.runs.run import Run
from labutils.statistics import SMALLEST_PROBABILITY
from labutils.training.checkpoint import check_dataset, state_of

TIGHT = {"first steps": 1e-6, "loss": 1e-6, "accuracy": 1e-6, "val_loss": 1e-6, "predictions": 5e-4}
"""Bands on the same machine, threads and versions: history.csv keeps seven digits, predictions are float16."""
ROUNDING = {"float32": 2.0**-24, "bfloat16": 2.0**-9}
"""The largest relative error of rounding to each precision: half of what the last bit of a number is worth."""
TRIALS = 3  # trainings with planted errors from which bands are measured
MULTIPLE = {"first steps": 16, "loss": 8, "accuracy": 8, "val_loss": 8, "predictions": 8}
"""A band is so many times what planted errors moved: they are planted once, while a processor rounds at every step, and
of three draws the furthest may by chance lie near zero. Over a whole epoch this evens out."""
ACCURACY = 0.01  # added to the band of accuracies, which move by whole images
STEPS = ("step 1", "step 2", "steps 3 to 4", "steps 5 to 8")
COLUMNS = ("loss", "accuracy", "val_loss")
_CIRCUMSTANCES = ("backend", "device", "onednn", "precision", "threads", "versions")


@dataclass(frozen=True)
class Comparison:
    """One number as stored and as repeated, and how far apart they may be."""

    what: str
    stored: float
    repeated: float
    band: float

    @property
    def holds(self) -> bool:
        """Whether they agree; two that are not numbers do."""
        return bool(np.isclose(self.stored, self.repeated, rtol=0, atol=self.band, equal_nan=True))

    def __str__(self) -> str:
        """`loss of epoch 1 was 0.693147, is 0.712000 (may differ by 0.002)`."""
        return f"{self.what} was {self.stored:.7g}, is {self.repeated:.7g} (may differ by {self.band:.2g})"


@dataclass(frozen=True)
class Verification:
    """What came of repeating the first `epochs` of the run called `name`, within `bands`.

    `other` is what is not as it was (`threads`, `device`); `problem` why it could not be verified here, if it could
    not.
    """

    name: str
    epochs: int = 0
    comparisons: tuple[Comparison, ...] = ()
    bands: Mapping[str, float] = field(default_factory=dict)
    other: tuple[str, ...] = ()
    problem: str = ""

    @property
    def passed(self) -> bool | None:
        """True if everything is within its band, False if not, None if it could not be verified."""
        return None if self.problem else all(c.holds for c in self.comparisons)

    @property
    def differences(self) -> tuple[str, ...]:
        """What is outside of its band, in words."""
        return tuple(str(c) for c in self.comparisons if not c.holds)

    def __str__(self) -> str:
        """One line: the verdict, the circumstances, the bands."""
        if self.problem:
            return f"{self.name}: cannot verify: {self.problem}"
        where = f"other {', '.join(self.other)} than it was trained with" if self.other else ""
        kind = "tight" if all(self.bands[what] <= TIGHT[what] * self.epochs for what in self.bands) else "measured"
        circumstances = f"{where or 'same machine, threads and versions'}, {kind} bands"
        bands = ", ".join(f"{what} {band:.2g}" for what, band in self.bands.items())
        epochs = "epoch 1" if self.epochs == 1 else f"epochs 1 to {self.epochs}"
        if self.passed:
            return f"{self.name}: repeated, {epochs} ({circumstances}: {bands})."
        return f"{self.name}: DIFFERS in {epochs} ({circumstances}): {'; '.join(self.differences)}."


def verify(run: Run, epochs: int = 1, dataset: Dataset | None = None) -> Verification:
    """Train the first epochs of a run again, at least one, and compare losses, accuracies and predictions with what is
    stored. There is a `problem` where its images (`dataset`, loaded unless given) or its backend are not here."""
    name, stretches = run.path.name if run.path else run.config.slug, run.provenance["stretches"]
    if problem := _backend_problem(stretches[0]["backend"]):
        return Verification(name, problem=problem)
    dataset, wanted = dataset or _load(run), run.fingerprint
    if dataset is None or dataset.fingerprint != wanted:
        here = f"; those here have {dataset.fingerprint}" if dataset else ""
        return Verification(name, problem=f"its images ({run.source}, fingerprint {wanted}) are not here{here}.")
    epochs = min(epochs, run.epochs)
    config = run.config.with_(epochs=epochs)
    check_dataset(config, dataset)
    from labutils.training.epoch import fit

    # What this processor has no units for is trained in float32.
    precision = "bfloat16" if _of(stretches[0], "precision") == "bfloat16" and machine.bfloat16_units() else "float32"
    again = fit(config, dataset, precision=precision, show=False).run
    now = again.provenance["stretches"][0]
    trained = [s for s in stretches if s["first_epoch"] <= epochs]
    other = tuple(c for c in _CIRCUMSTANCES if any(_of(s, c) != _of(now, c) for s in trained))
    bands = {what: band * np.arange(1, epochs + 1) for what, band in TIGHT.items()}
    bands["first steps"] = np.full(len(STEPS), TIGHT["first steps"])
    compared = tuple(_compare(run, again, bands))
    # What XLA, which JAX compiles with, computes on several threads is not the same from one time to the next.
    if (other or now["backend"] == "jax") and not all(c.holds for c in compared):
        rounding = max(ROUNDING[_of(s, "precision")] for s in (now, *trained))
        bands = measured_bands(again, dataset, precision, rounding)
        compared = tuple(_compare(run, again, bands))
    if "first_losses" not in run.provenance:  # nothing to compare them with, so no band to speak of
        del bands["first steps"]
    return Verification(name, epochs, compared, {what: float(band[-1]) for what, band in bands.items()}, other)


def measured_bands(again: Run, dataset: Dataset, precision: str, rounding: float) -> dict[str, np.ndarray]:
    """How far a run may be from what another machine made of the same settings: for every name of `TIGHT`, a band for
    each of `STEPS` or epochs. `again` was trained here, in `precision`; `rounding` is the relative error of one."""
    from labutils.training.epoch import fit

    moved = []
    for trial in range(TRIALS):
        state, images = with_errors(again.config, dataset, precision, rounding, trial)
        other = fit(again.config, images, checkpoint=state, precision=precision, show=False).run
        moved.append(_distances(again, other))
    # What was moved once stays moved, and the two losses of an epoch are moved alike.
    furthest = {what: np.maximum.accumulate(np.max([m[what] for m in moved], axis=0)) for what in TIGHT}
    furthest["loss"] = furthest["val_loss"] = np.maximum(furthest["loss"], furthest["val_loss"])
    return {
        what: TIGHT[what] + MULTIPLE[what] * np.nan_to_num(far) + (ACCURACY if what == "accuracy" else 0)
        for what, far in furthest.items()
    }


def with_errors(
    config: RunConfig, dataset: Dataset, precision: str, rounding: float, trial: int
) -> tuple[dict[str, np.ndarray], Dataset]:
    """The state and the images of a run before its first step, with errors such as another machine makes: every weight
    is off by one rounding, and of phantoms, which each machine draws for itself, a pixel of every image by a grey
    level."""
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
    """How far two trainings of as many epochs on the same images are apart, in each of `STEPS` or epochs."""
    steps = [np.asarray(run.provenance["first_losses"], float) for run in (one, other)]
    predictions = [run.val_predictions.astype(float) for run in (one, other)]
    return {
        "first steps": np.abs(steps[0] - steps[1]),
        **{name: np.abs(one.history[name] - other.history[name]) for name in COLUMNS},
        "predictions": np.abs(predictions[0] - predictions[1]).max(axis=(1, 2)),
    }


def _of(stretch: Mapping[str, Any], what: str) -> Any:
    # Before precision was recorded, all was trained in float32.
    return stretch.get(what, "float32" if what == "precision" else None)


def _backend_problem(backend: str) -> str:
    active = sys.modules["keras"].backend.backend() if "keras" in sys.modules else machine.backend()
    if find_spec(backend) is None:
        return f"it was trained with {backend}, which is not installed."
    instead = f"set KERAS_BACKEND={backend} before Keras is imported, or use `labutils verify`"
    return "" if backend == active else f"it was trained with {backend}, and this process uses {active}: {instead}."


def _load(run: Run) -> Dataset | None:
    """The images with the run's fingerprint, or others of that name, or None."""
    found = None
    for source in (run.source,) if run.source in ("course", "public", "phantom") else ("course", "public"):
        try:
            found = load_dataset(*images_for(run.config, source), progress=False)
        except DataError:
            continue
        if found.fingerprint == run.fingerprint:
            break
    return found


def _compare(run: Run, again: Run, bands: Mapping[str, np.ndarray]) -> Iterator[Comparison]:
    parameters = run.provenance.get("parameters", np.nan), again.provenance["parameters"]
    yield Comparison("number of parameters", *parameters, 0)
    yield Comparison("validation images in the stored order", 1, float(run.val_files == again.val_files), 0)
    yield Comparison("labels as stored", 1, float(np.array_equal(run.y_val, again.y_val)), 0)
    first = run.provenance.get("first_losses", ()), again.provenance["first_losses"]
    for what, band, stored, repeated in zip(STEPS, bands["first steps"], *first, strict=False):
        yield Comparison(f"loss in {what}", stored, repeated, float(band))
    for epoch in range(again.epochs):
        for column in COLUMNS:
            stored, repeated = (float(one.history[column][epoch]) for one in (run, again))
            yield Comparison(f"{column} of epoch {epoch + 1}", stored, repeated, float(bands[column][epoch]))
        given = [one.val_predictions[epoch].astype(float) for one in (run, again)]
        if not run.whole and np.isnan(given[0]).all():  # not kept
            continue
        furthest = np.unravel_index(np.abs(given[0] - given[1]).argmax(), given[0].shape)
        what = f"prediction for {run.val_files[int(furthest[0])]} in epoch {epoch + 1}"
        stored, repeated = (float(one[furthest]) for one in given)
        yield Comparison(what, stored, repeated, float(bands["predictions"][epoch]))
    low, high = _loss_bounds(run)
    losses = run.history["val_loss"]
    for wrong in np.flatnonzero((losses < low) | (losses > high)).tolist():
        what = f"val_loss of epoch {wrong + 1}, which has to follow from its predictions,"
        yield Comparison(what, float(losses[wrong]), float(low[wrong] + high[wrong]) / 2, 0)


def _loss_bounds(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Between what the validation loss of every epoch must lie, given predictions that were rounded to float16."""
    p = run.val_predictions.astype(np.float64)
    with np.errstate(invalid="ignore"):  # a training that diverged
        half = np.spacing(np.abs(run.val_predictions)).astype(np.float64) / 2 + 1e-6
    index = run.y_val[None, :, None]
    if p.shape[2] == 1:
        p = np.where(index == 1, p, 1 - p)
    else:
        p, half = np.take_along_axis(p, index, 2), np.take_along_axis(half, index, 2)
    ends = (np.clip(edge, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY) for edge in (p - half, p + half))
    high, low = (-np.log(end).mean(axis=(1, 2)) for end in ends)
    return low - 1e-6, high + 1e-6
