"""The 1 Hz trace of a trip, packed: columns as JSON, compressed. It stays on the unit, and it is bounded."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import msgspec

MAX_POINTS_PER_TRIP = 4 * 3600  # four hours; a longer drive keeps its first four
MAX_TRIPS = 200  # a quarter year of a busy household, some 4 MB


class Columns(msgspec.Struct):
    """One list a column, equally long; None: unknown then."""

    t_ns: list[int] = []
    speed_kmh: list[float] = []
    engine_rpm: list[float | None] = []

    def extend(self, other: Columns) -> None:
        self.t_ns += other.t_ns
        self.speed_kmh += other.speed_kmh
        self.engine_rpm += other.engine_rpm


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
    """Several packed pieces, in order, as one."""
    whole = Columns()
    for body in bodies:
        whole.extend(msgspec.json.decode(zlib.decompress(body), type=Columns))
    return whole
