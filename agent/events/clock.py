"""ClockCorrected: the wall clock was found, or stepped, after this boot's events had been told without it or with another.

A Pi has no clock battery: it starts at some date, and NTP or GNSS puts it right later. What was told meanwhile keeps its
bytes; this event lets the far side date it: utc = tns + offset_ns, for everything of this boot.

| the wall clock … | is |
|---|---|
| is known for the first time in this boot | taken; corrected, if something was told before |
| becomes trusted (synchronised) | taken; corrected, if something was told before |
| steps by STEP_S or more, either way | taken; corrected, if something was told before |
| was away, and something was told meanwhile | taken as if it were the first; corrected |
| drifts, or is no longer trusted | followed without a word |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from agent.events.battery import BatteryWeak
from agent.events.fault import FaultCleared, FaultSet
from agent.events.milestone import MilestoneReached
from agent.events.notice import NoticeMatched
from agent.events.odometer import DistanceUnaccounted, OdometerRebased
from agent.events.service_record import ServiceDue
from agent.events.trip import TripEnded, TripStarted
from agent.model import NS, TRUSTED, ClockQuality, Context, Event, Rule, Setup, Wall, derive_id

STEP_S = 2  # NTP slews what is less; no summary or prompt minds two seconds


class ClockCorrected(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Events of this boot are dated anew: UTC = the event's `tns` + `offset_ns`."""

    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    offset_ns: int
    clock: ClockQuality
    before_offset_ns: int | None = None  # absent: there was no date before
    before_clock: ClockQuality = "none"


class ClockState(msgspec.Struct):
    boot_id: str = ""
    wall: Wall | None = None
    told: bool = False  # something of this boot has been raised under `wall`, or under none


class Clock(Rule):
    """See the module's table."""

    name: ClassVar[str] = "clock"
    hears: ClassVar[tuple[type[Event], ...]] = (
        TripStarted,
        TripEnded,
        MilestoneReached,
        OdometerRebased,
        DistanceUnaccounted,
        ServiceDue,
        FaultSet,
        FaultCleared,
        BatteryWeak,
        NoticeMatched,
    )
    raises: ClassVar[tuple[type[Event], ...]] = (ClockCorrected,)
    state: ClockState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state = ClockState()

    def event(self, ctx: Context, event: Event) -> tuple[Event, ...]:
        self._enter(ctx)
        if event.boot_id == ctx.boot_id:
            self.state.told = True
            self.state.wall = self.state.wall if ctx.wall else None  # told without a date: the same clock is news again
        return ()

    def next_wake(self, ctx: Context) -> int | None:
        known = self.state.wall if self.state.boot_id == ctx.boot_id else None
        return ctx.t_ns if ctx.wall is not None and ctx.wall != known and is_news(known, ctx.wall) else None

    def wake(self, ctx: Context) -> Iterator[Event]:
        self._enter(ctx)
        before, self.state.wall = self.state.wall, ctx.wall
        if ctx.wall is None or not self.state.told:
            return
        yield ClockCorrected(
            id=derive_id(ctx.unit, "ClockCorrected", ctx.boot_id, ctx.t_ns),
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            offset_ns=ctx.wall.offset_ns,
            clock=ctx.wall.quality,
            before_offset_ns=before.offset_ns if before else None,
            before_clock=before.quality if before else "none",
        )

    def _enter(self, ctx: Context) -> None:
        """A new boot knows nothing of the clock, and has told nothing."""
        if self.state.boot_id != ctx.boot_id:
            self.state = ClockState(ctx.boot_id, ctx.wall)


def is_news(known: Wall | None, now: Wall) -> bool:
    """Whether `now` says something that has to be told: a first clock, a trusted one, or a step."""
    if known is None:
        return True
    gains = now.quality in TRUSTED and known.quality not in TRUSTED
    return gains or abs(now.offset_ns - known.offset_ns) >= STEP_S * NS
