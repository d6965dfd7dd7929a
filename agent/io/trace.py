"""The 1 Hz trace of a trip, packed: columns as JSON, compressed. It stays on the unit, and it is bounded.

A closed trip's trace is one row of `trace`, an open trip's a row every two minutes. The latest points, the tail, lie
with the states (states.py), in the page that each routine commit rewrites anyway.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

MAX_POINTS_PER_TRIP = 4 * 3600  # four hours; a longer drive keeps its first four
MAX_TRIPS = 200  # a quarter year of a busy household, some 4 MB
TAIL_BYTES = 900  # a minute and a half; with the states that lie beside it, it fits into one page of 4,096


class Columns(msgspec.Struct):
    """One list a column, equally long; None: unknown then."""

    t_ns: list[int] = []
    speed_kmh: list[float] = []
    engine_rpm: list[float | None] = []

    def __add__(self, other: Columns) -> Columns:
        return Columns(self.t_ns + other.t_ns, self.speed_kmh + other.speed_kmh, self.engine_rpm + other.engine_rpm)


class Tail(msgspec.Struct, frozen=True):
    """The points of the open trip that are not in a row of `trace` yet."""

    trip_id: str = ""
    points: Columns = msgspec.field(default_factory=Columns)


Point = tuple[str, int, float, float | None]
"""trip id, t_ns, km/h, rpm."""


def columns(points: Sequence[Point]) -> Columns:
    return Columns(
        [p[1] for p in points],
        [round(p[2], 2) for p in points],
        [None if p[3] is None else round(p[3]) for p in points],
    )


def pack(trace: Columns) -> bytes:
    return zlib.compress(msgspec.json.encode(trace))


def unpack(bodies: Iterable[bytes]) -> Columns:
    """Several packed pieces, in order, as one; what is damaged is left out."""
    whole = Columns()
    for body in bodies:
        try:
            whole += msgspec.json.decode(zlib.decompress(body), type=Columns)
        except (zlib.error, msgspec.MsgspecError):
            continue
    return whole


# -- in the database; within a transaction of the caller's, who keeps the tail that comes back -----------


def put(conn: sqlite3.Connection, tail: Tail, points: Sequence[Point]) -> Tail:
    """Add points, in order, to the traces of their trips."""
    for trip_id, group in groupby(points, key=lambda p: p[0]):
        if trip_id != tail.trip_id:
            _settle(conn, tail)
            tail = Tail(trip_id)
        room = MAX_POINTS_PER_TRIP - _settled(conn, trip_id) - len(tail.points.t_ns)
        tail = Tail(trip_id, tail.points + columns(list(group)[: max(0, room)]))
        if len(pack(tail.points)) > TAIL_BYTES:
            _settle(conn, tail)
            tail = Tail(trip_id)
    return tail


def read(conn: sqlite3.Connection, tail: Tail, trip_id: str) -> Columns:
    """All of a trip's points so far."""
    rows = conn.execute("SELECT body FROM trace WHERE trip_id = ? ORDER BY rowid", (trip_id,))
    settled = unpack(r[0] for r in rows)
    return settled + tail.points if tail.trip_id == trip_id else settled


def close(conn: sqlite3.Connection, tail: Tail, trip_id: str) -> Tail:
    """The trip's pieces as one row; the oldest traces go."""
    whole = read(conn, tail, trip_id)
    conn.execute("DELETE FROM trace WHERE trip_id = ?", (trip_id,))
    _settle(conn, Tail(trip_id, whole))
    # Those before were removed when they were the oldest: to look no further back keeps it cheap after years.
    last = conn.execute("SELECT max(n) FROM trips").fetchone()[0] or 0
    conn.execute(
        "DELETE FROM trace WHERE trip_id IN (SELECT id FROM trips WHERE n BETWEEN ? AND ?)",
        (last - 2 * MAX_TRIPS, last - MAX_TRIPS),
    )
    return Tail() if tail.trip_id == trip_id else tail


def _settle(conn: sqlite3.Connection, tail: Tail) -> None:
    """The tail as a row of `trace`."""
    if tail.points.t_ns:
        row = (tail.trip_id, tail.points.t_ns[0], len(tail.points.t_ns), pack(tail.points))
        conn.execute("INSERT OR REPLACE INTO trace (trip_id, start_ns, points, body) VALUES (?, ?, ?, ?)", row)


def _settled(conn: sqlite3.Connection, trip_id: str) -> int:
    """How many of a trip's points stand in `trace`."""
    return int(conn.execute("SELECT coalesce(sum(points), 0) FROM trace WHERE trip_id = ?", (trip_id,)).fetchone()[0])
