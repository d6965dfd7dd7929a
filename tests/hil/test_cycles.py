"""The speed traces: published cycles against their published figures, the commute, and styles of driving."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.vehicle import style, trace
from hil.vehicle.commute import commute
from hil.vehicle.trace import CYCLES, Piece, Trace

PUBLISHED = {  # seconds, km, and the last digit that is published; HWFET is given as 16.45 to 16.51
    "wltc_3b": (1800, 23.27, 0.005),
    "nedc": (1179, 11.01, 0.005),
    "us06": (600, 12.89, 0.005),
    "udds": (1369, 11.99, 0.005),
    "hwfet": (765, 16.48, 0.03),
}


def accelerations(driven: Trace) -> list[float]:
    return [(b - a) / 3.6 for a, b in pairwise(driven.speeds_kmh)]


def stands(driven: Trace) -> int:
    """How often it comes to a stand."""
    return sum(a > 0 and b == 0 for a, b in pairwise(driven.speeds_kmh))


def test_the_published_cycles_are_at_hand() -> None:
    assert trace.published() == sorted(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_length_and_distance_are_the_published_ones(name: str) -> None:
    seconds, km, digit = PUBLISHED[name]
    read = trace.read(name)
    assert read.duration_s == seconds
    assert read.distance_m / 1000 == pytest.approx(km, abs=digit)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_copy_is_the_original(name: str, drives: Path) -> None:
    assert (CYCLES / f"{name}.csv").read_text() == (drives / "cycles" / f"{name}.csv").read_text()


def test_every_cycle_names_its_source() -> None:
    sources = (CYCLES / "SOURCES.md").read_text(encoding="utf-8")
    assert [path.name for path in CYCLES.glob("*.csv") if f"| {path.name} |" not in sources] == []


def test_an_unknown_cycle_is_told_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"wltc.*wltc_3b"):
        trace.read("wltc")


@pytest.mark.parametrize("speeds", [(), (0.0,), (0.0, 5.0), (3.0, 0.0), (0.0, -1.0, 0.0)])
def test_what_no_car_can_drive_is_refused(speeds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="odd"):
        trace.checked(Trace("odd", speeds))


def test_joined_traces_share_the_standing_second() -> None:
    both = trace.join([Trace("a", (0.0, 9.0, 0.0)), Trace("b", (0.0, 18.0, 0.0))])
    assert both == Trace("a+b", (0.0, 9.0, 0.0, 18.0, 0.0))


def test_pieces_are_sampled_at_whole_seconds() -> None:
    pieces = [Piece(1.5, 0.0, 3.0), Piece(1.5, 3.0, 0.0)]
    assert trace.sampled("p", pieces).speeds_kmh == (0.0, 7.2, 7.2, 0.0)


@given(st.integers())
@settings(max_examples=25, deadline=None)
def test_the_commute_is_one_way_with_other_traffic_each_day(seed: int) -> None:
    day = commute(seed)
    assert day == commute(seed)
    assert day.speeds_kmh != commute(seed + 1).speeds_kmh
    assert day.distance_m == pytest.approx(13_080, rel=0.001)
    assert 900 < day.duration_s < 3000
    assert stands(day) >= 5  # stop and go
    assert max(map(abs, accelerations(day))) < 1.31
    assert max(day.speeds_kmh) < 82


def test_the_style_trace_is_the_trace_itself() -> None:
    wltc = trace.read("wltc_3b")
    assert style.drive(wltc, "trace", random.Random(0)) is wltc


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("driven", ["calm", "average", "brisk"])
def test_a_style_keeps_the_way_and_its_stops(name: str, driven: str) -> None:
    cycle = trace.read(name)
    for seed in range(3):
        styled = style.drive(cycle, driven, random.Random(seed))
        assert styled == style.drive(cycle, driven, random.Random(seed))
        assert styled != style.drive(cycle, driven, random.Random(seed + 1))
        assert styled.distance_m == pytest.approx(cycle.distance_m, rel=0.012)
        assert stands(styled) == stands(cycle)
        speeds = styled.speeds_kmh
        assert max((b - a) * b for a, b in pairwise(speeds)) / 3.6**2 < 51  # W/kg: what both cars have
        assert min(accelerations(styled)) >= -5.91 and max(accelerations(styled)) <= 3.81


def test_brisk_is_quicker_than_average_than_calm() -> None:
    cycle = trace.read("wltc_3b")
    calm, average, brisk = (style.drive(cycle, name, random.Random(1)) for name in ("calm", "average", "brisk"))
    assert calm.duration_s > average.duration_s > brisk.duration_s
    assert max(calm.speeds_kmh) < max(average.speeds_kmh) < max(brisk.speeds_kmh)
    assert max(accelerations(calm)) < max(accelerations(average)) < max(accelerations(brisk))


def test_brisk_brakes_late_more_often() -> None:
    def hardest(driven: str) -> int:
        days = (style.drive(commute(seed), driven, random.Random(seed)) for seed in range(12))
        return sum(min(accelerations(day)) < -3.1 for day in days)

    assert hardest("brisk") > hardest("calm")


def test_an_unknown_style_is_told_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"sporty.*brisk"):
        style.drive(trace.read("nedc"), "sporty", random.Random(0))
