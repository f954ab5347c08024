"""`Table`, the frame that every table of the lab is: read from the left, whole cells, a sentence where it has no rows.

Imported when the first table is made: pandas takes a while.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

STYLE = """<style scoped>
    .dataframe tbody td, .dataframe tbody th, .dataframe thead th { text-align: left !important; }
    .dataframe td { max-width: 21em; }
    .dataframe tbody th { min-width: 8em; max-width: 15em; }
    .dataframe thead th { max-width: 8em; }
"""

# A narrow page breaks cells into lines: never within an interval or before a %, and long texts into a few words each.
_INTERVAL = re.compile(r"(\[[^\s,\[\]]+), ([^\s,\[\]]+\])")
_LONG = re.compile(r"<td>(?=[^<]{40})")


class Table(pd.DataFrame):
    """A frame of text.

    `nothing` is what it says when it has no rows, `note` a sentence that stands above its rows, `below` lines by title
    that stand, folded, below them.
    """

    _metadata = ["nothing", "note", "below"]  # noqa: RUF012 (pandas wants a list)
    nothing = "Nothing to show yet."
    note = ""
    below: Mapping[str, Sequence[str]] = {}

    @property
    def _constructor(self) -> type:
        return Table

    def _repr_html_(self) -> str | None:
        if not len(self):
            return f"<p>{self.nothing}</p>"
        with pd.option_context("display.max_colwidth", None):
            html: Any = super()._repr_html_()  # type: ignore[misc]
        html = _INTERVAL.sub(r"\1,&nbsp;\2", html).replace(" %", "&nbsp;%")
        html = _LONG.sub('<td style="min-width: 12em">', html)
        above = f"<p>{escape(self.note)}</p>" if self.note else ""
        return above + html.replace("<style scoped>\n", STYLE, 1) + "".join(self.folded())

    def folded(self) -> Iterator[str]:
        """What stands below the rows, as lines of HTML that open on a click."""
        for title, lines in self.below.items():
            items = "".join(f"<li>{escape(line)}</li>" for line in lines)
            yield f"<details><summary>{escape(title)}</summary><ul>{items}</ul></details>"

    def __repr__(self) -> str:
        """The table as text, or what stands for it."""
        if not len(self):
            return self.nothing
        with pd.option_context("display.max_colwidth", None):
            text = super().__repr__()
        below = [f"\n{title}:\n" + "\n".join(lines) for title, lines in self.below.items()]
        return "\n".join([*([self.note] if self.note else []), text, *below])
