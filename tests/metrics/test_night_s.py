"""night_s"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import Owner
from agent.metrics.night_s import NightS, overlap_s
from agent.model import NS, ClockQuality, Span, Wall
from tests.metrics.conftest import fold

BERLIN = ZoneInfo("Europe/Berlin")
HOUR_S = 3600


def utc_ns(local: str, zone: ZoneInfo = BERLIN) -> int:
    return int(datetime.fromisoformat(local).replace(tzinfo=zone).timestamp()) * NS


def night(start: str, end: str, zone: ZoneInfo = BERLIN) -> float:
    return overlap_s(utc_ns(start, zone), utc_ns(end, zone), zone)


def test_a_day_trip_has_none() -> None:
    assert night("2026-06-10 06:00", "2026-06-10 22:00") == 0


def test_evening_and_morning_hours_count() -> None:
    assert night("2026-06-10 21:30", "2026-06-10 22:30") == HOUR_S / 2
    assert night("2026-06-10 05:30", "2026-06-10 06:30") == HOUR_S / 2
    assert night("2026-06-10 23:00", "2026-06-11 02:00") == 3 * HOUR_S
    assert night("2026-06-10 00:10", "2026-06-10 00:20") == 600


def test_a_long_drive_has_several_nights() -> None:
    assert night("2026-06-10 12:00", "2026-06-12 12:00") == 16 * HOUR_S


def test_nights_in_which_clocks_change() -> None:
    assert night("2026-03-28 21:00", "2026-03-29 07:00") == 7 * HOUR_S
    assert night("2026-10-24 21:00", "2026-10-25 07:00") == 9 * HOUR_S


def test_where_the_clock_changes_at_22_00() -> None:
    nuuk = ZoneInfo("America/Nuuk")  # 2022-03-26 22:00 became 23:00
    assert night("2022-03-26 20:00", "2022-03-27 08:00", nuuk) == 7 * HOUR_S


def test_it_is_night_by_the_owners_clock() -> None:
    trip = Span(0, HOUR_S * NS, Wall(utc_ns("2026-06-10 23:00"), "synchronised"), 0.0)
    assert fold(NightS, [], owner=Owner(timezone="Europe/Berlin")).result(trip) == HOUR_S
    assert fold(NightS, [], owner=Owner(timezone="America/New_York")).result(trip) == 0


@pytest.mark.parametrize("wall", [None, Wall(0, "none"), Wall(0, "unsure")])
def test_without_a_wall_clock_it_is_absent(wall: Wall | None) -> None:
    assert fold(NightS, []).result(Span(0, HOUR_S * NS, wall, 0.0)) is None


@pytest.mark.parametrize("quality", ["synchronised", "recorded"])
def test_any_clock_there_is_tells_day_from_night(quality: ClockQuality) -> None:
    trip = Span(0, HOUR_S * NS, Wall(utc_ns("2026-06-10 00:00", ZoneInfo("UTC")), quality), 0.0)
    assert fold(NightS, []).result(trip) == HOUR_S


@given(
    start=st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1)),
    minutes=st.integers(0, 4000),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]),
)
@settings(max_examples=60, deadline=None)
def test_it_equals_counting_the_minutes(start: datetime, minutes: int, zone: str) -> None:
    tz = ZoneInfo(zone)
    first = start.replace(second=0, microsecond=0, tzinfo=UTC)
    local_hours = ((first + timedelta(minutes=n)).astimezone(tz).hour for n in range(minutes))
    counted = 60 * sum(hour >= 22 or hour < 6 for hour in local_hours)
    start_ns = int(first.timestamp()) * NS
    assert overlap_s(start_ns, start_ns + minutes * 60 * NS, tz) == counted
