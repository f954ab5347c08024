"""How good runs are: confusion matrix, ROC curves, calibration, the trials of a search.

The numbers come from `labutils.evaluate`; here they are only drawn and put into words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from labutils.config import scientific
from labutils.data.dataset import Dataset
from labutils.evaluate import metrics
from labutils.evaluate.metrics import Bin
from labutils.plots.charts import GROUND, VALIDATION, Line, Panel, chart, svg
from labutils.plots.figure import GUESS, data_of, data_words, label_ends, look, one_axes, show, styled, wrap
from labutils.plots.seen import LONGEST
from labutils.runs.run import Run
from labutils.statistics import count, wilson_interval

if TYPE_CHECKING:
    import optuna

PALE = 0.55
"""How dark the darkest cell of a matrix in the page is: its number can be read."""

EVEN = 0.02
"""Within 2 points a run is as sure as it is right."""

BINS = 10
"""Bins of equal width in which predicted probabilities are compared with what happens."""


@styled
def confusion_matrix(run: Run, epoch: int | None = None, save: Path | str | None = None) -> None:
    """Validation images counted by true class (row) and predicted class (column)."""
    counts = metrics.confusion_matrix(run, epoch)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names, n = run.class_names, len(run.class_names)
    side = max(3.2, 0.55 * n + 1)
    figure, axes = one_axes(side + 2, side + 1.2)
    shades = LinearSegmentedColormap.from_list("", [GROUND, VALIDATION])
    axes.imshow(shares, cmap=shades, vmin=0, vmax=1 / PALE)
    for (row, column), number in np.ndenumerate(counts):
        text = axes.text(column, row, str(number), ha="center", va="center", fontsize=14 if n < 4 else 9)
        text.set_in_layout(False)  # a number fits into its cell: measuring all of them would take as long as drawing
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_xticks(range(n), names)
    axes.set_yticks(range(n), names)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    estimate, when, data = metrics.accuracy(run, epoch), _epoch_words(run, epoch), data_of([run])
    under = f"{run.label} on {data}, {when}: accuracy {estimate}. The darker, the more of a true class."
    show(figure, _worst(names, counts), under, _matrix_words(run, epoch, counts), save)


def matrix_chart(run: Run, epoch: int) -> tuple[str, str]:
    """What `confusion_matrix` shows as an SVG, drawn while a slider moves, and in the same words."""
    counts, names = metrics.confusion_matrix(run, epoch), run.class_names
    side = 84 if len(names) < 4 else 46
    left, end = 30 + 7 * max(map(len, names)), side * len(names)
    parts = [f'<text x="{left}" y="14">{_epoch_words(run, epoch)}: accuracy {metrics.accuracy(run, epoch)}</text>']
    for (row, column), number in np.ndenumerate(counts):
        x, y, share = left + side * column, 24 + side * row, number / max(counts[row].sum(), 1)
        cell = f'width="{side - 2}" height="{side - 2}" fill="{VALIDATION}" fill-opacity="{PALE * share:.2f}"'
        parts.append(f'<rect x="{x}" y="{y}" {cell}/>')
        parts.append(f'<text x="{x + side / 2}" y="{y + side / 2 + 5}" text-anchor="middle">{number}</text>')
    for k, name in enumerate(map(escape, names)):
        middle = side * k + side / 2
        parts.append(f'<text x="{left - 6}" y="{24 + middle + 4}" text-anchor="end">{name}</text>')
        parts.append(f'<text x="{left + middle}" y="{end + 40}" text-anchor="middle">{name}</text>')
    parts.append(f'<text x="{left}" y="{end + 58}">down: true class; across: predicted class</text>')
    words = f"{_worst(names, counts)}. {_matrix_words(run, epoch, counts)}"
    return svg(max(left + end + 10, 420), end + 64, "".join(parts)), words


@styled
def roc_curve(runs: Mapping[str, Run], epoch: int | None = None, save: Path | str | None = None) -> None:
    """ROC curves of one or several runs, with the area under each and its interval.

    With two classes, the class of label 1 is the one to be recognised (the area is the same for either). With more,
    each class against the rest, averaged over the classes at every false positive rate. All runs have the same classes.
    """
    figure, axes = one_axes(7.6, 3.6)
    axes.plot([0, 1], [0, 1], color=GUESS, linestyle=":", linewidth=1, label="guessing: 0.500")
    sentences, means = [], {}
    for i, (label, run) in enumerate(runs.items()):
        areas = list(metrics.auc(run, epoch).values())
        means[label] = float(np.mean([a.value for a in areas]))
        area = str(areas[0]) if len(areas) == 1 else f"{means[label]:.3f} (mean of {len(areas)} classes)"
        scores = metrics.class_probabilities(run, epoch)
        labels = [1] if scores.shape[1] == 2 else range(scores.shape[1])
        x, y = mean_roc([(run.y_val == k, scores[:, k]) for k in labels])
        axes.plot(x, y, label=wrap(f"{label}: {area}", 40), **look(i) | {"marker": ""})
        sentences.append(f"{label}: area {area}, {_epoch_words(run, epoch)}.")
    names = next(iter(runs.values())).class_names
    other, wanted = names if len(names) == 2 else ("others", "the class")
    axes.set(xlabel=f"{other} taken for {wanted} (false positive rate)")
    axes.set(ylabel=f"{wanted.removeprefix('the ')} recognised (true positive rate)")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    data = data_of(runs.values())
    axes.legend(loc="lower right", labelcolor="linecolor")
    (first, most), *_, (last, least) = sorted([*means.items(), *means.items()], key=lambda one: -one[1])
    title = f"{first} has the largest area: {most:.2f}; {last} the smallest: {least:.2f}"
    if len(means) == 1 or len(title) > LONGEST:
        title = f"Areas below the curves: {least:.2f}" + (f" to {most:.2f}" if len(means) > 1 else "")
    under = f"ROC curves on {data}, in the legend with the area below each (95 % interval)."
    words = f"ROC curves of {count(len(runs), 'run')} on {data}. {' '.join(sentences)}"
    show(figure, title, under, words, save)


def mean_roc(problems: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates, from 0 to 1, of one two-class problem, or of several.

    Each of the `problems` is which images are positive, (n,) bool, and scores (n,), higher for positives. The mean is
    taken of the true positive rates at every false positive rate that occurs.
    """
    from sklearn.metrics import roc_curve as curve_of

    curves = [curve_of(positive, scores, drop_intermediate=False)[:2] for positive, scores in problems]
    if len(curves) == 1:
        return curves[0]
    x = np.unique(np.concatenate([rates for rates, _ in curves]))
    # Where a curve rises straight up, the value at its top counts; at 0 every curve starts from 0.
    tops = [np.append(np.flatnonzero(np.diff(rates)), len(rates) - 1) for rates, _ in curves]
    y = np.mean([np.interp(x, rates[top], own[top]) for top, (rates, own) in zip(tops, curves, strict=True)], axis=0)
    return np.insert(x, 0, 0.0), np.insert(y, 0, 0.0)


