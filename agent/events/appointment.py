"""Appointments: slots come in, the best three go with the prompt, the choice goes out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

import msgspec

from agent.events.concern import Concern
from agent.events.fault import FaultCleared, FaultSet
from agent.events.message import PromptAnswered
from agent.events.milestone import MilestoneReached
from agent.events.odometer import OdometerAdvanced
from agent.household import UNIT_M, Driver, counts
from agent.localtime import day_of, local
from agent.model import NS, Context, Event, Rule, Setup, derive_id
from agent.slots import Slot, span_ns
from agent.stitch import is_trusted

ASK_S = 86_400  # no offer for a day: the prompt goes without
BEST = 12  # a prompt takes the first three of them that are still to come when it leaves, which may be days later
SOONEST_S = 12 * 3600  # a slot nearer than that is over before many a mail is read
JUST_M = 1_000_000.0  # what was passed longer ago is no news at the counter: about a month of driving
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

    importance: ClassVar[int] = 1
    urgent: ClassVar[bool] = True
    bookable: str
    slot: Slot
    prompt_id: str
    person: str
    facts: dict[str, str] = {}


class AppointmentChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What became of it; `slot` is the new one when it was moved. Cancelled and missed reopen what it was for."""

    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    enterable: ClassVar[bool] = True
    bookable: str
    change: Literal["moved", "cancelled", "missed", "kept"]
    slot: Slot | None = None


class Booking(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a workshop can be asked for, and how far it has come."""

    concerns: tuple[str, ...] = ()  # of which prompts were made
    asked_ns: int | None = None  # since when slots are waited for; None: answered, or given up
    asked_utc_ns: int | None = None  # the same, once there is a clock to be trusted: a unit may be off for most of a day
    slots: list[Slot] = []  # the newest offer
    chosen: Slot | None = None


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
    | asked | ASK_S pass | given up | SlotsRanked, with none: the prompt goes without |
    | any | PromptAnswered booked | chosen | AppointmentChosen |
    | chosen | AppointmentChanged: cancelled, missed | asked by the next Concern, its slots forgotten | |
    """

    name: ClassVar[str] = "appointment"
    hears: ClassVar[tuple[type[Event], ...]] = (
        Concern,
        SlotsOffered,
        PromptAnswered,
        AppointmentChanged,
        OdometerAdvanced,
        MilestoneReached,
        FaultSet,
        FaultCleared,
    )
    raises: ClassVar[tuple[type[Event], ...]] = (SlotsRanked, AppointmentChosen)
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
            case SlotsOffered():
                self._put(event.bookable, slots=event.slots, asked_ns=None)
                yield self._ranked(ctx, event.bookable)
            case PromptAnswered(answer="booked"):
                yield from self._choose(ctx, event)
            case AppointmentChanged():
                held = event.change in ("moved", "kept")
                before = s.bookings.get(event.bookable, Booking())
                if held:
                    self._put(event.bookable, chosen=event.slot or before.chosen)
                else:  # what was offered for it is offered anew
                    self._put(event.bookable, chosen=None, slots=[])
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
        return min((look_ns(b, ctx) for b in self.state.bookings.values() if b.asked_ns is not None), default=None)

    def wake(self, ctx: Context) -> Iterator[Event]:
        for bookable, booking in self.state.bookings.items():
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
        free = self._free(ctx, booking.slots)
        concerns = (*(c for c in booking.concerns if c != concern.id), concern.id)[-CONCERNS_KEPT:]
        asked_ns = None if free else ctx.t_ns
        self._put(bookable, concerns=concerns, asked_ns=asked_ns, asked_utc_ns=None, chosen=None)
        if free:
            yield self._ranked(ctx, bookable)

    def _choose(self, ctx: Context, event: PromptAnswered) -> Iterator[Event]:
        for bookable, booking in self.state.bookings.items():
            slot = next((each for each in booking.slots if each.id == event.slot), None)
            people = [ctx.household.owner, *ctx.household.drivers]
            told = {derive_id(ctx.unit, "prompt", concern, d.id): d for concern in booking.concerns for d in people}
            driver = told.get(event.prompt_id)
            if driver is None or slot is None:
                continue
            self._put(bookable, chosen=slot)
            yield AppointmentChosen(
                id=derive_id(ctx.unit, "AppointmentChosen", event.id),
                t_ns=ctx.t_ns,
                boot_id=ctx.boot_id,
                bookable=bookable,
                slot=slot,
                prompt_id=event.prompt_id,
                person=driver.person or driver.id,
                facts=self._facts(driver, bookable, event.words) if "workshop" in driver.consents else {},
            )

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
        best = self._free(ctx, self.state.bookings[bookable].slots)[:BEST]
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


def look_ns(booking: Booking, ctx: Context) -> int:
    """When the waiting is given up, or now if its beginning can be dated."""
    asked_ns, asked_utc_ns = booking.asked_ns or 0, booking.asked_utc_ns
    if not is_trusted(ctx.wall):
        return asked_ns + ASK_S * NS
    if asked_utc_ns is None:
        return ctx.t_ns
    return min(asked_ns, asked_utc_ns - ctx.wall.offset_ns) + ASK_S * NS
