"""One second of a drive as the car's own computers know it: what each signal is, by VSS path."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from agent.model import Value
from agent.signals import ENGINE_SPEED, ODOMETER, SPEED

BRAKE_LIGHT = "Vehicle.Body.Lights.Brake.IsActive"
BRAKE_PEDAL = "Vehicle.Chassis.Brake.PedalPosition"
ACCELERATION = "Vehicle.Acceleration.Longitudinal"
GEAR = "Vehicle.Powertrain.Transmission.CurrentGear"
SELECTED_GEAR = "Vehicle.Powertrain.Transmission.SelectedGear"
BELT = "Vehicle.Cabin.Seat.Row1.DriverSide.IsBelted"
DOOR = "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen"
AIR = "Vehicle.Exterior.AirTemperature"
VOLTAGE = "Vehicle.LowVoltageBattery.CurrentVoltage"
MAP = "Vehicle.Powertrain.CombustionEngine.MAP"
THROTTLE = "Vehicle.Powertrain.CombustionEngine.TPS"
OIL = "Vehicle.Powertrain.CombustionEngine.EngineOil.Temperature"
WHEELS = tuple(f"Vehicle.Chassis.Axle.{row}.Wheel.{side}.Speed" for row in ("Row1", "Row2") for side in ("Left", "Right"))

LOAD = "Vehicle.Private.OBD.EngineLoad"
INTAKE = "Vehicle.Private.OBD.IntakeTemp"
RUN_TIME = "Vehicle.Private.OBD.RunTime"

PARK = 126  # VSS: SelectedGear
DRIVE = 127

Ignition: TypeAlias = Literal["OFF", "ACC", "ON", "START"]


class Cabin(NamedTuple):
    """What the person in the driver's seat has done."""

    ignition: Ignition
    ready: bool  # the drive train is on: engine started, or high voltage closed
    selected_gear: int
    belted: bool
    door_open: bool


class Second(NamedTuple):
    """From `offset_s` (since the bus woke) to a second later.

    `held` stays as it is; a ramp goes linearly from its first value to its second. A name is in one of both.
    """

    offset_s: int
    held: dict[str, Value]
    ramps: dict[str, tuple[float, float]]

    @property
    def v0_ms(self) -> float:
        return self.ramps[SPEED][0] / 3.6

    @property
    def v1_ms(self) -> float:
        return self.ramps[SPEED][1] / 3.6


RAMPS = frozenset({SPEED, *WHEELS, ODOMETER, ENGINE_SPEED})
"""What changes too quickly, or must be too exact, to be held for a second."""
