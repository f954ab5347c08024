"""Checks for what a student writes, one function an exercise: `check.dropout(dropout)`.

Each says what went in, what came out and what was expected, and names the mistake if it is a typical one. What an
exercise asks is in `labutils.course.exercises`, how it is tested in `labutils.course.checking`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labutils.course.checking import SEED, Result, run_check
from labutils.evaluate.sentences import say


def _check(name: str, written: Any, seed: int) -> Result:
    from labutils.course.answers import keep_result

    result = run_check(name, written, seed=seed)
    for line in result.text.splitlines():
        (print if line.startswith(" ") else say)(line)  # what begins with spaces is a list
    keep_result(result)
    return result


def overfitting_epoch(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 1B: the epoch from which on a run over-fits."""
    return _check("overfitting_epoch", written, seed)


def receptive_field(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 1C: what one position after several layers sees."""
    return _check("receptive_field", written, seed)


def layer_parameters(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 1D: how many numbers a layer learns."""
    return _check("layer_parameters", written, seed)


def epoch_to_keep(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 1E: early stopping."""
    return _check("epoch_to_keep", written, seed)


def sensitivity_specificity(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 2: confusion matrix, sensitivity and specificity."""
    return _check("sensitivity_specificity", written, seed)


def wilson(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 3: Wilson's interval of a proportion."""
    return _check("wilson", written, seed)


def mcnemar(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 3: McNemar's exact test."""
    return _check("mcnemar", written, seed)


def accuracies(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 4: categorical and element-wise accuracy."""
    return _check("accuracies", written, seed)


def dropout(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 5A: a dropout layer."""
    return _check("dropout", written, seed)


def batch_norm(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 5B: batch normalization with moving averages."""
    return _check("batch_norm", written, seed)


def fold_batch_norm(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 5C: batch normalization at inference, as scale and shift."""
    return _check("fold_batch_norm", written, seed)


def smoothed_gap(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 5D: the gap, averaged over a moving window."""
    return _check("smoothed_gap", written, seed)


def drop_maps(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 6A: whole feature maps left out."""
    return _check("drop_maps", written, seed)


def both_orders(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 6B: a mask before and after the ReLU."""
    return _check("both_orders", written, seed)


def versions(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 7: a generator of changed pictures."""
    return _check("versions", written, seed)


def Batches(written: Callable[..., Any], seed: int = SEED) -> Result:  # noqa: N802 (it is called like the class it checks)
    """Task 8: images and labels in batches, as Keras asks for them."""
    return _check("Batches", written, seed)


def predictive_values(written: Callable[..., Any], seed: int = SEED) -> Result:
    """Task 9: what an answer means at a prevalence."""
    return _check("predictive_values", written, seed)
