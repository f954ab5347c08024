"""Instruments around stored runs that compute in the page: epoch scrubber, threshold, you against the network.

`at_epoch` and `at_threshold` are the functions of the same names in `static/js`: a test runs both on the same
runs. What is shown before anything is moved, and what nbval compares, comes from here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils.course import student
from labutils.course.widgets.control import instrument, needs_run, png, show, static_page
from labutils.data.dataset import in_turn
from labutils.evaluate.metrics import auc, class_probabilities, confusion_matrix, predicted_labels
from labutils.plots.charts import COLOURS, OTHER, THIRD, Line, Panel, as_image, chart
from labutils.statistics import sign_test, wilson_interval

if TYPE_CHECKING:
    from labutils.data.dataset import Dataset
    from labutils.runs.run import Run

THUMBNAIL = 48
SHOWN = 6
"""Images of a contest that are seen before it is alive."""
EXAMPLES = 2
"""Labelled training images of each class that stand beside its name in a contest."""
PREVALENCES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
COMMON = 5
"""Place of the prevalence that the threshold begins with: one in twenty."""


@needs_run
def epoch_scrubber(runs: Mapping[str, Run], dataset: Dataset | None = None) -> None:
    """One slider over the epochs of stored runs: confusion matrix, ROC curve, calibration and the images that change.

    The runs were validated on the same images; those that change their class are shown if `dataset` holds them.
    """
    show(scrubber_in_words(runs), _scrubber_still(runs), lambda: instrument("scrubber", scrubber_data(runs, dataset)))


def at_epoch(run: Run, epoch: int) -> dict[str, Any]:
    """A run at one epoch (from 0): `accuracy`, counts by true and predicted class (`confusion`), `auc` of two classes.

    `changed` are the validation images whose predicted class is another than one epoch before; none in the first.
    """
    labels = predicted_labels(run, epoch)
    before = predicted_labels(run, epoch - 1) if epoch else labels
    areas = list(auc(run, epoch).values()) if len(run.class_names) == 2 else []
    return {
        "accuracy": float((labels == run.y_val).mean()),
        "confusion": confusion_matrix(run, epoch).tolist(),
        "auc": areas[0].value if areas else None,
        "changed": np.flatnonzero(labels != before).tolist(),
    }


def scrubber_in_words(runs: Mapping[str, Run]) -> str:
    """The scrubber before it is moved: every run at its best epoch."""
    lines = []
    for label, run in runs.items():
        now = at_epoch(run, run.best_epoch)
        auc = "" if now["auc"] is None else f", AUC {now['auc']:.3f}"
        n = len(now["changed"])
        lines.append(
            f"{label}, epoch {run.best_epoch + 1} of {run.epochs}: accuracy {now['accuracy']:.3f}{auc}; "
            f"{'1 image changes its' if n == 1 else f'{n} images change their'} class here."
        )
    return "\n".join(lines)


def _scrubber_still(runs: Mapping[str, Run]) -> str:
    first = next(iter(runs.values()))
    lines = [
        Line(range(1, run.epochs + 1), run.history["val_accuracy"].tolist(), label, COLOURS[i % len(COLOURS)])
        for i, (label, run) in enumerate(runs.items())
    ]
    longest = max(max(run.epochs for run in runs.values()), 2)
    panel = Panel("validation accuracy", (1, longest), (0, 1), "epoch", lines, 1 / len(first.class_names))
    return as_image(chart([panel]), "Validation accuracy by epoch. " + scrubber_in_words(runs))


def scrubber_data(runs: Mapping[str, Run], dataset: Dataset | None) -> dict[str, Any]:
    """What the page needs for a scrubber."""
    shown = [{**packed(run), "title": label} for label, run in runs.items()]
    first = next(iter(runs.values()))
    same = dataset is not None and tuple(dataset.files_val) == tuple(first.val_files)
    return {"runs": shown, "images": sprite(dataset.x_val) if same and dataset is not None else None}


@needs_run
def threshold(run: Run) -> None:
    """A threshold and a prevalence: sensitivity, specificity and predictive values of a stored run of two classes."""
    data = threshold_data(run)
    show(threshold_in_words(run), _threshold_still(run, data["top"]), lambda: instrument("threshold", data))


def at_threshold(run: Run, threshold: float, prevalence: float, epoch: int | None = None) -> dict[str, Any]:
    """Counts, sensitivity, specificity and predictive values for the class of label 0 (melanoma, atypical fracture).

    An image is called diseased if its probability of label 0 is at least `threshold`. `prevalence` is the share of
    diseased among those who come: the validation images have one half, a practice has not. `epoch` is an index (from
    0); None is the best.
    """
    called = class_probabilities(run, epoch)[:, 0] >= threshold
    ill = run.y_val == 0
    tp, fn = int((called & ill).sum()), int((~called & ill).sum())
    fp, tn = int((called & ~ill).sum()), int((~called & ~ill).sum())
    counts = {"tp": tp, "fn": fn, "fp": fp, "tn": tn}
    sensitivity, specificity = tp / max(tp + fn, 1), tn / max(fp + tn, 1)
    found, alarms = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    cleared, missed = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    ppv = found / (found + alarms) if found + alarms > 0 else None
    npv = cleared / (cleared + missed) if cleared + missed > 0 else None
    return counts | {"sensitivity": sensitivity, "specificity": specificity, "ppv": ppv, "npv": npv}


def threshold_in_words(run: Run) -> str:
    """What a threshold of one half means, in words."""
    at, prevalence = 0.5, PREVALENCES[COMMON]
    now = at_threshold(run, at, prevalence)
    ppv, npv = ("none" if value is None else f"{value:.3f}" for value in (now["ppv"], now["npv"]))
    return (
        f"Called {run.class_names[0]} from {at:.2f} on: sensitivity {now['sensitivity']:.3f}, specificity "
        f"{now['specificity']:.3f}. Where {100 * prevalence:g} % of those who come have it, PPV {ppv}, NPV {npv}."
    )


def _threshold_still(run: Run, top: int) -> str:
    centres, names = [(k + 0.5) / 20 for k in range(20)], run.class_names
    ill, healthy = (heights.tolist() for heights in _heights(run))
    lines = [Line(centres, ill, names[0], OTHER, "5 3"), Line(centres, healthy, names[1], THIRD)]
    panel = Panel(f"validation images by probability of {names[0]}", (0, 1), (0, top), "probability", lines, mark=0.5)
    return as_image(chart([panel]), threshold_in_words(run))


def _heights(run: Run) -> list[np.ndarray]:
    """Validation images in twenty bins of the probability of label 0: those of label 0, and the others."""
    p = class_probabilities(run)[:, 0]
    return [np.histogram(p[group], bins=20, range=(0, 1))[0] for group in (run.y_val == 0, run.y_val != 0)]


def threshold_data(run: Run) -> dict[str, Any]:
    """What the page needs for a threshold: the best epoch alone."""
    best = packed(replace(run, val_predictions=run.val_predictions[run.best_epoch][None])) | {"best": 0}
    top = 5 * (int(max(heights.max() for heights in _heights(run))) // 5 + 1)
    return {"run": best, "prevalences": list(PREVALENCES), "prevalence": COMMON, "top": top}


@needs_run
def against_network(run: Run, dataset: Dataset, n: int = 20) -> None:
    """You against the network: `n` unlabelled validation images to answer, then both on the same images.

    The opponent are the run's predictions at its best epoch. In a student's own copy the result is kept.
    """
    data = contest_data(run, dataset, n)
    first = contest_images(run, n)[:SHOWN]
    still = "".join(png(np.asarray(dataset.x_val[i]), "a validation image without its class", 96) for i in first)
    show(contest_in_words(data), still, lambda: _contest(run, data))


def _contest(run: Run, data: dict[str, Any]) -> Any:
    """The widget of a contest, which keeps its result when the last image is answered."""
    widget = instrument("contest", data, answers=[])

    def answered(change: Any) -> None:
        answers = change["new"].get("answers", [])
        if len(answers) == len(data["truth"]):
            right, network = (int(np.equal(given, data["truth"]).sum()) for given in (answers, data["network"]))
            kept = {"right": right, "network": network, "of": len(answers), "against": run.label}
            student.keep(student.QUIZ, run.config.key, kept)

    widget.observe(answered, "state")
    return widget


def standing_alone(runs: Mapping[str, Run]) -> dict[str, str]:
    """Scrubber and thresholds of runs as HTML that is alive without a kernel, by title: for `own.write_page`.

    The runs were validated on the same images. They name no file, and no image is in them.
    """
    found = (
        {"Epoch by epoch": static_page("scrubber", scrubber_data(runs, None), scrubber_in_words(runs))} if runs else {}
    )
    for label, run in runs.items():
        if len(run.class_names) == 2:
            found[f"Threshold: {label}"] = static_page("threshold", threshold_data(run), threshold_in_words(run))
    return found


def contest_data(run: Run, dataset: Dataset, n: int) -> dict[str, Any]:
    """What the page needs for a contest, with what any result would mean.

    `intervals` are Wilson's by the number of right answers, `p` is McNemar's by the images that only one of two gets
    right and those of them in favour of the one with fewer.
    """
    chosen = contest_images(run, n)
    n, ceiling = len(chosen), dataset.ceiling
    known = "" if ceiling is None else f"Whoever knew every drawn sign would have {ceiling:.3f} on such images."
    # Training images of each class, class by class: without them nobody knows what the names mean.
    first = np.concatenate([np.flatnonzero(dataset.y_train == k)[:EXAMPLES] for k in range(dataset.n_classes)])
    examples = sprite(np.asarray(dataset.x_train[first]), side=64) | {"each": EXAMPLES}
    return {
        "names": list(run.class_names),
        "truth": run.y_val[chosen].tolist(),
        "network": predicted_labels(run)[chosen].tolist(),
        "images": sprite(np.asarray(dataset.x_val[chosen]), side=128),
        "examples": examples if len(first) == EXAMPLES * dataset.n_classes else None,
        "ceiling": known,
        "intervals": [wilson_interval(right, n) for right in range(n + 1)],
        "p": [[sign_test(fewer, apart - fewer) for fewer in range(apart // 2 + 1)] for apart in range(n + 1)],
    }


def contest_images(run: Run, n: int) -> np.ndarray:
    """Places of the validation images of a contest, every class in turn, in an order that gives nothing away."""
    rng = np.random.default_rng(0)
    order = rng.permutation(len(run.y_val))
    return rng.permutation(order[np.argsort(in_turn(run.y_val[order]), kind="stable")[:n]])


def contest_in_words(data: dict[str, Any]) -> str:
    """A contest before the first answer; the network's own result stands in for the reader's."""
    n, names = len(data["truth"]), data["names"]
    right = int(np.equal(data["network"], data["truth"]).sum())
    low, high = data["intervals"][right]
    # Images that only one of two gets right, all in favour of the same, until McNemar's p is below 0.05.
    needed = next((apart for apart, p in enumerate(data["p"]) if p[0] < 0.05), n)
    return (
        f"You against the network: {n} validation images without their class; answer {', '.join(names)}. "
        f"On these {n} the network has {right / n:.3f} [{low:.3f}, {high:.3f}]: "
        f"to be surely better or worse than it takes at least {needed} images that only one of you gets right. "
        f"{data['ceiling']}"
    ).strip()


def packed(run: Run) -> dict[str, Any]:
    """A run as the page reads it: names, labels, and the stored float16 predictions of every epoch as base64."""
    stored = np.ascontiguousarray(run.val_predictions.astype("<f2"))
    return {
        "names": list(run.class_names),
        "labels": run.y_val.tolist(),
        "shape": list(stored.shape),
        "predictions": base64.b64encode(stored.tobytes()).decode(),
        "best": run.best_epoch,
    }


def sprite(images: np.ndarray, side: int = THUMBNAIL) -> dict[str, Any]:
    """Images in [0, 1] as bytes for the page, no larger than `side` (whole pixels are averaged)."""
    images = np.asarray(images, np.float32)
    if (step := images.shape[1] // side) > 1:
        rows = images.shape[1] // step * step
        shape = (len(images), rows // step, step, rows // step, step, images.shape[3])
        images = images[:, :rows, :rows].reshape(shape).mean(axis=(2, 4))
    pixels = np.round(255 * images).astype(np.uint8)
    return {
        "bytes": base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode(),
        "side": pixels.shape[1],
        "channels": pixels.shape[3],
    }
