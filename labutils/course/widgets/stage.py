"""How every control is shown: a still picture and its words everywhere, the control itself where someone can move it.

The still picture is an output of its own, so that a notebook that is opened again, or read on a static page, shows it;
a style sheet hides it as soon as the control beside it is alive. papermill, nbval and the committed notebooks see the
still picture and its words alone: nothing there waits for a click.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Callable
from typing import Any

from labutils.progress import how_to_show

NOTHING = "No run to show yet: train one first (see train_missing under Parameters)."

STYLE = (
    "<style>"
    ".jp-OutputArea:has(.labutils-live) :is(.labutils-still, .jp-RenderedImage) { display: none; }"
    # What is left of a control when its kernel is gone is "Loading widget..." or an error message; the still picture
    # stands for it.
    ".jp-OutputArea:has(.labutils-still) :is(.jupyter-widgets, .lm-Panel.jp-OutputArea-output):not(:has(*))"
    " { display: none; }"
    ".labutils-still img { max-width: 100%; }"
    "</style>"
)


HINT = "<p><em>Run this cell to move it.</em></p>"


def is_live() -> bool:
    """Whether somebody has this notebook open, so that a control can be moved; papermill and nbval have it not."""
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    return getattr(shell, "kernel", None) is not None and how_to_show() == "bar"


def show(words: str, still: str = "", live: Callable[[], Any] | None = None) -> None:
    """Show a control.

    Parameters
    ----------
    words : str
        Its default state, in words computed from the numbers that it shows: what nbval compares.
    still : str
        HTML of the same state.
    live : callable, optional
        Makes the widget; called only where it can be moved.
    """
    from IPython.display import display

    hint = HINT if live else ""
    said = "".join(f"<p>{html.escape(line)}</p>" for line in words.splitlines())
    content = f'{STYLE}<div class="labutils-still">{still}{said}{hint}</div>'
    display({"text/html": content, "text/plain": words}, raw=True)
    if live and is_live():
        display(mark_live(live()))


def mark_live(widget: Any) -> Any:
    """The widget, with the mark that hides the still picture beside it."""
    widget.add_class("labutils-live")
    return widget
