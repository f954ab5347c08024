"""Learning curves that grow while a training runs: `live_curves` for `train_all`, `live_fit` for Keras's own `fit`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from labutils.config import RunConfig
from labutils.errors import ParameterError
from labutils.plots import seen
from labutils.plots.charts import COLOURS, TRAINING, VALIDATION, Line, as_image, learning_chart
from labutils.plots.figure import in_notebook
from labutils.progress import how_to_show
from labutils.runs.run import Run

if TYPE_CHECKING:
    import keras

PAUSE = 0.5
"""Seconds from one picture to the next, at least: drawing takes a few milliseconds."""


def live_curves(configs: Mapping[str, RunConfig] | None = None) -> Callable[[Run], None]:
    """Something to give to `train` or `train_all` as `on_epoch`: one figure of all runs of the cell, which grows.

    It is drawn after the first epoch, at most every half second after that, and once more when the cell ends or is
    interrupted. Where a training shows no bar (see `progress.Progress`) it shows nothing. The keys of `configs` are
    what the runs are called; without them they are named by their settings.
    """
    labels, live = {config.key: label for label, config in (configs or {}).items()}, _Live()

    def grow(run: Run) -> None:
        if how_to_show() == "bar":
            live.grow(labels.get(run.config.key, run.label), run)

    return grow


def live_fit(label: str) -> keras.callbacks.Callback:
    """A callback for Keras's `fit`: loss and accuracy of training and validation, drawn as they come.

    The two fits before it that were called otherwise are drawn beside it: what a change has changed can be seen. `fit`
    needs `validation_data`, and "accuracy" among the metrics that the network was compiled with. When it ends the
    figure stays; outside a notebook nothing is shown.

    Examples
    --------
    `network.fit(x, y, validation_data=(x_val, y_val), verbose=0, callbacks=[plots.live_fit("dropout 0.4")])`
    """
    from labutils.keras_import import import_keras

    class LiveFit(import_keras().callbacks.Callback):  # type: ignore[name-defined, misc]
        def on_train_begin(self, logs: dict | None = None) -> None:
            _FITS.pop(label, None)
            for earlier in list(_FITS)[:-_BESIDE]:
                del _FITS[earlier]
            self.live = _Live(dict(_FITS))
            outputs = self.model.output_shape[-1]
            self.fit = _Fit({name: np.empty(0) for name in COLUMNS}, ("",) * max(2, outputs))

        def on_epoch_end(self, epoch: int, logs: dict) -> None:
            if missing := [name for name in COLUMNS if name not in logs]:
                raise ParameterError(
                    f"There is no {missing[0]} to draw: compile with metrics=['accuracy'], and give fit "
                    "validation_data=(images, labels)."
                )
            history = {name: np.append(values, logs[name]) for name, values in self.fit.history.items()}
            self.fit = _FITS[label] = replace(self.fit, history=history)
            self.live.grow(label, self.fit)

        def on_train_end(self, logs: dict | None = None) -> None:
            self.live.finish()

    return LiveFit()


@dataclass(frozen=True)
class _Fit:
    history: dict[str, np.ndarray]
    class_names: tuple[str, ...]

    @property
    def epochs(self) -> int:
        return len(self.history["loss"])


COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")
_BESIDE = 2
_FITS: dict[str, _Fit] = {}
"""The last fits of this kernel, by what they are called."""


class _Live:
    def __init__(self, beside: Mapping[str, _Fit] | None = None) -> None:
        self.beside = beside or {}
        self.runs: dict[str, Run | _Fit] = {}
        self.handle: Any = None
        self.cell: Any = None
        self.next_time = 0.0
        self.pending = False

    def grow(self, label: str, run: Run | _Fit) -> None:
        if not in_notebook():
            return
        from IPython import get_ipython

        shell = get_ipython()
        here = getattr(shell, "execution_count", None)
        if here != self.cell:  # a figure that a cell above has shown would be updated there
            self.runs, self.handle, self.cell, self.next_time = dict(self.beside), None, here, 0.0
            if hasattr(shell, "events"):
                shell.events.register("post_run_cell", self._cell_ended)
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
        self.finish()

    def finish(self) -> None:
        if self.pending and self.handle is not None:
            self.draw()


def draw_live(runs: Mapping[str, Run | _Fit]) -> str:
    """Loss and accuracy of runs so far as an SVG: training dashed, validation solid; each of several has a colour."""
    longest = max(run.epochs for run in runs.values())

    def curves(name: str) -> list[Line]:
        lines = []
        for i, (label, run) in enumerate(runs.items()):
            x = range(1, run.epochs + 1)
            colours = (TRAINING, VALIDATION) if len(runs) == 1 else (COLOURS[i % len(COLOURS)],) * 2
            who = f"{label}, " if len(runs) > 1 else ""
            lines.append(Line(x, run.history[name].tolist(), f"{who}training", colours[0], "5 3", 1.2))
            lines.append(Line(x, run.history[f"val_{name}"].tolist(), f"{who}validation", colours[1]))
        return lines

    classes = len(next(iter(runs.values())).class_names)
    of = f"{next(iter(runs))}: " if len(runs) == 1 else ""
    return learning_chart(curves, max(10, 5 * -(-longest // 5)), loss_top(runs), classes, of)


def loss_top(runs: Mapping[str, Run | _Fit]) -> float:
    """Where a loss axis ends: at least at 1 and above guessing, so that a loss that does not move looks like one."""
    guess = float(np.log(len(next(iter(runs.values())).class_names)))
    return max(1.0, seen.loss_top([run.history["val_loss"] for run in runs.values()], 1.15 * guess))


def live_words(runs: Mapping[str, Run | _Fit]) -> str:
    """Runs so far in words."""
    told = [
        f"{label}: epoch {run.epochs}, training loss {run.history['loss'][-1]:.3f}, validation loss "
        f"{run.history['val_loss'][-1]:.3f}, validation accuracy {run.history['val_accuracy'][-1]:.3f}"
        for label, run in runs.items()
    ]
    return f"Learning curves so far. {'; '.join(told)}."
