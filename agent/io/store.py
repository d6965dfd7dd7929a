"""What survives: SQLite in WAL mode with FULL sync, one writer, states and events in one transaction.

    <state_dir>/keyoff.db        and keyoff.db.lock, held by the one writer

The outbox is no second copy: it is the events without an acknowledgement. An event's (epoch, seq) is given in
the transaction that inserts it, and only then; a repeated id changes nothing. Readers (the command line) open
the same file read-only and never wait for the writer.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from agent.io import trace
from agent.io.envelope import make_envelope
from agent.io.schema import migrate
from agent.io.uplink import Outgoing
from agent.model import ClockQuality

BUSY_S = 5.0  # a reader's backup or a slow card; longer is another program that holds the file


class StoreError(Exception):
    """The store cannot go on; the message names the file and the fix. `locked`: another keyoff holds it."""

    def __init__(self, message: str, locked: bool = False) -> None:
        super().__init__(message)
        self.locked = locked


class EventRow(NamedTuple):
    """An event as it is kept; `body` is its data as JSON."""

    id: str
    kind: str
    version: int
    importance: int
    once: bool
    t_ns: int
    boot_id: str
    utc_ns: int | None
    clock: ClockQuality
    body: bytes


class Batch(NamedTuple):
    """What one transaction writes. `trips` and `prompts` are rows by column name, put by their id."""

    states: Mapping[str, tuple[int, bytes]] = {}
    events: Sequence[EventRow] = ()
    trips: Sequence[Mapping[str, Any]] = ()
    prompts: Sequence[Mapping[str, Any]] = ()
    points: Sequence[trace.Point] = ()
    drivers: Sequence[tuple[str, str]] = ()  # trip id, who drove
    ended: Sequence[str] = ()  # trip ids whose trace is complete
    anchor: tuple[str, int, int, str] | None = None  # boot_id, t_ns, utc_ns, quality


def connect(path: Path, read_only: bool) -> sqlite3.Connection:
    """An autocommit connection; the writer's with WAL and FULL, which SQLite sets per connection: both are asserted."""
    mode = "ro" if read_only else "rwc"
    conn = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=BUSY_S)
    conn.row_factory = sqlite3.Row
    if not read_only:
        wal = conn.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        conn.execute("PRAGMA synchronous = FULL")
        full = conn.execute("PRAGMA synchronous").fetchone()[0]
        if (wal, full) != ("wal", 2):
            raise StoreError(f"{path}: needs WAL and FULL sync, got {wal} and {full}; put it on a local file system")
    return conn


