"""state_of_charge_first_percent"""

from __future__ import annotations

from agent.metrics.state_of_charge_first_percent import StateOfChargeFirstPercent
from agent.signals import STATE_OF_CHARGE
from tests.metrics.conftest import HOUR, drive, fold


def test_it_is_the_first_known_value() -> None:
    steps = (
        drive([20, 20])
        + [one for v in (54.90, 60.0, 51.37) for one in drive([20, 20], known={STATE_OF_CHARGE: v})]
        + drive([20, 20])
    )
    assert fold(StateOfChargeFirstPercent, steps).result(HOUR) == 54.90


def test_an_empty_one_is_known() -> None:
    assert fold(StateOfChargeFirstPercent, drive([20, 20], known={STATE_OF_CHARGE: 0})).result(HOUR) == 0


def test_of_two_trips_it_is_the_earliers() -> None:
    assert StateOfChargeFirstPercent.combine(54.9, 30.0) == 54.9
