"""Checks of exercises about judging predictions: 2, 3, 4 and 9."""

from __future__ import annotations

from math import comb, sqrt
from typing import Any

import numpy as np

from labutils.course import solutions
from labutils.course.checks.case import Case, Check, Mistake


def _predictions(rng: np.random.Generator) -> list[Case]:
    truth = np.array([1, 0, 1, 1, 0, 0, 1, 0, 1, 1])
    probability = np.round(np.clip(0.3 + 0.4 * truth + rng.uniform(-0.4, 0.4, 10), 0, 1), 2)
    probability[:4] = 0.9, 0.8, 0.2, 0.7  # one of each kind at least, and not as many false ones of both kinds
    return [
        Case("ten images", {"truth": truth, "probability": probability, "threshold": 0.5}),
        Case(
            "exactly at the threshold", {"truth": [0, 1, 1, 1], "probability": [0.5, 0.5, 0.9, 0.6], "threshold": 0.5}
        ),
        Case(
            "a low threshold", {"truth": [0, 0, 1, 1, 1], "probability": [0.1, 0.3, 0.15, 0.4, 0.9], "threshold": 0.2}
        ),
        Case("one image, none of label 1", {"truth": [0], "probability": [0.3], "threshold": 0.5}),
    ]


def _counted(truth: Any, probability: Any, threshold: float) -> tuple[np.ndarray, float, float]:
    return solutions.sensitivity_specificity(np.asarray(truth), np.asarray(probability), threshold)


def _transposed(truth: Any, probability: Any, threshold: float) -> tuple[np.ndarray, float, float]:
    matrix, sensitivity, specificity = _counted(truth, probability, threshold)
    return matrix.T, sensitivity, specificity


def _precision(truth: Any, probability: Any, threshold: float) -> tuple[np.ndarray, float, float]:
    matrix = _counted(truth, probability, threshold)[0]
    negatives, positives = matrix.sum(axis=0)
    return (
        matrix,
        matrix[1, 1] / positives if positives else float("nan"),
        matrix[0, 0] / negatives if negatives else float("nan"),
    )


def _with_equal(truth: Any, probability: Any, threshold: float) -> tuple[np.ndarray, float, float]:
    return _counted(truth, probability, np.nextafter(threshold, 0))


def _exchanged(truth: Any, probability: Any, threshold: float) -> tuple[np.ndarray, float, float]:
    matrix, sensitivity, specificity = _counted(truth, probability, threshold)
    return matrix, specificity, sensitivity


def _fixed(truth: Any, probability: Any, threshold: float) -> tuple[np.ndarray, float, float]:
    return _counted(truth, probability, 0.5)


def _counts(rng: np.random.Generator) -> list[Case]:
    n = int(rng.integers(150, 250))
    return [
        Case("the report's 85 %", {"successes": 170, "n": 200, "z": 1.96}),
        Case("a wider confidence", {"successes": round(0.7 * n), "n": n, "z": 2.576}),
        Case("none of ten", {"successes": 0, "n": 10, "z": 1.96}),
        Case("all of five", {"successes": 5, "n": 5, "z": 1.96}),
    ]


def _wald(successes: int, n: int, z: float) -> tuple[float, float]:
    p = successes / n
    half = z * sqrt(p * (1 - p) / n)
    return p - half, p + half


def _not_moved(successes: int, n: int, z: float) -> tuple[float, float]:
    low, high = solutions.wilson(successes, n, z)
    half = (high - low) / 2
    return successes / n - half, successes / n + half


def _not_divided(successes: int, n: int, z: float) -> tuple[float, float]:
    low, high = solutions.wilson(successes, n, z)
    centre, half, below = (low + high) / 2, (high - low) / 2, 1 + z**2 / n
    return centre - half * below, centre + half * below


def _always_95(successes: int, n: int, z: float) -> tuple[float, float]:
    return solutions.wilson(successes, n)


