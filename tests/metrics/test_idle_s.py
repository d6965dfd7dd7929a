"""idle_s"""

from __future__ import annotations

from agent.metrics.idle_s import IdleS
from agent.signals import ENGINE_SPEED
from tests.metrics.conftest import HOUR, drive, fold

ON = {ENGINE_SPEED: 800.0}


def test_it_is_standing_with_the_engine_running() -> None:
    stop_start = drive([0] * 11, known={ENGINE_SPEED: 0})
    assert fold(IdleS, drive([0] * 6 + [10] * 5, known=ON) + stop_start).result(HOUR) == 5


def test_an_electric_car_has_none() -> None:
    assert fold(IdleS, drive([0] * 10)).result(HOUR) is None


def test_driving_throughout_is_0_s_of_idling() -> None:
    assert fold(IdleS, drive([10] * 10, known=ON)).result(HOUR) == 0


def test_engine_speed_known_for_half_the_time_makes_an_estimate() -> None:
    assert fold(IdleS, drive([0] * 11, known=ON) + drive([0] * 11)).is_estimated()
