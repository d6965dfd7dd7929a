"""When a person may be told: their moment, their quiet hours, how often is enough. Pure: all of it from what is handed in.

All times are UTC in ns unless they say otherwise; days and hours are the person's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from agent.config import Owner
from agent.habits import Habits
from agent.household import Driver, tell_at, timezone
from agent.localtime import DAY_NS, MINUTE_NS, at_ns, day_of, local, quiet_until_ns
from agent.model import NS, derive_id

USUAL_HOME_MIN = 18 * 60  # while nothing is known of when they are home: after most people's work, before most people's dinner
AFTER_TRIP_MIN = (15, 120)  # home, shoes off; but the same evening
A_DAY, A_WEEK = 1, 2  # messages to one person: more is a beep
WEEK_NS = 7 * DAY_NS
SHOWN_FOR_NS = 12 * 3600 * NS  # where there are no quiet hours to end it
DAYS_AHEAD = 10  # the caps let one through within a week

Wait: TypeAlias = Literal["quiet hours", "until the stated time", "until they are usually home"]
Caps: TypeAlias = Literal["one a day is enough", "two a week are enough"]
LONGEST: tuple[Wait | Caps, ...] = ("two a week are enough", "one a day is enough", "quiet hours")


class Moment(NamedTuple):
    """From when until when it may be shown, and what put it off that far."""

    from_utc_ns: int
    until_utc_ns: int
    waits: tuple[Wait | Caps, ...]
    is_usual: bool = True

    @property
    def longest(self) -> Wait | Caps:
        """What puts it off by days, where something does."""
        return next((w for w in LONGEST if w in self.waits), self.waits[-1])


class Person(NamedTuple):
    """Whom, and what is known of their days."""

    driver: Driver
    owner: Owner
    habits: Habits
    unit: str

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(timezone(self.driver, self.owner))

    def quiet_until_ns(self, utc_ns: int) -> int | None:
        return quiet_until_ns(utc_ns, self.driver.quiet_from, self.driver.quiet_to, self.zone)

    def pause_ns(self, day: str) -> int:
        """How long after they are home: 15 to 120 minutes, another for each unit, person and day, so that no server and no
        household hears all of it in the same minute."""
        low, high = AFTER_TRIP_MIN
        chance = int(derive_id(self.unit, "pause", self.driver.id, day)[:8], 16) / 0xFFFF_FFFF
        return round((low + chance * (high - low)) * MINUTE_NS)


def next_moment(person: Person, now_ns: int, parked_ns: int, said_ns: Iterable[int], *, is_usual: bool) -> Moment:
    """When to tell them next, not before `now_ns`.

    `parked_ns`: the end of the latest trip. `said_ns`: when they were told before. A celebration (not `is_usual`) skips the
    preferred hour. It always finds one: whoever comes home in their quiet hours is told at the next day's moment, and whose
    moment always lies in them, after a drive by day or in the morning.
    """
    said = tuple(said_ns)
    waits: list[Wait | Caps] = []
    at_least = now_ns
    for _ in range(DAYS_AHEAD):
        at, wait = wished(person, at_least, parked_ns) if is_usual else (at_least, None)
        if at > at_least and wait is not None:
            waits.append(wait)
        quiet = person.quiet_until_ns(at)
        if quiet is not None:
            later = _wished_later(person, quiet, parked_ns) if is_usual else None
            at = _out_of_the_quiet(person, at_least, parked_ns, quiet) if later is None else later
            waits.append("quiet hours")
        cap = capped(said, at, person.zone)
        if cap is None:
            break
        waits.append(cap[0])
        at_least = cap[1]
    return Moment(at, _quiet_from_ns(person, at), tuple(dict.fromkeys(waits)), is_usual)


def wished(person: Person, at_least_ns: int, parked_ns: int) -> tuple[int, Wait]:
    """The moment of that day that they prefer, now if it is past."""
    day = local(at_least_ns, person.zone).date()
    stated = tell_at(person.driver, person.owner)
    if stated is not None:
        return max(at_least_ns, at_ns(day, time.fromisoformat(stated), person.zone)), "until the stated time"
    usual = person.habits.usual_last_arrival_min(person.driver.id)
    usual = person.habits.usual_last_arrival_min(None) if usual is None else usual
    midnight = datetime.combine(day, time(0), person.zone)
    hour = (USUAL_HOME_MIN if usual is None else usual) // 60
    home_ns = max(round(midnight.timestamp()) * NS + hour * 60 * MINUTE_NS, parked_ns)  # once past the hour of it
    return max(at_least_ns, home_ns + person.pause_ns(day.isoformat())), "until they are usually home"


def capped(said: tuple[int, ...], at_ns_: int, zone: ZoneInfo) -> tuple[Caps, int] | None:
    """What keeps the person from being told at that time, and until when; None when nothing does."""
    today = day_of(at_ns_, zone)
    if sum(day_of(s, zone) == today for s in said) >= A_DAY:
        return "one a day is enough", at_ns(date.fromisoformat(today) + timedelta(days=1), time(0), zone)
    lately = sorted(s for s in said if abs(at_ns_ - s) < WEEK_NS)
    if len(lately) >= A_WEEK:
        return "two a week are enough", lately[-A_WEEK] + WEEK_NS
    return None


def _wished_later(person: Person, quiet_until: int, parked_ns: int) -> int | None:
    """Their first moment after the quiet hours; None when it lies in quiet hours too, or was in those that end then."""
    at, wait = wished(person, quiet_until, parked_ns)
    is_theirs = at > quiet_until or wait == "until the stated time"
    return at if is_theirs and person.quiet_until_ns(at) is None else None


def _out_of_the_quiet(person: Person, at_least_ns: int, parked_ns: int, quiet_until: int) -> int:
    """Some while after the latest trip if that is by day still, else some while after the quiet hours."""
    pause_ns = person.pause_ns(day_of(at_least_ns, person.zone))
    soon_ns = max(at_least_ns, parked_ns + pause_ns)
    if person.quiet_until_ns(soon_ns) is None:
        return soon_ns
    later_ns = quiet_until + pause_ns
    return quiet_until if person.quiet_until_ns(later_ns) is not None else later_ns


def _quiet_from_ns(person: Person, at: int) -> int:
    """When the next quiet hours begin."""
    start = time.fromisoformat(person.driver.quiet_from)
    if person.driver.quiet_from == person.driver.quiet_to:
        return at + SHOWN_FOR_NS
    today = local(at, person.zone).date()
    days = (at_ns(today + timedelta(days=n), start, person.zone) for n in range(3))
    return next(ns for ns in days if ns > at)
