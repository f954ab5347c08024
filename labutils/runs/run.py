"""`Run`, one finished or unfinished training, and the folder of plain files that it is kept in."""

import csv
import io
import json
import os
import re
import reprlib
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from labutils import paths
from labutils.config import RunConfig
from labutils.errors import StoreError
from labutils.runs.disk import clear_errors, open_regular, read_json, write_atomic
from labutils.statistics import outputs_of, predicted_labels

COLUMNS = {"loss": ".7g", "accuracy": ".7g", "val_loss": ".7g", "val_accuracy": ".7g", "seconds": ".2f"}
"""The history's columns and how each is written."""
OPTIONAL_COLUMNS = {"fixed_loss": ".7g", "fixed_accuracy": ".7g"}  # columns that runs stored earlier lack
FORMAT = 1
LARGEST_WEIGHTS = 3_000_000
"""Bytes of best weights up to which they are stored with the run: with all runs of the lab, a clone stays small."""
LARGEST_CHECKPOINT = 4_000_000_000  # bytes of a checkpoint that is read: twenty times the largest network of the lab
LONGEST_RUN = 100_000  # epochs that a run may have, as in `RunConfig`
CSV_LIMIT = 64_000_000  # bytes of a CSV file: the names of half a million images
UNPACKED_LIMIT = 64_000_000  # bytes that a small archive may unpack to; a large one to its own size
BEST_WEIGHTS = "best.h5"
"""The best weights' file: not called `.weights.h5`, because `training.load_best` reads it and Keras does not."""
# The repository leaves checkpoints out; earlier versions called the file otherwise.
_WEIGHTS_FILES = tuple(f"{place}{name}" for name in (BEST_WEIGHTS, "best.weights.h5") for place in ("", "checkpoint/"))
_IN_CHECKPOINT = re.compile(r"epochs|losses|(weight|optimizer|exam_\d{1,6})_\d{3,6}")


@dataclass(frozen=True)
class ExamResult:
    """What a run answered in the exam, at the `epochs` (from 0) of best validation accuracy, lowest loss and end.

    `predictions` are (epochs, images, outputs) float16, `y` (images,) int64, `fingerprint` that of the images;
    `training` (epochs,) is the accuracy on all training images, measured like the exam; nan for runs stored earlier.
    `areas` (epochs, images), `statistics.auc_by_image` at the best epoch, are those of a run that is not `Run.whole`:
    of its predictions only what the right class and the answer were given is kept, the others are 0.
    """

    epochs: tuple[int, ...]
    predictions: np.ndarray
    y: np.ndarray
    fingerprint: str
    training: np.ndarray = field(default_factory=lambda: np.empty(0))
    areas: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not len(self.training):
            object.__setattr__(self, "training", np.full(len(self.epochs), np.nan))

    def at(self, epoch: int) -> np.ndarray:
        """The predictions of one of the `epochs`, shape (images, outputs); a ValueError for any other."""
        if epoch not in self.epochs:
            taken = ", ".join(str(e + 1) for e in self.epochs)
            raise ValueError(f"The exam was not taken after epoch {epoch + 1}, only after {taken}.")
        return self.predictions[self.epochs.index(epoch)]

    @classmethod
    def of(
        cls,
        results: dict[int, tuple[np.ndarray, float]],
        y: np.ndarray,
        fingerprint: str,
        earlier: "ExamResult | None" = None,
    ) -> "ExamResult":
        """From predictions and training accuracy by epoch, and those of an earlier, shorter training."""
        known = {e: (earlier.at(e), earlier.training[i]) for i, e in enumerate(earlier.epochs)} if earlier else {}
        taken = sorted((known | results).items())
        kept = np.stack([predictions.astype(np.float16) for _, (predictions, _) in taken])
        return cls(tuple(epoch for epoch, _ in taken), kept, y, fingerprint, np.array([seen for _, (_, seen) in taken]))

    def first(self, epochs: int) -> "ExamResult | None":
        """Of the first `epochs` epochs; None if the exam was taken after none of them."""
        within = tuple(epoch for epoch in self.epochs if epoch < epochs)
        first = slice(len(within))
        areas = None if self.areas is None else self.areas[first]
        cut = ExamResult(within, self.predictions[first], self.y, self.fingerprint, self.training[first], areas)
        return cut if within else None


