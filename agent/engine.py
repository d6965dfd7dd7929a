"""The engine: samples and time in, events out. Pure: it is the same on the bench, in a replay and in the car.

    feed([Sample]) → [Event]      wake(t) → [Event]      next_wake() → t      states() ⇄ restore()

Order within one sample: what became due before it (each wake at its own time), then the grid, then the rules
that read the signal. What became due while nobody listened (the process was away, the unit suspended) is woken at the
present: nobody knows what was then. Events are heard breadth-first by the rules in the order of their names. A rule that throws
gets its state from before the call back, is counted by name (`failures`), and the others go on. A sample older
than the last of its signal is dropped and counted (`late`).

A rule's sample handler runs per sample of the few signals it names; everything else is done once a second
on the grid: that is what keeps a wanted sample cheap. What is due is looked up again only after a rule was called.
"""

from __future__ import annotations

import copy
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

import msgspec

from agent import signals
from agent.encoded import Encoded
from agent.events import check_acyclic, discover
from agent.events.ignition import ListeningStarted
from agent.events.trip import Trip
from agent.grid import Grid, GridState
from agent.model import NS, ClockQuality, Context, Event, Frame, Rule, Sample, Setup, Step, Value, Wall, derive_id
from agent.tally import INTEGRALS, READS
from agent.wishes import NEVER_NS, Wishes

if TYPE_CHECKING:
    from agent.codegen import Decode
    from agent.decode import Decoder

R = TypeVar("R", bound=Rule)
Handler: TypeAlias = Callable[[int, Value], list[Step] | None]

Taken: TypeAlias = "tuple[Decode, tuple[tuple[int, Handler], ...] | None]"
"""An id's decoder, and of its values those that somebody reads: (index, handler)."""


class TracePoint(NamedTuple):
    """One second of the trace that stays on the unit; None: unknown then."""

    trip_id: str
    t_ns: int
    speed_kmh: float
    engine_rpm: float | None


