"""Recorded drives against their known answers (the drives' SOURCES.md). The answer is never an input."""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

from agent.decode import Decoder
from agent.engine import Engine
from agent.events.trip import TripEnded
from agent.io.buses.recording import Recording
from agent.model import NS, Frame, Sample
from agent.signals import ENGINE_SPEED, FUEL_LEVEL, SPEED
from hil.bench.drives import Outcome, plan_of, replay
from hil.bench.figures import Figure, Group, Place, at_least, at_most, between, exactly, progress, rounded, within

CSS = "css_164_obd_gps.log.gz"
RAV4 = "comma2k19_rav4.log.gz"
SUBARU = "subaru86_hard_brake.log.gz"
DRIVEPLOTR = "driveplotr_28_drives.csv.gz"

NAN = float("nan")
MILE_KM = 1.609344
MOVING_KMH = 1.0  # one count of PID 0D: less is standing


def measure(place: Place) -> list[Figure]:
    """All of this file."""
    parts: list[Callable[[Place], list[Figure]]] = [css, rav4, subaru, driveplotr]
    return [figure for part in progress("Recorded drives", parts) for figure in part(place)]


# -- css_164: one real drive by OBD-II ---------------------------------------------------------------


def css(place: Place) -> list[Figure]:
    trips = replay(place.recording(CSS), "obd2", place.folder).trips
    return [
        Figure("css_trips", len(trips), "trips", exactly(1)),
        Figure("css_distance_km", total(trips, "distance_m") / 1000, "km", within(41.65, 0.5)),
        Figure("css_fuel_level_first_percent", total(trips[:1], "fuel_level_first_percent"), "percent", rounded(54.90, 2)),
        Figure("css_fuel_level_last_percent", total(trips[-1:], "fuel_level_last_percent"), "percent", rounded(51.37, 2)),
    ]


def total(trips: Sequence[TripEnded], metric: str) -> float:
    """The metric's sum over all trips; NaN, which is never ok, when one does not know it or there is none."""
    values = [float(trip.metrics.get(metric, NAN)) for trip in trips]
    return sum(values) if values else NAN


# -- the RAV4: which of two speeds -------------------------------------------------------------------


def rav4(place: Place) -> list[Figure]:
    log = place.recording(RAV4)
    trips = replay(log, "toyota_rav4_2017", place.folder).trips
    by_speed_m = distance_m(samples_of(log, "toyota_rav4_2017", "SPEED.SPEED"))
    return [
        Figure("rav4_distance_m", total(trips, "distance_m"), "m", within(1003.8, 0.2), "by WHEEL_SPEEDS, as the profile says"),
        Figure("rav4_distance_by_speed_m", by_speed_m, "m", None, "by message SPEED, which the profile does not trust"),
    ]


def distance_m(samples: Iterable[Sample]) -> float:
    """The trapezoid over samples of a speed in km/h."""
    known = ((t_ns, value) for t_ns, _, value in samples if isinstance(value, (int, float)))
    return sum((t1 - t0) / NS * (v0 + v1) / 2 / 3.6 for (t0, v0), (t1, v1) in pairwise(known))


def samples_of(log: Path, vehicle: str, *names: str) -> list[Sample]:
    """What the decoder makes of a recording, of these signals alone (VSS paths, or MESSAGE.SIGNAL)."""
    setup, plan = plan_of(vehicle, names)
    decoder = Decoder(plan)
    pieces = Recording(log, tuple(setup.vehicle.bus)).chunks()
    frames = (frame for piece in pieces for frame in piece if isinstance(frame, Frame))
    return [sample for sample in decoder.feed(frames) if sample[1] in names]


# -- the Subaru: harsh or not ------------------------------------------------------------------------


def subaru(place: Place) -> list[Figure]:
    log = place.recording(SUBARU)
    trips = replay(log, "subaru_86", place.folder).trips
    level = [value for _, _, value in samples_of(log, "subaru_86", FUEL_LEVEL)]
    known = sum(value is not None for value in level)
    return [
        Figure("subaru_harsh_brakes", total(trips, "harsh_brakes"), "events", exactly(0)),
        Figure("subaru_harsh_accels", total(trips, "harsh_accels"), "events", at_least(1)),
        Figure("subaru_harsh_accel_at_s", first_harsh_accel_s(log), "s", between(37.6, 38.6)),
        Figure("subaru_fuel_known", known, "samples", exactly(0), f"of {len(level)}: the sensor is stuck out of its range"),
    ]


