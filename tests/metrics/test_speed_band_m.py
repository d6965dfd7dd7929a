"""speed_band_m"""

from __future__ import annotations

import pytest

from agent.metrics.distance_m import DistanceM
from agent.metrics.speed_band_m import SpeedBandM
from tests.metrics.conftest import HOUR, drive, fold


def test_metres_go_into_the_band_of_the_seconds_mean_speed() -> None:
    assert fold(SpeedBandM, drive([0, 0, 8, 9, 10])).result(HOUR) == pytest.approx({"0": 0.0, "0-30": 4.0, "30-50": 18.0})


def test_the_bands_add_up_to_the_distance() -> None:
    steps = drive([0.5 * n for n in range(90)])
    bands = fold(SpeedBandM, steps).result(HOUR)
    assert isinstance(bands, dict)
    assert len(bands) == 8
    assert sum(bands.values()) == pytest.approx(fold(DistanceM, steps).result(HOUR))
