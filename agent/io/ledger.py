"""The calendar's work on the store (agent/io/calendar.py), and what of it is done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from agent.io.store import Store, store_error

FLEETING = ("TripStarted", "HealthReported")  # the trip itself, and later health, say more


class Ledger:
    """Raises StoreError."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def is_done(self, job: str, period: str) -> bool:
        with self._errors() as conn:
            return conn.execute("SELECT 1 FROM done WHERE job = ? AND period = ?", (job, period)).fetchone() is not None

    def mark_done(self, job: str, period: str) -> None:
        with self._errors() as conn:
            conn.execute("INSERT OR IGNORE INTO done (job, period) VALUES (?, ?)", (job, period))

    def floor_utc_ns(self) -> int:
        """The last time that was known for sure, by when it was written: a wrong one in the future ends with the next right
        one. 0 when there was none."""
        with self._errors() as conn:
            found = conn.execute("SELECT utc_ns FROM anchors WHERE quality = 'synchronised' ORDER BY rowid DESC").fetchone()
        return found[0] if found else 0

    def retain(self, before_utc_ns: int) -> int:
        """Let go of acknowledged events from before then that nobody looks at again; gives how many."""
        query = f"DELETE FROM events WHERE acked = 1 AND utc_ns < ? AND kind IN ({', '.join('?' * len(FLEETING))})"
        with self._errors() as conn:
            return conn.execute(query, (before_utc_ns, *FLEETING)).rowcount

    def compact(self) -> None:
        """Give free pages and the log's space back."""
        with self._errors() as conn:
            conn.executescript("PRAGMA incremental_vacuum;")  # execute() would take one step: one page
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @contextmanager
    def _errors(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self.store.conn
        except sqlite3.Error as e:
            raise store_error(self.store.path, e) from e
