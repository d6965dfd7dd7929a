"""clock: what was told without the right time is dated afterwards, once, and only when there is something to date."""

from __future__ import annotations

import pytest

from agent.config import Owner
from agent.engine import Engine
from agent.events.clock import UNDATED, ClockCorrected
from agent.events.health import HealthReported
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


# -- trips that no clock will date any more ------------------------------------------------------------


def reported(events: list[Event]) -> list[dict[str, int]]:
    return [e.counts for e in events if isinstance(e, HealthReported)]


def next_boot(engine: Engine, boot_id: str) -> Engine:
    again = an_engine(boot_id)
    again.restore(engine.states())
    return again


def test_trips_of_boots_that_never_had_a_clock_are_told_once_there_is_one() -> None:
    engine = an_engine()
    told = engine.wake(0, None) + drive(engine) + drive(engine, 200) + engine.wake(400 * NS, None)
    engine = next_boot(engine, "boot-2")
    told += engine.wake(0, None) + drive(engine) + engine.wake(200 * NS, None)
    engine = next_boot(engine, "boot-3")
    told += engine.wake(0, None)
    assert reported(told) == []
    told = engine.wake(NS, WRONG) + engine.wake(2 * NS, WRONG)
    assert reported(told) == [{UNDATED: 3}]
    assert corrections(told) == [], "of this boot nothing was told"
    told = engine.wake(3 * NS, RIGHT) + drive(engine) + engine.wake(200 * NS, RIGHT)
    assert reported(told + next_boot(engine, "boot-4").wake(0, RIGHT)) == []


def test_a_clock_that_is_there_from_the_start_tells_it_too() -> None:
    engine = an_engine()
    engine.wake(0, None), drive(engine), engine.wake(200 * NS, None)
    assert reported(next_boot(engine, "boot-2").wake(0, RIGHT)) == [{UNDATED: 1}]


def test_trips_whose_boot_finds_its_clock_get_their_dates_and_are_no_loss() -> None:
    engine = an_engine()
    told = engine.wake(0, None) + drive(engine) + engine.wake(200 * NS, None) + engine.wake(300 * NS, RIGHT)
    assert reported(told + next_boot(engine, "boot-2").wake(0, RIGHT)) == []


@pytest.mark.parametrize("at_once", [True, False])
def test_a_drive_that_power_cut_in_a_boot_without_a_clock_is_one_of_them(at_once: bool) -> None:
    """It is ended by the next boot, which knows the time, drives on or not; and its start lies in the one that never did."""
    engine = an_engine()
    engine.wake(0, None)
    engine.feed([(10 * NS, IGNITION, "ON"), *(((10 + s) * NS, SPEED, 36.0) for s in range(60))])
    engine = next_boot(engine, "boot-2")
    told = engine.wake(0, RIGHT) + (drive(engine) if at_once else [])
    for s in range(80, 4000, 10):
        told += engine.wake(s * NS, RIGHT)
    assert [e.start_utc_ns is None for e in told if isinstance(e, TripEnded)] == [True, *([False] if at_once else [])]
    assert (reported(told), corrections(told)) == ([{UNDATED: 1}], [])
