"""localtime: days and hours somewhere, over the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.localtime import (
    after_months,
    at_ns,
    day_of,
    days_of,
    local,
    minute_of,
    month_end_ns,
    month_of,
    month_start_ns,
    months_back,
    next_time_ns,
    quiet_until_ns,
)
from agent.model import NS

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from([BERLIN, *map(ZoneInfo, ("Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata", "UTC"))])
TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))
MOMENTS = st.integers(0, 4_000_000_000).map(lambda s: s * NS)


def utc(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS


def test_a_moment_in_local_words() -> None:
    at = utc("2026-10-24T22:30:00")
    assert (day_of(at, BERLIN), minute_of(at, BERLIN)) == ("2026-10-25", 30)
    assert local(at + 1, BERLIN).microsecond == 0
    assert at_ns(date(2026, 10, 25), time(0, 30), BERLIN) == at


@pytest.mark.parametrize(
    ("now", "at", "expected"),
    [
        ("2026-03-28T10:00", time(2, 30), "2026-03-29T01:30"),  # a time that this day has not: as much later
        ("2026-10-24T10:00", time(2, 30), "2026-10-25T00:30"),  # one that it has twice: the first
        ("2026-10-25T00:45", time(2, 30), "2026-10-25T01:30"),  # and after that the second
        ("2026-10-25T00:30", time(2, 30), "2026-10-25T00:30"),
        ("2026-10-25T01:31", time(2, 30), "2026-10-26T01:30"),
    ],
)
def test_the_next_time(now: str, at: time, expected: str) -> None:
    assert next_time_ns(utc(now), at, BERLIN) == utc(expected)


@settings(deadline=None)
@given(MOMENTS, TIMES, ZONES)
def test_the_next_time_is_within_a_day_and_then_it_is_that_time(now_ns: int, at: time, zone: ZoneInfo) -> None:
    found = next_time_ns(now_ns, at, zone)
    assert now_ns <= found <= now_ns + 25 * 3600 * NS
    assert next_time_ns(found, at, zone) == found
    assert local(found, zone).time() >= at


@settings(deadline=None)
@given(MOMENTS, TIMES, TIMES, ZONES)
def test_quiet_hours_end_where_they_said_and_not_before(now_ns: int, begin: time, end: time, zone: ZoneInfo) -> None:
    until = quiet_until_ns(now_ns, f"{begin:%H:%M}", f"{end:%H:%M}", zone)
    clock = local(now_ns, zone).time()
    inside = begin <= clock < end if begin <= end else clock >= begin or clock < end
    assert (until is not None) == inside
    if until is not None:
        assert now_ns < until <= now_ns + 25 * 3600 * NS
        assert local(until, zone).time() >= end
        assert quiet_until_ns(until - NS, f"{begin:%H:%M}", f"{end:%H:%M}", zone) in (until, None)


def test_equal_times_are_no_quiet_hours() -> None:
    assert all(quiet_until_ns(utc(f"2026-10-26T{hour:02}:00"), "08:00", "08:00", BERLIN) is None for hour in range(24))


def test_quiet_hours_that_end_in_an_hour_that_comes_twice_end_in_the_second_if_it_is_that() -> None:
    assert quiet_until_ns(utc("2026-10-25T01:10"), "21:30", "02:30", BERLIN) == utc("2026-10-25T01:30")


def test_a_month_is_local() -> None:
    assert month_start_ns("2026-10", BERLIN) == utc("2026-09-30T22:00:00")
    assert month_end_ns("2026-10", BERLIN) == utc("2026-10-31T23:00:00"), "summer time is over by then"
    assert month_of(utc("2026-10-31T22:59:00"), BERLIN) == "2026-10"
    assert month_of(utc("2026-10-31T23:00:00"), BERLIN) == "2026-11"
    assert month_end_ns("2026-12", BERLIN) == month_start_ns("2027-01", BERLIN)
    assert [days_of(m) for m in ("2026-02", "2028-02", "2026-12")] == [28, 29, 31]


@pytest.mark.parametrize(
    ("month", "n", "there"), [("2026-10", 1, "2026-09"), ("2026-01", 1, "2025-12"), ("2025-12", -1, "2026-01")]
)
def test_months_back(month: str, n: int, there: str) -> None:
    assert months_back(month, n) == there


def test_some_months_later_a_month_ends_where_it_ends() -> None:
    assert after_months(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert after_months(date(2027, 11, 30), 3) == date(2028, 2, 29)
    assert after_months(date(2026, 3, 1), 12) == date(2027, 3, 1)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(1, 60))
def test_a_month_is_28_to_31_days(day: date, months: int) -> None:
    later = after_months(day, months)
    assert timedelta(days=28 * months) <= later - day <= timedelta(days=31 * months)
    assert later.day <= day.day
