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
    def case(label, before, *after, climb=(0.02, 0.04)):
        climb = round(float(rng.uniform(*climb)), 3)
        return Case(label, val_loss=_around_a_low(rng, before, [climb * share for share in after]), climb=climb)

    return [
        case("a minimum, then a climb", rng.integers(2, 7), 0, 0.5, 2, 4, 7),
        case("a jump that comes back", rng.integers(1, 6), 0, 2, 0.6, 0.4, 3, 4),
        case("never over-fits", rng.integers(3, 6), 0),
        case("one epoch", 0, 0),
        case("another climb", rng.integers(0, 6), 0, 0.2, 0.3, 0.8, 1.6, climb=(0.08, 0.12)),
    ]


def _around_a_low(rng, before, after):
    """Losses that fall for some epochs to a low, and then lie so much above it."""
    low = rng.uniform(0.4, 0.5)
    falling = low + np.sort(rng.uniform(0.06, 0.2, before))[::-1]
    return [round(float(loss), 3) for loss in (*falling, *(low + np.array(after)))]


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
