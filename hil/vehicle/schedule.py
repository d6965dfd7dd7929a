"""A household's week with one car: who drives when, what, and how. Times are the owner's, handed out as UTC."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from agent.model import NS
from hil.vehicle import style, trace
from hil.vehicle.car import Car
from hil.vehicle.commute import commute
from hil.vehicle.drive import GETTING_IN, GETTING_OUT, Drive
from hil.vehicle.trace import Trace

STANDS_S = 600  # at least, between two drives
REFILLS_AFTER_S = 3 * 3600  # parked so long: somebody was at the pump, or plugged it in


class Person(NamedTuple):
    """One who drives the household's car."""

    name: str
    style: str  # of hil.vehicle.style
    commutes: bool = False
    key_fob: str = "1"


class Household(NamedTuple):
    """At least one person; those who do not commute take turns with the shopping."""

    timezone: str  # IANA
    people: tuple[Person, ...]


HOUSEHOLD = Household(
    "Europe/Berlin",
    (Person("alex", "average", commutes=True), Person("robin", "brisk", key_fob="2"), Person("kim", "calm", key_fob="3")),
)


class PlannedDrive(NamedTuple):
    """One drive to come; made by `week`, driven by `play`."""

    start_utc_ns: int  # the bus wakes
    driver: str
    style: str
    pieces: tuple[str, ...]  # cycles, one after another
    seed: int
    key_fob: str = "1"

    def trace(self) -> Trace:
        """The speeds of this drive: the same whenever it is asked for."""
        return trace_of(self.pieces, self.style, self.seed)

    def end_utc_ns(self) -> int:
        """When the bus falls asleep again."""
        return self.start_utc_ns + (len(GETTING_IN) + self.trace().duration_s + len(GETTING_OUT)) * NS


COMMUTE = ("commute",)
SHOPPING = ("udds",)
OUTING = ("wltc_3b", "hwfet", "hwfet")  # 56 km, an hour


def cycles() -> list[str]:
    """The names of all cycles: the published ones and ours."""
    return [*trace.published(), "commute"]


def trace_of(pieces: Iterable[str], driven: str, seed: int) -> Trace:
    """Cycles one after another, driven in a style. Raises KeyError for an unknown cycle or style."""
    return _trace_of(tuple(pieces), driven, seed)


@lru_cache(maxsize=64)  # a week's plans ask for each of theirs three times
def _trace_of(pieces: tuple[str, ...], driven: str, seed: int) -> Trace:
    rng = random.Random(f"drive {seed}")
    parts = [commute(seed + i) if name == "commute" else trace.read(name) for i, name in enumerate(pieces)]
    return trace.join([style.drive(part, driven, rng) for part in parts])


def week(household: Household, seed: int, start_utc_ns: int) -> list[PlannedDrive]:
    """Seven days from the local day in which `start_utc_ns` falls: work, shopping, and a longer trip on one weekend day.

    In order of time, and never two at once: a drive that would begin too early waits for the one before it.
    """
    zone = ZoneInfo(household.timezone)
    first = datetime.fromtimestamp(start_utc_ns / NS, zone).date()
    rng = random.Random(f"week {seed} {first}")
    outing_on = rng.choice((5, 6))  # Saturday or Sunday
    plans = [
        PlannedDrive(_utc_ns(day, minute, zone), person.name, person.style, pieces, rng.randrange(1 << 31), person.key_fob)
        for day in (first + timedelta(days=n) for n in range(7))
        for minute, person, pieces in _day(household, day, outing_on, rng)
    ]
    return list(_one_after_another(plans))


def _day(household: Household, day: date, outing_on: int, rng: random.Random) -> Iterator[tuple[float, Person, tuple[str, ...]]]:
    """(minute of the day, who, what) in order."""
    weekday = day.weekday()
    at_home = [person for person in household.people if not person.commutes] or list(household.people)
    if weekday == outing_on:
        yield rng.gauss(10 * 60, 15), household.people[0], OUTING
        yield rng.gauss(17 * 60, 20), household.people[1 % len(household.people)], OUTING[::-1]
        return
    commuters = [person for person in household.people if person.commutes and weekday < 5]
    for person in commuters:
        yield rng.gauss(7 * 60 + 20, 6), person, COMMUTE
    if weekday in (1, 3, 5):
        person = at_home[weekday // 2 % len(at_home)]
        minute = rng.gauss(10 * 60 + 30, 20) if weekday == 5 else rng.gauss(18 * 60 + 50, 10)
        yield minute, person, SHOPPING
        yield minute + rng.uniform(55, 80), person, SHOPPING
    for person in commuters:
        yield rng.gauss(17 * 60, 12), person, COMMUTE


def _utc_ns(day: date, minute: float, zone: ZoneInfo) -> int:
    """A local time of day as UTC; on a day with a clock change it is still that time on the wall."""
    second = round(minute * 60)
    local = datetime.combine(day, time(second // 3600, second // 60 % 60, second % 60), zone)
    return int(local.astimezone(UTC).timestamp()) * NS


def _one_after_another(plans: Iterable[PlannedDrive]) -> Iterator[PlannedDrive]:
    free_ns = 0
    for plan in sorted(plans):
        moved = plan._replace(start_utc_ns=max(plan.start_utc_ns, free_ns))
        free_ns = moved.end_utc_ns() + STANDS_S * NS
        yield moved


def play(plans: Iterable[PlannedDrive], car: Car) -> Iterator[tuple[PlannedDrive, Drive]]:
    """Drives them in turn with one car, which cools and is refilled while it stands. Each drive is simulated when asked for."""
    parked_ns: int | None = None
    for plan in plans:
        if parked_ns is not None:
            stood_s = (plan.start_utc_ns - parked_ns) / NS
            car.train.rest(stood_s)
            if stood_s > REFILLS_AFTER_S:
                car.train.replenish()
        car.key_fob = plan.key_fob
        drive = Drive(car, plan.trace())
        parked_ns = plan.start_utc_ns + drive.duration_s * NS
        yield plan, drive
