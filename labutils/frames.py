"""`Table`, the frame that every table of the lab is: read from the left, whole cells, a sentence where it has no rows.

Imported when the first table is made: pandas takes a while.
"""

from html import escape
from typing import Any

import pandas as pd

STYLE = """<style scoped>
    .dataframe tbody td, .dataframe tbody th, .dataframe thead th { text-align: left !important; }
    .dataframe { width: max-content; }
    .dataframe td { max-width: 24em; }
    .dataframe tbody th, .dataframe thead th { max-width: 15em; }
"""


class Table(pd.DataFrame):
    """A frame of text; `nothing` is what it says when it has no rows, `note` a sentence that stands above its rows."""

    _metadata = ["nothing", "note"]  # noqa: RUF012 (pandas wants a list)
    nothing = "Nothing to show yet."
    note = ""

    @property
    def _constructor(self) -> type:
        return Table

    def _repr_html_(self) -> str | None:
        if not len(self):
            return f"<p>{self.nothing}</p>"
        with pd.option_context("display.max_colwidth", None):
            html: Any = super()._repr_html_()  # type: ignore[misc]
        above = f"<p>{escape(self.note)}</p>" if self.note else ""
        return above + html.replace("<style scoped>\n", STYLE, 1)

    def __repr__(self) -> str:
        """The table as text, or what stands for it."""
        with pd.option_context("display.max_colwidth", None):
            text = super().__repr__() if len(self) else self.nothing
        return f"{self.note}\n{text}" if self.note and len(self) else text
