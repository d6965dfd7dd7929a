"""What the desk and the workshop hear and say: a verified event of a unit, and a command to one."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import msgspec

from agent.model import Event
from agent.prompts.slots import Slot

T = TypeVar("T", bound=Event)


class Heard(NamedTuple):
    """A CloudEvent taken apart. `utc_ns` None: the unit did not know the time."""

    unit: str
    id: str
    kind: str
    version: int
    epoch: str
    seq: int
    utc_ns: int | None
    t_ns: int
    boot_id: str
    data: dict[str, Any]

    def as_event(self, kind: type[T]) -> T:
        """Its record; raises ValueError when it is none, or of another version."""
        if self.kind != kind.__name__ or self.version != kind.version:
            raise ValueError(f"{self.kind} v{self.version} is no {kind.__name__} v{kind.version}")
        return msgspec.convert(self.data | {"id": self.id, "t_ns": self.t_ns, "boot_id": self.boot_id}, kind)


class Said(NamedTuple):
    """A command to a unit: the event that is entered there."""

    unit: str
    kind: str
    data: dict[str, Any]


def slot_of(data: dict[str, Any]) -> Slot:
    """Raises KeyError, TypeError when it is none."""
    return Slot(**{name: str(data[name]) for name in Slot.__struct_fields__})


def heard(unit: str, body: bytes) -> Heard:
    """From the bytes that the receiver keeps. Raises ValueError, KeyError, TypeError when they are no event."""
    event = json.loads(body)
    _, kind, version = event["type"].split(".")
    utc_ns = round(datetime.fromisoformat(event["time"]).timestamp() * 1000) * 1_000_000 if "time" in event else None
    return Heard(
        unit=unit,
        id=event["id"],
        kind=kind,
        version=int(version.removeprefix("v")),
        epoch=event["epoch"],
        seq=event["seq"],
        utc_ns=utc_ns,
        t_ns=int(event["tns"]),
        boot_id=event["bootid"],
        data=event["data"],
    )
