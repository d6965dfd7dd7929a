"""Seconds of the trip between 22:00 and 06:00 by the owner's clock (`owner.timezone`)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from agent.model import NS, TRUSTED, Metric, Span

NIGHT_FROM = time(22)
NIGHT_TO = time(6)
DAY = timedelta(days=1)


class NightS(Metric):
    """Of the whole trip, observed or not; absent without a trusted wall clock: an hour off makes a night of an evening."""

    def result(self, span: Span) -> float | None:
        if span.wall is None or span.wall.quality not in TRUSTED:
            return None
        zone = ZoneInfo(self.owner.timezone)
        return overlap_s(span.wall.utc_ns(span.start_ns), span.wall.utc_ns(span.end_ns), zone)


def overlap_s(start_ns: int, end_ns: int, zone: tzinfo) -> float:
    """How many seconds of [start, end] (UTC in ns) are night in `zone`; a night may last 7 or 9 hours when clocks change."""
    day = datetime.fromtimestamp(start_ns // NS, zone).date() - DAY
    inside_ns = 0
    while (night_ns := _utc_ns(day, NIGHT_FROM, zone)) < end_ns:
        day += DAY
        inside_ns += max(0, min(end_ns, _utc_ns(day, NIGHT_TO, zone)) - max(start_ns, night_ns))
    return inside_ns / NS


def _utc_ns(day: date, at: time, zone: tzinfo) -> int:
    return int(datetime.combine(day, at, zone).timestamp()) * NS
