"""engine_s"""

from __future__ import annotations

from agent.metrics.engine_s import EngineS
from agent.signals import ENGINE_SPEED
from tests.metrics.conftest import HOUR, drive, fold

ON = {ENGINE_SPEED: 800.0}
OFF = {ENGINE_SPEED: 0}


def test_it_counts_while_the_engine_turns() -> None:
    metric = fold(EngineS, drive([0] * 6, known=ON) + drive([0] * 4, known=OFF))
    assert metric.result(HOUR) == 5
    assert not metric.is_estimated()


def test_an_engine_known_to_be_off_ran_for_0_s() -> None:
    assert fold(EngineS, drive([9] * 4, known=OFF)).result(HOUR) == 0


def test_never_known_is_absent() -> None:
    assert fold(EngineS, drive([9] * 4)).result(HOUR) is None


def test_known_for_less_than_nine_tenths_is_an_estimate() -> None:
    known = drive([9] * 90, known=ON)  # 89 s
    assert not fold(EngineS, known + drive([9] * 10)).is_estimated()
    assert fold(EngineS, known + drive([9] * 11)).is_estimated()
