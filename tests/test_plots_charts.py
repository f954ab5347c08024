"""Small charts as SVG: axes that do not move, single points that are seen, words that come along."""

import base64
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from labutils.plots.charts import Line, Panel, as_image, chart, ticks


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 1.5), (1, 100), (0.6, 1), (-4, 4), (0, 30)])
def test_ticks_are_round_and_inside(low, high):
    found = ticks(low, high)
    assert 3 <= len(found) <= 9 and low - 1e-9 <= found[0] and found[-1] <= high + 1e-9
    assert np.allclose(np.diff(found), found[1] - found[0])


def test_a_chart_is_well_formed_and_names_its_lines():
    panel = Panel(
        "loss < 1", (0, 10), (0, 1), "epoch", [Line([1, 2], [0.5, 2.0], "a & b"), Line([1], [0.2])], guess=0.5
    )
    svg = chart([panel, panel])
    ElementTree.fromstring(svg)
    assert "a &amp; b" in svg and "loss &lt; 1" in svg and svg.count("<circle") == 2


def test_what_leaves_the_axes_stays_at_their_end():
    panel = Panel("", (0, 1), (0, 1), "")
    assert panel.down(7) == panel.down(1) < panel.down(0.5) < panel.down(0) == panel.down(-3)
    logarithmic = Panel("", (1e-6, 1), (0, 1), "", log_x=True)
    assert logarithmic.across(1e-3) == pytest.approx((logarithmic.across(1e-6) + logarithmic.across(1)) / 2)


def test_an_image_carries_its_words():
    image = as_image("<svg/>", 'says "so"')
    assert 'alt="says &quot;so&quot;"' in image
    assert base64.b64decode(re.search(r"base64,([^\"]+)", image)[1]) == b"<svg/>"
