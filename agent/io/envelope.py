"""An event's record → its CloudEvents 1.0 envelope: the bytes that are signed, published and never change again.

Structured JSON mode. The same record always gives the same bytes: the attributes stand in the order of
`Envelope`, the keys inside `data` are sorted. Source: CloudEvents 1.0.2, JSON event format 1.0.2.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from agent.model import ClockQuality

INT32_MAX = 2_147_483_647  # CloudEvents' only integer type; at one event a second `seq` gets there in 68 years

CONTENT_TYPE = "application/cloudevents+json"


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The attributes as they stand in the JSON; the last six before `data` are our extensions."""

    specversion: str
    id: str
    source: str  # "urn:keyoff:unit:<unit>"
    type: str  # "keyoff.<Kind>.v<version>"
    time: str | None = None  # RFC 3339, UTC; absent when the wall clock is not known
    datacontenttype: str
    epoch: str  # names the database file that counts `seq`
    seq: int  # the event's place in its epoch: a hole is a loss
    bootid: str
    tns: str  # nanoseconds of the unit's boot clock; text, for it outgrows CloudEvents' 32-bit integer
    clock: ClockQuality
    data: dict[str, Any]


def make_envelope(
    *,
    unit: str,
    id: str,
    kind: str,
    version: int,
    t_ns: int,
    boot_id: str,
    utc_ns: int | None,
    clock: ClockQuality,
    epoch: str,
    seq: int,
    data: dict[str, Any],
) -> bytes:
    """The envelope of one event as UTF-8 JSON.

    `seq` is a JSON number, so 0 to 2**31 - 1; beyond that ValueError. `utc_ns` None leaves `time` out.
    """
    if not 0 <= seq <= INT32_MAX:
        raise ValueError(f"seq {seq} is not a CloudEvents integer (0 to {INT32_MAX})")
    envelope = Envelope(
        specversion="1.0",
        id=id,
        source=f"urn:keyoff:unit:{unit}",
        type=f"keyoff.{kind}.v{version}",
        time=None if utc_ns is None else rfc3339(utc_ns),
        datacontenttype="application/json",
        epoch=epoch,
        seq=seq,
        bootid=boot_id,
        tns=str(t_ns),
        clock=clock,
        data=data,
    )
    return msgspec.json.encode(envelope, order="deterministic")


def rfc3339(utc_ns: int) -> str:
    """UTC as text with milliseconds (cut, not rounded): no clock of a unit is better than that."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=utc_ns // 1_000_000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
