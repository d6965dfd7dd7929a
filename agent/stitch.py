"""A trip cut by a power loss, and the drive after it: one trip or two?

A Pi has no clock battery, so the length of the cut is often unknown. With both clocks trusted it is bridged when it
was shorter than the vehicle's gap_s (GRACE_S if the ignition was off by then). Without them only an odometer that has
not gone on by more than its resolution can say so, and only when the car was moving at the cut: a car that stood may
have been parked for a night with the odometer unchanged. What neither can say within DECIDE_S is told as two.
"""

from __future__ import annotations

from typing import TypeGuard

import msgspec

from agent.household.attribution import Watched, watched_as_one
from agent.model import NS, TRUSTED, Metric, Value, Wall
from agent.tally import TYPES, Sums, combine
from agent.vehicle import Vehicle

DECIDE_S = 60  # a unit's clock or the car's odometer is there by then, or will not be
GRACE_S = 30  # off/on toggles shorter than this are ignored (Geotab's practice)


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A trip, or the part of one that lies in one boot of the unit."""

    trip_id: str
    boot_id: str  # the boot in whose clock start_ns is
    start_ns: int
    end_boot_id: str  # the boot in whose clock end_ns is
    end_ns: int
    sums: Sums
    announced: bool  # TripStarted was raised
    was_moving: bool = False
    was_off: bool = False  # the ignition was off at the end
    wall: Wall | None = None  # the wall clock at the start
    end_wall: Wall | None = None  # and at the end, perhaps in another boot
    pieces: int = 1
    said: dict[str, str] = {}  # what the car's signals told of the driver (agent/household/attribution.py)
    watched: Watched | None = None  # and how it was driven

    @property
    def start_utc_ns(self) -> int | None:
        """When the trip began, by the wall clock as it was known at the piece's end."""
        return self.wall.utc_ns(self.start_ns) if self.wall else None


def trusted_gap_ns(before: Wall | None, end_ns: int, now: Wall | None, start_ns: int) -> int | None:
    """The time between two boots when both clocks are trusted; None when it is not known."""
    if not is_trusted(before) or not is_trusted(now):
        return None
    gap_ns = now.utc_ns(start_ns) - before.utc_ns(end_ns)
    return gap_ns if gap_ns >= 0 else None  # a later boot cannot begin earlier: one of them is wrong


def is_trusted(wall: Wall | None) -> TypeGuard[Wall]:
    """Whether the wall clock is known, and by more than the unit's own word."""
    return wall is not None and wall.quality in TRUSTED


def is_same_trip(carried: Piece, wall: Wall | None, start_ns: int, odometer_m: Value, vehicle: Vehicle) -> bool | None:
    """Whether the drive that began at `start_ns` is the carried trip; None when that is not known yet."""
    gap_ns = trusted_gap_ns(carried.end_wall, carried.end_ns, wall, start_ns)
    if gap_ns is not None:
        return gap_ns <= (GRACE_S if carried.was_off else vehicle.trip.gap_s) * NS
    before_m = carried.sums.metrics.get("odometer_last_m")
    if not carried.was_moving or before_m is None or not isinstance(odometer_m, (int, float)):
        return None
    return 0 <= odometer_m - before_m <= vehicle.odometer.resolution_m or None  # what disagrees may be one wrong frame


def _halves(a: Sums, b: Sums) -> set[str]:
    """What adds up, and is known in one of two that were both seen."""
    if "distance_m" not in a.metrics or "distance_m" not in b.metrics:
        return set()
    names = (a.metrics.keys() ^ b.metrics.keys()) & TYPES.keys()  # a piece may be from before an update
    return {name for name in names if TYPES[name].combine is Metric.combine}


def joined(earlier: Piece, later: Piece) -> Piece:
    """Two pieces as one trip. A gap of known length counts into the duration, as time that nobody observed. What one piece alone
    knows of a way that both went is less than the trip's: an estimate."""
    sums = combine(earlier.sums, later.sums)
    sums = msgspec.structs.replace(
        sums, estimated=sorted({*sums.estimated, *(_halves(earlier.sums, later.sums) & sums.metrics.keys())})
    )
    gap_ns = trusted_gap_ns(earlier.end_wall, earlier.end_ns, later.wall, later.start_ns)
    if gap_ns is not None:
        longer = {name: sums.metrics.get(name, 0.0) + gap_ns / NS for name in ("duration_s", "unobserved_s")}
        sums = msgspec.structs.replace(sums, metrics=sums.metrics | longer)
    return msgspec.structs.replace(
        later,
        trip_id=earlier.trip_id,
        boot_id=earlier.boot_id,
        start_ns=earlier.start_ns,
        wall=earlier.wall,
        sums=sums,
        said={**later.said, **earlier.said},
        watched=watched_as_one(earlier.watched, later.watched),
        pieces=earlier.pieces + later.pieces,
    )
