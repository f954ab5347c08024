"""Exercises that read learning curves: 1B, 1E and 5D."""

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


@exercise("task1e", "early stopping")
def epoch_to_keep(val_loss, patience):
    lowest, kept = float("inf"), 0
    for epoch, loss in enumerate(val_loss, start=1):
        if loss < lowest:
            lowest, kept = loss, epoch
        if epoch - kept >= patience:
            return kept, epoch
    return kept, len(val_loss)


@epoch_to_keep.inputs
def _(rng):
    first = round(float(rng.uniform(0.66, 0.69)), 2)
    return [
        Case("a low that is not the lowest", val_loss=[first, 0.6, 0.61, 0.62, 0.5, 0.51], patience=2),
        Case("more patience", val_loss=[first, 0.6, 0.61, 0.62, 0.5, 0.51, 0.52, 0.53, 0.54], patience=3),
        Case("a slow climb with a dip", val_loss=[0.6, 0.5, 0.54, 0.52, 0.56, 0.49], patience=3),
        Case("still falling at the end", val_loss=[first, 0.65, 0.64], patience=5),
        Case("one epoch", val_loss=[first], patience=1),
    ]


@epoch_to_keep.mistake(
    "knows the future",
    "The lowest loss of the whole curve may come after training has stopped: go epoch by epoch.",
)
def _(val_loss, patience):
    kept = int(np.argmin(val_loss)) + 1
    return kept, min(kept + patience, len(val_loss))


@epoch_to_keep.mistake("counted from 0", "Which number does the first epoch have?")
def _(val_loss, patience):
    return tuple(epoch - 1 for epoch in epoch_to_keep(val_loss, patience))


@epoch_to_keep.mistake(
    "compared with the epoch before", "Patience is counted from the lowest loss so far, not from the last fall."
)
def _(val_loss, patience):
    kept, waited = 1, 0
    for i in range(1, len(val_loss)):
        if val_loss[i] < val_loss[i - 1]:
            kept, waited = i + 1, 0
        else:
            waited += 1
        if waited >= patience:
            return kept, i + 1
    return kept, len(val_loss)


@epoch_to_keep.mistake("one epoch too late", "Patience 2 ends two epochs after the lowest, not three.")
def _(val_loss, patience):
    return epoch_to_keep(val_loss, patience + 1)


@epoch_to_keep.mistake("keeps the last epoch", "The weights kept are older than the stop.")
def _(val_loss, patience):
    _, last = epoch_to_keep(val_loss, patience)
    return last, last


@exercise("task5d", "the gap, averaged over a moving window")
def smoothed_gap(accuracy, val_accuracy, window):
    gap = np.asarray(accuracy, float) - np.asarray(val_accuracy, float)
    return np.array([gap[start : start + window].mean() for start in range(len(gap) - window + 1)])


@smoothed_gap.inputs
def _(rng):
    def curve(n):
        return [round(float(value), 2) for value in rng.uniform(0.5, 1, n)]

    return [
        Case("six epochs, three at a time", accuracy=curve(6), val_accuracy=curve(6), window=3),
        Case("a window of one", accuracy=curve(4), val_accuracy=curve(4), window=1),
        Case("as long as the run", accuracy=curve(5), val_accuracy=curve(5), window=5),
        Case("arrays", accuracy=np.array(curve(7)), val_accuracy=np.array(curve(7)), window=4),
    ]


@smoothed_gap.mistake(
    "the sign turned around",
    "A network that learned by heart has a gap above 0: which of the two is then the larger?",
)
def _(accuracy, val_accuracy, window):
    return smoothed_gap(val_accuracy, accuracy, window)


@smoothed_gap.mistake(
    "as long as the run",
    "At the ends there are not enough epochs for a window: those values do not exist.",
)
def _(accuracy, val_accuracy, window):
    return np.convolve(np.subtract(accuracy, val_accuracy), np.ones(window) / window, mode="same")


@smoothed_gap.mistake("one window missing", "How many windows of 3 fit into 3 epochs? Try your range on that.")
def _(accuracy, val_accuracy, window):
    return smoothed_gap(accuracy, val_accuracy, window)[:-1]


@smoothed_gap.mistake("a sum, not a mean", "With a wider window the values should not grow.")
def _(accuracy, val_accuracy, window):
    return window * smoothed_gap(accuracy, val_accuracy, window)


@smoothed_gap.mistake("not smoothed", "Every value is the mean over a window.")
def _(accuracy, val_accuracy, window):
    return np.subtract(accuracy, val_accuracy)
