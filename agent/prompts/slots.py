"""A time that a workshop offers. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from agent.model import NS

LONGEST = timedelta(days=14)  # a slot longer than this is an error, not an appointment
BELIEVED_DAYS = 42  # an appointment is of the next weeks, and some workshops never say what came of it
YEARS = (1971, 2200)  # so is one outside of them; and its time in every zone is one that a date can have


class Slot(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 3339 with the workshop's own offset from UTC."""

    id: str
    start: str
    end: str
    place: str


def span_ns(slot: Slot) -> tuple[int, int]:
    """Start and end in UTC ns; (0, 0) for one whose times cannot be read: it is never free."""
    try:
        start, end = (datetime.fromisoformat(t) for t in (slot.start, slot.end))
    except ValueError:
        return 0, 0
    if start.tzinfo is None or end.tzinfo is None or end - start > LONGEST or not YEARS[0] <= start.year <= YEARS[1]:
        return 0, 0
    return round(start.timestamp()) * NS, round(end.timestamp()) * NS
