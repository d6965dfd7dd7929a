"""The PIDs of OBD-II service 01: a table, one row each, and what makes readers of its rows.

Source: SAE J1979 (ISO 15031-5), appendix B; the bytes of an answer are called A, B, C, … as there.
To add a PID: one row in `PIDS`, one row in its test (and a row in `agent/signals.py` where the signal is new).
`Vehicle.Private.OBD.*` are what VSS 6.0 has no place for, named as in the branch `Vehicle.OBD` that VSS 4 had.

Doubts. J1979 prints 0.0000305 per bit for every lambda: 2/65536 and 2/65535 alike, 15 ppm apart; each row has the
one that recorded answers were checked with. PIDs 4F and 50 may stretch 10, 24–2B, 34–3B and 44 in cars that need
more range: not applied, no such answer has been seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from agent import signals
from agent.model import Sample, Value

OBD = "Vehicle.Private.OBD."

Reader: TypeAlias = Callable[[int, bytes, int], list[Sample]]
"""(t_ns, bytes, where A lies in them) → samples. The caller has made sure that the PID's bytes are all there."""


class Condition(NamedTuple):
    """When a field is there: a support byte's bits."""

    at: int
    mask: int
    wanted: int


class Field(NamedTuple):
    """One signal in a PID's bytes; `value` makes its value from the raw unsigned number."""

    path: str
    at: int
    size: int
    value: Callable[[int], Value]
    when: Condition | None = None


class Pid(NamedTuple):
    """A row: `length` in bytes; `other_bank` is in a further byte, which only engines with banks 3 and 4 send."""

    pid: int
    length: int
    fields: tuple[Field, ...] = ()
    other_bank: tuple[Field, ...] = ()


def number(
    path: str, where: str, mul: float = 1, div: float = 1, add: float = 0, *, signed: bool = False, when: str = ""
) -> Field:
    """raw × mul / div + add in the signal's unit; None outside its range. `where`: "A", "AB", "CD" …, high byte first.

    `when` "A0" asks for bit 0 of A to be set, "A0!A4" for bit 4 to be clear as well; else there is no sample.
    """
    size = len(where)
    half, whole = 1 << (8 * size - 1), 1 << (8 * size)

    def convert(raw: int) -> float:
        return (raw - whole if signed and raw >= half else raw) * mul / div + add

    def checked(raw: int) -> float | None:
        value = convert(raw)
        return value if signals.plausible(path, value) else None

    ends = (half, half - 1) if signed else (0, whole - 1)
    always = all(signals.plausible(path, convert(raw)) for raw in ends)
    return Field(path, _at(where), size, convert if always else checked, _condition(when))


def integer(path: str, where: str, low_bit: int = 0, width: int = 8) -> Field:
    """`width` bits of one byte from `low_bit` on, as an int: a count, or a row of flags."""
    return Field(path, _at(where), 1, lambda raw: raw >> low_bit & (1 << width) - 1)


def flag(path: str, bit: str) -> Field:
    """One bit, "A7" is the highest of A, as a bool."""
    return Field(path, _at(bit), 1, lambda raw: bool(raw >> int(bit[1]) & 1))


def text(path: str, where: str, texts: dict[int, str], mask: int = 0xFF) -> Field:
    """An enumeration; None for a number that J1979 leaves open."""
    return Field(path, _at(where), 1, lambda raw: texts.get(raw & mask))


def _at(where: str) -> int:
    return ord(where[0]) - ord("A")


def _condition(when: str) -> Condition | None:
    if not when:
        return None
    is_set, _, is_clear = when.partition("!")
    wanted = 1 << int(is_set[1])
    return Condition(_at(is_set), wanted | (1 << int(is_clear[1]) if is_clear else 0), wanted)


def percent(path: str, where: str, when: str = "") -> Field:
    return number(path, where, 100, 255, when=when)


def trim(path: str, where: str) -> Field:
    """A fuel trim, −100 % (too rich) … +99.2 % (too lean)."""
    return number(path, where, 100, 128, -100)


def celsius(path: str, where: str, when: str = "") -> Field:
    return number(path, where, add=-40, when=when)


def o2_trim(path: str, where: str) -> Field:
    """A trim of an oxygen sensor, where FF says that the sensor is not used for trimming."""
    return Field(path, _at(where), 1, lambda raw: None if raw == 0xFF else raw * 100 / 128 - 100)