class Store:
    """The one writer; see the module. Raises StoreError."""

    def __init__(self, path: Path, unit: str) -> None:
        self.path = path
        self.unit = unit
        self._lock = _lock(path)
        try:
            self.conn = connect(path, read_only=False)
            migrate(self.conn)
        except (sqlite3.Error, ValueError) as e:
            raise self._error(e) from e
        self._written: dict[str, bytes] = {k: body for k, (_, body) in self.states().items()}
        self._acked: list[str] = []
        self.epoch = self._meta("epoch", secrets.token_hex(8))

    # -- writing -------------------------------------------------------------------------------

    def commit(self, batch: Batch, utc_ns: int | None = None) -> int:
        """Write `batch`, and the acknowledgements noted (at `utc_ns`, if known), in one transaction: all of it or nothing.

        Returns how many events were new.
        """
        try:
            with Transaction(self.conn):
                new = sum(self._insert(row) for row in batch.events)
                changed = [(k, v, b) for k, (v, b) in batch.states.items() if self._written.get(k) != b]
                self.conn.executemany("INSERT OR REPLACE INTO states (name, version, body) VALUES (?, ?, ?)", changed)
                for table, rows in (("trips", batch.trips), ("prompts", batch.prompts)):
                    for row in rows:
                        self._put(table, row)
                self.conn.executemany("UPDATE trips SET driver = ?2 WHERE id = ?1", batch.drivers)
                self._put_points(batch.points)
                for trip_id in batch.ended:
                    self._close_trace(trip_id)
                if batch.anchor is not None:
                    self.conn.execute(
                        "INSERT OR REPLACE INTO anchors (boot_id, t_ns, utc_ns, quality) VALUES (?, ?, ?, ?)", batch.anchor
                    )
                self._write_acks(utc_ns)
        except sqlite3.Error as e:
            raise self._error(e) from e
        self._written.update((k, b) for k, _, b in changed)
        self._acked.clear()
        return new

    def _insert(self, row: EventRow) -> bool:
        known = "SELECT 1 FROM events WHERE id = ?1 UNION ALL SELECT 1 FROM once WHERE id = ?1"
        if self.conn.execute(known, (row.id,)).fetchone():
            return False
        if row.once:
            self.conn.execute("INSERT INTO once (id, kind) VALUES (?, ?)", (row.id, row.kind))
        self.conn.execute(
            "INSERT INTO events (id, kind, version, importance, t_ns, boot_id, utc_ns, clock, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (row.id, row.kind, row.version, row.importance, row.t_ns, row.boot_id, row.utc_ns, row.clock, row.body),
        )
        return True

    def _put(self, table: str, row: Mapping[str, Any]) -> None:
        names = list(row)
        sets = ", ".join(f"{n} = excluded.{n}" for n in names if n != "id")
        self.conn.execute(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
            f" ON CONFLICT (id) DO UPDATE SET {sets}",
            list(row.values()),
        )

    def _put_points(self, points: Sequence[trace.Point]) -> None:
        for trip_id, group in groupby(points, key=lambda p: p[0]):
            piece = list(group)
            kept = self.conn.execute("SELECT coalesce(sum(points), 0) FROM trace WHERE trip_id = ?", (trip_id,)).fetchone()[0]
            piece = piece[: max(0, trace.MAX_POINTS_PER_TRIP - kept)]
            if piece:
                self.conn.execute(
                    "INSERT OR REPLACE INTO trace (trip_id, start_ns, points, body) VALUES (?, ?, ?, ?)",
                    (trip_id, piece[0][1], len(piece), trace.pack(trace.columns(piece))),
                )

    def _close_trace(self, trip_id: str) -> None:
        """The trip's pieces as one row; the oldest traces go."""
        whole = self.trace(trip_id)
        if whole.t_ns:
            self.conn.execute("DELETE FROM trace WHERE trip_id = ?", (trip_id,))
            row = (trip_id, whole.t_ns[0], len(whole.t_ns), trace.pack(whole))
            self.conn.execute("INSERT INTO trace (trip_id, start_ns, points, body) VALUES (?, ?, ?, ?)", row)
        self.conn.execute(
            "DELETE FROM trace WHERE trip_id IN (SELECT id FROM trips WHERE n <= (SELECT max(n) FROM trips) - ?)",
            (trace.MAX_TRIPS,),
        )

    # -- the outbox (agent/io/uplink.py) ---------------------------------------------------------

    def waiting(self, limit: int, excluding: Collection[str]) -> list[Outgoing]:
        """Events without acknowledgement, by importance, then age; the bytes of each are frozen at its first hand-out."""
        excluded = {*excluding, *self._acked}
        rows = self.conn.execute(
            "SELECT * FROM events WHERE acked = 0 ORDER BY importance, seq LIMIT ?", (limit + len(excluded),)
        ).fetchall()
        rows = [r for r in rows if r["id"] not in excluded][:limit]
        fresh = {r["seq"]: self._envelope(r) for r in rows if r["envelope"] is None}
        if fresh:
            try:
                with Transaction(self.conn):
                    self.conn.executemany("UPDATE events SET envelope = ? WHERE seq = ?", [(e, seq) for seq, e in fresh.items()])
            except sqlite3.Error as e:
                raise self._error(e) from e
        return [Outgoing(r["seq"], r["id"], r["kind"], fresh.get(r["seq"], r["envelope"])) for r in rows]

    def acknowledged(self, id: str) -> None:
        """Note that the broker has it; written with the next transaction. Losing the note costs one resend."""
        self._acked.append(id)

    def flush(self, utc_ns: int | None = None) -> None:
        """Write the noted acknowledgements now."""
        if self._acked:
            self.commit(Batch(), utc_ns)

    def _write_acks(self, utc_ns: int | None) -> None:
        self.conn.executemany("UPDATE events SET acked = 1 WHERE id = ?", [(each,) for each in self._acked])
        marks = [(utc_ns, each) for each in self._acked]
        self.conn.executemany(
            "UPDATE prompts SET published = 1, published_utc_ns = ? WHERE event_id = ? AND published = 0", marks
        )

    def _envelope(self, r: sqlite3.Row) -> bytes:
        return make_envelope(
            unit=self.unit,
            id=r["id"],
            kind=r["kind"],
            version=r["version"],
            t_ns=r["t_ns"],
            boot_id=r["boot_id"],
            utc_ns=r["utc_ns"],
            clock=r["clock"],
            epoch=self.epoch,
            seq=r["seq"],
            data=msgspec.json.decode(r["body"]),
        )

    def envelopes(self) -> Iterable[bytes]:
        """Every event as the CloudEvent it is or would be sent as, in order of seq."""
        for r in self.conn.execute("SELECT * FROM events ORDER BY seq"):
            yield r["envelope"] or self._envelope(r)

    # -- reading -------------------------------------------------------------------------------

    def states(self) -> dict[str, tuple[int, bytes]]:
        return {r["name"]: (r["version"], r["body"]) for r in self.conn.execute("SELECT * FROM states")}

    def trace(self, trip_id: str) -> trace.Columns:
        rows = self.conn.execute("SELECT body FROM trace WHERE trip_id = ? ORDER BY start_ns", (trip_id,))
        return trace.unpack(r["body"] for r in rows)

    def trips(self) -> list[sqlite3.Row]:
        """Trips and short moves, oldest first."""
        return self.conn.execute("SELECT * FROM trips WHERE kind != 'unaccounted' ORDER BY n").fetchall()

    def count(self, kind: str) -> int:
        return int(self.conn.execute("SELECT count(*) FROM events WHERE kind = ?", (kind,)).fetchone()[0])

    def unsent(self) -> int:
        return int(self.conn.execute("SELECT count(*) FROM events WHERE acked = 0").fetchone()[0])

    def close(self) -> None:
        self.conn.close()
        os.close(self._lock)

    def _meta(self, key: str, otherwise: str) -> str:
        self.conn.execute("INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)", (key, otherwise))
        return str(self.conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0])

    def _error(self, e: Exception) -> StoreError:
        return store_error(self.path, e)


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


