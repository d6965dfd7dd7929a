"""Appointments: slots come in, the best three go with the prompt, the choice goes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

import msgspec

from agent.events.concern import Concern, ConcernSettled, Why
from agent.events.fault import FaultCleared, FaultSet
from agent.events.message import PromptAnswered
from agent.events.milestone import MilestoneReached
from agent.events.odometer import OdometerAdvanced
from agent.household import UNIT_M, Driver, counts
from agent.localtime import day_of, local
from agent.model import NS, Context, Event, Rule, Setup, derive_id
from agent.prompts.slots import Slot, span_ns
from agent.stitch import is_trusted

ASK_S = 86_400  # no offer for a day: the prompt goes without
MOVED_ASK_S = 2 * 3600  # the same for a prompt that says that an appointment was moved: the new one may be tomorrow's
BEST = 12  # a prompt takes the first three of them that are still to come when it leaves, which may be days later
SOONEST_S = 12 * 3600  # a slot nearer than that is over before many a mail is read
JUST_M = 1_000_000.0  # what was passed longer ago is no news at the counter: about a month of driving
APPOINTMENT = "appointment "  # begins the subject of a Concern about the appointment itself
CONCERNS_KEPT = 10  # of one thing: a prompt of months ago may still be answered


class SlotsOffered(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What a workshop has free for `bookable` (as in Concern); a later offer replaces an earlier one."""

    leaves: ClassVar[bool] = False
    urgent: ClassVar[bool] = True
    enterable: ClassVar[bool] = True
    bookable: str
    slots: list[Slot]


