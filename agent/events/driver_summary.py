"""DriverSummary: what a driver's trips of a month add up to; raised when the month is over in the owner's time zone.

TripAttributed: the household said who drove. A trip has a driver from the start (`unknown` is one).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec

from agent.events.trip import TripEnded, TripStarted
from agent.model import NS, Context, Event, Rule, Setup, derive_id
from agent.stitch import is_trusted
from agent.tally import Sums, combine

MONTHS_KEPT = 3  # a trip found later than that no longer changes what was said


class DriverSummary(Event, frozen=True, kw_only=True, omit_defaults=True):
    """`month` as "2026-10", local. Sums over all trips and short moves; `revision` grows with each correction."""

    importance: ClassVar[int] = 4
    driver: str
    month: str
    trips: int
    short_moves: int
    metrics: dict[str, Any]
    estimated: list[str] = []
    revision: int = 0


class TripAttributed(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A trip's driver, as the household corrected it; the last one counts."""

    importance: ClassVar[int] = 4
    urgent: ClassVar[bool] = True
    trip_id: str
    driver: str
    how: str
    before: str


class DriverMonth(msgspec.Struct, frozen=True):
    trips: int = 0
    short_moves: int = 0
    sums: Sums = Sums()

    def plus(self, kind: str, sums: Sums) -> DriverMonth:
        trip = kind == "trip"
        return DriverMonth(self.trips + trip, self.short_moves + (not trip), combine(self.sums, sums))


class Month(msgspec.Struct, frozen=True):
    drivers: dict[str, DriverMonth] = {}
    sent: int = 0  # how many times its summaries went out


class SummaryState(msgspec.Struct):
    months: dict[str, Month] = {}  # the one under way, and the closed ones that a late trip may still correct
    driving: bool = False


class DriverSummaries(Rule):
    """Adds up each month. A trip belongs to the month in which it started; one without a date to none.

    A month closes when it is over and no trip is under way. A trip that turns up later (ended by a power loss
    and only found at the next start), or that changes hands, sends the month's summaries anew with a higher revision.
    """

    name: ClassVar[str] = "driver_summary"
    hears: ClassVar[tuple[type[Event], ...]] = (TripStarted, TripEnded)
    raises: ClassVar[tuple[type[Event], ...]] = (DriverSummary,)
    state: SummaryState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.zone = ZoneInfo(setup.owner.timezone)
        self.state = SummaryState()

    def event(self, ctx: Context, event: Event) -> Iterator[Event]:
        self.state.driving = isinstance(event, TripStarted)
        if not isinstance(event, TripEnded) or event.start_utc_ns is None:
            return
        name = month_of(event.start_utc_ns, self.zone)
        month = self.state.months.get(name, Month())
        total = month.drivers.get(event.driver, DriverMonth()).plus(event.kind, Sums(event.metrics, event.estimated))
        yield from self._put(ctx, name, msgspec.structs.replace(month, drivers=month.drivers | {event.driver: total}))

    def wake(self, ctx: Context) -> Iterator[Event]:
        for name in self._over(ctx):
            yield from self._send(ctx, name)

    def next_wake(self, ctx: Context) -> int | None:
        if not is_trusted(ctx.wall) or self.state.driving:
            return None
        ends = [month_end_ns(name, self.zone) for name, month in self.state.months.items() if not month.sent]
        return min(ends) - ctx.wall.offset_ns if ends else None

    def rebuilt(self, ctx: Context, name: str, trips: Iterable[tuple[str, str, Sums]]) -> list[Event]:
        """Add a month up anew from (driver, kind, sums) of its trips, after one changed hands."""
        before = self.state.months.get(name, Month())
        drivers = {d: DriverMonth() for d in before.drivers if before.sent}  # who has no trip left is told so
        for driver, kind, sums in trips:
            drivers[driver] = drivers.get(driver, DriverMonth()).plus(kind, sums)
        return list(self._put(ctx, name, Month(drivers, before.sent)))

    def _put(self, ctx: Context, name: str, month: Month) -> Iterator[Event]:
        kept = sorted({*self.state.months, name})[-MONTHS_KEPT:]
        self.state.months = {k: month if k == name else self.state.months[k] for k in kept}
        if month.sent and name in kept:
            yield from self._send(ctx, name)

    def _over(self, ctx: Context) -> list[str]:
        if not is_trusted(ctx.wall):
            return []
        now_ns = ctx.wall.utc_ns(ctx.t_ns)
        return [n for n, m in self.state.months.items() if not m.sent and month_end_ns(n, self.zone) <= now_ns]

    def _send(self, ctx: Context, name: str) -> Iterator[Event]:
        month = self.state.months[name]
        self.state.months = self.state.months | {name: msgspec.structs.replace(month, sent=month.sent + 1)}
        for driver, total in sorted(month.drivers.items()):
            yield DriverSummary(
                id=derive_id(ctx.unit, "DriverSummary", driver, name, month.sent),
                t_ns=ctx.t_ns,
                boot_id=ctx.boot_id,
                driver=driver,
                month=name,
                trips=total.trips,
                short_moves=total.short_moves,
                metrics=total.sums.metrics,
                estimated=total.sums.estimated,
                revision=month.sent,
            )


def month_of(utc_ns: int, zone: ZoneInfo) -> str:
    """The local month of a moment, as "2026-10"."""
    return f"{datetime.fromtimestamp(utc_ns // NS, UTC).astimezone(zone):%Y-%m}"


def month_end_ns(month: str, zone: ZoneInfo) -> int:
    """The first moment after `month`, in UTC ns."""
    year, number = map(int, month.split("-"))
    after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    return round(after.timestamp()) * NS
