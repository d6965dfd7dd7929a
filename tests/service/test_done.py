"""A service is done, and taken back: noticed, told, read; what rested on a slip."""

from __future__ import annotations

import msgspec
import pytest

from agent import signals
from agent.config import Service
from agent.events.concern import Concern, ConcernSettled
from agent.events.ignition import IgnitionChanged
from agent.events.odometer import OdometerAdvanced, OdometerRebased
from agent.events.service_record import ServiceDone, ServiceDue, ServiceExpected, ServiceReopened
from agent.model import NS
from agent.prompts.slots import Slot
from tests.sim.serviced import DAY_NS, START_M, TYRES, Unit, changed, driven_in, interval_of, told


def test_done_is_told_by_an_answer() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000))
    concern = unit.of(Concern)[-1]
    unit.answers(concern, "acknowledged").answers(concern, "done", "a stranger")
    assert unit.of(ServiceDone) == []
    unit.answers(concern, "done").answers(concern, "done")
    (done,) = unit.of(ServiceDone)
    assert (done.how, done.reading_m, done.day, done.interval) == ("told", START_M, unit.today, "22000000")
    (settled,) = unit.of(ConcernSettled)
    assert (settled.subject, settled.why) == (concern.subject, "done")
    assert told(unit.drive(300)) == [("oil change", "soon"), ("oil change", "soon")]  # the next one, 10,000 km later


def test_done_is_noticed() -> None:
    item = Service("service", from_car=True)
    unit = Unit(item).drive(30, heard={signals.DISTANCE_TO_SERVICE: 800})
    unit.drive(1, heard={signals.DISTANCE_TO_SERVICE: 15_000})
    (done,) = unit.of(ServiceDone)
    assert (done.how, done.day) == ("noticed", unit.today)
    unit.says("service", "done")  # the same service, in words
    assert len(unit.of(ServiceDone)) == 1


def test_a_counter_that_falls_back_was_no_service() -> None:
    unit = Unit(Service("service", from_car=True)).drive(30, heard={signals.DISTANCE_TO_SERVICE: 800})
    unit.drive(1, heard={signals.DISTANCE_TO_SERVICE: 15_000}).drive(1, heard={signals.DISTANCE_TO_SERVICE: 750})
    (again,) = unit.of(ServiceReopened)
    assert (again.why, again.interval) == ("counter fell back", unit.of(ServiceDone)[0].interval)
    assert unit.of(Concern)[-1].rests_on[-1] == again.id
    unit.drive(1, heard={signals.DISTANCE_TO_SERVICE: 15_000})
    assert len({e.id for e in unit.of(ServiceDone)}) == 2


def test_done_is_read_from_the_config_and_from_a_workshop() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000))
    unit.restart(Service("oil change", 10_000, 20_000))
    (done,) = unit.of(ServiceDone)
    assert (done.how, done.reading_m) == ("read", 20e6)
    unit.restart().restart()
    assert len(unit.of(ServiceDone)) == 1
    unit.drive(200).says("oil change", "done", by="workshop", reading_m=25_900_000.0, day="2026-08-30")
    assert [(e.how, e.reading_m, e.day) for e in unit.of(ServiceDone)[1:]] == [("read", 25_900_000.0, "2026-08-30")]


def test_a_day_to_come_is_today() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000)).says("oil change", "done", day="2030-01-01")
    assert unit.of(ServiceDone)[0].day == unit.today


def test_a_reading_to_come_is_the_odometers() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000)).says("oil change", "done", reading_m=90e6)
    assert unit.of(ServiceDone)[0].reading_m == START_M


def test_done_twice_is_once_without_a_clock_and_an_odometer_too() -> None:
    unit = Unit(Service("oil change", every_engine_h=500.0, last_engine_h=0.0)).clock(quality="unsure")
    unit.says("oil change", "done").says("oil change", "done")
    assert len(unit.of(ServiceDone)) == 1


def test_done_some_time_ago_counts_from_then() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000)).drive(1).says("oil change", "done", day="2026-01-28")
    (done,) = unit.of(ServiceDone)
    assert (done.day, done.reading_m) == ("2026-01-28", None), "what is reckoned is not told as read"
    assert interval_of(unit, "oil change").last_m == 19_430_000.0
    assert unit.drive(1).of(ServiceExpected)[-1].due_m == 29_430_000.0
    unit.says("oil change", "done", reading_m=19_380_000.0)  # the same one, now by the bill
    assert interval_of(unit, "oil change").last_m == 19_380_000.0