@styled
def reliability(run: Run, epoch: int | None = None, save: Path | str | None = None) -> None:
    """What a run predicts against what happens, with the number of images behind each point."""
    points = metrics.reliability_curve(run, epoch, BINS)
    two = len(run.class_names) == 2
    event = _event(run)
    x = np.array([p.predicted for p in points])
    observed = np.array([p.observed for p in points])
    figure = Figure(figsize=(5.6, 5.4))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color=GUESS, linestyle=":", linewidth=1)
    reach = np.abs(observed[:, 1:] - observed[:, :1]).T
    above.errorbar(x, observed[:, 0], reach, fmt="o-", color=VALIDATION, capsize=3, elinewidth=1)
    above.set(ylabel=f"observed share of {event}" if two else "share of right answers", ylim=(-0.03, 1.03))
    edges = np.array([p.low for p in points])
    below.bar(edges, [p.images for p in points], width=1 / BINS, align="edge", edgecolor="white", color=VALIDATION)
    below.set(xlabel=f"predicted probability of {event}", ylabel="images", xlim=(-0.01, 1.01))
    below.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    label_ends(above, [(1, "perfectly\ncalibrated", GUESS), (observed[-1, 0], "this run", VALIDATION)])
    under = f"Calibration of {run.label} on {data_of([run])}, {_epoch_words(run, epoch)}, with 95 % intervals: "
    under += f"Brier score {metrics.brier_score(run, epoch):.3f}."
    show(figure, _sureness(run, epoch), under, _calibration_words(run, epoch, points), save)


def reliability_chart(run: Run, epoch: int) -> tuple[str, str]:
    """What `reliability` shows as an SVG, drawn while a slider moves, and in the same words."""
    points = metrics.reliability_curve(run, epoch, BINS)
    lines = [Line([0, 1], [0, 1], "perfectly calibrated", GUESS, "1 3", 1)]
    lines += [Line([p.predicted] * 2, [p.observed.low, p.observed.high], width=1) for p in points]
    lines.append(Line([p.predicted for p in points], [p.observed.value for p in points], "this run, 95 % interval"))
    title = f"{_epoch_words(run, epoch)}: Brier score {metrics.brier_score(run, epoch):.3f}"
    axis = f"predicted probability of {_event(run)}"
    most = max(p.images for p in points)
    bars = [(p.low, p.low + 1 / BINS, p.images) for p in points]
    panels = [Panel("images", (0, 1), (0, most), axis, bars=bars), Panel(title, (0, 1), (0, 1), axis, lines)]
    return chart(panels), f"{_sureness(run, epoch)}. {_calibration_words(run, epoch, points)}"


