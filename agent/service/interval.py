"""One service item since it was last done: what is left of it, when it has to be told, how far that has come. Pure.

The car's own reminder (the beep) starts some kilometres or days before the item is due: as keyoff.toml says, as it did before,
else as ASSUMED. What is soon due is told LEAD_DAYS before the earliest day on which it may start.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from agent.config import Service
from agent.household import AS_OWNER, Household
from agent.localtime import after_months
from agent.model import derive_id
from agent.prompts.slots import BELIEVED_DAYS
from agent.service.backdating import Done
from agent.service.counters import Counters
from agent.service.forecast import EVERY_DAY, By, Forecast, Left, Rate, day_after, likely_days, reminder_days

Stage: TypeAlias = Literal["soon", "due"]
How: TypeAlias = Literal["noticed", "told", "read"]
Why: TypeAlias = Literal["not done", "cancelled", "missed", "counter fell back"]
Basis: TypeAlias = tuple[float | None, str | None, float | None]
"""What keyoff.toml says of when it was last done: km, day, engine hours."""
Limits: TypeAlias = tuple[float | None, float | None, float | None, float | None]

ASSUMED_M = 1_500_000.0  # above the 1,000 km at which Peugeot's spanner stays on, and the 500 miles of US cars
ASSUMED_DAYS = 30  # Volvo's first message ("30 days remaining until service"); others start later
ASSUMED_PERCENT = 15.0  # Honda's "Maintenance Due Soon"; GM waits for less

LEARNED_MAX_M = 5_000_000.0  # above the 3,000 km of Peugeot's first figure, the earliest known
LEARNED_MAX_DAYS = 90.0  # three times Volvo's; also what slow a car needs for its last kilometres says little of a faster one

BOOK_DAYS = 14  # told two weeks before the beep, an appointment can still be chosen: the figure that this is held to
MOMENT_DAYS = 9  # a day for slots, up to a week until two a week allow another word, and the evening itself
AWAY_DAYS = 14  # a fortnight's holiday: nobody reads, or half a year's kilometres come at once
LEAD_DAYS = BOOK_DAYS + MOMENT_DAYS + AWAY_DAYS

ASSUMED_RATES: dict[By, Rate] = {
    "distance": Rate(60_000.0, 60_000.0, 60_000.0),  # a busy car's day, and the most. No date is told from it: see `speaking`
    "engine_hours": Rate(1.5, 1.5, 1.5),  # likewise
    "oil_life": Rate(0.5, 0.5, 0.5),  # 100 percent in half a year
}
FIRST_FASTER = 1.5  # a quiet week is no quiet month
DAYS_A_MONTH = 30.4  # the mean
BEGUN_SHARE = 0.5  # of an interval: the car may reckon with a longer one than keyoff.toml tells of, but hardly by half
WHOLE_SHARE = 1.1  # likewise; a counter that shows more counts something else, or nothing
SAME_M, SAME_DAYS = 1_000_000.0, 31  # closer than any interval: two words about the same service
RANK: dict[Stage | None, int] = {None: 0, "soon": 1, "due": 2}


class Interval(msgspec.Struct, frozen=True, omit_defaults=True):
    """Days are local, by a clock to be trusted."""

    key: str  # names the interval for ever, whatever becomes of the odometer
    basis: Basis
    last_m: float | None = None
    last_day: str | None = None
    last_engine_h: float | None = None  # in Counters.engine_h; None: as keyoff.toml says
    last_driven_m: float | None = None  # in Counters.driven_m; None: not known
    is_own: bool = False  # `last_m` is what the unit took for the reading: a correction of the odometer corrects it too
    is_about: bool = False  # `last_m` or `last_day` is reckoned
    how: How | None = None  # how its beginning was known; None: by keyoff.toml, from the start
    stage: Stage | None = None  # how far it has been told
    told_day: str | None = None  # when that stage was told,
    first_day: str | None = None  # and when the first one was
    due_id: str = ""  # the ServiceDue of that stage
    concern_ids: tuple[str, ...] = ()
    anew: int = 0  # how often it was reopened or taken back: its next words are others
    is_booked: bool = False
    booked_day: str | None = None
    is_wrong: bool = False  # the person said so: nothing more is said in this interval
    reminded: bool = False  # the car's own reminder has started
    learned_m: float | None = None  # how long before it was due that was, the last time
    learned_days: float | None = None
    limits: Limits | None = None  # of keyoff.toml, when it was looked at last
    expected: Forecast | None = None
    before: Interval | None = None  # the interval that ended with the last service


class Now(NamedTuple):
    """What is known at this moment."""

    today: date | None
    reading_m: float | None
    about: bool
    pace: Rate | None
    counters: Counters
    first_m: float | None = None  # m a day so far, while there is no pace; None: not even that


def basis(service: Service) -> Basis:
    return service.last_km, service.last_day, service.last_engine_h


def limits(service: Service) -> Limits:
    return service.every_km, service.every_months, service.every_engine_h, service.oil_life_below_percent


def first(service: Service) -> Interval:
    """The interval that keyoff.toml tells of."""
    last_m = None if service.last_km is None else service.last_km * 1000
    return Interval(key_of(service, last_m, service.last_day, "first"), basis(service), last_m, service.last_day)


def key_of(service: Service, last_m: float | None, last_day: str | None, otherwise: str) -> str:
    """Where it will be due, in m, for what is counted by distance; else since when it runs."""
    if service.every_km is not None and last_m is not None:
        return f"{last_m + service.every_km * 1000:.0f}"
    return last_day or otherwise


def due_m(service: Service, interval: Interval, counters: Counters) -> float | None:
    """The reading at which it is due by distance: its own limit or the car's, the nearer one."""
    own = None if service.every_km is None or interval.last_m is None else interval.last_m + service.every_km * 1000
    cars = counters.due_m if service.from_car else None
    return min((each for each in (own, cars) if each is not None), default=None)


