"""habits: when and how far this car is driven, from trips whose clock was trusted."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from agent.events.habits import HabitsChanged, HabitsRule, hours_of_week, until
from agent.events.trip import TripEnded
from agent.habits import DAYS_KEPT, Day, Habits
from agent.model import NS, Wall
from tests.sim.car import OWNER, Bench, drive, wall
from tests.sim.parked import BERLIN, utc_s

RULE = "habits"


def trip(start: str, end: str, *, clock: str = "synchronised", distance_m: float = 5_000.0, driver: str = "ana") -> TripEnded:
    return TripEnded(
        id=f"e {start}", t_ns=0, boot_id="boot-1", trip_id=start, kind="trip", ended_by="ignition-off", start_ns=0,
        start_boot_id="boot-1", end_ns=0, clock=clock, driver=driver, vehicle="a car", metrics={"distance_m": distance_m},  # type: ignore[arg-type]
        start_utc_ns=round(utc_s(start)) * NS, end_utc_ns=round(utc_s(end)) * NS,
    )  # fmt: skip


def after(*trips: TripEnded) -> Habits:
    bench = Bench().until(1)
    for each in trips:
        bench.events += bench.engine.raised([each])
    assert not bench.engine.failures
    return bench.engine.context(0).habits


def test_a_drive_counts_to_the_day_on_which_it_ended() -> None:
    bench = Bench(owner=OWNER, wall=wall(utc_s("2026-10-26 23:57"))).live(drive()).until(999)
    habits = bench.engine.context(0).habits
    (changed,) = bench.of(HabitsChanged)
    assert (changed.day, changed.leaves) == ("2026-10-27", False)
    by_day = {day.day: day for day in habits.days}
    assert by_day["2026-10-27"].trips == 1
    assert by_day["2026-10-27"].distance_m == pytest.approx(4350, abs=20)
    assert by_day["2026-10-26"].arrivals == {"unknown": 1440 + 2}, "who comes home after midnight came home late that evening"
    assert bench.restart("boot-2").engine.context(0).habits == habits


@pytest.mark.parametrize("clock", [None, Wall(0, "unsure")])
def test_an_undated_drive_says_nothing(clock: Wall | None) -> None:
    bench = Bench(wall=clock).live(drive()).until(999)
    assert bench.engine.context(0).habits == Habits()
    assert after(trip("2026-10-26 08:00", "2026-10-26 09:00", clock="unsure")) == Habits(), "an earlier boot's, told only now"


def test_the_latest_arrival_of_each_stays() -> None:
    habits = after(
        trip("2026-10-26 08:00", "2026-10-26 09:00"),
        trip("2026-10-26 17:00", "2026-10-26 18:00"),
        trip("2026-10-26 19:00", "2026-10-26 20:00", driver="ben"),
    )
    assert habits.days == (Day("2026-10-26", 15_000.0, 3, {"ana": 18 * 60, "ben": 20 * 60}),)


def test_hours_of_the_week_are_local_and_weeks_ago_they_count_less() -> None:
    found = dict(hours_of_week(round(utc_s("2026-10-26 08:30")) * NS, round(utc_s("2026-10-26 10:15")) * NS, BERLIN))
    assert list(found) == [8, 9, 10]
    days = [f"2026-{month:02}-{day:02}" for month in (9, 10) for day in range(1, 29)]
    habits = after(*(trip(f"{day} 08:00", f"{day} 09:00") for day in days))
    assert habits.parked_share(8) is not None
    assert 0.0 <= habits.parked_share(8) < 0.3  # type: ignore[operator]
    assert habits.parked_share(3) == 1.0


def test_a_clock_that_was_ahead_does_not_stop_the_days() -> None:
    habits = after(
        trip("2026-10-25 08:00", "2026-10-25 09:00"),
        trip("2027-10-26 08:00", "2027-10-26 09:00"),
        trip("2026-10-27 08:00", "2026-10-27 09:00"),
    )
    assert habits.last_day == "2026-10-27"
    assert all(day.day <= "2026-10-27" for day in habits.days)


def test_half_a_year_is_kept() -> None:
    habits = msgspec.structs.replace(until(Habits(), date(2025, 1, 1)), days=(Day("2025-01-01", 5.0, 1),))
    habits = until(habits, date(2025, 12, 31))
    assert habits.days == ()
    assert sum(habits.seen_h) < DAYS_KEPT * 24
    assert HabitsRule.name == RULE