def first_harsh_accel_s(log: Path) -> float:
    """When the first one was counted, to 0.1 s: as much of the drive as it takes to have it."""
    setup, plan = plan_of("subaru_86")
    samples = samples_of(log, "subaru_86", SPEED, ENGINE_SPEED)

    def is_counted(tenths: int) -> bool:
        engine = Engine(setup, "bench", plan.max_age_ns)
        events = engine.feed([s for s in samples if s[0] <= tenths * NS // 10]) + engine.finish()
        return any(isinstance(e, TripEnded) and e.metrics["harsh_accels"] for e in events)

    return bisect_left(range(samples[-1][0] * 10 // NS + 1), True, key=is_counted) / 10


# -- DrivePlotR: 28 drives in one file ---------------------------------------------------------------


class Answer(NamedTuple):
    """One drive as the logger cut it: ignition on … off, UTC in ns; and when it first moved."""

    start_ns: int
    moves_ns: int
    end_ns: int


class Cuts(NamedTuple):
    """Our trips against the logger's drives; seconds are the largest found."""

    trips: int
    short_moves: int
    split: int  # drives of which there is more than one trip
    merged: int  # trips that reach into more than one drive
    end_error_s: float
    start_error_s: float  # before the drive's first row, or after it first moved
    start_late_s: float  # after the drive's first row


def driveplotr(place: Place) -> list[Figure]:
    cuts = compare(*driveplotr_drives(place.recording(DRIVEPLOTR), place.folder))
    standing = "stands at first, and nothing tells that its ignition is on"
    return [
        Figure("driveplotr_trips", cuts.trips, "trips", exactly(27)),
        Figure("driveplotr_short_moves", cuts.short_moves, "trips", exactly(1)),
        Figure("driveplotr_split", cuts.split, "drives", exactly(0), "gaps of up to 76 s and 609 s of standing are inside"),
        Figure("driveplotr_merged", cuts.merged, "trips", exactly(0), "gaps from 149 s on are between"),
        Figure("driveplotr_end_error_s", cuts.end_error_s, "s", at_most(1)),
        Figure("driveplotr_start_error_s", cuts.start_error_s, "s", at_most(1), "before ignition on, or after it moved"),
        Figure("driveplotr_start_late_s", cuts.start_late_s, "s", None, standing),
    ]


def driveplotr_drives(recording: Path, folder: Path) -> tuple[Outcome, list[Answer]]:
    """The 28 drives as one CSV of speed and, where the logger had it, engine speed; and what the logger says they were."""
    with gzip.open(recording, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    path = folder / "driveplotr.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["utc_s", SPEED, ENGINE_SPEED])
        out.writerows([row["time_utc"], float(row["speed_mph"]) * MILE_KM, row["engine_rpm"]] for row in rows)
    return replay(path, "obd2", folder), [_answer(list(drive)) for _, drive in groupby(rows, key=lambda row: row["drive"])]


def _answer(rows: list[dict[str, str]]) -> Answer:
    times = [round(float(row["time_utc"])) * NS for row in rows]
    moves_ns = next(t for t, row in zip(times, rows, strict=True) if float(row["speed_mph"]) * MILE_KM >= MOVING_KMH)
    return Answer(times[0], moves_ns, times[-1])


def compare(outcome: Outcome, answers: list[Answer]) -> Cuts:
    spans = [(trip.start_utc_ns or 0, trip.end_utc_ns or 0) for trip in outcome.trips]
    pairs = [[a for a in answers if a.start_ns <= end and start <= a.end_ns] for start, end in spans]
    of = [(span, found[0]) for span, found in zip(spans, pairs, strict=True) if len(found) == 1]
    hits = [sum(a in found for found in pairs) for a in answers]

    def worst(offsets: Iterable[int]) -> float:
        return max((0, *offsets)) / NS

    return Cuts(
        trips=sum(trip.kind == "trip" for trip in outcome.trips),
        short_moves=sum(trip.kind == "short_move" for trip in outcome.trips),
        split=sum(n > 1 for n in hits),
        merged=sum(len(found) > 1 for found in pairs),
        end_error_s=worst(abs(end - a.end_ns) for (_, end), a in of),
        start_error_s=worst(max(a.start_ns - start, start - a.moves_ns) for (start, _), a in of),
        start_late_s=worst(start - a.start_ns for (start, _), a in of),
    )


GROUP = Group(
    "recordings",
    (
        "css_trips",
        "css_distance_km",
        "css_fuel_level_first_percent",
        "css_fuel_level_last_percent",
        "rav4_distance_m",
        "subaru_harsh_brakes",
        "subaru_harsh_accels",
        "subaru_harsh_accel_at_s",
        "subaru_fuel_known",
        "driveplotr_trips",
        "driveplotr_short_moves",
        "driveplotr_split",
        "driveplotr_merged",
        "driveplotr_end_error_s",
        "driveplotr_start_error_s",
    ),
    measure,
)
