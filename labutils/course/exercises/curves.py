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
    def case(label, patience, before, *after):
        return Case(label, val_loss=_around_a_low(rng, before, after), patience=patience)

    return [
        case("a low that is not the lowest", 2, rng.integers(1, 6), 0, 0.01, 0.02, -0.1, -0.09),
        case("more patience", 3, rng.integers(1, 5), 0, 0.01, 0.02, -0.1, -0.09, -0.08, -0.07, -0.06),
        case("a slow climb with a dip", 3, rng.integers(1, 6), 0, 0.04, 0.02, 0.06, -0.01),
        case("still falling at the end", int(rng.integers(4, 9)), rng.integers(2, 4), 0),
        case("one epoch", int(rng.integers(1, 5)), 0, 0),
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
