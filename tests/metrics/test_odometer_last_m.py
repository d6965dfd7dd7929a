"""odometer_last_m (what it shares with odometer_first_m is tested here)"""

from __future__ import annotations

from agent.metrics.odometer_last_m import OdometerLastM
from agent.model import Step, Value
from agent.signals import ODOMETER
from agent.vehicle import OdometerProfile, Vehicle
from tests.metrics.conftest import CAR, HOUR, fold, step

FINE = Vehicle(name="fine", odometer=OdometerProfile(resolution_m=100))


def read(*values_m: Value, every_s: float = 1.0) -> list[Step]:
    return [step(20, end_s=n * every_s, follows=n > 0, known={ODOMETER: v}) for n, v in enumerate(values_m)]


def last(*values_m: Value, every_s: float = 1.0, car: Vehicle = CAR) -> object:
    return fold(OdometerLastM, read(*values_m, every_s=every_s), car=car).result(HOUR)


def test_it_is_the_last_reading_that_agrees_with_the_one_before() -> None:
    assert last(15_589_000, 15_589_000, 15_590_000, None) == 15_590_000


def test_one_wrong_frame_at_the_end_is_not_it() -> None:
    assert last(5_000_000, 5_000_000, 0) == 5_000_000
    assert last(5_000_000, 5_000_000, 429_496_729_500) == 5_000_000


def test_one_wrong_frame_in_between_changes_nothing() -> None:
    assert last(5_000_000, 0, 5_000_000, 5_000_000) == 5_000_000


def test_a_changed_odometer_that_stays_is_taken_up() -> None:
    assert last(5_000_000, 5_000_000, 0, 0) == 0


def test_the_rate_is_bounded_not_the_value() -> None:
    assert last(100_000, 100_200, car=FINE) == 100_200  # one count and 120 m/s
    assert last(100_000, 100_300, car=FINE) is None
    assert last(100_000, 100_300, every_s=2.0, car=FINE) == 100_300  # a slow poll
    assert last(4_000_000_000, 4_000_000_100, car=FINE) == 4_000_000_100


def test_of_two_trips_it_is_the_laters() -> None:
    assert OdometerLastM.combine(1000, 5000) == 5000
