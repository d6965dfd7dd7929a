"""The engine: samples and time in, events out. Pure: it is the same on the bench, in a replay and in the car.

    feed([Sample]) → [Event]      wake(t) → [Event]      next_wake() → t      states() ⇄ restore()

Order within one sample: what became due before it (wakes), then the grid, then the rules that read the
signal. Events are heard breadth-first by the rules in the order of their names. A rule that throws gets its
state from before the call back, is counted by name (`failures`), and the others go on.

A rule's sample handler runs per sample of the few signals it names; everything else is done once a second
on the grid: that is what keeps a wanted sample cheap.
"""

from __future__ import annotations

import copy
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from agent import signals
from agent.events import discover
from agent.events.trip import Trip
from agent.grid import Grid, GridState
from agent.model import NS, Context, Event, Rule, Sample, Setup, Step, Value, Wall
from agent.tally import INTEGRALS, READS

WAKES_PER_CALL = 1000  # a rule that asks for the past again and again must not hang the unit


class TracePoint(NamedTuple):
    """One second of the trace that stays on the unit; None: unknown then."""

    trip_id: str
    t_ns: int
    speed_kmh: float
    engine_rpm: float | None


class EngineState(msgspec.Struct):
    """What the engine itself remembers between commits."""

    boot_id: str
    last_ns: int | None = None
    t_ns: int = 0
    wall_offset_ns: int | None = None
    wall_quality: str = "none"
    grid: GridState = msgspec.field(default_factory=GridState)


