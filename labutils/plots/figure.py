"""How a figure is made and shown: the shared style, marks that do not need colour, alt text, the PNG.

Every plotting function ends with `show`. What is drawn is the business of the other modules of `labutils.plots`.
"""

from __future__ import annotations

import functools
import html
import io
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from labutils import lab
from labutils.data.locate import title_of
from labutils.plots.charts import GREY, apart, as_image, fewer_levels
from labutils.progress import how_to_show
from labutils.runs.run import Run

STYLE = Path(__file__).parent.parent / "lab.mplstyle"

LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""A line and a marker for each colour of the style, so that runs differ in print and without colour vision."""
GUESS = GREY
"""Colour of what guessing gives."""
APART = 0.17
"""Inches from one line of a label to the next."""
COLOURS_KEPT = 128
"""Colours of a figure that is not grey."""
WIDEST = 9.0
"""Inches of a figure: in a window of 1000 pixels a wider one would be made smaller, and its letters with it."""

SOURCES = {"phantom": "phantom images", "course": "course data", "public": "public data"}

P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R | None]:
    """A plotting function that draws in the lab's style, whatever the notebook has set before."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R | None:
        if args and isinstance(args[0], Mapping) and not args[0]:
            # A notebook whose runs are not stored goes on without its figures.
            print(f"{draw.__name__.replace('_', ' ')}: no run to draw yet.")
            return None
        with matplotlib.style.context(STYLE, after_reset=True):
            return draw(*args, **kwargs)

    return drawn


def data_words(name: str, source: str) -> str:
    """The data as every figure names them: `Skin (phantom images)`."""
    return f"{title_of(name)} ({SOURCES.get(source, source)})"


def data_of(runs: Iterable[Run]) -> str:
    """The data of runs, each named once."""
    return " and ".join(sorted({data_words(run.config.dataset, run.source) for run in runs}))


def look(i: int) -> dict[str, Any]:
    """Colour, line and marker of the i-th of several runs (from 0)."""
    colours = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
    return {name: of[i % len(of)] for name, of in (("color", colours), ("linestyle", LINES), ("marker", MARKERS))}


def one_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of this many inches, and its only axes."""
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots()


def grid(size: tuple[float, float], n: int, columns: int, kinds: int = 1) -> tuple[Figure, list[list[Axes]]]:
    """A figure with `n` axes of each kind, in rows of `columns`; under each row stands that of the next kind."""
    figure = Figure(figsize=size)
    rows = figure.subplots(kinds * -(-n // columns), columns, squeeze=False)
    found = [list(rows[kind::kinds].flat) for kind in range(kinds)]
    for axes in found:
        for unused in axes[n:]:
            unused.remove()
    return figure, [axes[:n] for axes in found]


def label_ends(axes: Axes, ends: Iterable[tuple[float, str, Any]]) -> None:
    """Names at the right end of lines, by height, name and colour: as near to their lines as none is on another."""
    bottom, top = axes.get_ylim()
    line = APART * (top - bottom) * axes.figure.dpi / axes.bbox.height
    # A line that has diverged has no end: it is named where it went.
    named = sorted((float(np.nan_to_num(height, nan=top)), name, colour) for height, name, colour in ends)
    heights = [min(max(height, bottom), top) for height, *_ in named]
    places = apart(heights, [line * (name.count("\n") + 1) for _, name, _ in named], bottom, top)
    across = axes.get_yaxis_transform()
    for place, height, (_, name, colour) in zip(places, heights, named, strict=True):
        axes.plot([1, 1.02], [height, place], color=colour, linewidth=0.7, clip_on=False, transform=across)
        look = {"color": colour, "va": "center", "fontsize": 9, "annotation_clip": False}
        axes.annotate(name, (1.03, place), xycoords=across, **look)


def legend_above(axes: Axes) -> None:
    """What the marks of a figure mean, in a row between its title and its axes."""
    n = len(axes.get_legend_handles_labels()[1])
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=n, columnspacing=1.2, handlelength=1.8)


def wrap(label: str, width: int = 34) -> str:
    """A label in lines that fit beside or above a figure's axes."""
    return textwrap.fill(label, width)