def due_day(service: Service, interval: Interval, counters: Counters) -> str | None:
    """The day on which it is due by time, likewise."""
    own = None
    if service.every_months is not None and interval.last_day is not None:
        own = after_months(date.fromisoformat(interval.last_day), service.every_months).isoformat()
    cars = counters.due_day if service.from_car else None
    return min((each for each in (own, cars) if each is not None), default=None)


def lefts(service: Service, interval: Interval, now: Now) -> list[Left]:
    """What is left of each limit that something is known of."""
    c = now.counters
    known_m, known_days = reminds(service, interval)
    days = ASSUMED_DAYS if known_days is None else known_days
    first = None if now.first_m is None else Rate(now.first_m, now.first_m, now.first_m)
    found = []
    at_m = due_m(service, interval, c)
    left_m = c.left_m if service.from_car else None
    if at_m is not None and now.reading_m is not None:
        left_m = at_m - now.reading_m
    if left_m is not None:
        from_m = ASSUMED_M if known_m is None and service.car_reminds_days_before is None else known_m or 0.0
        by_days = known_days if known_days is not None else ASSUMED_DAYS if known_m is None else 0.0
        whole_m = None if service.every_km is None else service.every_km * 1000
        found.append(Left("distance", left_m, now.pace, from_m, by_days, whole_m, speaking("distance", first)))
    on_day = due_day(service, interval, c)
    if on_day is not None and now.today is not None:
        whole_days = None if service.every_months is None else service.every_months * DAYS_A_MONTH
        found.append(Left("time", float((date.fromisoformat(on_day) - now.today).days), EVERY_DAY, 0.0, days, whole_days))
    left_h = _engine_h_left(service, interval, c)
    if left_h is not None:
        first_h = speaking("engine_hours", c.engine_rate(first))
        found.append(Left("engine_hours", left_h, c.engine_rate(now.pace), 0.0, days, service.every_engine_h, first_h))
    if service.oil_life_below_percent is not None and c.oil_percent is not None:
        rate = None if now.today is None else c.oil_rate(now.today, now.pace)
        at_percent = 0.0 if known_days is not None else max(0.0, ASSUMED_PERCENT - service.oil_life_below_percent)
        left = c.oil_percent - service.oil_life_below_percent
        found.append(Left("oil_life", left, rate, at_percent, known_days or 0.0))
    return found


def reminds(service: Service, interval: Interval) -> tuple[float | None, float | None]:
    """(m, days) before it is due that the car's own reminder starts; None: not known. It was seen to start: that counts,
    unless keyoff.toml says earlier."""
    told_km, told_days = service.car_reminds_km_before, service.car_reminds_days_before
    meters = [each for each in (None if told_km is None else told_km * 1000, interval.learned_m) if each is not None]
    days = [each for each in (told_days, interval.learned_days) if each is not None]
    return max(meters, default=None), max(days, default=None)


def stage(left: list[Left]) -> Stage | None:
    """How far it has come by itself, whatever was told."""
    if any(each.amount <= 0 for each in left):
        return "due"
    rated = [(each, each.rate or each.first or ASSUMED_RATES[each.by]) for each in left]
    return "soon" if any(_is_near(each) and reminder_days(each, rate) <= LEAD_DAYS for each, rate in rated) else None


