"""The petrol drive train: fuel, air, heat. A Willans line, which is how engine maps are commonly summed up:
fuel power = (brake power + friction + auxiliaries) / indicated efficiency.

Air and fuel agree by construction: MAF = fuel × 14.7 × lambda whenever fuel is injected.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from agent.model import Value
from agent.signals import COOLANT, ENGINE_SPEED, FUEL_LEVEL, FUEL_RATE, LAMBDA, MAF, PEDAL
from hil.vehicle import gears
from hil.vehicle.road import Body, Demand
from hil.vehicle.second import DRIVE, GEAR, INTAKE, LOAD, MAP, OIL, THROTTLE, VOLTAGE, Cabin
from hil.vehicle.truth import Tally

BODY = Body(mass_kg=1_400, rolling=0.010, drag_area_m2=0.65, rotating=1.04, wheel_radius_m=0.31)  # a compact family car
TANK_L = 50.0
DENSITY_G_L = 745.0  # petrol E5/E10 at 15 °C: 720–775 (EN 228)
AIR_PER_FUEL = 14.7  # stoichiometric, petrol without ethanol
HEAT_J_G = 42_700.0  # lower heating value of petrol

DISPLACEMENT_L = 1.395
INDICATED = 0.37  # share of the fuel's heat that becomes work in the cylinders
FRICTION_KPA = 110.0  # friction and pumping as mean pressure when warm, at rest …
FRICTION_KPA_RPM = 0.012  # … and what each rpm adds: 134 kPa at 2,000 rpm
COLD_FRICTION = 0.013  # thicker oil: more friction for each °C below warm
AUXILIARIES_W = 800.0  # alternator and pumps, as shaft power
DRIVE_EFFICIENCY = 0.92
CUT_ABOVE_RPM = 1_100.0  # below this the engine would stall without fuel
FULL_LOAD = 0.85  # above this share of full power the mixture is enriched to cool the exhaust
RICH_LAMBDA = 0.88
COLD_LAMBDA = 0.10  # how much richer than 1 a start at −20 °C is
CUT_LAMBDA = 1.99  # what is told on overrun: the field's end is 2 (PID 0x44), and its all-ones reads as "not available"
CUT_FILLING = 0.12  # air pumped through a closed throttle, as share of a full charge
CRANK_RPM = 230.0

WARM_C = 85.0
THERMOSTAT_C = 90.0
TO_COOLANT = 0.30  # share of the fuel's heat
ENGINE_J_K = 40_000.0  # block, head, coolant
TO_AIR_W_K = 12.0
RADIATOR_W_K = 2_000.0  # once the thermostat opens
OIL_LAG_S = 300.0
COOLING_S = 9_000.0  # parked: a time constant of two and a half hours

AIR_G_L = 1.2
AMBIENT_KPA = 101.0
FULL_FILLING = 1.5  # a small turbo: half as much again as the cylinders hold at ambient pressure
AIR_J_KGK = 287.0
VOLUMETRIC = 0.85

STOP_AFTER_S = 2  # stop-start: standing this long
STOP_ABOVE_C = 60.0


class Work(NamedTuple):
    """What the engine does in one second; as it stands, nothing."""

    rpm: float = 0.0
    load: float = 0.0  # share of full power at this speed; negative on overrun
    maf_g_s: float = 0.0
    lamb: float = 1.0
    fuel_g_s: float = 0.0


def full_g_s(rpm: float) -> float:
    """The air that the cylinders would take at ambient pressure."""
    return DISPLACEMENT_L * rpm / 120 * AIR_G_L


def _overrun(rpm: float) -> Work:
    return Work(rpm, maf_g_s=full_g_s(rpm) * CUT_FILLING, lamb=CUT_LAMBDA)


class Petrol:
    """The drive train and its state, which lasts from drive to drive."""

    body = BODY

    def __init__(self, *, fuel_l: float = 38.0, coolant_c: float = 15.0, air_c: float = 15.0, stop_start: bool = False) -> None:
        self.fuel_l = fuel_l
        self.coolant_c = coolant_c
        self.oil_c = coolant_c
        self.air_c = air_c
        self.stop_start = stop_start
        self.gear = 1
        self.stood_s = 0
        self.tally = Tally()

    def rest(self, seconds: float) -> None:
        """Parked for so long: it cools."""
        left = math.exp(-seconds / COOLING_S)
        self.coolant_c = self.air_c + (self.coolant_c - self.air_c) * left
        self.oil_c = self.air_c + (self.oil_c - self.air_c) * left

    def replenish(self) -> None:
        """Fills up when less than a quarter is left, as most people do."""
        if self.fuel_l < TANK_L / 4:
            self.fuel_l = TANK_L * 0.98

    @property
    def level_percent(self) -> float:
        return max(0.0, self.fuel_l / TANK_L * 100)

    def second(
        self, cabin: Cabin, need: Demand, v0_ms: float, v1_ms: float
    ) -> tuple[dict[str, Value], dict[str, tuple[float, float]], float]:
        """One second: what is held, what ramps, and how many W the friction brakes took."""
        if not self._running(cabin, v0_ms, v1_ms):
            return self._engine_off(cabin), {ENGINE_SPEED: self._cranking(cabin)}, max(0.0, -need.wheel_w)
        self.tally.engine_s += 1
        self.tally.idle_s += v0_ms == v1_ms == 0
        wheel_w = need.wheel_w
        shaft_w = wheel_w / DRIVE_EFFICIENCY if wheel_w > 0 else wheel_w * DRIVE_EFFICIENCY
        radius_m = self.body.wheel_radius_m
        self.gear = gears.choose(self.gear, (v0_ms + v1_ms) / 2, shaft_w, radius_m)
        rpm0, rpm1 = (gears.turning(self.gear, v, shaft_w, radius_m) for v in (v0_ms, v1_ms))
        rpm = (rpm0 + rpm1) / 2
        indicated_w = self._losses_w(rpm) + shaft_w
        cut = indicated_w <= 0 and rpm > CUT_ABOVE_RPM
        work = _overrun(rpm) if cut else self._injecting(rpm, shaft_w, indicated_w)
        self._burn(work.fuel_g_s)
        held = self._held(work, v1_ms)
        held[VOLTAGE] = 14.7 if cut else 13.3 if work.load > 0.25 else 14.1  # a smart alternator charges on overrun
        return held, {ENGINE_SPEED: (rpm0, rpm1)}, max(0.0, -indicated_w) if wheel_w < 0 else 0.0

    def _running(self, cabin: Cabin, v0_ms: float, v1_ms: float) -> bool:
        self.stood_s = self.stood_s + 1 if v0_ms == v1_ms == 0 and cabin.selected_gear == DRIVE else 0
        stopped = self.stop_start and self.coolant_c > STOP_ABOVE_C and self.stood_s > STOP_AFTER_S
        return cabin.ready and not stopped

    def _cranking(self, cabin: Cabin) -> tuple[float, float]:
        return (0.0, CRANK_RPM) if cabin.ignition == "START" else (0.0, 0.0)

    def _losses_w(self, rpm: float) -> float:
        kpa = (FRICTION_KPA + FRICTION_KPA_RPM * rpm) * (1 + COLD_FRICTION * max(0.0, WARM_C - self.oil_c))
        return kpa * DISPLACEMENT_L * rpm / 120 + AUXILIARIES_W  # kPa × l = J, every second turn

    def _injecting(self, rpm: float, shaft_w: float, indicated_w: float) -> Work:
        load = shaft_w / gears.full_power_w(rpm)
        lamb = self._lambda(load)
        heat_w = max(indicated_w, self._losses_w(gears.IDLE_RPM)) / INDICATED
        fuel_g_s = heat_w / HEAT_J_G / lamb  # what is injected beyond lambda 1 gives no work
        return Work(rpm, load, fuel_g_s * AIR_PER_FUEL * lamb, lamb, fuel_g_s)

    def _lambda(self, load: float) -> float:
        if load > FULL_LOAD:
            return RICH_LAMBDA
        return 1.0 - COLD_LAMBDA * min(1.0, max(0.0, (40.0 - self.coolant_c) / 60.0))

    def _burn(self, fuel_g_s: float) -> None:
        """A second's fuel and heat."""
        litres = fuel_g_s / DENSITY_G_L
        self.fuel_l -= litres
        self.tally.fuel_l += litres
        heat_w = TO_COOLANT * fuel_g_s * HEAT_J_G - TO_AIR_W_K * (self.coolant_c - self.air_c)
        self.coolant_c += (heat_w - RADIATOR_W_K * max(0.0, self.coolant_c - THERMOSTAT_C)) / ENGINE_J_K
        self.oil_c += (self.coolant_c + 6 - self.oil_c) / OIL_LAG_S  # oil runs a little hotter than coolant

    def _engine_off(self, cabin: Cabin) -> dict[str, Value]:
        held = self._held(Work(), 0.0)
        held[VOLTAGE] = {"START": 9.8, "ON": 12.2, "ACC": 12.3}.get(cabin.ignition, 12.6)
        return held

    def _held(self, work: Work, v1_ms: float) -> dict[str, Value]:
        soak = 0.2 if v1_ms < 3 else 0.07  # the engine's heat reaches the intake, most of all at a stand
        intake_c = self.air_c + soak * (self.coolant_c - self.air_c)
        pressed = max(0.0, work.load)
        filling = work.maf_g_s / full_g_s(work.rpm) if work.rpm else 0.0
        return {
            PEDAL: min(100.0, 100 * pressed**0.7),
            THROTTLE: min(100.0, 12 + 80 * pressed**0.8) if work.rpm else 16.0,  # its resting place without current
            GEAR: self.gear if v1_ms > 0 else 0,
            MAF: work.maf_g_s,
            MAP: filling * AIR_G_L * AIR_J_KGK * (intake_c + 273) / 1000 / VOLUMETRIC if work.rpm else AMBIENT_KPA,
            LAMBDA: work.lamb,
            LOAD: min(100.0, 100 * filling / FULL_FILLING),
            FUEL_RATE: work.fuel_g_s / DENSITY_G_L * 3600,
            FUEL_LEVEL: self.level_percent,
            COOLANT: self.coolant_c,
            OIL: self.oil_c,
            INTAKE: intake_c,
        }
