"""Can a stored run be repeated? Its first epochs are trained again and compared with what is stored.

Where circumstances are the same, all agrees bit by bit; elsewhere within `bands`. The first eight steps say most:
rounding has little time to grow in them, and they differ as soon as anything about the network, its first weights, the
images, their order, the dropout or the learning rate does. Whole epochs catch what the first steps cannot see.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from labutils import machine
from labutils.data.dataset import Dataset, load_dataset
from labutils.errors import DataError, StoreError
from labutils.machine import leave_with_parent
from labutils.runs.run import Run, read_run
from labutils.statistics import SMALLEST_PROBABILITY
from labutils.training.bands import ROUNDING, STEPS, TIGHT, measured_bands, tight_bands
from labutils.training.checkpoint import check_dataset
from labutils.training.cost import estimate_seconds

_CIRCUMSTANCES = ("backend", "device", "onednn", "precision", "threads", "versions")

LONGEST = 60.0
"""Seconds that a first epoch may take here, by the estimate, to be among the `quick_ones`."""
RUNS_PER_PROCESS = 8
"""Runs after which `verify_all` goes on in a fresh process: TensorFlow keeps a quarter of a gigabyte of each."""


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
        if np.isnan(self.stored) or np.isnan(self.repeated):
            return bool(np.isnan(self.stored) and np.isnan(self.repeated))
        return bool(abs(self.stored - self.repeated) <= self.band)

    def __str__(self) -> str:
        """`loss of epoch 1 was 0.693147, is 0.712000 (may differ by 0.002)`."""
        return f"{self.what} was {self.stored:.7g}, is {self.repeated:.7g} (may differ by {self.band:.2g})"


@dataclass(frozen=True)
class Verification:
    """What came of repeating a run.

    Attributes
    ----------
    name : str
        The run's name in the store.
    epochs : int
        Epochs that were trained again.
    comparisons : tuple of Comparison
    bands : mapping of str to float
        How far apart what may be at most: `TIGHT`, or what `measured_bands` gives.
    other : tuple of str
        What is not as it was when the run was trained (`threads`, `device`).
    problem : str
        Why it could not be verified here, if it could not.
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
    """Train the first epochs of a run again and compare losses, accuracies and predictions with what is stored.

    Parameters
    ----------
    run : Run
    epochs : int
        At least 1; at most as many as are stored are compared.
    dataset : Dataset, optional
        The images it was trained on; loaded from where they came unless given.

    Returns
    -------
    Verification
        With a `problem` where the images or the backend that it was trained with are not here.
    """
    name = run.path.name if run.path else run.config.slug
    stretches = run.provenance["stretches"]
    if not stretches:
        return Verification(name, problem="it does not say how it was trained.")
    if problem := _backend_problem(stretches[0]["backend"]):
        return Verification(name, problem=problem)
    if dataset is None:
        dataset = _load(run)
    wanted = run.provenance["fingerprint"]
    if dataset is None or dataset.fingerprint != wanted:
        here = f"; those here have {dataset.fingerprint}" if dataset else ""
        return Verification(name, problem=f"its images ({run.source}, fingerprint {wanted}) are not here{here}.")
    epochs = min(epochs, run.epochs)
    config = run.config.with_(epochs=epochs)
    check_dataset(config, dataset)
    from labutils.training.epoch import fit

    precision = precision_here(stretches[0])
    again = fit(config, dataset, precision=precision, show=False).run
    now = again.provenance["stretches"][0]
    trained = [s for s in stretches if s["first_epoch"] <= epochs]
    other = tuple(c for c in _CIRCUMSTANCES if any(_of(s, c) != _of(now, c) for s in trained))
    bands = tight_bands(epochs)
    compared = tuple(_compare(run, again, bands))
    # What XLA, which JAX compiles with, computes on several threads is not the same from one time to the next.
    if (other or now["backend"] == "jax") and not all(c.holds for c in compared):
        rounding = max(ROUNDING[_of(s, "precision")] for s in (now, *trained))
        bands = measured_bands(again, dataset, precision, rounding)
        compared = tuple(_compare(run, again, bands))
    if "first_losses" not in run.provenance:  # nothing to compare them with, so no band to speak of
        del bands["first steps"]
    return Verification(name, epochs, compared, {what: float(band[-1]) for what, band in bands.items()}, other)


