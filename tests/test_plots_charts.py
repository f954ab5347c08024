"""Colours: every text and line can be read on its ground, and one colour means one thing."""

import re
from itertools import pairwise

import matplotlib.style
import pytest
from matplotlib.colors import to_rgb

from labutils.course.widgets.control import STATIC
from labutils.plots import charts
from labutils.plots.charts import Line, Panel, chart
from labutils.plots.evidence import PALE
from labutils.plots.figure import GUESS, STYLE

TEXT = 5
"""How much lighter or darker than its ground a colour is at least."""


def contrast(colour: str, ground: str) -> float:
    """The ratio of WCAG 2.2 for two colours `#rrggbb`, from 1 to 21."""

    def light(named: str) -> float:
        shares = (int(named[i : i + 2], 16) / 255 for i in (1, 3, 5))
        linear = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
        return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, bright = sorted((light(colour), light(ground)))
    return (bright + 0.05) / (dark + 0.05)


def hexed(value) -> str:
    return matplotlib.colors.to_hex(value).upper()


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_every_colour_of_the_figures_can_be_read_on_their_ground():
    """Lines too: their names stand beside them in the same colour."""
    style = matplotlib.rc_params_from_file(STYLE, use_default_template=False)
    grounds = {hexed(style[name]) for name in ("axes.facecolor", "figure.facecolor", "savefig.facecolor")}
    assert grounds == {charts.GROUND}
    cycle = [hexed(colour) for colour in style["axes.prop_cycle"].by_key()["color"]]
    assert tuple(cycle) == charts.COLOURS
    letters = [
        style[name] for name in ("text.color", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color")
    ]
    used = {*map(hexed, letters), *cycle, charts.TRAINING, charts.VALIDATION, charts.GREY, GUESS, charts.INK}
    low = {colour: round(contrast(colour, charts.GROUND), 2) for colour in used}
    assert {colour: ratio for colour, ratio in low.items() if ratio < TEXT} == {}


def test_training_and_validation_have_colours_that_no_setting_has():
    assert not {charts.TRAINING, charts.VALIDATION, charts.GREY} & set(charts.COLOURS)


def test_a_chart_brings_its_ground_and_draws_nothing_that_is_lost_on_it():
    panel = Panel("loss", (0, 10), (0, 1), "epoch", [Line([1, 2], [0.5, 0.4], "a")], 0.7, bars=[(0, 1, 0.5)], mark=3)
    svg = chart([panel])
    assert re.search(rf'<svg[^>]*><rect width="336" height="230" fill="{charts.GROUND}"/>', svg)
    drawn = set(re.findall(r'(?:fill|stroke)="(#\w+)"', svg)) - {charts.GROUND}
    assert {charts.INK, charts.GREY, charts.VALIDATION} <= drawn
    assert min(contrast(colour, charts.GROUND) for colour in drawn) >= TEXT


def test_the_number_in_the_darkest_cell_of_a_matrix_can_be_read():
    shares = (PALE * a + (1 - PALE) * b for a, b in zip(*map(to_rgb, (charts.VALIDATION, charts.GROUND)), strict=True))
    assert contrast(charts.INK, hexed(tuple(shares))) >= TEXT


def test_lines_are_named_where_they_end():
    lines = [Line([1, 2], [0.2, 0.5], f"name {i}", charts.COLOURS[i % 7]) for i in range(14)]
    svg = chart([Panel("loss", (0, 2), (0, 1), "epoch", lines), Panel("bars", (0, 2), (0, 1), "epoch")])
    named = {name: (float(y), colour) for y, colour, name in re.findall(r'y="([\d.]+)" fill="(#\w+)">(name \d+)<', svg)}
    assert {name: colour for name, (_, colour) in named.items()} == {line.label: line.colour for line in lines}
    heights = sorted(height for height, _ in named.values())
    assert all(b - a >= 13.9 for a, b in pairwise(heights)) and heights[-1] < int(re.search(r'height="(\d+)"', svg)[1])


def test_what_lies_above_a_chart_is_said():
    over, under = (chart([Panel("loss", (0, 2), (0, 1), "epoch", [Line([1, 2], [0.2, y], "a")])]) for y in (7.25, 1.0))
    assert "▲ above the axis: to 7.25" in over and "above the axis" not in under


def test_the_page_draws_in_the_same_colours():
    named = dict(re.findall(r'const (\w+) = "(#\w+)"', (STATIC / "page.js").read_text(encoding="utf-8")))
    wanted = {"BLUE": charts.VALIDATION, "ORANGE": charts.TRAINING, "GREEN": charts.THIRD, "PURPLE": charts.OTHER}
    assert named == wanted | {"GREY": charts.GREY, "INK": charts.INK}
    ground = f'svg[role="img"], .labutils .lu-legend {{ background: {charts.GROUND.lower()}; color: {charts.INK}; }}'
    assert ground in (STATIC / "page.css").read_text(encoding="utf-8")