def egr_celsius(path: str, where: str, bit: int) -> tuple[Field, Field]:
    """A temperature of PID 6B: 1 °C per bit where bit `bit` of A says so, 4 °C where bit + 4 does; both set say nothing."""
    narrow, wide = f"A{bit}", f"A{bit + 4}"
    return number(path, where, add=-40, when=f"{narrow}!{wide}"), number(path, where, 4, add=-40, when=f"{wide}!{narrow}")


# fmt: off
FUEL_SYSTEM = {0: "OFF", 1: "OL", 2: "CL", 4: "OL-Drive", 8: "OL-Fault", 16: "CL-Fault"}  # two bits set are no status
SECONDARY_AIR = {1: "UPS", 2: "DNS", 4: "OFF", 8: "DIAG"}
IGNITION = {0: "SPARK", 8: "COMPRESSION"}
OBD_STANDARD = {
    1: "OBD II", 2: "OBD", 3: "OBD & OBD II", 4: "OBD I", 5: "NO OBD", 6: "EOBD", 7: "EOBD & OBD II", 8: "EOBD & OBD",
    9: "EOBD, OBD, OBD II", 10: "JOBD", 11: "JOBD & OBD II", 12: "JOBD & EOBD", 13: "JOBD, EOBD, OBD II",
    14: "EURO IV B1", 15: "EURO V B2", 16: "EURO C", 17: "EMD", 18: "EMD+", 19: "HD OBD-C", 20: "HD OBD", 21: "WWH OBD",
    23: "HD EOBD-I", 24: "HD EOBD-I N", 25: "HD EOBD-II", 26: "HD EOBD-II N", 28: "OBDBr-1", 29: "OBDBr-2", 30: "KOBD",
}
FUEL_TYPE = {  # 23 has been bi-fuel diesel and natural gas in turn: unknown
    1: "GAS", 2: "METH", 3: "ETH", 4: "DSL", 5: "LPG", 6: "CNG", 7: "PROP", 8: "ELEC", 9: "BI_GAS", 10: "BI_METH",
    11: "BI_ETH", 12: "BI_LPG", 13: "BI_CNG", 14: "BI_PROP", 15: "BI_ELEC", 16: "BI_MIX", 17: "HYB_GAS", 18: "HYB_ETH",
    19: "HYB_DSL", 20: "HYB_ELEC", 21: "HYB_MIX", 22: "HYB_REG", 24: "BI_NG", 25: "BI_DSL",
}
# fmt: on

