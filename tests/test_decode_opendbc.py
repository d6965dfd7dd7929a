"""Property: every signal of every message of every DBC at hand decodes as cantools decodes it, or both refuse.

The DBCs: ours, opendbc's 58 (as data out of its wheel, pinned by hash, never installed) and a Tesla's. Raw decoding only,
by "MESSAGE.SIGNAL" names: what is unknown or implausible is agent/signals.py's matter.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cantools
import pytest
from cantools.database.can import Message, Signal
from cantools.database.conversion import BaseConversion

from agent.config import ConfigError
from agent.decode import Decoder, Plan
from agent.io.dbc import compile_plan, load
from agent.io.plans import DbcFile, Request, load_plan
from agent.io.vehicles import find_vehicle
from agent.model import Frame, Value
from agent.signals import SIGNALS
from agent.vehicle import Vehicle
from hil.opendbc import OpendbcError, dbc_files
from tests.conftest import ROOT, absent

OPENDBC_FILES = 58
OPENDBC_UNREADABLE = {  # by cantools 45.1, strict or not; more would be our loss
    "chrysler_cusw.dbc",
    "fca_giorgio.dbc",
    "gm_global_a_lowspeed.dbc",
    "hyundai_kia_generic.dbc",
    "mazda_2017.dbc",
    "psa_aee2010_r3.dbc",
    "rivian_primary_actuator.dbc",
    "tesla_can.dbc",
    "toyota_2017_ref_pt.dbc",
    "toyota_radar_dsu_tssp.dbc",
    "vw_meb.dbc",
    "vw_mqbevo.dbc",
}
RANDOM_PAYLOADS = 3  # a message, beside all zeros and all ones
PAGES_TRIED = 8  # of a multiplexer


def opendbc_files() -> dict[str, bytes]:
    """All of them; a test that asks is skipped, or fails with CI=true, when the wheel is not to be had."""
    try:
        return dbc_files()
    except OpendbcError as e:
        absent(str(e))


def test_ours() -> None:
    files = [DbcFile(path.name, path.read_bytes()) for path in sorted((ROOT / "dbc").glob("*.dbc"))]
    assert files
    for file in files:
        assert check(file) > 0


def test_opendbc() -> None:
    files = opendbc_files()
    assert len(files) == OPENDBC_FILES
    unreadable = set()
    checked = 0
    for name, body in files.items():
        try:
            checked += check(DbcFile(name, body))
        except Unreadable:
            unreadable.add(name)
    assert unreadable <= OPENDBC_UNREADABLE
    assert checked > 60_000


def test_tesla_with_pages(drives: Path) -> None:
    assert check(DbcFile("Model3CAN.dbc", (drives / "Model3CAN.dbc").read_bytes())) > 10_000


def test_a_large_vehicle_through_a_profile(tmp_path: Path) -> None:
    """opendbc's largest DBC as somebody's vehicle: a handful of signals, mapped by a profile of ours."""
    body = opendbc_files()["ford_lincoln_base_pt.dbc"]
    (tmp_path / "ford_lincoln_base_pt.dbc").write_bytes(body)
    (tmp_path / "ford.toml").write_text(FORD)
    vehicle, profile = find_vehicle("ford", tmp_path)
    plan = load_plan(vehicle, profile, SIGNALS, tmp_path / "cache")
    assert {(m.name, *(r.path for r in m.readings)) for m in plan.messages} == {
        ("BrakeSysFeatures", "Vehicle.Speed"),
        ("EngVehicleSpThrottle", "Vehicle.Chassis.Accelerator.PedalPosition", "Vehicle.Powertrain.CombustionEngine.Speed"),
        ("Cluster_Info1_FD1", "Vehicle.TraveledDistance"),
        ("BodyInfo_3_FD1", "Vehicle.LowVoltageSystemState"),
    }
    decoder = Decoder(plan)

    def sent(message: str, **signals: float) -> list[Value]:
        dbc = load(DbcFile("ford", body)).get_message_by_name(message)
        payload = dbc.encode({s.name: signals.get(s.name, s.raw_initial or 0) for s in dbc.signals}, strict=False, scaling=False)
        return [value for _, _, value in decoder.feed([Frame(dbc.frame_id, False, payload, "can0", 0)])]

    assert sent("BrakeSysFeatures", Veh_V_ActlBrk=8_765) == [87.65]
    assert sent("BodyInfo_3_FD1", Ignition_Status=4) == ["ON"]
    assert sent("BodyInfo_3_FD1", Ignition_Status=15) == [None]
    assert sent("Cluster_Info1_FD1", OdometerMasterValue=123_456) == [123_456_000]
    assert sent("Cluster_Info1_FD1", OdometerMasterValue=0xFFFFFF) == [None]  # all ones, and its max is 16777214


FORD = """
name = "Ford"
dbc = ["ford_lincoln_base_pt.dbc"]
[bus.can0]
bitrate = 500_000
[signals."Vehicle.Speed"]
source = "BrakeSysFeatures.Veh_V_ActlBrk"
[signals."Vehicle.Powertrain.CombustionEngine.Speed"]
source = "EngVehicleSpThrottle.EngAout_N_Actl"
[signals."Vehicle.Chassis.Accelerator.PedalPosition"]
source = "EngVehicleSpThrottle.ApedPos_Pc_ActlArb"
[signals."Vehicle.TraveledDistance"]
source = "Cluster_Info1_FD1.OdometerMasterValue"
scale = 1000
[signals."Vehicle.LowVoltageSystemState"]
source = "BodyInfo_3_FD1.Ignition_Status"
values = { Off = "OFF", Accessory = "ACC", Run = "ON", Start = "START" }
[ignition]
source = "signal"
"""


class Unreadable(Exception):
    """cantools cannot read this file."""


def check(file: DbcFile) -> int:
    """Compare every message of a file; the number of values compared."""
    try:
        database = load(file)
    except ConfigError:
        raise Unreadable from None
    names = tuple(name for message in database.messages for name in fitting(file, message))
    plan = compile_plan(Request("x", "x.toml", Vehicle("x"), (file,), names))
    decoders = {m.name: Decoder(Plan("x", (m,))) for m in plan.messages}
    return sum(check_message(file, message, decoders[message.name]) for message in database.messages if message.name in decoders)


def check_message(file: DbcFile, message: Any, decoder: Decoder) -> int:
    compared = 0
    for payload in payloads(message):
        samples = decoder.feed([Frame(message.frame_id, message.is_extended_frame, payload, "can0", 0)])
        ours: dict[str, Value] = {path: value for _, path, value in samples}
        theirs = {f"{message.name}.{name}": value for name, value in reference(message, payload).items()}
        assert ours.keys() == theirs.keys(), f"{file.name} {message.name} {payload.hex()}"
        for name, value in ours.items():
            assert same(value, theirs[name]), f"{file.name} {name} {payload.hex()}: ours {value!r}, cantools' {theirs[name]!r}"
        compared += len(ours)
    return compared


def same(ours: Value, theirs: Any) -> bool:
    if isinstance(ours, str) or not isinstance(theirs, int | float):
        return ours == str(theirs)  # a choice; never cantools' own type
    if isinstance(theirs, float) and math.isnan(theirs):
        return isinstance(ours, float) and math.isnan(ours)
    return isinstance(ours, int | float) and math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)


# -- what cantools says ------------------------------------------------------------------------------


@cache
def is_sound(message: Any) -> bool:
    """Whether no signals overlap and all fit; else cantools takes the wrong bits, and each signal is asked for alone."""
    try:
        message.refresh(strict=True)
    except cantools.Error:
        return False
    return True


def fitting(file: DbcFile, message: Any) -> Iterator[str]:
    """The names of the signals that cantools can take out at all; the others we have to refuse when planning."""
    multiplexers = {s.name for s in message.signals if s.is_multiplexer}
    for signal in message.signals:
        name = f"{message.name}.{signal.name}"
        has_page = signal.multiplexer_signal is None or signal.multiplexer_signal in multiplexers
        if has_page and (is_sound(message) or decoded(alone(message, signal), bytes(message.length)) is not None):
            yield name
        else:
            with pytest.raises(ConfigError, match=f"{signal.name} (ends in byte|is on a page)"):
                compile_plan(Request("x", "x.toml", Vehicle("x"), (file,), (name,)))


def decoded(message: Any, payload: bytes) -> dict[str, Any] | None:
    """cantools' values; {} on a page that it does not know, None when it cannot take the signals out."""
    try:
        return dict(message.decode(payload))
    except cantools.database.errors.DecodeError as e:
        return {} if "expected multiplexer id" in str(e) else None