@dataclass(frozen=True)
class Run:
    """One training run: what was asked for and all that is needed to judge it.

    Attributes
    ----------
    config : RunConfig
        The settings; `config.epochs` is the number of epochs held here.
    history : dict of str to ndarray, shape (epochs,)
        `loss` and `accuracy` on the training images (means over the epoch, dropout active, as Keras reports them),
        `val_loss` and `val_accuracy`, and `seconds` that each epoch took. Runs stored earlier lack `fixed_loss` and
        `fixed_accuracy`: training images measured in inference mode after the epoch, on a fixed part of them as large
        as the validation set.
    val_predictions, y_val, val_files : ndarray of float16 (epochs, images, outputs), of int64 (images,), tuple of str
        Predicted probabilities on the validation images: of label 1 (one output) or of every class. No numbers where
        training diverged, and in epochs that are not kept (`whole`).
    provenance : dict
        Where it came from: see `Provenance`.
    status : {"trained", "reused", "extended"}
        How this `Run` came about in this session.
    path, exam : Path, ExamResult, or None
        Its folder in the store; the exam, if it sat one.
    """

    config: RunConfig
    history: dict[str, np.ndarray]
    val_predictions: np.ndarray
    y_val: np.ndarray
    val_files: tuple[str, ...]
    class_names: tuple[str, ...]
    provenance: dict[str, Any]
    status: str = "reused"
    path: Path | None = field(default=None, compare=False)
    exam: ExamResult | None = None

    @property
    def epochs(self) -> int:
        """Number of epochs held."""
        return len(self.history["loss"])

    @property
    def source(self) -> str:
        """Where the images came from: `course`, `public`, `phantom`, or a name given to the selection."""
        return str(self.provenance["source"])

    @property
    def fingerprint(self) -> str:
        """Of the images that it was trained and validated on: see `Dataset.fingerprint`."""
        return str(self.provenance["fingerprint"])

    @property
    def whole(self) -> bool:
        """False where predictions are kept of the exam's epochs alone: further seeds of nine classes."""
        lost = np.isnan(self.val_predictions).all(axis=(1, 2))
        return not (lost & np.isfinite(self.history["val_loss"])).any()

    @property
    def best_epoch(self) -> int:
        """Index (from 0) of the epoch with the best validation accuracy; the first of them if several are equal."""
        return int(np.argmax(self.history["val_accuracy"]))

    @property
    def lowest_loss_epoch(self) -> int:
        """Index (from 0) of the epoch with the lowest validation loss; the first of them if several are equal."""
        # Where training diverged the loss is no number, and that is never the lowest: infinite ones become finite.
        return int(np.argmin(np.nan_to_num(self.history["val_loss"], nan=np.inf)))

    @property
    def label(self) -> str:
        """The settings in words, for legends and tables."""
        return self.config.slug

    def plus(self, metrics: dict[str, float], predictions: np.ndarray) -> "Run":
        """This run and one more epoch: a value for each column of the history, and its validation predictions."""
        return replace(
            self,
            history={name: np.append(values, metrics[name]) for name, values in self.history.items()},
            val_predictions=np.concatenate([self.val_predictions, predictions.astype(np.float16)[None]]),
        )

    def first(self, epochs: int) -> "Run":
        """The first `epochs` epochs: what a shorter training would have given; a ValueError if there are fewer."""
        if epochs > self.epochs:
            raise ValueError(f"The run has {self.epochs} epochs, not {epochs}.")
        if epochs == self.epochs == self.config.epochs == len(self.val_predictions):
            return self
        return replace(
            self,
            config=self.config.with_(epochs=epochs),
            history={name: values[:epochs] for name, values in self.history.items()},
            val_predictions=self.val_predictions[:epochs],
            exam=self.exam.first(epochs) if self.exam else None,
        )


