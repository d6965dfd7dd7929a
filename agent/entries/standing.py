"""Whether an entry makes sense as things stand on the unit. Pure. What it names is there; what it chooses is still to be had.

| entry                            | is refused when                                                                        |
|----------------------------------|----------------------------------------------------------------------------------------|
| DriverSaved                      | a key, seat, phone or login of theirs is another's                                     |
| DriverSaved, ConsentChanged      | `guardian` names nobody that is here, or not one under 18 and one who is not           |
| DriverRemoved, ConsentChanged,   | nobody has that id                                                                     |
| TripAttributed                   |                                                                                        |
| PromptDelivered, PromptAnswered  | there is no such prompt                                                                |
| PromptAnswered                   | it is over (AFTER says what may still be answered), or its person has no profile       |
| PromptAnswered done              | it says that an appointment was moved                                                  |
| PromptAnswered booked            | the slot is not among those offered last, or past; an appointment is still to come,    |
|                                  | unless this prompt says that it was moved                                              |
| SlotsOffered, AppointmentChanged | nothing here is called so, or a slot cannot be read                                    |
| AppointmentChanged               | moved, and not to when; cancelled or missed, and nothing was booked                    |
| ServiceReported, NoticeSettled   | nothing here is called so; a day that is none; reopened, and it was not remedied       |
| NoticeSettled                    | acknowledged or booked, and it is remedied                                             |

Why not by each rule for itself: then one would have taken what another refuses, and the sender would be told neither.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import NamedTuple

import msgspec

from agent.engine import Engine
from agent.entries.entering import Entry, EntryRefused, TripGiven
from agent.events.appointment import APPOINTMENT, AppointmentChanged, AppointmentRule, Booking, SlotsOffered, stands
from agent.events.household import ConsentChanged, DriverRemoved, DriverSaved
from agent.events.message import Answer, PromptAnswered, PromptDelivered
from agent.events.notice import NoticeRule, NoticeSettled, Progress
from agent.events.prompt import SNOOZE_MAX_DAYS, PromptRule
from agent.events.service import ServiceRule
from agent.events.service_record import ServiceReported
from agent.household import UNKNOWN, Driver, Household, agreed_with, is_minor
from agent.household.profile import is_day, taken_by
from agent.localtime import DAY_NS, day_of
from agent.model import Context
from agent.prompts.slots import BELIEVED_DAYS, Slot, span_ns
from agent.prompts.state import Prompt
from agent.stitch import is_trusted

WORDS_CHARS = 1000  # the owner's own words for the counter: a note, and it travels with the appointment
SLOTS_MOST = 200  # two weeks of a large workshop
SLOT_CHARS = {"id": 64, "start": 40, "end": 40, "place": 200}
AFTER: dict[str, tuple[Answer, ...]] = {
    "acknowledged": ("booked", "done", "wrong", "stopped"),
    "booked": ("done", "wrong", "stopped"),
}
"""How a prompt ended → what may be answered afterwards; of any other end, `stopped` alone."""


class Standing(NamedTuple):
    """What there is to name. `items`: whether an appointment is known for each; `notices`: how far each has come; `driver`:
    [owner]'s."""

    household: Household
    prompts: Mapping[str, Prompt]
    bookings: Mapping[str, Booking]
    items: Mapping[str, bool]
    notices: Mapping[str, Progress]
    driver: str

    def is_booked(self, bookable: str) -> bool | None:
        """None: nothing is called so."""
        known = [self.items[bookable]] if bookable in self.items else []
        if bookable in self.notices:
            known.append(self.notices[bookable] == "booked")
        if bookable in self.bookings:
            known.append(self.bookings[bookable].chosen is not None)
        return any(known) if known else None


def standing(engine: Engine) -> Standing:
    """As the rules have it now."""
    items = engine.rule(ServiceRule).state.items
    notices = engine.rule(NoticeRule).state.known
    return Standing(
        engine.context(0).household,
        {prompt.id: prompt for prompt in engine.rule(PromptRule).state.prompts},
        engine.rule(AppointmentRule).state.bookings,
        {item: each.is_booked for item, each in items.items()},
        {id: each.progress for id, each in notices.items()},
        engine.setup.owner.driver,
    )


