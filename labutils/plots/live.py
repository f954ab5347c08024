"""Learning curves that grow while a training runs: `live_curves`, the notebooks' `on_epoch`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils.plots.charts import COLOURS, Line, as_image, learning_chart
from labutils.plots.figure import in_notebook
from labutils.progress import how_to_show

if TYPE_CHECKING:
    from labutils.config import RunConfig
    from labutils.runs.run import Run

PAUSE = 0.5
"""Seconds from one picture to the next, at least: drawing takes a few milliseconds."""


def live_curves(configs: Mapping[str, RunConfig] | None = None) -> Callable[[Run], None]:
    """Something to give to `train` or `train_all` as `on_epoch`: one figure of all runs of the cell, which grows.

    It is drawn after the first epoch, at most every half second after that, and once more when the cell ends or is
    interrupted. Where a training shows no bar (see `progress.Progress`) it shows nothing. The keys of `configs` are
    what the runs are called; without them they are named by their settings.
    """
    return _Live({config.key: label for label, config in (configs or {}).items()}).grow


class _Live:
    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = labels
        self.runs: dict[str, Run] = {}
        self.handle: Any = None
        self.cell: Any = None
        self.next_time = 0.0
        self.pending = False

    def grow(self, run: Run) -> None:
        if how_to_show() != "bar" or not in_notebook():
            return
        from IPython import get_ipython

        shell = get_ipython()
        here = getattr(shell, "execution_count", None)
        if here != self.cell:  # a figure that a cell above has shown would be updated there
            self.runs, self.handle, self.cell, self.next_time = {}, None, here, 0.0
            if hasattr(shell, "events"):
                shell.events.register("post_run_cell", self._cell_ended)
        label = self.labels.get(run.config.key, run.label)
        new = label not in self.runs
        self.runs[label] = run
        self.pending = True
        if new or time.monotonic() >= self.next_time:
            self.draw()

    def draw(self) -> None:
        from IPython.display import display

        alt = live_words(self.runs)
        data = {"text/html": as_image(draw_live(self.runs), alt), "text/plain": alt}
        if self.handle is None:
            self.handle = display(data, raw=True, display_id=True)
        else:
            self.handle.update(data, raw=True)
        self.pending = False
        self.next_time = time.monotonic() + PAUSE

    def _cell_ended(self, result: Any = None) -> None:
        from IPython import get_ipython

        get_ipython().events.unregister("post_run_cell", self._cell_ended)
        if self.pending and self.handle is not None:
            self.draw()


def draw_live(runs: Mapping[str, Run]) -> str:
    """Loss and accuracy of runs so far as an SVG: training dashed, validation solid, a colour for each run."""
    longest = max(run.epochs for run in runs.values())

    def curves(name: str) -> list[Line]:
        lines = []
        for i, (label, run) in enumerate(runs.items()):
            x, colour = range(1, run.epochs + 1), COLOURS[i % len(COLOURS)]
            lines.append(Line(x, run.history[name].tolist(), f"{label}, training", colour, "5 3", 1.2))
            lines.append(Line(x, run.history[f"val_{name}"].tolist(), f"{label}, validation", colour))
        return lines

    classes = len(next(iter(runs.values())).class_names)
    return learning_chart(curves, max(10, 5 * -(-longest // 5)), loss_top(runs), classes)


def loss_top(runs: Mapping[str, Run]) -> float:
    """Where a loss axis ends: at least at 1 and above guessing, so that a loss that does not move looks like one."""
    guess = float(np.log(len(next(iter(runs.values())).class_names)))
    highest = max(float(np.nanmax(run.history["val_loss"])) for run in runs.values())
    return min(max(1.0, highest, 1.2 * guess), 5.0)


def live_words(runs: Mapping[str, Run]) -> str:
    """Runs so far in words."""
    told = [
        f"{label}: epoch {run.epochs}, training loss {run.history['loss'][-1]:.3f}, validation loss "
        f"{run.history['val_loss'][-1]:.3f}, validation accuracy {run.history['val_accuracy'][-1]:.3f}"
        for label, run in runs.items()
    ]
    return f"Learning curves so far. {'; '.join(told)}."
