"""Exercises about judging networks, by their curves and their predictions: 1B, 2, 3 and 4."""

# mypy: disable-error-code="no-untyped-def"
# Written as students write: without types.

from itertools import pairwise
from math import comb, nan, sqrt

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


overfitting_epoch.mistake("counted from 0", "Which number does the first epoch have, and which has its index?")(
    lambda val_loss, climb: (epoch := overfitting_epoch(val_loss, climb)) and epoch - 1
)
overfitting_epoch.mistake(
    "the epoch of the lowest loss", "At the minimum nothing has climbed yet: over-fitting begins later, or not at all."
)(lambda val_loss, climb: int(np.argmin(val_loss)) + 1)
overfitting_epoch.mistake(
    "the first epoch above, whatever comes after",
    "A loss that comes down again has not stayed above: look from the end of the run.",
)(lambda val_loss, climb: _first(_above(val_loss, climb) & (np.arange(len(val_loss)) > np.argmin(val_loss))))
overfitting_epoch.mistake("the first rise", "A single rise is noise: compare with the minimum and the climb.")(
    lambda val_loss, climb: _first(np.diff(val_loss, prepend=val_loss[0]) > 0)
)
overfitting_epoch.mistake(
    "the beginning counted in", "Early epochs are above the minimum as well, because the network has not learned yet."
)(lambda val_loss, climb: _first(_above(val_loss, climb)))


@exercise("task2", "confusion matrix, sensitivity and specificity")
def sensitivity_specificity(truth, probability, threshold):
    predicted = (np.asarray(probability) > threshold).astype(int)
    matrix = np.zeros((2, 2), int)
    for true, guess in zip(truth, predicted, strict=True):
        matrix[true, guess] += 1
    return matrix, *_rates(matrix)


def _rates(matrix):
    negatives, positives = matrix.sum(axis=1)
    return matrix[1, 1] / positives if positives else nan, matrix[0, 0] / negatives if negatives else nan


@sensitivity_specificity.inputs
def _(rng):
    truth = np.array([1, 0, 1, 1, 0, 0, 1, 0, 1, 1])
    probability = np.round(np.clip(0.3 + 0.4 * truth + rng.uniform(-0.4, 0.4, 10), 0, 1), 2)
    probability[:4] = 0.9, 0.8, 0.2, 0.7  # one of each kind at least, and not as many false ones of both kinds

    def between(*ends):
        return [round(float(rng.uniform(low, high)), 3) for low, high in pairwise(ends)]

    below, above, sure = between(0.3, 0.5, 0.7, 1)
    low, missed, false, found, alone = between(0, 0.15, 0.2, 0.4, 0.5, 0.6)
    return [
        Case("ten images", truth=truth, probability=probability, threshold=0.5),
        Case(
            "exactly at the threshold", truth=[0, 1, 1, 0, 1], probability=[0.5, 0.5, sure, below, above], threshold=0.5
        ),
        Case("a low threshold", truth=[0, 0, 1, 1, 1], probability=[low, false, missed, found, sure], threshold=0.2),
        Case("one image, none of label 1", truth=[0], probability=[alone], threshold=0.7),
    ]


sensitivity_specificity.mistake("rows and columns exchanged", "Rows are what is true, columns what is predicted.")(
    sensitivity_specificity.then(lambda matrix, *rates: (matrix.T, *rates))
)
sensitivity_specificity.mistake(
    "divided by what was predicted",
    "Of the ill, how many are found: the images that are truly of the label are counted, not the answers.",
)(sensitivity_specificity.then(lambda matrix, *rates: (matrix, *_rates(matrix.T))))
sensitivity_specificity.mistake("the threshold counted in", "At exactly the threshold the prediction is label 0.")(
    lambda truth, probability, threshold: sensitivity_specificity(truth, probability, np.nextafter(threshold, 0))
)
sensitivity_specificity.mistake("sensitivity and specificity exchanged", "Which of the two speaks of label 1?")(
    sensitivity_specificity.then(lambda matrix, sensitivity, specificity: (matrix, specificity, sensitivity))
)
sensitivity_specificity.mistake("the threshold not used", "The threshold is an argument: try one of 0.2.")(
    lambda truth, probability, threshold: sensitivity_specificity(truth, probability, 0.5)
)


@exercise("task3", "Wilson's interval of a proportion")
def wilson(successes, n, z):
    centre, half = _undivided(successes, n, z)
    return _around(centre / (1 + z**2 / n), half / (1 + z**2 / n))


def _undivided(successes, n, z):
    p = successes / n
    return p + z**2 / (2 * n), z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2))


def _around(centre, half):
    return centre - half, centre + half


@wilson.inputs
def _(rng):
    n, few, fewer = (int(rng.integers(*ends)) for ends in ((150, 400), (8, 60), (4, 60)))
    return [
        Case("some hundred images", successes=int(n * rng.uniform(0.6, 0.95)), n=n, z=1.96),
        Case("a wider confidence", successes=int(n * rng.uniform(0.6, 0.95)), n=n + 1, z=2.576),
        Case("none of a few", successes=0, n=few, z=1.96),
        Case("all of a few", successes=fewer, n=fewer, z=1.96),
    ]


