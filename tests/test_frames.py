"""Every table of the lab: whole cells, and a sentence where there are no rows."""

import pytest

from labutils.frames import STYLE, Table

LONG = "a cell that pandas would cut after fifty characters, unless it is told not to do so"


@pytest.mark.parametrize("shown", [repr, Table._repr_html_])
def test_cells_are_whole(shown):
    assert LONG in shown(Table({"about": [LONG]}))


def test_a_notebook_shows_tables_from_the_left():
    assert Table({"about": ["short"]})._repr_html_().startswith("<div>\n" + STYLE)


def test_without_rows_there_is_a_sentence_and_it_stays_through_selections():
    table = Table({"a": [1, 2]})
    table.nothing = "No run is stored yet."
    empty = table[table["a"] > 2]
    assert isinstance(empty, Table)
    assert repr(empty) == "No run is stored yet." and empty._repr_html_() == "<p>No run is stored yet.</p>"


def test_a_note_stands_above_the_rows_and_only_where_there_are_some():
    table = Table([["a"]], columns=["letter"])
    table.note = "What is < counted."
    assert repr(table).startswith("What is < counted.\n") and table._repr_html_().startswith(
        "<p>What is &lt; counted.</p>"
    )
    empty = table[:0]
    assert empty.note == table.note and "counted" not in repr(empty) + empty._repr_html_()


def test_where_a_narrow_page_breaks_cells():
    html = Table(
        {"gap [95 % interval]": ["0.8 [-0.7, +0.9]"], "about": [LONG], "images, seeds": ["a, b"]}
    )._repr_html_()
    assert "<th>gap [95&nbsp;% interval]</th>" in html and "<td>0.8 [-0.7,&nbsp;+0.9]</td>" in html
    assert f'<td style="min-width: 12em">{LONG}</td>' in html
    assert "<th>images, seeds</th>" in html and "<td>a, b</td>" in html
