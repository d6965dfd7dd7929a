"""regenerated_kwh"""

from __future__ import annotations

import pytest

from agent.metrics.regenerated_kwh import RegeneratedKwh
from agent.model import Area
from agent.signals import BATTERY_POWER
from tests.metrics.conftest import HOUR, drive, fold


def test_it_is_what_a_moving_car_puts_back() -> None:
    steps = drive([20] * 361, areas={BATTERY_POWER: Area(20_000.0, -5_000.0, 1.0)})
    assert fold(RegeneratedKwh, steps).result(HOUR) == pytest.approx(2.0)


def test_the_second_in_which_it_comes_to_a_stand_counts() -> None:
    assert fold(RegeneratedKwh, drive([2, 0], areas={BATTERY_POWER: Area(3_600.0, 0.0, 1.0)})).result(HOUR) == pytest.approx(
        0.001
    )


def test_charging_at_a_stand_is_not_regeneration() -> None:
    assert fold(RegeneratedKwh, drive([0] * 361, areas={BATTERY_POWER: Area(11_000.0, 0.0, 1.0)})).result(HOUR) == 0
