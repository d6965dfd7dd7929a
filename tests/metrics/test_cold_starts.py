"""cold_starts"""

from __future__ import annotations

import pytest

from agent.metrics.cold_starts import ColdStarts
from agent.model import Step, Value
from agent.signals import COOLANT, ENGINE_SPEED
from tests.metrics.conftest import HOUR, drive, fold


def seconds(n: int, rpm: Value, coolant_c: Value = None) -> list[Step]:
    return drive([0.0] * (n + 1), known={ENGINE_SPEED: rpm, COOLANT: coolant_c})


def starts(*pieces: list[Step]) -> object:
    return fold(ColdStarts, [one for piece in pieces for one in piece]).result(HOUR)


@pytest.mark.parametrize(("coolant_c", "expected"), [(-20, 1), (35, 1), (35.5, 0), (88, 0)])
def test_by_the_coolant_when_the_engine_starts(coolant_c: float, expected: int) -> None:
    assert starts(seconds(5, 0, coolant_c), seconds(5, 900, coolant_c)) == expected


def test_a_unit_that_wakes_late_takes_the_running_engine_for_its_start() -> None:
    assert starts(seconds(5, 900, 12)) == 1


def test_warming_up_later_does_not_undo_it() -> None:
    assert starts(seconds(5, 900, 12), seconds(600, 2000, 90)) == 1


def test_stop_start_during_the_warm_up_is_the_same_start() -> None:
    assert starts(seconds(30, 900, 12), seconds(30, 0, 15), seconds(30, 900, 15)) == 1


def test_a_coolant_known_within_half_a_minute_is_near_the_start() -> None:
    assert starts(seconds(25, 900), seconds(5, 900, 20)) == 1


def test_a_coolant_first_known_later_says_nothing_of_the_start() -> None:
    assert starts(seconds(40, 900), seconds(5, 900, 20)) is None


def test_without_coolant_it_is_absent_even_after_a_stand_with_the_engine_off() -> None:
    assert starts(seconds(5, 0), seconds(90, 900)) is None


def test_an_engine_that_never_ran_was_not_started() -> None:
    assert starts(seconds(60, 0, 20)) == 0


def test_engine_speed_never_known_is_absent() -> None:
    assert starts(seconds(60, None, 20)) is None


def test_months_count_them() -> None:
    assert ColdStarts.combine(1, 1) == 2
