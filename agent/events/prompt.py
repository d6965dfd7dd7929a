"""Prompts: what is said to a person, held until they can act on it.

| state | when | becomes | raises |
|---|---|---|---|
| | a service item comes due | raised | |
| raised | at once | held, naming why: see HeldBy | PromptHeld |
| held | no trip, and the stated time of the day has come (none stated: no trip) | released | PromptReleased |
| released | the broker has acknowledged PromptReleased | published (the store's column) | |

With a stated time and no wall clock to be trusted a prompt stays held: the hour is not known. Never at ignition-on:
a trip under way holds it, also when it was about to be released, and what comes due outside a trip (the first reading
of a car that wakes) waits SETTLE_S for one to begin.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

import msgspec

from agent.events.service import ServiceDue
from agent.events.trip import TripEnded, TripStarted
from agent.model import NS, Context, Event, Rule, Setup, derive_id
from agent.stitch import is_trusted

SETTLE_S = 120  # as long as a car may be awake before its start and that still belongs to the trip (trip.WAKING_S)

HeldBy = Literal["a trip is under way", "a trip may be about to begin"]


class PromptHeld(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Kept on the unit: a prompt exists and waits."""

    leaves: ClassVar[bool] = False
    prompt_id: str
    topic: str
    text: str
    held_by: HeldBy
    raised_ns: int
    raised_utc_ns: int | None = None


class PromptReleased(Event, frozen=True, kw_only=True, omit_defaults=True):
    """May be shown now. It says what it rests on, and that a machine speaks."""

    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    once: ClassVar[bool] = True
    prompt_id: str
    topic: str
    text: str
    rests_on: list[str]  # event ids
    automatic: bool = True
    raised_ns: int
    held_ns: int
    released_ns: int
    raised_utc_ns: int | None = None
    held_utc_ns: int | None = None
    released_utc_ns: int | None = None


class Waiting(msgspec.Struct, frozen=True):
    prompt_id: str
    topic: str
    text: str
    rests_on: list[str]
    held_by: HeldBy
    raised_ns: int
    boot_id: str  # in whose clock raised_ns is
    raised_utc_ns: int | None


class PromptState(msgspec.Struct):
    driving: bool = False
    waiting: tuple[Waiting, ...] = ()


class Prompt(Rule):
    """See the module's table."""

    name: ClassVar[str] = "prompt"
    hears: ClassVar[tuple[type[Event], ...]] = (ServiceDue, TripStarted, TripEnded)
    raises: ClassVar[tuple[type[Event], ...]] = (PromptHeld, PromptReleased)
    state: PromptState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.zone = ZoneInfo(setup.owner.timezone)
        self.tell_at = time.fromisoformat(setup.owner.tell_at) if setup.owner.tell_at else None
        self.state = PromptState()

    def event(self, ctx: Context, event: Event) -> Iterator[Event]:
        if isinstance(event, ServiceDue):
            yield self._hold(ctx, event)
        else:
            self.state.driving = isinstance(event, TripStarted)

    def next_wake(self, ctx: Context) -> int | None:
        if not self.state.waiting or self.state.driving:
            return None
        woken_ns = [
            w.raised_ns for w in self.state.waiting if w.held_by == "a trip may be about to begin" and w.boot_id == ctx.boot_id
        ]
        ready_ns = max([ctx.t_ns, *(t_ns + SETTLE_S * NS for t_ns in woken_ns)])
        if self.tell_at is None:
            return ready_ns
        if not is_trusted(ctx.wall):
            return None
        return next_time_ns(ctx.wall.utc_ns(ready_ns), self.tell_at, self.zone) - ctx.wall.offset_ns

    def wake(self, ctx: Context) -> Iterator[Event]:
        waiting, self.state.waiting = self.state.waiting, ()
        for w in waiting:
            utc_ns = ctx.wall.utc_ns(w.raised_ns) if ctx.wall is not None and w.boot_id == ctx.boot_id else w.raised_utc_ns
            yield PromptReleased(
                id=derive_id(ctx.unit, "PromptReleased", w.prompt_id),
                t_ns=ctx.t_ns,
                boot_id=ctx.boot_id,
                prompt_id=w.prompt_id,
                topic=w.topic,
                text=w.text,
                rests_on=w.rests_on,
                raised_ns=w.raised_ns,
                held_ns=w.raised_ns,
                released_ns=ctx.t_ns,
                raised_utc_ns=utc_ns,
                held_utc_ns=utc_ns,
                released_utc_ns=ctx.wall.utc_ns(ctx.t_ns) if ctx.wall else None,
            )

    def _hold(self, ctx: Context, due: ServiceDue) -> PromptHeld:
        prompt_id = derive_id(ctx.unit, "prompt", due.id)
        utc_ns = ctx.wall.utc_ns(due.t_ns) if ctx.wall else None
        text = service_text(due, self.setup.owner.counts)
        held_by: HeldBy = "a trip is under way" if self.state.driving else "a trip may be about to begin"
        waiting = Waiting(prompt_id, due.item, text, [due.id], held_by, due.t_ns, due.boot_id, utc_ns)
        self.state.waiting = (*self.state.waiting, waiting)
        return PromptHeld(
            id=derive_id(ctx.unit, "PromptHeld", prompt_id),
            t_ns=due.t_ns,
            boot_id=due.boot_id,
            prompt_id=prompt_id,
            topic=due.item,
            text=text,
            held_by=held_by,
            raised_ns=due.t_ns,
            raised_utc_ns=utc_ns,
        )


def next_time_ns(utc_ns: int, at: time, zone: ZoneInfo) -> int:
    """`utc_ns` itself when its local time of day is `at` or later, else that day's `at`; in UTC ns."""
    local = datetime.fromtimestamp(utc_ns // NS, UTC).astimezone(zone)
    wanted = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    if local >= wanted:
        return utc_ns
    return round((wanted - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)) * NS


def service_text(due: ServiceDue, counts: str) -> str:
    """The words of a service prompt: only what is known, and who speaks."""
    unit_m = {"km": 1000.0, "mi": 1609.344}[counts]
    about = "about " if due.about else ""
    return (
        f"Your car has reached {about}{due.reading_m / unit_m:,.0f} {counts}. "
        f"Its next {due.item} was set for {due.due_m / unit_m:,.0f} {counts}. "
        "This is an automatic message from your car; no person wrote it."
    )
