"""odometer_first_m"""

from __future__ import annotations

from agent.metrics.odometer_first_m import OdometerFirstM
from agent.model import Step, Value
from agent.signals import ODOMETER
from tests.metrics.conftest import HOUR, fold, step


def read(*values_m: Value) -> list[Step]:
    """One reading a second."""
    return [step(20, end_s=n, follows=n > 0, known={ODOMETER: v}) for n, v in enumerate(values_m)]


def first(*values_m: Value) -> object:
    return fold(OdometerFirstM, read(*values_m)).result(HOUR)


def test_it_is_the_first_reading_that_the_next_agrees_with() -> None:
    assert first(None, 15_589_000, 15_589_000, 15_590_000) == 15_589_000
    assert first(15_589_000, 15_590_000) == 15_589_000


def test_one_wrong_frame_at_the_start_is_not_it() -> None:
    assert first(0, 15_589_000, 15_589_000) == 15_589_000
    assert first(429_496_729_500, 15_589_000, 15_589_000) == 15_589_000


def test_a_single_reading_is_not_enough() -> None:
    assert first(15_589_000, None, None) is None


def test_of_two_trips_it_is_the_earliers() -> None:
    assert OdometerFirstM.combine(1000, 5000) == 1000
