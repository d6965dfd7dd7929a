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

A boot that ends without having known any clock leaves its trips without a date for ever, and so in no month: how many is
told, once, when there is a clock again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from agent.events.battery import BatteryWeak
from agent.events.fault import FaultCleared, FaultSet
from agent.events.health import HealthReported
from agent.events.milestone import MilestoneReached
from agent.events.notice import NoticeMatched
from agent.events.odometer import DistanceUnaccounted, OdometerRebased
from agent.events.service_record import ServiceDue
from agent.events.trip import TripEnded, TripStarted
from agent.model import NS, TRUSTED, ClockQuality, Context, Event, Rule, Setup, Wall, derive_id

UNDATED = "trips without a date: no clock was known in their boot"
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
    undated: int = 0  # trips of this boot without a date, until its clock is found
    lost: int = 0  # those of earlier boots, until it is told


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
    raises: ClassVar[tuple[type[Event], ...]] = (ClockCorrected, HealthReported)
    state: ClockState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state = ClockState()

    def event(self, ctx: Context, event: Event) -> tuple[Event, ...]:
        self._enter(ctx)
        if event.boot_id == ctx.boot_id:
            self.state.told = True
            self.state.wall = self.state.wall if ctx.wall else None  # told without a date: the same clock is news again
        if isinstance(event, TripEnded) and event.start_utc_ns is None:
            own = event.start_boot_id == ctx.boot_id
            self.state.undated, self.state.lost = self.state.undated + own, self.state.lost + (not own)
        return ()

    def next_wake(self, ctx: Context) -> int | None:
        if ctx.wall is None:
            return None
        is_here = self.state.boot_id == ctx.boot_id
        known = self.state.wall if is_here else None
        lost = self.state.lost or (not is_here and self.state.undated)
        return ctx.t_ns if lost or is_news(known, ctx.wall) else None

    def wake(self, ctx: Context) -> Iterator[Event]:
        self._enter(ctx)
        if ctx.wall is None:
            self.state.wall = None
            return
        if self.state.lost:
            lost, self.state.lost = self.state.lost, 0
            id = derive_id(ctx.unit, "HealthReported", ctx.boot_id, ctx.t_ns, UNDATED)
            yield HealthReported(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id, counts={UNDATED: lost})
        if not is_news(self.state.wall, ctx.wall):
            return
        before, self.state.wall = self.state.wall, ctx.wall
        if not self.state.told:
            return
        self.state.undated = 0
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
            self.state = ClockState(ctx.boot_id, ctx.wall, lost=self.state.lost + self.state.undated)


def is_news(known: Wall | None, now: Wall) -> bool:
    """Whether `now` says something that has to be told: a first clock, a trusted one, or a step."""
    if known is None:
        return True
    gains = now.quality in TRUSTED and known.quality not in TRUSTED
    return gains or abs(now.offset_ns - known.offset_ns) >= STEP_S * NS
