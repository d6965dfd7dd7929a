"""A slot or an appointment as an iCalendar file (RFC 5545): lines end in CRLF and are folded at 75 octets."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.household import NO_BREAK
from agent.prompts.slots import Slot

FOLD = 75  # octets, without the line's end (RFC 5545, 3.1)
PRODUCT = "-//Keyoff//Inbox on the bench//EN"


def ics(slot: Slot, title: str, text: str, *, uid: str, stamp_utc_ns: int, is_chosen: bool, sequence: int = 0) -> bytes:
    """One event, published (RFC 5546: for information, no reply). Times in UTC, so that no zone is described.

    `uid`: the same for the same slot and prompt, so that the chosen one replaces the proposal. Raises ValueError for a slot
    without an offset from UTC.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{_escaped(uid)}",
        f"DTSTAMP:{_utc(datetime.fromtimestamp(stamp_utc_ns // 1_000_000_000, UTC))}",
        f"DTSTART:{_utc(datetime.fromisoformat(slot.start))}",
        f"DTEND:{_utc(datetime.fromisoformat(slot.end))}",
        f"SEQUENCE:{sequence}",
        f"STATUS:{'CONFIRMED' if is_chosen else 'TENTATIVE'}",
        f"TRANSP:{'OPAQUE' if is_chosen else 'TRANSPARENT'}",
        f"SUMMARY:{_escaped(title)}",
        f"LOCATION:{_escaped(slot.place)}",
        f"DESCRIPTION:{_escaped(text)}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(_folded(line) for line in lines)


def _utc(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no offset from UTC")
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    """As TEXT (RFC 5545, 3.3.11); control characters are not allowed there. Plain spaces: calendars show one line."""
    text = text.replace(NO_BREAK, " ")
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\n"), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return "".join(c for c in text if c == "\t" or (c >= " " and c != "\x7f"))


def _folded(line: str) -> bytes:
    """Never inside a character: a line of 75 octets, each further one a space and 74."""
    pieces, piece = [], b""
    for character in line:
        octets = character.encode()
        if len(piece) + len(octets) > FOLD:
            pieces.append(piece)
            piece = b" "
        piece += octets
    return b"\r\n".join([*pieces, piece]) + b"\r\n"
