"""Service-01 PIDs: one example each, worked out by hand, and the recorded answers of a real car."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import obd_pids, signals
from agent.model import Frame, Value
from agent.obd import Assembler, decode_service01
from agent.obd_pids import OBD, PIDS

ENGINE = "Vehicle.Powertrain.CombustionEngine."
SUPPORT_MASKS = {0x00, 0x20, 0x40, 0x60, 0x80, 0xA0, 0xC0}
LENGTH_ONLY = {0x02, 0x4F, 0x50, 0x5F, 0x65, 0x69, 0x6D, 0x7F, 0x9A}

# One row for each PID that has signals: the bytes after the PID, the values worked out by hand.
Row = tuple[int, str, Mapping[str, Value]]
EXAMPLES: list[Row] = [
    (
        0x01,
        "83 6F E5 81",
        {
            OBD + "IsMILOn": True,
            OBD + "DTCCount": 3,
            OBD + "IgnitionType": "COMPRESSION",
            OBD + "ContinuousMonitorsSupported": 7,
            OBD + "ContinuousMonitorsIncomplete": 6,
            OBD + "MonitorsSupported": 0xE5,
            OBD + "MonitorsIncomplete": 0x81,
        },
    ),
    (0x03, "02 04", {OBD + "FuelSystem1Status": "CL", OBD + "FuelSystem2Status": "OL-Drive"}),
    (0x03, "03 00", {OBD + "FuelSystem1Status": None, OBD + "FuelSystem2Status": "OFF"}),
    (0x04, "33", {OBD + "EngineLoad": 20}),
    (0x05, "7B", {signals.COOLANT: 83}),
    (0x06, "60", {OBD + "ShortTermFuelTrim1": -25}),
    (0x06, "60 A0", {OBD + "ShortTermFuelTrim1": -25, OBD + "ShortTermFuelTrim3": 25}),
    (0x07, "A0", {OBD + "LongTermFuelTrim1": 25}),
    (0x08, "00", {OBD + "ShortTermFuelTrim2": -100}),
    (0x09, "80 60", {OBD + "LongTermFuelTrim2": 0, OBD + "LongTermFuelTrim4": -25}),
    (0x0A, "64", {OBD + "FuelPressure": 300}),
    (0x0B, "63", {ENGINE + "MAP": 99}),
    (0x0C, "1A F8", {signals.ENGINE_SPEED: 1726}),
    (0x0D, "32", {signals.SPEED: 50}),
    (0x0D, "FF", {signals.SPEED: 255}),
    (0x0E, "81", {OBD + "TimingAdvance": 0.5}),
    (0x0F, "00", {OBD + "IntakeTemp": -40}),
    (0x10, "01 F4", {signals.MAF: 5}),
    (0x11, "CC", {ENGINE + "TPS": 80}),
    (0x12, "04", {OBD + "AirStatus": "OFF"}),
    (0x13, "33", {OBD + "OxygenSensorsIn2Banks": 0x33}),
    *((0x13 + n, "5A 60", {f"{OBD}O2Sensor{n}Voltage": 0.45, f"{OBD}O2Sensor{n}ShortTermFuelTrim": -25}) for n in range(1, 9)),
    (0x14, "5A FF", {OBD + "O2Sensor1Voltage": 0.45, OBD + "O2Sensor1ShortTermFuelTrim": None}),
    (0x1C, "03", {OBD + "OBDStandards": "OBD & OBD II"}),
    (0x1D, "33", {OBD + "OxygenSensorsIn4Banks": 0x33}),
    (0x1E, "01", {OBD + "IsPTOActive": True}),
    (0x1F, "01 2C", {OBD + "RunTime": 300}),
    (0x21, "00 64", {OBD + "DistanceWithMIL": 100}),
    (0x22, "03 E8", {OBD + "FuelRailPressureVac": 79}),
    (0x23, "01 AA", {OBD + "FuelRailPressureDirect": 4260}),
    *((0x23 + n, "80 00 20 00", {f"{OBD}O2WRSensor{n}Lambda": 1, f"{OBD}O2WRSensor{n}Voltage": 1}) for n in range(1, 9)),
    (0x2C, "33", {OBD + "CommandedEGR": 20}),
    (0x2D, "60", {OBD + "EGRError": -25}),
    (0x2E, "66", {OBD + "CommandedEVAP": 40}),
    (0x2F, "99", {signals.FUEL_LEVEL: 60}),
    (0x30, "0D", {OBD + "WarmupsSinceDTCClear": 13}),
    (0x31, "06 83", {OBD + "DistanceSinceDTCClear": 1667}),
    (0x32, "FF F8", {OBD + "EVAPVaporPressure": -2}),
    (0x33, "61", {OBD + "BarometricPressure": 97}),
    *((0x33 + n, "40 00 7F 00", {f"{OBD}O2WRSensor{n}Lambda": 0.5, f"{OBD}O2WRSensor{n}Current": -1}) for n in range(1, 9)),
    (0x3C, "10 68", {OBD + "CatalystBank1Temperature1": 380}),
    (0x3D, "01 90", {OBD + "CatalystBank2Temperature1": 0}),
    (0x3E, "01 91", {OBD + "CatalystBank1Temperature2": 0.1}),
    (0x3F, "00 00", {OBD + "CatalystBank2Temperature2": -40}),
    (
        0x41,
        "00 27 C4 E5",
        {
            OBD + "DriveCycleIgnitionType": "SPARK",
            OBD + "DriveCycleContinuousMonitorsEnabled": 7,
            OBD + "DriveCycleContinuousMonitorsIncomplete": 2,
            OBD + "DriveCycleMonitorsEnabled": 0xC4,
            OBD + "DriveCycleMonitorsIncomplete": 0xE5,
        },
    ),
    (0x42, "39 09", {"Vehicle.LowVoltageBattery.CurrentVoltage": 14.601}),
    (0x43, "01 FE", {OBD + "AbsoluteLoad": 200}),
    (0x44, "FF FF", {signals.LAMBDA: 2}),
    (0x45, "33", {OBD + "RelativeThrottlePosition": 20}),
    (0x46, "32", {"Vehicle.Exterior.AirTemperature": 10}),
    (0x47, "33", {OBD + "ThrottlePositionB": 20}),
    (0x48, "33", {OBD + "ThrottlePositionC": 20}),
    (0x49, "33", {OBD + "AcceleratorPositionD": 20}),
    (0x4A, "33", {OBD + "AcceleratorPositionE": 20}),
    (0x4B, "33", {OBD + "AcceleratorPositionF": 20}),
    (0x4C, "33", {OBD + "ThrottleActuator": 20}),
    (0x4D, "00 3C", {OBD + "RunTimeMIL": 60}),
    (0x4E, "01 00", {OBD + "TimeSinceDTCCleared": 256}),
    (0x51, "04", {OBD + "FuelType": "DSL"}),
    (0x51, "17", {OBD + "FuelType": None}),
    (0x52, "33", {signals.ETHANOL: 20}),
    (0x53, "4C 49", {OBD + "EVAPVaporPressureAbsolute": 97.645}),
    (0x54, "FC C8", {OBD + "EVAPVaporPressureAlternate": -824}),
    (0x54, "80 00", {OBD + "EVAPVaporPressureAlternate": -32_768}),
    (0x54, "7F FF", {OBD + "EVAPVaporPressureAlternate": 32_767}),
    (0x55, "60 A0", {OBD + "ShortTermO2Trim1": -25, OBD + "ShortTermO2Trim3": 25}),
    (0x56, "60", {OBD + "LongTermO2Trim1": -25}),
    (0x57, "60", {OBD + "ShortTermO2Trim2": -25}),
    (0x58, "60", {OBD + "LongTermO2Trim2": -25}),
    (0x59, "00 64", {OBD + "FuelRailPressureAbsolute": 1000}),
    (0x5A, "CC", {signals.PEDAL: 80}),
    (0x5B, "CC", {OBD + "HybridBatteryRemaining": 80}),
    (0x5C, "7B", {ENGINE + "EngineOil.Temperature": 83}),
    (0x5D, "69 00", {OBD + "FuelInjectionTiming": 0}),
    (0x5E, "00 FF", {signals.FUEL_RATE: 12.75}),
    (0x61, "7D", {OBD + "DemandedTorque": 0}),
    (0x62, "7C", {OBD + "ActualTorque": -1}),
    (0x63, "02 EE", {OBD + "ReferenceTorque": 750}),
    (
        0x64,
        "7D 7E 7F 80 81",
        {OBD + "TorqueAtIdle": 0} | {f"{OBD}TorqueAtPoint{n}": n - 1 for n in range(2, 6)},
    ),
    (0x66, "01 01 40 00 00", {signals.MAF: 10, OBD + "MAFSensorA": 10}),
    (0x66, "03 01 40 00 A0", {OBD + "MAFSensorA": 10, OBD + "MAFSensorB": 5}),  # the engine's air is in neither
    (0x66, "00 01 40 00 A0", {}),
    (0x67, "01 7B 00", {signals.COOLANT: 83}),
    (0x67, "02 00 7B", {OBD + "CoolantTemperature2": 83}),
    (0x6B, "41 40 00 10 00", {OBD + "EGRBank1Temperature1": 24, OBD + "EGRBank2Temperature1": 24}),  # 1 and 4 °C a count
    (0x6B, "82 00 40 00 FF", {OBD + "EGRBank1Temperature2": 24, OBD + "EGRBank2Temperature2": 980}),
    (0x6B, "11 40 00 00 00", {}),  # both scales claimed: neither is believed
    (0x6C, "05 33 33 66 66", {OBD + "ThrottleActuatorA": 20, OBD + "ThrottleActuatorB": 40}),
    (0x6C, "0A 33 33 66 66", {OBD + "RelativeThrottlePositionA": 20, OBD + "RelativeThrottlePositionB": 40}),
    (
        0x72,
        "0F 33 66 99 CC",
        {OBD + "CommandedWastegateA": 20, OBD + "WastegateA": 40, OBD + "CommandedWastegateB": 60, OBD + "WastegateB": 80},
    ),
    (0x84, "7B", {OBD + "ManifoldSurfaceTemperature": 83}),
    (0x8D, "33", {OBD + "ThrottlePositionG": 20}),
    (0x8E, "83", {OBD + "FrictionTorque": 6}),
    (0x9D, "00 0F 01 5E", {signals.FUEL_MASS_RATE: 0.3, OBD + "VehicleFuelMassRate": 7}),
    (0x9E, "01 6D", {OBD + "ExhaustFlowRate": 73}),
    (0xA2, "03 20", {OBD + "CylinderFuelRate": 25}),
    (0xA6, "00 12 FF 08", {signals.ODOMETER: 124_493_600}),  # metres
]


def answer(pid: int, data: str) -> bytes:
    return bytes((0x41, pid)) + bytes.fromhex(data)


# ── the table ──


@pytest.mark.parametrize(("pid", "data", "expected"), EXAMPLES)
def test_values_of_a_pid(pid: int, data: str, expected: Mapping[str, Value]) -> None:
    ((got_pid, values),) = decode_service01(answer(pid, data))
    assert (got_pid, set(values)) == (pid, set(expected))
    for path, value in expected.items():
        if isinstance(value, bool | str | None):
            assert values[path] is value or (values[path] == value and isinstance(value, str)), path
        else:
            assert values[path] == pytest.approx(value, rel=1e-9), path


@pytest.mark.parametrize(("pid", "data", "expected"), EXAMPLES)
def test_in_a_frame_it_is_the_same(pid: int, data: str, expected: Mapping[str, Value]) -> None:
    message, assembler = answer(pid, data), Assembler()
    samples = assembler.feed(Frame(0x7E8, False, bytes((len(message),)) + message, "can0", 7))
    assert samples == [(7, path, value) for path, value in decode_service01(message)[0][1].items()]
    assert assembler.counts == {}


def test_every_pid_has_its_example() -> None:
    assert len({row.pid for row in PIDS}) == len(PIDS)
    assert {row.pid for row in PIDS if row.fields} == {pid for pid, _, _ in EXAMPLES}
    assert {row.pid for row in PIDS if not row.fields} == SUPPORT_MASKS | LENGTH_ONLY
    assert {len(bytes.fromhex(data)) - row.length for row in PIDS for pid, data, _ in EXAMPLES if pid == row.pid} == {0, 1}


def test_every_signal_is_in_the_table_of_signals() -> None:
    paths = {field.path for row in PIDS for field in row.fields + row.other_bank}
    assert paths <= set(signals.SIGNALS)
    assert {path for path in signals.SIGNALS if path.startswith(OBD)} <= paths | signals.FREE_TEXTS


def test_every_raw_number_gives_a_plausible_value_or_none() -> None:
    for row in PIDS:
        for raw in (b"\x00", b"\x01", b"\x5a", b"\x7f", b"\x80", b"\xff"):
            for _, values in decode_service01(answer(row.pid, (raw * row.length).hex())):
                for path, value in values.items():
                    if isinstance(value, float | int):
                        assert signals.plausible(path, value), (hex(row.pid), path, value)


def test_out_of_range_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(signals.SIGNALS, "Vehicle.Test", signals.Signal("", 10, 20))
    for where, raw in (("A", b"\x0f"), ("AB", b"\x00\x0f")):
        read = obd_pids.reader((obd_pids.number("Vehicle.Test", where),))
        assert read(3, raw, 0) == [(3, "Vehicle.Test", 15)]
        assert read(3, b"\x00\x09"[-len(raw) :], 0) == [(3, "Vehicle.Test", None)]
        assert read(3, b"\xff\xff"[-len(raw) :], 0) == [(3, "Vehicle.Test", None)]


@given(st.lists(st.sampled_from(EXAMPLES), min_size=1, max_size=6))
def test_several_pids_are_each_alone(rows: list[Row]) -> None:
    lengths = {row.pid: row.length for row in PIDS}
    rows = [(pid, data, expected) for pid, data, expected in rows if len(bytes.fromhex(data)) == lengths[pid]]
    message = b"\x41" + b"".join(answer(pid, data)[1:] for pid, data, _ in rows)
    assert decode_service01(message) == [decode_service01(answer(pid, data))[0] for pid, data, _ in rows]


# ── 739 recorded answers of a Ford F-150 ──

Look = Callable[[dict[str, Value]], object]


def at(path: str, times: float = 1) -> Look:
    def look(values: dict[str, Value]) -> object:
        value = values.get(path)
        return value * times if isinstance(value, float | int) else value

    return look


def bit(path: str, n: int) -> Look:
    def look(values: dict[str, Value]) -> object:
        value = values[path]
        assert isinstance(value, int)
        return value >> n & 1

    return look


def there(path: str) -> Look:
    return lambda values: int(path in values)


def monitors(prefix: str, enabled: str, incomplete: str, names: dict[str, int]) -> dict[str, Look]:
    return {f"{name}{enabled}": bit(prefix, n) for name, n in names.items()} | {
        f"{name}{incomplete}": bit(prefix.replace("Supported", "Incomplete").replace("Enabled", "Incomplete"), n)
        for name, n in names.items()
    }


NON_CONTINUOUS = {"CAT_": 0, "HCAT_": 1, "EVAP_": 2, "AIR_": 3, "ACRF_": 4, "O2S_": 5, "HTR_": 6, "EGR_": 7}
CONTINUOUS = {"MIS_": 0, "FUEL_": 1, "CCM_": 2}
EGR_SENSORS = {"A": "Bank1Temperature1", "B": "Bank2Temperature1", "C": "Bank1Temperature2", "D": "Bank2Temperature2"}

# The data set's names → where the value is here.
NAMES: dict[str, dict[str, Look]] = {
    "0101": {"MIL": at(OBD + "IsMILOn"), "DTC_CNT": at(OBD + "DTCCount"), "CIM_SUP": at(OBD + "IgnitionType")}
    | monitors(OBD + "ContinuousMonitorsSupported", "SUP", "RDY", CONTINUOUS)
    | monitors(OBD + "MonitorsSupported", "SUP", "RDY", NON_CONTINUOUS),
    "0103": {"FUELSYS1": at(OBD + "FuelSystem1Status"), "FUELSYS2": at(OBD + "FuelSystem2Status")},
    "0104": {"LOAD_PCT": at(OBD + "EngineLoad")},
    "0105": {"ECT": at(signals.COOLANT)},
    "0106": {"SHRTFT1": at(OBD + "ShortTermFuelTrim1")},
    "0107": {"LONGFT1": at(OBD + "LongTermFuelTrim1")},
    "0108": {"SHRTFT2": at(OBD + "ShortTermFuelTrim2")},
    "0109": {"LONGFT2": at(OBD + "LongTermFuelTrim2")},
    "010A": {"FP": at(OBD + "FuelPressure")},
    "010B": {"MAP": at(ENGINE + "MAP")},
    "010C": {"RPM": at(signals.ENGINE_SPEED)},
    "010D": {"VSS": at(signals.SPEED)},
    "010E": {"SPARKADV": at(OBD + "TimingAdvance")},
    "010F": {"IAT": at(OBD + "IntakeTemp")},
    "0110": {"MAF": at(signals.MAF)},
    "0111": {"TP": at(ENGINE + "TPS")},
    "0113": {
        f"O2S{bank}{sensor}_EXISTS": bit(OBD + "OxygenSensorsIn2Banks", 4 * (bank - 1) + sensor - 1)
        for bank in (1, 2)
        for sensor in (1, 2, 3, 4)
    },
    "0115": {"O2S12": at(OBD + "O2Sensor2Voltage"), "SHRTFT11": at(OBD + "O2Sensor2ShortTermFuelTrim")},
    "0119": {"O2S22": at(OBD + "O2Sensor6Voltage"), "SHRTFT22": at(OBD + "O2Sensor6ShortTermFuelTrim")},
    "011C": {"OBDSUP": at(OBD + "OBDStandards")},
    "011F": {"RUNTM": at(OBD + "RunTime")},
    "0121": {"MIL_DIST": at(OBD + "DistanceWithMIL")},
    "0123": {"FRP": at(OBD + "FuelRailPressureDirect")},
    "012E": {"EVAP_PCT": at(OBD + "CommandedEVAP")},
    "012F": {"FLI": at(signals.FUEL_LEVEL)},
    "0130": {"WARM_UPS": at(OBD + "WarmupsSinceDTCClear")},
    "0131": {"CLR_DIST": at(OBD + "DistanceSinceDTCClear")},
    "0133": {"BARO": at(OBD + "BarometricPressure")},
    "0134": {"LAMBDA11_CURRENT": at(OBD + "O2WRSensor1Lambda"), "O2S11_CURRENT": at(OBD + "O2WRSensor1Current")},
    "013C": {"CATEMP11": at(OBD + "CatalystBank1Temperature1")},
    "013D": {"CATEMP21": at(OBD + "CatalystBank2Temperature1")},
    "0141": {"CIM_SUP_FLAG": at(OBD + "DriveCycleIgnitionType")}
    | monitors(OBD + "DriveCycleContinuousMonitorsEnabled", "ENA", "CMPL", CONTINUOUS)
    | monitors(OBD + "DriveCycleMonitorsEnabled", "ENA", "CMPL", NON_CONTINUOUS)
    | {f"{name}CMPL": bit(OBD + "DriveCycleMonitorsIncomplete", n) for name, n in (("EVAP", 2), ("ACRF", 4), ("HCAT", 1))},
    "0142": {"VPWR": at("Vehicle.LowVoltageBattery.CurrentVoltage")},
    "0143": {"LOAD_ABS": at(OBD + "AbsoluteLoad")},
    "0144": {"EQ_RAT": at(signals.LAMBDA)},
    "0145": {"TP_R": at(OBD + "RelativeThrottlePosition")},
    "0146": {"AAT": at("Vehicle.Exterior.AirTemperature")},
    "0147": {"TP_B": at(OBD + "ThrottlePositionB")},
    "0149": {"APP_D": at(OBD + "AcceleratorPositionD")},
    "014A": {"APP_E": at(OBD + "AcceleratorPositionE")},
    "014C": {"TAC_PCT": at(OBD + "ThrottleActuator")},
    "0151": {"FUEL_TYP": at(OBD + "FuelType")},
    "0152": {"ALCH_PCT": at(signals.ETHANOL)},
    "0153": {"EVAP_VPA": at(OBD + "EVAPVaporPressureAbsolute")},
    "0154": {"EVAP_VP_WIDE": at(OBD + "EVAPVaporPressureAlternate", 0.001)},  # Pa here, kPa there
    "0156": {"LGSO2FT1": at(OBD + "LongTermO2Trim1")},
    "0158": {"LGSO2FT2": at(OBD + "LongTermO2Trim2")},
    "015E": {"FUEL_RATE": at(signals.FUEL_RATE)},
    "0162": {"TQ_ACT": at(OBD + "ActualTorque")},
    "0163": {"TQ_REF": at(OBD + "ReferenceTorque")},
    "016B": {f"EGRT{letter}": at(f"{OBD}EGR{where}") for letter, where in EGR_SENSORS.items()}
    | {f"EGRT{letter}_WR_SUP": there(f"{OBD}EGR{where}") for letter, where in EGR_SENSORS.items()},
    "016C": {
        "CTAC_A_SUP": there(OBD + "ThrottleActuatorA"),
        "RTP_A_SUP": there(OBD + "RelativeThrottlePositionA"),
        "CTAC_B_SUP": there(OBD + "ThrottleActuatorB"),
        "RTP_B_SUP": there(OBD + "RelativeThrottlePositionB"),
        "TAC_A_CMD": at(OBD + "ThrottleActuatorA"),
        "TP_A_REL": at(OBD + "RelativeThrottlePositionA"),
        "TAC_B_CMD": at(OBD + "ThrottleActuatorB"),
        "TP_B_REL": at(OBD + "RelativeThrottlePositionB"),
    },
    "0172": {
        name: look
        for letter in "AB"
        for name, look in {
            f"WG_{letter}_CMD": at(f"{OBD}CommandedWastegate{letter}"),
            f"WG_{letter}_ACT": at(f"{OBD}Wastegate{letter}"),
            f"WG_{letter}_CMD_SUP": there(f"{OBD}CommandedWastegate{letter}"),
            f"WG_{letter}_ACT_SUP": there(f"{OBD}Wastegate{letter}"),
        }.items()
    },
    "018E": {"TQ_FR": at(OBD + "FrictionTorque")},
    "019D": {"FUEL_RATE_ALT": at(signals.FUEL_MASS_RATE), "VFUEL_RATE": at(OBD + "VehicleFuelMassRate")},
    "019E": {"EXH_RATE": at(OBD + "ExhaustFlowRate")},
    "01A6": {"ODO": at(signals.ODOMETER, 0.001)},  # metres here, km there
}

# What does not give the expected value: how many answers, and why the value here is right all the same.
NOT_COVERED: dict[tuple[str, str], tuple[int, str]] = {
    ("0115", "SHRTFT11"): (2, "FF says the sensor is not used for trimming: unknown (and −100 + FF·100/128 is no 71.2)"),
    ("0119", "SHRTFT22"): (4, "as 0115 SHRTFT11"),
    ("0134", "LAMBDA11_CURRENT"): (6, "the data set cuts lambda off at 1.99; FF23 … FFFF are 1.993 … 2.000"),
    ("016B", "EGRTB"): (8, "the wide-range bit is set: 4 °C a count (a running engine's 16 °C … 96 °C, not −26 °C … −6 °C)"),
    ("016B", "EGRTA"): (8, "its support bits are clear: no sensor, no value, not −40 °C"),
    ("016B", "EGRTC"): (8, "as 016B EGRTA"),
    ("016B", "EGRTD"): (8, "as 016B EGRTA"),
    **{
        ("016B", f"EGRT{letter}_SUP"): (8, "no signal of its own: a value is there or not, in °C whatever its range")
        for letter in EGR_SENSORS
    },
    ("016C", "TAC_B_CMD"): (2, "its support bit is clear: no value, not 0"),
    ("016C", "TP_B_REL"): (2, "as 016C TAC_B_CMD"),
}
RIGHT_ANSWERS = 717
ROUNDING = 0.5e-5 * (1 + 1e-6)  # `expected` has five decimals


def agrees(got: object, expected: object) -> bool:
    if isinstance(expected, str) or not isinstance(got, float | int):
        return got == expected
    return isinstance(expected, float | int) and abs(got - expected) <= ROUNDING


def test_recorded_answers_of_an_f150(drives: Path) -> None:
    wrong: Counter[tuple[str, str]] = Counter()
    right_answers = 0
    lines = (drives / "f150_service01_cases.jsonl").read_text().splitlines()
    for case in map(json.loads, lines):
        pid, frames = case["pid"], [line.replace(" ", "") for line in case["response"]]
        assembler = Assembler()
        samples = [assembler.feed(Frame(int(line[:3], 16), False, bytes.fromhex(line[3:]), "can0", 0)) for line in frames]
        values = {path: value for _, path, value in chain(*samples)}
        looks = NAMES.get(pid, {})
        bad = [name for name, value in case["expected"].items() if name not in looks or not agrees(looks[name](values), value)]
        assert assembler.counts == {}
        wrong.update((pid, name) for name in bad)
        right_answers += not bad
    assert dict(wrong) == {name: count for name, (count, _) in NOT_COVERED.items()}
    assert (len(lines), right_answers) == (739, RIGHT_ANSWERS)
