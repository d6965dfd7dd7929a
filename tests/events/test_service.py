"""service: told once per interval and stage, before the car's own reminder; done, and taken back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import signals
from agent.config import Owner, Service
from agent.engine import Engine
from agent.events.appointment import AppointmentChanged
from agent.events.concern import Concern, ConcernSettled
from agent.events.habits import HabitsRule
from agent.events.household import HouseholdRule
from agent.events.ignition import IgnitionChanged
from agent.events.message import Answer, PromptAnswered
from agent.events.odometer import OdometerAdvanced, OdometerRebased
from agent.events.service import ServiceRule
from agent.events.service_record import CarReminded, ServiceDone, ServiceDue, ServiceExpected, ServiceReopened, ServiceReported
from agent.events.trip import Trip, TripEnded
from agent.model import NS, ClockQuality, Event, Rule, Setup, Value, Wall, derive_id
from agent.prompts.slots import Slot
from agent.service.interval import LEAD_DAYS, Interval
from agent.signals import ODOMETER
from tests.sim.car import BY_SIGNAL, Bench, E, at, drive, every_second

OIL = Service("oil change", 10_000, 10_001)  # due at 20,001 km
TYRES = Service("tyres", 40_000, 0)
START_M = 20_000_000.0
ZONE = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 1, 5, 18, tzinfo=ZONE)
RULES: tuple[type[Rule], ...] = (HabitsRule, HouseholdRule, ServiceRule, Trip)
DAY_NS = 86_400 * NS


class Unit:
    """A unit at event level: days of driving in one call each. Day 0 is Monday, 2026-01-05."""

    def __init__(self, *services: Service, reading_m: float = START_M, boot: str = "b1") -> None:
        self.setup = Setup("unit-1", BY_SIGNAL, Owner(timezone=str(ZONE)), services)
        self.engine = Engine(self.setup, boot, {}, RULES)
        self.events: list[Event] = []
        self.wall: Wall | None = Wall(round(MONDAY.timestamp()) * NS, "synchronised")
        self.day = 0
        self.reading_m = reading_m

    def drive(self, days: int, km: float = 30.0, heard: dict[str, Value] | None = None, **metrics: float) -> Unit:
        """A trip of `km` on each evening; `heard`: what the car says of itself meanwhile."""
        for _ in range(days):
            self.until(self.day + 1)
            before, self.reading_m = self.reading_m, self.reading_m + km * 1000
            t_ns = self.day * DAY_NS
            said = [(t_ns + 2 * n * NS, path, value) for n in range(5) for path, value in (heard or {}).items()]
            self.events += self.engine.feed(said)
            self.enter(self._odometer(before), self._trip(t_ns, metrics | {"distance_m": km * 1000}))
        return self

    def until(self, day: int) -> Unit:
        for each in range(self.day, day + 1):
            self.events += self.engine.wake(each * DAY_NS, self.wall)
        self.day = day
        assert not self.engine.failures
        return self

    def enter(self, *events: Event) -> Unit:
        self.events += self.engine.raised(events)
        assert not self.engine.failures
        return self

    def says(self, item: str, says: str, **more: object) -> Unit:
        said = {"item": item, "says": says, "id": "", "t_ns": self.day * DAY_NS, "boot_id": "b1"} | more
        return self.enter(msgspec.convert(said, ServiceReported))

    def answers(self, concern: Concern, answer: Answer, person: str = "owner") -> Unit:
        prompt_id = derive_id("unit-1", "prompt", concern.id, person)
        return self.enter(PromptAnswered(id="", t_ns=0, boot_id="b1", prompt_id=prompt_id, answer=answer))

    def clock(self, days: float = 0.0, quality: ClockQuality | None = None) -> Unit:
        """Step the wall clock, or trust it otherwise."""
        assert self.wall is not None
        self.wall = Wall(self.wall.offset_ns + round(days * DAY_NS), quality or self.wall.quality)
        return self

    def restart(self, *services: Service, boot: str = "b1") -> Unit:
        states = self.engine.states()
        self.setup = self.setup._replace(services=services or self.setup.services)
        self.engine = Engine(self.setup, boot, {}, RULES)
        self.engine.restore(states)
        return self.until(self.day)

    def of(self, kind: type[E]) -> list[E]:
        return [e for e in self.events if isinstance(e, kind)]

    @property
    def today(self) -> str:
        return (MONDAY + timedelta(days=self.day)).date().isoformat()

    def _odometer(self, before_m: float) -> OdometerAdvanced:
        reading_m = self.reading_m
        return OdometerAdvanced(id="", t_ns=self.day * DAY_NS, boot_id="b1", reading_m=reading_m, previous_m=before_m)

    def _trip(self, t_ns: int, metrics: dict[str, float]) -> TripEnded:
        wall = self.wall if self.wall and self.wall.quality == "synchronised" else None
        return TripEnded(
            id="",
            t_ns=t_ns,
            boot_id=self.engine.boot_id,
            trip_id=f"t{t_ns}",
            kind="trip",
            ended_by="ignition-off",
            start_ns=t_ns - 1800 * NS,
            start_boot_id=self.engine.boot_id,
            end_ns=t_ns,
            clock="synchronised",
            driver="unknown",
            vehicle="car",
            metrics=metrics,
            start_utc_ns=wall.utc_ns(t_ns - 1800 * NS) if wall else None,
            end_utc_ns=wall.utc_ns(t_ns) if wall else None,
        )


def interval_of(unit: Unit, item: str) -> Interval:
    rule = next(r for r in unit.engine.rules if isinstance(r, ServiceRule))
    return rule.state.items[item]


def told(unit: Unit | Bench) -> list[tuple[str, str]]:
    return [(e.item, e.stage) for e in unit.of(ServiceDue)]


def driven_in(*services: Service, reading_m: float = START_M) -> Unit:
    """A unit that has known the car for six weeks: 30 km a day."""
    return Unit(*services, reading_m=reading_m - 42 * 30_000.0).drive(42)


# -- in the car ----------------------------------------------------------------------------------------


def test_it_comes_due_in_mid_drive_at_its_reading() -> None:
    bench = Bench(services=(OIL, TYRES)).live(drive(odometer_m=START_M)).until(999)
    due = bench.of(ServiceDue)[-1]
    assert (due.item, due.stage, due.by) == ("oil change", "due", "distance")
    assert (due.due_m, due.reading_m, due.about) == (20_001_000.0, 20_001_000.0, False)
    assert at(10) < due.t_ns < bench.trip.end_ns
    assert told(bench) == [("oil change", "soon"), ("oil change", "due")]


def test_one_that_is_overdue_at_the_first_reading_is_told_then() -> None:
    (due,) = Bench(services=(OIL,)).live(every_second(0, [30_000_000.0] * 9, ODOMETER)).of(ServiceDue)
    assert (due.reading_m, due.stage) == (30_000_000.0, "due")


def test_once_over_restarts_and_reboots() -> None:
    bench = (
        Bench(services=(OIL,)).live(drive(odometer_m=START_M)).until(999).restart().live(drive(1000, odometer_m=START_M + 4350))
    )
    bench.restart("boot-2").live(drive(odometer_m=START_M + 8700)).until(999)
    assert told(bench) == [("oil change", "soon"), ("oil change", "due")]


def test_wrong_readings_make_nothing_due() -> None:
    far = Service("oil change", 40_000, 10_001)
    bench = Bench(services=(far,)).live(every_second(0, [START_M] * 5 + [90_000_000.0] * 9 + [START_M] * 60, ODOMETER))
    assert bench.of(ServiceDue) == []


# -- soon, and due -------------------------------------------------------------------------------------


def test_it_is_told_weeks_before_the_cars_own_reminder() -> None:
    unit = driven_in(Service("oil change", 15_000, 10_000, car_reminds_km_before=1000.0)).drive(200)
    soon, due = unit.of(ServiceDue)
    assert (soon.stage, soon.by, soon.due_m, due.stage) == ("soon", "distance", 25_000_000.0, "due")
    reminder_m = 24_000_000.0
    assert soon.reading_m is not None
    assert (LEAD_DAYS - 1) * 30_000 <= reminder_m - soon.reading_m <= LEAD_DAYS * 30_000  # the first look within the lead
    assert soon.likely_day is not None and soon.earliest_day is not None and soon.latest_day is not None
    assert soon.earliest_day <= soon.likely_day <= soon.latest_day
    assert due.reading_m == 25_010_000.0  # in the drive in which it passed


def test_by_time_to_the_day() -> None:
    service = Service("inspection", every_months=12, last_day="2025-06-30", car_reminds_days_before=20.0)
    unit = Unit(service).until(200)
    soon, due = unit.of(ServiceDue)
    assert (soon.by, soon.due_day, soon.likely_day, soon.earliest_day) == ("time", "2026-06-30", "2026-06-30", "2026-06-30")
    assert soon.t_ns // DAY_NS == (date(2026, 6, 30) - MONDAY.date()).days - 20 - LEAD_DAYS - 1  # told after midnight
    assert due.t_ns // DAY_NS == (date(2026, 6, 30) - MONDAY.date()).days - 1
    assert soon.reading_m is None


def test_whichever_is_first() -> None:
    unit = driven_in(Service("service", 10_000, 15_000, 12, "2025-03-10"))
    assert [(e.stage, e.by) for e in unit.of(ServiceDue)] == [("soon", "time")]
    unit.drive(40)
    assert [(e.stage, e.by) for e in unit.of(ServiceDue)] == [("soon", "time"), ("due", "time")]


def test_by_oil_life() -> None:
    unit = Unit(Service("oil change", oil_life_below_percent=5.0))
    for percent in range(100, 0, -1):
        unit.drive(2, heard={signals.OIL_LIFE: percent})
    soon, due = unit.of(ServiceDue)
    assert (soon.by, due.by) == ("oil_life", "oil_life")
    assert due.t_ns // DAY_NS == 2 * 96 - 1  # the first day at 5 percent
    beep = 2 * 85  # 15 percent, until it is known better
    assert LEAD_DAYS - 3 <= beep - soon.t_ns // DAY_NS <= LEAD_DAYS  # whole percents


def test_by_engine_hours() -> None:
    unit = Unit(Service("service", every_engine_h=100.0, last_engine_h=1200.0), TYRES)
    unit.drive(1, engine_s=1800.0, heard={signals.ENGINE_HOURS: 1210.5})
    unit.drive(178, engine_s=1800.0)
    assert [(e.stage, e.by) for e in unit.of(ServiceDue)] == [("soon", "engine_hours")]
    unit.drive(2, engine_s=1800.0)
    assert [(e.stage, e.by) for e in unit.of(ServiceDue)][1:] == [("due", "engine_hours")]


def test_engine_hours_that_nobody_knows_make_nothing_due() -> None:
    unit = Unit(Service("service", every_engine_h=100.0, last_engine_h=1200.0)).drive(400, engine_s=3600.0)
    assert not unit.of(ServiceDue) and not unit.of(ServiceExpected)


def test_the_cars_own_countdown_is_an_item_without_a_word_in_the_config() -> None:
    unit = Unit()
    for days in range(100, -1, -1):
        unit.drive(1, heard={signals.DISTANCE_TO_SERVICE: 9000, signals.TIME_TO_SERVICE: days * 86_400})
    assert [(e.item, e.stage, e.by) for e in unit.of(ServiceDue)] == [("service", "soon", "time"), ("service", "due", "time")]
    assert unit.of(ServiceDue)[0].due_day == (MONDAY + timedelta(days=101)).date().isoformat()


def test_without_a_pace_no_day_is_told() -> None:
    unit = Unit(Service("oil change", 10_000, 13_000), reading_m=20e6).drive(6, km=60.0)
    assert unit.of(ServiceDue) == [], "3,000 km to go, and nobody knows how fast"
    (soon,) = unit.drive(2, km=60.0).of(ServiceDue)
    assert (soon.stage, soon.due_m, soon.likely_day) == ("soon", 23e6, None)
    assert "likely_day" not in unit.of(Concern)[0].values


def test_a_car_that_hardly_moves_is_not_told_soon_before_its_pace_is_known() -> None:
    unit = Unit(Service("oil change", 10_000, 13_000), reading_m=20e6).drive(60, km=0.3)
    assert unit.of(ServiceDue) == []


def test_a_short_interval_is_not_soon_due_when_it_begins() -> None:
    unit = Unit(Service("filter", every_months=1, last_day="2026-01-05")).until(5)
    assert told(unit) == []
    assert told(unit.until(12)) == [("filter", "soon")]


def test_no_date_from_a_clock_that_is_not_trusted() -> None:
    unit = Unit(Service("inspection", every_months=12, last_day="2025-02-01")).clock(quality="unsure").until(100)
    assert unit.events == []
    assert told(unit.clock(quality="synchronised").until(101)) == [("inspection", "due")]


def test_a_concern_has_what_a_text_needs() -> None:
    unit = driven_in(Service("oil change", 15_000, 10_000, 12, "2025-06-01")).drive(180)
    concern, due = unit.of(Concern)[0], unit.of(ServiceDue)[0]
    assert (concern.kind, concern.says, concern.bookable, concern.rests_on) == (
        "service",
        "service_soon",
        "oil change",
        [due.id],
    )
    assert concern.subject == "service oil change 25000000"
    assert set(concern.values) == {
        *("item", "by", "due_m", "due_day", "reading_m", "about", "last_done_m", "last_done_day"),
        *("earliest_day", "likely_day", "latest_day"),
    }


def test_forecasts_follow_the_pace() -> None:
    unit = driven_in(Service("oil change", 15_000, 10_000))
    slow = unit.of(ServiceExpected)[-1].forecast
    fast = unit.drive(20, km=90.0).of(ServiceExpected)[-1].forecast
    assert slow is not None and fast is not None and fast.likely_day < slow.likely_day


def test_after_a_quarter_abroad_it_is_told_in_time_and_comes_due_within_its_range() -> None:
    unit = Unit(Service("oil change", 15_000, 7_500, car_reminds_km_before=1000.0), reading_m=START_M - 120 * 30_000).drive(120)
    soon = unit.until(unit.day + 84).drive(110).of(ServiceDue)[0]
    beep = 120 + 84 + (22_500_000 - 1_000_000 - START_M) / 30_000
    assert 14 <= beep - soon.t_ns / DAY_NS <= LEAD_DAYS
    due = unit.of(ServiceDue)[1]
    day = (MONDAY + timedelta(days=due.t_ns // DAY_NS)).date().isoformat()
    assert soon.earliest_day is not None and soon.latest_day is not None and soon.earliest_day <= day <= soon.latest_day


# -- the car's own reminder ------------------------------------------------------------------------------


def test_it_is_learned_when_the_cars_reminder_starts() -> None:
    item = Service("service", 15_000, 10_500, from_car=True)
    unit = driven_in(item).drive(150, heard={signals.IS_SERVICE_DUE: False})
    left_m = 25.5e6 - unit.reading_m - 30_000
    unit.drive(1, heard={signals.IS_SERVICE_DUE: True})
    (reminded,) = unit.of(CarReminded)
    assert (reminded.how, reminded.day) == ("signal", unit.today)
    assert reminded.ahead_days is not None and reminded.ahead_days > 0
    state = interval_of(unit, "service")
    assert state.learned_m == pytest.approx(left_m, abs=30_000)
    unit.says("service", "done")
    assert interval_of(unit, "service").learned_m == state.learned_m


def test_a_person_may_say_that_it_beeped() -> None:
    unit = driven_in(Service("service", 15_000, 15_000, 12, "2026-01-05")).drive(30)
    unit.says("service", "the car reminded").says("service", "the car reminded").says("no such item", "the car reminded")
    (reminded,) = unit.of(CarReminded)
    assert (reminded.how, reminded.ahead_days) == ("told", None)


def test_what_it_learned_counts_in_the_next_interval() -> None:
    item = Service("inspection", every_months=12, last_day="2025-03-01")
    unit = Unit(item).until(15).says("inspection", "the car reminded").says("inspection", "done")  # 40 days before
    soon = [e for e in unit.until(400).of(ServiceDue) if e.stage == "soon"][-1]
    told_at = (MONDAY + timedelta(days=soon.t_ns // DAY_NS + 1)).date()
    assert soon.due_day is not None
    assert (date.fromisoformat(soon.due_day) - told_at).days == 40 + LEAD_DAYS


# -- done, and not ---------------------------------------------------------------------------------------


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


def changed(item: str, change: str) -> AppointmentChanged:
    return msgspec.convert({"id": "", "t_ns": 0, "boot_id": "b1", "bookable": item, "change": change}, AppointmentChanged)


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


# -- once ------------------------------------------------------------------------------------------------


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
