"""speed_band_s"""

from __future__ import annotations

import pytest

from agent.metrics.speed_band_s import SpeedBandS
from tests.metrics.conftest import HOUR, drive, fold, step


def test_a_band_holds_its_lower_edge() -> None:
    for kmh, band in [
        (0, "0"),
        (0.9, "0"),
        (1, "0-30"),
        (29.9, "0-30"),
        (30, "30-50"),
        (50, "50-70"),
        (70, "70-90"),
        (90, "90-110"),
        (110, "110-130"),
        (130, "130-"),
        (250, "130-"),
    ]:
        assert fold(SpeedBandS, [step(kmh / 3.6)]).result(HOUR) == {band: 1.0}, kmh


def test_reversing_has_its_band_too() -> None:
    assert fold(SpeedBandS, [step(-9 / 3.6)]).result(HOUR) == {"0-30": 1.0}


def test_seconds_add_up_and_a_band_never_driven_is_absent() -> None:
    result = fold(SpeedBandS, [*drive([10] * 4), step(20, dt_s=0.5)]).result(HOUR)
    assert result == pytest.approx({"30-50": 3.0, "70-90": 0.5})


def test_two_trips_add_up_band_by_band() -> None:
    assert SpeedBandS.combine({"0": 1.0, "0-30": 2.0}, {"0-30": 3.0, "130-": 4.0}) == {"0": 1.0, "0-30": 5.0, "130-": 4.0}