def speaking(by: By, rate: Rate | None) -> Rate:
    """How fast a limit is taken to go before it is known, only to say when to speak: half as fast again as so far, up to what is
    assumed; `rate` None, in the first week: not at all, so that what the car does not remind of yet is not called soon."""
    each = 0.0 if rate is None else min(rate.likely * FIRST_FASTER, ASSUMED_RATES[by].likely)
    return Rate(each, each, each)


def _is_near(left: Left) -> bool:
    """A quarter of it is gone: where the interval is short, a service is not followed by the next one's first word."""
    return left.whole is None or left.amount <= left.whole * 0.75


def cause(left: list[Left]) -> By | None:
    """The limit that is reached first."""
    rated = [(likely_days(each.amount, each.rate or ASSUMED_RATES[each.by]), each.by) for each in left]
    return min(rated)[1] if rated else None


def with_reminder(interval: Interval, left: list[Left], since_m: float) -> Interval:
    """The car's reminder has started, `since_m` ago: learn how long before it is due that is, for the limit that caused it.

    One that starts long before is about something else: VSS has one reminder for services of any kind."""
    interval = msgspec.structs.replace(interval, reminded=True)
    caused = next((each for each in left if each.by == cause(left)), None)
    if caused is None:
        return interval
    if caused.by == "distance":
        learned_m = max(0.0, caused.amount + since_m)
        if learned_m > LEARNED_MAX_M:
            return interval
        days = _days_of(caused, since_m)
        return msgspec.structs.replace(
            interval, learned_m=learned_m, learned_days=None if days is None else min(days, LEARNED_MAX_DAYS)
        )
    days = _days_of(caused, 0.0) or 0.0
    return interval if days > LEARNED_MAX_DAYS else msgspec.structs.replace(interval, learned_days=days)


def begun(service: Service, each: Interval, now: Now) -> tuple[float | None, str | None] | None:
    """(reading, day) since when the car itself counts, if that is long after what keyoff.toml tells of: its counter is heard for
    the first time, so nobody has seen it jump up."""
    c, told = now.counters, msgspec.structs.replace(service, from_car=False)
    own_m, own_day = due_m(told, each, c), due_day(told, each, c)
    reading_m, day, shares, laters = None, None, [], []
    if c.left_m is not None and service.every_km is not None:
        whole_m = service.every_km * 1000
        shares.append(c.left_m / whole_m)
        if own_m is not None and now.reading_m is not None:
            reading_m = now.reading_m - max(0.0, whole_m - c.left_m)
            laters.append((now.reading_m + c.left_m - own_m) / whole_m)
    if c.left_days is not None and service.every_months is not None:
        whole_days = service.every_months * DAYS_A_MONTH
        shares.append(c.left_days / whole_days)
        if own_day is not None and now.today is not None:
            day = day_after(now.today, -round(max(0.0, whole_days - c.left_days)))
            laters.append((c.left_days - (date.fromisoformat(own_day) - now.today).days) / whole_days)
    is_far = all(BEGUN_SHARE <= share <= WHOLE_SHARE for share in shares)
    is_later = bool(laters) and max(laters) >= BEGUN_SHARE
    return (reading_m, day) if service.from_car and is_far and is_later else None


def following(interval: Interval, key: str, done: Done, counters: Counters, how: How, told: Basis) -> Interval:
    """The next interval, after the item was `done`: what was learned goes on."""
    back_h = 0.0 if not (done.back_m and counters.trips_m) else done.back_m * counters.trips_h / counters.trips_m
    return Interval(
        key=f"{key} again" if key == interval.key else key,
        basis=told,
        last_m=done.reading_m,
        last_day=text_of(done.day),
        last_engine_h=counters.engine_h - back_h,
        last_driven_m=None if done.back_m is None else counters.driven_m - done.back_m,
        is_own=done.is_own,
        is_about=done.about,
        how=how,
        learned_m=interval.learned_m,
        learned_days=interval.learned_days,
        before=msgspec.structs.replace(interval, before=None),
    )


def corrected(each: Interval, following: Interval) -> Interval:
    """The same service, told better: what `following` knows of when it was."""
    known = {"last_m": following.last_m, "last_day": following.last_day} | {"last_engine_h": following.last_engine_h}
    known |= {"is_own": following.is_own, "is_about": following.is_about, "last_driven_m": following.last_driven_m}
    if following.last_m is None:
        known |= {"last_m": each.last_m, "is_own": each.is_own, "last_driven_m": each.last_driven_m}
    return msgspec.structs.replace(each, **known | ({} if following.last_day else {"last_day": each.last_day}))


