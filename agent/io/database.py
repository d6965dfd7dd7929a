"""Connections to the store's file: the one writer's, those that only look, and the writer's transactions."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from agent.io import wal
from agent.io.owned import create
from agent.io.schema import TooNew, migrate
from agent.io.store_error import StoreError, store_error

BUSY_S = 5.0  # a reader's backup or a slow card; longer is another program that holds the file
CHECKPOINT_PAGES = 256  # a megabyte of log: read whole after an unclean end, and what a full disk's reserve has to hold
LOG_BYTES = 2_000_000  # what a large transaction left of the log is cut back to this


def connect(path: Path) -> sqlite3.Connection:
    """The writer's: autocommit, with WAL and FULL, which SQLite sets per connection: both are asserted."""
    conn = _open(path, "mode=rwc")
    conn.execute("PRAGMA auto_vacuum = INCREMENTAL")  # heeded in a new file only, and only before all else
    wal_mode = conn.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    conn.execute("PRAGMA synchronous = FULL")
    full = conn.execute("PRAGMA synchronous").fetchone()[0]
    if (wal_mode, full) != ("wal", 2):
        raise StoreError(f"{path}: needs WAL and FULL sync, got {wal_mode} and {full}; put it on a local file system")
    conn.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    conn.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    conn.execute("PRAGMA secure_delete = FAST")  # Debian's default ON writes whole freed pages, where a card keeps copies
    return conn


def connect_to_look(path: Path) -> sqlite3.Connection:
    """One that only reads. Raises sqlite3.Error.

    SQLite wants the log's index beside the database, and makes it. Where it may not, as for who is in the group, a database
    is read as one that nobody writes: right as long as there is no log, which its writer leaves there while it runs.
    """
    conn = _open(path, "mode=ro")
    try:
        conn.execute("PRAGMA schema_version").fetchone()  # it reads
    except sqlite3.OperationalError:
        conn.close()
        if wal.is_there(path):
            raise
        return _open(path, "mode=ro&immutable=1")
    return conn


def _open(path: Path, how: str) -> sqlite3.Connection:
    conn = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None, timeout=BUSY_S)
    conn.row_factory = sqlite3.Row
    return conn


def in_memory(source: sqlite3.Connection | None = None) -> sqlite3.Connection:
    """A copy of `source` with the newest schema; without one an empty database, to be asked what nothing can answer now.

    Raises sqlite3.Error; TooNew."""
    conn = sqlite3.connect(":memory:", isolation_level=None)
    conn.row_factory = sqlite3.Row
    if source is not None:
        source.backup(conn)
    migrate(conn)
    return conn


class Transaction:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK when the body throws."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.conn = conn

    def __enter__(self) -> None:
        self.conn.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, value: object, tb: object) -> None:
        if kind is None:
            try:
                self.conn.execute("COMMIT")
                return
            except sqlite3.Error:
                self._rollback()
                raise
        self._rollback()

    def _rollback(self) -> None:
        if self.conn.in_transaction:
            self.conn.execute("ROLLBACK")


def open_database(path: Path) -> sqlite3.Connection:
    """The writer's connection, the schema brought up to date. Raises StoreError."""
    try:
        if not path.exists():  # to open and close one that SQLite has open would drop its locks
            os.close(create(path, 0o644))
        conn = connect(path)
        migrate(conn)
    except (sqlite3.Error, TooNew, OSError) as e:
        raise store_error(path, e) from e
    return conn
