"""CSV with `trip,driver,t_s` and VSS columns: written by the simulator, read through the engine's grid into features.

One file is one car; its trips stand in the order of time, each in one piece.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

from agent import signals
from agent.grid import NOTHING, Grid
from agent.io.buses.recording import stamp_ns, value_of
from agent.model import Area, Step, Value
from agent.signals import SPEED
from agent.style import Features, Watch
from hil.drivers.household import TripOf
from hil.vehicle.trace import KMH

HEAD = ("trip", "driver", "t_s")


class LabelledError(Exception):
    """The file cannot be used; the message says why and what to do."""


class Told(NamedTuple):
    """One trip: who really drove, and its features by window."""

    driver: str
    features: dict[str, Features]


def write(path: Path, trips: Iterable[TripOf]) -> Iterator[int]:
    """One row a second; gives each trip's number once it is written."""
    with path.open("w", newline="", encoding="ascii") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow((*HEAD, SPEED))
        for number, (driver, trace) in enumerate(trips, 1):
            rows.writerows((number, driver, t_s, round(v, 2)) for t_s, v in enumerate(trace.speeds_kmh))
            yield number


def simulated(trips: Iterable[TripOf]) -> Iterator[Told]:
    """What `read` gives of these trips once written, at a third of its time: speeds at whole seconds are the grid's own."""
    for driver, trace in trips:
        watch = Watch()
        for before, after in pairwise(round(v, 2) / KMH for v in trace.speeds_kmh):
            watch.step(Step(0, 1.0, before, after, 0.0, True, (), 1, _absent, _nothing))
        yield Told(driver, watch.features())


def _absent(signal: str) -> Value:
    return None


def _nothing(signal: str) -> Area:
    return NOTHING


def read(path: Path) -> Iterator[Told]:
    """Raises LabelledError for a file without the columns, without a row, or with a signal that keyoff does not know."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        head = rows.fieldnames or []
        missing = [c for c in (*HEAD, SPEED) if c not in head]
        if missing:
            raise LabelledError(f"{path}: no column {missing[0]!r}; needed are {', '.join((*HEAD, SPEED))}")
        unknown = [c for c in head if c not in HEAD and not signals.known(c)]
        if unknown:
            raise LabelledError(f"{path}: column {unknown[0]!r} is no signal of agent/signals.py; rename or drop it")
        seen: set[str] = set()
        for trip, piece in groupby(rows, lambda row: row["trip"]):
            if trip in seen:
                raise LabelledError(f"{path}: trip {trip!r} is not in one piece; sort the rows by trip, then t_s")
            seen.add(trip)
            yield _trip(list(piece))
        if not seen:
            raise LabelledError(f"{path}: no row; is it a labelled recording?")


def _trip(rows: list[dict[str, str]]) -> Told:
    watch = Watch()
    for step in _steps(rows):
        watch.step(step)
    return Told(rows[0]["driver"], watch.features())


def _steps(rows: Iterable[dict[str, str]]) -> Iterator[Step]:
    """The steps that the car's grid would make; a row that cannot be read is left out, as the agent does."""
    grid = Grid((), {})
    for row in rows:
        try:
            t_ns = stamp_ns(row["t_s"])
        except (ValueError, AttributeError):
            continue
        if row[SPEED]:
            yield from grid.speed(t_ns, value_of(SPEED, row[SPEED])) or ()
    yield from grid.close()
