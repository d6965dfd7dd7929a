"""The electric drive train: a battery that gives and, on braking, takes back."""

from __future__ import annotations

from agent.model import Value
from agent.signals import BATTERY_POWER, PEDAL, STATE_OF_CHARGE
from hil.vehicle.road import Body, Demand
from hil.vehicle.second import GEAR, VOLTAGE, Cabin
from hil.vehicle.truth import Tally

BODY = Body(mass_kg=1_800, rolling=0.009, drag_area_m2=0.60, rotating=1.03, wheel_radius_m=0.33)  # a compact electric car
CAPACITY_KWH = 58.0  # usable
FULL_POWER_W = 150_000.0
DRIVE_EFFICIENCY = 0.88  # battery to wheel: inverter, motor, gear
REGEN_EFFICIENCY = 0.83  # wheel to battery
REGEN_LIMIT_W = 60_000.0  # at the wheel; friction brakes take the rest
REGEN_FADES_MS = (1.0, 3.0)  # none below the first, all above the second: motors brake poorly at walking pace
FULL_PERCENT = 98.0  # above this nothing is taken back
AUXILIARIES_W = 450.0  # computers, lights, pumps: whenever it is ready
KWH_J = 3_600_000.0


class Electric:
    """The drive train and its state, which lasts from drive to drive."""

    body = BODY
    coolant_c = None  # no engine that could be cold

    def __init__(self, *, charge_percent: float = 80.0, air_c: float = 15.0) -> None:
        self.charge_j = charge_percent / 100 * CAPACITY_KWH * KWH_J
        self.air_c = air_c
        self.tally = Tally()

    def rest(self, seconds: float) -> None:
        """Parked: nothing changes; a car asleep loses too little to show in a week."""

    def replenish(self) -> None:
        """Plugged in overnight when below half, to 80 %, as makers advise."""
        if self.level_percent < 50:
            self.charge_j = 0.8 * CAPACITY_KWH * KWH_J

    @property
    def level_percent(self) -> float:
        return self.charge_j / KWH_J / CAPACITY_KWH * 100

    def second(
        self, cabin: Cabin, need: Demand, v0_ms: float, v1_ms: float
    ) -> tuple[dict[str, Value], dict[str, tuple[float, float]], float]:
        """One second: what is held, what ramps (nothing), and how many W the friction brakes took."""
        wheel_w = need.wheel_w
        regen_w = self._regen_w(wheel_w, (v0_ms + v1_ms) / 2)
        traction_w = wheel_w / DRIVE_EFFICIENCY if wheel_w > 0 else -regen_w * REGEN_EFFICIENCY
        auxiliaries_w = AUXILIARIES_W if cabin.ready else 0.0
        drawn_w = traction_w + auxiliaries_w
        self._count(drawn_w, auxiliaries_w, traction_w - (wheel_w if wheel_w > 0 else -regen_w))
        held: dict[str, Value] = {
            BATTERY_POWER: 0.0 - drawn_w,  # VSS: positive flows into the battery
            STATE_OF_CHARGE: self.level_percent,
            PEDAL: min(100.0, 100 * (max(0.0, wheel_w) / FULL_POWER_W) ** 0.7),
            GEAR: 1 if v1_ms > 0 else 0,
            VOLTAGE: 14.4 if cabin.ready else 12.6,  # the DC-DC converter holds it up as long as it is ready
        }
        return held, {}, max(0.0, -wheel_w - regen_w)

    def _regen_w(self, wheel_w: float, v_ms: float) -> float:
        low, high = REGEN_FADES_MS
        if wheel_w >= 0 or self.level_percent > FULL_PERCENT:
            return 0.0
        return min(REGEN_LIMIT_W, -wheel_w) * min(1.0, max(0.0, (v_ms - low) / (high - low)))

    def _count(self, drawn_w: float, auxiliaries_w: float, lost_w: float) -> None:
        """A second of each, so W are J."""
        self.charge_j -= drawn_w
        self.tally.drawn_j += max(0.0, drawn_w)
        self.tally.regenerated_j += max(0.0, -drawn_w)
        self.tally.auxiliaries_j += auxiliaries_w
        self.tally.lost_j += lost_w
