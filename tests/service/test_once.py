"""Once per interval and stage: over restarts, other clusters, wrong clocks and counters that are heard first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import signals
from agent.config import Service
from agent.events.concern import ConcernSettled
from agent.events.odometer import OdometerRebased
from agent.events.service_record import ServiceDone, ServiceDue, ServiceExpected, ServiceReopened
from agent.model import Value
from tests.sim.serviced import OIL, START_M, Unit, driven_in, interval_of, told


def test_another_cluster_changes_nothing() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000))
    rebased = OdometerRebased(id="", t_ns=0, boot_id="b1", from_m=START_M, to_m=1_000.0, why="lasting change")
    unit.enter(rebased).reading_m = 1_000.0
    unit.drive(50)
    assert told(unit) == [("oil change", "soon")]
    assert unit.of(ServiceExpected)[-1].due_m == 2_001_000.0
    assert told(unit.drive(20))[1:] == [("oil change", "due")]


def test_another_cluster_is_remembered_over_a_restart() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000)).says("oil change", "done")
    rebased = OdometerRebased(id="", t_ns=0, boot_id="b1", from_m=START_M, to_m=1_000.0, why="lasting change")
    unit.enter(rebased).restart().says("oil change", "done")  # the same one
    assert len(unit.of(ServiceDone)) == 1


def test_an_entered_reading_is_the_dashboards() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000))
    entered = OdometerRebased(id="", t_ns=0, boot_id="b1", from_m=START_M, to_m=21e6, why="entered")
    unit.enter(entered).reading_m = 21e6
    assert unit.drive(1).of(ServiceExpected)[-1].due_m == 22e6


def test_what_a_wrong_clock_said_is_taken_back_and_told_when_it_is_so() -> None:
    unit = Unit(Service("inspection", every_months=12, last_day="2025-12-01")).until(1).clock(days=900).until(2)
    assert told(unit) == [("inspection", "due")]
    unit.clock(days=-900).until(3)
    assert [e.why for e in unit.of(ConcernSettled)] == ["no longer true"]
    assert told(unit.until(350)) == [("inspection", "due"), ("inspection", "soon"), ("inspection", "due")]
    assert len({e.id for e in unit.of(ServiceDue)}) == 3


def test_it_starts_afresh_from_a_state_of_before() -> None:
    unit = Unit(OIL)
    unit.engine.restore({"service": (1, b'{"raised": ["oil change 20001000"]}')})
    assert unit.engine.failures.pop("service state unreadable") == 1
    assert told(unit.drive(5)) == [("oil change", "due")]


CHANCES = st.lists(
    st.sampled_from(["drive", "drive far", "park", "restart", "reboot", "no clock", "clock", "step", "rebase", "done"]),
    min_size=5,
    max_size=40,
)


def live(unit: Unit, chances: Iterable[str]) -> Unit:
    for n, what in enumerate(chances):
        match what:
            case "drive":
                unit.drive(7)
            case "drive far":
                unit.drive(3, km=400.0)
            case "park":
                unit.until(unit.day + 20)
            case "restart":
                unit.restart()
            case "reboot":
                unit.restart(boot=f"b{n}")
            case "no clock":
                unit.clock(quality="unsure")
            case "clock":
                unit.clock(quality="synchronised")
            case "step":
                unit.clock(days=0.4 if n % 2 else -0.4)
            case "rebase":
                to_m = 5_000_000.0 + n
                rebased = OdometerRebased(id="", t_ns=0, boot_id="b", from_m=unit.reading_m, to_m=to_m, why="lasting change")
                unit.enter(rebased).reading_m = to_m
            case "done":
                unit.says("both", "done")
    return unit


@given(CHANCES)
@settings(max_examples=150, deadline=None)
def test_each_stage_of_each_interval_is_told_once(chances: list[str]) -> None:
    unit = live(Unit(Service("both", 10_000, 15_000, 12, "2025-11-01"), OIL).drive(30), chances)
    stages = [(e.item, e.interval, e.stage) for e in unit.of(ServiceDue)]
    assert len(stages) == len(set(stages))
    assert len({e.id for e in unit.events if e.id}) == len([e for e in unit.events if e.id])
    for item, interval, stage in stages:
        assert stage == "due" or stages.index((item, interval, "soon")) >= 0
    done = {e.interval for e in unit.of(ServiceDone)}
    later = {e.interval for e in unit.of(ServiceDue) if e.item == "both"}
    assert len(later - done) <= 1, "one interval is under way"


@given(CHANCES)
@settings(max_examples=60, deadline=None)
def test_no_day_comes_from_a_clock_that_is_not_trusted(chances: list[str]) -> None:
    chances = [c for c in chances if c != "clock"]
    unit = live(Unit(Service("both", 10_000, 15_000, 12, "2025-11-01")).clock(quality="unsure"), chances)
    days = (unit.of(ServiceDue), unit.of(ServiceDone))
    assert all(e.likely_day is None and e.by == "distance" for e in days[0])
    assert all(e.day is None for e in days[1])


CARS = Service("service", 15_000, 4_000, 12, "2024-12-01", from_car=True)  # overdue by both, on day 0 at 20,000 km


@pytest.mark.parametrize("left_km", [9_000, 14_500, 15_800])
def test_a_counter_that_was_reset_before_it_was_heard_first_says_that_it_was_done(left_km: int) -> None:
    unit = Unit(CARS, reading_m=20e6).until(1)
    assert told(unit) == [("service", "due")]
    days = round(365 * left_km / 15_000)
    unit.drive(3, heard={signals.DISTANCE_TO_SERVICE: left_km, signals.TIME_TO_SERVICE: days * 86_400})
    (done,) = unit.of(ServiceDone)
    assert (done.how, done.reading_m, done.day) == ("noticed", None, None), "reckoned, so it is not told as a fact"
    each = interval_of(unit, "service")
    assert each.last_m == pytest.approx(20.03e6 - max(0, 15_000 - left_km) * 1000, abs=1e5)
    assert each.is_about
    assert [s.why for s in unit.of(ConcernSettled)] == ["done"]
    assert len(told(unit)) == 1
    assert [e.why for e in unit.says("service", "not done").of(ServiceReopened)] == ["not done"]


@pytest.mark.parametrize(
    "heard",
    [
        {signals.DISTANCE_TO_SERVICE: 7_000},  # not far
        {signals.DISTANCE_TO_SERVICE: 65_535},  # no such interval
        {signals.DISTANCE_TO_SERVICE: -1_000},
        {signals.DISTANCE_TO_SERVICE: 14_000, signals.TIME_TO_SERVICE: 20 * 86_400},  # one of them is near
    ],
)
def test_a_counter_that_is_heard_first_and_says_less_is_no_evidence(heard: dict[str, Value]) -> None:
    unit = Unit(CARS, reading_m=20e6).drive(3, heard=heard)
    assert unit.of(ServiceDone) == []
    assert told(unit) == [("service", "due")]


def test_what_was_reckoned_by_a_counter_goes_with_a_correction_of_the_odometer() -> None:
    unit = Unit(CARS, reading_m=20e6).drive(3, heard={signals.DISTANCE_TO_SERVICE: 9_000})
    before_m = interval_of(unit, "service").last_m
    assert before_m is not None
    own: dict[str, Any] = {"id": "", "t_ns": 0, "boot_id": "b1"}
    unit.enter(OdometerRebased(**own, why="entered", from_m=unit.reading_m, to_m=unit.reading_m + 5e6))
    assert interval_of(unit, "service").last_m == before_m + 5e6


def test_a_counter_that_agrees_with_keyoff_toml_is_no_service() -> None:
    told_of = Service("service", 15_000, 19_000, 12, "2025-12-01", from_car=True)
    unit = Unit(told_of, reading_m=20e6).drive(3, heard={signals.DISTANCE_TO_SERVICE: 15_000})
    assert unit.of(ServiceDone) == []
    own = Unit(msgspec.structs.replace(CARS, from_car=False), reading_m=20e6)
    assert own.drive(3, heard={signals.DISTANCE_TO_SERVICE: 15_000}).of(ServiceDone) == []