PIDS: tuple[Pid, ...] = (
    *(Pid(pid, 4) for pid in (0x00, 0x20, 0x40, 0x60, 0x80, 0xA0, 0xC0)),  # which PIDs are there: known, no sample
    Pid(
        0x01,
        4,
        (
            flag(OBD + "IsMILOn", "A7"),
            integer(OBD + "DTCCount", "A", 0, 7),
            text(OBD + "IgnitionType", "B", IGNITION, mask=0x08),
            integer(OBD + "ContinuousMonitorsSupported", "B", 0, 3),  # bits 0–2: misfire, fuel system, components
            integer(OBD + "ContinuousMonitorsIncomplete", "B", 4, 3),
            integer(OBD + "MonitorsSupported", "C"),  # bits 0–7, spark: CAT HCAT EVAP AIR ACRF O2S HTR EGR
            integer(OBD + "MonitorsIncomplete", "D"),
        ),
    ),
    Pid(0x02, 2),
    Pid(0x03, 2, (text(OBD + "FuelSystem1Status", "A", FUEL_SYSTEM), text(OBD + "FuelSystem2Status", "B", FUEL_SYSTEM))),
    Pid(0x04, 1, (percent(OBD + "EngineLoad", "A"),)),
    Pid(0x05, 1, (celsius(signals.COOLANT, "A"),)),
    Pid(0x06, 1, (trim(OBD + "ShortTermFuelTrim1", "A"),), (trim(OBD + "ShortTermFuelTrim3", "B"),)),
    Pid(0x07, 1, (trim(OBD + "LongTermFuelTrim1", "A"),), (trim(OBD + "LongTermFuelTrim3", "B"),)),
    Pid(0x08, 1, (trim(OBD + "ShortTermFuelTrim2", "A"),), (trim(OBD + "ShortTermFuelTrim4", "B"),)),
    Pid(0x09, 1, (trim(OBD + "LongTermFuelTrim2", "A"),), (trim(OBD + "LongTermFuelTrim4", "B"),)),
    Pid(0x0A, 1, (number(OBD + "FuelPressure", "A", 3),)),
    Pid(0x0B, 1, (number("Vehicle.Powertrain.CombustionEngine.MAP", "A"),)),
    Pid(0x0C, 2, (number(signals.ENGINE_SPEED, "AB", div=4),)),
    Pid(0x0D, 1, (number(signals.SPEED, "A"),)),
    Pid(0x0E, 1, (number(OBD + "TimingAdvance", "A", div=2, add=-64),)),
    Pid(0x0F, 1, (celsius(OBD + "IntakeTemp", "A"),)),
    Pid(0x10, 2, (number(signals.MAF, "AB", div=100),)),
    Pid(0x11, 1, (percent("Vehicle.Powertrain.CombustionEngine.TPS", "A"),)),
    Pid(0x12, 1, (text(OBD + "AirStatus", "A", SECONDARY_AIR),)),
    Pid(0x13, 1, (integer(OBD + "OxygenSensorsIn2Banks", "A"),)),  # bits 0–3: bank 1, sensors 1–4; bits 4–7: bank 2
    *(
        Pid(0x13 + n, 2, (number(f"{OBD}O2Sensor{n}Voltage", "A", div=200), o2_trim(f"{OBD}O2Sensor{n}ShortTermFuelTrim", "B")))
        for n in range(1, 9)
    ),
    Pid(0x1C, 1, (text(OBD + "OBDStandards", "A", OBD_STANDARD),)),
    Pid(0x1D, 1, (integer(OBD + "OxygenSensorsIn4Banks", "A"),)),  # two bits a bank
    Pid(0x1E, 1, (flag(OBD + "IsPTOActive", "A0"),)),
    Pid(0x1F, 2, (number(OBD + "RunTime", "AB"),)),
    Pid(0x21, 2, (number(OBD + "DistanceWithMIL", "AB"),)),
    Pid(0x22, 2, (number(OBD + "FuelRailPressureVac", "AB", 0.079),)),
    Pid(0x23, 2, (number(OBD + "FuelRailPressureDirect", "AB", 10),)),
    *(
        Pid(
            0x23 + n,
            4,
            (number(f"{OBD}O2WRSensor{n}Lambda", "AB", 2, 65536), number(f"{OBD}O2WRSensor{n}Voltage", "CD", 8, 65536)),
        )
        for n in range(1, 9)
    ),
    Pid(0x2C, 1, (percent(OBD + "CommandedEGR", "A"),)),
    Pid(0x2D, 1, (trim(OBD + "EGRError", "A"),)),
    Pid(0x2E, 1, (percent(OBD + "CommandedEVAP", "A"),)),
    Pid(0x2F, 1, (percent(signals.FUEL_LEVEL, "A"),)),
    Pid(0x30, 1, (integer(OBD + "WarmupsSinceDTCClear", "A"),)),
    Pid(0x31, 2, (number(OBD + "DistanceSinceDTCClear", "AB"),)),
    Pid(0x32, 2, (number(OBD + "EVAPVaporPressure", "AB", div=4, signed=True),)),
    Pid(0x33, 1, (number(OBD + "BarometricPressure", "A"),)),
    *(
        Pid(
            0x33 + n,
            4,
            (number(f"{OBD}O2WRSensor{n}Lambda", "AB", 2, 65536), number(f"{OBD}O2WRSensor{n}Current", "CD", div=256, add=-128)),
        )
        for n in range(1, 9)
    ),
    Pid(0x3C, 2, (number(OBD + "CatalystBank1Temperature1", "AB", div=10, add=-40),)),
    Pid(0x3D, 2, (number(OBD + "CatalystBank2Temperature1", "AB", div=10, add=-40),)),
    Pid(0x3E, 2, (number(OBD + "CatalystBank1Temperature2", "AB", div=10, add=-40),)),
    Pid(0x3F, 2, (number(OBD + "CatalystBank2Temperature2", "AB", div=10, add=-40),)),
    Pid(
        0x41,
        4,
        (
            text(OBD + "DriveCycleIgnitionType", "B", IGNITION, mask=0x08),
            integer(OBD + "DriveCycleContinuousMonitorsEnabled", "B", 0, 3),  # bits as in PID 01
            integer(OBD + "DriveCycleContinuousMonitorsIncomplete", "B", 4, 3),
            integer(OBD + "DriveCycleMonitorsEnabled", "C"),
            integer(OBD + "DriveCycleMonitorsIncomplete", "D"),
        ),
    ),
    Pid(0x42, 2, (number("Vehicle.LowVoltageBattery.CurrentVoltage", "AB", div=1000),)),
    Pid(0x43, 2, (number(OBD + "AbsoluteLoad", "AB", 100, 255),)),
    Pid(0x44, 2, (number(signals.LAMBDA, "AB", 2, 65535),)),
    Pid(0x45, 1, (percent(OBD + "RelativeThrottlePosition", "A"),)),
    Pid(0x46, 1, (celsius("Vehicle.Exterior.AirTemperature", "A"),)),
    Pid(0x47, 1, (percent(OBD + "ThrottlePositionB", "A"),)),
    Pid(0x48, 1, (percent(OBD + "ThrottlePositionC", "A"),)),
    Pid(0x49, 1, (percent(OBD + "AcceleratorPositionD", "A"),)),  # a sensor's share of its range: about 15 at rest, so not PEDAL
    Pid(0x4A, 1, (percent(OBD + "AcceleratorPositionE", "A"),)),
    Pid(0x4B, 1, (percent(OBD + "AcceleratorPositionF", "A"),)),
    Pid(0x4C, 1, (percent(OBD + "ThrottleActuator", "A"),)),
    Pid(0x4D, 2, (number(OBD + "RunTimeMIL", "AB"),)),
    Pid(0x4E, 2, (number(OBD + "TimeSinceDTCCleared", "AB"),)),
    Pid(0x4F, 4),
    Pid(0x50, 4),
    Pid(0x51, 1, (text(OBD + "FuelType", "A", FUEL_TYPE),)),
    Pid(0x52, 1, (percent(signals.ETHANOL, "A"),)),
    Pid(0x53, 2, (number(OBD + "EVAPVaporPressureAbsolute", "AB", div=200),)),
    Pid(0x54, 2, (number(OBD + "EVAPVaporPressureAlternate", "AB", signed=True),)),
    Pid(0x55, 1, (trim(OBD + "ShortTermO2Trim1", "A"),), (trim(OBD + "ShortTermO2Trim3", "B"),)),
    Pid(0x56, 1, (trim(OBD + "LongTermO2Trim1", "A"),), (trim(OBD + "LongTermO2Trim3", "B"),)),
    Pid(0x57, 1, (trim(OBD + "ShortTermO2Trim2", "A"),), (trim(OBD + "ShortTermO2Trim4", "B"),)),
    Pid(0x58, 1, (trim(OBD + "LongTermO2Trim2", "A"),), (trim(OBD + "LongTermO2Trim4", "B"),)),
    Pid(0x59, 2, (number(OBD + "FuelRailPressureAbsolute", "AB", 10),)),
    Pid(0x5A, 1, (percent(signals.PEDAL, "A"),)),  # relative: 0 at rest
    Pid(0x5B, 1, (percent(OBD + "HybridBatteryRemaining", "A"),)),
    Pid(0x5C, 1, (celsius("Vehicle.Powertrain.CombustionEngine.EngineOil.Temperature", "A"),)),
    Pid(0x5D, 2, (number(OBD + "FuelInjectionTiming", "AB", div=128, add=-210),)),
    Pid(0x5E, 2, (number(signals.FUEL_RATE, "AB", div=20),)),
    Pid(0x5F, 1),
    Pid(0x61, 1, (number(OBD + "DemandedTorque", "A", add=-125),)),
    Pid(0x62, 1, (number(OBD + "ActualTorque", "A", add=-125),)),
    Pid(0x63, 2, (number(OBD + "ReferenceTorque", "AB"),)),
    Pid(
        0x64,
        5,
        (
            number(OBD + "TorqueAtIdle", "A", add=-125),
            *(number(f"{OBD}TorqueAtPoint{n}", "ABCDE"[n - 1], add=-125) for n in range(2, 6)),
        ),
    ),
    Pid(0x65, 2),
    Pid(
        0x66,
        5,
        (
            number(signals.MAF, "BC", div=32, when="A0!A1"),  # of two sensors neither is the engine's air
            number(OBD + "MAFSensorA", "BC", div=32, when="A0"),
            number(OBD + "MAFSensorB", "DE", div=32, when="A1"),
        ),
    ),
    Pid(0x67, 3, (celsius(signals.COOLANT, "B", when="A0"), celsius(OBD + "CoolantTemperature2", "C", when="A1"))),
    Pid(0x69, 7),
    Pid(
        0x6B,
        5,
        (
            *egr_celsius(OBD + "EGRBank1Temperature1", "B", 0),
            *egr_celsius(OBD + "EGRBank1Temperature2", "C", 1),
            *egr_celsius(OBD + "EGRBank2Temperature1", "D", 2),
            *egr_celsius(OBD + "EGRBank2Temperature2", "E", 3),
        ),
    ),
    Pid(
        0x6C,
        5,
        (
            percent(OBD + "ThrottleActuatorA", "B", when="A0"),
            percent(OBD + "RelativeThrottlePositionA", "C", when="A1"),
            percent(OBD + "ThrottleActuatorB", "D", when="A2"),
            percent(OBD + "RelativeThrottlePositionB", "E", when="A3"),
        ),
    ),
    Pid(0x6D, 11),
    Pid(
        0x72,
        5,
        (
            percent(OBD + "CommandedWastegateA", "B", when="A0"),
            percent(OBD + "WastegateA", "C", when="A1"),
            percent(OBD + "CommandedWastegateB", "D", when="A2"),
            percent(OBD + "WastegateB", "E", when="A3"),
        ),
    ),
    Pid(0x7F, 13),
    Pid(0x84, 1, (celsius(OBD + "ManifoldSurfaceTemperature", "A"),)),
    Pid(0x8D, 1, (percent(OBD + "ThrottlePositionG", "A"),)),
    Pid(0x8E, 1, (number(OBD + "FrictionTorque", "A", add=-125),)),
    Pid(0x9A, 6),
    Pid(0x9D, 4, (number(signals.FUEL_MASS_RATE, "AB", div=50), number(OBD + "VehicleFuelMassRate", "CD", div=50))),
    Pid(0x9E, 2, (number(OBD + "ExhaustFlowRate", "AB", div=5),)),
    Pid(0xA2, 2, (number(OBD + "CylinderFuelRate", "AB", div=32),)),
    Pid(0xA6, 4, (number(signals.ODOMETER, "ABCD", 100),)),  # 0.1 km a count; VSS counts metres
)


