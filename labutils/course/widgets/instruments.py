"""Instruments around stored runs that compute in the page: epoch scrubber, threshold, you against the network."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils.course.widgets import numbers
from labutils.course.widgets.control import png
from labutils.course.widgets.page import instrument, static_page
from labutils.course.widgets.stage import NOTHING, show
from labutils.evaluate.metrics import predicted_labels
from labutils.plots.charts import TRAINING, VALIDATION, Line, Panel, as_image, chart

if TYPE_CHECKING:
    from labutils.data.dataset import Dataset
    from labutils.runs.run import Run

THUMBNAIL = 48
SHOWN = 6
"""Images of a contest that are seen before it is alive."""
PREVALENCES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
COMMON = 5
"""Place of the prevalence that the threshold begins with: one in twenty."""


def epoch_scrubber(runs: Mapping[str, Run], dataset: Dataset | None = None) -> None:
    """One slider over the epochs of stored runs: confusion matrix, ROC curve, calibration and the images that change.

    Parameters
    ----------
    runs : dict of str to Run
        Runs on the same validation images.
    dataset : Dataset, optional
        What they were validated on: then the images that change their class are shown.
    """
    if not runs:
        print(NOTHING)
        return
    show(scrubber_in_words(runs), _scrubber_still(runs), lambda: instrument("scrubber", scrubber_data(runs, dataset)))


def scrubber_in_words(runs: Mapping[str, Run]) -> str:
    """The scrubber before it is moved: every run at its best epoch."""
    lines = []
    for label, run in runs.items():
        now = numbers.at_epoch(run, run.best_epoch)
        auc = "" if now.auc is None else f", AUC {now.auc:.3f}"
        n = len(now.changed)
        lines.append(
            f"{label}, epoch {run.best_epoch + 1} of {run.epochs}: accuracy {now.accuracy:.3f}{auc}; "
            f"{'1 image changes its' if n == 1 else f'{n} images change their'} class here."
        )
    return "\n".join(lines)


def scrubber_data(runs: Mapping[str, Run], dataset: Dataset | None) -> dict[str, Any]:
    """What the page needs for a scrubber."""
    shown = [{**numbers.packed(run), "title": label} for label, run in runs.items()]
    first = next(iter(runs.values()))
    same = dataset is not None and tuple(dataset.files_val) == tuple(first.val_files)
    return {"runs": shown, "images": sprite(dataset.x_val) if same and dataset is not None else None}


def threshold(run: Run | None) -> None:
    """A threshold and a prevalence: sensitivity, specificity and predictive values of a stored run of two classes.

    Parameters
    ----------
    run : Run or None
    """
    if run is None:
        print(NOTHING)
        return
    data = threshold_data(run)
    show(threshold_in_words(run), _threshold_still(run), lambda: instrument("threshold", data))


def threshold_in_words(run: Run, at: float = 0.5, prevalence: float = PREVALENCES[COMMON]) -> str:
    """A threshold's consequences in words."""
    now = numbers.at_threshold(run, at, prevalence)
    ppv, npv = ("none" if value is None else f"{value:.3f}" for value in (now.ppv, now.npv))
    return (
        f"Called {run.class_names[0]} from {at:.2f} on: sensitivity {now.sensitivity:.3f}, specificity "
        f"{now.specificity:.3f}. Where {100 * prevalence:g} % of those who come have it, PPV {ppv}, NPV {npv}."
    )


