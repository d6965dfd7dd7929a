"""What the real Store, and a daemon on it, find in the files that a power cut left."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from agent.daemon import Daemon
from agent.io.store import StoreError
from hil.powercut.day import BOOT_ID, PLAN, SETUP, Store
from hil.powercut.scenarios import NAME, Promise

FORGOTTEN = "SELECT id FROM events WHERE kind IN (SELECT kind FROM once) AND id NOT IN (SELECT id FROM once)"

Rows = dict[str, str]
"""Every row of every table: its table and key → a digest of all of it."""


class Found(NamedTuple):
    rows: Rows
    corrupt: list[str]
    duplicated: list[str]
    files: frozenset[str]  # what lay in the folder once it was open: a file set aside shows here


@contextlib.contextmanager
def opened(image: Mapping[str, bytes], within: Path) -> Iterator[tuple[Store | None, Found]]:
    """Put `image` into a folder, open it and look at all of it. No store: it would not open or could not be read."""
    # A store that did not open may leave its check of the file at work for a moment.
    with tempfile.TemporaryDirectory(dir=within, ignore_cleanup_errors=True) as folder:
        for name, data in image.items():
            Path(folder, name).write_bytes(data)
        try:
            store = Store(Path(folder, NAME))
        except (StoreError, sqlite3.Error) as e:
            yield None, Found({}, [f"does not open: {e}"], [], frozenset())
            return
        try:
            found = look(store)
            yield (store if found.rows else None), found
        finally:
            store.close()


def look(store: Store) -> Found:
    """Everything that the store holds, and what speaks against it; of a damaged file only that it is damaged."""
    files = frozenset(path.name for path in store.path.parent.iterdir())
    try:
        said = [row[0] for row in store.conn.execute("PRAGMA integrity_check")]
        if said != ["ok"]:
            return Found({}, [f"integrity_check: {'; '.join(said[0].splitlines())}"], [], files)
        return Found(rows(store.conn), [*unreadable(store)], [*duplicates(store.conn)], files)
    except (StoreError, sqlite3.Error, zlib.error, ValueError) as e:  # a page, a packed trace, a JSON text
        return Found({}, [f"does not read: {e}"], [], files)


def rows(conn: sqlite3.Connection) -> Rows:
    found: Rows = {}
    for (table,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
        keys = [r[0] for r in conn.execute("SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk", (table,))]
        for row in conn.execute(f"SELECT * FROM {table}"):
            key = [row[k] for k in keys] or [row[0]]
            found[f"{table} {' '.join(map(str, key))}"] = digest(row)
    schema = conn.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    return found | {f"schema {name}": digest([sql]) for name, sql in schema}


def digest(row: Any) -> str:
    return hashlib.blake2b(repr(tuple(row)).encode(), digest_size=8).hexdigest()


def unreadable(store: Store) -> Iterator[str]:
    """What a rule cannot take up again and what makes no sense; ValueError, zlib.error: what cannot be decoded."""
    bodies = [row["body"] for row in store.conn.execute("SELECT body FROM events")]
    trips = store.trips()
    for text in [*bodies, *store.envelopes(), *(row[column] for row in trips for column in ("metrics", "estimated"))]:
        msgspec.json.decode(text)
    for trip in trips:
        t_ns = store.trace(trip["id"]).t_ns
        if t_ns != sorted(set(t_ns)):
            yield f"trace of {trip['id']}: its times do not rise"
    for rule in Daemon(SETUP, PLAN, store, BOOT_ID).engine.failures:
        yield f"state of {rule}: not taken up again"


def duplicates(conn: sqlite3.Connection) -> Iterator[str]:
    """Ids that are there twice, numbers that may be given twice, events that are once for ever but not noted so.

    Read from the tables, not from their indexes, which a damaged file may contradict.
    """
    seqs = [row[0] for row in conn.execute("SELECT seq FROM events NOT INDEXED")]
    if any(b <= a for a, b in pairwise(seqs)):
        yield "events: seq does not rise"
    last = conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    if seqs and (last is None or last[0] < seqs[-1]):
        yield "events: the next seq was given before"
    for table in ("events", "trips"):
        ids = [row[0] for row in conn.execute(f"SELECT id FROM {table} NOT INDEXED")]
        if len(set(ids)) != len(ids):
            yield f"{table}: an id is there twice"
    yield from (f"once: {id} may be raised again" for (id,) in conn.execute(FORGOTTEN))


def broken(promise: Promise, store: Store) -> Iterator[str]:
    """What of a promise the store does not hold."""
    events = {row["id"]: row for row in store.conn.execute("SELECT id, acked, envelope FROM events")}
    states = {name: zlib.crc32(body) for name, (_, body) in store.states().items()}
    trips = {row["id"] for row in store.conn.execute("SELECT id FROM trips")}
    once = {row["id"] for row in store.conn.execute("SELECT id FROM once")}
    yield from (f"event {id}" for id in promise.events if id not in events)
    yield from (f"once {id}" for id in promise.once if id not in once)
    yield from (f"state {name}" for name, crc in promise.states.items() if states.get(name) != crc)
    yield from (f"trip {id}" for id in promise.trips if id not in trips)
    yield from (f"acknowledgement of {id}" for id in promise.acked if id not in events or not events[id]["acked"])
    for id, crc in promise.sent.items():
        if id not in events or zlib.crc32(events[id]["envelope"] or b"") != crc:
            yield f"envelope of {id}"