def test_done_on_a_day_of_which_nothing_is_known_has_no_reading() -> None:
    unit = Unit(Service("both", 10_000, 12_000, 12, "2025-01-01")).drive(3).says("both", "done", day="2025-11-01").drive(10)
    expected = unit.of(ServiceExpected)[-1]
    assert (expected.due_m, expected.due_day) == (None, "2026-11-01")


def test_what_is_gone_or_taken_back_is_not_expected_either() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000)).restart(TYRES)
    assert [e.item for e in unit.of(ServiceExpected) if e.is_gone] == ["oil change"]
    slip = OdometerRebased(id="", t_ns=0, boot_id="b1", from_m=START_M, to_m=90e6, why="entered")
    unit.enter(slip)
    right = OdometerRebased(id="", t_ns=0, boot_id="b1", from_m=90e6, to_m=START_M, why="entered")
    unit.enter(right)
    assert [(e.item, e.is_gone) for e in unit.of(ServiceExpected)[-2:]] == [("tyres", True), ("tyres", False)]


def test_an_older_service_in_the_config_does_not_undo_a_newer_one() -> None:
    unit = driven_in(Service("both", 10_000, 12_000, 12, "2025-06-01")).says("both", "done").drive(30)
    unit.restart(Service("both", 10_000, 9_000, 12, "2025-03-01")).drive(3)
    assert len(unit.of(ServiceDone)) == 1 and told(unit) == [("both", "soon")]


def test_another_limit_in_the_config_takes_back_what_was_told() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000)).restart(Service("oil change", 15_000, 12_000)).drive(1)
    assert [e.why for e in unit.of(ConcernSettled)] == ["no longer true"]
    assert told(unit.drive(240)) == [("oil change", "soon"), ("oil change", "soon"), ("oil change", "due")]


def test_not_done_of_an_interval_that_was_told_leaves_the_service_before_it() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000)).says("oil change", "done").drive(260)
    assert told(unit) == [("oil change", "soon"), ("oil change", "soon")]
    unit.says("oil change", "not done").drive(1)
    assert interval_of(unit, "oil change").last_m == START_M
    assert told(unit)[2:] == [] and unit.of(Concern)[-1].rests_on[-1] == unit.of(ServiceReopened)[0].id


def test_an_appointment_of_which_nothing_is_heard_is_not_believed_for_ever() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000))
    unit.answers(unit.of(Concern)[0], "booked").drive(108)
    assert told(unit) == [("oil change", "soon"), ("oil change", "due")]
    assert len(unit.of(Concern)) == 1
    unit.drive(3)
    first, again = unit.of(Concern)
    assert again.subject == first.subject and again.id != first.id


def test_a_slip_in_the_entered_odometer_is_taken_back() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000), reading_m=14e6)
    slip = OdometerRebased(id="", t_ns=0, boot_id="b1", from_m=14e6, to_m=41e6, why="entered")
    unit.enter(slip).reading_m = 41e6
    assert told(unit.drive(1)) == [("oil change", "due")]
    unit.says("oil change", "done").drive(1)
    right = OdometerRebased(id="", t_ns=0, boot_id="b1", from_m=unit.reading_m, to_m=14.06e6, why="entered")
    unit.enter(right).reading_m = 14.06e6
    assert told(unit.drive(1)) == [("oil change", "due")]
    assert unit.of(ServiceExpected)[-1].due_m == pytest.approx(24e6, abs=60_000)


def test_a_due_that_rested_on_a_slip_is_withdrawn() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000), reading_m=14e6)
    slip = OdometerRebased(id="", t_ns=0, boot_id="b1", from_m=14e6, to_m=41e6, why="entered")
    unit.enter(slip).reading_m = 41e6
    unit.drive(1)
    right = OdometerRebased(id="", t_ns=0, boot_id="b1", from_m=unit.reading_m, to_m=14.03e6, why="entered")
    unit.enter(right).reading_m = 14.03e6
    assert [e.why for e in unit.of(ConcernSettled)] == ["no longer true"]
    assert told(unit.drive(300))[1:] == [("oil change", "soon"), ("oil change", "due")]


def test_the_countdown_of_a_car_without_an_odometer_does_not_come_due_by_a_correction() -> None:
    unit = Unit(Service("service", from_car=True)).drive(40, heard={signals.DISTANCE_TO_SERVICE: 9_000})
    entered = OdometerRebased(id="", t_ns=0, boot_id="b1", from_m=unit.reading_m, to_m=unit.reading_m + 10e6, why="entered")
    unit.enter(entered).reading_m += 10e6
    unit.enter(OdometerAdvanced(id="", t_ns=0, boot_id="b1", reading_m=unit.reading_m)).until(unit.day + 2)
    assert told(unit) == []


