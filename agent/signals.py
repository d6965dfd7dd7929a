"""Every signal Keyoff understands: its VSS 6.0 name, unit and range. A table, and two look-ups.

Source: COVESA Vehicle Signal Specification 6.0. What VSS has no place for stands under
`Vehicle.Private`, the branch it leaves to us. A value outside its range is not a measurement:
it reads as unknown. The range is what is physically possible, never what is usual.
"""

from __future__ import annotations

from typing import NamedTuple


class Signal(NamedTuple):
    """unit as VSS spells it ("" for none); `low`/`high` inclusive, None for text and switches."""

    unit: str
    low: float | None = None
    high: float | None = None


SPEED = "Vehicle.Speed"
ODOMETER = "Vehicle.TraveledDistance"
IGNITION = "Vehicle.LowVoltageSystemState"
ENGINE_SPEED = "Vehicle.Powertrain.CombustionEngine.Speed"
MAF = "Vehicle.Powertrain.CombustionEngine.MAF"
COOLANT = "Vehicle.Powertrain.CombustionEngine.EngineCoolant.Temperature"
FUEL_LEVEL = "Vehicle.Powertrain.FuelSystem.RelativeLevel"
FUEL_RATE = "Vehicle.Private.Powertrain.FuelSystem.FuelRate"
FUEL_MASS_RATE = "Vehicle.Private.Powertrain.FuelSystem.FuelMassRate"
LAMBDA = "Vehicle.Private.Powertrain.CombustionEngine.CommandedLambda"
ETHANOL = "Vehicle.Private.Powertrain.FuelSystem.EthanolShare"
BATTERY_POWER = "Vehicle.Powertrain.TractionBattery.CurrentPower"
STATE_OF_CHARGE = "Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed"
PEDAL = "Vehicle.Chassis.Accelerator.PedalPosition"

SIGNALS: dict[str, Signal] = {
    SPEED: Signal("km/h", -60, 400),  # reversing is negative where a car says so
    ODOMETER: Signal("m", 0, 4_294_967_295_00),  # uint32 of 0.1 km is the widest counter in use (PID A6)
    IGNITION: Signal(""),
    ENGINE_SPEED: Signal("rpm", 0, 16_383.75),
    MAF: Signal("g/s", 0, 2_048),
    COOLANT: Signal("Celsius", -40, 215),
    FUEL_LEVEL: Signal("percent", 0, 100),
    FUEL_RATE: Signal("l/h", 0, 3_276.75),
    FUEL_MASS_RATE: Signal("g/s", 0, 1_310.7),
    LAMBDA: Signal("", 0, 2),
    ETHANOL: Signal("percent", 0, 100),
    BATTERY_POWER: Signal("W", -2_000_000, 2_000_000),  # VSS: positive flows into the battery
    STATE_OF_CHARGE: Signal("percent", 0, 100),
    PEDAL: Signal("percent", 0, 100),
    "Vehicle.Chassis.Brake.PedalPosition": Signal("percent", 0, 100),
    "Vehicle.Body.Lights.Brake.IsActive": Signal(""),
    "Vehicle.Chassis.Axle.Row1.Wheel.Left.Speed": Signal("km/h", -60, 400),
    "Vehicle.Chassis.Axle.Row1.Wheel.Right.Speed": Signal("km/h", -60, 400),
    "Vehicle.Chassis.Axle.Row2.Wheel.Left.Speed": Signal("km/h", -60, 400),
    "Vehicle.Chassis.Axle.Row2.Wheel.Right.Speed": Signal("km/h", -60, 400),
    "Vehicle.Acceleration.Longitudinal": Signal("m/s^2", -50, 50),
    "Vehicle.Powertrain.Transmission.CurrentGear": Signal("", -1, 127),
    "Vehicle.Powertrain.Transmission.SelectedGear": Signal("", -1, 127),
    "Vehicle.Cabin.Seat.Row1.DriverSide.IsBelted": Signal(""),
    "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen": Signal(""),
    "Vehicle.Exterior.AirTemperature": Signal("Celsius", -60, 215),
    "Vehicle.LowVoltageBattery.CurrentVoltage": Signal("V", 0, 65.535),
    "Vehicle.Powertrain.CombustionEngine.MAP": Signal("kPa", 0, 655.35),
    "Vehicle.Powertrain.CombustionEngine.TPS": Signal("percent", 0, 100),
    "Vehicle.Powertrain.CombustionEngine.EngineOil.Temperature": Signal("Celsius", -40, 215),
}


def known(path: str) -> bool:
    """Whether `path` is in the table."""
    return path in SIGNALS


def plausible(path: str, value: float) -> bool:
    """Whether a number can be a measurement of `path`; a NaN never is."""
    signal = SIGNALS[path]
    if signal.low is None or signal.high is None:
        return True
    return signal.low <= value <= signal.high
