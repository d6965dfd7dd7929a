"""A week lived: the real engine with its rules, fed with samples and time; around it power, clock, link and a far side.

True time is nanoseconds since the week began. The unit knows its boot clock, and a wall clock that may be wrong; what it
raises counts once it is committed, and leaves when the link is there. The far side is hil/bench/week_far_side.py's.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from agent.config import Owner
from agent.engine import Engine
from agent.events.appointment import AppointmentChanged, AppointmentRule, SlotsOffered
from agent.events.concern import Concern, ConcernSettled
from agent.events.habits import HabitsRule
from agent.events.household import DriverRemoved, DriverSaved, HouseholdRule
from agent.events.ignition import IgnitionRule
from agent.events.prompt import PromptRule
from agent.events.trip import Trip
from agent.household import Driver
from agent.localtime import DAY_NS
from agent.model import NS, ClockQuality, Event, Sample, Setup, Value, Wall
from agent.prompts.slots import Slot
from agent.signals import ENGINE_SPEED, IGNITION, SPEED
from agent.stitch import is_trusted
from agent.vehicle import Ignition, Vehicle
from hil.bench.week_far_side import FarSide
from hil.bench.week_judge import Judge
from hil.bench.week_plan import DAY_S, DAYS, HOUR_S, KINDS, Plan, Worry

RULES = (AppointmentRule, HabitsRule, HouseholdRule, IgnitionRule, PromptRule, Trip)
COMMIT_NS = 10 * NS
BEAT_S = 90  # a message of a living bus: below the profile's gap_s
WHOLE_S = 1.2  # by activity it is on once it has moved for a whole second
CALM_DAYS = 60  # what is held is told by then: two a week, and the last try was a month ago


class World:
    """See the module."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self.rng = random.Random(seed)
        self.plan = plan
        ignition = Ignition("signal") if plan.by_signal else Ignition()
        self.setup = Setup("unit-1", Vehicle("a car", ignition=ignition), Owner(timezone=plan.zone))
        self.judge = Judge(plan)
        self.now_ns = 0
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._n = count()
        self.is_running, self.is_linked, self.is_calm = True, True, False
        self.drive_n, self.is_suspended = 0, False  # suspended it is not running either
        self.boot_ns, self.boot_n, self.err_ns = 0, 0, 0
        self.quality: ClockQuality | None = "synchronised"
        self.engine = self._engine()
        self.saved: dict[str, tuple[int, bytes]] = {}
        self.pending: list[Event] = []
        self.committed_ns = -COMMIT_NS
        self.sent: list[tuple[int, Event]] = []
        self.commands: list[Event] = []
        self.far = FarSide(self)
        self.bookable: dict[str, Worry] = {}  # the newest of each
        self.stops = sorted(round(deed.at_s * NS) for deed in plan.deeds if deed.what in ("stop", "suspend"))
        for deed in plan.deeds:
            self.at(round(deed.at_s * NS), getattr(self, deed.what), *deed.given)

    def live(self) -> Judge:
        """The week, and the calm after it."""
        for driver in self.plan.drivers:
            self.save(driver)
        self.run((DAYS + 1) * DAY_NS)
        self.calm()
        self.run((DAYS + 1 + CALM_DAYS) * DAY_NS)
        self.judge.close(self.engine.failures)
        return self.judge

    def run(self, until_ns: int) -> None:
        while True:
            next_ns = self._heap[0][0] if self._heap else until_ns
            due_ns = self.engine.next_wake() if self.is_running else None
            if due_ns is not None and due_ns + self.boot_ns < min(next_ns, until_ns):
                self.now_ns = max(self.now_ns + 1, due_ns + self.boot_ns)
                self.wake()
            elif next_ns >= until_ns:
                self.now_ns = max(self.now_ns, until_ns)
                return
            else:
                at_ns, _, deed, given = heapq.heappop(self._heap)
                self.now_ns = max(self.now_ns, at_ns)
                deed(*given)

    def at(self, at_ns: int, deed: Callable[..., None], *given: Any) -> None:
        heapq.heappush(self._heap, (max(at_ns, self.now_ns), next(self._n), deed, given))

    def later(self, seconds: float, deed: Callable[..., None], *given: Any) -> None:
        self.at(self.now_ns + round(seconds * NS), deed, *given)

    # -- the unit ----------------------------------------------------------------------------------

    def _engine(self) -> Engine:
        self.judge.restarted(self.now_ns)
        return Engine(self.setup, f"boot-{self.boot_n}", {}, RULES)

    @property
    def t_ns(self) -> int:
        return self.now_ns - self.boot_ns

    @property
    def wall(self) -> Wall | None:
        return self.quality and Wall(self.plan.start_utc_ns + self.boot_ns + self.err_ns, self.quality)

    def wake(self) -> None:
        if self.is_running:
            self.take(self.engine.wake(self.t_ns, self.wall))

    def take(self, events: Iterable[Event]) -> None:
        """What matters is committed at once, the rest within ten seconds; what is committed counts."""
        self.pending += events
        if not any(e.urgent for e in self.pending) and self.now_ns - self.committed_ns < COMMIT_NS:
            return
        self.committed_ns = self.now_ns
        if self.stops and self.stops[0] - self.now_ns < 2 * COMMIT_NS:
            self.saved = self.engine.states()
        told, self.pending = self.pending, []
        for event in told:
            self.judge.committed(event, self)
        self.judge.all_committed()
        leaving = [(next(self._n), e) for e in told if e.leaves]
        if leaving:
            self.sent += leaving
            self.later(self.rng.uniform(0.2, 5), self.pump)

    def enter(self, event: Event) -> None:
        """A person's entry, or another rule's event."""
        self.wake()
        self.take(self.engine.raised([event]))

    def stop(self, for_s: float, is_cut: bool) -> None:
        if not self.is_running or self.is_calm:
            return
        self.wake()
        if not self.pending:
            self.saved = self.engine.states()
        self.stops = [each for each in self.stops if each > self.now_ns]
        self.pending, self.is_running = [], False  # not committed: lost
        self.later(for_s, self.start, is_cut)

    def start(self, is_cut: bool) -> None:
        if self.is_running:
            return
        self.is_running = True
        if is_cut:
            self.boot_ns, self.boot_n = self.now_ns, self.boot_n + 1
            self.distrust(
                self.rng.choice(("unsure", None)), self.rng.choice((-1, 1)) * self.rng.choice((60, DAY_S, 5000 * DAY_S))
            )
            if self.rng.random() < 0.9:
                self.later(self.rng.choice((1.0, 20.0, self.rng.uniform(60, 3 * HOUR_S))), self.step, 0.0)
        self.engine = self._engine()
        self.engine.restore(self.saved)
        self.wake()
        self.pump()

    def suspend(self, for_s: float) -> None:
        """It notices nothing, not even that time goes by; the boot clock goes on."""
        if self.is_running and not self.is_calm:
            self.wake()
            self.is_running, self.is_suspended = False, True
            self.later(for_s, self.resume)

    def resume(self) -> None:
        if self.is_suspended:
            self.is_running, self.is_suspended = True, False
            self.judge.restarted(self.now_ns)
            self.take(self.engine.resumed(self.t_ns))
            self.wake()
            self.pump()

    def step(self, by_s: float) -> None:
        """The clock is synchronised, to what is wrong by so much."""
        self.judge.stepped(self.now_ns)
        self.err_ns, self.quality = round(by_s * NS), "synchronised"
        self.wake()
        self.pump()

    def distrust(self, quality: ClockQuality | None, by_s: float = 0.0) -> None:
        self.judge.stepped(self.now_ns)
        self.err_ns, self.quality = self.err_ns + round(by_s * NS), quality

    # -- the car -----------------------------------------------------------------------------------

    def drive(self, length_s: float) -> None:
        if self.is_calm:
            return
        self.drive_n += 1
        end_ns = self.now_ns + round(length_s * NS)
        known_s = 0 if self.plan.by_signal else WHOLE_S
        self.later(min(known_s, length_s), self._started)
        self.at(end_ns, self._parked)
        if self.plan.by_signal:
            beats: list[tuple[float, str, Value]] = [(n * BEAT_S, IGNITION, "ON") for n in range(int(length_s / BEAT_S) + 1)]
            rest: list[tuple[float, str, Value]] = [(0.5, SPEED, 0.0), (1.5, SPEED, 30.0), (2.5, SPEED, 30.0)]
            if self.rng.random() < 0.9:  # many a bus falls silent before it says so
                for n in range(self.rng.choice((1, 1, 9))):
                    self.later(length_s + n * 20, self._off, self.drive_n)
        else:
            beats = [(n * BEAT_S, ENGINE_SPEED, 900.0) for n in range(1, int(length_s / BEAT_S) + 1)]
            rest = [(burst + n, SPEED, 30.0) for burst in range(0, max(int(length_s) - 3, 1), 500) for n in range(4)]
        for after_s, signal, value in (*beats, *rest):
            if after_s < length_s:
                self.later(after_s, self._hear, signal, value)

    def _off(self, drive_n: int) -> None:
        if drive_n == self.drive_n:  # else it is on again
            self._hear(IGNITION, "OFF")

    def _started(self) -> None:
        self.judge.ignition_on(self.now_ns)

    def _parked(self) -> None:
        self.judge.ignition_off(self.now_ns)

    def _hear(self, signal: str, value: Value) -> None:
        if self.is_running:
            if self.t_ns >= 0:
                self.judge.heard(self.now_ns, signal, value)
            sample: Sample = (self.t_ns, signal, value)
            self.take(self.engine.feed([sample]))

    # -- what people and other rules say ---------------------------------------------------------------

    def worry(self, worry: Worry) -> None:
        if not self.is_running:
            self.later(600, self.worry, worry)
            return
        says, values = KINDS[worry.kind]
        is_dated = is_trusted(self.wall)
        self.enter(
            Concern(
                id=worry.id,
                t_ns=self.t_ns,
                boot_id=self.engine.boot_id,
                subject=worry.subject,
                kind=worry.kind,
                says=says,
                values=values,
                rests_on=[worry.id],
                driver=worry.driver,
                urgency=worry.urgency,
                bookable=worry.bookable,
                utc_ns=self.wall.utc_ns(self.t_ns) if self.wall and is_dated else None,
            )
        )
        self.judge.worried(worry)
        if worry.bookable is not None:
            self.bookable[worry.bookable] = worry

    def settle(self, subject: str) -> None:
        if not self.is_running:
            self.later(600, self.settle, subject)
            return
        self.judge.settling(subject)
        self.enter(self._entry(ConcernSettled, subject=subject, why="done"))
        self.judge.settled(subject)

    def offer(self, bookable: str) -> None:
        self.commands.append(self._entry(SlotsOffered, bookable=bookable, slots=self._slots(5)))
        self.pump()

    def change(self, bookable: str) -> None:
        """What was booked is at another time, or is not to be; then what it was for is to be told again. Or it was kept."""
        if self.is_calm:
            return
        how = self.rng.choice(("moved", "moved", "moved", "cancelled", "missed", "kept"))
        self.command(AppointmentChanged, bookable=bookable, change=how, slot=self._slots(1)[0] if how == "moved" else None)
        worry = self.bookable[bookable]
        if how in ("cancelled", "missed"):
            self.later(3600, self.worry, worry._replace(id=f"{worry.id.split()[0]} again {next(self._n)}"))
        elif how == "moved" and self.rng.random() < 0.7:
            self.later(self.rng.uniform(60, 12 * HOUR_S), self.offer, bookable)

    def _slots(self, n: int) -> list[Slot]:
        start_s = self.plan.start_utc_ns // NS + self.now_ns // NS + self.rng.uniform(0, 10 * DAY_S)
        slots = [(utc(start_s + k * 5000), utc(start_s + k * 5000 + 3600)) for k in range(n)]
        return [Slot(f"s{k} {start}", start, end, "a workshop") for k, (start, end) in enumerate(slots)]

    def save(self, driver: Driver) -> None:
        self.commands.append(self._entry(DriverSaved, driver=driver))
        self.pump()

    def remove(self, driver: str) -> None:
        self.commands.append(self._entry(DriverRemoved, driver=driver))
        self.pump()

    def _entry(self, kind: type[Event], **fields: Any) -> Event:
        return kind(id=f"{kind.__name__} {next(self._n)}", t_ns=max(self.t_ns, 0), boot_id=self.engine.boot_id, **fields)

    # -- the link ------------------------------------------------------------------------------------

    def link(self, is_up: bool) -> None:
        self.is_linked = is_up or self.is_calm
        self.judge.linked(self.now_ns, self.is_linked)
        self.pump()

    def pump(self) -> None:
        """Up: what was committed, in order. Down: commands, which wait for a clock to be trusted."""
        if not (self.is_running and self.is_linked):
            return
        sent, self.sent = self.sent, []
        for n, event in sent:
            self.far.receive(n, event)
        while self.commands and is_trusted(self.wall):
            self.enter(self.commands.pop(0))

    def command(self, kind: type[Event], **fields: Any) -> None:
        self.commands.append(self._entry(kind, **fields))
        self.pump()

    def calm(self) -> None:
        """The car stands, the clock is right, the link is there; nothing happens any more but time."""
        self.is_calm = True
        if self.is_suspended:
            self.resume()
        elif not self.is_running:
            self.start(True)
        self.link(True)
        self.step(0.0)
        if self.plan.by_signal:
            self._hear(IGNITION, "OFF")


def utc(utc_s: float) -> str:
    return datetime.fromtimestamp(int(utc_s), UTC).isoformat()
