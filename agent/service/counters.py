"""What the car counts towards a service itself: its countdown, its reminder, its oil life, its engine hours. Pure.

Each of them is heard many times in a drive and looked at when the trip ends: the middle of MANY values, SPACED_S apart, of
the time with the ignition on and the cluster awake. So a cluster that wakes with zero or falls asleep with its greatest number,
and a wrong frame sent twice, are nothing. One that jumps up says that the service was done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, TypeAlias

import msgspec

from agent import signals
from agent.model import NS, Value
from agent.service.forecast import Rate, day_after

HEARD = (
    signals.IS_SERVICE_DUE,
    signals.DISTANCE_TO_SERVICE,
    signals.TIME_TO_SERVICE,
    signals.OIL_LIFE,
    signals.ENGINE_HOURS,
)
MANY = 5  # readings of a drive that have to be there; the middle one withstands two wrong ones
SPACED_S = 2  # between two of them: a cluster sends ten a second, and so a glitch of half a second would be all of them
WAKING_S = 30  # a cluster that wakes with zero has its value by then, as its odometer has
JUMP_M = 2_500_000.0  # cars that reckon anew move their countdown by some hundred km; the shortest interval in use is 8,000 km
JUMP_DAYS = 60  # likewise: intervals are months
JUMP_PERCENT = 20.0  # oil life only falls; some clusters show it in steps of ten
UNDONE_DAYS = 30  # a counter that falls back later has counted down
UNDONE_M = 2_000_000.0  # likewise where no clock tells: it takes more to count down an interval
SEEN_DAYS = 7  # what started longer ago would be learned as too late
OIL_DAYS, OIL_PERCENT = 14, 3.0  # a slope needs so many days and points: clusters show whole percent
DAY_S = 86_400
FADES = 0.995  # what a trip weighs after each later one: half after 140 trips, some two months


Change: TypeAlias = Literal["first heard", "began anew", "oil changed", "fell back", "reminds", "reminds since an unknown day"]


class Counters(msgspec.Struct, frozen=True, omit_defaults=True):
    """As they stood at the end of a trip. None: never heard."""

    is_due: bool | None = None  # the car's own reminder
    left_m: float | None = None  # below 0: overdue
    due_m: float | None = None  # the reading that it pointed at, when there was one
    left_days: float | None = None
    due_day: str | None = None  # the day that `left_days` pointed at, when there was a clock to be trusted
    oil_percent: float | None = None
    oil_from: tuple[float, str] | None = None  # percent and day at which its slope begins
    day: str | None = None  # the last of these days
    undo: Counters | None = None  # as they stood before they jumped up,
    undo_day: str | None = None  # and when that was
    driven_m: float = 0.0  # by trips, since the unit was there
    engine_h: float = 0.0  # likewise
    engine_offset_h: float | None = None  # the car's own count minus that
    trips_h: float = 0.0  # faded sums over trips that know both: hours for metres
    trips_m: float = 0.0

    def is_counting(self) -> bool:
        """Whether the car counts down to a service itself."""
        return (self.is_due, self.left_m, self.left_days) != (None, None, None)

    def engine_rate(self, pace: Rate | None) -> Rate | None:
        """Engine hours a day at this pace."""
        if pace is None or self.trips_m <= 0:
            return None
        return Rate(*(each * self.trips_h / self.trips_m for each in pace))

    def oil_rate(self, today: date, pace: Rate | None) -> Rate | None:
        """Percent of oil life a day by what was seen of it, as uneven as the pace is."""
        if self.oil_from is None or self.oil_percent is None:
            return None
        percent, day = self.oil_from
        days, used = (today - date.fromisoformat(day)).days, percent - self.oil_percent
        if days < OIL_DAYS or used < OIL_PERCENT:
            return None
        uneven = Rate(0.5, 1.0, 1.5) if pace is None or pace.likely <= 0 else Rate(*(each / pace.likely for each in pace))
        return Rate(*(each * used / days for each in uneven))


class Heard:
    """The last values of this drive; gone with a restart, and then heard again."""

    def __init__(self) -> None:
        self.values: dict[str, deque[float]] = {}
        self.next_ns: dict[str, int] = {}  # when the next value of a signal is taken
        self.from_ns: int | None = 0  # None: not now

    def ignition(self, is_: Literal["on", "off", "unknown"], t_ns: int) -> None:
        """With it off nothing is taken, and from it on nothing before the cluster is awake; not known: what there is."""
        if is_ == "on":
            self.values = {}
        self.from_ns = None if is_ == "off" else t_ns + WAKING_S * NS if is_ == "on" else t_ns

    def take(self, t_ns: int, signal: str, value: Value) -> bool:
        """Whether it is taken."""
        if self.from_ns is None or t_ns < self.from_ns or t_ns < self.next_ns.get(signal, 0):
            return False
        if not isinstance(value, (int, float)):
            return False
        self.next_ns[signal] = t_ns + SPACED_S * NS
        self.values.setdefault(signal, deque(maxlen=MANY)).append(float(value))
        return True

    def settled(self) -> dict[str, float]:
        """signal → the middle of its last values, of those heard often enough; then it is empty."""
        found = {signal: sorted(values)[(MANY - 1) // 2] for signal, values in self.values.items() if len(values) == MANY}
        self.values = {}
        return found


def driven(counters: Counters, metrics: Mapping[str, Any]) -> Counters:
    """After a trip with these metrics."""
    engine_s, distance_m = metrics.get("engine_s"), metrics.get("distance_m")
    counters = msgspec.structs.replace(counters, driven_m=counters.driven_m + (distance_m or 0.0))
    if engine_s is None:
        return counters
    hours = engine_s / 3600
    counters = msgspec.structs.replace(counters, engine_h=counters.engine_h + hours)
    if distance_m is None:
        return counters
    return msgspec.structs.replace(
        counters, trips_h=counters.trips_h * FADES + hours, trips_m=counters.trips_m * FADES + distance_m
    )


def read(
    counters: Counters, heard: Mapping[str, float], reading_m: float | None, day: str | None
) -> tuple[Counters, list[Change]]:
    """As they stand now, the odometer at `reading_m`, and what that says; `day`: today by a clock to be trusted."""
    if not heard:
        return counters, []
    now = _read(counters, heard, reading_m, day)
    changes: list[Change] = []
    if (counters.left_m, counters.left_days) == (None, None) != (now.left_m, now.left_days):
        changes.append("first heard")
    if service_was_done(counters, now):
        changes.append("began anew")
    if oil_was_changed(counters, now):
        changes.append("oil changed")
    if "began anew" in changes or "oil changed" in changes:
        now = msgspec.structs.replace(now, undo=msgspec.structs.replace(counters, undo=None), undo_day=day)
    elif now.undo is not None:
        is_over = _is_long_ago(now, now.undo, day)
        if not is_over and fell_back(now.undo, now):
            is_over, changes = True, ["fell back"]
        if is_over:
            now = msgspec.structs.replace(now, undo=None, undo_day=None)
    if now.is_due and not counters.is_due:
        changes.append("reminds" if is_seen_to_start(counters, day) else "reminds since an unknown day")
    return now, changes


def _is_long_ago(now: Counters, undo: Counters, day: str | None) -> bool:
    """Whether what looked like a service is so long ago that it cannot be taken back."""
    if day is not None and now.undo_day is not None:
        return _days_between(now.undo_day, day) > UNDONE_DAYS
    return now.driven_m - undo.driven_m > UNDONE_M


def _read(counters: Counters, heard: Mapping[str, float], reading_m: float | None, day: str | None) -> Counters:
    left_km, left_s = heard.get(signals.DISTANCE_TO_SERVICE), heard.get(signals.TIME_TO_SERVICE)
    is_due, engine_h = heard.get(signals.IS_SERVICE_DUE), heard.get(signals.ENGINE_HOURS)
    left_days = counters.left_days if left_s is None else left_s / DAY_S
    due_m, due_day = counters.due_m, counters.due_day
    if left_km is not None:
        due_m = None if reading_m is None else reading_m + left_km * 1000
    if left_s is not None:
        due_day = day_after(date.fromisoformat(day), round(left_s / DAY_S)) if day else None
    return msgspec.structs.replace(
        counters,
        is_due=counters.is_due if is_due is None else bool(is_due),
        left_m=counters.left_m if left_km is None else left_km * 1000,
        due_m=due_m,
        left_days=left_days,
        due_day=due_day,
        oil_percent=heard.get(signals.OIL_LIFE, counters.oil_percent),
        oil_from=_oil_from(counters, heard.get(signals.OIL_LIFE), day),
        day=day or counters.day,
        engine_offset_h=counters.engine_offset_h if engine_h is None else engine_h - counters.engine_h,
    )


def shifted(counters: Counters, by_m: float) -> Counters:
    """The same beside another cluster."""
    return counters if counters.due_m is None else msgspec.structs.replace(counters, due_m=counters.due_m + by_m)


def service_was_done(before: Counters, now: Counters) -> bool:
    """Whether the car's countdown began anew; the reminder going out says so only where there is no countdown."""
    if now.left_m is not None or now.left_days is not None:
        return _rose(before.left_m, now.left_m, JUMP_M) or _rose(before.left_days, now.left_days, JUMP_DAYS)
    return before.is_due is True and now.is_due is False


