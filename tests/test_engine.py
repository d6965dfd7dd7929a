"""The engine as a whole: pieces, restarts, rules that throw, times that go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import Owner, Service
from agent.engine import Engine, TracePoint, wanted
from agent.events.trip import TripEnded, TripStarted
from agent.model import NS, Event, Sample, Setup, Value, Wall
from agent.signals import BATTERY_POWER, COOLANT, ENGINE_SPEED, IGNITION, MAF, ODOMETER, SPEED
from tests.sim.car import BY_ACTIVITY, BY_SIGNAL, OWNER, WALL, Bench, at, drive, every_second

SERVICES = (Service("oil change", 15_000, 84_995),)
OWNERS = (OWNER, Owner(timezone="Europe/Berlin", tell_at="18:30"))
PAUSES_S = (0.0, 0.01, 0.2, 0.9, 1.0, 3.0, 8.0, 29.0, 40.0, 130.0, 1300.0, 40_000.0)
VALUES: dict[str, st.SearchStrategy[Value]] = {
    SPEED: st.one_of(st.sampled_from([0.0, 0.0, 30.0, 50.0, 50.5, 399.0]), st.floats(-60, 400), st.none()),
    IGNITION: st.sampled_from(["ON", "ON", "OFF", "OFF", "START", None]),
    ODOMETER: st.one_of(st.floats(99_990_000, 100_020_000), st.sampled_from([0, 0.0, 99_999_900.0, 100_000_000, None])),
    ENGINE_SPEED: st.sampled_from([0.0, 0.0, 900.0, 2000, None]),
    MAF: st.one_of(st.floats(0, 100), st.none()),
    BATTERY_POWER: st.floats(-1e5, 1e5),
    COOLANT: st.just(80.0),
    "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen": st.just(True),
}


@st.composite
def steady(draw: st.DrawFn) -> list[tuple[float, str, Value]]:
    """Some seconds of a drive, so that random samples lie within something like a trip."""
    kmh = draw(st.sampled_from([0.0, 20.0, 50.0]))
    rpm = draw(st.sampled_from([None, 0.0, 900.0]))
    reading = draw(st.sampled_from([None, 99_998_000.0, 100_000_500.0]))
    piece: list[tuple[float, str, Value]] = [(1.0, IGNITION, "ON")] if draw(st.booleans()) else []
    for n in range(draw(st.integers(10, 40))):
        piece.append((1.0, SPEED, kmh))
        if rpm is not None:
            piece.append((0.1, ENGINE_SPEED, rpm))
        if reading is not None:
            piece.append((0.0, ODOMETER, (reading + n * kmh / 3.6) // 100 * 100))
    return piece + ([(0.5, IGNITION, "OFF")] if draw(st.booleans()) else [])


@st.composite
def lives(draw: st.DrawFn) -> list[Sample]:
    """A car's life, in order of time."""
    one = st.sampled_from(sorted(VALUES)).flatmap(lambda s: st.tuples(st.sampled_from(PAUSES_S), st.just(s), VALUES[s]))
    pieces = draw(st.lists(st.one_of(st.lists(one, max_size=8), steady()), max_size=12))
    t_s, samples = 5.0, []
    for pause_s, signal, value in (sample for piece in pieces for sample in piece):
        t_s += pause_s
        samples.append((at(t_s), signal, value))
    return samples


setups = st.builds(
    lambda v, o: Setup("unit-1", v, o, SERVICES), st.sampled_from([BY_SIGNAL, BY_ACTIVITY]), st.sampled_from(OWNERS)
)
walls = st.sampled_from([WALL, None, Wall(WALL.offset_ns, "unsure")])


class Told(NamedTuple):
    """What an engine said of a life."""

    events: list[Event]
    trace: list[TracePoint]


def whole(setup: Setup, samples: list[Sample], wall: Wall | None) -> Told:
    engine = Engine(setup, "boot-1", {})
    events = engine.wake(0, wall) + engine.feed(samples) + engine.wake(at(200_000), wall) + engine.finish()
    return Told(events, engine.trace)


def cut(samples: list[Sample], data: st.DataObject, times: int) -> Iterator[list[Sample]]:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(samples)), max_size=times)))
    for start, end in zip([0, *cuts], [*cuts, len(samples)], strict=True):
        yield samples[start:end]


