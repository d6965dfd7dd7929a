"""A random week of a car, its unit, its link and its people, as a list of what happens when. Deterministic by its seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from agent.events.concern import Urgency
from agent.household import Driver, Kind
from agent.model import NS

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
DAYS = 7
ZONES = ("Europe/Berlin", "Europe/London", "America/St_Johns", "Asia/Kolkata", "Pacific/Auckland", "UTC")
QUIET = (("21:30", "07:30"),) * 4 + (("22:00", "06:00"), ("00:00", "00:00"), ("19:00", "11:30"), ("13:00", "15:00"))
TELL_AT = (None, None, None, "18:30", "08:15", "12:00", "21:29", "23:00")
NAMES = ("ana", "ben", "cem")
FIRST_DAY, DATES = date(2026, 1, 1), 720  # two years: clocks go forward and back in some of the weeks

KINDS: dict[Kind, tuple[str, dict[str, Any]]] = {
    "service": ("service_due", {"item": "oil change", "by": "distance", "reading_m": 8.5e7, "due_m": 8.5e7}),
    "milestone": ("milestone", {"mark": 100_000, "counts": "km", "reading_m": 1e8}),
    "report": ("report", {"month": "2026-10"}),
    "fault": ("fault", {"code": "P0301", "severity": "soon"}),
}


class Worry(NamedTuple):
    """A concern that some rule would have."""

    id: str
    subject: str
    kind: Kind
    urgency: Urgency
    driver: str | None
    bookable: str | None


class Deed(NamedTuple):
    """Something that happens. `what` names a method of hil/bench/week_world.py's World."""

    at_s: float
    what: str
    given: tuple[Any, ...] = ()


class Plan(NamedTuple):
    start_utc_ns: int
    zone: str
    drivers: tuple[Driver, ...]
    by_signal: bool
    deeds: list[Deed]


def plan(seed: int) -> Plan:
    rng = random.Random(seed)
    start = datetime.combine(FIRST_DAY + timedelta(days=rng.randrange(DATES)), datetime.min.time(), UTC)
    drivers = tuple(profile(rng, name) for name in NAMES[: rng.choice((0, 0, 1, 2, 3))])
    deeds = [
        *drives(rng),
        *worries(rng, [d.id for d in drivers]),
        *breaks(rng),
        *clocks(rng),
        *links(rng),
        *changes(rng),
    ]
    return Plan(
        round(start.timestamp()) * NS, rng.choice(ZONES), drivers, rng.random() < 0.7, sorted(deeds, key=lambda deed: deed.at_s)
    )


def profile(rng: random.Random, name: str) -> Driver:
    quiet_from, quiet_to = rng.choice(QUIET)
    return Driver(
        name,
        is_keeper=rng.random() < 0.7,
        timezone=rng.choice((None, None, *ZONES)),
        quiet_from=quiet_from,
        quiet_to=quiet_to,
        tell_at=rng.choice(TELL_AT),
        language=rng.choice(("en", "de")),
    )


def drives(rng: random.Random) -> Iterator[Deed]:
    """Up to five a day, one after the other; some are a hop within minutes of the one before."""
    at_s = 0.0
    while at_s < DAYS * DAY_S:
        at_s += rng.choice((rng.uniform(5, 15 * MINUTE_S), rng.uniform(HOUR_S, 20 * HOUR_S), rng.uniform(HOUR_S, 6 * HOUR_S)))
        length_s = rng.choice((rng.uniform(20, 12 * MINUTE_S), rng.uniform(5 * MINUTE_S, 90 * MINUTE_S)))
        yield Deed(at_s, "drive", (length_s,))
        at_s += length_s + 1


def worries(rng: random.Random, people: list[str]) -> Iterator[Deed]:
    for n in range(rng.randint(1, 8)):
        kind = rng.choice(list(KINDS))
        urgency: Urgency = rng.choice(("celebration", "usual")) if kind == "milestone" else "usual"
        urgency = "safety" if kind == "fault" and rng.random() < 0.3 else urgency
        bookable = f"thing {n}" if kind == "service" and rng.random() < 0.9 else None
        driver = rng.choice(people) if people and rng.random() < 0.25 else None
        at_s = rng.uniform(0, DAYS * DAY_S)
        yield Deed(at_s, "worry", (Worry(f"c{n}", f"{kind} {n}", kind, urgency, driver, bookable),))
        if bookable and rng.random() < 0.9:
            yield Deed(at_s + rng.uniform(60, 30 * HOUR_S), "offer", (bookable,))
        if rng.random() < 0.25:
            yield Deed(at_s + rng.expovariate(1 / DAY_S), "settle", (f"{kind} {n}",))
        if rng.random() < 0.15:
            again = Worry(f"c{n} again", f"{kind} {n}", kind, urgency, driver, bookable)
            yield Deed(at_s + rng.expovariate(1 / DAY_S), "worry", (again,))


def breaks(rng: random.Random) -> Iterator[Deed]:
    """The process ends and is started again, power is cut, or the unit is suspended."""
    for _ in range(rng.choice((0, 1, 2, 4))):
        for_s = rng.choice((rng.uniform(60, 1800), rng.uniform(600, 20 * HOUR_S)))
        how = rng.choice(("cut", "cut", "restart", "restart at once", "suspend"))
        at_s = rng.uniform(0, DAYS * DAY_S)
        if how == "suspend":
            yield Deed(at_s, "suspend", (rng.choice((for_s, for_s, rng.uniform(1, 6) * DAY_S)),))
        else:
            yield Deed(at_s, "stop", (rng.uniform(1, 60) if how == "restart at once" else for_s, how == "cut"))


def clocks(rng: random.Random) -> Iterator[Deed]:
    """Steps of a clock that was trusted, each put right later; and hours without one."""
    for _ in range(rng.choice((0, 0, 1, 2))):
        at_s = rng.uniform(0, DAYS * DAY_S)
        by_s = rng.choice((-1, 1)) * rng.choice((0.5, 5, 600, 2 * HOUR_S, 30 * HOUR_S, 400 * DAY_S))
        yield Deed(at_s, "step", (by_s,))
        yield Deed(at_s + rng.expovariate(1 / (6 * HOUR_S)), "step", (0.0,))
    if rng.random() < 0.3:
        at_s = rng.uniform(0, DAYS * DAY_S)
        yield Deed(at_s, "distrust", (rng.choice(("unsure", None)),))
        yield Deed(at_s + rng.expovariate(1 / (12 * HOUR_S)), "step", (0.0,))


def links(rng: random.Random) -> Iterator[Deed]:
    at_s = 0.0
    while rng.random() < 0.7 and at_s < DAYS * DAY_S:
        at_s += rng.uniform(0, 3 * DAY_S)
        yield Deed(at_s, "link", (False,))
        at_s += rng.choice((rng.uniform(60, HOUR_S), rng.uniform(HOUR_S, 2 * DAY_S)))
        yield Deed(at_s, "link", (True,))


def changes(rng: random.Random) -> Iterator[Deed]:
    """Somebody changes their profile, comes or goes."""
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        name = rng.choice(NAMES)
        yield Deed(rng.uniform(0, DAYS * DAY_S), *rng.choice((("save", (profile(rng, name),)), ("remove", (name,)))))
