"""When an item will be due: what is left of each of its limits, and how fast that goes. Pure.

Every limit is an amount that shrinks from day to day: metres at the car's pace, engine hours, percent of oil life, days by one
a day. Weeks differ, and the differences average out: what is driven in d days lies around likely × d, within the spread of
one week × √(weeks), and the pace itself may change: by FASTER, SLOWER. That is the range, in which some eight services of ten
come due; for a limit in days it is one day wide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple, TypeAlias

import msgspec

By: TypeAlias = Literal["distance", "time", "engine_hours", "oil_life"]

FASTER, SLOWER = 0.4, 0.25  # seasons, a new job, journeys: at 0.25 both, one in six of the simulated services came before it
SPEAKS_AT = 0.25  # when to speak; at 0.15 one seed of three came near to the 95 percent that are to be told in time
FAR_DAYS = 3650.0  # what is not used up in ten years is not told by a day


class Rate(NamedTuple):
    """How much a day: what is likely, and the range that eight weeks out of ten lie in."""

    low: float
    likely: float
    high: float
    before: float = 0.0  # likely by the quarter before: whoever comes back from abroad drives as then


EVERY_DAY = Rate(1.0, 1.0, 1.0)


class Left(NamedTuple):
    """What is left of one limit, and where in it the car's own reminder starts: by amount or by days, whichever is first."""

    by: By
    amount: float  # m, days, h, percent; not above 0: due
    rate: Rate | None  # None: not known yet
    reminds_at: float = 0.0  # in the amount's unit
    reminds_days: float = 0.0
    whole: float | None = None  # what it was when it began; None: the car knows
    first: Rate | None = None  # to speak by, while `rate` is not known


class Forecast(msgspec.Struct, frozen=True, omit_defaults=True):
    """Local days, "2026-11-22": due likely on `likely_day`, and by `by`."""

    by: By
    likely_day: str
    earliest_day: str
    latest_day: str | None = None  # None: not within ten years


def soonest_days(amount: float, rate: Rate) -> float:
    """After how many days `amount` is gone, at the fast end of the range; `math.inf` when it never is."""
    return _fast_days(amount, rate._replace(likely=max(rate.likely, min(rate.before, rate.high))), FASTER)


def latest_days(amount: float, rate: Rate) -> float:
    """The same at the slow end."""
    return _days(amount, rate.likely * (1 - SLOWER * _is_uneven(rate)), rate.low - rate.likely)


def likely_days(amount: float, rate: Rate) -> float:
    return _days(amount, rate.likely, 0.0)


def forecast(lefts: Sequence[Left], today: date) -> Forecast | None:
    """When the first of the limits is reached; None without one, or while it is not known how fast one of them goes."""
    found = [(left, left.rate) for left in lefts if left.rate is not None]
    if not found or len(found) < len(lefts):
        return None
    likely, by = min((likely_days(left.amount, rate), left.by) for left, rate in found)
    if likely > FAR_DAYS:
        return None
    return Forecast(
        by=by,
        likely_day=day_after(today, round(likely)),
        earliest_day=day_after(today, math.floor(min(soonest_days(left.amount, rate) for left, rate in found))),
        latest_day=_day_within(today, max(likely, min(latest_days(left.amount, rate) for left, rate in found))),  # floats round
    )


def reminder_days(left: Left, rate: Rate) -> float:
    """In how many days the car's own reminder may start, at a fast pace; not above 0: now."""
    by_amount = _fast_days(left.amount - left.reminds_at, rate, SPEAKS_AT)
    return min(by_amount, _fast_days(left.amount, rate, SPEAKS_AT) - left.reminds_days)


def day_after(today: date, days: int) -> str:
    return (today + timedelta(days=days)).isoformat()


def _fast_days(amount: float, rate: Rate, drift: float) -> float:
    return _days(amount, rate.likely * (1 + drift * _is_uneven(rate)), rate.high - rate.likely)


def _is_uneven(rate: Rate) -> bool:
    """A day is a day."""
    return rate.low < rate.high


def _day_within(today: date, days: float) -> str | None:
    return day_after(today, math.ceil(days)) if days <= FAR_DAYS else None


def _days(amount: float, mean: float, spread: float) -> float:
    """d with mean × d + spread × √(7 d) = amount: `spread` is a week's, per day of it."""
    if amount <= 0:
        return 0.0
    weekly = spread * math.sqrt(7.0)
    if mean <= 0:
        root = math.inf if weekly <= 0 else amount / weekly
        return root * root  # ** would raise where it is beyond a float
    if weekly == 0:
        return amount / mean
    root = (-weekly + math.sqrt(weekly * weekly + 4 * mean * amount)) / (2 * mean)
    return root * root
