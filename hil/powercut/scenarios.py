"""What is recorded: programs that work the real Store, each in a process of its own.

    python -m hil.powercut.scenarios NAME FOLDER SYNC

To cut the power in another operation, write it as one more function below and add its line to SCENARIOS. Whatever
a call on the store has promised when it returned stands in the recording as a mark.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

import agent.io.database
import agent.io.schema
from agent.io import trace
from agent.io.retention import PAGE_BYTES, plan
from agent.io.store import Batch, EventRow
from agent.io.uplink import Outgoing
from hil.powercut.day import BOOT_ID, MIDDAY, Store, live
from hil.powercut.recording import INDEX, MARKS

NAME = "keyoff.db"

CHECKPOINT_PAGES = 40  # 1,000 in SQLite by itself: a day of minutes then has as many checkpoints as a month has
CACHED_PAGES = 10  # 500 in SQLite by itself: a small database's larger commits then spill before they end, as a large one's do
OLD_STATES = 100  # some 12 pages for a migration to copy: more than are cached
OLD_EVENTS = 12
INDEX_BYTES = 32_768  # of 4,000 pages of log: more than there are between two checkpoints
SHED_BYTES = 400  # a few rows a turn
LOG_HEADER, HALF_A_PAGE = 32, 2000  # bytes; of a -wal file

TRACES_KEPT = 2  # 200 on a unit: the oldest of four drives' are then removed


class Promise(msgspec.Struct, omit_defaults=True):
    """What is safe from now on, by the word of a call that returned."""

    at: int  # the piece of the day that comes next
    events: list[str] = []
    once: list[str] = []  # those of them that are never to be raised again
    states: dict[str, int] = {}  # name → CRC of its body
    trips: list[str] = []
    acked: list[str] = []  # event ids
    sent: dict[str, int] = {}  # event id → CRC of the envelope that was handed out


class Promiser(Store):
    """A store that writes a mark each time a call has returned that promises something."""

    def __init__(self, path: Path, at: int = 0) -> None:
        self.at = at
        self._told: list[str] = []
        self._marks = os.open(path.parent.parent / MARKS, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        super().__init__(path)
        self.mark(Promise(self.at))

    def reached(self, piece: int) -> None:
        self.at = piece

    def commit(self, batch: Batch, utc_ns: int | None = None) -> int:
        new = super().commit(batch, utc_ns)
        acked, self._told = self._told, []
        states = {name: crc32(body) for name, (_, body) in batch.states.items()}
        trips = [row["id"] for row in batch.trips]
        once = [row.id for row in batch.events if row.once]
        self.mark(Promise(self.at, [row.id for row in batch.events], once, states, trips, acked))
        return new

    def waiting(self, *args: Any, **kwargs: Any) -> list[Outgoing]:
        handed_out = super().waiting(*args, **kwargs)
        if handed_out:
            self.mark(Promise(self.at, sent={each.id: crc32(each.payload) for each in handed_out}))
        return handed_out

    def acknowledged(self, id: str) -> None:
        super().acknowledged(id)
        self._told.append(id)

    def mark(self, promise: Promise) -> None:
        """Also keep the log's index as it is now: after a power cut it may be there as it was at any time."""
        # To close it here drops SQLite's locks on it (POSIX), which nobody else in a recording waits for.
        with Path(f"{self.path}{INDEX}").open("rb") as index, indexes(self.path.parent.parent).open("ab") as kept:
            kept.write(index.read(INDEX_BYTES).ljust(INDEX_BYTES, b"\0"))
        os.write(self._marks, msgspec.json.encode(promise))


def indexes(place: Path) -> Path:
    """Where a recorded program leaves the log's index as it was at each mark, INDEX_BYTES a mark."""
    return place / "indexes"


# -- the programs ----------------------------------------------------------------------------------


def start(path: Path) -> None:
    """The file if there is none, all migrations that it lacks, another if it is damaged; and a tidy end."""
    Promiser(path).close()


def whole_day(path: Path) -> None:
    """Four drives; events sent and acknowledged, traces packed and the oldest removed; a tidy stop and start at midday."""
    for first, end in ((0, MIDDAY), (MIDDAY, None)):
        store = Promiser(path, first)
        live(store, first, end, store.reached)
        store.close()


def afternoon(path: Path) -> None:
    store = Promiser(path, MIDDAY)
    live(store, MIDDAY, reached=store.reached)
    store.close()


def shed(path: Path) -> None:
    """Room is made until nothing is left that may go: traces, acknowledged events, unsent ones; each time it is told."""
    store = Promiser(path, MIDDAY)
    turn = 0
    while (gone := plan(store.conn, store.epoch, SHED_BYTES)) is not None:
        turn += 1
        told = EventRow(f"told {turn}", "SequenceVoided", 1, 3, False, turn, BOOT_ID, None, "none", b"{}")
        store.commit(Batch(shed=gone, events=[told]))
    store.close()


# -- what they start from --------------------------------------------------------------------------


