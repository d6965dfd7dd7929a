"""Events as the rows that the store keeps: one place that knows both an event's fields and a table's columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from agent.events.driver_summary import TripAttributed
from agent.events.odometer import DistanceUnaccounted
from agent.events.prompt import PromptHeld, PromptReleased
from agent.events.trip import TripEnded
from agent.io.store import EventRow
from agent.model import Event, Wall

ENVELOPE_FIELDS = ("id", "t_ns", "boot_id")  # they stand in the envelope, not in the data
PROMPT_COLUMNS = ("topic", "text", "raised_ns", "raised_utc_ns")


def event_row(event: Event, wall: Wall | None, boot_id: str) -> EventRow:
    """The row of an event; `wall` dates what happened in this boot, an earlier boot's event brings its own time or none."""
    utc_ns = getattr(event, "end_utc_ns", None)
    if wall is not None and event.boot_id == boot_id:
        utc_ns = wall.utc_ns(event.t_ns)
    data: dict[str, Any] = msgspec.to_builtins(event)
    for name in ENVELOPE_FIELDS:
        data.pop(name, None)
    return EventRow(
        id=event.id,
        kind=type(event).__name__,
        version=event.version,
        importance=event.importance,
        once=event.once,
        t_ns=event.t_ns,
        boot_id=event.boot_id,
        utc_ns=utc_ns,
        clock=wall.quality if wall and utc_ns is not None else "none",
        body=msgspec.json.encode(data),
    )


def trip_row(event: Event) -> Mapping[str, Any] | None:
    """The row that an event puts or changes in `trips`; None when it concerns none."""
    encode = msgspec.json.encode
    if isinstance(event, TripEnded):
        return {
            "id": event.trip_id,
            "kind": event.kind,
            "ended_by": event.ended_by,
            "boot_id": event.start_boot_id,
            "start_ns": event.start_ns,
            "end_ns": event.end_ns,
            "start_utc_ns": event.start_utc_ns,
            "end_utc_ns": event.end_utc_ns,
            "clock": event.clock,
            "driver": event.driver,
            "metrics": encode(event.metrics).decode(),
            "estimated": encode(event.estimated).decode(),
        }
    if isinstance(event, DistanceUnaccounted):
        return {
            "id": event.id,
            "kind": "unaccounted",
            "boot_id": event.boot_id,
            "end_ns": event.t_ns,
            "driver": "unknown",
            "metrics": encode({"unaccounted_m": event.unaccounted_m}).decode(),
        }
    return None


def prompt_row(event: Event) -> Mapping[str, Any] | None:
    """The row that an event puts or changes in `prompts`; None when it concerns none."""
    if isinstance(event, PromptHeld):
        return _fields(event, (*PROMPT_COLUMNS, "held_by")) | {"id": event.prompt_id, "held_utc_ns": event.raised_utc_ns}
    if isinstance(event, PromptReleased):
        return _fields(event, (*PROMPT_COLUMNS, "held_utc_ns", "released_ns", "released_utc_ns")) | {
            "id": event.prompt_id,
            "event_id": event.id,
        }
    return None


def _fields(event: Event, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(event, name) for name in names}


def attribution(event: Event) -> tuple[str, str] | None:
    """(trip id, driver) when the event says who drove."""
    return (event.trip_id, event.driver) if isinstance(event, TripAttributed) else None
