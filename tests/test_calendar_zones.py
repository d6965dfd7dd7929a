"""The owner's calendar: clocks that go forward and back, and another time zone in keyoff.toml. The whole daemon."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from agent.config import Owner, Service
from tests.sim.car import at
from tests.sim.entries import name_driver
from tests.sim.unit import Unit


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Unit]:
    """In October it drove once, in Berlin; it went off for the night of the 30th."""
    made = Unit(tmp_path)
    made.boot("2026-10-30 18:00").clock().drive()
    yield made
    made.store.close()


# -- clocks go forward and back -------------------------------------------------------------------------

OIL = (Service("oil change", 15_000, 84_995),)  # due at 99,995 km
CHANGES = [
    ("2026-03-29 01:50", "2026-03-29 03:10", "2026-03-31 23:59", "2026-04-01 00:01"),  # 02:00 becomes 03:00
    ("2026-10-25 02:50", "2026-10-25 02:10", "2026-10-31 23:59", "2026-11-01 00:01"),  # 03:00 becomes 02:00
]


@pytest.mark.parametrize(("start", "end", "before", "after"), CHANGES)
def test_a_drive_through_a_clock_change_is_as_long_as_it_was(
    tmp_path: Path, start: str, end: str, before: str, after: str
) -> None:
    unit = Unit(tmp_path)
    unit.boot(start).clock().drive(1200)
    (trip,) = unit.store.trips()
    assert (unit.local(trip["start_utc_ns"]), unit.local(trip["end_utc_ns"])) == (start, end)
    metrics = msgspec.json.decode(trip["metrics"])
    assert metrics["duration_s"] == metrics["night_s"] == 1201, "twenty minutes, all of them at night"
    assert metrics["distance_m"] == pytest.approx(1190 * 15)
    assert unit.until(before).months() == []
    assert unit.until(after).months() == [(start[:7], 1, 0)]
    assert [unit.local(e["utc_ns"]) for e in unit.told("DriverSummary")] == [f"{after[:10]} 00:00"]
    unit.store.close()


@pytest.mark.parametrize(
    ("start", "tell_at", "told"),
    [
        ("2026-03-29 00:30", "08:15", ["2026-03-29 08:15"]),  # seven hours later, less the one that there was not
        ("2026-10-25 00:30", "08:15", ["2026-10-25 08:15"]),
        ("2026-10-25 00:30", "02:30", ["2026-10-25 02:30"]),  # this time comes twice
    ],
)
def test_a_prompt_held_over_a_clock_change_is_for_the_stated_time_once(
    tmp_path: Path, start: str, tell_at: str, told: list[str]
) -> None:
    unit = Unit(tmp_path, Owner(timezone="Europe/Berlin", tell_at=tell_at), OIL)
    without_quiet_hours(unit.boot(start).clock()).drive(odometer_m=99_994_000.0).until(start[:10] + " 01:30")
    assert len(unit.store.conn.execute("SELECT * FROM prompts WHERE state = 'held'").fetchall()) == 1
    unit.boot(start[:10] + " 01:40").clock().until(start[:10] + " 01:55")
    unit.daemon.enter("SlotsOffered", {"bookable": "oil change", "slots": []}, "no appointments")
    unit.until(start[:10] + " 23:00")
    assert [unit.local(e["not_before_utc_ns"]) for e in unit.told("PromptReleased")] == told
    unit.store.close()


def test_a_prompt_is_not_released_in_mid_drive_because_clocks_go_forward_over_the_stated_time(tmp_path: Path) -> None:
    unit = Unit(tmp_path, Owner(timezone="Europe/Berlin", tell_at="02:30"), OIL)
    without_quiet_hours(unit.boot("2026-03-29 01:15").clock())
    unit.daemon.enter("SlotsOffered", {"bookable": "oil change", "slots": [SLOT]}, "appointments")
    unit.until("2026-03-29 01:45").drive(1800, odometer_m=99_972_000.0)
    (message,) = unit.told("PromptReleased")
    assert unit.local(message["released_utc_ns"]) == "2026-03-29 03:15"
    assert unit.local(message["not_before_utc_ns"]) == "2026-03-29 03:30", "a time that this day has not: as much later"
    unit.store.close()


SLOT = {"id": "s", "start": "2026-04-01T09:00+02:00", "end": "2026-04-01T10:00+02:00", "place": "a workshop"}


def without_quiet_hours(unit: Unit) -> Unit:
    ana = {"id": "ana", "is_keeper": True, "quiet_from": "00:00", "quiet_to": "00:00"}
    unit.daemon.enter("DriverSaved", {"driver": ana}, "ana")
    return unit


# -- another time zone ------------------------------------------------------------------------------------


def moved_to(unit: Unit, timezone: str) -> Unit:
    """The owner writes another zone into keyoff.toml; times in the test are its own from now on."""
    unit.owner = Owner(timezone=timezone)
    return unit


def test_after_a_change_of_time_zone_the_month_ends_there(unit: Unit) -> None:
    moved_to(unit, "Pacific/Auckland").boot("2026-10-31 12:00").clock().until("2026-10-31 23:59")
    assert unit.months() == []
    unit.until("2026-11-01 01:00")
    assert unit.months() == [("2026-10", 1, 0)]
    (told,) = unit.told("DriverSummary")
    assert unit.local(told["utc_ns"]) == "2026-11-01 00:00"
    assert told["utc_ns"] < at(datetime.fromisoformat("2026-10-31T12:00+00:00").timestamp()), "half a day before Berlin's"


def test_a_trip_that_lies_in_another_month_there_is_in_one_sum_only(unit: Unit) -> None:
    """00:30 on 1 November in Berlin is the evening of 31 October in New York; October has been told by then."""
    unit.boot("2026-11-01 00:30").clock().tick().drive()
    assert unit.months() == [("2026-10", 1, 0)]
    moved_to(unit, "America/New_York").boot("2026-10-31 21:00").clock().tick().drive()
    assert unit.until("2026-12-02 12:00").months()[-1] == ("2026-10", 3, 2), "and there is no November"
    name_driver(unit.daemon, "ana")
    assert [(e["month"], e["driver"], e["trips"]) for e in unit.told("DriverSummary")[-2:]] == [
        ("2026-10", "ana", 1), ("2026-10", "unknown", 2)
    ]  # fmt: skip


def test_and_back_east_nothing_is_skipped_or_told_twice(unit: Unit) -> None:
    """The same evening the other way round: in the west it is still October, at home November."""
    moved_to(unit, "America/New_York").boot("2026-10-31 21:00").clock().drive().until("2026-10-31 22:00")
    assert unit.months() == []
    moved_to(unit, "Europe/Berlin").boot("2026-11-01 08:00").clock().drive()
    assert unit.until("2026-11-01 12:00").months() == [("2026-10", 1, 0)]
    assert unit.until("2026-12-02 12:00").months() == [("2026-10", 1, 0), ("2026-11", 2, 0)]
