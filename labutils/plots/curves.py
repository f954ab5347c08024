"""Learning curves: loss and accuracy over the epochs, for one run or several, one seed or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from labutils.plots.charts import TRAINING, VALIDATION
from labutils.plots.figure import GUESS, also_said, count, data_of, grid, look, mark_said, one_axes, show, styled, wrap

if TYPE_CHECKING:
    from labutils.runs.run import Run

    Runs = dict[str, Run] | dict[str, list[Run]]

COLUMNS = 4
"""More runs than this side by side could not be read in a notebook's width."""


@dataclass(frozen=True)
class _Setting:
    """One run, or the same settings with several seeds, ready to be drawn."""

    label: str
    runs: list[Run]

    @property
    def epochs(self) -> int:
        return min(run.epochs for run in self.runs)

    @property
    def data(self) -> str:
        return data_of(self.runs[:1])

    def values(self, name: str) -> np.ndarray:
        """(seeds, epochs) of one column of the history."""
        return np.stack([run.history[name][: self.epochs] for run in self.runs])

    def best_accuracy(self) -> str:
        return self._said("best val. accuracy", self.values("val_accuracy").max(axis=1), self.runs[0].best_epoch)

    def lowest_loss(self) -> str:
        losses = np.nan_to_num(self.values("val_loss"), nan=np.inf)  # a loss that is no number is never the lowest
        return self._said("lowest val. loss", losses.min(axis=1), int(losses[0].argmin()))

    def _said(self, what: str, values: np.ndarray, epoch: int) -> str:
        if len(self.runs) > 1:
            return f"{what} {values.mean():.3f} ± {values.std(ddof=1):.3f}"
        return f"{what} {values[0]:.3f}, epoch {epoch + 1}"

    def without_looking(self) -> tuple[float, float]:
        """Loss and accuracy of whoever knows how frequent the classes are, and looks at no image."""
        run = self.runs[0]
        shares = np.bincount(run.y_val, minlength=len(run.class_names)) / len(run.y_val)
        there = shares[shares > 0]
        return float(-(there * np.log(there)).sum()), float(shares.max())

    def words(self) -> str:
        seeds = f" ({len(self.runs)} seeds, mean ± standard deviation)" if len(self.runs) > 1 else ""
        last = self.values("accuracy")[:, -1].mean()
        text = f"{self.label}{seeds}: {self.best_accuracy()}; {self.lowest_loss()}; last training accuracy {last:.3f}."
        return text.replace("val.", "validation").replace(", epoch", " at epoch")


@styled
def learning_curves(runs: Runs, save: Path | str | None = None, said: str = "") -> None:
    """Loss and accuracy over the epochs, training and validation, one column for each run.

    A list of runs is one setting trained with several seeds: its curves are the mean, in a band from the lowest seed to
    the highest. `said` is what the reader has predicted, marked where it is one of the labels: see `course.said`.
    """
    settings = _settings(runs, said)
    figure, loss_axes, accuracy_axes = _grid(len(settings))
    data = data_of(setting.runs[0] for setting in settings)
    same_data = len({setting.data for setting in settings}) == 1
    for setting, on_loss, on_accuracy in zip(settings, loss_axes, accuracy_axes, strict=True):
        label = wrap(setting.label) + ("" if same_data else f"\n{setting.data}")
        head = f"{label}\n" if len(settings) > 1 or not same_data else ""
        # Two runs stand in one row: each panel names its run, in lines that fit above it.
        beside = len(settings) == 2
        loss, share = setting.without_looking()
        _panel(on_loss, setting, "loss", loss)
        _panel(on_accuracy, setting, "accuracy", share)
        on_loss.set_title(head + setting.lowest_loss().replace("loss ", "loss\n" if beside else "loss "), fontsize=9)
        best = setting.best_accuracy()
        on_accuracy.set_title(head + best.replace("accuracy ", "accuracy\n") if beside else best, fontsize=9)
    what = f"{settings[0].label}: learning curves" if len(settings) == 1 else "Learning curves"
    figure.suptitle(f"{what} on {data}" if same_data else what)
    _legend(figure, settings)
    lengths = sorted({setting.epochs for setting in settings})
    over = count(lengths[0], "epoch") if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]} epochs"
    start = f"Learning curves of {count(len(settings), 'run')} on {data} over {over}."
    show(figure, " ".join([start, *(setting.words() for setting in settings)]), save, also_said(runs, said))


