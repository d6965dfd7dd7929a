"""What survives: SQLite in WAL mode with FULL sync, one writer, states and events in one transaction.

    <state_dir>/keyoff.db        and keyoff.db.lock, held by the one writer

The outbox is no second copy: it is the events without an acknowledgement. An event's (epoch, seq) is given in
the transaction that inserts it, and only then; a repeated id changes nothing. Readers (the command line) open
the same file read-only and never wait for the writer.

A routine commit rewrites one page (states.py).
This store tells what is wrong and leaves it to a person; the daemon's (unit_store.py) mends what it can.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from agent.io import states, taken, trace
from agent.io.database import Transaction, open_database
from agent.io.dating import Dating, date
from agent.io.envelope import make_envelope
from agent.io.owned import lock
from agent.io.retention import Shed
from agent.io.store_error import StoreError, store_error
from agent.io.uplink import Outgoing
from agent.model import NS, ClockQuality

__all__ = ["Batch", "EventRow", "Restored", "Store", "StoreError", "store_error"]

EPOCH, RESTORED = "epoch", "restored"  # rows of `meta`; the second: what a salvage came to, until events have told it
ANCHOR_S = 600  # how often the wall clock is written down while it runs on evenly: a page of its own each time
ANCHOR_STEP_NS = NS // 2  # a jump is written down at once; less is a clock being slewed


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


class Restored(msgspec.Struct, frozen=True):
    """What a salvage came to: the epoch it ended, the numbers of it that will not arrive any more, what was left out."""

    epoch: str | None  # None: nothing told what it was
    ranges: list[tuple[int, int]]  # first and last seq, inclusive
    counts: dict[str, int]


class Batch(NamedTuple):
    """What one transaction writes. `trips` and `prompts` are rows by column name, put by their id."""

    states: states.States = {}
    events: Sequence[EventRow] = ()
    trips: Sequence[Mapping[str, Any]] = ()
    prompts: Sequence[Mapping[str, Any]] = ()
    answers: Sequence[tuple[str, Mapping[str, Any]]] = ()  # prompt id, and what changes in its row if it is there
    reports: Sequence[Mapping[str, Any]] = ()  # month, driver, id, body; the first of a month and driver stays
    commands: Sequence[taken.CommandRow] = ()
    points: Sequence[trace.Point] = ()
    drivers: Sequence[tuple[str, str, str, float]] = ()  # trip id, who drove, how that is known, how sure
    ended: Sequence[str] = ()  # trip ids whose trace is complete
    anchor: tuple[str, int, int, str] | None = None  # boot_id, t_ns, utc_ns, quality
    dated: Dating | None = None  # this boot's rows have another date now
    shed: Shed | None = None  # what has to go; told by `events`
    forgotten: Shed | None = None  # likewise, for a consent was taken back
    epoch: str | None = None  # of the database that all this was planned for; None: any
    told: Sequence[Restored] = ()  # of `Store.restored`, what `events` tell
    quiet: bool = True  # nothing happened: what changes nevertheless does so all the time


def new_epoch() -> str:
    """Random: two databases never count in the same."""
    return secrets.token_hex(8)


class Store:
    """The one writer; see the module. Raises StoreError."""

    def __init__(self, path: Path, unit: str) -> None:
        self.path = path
        self.unit = unit
        self._acked: list[str] = []
        self._lock: int | None = lock(path)
        try:
            self._attach(open_database(path))
        except StoreError:
            self._unlock()
            raise

    def _attach(self, conn: sqlite3.Connection) -> None:
        """Go on with this connection."""
        self.conn = conn
        self._anchor: tuple[str, int, int, str] | None = None
        with self._errors():
            self._written, self._routine = states.read(conn)
            self.epoch = self._epoch()
            self.restored = self._restored()

    # -- what the daemon asks between commits; this store has nothing to do then ------------------

    def tend(self) -> Shed | None:
        """A little of what is due; gives what has to be given up for the size limit."""
        return None

    def room(self) -> Shed | None:
        """What can be given up so that a commit finds room on a full disk; None: nothing."""
        return None

    def counts(self) -> dict[str, int]:
        """What a person has to know of the files, since the start, for the health report."""
        return {}

    # -- writing -------------------------------------------------------------------------------

    def commit(self, batch: Batch, utc_ns: int | None = None) -> int:
        """Write `batch`, and the acknowledgements noted (at `utc_ns`, if known), in one transaction: all of it or nothing.

        Returns how many events were new. Raises StoreError, too, when this is another database than `batch.epoch` by now.
        """
        anchor = batch.anchor if batch.anchor is not None and self._says_more(batch.anchor) else None
        with self._errors(), Transaction(self.conn):
            if batch.epoch not in (None, self.epoch):
                raise StoreError(f"{self.path}: it is another database than it was a moment ago; it is tried again")
            for each in (batch.shed, batch.forgotten):
                if each is not None and each.epoch == self.epoch:
                    self._shed(each)
            new = sum(self._insert(row) for row in batch.events)
            for table, rows in (("trips", batch.trips), ("prompts", batch.prompts)):
                for row in rows:
                    self._put(table, row)
            for prompt_id, fields in batch.answers:
                sets = ", ".join(f"{name} = ?" for name in fields)
                self.conn.execute(f"UPDATE prompts SET {sets} WHERE id = ?", [*fields.values(), prompt_id])
            self.conn.executemany(
                "INSERT OR IGNORE INTO reports (month, driver, id, body) VALUES (:month, :driver, :id, :body)", batch.reports
            )
            taken.write(self.conn, batch.commands)
            owned = "UPDATE trips SET driver = ?, driver_how = ?, driver_sure = ? WHERE id = ?"
            self.conn.executemany(owned, [(*whose, trip_id) for trip_id, *whose in batch.drivers])
            if batch.dated is not None:
                date(self.conn, batch.dated)
            routine = self._put_states(batch)
            if anchor is not None:
                self.conn.execute("INSERT OR REPLACE INTO anchors (boot_id, t_ns, utc_ns, quality) VALUES (?, ?, ?, ?)", anchor)
            self._write_acks(utc_ns)
            untold = [each for each in self.restored if each not in batch.told]
            if len(untold) < len(self.restored):
                note = msgspec.json.encode(untold).decode()
                self.conn.execute("UPDATE meta SET value = ? WHERE key = ?", (note, RESTORED))
        self._written |= batch.states
        self._routine = routine
        self._anchor = anchor or self._anchor
        self._acked.clear()
        self.restored = untold
        return new

    def _put_states(self, batch: Batch) -> states.Routine:
        """States and trace; gives the routine row as it is then."""
        changed = {k: each for k, each in batch.states.items() if self._written.get(k) != each}
        tail = trace.put(self.conn, self._routine.tail, batch.points)
        for trip_id in batch.ended:
            tail = trace.close(self.conn, tail, trip_id)
        known = self._routine.states
        # What changes though nothing happened does so all the time: from now on it belongs to the routine row.
        also = set() if batch.events or not batch.quiet else changed.keys() & self._written.keys() - known.keys()
        routine = states.Routine(known | {k: each for k, each in changed.items() if k in known or k in also}, tail)
        if changed or routine != self._routine:
            states.moved(self.conn, also)
            states.write(self.conn, changed, routine)
        return routine

    def _says_more(self, anchor: tuple[str, int, int, str]) -> bool:
        """Whether this anchor is worth a page: another boot or quality, a jump, or ten minutes on."""
        if self._anchor is None:
            return True
        (boot, t_ns, utc_ns, quality), (boot0, t0_ns, utc0_ns, quality0) = anchor, self._anchor
        jump_ns = (utc_ns - t_ns) - (utc0_ns - t0_ns)
        return (boot, quality) != (boot0, quality0) or abs(jump_ns) > ANCHOR_STEP_NS or t_ns - t0_ns >= ANCHOR_S * NS

    def _shed(self, shed: Shed) -> None:
        self.conn.executemany("DELETE FROM trace WHERE trip_id = ?", [(each,) for each in shed.traces])
        self.conn.executemany("DELETE FROM events WHERE seq = ?", [(each,) for each in shed.rows])
        left = [(body, seq) for seq, body in shed.left.items()]
        self.conn.executemany("UPDATE events SET body = ? WHERE seq = ? AND envelope IS NULL", left)

    def _insert(self, row: EventRow) -> bool:
        known = "SELECT 1 FROM events WHERE id = :id UNION ALL SELECT 1 FROM once WHERE id = :id"
        if self.conn.execute(known, {"id": row.id}).fetchone():
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

    # -- the outbox (agent/io/uplink.py) ---------------------------------------------------------

    def waiting(self, limit: int, excluding: Collection[str]) -> list[Outgoing]:
        """Events without acknowledgement, by importance, then age; the bytes of each are frozen at its first hand-out."""
        excluded = {*excluding, *self._acked}
        with self._errors():
            rows = self.conn.execute(
                "SELECT * FROM events WHERE acked = 0 ORDER BY importance, seq LIMIT ?", (limit + len(excluded),)
            ).fetchall()
            rows = [r for r in rows if r["id"] not in excluded][:limit]
            fresh = {r["seq"]: self._envelope(r) for r in rows if r["envelope"] is None}
        try:
            self._freeze(fresh)
        except StoreError:
            rows = [r for r in rows if r["envelope"] is not None]  # what is frozen goes out while the disk takes nothing
            if not rows:
                raise
        return [Outgoing(r["seq"], r["id"], r["kind"], fresh.get(r["seq"], r["envelope"])) for r in rows]

    def _freeze(self, envelopes: Mapping[int, bytes]) -> None:
        if envelopes:
            with self._errors(), Transaction(self.conn):
                self.conn.executemany("UPDATE events SET envelope = ? WHERE seq = ?", [(e, seq) for seq, e in envelopes.items()])

    def acknowledged(self, id: str) -> None:
        """Note that the broker has it; written with the next transaction. Losing the note costs one resend."""
        self._acked.append(id)

    def flush(self, utc_ns: int | None = None) -> None:
        """Write the noted acknowledgements now."""
        if self._acked:
            self.commit(Batch(), utc_ns)

    def _write_acks(self, utc_ns: int | None) -> None:
        """What is done needs its frozen bytes no more."""
        self.conn.executemany("UPDATE events SET acked = 1, envelope = NULL WHERE id = ?", [(each,) for each in self._acked])
        marks = [(utc_ns, each) for each in self._acked]
        self.conn.executemany(
            "UPDATE prompts SET published = 1, published_utc_ns = ? WHERE event_id = ? AND published = 0", marks
        )

    def _envelope(self, r: sqlite3.Row) -> bytes:
        same = {name: r[name] for name in ("id", "kind", "version", "t_ns", "boot_id", "utc_ns", "clock", "seq")}
        data = msgspec.json.decode(r["body"])
        try:
            return make_envelope(unit=self.unit, epoch=self.epoch, data=data, **same)
        except ValueError as e:  # a number that no store gave
            raise StoreError(f"{self.path}: the file is damaged ({e}); move it aside, and start again", "damaged") from None

    def envelopes(self) -> Iterable[bytes]:
        """Every event of this epoch as the CloudEvent it is or would be sent as, in order of seq."""
        with self._errors():
            for r in self.conn.execute("SELECT * FROM events WHERE seq > 0 ORDER BY seq"):
                yield r["envelope"] or self._envelope(r)

    # -- reading -------------------------------------------------------------------------------

    def states(self) -> states.States:
        with self._errors():
            return states.read(self.conn)[0]

    def trace(self, trip_id: str) -> trace.Columns:
        with self._errors():
            return trace.read(self.conn, self._routine.tail, trip_id)

    def trips(self) -> list[sqlite3.Row]:
        """Trips and short moves, oldest first."""
        with self._errors():
            return self.conn.execute("SELECT * FROM trips WHERE kind != 'unaccounted' ORDER BY n").fetchall()

    def has_taken(self, command: str) -> bool:
        with self._errors():
            return taken.is_known(self.conn, command)

    def count(self, kind: str) -> int:
        return self._number("SELECT count(*) FROM events WHERE kind = ?", kind)

    def unsent_of(self, kinds: Collection[str]) -> list[sqlite3.Row]:
        """seq, kind, body and envelope of the events of these kinds that have no acknowledgement."""
        query = f"SELECT seq, kind, body, envelope FROM events WHERE acked = 0 AND kind IN ({', '.join('?' * len(kinds))})"
        with self._errors():
            return self.conn.execute(query, [*kinds]).fetchall()

    def unsent(self) -> int:
        return self._number("SELECT count(*) FROM events WHERE acked = 0")

    def close(self) -> None:
        self.conn.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _number(self, query: str, *values: object) -> int:
        with self._errors():
            return int(self.conn.execute(query, values).fetchone()[0])

    def _epoch(self) -> str:
        """The database's own; a new one gets it now. One that holds something and has none has lost a page."""
        row = self.conn.execute("SELECT value FROM meta WHERE key = ?", (EPOCH,)).fetchone()
        if row is not None:
            return str(row[0])
        used = "SELECT 1 FROM states UNION ALL SELECT 1 FROM sqlite_sequence WHERE name = 'events'"
        if self.conn.execute(used).fetchone():
            raise StoreError(f"{self.path}: the file is damaged (no epoch); move it aside, and start again", "damaged")
        epoch = new_epoch()
        self.conn.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (EPOCH, epoch))
        return epoch

    def _restored(self) -> list[Restored]:
        """What salvages came to that no event tells yet; the newest last."""
        row = self.conn.execute("SELECT value FROM meta WHERE key = ?", (RESTORED,)).fetchone()
        return msgspec.json.decode(row[0], type=list[Restored]) if row else []

    def _remember(self, note: Restored) -> None:
        """Until an event has told it."""
        told = [*self.restored, note]
        with self._errors(), Transaction(self.conn):
            row = (RESTORED, msgspec.json.encode(told).decode())
            self.conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", row)
        self.restored = told

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """SQLite's errors, and rows that are not what was written, as StoreError."""
        try:
            yield
        except (sqlite3.Error, msgspec.DecodeError) as e:
            raise store_error(self.path, e) from e
