"""fuel_level_first_percent"""

from __future__ import annotations

from agent.metrics.fuel_level_first_percent import FuelLevelFirstPercent
from agent.signals import FUEL_LEVEL
from tests.metrics.conftest import HOUR, drive, fold


def test_it_is_the_first_known_value() -> None:
    steps = (
        drive([20, 20]) + [one for v in (54.90, 60.0, 51.37) for one in drive([20, 20], known={FUEL_LEVEL: v})] + drive([20, 20])
    )
    assert fold(FuelLevelFirstPercent, steps).result(HOUR) == 54.90


def test_an_empty_one_is_known() -> None:
    assert fold(FuelLevelFirstPercent, drive([20, 20], known={FUEL_LEVEL: 0})).result(HOUR) == 0


def test_of_two_trips_it_is_the_earliers() -> None:
    assert FuelLevelFirstPercent.combine(54.9, 30.0) == 54.9