def threshold_data(run: Run) -> dict[str, Any]:
    """What the page needs for a threshold: the best epoch alone."""
    one = numbers.packed(run)
    best = np.ascontiguousarray(run.val_predictions[run.best_epoch][None].astype("<f2"))
    one |= {"predictions": base64.b64encode(best.tobytes()).decode(), "shape": list(best.shape), "best": 0}
    top = 5 * (int(max(heights.max() for heights in _heights(run))) // 5 + 1)
    return {"run": one, "prevalences": list(PREVALENCES), "prevalence": COMMON, "top": top}


def against_network(run: Run | None, dataset: Dataset, n: int = 20, seed: int = 0) -> None:
    """You against the network: unlabelled validation images to answer, then both on the same images.

    Parameters
    ----------
    run : Run or None
        A stored run; its predictions at the best epoch are the opponent.
    dataset : Dataset
        What it was validated on.
    n : int
        Images to answer.
    seed : int
        Another one chooses other images.
    """
    if run is None:
        print(NOTHING)
        return
    data = contest_data(run, dataset, n, seed)
    first = numbers.contest_images(run, n, seed)[:SHOWN]
    still = "".join(png(np.asarray(dataset.x_val[i]), "a validation image without its class", 96) for i in first)
    show(contest_in_words(data), still, lambda: instrument("contest", data, answers=[]))


def standing_alone(runs: Mapping[str, Run]) -> dict[str, str]:
    """Scrubber and thresholds of runs as HTML that is alive without a kernel, by title: for `own.write_page`.

    Parameters
    ----------
    runs : dict of str to Run
        Runs on the same validation images. They name no file, and no image is in them.
    """
    if not runs:
        return {}
    found = {"Epoch by epoch": static_page("scrubber", scrubber_data(runs, None), scrubber_in_words(runs))}
    for label, run in runs.items():
        if len(run.class_names) == 2:
            found[f"Threshold: {label}"] = static_page("threshold", threshold_data(run), threshold_in_words(run))
    return found


def contest_data(run: Run, dataset: Dataset, n: int, seed: int = 0) -> dict[str, Any]:
    """What the page needs for a contest."""
    chosen = numbers.contest_images(run, n, seed)
    ceiling = dataset.ceiling
    known = "" if ceiling is None else f"Whoever knew every drawn sign would have {ceiling:.3f} on such images."
    return {
        "names": list(run.class_names),
        "truth": run.y_val[chosen].tolist(),
        "network": predicted_labels(run)[chosen].tolist(),
        "images": sprite(np.asarray(dataset.x_val[chosen]), side=128),
        "examples": _examples(dataset),
        "ceiling": known,
    }


def _examples(dataset: Dataset) -> dict[str, Any] | None:
    """A training image of each class: without them nobody knows what the names of many classes mean."""
    first = [np.flatnonzero(dataset.y_train == k)[:1] for k in range(dataset.n_classes)]
    if dataset.n_classes == 2 or not all(map(len, first)):
        return None
    return sprite(np.asarray(dataset.x_train[np.concatenate(first)]), side=64)


def contest_in_words(data: dict[str, Any]) -> str:
    """A contest before the first answer; the network's own result stands in for the reader's."""
    n, names = len(data["truth"]), data["names"]
    result = numbers.judge_answers(data["network"], data["truth"], data["network"])
    return (
        f"You against the network: {n} validation images without their class; answer {', '.join(names)}. "
        f"On these {n} the network has {result.network:.3f} [{result.low:.3f}, {result.high:.3f}]: "
        f"to be surely better or worse than it takes at least {_needed(n)} images that only one of you gets right. "
        f"{data['ceiling']}"
    ).strip()


def _needed(n: int) -> int:
    """Images that only one of two gets right, all in favour of the same, until McNemar's p is below 0.05."""
    return next((k for k in range(1, n + 1) if numbers.sign_test(0, k) < 0.05), n)


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


def _scrubber_still(runs: Mapping[str, Run]) -> str:
    first = next(iter(runs.values()))
    colours = (VALIDATION, TRAINING, "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C8C8C")
    lines = [
        Line(range(1, run.epochs + 1), run.history["val_accuracy"].tolist(), label, colours[i % len(colours)])
        for i, (label, run) in enumerate(runs.items())
    ]
    longest = max(max(run.epochs for run in runs.values()), 2)
    panel = Panel("validation accuracy", (1, longest), (0, 1), "epoch", lines, 1 / len(first.class_names))
    return as_image(chart([panel]), "Validation accuracy by epoch. " + scrubber_in_words(runs))


def _heights(run: Run) -> list[np.ndarray]:
    p = numbers.class_probabilities(run)[:, 0]
    return [np.histogram(p[group], bins=20, range=(0, 1))[0] for group in (run.y_val == 0, run.y_val != 0)]


def _threshold_still(run: Run) -> str:
    centres = [(k + 0.5) / 20 for k in range(20)]
    ill, healthy = _heights(run)
    top = 5 * (int(max(ill.max(), healthy.max())) // 5 + 1)
    lines = [
        Line(centres, ill.tolist(), run.class_names[0], TRAINING, "5 3"),
        Line(centres, healthy.tolist(), run.class_names[1], VALIDATION),
    ]
    name = f"validation images by probability of {run.class_names[0]}"
    return as_image(chart([Panel(name, (0, 1), (0, top), "probability", lines, mark=0.5)]), threshold_in_words(run))
