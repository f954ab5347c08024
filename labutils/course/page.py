"""An HTML page in one file, with its pictures inside: a student's report, and the results on one's own images.

The parts of a page are strings of HTML, made here or elsewhere; nothing on it is fetched from anywhere.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from labutils import paths
from labutils.errors import StoreError
from labutils.plots.charts import as_image

if TYPE_CHECKING:
    from labutils.frames import Table

STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 64em; margin: 2em auto; padding: 0 1em; color: #222; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .2em .8em; border-bottom: 1px solid #ccc; }
img { max-width: 100%; } pre { white-space: pre-wrap; background: #f5f5f5; padding: .6em; }
blockquote { border-left: 3px solid #999; margin-left: 0; padding-left: 1em; white-space: pre-wrap; }
"""


def text(words: str, element: str = "p") -> str:
    """Words as an element of HTML; what looks like HTML in them is shown as it is."""
    return f"<{element}>{html.escape(words)}</{element}>"


def table(frame: Table) -> str:
    """A table; one without rows as its sentence."""
    return frame.to_html(border=0) if len(frame) else text(frame.nothing)


def figures(draw: Callable[[], object]) -> str:
    """The figures that a function draws, each with its alt text, which is folded below it too."""
    from labutils.plots.figure import collect_figures, in_words

    with collect_figures() as drawn:
        draw()
    return "\n".join(as_image(png, alt) + in_words(alt) for png, alt in drawn)


def write(file: Path, title: str, parts: Iterable[str], remedy: str = "") -> Path:
    """Write the page; an older one is replaced. If it cannot be written, a StoreError ends with `remedy`."""
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style>'
    body = "\n".join(parts)
    page = f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{paths.shown(file)} cannot be written ({error.strerror}).{remedy}") from None
    return file
