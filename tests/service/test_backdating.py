"""When a service was done that is told later."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from agent.habits import Day, Habits
from agent.service.backdating import Done, done_at, driven_since_m, not_after

TODAY = date(2026, 11, 22)
READING_M = 84e6


def known(days: int, m_a_day: float = 30_000.0) -> Habits:
    """So many days, today the last of them."""
    all_days = [(TODAY - timedelta(days=n)).isoformat() for n in reversed(range(days))]
    return Habits(all_days[0], all_days[-1], tuple(Day(each, m_a_day, 1) for each in all_days))


def at(named_m: float | None, named_day: str | None, habits: Habits, today: date | None = TODAY) -> Done:
    return done_at(named_m, named_day, READING_M, today, habits)


def test_now_where_nothing_is_told_or_what_is_yet_to_come() -> None:
    for named_m, named_day in ((None, None), (90e6, None), (None, "2027-01-01"), (None, "2026-11-22")):
        assert at(named_m, named_day, known(100)) == Done(READING_M, TODAY)


def test_a_past_day_has_its_own_reading() -> None:
    assert at(None, "2026-11-02", known(100)) == Done(READING_M - 20 * 30_000, date(2026, 11, 2), 600_000.0, about=True)
    assert at(None, "2026-11-02", known(100), today=None).reading_m == READING_M - 600_000, "without a clock as well"
    assert at(None, "2026-10-03", known(28)).reading_m == READING_M - 50 * 30_000, "before the known days by the pace"


def test_a_past_day_of_which_nothing_is_known_has_none() -> None:
    for habits in (Habits(), known(20)):
        assert at(None, "2026-06-01", habits) == Done(None, date(2026, 6, 1), None)


def test_a_past_reading_has_its_own_day() -> None:
    assert at(READING_M - 610_000, None, known(100)) == Done(READING_M - 610_000, date(2026, 11, 2), 610_000.0, False, True)
    assert at(READING_M - 10_000, None, known(100)) == Done(READING_M - 10_000, TODAY, 10_000.0, is_own=False)
    assert at(READING_M - 1_500_000, None, known(28)).day == date(2026, 10, 4), "before the known days by the pace"
    assert at(READING_M - 1_500_000, None, Habits()).day == TODAY


def test_both_are_as_told() -> None:
    assert at(80e6, "2026-11-22", known(100)) == Done(80e6, TODAY, 4e6, is_own=False)
    assert at(80e6, "2026-05-01", known(100)) == Done(80e6, date(2026, 5, 1), 4e6, is_own=False)
    assert done_at(80e6, "2026-05-01", None, TODAY, known(9)) == Done(80e6, date(2026, 5, 1), None, is_own=False)


def test_days_that_are_kept_no_more_are_not_taken_for_days_without_a_trip() -> None:
    old = Habits("2025-01-01", TODAY.isoformat(), known(182).days)
    assert driven_since_m(TODAY - timedelta(days=250), old) == pytest.approx(250 * 30_000, abs=30_000)


@pytest.mark.parametrize(
    ("day", "on"),
    [(None, TODAY), ("2026-11-01", date(2026, 11, 1)), ("2026-11-23", TODAY), ("2026-02-31", TODAY), ("soon", TODAY)],
)
def test_a_day_is_one_that_was(day: str | None, on: date) -> None:
    assert not_after(day, TODAY) == on
