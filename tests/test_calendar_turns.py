"""Months over boots with wrong clocks: a month's end while the unit is off, clocks that are found late, that step, that go.

The whole daemon in simulated time (tests/sim/unit.py); what a clock shows goes through io/clock.py's judgement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from agent.events.clock import UNDATED
from agent.model import NS
from tests.sim.car import drive, seconds
from tests.sim.unit import BUILT_UTC_NS, Unit

ROLL_OVER_S = 7168 * 86_400  # 1024 weeks: what a GNSS receiver with old firmware is wrong by


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Unit]:
    """In October it drove once; the clock was right. It went off for the night of the 30th."""
    made = Unit(tmp_path)
    made.boot("2026-10-30 18:00").clock().drive()
    yield made
    made.store.close()


# -- a month's end while it was off, and a clock that is wrong when it comes back -----------------------


def nothing(unit: Unit) -> None:
    """No date at all."""


def roll_over(unit: Unit) -> None:
    """A GNSS receiver sets the clock 1024 weeks too early, and the kernel believes it."""
    unit.clock()
    unit.error_s = -ROLL_OVER_S
    unit.synchronised = True


def build_time(unit: Unit) -> None:
    """systemd sets the clock to its own build time at least."""
    unit.clock("2026-01-01 00:00", synchronised=False)


def last_shutdown(unit: Unit) -> None:
    """fake-hwclock brings back the time of the last shutdown: it is after all that was known, and wrong."""
    unit.clock("2026-10-30 18:30", synchronised=False)


def a_month_ahead(unit: Unit) -> None:
    unit.clock("2026-12-24 18:00", synchronised=False)


WRONG = [nothing, roll_over, build_time, last_shutdown, a_month_ahead]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_month_that_ended_while_it_was_off_is_told_once_when_the_clock_is_found_after_the_drive(
    unit: Unit, wrong: Callable[[Unit], None]
) -> None:
    unit.boot("2026-11-03 08:00")
    wrong(unit)
    unit.drive().drive()
    assert unit.months() == []
    unit.clock().tick()
    assert unit.until("2026-11-03 12:00").months() == [("2026-10", 1, 0)]
    assert unit.trips() == ["2026-10-30 18:00", "2026-11-03 08:00", "2026-11-03 08:05"]
    assert unit.until("2027-02-01 12:00").months() == [("2026-10", 1, 0), ("2026-11", 2, 0)]


@pytest.mark.parametrize("wrong", WRONG)
def test_and_when_it_is_found_in_mid_drive(unit: Unit, wrong: Callable[[Unit], None]) -> None:
    unit.boot("2026-11-03 08:00")
    wrong(unit)
    unit.drive(half_way=unit.clock)
    assert unit.until("2026-11-03 12:00").months() == [("2026-10", 1, 0)]
    assert unit.trips() == ["2026-10-30 18:00", "2026-11-03 08:00"]
    assert unit.until("2027-02-01 12:00").months() == [("2026-10", 1, 0), ("2026-11", 1, 0)]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_trip_of_the_old_month_that_is_dated_in_the_new_one_is_in_the_old_ones_sum(
    unit: Unit, wrong: Callable[[Unit], None]
) -> None:
    unit.boot("2026-10-31 22:00")
    wrong(unit)
    unit.drive().until("2026-11-01 06:00")
    assert unit.months() == [], "it cannot know"
    assert unit.clock().tick().until("2026-11-01 12:00").months() == [("2026-10", 2, 0)]
    assert unit.until("2027-02-01 12:00").months() == [("2026-10", 2, 0)]


@pytest.mark.parametrize("wrong", [nothing, roll_over, build_time])
def test_a_boot_without_any_clock_in_between_keeps_its_order_and_has_no_date(unit: Unit, wrong: Callable[[Unit], None]) -> None:
    unit.boot("2026-11-02 08:00")
    wrong(unit)
    unit.drive().until("2026-11-02 10:00")
    unit.boot("2026-11-03 08:00").clock().drive()
    assert unit.trips() == ["2026-10-30 18:00", None, "2026-11-03 08:00"]
    told = unit.store.conn.execute("SELECT body FROM events WHERE kind = 'HealthReported'").fetchall()
    assert [msgspec.json.decode(each["body"])["counts"] for each in told] == [{UNDATED: 1}]
    assert unit.until("2027-02-01 12:00").months() == [("2026-10", 1, 0), ("2026-11", 1, 0)], "which month it was nobody knows"


def test_a_new_unit_at_its_build_time_tells_of_no_month_in_which_it_did_not_drive(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    unit.boot("2026-10-30 18:00")
    unit.clock(unit.local(BUILT_UTC_NS + 60 * NS), synchronised=False).drive().drive().clock().tick()
    assert unit.until("2026-12-01 12:00").months() == [("2026-10", 2, 0)]
    assert unit.trips() == ["2026-10-30 18:00", "2026-10-30 18:05"]
    unit.store.close()


def test_a_drive_that_power_cut_in_the_old_month_is_in_its_sum_whenever_the_clock_is_found(unit: Unit) -> None:
    unit.until("2026-10-31 23:50")
    for second, samples in seconds(drive(unit.t_s + 1, 900)[:200]):
        unit.t_s = second - 1.0
        unit.tick().daemon.samples(samples)
    unit.boot("2026-11-03 08:00").tick().until("2026-11-03 09:00")
    assert unit.months() == []
    assert unit.clock().tick().until("2026-11-03 10:00").months() == [("2026-10", 2, 0)]


@pytest.mark.parametrize("wrong", WRONG)
def test_power_that_is_cut_as_soon_as_the_clock_is_found_costs_no_trip_its_month(
    unit: Unit, wrong: Callable[[Unit], None]
) -> None:
    unit.boot("2026-11-03 08:00")
    wrong(unit)
    unit.drive().clock().tick().cut()
    unit.boot("2026-11-04 08:00").clock().tick().drive()
    assert unit.until("2027-02-01 12:00").months() == [("2026-10", 1, 0), ("2026-11", 2, 0)]


def test_a_cut_between_a_correction_and_the_sums_costs_nothing_either(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    unit.boot("2026-11-03 08:00")
    last_shutdown(unit)
    unit.drive().clock()
    monkeypatch.setattr(unit.daemon, "_settle", lambda: None)  # it did not get there any more
    unit.tick().cut()
    unit.boot("2026-11-04 08:00").clock().tick()
    assert unit.until("2027-02-01 12:00").months() == [("2026-10", 1, 0), ("2026-11", 1, 0)]


# -- steps of a clock that was trusted ------------------------------------------------------------------


def test_a_step_back_over_the_months_end_tells_the_old_month_again_only_for_what_is_new(unit: Unit) -> None:
    unit.boot("2026-10-31 20:00").clock("2026-11-01 01:00").drive()
    assert unit.until("2026-10-31 21:00").months() == [("2026-10", 1, 0)], "it was told that October is over"
    unit.clock().tick().tick()
    assert unit.months() == [("2026-10", 1, 0), ("2026-10", 2, 1)], "the drive was in October"
    assert unit.until("2026-11-30 23:00").months() == [("2026-10", 1, 0), ("2026-10", 2, 1)]
    assert unit.drive().until("2026-12-02 12:00").months()[2:] == [("2026-11", 1, 0)]


def test_a_step_forward_by_two_months_moves_what_this_boot_drove_and_tells_no_month_without_it(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    unit.boot("2026-12-30 18:00").clock("2026-10-30 18:00").drive().drive()
    unit.clock().tick().tick()
    assert unit.until("2026-12-31 12:00").months() == []
    assert unit.trips() == ["2026-12-30 18:00", "2026-12-30 18:05"]
    assert unit.until("2027-03-01 12:00").months() == [("2026-12", 2, 0)]
    unit.store.close()


def test_a_step_forward_by_two_months_leaves_what_an_earlier_boot_drove(unit: Unit) -> None:
    unit.boot("2026-12-30 18:00").clock("2026-10-31 18:00").drive()
    assert unit.clock().tick().until("2027-02-01 12:00").months() == [("2026-10", 1, 0), ("2026-12", 1, 0)]


def test_a_clock_that_was_in_the_future_says_so_and_leaves_no_month_behind(unit: Unit) -> None:
    for month in ("2027-05", "2028-05", "2029-05", "2030-05"):
        unit.clock(f"{month}-10 12:00").tick().drive().clock().tick()
    assert [unit.local(t["t_ns"] + t["before_offset_ns"])[:7] for t in unit.told("ClockCorrected")] == [  # type: ignore[index]
        "2026-10", "2027-05", "2026-10", "2028-05", "2026-10", "2029-05", "2026-10", "2030-05"
    ]  # fmt: skip
    assert all(t is not None and t.startswith("2026-10-30 18:") for t in unit.trips())
    assert unit.until("2026-12-01 12:00").months()[-1][:2] == ("2026-10", 5)
    assert unit.drive().until("2027-01-01 12:00").months()[-1] == ("2026-12", 1, 0)


def test_a_step_within_the_month_repeats_nothing_that_was_told(unit: Unit) -> None:
    unit.until("2026-11-03 12:00")
    unit.clock("2026-11-03 12:01").tick().tick()
    assert len(unit.told("ClockCorrected")) == 1
    assert unit.months() == [("2026-10", 1, 0)]


def test_a_drive_while_the_clock_was_away_for_a_while_gets_its_date_when_it_is_back(unit: Unit) -> None:
    roll_over(unit)
    unit.tick().drive()
    assert unit.trips() == ["2026-10-30 18:00", None]
    unit.clock().tick()
    assert unit.trips() == ["2026-10-30 18:00", "2026-10-30 18:05"]
    assert unit.until("2026-11-01 12:00").months() == [("2026-10", 2, 0)]


def test_months_without_a_trusted_clock_are_all_told_once_there_is_one(unit: Unit) -> None:
    for month in ("2026-11", "2026-12", "2027-01", "2027-02", "2027-03"):
        unit.boot(f"{month}-10 08:00").clock(synchronised=False).drive()
    assert unit.months() == []
    unit.boot("2027-04-10 08:00").clock().tick()
    assert unit.months() == [(f"{m}", 1, 0) for m in ("2026-10", "2026-11", "2026-12", "2027-01", "2027-02", "2027-03")]
