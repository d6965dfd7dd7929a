"""energy_kwh"""

from __future__ import annotations

import pytest

from agent.metrics.energy_kwh import EnergyKwh
from agent.model import Area
from agent.signals import BATTERY_POWER
from tests.metrics.conftest import HOUR, drive, fold


def test_it_is_what_flows_out_of_the_battery() -> None:
    steps = drive([20] * 361, areas={BATTERY_POWER: Area(5_000.0, -20_000.0, 1.0)})
    metric = fold(EnergyKwh, steps)
    assert metric.result(HOUR) == pytest.approx(2.0)
    assert not metric.is_estimated()


def test_heating_at_a_stand_counts() -> None:
    assert fold(EnergyKwh, drive([0] * 361, areas={BATTERY_POWER: Area(0.0, -3_000.0, 1.0)})).result(HOUR) == pytest.approx(0.3)


def test_only_charging_is_nothing_drawn() -> None:
    assert fold(EnergyKwh, drive([20] * 3, areas={BATTERY_POWER: Area(9_000.0, 0.0, 1.0)})).result(HOUR) == 0


def test_power_seen_for_half_the_time_makes_an_estimate() -> None:
    seen = drive([20] * 10, areas={BATTERY_POWER: Area(0.0, -9_000.0, 1.0)})
    assert fold(EnergyKwh, seen + drive([20] * 10)).is_estimated()