class EngineState(msgspec.Struct):
    """What the engine itself remembers between commits; -1: no time yet."""

    boot_id: str
    last_ns: int = -1
    t_ns: int = -1
    wall_offset_ns: int | None = None
    wall_quality: ClockQuality = "none"
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
        self._by_class: dict[type[Rule], Any] = {type(r): r for r in self.rules}
        self.trip = self.rule(Trip)
        self.grid = Grid(self.trip.integrals, max_age_ns)
        self.failures: Counter[str] = Counter()
        self.late = 0
        self.trace: list[TracePoint] = []
        self._t_ns = -1  # how far time has come; -1: nobody said yet
        self._was_away = True  # until somebody says how late it is now
        self._last_ns = -1  # the newest sample
        self._due_ns = 0  # when to look for what is due; 0: now
        self._wishes = Wishes(self.rules, self.failures)
        self._encoded = Encoded(self.failures)
        self._out: list[Event] = []
        self._lent: tuple[Any, ...] = ()  # what Context ends with
        self._lend()
        self._stepping = [r for r in self.rules if type(r).step is not Rule.step]
        self._handlers = self._make_handlers()
        self._bound: tuple[Decoder, dict[int, Taken]] | None = None

    # -- in ------------------------------------------------------------------------------------

    def feed(self, samples: Iterable[Sample]) -> list[Event]:
        """Samples in order of time → the events that they raise."""
        self._feed(samples)
        return self._take()

    def _feed(self, samples: Iterable[Sample]) -> None:
        handler_of = self._handlers.get
        due, last = self._due_ns, self._last_ns
        for t_ns, signal, value in samples:
            if t_ns >= due:
                self._last_ns = last
                due = self._wake_until(t_ns)
            handler = handler_of(signal)
            if t_ns >= last:
                last = t_ns
            elif self.grid.is_late(t_ns, signal):
                self.late += 1
                continue
            if handler is None:  # nobody reads it: it only shows that the bus lives
                continue
            self._last_ns = last
            steps = handler(t_ns, value)
            if steps is not None:  # a second is complete, or a stretch has begun
                self._steps(steps)
            due = self._due_ns
        self._last_ns = last

    def frames(self, frames: list[Frame], decoder: Decoder) -> list[Event]:
        """Frames in order of time → the events that they raise: the same as `feed(decoder.feed(frames))`, without the samples.

        A message's values go to those who read them; what nobody reads costs its decoding and no more.
        """
        taken_of, due, last = self._takers(decoder).get, self._due_ns, self._last_ns
        wanted = 0
        for frame in frames:
            taken = taken_of(frame.arbitration_id)
            if taken is None:
                continue
            wanted += 1
            decode, takers = taken
            found = decode(frame)
            if found.__class__ is not tuple and (found is None or found.__class__ is str):
                if found is not None:
                    decoder.fault(found)
                continue
            t_ns = frame.t_ns
            if takers is None or t_ns < last:
                self._last_ns = last
                self._feed_found(t_ns, decoder.routes[frame.arbitration_id].paths, found)
                due, last = self._due_ns, self._last_ns
                continue
            if t_ns >= due:
                self._last_ns = last
                due = self._wake_until(t_ns)
            last = t_ns
            if takers:
                self._last_ns = t_ns
                for i, handler in takers:
                    steps = handler(t_ns, found[i])
                    if steps is not None:  # a second is complete, or a stretch has begun
                        self._steps(steps)
                due = self._due_ns
        self._last_ns = last
        decoder.heard(len(frames), wanted)
        return self._take()

    def _feed_found(self, t_ns: int, paths: tuple[str, ...] | None, found: Any) -> None:
        """What a frame out of the ordinary says (diagnostic, multiplexed, late), as samples."""
        pairs = found if paths is None else zip(paths, found, strict=True)
        self._feed((t_ns, path, value) for path, value in pairs)

    def _takers(self, decoder: Decoder) -> dict[int, Taken]:
        """Arbitration id → its decoder, and (index of a value, its handler) of those that somebody reads."""
        if self._bound is None or self._bound[0] is not decoder:
            read = self._handlers
            takers = {
                i: (r.decode, None if r.paths is None else tuple((n, read[p]) for n, p in enumerate(r.paths) if p in read))
                for i, r in decoder.routes.items()
            }
            self._bound = (decoder, takers)
        return self._bound[1]

    def wake(self, t_ns: int, wall: Wall | None) -> list[Event]:
        """Time has come to `t_ns`, with the wall clock as known now: raise what is due."""
        if wall != self.wall:
            self.wall = wall
            self._look_again()
        if t_ns >= self._due_ns:
            self._wake_until(t_ns)
        self._t_ns = max(self._t_ns, t_ns)
        return self._take()

    def next_wake(self) -> int | None:
        """When `wake` is wanted next, in t_ns; None when nothing is due."""
        self._wishes.forget()
        due_ns = self._soonest_ns()
        return None if due_ns == NEVER_NS else due_ns

    def finish(self) -> list[Event]:
        """The recording is over: end what is under way at the last sample, saying so."""
        self._t_ns = max(self._t_ns, self._last_ns)
        self._steps(self.grid.close())
        ctx = self.context(self._t_ns)
        self._tell(ctx, self.trip, self.trip.finish, ctx)
        self._wake_until(self._t_ns)
        return self._take()

    def raised(self, events: Iterable[Event]) -> list[Event]:
        """Facts from outside the rules (a person's entry): heard by them like their own."""
        self._look_again()  # what makes an entry into events may have changed its rule's state, too
        self._publish(self.context(self._t_ns), events)
        return self._take()

    def resumed(self, t_ns: int) -> list[Event]:
        """The unit was suspended until `t_ns`."""
        self._was_away = True
        self._wake_until(t_ns)
        return self._take()

    def rule(self, kind: type[R]) -> R:
        """The one of this class. Raises KeyError."""
        found: R = self._by_class[kind]
        return found

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
        self.trip.remember(self.context(self._t_ns))
        return {"engine": (1, msgspec.json.encode(own))} | {r.name: self._encoded.of(r) for r in self.rules}

    def restore(self, states: Mapping[str, tuple[int, bytes]]) -> None:
        """Take up where `states` left off; what is unreadable or of another version starts afresh and is counted."""
        if "engine" in states:
            self._encoded.read("engine", 1, self._restore_own, states["engine"])
        ctx = self.context(self._t_ns)
        for rule in self.rules:
            if rule.name in states:
                self._encoded.take_up(rule, states[rule.name], ctx)
        self._was_away = True
        self._lend()

    def context(self, t_ns: int) -> Context:
        last_ns = self._last_ns if self._last_ns >= 0 else None
        return Context(max(t_ns, 0), self.wall, self.setup.unit, self.boot_id, last_ns, *self._lent)

    # -- inside --------------------------------------------------------------------------------

    def _restore_own(self, body: bytes) -> None:
        own = msgspec.json.decode(body, type=EngineState)
        if own.boot_id != self.boot_id:
            return
        self._last_ns, self._t_ns, self.grid.state = own.last_ns, own.t_ns, own.grid
        if own.wall_offset_ns is not None:
            self.wall = Wall(own.wall_offset_ns, own.wall_quality)

    def _make_handlers(self) -> dict[str, Handler]:
        """signal → what is done with a sample of it; a signal that nobody reads has none (it only shows a live bus)."""
        named = {s for r in self.rules for s in r.signals}
        handlers = {s: self._keeping(s) for s in named | self.trip.reads | {signals.ENGINE_SPEED}}
        handlers |= {s: self._integrating(s) for s in self.grid.integrals}
        handlers[signals.SPEED] = self.grid.speed
        return handlers | {s: self._reading(s, handlers[s], [r for r in self.rules if s in r.signals]) for s in named}

    def _reading(self, signal: str, take: Handler, rules: list[Rule]) -> Handler:
        """`take`, and after it the rules that read this signal."""

        def read(t_ns: int, value: Value) -> None:
            steps = take(t_ns, value)
            if steps is not None:
                self._steps(steps)
            ctx = self.context(t_ns)
            for rule in rules:
                self._tell(ctx, rule, rule.sample, ctx, signal, value)

        return read

    def _integrating(self, signal: str) -> Handler:
        def integrate(t_ns: int, value: Value) -> None:
            self.grid.area(t_ns, signal, value)
            self.grid.latest[signal] = (t_ns, value)

        return integrate

    def _keeping(self, signal: str) -> Handler:
        def keep(t_ns: int, value: Value) -> None:
            self.grid.latest[signal] = (t_ns, value)

        return keep

    def _steps(self, steps: list[Step]) -> None:
        """Hand on what the grid completed; [] says that a stretch has begun.

        A step that raises nothing and leaves the trip in its phase brings nothing nearer: what is due stays (and saves
        a quarter of a step's cost).
        """
        before = self._due_ns, len(self._out), self.trip.state.phase
        for step in steps:
            ctx = self.context(step.t_ns)
            for rule in self._stepping:
                self._tell(ctx, rule, rule.step, ctx, step)
            trip_id = self.trip.open_trip_id
            if trip_id is not None and step.t_ns % NS == 0:
                rpm = step.get(signals.ENGINE_SPEED)
                known = float(rpm) if isinstance(rpm, (int, float)) else None
                self.trace.append(TracePoint(trip_id, step.t_ns, step.v1_ms * 3.6, known))
        quiet = steps and before[1:] == (len(self._out), self.trip.state.phase)
        self._due_ns = before[0] if quiet else 0

    def _wake_until(self, t_ns: int) -> int:
        """Raise what is due up to `t_ns`, each at its own time → when to look again."""
        if self._was_away:
            self._listen(t_ns)
        self._wishes.begin(self._t_ns)
        while (due_ns := self._soonest_ns()) <= t_ns:
            self._t_ns = max(self._t_ns, due_ns)
            self._wake_due(t_ns)
        self._due_ns = due_ns
        return due_ns

    def _listen(self, t_ns: int) -> None:
        self._was_away, self._t_ns = False, max(self._t_ns, t_ns)
        ctx = self.context(self._t_ns)
        id = derive_id(ctx.unit, "ListeningStarted", ctx.boot_id, ctx.t_ns)
        self._publish(ctx, self._heard(ctx, ListeningStarted(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id)))

    def _soonest_ns(self) -> int:
        due_ns, pause_ns = self._wishes.soonest_ns(self.context(self._t_ns)), self.grid.due_ns
        return due_ns if pause_ns is None else min(due_ns, pause_ns)

    def _look_again(self) -> None:
        """What is due may be so sooner than was thought."""
        self._wishes.forget()
        self._due_ns = 0

    def _wake_due(self, until_ns: int) -> None:
        now_ns = self._t_ns
        ctx = self.context(now_ns)
        pause_ns = self.grid.due_ns
        if (pause_ns is not None and pause_ns <= now_ns) or self.trip.is_silent(ctx):
            self._steps(self.grid.close())  # before the trip that it belongs to ends
        for rule in self._wishes.due(ctx, until_ns):
            self._tell(ctx, rule, rule.wake, ctx)

    def _call(self, rule: Rule, method: Callable[..., Iterable[Event]], *args: object) -> list[Event]:
        """What the rule raises; nothing when it throws: one rule must not stop the others, and the health event names it."""
        before = copy.copy(rule.state)
        self._wishes.forget(rule)
        try:
            events = list(method(*args))
        except Exception:  # noqa: BLE001 - see above
            rule.state = before
            self.failures[rule.name] += 1
            self._due_ns = 0
            return []
        if events or (rule in self._wishes and rule.state != before):  # who says the same again brings nothing nearer
            self._due_ns = 0
        if rule.lends and rule.state.lent is not before.lent:
            self._lend()
        return events

    def _lend(self) -> None:
        by_name = {r.name: r.state.lent for r in self.rules if r.lends}
        self._lent = tuple(by_name.get(name, default) for name, default in Context._field_defaults.items())
        self._look_again()

    def _tell(self, ctx: Context, rule: Rule, method: Callable[..., Iterable[Event]], *args: object) -> None:
        self._t_ns = max(self._t_ns, ctx.t_ns)
        events = self._call(rule, method, *args)
        if events:
            self._publish(ctx, events)

    def _publish(self, ctx: Context, events: Iterable[Event]) -> None:
        """`ctx` is the moment in which they are heard; an event may be of an earlier one, even of an earlier boot."""
        queue = deque(events)
        while queue:
            event = queue.popleft()
            self._out.append(event)
            queue.extend(self._heard(ctx, event))

    def _heard(self, ctx: Context, event: Event) -> list[Event]:
        """What those who hear it raise."""
        hearing = (rule for rule in self.rules if isinstance(event, rule.hears))
        return [answer for rule in hearing for answer in self._call(rule, rule.event, ctx, event)]

    def _take(self) -> list[Event]:
        out, self._out = self._out, []
        return out


def wanted() -> frozenset[str]:
    """Every signal that a rule, a metric or the trace reads: what a plan has to decode."""
    named = {s for rule in discover() for s in rule.signals}
    return frozenset(named | READS | INTEGRALS | {signals.SPEED, signals.ENGINE_SPEED})
