"""Learning curves that grow while a training runs: `live_curves`, the notebooks' `on_epoch`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from labutils.plots.curves import draw_learning_curves
from labutils.plots.figure import as_png, in_notebook, picture, styled
from labutils.progress import how_to_show

if TYPE_CHECKING:
    from labutils.runs import Run

SHARE = 0.05
"""Of the training's time, what drawing may take at most."""
PAUSE = 2.0
"""Seconds from one picture to the next, at least."""


def live_curves() -> Callable[[Run], None]:
    """Something to give to `train` or `train_all` as `on_epoch`: one figure, drawn anew as epochs are finished.

    It shows the run that is being trained. Where a training shows no bar (see `progress.Progress`) it shows nothing.

    Returns
    -------
    callable
        Gets the run so far. It draws at most every `PAUSE` seconds, and less often where drawing is slow.
    """
    handle = cell = None
    next_time = 0.0

    @styled
    def draw(run: Run) -> None:
        nonlocal handle, cell, next_time
        if how_to_show() != "bar" or not in_notebook() or time.monotonic() < next_time:
            return
        from IPython import get_ipython
        from IPython.display import display

        here = getattr(get_ipython(), "execution_count", None)
        if here != cell:  # a figure that a cell above has shown would be updated there
            handle, cell = None, here
        started = time.monotonic()
        figure, alt = draw_learning_curves({run.label: run})
        data, metadata = picture(as_png(figure, alt), alt)
        if handle is None:
            handle = display(data, metadata=metadata, raw=True, display_id=True)
        else:
            handle.update(data, metadata=metadata, raw=True)
        now = time.monotonic()
        next_time = now + max(PAUSE, (now - started) / SHARE)

    return draw
