"""over_speed_s"""

from __future__ import annotations

from agent.config import Owner
from agent.metrics.over_speed_s import OverSpeedS
from tests.metrics.conftest import HOUR, drive, fold


def test_only_above_the_households_limit() -> None:
    steps = drive([v / 3.6 for v in (119, 120, 120, 121, 121, 100)])
    assert fold(OverSpeedS, steps, owner=Owner(over_speed_kmh=120)).result(HOUR) == 2  # 120–121 and 121–121; 121–100 is below


def test_at_the_limit_is_not_above_it() -> None:
    assert fold(OverSpeedS, drive([130 / 3.6] * 3)).result(HOUR) == 0
