"""The daemon: decoder, engine and store wired together, and when what is written.

No more than ROUTINE_S of driving is ever uncommitted, no more than one routine commit per ROUTINE_S; an urgent
event is committed at once. A tidy stop and a power cut are the same path: what is open stays open in the states.
The live loop (agent/cli/run.py) and a replay (agent/cli/replay.py) drive the same object.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from agent.corrections import settled
from agent.decode import Decoder, Plan
from agent.engine import Engine
from agent.entries.entering import EntryFailed, EntryRefused, OdometerRead, TripGiven, attributed, entry_of, refuse_from_afar
from agent.entries.standing import check, dated, standing
from agent.events.command import taken, unfinished
from agent.events.health import HealthReported, health
from agent.events.odometer import Odometer
from agent.events.report import ReportRule
from agent.events.trip import TripEnded
from agent.forgetting import taken_back
from agent.gaps import counted, least_wanted, voided
from agent.household.consents import entailed
from agent.io import clock
from agent.io.commands import Commands, NotBelieved, Refused
from agent.io.retention import Shed
from agent.io.store import Batch, Restored, Store, StoreError
from agent.io.taken import CommandRow
from agent.model import NS, Event, Frame, Sample, Setup, Wall
from agent.records import attribution, dating, event_row, prompt_change, prompt_rows, report_row, trip_row
from agent.stitch import is_trusted

if TYPE_CHECKING:
    from agent.io.uplink import UplinkState

ROUTINE_S = 8  # a commit's pages cost the card some 12 kB; ten seconds of driving is what may be lost
PARKED_S = 600  # a bus that chatters while the car is parked changes nothing that a restart would miss
RETRY_S = 10  # after a failed write: a full disk stays full for a while
EVENTS_KEPT = 2_000  # in memory while the disk refuses, some 4 MB; a trip raises about five
TRACE_KEPT = 3_600  # points, likewise: the last hour of driving, half a megabyte
RAISED_KEPT = 20_000  # when nobody takes them
COMMANDS_PER_TICK = 20  # each may cost a signature's check and a commit: a flood of them must not hold up the bus


class Uplink(Protocol):
    """What the daemon asks of agent/io/uplink.py."""

    @property
    def state(self) -> UplinkState: ...

    def pump(self, now_ns: int) -> None: ...

    def commands(self, limit: int) -> list[bytes]: ...

    def took(self, payload: bytes) -> None: ...


class Daemon:
    """One unit's work. `store` is owned by the caller's thread; nothing here is shared with another."""

    def __init__(self, setup: Setup, plan: Plan, store: Store, boot_id: str, uplink: Uplink | None = None) -> None:
        self.setup = setup
        self.zone = ZoneInfo(setup.owner.timezone)
        self.store = store
        self.uplink = uplink
        self.commands: Commands | None = None  # who may command this unit; None: nobody
        self.counters: list[Callable[[], Mapping[str, int]]] = [store.counts]  # what others count, for the health report
        self.decoder = Decoder(plan)
        self.engine = Engine(setup, boot_id, plan.max_age_ns)
        self.engine.restore(store.states())
        self.raised: list[Event] = []  # every event, in order, until `take`: for who prints them
        self.store_trouble: str | None = None
        self._events: list[Event] = []  # not written yet
        self.now_ns = 0  # the latest time it was told
        self._committed_ns = 0
        self._retry_ns = 0
        self._reported: dict[str, int] = {}
        self._commands: list[CommandRow] = []  # likewise
        self._lost: Counter[str] = Counter()  # given up unwritten, and not told yet

    # -- in ------------------------------------------------------------------------------------

    def frames(self, frames: list[Frame]) -> None:
        """Frames as they came, of no more than a few seconds."""
        if frames:
            self.now_ns = max(self.now_ns, frames[-1].t_ns)
            self._heard(self.engine.frames(frames, self.decoder))

    def samples(self, samples: list[Sample]) -> None:
        if samples:
            self.now_ns = max(self.now_ns, samples[-1][0])
            self._heard(self.engine.feed(samples))

    def tick(self, t_ns: int, wall: Wall | None) -> None:
        """Time has come to t_ns: wake what is due, commit what is due, let the uplink work. About once a second."""
        self.now_ns = max(self.now_ns, t_ns)
        self._heard(self.engine.wake(t_ns, wall))
        self._settle()
        self._report()
        self._tend()
        self._commit_if_due()
        self.send()
        self._take_commands()

    def resume(self, t_ns: int) -> None:
        """The unit was suspended until `t_ns`: its bus was not heard."""
        self.now_ns = max(self.now_ns, t_ns)
        self._heard(self.engine.resumed(t_ns))

    def send(self) -> None:
        """Let the uplink work, and write down what the broker acknowledged. The link lives in real time, in a replay too."""
        if self.uplink is not None:
            wall = self.engine.wall
            try:
                self.uplink.pump(clock.boottime_ns())
                self.store.flush(wall.utc_ns(self.now_ns) if wall else None)
            except StoreError as e:
                self.store_trouble = str(e)

    def finish(self) -> None:
        """The recording is over: what is open ends at its last sample."""
        events = self.engine.finish()
        self._heard(events)
        if self._events or not events:  # an ended trip has been committed already
            self.commit()

    def commit(self, shed: Shed | None = None) -> None:
        """Write states, events, trips, prompts and trace in one transaction, and remove what has to go, telling it.

        Raises StoreError; nothing is dropped then."""
        epoch = self.store.epoch
        try:
            self._write(shed)
        except StoreError:
            if self.store.epoch == epoch:
                raise
            self._write(None)  # it mended itself: what has to go has other numbers now

    def _write(self, shed: Shed | None) -> None:
        wall = self.engine.wall
        epoch, restored = self.store.epoch, self.store.restored
        forgotten = taken_back(self._events, self.store)
        gaps = self._gaps([each for each in (shed, forgotten) if each is not None], restored)
        trips = [row for row in map(trip_row, self._events) if row is not None]
        batch = Batch(
            states=self.engine.states(),
            events=[event_row(e, wall, self.engine.boot_id) for e in [*self._events, *gaps] if e.leaves],
            trips=trips,
            prompts=[row for e in self._events for row in prompt_rows(e)],
            answers=[c for c in (prompt_change(e, e.t_ns + wall.offset_ns if wall else None) for e in self._events) if c],
            drivers=[a for a in map(attribution, self._events) if a is not None],
            commands=list(self._commands),
            reports=[row for row in map(report_row, self._events) if row is not None],
            points=list(self.engine.trace),
            ended=[row["id"] for row in trips],
            anchor=(self.engine.boot_id, self.now_ns, wall.utc_ns(self.now_ns), wall.quality) if wall else None,
            dated=dating(self._events),
            shed=shed,
            forgotten=forgotten,
            epoch=epoch,
            told=restored,
            quiet=not any(e.urgent for e in self._events),
        )
        self.store.commit(batch, wall.utc_ns(self.now_ns) if wall else None)
        self.engine.trace.clear()
        self._events.clear()
        self._commands.clear()
        self._lost.clear()
        self._raise(gaps)
        self._committed_ns = self.now_ns

    def _gaps(self, sheds: Sequence[Shed], restored: Sequence[Restored]) -> list[Event]:
        """What is given up with this commit or was lost before it, as events."""
        ctx = self.engine.context(self.now_ns)
        counts = Counter(self._lost)
        events: list[Event] = []
        for shed in sheds:
            counts.update(shed.counts)
            events += voided(ctx, shed.why, shed.voided)
        for each in restored:
            counts.update(each.counts)
            if each.epoch is not None:
                events += voided(ctx, "restored", {each.epoch: each.ranges})
        return [*events, *counted(ctx, counts)]

    # -- what people enter -----------------------------------------------------------------------

    def enter(self, kind: str, data: dict[str, Any], ref: str) -> None:
        """A person's entry (agent/entries/entering.py), kept at once. `ref`: the same for the same entry, however often it comes.

        Raises EntryRefused; EntryFailed, when what it came to is kept; StoreError."""
        events, failure = self._tried(kind, data, ref)
        self._keep(events)
        if failure:
            raise EntryFailed(failure)

    def _keep(self, events: list[Event]) -> None:
        """At once. Raises StoreError; they are written later then."""
        self._heard(events)
        self.commit()

    def _tried(self, kind: str, data: dict[str, Any], ref: str) -> tuple[list[Event], str | None]:
        """As `_entered`, and why not all of it is done."""
        failures = Counter(self.engine.failures)
        return self._entered(kind, data, ref), unfinished(self.engine.failures - failures)

    def _entered(self, kind: str, data: dict[str, Any], ref: str) -> list[Event]:
        """What an entry comes to, once the rules have heard it: not kept yet."""
        ctx = self.engine.context(self.now_ns)
        entry = entry_of(kind, data, ref, ctx)
        now = standing(self.engine)
        check(entry, ctx, now)
        match dated(entry, now, ctx):
            case OdometerRead(reading_m):
                rule = next(r for r in self.engine.rules if isinstance(r, Odometer))
                return self.engine.raised(rule.entered(ctx, reading_m, ref))
            case TripGiven(trip_id, driver):
                trip = next((dict(r) for r in self.store.trips() if r["id"] == trip_id), None)
                if trip is None:
                    raise EntryRefused(f"there is no trip {trip_id}")
                return self._moved(trip, driver, ref)
            case event:
                return self.engine.raised(entailed(event, ctx))

    def _moved(self, trip: Mapping[str, Any], driver: str, ref: str) -> list[Event]:
        """A trip moves, which is kept; gives the month's new sums. Cut off in between and entered again, it comes to the same."""
        event = attributed(trip, driver, ref, self.engine.context(self.now_ns))
        self._keep(self.engine.raised([event]))
        return self._settled()

    # -- commands --------------------------------------------------------------------------------

    def _take_commands(self) -> None:
        """Do what signed commands ask for. Each is acknowledged to the broker once that is committed, so that a power cut
        before makes it come again; and works once, for its row is in the same transaction.

        They wait for a trusted clock, without which nobody knows whether they have expired, and for a disk that takes it."""
        if self.commands is None or self.uplink is None:
            return
        for payload in self.uplink.commands(COMMANDS_PER_TICK):
            wall = self.engine.wall
            if self.store_trouble or self._commands or not is_trusted(wall):
                return
            try:
                self._take_command(self.commands, payload, wall.utc_ns(self.now_ns))
            except StoreError as e:
                self.store_trouble = str(e)
            else:
                if not self._commands:
                    self.uplink.took(payload)

    def _take_command(self, commands: Commands, payload: bytes, utc_ns: int) -> None:
        refusal = failure = None
        try:
            command = commands.read(payload, utc_ns)
        except NotBelieved:
            return
        except Refused as e:
            command, refusal = e.command, str(e)
        if self.store.has_taken(command.id):
            return
        events: list[Event] = []
        if refusal is None:
            try:
                refuse_from_afar(command.kind)
                events, failure = self._tried(command.kind, command.data, command.id)
            except EntryRefused as e:
                refusal = str(e)
        answer = taken(self.engine.context(self.now_ns), command.id, command.kind, refusal, failure)
        self._commands.append(CommandRow(command.id, answer.kind, answer.outcome, command.expires_utc_ns, utc_ns))
        self._heard([*events, answer])

    def take(self) -> list[Event]:
        """The events since the last call, in order."""
        out, self.raised = self.raised, []
        return out

    # -- inside --------------------------------------------------------------------------------

    def _heard(self, events: list[Event]) -> None:
        if not events:
            return
        self._add(events)
        if any(isinstance(e, TripEnded) for e in events):
            now = self.counts()
            report = health(self.setup.unit, self.engine.boot_id, self.now_ns, now, self._reported)
            self._reported = now
            if report is not None:
                self._add([report])
        if any(e.urgent for e in events):
            self._try_commit()
            self.send()  # now, not with the next tick

    def _settle(self) -> None:
        """Add the months up anew if trips moved between them, once that is written: a disk that refuses delays it."""
        if self._events:
            return
        try:
            self._heard(self._settled())
        except StoreError as e:
            self.store_trouble = str(e)

    def _settled(self) -> list[Event]:
        events, damaged = settled(self.engine, self.store, self.now_ns)
        if damaged:
            self._lost["trips left out of their month: the row is damaged"] += damaged
        return events

    def _report(self) -> None:
        """A month that is over becomes its reports, a month a tick; while the disk refuses they wait."""
        unmade = self.engine.rule(ReportRule).state.unmade
        if not unmade or self.store_trouble or self.now_ns < self._retry_ns:
            return
        from agent.reporting import reports  # late: once a month

        try:
            self.commit()  # its last trip is in the table
            self._heard(reports(self.engine, self.store, self.now_ns, unmade[0]))
            self.commit()  # that it was made is kept, though nobody may have one
        except StoreError as e:
            self.store_trouble = str(e)
            self._retry_ns = self.now_ns + RETRY_S * NS

    def _add(self, events: list[Event]) -> None:
        self._raise(events)
        self._events += events

    def _raise(self, events: list[Event]) -> None:
        self.raised += events
        del self.raised[:-RAISED_KEPT]

    def counts(self) -> dict[str, int]:
        """What was dropped or failed since start, by what it was."""
        engine = self.engine
        own = {"late samples": engine.late, "implausible speed": engine.grid.implausible}
        failed = {f"rule {name} failed": n for name, n in engine.failures.items()}
        others = Counter(self.commands.counts if self.commands else {})
        if self.uplink is not None:
            others["events too large for the broker"] = self.uplink.state.set_aside
            others["commands left to the broker"] = self.uplink.state.commands_left
        for each in self.counters:
            others.update(each())
        return {what: n for what, n in (self.decoder.dropped() | own | failed | others).items() if n}

    def _commit_if_due(self) -> None:
        at_rest = self.engine.trip.state.phase == "parked" and not (self._events or self.store_trouble or self.store.restored)
        if self.now_ns - self._committed_ns >= (PARKED_S if at_rest else ROUTINE_S) * NS:
            self._try_commit()

    def _tend(self) -> None:
        """Let the store do what is due, and give up what the size limit asks for."""
        try:
            shed = self.store.tend()
        except StoreError as e:
            self.store_trouble = str(e)
            return
        if shed is not None:
            self._try_commit(shed)

    def _try_commit(self, shed: Shed | None = None) -> None:
        """Commit; while the disk refuses, keep what there is room for and try again, telling it in the status."""
        if self.now_ns < self._retry_ns:
            return
        try:
            self._commit_making_room(shed)
            self.store_trouble = None
        except StoreError as e:
            self.store_trouble = str(e)
            self._retry_ns = self.now_ns + RETRY_S * NS
            self._keep_bounded()

    def _commit_making_room(self, shed: Shed | None) -> None:
        try:
            self.commit(shed)
        except StoreError as e:
            room = self.store.room() if e.reason == "full" else None
            if room is None:
                raise
            self.commit(room)

    def _keep_bounded(self) -> None:
        """Of what the disk does not take, the trace goes first, then the least wanted events; told once it takes again."""
        over = len(self.engine.trace) - TRACE_KEPT
        if over > 0:
            del self.engine.trace[:over]
            self._lost["trace points given up"] += over
        if len(self._events) <= EVENTS_KEPT:
            return
        for event in least_wanted(self._events, len(self._events) - EVENTS_KEPT * 9 // 10):
            self._events.remove(event)
            # What a health report told is told again.
            self._lost.update(event.counts if isinstance(event, HealthReported) else {f"{type(event).__name__} given up": 1})
