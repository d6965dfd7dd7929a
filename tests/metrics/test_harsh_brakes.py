"""harsh_brakes (what both kinds of episodes share is tested here)"""

from __future__ import annotations

import pytest

from agent.metrics.harsh_accels import HarshAccels
from agent.metrics.harsh_brakes import HarshBrakes
from agent.model import Step
from agent.vehicle import Harsh, Vehicle
from tests.metrics.conftest import CAR, HOUR, drive, drive_5hz, fold


def braked(*ms2: float, start_ms: float = 25.0) -> list[Step]:
    """Intervals of 0.2 s with these decelerations; steady to the end of the second."""
    v_ms = [start_ms]
    for a in ms2:
        v_ms.append(v_ms[-1] - a / 5)
    return drive_5hz(v_ms + v_ms[-1:] * (-len(ms2) % 5))


def brakes(steps: list[Step], car: Vehicle = CAR) -> object:
    return fold(HarshBrakes, steps, car=car).result(HOUR)


def test_held_for_half_a_second_counts() -> None:
    assert brakes(braked(3.2, 3.2, 3.2)) == 1  # 0.6 s: the first on the grid that is not shorter
    assert brakes(braked(3.2, 3.2)) == 0


def test_below_the_threshold_is_no_harsh_brake() -> None:
    assert brakes(braked(*[3.0] * 20)) == 0


def test_one_long_brake_counts_once() -> None:
    assert brakes(braked(*[4.0] * 25)) == 1


def test_within_the_hysteresis_it_is_still_the_same_one() -> None:
    assert brakes(braked(*[4.0] * 3, *[2.6] * 5, *[4.0] * 3)) == 1  # 83 % of 3.1 is 2.57
    assert brakes(braked(*[4.0] * 3, *[2.5] * 5, *[4.0] * 3)) == 2


def test_peaks_do_not_add_up_to_a_hold() -> None:
    assert brakes(braked(*[4.0, 4.0, 3.0] * 5)) == 0


def test_it_has_to_begin_above_10_kmh() -> None:
    assert brakes(braked(*[3.5] * 3, start_ms=9.9 / 3.6)) == 0
    assert brakes(braked(*[3.5] * 3, start_ms=10.1 / 3.6)) == 1


def test_a_stop_counts_down_to_its_end() -> None:
    assert brakes(braked(*[4.0] * 5, start_ms=4.0)) == 1


def test_no_road_car_brakes_at_13_ms2() -> None:
    assert brakes(braked(*[13.0] * 5)) == 0
    assert brakes(braked(4.0, 4.0, 13.0, 4.0, 4.0)) == 0


def test_a_glitch_within_a_brake_does_not_make_two_of_it() -> None:
    assert brakes(braked(*[4.0] * 3, 50.0, -46.0, *[4.0] * 5)) == 1


def test_speeding_up_is_no_brake() -> None:
    assert brakes(braked(*[-4.0] * 10, start_ms=10)) == 0
    assert fold(HarshAccels, braked(*[-4.0] * 10, start_ms=10)).result(HOUR) == 1


def test_never_across_a_gap() -> None:
    (one,) = braked(0, 0, 0, 4.0, 4.0)
    (two,) = braked(4.0, 4.0, 0, 0, 0, start_ms=one.v1_ms)
    assert brakes([one, two._replace(follows=True)]) == 1
    assert brakes([one, two._replace(follows=False)]) == 0


def test_a_lower_speed_after_a_gap_is_no_brake() -> None:
    assert brakes([*drive([30, 30]), *drive([5, 5])]) == 0


def test_after_a_gap_it_is_another_brake() -> None:
    (one,) = braked(*[4.0] * 5)
    assert brakes([one, one._replace(follows=False)]) == 2


def test_an_episode_goes_on_from_second_to_second() -> None:
    steps = braked(0, 0, 0, 0, 4.0, 4.0, 4.0, 0, 0, 0)
    assert len(steps) == 2
    assert brakes(steps) == 1


def test_the_profile_sets_the_numbers() -> None:
    calm = Vehicle(name="calm", harsh=Harsh(brake_ms2=2.0, hold_s=0.2, above_kmh=0.0, hysteresis=0.0))
    assert brakes(braked(2.1, 0.0, 2.1, start_ms=5), calm) == 2
    assert brakes(braked(2.1), CAR) == 0


@pytest.mark.parametrize(("samples", "is_estimated"), [(1, True), (2, False), (20, False)])
def test_slower_than_2_hz_makes_an_estimate(samples: int, is_estimated: bool) -> None:
    assert fold(HarshBrakes, drive([20] * 10, samples=samples)).is_estimated() is is_estimated


def test_a_steady_drive_has_none() -> None:
    assert brakes(drive([20] * 10)) == 0
