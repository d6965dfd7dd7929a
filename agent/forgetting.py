"""What a person takes back while it waits for the link leaves the unit no more: its numbers are voided as `forgotten`.

What was under way at that moment may arrive all the same, and so does an AppointmentChosen, which the workshop needs: the far
side empties it by the ConsentChanged. So does a message that brings more than the report: the rest must arrive.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from agent.events.household import ConsentChanged
from agent.household import Purpose
from agent.io.retention import Shed, numbers
from agent.io.store import Store, store_error
from agent.model import Event

RESTS_ON: dict[Purpose, str] = {"report": "ReportReady", "fit": "FitShared"}
"""Purpose → the kind of event that leaves with that consent alone."""

UNSENT = "SELECT seq, body, envelope FROM events WHERE acked = 0 AND kind = ?"


class _Whose(msgspec.Struct):
    driver: str | None = None  # None: of the whole car, and so of everybody


class _Part(msgspec.Struct):
    report: str | None = None


class _Message(msgspec.Struct):
    driver: str
    parts: list[_Part]


def taken_back(events: Iterable[Event], store: Store) -> Shed | None:
    """What waits in the store and rests on a consent that `events` take back. Raises StoreError."""
    revoked = [(e.driver, RESTS_ON[e.purpose]) for e in events if isinstance(e, ConsentChanged) and _takes_back(e)]
    if not revoked:
        return None
    try:
        found = dict(row for driver, kind in revoked for row in _unsent(store, kind, driver))
        found |= dict(row for driver, kind in revoked if kind == "ReportReady" for row in _messages(store, driver))
    except sqlite3.Error as e:
        raise store_error(store.path, e) from e
    voided = numbers(store.epoch, found.items())
    return Shed(store.epoch, rows=tuple(sorted(found)), voided=voided, why="forgotten") if found else None


def _takes_back(event: ConsentChanged) -> bool:
    return not event.granted and event.purpose in RESTS_ON


def _unsent(store: Store, kind: str, driver: str) -> list[tuple[int, bytes | None]]:
    """(seq, envelope) of each."""
    return [(r["seq"], r["envelope"]) for r in store.conn.execute(UNSENT, (kind,)) if _whose(r["body"]) in (None, driver)]


def _messages(store: Store, driver: str) -> list[tuple[int, bytes | None]]:
    """The same of those that bring the driver's reports and nothing else: their text has the month's figures."""
    rows = store.conn.execute(UNSENT, ("PromptReleased",))
    return [(r["seq"], r["envelope"]) for r in rows if _brings_reports(r["body"], driver)]


def _brings_reports(body: bytes, driver: str) -> bool:
    try:
        message = msgspec.json.decode(body, type=_Message)
    except msgspec.MsgspecError:
        return False
    return message.driver == driver and all(part.report for part in message.parts)


def _whose(body: bytes) -> str | None:
    """None of what cannot be read, too: nobody agreed to that."""
    try:
        return msgspec.json.decode(body, type=_Whose).driver
    except msgspec.MsgspecError:
        return None
