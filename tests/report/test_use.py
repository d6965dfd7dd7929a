"""How a car is used: lengths, roads by speed, and what a battery car would cover."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.report.use import LENGTH_EDGES_M, covered_share, spread, use
from tests.report.months import trip


def test_a_year_is_told_by_the_days_known() -> None:
    rows = [trip(f"2026-10-{day:02}") for day in range(1, 29)]
    found = use(rows, 56)
    assert (found.days_driven, found.trips, found.distance_m) == (28, 28, 560_000.0)
    assert found.year_m == pytest.approx(3_652_500.0)
    assert use(rows, 27).year_m is None


def test_a_day_is_the_sum_of_its_trips() -> None:
    moves = [trip(f"2026-10-0{day}", kind="short_move", distance_m=100.0) for day in (2, 3)]
    found = use([trip("2026-10-01"), trip("2026-10-01"), trip("2026-10-02"), *moves], 30)
    assert found.day_m == [20_100.0, 40_000.0], "moved in the yard is not driven"
    assert found.distance_m == 60_200.0
    assert found.day_lengths is not None and found.day_lengths.longest_m == 40_000.0
    assert found.trip_lengths is not None and sum(found.trip_lengths.counts) == 3


def test_the_band_across_the_line_is_halved_and_told() -> None:
    found = use([trip()], 30)
    assert found.urban_share == pytest.approx(0.5)
    assert found.rural_share == pytest.approx(0.1)
    assert found.motorway_share == pytest.approx(0.4)
    assert found.doubt_share == pytest.approx(0.1)


def test_what_is_not_known_is_absent() -> None:
    empty = use([], 100)
    assert (empty.trip_lengths, empty.day_lengths, empty.urban_share, empty.covered) == (None, None, None, [])
    assert use([trip(speed_band_m=None)], 100).motorway_share is None
    assert use([trip(distance_m=None)], 100).trips == 0


@given(st.lists(st.floats(1, 1_000_000), min_size=1), st.floats(0, 1_000_000), st.floats(0, 1_000_000))
def test_a_longer_range_never_covers_less(lengths: list[float], a: float, b: float) -> None:
    lengths.sort()
    low, high = (covered_share(lengths, each) for each in sorted((a, b)))
    assert low is not None and high is not None and 0 <= low <= high <= 1
    assert covered_share(lengths, lengths[-1]) == 1
    found = spread(lengths)
    assert found is not None
    assert sum(found.counts) == len(lengths) and len(found.counts) == len(LENGTH_EDGES_M) + 1
    assert lengths[0] <= found.median_m <= found.most_m <= found.longest_m