def mark_said(label: str, said: str) -> str:
    """A label, marked where it is what the reader has predicted; small runs that stand in are meant too."""
    return f"{label} (you said)" if said and label.removesuffix(lab.SMALL_LABEL) == said else label


def also_said(labels: Iterable[str], said: str) -> str:
    """`You said: about equal`, where what the reader has predicted is none of the labels; else empty."""
    return f"You said: {said}" if said and all(mark_said(label, said) == label for label in labels) else ""


def show(figure: Figure, title: str, under: str, words: str, save: Path | str | None = None, said: str = "") -> None:
    """Save the figure where `save` says (a .png file, the same for the same figure), and show it in a notebook.

    Parameters
    ----------
    title, under : str
        What is seen, which begins the alt text too, in some 70 characters (wrapped if longer); and below, in small
        letters, which data they are and how they are drawn.
    words : str
        The figure in words, computed from the numbers in it: the alt text, and a folded line under the figure, because
        JupyterLab draws images without theirs. It is what nbval compares, so that a changed number is seen.
    said : str, optional
        A line more below the title, and in the words: see `also_said`.
    """
    width = figure.get_figwidth()
    lines = [*textwrap.wrap(title, int(10.5 * width)), said]
    figure.suptitle("\n".join(filter(None, lines)), x=0.01, horizontalalignment="left")
    figure.supxlabel(textwrap.fill(under, int(13.5 * width)), x=0.01, fontsize=9, horizontalalignment="left")
    alt = " ".join(filter(None, (f"{title}." if title else "", words, f"{said}." if said else "")))
    png = as_png(figure, alt)
    if _collected is not None:
        _collected.append((png, alt))
        return
    if save is not None:
        path = Path(save)
        if path.suffix.lower() != ".png":
            raise ValueError(f"Figures are saved as PNG, and {path.name} is no name of one: let it end in .png.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png)
    if in_notebook():
        from IPython.display import display

        data, metadata = picture(png, alt)
        display(data, metadata=metadata, raw=True)
        display({"text/html": in_words(alt), "text/plain": alt}, raw=True)


_collected: list[tuple[bytes, str]] | None = None


@contextmanager
def collect_figures() -> Iterator[list[tuple[bytes, str]]]:
    """Within it figures are not shown: they end up in the list, as PNG and alt text."""
    global _collected
    before, _collected = _collected, []
    try:
        yield _collected
    finally:
        _collected = before


def as_png(figure: Figure, alt: str) -> bytes:
    """The figure as a PNG file that holds its alt text, a third as large as one in all colours.

    Colours are rounded to steps of 5 of 255, which nobody sees; a grey figure stays grey, another keeps `COLOURS_KEPT`
    of them. Drawn once: `savefig` draws twice where a layout is computed.
    """
    canvas, buffer, words = FigureCanvasAgg(figure), io.BytesIO(), PngInfo()
    canvas.draw()
    words.add_text("Description", alt)
    pixels = fewer_levels(np.asarray(canvas.buffer_rgba())[..., :3])
    image = Image.fromarray(pixels[..., 0])
    if (pixels != pixels[..., :1]).any():
        image = Image.fromarray(pixels).quantize(COLOURS_KEPT, dither=Image.Dither.NONE)
    image.save(buffer, format="png", pnginfo=words, dpi=(figure.dpi, figure.dpi))
    return buffer.getvalue()


def picture(png: bytes, alt: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A PNG with its alt text, as data and metadata for IPython's `display` with `raw=True`.

    Where somebody has the notebook open it is an `<img>`: JupyterLab draws an image/png without its alt text.
    """
    if how_to_show() == "bar":
        return {"text/html": as_image(png, alt), "text/plain": alt}, {}
    return {"image/png": png, "text/plain": alt}, {"image/png": {"alt": alt}}


def in_words(alt: str) -> str:
    """An alt text as a folded line of HTML."""
    return f"<details><summary>This figure in words</summary>{html.escape(alt)}</details>"


def alt_text(file: Path | str) -> str:
    """The alt text inside a figure saved by `show`; empty if the file has none."""
    with Image.open(file) as image:
        return str(image.info.get("Description", ""))


def in_notebook() -> bool:
    """Whether there is a notebook, or IPython, that a figure can be shown in."""
    # Importing IPython only to learn that it is not running would cost a script a third of a second.
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None
