"""A kept trip as the report reads it, and the months it may belong to. Months are local, by the owner's zone: "2026-10"."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Literal

import msgspec

from agent.localtime import local
from agent.model import NS
from agent.tally import Sums

MONTHS_BACK = 12  # the same month of the year before


class Row(msgspec.Struct, frozen=True, gc=False):
    """A trip or short move with a date. It belongs to the month and the day in which it began."""

    trip_id: str
    kind: Literal["trip", "short_move"]
    driver: str
    day: str  # "2026-10-26"
    sums: Sums  # of a month that is neither reported nor compared with only the few in `outline`

    @property
    def month(self) -> str:
        return self.day[:7]

    def of(self, metric: str) -> float | None:
        """A metric that is a number; None when it is not known."""
        value = self.sums.metrics.get(metric)
        return None if value is None else float(value)


OUTLINE = ("distance_m", "fuel_l", "energy_kwh", "regenerated_kwh", "speed_band_m")
"""The metrics that are looked at over a whole year."""


def months_back(month: str, n: int) -> str:
    """The month `n` before."""
    year, number = map(int, month.split("-"))
    at = year * 12 + number - 1 - n
    return f"{at // 12:04}-{at % 12 + 1:02}"


def detailed_months(month: str) -> tuple[str, str, str]:
    """The month itself, and the two that it is compared with in full."""
    return month, months_back(month, 1), months_back(month, MONTHS_BACK)


def month_start_ns(month: str, zone: tzinfo) -> int:
    """Its first moment, in UTC ns."""
    year, number = map(int, month.split("-"))
    return round(datetime(year, number, 1, tzinfo=zone).timestamp()) * NS


def month_end_ns(month: str, zone: tzinfo) -> int:
    """The first moment after it, in UTC ns."""
    return month_start_ns(months_back(month, -1), zone)


def month_of(utc_ns: int, zone: tzinfo) -> str:
    return f"{local(utc_ns, zone):%Y-%m}"


def days_of(month: str) -> int:
    """How many days it has."""
    year, number = map(int, month.split("-"))
    after = datetime(year + number // 12, number % 12 + 1, 1)
    return (after - datetime(year, number, 1)).days
