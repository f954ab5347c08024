"""Small line and bar charts as SVG text: quick enough to draw while a slider moves, and on a ground of their own."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

TRAINING, VALIDATION, GREY = "#B84E00", "#0072B2", "#6B6B6B"
"""Orange and dashed is training, blue is validation, and neither is ever anything else."""
COLOURS = ("#00775A", "#A03E86", "#332288", "#5E5E5E", "#8A6100", "#882255", "#111111")
"""Settings, classes and what else there is to tell apart: differently dark, for those who do not see all colours."""
THIRD, OTHER = COLOURS[:2]
GROUND, INK = "#FFFFFF", "#333333"
"""No grey can be read on light and on dark pages."""
WIDTH, HEIGHT = 330, 230
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 26, 38


@dataclass(frozen=True)
class Line:
    """One curve; `dash` is an SVG dash pattern, empty for a solid line."""

    x: Sequence[float]
    y: Sequence[float]
    label: str = ""
    colour: str = VALIDATION
    dash: str = ""
    width: float = 1.8


@dataclass(frozen=True)
class Panel:
    """One pair of axes with fixed ends."""

    title: str
    x: tuple[float, float]
    y: tuple[float, float]
    x_label: str
    lines: Sequence[Line] = ()
    guess: float | None = None
    log_x: bool = False
    bars: Sequence[tuple[float, float, float]] = ()
    mark: float | None = None

    def across(self, value: float) -> float:
        """Pixels from the left for a value of the x axis."""
        low, high = self.x
        if self.log_x:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def down(self, value: float) -> float:
        """Pixels from the top for a value of the y axis; what leaves the axes stays at their end."""
        low, high = self.y
        share = (min(max(value, low), high) - low) / (high - low) if math.isfinite(value) else 1
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def chart(panels: Sequence[Panel]) -> str:
    """The panels side by side as one SVG, its lines named right of it, at the heights at which they end."""
    width = WIDTH * len(panels)
    drawn = "".join(f'<g transform="translate({i * WIDTH},0)">{_panel(p)}</g>' for i, p in enumerate(panels))
    named = {line.label: (p.down(line.y[-1]), line) for p in panels for line in p.lines if line.label and len(line.x)}
    ends = sorted(named.values(), key=lambda end: end[0])
    places = apart([place for place, _ in ends], [14] * len(ends), TOP, HEIGHT - BOTTOM)
    for place, (_, line) in zip(places, ends, strict=True):
        drawn += f'<text x="{width - 4}" y="{place + 4:.1f}" fill="{line.colour}">{html.escape(line.label)}</text>'
    room = round(6.5 * max(map(len, named), default=0))
    return svg(width + room, max([HEIGHT, *(round(place) + 14 for place in places)]), drawn)


def apart(wanted: Sequence[float], sizes: Sequence[float], low: float, high: float) -> list[float]:
    """Where labels stand of which none is on another, each as near as it can be to the place that it names.

    `wanted` are the places, in rising order, `sizes` what each label takes of the axis; their middles stay between
    `low` and `high` as far as they fit.
    """
    before = [sum(sizes[:i]) + (sizes[i] - sizes[0]) / 2 for i in range(len(sizes))] or [0]
    blocks: list[list[float]] = []  # what would overlap is moved as one, to the mean of what it names
    for place, offset in zip(wanted, before, strict=False):
        blocks.append([min(max(place, low), high) - offset])
        while len(blocks) > 1 and _mean(blocks[-2]) > _mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    places = [_mean(block) for block in blocks for _ in block]
    last = max(low, high - before[-1])
    return [min(max(place, low), last) + offset for place, offset in zip(places, before, strict=False)]


def svg(width: float, height: float, drawn: str, size: int = 11) -> str:
    """What is drawn on its ground, in letters of a size, as an SVG."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}" font-family="sans-serif" font-size="{size}" fill="{INK}" stroke="none" '
        f'style="max-width:100%"><rect width="{width:.0f}" height="{height}" fill="{GROUND}"/>{drawn}</svg>'
    )


