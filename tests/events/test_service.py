"""service: an item is due once per interval."""

from __future__ import annotations

from agent.config import Service
from agent.events.service import ServiceDue
from agent.signals import ODOMETER
from tests.sim.car import Bench, at, drive, every_second

OIL = Service("oil change", 10_000, 10_001)  # due at 20,001 km
TYRES = Service("tyres", 40_000, 0)
START_M = 20_000_000.0


def test_it_comes_due_in_mid_drive_at_its_reading() -> None:
    bench = Bench(services=(OIL, TYRES)).live(drive(odometer_m=START_M)).until(999)
    (due,) = bench.of(ServiceDue)
    assert (due.item, due.due_m, due.reading_m, due.about) == ("oil change", 20_001_000.0, 20_001_000.0, False)
    assert at(10) < due.t_ns < bench.trip.end_ns


def test_one_that_is_overdue_at_the_first_reading_is_told_then() -> None:
    (due,) = Bench(services=(OIL,)).live(every_second(0, [30_000_000.0] * 9, ODOMETER)).of(ServiceDue)
    assert due.reading_m == 30_000_000.0


def test_once_over_restarts_and_reboots() -> None:
    bench = (
        Bench(services=(OIL,)).live(drive(odometer_m=START_M)).until(999).restart().live(drive(1000, odometer_m=START_M + 4350))
    )
    bench.restart("boot-2").live(drive(odometer_m=START_M + 8700)).until(999)
    assert len(bench.of(ServiceDue)) == 1


def test_the_next_interval_begins_when_the_config_says_that_it_was_done() -> None:
    bench = Bench(services=(OIL,)).live(drive(odometer_m=START_M)).until(999)
    again = Bench(services=(Service("oil change", 10_000, 20_002),))
    again.engine.restore(bench.engine.states())
    again.live(drive(1000, odometer_m=START_M + 4350)).until(2000)
    assert again.of(ServiceDue) == []
    again.live(every_second(200_000, [30_002_000.0] * 9, ODOMETER))
    assert [e.due_m for e in again.of(ServiceDue)] == [30_002_000.0]


def test_wrong_readings_make_nothing_due() -> None:
    bench = Bench(services=(OIL,)).live(every_second(0, [START_M] * 5 + [90_000_000.0] * 9 + [START_M] * 60, ODOMETER))
    assert bench.of(ServiceDue) == []
