"""A workshop for the bench: offers slots when a service comes due, keeps what was chosen. Pure: time is an argument.

| heard | what it does |
|---|---|
| ServiceDue, ServiceReopened; NoticeMatched: a recall applies | SlotsOffered: up to SLOTS free times of OFFER_DAYS days |
| NoticeMatched: it does not apply any more | AppointmentChanged `cancelled` of what was chosen for it |
| AppointmentChosen | takes the slot; AppointmentChanged `cancelled` when another car has it |
| AppointmentChanged | the slot is free or past; `moved`: the new one is taken, and SlotsOffered as above |

By hand: `python -m hil.cloud.inbox appointment` says AppointmentChanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from agent.localtime import DAY_NS, local
from agent.model import derive_id
from agent.prompts.slots import Slot
from hil.cloud.inbox.heard import Heard, Said, slot_of

OFFER_DAYS = 14
LEAD_NS = DAY_NS  # parts have to be there
STARTS = (time(8, 0), time(10, 30), time(13, 30), time(16, 0))
LASTS = timedelta(hours=1)
SATURDAY, SUNDAY = 5, 6  # closed in the afternoon; closed
SLOTS = 20  # more than the three that are shown: the unit knows when the car is free


class Appointment(NamedTuple):
    unit: str
    bookable: str
    slot: Slot
    person: str
    facts: dict[str, str]


class Workshop:
    """See the module's table."""

    def __init__(self, place: str, zone: ZoneInfo) -> None:
        self.place, self.zone = place, zone
        self.appointments: dict[tuple[str, str], Appointment] = {}  # by unit and bookable

    def hear(self, event: Heard, now_ns: int) -> list[Said]:
        """What it answers. What is no event of ours is passed over: the desk counts it."""
        try:
            match event.kind:
                case "ServiceDue" | "ServiceReopened":
                    return [self._offer(event.unit, str(event.data["item"]), now_ns)]
                case "NoticeMatched" if event.data["kind"] == "recall" and event.data["verdict"] == "applies":
                    return [self._offer(event.unit, str(event.data["notice"]), now_ns)]
                case "NoticeMatched" if event.data["verdict"] == "does not":
                    taken = (event.unit, str(event.data["notice"])) in self.appointments
                    return [self.change(event.unit, event.data["notice"], "cancelled")] if taken else []
                case "AppointmentChosen":
                    return list(self._take(event))
                case "AppointmentChanged":
                    return list(self._change(event.unit, event.data, now_ns))
                case "ConsentChanged" if event.data["purpose"] == "workshop" and not event.data["granted"]:
                    self._forget_facts(event)
        except (ValueError, KeyError, TypeError):
            pass
        return []

    def change(self, unit: str, bookable: str, change: str, slot: Slot | None = None) -> Said:
        """What to tell the unit when the workshop changes something."""
        data: dict[str, Any] = {"bookable": bookable, "change": change}
        return Said(unit, "AppointmentChanged", data | ({"slot": _data(slot)} if slot else {}))

    def free(self, now_ns: int) -> list[Slot]:
        """Free times from tomorrow on, the earliest first."""
        taken = {appointment.slot.start for appointment in self.appointments.values()}
        first = local(now_ns + LEAD_NS, self.zone).date()
        days = (first + timedelta(days=n) for n in range(OFFER_DAYS))
        slots = (self.slot(day, at) for day in days for at in STARTS if _is_open(day, at))
        return [slot for slot in slots if slot.start not in taken]

    def _offer(self, unit: str, bookable: str, now_ns: int) -> Said:
        free = self.free(now_ns)
        spread = free[:: max(1, len(free) // SLOTS)][:SLOTS]  # over all days, not the first few
        return Said(unit, "SlotsOffered", {"bookable": bookable, "slots": [_data(s) for s in spread]})

    def _take(self, event: Heard) -> Iterator[Said]:
        data = event.data
        slot, bookable = slot_of(data["slot"]), str(data["bookable"])
        others = {k: a for k, a in self.appointments.items() if k != (event.unit, bookable)}
        if any(other.slot.start == slot.start for other in others.values()):
            yield self.change(event.unit, bookable, "cancelled")
            return
        facts = {str(k): str(v) for k, v in data.get("facts", {}).items()}
        self.appointments[event.unit, bookable] = Appointment(event.unit, bookable, slot, str(data["person"]), facts)

    def _change(self, unit: str, data: dict[str, Any], now_ns: int) -> Iterator[Said]:
        key = (unit, str(data["bookable"]))
        if data["change"] != "moved":
            self.appointments.pop(key, None)
        elif key in self.appointments:
            self.appointments[key] = self.appointments[key]._replace(slot=slot_of(data["slot"]))
        if data["change"] == "moved":
            yield self._offer(unit, key[1], now_ns)

    def _forget_facts(self, word: Heard) -> None:
        """An appointment knows persons only: a word that does not say whose it is (before version 2) means all of the unit's."""
        whose = word.data.get("person") and {word.data["person"], word.data["driver"]}
        for key, each in self.appointments.items():
            if each.unit == word.unit and (not whose or each.person in whose):
                self.appointments[key] = each._replace(facts={})

    def slot(self, day: date, at: time) -> Slot:
        """An hour there; the same time has the same id."""
        start = datetime.combine(day, at, self.zone)
        id = derive_id(self.place, "Slot", start.isoformat())[:12]
        return Slot(id=id, start=start.isoformat(), end=(start + LASTS).isoformat(), place=self.place)


def _is_open(day: date, at: time) -> bool:
    return day.weekday() < SATURDAY or (day.weekday() == SATURDAY and at < time(12))


def _data(slot: Slot) -> dict[str, str]:
    return {"id": slot.id, "start": slot.start, "end": slot.end, "place": slot.place}
