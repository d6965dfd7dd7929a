"""What people enter, on the unit's command line or by a signed command: a kind and its data → the event that it is. Pure.

| kind                                         | data                           | becomes                             |
|----------------------------------------------|--------------------------------|-------------------------------------|
| an event type with `enterable`               | its fields, as in its schema   | that event; with `by_hand` not by   |
|                                              |                                | a command, but on the unit alone    |
| FitShared without the consent of whose it is | its fields, as in its schema   | refused                             |
| OdometerRead                                 | `reading_m`                    | what the odometer's rule makes of it |
| TripAttributed                               | `trip_id`, `driver`            | that event, with who had it before  |
| `offer`, and a `kind` outside a closed list  | whatever                       | refused as `not asked`              |
| anything else                                | whatever                       | refused, saying why                 |

Whether it makes sense as things stand is agent/entries/standing.py's to say; what it does to consents,
agent/household/consents.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec

from agent.config import ConfigError, Section, convert
from agent.events import kinds
from agent.events.driver_summary import TripAttributed
from agent.events.fit import FitShared
from agent.model import Context, Event, derive_id
from agent.report.fit import withheld

T = TypeVar("T", bound=msgspec.Struct)

NOT_ASKED = "not asked"  # an offer is what nobody has asked for, whatever it is called
DEEPEST = 20  # levels; our own records have four
READING_MAX_M = 1e10  # ten million kilometres: the most ever driven by one car is below half of it


class EntryRefused(Exception):
    """It cannot be entered; the text says why, for whoever entered it."""


class EntryFailed(Exception):
    """A rule threw on it, so that parts of it may be done and others not; the text says so."""


class OdometerRead(Section, frozen=True):
    """A person read the odometer."""

    reading_m: Annotated[float, msgspec.Meta(ge=0, le=READING_MAX_M)]


class TripGiven(Section, frozen=True):
    """A person says who drove a trip."""

    trip_id: str
    driver: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


Entry: TypeAlias = Event | OdometerRead | TripGiven

SPECIAL: dict[str, type[OdometerRead] | type[TripGiven]] = {"OdometerRead": OdometerRead, "TripAttributed": TripGiven}


class TripRow(msgspec.Struct, frozen=True):
    """Of a kept trip, what its months are added up from."""

    id: str
    driver: str
    kind: str
    start_utc_ns: int | None
    metrics: dict[str, Any]
    estimated: list[str]


def entry_of(kind: str, data: dict[str, Any], ref: str, ctx: Context) -> Entry:
    """What `kind` with `data` is. `ref`: the same for the same entry, however often it comes. Raises EntryRefused."""
    special = SPECIAL.get(kind)
    return _checked(kind, data, special) if special else event_of(kind, data, ref, ctx)


def event_of(kind: str, data: dict[str, Any], ref: str, ctx: Context) -> Event:
    """The event, its id from `ref`. Raises EntryRefused."""
    if _is_offer(kind):
        raise EntryRefused(NOT_ASKED)
    record = kinds().get(kind)
    if record is None:
        raise EntryRefused(f"unknown kind {kind!r}; known here: {', '.join(enterable())}")
    if not record.enterable:
        raise EntryRefused(f"{kind} cannot be entered: it is the unit that tells it")
    fields = _checked(kind, data, data_of(record))
    own = {name: getattr(fields, name) for name in fields.__struct_fields__}
    try:
        event = record(id=derive_id(ctx.unit, kind, ref), t_ns=ctx.t_ns, boot_id=ctx.boot_id, **own)
    except ValueError as e:  # a record's own __post_init__, as msgspec takes it
        raise EntryRefused(f"{kind}: {e}") from None
    if isinstance(event, FitShared) and (keep := withheld(ctx.household, event.driver)):
        raise EntryRefused(f"{kind}: {' and '.join(keep)} did not agree to it: keyoff drivers consent {keep[0]} fit --grant")
    return event


def enterable() -> list[str]:
    """Every kind that can be entered from afar."""
    return sorted([*SPECIAL, *(name for name, record in kinds().items() if record.enterable and not record.by_hand)])


def refuse_from_afar(kind: str) -> None:
    """Raises EntryRefused for what no command may enter, be it signed."""
    record = kinds().get(kind)
    if record is not None and record.by_hand:
        raise EntryRefused(f"{kind} cannot be commanded: it is entered on the unit, by who has seen it there")


def attributed(trip: Mapping[str, Any], driver: str, ref: str, ctx: Context) -> TripAttributed:
    """That `driver` drove `trip`, a row of the store's. Raises EntryRefused for a row that is not what was written."""
    try:
        plain = {name: trip[name] for name in ("id", "driver", "kind", "start_utc_ns")}
        row = msgspec.convert(plain | {name: msgspec.json.decode(trip[name]) for name in ("metrics", "estimated")}, TripRow)
    except (msgspec.MsgspecError, TypeError, ValueError):
        raise EntryRefused(f"trip {trip['id']} cannot move: its row in the store is damaged") from None
    return TripAttributed(
        id=derive_id(ctx.unit, "TripAttributed", ref),
        t_ns=ctx.t_ns,
        boot_id=ctx.boot_id,
        trip_id=row.id,
        driver=driver,
        how="household",
        before=row.driver,
    )


@cache
def data_of(record: type[Event]) -> type[msgspec.Struct]:
    """The event without what the unit itself says: id and time."""
    own = [f for f in msgspec.structs.fields(record) if f.name not in Event.__struct_fields__]
    required = [(f.name, f.type) for f in own if f.required]
    settled = [(f.name, f.type, f.default) for f in own if f.default is not msgspec.NODEFAULT]
    made = [(f.name, f.type, msgspec.field(default_factory=f.default_factory)) for f in own if callable(f.default_factory)]
    return msgspec.defstruct(record.__name__, [*required, *settled, *made], frozen=True)


def _checked(kind: str, data: dict[str, Any], record: type[T]) -> T:
    if not _fits(data):
        raise EntryRefused(f"{kind}: a number needs more than 64 bits, or it is nested too deep")
    try:
        return convert(data, kind, record)
    except ConfigError as e:
        path, _, what = str(e).removeprefix(f"{kind}: ").partition(": ")
        is_of_no_kind = what.startswith("Invalid enum value") and path.rpartition(".")[2] == "kind"
        raise EntryRefused(NOT_ASKED if is_of_no_kind or _offers(data) else str(e)) from None


def _offers(value: Any) -> bool:
    """Whether there is an offer in it."""
    match value:
        case dict():
            return _is_offer(value.get("kind")) or any(map(_offers, value.values()))
        case list():
            return any(map(_offers, value))
    return False


def _is_offer(kind: Any) -> bool:
    return isinstance(kind, str) and kind.strip().casefold() == "offer"


def _fits(value: Any, depth: int = 0) -> bool:
    """Whether it is no deeper than anything of ours, and every integer in it is one that a database holds: JSON has no limits."""
    match value:
        case dict():
            return depth < DEEPEST and all(_fits(each, depth + 1) for each in value.values())
        case list():
            return depth < DEEPEST and all(_fits(each, depth + 1) for each in value)
        case int():
            return -(1 << 63) <= value < 1 << 63
    return True