wilson.mistake(
    "the plain interval",
    "This is p plus and minus z standard errors: it leaves 0 to 1 for small n, and Wilson's does not.",
)(lambda successes, n, z: _around(successes / n, z * sqrt(successes / n * (1 - successes / n) / n)))


@wilson.mistake("the centre not moved", "Wilson's interval is not centred on p.")
def _(successes, n, z):
    _, half = _undivided(successes, n, z)
    return _around(successes / n, half / (1 + z**2 / n))


@wilson.mistake("the half width not divided", "The centre and the half width have the same denominator.")
def _(successes, n, z):
    centre, half = _undivided(successes, n, z)
    return _around(centre / (1 + z**2 / n), half)


wilson.mistake("z fixed at 1.96", "The confidence is an argument.")(lambda successes, n, z: wilson(successes, n, 1.96))


@exercise("task3", "McNemar's exact test")
def mcnemar(only_a, only_b):
    return min(1.0, 2 * _tail(only_a + only_b, min(only_a, only_b)))


def _tail(n, last):
    return sum(comb(n, k) for k in range(last + 1)) / 2**n


@mcnemar.inputs
def _(rng):
    few, fewer, even = (int(rng.integers(*ends)) for ends in ((3, 60), (3, 60), (2, 400)))
    return [
        Case("an uneven split", only_a=few + int(rng.integers(5, 13)), only_b=few),
        Case("the other way round", only_a=fewer, only_b=fewer + int(rng.integers(5, 13))),
        Case("an even split", only_a=even, only_b=even),
        Case("they never differ", only_a=0, only_b=0),
    ]


mcnemar.mistake("one-sided", "A split that favours the other network as much is as surprising.")(
    lambda only_a, only_b: _tail(only_a + only_b, min(only_a, only_b))
)
mcnemar.mistake(
    "the observed split left out", "As uneven or more: the observed split belongs to it. What does range stop at?"
)(lambda only_a, only_b: min(1.0, 2 * _tail(only_a + only_b, min(only_a, only_b) - 1)))
mcnemar.mistake("one outcome instead of a tail", "More uneven splits have to be added to the observed one.")(
    lambda only_a, only_b: min(1.0, 2 * comb(only_a + only_b, only_a) / 2 ** (only_a + only_b))
)
mcnemar.mistake("a probability above 1", "At an even split twice the tail counts the middle twice.")(
    lambda only_a, only_b: 2 * _tail(only_a + only_b, min(only_a, only_b))
)
mcnemar.mistake("always the tail of A", "Which of the two numbers lies in the lower tail depends.")(
    lambda only_a, only_b: min(1.0, 2 * _tail(only_a + only_b, only_a))
)


@exercise("task4", "categorical and element-wise accuracy")
def accuracies(truth, probabilities):
    categorical = np.mean(probabilities.argmax(axis=1) == truth)
    return float(categorical), float(np.mean((probabilities > 0.5) == _one_hot(truth, probabilities)))


def _one_hot(truth, probabilities):
    return truth[:, None] == np.arange(probabilities.shape[1])


@accuracies.inputs
def _(rng):
    def probabilities(n, classes, sharp, kind=np.float64):
        return np.round(rng.dirichlet(np.full(classes, sharp), n), 3).astype(kind)

    flat = np.array([[0.4, 0.35, 0.25], [0.2, 0.45, 0.35], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])
    flat = (flat + [[0, shift, -shift] for shift in rng.uniform(-0.04, 0.04, 4)]).round(4)
    one = (np.array([[0.2, 0.35, 0.45]]) + rng.uniform(-0.04, 0.04, 3)).round(4)
    return [
        Case("nobody above one half", truth=np.array([0, 1, 0, 0]), probabilities=flat),
        Case("nine classes", truth=rng.integers(0, 9, 12), probabilities=probabilities(12, 9, 0.15)),
        Case("float32", truth=rng.integers(0, 4, 6), probabilities=probabilities(6, 4, 0.3, np.float32)),
        Case("one image", truth=np.array([2]), probabilities=one),
    ]


@accuracies.mistake(
    "the most probable class taken as yes",
    "Element-wise each entry is asked by itself whether it is above one half; it may be that none is.",
)
def _(truth, probabilities):
    chosen = _one_hot(probabilities.argmax(axis=1), probabilities)
    return accuracies(truth, probabilities)[0], np.mean(chosen == _one_hot(truth, probabilities))


accuracies.mistake(
    "only whole rows count", "Categorical: the largest of the probabilities decides, even where it is below one half."
)(
    lambda truth, probabilities: (
        np.mean(np.all((probabilities > 0.5) == _one_hot(truth, probabilities), axis=1)),
        accuracies(truth, probabilities)[1],
    )
)
accuracies.mistake("the same accuracy twice", "The second one counts entries, not images.")(
    accuracies.then(lambda categorical, _: (categorical, categorical))
)
accuracies.mistake("the order exchanged", "Categorical first.")(
    accuracies.then(lambda categorical, element_wise: (element_wise, categorical))
)
accuracies.mistake("classes counted from 1", "The labels begin at 0.")(
    lambda truth, probabilities: accuracies(truth - 1, probabilities)
)