def write_run(run: Run, checkpoint: dict[str, np.ndarray], best_weights: bytes | None) -> None:
    """Store `run`, whole, in `run.path`; called after every epoch by whoever holds the run's lock.

    `best_weights` are an HDF5 file, if they changed. A StoreError says that it cannot be written; the epochs stored
    before are whole.
    """
    assert run.path is not None
    with clear_errors(run.path, finished=run.epochs - 1):
        if run.path.exists():
            clear_up(run.path)
            _write_files(run.path, run, checkpoint, best_weights)
            return
        growing = run.path.with_name(f".{run.path.name.lstrip('.')}.new.tmp")
        shutil.rmtree(growing, ignore_errors=True)
        _write_files(growing, run, checkpoint, best_weights)
        growing.rename(run.path)


def _write_files(folder: Path, run: Run, checkpoint: dict[str, np.ndarray], best_weights: bytes | None) -> None:
    (folder / "checkpoint").mkdir(parents=True, exist_ok=True)
    if best_weights:
        chosen = _WEIGHTS_FILES[0 if len(best_weights) <= LARGEST_WEIGHTS else 1]
        write_atomic(folder / chosen, lambda file: file.write(best_weights))
        for name in _WEIGHTS_FILES:
            if name != chosen:
                (folder / name).unlink(missing_ok=True)
    _write_csv(folder / "val_files.csv", [("file", "label"), *zip(run.val_files, run.y_val.tolist(), strict=True)])
    write_atomic(folder / "val_predictions.npy", lambda file: np.save(file, run.val_predictions, allow_pickle=False))
    formats = {name: how for name, how in (COLUMNS | OPTIONAL_COLUMNS).items() if name in run.history}
    epochs = [(i + 1, *(f"{run.history[n][i]:{how}}" for n, how in formats.items())) for i in range(run.epochs)]
    _write_csv(folder / "history.csv", [("epoch", *formats), *epochs])
    if run.exam:
        taken = {"epochs": np.array(run.exam.epochs), "fingerprint": np.array(run.exam.fingerprint)}
        taken |= {"predictions": run.exam.predictions, "y": run.exam.y, "training": run.exam.training}
        write_atomic(folder / "exam.npz", lambda file: np.savez_compressed(file, **taken))  # type: ignore[arg-type]
    _write_json(folder / "provenance.json", {**run.provenance, "format": FORMAT})
    # config.json's number of epochs counts, so it follows what it counts. The checkpoint decides where to go on: last.
    _write_json(folder / "config.json", run.config.model_dump(mode="json"))
    state = checkpoint | {"losses": _losses(run)}
    write_atomic(folder / "checkpoint" / "state.npz", lambda file: np.savez(file, **state))  # type: ignore[arg-type]


def _write_json(file: Path, values: dict[str, Any]) -> None:
    text = json.dumps(values, indent=1, sort_keys=True) + "\n"
    write_atomic(file, lambda handle: handle.write(text.encode()))


def _write_csv(file: Path, rows: list) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_atomic(file, lambda handle: handle.write(text.getvalue().encode()))


def _losses(run: Run) -> np.ndarray:
    return np.stack([run.history["loss"], run.history["val_loss"]])


def best_weights_file(folder: Path) -> Path | None:
    """The file of a stored run's best weights, or None if it came without them."""
    return next((folder / name for name in _WEIGHTS_FILES if os.path.lexists(folder / name)), None)


def leftovers(folder: Path) -> list[Path]:
    """Half-written files that a kill has left in a run's folder."""
    return [file for file in (*folder.glob("*.tmp"), *folder.glob("checkpoint/*.tmp")) if not file.is_dir()]


def clear_up(folder: Path) -> None:
    """Remove what a kill has left; nobody else may be writing to the run."""
    for file in leftovers(folder):
        file.unlink(missing_ok=True)