def real_curves(task: str, save: Path | str | None = None) -> None:
    """The learning curves of a task's runs on real images, as far as these are stored with the lab.

    Below them it is said of each where validation runs above training, and what makes it so.
    """
    from labutils import lab
    from labutils.evaluate import tell
    from labutils.runs.store import find

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
    """One quantity over the epochs for several runs, on the same axes; a list of runs as in `learning_curves`.

    Parameters
    ----------
    quantity : {"val_accuracy", "val_loss", "accuracy", "loss"}
        What to draw; the ones without `val_` belong to the training images.
    said : str
        What the reader has predicted, as in `learning_curves`.

    Raises
    ------
    ValueError
        If the quantity is none of the four.
    """
    settings = _settings(runs, said)
    if quantity not in ("val_accuracy", "val_loss", "accuracy", "loss"):
        raise ValueError(f"quantity is {quantity!r}: it must be val_accuracy, val_loss, accuracy or loss.")
    name = f"{'validation' if quantity.startswith('val') else 'training'} {quantity.removeprefix('val_')}"
    figure, axes = one_axes(8, 3.4)
    for i, setting in enumerate(settings):
        # Markers stand apart and start at different epochs, so that curves that run together stay readable.
        every = max(1, setting.epochs // 8)
        start = min(setting.epochs - 1, i * every // len(settings))
        _line(axes, setting, quantity, **look(i), markevery=(start, every), label=wrap(setting.label))
    data = data_of(setting.runs[0] for setting in settings)
    figure.suptitle(f"{name.capitalize()} on {data}")
    axes.set(xlabel="epoch", ylabel=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside right center")
    sentences = [_compared(setting, quantity) for setting in settings]
    words = f"{name.capitalize()} of {count(len(settings), 'run')} on {data}. {' '.join(sentences)}"
    show(figure, words, save, also_said(runs, said))


def _settings(runs: Runs, said: str) -> list[_Setting]:
    return [
        _Setting(mark_said(label, said), list(of) if isinstance(of, Sequence) else [of]) for label, of in runs.items()
    ]


def _grid(n: int) -> tuple[Figure, list[Axes], list[Axes]]:
    """A figure with `n` loss axes and `n` accuracy axes, each kind with one common scale."""
    if n <= 2:
        columns, figure = n, Figure(figsize=(8.5, 3.2) if n == 1 else (8.2, 3.3))
        row = list(figure.subplots(1, 2 * n))
        kinds = [row[:n], row[n:]]
    else:
        columns = min(n, COLUMNS if n > 6 or n == 4 else 3)
        figure, kinds = grid(
            (0.8 + 2.9 * columns, 0.9 + (3.7 if n <= 4 else 3.0) * -(-n // columns)), n, columns, kinds=2
        )
    for axes, name in zip(kinds, ("loss", "accuracy"), strict=True):
        for i, one in enumerate(axes):
            if i:
                one.sharex(axes[0])
                one.sharey(axes[0])
            if i % columns == 0:
                one.set_ylabel(name)
            else:
                one.tick_params(labelleft=False)
    for one in kinds[1] if n > 2 else [*kinds[0], *kinds[1]]:
        one.set_xlabel("epoch")
    return figure, kinds[0], kinds[1]


def _panel(axes: Axes, setting: _Setting, quantity: str, guess: float) -> None:
    axes.axhline(guess, color=GUESS, linestyle=":", linewidth=1)
    _line(axes, setting, quantity, color=TRAINING, linestyle="--")
    _line(axes, setting, f"val_{quantity}", color=VALIDATION, linestyle="-")
    if len(setting.runs) == 1:
        run = setting.runs[0]
        values = run.history[f"val_{quantity}"]
        best = run.best_epoch
        axes.axvline(best + 1, color=VALIDATION, linewidth=0.8, alpha=0.5)
        axes.plot(best + 1, values[best], "o", color=VALIDATION, markeredgecolor="black", zorder=4)
        if quantity == "loss":
            lowest = run.lowest_loss_epoch
            axes.plot(lowest + 1, values[lowest], "v", color="white", markeredgecolor="black", zorder=5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))


def _line(axes: Axes, setting: _Setting, quantity: str, **drawn: Any) -> None:
    values = setting.values(quantity)
    epochs = np.arange(1, setting.epochs + 1)
    if setting.epochs == 1:
        drawn.setdefault("marker", ".")  # a line of one point would not be seen
    axes.plot(epochs, values.mean(axis=0), **drawn)
    if len(setting.runs) > 1:
        axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=drawn["color"], alpha=0.2, linewidth=0)


def _legend(figure: Figure, settings: list[_Setting]) -> None:
    handles = [
        Line2D([], [], color=TRAINING, linestyle="--", label="training"),
        Line2D([], [], color=VALIDATION, label="validation"),
        Line2D([], [], color=GUESS, linestyle=":", linewidth=1, label="guessing"),
    ]
    if any(len(setting.runs) == 1 for setting in settings):
        handles += [
            Line2D([], [], color=VALIDATION, marker="o", markeredgecolor="black", linewidth=0.8, label="best accuracy"),
            Line2D([], [], color="white", marker="v", markeredgecolor="black", linestyle="", label="lowest val. loss"),
        ]
    if any(len(setting.runs) > 1 for setting in settings):
        handles.append(Line2D([], [], color=VALIDATION, linewidth=8, alpha=0.2, label="from lowest to highest seed"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def _compared(setting: _Setting, quantity: str) -> str:
    values = setting.values(quantity).mean(axis=0)
    extreme, best = ("highest", values.argmax()) if quantity.endswith("accuracy") else ("lowest", values.argmin())
    mean = f" (mean of {len(setting.runs)} seeds)" if len(setting.runs) > 1 else ""
    return f"{setting.label}{mean}: {extreme} {values[best]:.3f} at epoch {best + 1}, last {values[-1]:.3f}."
