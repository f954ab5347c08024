"""Training runs on disk: `Run`, one finished or unfinished training, and `RunStore`, the folder that keeps them.

A run is a folder of plain files (JSON, CSV, NumPy arrays, HDF5 weights): nothing is pickled, nothing is executed on
load. Every file is written beside its place and then moved there, so a reader never sees half of one; the checkpoint
is written last, so that after a kill the epochs up to the checkpoint are complete.
How a model is trained is the business of `training`; nothing here knows Keras.
"""

import csv
import errno
import io
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock, Timeout

from labutils import paths
from labutils.config import ParameterError, RunConfig

COLUMNS = {"loss": ".7g", "accuracy": ".7g", "val_loss": ".7g", "val_accuracy": ".7g", "seconds": ".2f"}
"""The history's columns and how each is written."""
FORMAT = 1
LARGEST_WEIGHTS = 6_000_000
"""Bytes of best weights up to which they are stored with the run, and so in the repository."""


class StoreError(RuntimeError):
    """A stored run that cannot be read, or a folder that cannot be written; the message says what to do."""

    def _render_traceback_(self) -> list[str]:
        return [f"StoreError: {self}"]


@dataclass(frozen=True)
class Run:
    """One training run: what was asked for and all that is needed to judge it.

    Attributes
    ----------
    config : RunConfig
        The settings; `config.epochs` is the number of epochs held here.
    history : dict of str to ndarray, shape (epochs,)
        `loss` and `accuracy` on the training images (means over the epoch, dropout active, as Keras reports them),
        `val_loss` and `val_accuracy`, and `seconds` that each epoch took.
    val_predictions : ndarray of float16, shape (epochs, images, outputs)
        Predicted probabilities on the validation images: of label 1 (one output) or of every class.
    y_val : ndarray of int64, shape (images,)
    val_files : tuple of str
        The validation images, in the order of the predictions.
    class_names : tuple of str
    provenance : dict
        Where it came from: data source and fingerprint, parameters, and for each stretch of epochs the versions,
        backend, device, threads, commit and seconds.
    status : {"trained", "reused", "extended"}
        How this `Run` came about in this session.
    path : Path or None
        Its folder in the store.
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

    @property
    def epochs(self) -> int:
        """Number of epochs held."""
        return len(self.history["loss"])

    @property
    def source(self) -> str:
        """Where the images came from: `course`, `public`, `phantom`, or a name given to the selection."""
        return str(self.provenance["source"])

    @property
    def best_epoch(self) -> int:
        """Index (from 0) of the epoch with the best validation accuracy; the first of them if several are equal."""
        return int(np.argmax(self.history["val_accuracy"]))

    @property
    def label(self) -> str:
        """The settings in words, for legends and tables."""
        return self.config.slug

    def plus(self, metrics: dict[str, float], predictions: np.ndarray) -> "Run":
        """This run and one more epoch: a value for each column of the history, and its validation predictions."""
        return replace(
            self,
            history={name: np.append(self.history[name], metrics[name]) for name in COLUMNS},
            val_predictions=np.concatenate([self.val_predictions, predictions.astype(np.float16)[None]]),
        )

    def first(self, epochs: int) -> "Run":
        """The first `epochs` epochs: what a shorter training with the same settings and seed would have given."""
        if epochs == self.epochs:
            return self
        return replace(
            self,
            config=self.config.with_(epochs=epochs),
            history={name: values[:epochs] for name, values in self.history.items()},
            val_predictions=self.val_predictions[:epochs],
        )


class RunStore:
    """The folder of stored runs, `results/runs` unless another is given.

    Parameters
    ----------
    folder : Path, optional
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or paths.results_dir() / "runs"

    def path_of(self, config: RunConfig, fingerprint: str) -> Path:
        """The folder of a run: its settings in words, its key, and the first digits of its data's fingerprint."""
        return self.folder / f"{config.slug}-{config.key}-{fingerprint[:6]}"

    def find(self, config: RunConfig, fingerprint: str) -> Run | None:
        """The stored run with these settings on this data, at its full stored length, or None.

        Raises
        ------
        StoreError
            If a folder of that name exists and is damaged, or holds something else.
        """
        folder = self.path_of(config, fingerprint)
        if not folder.exists() or _is_claim(folder):
            return None
        run = read_run(folder)
        same = run.config.with_(epochs=config.epochs) == config
        if not same or run.provenance.get("fingerprint") != fingerprint:
            raise StoreError(
                f"{paths.short(folder)} holds another run than its name says. "
                "Move it out of the results folder, or remove it with `labutils runs rm`."
            )
        return run

    def __iter__(self) -> Iterator[Path]:
        """The folders in the store, by name, readable or not."""
        if not self.folder.is_dir():
            return iter(())
        folders = (p for p in self.folder.iterdir() if p.is_dir() and not p.name.startswith("."))
        return iter(sorted(p for p in folders if not _is_claim(p)))

    def remove(self, name: str) -> Path:
        """Remove the stored run called `name` (its folder's name, or a beginning of it that no other run has).

        Raises
        ------
        StoreError
            If no run, or more than one, is called so.
        """
        found = [p for p in self if p.name == name] or [p for p in self if p.name.startswith(name)]
        if len(found) != 1:
            what = "no stored run is" if not found else f"{len(found)} stored runs are"
            raise StoreError(f"{what} called {name!r}. `labutils runs` lists them.")
        shutil.rmtree(found[0])
        return found[0]

    @contextmanager
    def lock(self, config: RunConfig, fingerprint: str, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the run for writing; another process that wants it waits, and then finds what this one stored.

        Parameters
        ----------
        waiting : callable
            Called once if another process holds the run.

        Raises
        ------
        StoreError
            If the results folder cannot be written to.
        """
        folder = self.path_of(config, fingerprint)
        with clear_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / f".{folder.name}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                waiting()
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def workplace(self, config: RunConfig, fingerprint: str, found: Run | None) -> Path:
        """The folder to train in: the run's own, or a hidden one beside it.

        A run that came without its checkpoint cannot be continued: a longer one is trained from the beginning, and
        what is stored stays until `replace` is called.
        """
        folder = self.path_of(config, fingerprint)
        if found and not (folder / "checkpoint" / "state.npz").exists():
            return folder.with_name(f".{folder.name}.longer")
        if folder.exists() and not found and not _is_claim(folder):
            raise StoreError(f"{paths.short(folder)} is not a stored run. Move it away; it was left as it is.")
        return folder

    def replace(self, folder: Path, config: RunConfig, fingerprint: str) -> Path:
        """Put the run trained in `folder` (see `workplace`) in the place of the shorter one."""
        place = self.path_of(config, fingerprint)
        if folder != place:
            old = place.with_name(f".{place.name}.old")
            with clear_errors(place):
                shutil.rmtree(old, ignore_errors=True)
                place.rename(old)
                folder.rename(place)
            shutil.rmtree(old, ignore_errors=True)
        return place


def write_run(run: Run, checkpoint: dict[str, np.ndarray], best_weights: bytes | None) -> None:
    """Store `run`, whole, in `run.path`; called after every epoch.

    Parameters
    ----------
    run : Run
    checkpoint : dict of str to ndarray
        All that is needed to go on after the last epoch.
    best_weights : bytes or None
        The best weights as an HDF5 file, if they changed. Above `LARGEST_WEIGHTS` they are kept with the checkpoint,
        which the repository leaves out.

    Raises
    ------
    StoreError
        If it cannot be written (disk full, no permission); the epochs stored before are whole.
    """
    folder = run.path
    assert folder is not None
    with clear_errors(folder, finished=run.epochs - 1):
        (folder / "checkpoint").mkdir(parents=True, exist_ok=True)
        if best_weights:
            write_atomic(_weights_file(folder, len(best_weights)), lambda file: file.write(best_weights))
        listed = [("file", "label"), *zip(run.val_files, run.y_val.tolist(), strict=True)]
        _write_csv(folder / "val_files.csv", listed)
        write_atomic(folder / "val_predictions.npy", lambda file: np.save(file, run.val_predictions))
        epochs = [(i + 1, *(f"{run.history[name][i]:{COLUMNS[name]}}" for name in COLUMNS)) for i in range(run.epochs)]
        _write_csv(folder / "history.csv", [("epoch", *COLUMNS), *epochs])
        _write_json(folder / "provenance.json", {"format": FORMAT, **run.provenance})
        # config.json makes the folder a run, so it follows the rest. The checkpoint decides where to go on: it is last.
        _write_json(folder / "config.json", run.config.model_dump(mode="json"))
        write_atomic(folder / "checkpoint" / "state.npz", lambda file: np.savez(file, **checkpoint))  # type: ignore[arg-type]


def best_weights_file(folder: Path) -> Path | None:
    """The file of a stored run's best weights, or None if it came without them."""
    files = [folder / "best.weights.h5", folder / "checkpoint" / "best.weights.h5"]
    return next((file for file in files if file.exists()), None)


def read_run(folder: Path) -> Run:
    """Read a stored run; heavier parts (weights, checkpoint) stay on disk.

    Raises
    ------
    StoreError
        If a file is missing, unreadable or does not fit the others; the message names it.
    """
    try:
        config = RunConfig(**json.loads((folder / "config.json").read_text(encoding="utf-8")))
        provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
        with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        history = {name: np.array([float(row[name]) for row in rows]) for name in COLUMNS}
        predictions = np.load(folder / "val_predictions.npy", allow_pickle=False)
        with (folder / "val_files.csv").open(encoding="utf-8", newline="") as file:
            listed = list(csv.DictReader(file))
        y_val = np.array([int(row["label"]) for row in listed], dtype=np.int64)
        class_names, _ = tuple(provenance["class_names"]), provenance["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError, EOFError, ParameterError) as error:
        raise StoreError(
            f"{paths.short(folder)} is not a stored run or is damaged ({_reason(error)}). "
            "Restore it, or remove it with `labutils runs rm` and train again."
        ) from None
    run = Run(
        config=config,
        history=history,
        val_predictions=predictions,
        y_val=y_val,
        val_files=tuple(row["file"] for row in listed),
        class_names=class_names,
        provenance=provenance,
        path=folder,
    )
    _check(run, folder)
    # After a kill the history may be one epoch ahead of config.json or behind the predictions: keep what all have.
    return run.first(min(config.epochs, len(rows), len(predictions)))


def read_checkpoint(folder: Path) -> dict[str, np.ndarray] | None:
    """The state after the last complete epoch, or None where there is none (a run that came with the repository).

    Raises
    ------
    StoreError
        If it is damaged.
    """
    file = folder / "checkpoint" / "state.npz"
    if not file.exists():
        return None
    try:
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:
        raise StoreError(
            f"{paths.short(file)} is damaged ({_reason(error)}). Remove it: the finished epochs stay, "
            "and the run can be trained again from its beginning under another seed or results folder."
        ) from None


def write_atomic(file: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Write a file so that readers see the old one or the new one, never a part.

    Parameters
    ----------
    write : callable
        Gets the open binary file.
    """
    temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as handle:
            write(handle)
            handle.flush()
            os.fsync(handle.fileno())
        _replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def _replace(temporary: Path, file: Path) -> None:
    # Windows refuses to replace a file that a virus scanner or another reader holds open for a moment.
    for _ in range(20):
        try:
            os.replace(temporary, file)
            return
        except PermissionError:
            if os.name != "nt":
                raise
            time.sleep(0.05)
    os.replace(temporary, file)


def _weights_file(folder: Path, size: int) -> Path:
    return (folder if size <= LARGEST_WEIGHTS else folder / "checkpoint") / "best.weights.h5"


def _write_json(file: Path, values: dict[str, Any]) -> None:
    text = json.dumps(values, indent=1, sort_keys=True) + "\n"
    write_atomic(file, lambda handle: handle.write(text.encode()))


def _write_csv(file: Path, rows: list) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_atomic(file, lambda handle: handle.write(text.getvalue().encode()))


def _is_claim(folder: Path) -> bool:
    """Whether the folder holds no finished epoch yet: killed before the first one ended."""
    known = {
        "val_files.csv",
        "val_predictions.npy",
        "history.csv",
        "provenance.json",
        "best.weights.h5",
        "checkpoint",
    }
    if (folder / "config.json").exists():
        return False
    return all(p.name in known or p.name.endswith(".tmp") for p in folder.iterdir())


def _check(run: Run, folder: Path) -> None:
    outputs = 1 if len(run.class_names) == 2 else len(run.class_names)
    expected = (run.val_predictions.shape[0], len(run.y_val), outputs)
    problem = ""
    if run.val_predictions.dtype != np.float16 or run.val_predictions.shape != expected:
        problem = f"val_predictions.npy is {run.val_predictions.dtype} {run.val_predictions.shape}"
    elif run.epochs == 0 or abs(len(run.val_predictions) - run.epochs) > 1:
        problem = f"history.csv has {run.epochs} epochs, val_predictions.npy {len(run.val_predictions)}"
    elif any(not np.isfinite(values).all() for name, values in run.history.items() if "accuracy" in name):
        problem = "history.csv has an accuracy that is not a number"
    if problem:
        raise StoreError(
            f"{paths.short(folder)} is damaged: {problem}. "
            "Restore it, or remove it with `labutils runs rm` and train again."
        )


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{Path(error.filename).name} is missing"
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return f"{type(error).__name__}: {str(error).splitlines()[0]}" if str(error) else type(error).__name__


@contextmanager
def clear_errors(folder: Path, finished: int | None = None) -> Iterator[None]:
    """Turn a full disk or a missing permission into a `StoreError` that says what to do and what is kept."""
    kept = "" if finished is None else f" The {finished} finished epochs are kept; the next call goes on from there."
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(f"The disk is full: {paths.short(folder)} cannot be written. Make room.{kept}") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StoreError(
                f"{paths.short(folder)} cannot be written (no permission). "
                f"Set LABUTILS_RESULTS to a folder of your own.{kept}"
            ) from error
        raise