class SlotsRanked(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Kept on the unit: the best for this car, the best first; none when there was no offer for a day."""

    leaves: ClassVar[bool] = False
    urgent: ClassVar[bool] = True
    bookable: str
    slots: list[Slot]


class AppointmentChosen(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The person's choice; `facts` are for the person at the counter, and there only with consent."""

    version: ClassVar[int] = 2
    importance: ClassVar[int] = 1
    urgent: ClassVar[bool] = True
    bookable: str
    slot: Slot
    prompt_id: str
    person: str  # the same in all units of the household
    household: str = ""
    facts: dict[str, str] = {}


class AppointmentChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What became of it; `slot` is the new one when it was moved. Of one that was kept it is the time when that was: as the unit
    knows it, where whoever says so does not tell. Cancelled and missed reopen what it was for."""

    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    enterable: ClassVar[bool] = True
    bookable: str
    change: Literal["moved", "cancelled", "missed", "kept"]
    slot: Slot | None = None


class AppointmentMoved(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Kept on the unit: it stands at another time or place than a person agreed to. `concern`: what they are told; it has a
    subject of its own, for what else is said of the same thing (that a car is not to be driven) stays said."""

    leaves: ClassVar[bool] = False
    urgent: ClassVar[bool] = True
    concern: Concern


class MoveSettled(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Kept on the unit: that it was moved is said no more, as with ConcernSettled."""

    leaves: ClassVar[bool] = False
    urgent: ClassVar[bool] = True
    subject: str
    why: Why


class Booking(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a workshop can be asked for, and how far it has come."""

    concerns: tuple[str, ...] = ()  # of which prompts were made
    asked_ns: int | None = None  # since when slots are waited for; None: answered, or given up
    asked_utc_ns: int | None = None  # the same, once there is a clock to be trusted: a unit may be off for most of a day
    slots: list[Slot] = []  # the newest offer
    chosen: Slot | None = None
    kept: Slot | None = None  # the latest that is over, until there is more to book: that it was kept may be said again
    about: Concern | None = None  # the newest, of the thing itself
    moved: str = ""  # the id of the Concern that it was moved, as long as that is open
    moved_from: Slot | None = None  # what the person agreed to; None: not known


class AppointmentState(msgspec.Struct):
    bookings: dict[str, Booking] = {}
    boot_id: str = ""
    reading_m: float | None = None
    about: bool = False  # the reading is an estimate
    milestone: tuple[int, str, str] | None = None  # mark, unit, day
    faults: dict[str, str] = {}  # code, kind and ECU (each clears its own) → the day since when, "" when not known


class AppointmentRule(Rule):
    """Ranks slots by when this car usually stands (the habits stay here), and passes the choice on.

    | state | when | becomes | raises |
    |---|---|---|---|
    | | a bookable Concern | asked | SlotsRanked when an offer is there already |
    | asked | SlotsOffered | offered | SlotsRanked |
    | asked | ASK_S pass, moved: MOVED_ASK_S | given up | SlotsRanked, with none: the prompt goes without |
    | any | PromptAnswered booked | chosen | AppointmentChosen; moved: MoveSettled, as others may have been told |
    | chosen, still to come | a Concern, as of a notice judged anew | chosen | SlotsRanked, with none; moved and asked: nothing |
    | any | AppointmentChanged: moved, to another time or place | moved: chosen, and asked anew | AppointmentMoved |
    | moved | a person keeps it (PromptAnswered acknowledged) | moved: who was told it may still choose | |
    | moved | moved back; it begins | chosen | MoveSettled |
    | chosen, moved | AppointmentChanged: kept; ConcernSettled: done, remedied | | moved: MoveSettled |
    | chosen, moved | AppointmentChanged: cancelled, missed | asked by the next Concern, its slots forgotten | the same |
    """

    name: ClassVar[str] = "appointment"
    hears: ClassVar[tuple[type[Event], ...]] = (
        Concern,
        ConcernSettled,
        SlotsOffered,
        PromptAnswered,
        AppointmentChanged,
        OdometerAdvanced,
        MilestoneReached,
        FaultSet,
        FaultCleared,
    )
    raises: ClassVar[tuple[type[Event], ...]] = (
        SlotsRanked,
        AppointmentChosen,
        AppointmentMoved,
        MoveSettled,
    )
    state: AppointmentState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.zone = ZoneInfo(setup.owner.timezone)
        self.state = AppointmentState()

    def event(self, ctx: Context, event: Event) -> Iterator[Event]:
        s = self.state
        match event:
            case Concern(bookable=str(bookable)):
                yield from self._ask(ctx, event, bookable)
            case ConcernSettled(why="done" | "remedied"):  # the next interval has another; not true for now: it stands
                for bookable, booking in s.bookings.items():
                    if booking.about is not None and booking.about.subject == event.subject:
                        yield from self._settle(ctx, bookable, event.why)
                        self._put(bookable, chosen=None, kept=booking.chosen or booking.kept)
            case SlotsOffered():
                self._put(event.bookable, slots=event.slots, asked_ns=None)
                yield self._ranked(ctx, event.bookable)
            case PromptAnswered(answer="booked"):
                yield from self._choose(ctx, event)
            case AppointmentChanged():
                yield from self._change(ctx, event)
            case OdometerAdvanced():
                s.reading_m, s.about = event.reading_m, event.is_estimated
            case MilestoneReached():
                s.milestone = (event.mark, event.counts, day_of(event.utc_ns, self.zone) if event.utc_ns is not None else "")
            case FaultSet():
                day = day_of(ctx.wall.utc_ns(ctx.t_ns), self.zone) if ctx.wall and is_trusted(ctx.wall) else ""
                s.faults = {_key(event): day} | s.faults
            case FaultCleared():
                s.faults = {key: day for key, day in s.faults.items() if key != _key(event)}

    def next_wake(self, ctx: Context) -> int | None:
        bookings = self.state.bookings.values()
        looks = (look_ns(b, ctx) for b in bookings if b.asked_ns is not None)
        return min((*looks, *(ns for b in bookings for ns in begins_ns(b, ctx))), default=None)

    def wake(self, ctx: Context) -> Iterator[Event]:
        for bookable, booking in self.state.bookings.items():
            if any(ns <= ctx.t_ns for ns in begins_ns(booking, ctx)):
                yield from self._settle(ctx, bookable, "no longer true")
            if booking.asked_ns is None or look_ns(booking, ctx) > ctx.t_ns:
                continue
            if booking.asked_utc_ns is None and is_trusted(ctx.wall):
                self._put(bookable, asked_utc_ns=ctx.wall.utc_ns(booking.asked_ns))
            else:
                self._put(bookable, asked_ns=None)
                yield self._ranked(ctx, bookable)

    def restore(self, body: bytes, ctx: Context) -> None:
        super().restore(body, ctx)
        if self.state.boot_id != ctx.boot_id:  # until a clock tells how long the unit was off, the day begins anew
            self.state.boot_id = ctx.boot_id
            for bookable, booking in self.state.bookings.items():
                if booking.asked_ns is not None:
                    self._put(bookable, asked_ns=ctx.t_ns)

    def _put(self, bookable: str, **fields: Any) -> None:
        booking = msgspec.structs.replace(self.state.bookings.get(bookable, Booking()), **fields)
        self.state.bookings = self.state.bookings | {bookable: booking}

    def _ask(self, ctx: Context, concern: Concern, bookable: str) -> Iterator[Event]:
        booking = self.state.bookings.get(bookable, Booking())
        self.state.boot_id = ctx.boot_id
        concerns = (*(c for c in booking.concerns if c != concern.id), concern.id)[-CONCERNS_KEPT:]
        self._put(bookable, concerns=concerns, about=concern, kept=None)
        if stands(booking, ctx):
            if not booking.moved or booking.asked_ns is None:  # else it is told with the others that are waited for
                yield self._ranked(ctx, bookable)
            return
        free = self._free(ctx, booking.slots)
        self._put(bookable, chosen=None, asked_ns=None if free else ctx.t_ns, asked_utc_ns=None)
        if free:
            yield self._ranked(ctx, bookable)

    def _choose(self, ctx: Context, event: PromptAnswered) -> Iterator[Event]:
        for bookable, booking in self.state.bookings.items():
            slot = next((each for each in booking.slots if each.id == event.slot), None)
            driver = told(ctx, booking.concerns).get(event.prompt_id)
            if driver is None or slot is None:
                continue
            yield from self._settle(ctx, bookable, "no longer true")
            self._put(bookable, chosen=slot)
            yield AppointmentChosen(
                id=derive_id(ctx.unit, "AppointmentChosen", event.id),
                t_ns=ctx.t_ns,
                boot_id=ctx.boot_id,
                bookable=bookable,
                slot=slot,
                prompt_id=event.prompt_id,
                person=driver.person or driver.id,
                household=self.setup.owner.household,
                facts=self._facts(driver, bookable, event.words) if "workshop" in driver.consents else {},
            )

    def _change(self, ctx: Context, event: AppointmentChanged) -> Iterator[Event]:
        bookable, booking = event.bookable, self.state.bookings.get(event.bookable, Booking())
        if event.change == "moved" and event.slot is not None:
            before = booking.moved_from if booking.moved else booking.chosen
            if before is not None and is_same(event.slot, before):  # as agreed: nothing to tell, or not any more
                yield from self._settle(ctx, bookable, "no longer true")
                self._put(bookable, chosen=event.slot)
                return
            moved = derive_id(ctx.unit, "Concern", "moved", event.id)
            concerns = (*booking.concerns, moved)[-CONCERNS_KEPT:]
            self._put(bookable, concerns=concerns, chosen=event.slot, moved=moved, moved_from=before)
            self._put(bookable, slots=[], asked_ns=ctx.t_ns, asked_utc_ns=None)  # by the workshop's new calendar
            self.state.boot_id = ctx.boot_id
            yield self._moved(ctx, event, event.slot)
            return
        yield from self._settle(ctx, bookable, "done" if event.change == "kept" else "no longer true")
        if event.change == "kept":
            self._put(bookable, chosen=None, kept=event.slot or booking.kept)
        elif event.change != "moved":  # what was offered for it is offered anew
            self._put(bookable, chosen=None, slots=[])

    def _moved(self, ctx: Context, event: AppointmentChanged, now: Slot) -> AppointmentMoved:
        booking = self.state.bookings[event.bookable]
        about, before = booking.about, booking.moved_from
        names = about.values if about else {}
        concern = Concern(
            id=booking.moved,
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            subject=f"{APPOINTMENT}{event.bookable}",
            kind=about.kind if about else "service",
            says="appointment_moved",
            values={
                "item": names.get("item") or names.get("title") or event.bookable,
                "was": before.start if before else None,
                "now": now.start,
                "place": now.place,
            },
            rests_on=[event.id],
            bookable=event.bookable,
            utc_ns=ctx.wall.utc_ns(ctx.t_ns) if is_trusted(ctx.wall) else None,
        )
        id = derive_id(ctx.unit, "AppointmentMoved", event.id)
        return AppointmentMoved(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id, concern=concern)

    def _settle(self, ctx: Context, bookable: str, why: Why) -> Iterator[Event]:
        booking = self.state.bookings.get(bookable, Booking())
        if not booking.moved:
            return
        self._put(bookable, moved="", moved_from=None)
        id, subject = derive_id(ctx.unit, "MoveSettled", booking.moved, why), f"{APPOINTMENT}{bookable}"
        yield MoveSettled(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id, subject=subject, why=why)

    def _facts(self, driver: Driver, asked: str, words: str) -> dict[str, str]:
        """Five true facts for the person at the counter; what is not known is not there."""
        s, unit = self.state, counts(driver, self.setup.owner)
        about = "about " if s.about else ""
        facts = {
            "reading": f"{about}{s.reading_m / UNIT_M[unit]:,.0f} {unit}" if s.reading_m is not None else "",
            "milestone": self._just_passed(),
            "faults": ", ".join(self._faults()),
            "asked": asked,
            "words": words.strip(),
        }
        return {name: fact for name, fact in facts.items() if fact}

    def _faults(self) -> Iterator[str]:
        """Each code once, since the first day that is known."""
        for code in sorted({key.split()[0] for key in self.state.faults}):
            days = [day for key, day in self.state.faults.items() if key.split()[0] == code and day]
            yield f"{code} since {min(days)}" if days else code

    def _just_passed(self) -> str:
        """The latest milestone, if the car has not gone far since; "" else."""
        s = self.state
        if s.milestone is None or s.reading_m is None:
            return ""
        mark, unit, day = s.milestone
        is_near = 0 <= s.reading_m - mark * UNIT_M[unit] <= JUST_M
        return " ".join(filter(None, (f"{mark:,} {unit}", day))) if is_near else ""

    def _ranked(self, ctx: Context, bookable: str) -> SlotsRanked:
        booking = self.state.bookings[bookable]
        is_open = booking.moved or not stands(booking, ctx)
        best = self._free(ctx, booking.slots)[:BEST] if is_open else []
        id = derive_id(ctx.unit, "SlotsRanked", bookable, ctx.boot_id, ctx.t_ns, *(each.id for each in best))
        return SlotsRanked(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id, bookable=bookable, slots=best)

    def _free(self, ctx: Context, slots: list[Slot]) -> list[Slot]:
        """Those that can still be reached, the best first: when the car usually stands, then the earliest."""
        if ctx.wall is None or not is_trusted(ctx.wall):
            return []
        soonest_ns = ctx.wall.utc_ns(ctx.t_ns) + SOONEST_S * NS
        timed = [(start, end, each) for each in slots for start, end in [span_ns(each)] if soonest_ns <= start < end]
        return [each for *_, each in sorted(timed, key=lambda t: (-self._parked(ctx, t[0], t[1]), t[0], t[2].id))]

    def _parked(self, ctx: Context, start_ns: int, end_ns: int) -> float:
        """How usually the car stands throughout, in tenths; half where it is not known."""
        hours = {
            h.weekday() * 24 + h.hour for at in (*range(start_ns, end_ns, 3600 * NS), end_ns - NS) for h in [local(at, self.zone)]
        }
        shares = [ctx.habits.parked_share(hour) for hour in hours]
        return round(min(0.5 if share is None else share for share in shares), 1)


def _key(event: FaultSet | FaultCleared) -> str:
    return f"{event.code} {event.kind} {event.ecu}"


def told(ctx: Context, concerns: Iterable[str]) -> dict[str, Driver]:
    """The prompts that these may have become → whose they are."""
    people = [ctx.household.owner, *ctx.household.drivers]
    return {derive_id(ctx.unit, "prompt", concern, d.id): d for concern in concerns for d in people}


def stands(booking: Booking, ctx: Context) -> bool:
    """Whether an appointment is still to come, for all that is known."""
    if booking.chosen is None:
        return False
    return not is_trusted(ctx.wall) or ctx.wall.utc_ns(ctx.t_ns) < span_ns(booking.chosen)[1]


def is_same(a: Slot, b: Slot) -> bool:
    """At the same time and place, whatever their ids are."""
    return (*span_ns(a), a.place) == (*span_ns(b), b.place)


def begins_ns(booking: Booking, ctx: Context) -> Iterator[int]:
    """When an appointment that was moved begins: it is no news any more. Nothing without a clock to be trusted."""
    if booking.moved and booking.chosen is not None and is_trusted(ctx.wall):
        yield span_ns(booking.chosen)[0] - ctx.wall.offset_ns


def look_ns(booking: Booking, ctx: Context) -> int:
    """When the waiting is given up, or now if its beginning can be dated."""
    asked_ns, asked_utc_ns = booking.asked_ns or 0, booking.asked_utc_ns
    patience_ns = (MOVED_ASK_S if booking.moved else ASK_S) * NS
    if not is_trusted(ctx.wall):
        return asked_ns + patience_ns
    if asked_utc_ns is None:
        return ctx.t_ns
    return min(asked_ns, asked_utc_ns - ctx.wall.offset_ns) + patience_ns
