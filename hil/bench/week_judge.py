"""What must hold of a week, written from what was asked for and not from the code. It keeps its own account of everything.

Nothing is released while the ignition is on, or not known, or came on less than ten minutes ago; what is about safety never
while it is on. What is neither a celebration nor about safety leaves with neither. Nothing may be shown in quiet hours, or more
often than once a day and twice in seven days. Nothing is lost, nothing is said twice, and what is settled is withdrawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from agent.events.appointment import APPOINTMENT, AppointmentMoved, MoveSettled
from agent.events.concern import Urgency
from agent.events.household import DriverRemoved, DriverSaved
from agent.events.message import (
    Part,
    PromptAnswered,
    PromptDelivered,
    PromptExpired,
    PromptReleased,
    PromptWithdrawn,
)
from agent.household import AS_OWNER, OWNER, Driver, Kind
from agent.model import NS, Event, Value
from agent.signals import IGNITION
from hil.bench.week_plan import Plan, Worry

if TYPE_CHECKING:
    from hil.bench.week_world import World

TEN_MIN_NS = 600 * NS
SILENT_NS = 110 * NS  # the profile's gap_s: a car with its ignition on is never silent for so long
DAY_NS, WEEK_NS = 86_400 * NS, 7 * 86_400 * NS
WHOLE_NS = 1_200_000_000  # a speed says something once a whole second of it was heard
TELLS_NS = 75 * NS  # TripStarted waits for a minute when it may be the trip from before a power cut
TOLD_NS = 6 * 3600 * NS  # a link that tells later than that, after all it could be shown, tells nothing in time
SLACK_NS = 2 * NS  # whole seconds here, nanoseconds there


class Message(NamedTuple):
    """One that may have been shown, by the unit's own clock. `era`: between two steps of that clock or changes of a profile."""

    driver: str
    from_utc_ns: int
    until_utc_ns: int
    day: date  # the person's own
    parts: dict[str, int]  # prompt id → revision
    era: int


