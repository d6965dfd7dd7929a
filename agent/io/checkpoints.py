"""Whether another program keeps the log from being written back into the database: a snapshot held open in a shell does.

Nothing is lost by it, but the log grows for as long as it lasts, beyond the limit of size, and whoever holds it is the one
to end that: it is told, once for each such time.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from agent.io.database import LOG_BYTES

HELD_BYTES = 2 * LOG_BYTES  # an hour of driving, or one large transaction: who only looks is gone long before
HELD = "times another program held the database open, so that its log grew"


class Checkpoints:
    """`held`: how many times that was so, since the start."""

    def __init__(self, database: Path) -> None:
        self.held = 0
        self._database = database
        self._is_held = False

    def look(self, conn: sqlite3.Connection) -> None:
        """`conn`: the writer's. Raises sqlite3.Error."""
        if log_bytes(self._database) <= HELD_BYTES:
            self._is_held = False
            return
        _, frames, written_back = conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        was_held, self._is_held = self._is_held, written_back < frames
        self.held += self._is_held and not was_held


def log_bytes(database: Path) -> int:
    with suppress(OSError):
        return Path(f"{database}-wal").stat().st_size
    return 0
