"""Controls whose picture comes from the kernel: sliders and menus of ipywidgets around one function that draws."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from labutils.charts import as_image
from labutils.widgets.stage import show


class Drawn(NamedTuple):
    """What one state of a control looks like: an SVG or other HTML, and its words."""

    picture: str
    words: str


def control(draw: Callable[..., Drawn], make_controls: Callable[[], dict[str, Any]], **start: Any) -> None:
    """Show a control: its picture and words at the values `start`, and sliders where they can be moved.

    Parameters
    ----------
    draw : callable
        Gets one value for each control; quick enough to be called while a slider moves.
    make_controls : callable
        Makes the widgets, by the names that `draw` knows. Called only where somebody can move them.
    **start
        The values at first.
    """
    first = draw(**start)
    picture = as_image(first.picture, first.words) if first.picture.startswith("<svg") else first.picture
    show(first.words, picture, lambda: box(draw, make_controls()))


def box(draw: Callable[..., Drawn], controls: dict[str, Any]) -> Any:
    """Controls above what `draw` gives for their values."""
    import ipywidgets

    shown = ipywidgets.HTML()

    def refresh(change: Any = None) -> None:
        try:
            drawn = draw(**{name: control.value for name, control in controls.items()})
        except Exception as error:  # nobody sees what is raised here
            shown.value = f"<pre>{html.escape(f'{type(error).__name__}: {error}')}</pre>"
        else:
            shown.value = as_html(drawn)

    refresh()
    for one in controls.values():
        one.observe(refresh, "value")
    return ipywidgets.VBox([*controls.values(), shown])


def as_html(drawn: Drawn) -> str:
    """A state for a live control: letters of a chart in the colour of the page."""
    picture = drawn.picture.replace('fill="#767676"', 'fill="currentColor"')
    label = html.escape(drawn.words, quote=True)
    if picture.startswith("<svg"):
        picture = picture.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
    said = "".join(f"<p>{html.escape(line)}</p>" for line in drawn.words.splitlines())
    return f'{picture}<div role="status">{said}</div>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as those outside controls look: read from the left."""
    head = "".join(f'<th scope="col" style="text-align: left">{html.escape(text)}</th>' for text in heads)
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align: left">{html.escape(text)}</td>' for text in row) + "</tr>"
        for row in rows
    )
    return f'<table class="dataframe"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def png(pixels: np.ndarray, alt: str, size: int) -> str:
    """Pixels (h, w) or (h, w, 3) in [0, 1] as an `<img>`, `size` pixels high, without smoothing."""
    from PIL import Image

    values = np.round(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values).save(buffer, format="png")
    data = base64.b64encode(buffer.getvalue()).decode()
    look = f"height: {size}px; image-rendering: pixelated; margin: 3px"
    return f'<img alt="{html.escape(alt, quote=True)}" style="{look}" src="data:image/png;base64,{data}">'
