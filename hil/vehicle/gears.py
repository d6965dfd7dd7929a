"""A six-speed automatic: which gear, and how fast the engine turns."""

from __future__ import annotations

import math

RATIOS = (13.5, 7.7, 5.1, 3.75, 3.0, 2.5)  # wheel to engine, final drive included: 2,140 rpm at 100 km/h in sixth
IDLE_RPM = 780.0
LAUNCH_RPM = 1150.0  # the converter slips to here when moving off
LUG_RPM = 1300.0  # below this it shifts down
UPSHIFT_RPM = 1500.0  # an upshift must land above this: no hunting between two gears
FULL_POWER_W = 110_000.0
PEAK_TORQUE_NM = 250.0
RESERVE = 0.85  # it shifts down before the gear gives no more than this share


def rpm(gear: int, v_ms: float, wheel_radius_m: float) -> float:
    """Engine speed without slip in gear 1–6."""
    return v_ms / wheel_radius_m * RATIOS[gear - 1] * 30 / math.pi


def full_power_w(engine_rpm: float) -> float:
    """The most that the engine gives at this speed."""
    return min(FULL_POWER_W, PEAK_TORQUE_NM * engine_rpm * math.pi / 30)


def choose(current: int, v_ms: float, power_w: float, wheel_radius_m: float) -> int:
    """The gear for this speed and power: the highest that neither lugs nor lacks power."""
    for gear in range(len(RATIOS), 1, -1):
        engine_rpm = rpm(gear, v_ms, wheel_radius_m)
        lowest_rpm = UPSHIFT_RPM if gear > current else LUG_RPM
        if engine_rpm >= lowest_rpm and power_w <= RESERVE * full_power_w(engine_rpm):
            return gear
    return 1


def turning(gear: int, v_ms: float, power_w: float, wheel_radius_m: float) -> float:
    """Engine speed with the converter's slip: never below idle, nor below launch speed under power."""
    slip_rpm = LAUNCH_RPM if power_w > 0 and v_ms > 0 else IDLE_RPM
    return max(slip_rpm, rpm(gear, v_ms, wheel_radius_m))
