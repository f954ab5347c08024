"""Figures about the exam: what more training images do, and how far validation accuracies lie above it.

The numbers, and the titles that say what is seen, come from `labutils.audit.against` and
`labutils.evaluate.validation`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labutils.evaluate.tables import NETWORKS
from labutils.evaluate.validation import Flattery
from labutils.plots.charts import INK, OTHER, THIRD, VALIDATION
from labutils.plots.figure import (
    GUESS,
    LINES,
    MARKERS,
    data_of,
    data_words,
    label_ends,
    legend_above,
    one_axes,
    show,
    styled,
)

if TYPE_CHECKING:
    from labutils.audit.against import Growth


@styled
def accuracy_by_images(growth: Growth | None, save: Path | str | None = None) -> None:
    """Accuracy on the exam over the number of training images, as `audit.growth` found it: a network with its 95 %
    interval over seeds and images, simple models with theirs over images, and the ceiling."""
    if growth is None:
        print("accuracy by images: no run to draw yet.")
        return
    there = [step for step in growth.steps if step.runs or step.simple]
    run = next(step.runs[0] for step in there if step.runs)
    lines = {NETWORKS[run.config.model]: [(step.training, *step.network) for step in there if step.network]}
    for name in dict.fromkeys(name for step in there for name in step.simple):
        own = [(step.training, step.simple[name]) for step in there if name in step.simple]
        lines[f"{name.rpartition(', ')[2]}, forty numbers"] = [(n, m.accuracy, *m.accuracy_interval) for n, m in own]
    figure, axes = one_axes(8, 4.2)
    ends: list[tuple[float, str, Any]] = []
    sentences = []
    for i, (name, points) in enumerate(lines.items()):
        n, values, low, high = zip(*points, strict=True)
        colour = THIRD if i else INK  # as in the picture of a card: what is no network has its own
        marks: dict[str, Any] = {"color": colour, "linestyle": LINES[i], "marker": MARKERS[i]}
        axes.errorbar(n, values, yerr=[_minus(values, low), _minus(high, values)], capsize=3, **marks)
        ends.append((values[-1], name, colour))
        sentences.append(f"{name}: {', '.join(f'{value:.3f} with {images:,}' for images, value, *_ in points)}.")
    if growth.ceiling is not None:
        axes.axhline(growth.ceiling, color=GUESS, linestyle=":", linewidth=1)
        ends.append((growth.ceiling, "ceiling", GUESS))
        sentences.append(f"Ceiling: {growth.ceiling:.3f}.")
    axes.set(xscale="log", xlabel="training images", ylabel="accuracy on the exam")
    ticks = [step.training for step in there]
    axes.set_xticks(ticks, [f"{n:,}" for n in ticks])
    axes.minorticks_off()
    axes.set_xlim(ticks[0] * 0.85, ticks[-1] * 1.15)
    label_ends(axes, ends)
    data = data_of([run])
    missing = f"; no run yet with {', '.join(f'{n:,}' for n in growth.missing)}" if growth.missing else ""
    settings = run.config.with_(n_train=None, seed=0).slug
    under = f"{data}: {settings}, 95 % intervals{missing}."
    start = f"Accuracy on the exam of {data} over the number of training images{missing}."
    show(figure, growth.title, under, f"{start} {' '.join(sentences)}", save)


@styled
def validation_against_exam(flattery: Flattery, save: Path | str | None = None) -> None:
    """Best validation accuracy with its 95 % interval against accuracy on the exam, one point a run of
    `evaluate.flattery`; filled where the interval holds the exam's value. Above the dotted line validation flatters."""
    rows = flattery.rows
    if not rows:
        print("validation against exam: no run to draw yet.")
        return
    figure, axes = one_axes(7.2, 3.8)
    kinds = ((True, VALIDATION, VALIDATION, "o", "holds"), (False, OTHER, "none", "s", "does not hold"))
    for holds, colour, fill, marker, of in kinds:
        if own := [row for row in rows if row.holds == holds]:
            values, low, high = zip(*(row.validation for row in own), strict=True)
            reach = [_minus(values, low), _minus(high, values)]
            drawn: dict[str, Any] = {"fmt": marker, "color": colour, "markerfacecolor": fill}
            label = f"interval {of} it: {len(own)}"
            axes.errorbar([row.exam for row in own], values, reach, elinewidth=0.7, markersize=5, label=label, **drawn)
    ends = [min(row.exam for row in rows), max(row.exam for row in rows)]
    axes.plot(ends, ends, color=GUESS, linestyle=":", label="as high as on the exam")
    axes.set(xlabel="accuracy on the exam, at the same epoch", ylabel="best validation accuracy")
    data = data_words(flattery.dataset, "phantom")
    legend_above(axes)
    under = f"{data}: a point for each run, its line the 95 % interval on the validation images."
    words = f"Best validation accuracy against accuracy on the exam, {data}. {flattery.said.text}"
    show(figure, flattery.title, under, words, save)


def _minus(upper: Sequence[float], lower: Sequence[float]) -> list[float]:
    return [max(a - b, 0.0) for a, b in zip(upper, lower, strict=True)]
