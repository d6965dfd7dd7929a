"""A database that cannot be trusted any more: set aside, what can be read of it carried into a new one, all of it told.

    keyoff.db.damaged-1, .damaged-2   as they were found, the newest two; where their first page or their log was mended to
                                      read them, what was there stands in <name>.page, <name>.log
    keyoff.db.newer-1                 of a later version of this software, as it was found
    keyoff.db.building                the new one, until it is whole and on the disk

Each step can be cut: a start that finds a database set aside and none in its place goes on from there. Salvaged first is
what nothing else knows: states, what is once for ever, prompts, trips, events not acknowledged; then traces and the other
events, the newest first, as far as the time goes. The new database counts in an epoch of its own; an event whose bytes
are frozen keeps them, with the number that they bear, and so takes none of the new ones: its row's seq is below 1.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from agent.io import clock, states, wal
from agent.io.commands import AHEAD_S
from agent.io.database import connect_to_look, in_memory
from agent.io.reading import Row, Rows, columns_of, tables_of
from agent.io.retention import Ranges, merged, number_in, without
from agent.io.schema import migrate
from agent.io.store import EPOCH, RESTORED, Restored, new_epoch
from agent.io.witness import PAGE_BYTES, Witness
from agent.model import NS

KEPT = 2  # databases set aside, of each sort: a person may want to look, and a card has to hold them
HISTORY_NS = 3 * NS  # since the salvage began, for what the cloud has or nobody misses: within five seconds it has to be done
FIRST = ("states", "once", "prompts", "trips", "reports", "commands")
HISTORY_BYTES = 20_000_000  # likewise: what a slow card writes in a second, for the new file is synced as a whole
APART = ("meta", "events", "trace")
EVENT = ("seq", "id", "kind", "version", "importance", "t_ns", "boot_id", "utc_ns", "clock", "body", "envelope", "acked")
JSON = {"events": "body", "trips": "metrics", "states": "body"}  # a column that has to be JSON, or the row is damaged

Why: TypeAlias = Literal["damaged", "newer"]
Values: TypeAlias = dict[str, Any]


# -- files -----------------------------------------------------------------------------------------


def set_aside(path: Path, why: Why) -> Path:
    """Rename the database and its log; gives the new name. Raises OSError."""
    aside, log = Path(f"{path}.{why}-{_next_number(path)}"), Path(f"{path}-wal")
    if log.exists():
        log.rename(f"{aside}-wal")  # before the database: the next one would take a log that is left for its own
    path.rename(aside)
    Path(f"{path}-shm").unlink(missing_ok=True)
    _sync(path.parent)
    return aside


def put_back(conn: sqlite3.Connection, path: Path) -> None:
    """Write the database that `conn` has open to `path` anew, whence it was removed or where another was put in its place;
    that one is set aside as a damaged one is. Raises sqlite3.Error, OSError; then all is as it was."""
    building = Path(f"{path}.building")
    try:
        building.unlink(missing_ok=True)
        conn.execute("VACUUM INTO ?", (str(building),))
        _sync(building)
        if path.exists():
            os.link(path, f"{path}.damaged-{_next_number(path)}")
        for end in ("-wal", "-shm"):
            Path(f"{path}{end}").unlink(missing_ok=True)  # of another file than the one that comes
        building.rename(path)
        _sync(path.parent)
    except (sqlite3.Error, OSError):
        with suppress(OSError):
            building.unlink(missing_ok=True)
        raise


def unfinished(path: Path) -> Path | None:
    """What was set aside and still waits for its salvage; a renaming that was cut is finished first. Raises OSError."""
    for log in path.parent.glob(f"{path.name}.*-[0-9]*-wal"):
        database = log.with_name(log.name.removesuffix("-wal"))
        if not database.exists() and path.exists():
            path.rename(database)
    return None if path.exists() else max(all_aside(path), key=_number, default=None)


def all_aside(path: Path, why: Why | Literal["*"] = "*") -> list[Path]:
    """Every database set aside, the oldest first."""
    return sorted((each for each in path.parent.glob(f"{path.name}.{why}-*") if _number(each)), key=_number)


def remove(aside: Path) -> None:
    """A database set aside, with all that belongs to it."""
    for end in ("-wal", "-shm", ".log", ".page", ""):
        with suppress(OSError):
            Path(f"{aside}{end}").unlink(missing_ok=True)


def _next_number(path: Path) -> int:
    return 1 + max((_number(each) for each in all_aside(path)), default=0)


def _number(aside: Path) -> int:
    number = aside.name.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# -- from the old to the new -------------------------------------------------------------------------


def salvage(path: Path, aside: Path, witness: Witness) -> None:
    """A new database at `path` with what can be read of `aside`. Raises sqlite3.Error, OSError; then `path` is not there."""
    building = Path(f"{path}.building")
    building.unlink(missing_ok=True)
    with closing(sqlite3.connect(building, isolation_level=None)) as new:
        for pragma in ("auto_vacuum = INCREMENTAL", "journal_mode = OFF", "synchronous = OFF"):
            new.execute(f"PRAGMA {pragma}")  # nobody sees it before it is whole
        migrate(new)
        is_mended = wal.mend(aside)
        old = open_aside(aside, witness)
        new.execute("BEGIN")
        Salvage(new, old, witness, "newer" if ".newer-" in aside.name else "damaged", is_mended).run()
        new.execute("COMMIT")
        if old is not None:
            old.close()
    Path(f"{aside}-shm").unlink(missing_ok=True)
    _sync(building)
    building.rename(path)
    _sync(path.parent)
    for each in (*all_aside(path, "damaged")[:-KEPT], *all_aside(path, "newer")[:-KEPT]):
        remove(each)


def open_aside(aside: Path, witness: Witness) -> sqlite3.Connection | None:
    """A connection that can read the schema, the first page put back if need be; None when nothing helps.

    Raises sqlite3.Error, OSError when the disk does not let it be read at all."""
    conn = _readable(aside, "mode=ro") or _readable(aside, "immutable=1")  # the latter without its log
    page = witness.page()
    if conn is None and page is not None:
        with aside.open("r+b") as file:
            Path(f"{aside}.page").write_bytes(file.read(PAGE_BYTES))
            file.seek(0)
            file.write(page)
        conn = _readable(aside, "mode=ro") or _readable(aside, "immutable=1")
    return conn or _readable(aside, "mode=ro", 1)


def readable(path: Path, witness: Witness) -> sqlite3.Connection | None:
    """A connection that only reads; when there is no database, to one in memory with the states of what is set aside.
    None: they cannot be read."""
    try:
        if path.exists() and path.stat().st_size:
            conn = connect_to_look(path)
            states.read(conn)
            return conn
        conn = in_memory()
        aside = unfinished(path)
        if aside is not None:
            Salvage(conn, open_aside(aside, witness), witness, "damaged").carry("states")
    except (sqlite3.Error, OSError):
        return None
    return conn


def _readable(aside: Path, how: str, at_least: int = 3) -> sqlite3.Connection | None:
    """A connection by which so many of the tables that matter most are known."""
    conn = sqlite3.connect(f"{aside.absolute().as_uri()}?{how}", uri=True, isolation_level=None)
    conn.text_factory = bytes
    try:
        conn.execute("PRAGMA cell_size_check = ON")
        known = conn.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('meta', 'states', 'events')").fetchone()[0]
        if known >= at_least:
            return conn
    except sqlite3.Error as e:
        code = getattr(e, "sqlite_errorcode", 0)
        if code & 0xFF == sqlite3.SQLITE_IOERR and code != sqlite3.SQLITE_IOERR_SHORT_READ:
            conn.close()
            raise
    conn.close()
    return None


class Salvage:
    """What is carried from `old` (None: nothing of it can be read) into `new`."""

    def __init__(
        self, new: sqlite3.Connection, old: sqlite3.Connection | None, witness: Witness, why: Why, is_mended: bool = False
    ) -> None:
        self._began_ns = clock.boottime_ns()
        self._new = new
        self._old = Rows(old if old is not None else sqlite3.connect(":memory:"))
        self._counts: Counter[str] = Counter({f"database set aside, {why}": 1, "nothing of it can be read": int(old is None)})
        self._event = tuple(_also(EVENT, columns_of(self._old.conn, "events")))
        mark = self._mark = witness.mark()
        self._known: dict[Any, Any] = dict(self._old.rows("meta", ("key", "value"))) if old is not None else {}
        self._epoch = _text(self._known.get(b"epoch")) or (mark.epoch if mark else None)
        self._marked = mark.seq if mark and mark.epoch == self._epoch else 0
        self._whole = old is not None and not is_mended  # nothing speaks against it so far

    def run(self) -> None:
        """All of it, and what it came to as a note that stays until an event has told it."""
        for table in (*FIRST, *(t for t in tables_of(self._new) if t not in FIRST + APART)):
            self.carry(table)
        ranges, free = self._unacknowledged()
        self._history(free)
        self._counts["unreadable places in the database"] = self._old.gaps
        told = [*_told(self._known.get(b"restored")), Restored(self._epoch, ranges, dict(+self._counts))]
        mark = self._mark
        if mark is not None and mark.epoch not in {each.epoch for each in told}:  # it was here last, and is gone
            told.append(Restored(mark.epoch, [(1, mark.seq)] if mark.seq else [], {}))
        for row in ((RESTORED, msgspec.json.encode(told).decode()), (EPOCH, new_epoch())):
            self._new.execute("INSERT INTO meta (key, value) VALUES (?, ?)", row)

    def carry(self, table: str) -> None:
        """All rows of a table that can be read, in the columns that both databases have."""
        for row in self._sound(table, tuple(columns_of(self._new, table))):
            self._put(table, row)

    def _unacknowledged(self) -> tuple[Ranges, int]:
        """Events that still have to go out; gives the numbers that so never arrive, and a seq below those of all rows."""
        before, taken = self._old.gaps, self._counts.copy()
        frozen, renumbered = [], []
        for event in self._sound_values("events", self._event, self._waiting_rows() if self._event else ()):
            if number_in(event["envelope"])[0] is not None:
                frozen.append(event)
            else:
                renumbered.append(int(event["seq"]))
                self._put("events", event | {"seq": None, "envelope": None})
        for seq, event in enumerate(frozen, 1 - len(frozen)):
            self._put("events", event | {"seq": seq})
        sequence = self._old.one("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
        last = sequence[0] if sequence and isinstance(sequence[0], int) else 0
        if self._whole and self._old.gaps == before and self._counts == taken and sequence is not None:
            gone = merged((seq, seq) for seq in renumbered if seq > 0)
        else:  # any of them may be among what was lost; those that arrived have arrived
            gone = [(1, last)] if last else []
        if self._marked > last:  # given, and unknown to the database
            gone = merged([*gone, (last + 1, self._marked)])
        bear = (number_in(event["envelope"]) for event in frozen)
        voided = without(gone, (seq for of, seq in bear if of == self._epoch))
        return voided, -len(frozen)

    def _waiting_rows(self) -> Iterator[Row]:
        """Rows of events without acknowledgement, the oldest first: by their index, or from all rows when it is damaged."""
        acked = self._event.index("acked")
        seqs = self._old.numbers("SELECT seq FROM events WHERE acked = 0") if self._whole else None
        if seqs is None:
            yield from (row for row in self._old.rows("events", self._event) if row[acked] == 0)
            return
        for seq in sorted(seqs):
            row = self._old.one(f"SELECT {', '.join(self._event)} FROM events WHERE seq = ? AND acked = 0", seq)
            if row is None:
                self._whole = False
            else:
                yield row

    def _history(self, free: int) -> None:
        """Traces and acknowledged events, the newest first, until the time is over or the card would be."""
        until_ns, room = self._began_ns + HISTORY_NS, HISTORY_BYTES
        traces = self._sound("trace", tuple(columns_of(self._new, "trace")), newest_first=True)
        for table, rows in (("trace", traces), ("events", self._acknowledged(free))):
            for row in rows:
                room -= sum(len(value) for value in row.values() if isinstance(value, (bytes, str)))
                if room < 0 or clock.boottime_ns() > until_ns:
                    self._counts["older history left out"] = 1
                    return
                self._put(table, row)

    def _acknowledged(self, free: int) -> Iterator[Values]:
        """With numbers from `free` downwards: those that they had are of another epoch."""
        if self._event:
            acked = self._event.index("acked")
            rows = (row for row in self._old.rows("events", self._event, newest_first=True) if row[acked] == 1)
            for seq, event in enumerate(self._sound_values("events", self._event, rows)):
                yield event | {"seq": free - seq}

    def _sound(self, table: str, names: tuple[str, ...], newest_first: bool = False) -> Iterator[Values]:
        """The rows of a table that are what was written, in the columns of `names` that the old database has."""
        there = _also(names, columns_of(self._old.conn, table))
        if there:
            yield from self._sound_values(table, tuple(there), self._old.rows(table, there, newest_first))

    def _sound_values(self, table: str, names: tuple[str, ...], rows: Iterable[Row]) -> Iterator[Values]:
        kinds = columns_of(self._new, table)
        for row in rows:
            try:
                values: Values = {name: _value(each, kinds[name]) for name, each in zip(names, row, strict=True)}
                if table in JSON and values.get("name") != states.ROUTINE:
                    msgspec.json.decode(values[JSON[table]])
            except (ValueError, TypeError, KeyError, msgspec.MsgspecError):
                self._counts["damaged rows left out"] += 1
            else:
                yield values

    def _know(self, answer: Values) -> None:
        """A CommandTaken tells that its command was taken, where the table of them is damaged; it may last as long as any."""
        body, utc_ns = msgspec.json.decode(answer["body"]), answer.get("utc_ns")
        told = [body.get(name) for name in ("command", "kind", "outcome")] if isinstance(body, dict) else []
        if told and all(isinstance(each, str) for each in told) and isinstance(utc_ns, int):
            names = ("id", "kind", "outcome", "expires_utc_ns")
            self._put("commands", dict(zip(names, (*told, utc_ns + AHEAD_S * NS), strict=True)))

    def _put(self, table: str, values: Values) -> None:
        if table == "events" and values["kind"] == "CommandTaken":
            self._know(values)
        query = f"INSERT OR IGNORE INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"
        self._new.execute(query, list(values.values()))


def _also(names: Iterable[str], there: Iterable[str]) -> list[str]:
    there = set(there)
    return [name for name in names if name in there]


def _value(found: object, kind: str) -> object:
    """What a column of this declared type may hold. Raises ValueError, TypeError."""
    if found is None:
        return None
    if kind == "TEXT":
        if not isinstance(found, bytes):
            raise TypeError(found)
        return found.decode()
    if not isinstance(found, bytes if kind == "BLOB" else int if kind == "INTEGER" else (int, float)):
        raise TypeError(found)
    return found


def _text(found: object) -> str | None:
    with suppress(UnicodeDecodeError):
        return found.decode() if isinstance(found, bytes) else None
    return None


def _told(found: Any) -> list[Restored]:
    """What an earlier salvage left to be told."""
    try:
        return msgspec.json.decode(found, type=list[Restored]) if isinstance(found, bytes) else []
    except msgspec.MsgspecError:
        return []
