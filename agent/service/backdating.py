"""When a service was done that somebody tells of later: the reading of a past day, the day of a past reading. Pure.

| told | reading | day |
|---|---|---|
| nothing | as it stands now | today |
| a past day | now's, less what was driven since; not known where that is not | that day |
| a past reading | that | the day since which so much was driven; today where that is not known |
| both | as told | as told |
| an appointment that was kept | as of a past day | that on which it ended |

A day or a reading that is yet to come is now's. What was driven is looked up in the car's own days (agent/habits.py), before
them by its pace: an estimate, and what rests on it is `about`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from agent.habits import DAYS_KEPT, Habits
from agent.localtime import day_of
from agent.prompts.slots import Slot, span_ns
from agent.service.forecast import FAR_DAYS


class Done(NamedTuple):
    """None: not known. `back_m`: what was driven since, so that a reading which is learned later can be put back to it."""

    reading_m: float | None
    day: date | None
    back_m: float | None = 0.0
    is_own: bool = True  # the reading is the unit's own, so whoever corrects its odometer corrects this too
    about: bool = False


def done_at(named_m: float | None, named_day: str | None, reading_m: float | None, today: date | None, habits: Habits) -> Done:
    """Where a service belongs of which `named_m` and `named_day` are told, the odometer standing at `reading_m`."""
    day = not_after(named_day, today)
    if named_m is None or (reading_m is not None and named_m > reading_m):
        return _on(day, reading_m, today, habits)
    back_m = None if reading_m is None else reading_m - named_m
    since = _day_back(back_m, today, habits) if named_day is None and today and back_m is not None else day
    return Done(named_m, since, back_m, is_own=False, about=since != day)


def _on(day: date | None, reading_m: float | None, today: date | None, habits: Habits) -> Done:
    """Of which only the day is told."""
    back_m = 0.0 if day is None or day == today else driven_since_m(day, habits)
    then_m = None if reading_m is None or back_m is None else max(0.0, reading_m - back_m)
    return Done(then_m, day, back_m, about=bool(back_m))


def day_of_slot(slot: Slot | None, zone: ZoneInfo) -> str | None:
    """The local day on which it ended; None where that is not known."""
    end_ns = span_ns(slot)[1] if slot else 0
    return day_of(end_ns, zone) if end_ns else None


def driven_since_m(day: date, habits: Habits) -> float | None:
    """What was driven on the days after `day`; None where that is not known."""
    if habits.first_day is None or habits.last_day is None:
        return None
    seen_m = sum(each.distance_m for each in habits.days if each.day > day.isoformat())
    before = (_first(habits.first_day, habits.last_day) - day).days - 1
    if before <= 0:
        return seen_m
    pace = habits.pace()
    return None if pace is None else seen_m + pace.likely_m * before


def _day_back(back_m: float, today: date, habits: Habits) -> date:
    """The day since which `back_m` were driven."""
    for each in reversed(habits.days):
        if back_m <= each.distance_m:
            return min(today, date.fromisoformat(each.day))
        back_m -= each.distance_m
    pace = habits.pace()
    if pace is None or not pace.likely_m or habits.first_day is None or habits.last_day is None:
        return today
    days = back_m / pace.likely_m
    return _first(habits.first_day, habits.last_day) - timedelta(days=days) if days < FAR_DAYS else today


def _first(first_day: str, last_day: str) -> date:
    """Since when all days are known."""
    return max(date.fromisoformat(first_day), date.fromisoformat(last_day) - timedelta(days=DAYS_KEPT - 1))


def not_after(day: str | None, today: date | None) -> date | None:
    """The day that somebody names, today where they name none, or one to come, or what is no day."""
    try:
        named = date.fromisoformat(day) if day else None
    except ValueError:
        named = None
    return named if named is not None and (today is None or named <= today) else today
