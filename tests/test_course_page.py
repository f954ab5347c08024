"""A page in one file: what stands on it is shown as it is, pictures are inside, and nothing is fetched."""

import pytest

from labutils.course import page
from labutils.errors import StoreError
from labutils.evaluate.tables import as_table


def draw():
    from matplotlib.figure import Figure

    from labutils.plots.figure import show

    show(Figure(figsize=(1, 1)), "", "", 'A <b>line</b> that says "no"')


def test_a_page_holds_its_parts_and_nothing_else_is_needed(tmp_path):
    parts = [page.text("5 < 6", "h2"), page.table(as_table({"a & b": {"n": "1"}}, "run")), page.figures(draw)]
    file = page.write(tmp_path / "new" / "page.html", "<title>", parts)
    text = file.read_text(encoding="utf-8")
    assert "<title>&lt;title&gt;</title>" in text and "<h2>5 &lt; 6</h2>" in text and "a &amp; b" in text
    words = "A &lt;b&gt;line&lt;/b&gt; that says &quot;no&quot;"
    assert f'<img alt="{words}" src="data:image/png;base64,' in text and f"{words}</details>" in text
    assert "http" not in text


def test_a_table_without_rows_is_its_sentence():
    assert page.table(as_table({}, "run", "Nothing <yet>.")) == "<p>Nothing &lt;yet&gt;.</p>"


def test_a_place_that_cannot_be_written_to_is_a_sentence_with_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"own/page\.html cannot be written \(Not a directory\)\. Move it\."):
        page.write(tmp_path / "file" / "own" / "page.html", "", [], " Move it.")
