"""Exercises that read learning curves: 1B."""

# mypy: disable-error-code="no-untyped-def"
# Written as students write: without types.

import numpy as np

from labutils.course.exercises.entry import Case, exercise


@exercise("task1b", "the epoch from which on a run over-fits")
def overfitting_epoch(val_loss, climb):
    limit = min(val_loss) + climb
    within = [epoch for epoch, loss in enumerate(val_loss, start=1) if loss <= limit]
    return None if within[-1] == len(val_loss) else within[-1] + 1


@overfitting_epoch.inputs
def _(rng):
    jump = round(float(rng.uniform(0.03, 0.06)), 2)
    return [
        Case("a minimum, then a climb", val_loss=[0.69, 0.6, 0.5, 0.51, 0.55, 0.6, 0.7], climb=0.02),
        Case("a jump that comes back", val_loss=[0.69, 0.55, 0.55 + jump, 0.56, 0.56, 0.6, 0.61], climb=0.02),
        Case("never over-fits", val_loss=[0.69, 0.62, 0.58, 0.55], climb=0.02),
        Case("one epoch", val_loss=[0.69], climb=0.02),
        Case("another climb", val_loss=[0.5, 0.52, 0.53, 0.58, 0.66], climb=0.1),
    ]


def _first(true):
    return int(np.argmax(true)) + 1 if true.any() else None


def _above(val_loss, climb):
    return np.asarray(val_loss) > min(val_loss) + climb


@overfitting_epoch.mistake("counted from 0", "Which number does the first epoch have, and which has its index?")
def _(val_loss, climb):
    epoch = overfitting_epoch(val_loss, climb)
    return None if epoch is None else epoch - 1


@overfitting_epoch.mistake(
    "the epoch of the lowest loss",
    "At the minimum nothing has climbed yet: over-fitting begins later, or not at all.",
)
def _(val_loss, climb):
    return int(np.argmin(val_loss)) + 1


@overfitting_epoch.mistake(
    "the first epoch above, whatever comes after",
    "A loss that comes down again has not stayed above: look from the end of the run.",
)
def _(val_loss, climb):
    after = np.arange(len(val_loss)) > np.argmin(val_loss)
    return _first(_above(val_loss, climb) & after)


@overfitting_epoch.mistake("the first rise", "A single rise is noise: compare with the minimum and the climb.")
def _(val_loss, climb):
    return _first(np.diff(val_loss, prepend=val_loss[0]) > 0)


@overfitting_epoch.mistake(
    "the beginning counted in",
    "Early epochs are above the minimum as well, because the network has not learned yet.",
)
def _(val_loss, climb):
    return _first(_above(val_loss, climb))