def read_run(folder: Path) -> Run:
    """A stored run; a StoreError names a file that is missing, unreadable or does not fit the others."""
    file = folder / "config.json"
    try:
        config = RunConfig(**read_json(file))
        file = folder / "provenance.json"
        provenance = read_json(file)
        if (found := reprlib.repr(provenance.get("format"))) != str(FORMAT):
            raise ValueError(f"format {found}, this version of labutils reads {FORMAT}")
        check_provenance(provenance)
        class_names = tuple(provenance["class_names"])
        file = folder / "history.csv"
        history = _read_history(file)
        file = folder / "val_files.csv"
        val_files, y_val = _read_val_files(file, len(class_names))
        file = folder / "val_predictions.npy"
        # Four times what is expected: what is a little too large is told in numbers of epochs and images.
        most = 4 * np.dtype(np.float16).itemsize * (config.epochs + 1) * len(y_val) * len(class_names)
        with open_regular(file, most + 10_000) as handle:
            predictions = np.lib.format.read_array(handle, allow_pickle=False)
        if predictions.dtype == np.float16:
            _check_probabilities(predictions)
        file = folder / "exam.npz"
        exam = _read_exam(file, len(class_names)) if os.path.lexists(file) else None
        kept = list(exam.epochs) if exam and len(predictions) == len(exam.epochs) < config.epochs else []
        if kept:
            predictions, compared = np.full((config.epochs, *predictions.shape[1:]), np.nan, np.float16), predictions
            predictions[kept] = compared
    except Exception as error:  # there is no end to what readers raise on damaged files
        raise _damaged(folder, f"{file.name}: {_reason(error)}") from None
    run = Run(config, history, predictions, y_val, val_files, class_names, provenance, path=folder, exam=exam)
    if problem := _misfit(run, kept):
        raise _damaged(folder, problem)
    # After a kill the other files may be an epoch ahead of config.json: keep what all have.
    return run.first(min(config.epochs, run.epochs, len(predictions)))


def read_start(folder: Path) -> tuple[Run, dict[str, np.ndarray]] | None:
    """Where a stored training can be taken up: its finished epochs and the state after the last of them.

    None where there is no checkpoint, or one of another history. A StoreError says that either is damaged.
    """
    file = folder / "checkpoint" / "state.npz"
    if not os.path.lexists(file):
        return None
    run = read_run(folder)
    try:
        checkpoint = _read_arrays(file, LARGEST_CHECKPOINT)
        if strange := [name for name in checkpoint if not _IN_CHECKPOINT.fullmatch(name)]:
            raise ValueError(f"it holds {strange[0]!r}")
        epochs, losses = int(checkpoint["epochs"]), checkpoint.pop("losses")
        if epochs < 1 or losses.shape != (2, epochs) or losses.dtype.kind != "f":
            raise ValueError(f"it speaks of {epochs} epochs and holds losses of shape {losses.shape}")
    except Exception as error:
        raise StoreError(
            f"{paths.short(file)} is damaged ({_reason(error)}). Remove this file: the stored epochs stay, "
            "and a longer training starts again from the first epoch."
        ) from None
    if epochs > run.epochs:
        return None
    run = run.first(epochs)
    return (run, checkpoint) if np.allclose(_losses(run), losses, rtol=1e-6, equal_nan=True) else None


def _read_history(file: Path) -> dict[str, np.ndarray]:
    rows = _read_csv(file, ("epoch", *COLUMNS))
    columns = [*COLUMNS, *(name for name in OPTIONAL_COLUMNS if rows and name in rows[0])]
    history = {name: np.array([float(row[name]) for row in rows]) for name in columns}
    if [row["epoch"] for row in rows] != [str(i + 1) for i in range(len(rows))]:
        raise ValueError("the epochs are not 1, 2, 3 and so on")
    for name, values in history.items():
        highest = 1.0 if name.endswith("accuracy") else 1e10 if name == "seconds" else np.inf
        wrong = ~((values >= 0) & (values <= highest))
        if name.endswith("loss"):  # no number where training diverged
            wrong &= ~np.isnan(values)
        for index in np.flatnonzero(wrong)[:1]:
            raise ValueError(f"{name} of epoch {index + 1} is {values[index]:g}, 0 to {highest:g} was expected")
    return history


def _read_val_files(file: Path, classes: int) -> tuple[tuple[str, ...], np.ndarray]:
    rows = _read_csv(file, ("file", "label"))
    allowed = {str(label): label for label in range(classes)}
    if strange := [row["label"] for row in rows if row["label"] not in allowed]:
        raise ValueError(f"it has labels other than 0 to {classes - 1}: {reprlib.repr(strange[0])}")
    labels = np.array([allowed[row["label"]] for row in rows], dtype=np.int64)
    return tuple(row["file"] for row in rows), labels


