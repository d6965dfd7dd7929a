"""HabitsChanged: a day more is known of when and how far this car is driven; and the rule that keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

import msgspec

from agent.events.trip import TripEnded
from agent.habits import DAYS_KEPT, WEEK_H, Day, Habits
from agent.localtime import local
from agent.model import NS, TRUSTED, Context, Event, Rule, Setup, derive_id

DECAY_A_DAY = 0.5 ** (1 / 42)  # after six weeks an hour counts half: a new shift shows within a month
NOTHING = (0.0,) * WEEK_H
AFTER_MIDNIGHT_H = 5  # who comes home at two arrives late on the evening before


class HabitsChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Kept on the unit: forecasts that rest on the pace may be looked at again."""

    leaves: ClassVar[bool] = False
    day: str


class HabitsState(msgspec.Struct):
    lent: Habits = Habits()


class HabitsRule(Rule):
    """Counts a trip to the local day in which it ended, when its clock was trusted; what is undated says nothing of habits."""

    name: ClassVar[str] = "habits"
    lends: ClassVar[bool] = True
    hears: ClassVar[tuple[type[Event], ...]] = (TripEnded,)
    raises: ClassVar[tuple[type[Event], ...]] = (HabitsChanged,)
    state: HabitsState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.zone = ZoneInfo(setup.owner.timezone)
        self.state = HabitsState()

    def event(self, ctx: Context, event: Event) -> Iterator[Event]:
        assert isinstance(event, TripEnded)
        if event.clock not in TRUSTED or event.end_utc_ns is None or event.start_utc_ns is None:
            return
        end = local(event.end_utc_ns, self.zone)
        habits = until(self.state.lent, end.date())
        habits = with_trip(habits, event, end.date(), self.zone)
        self.state.lent = habits
        day = end.date().isoformat()
        yield HabitsChanged(id=derive_id(ctx.unit, "HabitsChanged", event.trip_id), t_ns=ctx.t_ns, boot_id=ctx.boot_id, day=day)


def until(habits: Habits, today: date) -> Habits:
    """`habits` with all days up to `today` known; a day without a row had no trip."""
    if habits.last_day is None:
        return msgspec.structs.replace(habits, first_day=today.isoformat(), last_day=today.isoformat())
    seen, driven = list(habits.seen_h or NOTHING), list(habits.driven_h or NOTHING)
    day = date.fromisoformat(habits.last_day)
    if today < day - timedelta(days=1):  # a clock was ahead: what it dated is not known to be so
        today_is = today.isoformat()
        first = min(habits.first_day or today_is, today_is)
        return msgspec.structs.replace(
            habits, first_day=first, last_day=today_is, days=tuple(d for d in habits.days if d.day <= today_is)
        )
    if today <= day:
        return habits
    day = max(day, today - timedelta(days=DAYS_KEPT))  # what lies further back has decayed
    while day < today:
        seen = [round(each * DECAY_A_DAY, 3) for each in seen]
        driven = [round(each * DECAY_A_DAY, 3) for each in driven]
        for hour in range(24):
            seen[day.weekday() * 24 + hour] += 1.0
        day += timedelta(days=1)
    oldest = (today - timedelta(days=DAYS_KEPT)).isoformat()
    return msgspec.structs.replace(
        habits,
        last_day=today.isoformat(),
        days=tuple(d for d in habits.days if d.day > oldest),
        seen_h=tuple(seen),
        driven_h=tuple(driven),
    )


def with_trip(habits: Habits, trip: TripEnded, today: date, zone: ZoneInfo) -> Habits:
    assert trip.end_utc_ns is not None and trip.start_utc_ns is not None
    driven = list(habits.driven_h or NOTHING)
    for hour, hours in hours_of_week(trip.start_utc_ns, trip.end_utc_ns, zone):
        driven[hour] = round(driven[hour] + hours, 3)
    days = {d.day: d for d in habits.days}
    name = today.isoformat()
    before = days.get(name, Day(name))
    distance_m = before.distance_m + trip.metrics.get("distance_m", 0.0)
    days[name] = Day(name, distance_m, before.trips + 1, before.arrivals)
    end = local(trip.end_utc_ns, zone)
    late = end.hour < AFTER_MIDNIGHT_H
    evening = (today - timedelta(days=late)).isoformat()
    on = days.get(evening, Day(evening))
    minute = end.hour * 60 + end.minute + 1440 * late
    days[evening] = msgspec.structs.replace(
        on, arrivals=on.arrivals | {trip.driver: max(minute, on.arrivals.get(trip.driver, 0))}
    )
    return msgspec.structs.replace(habits, days=tuple(days[k] for k in sorted(days)), driven_h=tuple(driven))


def hours_of_week(start_ns: int, end_ns: int, zone: ZoneInfo) -> Iterator[tuple[int, float]]:
    """(hour of the week, hours driven in it) of a trip; of one longer than a week, the last week."""
    at = max(start_ns, end_ns - WEEK_H * 3600 * NS)
    while at < end_ns:
        upto = min(end_ns, (at // (900 * NS) + 1) * 900 * NS)  # quarters: zones differ by whole quarters
        now = local(at, zone)
        yield now.weekday() * 24 + now.hour, (upto - at) / (3600 * NS)
        at = upto