def reader(fields: tuple[Field, ...]) -> Reader:
    """What turns a PID's bytes into samples; the frequent shapes, one signal of one or two bytes, have one of their own."""
    if len(fields) == 1 and fields[0].when is None:
        path, at, size, value, _ = fields[0]
        if size == 1:
            return _byte_reader(path, at, _Values(value))
        if size == 2:
            return lambda t_ns, data, i: [(t_ns, path, value(data[i + at] << 8 | data[i + at + 1]))]
    return _fields_reader(fields)


class _Values(dict[int, Value]):
    """A byte → its value, worked out when it is first heard: all of them for all PIDs would be 0.4 MiB."""

    def __init__(self, value: Callable[[int], Value]) -> None:
        self.value = value

    def __missing__(self, raw: int) -> Value:
        self[raw] = self.value(raw)
        return self[raw]


def _byte_reader(path: str, at: int, values: _Values) -> Reader:
    return lambda t_ns, data, i: [(t_ns, path, values[data[i + at]])]


def _fields_reader(fields: tuple[Field, ...]) -> Reader:
    def read(t_ns: int, data: bytes, i: int) -> list[Sample]:
        return [
            (t_ns, path, value(int.from_bytes(data[i + at : i + at + size], "big")))
            for path, at, size, value, when in fields
            if when is None or data[i + when.at] & when.mask == when.wanted
        ]

    return read


READERS: dict[int, tuple[int, Reader]] = {row.pid: (row.length, reader(row.fields)) for row in PIDS}
"""PID → (length in bytes, reader)."""

BOTH_BANKS: dict[int, tuple[int, Reader]] = {
    row.pid: (row.length + 1, reader(row.fields + row.other_bank)) for row in PIDS if row.other_bank
}
"""The same for PIDs that bring banks 3 and 4 along in one more byte. Only the answer's end tells which it is."""
