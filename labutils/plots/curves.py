"""Learning curves: loss and accuracy over the epochs, for one run or several, one seed or several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from labutils import lab
from labutils.evaluate.curves import WINDOW
from labutils.evaluate.sentences import tell
from labutils.plots.charts import INK, TRAINING, VALIDATION
from labutils.plots.figure import (
    GUESS,
    WIDEST,
    also_said,
    data_of,
    grid,
    label_ends,
    look,
    mark_said,
    one_axes,
    show,
    styled,
    wrap,
)
from labutils.plots.seen import loss_top, smoothed, title_of, title_of_compared
from labutils.runs.run import Run
from labutils.runs.store import find
from labutils.statistics import count

if TYPE_CHECKING:
    Runs = dict[str, Run] | dict[str, list[Run]]

COLUMNS = 4
"""More runs than this side by side could not be read in a notebook's width."""
SMOOTH = 3 * WINDOW
"""Epochs from which on a curve is drawn smoothed: of fewer the mean over `WINDOW` would show little."""


@dataclass(frozen=True)
class _Setting:
    """One run, or the same settings with several seeds, ready to be drawn."""

    name: str
    runs: list[Run]
    label: str

    @property
    def epochs(self) -> int:
        return min(run.epochs for run in self.runs)

    @property
    def data(self) -> str:
        return data_of(self.runs[:1])

    def values(self, name: str) -> np.ndarray:
        """(seeds, epochs) of one column of the history."""
        return np.stack([run.history[name][: self.epochs] for run in self.runs])

    def mean(self, name: str) -> np.ndarray:
        return self.values(name).mean(axis=0)

    def line(self, name: str) -> np.ndarray:
        """(epochs,) as the thick line shows them."""
        mean = self.mean(name)
        return smoothed(mean) if self.epochs >= SMOOTH and np.isfinite(mean).all() else mean

    def best_accuracy(self) -> str:
        return self._said("best", self.values("val_accuracy").max(axis=1), self.runs[0].best_epoch)

    def lowest_loss(self) -> str:
        losses = np.nan_to_num(self.values("val_loss"), nan=np.inf)  # a loss that is no number is never the lowest
        return self._said("lowest", losses.min(axis=1), int(losses[0].argmin()))

    def _said(self, what: str, values: np.ndarray, epoch: int) -> str:
        if len(self.runs) > 1:
            return f"{what} {values.mean():.3f} ± {values.std(ddof=1):.3f}"
        return f"{'● ' if what == 'best' else '▽ '}{what} {values[0]:.3f}, epoch {epoch + 1}"

    def without_looking(self) -> dict[str, float]:
        """Loss and accuracy of whoever knows how frequent the classes are, and looks at no image."""
        run = self.runs[0]
        shares = np.bincount(run.y_val, minlength=len(run.class_names)) / len(run.y_val)
        there = shares[shares > 0]
        return {"loss": float(-(there * np.log(there)).sum()), "accuracy": float(shares.max())}

    def words(self) -> str:
        seeds = f" ({len(self.runs)} seeds, mean ± standard deviation)" if len(self.runs) > 1 else ""
        best = self.best_accuracy().replace("best", "best validation accuracy")
        lowest = self.lowest_loss().replace("lowest", "lowest validation loss")
        told = re.sub("[●▽] ", "", f"{best}; {lowest}").replace(", epoch", " at epoch")
        return f"{self.label}{seeds}: {told}; last training accuracy {self.mean('accuracy')[-1]:.3f}."


