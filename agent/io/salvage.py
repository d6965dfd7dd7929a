"""A database that cannot be trusted any more: set aside, what can be read of it carried into a new one, all of it told.

    keyoff.db.damaged-1, .damaged-2   as they were found, the newest two (but for a first page put back: see below)
    keyoff.db.newer-1                 of a later version of this software
    keyoff.db.building                the new one, until it is whole and on the disk

Each step can be cut: a start that finds files set aside and no database goes on from there. Salvaged first is what
nothing else knows: states, what is once for ever, events not acknowledged, prompts, trips; then traces and the other
events, the newest first, as far as the time goes. Rows are read around what is damaged. The new database counts in a new
epoch; an event whose bytes are frozen keeps them, with the number that they bear, and so has none in the new one.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from agent.io import clock
from agent.io.reading import Row, Rows, columns_of, tables_of
from agent.io.retention import Ranges, merged, number_in, without
from agent.io.schema import migrate
from agent.io.store import EPOCH, RESTORED, Restored
from agent.io.witness import PAGE_BYTES, Witness
from agent.model import NS

KEPT = 2  # databases set aside, of each sort: a person may want to look, a card has to hold them
HISTORY_NS = 2 * NS  # for what the cloud has or nobody misses: with all else it has to be done within five seconds
FIRST = ("states", "once", "prompts", "trips")  # beside the events not acknowledged
APART = ("meta", "events", "trace", "sqlite_sequence")
EVENT = ("seq", "id", "kind", "version", "importance", "t_ns", "boot_id", "utc_ns", "clock", "body", "envelope", "acked")

Why: TypeAlias = Literal["damaged", "newer"]


def set_aside(path: Path, why: Why) -> Path:
    """Rename the database and its log; gives the new name. Raises OSError."""
    number = 1 + max((_number(each) for each in all_aside(path)), default=0)
    aside = Path(f"{path}.{why}-{number}")
    log = Path(f"{path}-wal")
    if log.exists():
        log.rename(f"{aside}-wal")  # before the database: a log without one would be given to the next
    path.rename(aside)
    Path(f"{path}-shm").unlink(missing_ok=True)
    _sync(path.parent)
    return aside


def unfinished(path: Path) -> Path | None:
    """What was set aside and still waits for its salvage; a renaming that was cut is finished first. Raises OSError."""
    for log in path.parent.glob(f"{path.name}.*-[0-9]*-wal"):
        database = log.with_name(log.name.removesuffix("-wal"))
        if not database.exists() and path.exists():
            path.rename(database)
    if path.exists():
        return None
    return max(all_aside(path), key=_number, default=None)


def all_aside(path: Path) -> list[Path]:
    """Every database set aside, the oldest first."""
    found = [each for why in ("damaged", "newer") for each in path.parent.glob(f"{path.name}.{why}-*")]
    return sorted((each for each in found if _number(each)), key=_number)


def remove(aside: Path) -> None:
    """A database set aside, with all that belongs to it."""
    for end in ("", "-wal", "-shm", ".page"):
        with suppress(OSError):
            Path(f"{aside}{end}").unlink(missing_ok=True)


def salvage(path: Path, aside: Path, witness: Witness) -> None:
    """A new database at `path` with what can be read of `aside`. Raises sqlite3.Error, OSError; `path` is not there then."""
    building = Path(f"{path}.building")
    for end in ("", "-journal"):
        Path(f"{building}{end}").unlink(missing_ok=True)
    with closing(sqlite3.connect(building, isolation_level=None)) as new:
        for pragma in ("auto_vacuum = INCREMENTAL", "journal_mode = OFF", "synchronous = OFF"):
            new.execute(f"PRAGMA {pragma}")  # nobody sees it before it is whole
        migrate(new)
        new.execute("BEGIN")
        old = _open(aside, witness)
        Salvage(new, old, witness, "newer" if ".newer-" in aside.name else "damaged").run()
        new.execute("COMMIT")
        if old is not None:
            old.close()
    Path(f"{aside}-shm").unlink(missing_ok=True)
    _sync(building)
    building.rename(path)
    _sync(path.parent)
    for why in ("damaged", "newer"):
        for each in [each for each in all_aside(path) if f".{why}-" in each.name][:-KEPT]:
            remove(each)


class Salvage:
    """What is carried from `old` (None: nothing of it can be read) into `new`."""

    def __init__(self, new: sqlite3.Connection, old: sqlite3.Connection | None, witness: Witness, why: Why) -> None:
        self._new = new
        self._old = Rows(old) if old is not None else None
        self._mark = witness.mark()
        self._counts: Counter[str] = Counter({f"database set aside: {why}": 1})

    def run(self) -> None:
        told: list[Restored] = []
        epoch, ranges = self._mark.epoch if self._mark else None, self._all_numbers(None)
        if self._old is not None:
            meta = dict(self._old.rows("meta", ("key", "value")))
            epoch = _text(meta.get(b"epoch")) or epoch
            told = _told(meta.get(b"restored"))
            for table in (*FIRST, *(t for t in tables_of(self._new) if t not in FIRST + APART)):
                self._carry(table)
            ranges = self._events(epoch)
            until_ns = clock.boottime_ns() + HISTORY_NS
            self._history(until_ns)
            self._counts["damaged places in the database"] = self._old.gaps
        told.append(Restored(epoch, ranges if epoch else [], dict(+self._counts)))
        self._new.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (RESTORED, msgspec.json.encode(told).decode()))

    def _carry(self, table: str) -> None:
        """All rows of a table that can be read, in the columns that both databases have."""
        assert self._old is not None
        names = [name for name in columns_of(self._new, table) if name in columns_of(self._old.conn, table)]
        if names:
            self._put(table, names, self._old.rows(table, names))

    def _put(self, table: str, names: Iterable[str], rows: Iterable[Row], until_ns: int | None = None) -> None:
        kinds = columns_of(self._new, table)
        names = list(names)
        query = f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        for row in rows:
            values = [_value(each, kinds[name]) for name, each in zip(names, row, strict=True)]
            if BAD in values or not _is_sound(table, dict(zip(names, values, strict=True))):
                self._counts["damaged rows left out"] += 1
            elif until_ns is None or clock.boottime_ns() < until_ns:
                self._new.execute(query, values)
            else:
                self._counts["history left in the set-aside database"] = 1
                return
"""
