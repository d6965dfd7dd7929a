"""The table of commands that were taken: each works once, and is known until a day after it would have expired."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from agent.io.commands import STALE_S
from agent.model import NS


class CommandRow(NamedTuple):
    """`taken_utc_ns`: when, by the trusted clock that its expiry was judged by; no column."""

    id: str
    kind: str
    outcome: str
    expires_utc_ns: int
    taken_utc_ns: int


def write(conn: sqlite3.Connection, rows: Sequence[CommandRow]) -> None:
    """Inside the transaction of what they caused. Those that nobody can send with effect any more go."""
    if not rows:
        return
    query = "INSERT OR IGNORE INTO commands (id, kind, outcome, expires_utc_ns) VALUES (?, ?, ?, ?)"
    conn.executemany(query, [row[:4] for row in rows])
    before_ns = max(r.taken_utc_ns for r in rows) - STALE_S * NS
    conn.execute("DELETE FROM commands WHERE expires_utc_ns < ?", (before_ns,))


def is_known(conn: sqlite3.Connection, id: str) -> bool:
    return conn.execute("SELECT 1 FROM commands WHERE id = ?", (id,)).fetchone() is not None
