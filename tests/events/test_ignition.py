"""ignition: on, off or not known, from the signal or from what moves; never "off" without a reason."""

from __future__ import annotations

import pytest

from agent.events.ignition import IgnitionChanged, IgnitionRule
from agent.events.trip import STANDING_S
from agent.model import NS, Value
from agent.signals import ENGINE_SPEED, IGNITION, ODOMETER, SPEED
from agent.vehicle import Vehicle
from tests.sim.car import BY_ACTIVITY, BY_SIGNAL, Bench, at, drive, every_second

GAP_S = BY_SIGNAL.trip.gap_s


def told(bench: Bench) -> list[tuple[float, str]]:
    return [(e.t_ns / NS, e.ignition) for e in bench.of(IgnitionChanged)]


def states(bench: Bench) -> list[str]:
    return [ignition for _, ignition in told(bench)]


def test_it_follows_the_signal() -> None:
    bench = Bench().live(drive()).until(999)
    assert told(bench) == [(10, "on"), (311, "off")]
    assert not any(e.leaves for e in bench.of(IgnitionChanged))


def test_without_a_signal_it_follows_what_moves_and_ends_with_silence() -> None:
    bench = Bench(BY_ACTIVITY).live(drive(key=False)).until(999)
    assert told(bench) == [(11, "on"), (310 + GAP_S, "off")], "a second is complete when it is over"


def test_an_engine_that_turns_is_on() -> None:
    bench = Bench(BY_ACTIVITY).live([*every_second(10, [0.0] * 5), *every_second(10.5, [900.0] * 5, ENGINE_SPEED)])
    assert states(bench) == ["on"]


@pytest.mark.parametrize("value", [None, "UNDEFINED"])
def test_a_signal_that_does_not_know_makes_it_unknown(value: Value) -> None:
    bench = Bench().live([(at(10), IGNITION, "ON"), (at(30), IGNITION, value), (at(40), IGNITION, "OFF")])
    assert told(bench) == [(10, "on"), (30, "unknown"), (40, "off")]


def test_but_a_car_that_moves_is_on() -> None:
    moving = [*every_second(10, [30.0] * 20), (at(10), IGNITION, "ON"), (at(20.5), IGNITION, None)]
    assert states(Bench().live(sorted(moving, key=lambda s: s[0]))) == ["on"]
    assert states(Bench().live(every_second(10, [30.0] * 5))) == ["on"], "though no signal has come at all"
    assert states(Bench().live(every_second(10, [0.0] * 5))) == []
    off = [(at(5), IGNITION, "OFF"), *every_second(10, [30.0] * 5)]
    assert states(Bench().live(off)) == ["off"], "a car that is towed"


def test_a_bus_that_is_silent_says_off() -> None:
    bench = Bench().live([(at(10), IGNITION, "ON")]).until(9999)
    assert told(bench) == [(10, "on"), (10 + GAP_S, "off")]


def test_at_the_start_it_is_not_known_until_something_says_so() -> None:
    bench = Bench().until(5)
    assert states(bench) == []
    assert told(bench.until(9999)) == [(5 + GAP_S, "off")]
    bench.restart()
    rule = next(r for r in bench.engine.rules if isinstance(r, IgnitionRule))
    assert rule.state.ignition == "unknown", "it may have come on since"


def test_a_polled_car_that_stands_is_off_after_a_while() -> None:
    bench = Bench(BY_ACTIVITY).until(1)
    for second in range(10, 3000, 10):
        bench.live([(at(second), SPEED, 0.0), (at(second + 0.1), ENGINE_SPEED, 0.0), (at(second + 1), SPEED, 0.0)])
    ((off_s, what),) = told(bench)
    assert what == "off"
    assert STANDING_S <= off_s <= STANDING_S + 30


def test_one_whose_engine_nobody_knows_is_not() -> None:
    bench = Bench(BY_ACTIVITY).until(1)
    for second in range(10, 3000, 10):
        bench.live([(at(second), SPEED, 0.0), (at(second + 1), SPEED, 0.0)])
    assert "off" not in states(bench)


@pytest.mark.parametrize("signal", [ODOMETER, SPEED])
def test_a_bus_that_wakes_may_mean_that_somebody_gets_in(signal: str) -> None:
    bench = Bench().live(drive()).until(9999)
    bench.live(every_second(10_000, [0.0] * 3, signal))
    assert states(bench) == ["on", "off", "unknown"]
    assert told(bench.until(20_000))[-1][1] == "off"
    awake = Bench().live(drive()).live(every_second(320, [0.0] * 300, signal))
    assert states(awake) == ["on", "off"], "a bus that stays awake after key-off"


@pytest.mark.parametrize("car", [BY_SIGNAL, BY_ACTIVITY])
def test_of_the_time_in_which_nobody_listened_it_knows_nothing(car: Vehicle) -> None:
    """Neither a process that was away in mid-drive nor a unit that was suspended takes that for silence."""
    samples = [s for s in drive(rpm=900.0, key=car is BY_SIGNAL) if s[0] < at(100)]
    for bench in (Bench(car).live(samples).restart(), Bench(car).live(samples).resume(1300)):
        bench.until(1300)
        assert "TripEnded" in bench.kinds()
        assert "off" not in states(bench.until(1300 + GAP_S - 1))
        assert told(bench.until(1300 + GAP_S))[-1] == (1300 + GAP_S, "off")


def test_an_earlier_boots_trip_says_nothing_of_now() -> None:
    samples = drive()
    bench = Bench().live(s for s in samples if s[0] < at(100))
    bench.restart("boot-2").until(5)
    bench.events.clear()
    bench.until(70)
    assert "TripEnded" in bench.kinds()
    assert states(bench) == []
