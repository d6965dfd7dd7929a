"""What a person takes back while it waits for the link leaves the unit no more: its numbers are voided as `forgotten`.

What was under way at that moment may arrive all the same, and so does an AppointmentChosen, which the workshop needs: the far
side empties it by the ConsentChanged.
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


def taken_back(events: Iterable[Event], store: Store) -> Shed | None:
    """What waits in the store and rests on a consent that `events` take back. Raises StoreError."""
    revoked = [(e.driver, RESTS_ON[e.purpose]) for e in events if isinstance(e, ConsentChanged) and _takes_back(e)]
    if not revoked:
        return None
    try:
        found = dict(row for driver, kind in revoked for row in _unsent(store, kind, driver))
    except sqlite3.Error as e:
        raise store_error(store.path, e) from e
    voided = numbers(store.epoch, found.items())
    return Shed(store.epoch, rows=tuple(sorted(found)), voided=voided, why="forgotten") if found else None


def _takes_back(event: ConsentChanged) -> bool:
    return not event.granted and event.purpose in RESTS_ON


def _unsent(store: Store, kind: str, driver: str) -> list[tuple[int, bytes | None]]:
    """(seq, envelope) of each."""
    return [(r["seq"], r["envelope"]) for r in store.conn.execute(UNSENT, (kind,)) if _whose(r["body"]) in (None, driver)]


def _whose(body: bytes) -> str | None:
    """None of what cannot be read, too: nobody agreed to that."""
    try:
        return msgspec.json.decode(body, type=_Whose).driver
    except msgspec.MsgspecError:
        return None
