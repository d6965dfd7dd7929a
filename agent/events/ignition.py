"""IgnitionChanged: on, off, or not known; what holds every prompt. Kept on the unit.

| state | when | becomes |
|---|---|---|
| any | the agent starts, or the unit was suspended, whatever it knew: it may have come on since | unknown |
| any | by signal: it says on, or the trip starts | on |
| any | by signal: it says off | off |
| any | by signal: it says that it does not know | unknown |
| unknown | by signal: it moves all the same | on |
| off | the bus is heard again after gap_s of silence: somebody may be getting in | unknown |
| any | by activity: it moves, or the engine turns, or the trip starts | on |
| on, unknown | by activity: the trip ends | off |
| on, unknown | by activity: the trip ends before it has listened for gap_s: of what was before it knows nothing | unknown |
| on, unknown | the bus was silent for the profile's gap_s | off |
| unknown | by activity: for STANDING_S the car stood whenever it was heard, with the engine known to be off | off |

A car with its ignition on is never silent on its bus for that long; many fall silent at key-off before they say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal, TypeAlias

import msgspec

from agent import signals
from agent.events.trip import MOVING_MS, STANDING_S, TripEnded, TripStarted, is_alive
from agent.model import NS, Context, Event, Rule, Setup, Step, Value, derive_id

MOVED_S = 10  # a car that moved so lately has its ignition on, though a message says that it does not know

Ignition: TypeAlias = Literal["on", "off", "unknown"]


class IgnitionChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What it is from `t_ns` on."""

    leaves: ClassVar[bool] = False
    ignition: Ignition


class ListeningStarted(Event, frozen=True, kw_only=True, omit_defaults=True):
    """From the engine: nobody listened until now, for the agent starts, or the unit was suspended. Kept on the unit."""

    leaves: ClassVar[bool] = False


class IgnitionState(msgspec.Struct):
    ignition: Ignition = "unknown"
    since_ns: int = 0  # since when it listens
    sign_ns: int = 0  # by activity, while it is not known: the last sign that it may be on


class IgnitionRule(Rule):
    """See the module's table."""

    name: ClassVar[str] = "ignition"
    signals: ClassVar[tuple[str, ...]] = (signals.IGNITION, signals.ODOMETER)  # the latter is what a service comes due by
    hears: ClassVar[tuple[type[Event], ...]] = (ListeningStarted, TripStarted, TripEnded)
    raises: ClassVar[tuple[type[Event], ...]] = (IgnitionChanged,)
    state: IgnitionState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.by_signal = setup.vehicle.ignition.source == "signal"
        self.gap_ns = round(setup.vehicle.trip.gap_s * NS)
        self.state = IgnitionState()
        self.heard_ns = 0  # when one of its signals, or the speed, was heard last
        self.moved_ns = 0  # when it moved last

    def sample(self, ctx: Context, signal: str, value: Value) -> Iterable[Event]:
        is_waking = self._is_waking(ctx.t_ns)
        if signal != signals.IGNITION or not self.by_signal:
            return self._become(ctx, "unknown") if is_waking else ()
        if value not in (None, "UNDEFINED"):
            return self._become(ctx, "on" if value in self.setup.vehicle.ignition.on else "off")
        return () if self.state.ignition == "on" and ctx.t_ns - self.moved_ns < MOVED_S * NS else self._become(ctx, "unknown")

    def step(self, ctx: Context, step: Step) -> Iterable[Event]:
        s, is_waking = self.state, self._is_waking(step.t_ns)
        if abs(step.v1_ms) >= MOVING_MS:
            self.moved_ns = step.t_ns
        if s.ignition == "on" or (self.by_signal and s.ignition == "off"):
            return self._become(ctx, "unknown") if is_waking else ()
        alive = is_alive(step)
        if alive and not (self.by_signal and abs(step.v1_ms) < MOVING_MS):
            return self._become(ctx, "on")
        if alive is not False:
            s.sign_ns = step.t_ns
        return self._become(ctx, "unknown") if is_waking else ()

    def event(self, ctx: Context, event: Event) -> Iterator[Event]:
        if event.boot_id != ctx.boot_id:  # an earlier boot's trip, told only now
            return
        match event:
            case ListeningStarted():
                self.state.since_ns = ctx.t_ns
                yield from self._become(ctx, "unknown")
            case TripStarted():
                yield from self._become(ctx, "on")
            case TripEnded() if not self.by_signal:
                has_listened = ctx.t_ns >= self.state.since_ns + self.gap_ns
                yield from self._become(ctx, "off" if has_listened else "unknown")

    def next_wake(self, ctx: Context) -> int | None:
        return None if self.state.ignition == "off" else self._over_ns(ctx)

    def wake(self, ctx: Context) -> Iterator[Event]:
        if self._over_ns(ctx) <= ctx.t_ns:
            yield from self._become(ctx, "off")

    def restore(self, body: bytes, ctx: Context) -> None:
        """Nothing: see the table."""

    def _is_waking(self, t_ns: int) -> bool:
        """Whether the car is heard at `t_ns` after a silence; from now on that counts as heard."""
        before_ns, self.heard_ns = self.heard_ns, max(self.heard_ns, t_ns)
        return self.state.ignition == "off" and t_ns - before_ns >= self.gap_ns

    def _over_ns(self, ctx: Context) -> int:
        """When it is taken for off, if nothing more is heard of it."""
        since_ns = self.state.since_ns
        silent_ns = max(ctx.last_ns or 0, since_ns) + self.gap_ns
        if self.by_signal or self.state.ignition == "on":
            return silent_ns
        return min(silent_ns, max(self.state.sign_ns, since_ns) + STANDING_S * NS)

    def _become(self, ctx: Context, ignition: Ignition) -> Iterator[Event]:
        if ignition == self.state.ignition:
            return
        self.state.ignition, self.heard_ns = ignition, max(self.heard_ns, ctx.last_ns or 0)
        id = derive_id(ctx.unit, "IgnitionChanged", ctx.boot_id, ctx.t_ns, ignition)
        yield IgnitionChanged(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id, ignition=ignition)
