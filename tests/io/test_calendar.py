"""The calendar over a clock that is found late, steps and goes back: nothing skipped, nothing repeated."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from agent.io.calendar import CRON, Calendar
from agent.model import NS, Wall

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 10, 24, 12, tzinfo=UTC)
TRUSTED = Wall(round(NOON.timestamp()) * NS, "synchronised")


class Ledger:
    def __init__(self) -> None:
        self.marks: set[tuple[str, str]] = set()

    def is_done(self, job: str, period: str) -> bool:
        return (job, period) in self.marks

    def mark_done(self, job: str, period: str) -> None:
        self.marks.add((job, period))


class Bench:
    """A calendar whose date the test sets; APScheduler itself lives in real time."""

    def __init__(self) -> None:
        self.now = NOON
        self.ledger = Ledger()
        self.calendar = Calendar(self.ledger, BERLIN, lambda: self.now)

    def work(self, wall: Wall | None = TRUSTED) -> list[str]:
        jobs = self.calendar.take(wall)
        for job in jobs:
            self.calendar.done(job)
        return list(jobs)

    def fires(self) -> None:
        """What APScheduler's thread does when the night has come."""
        for job in ("retention", "compaction"):
            self.calendar._due.put(job)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.calendar.stop()


def test_without_a_trusted_clock_there_is_no_calendar(bench: Bench) -> None:
    assert bench.work(None) == []
    assert bench.work(Wall(TRUSTED.offset_ns, "unsure")) == []
    assert not bench.calendar.is_running


def test_what_came_due_while_the_unit_was_off_is_done_once_at_the_start(bench: Bench) -> None:
    assert sorted(bench.work()) == ["compaction", "retention"]
    assert bench.work() == []
    assert bench.ledger.marks == {("retention", "2026-10-24"), ("compaction", "2026-W43")}


def test_a_restart_on_the_same_day_repeats_nothing(bench: Bench) -> None:
    bench.work()
    again = Calendar(bench.ledger, BERLIN, lambda: NOON + timedelta(hours=1))
    try:
        assert again.take(TRUSTED) == []
    finally:
        again.stop()


def test_a_step_back_repeats_nothing_and_a_step_forward_over_weeks_does_each_once(bench: Bench) -> None:
    bench.work()
    bench.now = NOON - timedelta(hours=11)
    bench.fires()
    assert bench.work() == [], "the day is done, whatever the clock says of the hour"
    bench.now = NOON + timedelta(days=40)
    bench.fires()
    bench.fires()
    assert sorted(bench.work()) == ["compaction", "retention"]


def test_the_period_is_the_owners_day_also_when_the_clock_changes(bench: Bench) -> None:
    bench.now = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)  # 00:30 on the 25th in Berlin, the night of the change
    assert bench.calendar.period("retention") == "2026-10-25"
    bench.now = datetime(2026, 10, 25, 22, 30, tzinfo=UTC)  # 23:30 of the same day, an hour later than it was
    assert bench.calendar.period("retention") == "2026-10-25"


def test_a_real_date_wakes_it_and_a_step_wakes_the_scheduler() -> None:
    calendar = Calendar(Ledger(), BERLIN)
    now_ns = round(datetime.now(UTC).timestamp() * NS)
    wall = Wall(now_ns, "synchronised")
    try:
        calendar.take(wall)
        pause, found = threading.Event(), []
        for _ in range(1200):
            found += calendar.take(wall, now_ns + NS // 5)
            if "due" in found:
                break
            pause.wait(0.05)
        assert found[-1] == "due"
        woken = threading.Event()
        calendar._scheduler.wakeup = woken.set  # type: ignore[union-attr]
        calendar.take(Wall(now_ns + 3600 * NS, "synchronised"))
        assert woken.is_set()
    finally:
        calendar.stop()


def test_no_clock_change_falls_into_a_jobs_time() -> None:
    """An hour that is left out, or is there twice, has another offset for its second time."""
    days = [datetime(2027, 1, 1) + timedelta(days=n) for n in range(365)]
    times = [day.replace(hour=when["hour"], minute=when["minute"]) for day in days for when in CRON.values()]
    changing = set()
    for name in available_timezones():
        zone = ZoneInfo(name)
        if any(zone.utcoffset(time) != zone.utcoffset(time.replace(fold=1)) for time in times):
            changing.add(name)
    assert changing == set()
