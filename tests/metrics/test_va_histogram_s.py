"""va_histogram_s, and the v·a95 made from it (the RDE seconds that it shares with rpa_sum_m2_s2 are tested here)"""

from __future__ import annotations

import csv
import math
from itertools import pairwise
from pathlib import Path

import pytest

from agent.metrics.va_histogram_s import VaHistogramS, va95_limit_m2_s3, va95_m2_s3
from agent.model import Step
from tests.metrics.conftest import HOUR, drive, fold, step


def histogram(steps: list[Step]) -> object:
    return fold(VaHistogramS, steps).result(HOUR)


def test_acceleration_is_the_central_difference_at_the_second_between() -> None:
    assert histogram(drive([10, 11, 14])) == {"urban": {"44": 1}}  # 11 m/s × (14 − 10) / 2 = 22 m²/s³


def test_an_end_of_a_stretch_has_no_neighbour() -> None:
    assert histogram(drive([10, 11])) is None
    assert histogram([*drive([10, 11]), *drive([11, 12])]) is None


def test_part_of_a_second_is_no_neighbour() -> None:
    first, second, third = drive([10, 11, 12, 13])
    part = step(9.5, 10, dt_s=0.5, follows=False)
    assert histogram([part, first._replace(follows=True), second]) == {"urban": {"22": 1}}
    assert histogram([first, second, step(12, 13, dt_s=0.5)]) == {"urban": {"22": 1}}
    assert histogram([first, second._replace(dt_s=0.5), third]) is None


@pytest.mark.parametrize(("kmh", "name"), [(60, "urban"), (60.1, "rural"), (90, "rural"), (90.1, "motorway")])
def test_classes(kmh: float, name: str) -> None:
    v = kmh / 3.6
    result = histogram(drive([v - 1, v, v + 1]))
    assert isinstance(result, dict)
    assert list(result) == [name]


def test_braking_and_steady_seconds_are_known_but_not_counted() -> None:
    assert histogram(drive([10, 9, 8])) == {"urban": {}}
    assert histogram(drive([10, 10.1, 10.2])) == {"urban": {}}  # 0.1 m/s² is not above 0.1


def test_a_glitch_is_no_dynamics() -> None:
    assert histogram(drive([10, 10, 40])) is None
    assert histogram(drive([40, 10, 10])) is None


def test_reversing_is_no_dynamics() -> None:
    assert histogram(drive([-3, -2, -1])) is None


def test_two_trips_add_up_bin_by_bin() -> None:
    a, b = {"urban": {"3": 2, "4": 1}}, {"urban": {"4": 5}, "rural": {"0": 1}}
    assert VaHistogramS.combine(a, b) == {"urban": {"3": 2, "4": 6}, "rural": {"0": 1}}


def test_va95_is_interpolated_between_ranks() -> None:
    even = {"urban": {str(n): 1 for n in range(1000)}}  # 0.25, 0.75, … m²/s³
    assert va95_m2_s3(even)["urban"] == pytest.approx(0.95 * 1000 / 2 - 0.25)
    gap = {"urban": {"0": 100, "100": 10}}  # rank 104.5 of 110
    assert va95_m2_s3(gap)["urban"] == pytest.approx(50 + 0.5 * (4.5 - 0.5) / 10)


def test_va95_of_too_few_seconds_is_absent() -> None:
    assert va95_m2_s3({"urban": {"3": 99}, "rural": {"3": 100}, "motorway": {}}) == {
        "rural": pytest.approx(0.5 * (3 + 94.5 / 100))
    }


@pytest.mark.parametrize(("mean_kmh", "limit"), [(0, 14.44), (50, 21.24), (74.6, 24.5856), (100, 26.386)])
def test_the_published_upper_limit(mean_kmh: float, limit: float) -> None:
    assert va95_limit_m2_s3(mean_kmh) == pytest.approx(limit)


def test_the_limits_two_lines_meet() -> None:
    assert va95_limit_m2_s3(74.6) == pytest.approx(va95_limit_m2_s3(74.6001), abs=0.1)


@pytest.mark.parametrize("cycle", ["wltc_3b", "udds", "nedc"])
def test_the_histogram_keeps_the_percentile_to_2_percent(drives: Path, cycle: str) -> None:
    with (drives / "cycles" / f"{cycle}.csv").open() as f:
        v_ms = [float(row["speed_kmh"]) / 3.6 for row in csv.DictReader(f)]
    result = histogram(drive(v_ms))
    assert isinstance(result, dict)
    seconds = [(v, (after - before) / 2) for (before, v), after in zip(pairwise(v_ms), v_ms[2:], strict=False)]
    exact = sorted(v * a for v, a in seconds if v <= 60 / 3.6 and a > 0.1)
    rank = 0.95 * len(exact)
    low, high = exact[math.floor(rank) - 1], exact[math.ceil(rank) - 1]
    assert va95_m2_s3(result)["urban"] == pytest.approx(low + (high - low) * (rank % 1), rel=0.02)
    assert sum(result["urban"].values()) == len(exact)
