"""MilestoneReached: a round reading, noticed the moment it is passed, exactly once for ever.

Its id is derived from the unit and the mark alone, and the marks reached are kept in a table that no retention
touches: restarts, replays, a cluster swap or a glitch across the mark cannot raise it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from agent.events.odometer import OdometerAdvanced
from agent.model import Context, Event, Rule, Setup, derive_id

UNIT_M = {"km": 1000.0, "mi": 1609.344}
FIRST_MARKS = (10_000, 50_000)  # then every 100,000: rare enough to be worth a word
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


class MilestoneState(msgspec.Struct):
    reached: tuple[str, ...] = ()


class Milestone(Rule):
    """Hears the odometer. The first reading ever, or after a rebase, has no way behind it and raises nothing."""

    name: ClassVar[str] = "milestone"
    hears: ClassVar[tuple[type[Event], ...]] = (OdometerAdvanced,)
    raises: ClassVar[tuple[type[Event], ...]] = (MilestoneReached,)
    state: MilestoneState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.counts = setup.owner.counts
        self.state = MilestoneState()

    def event(self, ctx: Context, event: Event) -> Iterator[Event]:
        assert isinstance(event, OdometerAdvanced)
        if event.previous_m is None:
            return
        mark = highest_mark(event.previous_m, event.reading_m, UNIT_M[self.counts])
        if mark is None or f"{mark} {self.counts}" in self.state.reached:
            return
        self.state.reached = (*self.state.reached, f"{mark} {self.counts}")
        yield MilestoneReached(
            id=derive_id(ctx.unit, "MilestoneReached", mark, self.counts),
            t_ns=event.t_ns,
            boot_id=event.boot_id,
            mark=mark,
            counts=self.counts,
            reading_m=event.reading_m,
            about=event.is_estimated,
            error_m=event.error_m,
            unseen=event.unseen,
            utc_ns=ctx.wall.utc_ns(event.t_ns) if ctx.wall else None,
        )


def highest_mark(before_m: float, after_m: float, unit_m: float) -> int | None:
    """The highest round reading in (before, after], in units of `unit_m`; None when none lies there."""
    after = int(after_m / unit_m + 1e-9)
    mark = after // EVERY * EVERY or max((m for m in FIRST_MARKS if m <= after), default=0)
    return mark if mark and mark * unit_m > before_m + 1e-6 else None
