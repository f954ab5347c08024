"""Notebooks as pages on which controls move without a kernel.

No notebook is executed. What a control is called with is found by going backwards from its call: the few statements
that its names come from are run, on the stored runs and on phantoms. What the kernel would draw is then written down
for every place of the knobs, and the same JavaScript that JupyterLab gets plays it back.
"""

import ast
import base64
import contextlib
import io
import itertools
import os
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import IPython.display
from PIL import Image

from labutils import paths
from labutils.course.widgets import control, play

MOVING = [
    "against_network",
    "drop_map",
    "epoch_scrubber",
    "equal_time",
    "explore_epochs",
    "explore_number",
    "four_boxes",
    "interval_slider",
    "norm_view",
    "threshold",
    "winners_curse",
    "ask",
]
"""What moves on a page: it computes there, or has few enough states to be written down."""
NEED_A_KERNEL = [
    "lr_range_test",
    "feature_maps",
    "monte_carlo_dropout",
    "break_the_network",
    "show_gradcam",
]
KEPT = {
    "interval_slider": {"accuracy": ("0.50", "0.70", "0.85", "0.95"), "seed": ("0", "1")},
    "winners_curse": {"runs": ("1", "2", "3", "5", "10", "20", "50"), "seed": ("0", "1", "2", "3", "4", "5")},
    "drop_map": {"rate": ("0", "0.1", "0.2", "0.4", "0.6", "0.8"), "seed": ("0", "1")},
}
"""Choices of knobs that are kept on a page where all of them together would be too many."""
HOW_TO = (
    '<p class="needs-kernel">This one computes on your own machine: <a href="../README.html#two-commands">two '
    "commands</a> start the lab, and running its cell starts it.</p>"
)


def enliven(notebook: Any) -> None:
    """Put a live control in the place of every still one, and a note where that needs a kernel."""
    namespace: dict[str, Any] = {}
    before: list[ast.stmt] = []
    done: set[int] = set()
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        statements = _parsed(cell.source)
        for statement in statements:
            name = _called(statement)
            if name in MOVING and cell.outputs:
                _run(_needed(statement, before), namespace, done)
                _replace(cell, name, statement, namespace)
            elif name == "playground":
                shown = play.static_playground(ast.literal_eval(statement.value.args[0]))
                cell.outputs = [_output(shown + (HOW_TO if statement.value.keywords else ""))]
            elif name in NEED_A_KERNEL and cell.outputs:
                still = "".join(map(_html_of, cell.outputs)).replace(control.HINT, "")
                cell.outputs = [_output(f"{still}{HOW_TO}")]
            before.append(statement)


def _parsed(source: str) -> list[ast.stmt]:
    with contextlib.suppress(SyntaxError):  # an exercise's cell may be anything
        return ast.parse(source).body
    return []