@settings(max_examples=120, deadline=None)
@given(setups, lives(), walls, st.data())
def test_feeding_in_pieces_equals_feeding_whole(
    setup: Setup, samples: list[Sample], wall: Wall | None, data: st.DataObject
) -> None:
    engine = Engine(setup, "boot-1", {})
    events = engine.wake(0, wall)
    for piece in cut(samples, data, 20):
        events += engine.wake(piece[0][0] - data.draw(st.sampled_from([1, NS // 2])), wall) if piece else []
        events += engine.feed(piece)
    events += engine.wake(at(200_000), wall) + engine.finish()
    assert Told(events, engine.trace) == whole(setup, samples, wall)


@settings(max_examples=120, deadline=None)
@given(setups, lives(), walls, st.data())
def test_a_restart_in_the_same_boot_goes_on_in_place(
    setup: Setup, samples: list[Sample], wall: Wall | None, data: st.DataObject
) -> None:
    engine = Engine(setup, "boot-1", {})
    events, trace = engine.wake(0, wall), []
    for piece in cut(samples, data, 6):
        events += engine.feed(piece)
        trace += engine.trace
        states = engine.states()
        engine = Engine(setup, "boot-1", {})
        engine.restore(states)
        events += engine.wake(piece[-1][0] if piece else 0, wall)  # at once: there is nothing that it did not hear
    events += engine.wake(at(200_000), wall) + engine.finish()
    expected = whole(setup, samples, wall)
    assert (unheld(events), trace + engine.trace) == (unheld(expected.events), expected.trace)


def unheld(events: list[Event]) -> list[Event]:
    """All but what hangs on the ignition, which a process that starts does not know: that holds prompts for a while."""
    return [e for e in events if not type(e).__name__.startswith(("Ignition", "Prompt"))]


@settings(max_examples=120, deadline=None)
@given(setups, lives(), st.data())
def test_power_cuts_lose_no_trip_and_tell_none_twice(setup: Setup, samples: list[Sample], data: st.DataObject) -> None:
    """Any number of boots, each with its own clock: trips start and end in pairs, and nothing is driven twice."""
    events: list[Event] = []
    states: dict[str, tuple[int, bytes]] = {}
    for n, piece in enumerate(cut(samples, data, 6)):
        engine = Engine(setup, f"boot-{n}", {})
        engine.restore(states)
        start_ns = piece[0][0] - at(data.draw(st.sampled_from([1, 30, 3]))) if piece else 0
        clock = data.draw(
            st.sampled_from([None, Wall(WALL.offset_ns + start_ns, "synchronised"), Wall(WALL.offset_ns, "unsure")])
        )
        events += engine.wake(0, clock) + engine.feed((t - start_ns, s, v) for t, s, v in piece)
        assert not engine.failures
        states = engine.states()
    last = Engine(setup, "boot-last", {})
    last.restore(states)
    events += last.wake(0, None) + last.wake(at(1000), None) + last.finish()
    assert not last.failures
    started = [e.trip_id for e in events if isinstance(e, TripStarted)]
    ended = [e for e in events if isinstance(e, TripEnded)]
    assert len(set(started)) == len(started)
    assert sorted(e.trip_id for e in ended) == sorted(started)
    for e in ended:
        assert started.index(e.trip_id) <= ended.index(e) + 1
        assert e.metrics["duration_s"] >= 0
    driven_m = sum(e.metrics.get("distance_m", 0.0) for e in ended)
    speeds = [(t, abs(v)) for t, s, v in samples if s == SPEED and isinstance(v, (int, float))]
    assert driven_m <= sum(max(a, b) / 3.6 * min(5.0, (t1 - t0) / NS) for (t0, a), (t1, b) in pairwise(speeds)) + 1e-6


# -- bad input ---------------------------------------------------------------------------------------

anything: st.SearchStrategy[Value] = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(), st.text(max_size=5)
)
disorder = st.lists(
    st.tuples(st.integers(-NS, at(5000)), st.sampled_from([*VALUES, "Vehicle.Unheard.Of"]), anything), max_size=60
)


@settings(max_examples=150, deadline=None)
@given(setups, st.lists(st.tuples(disorder, st.integers(-NS, at(9000)), walls), max_size=4))
def test_nothing_that_comes_raises_and_time_may_go_back(
    setup: Setup, pieces: list[tuple[list[Sample], int, Wall | None]]
) -> None:
    engine = Engine(setup, "boot-1", {})
    for samples, t_ns, wall in pieces:
        engine.feed(samples)
        engine.wake(t_ns, wall)
        states = engine.states()
        engine = Engine(setup, "boot-1", {})
        engine.restore(states)
        assert "engine state unreadable" not in engine.failures
    engine.finish()


def test_late_samples_are_dropped_and_counted() -> None:
    late: list[Sample] = [
        (at(100), SPEED, 300.0),
        (at(100), ODOMETER, 0.0),
        (at(100), MAF, 900.0),
        (at(100), COOLANT, -40.0),
        (at(100), "Vehicle.Unheard.Of", 1.0),
    ]
    more = sorted([*every_second(10, [9.0] * 301, MAF), *every_second(10, [80.0] * 301, COOLANT)])
    samples = sorted([*drive(odometer_m=99_998_500.0), *more], key=lambda s: s[0])
    tidy = Bench().live(samples).until(999)
    half = [s for s in samples if s[0] < at(150)]
    bench = Bench().live(half)
    bench.events += bench.engine.feed(late)
    bench.live(s for s in samples if s[0] >= at(150)).until(999)
    assert bench.engine.late == 4, "the last is nobody's"
    assert [e for e in bench.events if e.leaves] == [e for e in tidy.events if e.leaves]


def test_a_batch_of_two_buses_may_come_interleaved() -> None:
    samples = sorted([*drive(), *every_second(10.4, [80.0] * 300, COOLANT)])
    turned = [s for pair in zip(samples[1::2], samples[::2], strict=False) for s in pair]
    engine = Bench().engine
    engine.feed(s for s in turned if s[1] != IGNITION)
    assert engine.late == 0


@pytest.mark.parametrize("days", [200, 5_000])
def test_a_wake_far_in_the_future_ends_and_counts_no_rule_as_failed(days: int) -> None:
    """What looks again each day has many due times in it."""
    bench = Bench(services=SERVICES, owner=OWNERS[1]).live(drive(odometer_m=99_998_500.0)[:-1])
    kinds = bench.until(days * 86_400).kinds()
    assert {"PromptReleased", "DriverSummary"} <= set(kinds)
    assert (bench.engine.next_wake() or 0) > at(days * 86_400)


def test_time_that_goes_back_changes_nothing() -> None:
    bench = Bench().live(drive()).until(999)
    events = list(bench.events)
    assert bench.until(5).until(0).live(drive(length_s=100)).events == events


# -- states ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["engine", "trip", "odometer", "prompt", "milestone"])
@pytest.mark.parametrize("body", [(1, b"{"), (1, b'"no"'), (99, b"{}")])
def test_a_state_that_cannot_be_read_starts_afresh_and_is_counted(name: str, body: tuple[int, bytes]) -> None:
    states = Bench().live(drive()[:150]).engine.states()
    engine = Engine(Bench().setup, "boot-1", {})
    engine.restore(states | {name: body})
    assert engine.failures == {f"{name} state unreadable": 1}
    engine.feed(drive()[150:])
    engine.wake(at(999), WALL)
    assert engine.failures == {f"{name} state unreadable": 1}


def test_a_state_of_a_rule_that_is_no_more_is_left_alone() -> None:
    engine = Engine(Bench().setup, "boot-1", {})
    engine.restore({"gone": (1, b"{}")})
    assert not engine.failures


def test_the_wall_clock_outlives_the_process_but_not_the_boot() -> None:
    states = Bench().live(drive()[:5]).engine.states()
    same, other = Engine(Bench().setup, "boot-1", {}), Engine(Bench().setup, "boot-2", {})
    same.restore(states)
    other.restore(states)
    assert (same.wall, other.wall) == (WALL, None)


# -- the rest ----------------------------------------------------------------------------------------


def test_the_trace_has_each_second_of_a_trip() -> None:
    bench = Bench().live(drive(rpm=900.0)).until(999)
    trace = bench.engine.trace
    assert [p.t_ns // NS for p in trace] == list(range(11, 311))
    assert {p.trip_id for p in trace} == {bench.trip.trip_id}
    assert trace[99].speed_kmh == pytest.approx(54.0)
    assert trace[99].engine_rpm == 900.0
    assert Bench().live(drive()).engine.trace[5].engine_rpm is None


def test_a_stale_signal_is_unknown() -> None:
    engine = Engine(Bench().setup, "boot-1", {ENGINE_SPEED: NS})
    engine.feed([(at(9), ENGINE_SPEED, 900.0), *drive()])
    assert [p.engine_rpm for p in engine.trace][:2] == [None, None]


def test_what_is_wanted_is_what_is_read() -> None:
    assert {SPEED, IGNITION, ODOMETER, ENGINE_SPEED, MAF} <= wanted()
    assert "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen" not in wanted()
