"""Checks of exercises that read learning curves: 1B, 1E and 5D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labutils.course.checks.case import Case, Check, Mistake
from labutils.course.solutions import epoch_to_keep, overfitting_epoch, smoothed_gap


def _losses(rng: np.random.Generator) -> list[Case]:
    jump = round(float(rng.uniform(0.03, 0.06)), 2)
    return [
        Case("a minimum, then a climb", {"val_loss": [0.69, 0.6, 0.5, 0.51, 0.55, 0.6, 0.7], "climb": 0.02}),
        Case("a jump that comes back", {"val_loss": [0.69, 0.55, 0.55 + jump, 0.56, 0.56, 0.6, 0.61], "climb": 0.02}),
        Case("never over-fits", {"val_loss": [0.69, 0.62, 0.58, 0.55], "climb": 0.02}),
        Case("one epoch", {"val_loss": [0.69], "climb": 0.02}),
        Case("another climb", {"val_loss": [0.5, 0.52, 0.53, 0.58, 0.66], "climb": 0.1}),
    ]


def _from_zero(val_loss: Sequence[float], climb: float) -> int | None:
    epoch = overfitting_epoch(val_loss, climb)
    return None if epoch is None else epoch - 1


def _lowest(val_loss: Sequence[float], climb: float) -> int:
    return int(np.argmin(val_loss)) + 1


def _first_above(val_loss: Sequence[float], climb: float) -> int | None:
    above = np.asarray(val_loss) > min(val_loss) + climb
    after = np.arange(len(above)) > np.argmin(val_loss)
    return int(np.argmax(above & after)) + 1 if (above & after).any() else None


def _first_rise(val_loss: Sequence[float], climb: float) -> int | None:
    rises = np.flatnonzero(np.diff(val_loss) > 0)
    return int(rises[0]) + 2 if len(rises) else None


def _anywhere_above(val_loss: Sequence[float], climb: float) -> int | None:
    above = np.flatnonzero(np.asarray(val_loss) > min(val_loss) + climb)
    return int(above[0]) + 1 if len(above) else None


def _stopping(rng: np.random.Generator) -> list[Case]:
    first = round(float(rng.uniform(0.66, 0.69)), 2)
    return [
        Case("a low that is not the lowest", {"val_loss": [first, 0.6, 0.61, 0.62, 0.5, 0.51], "patience": 2}),
        Case("more patience", {"val_loss": [first, 0.6, 0.61, 0.62, 0.5, 0.51, 0.52, 0.53, 0.54], "patience": 3}),
        Case("a slow climb with a dip", {"val_loss": [0.6, 0.5, 0.54, 0.52, 0.56, 0.49], "patience": 3}),
        Case("still falling at the end", {"val_loss": [first, 0.65, 0.64], "patience": 5}),
        Case("one epoch", {"val_loss": [first], "patience": 1}),
    ]


def _knows_the_future(val_loss: Sequence[float], patience: int) -> tuple[int, int]:
    kept = int(np.argmin(val_loss)) + 1
    return kept, min(kept + patience, len(val_loss))


def _stop_from_zero(val_loss: Sequence[float], patience: int) -> tuple[int, int]:
    kept, last = epoch_to_keep(val_loss, patience)
    return kept - 1, last - 1


def _against_the_last(val_loss: Sequence[float], patience: int) -> tuple[int, int]:
    kept, waited = 1, 0
    for i in range(1, len(val_loss)):
        if val_loss[i] < val_loss[i - 1]:
            kept, waited = i + 1, 0
        else:
            waited += 1
        if waited >= patience:
            return kept, i + 1
    return kept, len(val_loss)


def _one_too_late(val_loss: Sequence[float], patience: int) -> tuple[int, int]:
    return epoch_to_keep(val_loss, patience + 1)


def _keeps_the_last(val_loss: Sequence[float], patience: int) -> tuple[int, int]:
    last = epoch_to_keep(val_loss, patience)[1]
    return last, last


def _gaps(rng: np.random.Generator) -> list[Case]:
    def curve(n: int) -> list[float]:
        return [round(float(value), 2) for value in rng.uniform(0.5, 1, n)]

    return [
        Case("six epochs, three at a time", {"accuracy": curve(6), "val_accuracy": curve(6), "window": 3}),
        Case("a window of one", {"accuracy": curve(4), "val_accuracy": curve(4), "window": 1}),
        Case("as long as the run", {"accuracy": curve(5), "val_accuracy": curve(5), "window": 5}),
        Case("arrays", {"accuracy": np.array(curve(7)), "val_accuracy": np.array(curve(7)), "window": 4}),
    ]


def _padded(accuracy: Any, val_accuracy: Any, window: int) -> np.ndarray:
    return np.convolve(np.subtract(accuracy, val_accuracy), np.ones(window) / window, mode="same")


CHECKS = (
    Check(
        "overfitting_epoch",
        _losses,
        (
            Mistake("counted from 0", "Which number does the first epoch have, and which has its index?", _from_zero),
            Mistake(
                "the epoch of the lowest loss",
                "At the minimum nothing has climbed yet: over-fitting begins later, or not at all.",
                _lowest,
            ),
            Mistake(
                "the first epoch above, whatever comes after",
                "A loss that comes down again has not stayed above: look from the end of the run.",
                _first_above,
            ),
            Mistake("the first rise", "A single rise is noise: compare with the minimum and the climb.", _first_rise),
            Mistake(
                "the beginning counted in",
                "Early epochs are above the minimum as well, because the network has not learned yet.",
                _anywhere_above,
            ),
        ),
    ),
    Check(
        "epoch_to_keep",
        _stopping,
        (
            Mistake(
                "knows the future",
                "The lowest loss of the whole curve may come after training has stopped: go epoch by epoch.",
                _knows_the_future,
            ),
            Mistake("counted from 0", "Which number does the first epoch have?", _stop_from_zero),
            Mistake(
                "compared with the epoch before",
                "Patience is counted from the lowest loss so far, not from the last fall.",
                _against_the_last,
            ),
            Mistake("one epoch too late", "Patience 2 ends two epochs after the lowest, not three.", _one_too_late),
            Mistake("keeps the last epoch", "The weights kept are older than the stop.", _keeps_the_last),
        ),
    ),
    Check(
        "smoothed_gap",
        _gaps,
        (
            Mistake(
                "the sign turned around",
                "A network that learned by heart has a gap above 0: which of the two is then the larger?",
                lambda accuracy, val_accuracy, window: -smoothed_gap(accuracy, val_accuracy, window),
            ),
            Mistake(
                "as long as the run",
                "At the ends there are not enough epochs for a window: those values do not exist.",
                _padded,
            ),
            Mistake(
                "one window missing",
                "How many windows of 3 fit into 3 epochs? Try your range on that.",
                lambda accuracy, val_accuracy, window: smoothed_gap(accuracy, val_accuracy, window)[:-1],
            ),
            Mistake(
                "a sum, not a mean",
                "With a wider window the values should not grow.",
                lambda accuracy, val_accuracy, window: window * smoothed_gap(accuracy, val_accuracy, window),
            ),
            Mistake(
                "not smoothed",
                "Every value is the mean over a window.",
                lambda accuracy, val_accuracy, window: np.subtract(accuracy, val_accuracy),
            ),
        ),
    ),
)
