"""What validation images are worth: how far accuracies on them lie above the exam, and what is known of real ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labutils import lab
from labutils.evaluate import exam
from labutils.evaluate.compare import accuracy_difference
from labutils.evaluate.findings import Condition, Setting, ceiling_of
from labutils.evaluate.metrics import accuracy, class_probabilities, hits
from labutils.evaluate.sentences import NOT_HERE, Said
from labutils.runs.run import Run
from labutils.runs.store import RunStore
from labutils.statistics import Estimate, auc_interval, in_points, points

LAST_OF_HAM10000 = 34320
"""The archive's number of the last image of HAM10000; those of the ISIC 2018 test set follow it."""

SELECTION = (
    "The selection has one image per lesion, and its nevi are confirmed by histology: so its own statement says."
)


@dataclass(frozen=True)
class Beside:
    """One run: accuracy at its best epoch on the validation images and on the exam, and both after its last epoch.

    The first is too high for two reasons: the epoch was chosen on these images, and they may be easier than others of
    their kind. After the last epoch, which nothing chose, the second stands alone.
    """

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
    """How far validation accuracies flatter, over runs that were validated on the same `images`.

    `rows` are by their accuracy on the exam; `ceilings` are what the oracle of phantoms reaches on the validation
    images and on the exam.
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
        seen = f"{self.held} of {len(self.rows)} validation intervals hold the exam"
        return f"{seen}, mean {points(self.difference)} points"

    @property
    def said(self) -> Said:
        """What is seen, with the two reasons apart."""
        if not self.rows:
            return Said(NOT_HERE)
        above = sum(row.validation.value > row.exam for row in self.rows)
        text = (
            f"Of {len(self.rows)} stored runs, {self.held} have a validation interval at the best epoch that holds "
            f"their accuracy on the exam; {above} {'lies' if above == 1 else 'lie'} above it. The mean difference is "
            f"{points(self.difference)} points: {points(self.difference - self.unchosen)} from choosing the epoch, "
            f"{points(self.unchosen)} that are there after the last epoch too, which nothing chose."
        )
        if self.ceilings:
            here, there = self.ceilings
            easier = "easier than" if here > there else "harder than" if here < there else "as hard as"
            text += (
                f" These {self.images} images are {easier} the exam's: whoever knew every drawn sign would be right "
                f"about {here:.3f} of them, and about {there:.3f} of the exam."
            )
        return Said(text + f" All runs share these {self.images} images: one draw of them, not {len(self.rows)}.")

    @property
    def short(self) -> Said:
        """A sentence to stand where a best validation accuracy stands alone."""
        if not self.rows:
            return Said(NOT_HERE)
        way = f"{points(abs(self.difference))[1:]} points {'above' if self.difference > 0 else 'below'}"
        return Said(
            f"A best validation accuracy is no accuracy on other images: over {len(self.rows)} stored runs it lies "
            f"{way} that on the exam on average, and {self.held} of their intervals hold that."
        )


def flattery(name: str, runs: Sequence[Run] | None = None) -> Flattery:
    """Validation against exam, of the stored runs, or these, on phantoms of a data set that have sat it."""
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
    ceilings = None if first is None or there is None else (ceiling_of(first, "validation") or there, there)
    return Flattery(name, tuple(sorted(rows, key=lambda row: row.exam)), len(first.y_val) if first else 0, ceilings)


def reversal(without: Sequence[Run], with_: Sequence[Run], what: str) -> Said:
    """That validation images and exam put `what` (augmentation) on different sides of 0; nothing is said where not.

    Both are one setting with its seeds; the validation images judge the first of them, as the lab could.
    """
    known = accuracy_difference(with_[0], without[0])
    try:
        names = with_[0].label, without[0].label
        finding = Condition("accuracy", names).found(*map(Setting, names, (with_[0], without[0]), (with_, without)))
    except exam.NoExamError:
        return Said("")
    holds = finding.estimate
    assert holds is not None
    if known.value * holds.value >= 0:
        return Said("")
    text = (
        f"On the {len(with_[0].y_val)} validation images {what} is worth {in_points(known)} points of accuracy, "
        f"{finding.basis}, {in_points(holds)}: the sign turns."
    )
    if known.low < 0 < known.high:
        both = holds.low < 0 < holds.high
        text += " Both intervals hold either sign." if both else " The first interval had held either sign."
    return Said(text, (finding,))


def about_real(run: Run) -> Said:
    """What is known of the lab's real images, and what a run's AUC owes to those of another source.

    Their names tell the source: archive numbers above `LAST_OF_HAM10000` are of the ISIC 2018 test set.
    """
    if run.source != lab.REAL:
        return Said("")
    numbers = [re.search(r"ISIC_(\d+)", file) for file in run.val_files]
    later = np.array([number is not None and int(number[1]) > LAST_OF_HAM10000 for number in numbers])
    classes = {run.class_names[label] for label in run.y_val[later]}
    of = f"{later.sum()} of the {len(later)} validation images"
    text = f"{SELECTION} {of} are of the ISIC 2018 test set, not of HAM10000"
    if len(classes) != 1 or not 0 < run.y_val[~later].mean() < 1:
        return Said(f"{text}.")
    scores = class_probabilities(run)[:, 1]
    everywhere, without = (auc_interval(run.y_val[kept] == 1, scores[kept]) for kept in (later | True, ~later))
    return Said(
        f"{text}, and all of these are {classes.pop()}: a network may know the source and not the disease. Without "
        f"them its AUC is {without}, with them {everywhere}."
    )
