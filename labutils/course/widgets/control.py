"""How every control is shown: a still picture and its words everywhere, the control where someone can move it.

The still picture is an output of its own, so that a notebook that is opened again, or read on a static page, shows it;
a style sheet hides it as soon as the control beside it is alive. papermill, nbval and the committed notebooks see the
still picture and its words alone: nothing there waits for a click.

A control is an anywidget around one of the modules in `static/`, which gets a `model` with the traits `data` (what it
shows; set once), `state` (where its knobs stand) and `news` (what the kernel tells it). Some compute in the page; the
pictures of the others, `Controls`, come from the kernel. Everything is in the package: nothing is built or fetched.
"""

from __future__ import annotations

import base64
import functools
import gzip
import html
import importlib
import inspect
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec

import numpy as np

from labutils.plots.charts import as_image, fewer_levels
from labutils.progress import how_to_show

P = ParamSpec("P")
STATIC, RECORDED = (Path(__file__).parent / name for name in ("static", "recorded"))
NOTHING = "No run to show yet: train one first (see train_missing under Parameters)."
HINT = "<p><em>Run this cell to move it.</em></p>"
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


def is_live() -> bool:
    """Whether somebody has this notebook open, so that a control can be moved; papermill and nbval have it not."""
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    return getattr(shell, "kernel", None) is not None and how_to_show() == "bar"


def show(words: str, still: str = "", live: Callable[[], Any] | None = None) -> None:
    """Show a control, with its default state in words computed from the numbers that it shows: what nbval compares.

    `still` is HTML of the same state; `live` makes the widget, and is called only where it can be moved.
    """
    from IPython.display import display

    said = "".join(f"<p>{html.escape(line)}</p>" for line in words.splitlines())
    display({"text/html": as_still(f"{still}{said}{HINT if live else ''}"), "text/plain": words}, raw=True)
    if live:
        show_live(live)


def as_still(content: str) -> str:
    """HTML that goes as soon as a control beside it is alive."""
    return f'{STYLE}<div class="labutils-still">{content}</div>'


def show_live(live: Callable[[], Any]) -> None:
    """Make and show a widget where it can be moved, with the mark that hides the still picture beside it."""
    from IPython.display import display

    if is_live():
        widget = live()
        widget.add_class("labutils-live")
        display(widget)


def needs_run(control: Callable[P, None]) -> Callable[P, None]:
    """A control of a run, its first argument, or of runs by label; without any (None, or an empty dict) it says so."""
    signature = inspect.signature(control)

    @functools.wraps(control)
    def shown(*args: P.args, **kwargs: P.kwargs) -> None:
        first, *others = signature.bind(*args, **kwargs).arguments.values()
        if first is None or any(isinstance(given, Mapping) and not given for given in (first, *others)):
            print(NOTHING)
        else:
            control(*args, **kwargs)

    return shown


def module(kind: str) -> str:
    """The text of one control's ES module, with the functions that all of them share."""
    return "\n".join(_text(f"{name}.js") for name in ("numbers", "page", kind))


def instrument(kind: str, data: dict[str, Any], **state: Any) -> Any:
    """The widget of a module in `static/`: what it shows, and where its knobs stand at first."""
    return _class_of(kind)(data=data, state=state)


@functools.cache
def _class_of(kind: str) -> type:
    import anywidget
    import traitlets

    traits = {name: traitlets.Dict().tag(sync=True) for name in ("data", "state", "news")}
    return type(kind.title(), (anywidget.AnyWidget,), {"_esm": module(kind), "_css": _text("page.css"), **traits})


def _text(file: str) -> str:
    return (STATIC / file).read_text(encoding="utf-8")


def static_page(kind: str, data: dict[str, Any], words: str, still: str = "", **more: Any) -> str:
    """A control as HTML that needs neither a kernel nor a server, in a page that is opened as a file too.

    `still`, or `words`, stand there until it is alive, and where scripts are off. `more` are its `state`, `news`, and
    what a kernel would say: `played`, news by the places of the knobs ("0,3"), or `answered`, by what is committed to.
    """
    values = {"data": data, "state": {}, "news": {}, **more}
    packed = base64.b64encode(gzip.compress(json.dumps(values).encode(), mtime=0)).decode()
    code = f"{module(kind)}\n{_text('alone.js')}".replace("export default { render };", "")
    code = code.replace("export function", "function")
    run = f'wake(render, document.currentScript.previousElementSibling, "{packed}");'
    return (
        f"<style>{_text('page.css')}</style>"
        f'<div class="labutils-alone">{still or f"<pre>{html.escape(words)}</pre>"}</div>'
        f"<script>(() => {{ {code}\n{run} }})();</script>"
    )


def recorded(name: str) -> dict[str, Any]:
    """What was recorded under a name, for what is shown before the first click; see `record`."""
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


@functools.cache
def _worker() -> ThreadPoolExecutor:
    # tqdm silences a warning of its own while it is imported; beside a second thread the silence may not hold.
    importlib.import_module("tqdm.auto")
    return ThreadPoolExecutor(1, thread_name_prefix="labutils-bench")


def read_ahead() -> None:
    """Import Keras in the background where somebody has the notebook open: it is there when they come to a control."""
    if is_live():
        from labutils.keras_import import import_keras

        background(import_keras)


def background(work: Callable[[], None]) -> None:
    """Do something in the one thread that trains and predicts for all controls, in the order it was asked for."""
    _worker().submit(work)