class Engine:
    """See the module. `max_age_ns`: VSS path → the age at which a signal is stale (ten of its periods)."""

    def __init__(
        self, setup: Setup, boot_id: str, max_age_ns: Mapping[str, int], rules: Iterable[type[Rule]] | None = None
    ) -> None:
        self.setup = setup
        self.boot_id = boot_id
        self.wall: Wall | None = None
        self.rules: list[Rule] = [rule(setup) for rule in (discover() if rules is None else rules)]
        check_acyclic(self.rules)
        self.trip = next(r for r in self.rules if isinstance(r, Trip))
        self.grid = Grid(self.trip.integrals, max_age_ns)
        self.failures: Counter[str] = Counter()
        self.late = 0
        self.trace: list[TracePoint] = []
        self._t_ns = 0
        self._last_ns: int | None = None
        self._due_ns: int | None = 0
        self._out: list[Event] = []
        self._stepping = [r for r in self.rules if type(r).step is not Rule.step]
        self._handlers = self._make_handlers()

    # -- in ------------------------------------------------------------------------------------

    def feed(self, samples: Iterable[Sample]) -> list[Event]:
        """Samples in order of time → the events that they raise."""
        handlers = self._handlers
        never = 1 << 63
        due = never if self._due_ns is None else self._due_ns
        last = -1 if self._last_ns is None else self._last_ns
        for t_ns, signal, value in samples:
            if t_ns >= due:
                self._last_ns = None if last < 0 else last
                self._wake_until(t_ns)
                due = never if self._due_ns is None else self._due_ns
            handler = handlers.get(signal)
            if handler is not None:
                self._last_ns = t_ns if t_ns > last else last
                handler(t_ns, signal, value)
                if self._out:  # an event may have changed what is due
                    self._due_ns = self.next_wake()
                    due = never if self._due_ns is None else self._due_ns
            if t_ns > last:
                last = t_ns
        if last >= 0:
            self._last_ns = last
            self._t_ns = max(self._t_ns, last)
        self._due_ns = self.next_wake()
        return self._take()

    def wake(self, t_ns: int, wall: Wall | None) -> list[Event]:
        """Time has come to `t_ns`, with the wall clock as known now: raise what is due."""
        self.wall = wall
        self._due_ns = self.next_wake()
        self._wake_until(t_ns)
        self._t_ns = max(self._t_ns, t_ns)
        return self._take()

    def next_wake(self) -> int | None:
        """When `wake` is wanted next, in t_ns; None when nothing is due."""
        ctx = self.context(self._t_ns)
        due = [t for t in (r.next_wake(ctx) for r in self.rules) if t is not None]
        return min(due, default=None)

    def finish(self) -> list[Event]:
        """The recording is over: end what is under way at the last sample, saying so."""
        self._steps(self.grid.close())
        self._publish(self.trip.finish(self.context(self._t_ns)))
        return self._take()

    def raised(self, events: Iterable[Event]) -> list[Event]:
        """Facts from outside the rules (a person's entry): heard by them like their own."""
        self._publish(events)
        self._due_ns = self.next_wake()
        return self._take()

    # -- state ---------------------------------------------------------------------------------

    def states(self) -> dict[str, tuple[int, bytes]]:
        """name → (version, JSON) of everything that must survive a power cut."""
        wall = self.wall
        own = EngineState(
            self.boot_id,
            self._last_ns,
            self._t_ns,
            wall.offset_ns if wall else None,
            wall.quality if wall else "none",
            self.grid.state,
        )
        encode = msgspec.json.encode
        self.trip.remember(self.context(self._t_ns))
        return {"engine": (1, encode(own))} | {r.name: (r.state_version, encode(r.snapshot())) for r in self.rules}

    def restore(self, states: Mapping[str, tuple[int, bytes]]) -> None:
        """Take up where `states` left off; an unknown or older version starts afresh and is counted."""
        own = msgspec.json.decode(states["engine"][1], type=EngineState) if "engine" in states else None
        same_boot = own is not None and own.boot_id == self.boot_id
        if own is not None and same_boot:
            self._last_ns, self._t_ns, self.grid.state = own.last_ns, own.t_ns, own.grid
            if own.wall_offset_ns is not None and self.wall is None:
                self.wall = Wall(own.wall_offset_ns, own.wall_quality)  # type: ignore[arg-type]
        ctx = self.context(self._t_ns)
        for rule in self.rules:
            version, body = states.get(rule.name, (0, b""))
            if version == rule.state_version:
                try:
                    rule.restore(body, ctx)
                except msgspec.MsgspecError:
                    self.failures[f"{rule.name} state unreadable"] += 1
        self._due_ns = self.next_wake()

    def context(self, t_ns: int) -> Context:
        return Context(t_ns, self.wall, self.setup.unit, self.boot_id, self._last_ns)

    # -- inside --------------------------------------------------------------------------------

    def _make_handlers(self) -> dict[str, Callable[[int, str, Value], None]]:
        """signal → what is done with a sample of it; a signal that nobody reads has none (it only shows a live bus)."""
        kept = {s for r in self.rules for s in r.signals} | self.trip.reads | {signals.ENGINE_SPEED}
        handlers: dict[str, Callable[[int, str, Value], None]] = {s: self._keep for s in kept}
        handlers |= {s: self._integrate for s in self.grid.integrals}
        handlers[signals.SPEED] = self._speed
        self._readers = {s: [r for r in self.rules if s in r.signals] for r in self.rules for s in r.signals}
        return handlers | {s: self._read for s in self._readers}

    def _speed(self, t_ns: int, signal: str, value: Value) -> None:
        steps = self.grid.speed(t_ns, value)
        if steps:
            self._steps(steps)

    def _integrate(self, t_ns: int, signal: str, value: Value) -> None:
        self.grid.area(t_ns, signal, value)
        self.grid.state.latest[signal] = (t_ns, value)

    def _keep(self, t_ns: int, signal: str, value: Value) -> None:
        self.grid.state.latest[signal] = (t_ns, value)

    def _read(self, t_ns: int, signal: str, value: Value) -> None:
        latest = self.grid.state.latest
        before = latest.get(signal)
        if before is not None and t_ns < before[0]:
            self.late += 1
            return
        latest[signal] = (t_ns, value)
        ctx = self.context(t_ns)
        for rule in self._readers[signal]:
            self._publish(self._guarded(rule, lambda r: r.sample(ctx, signal, value)))

    def _steps(self, steps: Iterable[Step]) -> None:
        for step in steps:
            ctx = self.context(step.t_ns)
            for rule in self._stepping:
                self._publish(self._guarded(rule, lambda r: r.step(ctx, step)))  # noqa: B023 - called at once
            trip_id = self.trip.open_trip_id
            if trip_id is not None and step.t_ns % NS == 0:
                rpm = step.get(signals.ENGINE_SPEED)
                self.trace.append(
                    TracePoint(trip_id, step.t_ns, step.v1_ms * 3.6, float(rpm) if isinstance(rpm, (int, float)) else None)
                )

    def _wake_until(self, t_ns: int) -> None:
        for _ in range(WAKES_PER_CALL):
            due = self.next_wake()
            if due is None or due > t_ns:
                break
            self._t_ns = max(self._t_ns, due)
            ctx = self.context(self._t_ns)
            for rule in self.rules:
                at = rule.next_wake(ctx)
                if at is not None and at <= self._t_ns:
                    if rule is self.trip and self.trip.is_silent(ctx):
                        self._steps(self.grid.close())  # the second under way belongs to the trip that ends
                    self._publish(self._guarded(rule, lambda r: r.wake(ctx)))  # noqa: B023 - called at once
        self._due_ns = self.next_wake()

    def _guarded(self, rule: Rule, call: Callable[[Rule], Iterable[Event]]) -> list[Event]:
        before = copy.copy(rule.state)
        try:
            return list(call(rule))
        except Exception:  # noqa: BLE001 - one rule must not stop the others; it is named in the health event
            rule.state = before
            self.failures[rule.name] += 1
            return []

    def _publish(self, events: Iterable[Event]) -> None:
        queue = deque(events)
        while queue:
            event = queue.popleft()
            self._out.append(event)
            ctx = self.context(event.t_ns)
            for rule in self.rules:
                if isinstance(event, rule.hears):
                    queue.extend(self._guarded(rule, lambda r: r.event(ctx, event)))  # noqa: B023 - called at once

    def _take(self) -> list[Event]:
        out, self._out = self._out, []
        return out


def wanted() -> frozenset[str]:
    """Every signal that a rule, a metric or the trace reads: what a plan has to decode."""
    named = {s for rule in discover() for s in rule.signals}
    return frozenset(named | READS | INTEGRALS | {signals.SPEED, signals.ENGINE_SPEED})


def check_acyclic(rules: Iterable[Rule]) -> None:
    """Raises ValueError when rules could hear each other in a circle."""
    rules = list(rules)
    hears = {r.name: {s.name for s in rules if set(s.raises) & set(r.hears)} for r in rules}
    done: set[str] = set()
    while ready := [n for n in hears if n not in done and hears[n] <= done]:
        done.update(ready)
    if len(done) != len(hears):
        raise ValueError(f"rules hear each other in a circle: {sorted(set(hears) - done)}")
