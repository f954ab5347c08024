"""Controls around functions that draw or return a table, with no logic of their own, and what is shown without one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labutils import explain, plots, training
from labutils.course.widgets.control import (
    HINT,
    Controls,
    Drawn,
    Knob,
    as_still,
    is_live,
    needs_run,
    number_knob,
    show_live,
)
from labutils.data.dataset import images_for, load_dataset
from labutils.errors import StoreError
from labutils.evaluate.sentences import say
from labutils.plots.charts import as_image
from labutils.plots.evidence import matrix_chart, reliability_chart
from labutils.plots.figure import collect_figures, in_words, picture
from labutils.runs.run import Run

if TYPE_CHECKING:
    from labutils.data import Dataset


@needs_run
def explore_epochs(draw: Callable[[Run, int], None], runs: Mapping[str, Run]) -> None:
    """A choice of run and a slider over its epochs, around `draw`.

    `draw` draws one run at one epoch, counted from 0, such as `plots.confusion_matrix`; of this and
    `plots.reliability` a chart moves with the slider, which is drawn in a few milliseconds.
    """
    chart = {"confusion_matrix": matrix_chart, "reliability": reliability_chart}.get(draw.__name__)

    def at_end(draw: Callable[[Run, int], Any]) -> Callable[..., Any]:
        """A run that is over is drawn at its last epoch."""
        return lambda run, epoch: draw(run, min(epoch, run.epochs) - 1)

    which = Knob("run", "run", tuple(runs.items()), kind="menu")
    choices = range(1, 1 + max(run.epochs for run in runs.values()))
    epochs = number_knob("epoch", "epoch", choices, next(iter(runs.values())).best_epoch + 1)
    _control(at_end(draw), which, epochs, quick=at_end(chart) if chart else None)


def explore_number(show: Callable[[Any], Any], name: str, values: Sequence, start: Any) -> None:
    """A slider over some values of one quantity, around `show`, which draws, or returns a table, for one of them.

    `name` is what the quantity is called; it begins at the value nearest to `start`.
    """
    nearest = min(values, key=lambda value: abs(value - start))
    _control(lambda value: show(value), number_knob("value", name, values, nearest))


@needs_run
def show_gradcam(run: Run, dataset: Dataset) -> None:
    """Grad-CAM on validation images that a run is surest of, half of them right and half wrong, with its warning.

    A small run stands in for one whose weights are not stored (`training.with_weights`).
    """
    run = training.with_weights(run)
    try:
        model, epoch = training.load_best(run)
    except StoreError as error:
        print(error)
        return
    dataset, epoch = images_of(run, dataset), min(epoch, run.epochs - 1)
    chosen = explain.telling_images(run, epoch=epoch)
    heat = explain.gradcam(model, dataset.x_val[chosen])
    plots.gradcam_grid(run, dataset, chosen, heat, epoch)
    say(explain.WARNING)


def images_of(run: Run, dataset: Dataset) -> Dataset:
    """The images in the size that a run's network takes: a stand-in's are smaller than the notebook's."""
    if run.config.image_size == dataset.image_size:
        return dataset
    return load_dataset(*images_for(run.config, dataset.source))


def _control(show: Callable[..., Any], *knobs: Knob, quick: Callable[..., tuple[str, str]] | None = None) -> None:
    """What `show` draws, or the table that it returns, and controls around it where somebody can move them.

    Not `interact`: its output area makes nbclient, and with it papermill, send messages in the middle of a cell, and
    about once in twenty times it then misses that the cell has ended and waits for ever (nbclient's issue 312).
    """
    from IPython.display import display

    def drawn(values: dict[str, Any]) -> tuple[list[tuple[bytes, str]], Any]:
        """The last figure, if there is one, and the table."""
        with collect_figures() as figures:
            table = show(**values)
        return figures[-1:], table

    def moved(controls: Controls) -> None:
        said = ", ".join(f"{knob.label} {knob.choices[controls.places[knob.name]][0]}" for knob in knobs)
        if quick:
            svg, alt = quick(**controls.values)
            controls.put(Drawn(svg + in_words(alt), said))
            return
        figures, table = drawn(controls.values)
        pictures = "".join(as_image(png, alt, "max-width: 100%") + in_words(alt) for png, alt in figures)
        controls.put(Drawn(pictures + ("" if table is None else table._repr_html_()), said))

    hint = HINT if is_live() else ""
    figures, table = drawn({knob.name: knob.choices[knob.start][1] for knob in knobs})
    for png, alt in figures:
        data, metadata = picture(png, alt)
        if "text/html" in data:
            data["text/html"] = f'<div class="labutils-still">{data["text/html"]}</div>'
        display(data, metadata=metadata, raw=True)
        display({"text/html": as_still(in_words(alt) + hint), "text/plain": alt}, raw=True)
    if table is not None:
        display({"text/html": as_still(table._repr_html_() + hint), "text/plain": repr(table)}, raw=True)
    show_live(lambda: Controls(", ".join(knob.label for knob in knobs), knobs, moved).widget)
