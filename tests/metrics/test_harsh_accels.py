"""harsh_accels (what it shares with harsh_brakes is tested there)"""

from __future__ import annotations

from agent.metrics.harsh_accels import HarshAccels
from agent.vehicle import Harsh, Vehicle
from tests.metrics.conftest import HOUR, drive_5hz, fold


def test_pulling_away_counts_from_10_kmh_on() -> None:
    to_15_kmh = [0.8 * n for n in range(6)]  # 4 m/s²: above 10 km/h for less than half a second
    assert fold(HarshAccels, drive_5hz([*to_15_kmh, *[4.0] * 5])).result(HOUR) == 0
    to_29_kmh = [0.8 * n for n in range(11)]
    assert fold(HarshAccels, drive_5hz(to_29_kmh)).result(HOUR) == 1


def test_it_has_its_own_threshold() -> None:
    steps = drive_5hz([10 + 0.6 * n for n in range(11)])  # 3 m/s²
    assert fold(HarshAccels, steps).result(HOUR) == 0
    assert fold(HarshAccels, steps, car=Vehicle(name="calm", harsh=Harsh(accel_ms2=2.9))).result(HOUR) == 1
    assert fold(HarshAccels, steps, car=Vehicle(name="calm", harsh=Harsh(brake_ms2=2.9))).result(HOUR) == 0


def test_braking_is_none() -> None:
    assert fold(HarshAccels, drive_5hz([20 - 0.8 * n for n in range(11)])).result(HOUR) == 0
