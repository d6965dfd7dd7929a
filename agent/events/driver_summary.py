"""DriverSummary: what a driver's trips of a month add up to; raised when the month is over in the owner's time zone.

TripAttributed: the household said who drove. A trip has a driver from the start (`unknown` is one).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec

from agent.events.clock import ClockCorrected
from agent.events.trip import TripEnded, TripStarted
from agent.household.attribution import How
from agent.localtime import month_end_ns, month_of
from agent.model import Context, Event, Rule, Setup, derive_id
from agent.stitch import is_trusted
from agent.tally import Sums, combine

MONTHS_KEPT = 3  # a trip found later than that no longer changes what was said


class DriverSummary(Event, frozen=True, kw_only=True, omit_defaults=True):
    """`month` as "2026-10", local. Sums over all trips and short moves; `revision` grows with each correction. Of a metric that
    not all of them know, `covers` says over how many metres it is: those of the trips that do. The far side adds
    a person's cars up by `household` and `person`, which is absent of a driver without a profile."""

    version: ClassVar[int] = 3
    importance: ClassVar[int] = 4
    driver: str
    month: str
    trips: int
    short_moves: int
    metrics: dict[str, Any]
    estimated: list[str] = []
    covers: dict[str, float] = {}
    revision: int = 0
    person: str | None = None  # the same in all units of the household
    household: str = ""


class TripAttributed(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A trip's driver, as the household corrected it; the last one counts. `before`: who had the trip until then."""

    version: ClassVar[int] = 2
    importance: ClassVar[int] = 4
    urgent: ClassVar[bool] = True
    trip_id: str
    driver: str
    how: How
    before: str
    sure: float = 1.0  # nobody knows better than they do


class DriverMonth(msgspec.Struct, frozen=True):
    trips: int = 0
    short_moves: int = 0
    sums: Sums = Sums()
    covers: dict[str, float] = {}  # as DriverSummary has it

    def plus(self, kind: str, sums: Sums) -> DriverMonth:
        trip, both = kind == "trip", combine(self.sums, sums)
        return DriverMonth(self.trips + trip, self.short_moves + (not trip), both, self._covers(sums.metrics, both.metrics))

    def _covers(self, trip: Mapping[str, Any], both: Mapping[str, Any]) -> dict[str, float]:
        """What the sums cover once `trip` has made them `both`."""
        before = self.sums.metrics
        partial = {name for name in both if (name in before) != (name in trip)} if self.trips + self.short_moves else set()
        over_m = dict.fromkeys(before, before.get("distance_m", 0.0)) | self.covers
        more_m = dict.fromkeys(trip, trip.get("distance_m", 0.0))
        return {n: over_m.get(n, 0.0) + more_m.get(n, 0.0) for n in sorted(partial | (self.covers.keys() & both.keys()))}


class Month(msgspec.Struct, frozen=True):
    drivers: dict[str, DriverMonth] = {}
    sent: int = 0  # how many times its summaries went out


class SummaryState(msgspec.Struct):
    months: dict[str, Month] = {}  # the one under way, those not told yet, and the told ones that a late trip may still correct
    driving: bool = False
    forgotten: str = ""  # the newest month that was told and is no longer here
    zone: str = ""  # where the months are counted
    moved: bool = False  # trips have another date, driver or time zone now, and are not added up anew yet
    is_covered: bool = False  # written by a version that knows what each sum covers


class DriverSummaries(Rule):
    """Adds up each month. A trip belongs to the month in which it started; one without a date to none.

    A month closes when it is over and no trip is under way. A trip that turns up later (ended by a power loss
    and only found at the next start), or that changes hands, sends the month's summaries anew with a higher revision.
    When the clock is corrected, a trip changes hands or the owner's time zone is another one, trips move to another month
    or driver: none closes before all are added up anew from the kept trips (agent/corrections.py), be it after a power cut.
    """

    name: ClassVar[str] = "driver_summary"
    hears: ClassVar[tuple[type[Event], ...]] = (ClockCorrected, TripAttributed, TripStarted, TripEnded)
    raises: ClassVar[tuple[type[Event], ...]] = (DriverSummary,)
    state: SummaryState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.zone = ZoneInfo(setup.owner.timezone)
        self.state = SummaryState(zone=setup.owner.timezone, is_covered=True)

    def event(self, ctx: Context, event: Event) -> Iterator[Event]:
        if isinstance(event, (ClockCorrected, TripAttributed)):
            self.state.moved = True
            return
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
        if not is_trusted(ctx.wall) or self.state.driving or self.state.moved:
            return None
        ends = [month_end_ns(name, self.zone) for name, month in self.state.months.items() if not month.sent]
        return min(ends) - ctx.wall.offset_ns if ends else None

    def is_open(self, month: str) -> bool:
        """Whether a trip that turns up in that month still changes its sums."""
        return month in self.state.months or month > self.state.forgotten

    def rebuilt(self, ctx: Context, trips: Iterable[tuple[int, str, str, Sums]]) -> list[Event]:
        """Add the months up anew from (start in UTC ns, driver, kind, sums) of all trips of open months.

        Gives the summaries of told months that are others now.
        """
        state, self.state.moved, self.state.zone = self.state, False, self.setup.owner.timezone
        months = {
            n: {d: DriverMonth() for d in m.drivers if m.sent} for n, m in state.months.items()
        }  # who has none left is told
        for start_utc_ns, driver, kind, sums in trips:
            drivers = months.setdefault(month_of(start_utc_ns, self.zone), {})
            drivers[driver] = drivers.get(driver, DriverMonth()).plus(kind, sums)
        events: list[Event] = []
        for name, drivers in sorted(months.items()):
            events += self._put(ctx, name, Month(drivers, state.months.get(name, Month()).sent))
        return events

    def restore(self, body: bytes, ctx: Context) -> None:
        super().restore(body, ctx)
        self.state.moved = self.state.moved or self.state.zone != self.setup.owner.timezone or not self.state.is_covered
        self.state.is_covered = True

    def _put(self, ctx: Context, name: str, month: Month) -> Iterator[Event]:
        if not self.is_open(name):
            return
        before = self.state.months.get(name)
        months = {**self.state.months, name: month}
        if not (month.drivers or month.sent):  # all its trips have another date now
            del months[name]
        for old in sorted(months)[:-MONTHS_KEPT]:
            if months[old].sent:
                del months[old]
                self.state.forgotten = max(self.state.forgotten, old)
        self.state.months = months
        if month.sent and month != before and name in months:
            yield from self._send(ctx, name)

    def _over(self, ctx: Context) -> list[str]:
        if not is_trusted(ctx.wall):
            return []
        now_ns = ctx.wall.utc_ns(ctx.t_ns)
        return [n for n, m in self.state.months.items() if not m.sent and month_end_ns(n, self.zone) <= now_ns]

    def _send(self, ctx: Context, name: str) -> Iterator[Event]:
        month = self.state.months[name]
        self.state.months = self.state.months | {name: msgspec.structs.replace(month, sent=month.sent + 1)}
        profiles = {d.id: d for d in ctx.household.drivers}
        for driver, total in sorted(month.drivers.items()):
            known = profiles.get(driver)
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
                covers=total.covers,
                revision=month.sent,
                person=(known.person or known.id) if known else None,
                household=self.setup.owner.household,
            )