def _called(statement: ast.stmt) -> str:
    """The function of widgets or course that a statement calls, if it does nothing else."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        called = statement.value.func
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            return called.attr if called.value.id in ("widgets", "course") else ""
    return ""


def _names(statement: ast.AST) -> tuple[set[str], set[str]]:
    """What a statement sets, and what it reads."""
    stored, loaded = set(), set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            (loaded if isinstance(node.ctx, ast.Load) else stored).add(node.id)
        elif isinstance(node, ast.FunctionDef):
            stored.add(node.name)
        elif isinstance(node, ast.alias):
            stored.add((node.asname or node.name).partition(".")[0])
    return stored, loaded


def _needed(call: ast.stmt, before: list[ast.stmt]) -> list[ast.stmt]:
    """The statements before a call that its names come from, in their order."""
    wanted, found = _names(call)[1], []
    for statement in reversed(before):
        stored, loaded = _names(statement)
        if stored & wanted and not isinstance(statement, ast.Expr):
            found.append(statement)
            wanted |= loaded
    return found[::-1]


def _run(statements: list[ast.stmt], namespace: dict[str, Any], done: set[int]) -> None:
    """Run what was not run yet, silently; images are phantoms, whatever lies in data/."""
    for statement in statements:
        if id(statement) in done:
            continue
        done.add(id(statement))
        with contextlib.redirect_stdout(io.StringIO()), _displayed():
            exec(compile(ast.Module([statement], []), "notebook", "exec"), namespace)
        if "source" in _names(statement)[0]:
            namespace["source"] = "phantom"


@contextlib.contextmanager
def _displayed(live: bool = False) -> Iterator[list[Any]]:
    """What is displayed meanwhile; with `live` as if somebody had the notebook open."""
    shown: list[Any] = []
    display, is_live = IPython.display.display, control.is_live
    IPython.display.display = lambda *given, **_: shown.extend(given)
    control.is_live = lambda: live
    try:
        yield shown
    finally:
        IPython.display.display, control.is_live = display, is_live


def _replace(cell: Any, name: str, call: ast.stmt, namespace: dict[str, Any]) -> None:
    """Show the control of a call where its still picture is."""
    with contextlib.redirect_stdout(io.StringIO()), _displayed(live=True) as shown:
        exec(compile(ast.Module([call], []), "notebook", "exec"), namespace)
        widgets = [one for one in shown if hasattr(one, "_esm")]
        if len(widgets) != 1:
            raise RuntimeError(f"{name} shows {len(widgets)} controls where one was expected: {ast.unparse(call)}")
        kind, values = _written_down(name, widgets[0])
    still = "".join(_html_of(output) for output in cell.outputs)
    cell.outputs = [_output(control.static_page(kind, values.pop("data"), "", still, **values))]


def _written_down(name: str, widget: Any) -> tuple[str, dict[str, Any]]:
    """A widget's kind, and what `static_page` needs of it."""
    kind, data = type(widget).__name__.lower(), deepcopy(widget.data)
    if kind == "question":
        answered = []
        for place in range(len(data["choices"])):
            widget.news = {}
            widget._handle_custom_msg({"commit": place}, [])
            answered.append(dict(widget.news))
        return kind, {"data": data, "answered": answered}
    if kind != "controls":
        if kind == "scrubber" and data["images"]:
            coarse = bytes(value & 0xF8 for value in base64.b64decode(data["images"]["bytes"]))
            data["images"]["bytes"] = base64.b64encode(coarse).decode()  # thumbnails of 32 levels pack better
        return kind, {"data": data, "state": dict(widget.state)}
    kept = KEPT.get(name, {})
    for knob in data["knobs"]:
        words = knob["choices"]
        places = [words.index(word) for word in kept.get(knob["name"], words)]
        knob |= {"places": places, "choices": [words[i] for i in places], "start": places.index(knob["start"])}
    all_places = [knob.pop("places") for knob in data["knobs"]]
    names, played = [knob["name"] for knob in data["knobs"]], {}
    for turn, chosen in enumerate(itertools.product(*map(enumerate, all_places)), 1):
        widget.state = {name: place for name, (_, place) in zip(names, chosen, strict=True)} | {"turn": turn}
        news = widget.news
        played[",".join(str(i) for i, _ in chosen)] = {"picture": _lighter(news["picture"]), "words": news["words"]}
    start = [knob["start"] for knob in data["knobs"]]
    state = dict(zip(names, start, strict=True)) | {"turn": 0}
    return kind, {"data": data, "state": state, "news": played[",".join(map(str, start))], "played": played}


def _lighter(picture: str) -> str:
    """PNGs in a picture at 64 pixels, as WebP: there are hundreds of them."""

    def smaller(found: re.Match) -> str:
        with Image.open(io.BytesIO(base64.b64decode(found[1]))) as image:
            image.thumbnail((64, 64), Image.Resampling.BOX)
            buffer = io.BytesIO()
            image.save(buffer, "WEBP", quality=60)
        return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"

    return re.sub(r"data:image/png;base64,([A-Za-z0-9+/=]+)", smaller, picture)


def _html_of(output: Any) -> str:
    """An output as HTML."""
    data = output.get("data", {})
    if "text/html" in data:
        return data["text/html"]
    if "image/png" in data:
        alt = output.metadata.get("image/png", {}).get("alt", "")
        return control.as_image(base64.b64decode(data["image/png"]), alt)
    return ""


def _output(html: str) -> Any:
    import nbformat

    return nbformat.v4.new_output("display_data", {"text/html": html})


def work_from(folder: Any) -> None:
    """As a notebook does: from its own folder, with nobody looking on."""
    os.environ["LABUTILS_PROGRESS"] = "none"
    os.chdir(folder or paths.notebooks_dir())