def reference(message: Any, payload: bytes) -> dict[str, Any]:
    if is_sound(message):
        return decoded(message, payload) or {}
    values: dict[str, Any] = {}
    for signal in message.signals:
        found = decoded(alone(message, signal), payload) or {}
        if signal.name in found and signal.is_multiplexer:  # `with_pages` has given it names
            raw = alone(message, signal).get_signal_by_name(signal.name).conversion.choice_to_number(str(found[signal.name]))
            values[signal.name] = signal.conversion.raw_to_scaled(raw)
        elif signal.name in found:
            values[signal.name] = found[signal.name]
    return values


@cache
def alone(message: Any, signal: Any) -> Any:
    """The message with this signal only, and the multiplexers, each with all its pages."""
    signals = [with_pages(message, s) if s.is_multiplexer else s for s in message.signals if s.is_multiplexer or s is signal]
    return Message(
        message.frame_id, message.name, message.length, signals, is_extended_frame=message.is_extended_frame, strict=False
    )


def with_pages(message: Any, multiplexer: Any) -> Any:
    """A multiplexer whose pages all have a name: how cantools knows of pages without signals."""
    pages = {page for s in message.signals if s.multiplexer_signal == multiplexer.name for page in s.multiplexer_ids}
    names = {page: str(page) for page in pages} | dict(multiplexer.choices or {})
    return Signal(
        multiplexer.name,
        multiplexer.start,
        multiplexer.length,
        multiplexer.byte_order,
        multiplexer.is_signed,
        conversion=BaseConversion.factory(choices=names),
        is_multiplexer=True,
        multiplexer_ids=multiplexer.multiplexer_ids,
        multiplexer_signal=multiplexer.multiplexer_signal,
    )


