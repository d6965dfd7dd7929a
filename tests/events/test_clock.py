"""clock: what was told without the right time is dated afterwards, once, and only when there is something to date."""

from __future__ import annotations

import pytest

from agent.config import Owner
from agent.engine import Engine
from agent.events.clock import ClockCorrected
from agent.events.trip import TripEnded, TripStarted
from agent.model import NS, Event, Sample, Setup, Wall
from agent.signals import IGNITION, SPEED
from agent.vehicle import Ignition, Vehicle

SETUP = Setup("unit-1", Vehicle("test car", ignition=Ignition("signal")), Owner())
UTC_NS = 1_793_000_000 * NS
RIGHT = Wall(UTC_NS, "synchronised")
WRONG = Wall(UTC_NS - 3600 * NS, "unsure")


def an_engine(boot_id: str = "boot-1") -> Engine:
    return Engine(SETUP, boot_id, {})


def drive(engine: Engine, start_s: int = 10) -> list[Event]:
    samples: list[Sample] = [(start_s * NS, IGNITION, "ON")]
    samples += [((start_s + s) * NS, SPEED, 36.0) for s in range(60)]
    return engine.feed([*samples, ((start_s + 60) * NS, IGNITION, "OFF")])


def corrections(events: list[Event]) -> list[ClockCorrected]:
    return [e for e in events if isinstance(e, ClockCorrected)]


def test_a_clock_found_after_something_was_told_corrects_it_once() -> None:
    engine = an_engine()
    told = engine.wake(0, None) + drive(engine) + engine.wake(200 * NS, None)
    assert [type(e) for e in told if e.leaves and not isinstance(e, ClockCorrected)] == [TripStarted, TripEnded]
    (found,) = corrections(engine.wake(300 * NS, RIGHT))
    assert (found.offset_ns, found.clock, found.before_offset_ns, found.before_clock) == (UTC_NS, "synchronised", None, "none")
    assert corrections(engine.wake(301 * NS, RIGHT)) == []


def test_a_clock_that_was_right_from_the_start_is_not_worth_a_word() -> None:
    engine = an_engine()
    assert corrections(engine.wake(0, RIGHT) + drive(engine) + engine.wake(200 * NS, RIGHT)) == []


def test_a_clock_found_before_anything_was_told_corrects_nothing() -> None:
    engine = an_engine()
    assert corrections(engine.wake(0, None) + engine.wake(9 * NS, RIGHT) + drive(engine)) == []


@pytest.mark.parametrize("step_s", [-86_400 * 400, -2, 2, 86_400 * 400])
def test_a_step_either_way_is_told(step_s: int) -> None:
    engine = an_engine()
    engine.wake(0, RIGHT)
    drive(engine)
    (found,) = corrections(engine.wake(200 * NS, Wall(UTC_NS + step_s * NS, "synchronised")))
    assert found.offset_ns - (found.before_offset_ns or 0) == step_s * NS


def test_drift_and_a_lost_synchronisation_are_followed_silently() -> None:
    engine = an_engine()
    engine.wake(0, RIGHT)
    drive(engine)
    told: list[Event] = []
    for s in range(200, 260):
        told += engine.wake(s * NS, Wall(UTC_NS + (s - 200) * NS // 100, "unsure" if s > 230 else "synchronised"))
    assert corrections(told) == []


def test_an_unsure_clock_that_becomes_trusted_is_told_even_without_a_step() -> None:
    engine = an_engine()
    engine.wake(0, WRONG)
    drive(engine)
    (found,) = corrections(engine.wake(200 * NS, Wall(WRONG.offset_ns, "synchronised")))
    assert found.before_clock == "unsure"


def test_each_boot_has_its_own_clock_and_a_restart_forgets_nothing() -> None:
    engine = an_engine()
    engine.wake(0, None)
    drive(engine)
    engine.wake(200 * NS, None)
    again = an_engine()
    again.restore(engine.states())
    assert len(corrections(again.wake(300 * NS, RIGHT))) == 1, "the same boot: what was told before is corrected"
    other = an_engine("boot-2")
    other.restore(engine.states())
    assert corrections(other.wake(NS, RIGHT)) == [], "another boot has told nothing yet"
