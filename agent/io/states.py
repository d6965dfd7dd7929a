"""The states of rules and engine as the database keeps them: a row each; but what changes with every routine commit, and
the tail of the trace, together in one compressed row.

So a routine commit rewrites one page, 8 kB of log at most, where the states by themselves would take three: at a commit
every eight seconds that is what a card wears by.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Collection, Mapping
from typing import TypeAlias

import msgspec

from agent.io.trace import Tail

ROUTINE = ".routine"  # its row's name: no rule is called so

States: TypeAlias = dict[str, tuple[int, bytes]]
"""name → (version, body as JSON)."""


class Routine(msgspec.Struct, frozen=True):
    """The row of what changes all the time."""

    states: States = {}
    tail: Tail = msgspec.field(default_factory=Tail)


def read(conn: sqlite3.Connection) -> tuple[States, Routine]:
    """All states; and, of these, the routine row. Raises sqlite3.Error."""
    rows = {r[0]: (r[1], r[2]) for r in conn.execute("SELECT name, version, body FROM states")}
    _, packed = rows.pop(ROUTINE, (1, None))
    routine = unpacked(packed)
    return rows | routine.states, routine


def write(conn: sqlite3.Connection, changed: Mapping[str, tuple[int, bytes]], routine: Routine) -> None:
    """Put `changed`, each where it belongs, and `routine` with what is new for it."""
    put = "INSERT INTO states (name, version, body) VALUES (?, ?, ?)"
    put += " ON CONFLICT (name) DO UPDATE SET version = excluded.version, body = excluded.body"
    conn.executemany(put, [(name, v, body) for name, (v, body) in changed.items() if name not in routine.states])
    conn.execute(put, (ROUTINE, 1, packed(routine)))


def moved(conn: sqlite3.Connection, names: Collection[str]) -> None:
    """These states have a place in the routine row from now on."""
    conn.executemany("DELETE FROM states WHERE name = ?", [(name,) for name in names])


def packed(routine: Routine) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(routine))


def unpacked(body: object) -> Routine:
    """The routine row's content; an empty one when there is none, or when it is damaged: then the rules start afresh."""
    try:
        return msgspec.msgpack.decode(zlib.decompress(body), type=Routine)  # type: ignore[arg-type]  # a TypeError is caught
    except (zlib.error, msgspec.MsgspecError, TypeError):
        return Routine()