@dataclass(frozen=True)
class Knob:
    """A slider, menu or box (no, yes): its name, its label, its choices in words and values, where it begins."""

    name: str
    label: str
    choices: tuple[tuple[str, Any], ...]
    start: int = 0
    kind: str = "slider"

    def for_page(self) -> dict[str, Any]:
        """What the page needs."""
        return vars(self) | {"choices": [words for words, _ in self.choices]}

    def nearest(self, value: Any) -> int:
        """The place of a value; of a number that is not there, of the nearest."""
        values = [choice for _, choice in self.choices]
        return values.index(value) if value in values else min(range(len(values)), key=lambda i: abs(values[i] - value))


def number_knob(
    name: str, label: str, values: Sequence[float], start: float, words: Callable[[Any], str] = "{:g}".format
) -> Knob:
    """A slider over some numbers; `words` says one of them."""
    return Knob(name, label, tuple((words(value), value) for value in values), list(values).index(start))


class Drawn(NamedTuple):
    """What one state of a control looks like: an SVG or other HTML, and its words; `busy` locks the buttons."""

    picture: str
    words: str
    busy: bool = False


class Controls:
    """Knobs and buttons in the page, and what the kernel puts below them, or beside them (`side`).

    `title` is what the group is called, for whoever hears it read. `moved` gets this object at first and whenever a
    knob has been moved; it calls `put` at once, and perhaps `later`. `buttons` are by a word what stands on each, and
    what it does with this object.
    """

    def __init__(
        self,
        title: str,
        knobs: Sequence[Knob],
        moved: Callable[[Controls], None],
        buttons: Mapping[str, tuple[str, Callable[[Controls], None]]] | None = None,
        side: bool = False,
    ) -> None:
        self.knobs = {knob.name: knob for knob in knobs}
        self.buttons = dict(buttons or {})
        self.moved, self.turn = moved, 0
        self._set: dict[str, Any] = {"turn": 0, "places": {}}
        data = {
            "title": title,
            "knobs": [knob.for_page() for knob in knobs],
            "buttons": [[word, label] for word, (label, _) in self.buttons.items()],
            "side": side,
        }
        self.places = {knob.name: knob.start for knob in knobs}
        self.widget = instrument("controls", data, **self.places, turn=0)
        self.widget.observe(self._heard, "state")
        self.widget.on_msg(self._pressed)
        self.refresh()

    @property
    def values(self) -> dict[str, Any]:
        """What is chosen, by the names of the knobs."""
        return {name: knob.choices[self.places[name]][1] for name, knob in self.knobs.items()}

    def put(self, drawn: Drawn) -> None:
        """Show something."""
        picture, words, busy = drawn
        if "<svg" in picture:
            picture = picture.replace("<svg", f'<svg role="img" aria-label="{html.escape(words, quote=True)}"', 1)
        turn = self.widget.state.get("turn", 0)
        self.widget.news = {"picture": picture, "words": words, "busy": busy, "turn": turn, "set": self._set}

    def choose(self, **values: Any) -> None:
        """Move knobs from the kernel, as if somebody had."""
        places = {name: self.knobs[name].nearest(value) for name, value in values.items()}
        self.places |= places
        self._set = {"turn": self._set["turn"] + 1, "places": places}
        self.refresh()

    def later(self, pictures: Callable[[], Iterator[Drawn | None]]) -> None:
        """Show what is worked out in the background, one picture after the other, until another move overtakes it.

        A None shows nothing: it is a moment at which a move may overtake.
        """
        turn = self.turn

        def work() -> None:
            if turn == self.turn:
                for drawn in pictures():
                    if turn != self.turn:
                        return
                    if drawn:
                        self.put(drawn)

        background(lambda: self._try(work))

    def _heard(self, change: Any) -> None:
        self.places = {name: int(change["new"].get(name, place)) for name, place in self.places.items()}
        self.refresh()

    def _pressed(self, widget: Any, content: Any, buffers: Any) -> None:
        word = content.get("do") if isinstance(content, dict) else None
        if word in self.buttons:
            self._try(lambda: self.buttons[word][1](self))

    def refresh(self) -> None:
        """Show anew what is chosen."""
        self.turn += 1
        self._try(lambda: self.moved(self))

    def _try(self, work: Callable[[], None]) -> None:
        """Do something and show its error: nobody sees what is raised in a callback or a thread."""
        try:
            work()
        except Exception as error:
            self.put(Drawn("", f"{type(error).__name__}: {error}"))


def control(title: str, draw: Callable[..., Drawn], *knobs: Knob) -> None:
    """Show a control: its picture and words where the knobs begin, and the knobs where they can be moved.

    `draw` gets one value for each knob, by name, and is quick enough to be called while a slider moves.
    """
    first = draw(**{knob.name: knob.choices[knob.start][1] for knob in knobs})
    picture = as_image(first.picture, first.words) if first.picture.startswith("<svg") else first.picture
    show(first.words, picture, lambda: Controls(title, knobs, lambda one: one.put(draw(**one.values))).widget)


def png(pixels: np.ndarray, alt: str, size: int) -> str:
    """Pixels (h, w) or (h, w, 1 or 3) in [0, 1] as an `<img>`, `size` pixels high, without smoothing."""
    from PIL import Image

    values = fewer_levels(np.round(255 * np.clip(pixels, 0, 1)))
    buffer = io.BytesIO()
    Image.fromarray(values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values).save(buffer, format="png")
    return as_image(buffer.getvalue(), alt, f"height: {size}px; image-rendering: pixelated; margin: 3px")
