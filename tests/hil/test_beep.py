"""The simulated owners: they drive as said, the figure counts what it says it counts, and no word comes twice."""

from __future__ import annotations

import random
from datetime import date
from itertools import pairwise
from statistics import median

import pytest

from hil.bench import beep
from hil.bench.beep import Told, figures, lives, share
from hil.bench.owners import KINDS, START, SUMMER, owner

YEAR = 365


def test_owners_drive_as_people_do() -> None:
    made = [owner(random.Random(f"o{n}"), 2 * YEAR) for n in range(150)]
    a_year_km = sorted(sum(r.distance_m for day in each.rides for r in day) / 2000 for each in made)
    assert 9_000 < median(a_year_km) < 20_000
    assert a_year_km[0] > 1_000
    assert a_year_km[-1] < 100_000
    assert {each.kind for each in made} == set(KINDS)
    assert 5 < sum(bool(each.off) for each in made) < 40
    assert 10 < sum(bool(each.unclocked) for each in made) < 50
    for each in made:
        for day in each.rides:
            assert all(0 <= ride.from_min < ride.to_min <= 23 * 60 for ride in day)
            assert all(a.to_min <= b.from_min or b.from_min == 22 * 60 for a, b in pairwise(day))


def test_a_seasonal_car_stands_in_winter() -> None:
    each = next(o for o in (owner(random.Random(f"s{n}"), YEAR) for n in range(99)) if o.kind == "seasonal")
    months = [date.fromordinal(START.toordinal() + n).month for n, day in enumerate(each.rides) if day and n not in each.journeys]
    assert months and SUMMER[0] <= min(months) <= max(months) <= SUMMER[1]


def test_the_same_seed_is_the_same_owner() -> None:
    assert owner(random.Random("x"), 90) == owner(random.Random("x"), 90)
    assert owner(random.Random("x"), 90) != owner(random.Random("y"), 90)


@pytest.fixture(scope="module")
def found() -> list[Told]:
    return [told for life in lives(6, seed=5, days=500) for told in life]


def test_most_are_told_before_the_beep(found: list[Told]) -> None:
    assert len(found) >= 4
    assert share(found) >= 75, found
    assert all(t.told is None or t.raised is None or t.told >= t.raised for t in found)


def test_nobody_is_told_more_than_twice(found: list[Told]) -> None:
    assert max(t.words for t in found) <= 2


def test_the_figure_counts_days_to_the_reminder() -> None:
    times = [(60, 46.0, ""), (60, 46.1, "a journey"), (60, None, "the unit was unplugged"), (60, 10.0, "")]
    told = [Told(n, beep_day, 90, at, at, 1, None, cause) for n, (beep_day, at, cause) in enumerate(times)]
    assert share(told) == 50.0
    found = [*told, told[0]._replace(expected=("2025-04-01", "2025-04-09"), by="distance", told=-2.0)]
    first, *_, within = figures(found)
    too_early = next(f for f in figures(found) if f.name == "service_told_too_early_percent")
    assert (too_early.value, within.value) == (20.0, 100.0)
    assert "by distance: 100 of 1" in within.note
    assert (first.value, first.ok, first.name) == (60.0, False, beep.GROUP.figures[0])
    assert "a journey: 1" in first.note and "the unit was unplugged: 1" in first.note