def oil_was_changed(before: Counters, now: Counters) -> bool:
    return _rose(before.oil_percent, now.oil_percent, JUMP_PERCENT)


def fell_back(before: Counters, now: Counters) -> bool:
    """Whether they are again where they were `before` what looked like a service."""
    pairs = (
        (before.left_m, now.left_m, JUMP_M),
        (before.left_days, now.left_days, JUMP_DAYS),
        (before.oil_percent, now.oil_percent, JUMP_PERCENT),
    )
    known = [(was, is_, jump) for was, is_, jump in pairs if was is not None and is_ is not None]
    return bool(known) and all(is_ < was + jump for was, is_, jump in known)


def is_seen_to_start(before: Counters, day: str | None) -> bool:
    """Whether the car's reminder was off within a week before `day`, when it is on: then it is known when it started."""
    if before.is_due is not False or before.day is None or day is None:
        return False
    return _days_between(before.day, day) <= SEEN_DAYS


def _days_between(day: str, later: str) -> int:
    return (date.fromisoformat(later) - date.fromisoformat(day)).days


def _rose(before: float | None, now: float | None, jump: float) -> bool:
    return before is not None and now is not None and now - before > jump


def _oil_from(counters: Counters, percent: float | None, day: str | None) -> tuple[float, str] | None:
    if percent is None or day is None:
        return counters.oil_from
    if counters.oil_from is None or percent > counters.oil_from[0] or _rose(counters.oil_percent, percent, JUMP_PERCENT):
        return (percent, day)
    return counters.oil_from
