"""A driver's profile as a person enters it: what is right, and what becomes of it. Pure.

Ids leave the car in events; names, hours, keys and phones never do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from agent.household import UNKNOWN, Driver, Household, agreed_with
from agent.household.attribution import is_nothing

ID = re.compile(r"[a-z0-9-]{1,32}")
TIME = re.compile(r"([01]?\d|2[0-3]):[0-5]\d", re.ASCII)
LONGEST = 64  # characters of a name, of a key's or a phone's id; what cars say is shorter
MOST = 20  # keys, phones … of one kind: more are nobody's, and each is written with every change
USUAL = "usual"  # to be told when they are usually home, not at a stated time

BINDINGS = {"identifiers": "identifier", "key_fobs": "key fob", "seat_memories": "seat memory", "phone_tags": "phone tag"}
"""Field of a profile → the kind of evidence (agent/household/attribution.py) that it is compared with."""


def is_id(text: str) -> bool:
    return ID.fullmatch(text) is not None and text != UNKNOWN


def is_time(text: str) -> bool:
    """As a person writes it; in a profile the hour has two digits."""
    return TIME.fullmatch(text) is not None


def is_span(text: str) -> bool:
    """Like "21:30-07:30"."""
    start, _, end = text.partition("-")
    return is_time(start) and is_time(end)


def is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def is_zone(text: str) -> bool:
    try:
        ZoneInfo(text)
    except (OSError, ValueError, KeyError):
        return False
    return True


def is_binding(text: str) -> bool:
    """Whether a car may say it, and mean somebody by it."""
    return 0 < len(text) <= LONGEST and text.isprintable() and not is_nothing(text)


def is_name(text: str) -> bool:
    """In any script; no line breaks, nothing that turns the text around."""
    return (
        len(text) <= LONGEST and text.replace("\u200c", "").replace("\u200d", "").isprintable()
    )  # Persian and Sinhala join by them


class Check(NamedTuple):
    """What a text has to be; `what`: what it is when it is not, with the fix."""

    is_right: Callable[[str], bool]
    what: str


OWN = Check(
    is_binding, f"nothing to know anybody by: it has to be as the car says it, at most {LONGEST} characters; 0 means no key"
)
CLOCK = Check(lambda text: is_time(text) and text == padded(text), "no time of day; write it like 18:30")
IDENTITY = Check(
    is_id,
    "no id: use a-z, 0-9 and -, at most 32 of them, and not `unknown`; it leaves the car, so rather `a1` than a full name",
)
CHECKS: dict[str, Check] = {
    "id": IDENTITY,
    "person": IDENTITY,
    "name": Check(is_name, f"no name: at most {LONGEST} characters, and no line breaks"),
    "timezone": Check(is_zone, "no IANA time zone; write one like Europe/Berlin"),
    "quiet_from": CLOCK,
    "quiet_to": CLOCK,
    "tell_at": CLOCK,
    "of_age": Check(is_day, "no day; write it like 2028-04-01"),
    "guardian_with": IDENTITY,
    **dict.fromkeys(BINDINGS, OWN),
}
"""Field of a profile → what is right there, whichever way it comes: on the command line, by a command, from a stored state."""
DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Driver)}


def faults(driver: Driver) -> Iterator[tuple[str, str]]:
    """(field, what is wrong with it) of a profile; without what it says, for a refusal leaves the car."""
    for field, check in CHECKS.items():
        held = getattr(driver, field)
        texts = held if isinstance(held, tuple) else () if held == DEFAULTS[field] else (held,)
        if not all(map(check.is_right, texts)):
            yield field, f"{'one of them' if isinstance(held, tuple) else 'it'} is {check.what}"
        elif len(texts) > MOST:
            yield field, f"{len(texts)} are too many: at most {MOST}"


def mended(household: Household) -> Household:
    """As it was kept by software that did not look so closely: what is wrong is as if nobody had said it; ids stay as they are,
    but nobody is called `unknown`."""
    drivers = tuple(_mended(d) for d in household.drivers if d.id != UNKNOWN)
    return msgspec.structs.replace(household, drivers=drivers, owner=_mended(household.owner))


def _mended(driver: Driver) -> Driver:
    wrong = {field for field, _ in faults(driver)} - {"id"}
    return msgspec.structs.replace(driver, **{field: _right(field, getattr(driver, field)) for field in wrong})


def _right(field: str, held: Any) -> Any:
    if isinstance(held, tuple):
        return tuple(filter(CHECKS[field].is_right, held))[:MOST]
    return padded(held) if CHECKS[field] is CLOCK and is_time(held) else DEFAULTS[field]


def taken_by(driver: Driver, household: Household) -> str | None:
    """Like "a key fob of theirs is ben's"; None when all that they are known by is theirs alone."""
    for other in household.drivers:
        if other.id == driver.id:
            continue
        for field, kind in BINDINGS.items():
            if set(getattr(driver, field)) & set(getattr(other, field)):
                return f"{'an' if kind == 'identifier' else 'a'} {kind} of theirs is {other.id}'s"
    return None


def changed(driver: Driver, given: Mapping[str, Any]) -> Driver:
    """With these fields, None leaving one as it is; `quiet` is a span, `tell_at` may be USUAL."""
    fields = {name: value for name, value in given.items() if value is not None}
    if "quiet" in fields:
        start, _, end = fields.pop("quiet").partition("-")
        fields |= {"quiet_from": padded(start), "quiet_to": padded(end)}
    if "tell_at" in fields:
        fields["tell_at"] = None if fields["tell_at"] == USUAL else padded(fields["tell_at"])
    return msgspec.structs.replace(driver, **fields)


def bound(driver: Driver, given: Mapping[str, tuple[str, ...]]) -> Driver:
    """With these bindings, by field, beside its own."""
    own = {field: tuple(dict.fromkeys((*getattr(driver, field), *texts))) for field, texts in given.items()}
    return msgspec.structs.replace(driver, **own)


def unbound(driver: Driver, given: Mapping[str, tuple[str, ...]]) -> Driver:
    """Without these bindings."""
    rest = {field: tuple(t for t in getattr(driver, field) if t not in texts) for field, texts in given.items()}
    return msgspec.structs.replace(driver, **rest)


def known_by(driver: Driver) -> list[str]:
    """Like "key fob 1"."""
    return [f"{kind} {text}" for field, kind in BINDINGS.items() for text in getattr(driver, field)]


HEAD = ("driver", "name", "keeper", "known by", "consents", "no prompts about", "quiet", "told at")


def cells(d: Driver) -> list[str | None]:
    """A profile as a row under HEAD; None for what there is nothing of."""
    quiet = f"{d.quiet_from}-{d.quiet_to}" if d.quiet_from != d.quiet_to else "never"
    consents = [f"guardian ({' '.join(agreed_with(d)) or 'names nobody'})" if p == "guardian" else p for p in d.consents]
    joined = [", ".join(each) or None for each in (known_by(d), consents, d.stopped)]
    return [d.id, d.name or None, "yes" if d.is_keeper else "no", *joined, quiet, d.tell_at or USUAL]


def people_line(count: tuple[int, int, int] | None) -> str:
    """How many drive this car (at least, likely, at most), for a person."""
    if count is None:
        return "How many people drive this car is not known yet: it takes 20 trips, most of them with a driver who is known."
    low, likely, high = count
    span = "" if low == high else f" (between {low} and {high})"
    return f"By how it is driven, {likely} {'person drives' if likely == 1 else 'people drive'} this car{span}."


def padded(text: str) -> str:
    """A time of day with two digits for the hour: "7:30" as "07:30"."""
    hour, _, minute = text.partition(":")
    return f"{time(int(hour), int(minute)):%H:%M}"