def check(entry: Entry, ctx: Context, now: Standing) -> None:
    """Raises EntryRefused."""
    for fault in _faults(entry, ctx, now):
        raise EntryRefused(fault)


def dated(entry: Entry, now: Standing, ctx: Context) -> Entry:
    """An appointment that was kept was kept at its time, which may be days ago, and may be said again; but not at one to come."""
    if not isinstance(entry, AppointmentChanged) or entry.change != "kept" or entry.slot is not None:
        return entry
    booking = now.bookings.get(entry.bookable, Booking())
    slot = booking.chosen or booking.kept
    if slot is not None and is_trusted(ctx.wall):
        ago_ns = ctx.wall.utc_ns(ctx.t_ns) - span_ns(slot)[0]
        slot = slot if 0 <= ago_ns <= BELIEVED_DAYS * DAY_NS else None
    return msgspec.structs.replace(entry, slot=slot)


def _faults(entry: Entry, ctx: Context, now: Standing) -> Iterator[str]:
    """Why not, the gravest first."""
    match entry:
        case DriverSaved(driver=driver) if taken := taken_by(driver, now.household):
            yield f"{taken}: take it from them first (save their profile without it)"
        case DriverSaved(driver=driver):
            before = agreed_with(now.household.known(driver.id) or Driver(driver.id))
            for named in (id for id in agreed_with(driver) if id not in before):
                yield from _of_guardian(driver, named, ctx, now)
        case DriverRemoved(driver=id) if now.household.find(id) is None:
            yield _nobody(id, now)
        case ConsentChanged(driver=id):
            yield from _of_consent(entry, now.household.known(id), ctx, now)
        case TripGiven(driver=id) if id not in (UNKNOWN, now.driver) and now.household.find(id) is None:
            yield _nobody(id, now)
        case PromptDelivered(prompt_id=id) | PromptAnswered(prompt_id=id) if id not in now.prompts:
            yield f"there is no prompt {id!r} here: it is long over, or another unit's"
        case PromptAnswered():
            yield from _of_answer(entry, now.prompts[entry.prompt_id], ctx, now)
        case SlotsOffered(bookable=name) | AppointmentChanged(bookable=name) if now.is_booked(name) is None:
            yield f"there is nothing called {name!r} to book here; known: {_names({**now.items, **now.notices})}"
        case SlotsOffered():
            yield from _of_slots(entry.slots)
        case AppointmentChanged():
            yield from _of_change(entry, now)
        case ServiceReported(item=item) if item not in now.items:
            yield f"there is no service {item!r} here; known: {_names(now.items)}"
        case ServiceReported(day=str(day)) if not is_day(day):
            yield f"day: {day!r} is no day; write it like 2028-04-01"
        case NoticeSettled(notice=id) if id not in now.notices:
            yield f"there is no notice {id!r} here; known: {_names(now.notices)}"
        case NoticeSettled(notice=id, progress="open") if now.notices[id] != "remedied":
            yield f"{id!r} is not marked remedied, so there is nothing to reopen: it is {now.notices[id]}"
        case NoticeSettled(notice=id, progress="acknowledged" | "booked") if now.notices[id] == "remedied":
            yield f"{id!r} is remedied already; reopen it if it is not"


def _of_consent(word: ConsentChanged, driver: Driver | None, ctx: Context, now: Standing) -> Iterator[str]:
    if driver is None:
        yield _nobody(word.driver, now)
    elif word.purpose != "guardian" and word.whom is not None:
        yield f"whom: {word.purpose} names nobody, only guardian does"
    elif word.purpose == "guardian" and word.granted:
        if word.whom is None:
            yield "guardian: it has to say with whom (`whom`; on the command line --with ID)"
        else:
            yield from _of_guardian(driver, word.whom, ctx, now)


