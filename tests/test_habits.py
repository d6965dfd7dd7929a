"""habits: what forecasts and moments make of the days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from agent.habits import ARRIVAL_DAYS, PACE_DAYS, WEEK_H, Day, Habits

FIRST = date(2026, 6, 1)


def days(distances_m: list[float], **arrivals: int) -> Habits:
    rows = [Day((FIRST + timedelta(days=n)).isoformat(), d, 1 if d else 0, dict(arrivals)) for n, d in enumerate(distances_m)]
    return Habits(first_day=rows[0].day, last_day=rows[-1].day, days=tuple(rows))


def test_a_pace_needs_four_weeks_and_has_a_range() -> None:
    assert Habits().pace() is None
    assert days([1000.0] * (PACE_DAYS - 1)).pace() is None
    steady = days([1000.0] * 90).pace()
    assert steady is not None
    assert (steady.low_m, steady.likely_m, steady.high_m, steady.days) == (1000, 1000, 1000, 84)
    abroad = days([2000.0] * 98 + [0.0] * 84).pace()
    assert abroad is not None
    assert (abroad.likely_m, abroad.before_m) == (0, 2000)
    holiday = days([1000.0] * 63 + [50_000.0] * 7 + [1000.0] * 14).pace()
    assert holiday is not None
    assert holiday.high_m == 1000, "the fastest week of twelve is left out"


def test_the_first_days_say_something_before_there_is_a_pace() -> None:
    known = {n: days([7000.0, 0.0] * (n // 2) + [7000.0] * (n % 2)).first_m() for n in (6, 7, 8, PACE_DAYS - 1, PACE_DAYS)}
    assert known == {6: None, 7: 4000.0, 8: 3500.0, PACE_DAYS - 1: pytest.approx(14 * 7000 / 27), PACE_DAYS: None}
    assert Habits().first_m() is None


def test_days_without_a_row_had_no_trip() -> None:
    every_other = [Day((FIRST + timedelta(days=n)).isoformat(), 2000.0, 1) for n in range(0, 84, 2)]
    pace = Habits(first_day=FIRST.isoformat(), last_day=(FIRST + timedelta(days=83)).isoformat(), days=tuple(every_other)).pace()
    assert pace is not None
    assert pace.likely_m == pytest.approx(1000.0)


def test_a_usual_trip_and_a_usual_arrival_need_some_days() -> None:
    few, enough = days([1000.0] * (ARRIVAL_DAYS - 1), ana=1000), days([1000.0] * ARRIVAL_DAYS, ana=1000)
    assert (few.usual_trip_m(), few.usual_last_arrival_min("ana")) == (None, None)
    assert (enough.usual_trip_m(), enough.usual_last_arrival_min("ana")) == (1000.0, 1000)
    assert enough.usual_last_arrival_min(None) == 1000
    assert enough.usual_last_arrival_min("ben") is None


def test_three_days_of_four_end_by_it() -> None:
    rows = tuple(Day(f"2026-06-{n + 1:02}", 1.0, 1, {"ana": 1000 + n}) for n in range(20))
    assert Habits(days=rows).usual_last_arrival_min("ana") == 1015


def test_a_parked_share_is_between_none_and_all() -> None:
    seen, driven = [2.0] * WEEK_H, [0.0] * WEEK_H
    seen[8], driven[8] = 4.0, 5.0
    seen[9], driven[9] = 4.0, 1.0
    habits = Habits(seen_h=tuple(seen), driven_h=tuple(driven))
    assert [habits.parked_share(hour) for hour in (7, 8, 9)] == [None, 0.0, 0.75]