def _read_csv(file: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    with open_regular(file, CSV_LIMIT) as handle:
        table = csv.DictReader(io.StringIO(handle.read().decode(), newline=""))
        try:
            rows = list(table)
        except csv.Error as error:
            raise ValueError(f"is not a table ({error})") from None
    for name in columns:
        if name not in (table.fieldnames or ()):
            raise ValueError(f"{name!r} is missing")
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            raise ValueError(f"row {number} has not the {len(table.fieldnames or ())} columns of the first line")
    return rows


def _read_exam(file: Path, classes: int) -> ExamResult:
    arrays = _read_arrays(file, UNPACKED_LIMIT)
    epochs, predictions, y, fingerprint = (arrays[n] for n in ("epochs", "predictions", "y", "fingerprint"))
    if predictions.dtype != np.float16 or predictions.shape != (len(epochs), len(y), outputs_of(classes)):
        raise ValueError(f"the predictions are {predictions.dtype} {predictions.shape}, for {len(y)} images")
    if epochs.dtype.kind not in "iu" or y.dtype.kind not in "iu" or epochs.ndim != 1 or y.ndim != 1:
        raise ValueError("the epochs and labels are not whole numbers")
    if sorted(set(epochs.tolist())) != epochs.tolist() or not 0 <= epochs.min(initial=0) <= epochs.max() < LONGEST_RUN:
        raise ValueError("the epochs are not in order")
    if not 0 <= y.min() <= y.max() < classes:
        raise ValueError(f"it has labels other than 0 to {classes - 1}")
    if not str(fingerprint).isprintable() or len(str(fingerprint)) > 64:
        raise ValueError(f"the fingerprint is {reprlib.repr(str(fingerprint))}")
    training = arrays.get("training", np.full(len(epochs), np.nan))
    if training.shape != epochs.shape or training.dtype.kind != "f" or ((training < 0) | (training > 1)).any():
        raise ValueError(f"the training accuracies are {training.dtype} {training.shape}, {len(epochs)} were expected")
    areas = arrays.get("areas")
    if areas is not None and (areas.shape != predictions.shape[:2] or areas.dtype.kind != "f"):
        raise ValueError(f"the areas are {areas.dtype} {areas.shape}, {predictions.shape[:2]} were expected")
    _check_probabilities(predictions)
    return ExamResult(tuple(epochs.tolist()), predictions, y.astype(np.int64), str(fingerprint), training, areas)


def _read_arrays(file: Path, limit: int) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file of at most `limit` bytes; refused if it unpacks to more than it can need."""
    with open_regular(file, limit) as handle, zipfile.ZipFile(handle) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > max(UNPACKED_LIMIT, file.stat().st_size):
            raise ValueError(f"unpacks to {unpacked:,} bytes, at most {UNPACKED_LIMIT:,} were expected")
        arrays = {}
        for name in archive.namelist():
            with archive.open(name) as packed:
                arrays[name.removesuffix(".npy")] = np.lib.format.read_array(packed, allow_pickle=False)
    return arrays


def _check_probabilities(predictions: np.ndarray) -> None:
    """Refuse predictions outside 0 to 1; those of a training that diverged are no numbers."""
    for index in np.argwhere((predictions < 0) | (predictions > 1))[:1]:
        raise ValueError(f"holds {predictions[tuple(index)]:g}, probabilities from 0 to 1 were expected")


def _misfit(run: Run, kept: list[int]) -> str:
    """What does not fit together in a run as read, or nothing; `kept` are the epochs whose predictions it has, if not
    all."""
    outputs = outputs_of(len(run.class_names))
    predictions, epochs = run.val_predictions, run.epochs
    if predictions.dtype != np.float16 or predictions.shape[1:] != (len(run.y_val), outputs):
        expected = f"float16 (epochs, {len(run.y_val)}, {outputs}) for the images in val_files.csv"
        return f"val_predictions.npy is {predictions.dtype} {predictions.shape}, expected {expected}"
    if min(epochs, len(predictions)) < run.config.epochs or max(epochs, len(predictions)) > run.config.epochs + 1:
        counted = f"history.csv has {epochs}, val_predictions.npy {len(predictions)}"
        return f"config.json speaks of {run.config.epochs} epochs, {counted}"
    if not len(run.y_val):
        return "val_files.csv lists no image"
    given = np.array(kept or range(min(epochs, len(predictions))))
    accuracy = (predicted_labels(predictions[given]) == run.y_val).mean(axis=1)
    if not np.allclose(accuracy, run.history["val_accuracy"][given], atol=1e-6, rtol=0):
        return "val_accuracy in history.csv is not what val_predictions.npy gives"
    lost = np.isnan(predictions[given]).any(axis=(1, 2)) & ~np.isnan(run.history["val_loss"][given])
    if lost.any():
        return f"val_predictions.npy has no numbers in epoch {given[lost.argmax()] + 1}, whose val_loss is one"
    return ""


def _damaged(folder: Path, what: str) -> StoreError:
    return StoreError(
        f"{paths.short(folder)} is not a stored run or is damaged ({what}). It was left as it is: "
        "restore it, move it away, or remove it with `labutils runs rm` and train again."
    )


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"{error} is missing" if isinstance(error, KeyError) else first_line(error)


def first_line(error: Exception) -> str:
    """What an error says, short enough for a sentence; its kind where it says nothing."""
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__


def _harmless(text: str) -> str:
    # A name is printed to terminals, where an escape sequence is a command.
    if not text.isprintable():
        raise ValueError("it holds control characters")
    return text


def _time(text: str) -> str:
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        raise ValueError("it should be a time such as 2026-01-31T12:00:00Z") from None
    return text


Name = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_harmless)]
Whole = Annotated[int, Field(ge=0, lt=2**53)]


class _FromDisk(BaseModel):
    # A later version may say more: what is not known here is left alone, and shown by nobody.
    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class Stretch(_FromDisk):
    """Epochs that were trained in one go, and on what."""

    first_epoch: int = Field(ge=1, le=LONGEST_RUN)
    seconds: float = Field(ge=0, le=1e10)
    backend: Literal["tensorflow", "jax", "torch"]
    device: Name
    threads: int = Field(ge=1, le=65_536)
    ended: Annotated[str, AfterValidator(_time)] | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    image_data_format: Literal["channels_last", "channels_first"] = "channels_last"
    onednn: bool = False
    commit: Name = "unknown"
    versions: dict[Name, Name] = Field(default={}, max_length=50)


class Provenance(_FromDisk):
    """Where a run came from: what `provenance.json` must say."""

    source: Name
    fingerprint: str = Field(pattern=r"\A[0-9a-f]{2,64}\z")
    class_names: list[Name] = Field(min_length=2, max_length=1000)
    stretches: list[Stretch] = Field(min_length=1, max_length=LONGEST_RUN)
    counts: dict[Name, dict[Name, Whole]] = {}
    parameters: Annotated[int, Field(ge=1, lt=2**53)] | None = None
    # A training that diverges at once says so in these.
    first_losses: list[Annotated[float, Field(allow_inf_nan=True)]] = Field(default=[], max_length=8)


def check_provenance(values: Mapping[str, Any]) -> None:
    """Refuse a provenance that nobody could rely on: a ValueError names the first thing that is wrong."""
    try:
        provenance = Provenance.model_validate(dict(values))
    except ValidationError as error:
        raise ValueError(_first_fault(error)) from None
    if len(set(provenance.class_names)) < len(provenance.class_names):
        raise ValueError("class_names holds one name twice")
    starts = [stretch.first_epoch for stretch in provenance.stretches]
    if any(late <= early for early, late in pairwise(starts)):
        raise ValueError(f"the stretches start with epochs {reprlib.repr(starts)}, later ones were expected to follow")


def _first_fault(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) if str(part).isprintable() else repr(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"{place[:100]} is missing"
    said = first["msg"].removeprefix("Value error, ").split(" or instance of ")[0]
    return f"{place[:100]} is {reprlib.repr(first['input'])}: {said[:1].lower()}{said[1:200]}"
