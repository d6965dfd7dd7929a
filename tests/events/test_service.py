"""service: told in the car, soon and due, before the car's own reminder."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from agent import signals
from agent.config import Service
from agent.events.concern import Concern
from agent.events.service_record import CarReminded, ServiceDue, ServiceExpected
from agent.service.interval import LEAD_DAYS
from agent.signals import ODOMETER
from tests.sim.car import Bench, at, drive, every_second
from tests.sim.serviced import DAY_NS, MONDAY, OIL, START_M, TYRES, Unit, driven_in, interval_of, told

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
