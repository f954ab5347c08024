"""Controls that compute in the page: an anywidget around one of the modules in `static/`, or a page of its own.

A module gets a `model` with the traits `data` (what it shows; set once), `state` (where its controls stand) and `news`
(what the kernel tells it). Everything comes with the package: nothing is built, nothing is fetched.
"""

from __future__ import annotations

import functools
import hashlib
import html
import json
from pathlib import Path
from typing import Any

STATIC = Path(__file__).parent / "static"


def module(kind: str) -> str:
    """The text of one control's ES module, with the functions that all of them share."""
    parts = [(STATIC / f"{name}.js").read_text(encoding="utf-8") for name in ("numbers", "page", kind)]
    return "\n".join(parts)


def style() -> str:
    """The style sheet of all controls."""
    return (STATIC / "page.css").read_text(encoding="utf-8")


def instrument(kind: str, data: dict[str, Any], **state: Any) -> Any:
    """A control in the page.

    Parameters
    ----------
    kind : str
        Name of its module in `static/`.
    data : dict
        What it shows.
    **state
        Where its controls stand at first.

    Returns
    -------
    anywidget.AnyWidget
    """
    return _class_of(kind)(data=data, state=state)


@functools.cache
def _class_of(kind: str) -> type:
    import anywidget
    import traitlets

    traits = {name: traitlets.Dict().tag(sync=True) for name in ("data", "state", "news")}
    return type(kind.title(), (anywidget.AnyWidget,), {"_esm": module(kind), "_css": style(), **traits})


def static_page(kind: str, data: dict[str, Any], words: str) -> str:
    """The same control as HTML that needs neither a kernel nor a server, for a static page.

    Only for controls that compute in the page: the scrubber and the threshold. `words` are read where scripts are off.
    """
    # In a script, `</` would end it.
    values = json.dumps({"data": data, "state": {}, "news": {}}).replace("</", "<\\/")
    name = f"labutils-{kind}-{hashlib.sha256(values.encode()).hexdigest()[:8]}"
    model = (
        "const model = { get: (k) => values[k], set: (k, v) => { values[k] = v; }, save_changes() {}, "
        "on() {}, off() {}, send() {} };"
    )
    code = module(kind).replace("export default", "const control =").replace("export function", "function")
    run = f"control.render({{ model, el: document.getElementById('{name}') }});"
    return (
        f"<style>{style()}</style><div id='{name}'><noscript><pre>{html.escape(words)}</pre></noscript></div>"
        f'<script type="module">{{ {code}\nconst values = {values};\n{model}\n{run} }}</script>'
    )
