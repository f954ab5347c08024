"""`beside_the_lab`: the runs of a notebook's reader beside the lab's stored ones, where a setting was changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from labutils import lab
from labutils.config import scientific
from labutils.course.widgets.control import needs_run, show
from labutils.evaluate.compare import accuracy_difference, mcnemar, same_images
from labutils.plots.charts import COLOURS, GREY, Line, as_image, learning_chart
from labutils.plots.live import loss_top
from labutils.runs.store import SETTINGS, find, lab_store, nearest
from labutils.statistics import p_words

if TYPE_CHECKING:
    from labutils.runs.run import Run

LEFT = 0.03
"""A training loss this far below that of guessing, as a share of it, has left the plateau."""
UNCHANGED = "These are the lab's own runs. Change lr, n_epoch or n_train above, and the lab's stand behind yours here."
NONE_STORED = "The lab has stored no runs on these images: there is nothing to set yours beside."


@needs_run
def beside_the_lab(runs: Mapping[str, Run], task: str) -> None:
    """The reader's runs in colour before the lab's stored runs in grey, with a paired test against the nearest of them.

    One sentence more if a run is too short, or its rate too low or too high, to leave the plateau that training begins
    on. Where the runs are the lab's own it says so and draws nothing.

    Parameters
    ----------
    runs : mapping of str to Run
        A notebook's runs, by label.
    task : str
        "task1b" to "task9".
    """
    planned = {(c.key, c.epochs) for c in (*lab.runs(task).values(), *lab.stand_ins(task).values())}
    own = {label: run for label, run in runs.items() if (run.config.key, run.epochs) not in planned}
    stored: dict[str, Run] = {}
    for source in sorted({run.source for run in runs.values()}):
        stored |= find(lab.runs(task), source, small=True, among=lab_store())
    if not own or not stored:
        show(UNCHANGED if stored else NONE_STORED)
        return
    words = "\n".join(in_words(label, run, stored) for label, run in own.items())
    show(words, as_image(draw_beside(own, stored), words))


def left_plateau(run: Run) -> int | None:
    """The epoch, from 1, at which the training loss first was clearly below that of guessing; None if it never was."""
    below = np.flatnonzero(np.asarray(run.history["loss"]) < (1 - LEFT) * np.log(len(run.class_names)))
    return int(below[0]) + 1 if below.size else None


def in_words(label: str, run: Run, stored: Mapping[str, Run]) -> str:
    """What a run of the reader's is beside the nearest stored one, and what to try if it has not begun to learn."""
    near = nearest(run, {label: other for label, other in stored.items() if same_images(run, other)})
    said = f"{label}, {run.epochs} epochs: best validation accuracy {run.history['val_accuracy'].max():.3f}."
    if other := stored.get(near or ""):
        test = mcnemar(run, other)
        changed = ", ".join(name for name in SETTINGS if getattr(run.config, name) != getattr(other.config, name))
        said += (
            f" The lab's nearest stored run, {near}, {other.epochs} epochs{f' (other {changed})' if changed else ''}: "
            f"{other.history['val_accuracy'].max():.3f}; difference {accuracy_difference(run, other)}, only yours is "
            f"right on {test.n10} images, only the lab's on {test.n01}: McNemar's {p_words(test.p)}."
        )
    elif stored:
        said += " The lab's runs were validated on other images: there is no paired test."
    if left_plateau(run) is None:
        said += " " + _what_to_try(run, stored)
    return said


def draw_beside(own: Mapping[str, Run], stored: Mapping[str, Run]) -> str:
    """Validation loss and accuracy of both kinds of runs as an SVG, the lab's in grey."""

    def curves(name: str) -> list[Line]:
        def line(run: Run, label: str, colour: str, width: float) -> Line:
            return Line(range(1, run.epochs + 1), run.history[f"val_{name}"].tolist(), label, colour, width=width)

        behind = [line(run, f"the lab's: {label}", GREY, 2.5) for label, run in stored.items()]
        return behind + [line(run, label, COLOURS[i % 6], 1.8) for i, (label, run) in enumerate(own.items())]

    longest = max(10, *(run.epochs for run in (*own.values(), *stored.values())))
    classes = len(next(iter(own.values())).class_names)
    return learning_chart(curves, longest, loss_top(own), classes, of="validation ")


def _what_to_try(run: Run, stored: Mapping[str, Run]) -> str:
    rate = run.config.learning_rate
    begun = {label: left_plateau(other) for label, other in stored.items()}
    same = [label for label, epoch in begun.items() if epoch and stored[label].config.key == run.config.key]
    rates = [stored[label].config.learning_rate for label, epoch in begun.items() if epoch]
    head = f"Its training loss is still that of guessing after {run.epochs} epochs: "
    if same:
        return f"{head}the lab's run with these settings left it at epoch {begun[same[0]]}. Try as many epochs."
    highest = max(rates, default=rate)
    if rate > highest:
        return f"{head}the lab's runs that learn have a smaller rate. Try lr {scientific(highest)}."
    if rate < highest:
        return f"{head}the lab's run at lr {scientific(highest)} gets away. Try that rate, or more epochs."
    return f"{head}try more epochs, or another learning rate."
