"""Keep of stored runs what comparisons of seeds need: `python benchmarks/slim.py NAME ...`, as `labutils runs` has it.

A run of nine classes takes 0.45 MB, most of it predictions that nobody compares. Of its further seeds are kept, at the
epochs of the exam, what the right class was given and what the answer was, on the validation images and on the exam:
accuracies and losses follow as before. What each exam image adds to the AUC is worked out before the rest is left out.
Settings, history and provenance stay, best weights and checkpoints go. Such a run is not `Run.whole`: whoever asks for
it alone trains it.
"""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np

from labutils.errors import StoreError
from labutils.runs.disk import write_atomic
from labutils.runs.run import BEST_WEIGHTS, Run, clear_up, read_run
from labutils.runs.store import RunStore
from labutils.statistics import auc_by_image, class_probabilities, predicted_labels


def slim(folder: Path) -> Run:
    """Make a stored run slim and give back what is read of it; a StoreError, and nothing is written, if it stays."""
    run = read_run(folder)
    best = run.best_epoch
    if run.exam is None or run.exam.areas is not None or best not in run.exam.epochs or run.config.seed == 0:
        raise StoreError(f"{folder.name} stays: it is slim, shown by notebooks, or sat no exam.")
    exam, areas = run.exam, np.full(run.exam.predictions.shape[:2], np.nan, np.float32)
    areas[exam.epochs.index(best)] = auc_by_image(exam.y, class_probabilities(exam.at(best))).round(4)
    kept = compared(run.val_predictions[list(exam.epochs)], run.y_val)
    arrays = {
        "epochs": np.array(exam.epochs),
        "fingerprint": np.array(exam.fingerprint),
        "predictions": np.asfortranarray(compared(exam.predictions, exam.y)),  # packs better
        "y": exam.y.astype(np.int16),
        "training": exam.training,
        "areas": areas,
    }
    clear_up(folder)
    write_atomic(folder / "val_predictions.npy", lambda file: np.save(file, kept, allow_pickle=False))
    write_atomic(folder / "exam.npz", lambda file: _write_dense(file, arrays))
    (folder / BEST_WEIGHTS).unlink(missing_ok=True)
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    return read_run(folder)


def compared(predictions: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of probabilities (epochs, images, outputs) of images with labels (images,), those of the right class and of the
    answer; the others are 0. Of one output all is kept."""
    classes = np.arange(predictions.shape[-1])
    answer = classes == predicted_labels(predictions)[..., None]
    keep = answer | (classes == y[:, None]) | (len(classes) == 1)
    return np.where(keep, predictions, 0).astype(predictions.dtype)


def _write_dense(file, arrays: dict[str, np.ndarray]) -> None:  # type: ignore[no-untyped-def]
    """What `numpy.load` reads, a third smaller than what `numpy.savez_compressed` writes."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def main() -> None:
    """Make the runs slim whose names were given, and say what they weigh."""
    for name in sys.argv[1:]:
        folder = RunStore().named(name)
        before = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        slim(folder)
        after = sum(file.stat().st_size for file in folder.rglob("*"))
        print(f"{folder.name}: {before:,} bytes, now {after:,}")


if __name__ == "__main__":
    main()
