"""The exam of a run: images that nothing was chosen on, predicted at three epochs when a planned length is reached.

The epochs are chosen on the validation images: best accuracy, lowest loss, and the last one. Their weights are kept
with the checkpoint, so that a training that was stopped, or is made longer, sits the same exam as one in a single go.
"""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils import lab
from labutils.config import RunConfig
from labutils.data.dataset import Dataset
from labutils.data.layouts import EXAM_FOLDERS, find_folder
from labutils.errors import DataError
from labutils.paths import LAB_DATASETS
from labutils.runs.run import ExamResult, Run

if TYPE_CHECKING:
    import keras

    from labutils.data.exam import Exam

Predict = Callable[[Any, np.ndarray], np.ndarray]
"""From a model and images to probabilities."""


def planned_lengths(config: RunConfig) -> frozenset[int]:
    """Epochs after which a run sits its exam: those the lab plans, of one's own data sets the last.

    Other runs on the lab's data sets sit none.
    """
    if config.dataset not in LAB_DATASETS:
        return frozenset({config.epochs})
    of_tasks = [planned for task in lab.TITLES for planned in lab.runs(task).values()]
    planned = [*of_tasks, *(run.config for run in lab.training_list())]
    lengths = {other.epochs for other in planned if other.key == config.key}
    return frozenset(lengths | {config.epochs}) if lengths else frozenset()


class Candidates:
    """The weights of the epochs that the exam may ask for: best validation accuracy and lowest loss so far.

    Parameters
    ----------
    lengths : frozenset of int
        When the exam is taken; none where it is not.
    checkpoint : dict of str to ndarray
        What an earlier training has kept (see `state`).
    """

    def __init__(self, lengths: frozenset[int], checkpoint: dict[str, np.ndarray]) -> None:
        self.lengths = lengths
        self.kept: dict[int, list[np.ndarray]] = {}
        for name in sorted(checkpoint):
            if name.startswith("exam_"):
                self.kept.setdefault(int(name.split("_")[1]), []).append(checkpoint[name])

    def state(self) -> dict[str, np.ndarray]:
        """What has to be stored to go on from here."""
        return {
            f"exam_{epoch}_{i:03d}": values for epoch, weights in self.kept.items() for i, values in enumerate(weights)
        }

    def after_epoch(self, run: Run, model: "keras.Model", dataset: Dataset, predict: Predict) -> ExamResult | None:
        """Keep what the exam may ask for, and sit it where `run` has reached a planned length; all results so far."""
        if not self.lengths:
            return run.exam
        last, chosen = run.epochs - 1, {run.best_epoch, run.lowest_loss_epoch}
        weights = model.get_weights()
        self.kept = {epoch: kept for epoch, kept in (self.kept | {last: weights}).items() if epoch in chosen}
        if run.epochs not in self.lengths:
            return run.exam
        return self._sit(run, model, dataset, predict, self.kept | {last: weights}) or run.exam

    def _sit(
        self,
        run: Run,
        model: "keras.Model",
        dataset: Dataset,
        predict: Predict,
        candidates: dict[int, list[np.ndarray]],
    ) -> ExamResult | None:
        exam = _images(run.config, dataset)
        if exam is None:
            return None
        now, results = model.get_weights(), dict[int, np.ndarray]()
        for epoch, weights in candidates.items():
            if run.exam is None or epoch not in run.exam.epochs:
                model.set_weights(weights)
                results[epoch] = predict(model, exam.x)
        model.set_weights(now)
        return ExamResult.of(results, np.asarray(exam.y, np.int64), exam.fingerprint, run.exam)


def _images(config: RunConfig, dataset: Dataset) -> "Exam | None":
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