def _splits(rng: np.random.Generator) -> list[Case]:
    few = int(rng.integers(3, 6))
    return [
        Case("an uneven split", {"only_a": 12, "only_b": few}),
        Case("the other way round", {"only_a": few, "only_b": 15}),
        Case("an even split", {"only_a": 4, "only_b": 4}),
        Case("they never differ", {"only_a": 0, "only_b": 0}),
    ]


def _one_sided(only_a: int, only_b: int) -> float:
    n, smaller = only_a + only_b, min(only_a, only_b)
    return sum(comb(n, k) for k in range(smaller + 1)) / 2**n


def _strictly_below(only_a: int, only_b: int) -> float:
    n, smaller = only_a + only_b, min(only_a, only_b)
    return min(1.0, 2 * sum(comb(n, k) for k in range(smaller)) / 2**n)


def _single_outcome(only_a: int, only_b: int) -> float:
    n = only_a + only_b
    return min(1.0, 2 * comb(n, min(only_a, only_b)) / 2**n)


def _above_one(only_a: int, only_b: int) -> float:
    return 2 * _one_sided(only_a, only_b)


def _always_a(only_a: int, only_b: int) -> float:
    n = only_a + only_b
    return min(1.0, 2 * sum(comb(n, k) for k in range(only_a + 1)) / 2**n)


def _nine_classes(rng: np.random.Generator) -> list[Case]:
    def probabilities(n: int, classes: int, sharp: float, kind: Any = np.float64) -> np.ndarray:
        raw = rng.dirichlet(np.full(classes, sharp), n)
        return np.round(raw, 3).astype(kind)

    flat = np.array([[0.4, 0.35, 0.25], [0.2, 0.45, 0.35], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])
    return [
        Case("nobody above one half", {"truth": np.array([0, 1, 0, 0]), "probabilities": flat}),
        Case("nine classes", {"truth": rng.integers(0, 9, 12), "probabilities": probabilities(12, 9, 0.15)}),
        Case("float32", {"truth": rng.integers(0, 4, 6), "probabilities": probabilities(6, 4, 0.3, np.float32)}),
        Case("one image", {"truth": np.array([2]), "probabilities": np.array([[0.2, 0.35, 0.45]])}),
    ]


def _argmax_for_both(truth: Any, probabilities: Any) -> tuple[float, float]:
    chosen = np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]
    one_hot = np.eye(probabilities.shape[1])[truth]
    return solutions.accuracies(truth, probabilities)[0], float(np.mean(chosen == one_hot))


def _whole_rows(truth: Any, probabilities: Any) -> tuple[float, float]:
    one_hot = np.arange(probabilities.shape[1]) == np.asarray(truth)[:, None]
    rows = np.all((probabilities > 0.5) == one_hot, axis=1)
    return float(np.mean(rows)), solutions.accuracies(truth, probabilities)[1]


def _same_twice(truth: Any, probabilities: Any) -> tuple[float, float]:
    return (solutions.accuracies(truth, probabilities)[0],) * 2


def _order(truth: Any, probabilities: Any) -> tuple[float, float]:
    categorical, element_wise = solutions.accuracies(truth, probabilities)
    return element_wise, categorical


def _from_one(truth: Any, probabilities: Any) -> tuple[float, float]:
    one_hot = np.arange(probabilities.shape[1]) + 1 == np.asarray(truth)[:, None]
    chosen = probabilities.argmax(axis=1) + 1
    return float(np.mean(chosen == truth)), float(np.mean((probabilities > 0.5) == one_hot))


def _tests(rng: np.random.Generator) -> list[Case]:
    rare = round(float(rng.uniform(0.005, 0.02)), 3)
    return [
        Case("a clinic", {"sensitivity": 0.9, "specificity": 0.8, "prevalence": 0.3}),
        Case("a screening", {"sensitivity": 0.85, "specificity": 0.95, "prevalence": rare}),
        Case("half and half, as in the lab", {"sensitivity": 0.88, "specificity": 0.81, "prevalence": 0.5}),
        Case("nobody is ill", {"sensitivity": 0.9, "specificity": 0.8, "prevalence": 0.0}),
    ]


