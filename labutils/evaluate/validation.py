"""What validation images are worth: how far accuracies on them lie above the exam.

An accuracy at the best epoch is too high for two reasons: the epoch was chosen on the images that it is measured on,
and these images may be easier than others of their kind. After the last epoch, which nothing chose, the second stands
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labutils.evaluate import exam
from labutils.evaluate.findings import ceiling_of
from labutils.evaluate.metrics import accuracy, hits
from labutils.evaluate.sentences import NOT_HERE, Said
from labutils.runs.store import RunStore
from labutils.statistics import Estimate, points

if TYPE_CHECKING:
    from labutils.runs.run import Run


@dataclass(frozen=True)
class Beside:
    """One run: accuracy at its best epoch on the validation images and on the exam, and both after its last epoch."""

    label: str
    validation: Estimate
    exam: float
    last: float
    last_on_exam: float

    @property
    def holds(self) -> bool:
        """Whether the validation interval holds the accuracy on the exam."""
        return self.validation.low <= self.exam <= self.validation.high


@dataclass(frozen=True)
class Flattery:
    """How far validation accuracies flatter, over runs that were validated on the same images.

    Attributes
    ----------
    rows : tuple of Beside
        By their accuracy on the exam.
    images : int
        Validation images.
    ceilings : tuple of float or None
        What the oracle of phantoms reaches on the validation images and on the exam.
    """

    dataset: str
    rows: tuple[Beside, ...]
    images: int
    ceilings: tuple[float, float] | None

    @property
    def difference(self) -> float:
        """How far the best validation accuracies lie above the exam, on average."""
        return float(np.mean([row.validation.value - row.exam for row in self.rows]))

    @property
    def unchosen(self) -> float:
        """The same after the last epoch, which nothing chose."""
        return float(np.mean([row.last - row.last_on_exam for row in self.rows]))

    @property
    def held(self) -> int:
        """How many validation intervals hold the accuracy on the exam."""
        return sum(row.holds for row in self.rows)

    @property
    def title(self) -> str:
        """What is seen, in a line."""
        return (
            f"{self.held} of {len(self.rows)} validation intervals hold the exam, mean {points(self.difference)} points"
        )

    @property
    def said(self) -> Said:
        """What is seen, with the two reasons apart."""
        if not self.rows:
            return Said(NOT_HERE)
        above = sum(row.validation.value > row.exam for row in self.rows)
        chosen = points(self.difference - self.unchosen)
        text = (
            f"Of {len(self.rows)} stored runs, {self.held} have a validation interval at the best epoch that holds "
            f"their accuracy on the exam; {above} {'lies' if above == 1 else 'lie'} above it. The mean difference is "
            f"{points(self.difference)} points: {chosen} from choosing the epoch, {points(self.unchosen)} that are "
            "there after the last epoch too, which nothing chose."
        )
        if self.ceilings:
            here, there = self.ceilings
            easier = "easier than" if here > there else "harder than" if here < there else "as hard as"
            text += (
                f" These {self.images} images are {easier} the exam's: whoever knew every drawn sign would be right "
                f"about {here:.3f} of them, and about {there:.3f} of the exam."
            )
        return Said(text + f" All runs share these {self.images} images: one draw of them, not {len(self.rows)}.")


def flattery(name: str, runs: Sequence[Run] | None = None) -> Flattery:
    """Validation against exam, of runs on phantoms of one data set.

    Parameters
    ----------
    name : str
        `skin`, `bone` or `x_ray`.
    runs : sequence of Run, optional
        The stored ones unless given; those that have not sat the exam are left out.
    """
    rows, first = [], None
    for run in RunStore().all() if runs is None else runs:
        if run.config.dataset != name or run.source != "phantom" or run.config.n_val:
            continue
        best, last = exam.answers(run), exam.answers(run, exam.LAST)
        if run.exam is not None and best is not None and last is not None:
            first = first or run
            on_exam = [float(hits(given, run.exam.y).mean()) for given in (best, last)]
            ends = float(run.history["val_accuracy"][-1])
            rows.append(Beside(run.label, accuracy(run), on_exam[0], ends, on_exam[1]))
    there = ceiling_of(first) if first else None
    ceilings = None
    if there is not None:
        from labutils.phantoms.write import ceiling

        ceilings = ceiling(name, "validation") or there, there
    return Flattery(name, tuple(sorted(rows, key=lambda row: row.exam)), len(first.y_val) if first else 0, ceilings)
