"""A speed trace: what a car is to drive, one speed each second. Reads the published cycles of `hil/cycles`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

CYCLES = Path(__file__).resolve().parent.parent / "cycles"
KMH = 3.6  # km/h in one m/s


class Trace(NamedTuple):
    """Speeds in km/h at 0, 1, 2 … s; linear in between; standing at both ends."""

    name: str
    speeds_kmh: tuple[float, ...]

    @property
    def duration_s(self) -> int:
        return len(self.speeds_kmh) - 1

    @property
    def distance_m(self) -> float:
        """The trapezoid over the trace, which is its exact integral."""
        return sum(a + b for a, b in pairwise(self.speeds_kmh)) / 2 / KMH


def published() -> list[str]:
    """The names of the published cycles at hand."""
    return sorted(path.stem for path in CYCLES.glob("*.csv"))


@cache
def read(name: str) -> Trace:
    """A published cycle by name. Raises KeyError for an unknown name, ValueError for a file that is no trace."""
    if name not in published():
        raise KeyError(f"no cycle {name!r}: one of {', '.join(published())}")
    with (CYCLES / f"{name}.csv").open(newline="", encoding="ascii") as f:
        rows = [(float(row["t_s"]), float(row["speed_kmh"])) for row in csv.DictReader(f)]
    if [t for t, _ in rows] != list(range(len(rows))):
        raise ValueError(f"{name}.csv: the times are not 0, 1, 2 … s")
    return checked(Trace(name, tuple(v for _, v in rows)))


def checked(trace: Trace) -> Trace:
    """The trace itself; raises ValueError when no car can drive it."""
    speeds = trace.speeds_kmh
    if len(speeds) < 2 or speeds[0] != 0 or speeds[-1] != 0:
        raise ValueError(f"trace {trace.name!r} does not stand at both ends")
    if min(speeds) < 0:
        raise ValueError(f"trace {trace.name!r} has a negative speed")
    return trace


def join(traces: Sequence[Trace]) -> Trace:
    """One trace after another; the standing second that two of them share is kept once."""
    speeds = list(traces[0].speeds_kmh)
    for trace in traces[1:]:
        speeds += trace.speeds_kmh[1:]
    return Trace("+".join(trace.name for trace in traces), tuple(speeds))


class Piece(NamedTuple):
    """A stretch of constant acceleration, of any length in time."""

    dt_s: float
    v0_ms: float
    v1_ms: float

    @property
    def distance_m(self) -> float:
        return (self.v0_ms + self.v1_ms) / 2 * self.dt_s


def sampled(name: str, pieces: Iterable[Piece]) -> Trace:
    """Pieces, each beginning at the speed where the last one ended, as a trace of whole seconds."""
    speeds: list[float] = [0.0]
    start_s = 0.0
    for dt_s, v0_ms, v1_ms in pieces:
        while len(speeds) <= start_s + dt_s + 1e-6:  # a whole second reached but for rounding
            v_ms = v0_ms + (v1_ms - v0_ms) * (len(speeds) - start_s) / dt_s
            speeds.append(round(v_ms * KMH, 3))
        start_s += dt_s
    if speeds[-1] != 0 or len(speeds) < 2:
        speeds.append(0.0)
    return checked(Trace(name, tuple(speeds)))