def _no_prevalence(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    return solutions.predictive_values(sensitivity, specificity, 0.5)


def _joint(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    return sensitivity * prevalence, specificity * (1 - prevalence)


def _turned(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    positive, negative = solutions.predictive_values(sensitivity, specificity, prevalence)
    return negative, positive


def _errors(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    positive, negative = solutions.predictive_values(sensitivity, specificity, prevalence)
    return positive, 1 - negative


CHECKS = (
    Check(
        "sensitivity_specificity",
        _predictions,
        (
            Mistake("rows and columns exchanged", "Rows are what is true, columns what is predicted.", _transposed),
            Mistake(
                "divided by what was predicted",
                "Of the ill, how many are found: the images that are truly of the label are counted, not the answers.",
                _precision,
            ),
            Mistake("the threshold counted in", "At exactly the threshold the prediction is label 0.", _with_equal),
            Mistake("sensitivity and specificity exchanged", "Which of the two speaks of label 1?", _exchanged),
            Mistake("the threshold not used", "The threshold is an argument: try one of 0.2.", _fixed),
        ),
    ),
    Check(
        "wilson",
        _counts,
        (
            Mistake(
                "the plain interval",
                "This is p plus and minus z standard errors: it leaves 0 to 1 for small n, and Wilson's does not.",
                _wald,
            ),
            Mistake("the centre not moved", "Wilson's interval is not centred on p.", _not_moved),
            Mistake(
                "the half width not divided",
                "The centre and the half width have the same denominator.",
                _not_divided,
            ),
            Mistake("z fixed at 1.96", "The confidence is an argument.", _always_95),
        ),
    ),
    Check(
        "mcnemar",
        _splits,
        (
            Mistake("one-sided", "A split that favours the other network as much is as surprising.", _one_sided),
            Mistake(
                "the observed split left out",
                "As uneven or more: the observed split belongs to it. What does range stop at?",
                _strictly_below,
            ),
            Mistake(
                "one outcome instead of a tail",
                "More uneven splits have to be added to the observed one.",
                _single_outcome,
            ),
            Mistake("a probability above 1", "At an even split twice the tail counts the middle twice.", _above_one),
            Mistake("always the tail of A", "Which of the two numbers lies in the lower tail depends.", _always_a),
        ),
    ),
    Check(
        "accuracies",
        _nine_classes,
        (
            Mistake(
                "the most probable class taken as yes",
                "Element-wise each entry is asked by itself whether it is above one half; it may be that none is.",
                _argmax_for_both,
            ),
            Mistake(
                "only whole rows count",
                "Categorical: the largest of the probabilities decides, even where it is below one half.",
                _whole_rows,
            ),
            Mistake("the same accuracy twice", "The second one counts entries, not images.", _same_twice),
            Mistake("the order exchanged", "Categorical first.", _order),
            Mistake("classes counted from 1", "The labels begin at 0.", _from_one),
        ),
    ),
    Check(
        "predictive_values",
        _tests,
        (
            Mistake(
                "the prevalence not used",
                "Among a thousand people, how many are ill, and how many of the others get a positive answer?",
                _no_prevalence,
            ),
            Mistake(
                "sensitivity and specificity given back",
                "They say what the test answers for the ill; asked is who is ill, given the answer.",
                lambda sensitivity, specificity, prevalence: (sensitivity, specificity),
            ),
            Mistake(
                "a share of everybody",
                "Divide by all who got this answer, not by all who were tested.",
                _joint,
            ),
            Mistake("the order exchanged", "The positive answer first.", _turned),
            Mistake("the wrong side of the negative answer", "Asked is the probability of no disease.", _errors),
        ),
    ),
)