class Judge:
    """`faults`: what did not hold, in words. `counts`: what is only counted."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self.drivers: dict[str, Driver] = {}
        self.era = 0
        self._on_ns = -TEN_MIN_NS  # when it came on last, in truth
        self._is_on = False
        self._heard_ns = 0  # a sample, or a start
        self._off_told = False  # by the signal, since then
        self._started_ns = 0
        self._woke_ns = -WEEK_NS  # the first sample after a silence
        self._unlinked_ns: int | None = None
        self._linked_ns = 0
        self.worries: dict[tuple[str, str], Worry] = {}  # (concern, driver) → to be told still
        self.ever: set[tuple[str, str]] = set()  # likewise, whatever became of it
        self.kinds: dict[str, Kind] = {}  # of each concern
        self.moved: set[str] = set()  # concerns of which somebody else may have been told
        self.told: set[tuple[str, str]] = set()  # likewise, shown
        self.stopped: set[tuple[str, str]] = set()
        self.prompts: dict[str, tuple[str, str, str]] = {}  # id → concern, driver, topic
        self.messages: list[Message] = []
        self.out: set[str] = set()  # released, and not ended
        self._to_withdraw: set[str] = set()
        self._no_more: list[str] = []  # subjects that are settled by what is being committed
        self.delivered: set[str] = set()
        self.confirmed: set[tuple[str, int]] = set()  # prompt id, revision: somebody told the unit that it was shown
        self.revisions: dict[str, int] = {}
        self.fresh: dict[str, int] = {}

    def fault(self, at_ns: int, what: str) -> None:
        self.faults.append(f"{timedelta(seconds=at_ns // NS)}: {what}")

    # -- what is true -------------------------------------------------------------------------------

    def ignition_on(self, at_ns: int) -> None:
        """Off and on again that nothing tells from having been on all the time is one."""
        if self._off_told or at_ns - self._heard_ns >= SILENT_NS:
            self._on_ns = at_ns
        self._is_on = True

    def ignition_off(self, at_ns: int) -> None:
        self._is_on = False

    def heard(self, at_ns: int, signal: str, value: Value) -> None:
        if at_ns - self._heard_ns >= SILENT_NS:
            self._woke_ns = at_ns
        self._heard_ns = at_ns
        if signal == IGNITION:
            self._off_told = value == "OFF"
        elif not self.plan.by_signal:
            self._off_told = False

    def restarted(self, at_ns: int) -> None:
        self._heard_ns, self._off_told, self._started_ns = at_ns, False, at_ns

    def stepped(self, at_ns: int) -> None:
        self.era += 1

    def linked(self, at_ns: int, is_up: bool) -> None:
        if is_up:
            self._linked_ns = at_ns if self._unlinked_ns is not None else self._linked_ns
            self._unlinked_ns = None
        elif self._unlinked_ns is None:
            self._unlinked_ns = at_ns

    def worried(self, worry: Worry) -> None:
        self.worries = {k: w for k, w in self.worries.items() if w.subject != worry.subject}  # the newer one replaces it
        self._meant_for(worry)

    def _meant_for(self, worry: Worry) -> None:
        self.kinds[worry.id] = worry.kind
        for name in self._hearers(worry.driver):
            if (worry.id, name) not in self.ever and (name, worry.kind) not in self.stopped:
                self.worries[worry.id, name] = worry
                self.ever.add((worry.id, name))

    def _moved(self) -> None:
        """What was meant for somebody who hears of nothing any more is meant for whoever does now, unless it was theirs alone."""
        self.era += 1
        hearing = {*self.drivers, *self._hearers(None)}
        for (_, name), worry in list(self.worries.items()):
            if name in hearing:
                continue
            del self.worries[worry.id, name]
            self.ever.discard((worry.id, name))
            if name != worry.driver:
                self._meant_for(worry)
                self.moved.add(worry.id)

    def settling(self, subject: str) -> None:
        self._to_withdraw |= {id for id in self.out if self.prompts[id][2] == subject}

    def settled(self, subject: str) -> None:
        """Nothing is to be said of it any more, and what was released of it has to be withdrawn by now.

        An appointment that was moved may begin before its people could be told: counted.
        """
        for id in self._to_withdraw & self.out:
            self.faults.append(f"{self.prompts[id][2]} is settled and not withdrawn")
        self._to_withdraw = set()
        gone = {w.id for w in self.worries.values() if w.subject == subject} - {concern for concern, _ in self.told}
        self.counts["moved, settled before it was told"] += subject.startswith(APPOINTMENT) * len(gone)
        self.worries = {k: w for k, w in self.worries.items() if w.subject != subject}

    def _hearers(self, driver: str | None) -> list[str]:
        if driver in self.drivers:
            return [driver]
        return [d.id for d in self.drivers.values() if d.is_keeper] or [OWNER]

    # -- what the unit did ----------------------------------------------------------------------------

    def committed(self, event: Event, world: World) -> None:
        at_ns = world.boot_ns + event.t_ns
        match event:
            case PromptReleased():
                self._released(at_ns, event)
            case PromptWithdrawn():
                self._take_back(event.prompt_id, self._unit_ns(world))
                if event.why != "the ignition came on":
                    self._over(event.prompt_id)
            case PromptExpired():
                self._over(event.prompt_id)
            case AppointmentMoved():
                told = event.concern
                self.worried(Worry(told.rests_on[0], told.subject, told.kind, told.urgency, told.driver, told.bookable))
                self.counts["appointments moved"] += 1
            case MoveSettled():
                self.settling(event.subject)
                self._no_more.append(event.subject)
            case PromptDelivered():
                self._confirmed(event, self._unit_ns(world))
            case PromptAnswered():
                self._answered(event, self._unit_ns(world))
            case DriverSaved():
                self.drivers[event.driver.id] = event.driver
                self.stopped = {s for s in self.stopped if s[0] != event.driver.id}
                self._moved()
            case DriverRemoved():
                self.drivers.pop(event.driver, None)
                self.stopped = {s for s in self.stopped if s[0] != event.driver}
                self._moved()

    def all_committed(self) -> None:
        """What is withdrawn is so at once."""
        while self._no_more:
            self.settled(self._no_more.pop())

    def _unit_ns(self, world: World) -> int | None:
        return world.wall.utc_ns(world.t_ns) if world.wall else None

    def _released(self, at_ns: int, event: PromptReleased) -> None:
        is_safety = event.urgency == "safety"
        self.counts["messages about safety" if is_safety else "messages"] += 1
        if self._is_on and at_ns >= self._on_ns:
            self.fault(at_ns, f"released while the ignition is on: {event.urgency}")
        elif not is_safety and at_ns - self._on_ns < TEN_MIN_NS:
            self.fault(at_ns, f"released {(at_ns - self._on_ns) / NS:.0f} s after it came on")
        elif not is_safety and not self._off_told and at_ns - self._heard_ns < SILENT_NS and at_ns - self._woke_ns > WHOLE_NS:
            self.fault(at_ns, "released while the ignition is not known")
        if event.driver not in self.drivers and event.driver != OWNER:
            self.fault(at_ns, f"released to {event.driver}, who has gone")
        for part in event.parts:
            self._part(at_ns, event.driver, part, event.urgency)
        if not is_safety:
            self._timed(at_ns, event)
            self._counted(at_ns, event)

    def _part(self, at_ns: int, driver: str, part: Part, urgency: Urgency) -> None:
        id = part.prompt_id
        if id in self.delivered:
            self.fault(at_ns, f"{part.topic} released again though it was delivered")
        if part.revision != self.revisions.get(id, 0):
            self.fault(at_ns, f"{part.topic}: revision {part.revision} after {self.revisions.get(id)}")
        concern = part.rests_on[0]
        worry = self.worries.get((concern, driver))
        if urgency != "usual" and worry is not None and worry.urgency != urgency:
            self.fault(at_ns, f"{part.topic} is {worry.urgency}, and came early with what is {urgency}")
        if worry is None and concern in self.kinds:
            self.fault(at_ns, f"{part.topic} released to {driver} though it was settled, answered, stopped or somebody else's")
        self.prompts[id] = (concern, driver, part.topic)
        self.revisions[id] = part.revision + 1
        self.out.add(id)

    def _counted(self, at_ns: int, event: PromptReleased) -> None:
        """One a day and two in seven days, with all that they may have been shown as far as the unit can know by now."""
        now_ns, driver = event.released_utc_ns or 0, event.driver
        for message in self.messages:
            if message.driver == driver and message.from_utc_ns > now_ns:  # what is said again
                for part in event.parts:
                    message.parts.pop(part.prompt_id, None)
        from_ns, until_ns = event.not_before_utc_ns or 0, event.not_after_utc_ns or 0
        parts = {part.prompt_id: part.revision for part in event.parts}
        new = Message(driver, from_ns, until_ns, self._local(driver, from_ns).date(), parts, self.era)
        others = [m for m in self.messages if (m.driver, m.era) == (driver, self.era) and self._may_have_been_shown(m, now_ns)]
        self.messages.append(new)
        if any(m.day == new.day for m in others):
            self.fault(at_ns, f"more than one message a day to {driver}: {new.day}")
        times = sorted(m.from_utc_ns for m in (*others, new))
        if any(a <= from_ns <= b and b - a < WEEK_NS - SLACK_NS for a, b in zip(times, times[2:], strict=False)):
            self.fault(at_ns, f"more than two messages in seven days to {driver}")

    def _may_have_been_shown(self, message: Message, now_ns: int) -> bool:
        """Hours after its time only when somebody told the unit so."""
        is_late = now_ns >= message.until_utc_ns + TOLD_NS
        return not self.confirmed.isdisjoint(message.parts.items()) if is_late else bool(message.parts)

    def _timed(self, at_ns: int, event: PromptReleased) -> None:
        from_ns, until_ns, now_ns = event.not_before_utc_ns, event.not_after_utc_ns, event.released_utc_ns
        if from_ns is None or until_ns is None or now_ns is None or not now_ns - SLACK_NS <= from_ns < until_ns:
            self.fault(at_ns, f"times out of order: {now_ns} {from_ns} {until_ns}")
        elif self._is_quiet(event.driver, from_ns) or self._is_quiet(event.driver, until_ns - NS):
            self.fault(at_ns, f"to be shown in quiet hours: {event.driver} {from_ns} {until_ns}")

    def _local(self, driver: str, utc_ns: int) -> datetime:
        zone = self.drivers.get(driver, AS_OWNER).timezone or self.plan.zone
        return datetime.fromtimestamp(utc_ns // NS, UTC).astimezone(ZoneInfo(zone))

    def _is_quiet(self, driver: str, utc_ns: int) -> bool:
        profile, clock = self.drivers.get(driver, AS_OWNER), f"{self._local(driver, utc_ns):%H:%M}"
        begin, end = profile.quiet_from, profile.quiet_to
        return begin <= clock < end if begin <= end else clock >= begin or clock < end

    def _take_back(self, id: str, unit_ns: int | None) -> None:
        """Not shown: it was withdrawn before it could be (`unit_ns`)."""
        for message in self.messages:
            if unit_ns is not None and unit_ns < message.from_utc_ns:
                message.parts.pop(id, None)

    def _over(self, id: str) -> None:
        self.out.discard(id)

    def _confirmed(self, event: PromptDelivered, unit_ns: int | None) -> None:
        """The unit knows that it was shown; by an earlier revision, then the latest is not to be shown any more."""
        latest = self.revisions.get(event.prompt_id, 0) - 1
        self.confirmed.add((event.prompt_id, event.revision))
        if self.fresh.get(event.prompt_id, 0) <= event.revision <= latest:
            self.delivered.add(event.prompt_id)
            if event.revision < latest:
                self._take_back(event.prompt_id, unit_ns)

    def _answered(self, event: PromptAnswered, unit_ns: int | None) -> None:
        concern, driver, _ = self.prompts.get(event.prompt_id, ("", "", ""))
        self.confirmed.add((event.prompt_id, self.revisions.get(event.prompt_id, 0) - 1))
        if event.answer == "snoozed":
            self._snoozed(event.prompt_id, unit_ns)
            return
        self.out.discard(event.prompt_id)
        self._take_back(event.prompt_id, unit_ns)
        self.worries.pop((concern, driver), None)
        if event.answer == "stopped" and concern:
            kind = self.kinds[concern]
            self.stopped.add((driver, kind))
            self.worries = {k: w for k, w in self.worries.items() if (k[1], w.kind) != (driver, kind)}

    def _snoozed(self, id: str, unit_ns: int | None) -> None:
        self.delivered.discard(id)
        self.fresh[id] = self.revisions.get(id, 0)
        self._take_back(id, unit_ns)

    # -- what people saw ----------------------------------------------------------------------------

    def shown(self, at_ns: int, message: PromptReleased, part: Part, *, has_trip: bool, is_running: bool) -> None:
        self.told.add((part.rests_on[0], message.driver))
        self.counts["shown"] += 1
        if has_trip and message.urgency != "safety":
            self.fault(at_ns, "shown by the far side though it has TripStarted")
        if not self._is_on:
            return
        was_off = not is_running or self._started_ns > self._on_ns
        was_down = self._unlinked_ns is not None or self._linked_ns > self._on_ns
        is_early = at_ns - self._on_ns < TELLS_NS
        what = "unit off" if was_off else "link down" if was_down else "not told yet" if is_early else "otherwise"
        self.counts[f"shown while driving, {what}"] += 1

    # -- in the end ---------------------------------------------------------------------------------

    def close(self, failures: Mapping[str, int]) -> None:
        self.faults += [f"rule failed: {name} {n}" for name, n in failures.items()]
        for (concern, driver), worry in self.worries.items():
            is_told = any(c == concern for c, _ in self.told) if concern in self.moved else (concern, driver) in self.told
            if not is_told:
                self.faults.append(f"lost: {worry.subject} ({worry.urgency}) for {driver}")
