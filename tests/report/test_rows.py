"""Months: where they begin and end somewhere, and which ones are compared."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from agent.model import NS
from agent.report.rows import days_of, detailed_months, month_end_ns, month_of, month_start_ns, months_back

BERLIN = ZoneInfo("Europe/Berlin")


def utc_ns(*at: int) -> int:
    return round(datetime(*at, tzinfo=UTC).timestamp()) * NS  # type: ignore[arg-type,misc]


def test_a_month_is_local() -> None:
    assert month_start_ns("2026-10", BERLIN) == utc_ns(2026, 9, 30, 22)
    assert month_end_ns("2026-10", BERLIN) == utc_ns(2026, 10, 31, 23), "summer time is over by then"
    assert month_of(utc_ns(2026, 10, 31, 22, 59), BERLIN) == "2026-10"
    assert month_of(utc_ns(2026, 10, 31, 23), BERLIN) == "2026-11"
    assert month_end_ns("2026-12", BERLIN) == month_start_ns("2027-01", BERLIN)


@pytest.mark.parametrize(
    ("month", "n", "there"), [("2026-10", 1, "2026-09"), ("2026-01", 1, "2025-12"), ("2025-12", -1, "2026-01")]
)
def test_months_back(month: str, n: int, there: str) -> None:
    assert months_back(month, n) == there


def test_what_is_compared_and_how_long_it_is() -> None:
    assert detailed_months("2026-01") == ("2026-01", "2025-12", "2025-01")
    assert [days_of(m) for m in ("2026-02", "2028-02", "2026-12")] == [28, 29, 31]
