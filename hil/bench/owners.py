"""Random owners and how they drive, day by day: what hil/bench/beep.py tells of services.

The figures are ours, laid down before the rule was tuned to them. Ways and days: a German car drives about 12,500 km a year,
most of it to work and back; a fifth comes from a few long journeys (orders of magnitude of KBA and MiD; from memory, check).
Half of all owners change their ways in a year: another job, a child, another season, a holiday by car, a unit unplugged.
"""

from __future__ import annotations

import math
import random
from datetime import date, timedelta
from typing import Literal, NamedTuple

Kind = Literal["commuter", "errands", "weekender", "seasonal", "traveller"]
KINDS: dict[Kind, int] = {"commuter": 45, "errands": 25, "weekender": 12, "seasonal": 6, "traveller": 12}  # percent

START = date(2025, 1, 6)
SUMMER = (4, 10)  # months in which a seasonal car is driven, both included


class Ride(NamedTuple):
    """One trip: minutes of the local day, and its length."""

    from_min: int
    to_min: int
    distance_m: float


class Owner(NamedTuple):
    kind: Kind
    rides: tuple[tuple[Ride, ...], ...]  # by day from START
    journeys: frozenset[int]  # days of a holiday by car
    off: frozenset[int]  # days on which the unit is unplugged
    unclocked: frozenset[int]  # days on which no clock is to be trusted


def owner(rng: random.Random, days: int) -> Owner:
    """A household's car for so many days."""
    kind: Kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    way_m = {
        "commuter": rng.uniform(8e3, 45e3),
        "errands": rng.uniform(3e3, 12e3),
        "weekender": rng.uniform(25e3, 90e3),
        "seasonal": rng.uniform(20e3, 70e3),
        "traveller": rng.uniform(50e3, 120e3),
    }[kind]
    change = _change(rng, days)
    journeys, away = _holidays(rng, days)
    rides: list[tuple[Ride, ...]] = []
    for n in range(days):
        if n in away:
            rides.append(())
        elif n in journeys:
            rides.append(_journey(rng))
        else:
            rides.append(_day(rng, kind, START + timedelta(days=n), way_m * change[n]))
    return Owner(kind, tuple(rides), frozenset(journeys), _off(rng, days), _unclocked(rng, days))


def _change(rng: random.Random, days: int) -> list[float]:
    """How the ways grow or shrink, by day: not at all, within a year, or from one day on."""
    what = rng.choices(["none", "slow", "step"], [50, 30, 20])[0]
    by = math.exp(rng.uniform(math.log(0.55), math.log(1.8)))
    at = rng.randrange(days)
    slow = {"none": 0.0, "slow": 1 / 365}
    return [by ** (float(n >= at) if what == "step" else min(1.0, n * slow[what])) for n in range(days)]


def _day(rng: random.Random, kind: Kind, day: date, way_m: float) -> tuple[Ride, ...]:
    is_work = day.weekday() < 5
    chance = {
        "commuter": 0.9 if is_work else 0.55,
        "errands": 0.7,
        "weekender": 0.12 if is_work else 0.75,
        "seasonal": (0.25 if is_work else 0.7) if SUMMER[0] <= day.month <= SUMMER[1] else 0.0,
        "traveller": 0.85 if is_work else 0.4,
    }[kind]
    if rng.random() >= chance:
        return ()
    if kind == "commuter" and is_work:
        length_m = way_m * rng.uniform(0.95, 1.15)
        return (_ride(7 * 60 + rng.randrange(60), length_m), _ride(16 * 60 + rng.randrange(120), length_m))
    length_m = way_m * math.exp(rng.gauss(0, 0.5))
    first = _ride(9 * 60 + rng.randrange(240), length_m)
    return (first, _ride(first.to_min + 60 + rng.randrange(180), length_m))


def _ride(from_min: int, length_m: float) -> Ride:
    from_min = min(from_min, 22 * 60)
    return Ride(from_min, min(from_min + max(5, round(length_m / 800)), 23 * 60), length_m)  # 48 km/h, home by eleven


def _journey(rng: random.Random) -> tuple[Ride, ...]:
    """A day of a holiday by car: on the road, about, or on foot."""
    length_m = rng.choice([0.0, rng.uniform(20e3, 150e3), rng.uniform(20e3, 150e3), rng.uniform(400e3, 900e3)])
    return (_ride(9 * 60, length_m),) if length_m else ()


def _holidays(rng: random.Random, days: int) -> tuple[set[int], set[int]]:
    """Days of holidays by car, and days away without it."""
    journeys: set[int] = set()
    away: set[int] = set()
    for year in range(0, days, 365):
        for _ in range(rng.choice([0, 1, 1, 2])):
            at = year + rng.randrange(365)
            journeys |= set(range(at, at + rng.randrange(5, 18)))
        for _ in range(rng.choice([0, 1, 2])):
            at = year + rng.randrange(365)
            away |= set(range(at, at + rng.randrange(4, 16)))
    return journeys, away - journeys


def _off(rng: random.Random, days: int) -> frozenset[int]:
    """A unit in eight is unplugged for two to six weeks, once a year."""
    if rng.random() > 0.125:
        return frozenset()
    starts = [year + rng.randrange(365) for year in range(0, days, 365)]
    return frozenset(n for at in starts for n in range(at, at + rng.randrange(14, 43)))


def _unclocked(rng: random.Random, days: int) -> frozenset[int]:
    """One in six has days without a clock: no reception in the garage, no link."""
    if rng.random() > 1 / 6:
        return frozenset()
    share = rng.uniform(0.1, 0.6)
    return frozenset(n for n in range(days) if rng.random() < share)
