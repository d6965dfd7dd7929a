"""When and how far this car is usually driven: what forecasts and good moments rest on. Pure; it never leaves the unit.

The rule of the same name (agent/events/habits.py) keeps it; the engine lends it to all rules as `ctx.habits`.
Days and hours are local, by the owner's zone.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import msgspec

DAYS_KEPT = 182  # half a year: long enough for a pace, short enough for a new job to show
PACE_DAYS = 28  # fewer say little: a holiday alone would be a pace
FIRST_DAYS = 7  # one week has each weekday, and says whether a car is driven much or hardly at all
PACE_LONG_DAYS = 84  # the pace is of these, so that one trip abroad does not make it
ARRIVAL_DAYS = 5  # days with trips, before a usual last arrival is told
WEEK_H = 168
PARKED_WEEKS = 3.0  # an hour of the week looked at less often than this is not known


class Day(msgspec.Struct, frozen=True, array_like=True):
    """One local day of the car."""

    day: str  # "2026-11-22"
    distance_m: float = 0.0
    trips: int = 0
    arrivals: dict[str, int] = {}  # driver → minute of the day at which they last arrived; up to 1440 + 360 after midnight


class Pace(NamedTuple):
    """Metres a day: what is likely, and a range that eight weeks out of ten lie in."""

    low_m: float
    likely_m: float
    high_m: float
    days: int  # what it rests on
    before_m: float  # likely by the days before those: how it goes on after a quarter abroad; likely_m where there are few


class Habits(msgspec.Struct, frozen=True):
    """`first_day`: since when days without a row are known to be days without a trip."""

    first_day: str | None = None
    last_day: str | None = None
    days: tuple[Day, ...] = ()
    driven_h: tuple[float, ...] = ()  # decayed hours driven, by hour of the week, Monday 00:00 first; empty: no trip yet
    seen_h: tuple[float, ...] = ()  # decayed hours known, likewise

    def first_m(self) -> float | None:
        """Metres a day so far; None in the first week, and once there is a pace."""
        if self.first_day is None or self.last_day is None:
            return None
        known = (date.fromisoformat(self.last_day) - date.fromisoformat(self.first_day)).days + 1
        return sum(each.distance_m for each in self.days) / known if FIRST_DAYS <= known < PACE_DAYS else None

    def pace(self) -> Pace | None:
        """Metres a day over the last weeks; None before four weeks are known."""
        if self.first_day is None or self.last_day is None:
            return None
        known = (date.fromisoformat(self.last_day) - date.fromisoformat(self.first_day)).days + 1
        if known < PACE_DAYS:
            return None
        span = min(known, PACE_LONG_DAYS)
        end = date.fromisoformat(self.last_day).toordinal()
        weeks = [0.0] * (span // 7)
        for each in self.days:
            age = end - date.fromisoformat(each.day).toordinal()
            if age < len(weeks) * 7:
                weeks[age // 7] += each.distance_m
        likely = sum(weeks) / (len(weeks) * 7)
        weeks.sort()
        cut = len(weeks) // 10  # of twelve weeks the slowest and the fastest are left out
        return Pace(weeks[cut] / 7, likely, weeks[-1 - cut] / 7, span, self._before_m(end, known, likely))

    def _before_m(self, end: int, known: int, likely_m: float) -> float:
        """Metres a day on the days before the pace's own; `end`: the last one's ordinal, `known`: how many there are."""
        days = min(known, DAYS_KEPT) - PACE_LONG_DAYS
        if days < PACE_DAYS:
            return likely_m
        first = end - PACE_LONG_DAYS - days + 1
        found = (each for each in self.days if first <= date.fromisoformat(each.day).toordinal() <= end - PACE_LONG_DAYS)
        return sum(each.distance_m for each in found) / days

    def usual_trip_m(self) -> float | None:
        """How long one trip usually is: the middle of the days' means; None when not known."""
        means = sorted(d.distance_m / d.trips for d in self.days[-56:] if d.trips)
        return means[len(means) // 2] if len(means) >= ARRIVAL_DAYS else None

    def usual_last_arrival_min(self, driver: str | None) -> int | None:
        """The minute of the day by which `driver` (None: anybody) is usually home for good; None when not known.

        Of the days on which they drove, three out of four ended by then.
        """
        found = sorted(
            max(mine.values()) if driver is None else mine[driver]
            for mine in (d.arrivals for d in self.days[-56:])
            if (mine if driver is None else driver in mine)
        )
        return found[len(found) * 3 // 4] if len(found) >= ARRIVAL_DAYS else None

    def parked_share(self, hour_of_week: int) -> float | None:
        """How often the car stood in this hour of the week (Monday 00:00 is 0), 0 to 1; None when not known."""
        seen = self.seen_h[hour_of_week] if self.seen_h else 0.0
        return None if seen < PARKED_WEEKS else max(0.0, 1.0 - self.driven_h[hour_of_week] / seen)
