"""A kept trip as the report reads it, and the months that a report compares. Months are local, by the owner's zone."""

from __future__ import annotations

from typing import Literal

import msgspec

from agent.localtime import months_back
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


def detailed_months(month: str) -> tuple[str, str, str]:
    """The month itself, and the two that it is compared with in full."""
    return month, months_back(month, 1), months_back(month, MONTHS_BACK)