# -- payloads ------------------------------------------------------------------------------------------


def payloads(message: Any) -> Iterator[bytes]:
    """All zeros, all ones, random ones, one too short, one too long; of a multiplexed message, random ones of each page."""
    length, chance = message.length, random.Random(message.name)
    yield from (bytes(length), b"\xff" * length, *(chance.randbytes(length) for _ in range(RANDOM_PAYLOADS)))
    yield chance.randbytes(length - 1)
    yield chance.randbytes(length + 1)
    for multiplexer in (s for s in message.signals if s.is_multiplexer):
        pages = sorted({page for s in message.signals if s.multiplexer_signal == multiplexer.name for page in s.multiplexer_ids})
        for page in chance.sample(pages, min(PAGES_TRIED, len(pages))):
            payload = bytearray(chance.randbytes(length))
            for parent in (s for s in message.signals if s.name == multiplexer.multiplexer_signal):
                put(payload, parent, multiplexer.multiplexer_ids[0])
            put(payload, multiplexer, page)
            yield bytes(payload)


def put(payload: bytearray, signal: Any, raw: int) -> None:
    """Write a raw number bit by bit, lowest first."""
    position = (
        signal.start
        if signal.byte_order == "little_endian"
        else 8 * (signal.start // 8) + 7 - signal.start % 8 + signal.length - 1
    )
    for i in range(signal.length):
        at = position + i if signal.byte_order == "little_endian" else position - i
        bit = 1 << (at % 8 if signal.byte_order == "little_endian" else 7 - at % 8)
        payload[at // 8] = payload[at // 8] & ~bit | bit * (raw >> i & 1)