@styled
def learning_curves(runs: Runs, save: Path | str | None = None, said: str = "") -> None:
    """Loss and accuracy over the epochs, training and validation, one column for each run.

    A list of runs is one setting trained with several seeds: its curves are the mean, in a band from the lowest seed to
    the highest. `said` is what the reader has predicted, marked where it is one of the labels: see `course.said`.
    """
    settings = _settings(runs, said)
    figure, columns, rows = _grid(len(settings))
    data = data_of(setting.runs[0] for setting in settings)
    same_data = len({setting.data for setting in settings}) == 1
    guesses = [setting.without_looking() for setting in settings]
    losses = [setting.mean(name) for setting in settings for name in ("loss", "val_loss")]
    rows["loss"][0].set_ylim(0, loss_top(losses, max(guess["loss"] for guess in guesses)))
    for quantity, row in rows.items():
        panels = list(zip(row, settings, guesses, strict=True))
        for axes, setting, guess in panels:
            _panel(axes, setting, quantity, guess[quantity])
            titles = [setting.best_accuracy()]
            if quantity == "loss":
                names = [setting.label] * (len(settings) > 1 or not same_data) + [setting.data] * (not same_data)
                titles = [*(wrap(name, min(34, 90 // columns)) for name in names), setting.lowest_loss()]
            axes.set_title("\n".join(titles), fontsize=9)
        for axes, setting, guess in panels[columns - 1 :: columns]:
            ends = (("training", quantity, TRAINING), ("validation", f"val_{quantity}", VALIDATION))
            named = [(setting.line(column)[-1], name, colour) for name, column, colour in ends]
            label_ends(axes, [(guess[quantity], "guessing", GUESS), *named])
    above = _above(rows["loss"], settings, "loss", "val_loss")
    lengths = sorted({setting.epochs for setting in settings})
    over = count(lengths[0], "epoch") if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]} epochs"
    curves = ({name: setting.mean(name) for name in setting.runs[0].history} for setting in settings)
    title = title_of({s.name: (own, guess["loss"]) for s, own, guess in zip(settings, curves, guesses, strict=True)})
    start = f"Learning curves of {count(len(settings), 'run')} on {data} over {over}."
    words = " ".join([start, *(setting.words() for setting in settings), above]).strip()
    show(figure, title, f"Learning curves on {data}. {_drawn(settings)}{above}", words, save, also_said(runs, said))


def real_curves(task: str, save: Path | str | None = None) -> None:
    """The learning curves of a task's runs on real images, as far as these are stored with the lab.

    Below them it is said of each where validation runs above training, and what makes it so.
    """
    runs = find(lab.runs(task), lab.REAL)
    learning_curves(runs, save)
    for label, run in runs.items():
        tell("above training", [run], label=label)


@styled
def compare_curves(
    runs: Runs,
    quantity: Literal["val_accuracy", "val_loss", "accuracy", "loss"] = "val_accuracy",
    save: Path | str | None = None,
    said: str = "",
) -> None:
    """One quantity over the epochs for several runs, on the same axes; `runs` and `said` as in `learning_curves`.

    Quantities without `val_` belong to the training images; one that is none of the four raises ValueError.
    """
    settings = _settings(runs, said)
    if quantity not in ("val_accuracy", "val_loss", "accuracy", "loss"):
        raise ValueError(f"quantity is {quantity!r}: it must be val_accuracy, val_loss, accuracy or loss.")
    name = f"{'validation' if quantity.startswith('val') else 'training'} {quantity.removeprefix('val_')}"
    figure, axes = one_axes(8.5, 3.6)
    if quantity.endswith("loss"):
        guess = max(setting.without_looking()["loss"] for setting in settings)
        axes.set_ylim(0, loss_top([setting.mean(quantity) for setting in settings], guess))
    for i, setting in enumerate(settings):
        # Markers stand apart and start at different epochs, so that curves that run together stay readable.
        every = max(1, setting.epochs // 8)
        start = min(setting.epochs - 1, i * every // len(settings))
        _line(axes, setting, quantity, **look(i), markevery=(start, every))
    axes.set(xlabel="epoch", ylabel=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.01)
    ends = [(one.line(quantity)[-1], wrap(one.label, 24), look(i)["color"]) for i, one in enumerate(settings)]
    label_ends(axes, ends)
    data = data_of(setting.runs[0] for setting in settings)
    above = _above([axes] * len(settings), settings, quantity)
    sentences = " ".join(_compared(setting, quantity) for setting in settings)
    words = f"{name.capitalize()} of {count(len(settings), 'run')} on {data}. {sentences} {above}".strip()
    title = title_of_compared({setting.name: setting.line(quantity) for setting in settings}, quantity)
    show(figure, title, f"{name.capitalize()} on {data}. {_drawn(settings)}{above}", words, save, also_said(runs, said))


def _settings(runs: Runs, said: str) -> list[_Setting]:
    several = {label: list(of) if isinstance(of, Sequence) else [of] for label, of in runs.items()}
    return [_Setting(label, own, mark_said(label, said)) for label, own in several.items()]


def _drawn(settings: list[_Setting]) -> str:
    """How the lines of a figure are made, in words."""
    smooth, several = any(one.epochs >= SMOOTH for one in settings), any(len(one.runs) > 1 for one in settings)
    said = f"Thick lines: mean over {WINDOW} epochs, fewer at the ends; pale: every epoch. " * smooth
    return said + "Bands: from the lowest seed to the highest, lines: their mean. " * several


def _above(row: Sequence[Axes], settings: list[_Setting], *names: str) -> str:
    """Marks where a loss lies above its axis, and says so; empty if none does."""
    said = []
    for axes, setting in zip(row, settings, strict=True):
        highest, top = np.fmax.reduce([setting.mean(name) for name in names]), axes.get_ylim()[1]
        at = int(np.nan_to_num(highest, nan=-np.inf).argmax())
        if highest[at] > top:
            axes.plot(at + 1, top, "^", color=INK, clip_on=False)
            said.append(f"▲ {setting.name} is above the axis: {highest[at]:.2f} at epoch {at + 1}.")
    return " ".join(said)


def _grid(n: int) -> tuple[Figure, int, dict[str, list[Axes]]]:
    """A figure, its columns, and `n` axes for loss and for accuracy, each kind with one common scale."""
    columns = min(n, COLUMNS if n > 6 or n == 4 else 3)
    if n == 1:
        figure = Figure(figsize=(WIDEST, 3.6))
        kinds = [[axes] for axes in figure.subplots(1, 2)]
    else:
        size = (min(WIDEST, 1.7 + 2.6 * columns), 1.1 + (3.6 if n <= 4 else 3.0) * -(-n // columns))
        figure, kinds = grid(size, n, columns, kinds=2)
    for axes, name in zip(kinds, ("loss (cross-entropy)", "accuracy"), strict=True):
        for i, one in enumerate(axes):
            if i:
                one.sharex(axes[0])
                one.sharey(axes[0])
            if i % columns == 0:
                one.set_ylabel(name)
            else:
                one.tick_params(labelleft=False)
            if n == 1 or axes is kinds[1]:
                one.set_xlabel("epoch")
    return figure, columns, {"loss": kinds[0], "accuracy": kinds[1]}


def _panel(axes: Axes, setting: _Setting, quantity: str, guess: float) -> None:
    axes.axhline(guess, color=GUESS, linestyle=":", linewidth=1)
    _line(axes, setting, quantity, color=TRAINING, linestyle="--")
    _line(axes, setting, f"val_{quantity}", color=VALIDATION, linestyle="-")
    if len(setting.runs) == 1:
        run = setting.runs[0]
        values, best, lowest = run.history[f"val_{quantity}"], run.best_epoch, run.lowest_loss_epoch
        axes.axvline(best + 1, color=VALIDATION, linewidth=0.8, alpha=0.5)
        axes.plot(best + 1, values[best], "o", color=VALIDATION, markeredgecolor="black", zorder=4)
        if quantity == "loss":
            axes.plot(lowest + 1, values[lowest], "v", color="white", markeredgecolor="black", zorder=5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))


def _line(axes: Axes, setting: _Setting, quantity: str, **drawn: Any) -> None:
    """A setting's line, and pale behind it what it is the mean of."""
    values, line = setting.values(quantity), setting.line(quantity)
    epochs = np.arange(1, setting.epochs + 1)
    if setting.epochs == 1:
        drawn.setdefault("marker", ".")  # a line of one point would not be seen
    if len(values) > 1:
        axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=drawn["color"], alpha=0.2, linewidth=0)
    elif not np.array_equal(line, values[0], equal_nan=True):
        axes.plot(epochs, values[0], color=drawn["color"], linewidth=0.8, alpha=0.45)
    axes.plot(epochs, line, **drawn)


def _compared(setting: _Setting, quantity: str) -> str:
    values, extreme = setting.mean(quantity), "lowest" if quantity.endswith("loss") else "highest"
    best = np.nan_to_num(values, nan=np.inf).argmin() if extreme == "lowest" else values.argmax()
    mean = f" (mean of {len(setting.runs)} seeds)" if len(setting.runs) > 1 else ""
    return f"{setting.label}{mean}: {extreme} {values[best]:.3f} at epoch {best + 1}, last {values[-1]:.3f}."
