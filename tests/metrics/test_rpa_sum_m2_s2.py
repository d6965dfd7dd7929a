"""rpa_sum_m2_s2"""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import pytest

from agent.metrics.rpa_sum_m2_s2 import RpaSumM2S2
from tests.metrics.conftest import HOUR, drive, fold


def test_the_parts_of_the_ratio() -> None:
    result = fold(RpaSumM2S2, drive([10, 11, 14, 13, 12])).result(HOUR)
    assert result == {"urban": {"va_m2_s2": 11 * 2 + 14 * 1, "distance_m": 11 + 14 + 13, "duration_s": 3}}


def test_classes_are_kept_apart_and_add_up() -> None:
    town, country = (fold(RpaSumM2S2, drive([v, v, v])).result(HOUR) for v in (10.0, 20.0))
    both = {name: {"va_m2_s2": 0.0, "distance_m": v, "duration_s": 1} for name, v in (("urban", 10.0), ("rural", 20.0))}
    assert RpaSumM2S2.combine(town, country) == both
    assert RpaSumM2S2.combine(town, town) == {"urban": {"va_m2_s2": 0.0, "distance_m": 20.0, "duration_s": 2}}


@pytest.mark.parametrize("cycle", ["wltc_3b", "udds", "nedc"])
def test_the_sum_is_the_kinetic_energy_gained(drives: Path, cycle: str) -> None:
    """v·dv = d(v²/2): the same by another road, but for the seconds at or below 0.1 m/s² and the central difference."""
    with (drives / "cycles" / f"{cycle}.csv").open() as f:
        v_ms = [float(row["speed_kmh"]) / 3.6 for row in csv.DictReader(f)]
    result = fold(RpaSumM2S2, drive(v_ms)).result(HOUR)
    assert isinstance(result, dict)
    gained = sum(max(0.0, (after**2 - before**2) / 2) for before, after in pairwise(v_ms))
    assert sum(kept["va_m2_s2"] for kept in result.values()) == pytest.approx(gained, rel=0.08)
    assert sum(kept["duration_s"] for kept in result.values()) == len(v_ms) - 2