def learning_chart(
    curves: Callable[[str], list[Line]], end: float, top: float, classes: int, of: str = "", x_label: str = "epoch"
) -> str:
    """Loss and accuracy side by side as one SVG, each with the level of guessing from so many classes.

    `curves` gives the lines for "loss" and for "accuracy"; the common x axis and the loss axis end at `end` and `top`;
    `of` which images it is stands before both titles.
    """
    sides = (("loss", top, math.log(classes)), ("accuracy", 1.0, 1 / classes))
    return chart([Panel(of + name, (0, end), (0, high), x_label, curves(name), guess) for name, high, guess in sides])


def fewer_levels(pixels: np.ndarray) -> np.ndarray:
    """uint8 values rounded to multiples of 5, of which white is one: most of a PNG file is noise that nobody sees."""
    return ((pixels.astype(np.uint16) + 2) // 5 * 5).astype(np.uint8)


def as_image(picture: str | bytes, alt: str, look: str = "") -> str:
    """An SVG or a PNG file as an `<img>` with its alt text: notebooks that are not trusted show it too."""
    kind, content = ("png", picture) if isinstance(picture, bytes) else ("svg+xml", picture.encode())
    source = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    style = f' style="{look}"' if look else ""
    return f'<img alt="{html.escape(alt, quote=True)}"{style} src="{source}">'


def ticks(low: float, high: float, log: bool = False) -> list[float]:
    """Round values between two ends, five of them or a few more or less.

    Examples
    --------
    >>> ticks(0, 30)
    [0.0, 10.0, 20.0, 30.0]
    >>> ticks(1e-4, 1e-2, log=True)
    [0.0001, 0.001, 0.01]
    """
    if log:
        return [10.0**k for k in range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)]
    rough = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 10) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _panel(panel: Panel) -> str:
    left, right, top, bottom = LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM
    parts = [f'<text x="{left}" y="{top - 10}" font-size="12">{html.escape(panel.title)}</text>']
    for value in ticks(*panel.y):
        y = panel.down(value)
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="{GREY}" stroke-opacity=".3"/>')
        parts.append(f'<text x="{left - 5}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in ticks(*panel.x, log=panel.log_x):
        x = panel.across(value)
        words = f"1e{round(math.log10(value))}" if panel.log_x else f"{value:g}"
        parts.append(f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{words}</text>')
    parts.append(f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="{GREY}"/>')
    middle, named = (left + right) / 2, html.escape(panel.x_label)
    parts.append(f'<text x="{middle}" y="{bottom + 30}" text-anchor="middle">{named}</text>')
    if panel.guess is not None:
        y = panel.down(panel.guess)
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="{GREY}" stroke-dasharray="1 3"/>')
        parts.append(f'<text x="{right}" y="{y - 3:.1f}" text-anchor="end">guessing</text>')
    for low, high, value in panel.bars:
        x, y = panel.across(low), panel.down(value)
        size = f'width="{max(panel.across(high) - x - 1, 1):.1f}" height="{bottom - y:.1f}"'
        parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{VALIDATION}"/>')
    if panel.mark is not None:
        parts.append(f'<path d="M{panel.across(panel.mark):.1f} {top}V{bottom}" stroke="{INK}" stroke-width="2"/>')
    parts += [_line(panel, line) for line in panel.lines if len(line.x)]
    highest = max((y for line in panel.lines for y in line.y if math.isfinite(y)), default=-math.inf)
    if highest > panel.y[1] + 1e-9:
        parts.append(f'<text x="{right}" y="{top - 10}" text-anchor="end">▲ above the axis: to {highest:.3g}</text>')
    return "".join(parts)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _line(panel: Panel, line: Line) -> str:
    if len(line.x) == 1:  # a line of one point would not be seen
        x, y = panel.across(line.x[0]), panel.down(line.y[0])
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{line.colour}"/>'
    there = ((x, y) for x, y in zip(line.x, line.y, strict=True) if math.isfinite(y))
    points = " ".join(f"{panel.across(x):.1f},{panel.down(y):.1f}" for x, y in there)
    dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
    return f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="{line.width}"{dash}/>'
