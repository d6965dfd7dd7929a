"""SQLite's quick_check beside the work: in a thread, on a connection of its own that only reads."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

STOP_S = 2.0  # SQLite looks for an interruption between pages


class Check(threading.Thread):
    """`found`: what is wrong, in SQLite's words; None while it runs, and when nothing is."""

    def __init__(self, path: Path) -> None:
        super().__init__(name="quick_check", daemon=True)
        self.found: str | None = None
        self._path = path
        self._conn: sqlite3.Connection | None = None

    def run(self) -> None:
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as self._conn:
                verdict = str(self._conn.execute("PRAGMA quick_check(1)").fetchone()[0])
                self.found = None if verdict == "ok" else verdict
        except sqlite3.DatabaseError as e:
            if getattr(e, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                self.found = str(e)

    def stop(self) -> None:
        with suppress(sqlite3.Error, AttributeError):
            self._conn.interrupt()  # type: ignore[union-attr]  # not open yet: AttributeError
        self.join(STOP_S)
