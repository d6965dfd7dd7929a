"""Prompts: what is said to a person, held until they can act on it. One rule for all of them.

| state | when | becomes | raises |
|---|---|---|---|
| | a Concern is heard, and its kind is not stopped | raised | |
| raised | at once; if the same was shown, went and came back, for its `again_days` | held | PromptHeld, naming by what |
| held | something else holds it now | held | PromptHeld |
| held | nothing holds it here: see below | released | PromptReleased: one message for all that is ready (see agent/prompts) |
| held | ConcernSettled; of a report: its consent is taken back | expired | PromptExpired |
| released, no do-not-drive recall | the ignition comes on, and nobody told that it was shown | held | PromptWithdrawn |
| released | it could be shown no longer, and nobody told that it was | held | PromptHeld |
| released, too early to be shown | its person's profile changes; another message was shown after all | held | PromptWithdrawn |
| released, delivered | the same as of one held; the person stops its kind | withdrawn | PromptWithdrawn |
| held, released | PromptDelivered of a revision since it was snoozed | delivered | |
| held, released | nobody of this name hears of it any more | somebody else's | PromptExpired or PromptWithdrawn, PromptHeld |
| delivered, a do-not-drive recall | the same | somebody else's | PromptHeld |
| any of these | PromptAnswered snoozed | held, for as many days by a clock to be trusted, a recall too | PromptHeld |
| any of these | PromptAnswered otherwise | acknowledged, booked, done, wrong, stopped | |

Held here (agent/prompts/hold.py): by the ignition, while appointments are asked for, without a clock to be trusted. What is
left is a matter of the hour: quiet hours, the person's own moment, one message a day, two a week (agent/prompts/moment.py). A
car that parks syncs first and sleeps then, so the message leaves early and says from when until when it may be shown; the far
side withholds it once it knows of a TripStarted. Deferred, never dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from agent.events.appointment import AppointmentMoved, MoveSettled, SlotsRanked
from agent.events.concern import Concern, ConcernSettled
from agent.events.household import ConsentChanged, DriverRemoved, DriverSaved, PromptsStopped
from agent.events.ignition import IgnitionChanged, ListeningStarted
from agent.events.message import (
    HeldBy,
    Part,
    PromptAnswered,
    PromptDelivered,
    PromptExpired,
    PromptHeld,
    PromptReleased,
    PromptWithdrawn,
    WithdrawnWhy,
)
from agent.events.trip import TripEnded, TripStarted
from agent.household import KINDS, Kind
from agent.localtime import DAY_NS
from agent.model import NS, TRUSTED, Context, Event, Rule, Setup, Wall, derive_id
from agent.prompts.hold import hold
from agent.prompts.moment import Moment, Person
from agent.prompts.offer import Offer, offers
from agent.prompts.slots import Slot
from agent.prompts.state import EARLY_NS, Parked, Prompt, PromptState
from agent.stitch import is_trusted

LATE_NS = 6 * 3600 * NS  # after it could be shown no longer: what a link needs to tell that it was
WALL_STEP_NS = 60 * NS  # a jump of the clock smaller than this moves nobody's moment
HELD_BY_KEPT = 20  # of what held a prompt that waits for months
SNOOZE_MAX_DAYS = 365  # longer is not "later"
MOVED = "moved"  # how a prompt ended that is somebody else's now,
SHOWN = "delivered"  # and one of these that its person was shown: it is withdrawn yet when it is no longer true


class PromptRule(Rule):
    """See the module's table."""

    name: ClassVar[str] = "prompt"
    state_version: ClassVar[int] = 2
    hears: ClassVar[tuple[type[Event], ...]] = (
        Concern,
        ConcernSettled,
        AppointmentMoved,
        MoveSettled,
        ConsentChanged,
        SlotsRanked,
        ListeningStarted,
        IgnitionChanged,
        TripStarted,
        TripEnded,
        PromptDelivered,
        PromptAnswered,
        DriverSaved,
        DriverRemoved,
    )
    raises: ClassVar[tuple[type[Event], ...]] = (PromptHeld, PromptReleased, PromptWithdrawn, PromptExpired, PromptsStopped)
    state: PromptState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state = PromptState()

    # -- in ------------------------------------------------------------------------------------

    def event(self, ctx: Context, event: Event) -> Iterator[Event]:
        s = self.state
        s.look_ns = ctx.t_ns
        match event:
            case Concern():
                yield from self._raise(ctx, event)
            case AppointmentMoved():
                yield from self._raise(ctx, event.concern)
            case ConcernSettled() | MoveSettled():
                told = [p for p in s.prompts if p.concern.subject == event.subject and (p.phase != "over" or p.how == SHOWN)]
                yield from [self._end(ctx, p, event.why) for p in told]
            case ConsentChanged(purpose="report", granted=False):
                gone = s.find(lambda p: (p.concern.kind, p.driver) == ("report", event.driver))
                yield from [self._end(ctx, p, "no longer true") for p in gone]
            case SlotsRanked():
                for prompt in s.find(lambda p: p.concern.bookable == event.bookable and p.phase == "held"):
                    s.change(prompt, slots=event.slots)
            case DriverSaved():
                yield from self._silence(ctx, event.driver.id, event.driver.stopped)
                yield from self._plan_anew(ctx, event.driver.id)  # their hours may be others
            case ListeningStarted():  # it may have come on since: that counts from now
                s.ignition, s.driving, s.on_ns = "unknown", False, ctx.t_ns
            case IgnitionChanged() | TripStarted() | TripEnded():
                yield from self._park_or_drive(ctx, event)
            case PromptDelivered():
                yield from self._deliver(ctx, event)
            case PromptAnswered():
                yield from self._answer(ctx, event)

    def next_wake(self, ctx: Context) -> int | None:
        before, now = self.state.wall, ctx.wall
        if is_trusted(before) != is_trusted(now) or (before and now and abs(before.offset_ns - now.offset_ns) > WALL_STEP_NS):
            return ctx.t_ns
        return self.state.look_ns

    def wake(self, ctx: Context) -> Iterator[Event]:
        s = self.state
        ctx = ctx if s.look_ns is None else ctx._replace(t_ns=min(ctx.t_ns, s.look_ns))  # as of then, whenever it is asked
        s.wall, s.look_ns = ctx.wall, None
        s.follow(ctx.wall, ctx.t_ns, EARLY_NS)
        yield from self._move(ctx)
        self._miss(ctx)
        clear: list[Prompt] = []
        for prompt in s.find(lambda p: p.phase == "held"):
            by, until_ns = hold(s, ctx, prompt)
            if by is None:
                clear.append(prompt)
            else:
                s.look(until_ns)
                yield from self._held(ctx, prompt, by)
        for driver in dict.fromkeys(p.driver for p in clear):
            yield from self._offer(ctx, driver, [p for p in clear if p.driver == driver])

    # -- what is held, and for how long ---------------------------------------------------------

    def _held(self, ctx: Context, prompt: Prompt, by: HeldBy) -> Iterator[Event]:
        if prompt.held_by[-1:] == (by,):
            return
        self.state.change(prompt, held_by=(*prompt.held_by[-HELD_BY_KEPT:], by))
        yield PromptHeld(
            id=derive_id(ctx.unit, "PromptHeld", prompt.id, ctx.boot_id, ctx.t_ns, by),
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            prompt_id=prompt.id,
            topic=prompt.concern.subject,
            kind=prompt.concern.kind,
            driver=prompt.driver,
            held_by=by,
            raised_ns=prompt.concern.t_ns,
            raised_utc_ns=prompt.raised_utc_ns(ctx),
        )

    def _miss(self, ctx: Context) -> None:
        """What could be shown no longer, and nobody told that it was, is tried again: in 1, 2, 4 … at most 32 days."""
        if ctx.wall is None or not is_trusted(ctx.wall):
            return
        now_ns = ctx.wall.utc_ns(ctx.t_ns)
        for prompt in self.state.find(lambda p: p.phase == "released"):
            if prompt.window_utc_ns is None:
                continue
            over_ns = prompt.window_utc_ns[1] + LATE_NS
            if now_ns < over_ns:
                self.state.look(over_ns - ctx.wall.offset_ns)
            else:
                again_ns = prompt.window_utc_ns[0] + (DAY_NS << min(prompt.misses, 5))
                missed = self.state.change(prompt, phase="held", misses=prompt.misses + 1, until_utc_ns=again_ns)
                self.state.unsay(missed)

    # -- a message ---------------------------------------------------------------------------------

    def _offer(self, ctx: Context, driver: str, ready: list[Prompt]) -> Iterator[Event]:
        """What is ready for a person; with what left before and cannot have been shown yet."""
        safe = [p for p in ready if p.concern.urgency == "safety"]
        if safe:
            yield from self._release(ctx, safe, None)
        others = [p for p in ready if p not in safe]
        if not others or ctx.wall is None:
            return
        now_ns = ctx.wall.utc_ns(ctx.t_ns)
        parked_ns = self.state.parked_utc_ns(ctx, now_ns)
        for offer in offers(self.state, self._person(ctx, driver), driver, others, parked_ns=parked_ns, now_ns=now_ns):
            yield from self._send(ctx, ctx.wall, offer)

    def _send(self, ctx: Context, wall: Wall, offer: Offer) -> Iterator[Event]:
        s, moment = self.state, offer.moment
        if moment.from_utc_ns - wall.utc_ns(ctx.t_ns) > EARLY_NS:
            s.look(moment.from_utc_ns - EARLY_NS - wall.offset_ns)
            for prompt in offer.prompts:
                if prompt.phase == "held":
                    yield from self._held(ctx, prompt, moment.longest)
            return
        yield from self._release(ctx, [s.drop(p, wall, ctx.t_ns, phase="held") for p in offer.prompts], moment)
        s.look(moment.until_utc_ns + LATE_NS - wall.offset_ns)

    def _release(self, ctx: Context, prompts: list[Prompt], moment: Moment | None) -> Iterator[Event]:
        """One message; `moment` None: at once, and for as long as it is true."""
        person = self._person(ctx, prompts[0].driver)
        parts = []
        for prompt in sorted(prompts, key=lambda p: (KINDS.index(p.concern.kind), p.concern.t_ns, p.id)):
            part = self._part(ctx, prompt, person, moment)
            if part is None:
                self.state.leave_unsaid(prompt, ctx.wall, ctx.t_ns, "something in it is not known")
                yield self._end(ctx, prompt, "something in it is not known")
            else:
                parts.append(part)
        if not parts:
            return
        from agent import words  # late: its tables are large, and most days nothing is said

        d = person.driver
        if moment:
            self.state.said_to(prompts[0].driver, moment.from_utc_ns)
        yield PromptReleased(
            id=derive_id(ctx.unit, "PromptReleased", *((p.prompt_id, p.revision) for p in parts)),
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            person=d.person or d.id,
            driver=d.id,
            household=self.setup.owner.household,
            channel=d.channel,
            language=d.language,
            urgency="safety" if moment is None else "usual" if moment.is_usual else "celebration",
            parts=parts,
            closing=words.closing(d.language),
            released_ns=ctx.t_ns,
            released_utc_ns=ctx.wall.utc_ns(ctx.t_ns) if ctx.wall else None,
            not_before_utc_ns=moment.from_utc_ns if moment else None,
            not_after_utc_ns=moment.until_utc_ns if moment else None,
        )

    def _part(self, ctx: Context, prompt: Prompt, person: Person, moment: Moment | None) -> Part | None:
        """The prompt in words, and released; None when something in it is not known."""
        c = prompt.concern
        waits = moment.waits if moment else ()
        held_by = (*prompt.held_by, *(w for w in waits if w not in prompt.held_by))
        utc_ns = prompt.raised_utc_ns(ctx)
        from agent import words  # late, as above

        text = words.say(c, person, held_by, utc_ns, moment.from_utc_ns if moment else None)
        if text is None:
            return None
        window = (moment.from_utc_ns, moment.until_utc_ns) if moment else None
        left = {"phase": "released", "revision": prompt.revision + 1, "until_utc_ns": None}
        self.state.change(prompt, **left, held_by=held_by, window_utc_ns=window)
        return prompt.part(text.title, text.body, held_by, utc_ns, moment.from_utc_ns if moment else 0)

    # -- what befalls it ---------------------------------------------------------------------------

    def _raise(self, ctx: Context, concern: Concern, slots: list[Slot] | None = None) -> Iterator[Event]:
        s = self.state
        for old in s.find(lambda p: p.concern.subject == concern.subject and p.concern.driver == concern.driver):
            if old.concern.id != concern.id:
                yield self._end(ctx, old, "superseded")
        for driver in ctx.household.hearers(concern.driver):
            again_ns = s.again_utc_ns(ctx, concern, driver.id)
            id = derive_id(ctx.unit, "prompt", concern.id, driver.id)
            prompt = Prompt(id, concern, driver.id, slots=slots, until_utc_ns=again_ns)
            known = next((p for p in s.prompts if p.id == prompt.id), None)
            if known is not None and known.how != MOVED:
                continue
            if concern.kind in driver.stopped:
                self.state.leave_unsaid(prompt, ctx.wall, ctx.t_ns, "they want no prompts of this kind")
                continue
            if known is None:
                s.prompts = (*s.prompts, prompt)
            else:
                prompt = s.change(known, phase="held", how="", slots=slots)
            by, _ = hold(s, ctx, prompt)
            if by is not None:
                yield from self._held(ctx, prompt, by)

    def _park_or_drive(self, ctx: Context, event: Event) -> Iterator[Event]:
        s = self.state
        match event:
            case TripEnded():
                s.driving = False
                s.parked = Parked(event.boot_id, event.end_ns, event.end_utc_ns if event.clock in TRUSTED else None)
                return
            case IgnitionChanged():
                was, s.ignition = s.ignition, event.ignition
                if "unknown" in (was, event.ignition):  # it may have come on meanwhile
                    s.on_ns = max(s.on_ns, ctx.t_ns)
                if event.ignition != "on" or was == "on":
                    return
            case _:
                if event.boot_id != ctx.boot_id:  # an earlier boot's, told only now
                    return
                s.driving = True
        s.on_ns = max(s.on_ns, min(event.t_ns, ctx.t_ns))
        for prompt in s.find(lambda p: p.phase == "released" and p.concern.urgency != "safety"):
            yield self._withdrawn(ctx, prompt, "the ignition came on")
            s.drop(prompt, ctx.wall, ctx.t_ns, phase="held")

    def _answer(self, ctx: Context, event: PromptAnswered) -> Iterator[Event]:
        s = self.state
        for prompt in [p for p in s.prompts if p.id == event.prompt_id]:
            is_over = prompt.phase == "over"
            if prompt.window_utc_ns is not None and ctx.wall and prompt.window_utc_ns[0] <= ctx.wall.utc_ns(ctx.t_ns):
                yield from self._count(ctx, prompt.driver, prompt.window_utc_ns[0])  # who answers was told
            if event.answer == "snoozed" and not is_over:
                days = min(max(event.days, 1), SNOOZE_MAX_DAYS)
                again = {"until_utc_ns": None, "snoozed_days": days, "misses": 0, "first_revision": prompt.revision}
                s.drop(prompt, ctx.wall, ctx.t_ns, phase="held", how="", **again)
            elif not is_over:
                s.drop(prompt, ctx.wall, ctx.t_ns, phase="over", how=event.answer)
            if event.answer == "stopped":  # whatever became of it: a person may say so at any time
                yield from self._stop(ctx, prompt)

    def _deliver(self, ctx: Context, event: PromptDelivered) -> Iterator[Event]:
        s = self.state
        for prompt in [p for p in s.prompts if p.id == event.prompt_id and event.revision < p.revision]:
            is_latest, window = event.revision == prompt.revision - 1, prompt.window_utc_ns
            if event.revision >= prompt.first_revision:  # else it was snoozed since: of the prompt that is no news
                self._shown(ctx, prompt, event.shown_utc_ns)
            if prompt.concern.urgency == "safety":  # nothing that the far side counts against one a day
                continue
            if is_latest and window:
                yield from self._count(ctx, prompt.driver, window[0])
            elif is_trusted(ctx.wall):
                yield from self._count(ctx, prompt.driver, min(event.shown_utc_ns, ctx.wall.utc_ns(ctx.t_ns)))

    def _shown(self, ctx: Context, each: Prompt, shown_utc_ns: int) -> None:
        prompt = self.state.change(each, shown_utc_ns=shown_utc_ns)
        if prompt.phase != "over":
            self.state.drop(prompt, ctx.wall, ctx.t_ns, phase="delivered")
        elif prompt.how == MOVED:
            self.state.change(prompt, how=SHOWN)  # told only now; should they come back, they were told

    def _count(self, ctx: Context, driver: str, shown_ns: int) -> Iterator[Event]:
        """A message was shown then, which may be news."""
        if self.state.is_news(driver, shown_ns, self._person(ctx, driver).zone):
            self.state.said_to(driver, shown_ns)
            yield from self._plan_anew(ctx, driver)

    def _plan_anew(self, ctx: Context, driver: str) -> Iterator[Event]:
        for prompt in self.state.pull_back(driver, ctx.wall, ctx.t_ns):
            yield self._withdrawn(ctx, prompt, "superseded")

    def _stop(self, ctx: Context, asked: Prompt) -> Iterator[Event]:
        kind = asked.concern.kind
        id = derive_id(ctx.unit, "PromptsStopped", asked.driver, kind, ctx.boot_id, ctx.t_ns)
        yield PromptsStopped(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id, driver=asked.driver, kind=kind)
        yield from self._silence(ctx, asked.driver, (kind,))

    def _silence(self, ctx: Context, driver: str, kinds: tuple[Kind, ...]) -> Iterator[Event]:
        for prompt in self.state.find(lambda p: p.driver == driver and p.concern.kind in kinds):
            yield self._end(ctx, prompt, "stopped")

    def _move(self, ctx: Context) -> Iterator[Event]:
        """What waits for somebody without a profile goes to whoever hears of it now, and so does a do-not-drive recall that they
        were shown: that stays said. A word for them alone goes nowhere."""
        hearing = {d.id for d in (*ctx.household.drivers, *ctx.household.keepers())}
        for prompt in self.state.find(lambda p: p.driver not in hearing):
            if prompt.phase != "delivered":
                yield self._end(ctx, prompt, "superseded", MOVED)
            elif prompt.concern.urgency == "safety":
                self.state.change(prompt, phase="over", how=SHOWN)  # should they come back, they were told
            else:
                continue
            if prompt.driver != prompt.concern.driver:
                yield from self._raise(ctx, prompt.concern, prompt.slots)

    def _end(self, ctx: Context, prompt: Prompt, why: WithdrawnWhy, how: str = "") -> Event:
        self.state.drop(prompt, ctx.wall, ctx.t_ns, phase="over", how=how or why)
        if prompt.revision:
            return self._withdrawn(ctx, prompt, why)
        return PromptExpired(
            id=derive_id(ctx.unit, "PromptExpired", prompt.id),
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            prompt_id=prompt.id,
            topic=prompt.concern.subject,
            kind=prompt.concern.kind,
            why=why,
        )

    def _withdrawn(self, ctx: Context, prompt: Prompt, why: WithdrawnWhy) -> PromptWithdrawn:
        id = derive_id(ctx.unit, "PromptWithdrawn", prompt.id, prompt.revision, why)
        revision = prompt.revision - 1
        return PromptWithdrawn(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id, prompt_id=prompt.id, revision=revision, why=why)

    def _person(self, ctx: Context, driver: str) -> Person:
        """Who has no profile any more is the owner's business."""
        return Person(ctx.household.find(driver) or ctx.household.owner, self.setup.owner, ctx.habits, ctx.unit)
