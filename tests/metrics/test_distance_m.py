"""distance_m"""

from __future__ import annotations

import pytest

from agent.metrics.distance_m import DistanceM
from tests.metrics.conftest import HOUR, drive, fold, step


def test_it_adds_up_what_the_grid_integrated() -> None:
    curved = step(10, 20)._replace(distance_m=17.5)  # the trapezoid over the samples, not over v0 and v1
    assert fold(DistanceM, [curved, *drive([0, 10, 10])]).result(HOUR) == pytest.approx(17.5 + 5 + 10)


def test_a_stand_is_zero_metres() -> None:
    assert fold(DistanceM, drive([0, 0])).result(HOUR) == 0
