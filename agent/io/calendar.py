"""Work by the calendar: retention each night, compaction each week, and a wake-up for what is due at a far date.

APScheduler does the calendar; its threads only put names into a queue, which the daemon's own thread empties. What is
done is kept by period ("2026-10-26", "2026-W43") in the store's own table, because the clock is not to be relied on:

- it starts only once the clock is trusted: before that there is no calendar;
- a step back lets a job come due again: its period is done, so nothing is repeated;
- a step forward over many days makes APScheduler fire once for all of them (coalesce), however late (no grace time);
- after a step it has to be woken: it would sleep on until the old time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from agent.model import NS, Wall

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

Job: TypeAlias = Literal["retention", "compaction", "due"]

CRON: dict[Job, dict[str, Any]] = {
    "retention": {"hour": 4, "minute": 20},  # the car stands, the card is idle; in no zone does a clock change fall into it
    "compaction": {"day_of_week": "sun", "hour": 4, "minute": 40},
}
PERIOD: dict[Job, str] = {"retention": "%Y-%m-%d", "compaction": "%G-W%V"}
TRUSTED = ("synchronised",)
STEP_NS = 2 * NS  # what NTP slews is less


class Ledger(Protocol):
    """What has been done, for ever; the store keeps it."""

    def is_done(self, job: str, period: str) -> bool: ...

    def mark_done(self, job: str, period: str) -> None: ...


class Calendar:
    """`take` is called about once a second by the thread that owns the store; it gives the jobs to do now."""

    def __init__(self, ledger: Ledger, zone: ZoneInfo, now: Callable[[], datetime] | None = None) -> None:
        self.ledger = ledger
        self.zone = zone
        self._now = now or (lambda: datetime.now(UTC))
        self._due: SimpleQueue[Job] = SimpleQueue()
        self._scheduler: BackgroundScheduler | None = None
        self._offset_ns = 0
        self._next_utc_ns: int | None = None

    @property
    def is_running(self) -> bool:
        return self._scheduler is not None

    def take(self, wall: Wall | None, next_utc_ns: int | None = None) -> list[Job]:
        """The jobs that have come due and are not done in their period; `next_utc_ns`: when the engine wants to be woken."""
        if wall is None or wall.quality not in TRUSTED:
            return []
        if self._scheduler is None:
            self._start(wall)
        elif abs(wall.offset_ns - self._offset_ns) >= STEP_NS:
            self._scheduler.wakeup()
        self._offset_ns = wall.offset_ns
        self._wake_at(next_utc_ns)
        return [job for job in self._queued() if job == "due" or not self.ledger.is_done(job, self.period(job))]

    def done(self, job: Job) -> None:
        """`job` has been done in the period under way."""
        if job in PERIOD:
            self.ledger.mark_done(job, self.period(job))

    def period(self, job: Job) -> str:
        """The local day or week in which it is now."""
        return self._now().astimezone(self.zone).strftime(PERIOD[job])

    def stop(self) -> None:
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None

    def _start(self, wall: Wall) -> None:
        from apscheduler.schedulers.background import BackgroundScheduler  # late: 0.1 s, and never without a clock

        defaults = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        self._scheduler = BackgroundScheduler(timezone=self.zone, job_defaults=defaults)
        for job, when in CRON.items():
            self._scheduler.add_job(self._due.put, "cron", args=[job], id=job, **when)
            self._due.put(job)  # it may have come due while the unit was off; the ledger knows
        self._scheduler.start()

    def _wake_at(self, utc_ns: int | None) -> None:
        if utc_ns == self._next_utc_ns or self._scheduler is None:
            return
        self._next_utc_ns = utc_ns
        if utc_ns is None:
            if self._scheduler.get_job("due"):
                self._scheduler.remove_job("due")
            return
        at = datetime.fromtimestamp(utc_ns / NS, UTC)
        self._scheduler.add_job(self._due.put, "date", run_date=at, args=["due"], id="due", replace_existing=True)

    def _queued(self) -> list[Job]:
        found: list[Job] = []
        while True:
            try:
                job = self._due.get_nowait()
            except Empty:
                return found
            if job not in found:
                found.append(job)
