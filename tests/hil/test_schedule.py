"""A household's simulated week: who, when, and never two at once."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.model import NS
from hil.vehicle import HOUSEHOLD, VEHICLES, Household, Person, PlannedDrive, car, play, week
from hil.vehicle.schedule import STANDS_S

BERLIN = ZoneInfo("Europe/Berlin")


def utc_ns(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * NS  # type: ignore[misc,arg-type]


MONDAY_NS = utc_ns(2026, 1, 5, 9)


def local(plan: PlannedDrive, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromtimestamp(plan.start_utc_ns / NS, zone)


@given(st.integers(), st.integers(utc_ns(2020, 1, 1), utc_ns(2035, 1, 1)))
@settings(max_examples=10, deadline=None)
def test_any_week_is_seven_local_days_of_drives_one_after_another(seed: int, start_utc_ns: int) -> None:
    plans = week(HOUSEHOLD, seed, start_utc_ns)
    assert plans == week(HOUSEHOLD, seed, start_utc_ns) != week(HOUSEHOLD, seed + 1, start_utc_ns)
    first = datetime.fromtimestamp(start_utc_ns / NS, BERLIN).date()
    assert {0 <= (local(plan).date() - first).days < 7 for plan in plans} == {True}
    assert all(before.end_utc_ns() + STANDS_S * NS <= after.start_utc_ns for before, after in pairwise(plans))
    assert {plan.driver for plan in plans} == {person.name for person in HOUSEHOLD.people}


def test_work_on_weekdays_shopping_and_one_long_way_at_the_weekend() -> None:
    plans = week(HOUSEHOLD, 1, MONDAY_NS)
    to_work = [plan for plan in plans if plan.pieces == ("commute",)]
    assert sorted(local(plan).weekday() for plan in to_work) == sorted([0, 1, 2, 3, 4] * 2)
    assert {plan.driver for plan in to_work} == {"alex"}
    assert {local(plan).hour for plan in to_work} <= {6, 7, 16, 17}
    long_ones = [plan for plan in plans if plan.trace().distance_m > 50_000]
    assert len(long_ones) == 2 and len({local(plan).date() for plan in long_ones}) == 1
    assert local(long_ones[0]).weekday() >= 5
    shopping = [plan for plan in plans if plan.pieces == ("udds",)]
    assert len(shopping) in (4, 6) and {plan.driver for plan in shopping} == {"robin", "kim"}


def test_the_time_of_day_stays_when_the_clocks_change() -> None:
    plans = week(HOUSEHOLD, 1, utc_ns(2026, 3, 27))  # summer time begins on the Sunday
    assert {local(plan).utcoffset() for plan in plans if plan.pieces == ("commute",)} == {
        datetime(2026, 3, 27, tzinfo=BERLIN).utcoffset(),
        datetime(2026, 3, 30, tzinfo=BERLIN).utcoffset(),
    }
    assert {local(plan).hour for plan in plans if plan.pieces == ("commute",)} <= {6, 7, 16, 17}


def test_two_who_want_the_car_at_once_take_turns() -> None:
    both = Household("UTC", (Person("a", "calm", commutes=True), Person("b", "brisk", commutes=True)))
    plans = week(both, 3, MONDAY_NS)
    mornings = [plan for plan in plans if local(plan, ZoneInfo("UTC")).hour < 9 and plan.pieces == ("commute",)]
    assert len(mornings) == 10
    assert all(before.end_utc_ns() < after.start_utc_ns for before, after in pairwise(plans))


@pytest.mark.parametrize("vehicle", VEHICLES)
def test_one_car_is_driven_through_the_week(vehicle: str) -> None:
    plans = week(HOUSEHOLD, 1, MONDAY_NS)
    one = car(vehicle, odometer_m=99_900_000.0)
    played = list(play(plans, one))
    assert [plan for plan, _ in played] == plans
    truths = [drive.truth for _, drive in played]
    assert truths[0].odometer_start_m == 99_900_000.0
    assert all(before.odometer_end_m == after.odometer_start_m for before, after in pairwise(truths))
    assert one.odometer_m == pytest.approx(99_900_000.0 + sum(truth.distance_m for truth in truths))
    assert all(plan.end_utc_ns() == plan.start_utc_ns + drive.duration_s * NS for plan, drive in played)
    assert min(truth.level_end_percent for truth in truths) > 20
    if vehicle == "sim_petrol":
        warm_at_start = [truth.coolant_start_c > 40 for truth in truths if truth.coolant_start_c is not None]
        stood_s = [0.0, *((b.start_utc_ns - a.end_utc_ns()) / NS for a, b in pairwise(plans))]
        assert warm_at_start == [0 < s < 3 * 3600 for s in stood_s]


def test_the_car_is_refilled_when_it_has_stood_long_enough() -> None:
    plans = [PlannedDrive(MONDAY_NS + hours * 3600 * NS, "a", "trace", ("us06",), 0) for hours in (0, 1, 9)]
    thirsty = car("sim_petrol")
    thirsty.train.fuel_l = 9.0  # type: ignore[union-attr]
    levels = [drive.truth.level_start_percent for _, drive in play(plans, thirsty)]
    assert levels[0] == 18 and levels[1] < 18 and levels[2] == 98