def _of_guardian(driver: Driver, whom: str, ctx: Context, now: Standing) -> Iterator[str]:
    """A report looks again, by its own month; here whoever will be of age on some day is under 18 without a clock."""
    day = day_of(ctx.wall.utc_ns(ctx.t_ns), UTC) if is_trusted(ctx.wall) else ""
    other = now.household.known(whom)
    if other is None:
        yield _nobody(whom, now)
    elif is_minor(driver, day) == is_minor(other, day):
        yield f"guardian: of {driver.id} and {whom} one has to be under 18 (their profile's `of_age`), and the other not"


def _nobody(id: str, now: Standing) -> str:
    known = {d.id: d for d in now.household.drivers}
    return f"there is no driver {id!r} here; known: {_names(known)}; a new one needs a profile first"


def _names(known: Mapping[str, object]) -> str:
    return ", ".join(known) or "none"


def _of_answer(answer: PromptAnswered, prompt: Prompt, ctx: Context, now: Standing) -> Iterator[str]:
    if prompt.phase == "over" and answer.answer not in AFTER.get(prompt.how, ("stopped",)):
        yield f"it is over already: {prompt.how}"
    if now.household.known(prompt.driver) is None:
        yield f"it was for {prompt.driver}, who has no profile any more"
    if answer.answer == "done" and prompt.concern.subject.startswith(APPOINTMENT):
        yield "it says that an appointment was moved: tell that it was kept, or that the service was done"
    if not 1 <= answer.days <= SNOOZE_MAX_DAYS:
        yield f"days: {answer.days} is none of 1 to {SNOOZE_MAX_DAYS}"
    if len(answer.words) > WORDS_CHARS:
        yield f"words: {len(answer.words)} characters; at most {WORDS_CHARS}"
    if answer.answer == "booked":
        yield from _of_choice(answer.slot, prompt, ctx, now.bookings.get(prompt.concern.bookable or "", Booking()))


def _of_choice(id: str | None, prompt: Prompt, ctx: Context, booking: Booking) -> Iterator[str]:
    if booking.chosen is not None and stands(booking, ctx) and prompt.concern.id != booking.moved:
        yield f"an appointment is chosen already, {booking.chosen.start}: whoever gave it moves or cancels it"
    slot = next((each for each in booking.slots if each.id == id), None)
    if slot is None or prompt.concern.id not in booking.concerns:
        yield f"slot: {id!r} is not, or no longer, one of the times that are offered"
    elif is_trusted(ctx.wall) and span_ns(slot)[0] <= ctx.wall.utc_ns(ctx.t_ns):
        yield f"slot: {slot.start} is past"


def _of_slots(slots: list[Slot]) -> Iterator[str]:
    if len(slots) > SLOTS_MOST:
        yield f"{len(slots)} slots are too many: at most {SLOTS_MOST}"
    ids = Counter(slot.id for slot in slots)
    for slot in slots:
        long = [name for name, most in SLOT_CHARS.items() if len(getattr(slot, name)) > most]
        if long:
            yield f"slots: a {long[0]} has more than {SLOT_CHARS[long[0]]} characters"
        if not slot.place.isprintable():  # it stands in mails and calendars
            yield f"slots: the place {slot.place!r} has line breaks or other marks that cannot be shown"
        start_ns, end_ns = span_ns(slot)
        if not 0 < start_ns < end_ns:
            yield f"slot {slot.id!r}: from {slot.start!r} to {slot.end!r} is no time; write RFC 3339 with its offset"
        if ids[slot.id] > 1:
            yield f"slots: {slot.id!r} is there more than once"


def _of_change(event: AppointmentChanged, now: Standing) -> Iterator[str]:
    if event.slot is not None:
        yield from _of_slots([event.slot])
    elif event.change == "moved":
        yield "slot: moved, and it does not say to when"
    if event.change in ("cancelled", "missed") and not now.is_booked(event.bookable):
        yield f"no appointment for {event.bookable!r} is known here that could be {event.change}"
