"""Accuracies as dots with intervals: those of runs, and the picture of an evidence card.

`evaluate.card` says what stands in its picture; here it is only drawn and put into words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from labutils import lab
from labutils.evaluate.metrics import accuracy
from labutils.plots.charts import GREY, INK, OTHER, THIRD, VALIDATION
from labutils.plots.figure import MARKERS, also_said, data_of, legend_above, mark_said, one_axes, show, styled, wrap
from labutils.runs.run import Run
from labutils.statistics import Estimate, count

HERE, REPORT, REAL, SIMPLE, CEILING = "here", "lab report", "real images", "no network", "ceiling"
LOOK: dict[str, dict[str, Any]] = {
    HERE: {"fmt": MARKERS[0], "color": INK},
    REAL: {"fmt": MARKERS[1], "color": VALIDATION, "fillstyle": "none"},
    SIMPLE: {"fmt": MARKERS[3], "color": THIRD},
    REPORT: {"fmt": MARKERS[2], "color": OTHER, "fillstyle": "none", "markersize": 9},
    CEILING: {"fmt": "|", "color": GREY, "markersize": 14, "markeredgewidth": 3},
}


class Dot(NamedTuple):
    """One accuracy of a row; what is only known as a number has no interval. `basis` says on how many images."""

    kind: str
    accuracy: Estimate | float
    basis: str = ""

    @property
    def value(self) -> float:
        """The accuracy itself."""
        return self.accuracy if isinstance(self.accuracy, float) else self.accuracy.value

    def words(self) -> str:
        """`0.912 [0.870, 0.942] (200 images)`, or `lab report 0.850`."""
        number = f"{self.accuracy:.3f}" if isinstance(self.accuracy, float) else str(self.accuracy)
        return ("" if self.kind == HERE else f"{self.kind} ") + number + (f" ({self.basis})" if self.basis else "")


@styled
def draw_dots(
    rows: Sequence[tuple[str, Sequence[Dot]]], title: str, axis: str, said: str = "", save: Path | str | None = None
) -> None:
    """Draw the dots of every row, by its label; `said` is what the reader has predicted.

    Blue is measured on validation images here as everywhere: what an `axis` of another name holds is dark.
    """
    look = LOOK | ({HERE: LOOK[HERE] | {"color": VALIDATION}} if "validation" in axis else {})
    figure, axes = one_axes(7.5, 1.5 + min(0.36 * len(rows), 2 + 0.18 * len(rows)))
    told = []
    for place, (label, dots) in enumerate(rows):
        for dot in dots:
            reach = None
            if not isinstance(dot.accuracy, float):
                reach = [[dot.value - dot.accuracy.low], [dot.accuracy.high - dot.value]]
            # Real images have their interval below that of this lab's: neither hides the other.
            height = place + (0.24 if dot.kind == REAL else 0)
            axes.errorbar(dot.value, height, xerr=reach, capsize=4, **look[dot.kind])
        told.append(f"{mark_said(label, said)}: {', '.join(dot.words() for dot in dots)}.")
    simple = [dot.value for _, dots in rows for dot in dots if dot.kind == SIMPLE]
    if len(simple) == 1:  # of two data sets each has its own: a line through all rows would be false for some
        axes.axvline(simple[0], color=THIRD, linestyle=":", linewidth=1, zorder=0)
    axes.set_yticks(range(len(rows)), [wrap(mark_said(label, said)) for label, _ in rows])
    axes.set(xlabel=axis, ylim=(len(rows) - 0.4, -0.6))
    axes.grid(axis="y", visible=False)
    kinds = dict.fromkeys(dot.kind for _, dots in rows for dot in dots)
    for kind in kinds:
        axes.errorbar([], [], label="this lab" if kind == HERE else kind, **look[kind])
    also = also_said([label for label, _ in rows], said)
    if len(kinds) > 1:
        legend_above(axes)
    words = f"{count(len(rows), 'row')}, {axis}, with 95 % intervals. {' '.join(told)}"
    show(figure, title, "Lines: 95 % intervals.", words, save, also)


@styled
def accuracy_intervals(runs: Mapping[str, Run | Sequence[Run]], task: str = "", save: Path | str | None = None) -> None:
    """Best validation accuracies with their 95 % intervals (Wilson), of several seeds each in its own row, and what the
    lab report says of a `task` under the same labels."""
    report, rows = lab.reported(task) if task else {}, []
    several = {label: given if isinstance(given, Sequence) else [given] for label, given in runs.items()}
    data = data_of(run for own in several.values() for run in own)
    for label, own in several.items():
        told = report.get(label, lab.SILENT).accuracy
        for run in own:
            name = f"{label}, seed {run.config.seed}" if own is runs[label] else label
            name += "" if data_of([run]) == data else f", {data_of([run])}"
            here = Dot(HERE, accuracy(run), f"{len(run.y_val)} images")
            rows.append((name, [here] if told is None else [here, Dot(REPORT, told)]))
    values = [[accuracy(run) for run in own] for own in several.values()]
    wide = [100 * (one.high - one.low) for own in values for one in own]
    apart = [100 * (max(own).value - min(own).value) for own in values if len(own) > 1]
    title = f"Seeds differ by up to {max(apart):.0f} points, intervals" if apart else "Intervals"
    title += f" are up to {max(wide):.0f} points wide"
    draw_dots(rows, title, f"best validation accuracy on {data}", save=save)
