"""How things look on a terminal: tables, times, distances, and a small chart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from agent.household import NO_BREAK, UNIT_M
from agent.model import NS

BARS = " ▁▂▃▄▅▆▇█"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A plain table; None is shown as "–" (unknown)."""
    from tabulate import tabulate  # late: 60 ms that --json need not spend

    cells = [["–" if cell is None else cell for cell in row] for row in rows]
    numbers = [
        all(isinstance(r[i], (int, float)) or r[i] == "–" or str(r[i])[:1].isdigit() for r in cells) for i in range(len(head))
    ]
    return str(
        tabulate(
            cells,
            head,
            tablefmt="simple",
            disable_numparse=True,
            colalign=["right" if n and cells else "left" for n in numbers] if cells else None,
        )
    )


def moment(utc_ns: int | None, zone: str = "UTC") -> str | None:
    """A local date and time; None when it was never known."""
    return None if utc_ns is None else f"{datetime.fromtimestamp(utc_ns // NS, UTC).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def distance(m: float | None, counts: str = "km") -> str | None:
    return None if m is None else f"{m / UNIT_M[counts]:,.2f} {counts}"


def breakable(text: str) -> str:
    """Words that were made for a page: a terminal's can be found and copied with plain spaces."""
    return text.replace(NO_BREAK, " ")


def duration(s: float | None) -> str | None:
    """`1:02:03` or `4:05`."""
    if s is None:
        return None
    hours, rest = divmod(round(s), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def chart(values: Sequence[float], width: int = 64, height: int = 6, unit: str = "km/h") -> list[str]:
    """A bar chart of a series: `width` columns of means, the scale at the left."""
    if not values:
        return []
    step = max(1.0, len(values) / width)
    cuts = [int(i * step) for i in range(int(len(values) / step) + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(cuts) if b > a]
    top = max(*means, 1.0)
    lines = []
    for row in range(height - 1, -1, -1):
        eighths = [min(8, max(0, round((m / top * height - row) * 8))) for m in means]
        label = f"{top:5.0f} {unit}" if row == height - 1 else f"{0:5} {unit}" if row == 0 else " " * (6 + len(unit))
        lines.append(f"{label} │{''.join(BARS[e] for e in eighths)}")
    return lines
