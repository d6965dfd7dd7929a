"""What really happened in a drive, as the simulator knows it: what a unit's figures are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hil.vehicle.second import Second

HARSH_MS2 = 3.1  # insurers' 3.13: field practice, no standard exists
HARSH_HOLD_S = 0.5  # shorter peaks do not count
HARSH_ABOVE_MS = 10 / 3.6  # parking manoeuvres do not count
HARSH_HYSTERESIS = 0.17  # one event lasts until it is gentler than 83 %


@dataclass(kw_only=True)
class Tally:
    """What a drive train adds up over one drive; what it does not have stays 0."""

    engine_s: int = 0
    idle_s: int = 0
    fuel_l: float = 0.0
    drawn_j: float = 0.0
    regenerated_j: float = 0.0
    lost_j: float = 0.0
    auxiliaries_j: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Truth:
    """One drive. What the car does not have (fuel, a traction battery) is 0; times are s after the bus woke."""

    vehicle: str
    ignition_on_s: int  # first ON
    moves_off_s: int  # where the trace begins
    ignition_off_s: int  # first OFF after it
    ends_s: int  # the bus falls asleep
    distance_m: float
    odometer_start_m: float
    odometer_end_m: float
    moving_s: int  # seconds of the trace with a speed above 0 at either end
    standing_s: int  # ignition on, not moving
    max_speed_kmh: float
    harsh_brakes_s: tuple[float, ...]  # when each began
    harsh_accels_s: tuple[float, ...]
    level_start_percent: float  # tank or battery
    level_end_percent: float
    road_kwh: float  # rolling and air
    brake_kwh: float  # turned to heat by the friction brakes
    engine_s: int  # engine running
    idle_s: int  # … while not moving
    fuel_l: float
    coolant_start_c: float | None
    drawn_kwh: float  # out of the battery: the positive parts
    regenerated_kwh: float  # into the battery, as a positive number
    losses_kwh: float  # of an electric drive train
    auxiliaries_kwh: float  # of an electric car

    @property
    def duration_s(self) -> int:
        """From ignition on to ignition off."""
        return self.ignition_off_s - self.ignition_on_s


def harsh(seconds: Sequence[Second], sign: int, threshold_ms2: float = HARSH_MS2) -> tuple[float, ...]:
    """When each harsh acceleration (sign 1) or braking (sign −1) began, s; in continuous time, on nobody's grid."""
    starts: list[float] = []
    active, held_s, since_s = False, 0.0, 0.0
    for second in seconds:
        along_ms2 = sign * (second.v1_ms - second.v0_ms)
        if along_ms2 < threshold_ms2:
            held_s = 0.0
            active = active and along_ms2 >= threshold_ms2 * (1 - HARSH_HYSTERESIS)
            continue
        since_s = since_s if held_s else float(second.offset_s)
        held_s += _share_above(second, HARSH_ABOVE_MS)
        if held_s >= HARSH_HOLD_S and not active:
            active = True
            starts.append(since_s)
    return tuple(starts)


def _share_above(second: Second, limit_ms: float) -> float:
    """The part of the second above a speed; speed is linear in it."""
    low, high = sorted((second.v0_ms, second.v1_ms))
    if low >= limit_ms:
        return 1.0
    return 0.0 if high <= limit_ms else (high - limit_ms) / (high - low)