def nothing(path: Path) -> None:
    """An empty folder."""


def morning(path: Path) -> None:
    live(store := Store(path), 0, MIDDAY)
    store.commit(Batch(events=[EventRow(f"unsent {n}", "Noted", 1, 9, False, n, BOOT_ID, None, "none", b"{}") for n in range(9)]))
    store.close()


def damaged_morning(path: Path) -> None:
    """The morning, and then a page that cannot be right: the states'."""
    morning(path)
    conn = sqlite3.connect(path)
    (page,) = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'states'").fetchone()
    conn.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE_BYTES)
        file.write(b"\xa5" * PAGE_BYTES)


def old_unit(path: Path) -> None:
    """A database of the first schema, of a unit that was offline for long, with states that no rule has any more."""
    path.parent.mkdir(exist_ok=True)
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA journal_mode = WAL")
    first = agent.io.schema.names()[:1]
    with schemas(lambda: first):
        agent.io.schema.migrate(conn)
    states = [(f"retired rule {n}", 1, b'{"was":"%0400d"}' % n) for n in range(OLD_STATES)]
    conn.executemany("INSERT INTO states (name, version, body) VALUES (?, ?, ?)", states)
    events = [(f"e{n}", "TripEnded", 1, 5, n, "boot-0", "none", b'{"n":%d}' % n) for n in range(OLD_EVENTS)]
    columns = "id, kind, version, importance, t_ns, boot_id, clock, body"
    conn.executemany(f"INSERT INTO events ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", events)
    conn.execute("INSERT INTO trips (id, kind, driver, metrics, estimated) VALUES ('t', 'trip', 'ana', '{}', '[]')")
    conn.execute("INSERT INTO meta (key, value) VALUES ('epoch', 'an-old-epoch')")
    conn.close()


def morning_cut_short(path: Path) -> None:
    """The morning, and a power cut with a commit half written: the log is taken up where it is still whole."""
    elsewhere = path.parent.parent / "morning" / NAME
    live(store := Store(elsewhere), 0, MIDDAY)
    shutil.copyfile(elsewhere, path)
    log = Path(f"{elsewhere}-wal").read_bytes()
    Path(f"{path}-wal").write_bytes(log + log[LOG_HEADER:HALF_A_PAGE])
    store.close()


# -- limits that a day of minutes reaches ----------------------------------------------------------


@contextlib.contextmanager
def replaced(module: types.ModuleType, name: str, thing: Any) -> Iterator[None]:
    before = vars(module)[name]
    vars(module)[name] = thing
    try:
        yield
    finally:
        vars(module)[name] = before


def few_traces() -> AbstractContextManager[None]:
    return replaced(trace, "MAX_TRIPS", TRACES_KEPT)


def connecting(synchronous: str) -> AbstractContextManager[None]:
    """The store's connections, once they have asserted FULL, get `synchronous` and the rig's limits."""
    real = agent.io.database.connect

    def connect(path: Path) -> sqlite3.Connection:
        conn = real(path)
        conn.execute(f"PRAGMA synchronous = {synchronous}")
        conn.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        conn.execute(f"PRAGMA cache_size = {CACHED_PAGES}")
        return conn

    return replaced(agent.io.database, "connect", connect)


def schemas(names: Callable[[], list[str]]) -> AbstractContextManager[None]:
    return replaced(agent.io.schema, "names", names)


@contextlib.contextmanager
def next_schema() -> Iterator[None]:
    """A schema change that is still to come: it copies two tables to a new form, in one transaction."""
    name = "m9999_in_the_rig"
    module = types.ModuleType(f"{agent.io.schema.__name__}.{name}")
    vars(module)["apply"] = lambda db: [db[table].transform(not_null={"version"}) for table in ("states", "events")]
    sys.modules[module.__name__] = module
    every = [*agent.io.schema.names(), name]
    try:
        with schemas(lambda: every):
            yield
    finally:
        del sys.modules[module.__name__]


class Scenario(NamedTuple):
    program: Callable[[Path], None]
    before: Callable[[Path], None] = nothing  # not recorded; its files count as safely on the disk
    under: Callable[[], AbstractContextManager[None]] = nullcontext  # around the program, and when an image is opened
    share: int = 1  # of the points
    lives_on: bool = True  # the day, lived on from a cut, comes to the same as without the program


SCENARIOS = {
    "a day": Scenario(whole_day, share=5),
    "after a cut": Scenario(afternoon, before=morning_cut_short),
    "shedding": Scenario(shed, before=morning, lives_on=False),
    "salvage": Scenario(start, before=damaged_morning),
    "creation": Scenario(start),
    "migration": Scenario(start, before=old_unit, under=next_schema, share=2),
}


def main(name: str, folder: str, synchronous: str) -> None:
    with few_traces(), connecting(synchronous), SCENARIOS[name].under():
        SCENARIOS[name].program(Path(folder) / NAME)


if __name__ == "__main__":
    main(*sys.argv[1:])
