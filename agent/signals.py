"""Every signal Keyoff understands: its VSS 6.0 name, unit and range. A table, and what its values look like.

Source: COVESA Vehicle Signal Specification 6.0. What VSS has no place for stands under
`Vehicle.Private`, the branch it leaves to us. A value outside its range is not a measurement:
it reads as unknown. The range is what is physically possible, never what is usual.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from agent.model import Value


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
VOLTAGE = "Vehicle.LowVoltageBattery.CurrentVoltage"
IS_MIL_ON = "Vehicle.Private.OBD.IsMILOn"
DTCS_STORED = "Vehicle.Private.OBD.DTCs.Stored"
DTCS_PENDING = "Vehicle.Private.OBD.DTCs.Pending"
DTCS_PERMANENT = "Vehicle.Private.OBD.DTCs.Permanent"
CALIBRATION_IDS = "Vehicle.Private.OBD.CalibrationIds"
VIN = "Vehicle.VehicleIdentification.VIN"
IS_SERVICE_DUE = "Vehicle.Service.IsServiceDue"
DISTANCE_TO_SERVICE = "Vehicle.Service.DistanceToService"  # km in VSS, though the odometer counts m
TIME_TO_SERVICE = "Vehicle.Service.TimeToService"
OIL_LIFE_TIME = "Vehicle.Powertrain.CombustionEngine.EngineOil.LifeRemaining"  # VSS knows it in seconds,
OIL_LIFE = "Vehicle.Private.Powertrain.CombustionEngine.EngineOil.LifeRemaining"  # clusters show it in percent
ENGINE_HOURS = "Vehicle.Powertrain.CombustionEngine.EngineHours"
DRIVER_SUBJECT = "Vehicle.Occupant.Row1.DriverSide.Identifier.Subject"
KEY_FOB = "Vehicle.Private.Access.KeyFob"
PHONE_TAG = "Vehicle.Private.Access.PhoneTag"
SEAT_MEMORY = "Vehicle.Private.Seat.Memory"

SIGNALS: dict[str, Signal] = {
    SPEED: Signal("km/h", -60, 400),  # reversing is negative where a car says so
    ODOMETER: Signal("m", 0, 4_294_967_295_00),  # uint32 of 0.1 km is the widest counter in use (PID A6)
    IGNITION: Signal(""),
    ENGINE_SPEED: Signal("rpm", 0, 16_383.75),
    MAF: Signal("g/s", 0, 2_048),
    COOLANT: Signal("Celsius", -40, 215),
    FUEL_LEVEL: Signal("percent", 0, 100),
    FUEL_RATE: Signal("l/h", 0, 3_212.75),
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
    VOLTAGE: Signal("V", 0, 65.535),
    "Vehicle.Powertrain.CombustionEngine.MAP": Signal("kPa", 0, 655.35),
    "Vehicle.Powertrain.CombustionEngine.TPS": Signal("percent", 0, 100),
    "Vehicle.Powertrain.CombustionEngine.EngineOil.Temperature": Signal("Celsius", -40, 210),
    IS_SERVICE_DUE: Signal(""),
    DISTANCE_TO_SERVICE: Signal("km", -1_000_000, 1_000_000),  # below 0: overdue; VSS has a float without limits
    TIME_TO_SERVICE: Signal("s", -2_147_483_648, 2_147_483_647),  # int32 in VSS; below 0: overdue
    OIL_LIFE_TIME: Signal("s", -2_147_483_648, 2_147_483_647),  # likewise
    OIL_LIFE: Signal("percent", 0, 100),
    ENGINE_HOURS: Signal("h", 0, 210_554_060.75),  # uint32 of 0.05 h is the widest counter in use (J1939 SPN 247)
    # who is in the car, as the car says it
    DRIVER_SUBJECT: Signal(""),
    KEY_FOB: Signal(""),
    PHONE_TAG: Signal(""),
    SEAT_MEMORY: Signal(""),
    # OBD-II services 03, 07, 0A and 09 (agent/obd.py)
    VIN: Signal(""),
    DTCS_STORED: Signal(""),
    DTCS_PENDING: Signal(""),
    DTCS_PERMANENT: Signal(""),
    CALIBRATION_IDS: Signal(""),
    # OBD-II service 01 (agent/obd_pids.py), what VSS 6.0 has no place for; ranges as SAE J1979 gives them
    IS_MIL_ON: Signal(""),
    "Vehicle.Private.OBD.DTCCount": Signal("", 0, 127),
    "Vehicle.Private.OBD.IgnitionType": Signal(""),
    "Vehicle.Private.OBD.ContinuousMonitorsSupported": Signal(""),
    "Vehicle.Private.OBD.ContinuousMonitorsIncomplete": Signal(""),
    "Vehicle.Private.OBD.MonitorsSupported": Signal(""),
    "Vehicle.Private.OBD.MonitorsIncomplete": Signal(""),
    "Vehicle.Private.OBD.DriveCycleIgnitionType": Signal(""),
    "Vehicle.Private.OBD.DriveCycleContinuousMonitorsEnabled": Signal(""),
    "Vehicle.Private.OBD.DriveCycleContinuousMonitorsIncomplete": Signal(""),
    "Vehicle.Private.OBD.DriveCycleMonitorsEnabled": Signal(""),
    "Vehicle.Private.OBD.DriveCycleMonitorsIncomplete": Signal(""),
    "Vehicle.Private.OBD.FuelSystem1Status": Signal(""),
    "Vehicle.Private.OBD.FuelSystem2Status": Signal(""),
    "Vehicle.Private.OBD.AirStatus": Signal(""),
    "Vehicle.Private.OBD.OBDStandards": Signal(""),
    "Vehicle.Private.OBD.FuelType": Signal(""),
    "Vehicle.Private.OBD.IsPTOActive": Signal(""),
    "Vehicle.Private.OBD.OxygenSensorsIn2Banks": Signal(""),
    "Vehicle.Private.OBD.OxygenSensorsIn4Banks": Signal(""),
    "Vehicle.Private.OBD.EngineLoad": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.AbsoluteLoad": Signal("percent", 0, 25_700),
    **{f"Vehicle.Private.OBD.ShortTermFuelTrim{n}": Signal("percent", -100, 100) for n in range(1, 5)},
    **{f"Vehicle.Private.OBD.LongTermFuelTrim{n}": Signal("percent", -100, 100) for n in range(1, 5)},
    **{f"Vehicle.Private.OBD.ShortTermO2Trim{n}": Signal("percent", -100, 100) for n in range(1, 5)},
    **{f"Vehicle.Private.OBD.LongTermO2Trim{n}": Signal("percent", -100, 100) for n in range(1, 5)},
    **{f"Vehicle.Private.OBD.O2Sensor{n}Voltage": Signal("V", 0, 1.275) for n in range(1, 9)},
    **{f"Vehicle.Private.OBD.O2Sensor{n}ShortTermFuelTrim": Signal("percent", -100, 100) for n in range(1, 9)},
    **{f"Vehicle.Private.OBD.O2WRSensor{n}Lambda": Signal("", 0, 2) for n in range(1, 9)},
    **{f"Vehicle.Private.OBD.O2WRSensor{n}Voltage": Signal("V", 0, 8) for n in range(1, 9)},
    **{f"Vehicle.Private.OBD.O2WRSensor{n}Current": Signal("mA", -128, 128) for n in range(1, 9)},
    "Vehicle.Private.OBD.FuelPressure": Signal("kPa", 0, 765),
    "Vehicle.Private.OBD.FuelRailPressureVac": Signal("kPa", 0, 5_177.27),
    "Vehicle.Private.OBD.FuelRailPressureDirect": Signal("kPa", 0, 655_350),
    "Vehicle.Private.OBD.FuelRailPressureAbsolute": Signal("kPa", 0, 655_350),
    "Vehicle.Private.OBD.EVAPVaporPressure": Signal("Pa", -8_192, 8_191.75),
    "Vehicle.Private.OBD.EVAPVaporPressureAlternate": Signal("Pa", -32_768, 32_767),
    "Vehicle.Private.OBD.EVAPVaporPressureAbsolute": Signal("kPa", 0, 327.675),
    "Vehicle.Private.OBD.BarometricPressure": Signal("kPa", 0, 255),
    "Vehicle.Private.OBD.TimingAdvance": Signal("degrees", -64, 63.5),
    "Vehicle.Private.OBD.FuelInjectionTiming": Signal("degrees", -210, 301.992_187_5),
    "Vehicle.Private.OBD.IntakeTemp": Signal("Celsius", -40, 215),
    "Vehicle.Private.OBD.CoolantTemperature2": Signal("Celsius", -40, 215),
    "Vehicle.Private.OBD.ManifoldSurfaceTemperature": Signal("Celsius", -40, 215),
    "Vehicle.Private.OBD.CatalystBank1Temperature1": Signal("Celsius", -40, 6_513.5),
    "Vehicle.Private.OBD.CatalystBank1Temperature2": Signal("Celsius", -40, 6_513.5),
    "Vehicle.Private.OBD.CatalystBank2Temperature1": Signal("Celsius", -40, 6_513.5),
    "Vehicle.Private.OBD.CatalystBank2Temperature2": Signal("Celsius", -40, 6_513.5),
    "Vehicle.Private.OBD.EGRBank1Temperature1": Signal("Celsius", -40, 980),
    "Vehicle.Private.OBD.EGRBank1Temperature2": Signal("Celsius", -40, 980),
    "Vehicle.Private.OBD.EGRBank2Temperature1": Signal("Celsius", -40, 980),
    "Vehicle.Private.OBD.EGRBank2Temperature2": Signal("Celsius", -40, 980),
    "Vehicle.Private.OBD.RunTime": Signal("s", 0, 65_535),
    "Vehicle.Private.OBD.RunTimeMIL": Signal("min", 0, 65_535),
    "Vehicle.Private.OBD.TimeSinceDTCCleared": Signal("min", 0, 65_535),
    "Vehicle.Private.OBD.DistanceWithMIL": Signal("km", 0, 65_535),
    "Vehicle.Private.OBD.DistanceSinceDTCClear": Signal("km", 0, 65_535),
    "Vehicle.Private.OBD.WarmupsSinceDTCClear": Signal("", 0, 255),
    "Vehicle.Private.OBD.CommandedEGR": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.EGRError": Signal("percent", -100, 100),
    "Vehicle.Private.OBD.CommandedEVAP": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.RelativeThrottlePosition": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.ThrottlePositionB": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.ThrottlePositionC": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.ThrottlePositionG": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.AcceleratorPositionD": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.AcceleratorPositionE": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.AcceleratorPositionF": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.ThrottleActuator": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.ThrottleActuatorA": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.ThrottleActuatorB": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.RelativeThrottlePositionA": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.RelativeThrottlePositionB": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.CommandedWastegateA": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.CommandedWastegateB": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.WastegateA": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.WastegateB": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.HybridBatteryRemaining": Signal("percent", 0, 100),
    "Vehicle.Private.OBD.DemandedTorque": Signal("percent", -125, 130),
    "Vehicle.Private.OBD.ActualTorque": Signal("percent", -125, 130),
    "Vehicle.Private.OBD.FrictionTorque": Signal("percent", -125, 130),
    "Vehicle.Private.OBD.TorqueAtIdle": Signal("percent", -125, 130),
    **{f"Vehicle.Private.OBD.TorqueAtPoint{n}": Signal("percent", -125, 130) for n in range(2, 6)},
    "Vehicle.Private.OBD.ReferenceTorque": Signal("Nm", 0, 65_535),
    "Vehicle.Private.OBD.MAFSensorA": Signal("g/s", 0, 2_048),
    "Vehicle.Private.OBD.MAFSensorB": Signal("g/s", 0, 2_048),
    "Vehicle.Private.OBD.VehicleFuelMassRate": Signal("g/s", 0, 1_310.7),
    "Vehicle.Private.OBD.ExhaustFlowRate": Signal("kg/h", 0, 13_107),
    "Vehicle.Private.OBD.CylinderFuelRate": Signal("mg/stroke", 0, 2_048),
}

TEXTS: dict[str, tuple[str, ...]] = {
    IGNITION: ("UNDEFINED", "LOCK", "OFF", "ACC", "ON", "START"),
    "Vehicle.Body.Lights.Brake.IsActive": ("INACTIVE", "ACTIVE", "ADAPTIVE"),  # ADAPTIVE: it tells of emergency braking
}
"""Broadcast signals that are words in VSS 6.0: those allowed, in its order. What has neither range nor words is a switch."""

PER_ECU = frozenset({DTCS_STORED, DTCS_PENDING, DTCS_PERMANENT, CALIBRATION_IDS})
"""Lists that each ECU answers for itself: one signal, whose text names the ECU ("ECU=7E8;P0301,P0420"), so that a rule can
keep the ECUs apart and merge them. "ECU=7E8;" says that this ECU has none."""

FREE_TEXTS = PER_ECU | {VIN, DRIVER_SUBJECT, KEY_FOB, PHONE_TAG, SEAT_MEMORY}
"""Texts whose words no table knows. "1" is a text here, not a number."""


def known(path: str) -> bool:
    """Whether `path` is in the table."""
    return path in SIGNALS


def plausible(path: str, value: float) -> bool:
    """Whether a number can be a measurement of `path`; a NaN never is."""
    signal = SIGNALS[path]
    if signal.low is None or signal.high is None:
        return True
    return signal.low <= value <= signal.high


def of_ecu(ecu: str, items: Iterable[str]) -> str:
    """The text of a PER_ECU signal: `ecu` is its arbitration id in hex, the items hold no comma."""
    return f"ECU={ecu};{','.join(items)}"


def by_ecu(text: Value) -> tuple[str, tuple[str, ...]] | None:
    """(ECU, items) of a PER_ECU signal's value; None for what is not one."""
    if not isinstance(text, str) or not text.startswith("ECU="):
        return None
    ecu, semicolon, items = text[4:].partition(";")
    return (ecu, tuple(items.split(",")) if items else ()) if ecu and semicolon else None
