"""Controls whose picture comes from the kernel: sliders, menus, boxes and buttons around one function that draws."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from labutils.course.widgets.page import instrument
from labutils.course.widgets.play import background
from labutils.course.widgets.small import Knob
from labutils.course.widgets.stage import show
from labutils.plots.charts import as_image


class Drawn(NamedTuple):
    """What one state of a control looks like: an SVG or other HTML, and its words."""

    picture: str
    words: str


class Controls:
    """Sliders, menus, boxes and buttons in the page, and what the kernel puts below them.

    Parameters
    ----------
    title : str
        What the group is called, for whoever hears it read.
    knobs : sequence of Knob
        A knob of the values False and True is a box; the others are sliders or menus.
    moved : callable
        Gets this object at first and whenever a knob has been moved; it calls `put`, now or from the background.
    buttons : dict of str to (str, callable), optional
        By a word: what stands on the button, and what it does.
    side : bool
        The picture stands beside the knobs, not below them.

    Attributes
    ----------
    widget : anywidget.AnyWidget
    turn : int
        Grows with every move: work in the background sees from it that it has been overtaken.
    """

    def __init__(
        self,
        title: str,
        knobs: Sequence[Knob],
        moved: Callable[[Controls], None],
        buttons: Mapping[str, tuple[str, Callable[[], None]]] | None = None,
        side: bool = False,
    ) -> None:
        self.knobs = {knob.name: knob for knob in knobs}
        self.buttons = dict(buttons or {})
        self.moved, self.turn = moved, 0
        self._set: dict[str, Any] = {"turn": 0, "places": {}}
        data = {
            "title": title,
            "knobs": [_for_page(knob) for knob in knobs],
            "buttons": [[word, label] for word, (label, _) in self.buttons.items()],
            "side": side,
        }
        self.places = {knob.name: knob.start for knob in knobs}
        self.widget = instrument("controls", data, **self.places, turn=0)
        self.widget.observe(self._heard, "state")
        self.widget.on_msg(self._pressed)
        self._refresh()

    @property
    def values(self) -> dict[str, Any]:
        """What is chosen, by the names of the knobs."""
        return {name: knob.choices[self.places[name]][1] for name, knob in self.knobs.items()}

    def put(self, drawn: Drawn, busy: bool = False) -> None:
        """Show something; `busy` locks the buttons."""
        words = drawn.words
        if "<svg" in drawn.picture:
            picture = drawn.picture.replace('fill="#767676"', 'fill="currentColor"')
            label = html.escape(words, quote=True)
            picture = picture.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
        else:
            picture = drawn.picture
        news = {"picture": picture, "words": words, "busy": busy, "turn": self.widget.state.get("turn", 0)}
        self.widget.news = news | {"set": self._set}

    def put_error(self, error: Exception) -> None:
        """Show an error: nobody sees what is raised in a callback or a thread."""
        self.put(Drawn("", f"{type(error).__name__}: {error}"))

    def choose(self, **values: Any) -> None:
        """Move knobs from the kernel, as if somebody had."""
        places = {name: _place(self.knobs[name], value) for name, value in values.items()}
        self.places |= places
        self._set = {"turn": self._set["turn"] + 1, "places": places}
        self._refresh()

    def later(self, work: Callable[[], None]) -> None:
        """Do something in the one thread that trains and predicts for all controls; what it raises is shown."""

        def task() -> None:
            try:
                work()
            except Exception as error:
                self.put_error(error)

        background(task)

    def _heard(self, change: Any) -> None:
        self.places = {name: int(change["new"].get(name, place)) for name, place in self.places.items()}
        self._refresh()

    def _pressed(self, widget: Any, content: Any, buffers: Any) -> None:
        word = content.get("do") if isinstance(content, dict) else None
        if word in self.buttons:
            try:
                self.buttons[word][1]()
            except Exception as error:
                self.put_error(error)

    def _refresh(self) -> None:
        self.turn += 1
        try:
            self.moved(self)
        except Exception as error:
            self.put_error(error)


def control(title: str, draw: Callable[..., Drawn], *knobs: Knob) -> None:
    """Show a control: its picture and words where the knobs begin, and the knobs where they can be moved.

    Parameters
    ----------
    title : str
    draw : callable
        Gets one value for each knob, by name; quick enough to be called while a slider moves.
    *knobs : Knob
    """
    first = draw(**{knob.name: knob.choices[knob.start][1] for knob in knobs})
    picture = as_image(first.picture, first.words) if first.picture.startswith("<svg") else first.picture
    show(first.words, picture, lambda: drawing_controls(title, draw, *knobs).widget)


def drawing_controls(title: str, draw: Callable[..., Drawn], *knobs: Knob) -> Controls:
    """Controls that show what `draw` gives for their values."""
    return Controls(title, knobs, lambda one: one.put(draw(**one.values)))


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
    return as_img(buffer.getvalue(), alt, f"height: {size}px; image-rendering: pixelated; margin: 3px")


def as_img(file: bytes, alt: str, look: str) -> str:
    """A PNG file as an `<img>` with its alt text."""
    data = base64.b64encode(file).decode()
    return f'<img alt="{html.escape(alt, quote=True)}" style="{look}" src="data:image/png;base64,{data}">'


def _for_page(knob: Knob) -> dict[str, Any]:
    kind = "slider" if knob.slider else "box" if [value for _, value in knob.choices] == [False, True] else "menu"
    words = [words for words, _ in knob.choices]
    return {"name": knob.name, "label": knob.label, "choices": words, "start": knob.start, "kind": kind}


def _place(knob: Knob, value: Any) -> int:
    """The place of a value among a knob's choices; of a number that is not there, of the nearest."""
    values = [choice for _, choice in knob.choices]
    return values.index(value) if value in values else min(range(len(values)), key=lambda i: abs(values[i] - value))