def is_same_service(each: Interval, following: Interval) -> bool:
    """Whether the interval would begin where this one began: whatever is known of both is close, and nothing was told yet."""
    if each.stage is not None:
        return False
    apart_m = _apart_m(each.last_m, following.last_m)
    if apart_m is None:
        apart_m = _apart_m(each.last_driven_m, following.last_driven_m)
    apart_days = None
    if each.last_day is not None and following.last_day is not None:
        apart_days = abs((date.fromisoformat(each.last_day) - date.fromisoformat(following.last_day)).days)
    if apart_m is None and apart_days is None:
        return False
    return (apart_m or 0.0) < SAME_M and (apart_days or 0) < SAME_DAYS


def _apart_m(one_m: float | None, other_m: float | None) -> float | None:
    return None if one_m is None or other_m is None else abs(one_m - other_m)


def is_older(each: Interval, told: Basis) -> bool:
    """Whether keyoff.toml tells of a service before the last one that was noticed or told: an old file, or a slip mended."""
    last_km, last_day, _ = told
    if each.how is None:
        return False
    if last_day is not None and each.last_day is not None:
        return last_day < each.last_day
    return last_km is not None and each.last_m is not None and last_km * 1000 < each.last_m


def is_stale(each: Interval, today: date | None) -> bool:
    """Whether it was booked, has been due for long, and nothing is heard of the appointment."""
    days = (each.booked_day, each.told_day)
    if not each.is_booked or each.stage != "due" or today is None or None in days:
        return False
    return all(day is not None and (today - date.fromisoformat(day)).days > BELIEVED_DAYS for day in days)


def completed(each: Interval, now: Now) -> Interval:
    """With what was not known yet when it was done."""
    if each.how is None:
        return each
    if each.last_m is None and each.last_driven_m is not None and now.reading_m is not None:
        then_m = max(0.0, now.reading_m - (now.counters.driven_m - each.last_driven_m))
        each = msgspec.structs.replace(each, last_m=then_m, is_own=True, is_about=each.is_about or then_m != now.reading_m)
    if each.last_day is None and now.today is not None:
        each = msgspec.structs.replace(each, last_day=now.today.isoformat())
    return each


def shifted(each: Interval, by_m: float, *, own_alone: bool = False) -> Interval:
    """The same on another cluster; `own_alone`: it is the unit's own odometer that was wrong, not what a person named."""
    before = None if each.before is None else shifted(each.before, by_m, own_alone=own_alone)
    is_wrong = each.last_m is not None and (each.is_own or not own_alone)
    return msgspec.structs.replace(
        each, last_m=each.last_m + by_m if is_wrong and each.last_m is not None else each.last_m, before=before
    )


def is_ahead(day: str | None, today: date | None) -> bool:
    """Whether `day` is yet to come; tomorrow may be today in another zone."""
    return day is not None and today is not None and (date.fromisoformat(day) - today).days > 1


def values(service: Service, each: Interval, now: Now) -> dict[str, Any]:
    """What is known of it, for an event or a text."""
    expected = each.expected
    values = {
        "item": service.item,
        "by": cause(lefts(service, each, now)) or "distance",
        "due_m": due_m(service, each, now.counters),
        "due_day": due_day(service, each, now.counters),
        "reading_m": now.reading_m,
        "about": now.about or each.is_about,
        "last_done_m": each.last_m,
        "last_done_day": each.last_day,
        "earliest_day": expected.earliest_day if expected else None,
        "likely_day": expected.likely_day if expected else None,
        "latest_day": expected.latest_day if expected else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def text_of(day: date | None) -> str | None:
    return day.isoformat() if day else None


def subject(item: str, each: Interval) -> str:
    """What a concern is about."""
    return f"service {item} {each.key}"


def prompts_of(unit: str, household: Household, concern_id: str) -> set[str]:
    """The ids of the prompts that a concern may have become, whoever of the household it was meant for."""
    return {derive_id(unit, "prompt", concern_id, d.id) for d in (*household.drivers, AS_OWNER)}


def _days_of(left: Left, early: float) -> float | None:
    return None if left.rate is None else likely_days(max(0.0, left.amount + early), left.rate)


def _engine_h_left(service: Service, interval: Interval, counters: Counters) -> float | None:
    if service.every_engine_h is None:
        return None
    last_h = interval.last_engine_h
    if last_h is None and service.last_engine_h is not None and counters.engine_offset_h is not None:
        last_h = service.last_engine_h - counters.engine_offset_h
    return None if last_h is None else last_h + service.every_engine_h - counters.engine_h
