"""Engine.frames is the short way of feed(decoder.feed(frames)): the same events, states, trace and counts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.decode import Decoder
from agent.engine import Engine
from agent.events.trip import TripEnded
from agent.model import NS, Event, Frame, Setup, Wall
from agent.plan import ChecksumByte, Field, MessagePlan, Multiplexer, Part, Plan, Reading
from agent.signals import ENGINE_SPEED, IGNITION, MAF, ODOMETER, SPEED
from agent.vehicle import Fuel, Ignition, Vehicle
from hil.vehicle import Drive, car, frames, trace_of
from tests.sim.car import OWNER

DOOR = "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen"  # nobody reads it


def byte(at: int) -> Field:
    return Field(8 * at, 8, is_little_endian=True)


def reading(path: str, at: int, **part: object) -> Reading:
    return Reading(path, (Part(byte(at), **part),))  # type: ignore[arg-type]


def on_page(path: str, at: int, page: int) -> Reading:
    return Reading(path, (Part(byte(at), multiplexer="PAGE", pages=(page,)),))


PLAN = Plan(
    "test car",
    (
        MessagePlan(0x100, False, "MOTION", 8, (reading(SPEED, 0), reading(DOOR, 1), reading(ENGINE_SPEED, 2, scale=40.0))),
        MessagePlan(0x101, False, "KEY", 2, (reading(IGNITION, 0, values={0: "OFF", 1: "ON"}, is_closed=True),), counter=byte(1)),
        MessagePlan(0x102, False, "CLUSTER", 3, (reading(ODOMETER, 0, scale=100.0),), checksum=ChecksumByte("sum8", 2)),
        MessagePlan(
            0x103,
            False,
            "PAGED",
            2,
            (on_page(SPEED, 1, 0), on_page(MAF, 1, 1)),
            multiplexers=(Multiplexer("PAGE", byte(0), (0, 1)),),
        ),
        MessagePlan(0x104, False, "LEFT", 1, (reading(SPEED, 0),), bus="a"),
        MessagePlan(0x104, False, "RIGHT", 1, (reading(DOOR, 0), reading(MAF, 0)), bus="b"),
        MessagePlan(0x105, True, "DOOR", 1, (reading(DOOR, 0),)),
    ),
    wanted=(SPEED, DOOR, ENGINE_SPEED, IGNITION, ODOMETER, MAF),
    obd=True,
)
WALL = Wall(1_793_000_000 * NS, "synchronised")


def an_engine(source: str) -> Engine:
    vehicle = Vehicle("test car", ignition=Ignition("signal" if source == "signal" else "activity"), fuel=Fuel("petrol"))
    engine = Engine(Setup("unit-1", vehicle, OWNER), "boot-1", PLAN.max_age_ns)
    engine.wake(0, WALL)
    return engine


@st.composite
def lives(draw: st.DrawFn) -> list[Frame]:
    """Frames of all these messages, some damaged, some late, in bursts and pauses."""
    t_ns, life = 0, []
    for _ in range(draw(st.integers(0, 60))):
        t_ns += draw(st.sampled_from([0, NS // 10, NS // 2, NS, 3 * NS, 40 * NS, 130 * NS]))
        number = draw(st.sampled_from([0x100, 0x100, 0x101, 0x102, 0x103, 0x104, 0x105, 0x7E8, 0x555]))
        data = draw(
            st.sampled_from([bytes([n, n % 2, n, 0, 0, 0, 0, 0]) for n in (0, 1, 2, 40)] + [b"\x01", b"\x03\x41\x0d\x30"])
        )
        late_ns = draw(st.sampled_from([0, 0, 0, 0, 2 * NS]))
        life.append(Frame(number, number == 0x105, data, draw(st.sampled_from("ab")), max(0, t_ns - late_ns)))
    return life


@settings(max_examples=250, deadline=None)
@given(lives(), st.sampled_from(["signal", "activity"]), st.sets(st.integers(0, 60), max_size=4))
def test_the_short_way_is_the_long_way(life: list[Frame], source: str, cuts: set[int]) -> None:
    long, short = an_engine(source), an_engine(source)
    of_long, of_short = Decoder(PLAN), Decoder(PLAN)
    told_long: list[Event] = []
    told_short: list[Event] = []
    edges = sorted({0, len(life), *(c for c in cuts if c < len(life))})
    for start, end in pairwise(edges):
        told_long += long.feed(of_long.feed(life[start:end]))
        told_short += short.frames(life[start:end], of_short)
    assert told_short + short.finish() == told_long + long.finish()
    assert short.trace == long.trace
    assert short.states() == long.states()
    assert (short.late, short.failures) == (long.late, long.failures)
    assert (of_short.counts, of_short.dropped()) == (of_long.counts, of_long.dropped())


@pytest.mark.parametrize("vehicle", ["sim_petrol", "sim_ev"])
def test_a_simulated_drive_either_way(vehicle: str) -> None:
    from hil.bench.drives import plan_of

    setup, plan = plan_of(vehicle)
    life = list(frames(Drive(car(vehicle), trace_of(["hwfet"], "brisk", 3)), max_frames_per_s=60))
    results = []
    for short in (True, False):
        engine, decoder = Engine(setup, "boot-1", plan.max_age_ns), Decoder(plan)
        engine.wake(0, WALL)
        events = engine.frames(life, decoder) if short else engine.feed(decoder.feed(life))
        results.append((events + engine.finish(), engine.states(), decoder.counts))
    assert results[0] == results[1]
    assert any(isinstance(e, TripEnded) and e.metrics["distance_m"] > 16_000 for e in results[0][0])
