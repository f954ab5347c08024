"""Every table of the lab: whole cells, and a sentence where there are no rows."""

from labutils.frames import STYLE, Table

LONG = "a cell that pandas would cut after fifty characters, unless it is told not to do so"


def table(note="", nothing="", **columns):
    made = Table(columns)
    made.note, made.nothing = note, nothing
    return made


def test_cells_are_whole_and_read_from_the_left():
    long = table(about=[LONG])
    assert LONG in repr(long) and LONG in long._repr_html_()
    assert long._repr_html_().startswith("<div>\n" + STYLE)


def test_without_rows_there_is_a_sentence_and_it_stays_through_selections():
    numbers = table(nothing="No run is stored yet.", a=[1, 2])
    empty = numbers[numbers["a"] > 2]
    assert isinstance(empty, Table)
    assert repr(empty) == "No run is stored yet." and empty._repr_html_() == "<p>No run is stored yet.</p>"


def test_a_note_stands_above_the_rows_and_only_where_there_are_some():
    noted = table("What is < counted.", letter=["a"])
    assert repr(noted).startswith("What is < counted.\n")
    assert noted._repr_html_().startswith("<p>What is &lt; counted.</p>")
    assert noted[:0].note == noted.note and "counted" not in repr(noted[:0]) + noted[:0]._repr_html_()


def test_where_a_narrow_page_breaks_cells():
    columns = {"gap [95 % interval]": ["0.8 [-0.7, +0.9]"], "about": [LONG], "images, seeds": ["a, b"]}
    html = Table(columns)._repr_html_()
    assert "<th>gap [95&nbsp;% interval]</th>" in html and "<td>0.8 [-0.7,&nbsp;+0.9]</td>" in html
    assert f'<td style="min-width: 12em">{LONG}</td>' in html
    assert "<th>images, seeds</th>" in html and "<td>a, b</td>" in html
