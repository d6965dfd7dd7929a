"""The engine as a whole: pieces, restarts, rules that throw, times that go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import Owner, Service
from agent.engine import WAKES_PER_CALL, Engine, TracePoint, check_acyclic, wanted
from agent.events.trip import Trip, TripEnded, TripStarted
from agent.model import NS, Context, Event, Rule, Sample, Setup, Step, Value, Wall
from agent.signals import BATTERY_POWER, COOLANT, ENGINE_SPEED, IGNITION, MAF, ODOMETER, SPEED
from agent.vehicle import Ignition, OdometerProfile, Vehicle
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
    events += engine.wake(at(200_000), wall) + engine.finish()
    assert Told(events, trace + engine.trace) == whole(setup, samples, wall)
