"""The daemon: decoder, engine and store wired together, and when what is written.

No more than ROUTINE_S of driving is ever uncommitted, no more than one routine commit per ROUTINE_S; an urgent
event is committed at once. A tidy stop and a power cut are the same path: what is open stays open in the states.
The live loop (agent/cli/run.py) and a replay (agent/cli/replay.py) drive the same object.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from agent.corrections import months, rebuilt
from agent.decode import Decoder, Plan
from agent.engine import Engine
from agent.events.clock import ClockCorrected
from agent.events.driver_summary import TripAttributed, month_of
from agent.events.health import HealthReported, health
from agent.events.odometer import Odometer
from agent.events.trip import TripEnded
from agent.gaps import counted, least_wanted, voided
from agent.io import clock
from agent.io.dating import Dating
from agent.io.retention import Shed
from agent.io.store import Batch, Restored, Store, StoreError
from agent.model import NS, Event, Frame, Sample, Setup, Wall, derive_id
from agent.records import attribution, event_row, prompt_row, trip_row

if TYPE_CHECKING:
    from agent.io.uplink import UplinkState

ROUTINE_S = 8  # a commit's pages cost the card some 12 kB; ten seconds of driving is what may be lost
PARKED_S = 600  # a bus that chatters while the car is parked changes nothing that a restart would miss
RETRY_S = 10  # after a failed write: a full disk stays full for a while
EVENTS_KEPT = 2_000  # in memory while the disk refuses, some 4 MB; a trip raises about five
TRACE_KEPT = 3_600  # points, likewise: the last hour of driving, half a megabyte
RAISED_KEPT = 20_000  # when nobody takes them


ALLOCATIONS = 50_000  # between two looks for garbage in cycles; samples die by themselves, and each look costs 1/30 of the CPU


def calm_collector() -> None:
    """Once a process is set up: leave what lives for ever out of garbage collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 20, 20)


class Uplink(Protocol):
    """What the daemon asks of agent/io/uplink.py."""

    @property
    def state(self) -> UplinkState: ...

    def pump(self, now_ns: int) -> None: ...


class Daemon:
    """One unit's work. `store` is owned by the caller's thread; nothing here is shared with another."""

    def __init__(self, setup: Setup, plan: Plan, store: Store, boot_id: str, uplink: Uplink | None = None) -> None:
        self.setup = setup
        self.zone = ZoneInfo(setup.owner.timezone)
        self.store = store
        self.uplink = uplink
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
        self._tend()
        self._commit_if_due()
        self.send()

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
        wall = self.engine.wall
        restored = self.store.restored
        gaps = self._gaps(shed, restored)
        trips = [row for row in map(trip_row, self._events) if row is not None]
        batch = Batch(
            states=self.engine.states(),
            events=[event_row(e, wall, self.engine.boot_id) for e in [*self._events, *gaps] if e.leaves],
            trips=trips,
            prompts=[row for row in map(prompt_row, self._events) if row is not None],
            drivers=[a for a in map(attribution, self._events) if a is not None],
            points=list(self.engine.trace),
            ended=[row["id"] for row in trips],
            anchor=(self.engine.boot_id, self.now_ns, wall.utc_ns(self.now_ns), wall.quality) if wall else None,
            dated=self._dated(),
            shed=shed,
            told=restored,
        )
        self.store.commit(batch, wall.utc_ns(self.now_ns) if wall else None)
        self.engine.trace.clear()
        self._events.clear()
        self._lost.clear()
        self._raise(gaps)
        self._committed_ns = self.now_ns

    def _dated(self) -> Dating | None:
        found = [e for e in self._events if isinstance(e, ClockCorrected)]
        return Dating(found[-1].boot_id, found[-1].offset_ns, found[-1].clock) if found else None

    def _gaps(self, shed: Shed | None, restored: Sequence[Restored]) -> list[Event]:
        """What is given up with this commit or was lost before it, as events."""
        ctx = self.engine.context(self.now_ns)
        counts = Counter(self._lost)
        events: list[Event] = []
        if shed is not None:
            counts.update(shed.counts)
            events += voided(ctx, "shed", shed.voided)
        for each in restored:
            counts.update(each.counts)
            if each.epoch is not None:
                events += voided(ctx, "restored", {each.epoch: each.ranges})
        return [*events, *counted(ctx, counts)]

    # -- what people enter -----------------------------------------------------------------------

    def set_odometer(self, reading_m: float) -> None:
        """`keyoff odometer set`: the reading that a person took from the car."""
        rule = next(r for r in self.engine.rules if isinstance(r, Odometer))
        self._heard(self.engine.raised(rule.entered(self.engine.context(self.now_ns), reading_m)))
        self.commit()

    def assign(self, trip: Mapping[str, Any], driver: str) -> None:
        """`keyoff trips assign`: the trip moves to `driver`, and the month's sums follow."""
        event = TripAttributed(
            id=derive_id(self.setup.unit, "TripAttributed", trip["id"], driver, self.store.count("TripAttributed")),
            t_ns=self.now_ns,
            boot_id=self.engine.boot_id,
            trip_id=trip["id"],
            driver=driver,
            how="household",
            before=trip["driver"],
        )
        self._heard(self.engine.raised([event]))
        self.commit()
        if trip["start_utc_ns"] is not None:
            self._rebuild({month_of(trip["start_utc_ns"], self.zone)})
            self.commit()

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
        if any(isinstance(e, ClockCorrected) for e in events):
            before = months(self.store, self.zone, self.engine.boot_id)
            self._try_commit()
            self._rebuild(before | months(self.store, self.zone, self.engine.boot_id))
        elif any(e.urgent for e in events):
            self._try_commit()

    def _rebuild(self, names: set[str]) -> None:
        """Add months up anew; one that was told already is told again."""
        self._heard(rebuilt(self.engine, self.store, self.now_ns, names))

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
        aside = {"events too large for the broker": self.uplink.state.set_aside} if self.uplink is not None else {}
        return {what: n for what, n in (self.decoder.dropped() | own | failed | aside).items() if n}

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