def verify_all(folders: Iterable[Path], epochs: int = 1) -> Iterator[Verification]:
    """Verify stored runs, each on the backend and the threads it was trained with.

    Both are chosen before Keras is imported, so this happens in processes of its own.
    """
    readable: list[tuple[tuple[str, int], Path]] = []
    for folder in folders:
        try:
            first: dict[str, Any] = next(iter(read_run(folder).provenance["stretches"]), {})
            readable.append(((first.get("backend", "tensorflow"), first.get("threads", 1)), folder))
        except StoreError as error:
            yield Verification(folder.name, problem=str(error))
    for (backend, threads), group in groupby(sorted(readable), key=lambda entry: entry[0]):
        chosen = {"KERAS_BACKEND": backend, "LABUTILS_THREADS": str(min(threads, machine.cores()))}
        folders = [folder for _, folder in group]
        for start in range(0, len(folders), RUNS_PER_PROCESS):
            part = folders[start : start + RUNS_PER_PROCESS]
            # A pool for each part: one with max_tasks_per_child may wait for ever (Python 3.11 to 3.13, gh-115634).
            with ProcessPoolExecutor(1, get_context("spawn"), initializer=_choose, initargs=(chosen,)) as pool:
                yield from pool.map(_verify_folder, part, [epochs] * len(part))


def quick_ones(folders: Iterable[Path]) -> list[Path]:
    """Those of which an epoch takes at most `LONGEST` seconds here, and those that cannot be read.

    Where the circumstances are other, an epoch is trained four times (see `bands`): many minutes with the lab's largest
    networks.
    """

    def seconds(folder: Path) -> float:
        try:
            run = read_run(folder)
        except StoreError:
            return 0.0
        images = sum(run.provenance.get("counts", {}).get("train", {}).values())
        return estimate_seconds(run.config.with_(epochs=1), images, len(run.class_names))

    return [folder for folder in folders if seconds(folder) <= LONGEST]


def _choose(settings: dict[str, str]) -> None:
    os.environ.update(settings)
    leave_with_parent()


def _verify_folder(folder: Path, epochs: int) -> Verification:
    try:
        return verify(read_run(folder), epochs)
    except ValueError as error:  # DataError, or images of another kind than the run speaks of
        return Verification(folder.name, problem=str(error))


def precision_here(stretch: Mapping[str, Any]) -> str:
    """The precision that a run was trained in, or float32 where this processor has no units for that."""
    return "bfloat16" if _of(stretch, "precision") == "bfloat16" and machine.bfloat16_units() else "float32"


def _of(stretch: Mapping[str, Any], what: str) -> Any:
    # Before precision was recorded, all was trained in float32.
    return stretch.get(what, "float32" if what == "precision" else None)


def _backend_problem(backend: str) -> str:
    active = machine.backend()
    if "keras" in sys.modules:
        active = sys.modules["keras"].backend.backend()
    if find_spec(backend) is None:
        return f"it was trained with {backend}, which is not installed."
    if backend != active:
        return (
            f"it was trained with {backend}, and this process uses {active}: "
            f"set KERAS_BACKEND={backend} before Keras is imported, or use `labutils verify`."
        )
    return ""


def _load(run: Run) -> Dataset | None:
    config, wanted = run.config, run.provenance["fingerprint"]
    found = None
    for source in (run.source,) if run.source in ("course", "public", "phantom") else ("course", "public"):
        try:
            found = load_dataset(
                config.dataset, config.image_size, config.channels, source, config.n_train, config.n_val, progress=False
            )
        except DataError:
            continue
        if found.fingerprint == wanted:
            return found
    return found


def _compare(run: Run, again: Run, bands: Mapping[str, np.ndarray]) -> Iterator[Comparison]:
    def same(what: str, stored: Any, repeated: Any) -> Comparison:
        return Comparison(what, float(stored), float(repeated), 0)

    yield same("number of parameters", run.provenance.get("parameters", np.nan), again.provenance["parameters"])
    yield same("validation images in the stored order", 1, run.val_files == again.val_files)
    yield same("labels as stored", 1, np.array_equal(run.y_val, again.y_val))
    first = run.provenance.get("first_losses", ()), again.provenance["first_losses"]
    for what, band, stored, repeated in zip(STEPS, bands["first steps"], *first, strict=False):
        yield Comparison(f"loss in {what}", stored, repeated, float(band))
    for epoch in range(again.epochs):
        for column in ("loss", "accuracy", "val_loss"):
            stored, repeated = float(run.history[column][epoch]), float(again.history[column][epoch])
            yield Comparison(f"{column} of epoch {epoch + 1}", stored, repeated, float(bands[column][epoch]))
        apart = run.val_predictions[epoch].astype(float) - again.val_predictions[epoch].astype(float)
        furthest = np.unravel_index(np.abs(apart).argmax(), apart.shape)
        stored, repeated = float(run.val_predictions[epoch][furthest]), float(again.val_predictions[epoch][furthest])
        what = f"prediction for {run.val_files[int(furthest[0])]} in epoch {epoch + 1}"
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
    if p.shape[2] == 1:
        p = np.where(run.y_val[None, :, None] == 1, p, 1 - p)
    else:
        index = run.y_val[None, :, None]
        p, half = np.take_along_axis(p, index, 2), np.take_along_axis(half, index, 2)
    ends = (np.clip(edge, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY) for edge in (p - half, p + half))
    high, low = (-np.log(end).mean(axis=(1, 2)) for end in ends)
    return low - 1e-6, high + 1e-6