def test_what_a_cluster_says_after_key_off_is_no_service() -> None:
    unit = Unit(Service("service", from_car=True)).drive(30, heard={signals.DISTANCE_TO_SERVICE: 800})
    unit.enter(IgnitionChanged(id="", t_ns=unit.day * DAY_NS + 3600 * NS, boot_id="b1", ignition="off"))
    unit.drive(1, heard={signals.DISTANCE_TO_SERVICE: 65_535})
    assert unit.of(ServiceDone) == []


def test_what_a_cluster_says_in_the_first_seconds_of_a_drive_is_not_of_the_trip_before() -> None:
    unit = Unit(Service("service", from_car=True)).drive(30, heard={signals.DISTANCE_TO_SERVICE: 5_000})
    unit.until(31)
    zero = [(31 * DAY_NS + 2 * n * NS, signals.DISTANCE_TO_SERVICE, 0.0) for n in range(5)]
    unit.events += unit.engine.feed(zero)
    unit.enter(msgspec.structs.replace(unit._trip(31 * DAY_NS, {"distance_m": 9.0}), boot_id="an earlier one"))
    assert told(unit) == []


def test_an_item_that_is_gone_is_not_spoken_of() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000)).restart(TYRES)
    assert [(e.subject, e.why) for e in unit.of(ConcernSettled)] == [("service oil change 22000000", "no longer true")]
    assert told(unit.drive(100)) == [("oil change", "soon")]


def test_a_person_may_take_it_back() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000)).says("oil change", "done").says("oil change", "not done")
    (again,) = unit.of(ServiceReopened)
    assert (again.why, again.interval) == ("not done", "22000000")
    assert unit.of(Concern)[-1].rests_on[-1] == again.id
    assert told(unit.drive(100)) == [("oil change", "soon"), ("oil change", "due")]
    assert len({c.id for c in unit.of(Concern)}) == len(unit.of(Concern)) == 3


@pytest.mark.parametrize("change", ["cancelled", "missed"])
def test_an_appointment_that_came_to_nothing(change: str) -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000))
    unit.answers(unit.of(Concern)[0], "booked").drive(100)
    assert told(unit) == [("oil change", "soon"), ("oil change", "due")]
    assert len(unit.of(Concern)) == 1, "it is booked: nobody has to hear that it is due"
    unit.enter(changed("oil change", change))
    assert [e.why for e in unit.of(ServiceReopened)] == [change]
    assert unit.of(Concern)[-1].says == "service_due"


@pytest.mark.parametrize("is_told", [False, True])
def test_an_appointment_that_came_to_nothing_before_there_was_a_word_hides_none(is_told: bool) -> None:
    near, far = Service("oil change", 10_000, 12_000), Service("oil change", 12_000, 12_000)
    unit = driven_in(near if is_told else far).enter(changed("oil change", "moved"))
    if is_told:
        unit.restart(far).until(unit.day + 1)  # takes back what was told
    before = len(unit.of(Concern))
    unit.enter(changed("oil change", "cancelled"))
    assert len(unit.of(Concern)) == before == is_told
    unit.drive(60)
    assert told(unit)[is_told:] == [("oil change", "soon")]
    assert [c.says for c in unit.of(Concern)][before:] == ["service_soon"]


def test_an_appointment_that_was_kept() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000)).enter(changed("oil change", "moved"), changed("oil change", "kept"))
    assert [e.how for e in unit.of(ServiceDone)] == ["read"]


def test_an_appointment_was_kept_on_its_own_day_though_it_is_told_later() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000)).drive(5)
    slot = Slot("s", "2026-02-18T22:30:00+00:00", "2026-02-18T23:30:00+00:00", "w")  # over midnight in Berlin
    unit.enter(msgspec.structs.replace(changed("oil change", "kept"), slot=slot))
    (done,) = unit.of(ServiceDone)
    assert (unit.today, done.day, done.reading_m) == ("2026-02-21", "2026-02-19", None), "what is reckoned is not told as read"
    assert interval_of(unit, "oil change").last_m == unit.reading_m - 2 * 30_000
    unread = Slot("s", "soon", "later", "w")
    unit.drive(60).enter(msgspec.structs.replace(changed("oil change", "kept"), slot=unread))
    assert unit.of(ServiceDone)[-1].day == unit.today


def test_what_was_called_wrong_is_not_said_again() -> None:
    unit = driven_in(Service("oil change", 10_000, 12_000))
    unit.answers(unit.of(Concern)[0], "wrong").drive(100)
    assert len(unit.of(ServiceDue)) == 2
    assert len(unit.of(Concern)) == 1
