"""The numbers of the controls that compute in the page: the same functions as in `static/numbers.js`, in Python.

A test runs both on the same runs. What is shown before anything is moved, and what nbval compares, comes from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labutils.evaluate.metrics import class_probabilities, confusion_matrix, predicted_labels
from labutils.statistics import sign_test, wilson_interval

if TYPE_CHECKING:
    from labutils.runs.files import Run


class AtEpoch(NamedTuple):
    """A run at one epoch: share of right answers, counts by true and predicted class, AUC, and who changed."""

    accuracy: float
    confusion: list[list[int]]
    auc: float | None
    changed: list[int]


class AtThreshold(NamedTuple):
    """What a threshold gives: counts on these images, and the predictive values at a prevalence."""

    tp: int
    fn: int
    fp: int
    tn: int
    sensitivity: float
    specificity: float
    ppv: float | None
    npv: float | None


class Contest(NamedTuple):
    """A reader's answers beside a network's on the same images."""

    you: float
    low: float
    high: float
    network: float
    only_you: int
    only_network: int
    p: float
    both_wrong: list[int]


def at_epoch(run: Run, epoch: int) -> AtEpoch:
    """A run at one epoch (from 0).

    `changed` are the validation images whose predicted class is another than one epoch before; none in the first.
    """
    labels = predicted_labels(run, epoch)
    before = predicted_labels(run, epoch - 1) if epoch else labels
    p = class_probabilities(run, epoch)
    two = p.shape[1] == 2 and 0 < run.y_val.sum() < len(run.y_val)
    area = area_under_roc((run.y_val == 1).tolist(), p[:, 1].tolist()) if two else None
    counts = confusion_matrix(run, epoch).tolist()
    return AtEpoch(float((labels == run.y_val).mean()), counts, area, np.flatnonzero(labels != before).tolist())


def area_under_roc(positive: Sequence[bool], scores: Sequence[float]) -> float:
    """The chance that a positive image scores higher than a negative one, ties counting half.

    Examples
    --------
    >>> area_under_roc([True, False, True], [0.9, 0.5, 0.5])
    0.75
    """
    is_positive, values = np.asarray(positive, bool), np.asarray(scores)
    difference = values[is_positive][:, None] - values[~is_positive][None]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def at_threshold(run: Run, threshold: float, prevalence: float, epoch: int | None = None) -> AtThreshold:
    """Sensitivity, specificity and predictive values for the class of label 0 (melanoma, atypical fracture).

    Parameters
    ----------
    threshold : float
        From 0 to 1: an image is called diseased if its probability of label 0 is at least this.
    prevalence : float
        Share of diseased among those who come, from 0 to 1; the validation images have one half, a practice has not.
    epoch : int, optional
        Index (from 0); None is the best epoch.
    """
    called = class_probabilities(run, epoch)[:, 0] >= threshold
    ill = run.y_val == 0
    tp, fn = int((called & ill).sum()), int((~called & ill).sum())
    fp, tn = int((called & ~ill).sum()), int((~called & ~ill).sum())
    sensitivity, specificity = tp / max(tp + fn, 1), tn / max(fp + tn, 1)
    found, alarms = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    cleared, missed = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    ppv = found / (found + alarms) if found + alarms > 0 else None
    npv = cleared / (cleared + missed) if cleared + missed > 0 else None
    return AtThreshold(tp, fn, fp, tn, sensitivity, specificity, ppv, npv)


def judge_answers(answers: Sequence[int], truth: Sequence[int], network: Sequence[int]) -> Contest:
    """A reader's answers against the network's on the same images: accuracy, its interval, McNemar's exact test.

    Examples
    --------
    >>> judge_answers([0, 1, 1, 0], truth=[0, 1, 0, 0], network=[0, 1, 0, 1]).p
    1.0
    """
    mine = np.asarray(answers) == np.asarray(truth)
    its = np.asarray(network) == np.asarray(truth)
    only_you, only_network = int((mine & ~its).sum()), int((~mine & its).sum())
    low, high = wilson_interval(int(mine.sum()), len(mine))
    both = np.flatnonzero(~mine & ~its).tolist()
    p = sign_test(only_you, only_network)
    return Contest(float(mine.mean()), low, high, float(its.mean()), only_you, only_network, p, both)


def contest_images(run: Run, n: int = 20, seed: int = 0) -> np.ndarray:
    """Places of the validation images of a contest, every class in turn, in an order that gives nothing away."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(run.y_val))
    rank = np.zeros(len(order), np.int64)
    for label in np.unique(run.y_val):
        members = run.y_val[order] == label
        rank[members] = np.arange(members.sum())
    chosen = order[np.argsort(rank, kind="stable")[: min(n, len(order))]]
    return rng.permutation(chosen)


def packed(run: Run) -> dict[str, Any]:
    """A run as the page reads it: names, labels, and the stored float16 predictions of every epoch as base64."""
    import base64

    stored = np.ascontiguousarray(run.val_predictions.astype("<f2"))
    return {
        "names": list(run.class_names),
        "labels": run.y_val.tolist(),
        "shape": list(stored.shape),
        "predictions": base64.b64encode(stored.tobytes()).decode(),
        "best": run.best_epoch,
    }
