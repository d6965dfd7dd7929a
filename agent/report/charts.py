"""Chart → inline SVG. 360 units wide, so that on a phone one unit is about one pixel and its text stays legible."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from agent.household import NO_BREAK, Language
from agent.report.blocks import Chart

WIDTH, HEIGHT = 360.0, 150.0
LEFT, RIGHT, TOP, BOTTOM = 30.0, 354.0, 14.0, 128.0  # the plot, inside its labels
ROW, BAR = 24.0, 12.0  # of a horizontal bar: its row, and its own height
LABEL, VALUE = 96.0, 40.0  # room for a row's label and value
WIDEST = 40.0  # of a column: three months are not to look like walls
MOST_STEPS = 4


def svg(chart: Chart, language: Language) -> str:
    """`role=img` with the chart's sentence; its numbers stand in the table beside it."""
    height = ROW * len(chart.values) + 4 if chart.kind == "bars" else HEIGHT
    point = "," if language == "de" else "."
    drawn = bars(chart) if chart.kind == "bars" else columns(chart, point) if chart.kind == "columns" else line(chart, point)
    alt = escape(chart.alt)
    head = f'<svg viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{alt}"><title>{alt}</title>'
    return head + "".join(drawn) + "</svg>"


def scale(most: float) -> tuple[float, int]:
    """(the end of the scale, in how many steps): round numbers that hold `most`; never less than 1, in four steps at the most."""
    most = max(most, 1.0)
    size = 10.0 ** math.floor(math.log10(most))
    for part in (0.25, 0.5, 1.0, 2.0, 2.5, 5.0):
        steps = math.ceil(most / (size * part) - 1e-9)
        if steps <= MOST_STEPS:
            return size * part * steps, steps
    raise ValueError(f"{most} has no scale")


def columns(chart: Chart, point: str) -> Iterator[str]:
    most, steps = scale(max((v for v in chart.values if v is not None), default=1.0))
    yield from _grid(most, steps, point)
    pitch = (RIGHT - LEFT) / len(chart.values)
    for n, (value, label, text) in enumerate(zip(chart.values, chart.labels, chart.texts, strict=True)):
        middle, wide = LEFT + (n + 0.5) * pitch, min(pitch - 2, WIDEST)
        if value is None:
            yield f'<text class="l m" x="{middle:.1f}" y="{BOTTOM - 3:g}">–</text>'
        elif value > 0:
            high = max(1.0, (BOTTOM - TOP) * value / most)
            soft = ' class="s"' if chart.mark not in (None, n) else ""
            box = f'x="{middle - wide / 2:.1f}" y="{BOTTOM - high:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="1.5"'
            yield f"<rect{soft} {box}><title>{escape(text)}</title></rect>"
            if n == chart.mark:
                number = escape(text.partition(NO_BREAK)[0])  # its unit stands above the chart
                yield f'<text class="v m" x="{middle:.1f}" y="{BOTTOM - high - 4:.1f}">{number}</text>'
        if label:
            yield f'<text class="l m" x="{middle:.1f}" y="{BOTTOM + 14:g}">{escape(label)}</text>'
    yield f'<path class="a" d="M{LEFT:g} {BOTTOM:g}H{RIGHT:g}"/>'


def bars(chart: Chart) -> Iterator[str]:
    most = max((v for v in chart.values if v is not None), default=1.0) or 1.0
    for n, (value, label, text) in enumerate(zip(chart.values, chart.labels, chart.texts, strict=True)):
        y = n * ROW + 2
        long = max(1.0, (WIDTH - LABEL - VALUE) * (value or 0.0) / most)
        yield f'<text class="l e" x="{LABEL - 8:g}" y="{y + BAR:g}">{escape(label)}</text>'
        yield f'<rect x="{LABEL:g}" y="{y + 2:g}" width="{long:.1f}" height="{BAR:g}" rx="1.5"/>'
        yield f'<text class="v" x="{LABEL + long + 5:.1f}" y="{y + BAR:g}">{escape(text)}</text>'


def line(chart: Chart, point: str) -> Iterator[str]:
    most, steps = scale(max(v or 0.0 for v in chart.values) if chart.most is None else chart.most)
    yield from _grid(most, steps, point)
    pitch = (RIGHT - LEFT) / len(chart.values)
    points = []
    for n, (value, label) in enumerate(zip(chart.values, chart.labels, strict=True)):
        x, y = LEFT + (n + 0.5) * pitch, BOTTOM - (BOTTOM - TOP) * (value or 0.0) / most
        points.append((x, y))
        if label:
            yield f'<text class="l m" x="{x:.1f}" y="{BOTTOM + 14:g}">{escape(label)}</text>'
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    yield f'<path class="f" d="M{points[0][0]:.1f} {BOTTOM:g}L{path}L{points[-1][0]:.1f} {BOTTOM:g}Z"/>'
    yield f'<path class="c" d="M{path}"/><path class="a" d="M{LEFT:g} {BOTTOM:g}H{RIGHT:g}"/>'
    for n, ((x, y), text) in enumerate(zip(points, chart.texts, strict=True)):
        radius = 4 if n == chart.mark else 2
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{escape(text)}</title></circle>'
        if n == chart.mark:
            yield f'<text class="v m" x="{x:.1f}" y="{y + 18 if y < TOP + 14 else y - 9:.1f}">{escape(text)}</text>'


def _grid(most: float, steps: int, point: str) -> Iterator[str]:
    for n in range(steps + 1):
        y = BOTTOM - (BOTTOM - TOP) * n / steps
        if n:
            yield f'<path class="g" d="M{LEFT:g} {y:.1f}H{RIGHT:g}"/>'
        label = f"{most * n / steps:g}".replace(".", point)
        yield f'<text class="l e" x="{LEFT - 5:g}" y="{y + 3.5:.1f}">{label}</text>'
