"""What the road asks of a car: longitudinal dynamics on the level."""

from __future__ import annotations

from typing import NamedTuple

GRAVITY_MS2 = 9.81
AIR_KG_M3 = 1.2  # 15–20 °C at sea level


class Body(NamedTuple):
    """What resists."""

    mass_kg: float  # with a driver and some luggage
    rolling: float  # rolling resistance coefficient
    drag_area_m2: float  # drag coefficient × frontal area
    rotating: float  # what the turning parts add to the mass when it is sped up, as a factor
    wheel_radius_m: float


class Demand(NamedTuple):
    """Mean power over one second at the wheels, W; negative when the car has to be slowed."""

    road_w: float  # rolling and air: gone for good
    inertia_w: float  # kept as motion

    @property
    def wheel_w(self) -> float:
        return self.road_w + self.inertia_w


def demand(body: Body, v0_ms: float, v1_ms: float) -> Demand:
    """From one speed to another in one second, at constant acceleration.

    Rolling is exact; air drag is taken at the mean of v³, so that energy adds up over a trace.
    """
    mean_ms = (v0_ms + v1_ms) / 2
    cube = (v0_ms + v1_ms) * (v0_ms**2 + v1_ms**2) / 4  # the mean of v³ when v is linear in time
    road_w = body.mass_kg * GRAVITY_MS2 * body.rolling * mean_ms + AIR_KG_M3 / 2 * body.drag_area_m2 * cube
    return Demand(road_w, body.mass_kg * body.rotating * (v1_ms**2 - v0_ms**2) / 2)
