"""The grid: whole seconds, exact distance, gaps and jumps, whatever the sampling rate."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.grid import HOLD_NS, JUMPS_TO_BELIEVE, Grid, GridState
from agent.model import NS, Area, Step, Value
from agent.signals import BATTERY_POWER, ENGINE_SPEED, FUEL_RATE, SPEED

FUEL, POWER = FUEL_RATE, BATTERY_POWER


def grid() -> Grid:
    return Grid({FUEL, POWER}, {ENGINE_SPEED: 2 * NS})


def run(points: list[tuple[float, Value]], on: Grid | None = None) -> list[Step]:
    """The steps of (t_s, km/h), the last one closed."""
    g = on or grid()
    steps = [step for t_s, kmh in points for step in g.speed(round(t_s * NS), kmh) or []]
    return steps + g.close()


def line(v0_kmh: float, v1_kmh: float, length_s: int, hz: float) -> list[tuple[float, Value]]:
    """An even change of speed, sampled at `hz`."""
    n = round(length_s * hz)
    return [(i / hz, v0_kmh + (v1_kmh - v0_kmh) * i / n) for i in range(n + 1)]


def trapezoid_m(points: list[tuple[float, float]]) -> float:
    return sum((a + b) / 2 / 3.6 * (t1 - t0) for (t0, a), (t1, b) in pairwise(points))


def test_a_step_is_a_second_of_the_clock_with_five_speeds_in_it() -> None:
    first, second, rest = run([(0.5, 36.0), (1.5, 72.0), (2.2, 72.0)])
    assert (first.t_ns, first.dt_s, first.v0_ms) == (NS, 0.5, 10.0)
    assert first.v1_ms == pytest.approx(15.0)
    assert first.v5_ms == pytest.approx((11.0, 13.0, 15.0)), "0.6, 0.8 and 1.0 s: the grid's points, not the stretch's"
    assert first.distance_m == pytest.approx(6.25)
    assert (second.dt_s, second.v0_ms, second.v1_ms) == pytest.approx((1.0, 15.0, 20.0))
    assert second.v5_ms == pytest.approx((17.0, 19.0, 20.0, 20.0, 20.0))
    assert (rest.t_ns, rest.dt_s, rest.v5_ms) == (2_200_000_000, 0.2, (20.0,))
    assert [s.follows for s in (first, second, rest)] == [False, True, True]
    assert sum(s.speed_samples for s in (first, second, rest)) == 3


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.001, 4.9), st.floats(0, 250)), min_size=2, max_size=60).map(
        lambda deltas: [(sum(d for d, _ in deltas[: i + 1]), kmh) for i, (_, kmh) in enumerate(deltas)]
    )
)
def test_distance_is_the_trapezoid_over_the_samples(points: list[tuple[float, float]]) -> None:
    """Whatever is taken: a sample that no car could reach is left out of both."""
    g, taken, steps = grid(), list[tuple[float, float]](), list[Step]()
    expected = 0.0
    for t_s, kmh in points:
        t_ns = round(t_s * NS)
        steps += g.speed(t_ns, kmh) or []
        if g.state.t_ns == t_ns:
            if g.state.start_ns == t_ns and g.state.closed_ns != t_ns:
                expected, taken = expected + trapezoid_m(taken), []  # a new stretch
            taken.append((t_ns / NS, kmh))
    steps += g.close()
    expected += trapezoid_m(taken)
    assert sum(s.distance_m for s in steps) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert all(0 < s.dt_s <= 1.0 and len(s.v5_ms) <= 5 for s in steps)
    assert all(len(s.v5_ms) == 5 for s in steps if s.dt_s == 1.0)


@pytest.mark.parametrize("hz", [0.5, 1, 5, 10, 50, 100])
def test_a_linear_trace_gives_the_same_steps_at_every_rate(hz: float) -> None:
    expected = run(line(0.0, 100.0, 20, 1))
    found = run(line(0.0, 100.0, 20, hz))
    assert len(found) == len(expected) == 20
    for a, b in zip(expected, found, strict=True):
        assert (a.t_ns, a.dt_s, a.follows) == (b.t_ns, b.dt_s, b.follows)
        assert a.distance_m == pytest.approx(b.distance_m, abs=1e-9)
        assert a.v5_ms == pytest.approx(b.v5_ms, abs=1e-9)


def test_five_seconds_are_bridged_and_more_is_a_gap() -> None:
    bridged = run([(0.0, 36.0), (5.0, 36.0)])
    assert [s.follows for s in bridged] == [False, True, True, True, True]
    assert [s.distance_m for s in bridged] == pytest.approx([10.0] * 5)
    before, after = run([(0.0, 36.0), (1.0, 36.0), (6.001, 36.0), (7.0, 36.0)])
    assert before.t_ns == NS
    assert not after.follows
    assert after.distance_m == pytest.approx(9.99)


def test_a_gap_leaves_the_second_under_way_short_and_the_engine_is_told_when() -> None:
    g = grid()
    assert g.due_ns is None
    g.speed(0, 36.0)
    g.speed(NS // 2, 36.0)
    assert g.due_ns == NS // 2 + HOLD_NS + 1
    (step,) = g.close()
    assert (step.t_ns, step.dt_s, step.distance_m) == (NS // 2, 0.5, pytest.approx(5.0))
    assert g.due_ns is None
    assert g.close() == []


def test_an_unknown_speed_is_no_speed() -> None:
    steps = run([(0.0, 36.0), (1.0, None), (2.0, 36.0)])
    assert sum(s.distance_m for s in steps) == pytest.approx(20.0)


def test_a_glitch_is_left_out() -> None:
    g = grid()
    steps = run([(0, 50.0), (1, 50.0), (2, 680.0), (3, 50.0), (4, 50.0)], g)
    assert [s.distance_m for s in steps] == [pytest.approx(50 / 3.6)] * 4
    assert max(v for s in steps for v in s.v5_ms) == pytest.approx(50 / 3.6)
    assert g.implausible == 1


def test_a_change_that_stays_is_believed_and_nothing_is_measured_across_it() -> None:
    g = grid()
    points = [(t, 20.0) for t in range(4)] + [(t, 150.0) for t in range(4, 10)]
    steps = run([(float(t), kmh) for t, kmh in points], g)
    assert g.implausible == JUMPS_TO_BELIEVE
    assert [s.t_ns // NS for s in steps] == [1, 2, 3, 7, 8, 9]
    assert [s.follows for s in steps] == [False, True, True, False, True, True]
    assert [round(s.v0_ms * 3.6) for s in steps] == [20] * 3 + [150] * 3


def test_glitches_that_come_and_go_are_never_believed() -> None:
    points: list[tuple[float, Value]] = [(n / 100, 250.0 if n % 5 == 3 else 50.0) for n in range(201)]
    g = grid()
    steps = run(points, g)
    assert sum(s.distance_m for s in steps) == pytest.approx(2 * 50 / 3.6)
    assert g.implausible == 40


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_gets_nowhere(wrong: float) -> None:
    for at in range(4):
        points: list[tuple[float, Value]] = [(n, 36.0) for n in range(4)]
        points.insert(at, (at - 0.5, wrong))
        steps = run(points)
        assert sum(s.distance_m for s in steps) == pytest.approx(30.0)
    flow: list[tuple[float, Value]] = [(0.0, 2.0), (0.2, 2.0), (0.4, wrong), (0.6, 2.0), (1.0, 2.0)]
    assert integrate(flow) == pytest.approx(Area(1.2, 0.0, 0.6))
    g = grid()
    g.area(0, FUEL, wrong)
    g.speed(0, wrong)
    assert msgspec.json.decode(msgspec.json.encode(g.state), type=GridState) == g.state


def test_a_closed_second_is_not_gone_on_with() -> None:
    g = grid()
    for t_ns in (0, NS // 20, NS // 10):
        g.speed(t_ns, 36.0)
    g.close()
    g.speed(NS // 8, 36.0)
    assert [(s.dt_s, s.follows) for s in g.speed(NS, 36.0) or []] == [(0.875, False)]


def test_two_counts_of_a_coarse_source_close_together_are_no_jump() -> None:
    g = grid()
    run([(0.0, 10.0), (1.0, 10.0), (1.05, 17.0), (2.0, 17.0)], g)
    assert g.implausible == 0


def test_reversing_is_driving() -> None:
    for hz in (1, 50):
        points: list[tuple[float, Value]] = [(n / hz, -7.2) for n in range(2 * hz + 1)]
        assert sum(s.distance_m for s in run(points)) == pytest.approx(4.0)


def test_time_going_back_adds_nothing() -> None:
    steps = run([(0.0, 36.0), (1.0, 36.0), (0.2, 90.0), (1.0, 90.0), (2.0, 36.0)])
    assert [s.distance_m for s in steps] == [pytest.approx(10.0)] * 2


def test_late_is_what_is_older_than_the_last_of_its_signal() -> None:
    g = grid()
    assert not g.is_late(0, SPEED)
    g.speed(3 * NS, 36.0)
    g.latest[ENGINE_SPEED] = (2 * NS, 900.0)
    assert g.is_late(3 * NS - 1, SPEED)
    assert not g.is_late(3 * NS, SPEED)
    assert g.is_late(2 * NS - 1, ENGINE_SPEED)
    assert not g.is_late(2 * NS, ENGINE_SPEED)
    g.speed(4 * NS, 36.0)
    g.close()
    assert g.is_late(4 * NS - 1, SPEED), "what is closed is not opened again"
    assert not g.is_late(4 * NS, SPEED)


def test_a_value_is_known_until_it_is_stale_at_the_steps_own_end() -> None:
    g = grid()
    g.latest[ENGINE_SPEED] = (0, 900.0)
    g.speed(0, 36.0)
    steps = g.speed(4 * NS, 36.0) or []
    assert [s.get(ENGINE_SPEED) for s in steps] == [900.0, 900.0, None, None]
    assert steps[0].get(FUEL) is None


def integrate(points: list[tuple[float, Value]], signal: str = FUEL) -> Area:
    """The area over one second in which the speed is known throughout."""
    g = grid()
    g.speed(0, 36.0)
    for t_s, value in points:
        g.area(round(t_s * NS), signal, value)
    (step,) = g.speed(NS, 36.0) or []
    return step.area(signal)


def test_an_area_is_the_trapezoid_with_its_signs_apart() -> None:
    assert integrate([(0.0, 2.0), (0.5, 4.0), (1.0, 4.0)]) == pytest.approx(Area(3.5, 0.0, 1.0))
    power_w: list[tuple[float, Value]] = [(0.0, -1000.0), (0.5, -1000.0), (0.6, 500.0), (1.0, 500.0)]
    assert integrate(power_w, POWER) == pytest.approx(Area(200.0, -525.0, 1.0))


def test_a_stale_or_unknown_value_has_no_area() -> None:
    assert integrate([(-3.5, 2.0), (0.5, 2.0)]) == Area(0.0, 0.0, 0.0)
    assert integrate([(0.0, 2.0), (0.2, 2.0), (0.4, None), (0.6, 2.0), (1.0, 2.0)]) == pytest.approx(Area(1.2, 0.0, 0.6))
    assert integrate([]) == Area(0.0, 0.0, 0.0)


def test_an_area_belongs_to_one_step_and_what_flows_while_nobody_sees_the_speed_to_none() -> None:
    g = grid()
    g.speed(0, 36.0)
    for second in range(1, 4):
        g.area(second * NS, FUEL, 3600.0)
    steps = [*(g.speed(NS, 36.0) or []), *(g.speed(2 * NS, 36.0) or [])]
    assert [step.area(FUEL).positive for step in steps] == pytest.approx([7200.0, 0.0])
    g.close()
    for later in range(4, 4000):
        g.area(later * NS, FUEL, 3600.0)
    g.speed(4000 * NS, 0.0)
    g.area(4001 * NS, FUEL, 3600.0)
    (step,) = g.speed(4001 * NS, 0.0) or []
    assert step.area(FUEL) == pytest.approx(Area(2 * 3600.0, 0.0, 2.0))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-(10**10), 10**11), st.one_of(st.none(), st.floats(), st.booleans(), st.text(max_size=3)))))
def test_nothing_that_comes_raises(samples: list[tuple[int, Value]]) -> None:
    g = grid()
    for t_ns, value in samples:
        for step in g.speed(t_ns, value) or []:
            assert step.get(SPEED) is None
        g.area(t_ns, FUEL, value)
    g.close()


def test_the_state_is_all_it_remembers() -> None:
    points: list[tuple[float, Value]] = [(n * 0.3, 30.0 + n) for n in range(60)]
    g, again = grid(), grid()
    expected = run(points)
    found = [step for t_s, kmh in points[:25] for step in g.speed(round(t_s * NS), kmh) or []]
    again.state = msgspec.json.decode(msgspec.json.encode(g.state), type=GridState)
    found += run(points[25:], again)
    assert [s[:8] for s in found] == [s[:8] for s in expected]
