"""MilestoneReached: a round reading, noticed the moment it is passed, exactly once for ever. MilestoneAhead: one is near.

Its id is derived from the unit and the mark alone, and the marks reached are kept in a table that no retention
touches: restarts, replays, a cluster swap or a glitch across the mark cannot raise it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import msgspec

from agent.events.concern import Concern
from agent.events.habits import HabitsChanged
from agent.events.odometer import OdometerAdvanced
from agent.events.trip import TripEnded, TripStarted
from agent.household import UNIT_M
from agent.model import Context, Event, Rule, Setup, derive_id

AHEAD_DAYS = 14  # near enough to look forward to
FIRST_MARKS = (1_000, 10_000, 50_000)  # then every 100,000: rare enough to be worth a word
EVERY = 100_000


class MilestoneReached(Event, frozen=True, kw_only=True, omit_defaults=True):
    """`mark` in `counts`; `about`: from an estimated odometer; `unseen`: it was passed while nobody looked."""

    importance: ClassVar[int] = 1
    urgent: ClassVar[bool] = True
    once: ClassVar[bool] = True
    mark: int
    counts: str
    reading_m: float
    about: bool = False
    error_m: float = 0.0
    unseen: bool = False
    utc_ns: int | None = None


class MilestoneAhead(Event, frozen=True, kw_only=True, omit_defaults=True):
    """`mark` is likely to be passed on this trip, or within two weeks at the pace of the last ones; no promise."""

    importance: ClassVar[int] = 6
    once: ClassVar[bool] = True
    mark: int
    counts: str
    left_m: float
    likely: Literal["on this trip", "within two weeks"]
    days: float | None = None  # until then, at the likely pace


class MilestoneState(msgspec.Struct):
    reached: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()  # "<mark> <likely>" told
    reading_m: float | None = None
    trip_id: str | None = None  # the trip under way


class Milestone(Rule):
    """Hears the odometer. The first reading ever, or after a rebase, has no way behind it and raises nothing."""

    name: ClassVar[str] = "milestone"
    hears: ClassVar[tuple[type[Event], ...]] = (OdometerAdvanced, HabitsChanged, TripStarted, TripEnded)
    raises: ClassVar[tuple[type[Event], ...]] = (MilestoneReached, MilestoneAhead, Concern)
    state: MilestoneState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.counts = setup.owner.counts
        self.state = MilestoneState()

    def event(self, ctx: Context, event: Event) -> Iterator[Event]:
        match event:
            case OdometerAdvanced():
                self.state.reading_m = event.reading_m
                yield from self._passed(ctx, event)
            case TripStarted():
                self.state.trip_id = event.trip_id
                yield from self._near(ctx, "on this trip")
            case TripEnded():
                self.state.trip_id = None
            case HabitsChanged():
                yield from self._near(ctx, "within two weeks")

    def _passed(self, ctx: Context, event: OdometerAdvanced) -> Iterator[Event]:
        if event.previous_m is None:
            return
        mark = highest_mark(event.previous_m, event.reading_m, UNIT_M[self.counts])
        if mark is None or f"{mark} {self.counts}" in self.state.reached:
            return
        self.state.reached = (*self.state.reached, f"{mark} {self.counts}")
        utc_ns = ctx.wall.utc_ns(event.t_ns) if ctx.wall else None
        reached = MilestoneReached(
            id=derive_id(ctx.unit, "MilestoneReached", mark, self.counts),
            t_ns=event.t_ns,
            boot_id=event.boot_id,
            mark=mark,
            counts=self.counts,
            reading_m=event.reading_m,
            about=event.is_estimated,
            error_m=event.error_m,
            unseen=event.unseen,
            utc_ns=utc_ns,
        )
        yield reached
        yield Concern(
            id=derive_id(ctx.unit, "Concern", reached.id),
            t_ns=event.t_ns,
            boot_id=event.boot_id,
            subject=f"milestone {mark} {self.counts}",
            kind="milestone",
            says="milestone_unseen" if event.unseen else "milestone_about" if event.is_estimated else "milestone",
            values={"mark": mark, "counts": self.counts, "reading_m": event.reading_m},
            rests_on=[reached.id],
            urgency="celebration",
            trip_id=self.state.trip_id,
            utc_ns=utc_ns,
        )

    def _near(self, ctx: Context, likely: Literal["on this trip", "within two weeks"]) -> Iterator[Event]:
        """Told once for each mark and likelihood, and not of one that was passed before; nothing while the pace is not known."""
        pace, reading_m = ctx.habits.pace(), self.state.reading_m
        if pace is None or reading_m is None:
            return
        mark = next_mark(reading_m / UNIT_M[self.counts])
        left_m = mark * UNIT_M[self.counts] - reading_m
        reach_m = ctx.habits.usual_trip_m() if likely == "on this trip" else pace.likely_m * AHEAD_DAYS
        key = f"{mark} {likely}"
        is_told = key in self.state.ahead or f"{mark} {self.counts}" in self.state.reached
        if reach_m is None or left_m > reach_m or is_told:
            return
        self.state.ahead = (*self.state.ahead[-8:], key)
        yield MilestoneAhead(
            id=derive_id(ctx.unit, "MilestoneAhead", mark, self.counts, likely),
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            mark=mark,
            counts=self.counts,
            left_m=left_m,
            likely=likely,
            days=left_m / pace.likely_m if pace.likely_m > 0 else None,
        )


def next_mark(reading: float) -> int:
    """The first round reading above `reading`."""
    return next((m for m in FIRST_MARKS if m > reading), (int(reading) // EVERY + 1) * EVERY)


def highest_mark(before_m: float, after_m: float, unit_m: float) -> int | None:
    """The highest round reading in (before, after], in units of `unit_m`; None when none lies there."""
    after = int(after_m / unit_m + 1e-9)
    mark = after // EVERY * EVERY or max((m for m in FIRST_MARKS if m <= after), default=0)
    return mark if mark and mark * unit_m > before_m + 1e-6 else None
