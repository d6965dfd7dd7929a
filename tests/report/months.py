"""Trips and households for the tests of reports: literals, each test stating only what differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.config import Owner
from agent.household import Driver, Household
from agent.report.build import Material, build, readers
from agent.report.report import Report
from agent.report.rows import Row
from agent.tally import Sums

OWNER = Owner(timezone="Europe/Berlin")
ANA = Driver("ana", is_keeper=True, consents=("report", "compare"))
BEN = Driver("ben", consents=("report", "compare"))
CLEO = Driver("cleo", consents=("report", "compare"))
DAN = Driver("dan", consents=("report", "compare"))
KIM = Driver("kim", of_age="2028-04-01", consents=("report", "guardian"), guardian_with=("ana",))

DEFAULT: dict[str, Any] = {
    "distance_m": 20_000.0,
    "duration_s": 1_800.0,
    "moving_s": 1_600.0,
    "fuel_l": 1.2,
    "engine_s": 1_700.0,
    "idle_s": 170.0,
    "harsh_brakes": 1,
    "harsh_accels": 0,
    "cold_starts": 1,
    "night_s": 0.0,
    "over_speed_s": 18.0,
    "unobserved_s": 0.0,
    "speed_band_m": {"30-50": 8_000.0, "50-70": 4_000.0, "90-110": 8_000.0},
}


def trip(
    day: str = "2026-10-05", driver: str = "ana", *, estimated: Sequence[str] = (), kind: Any = "trip", **metrics: Any
) -> Row:
    """The default trip is 20 km in half an hour with 1.2 l; a metric that is None is not known."""
    known = {name: value for name, value in (DEFAULT | metrics).items() if value is not None}
    return Row(f"{day} {driver}", kind, driver, day, Sums(known, list(estimated)))


def month_of_trips(driver: str = "ana", month: str = "2026-10", n: int = 4, **metrics: Any) -> list[Row]:
    """Trips on the first days of a month."""
    return [trip(f"{month}-{day:02}", driver, **metrics) for day in range(1, n + 1)]


def material(rows: Sequence[Row], drivers: Sequence[Driver] = (), **more: Any) -> Material:
    """October 2026, reported on the first of November."""
    known: dict[str, Any] = {
        "month": "2026-10",
        "made_day": "2026-11-01",
        "after_day": "2026-11-01",
        "owner": OWNER,
        "vehicle": "Test car",
        "household": Household(tuple(drivers)),
        "first_day": "2025-06-01",
    }
    return Material(rows=sorted(rows, key=lambda r: r.day), **(known | more))


def report_of(found: Material, driver: str) -> Report:
    return build(found, next(reader for reader in readers(found) if reader.id == driver))