@styled
def search_trials(found: optuna.Study, dataset: Dataset, save: Path | str | None = None) -> None:
    """The trials of a search: best validation accuracy with its 95 % interval over the learning rate, by width.

    `found` is from `search.study`, trained on `dataset`; without a finished trial a sentence stands in its place.
    """
    from labutils.training.search import finished, settings_of

    trials = finished(found)
    if not trials:
        print("search trials: no trial to draw yet.")
        return
    figure, axes = one_axes(7.5, 3.4)
    sentences, n = [], len(dataset.y_val)
    for i, width in enumerate(sorted({trial.params["n_base"] for trial in trials})):
        own = [trial for trial in trials if trial.params["n_base"] == width]
        values = np.array([trial.value for trial in own])
        low, high = np.transpose([wilson_interval(round(value * n), n) for value in values])
        rates = [settings_of(trial.params)["learning_rate"] for trial in own]
        marks = look(i) | {"linestyle": "none", "capsize": 3}
        axes.errorbar(rates, values, yerr=[values - low, high - values], label=f"b{width}", **marks)
        told = [f"{value:.3f} at {scientific(rate)}" for rate, value in sorted(zip(rates, values, strict=True))]
        sentences.append(f"b{width}: {', '.join(told)}.")
    axes.set(xscale="log", xlabel="learning rate", ylabel="best validation accuracy")
    # Not the letters of mathematics that a logarithmic axis would have: the style takes a $ for a $.
    axes.xaxis.set_major_formatter(lambda rate, _: scientific(rate))
    axes.xaxis.set_minor_formatter(NullFormatter())
    data = data_words(dataset.name, dataset.source)
    figure.legend(loc="outside right center", title="filters of the\nfirst block", title_fontsize=9)
    best = max(trials, key=lambda trial: trial.value or 0)
    rate, width = scientific(settings_of(best.params)["learning_rate"]), best.params["n_base"]
    title = f"Highest of {count(len(trials), 'trial')}: {best.value:.3f} with b{width} at {rate}"
    under = f"Best validation accuracies of a search on {data}, with 95 % intervals."
    start = f"Best validation accuracy of {count(len(trials), 'trial')} of a search on {data} over the learning rate"
    show(figure, title, under, f"{start}, with 95 % intervals. {' '.join(sentences)}", save)


def _event(run: Run) -> str:
    return run.class_names[1] if len(run.class_names) == 2 else "the chosen class"


def _worst(names: Sequence[str], counts: np.ndarray) -> str:
    """The commonest mistake of a matrix."""
    mistakes = counts * (1 - np.eye(len(names), dtype=int))
    true, taken = np.unravel_index(mistakes.argmax(), counts.shape)
    if not mistakes.any():
        return "Every validation image is recognised"
    return f"{mistakes.max()} of {counts[true].sum()} {names[true]} are taken for {names[taken]}"


def _sureness(run: Run, epoch: int | None) -> str:
    """How sure a run is beside how often it is right."""
    sure, right = metrics.class_probabilities(run, epoch).max(axis=1).mean(), metrics.accuracy(run, epoch).value
    word = "As sure as right" if abs(sure - right) <= EVEN else "Too sure" if sure > right else "Less sure than right"
    return f"{word}: {sure:.2f} on average, right in {right:.2f}"


def _matrix_words(run: Run, epoch: int | None, counts: np.ndarray) -> str:
    names, rows = run.class_names, []
    for k, row in enumerate(counts):
        wrong = [f", {n} taken for {name}" for i, (n, name) in enumerate(zip(row, names, strict=True)) if i != k and n]
        rows.append(f"{names[k]}: {row[k]} of {row.sum()} right{''.join(wrong)}.")
    on = f"{counts.sum()} validation images of {data_of([run])}, {_epoch_words(run, epoch)}"
    return f"Confusion matrix of {run.label} on {on}. Accuracy {metrics.accuracy(run, epoch)}. {' '.join(rows)}"


def _calibration_words(run: Run, epoch: int | None, points: Sequence[Bin]) -> str:
    told = [
        f"{p.predicted:.2f} predicted, {p.observed.value:.2f} observed ({count(p.images, 'image')})" for p in points
    ]
    when = f"{data_of([run])}, {_epoch_words(run, epoch)}: Brier score {metrics.brier_score(run, epoch):.3f}"
    return f"Calibration of {run.label} on {when}. Probability of {_event(run)}: {'; '.join(told)}."


def _epoch_words(run: Run, epoch: int | None) -> str:
    return f"best epoch {run.best_epoch + 1}" if epoch is None else f"epoch {range(run.epochs)[epoch] + 1}"
