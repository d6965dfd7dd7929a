"""moving_s"""

from __future__ import annotations

import pytest

from agent.metrics.moving_s import MovingS
from tests.metrics.conftest import HOUR, drive, fold, step


def test_from_1_kmh_on_the_car_moves() -> None:
    kmh = [0, 0, 0.9, 0.9, 1.0, 1.0, 50, 50]
    assert fold(MovingS, drive([v / 3.6 for v in kmh])).result(HOUR) == 3  # 1–1, 1–50, 50–50; the mean of 0.9–1.0 is below


def test_part_of_a_second_counts_as_part() -> None:
    assert fold(MovingS, [step(20, dt_s=0.25)]).result(HOUR) == pytest.approx(0.25)


def test_reversing_is_moving() -> None:
    assert fold(MovingS, drive([-2, -2])).result(HOUR) == 1


def test_a_trip_that_only_stood_moved_for_0_s() -> None:
    assert fold(MovingS, drive([0, 0])).result(HOUR) == 0
