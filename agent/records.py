"""Events as the rows that the store keeps: one place that knows both an event's fields and a table's columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from agent.events.clock import ClockCorrected
from agent.events.driver_summary import TripAttributed
from agent.events.message import PromptAnswered, PromptDelivered, PromptExpired, PromptHeld, PromptReleased, PromptWithdrawn
from agent.events.odometer import DistanceUnaccounted
from agent.events.report import ReportKept, ReportReady
from agent.events.trip import TripEnded
from agent.io.dating import Dating
from agent.io.store import EventRow
from agent.model import Event, Wall

ENVELOPE_FIELDS = ("id", "t_ns", "boot_id")  # they stand in the envelope, not in the data


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


def dating(events: Iterable[Event]) -> Dating | None:
    """What the last ClockCorrected among them changes; None: there is none."""
    found = [e for e in events if isinstance(e, ClockCorrected)]
    return Dating(found[-1].boot_id, found[-1].offset_ns, found[-1].clock) if found else None


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
            "driver_how": event.driver_how,
            "driver_sure": event.driver_sure,
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


def prompt_rows(event: Event) -> list[Mapping[str, Any]]:
    """The rows that an event puts into `prompts`, or changes there."""
    if isinstance(event, PromptHeld):
        fields = _fields(event, ("topic", "kind", "driver", "held_by", "raised_ns", "raised_utc_ns"))
        return [fields | {"id": event.prompt_id, "state": "held", "held_utc_ns": event.raised_utc_ns}]
    if not isinstance(event, PromptReleased):
        return []
    shared = _fields(event, ("driver", "released_ns", "released_utc_ns", "not_before_utc_ns", "not_after_utc_ns"))
    shared |= {"event_id": event.id, "state": "released", "published": 0, "published_utc_ns": None, "ended_utc_ns": None}
    names = ("topic", "kind", "title", "text", "revision", "raised_ns", "raised_utc_ns", "held_utc_ns")
    return [shared | _fields(part, names) | {"id": part.prompt_id, "held_by": "; ".join(part.held_by)} for part in event.parts]


def prompt_change(event: Event, utc_ns: int | None) -> tuple[str, Mapping[str, Any]] | None:
    """(prompt id, columns) of what an event changes in a row that is there; None when it changes none."""
    match event:
        case PromptWithdrawn(why="the ignition came on"):
            return event.prompt_id, {"state": "held", "held_by": event.why}
        case PromptWithdrawn():
            return event.prompt_id, {"state": "withdrawn", "ended_utc_ns": utc_ns}
        case PromptExpired():
            return event.prompt_id, {"state": "expired", "ended_utc_ns": utc_ns}
        case PromptDelivered():
            return event.prompt_id, {"state": "delivered", "delivered_utc_ns": event.shown_utc_ns}
        case PromptAnswered(answer="snoozed"):
            return event.prompt_id, {"state": "held", "answer": event.answer, "held_by": event.answer}
        case PromptAnswered():
            return event.prompt_id, {"state": event.answer, "answer": event.answer, "ended_utc_ns": utc_ns}
    return None


def _fields(record: msgspec.Struct, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def report_row(event: Event) -> Mapping[str, Any] | None:
    """The row that an event puts into `reports`; None when it concerns none."""
    if not isinstance(event, (ReportReady, ReportKept)):
        return None
    return {"month": event.month, "driver": event.driver, "id": event.id, "body": msgspec.json.encode(event.body).decode()}


def attribution(event: Event) -> tuple[str, str, str, float] | None:
    """(trip id, driver, how that is known, how sure) when the event says who drove."""
    return (event.trip_id, event.driver, event.how, event.sure) if isinstance(event, TripAttributed) else None