def store_error(path: Path, e: Exception) -> StoreError:
    """An SQLite error in a person's words: what, where, what to do."""
    text = str(e)
    if "locked" in text or "busy" in text:
        return StoreError(
            f"{path}: another program holds the database; stop it (keyoff status, fuser {path}) and try again", locked=True
        )
    if "full" in text:
        return StoreError(f"{path}: the disk is full; free some space in {path.parent}: what was stored before is safe")
    if "readonly" in text or "unable to open" in text:
        return StoreError(
            f"{path}: cannot write there ({text}); check the folder's owner and that the disk is mounted read-write"
        )
    if "not a database" in text or "malformed" in text:
        return StoreError(f"{path}: the file is damaged ({text}); move it aside, keep it for salvage, and start again")
    if "schema is number" in text:
        return StoreError(f"{path}: written by a newer keyoff: {text}; update this software, or use another --store")
    return StoreError(f"{path}: {text}")


def _lock(path: Path) -> int:
    """One writer: an flock that the kernel drops when the process is gone, however it went."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as e:
        raise StoreError(f"{path.parent}: cannot write there ({e.strerror}); check its owner, or name another folder") from e
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise StoreError(f"{path}: another keyoff is writing to it; stop it first (systemctl stop keyoff)", locked=True) from None
    return handle
