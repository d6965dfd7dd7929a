"""DBC and profile → Plan: every feature of the format against cantools itself, and what a profile may get wrong."""

from __future__ import annotations

import math
import random
from typing import Any

import cantools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import ConfigError, parse
from agent.decode import Decoder, Plan
from agent.io.dbc import compile_plan
from agent.io.plans import DbcFile, Request
from agent.model import Frame, Value
from agent.plan import ChecksumByte, Field
from agent.vehicle import Vehicle

HEAD = 'VERSION ""\nBS_:\nBU_: X\n'
EVERY_FEATURE = (
    HEAD
    + """
BO_ 100 PLAIN: 8 X
 SG_ LE_UNSIGNED : 3|13@1+ (0.25,-7) [0|0] "" X
 SG_ LE_SIGNED : 16|16@1- (0.01,0) [0|0] "" X
 SG_ BE_UNSIGNED : 39|16@0+ (3,5) [0|0] "" X
 SG_ BE_SIGNED : 55|12@0- (1,0) [0|0] "" X
 SG_ CHOICES : 0|3@1+ (1,0) [0|0] "" X
 SG_ BIT : 56|1@1- (1,0) [0|0] "" X

BO_ 2566844672 EXTENDED: 8 X
 SG_ WIDE_LE : 0|64@1+ (1,0) [0|0] "" X

BO_ 2566844673 EXTENDED_BE: 8 X
 SG_ WIDE_BE : 7|64@0- (0.5,1) [0|0] "" X

BO_ 101 FLOATS: 8 X
 SG_ LE : 0|32@1- (2,1) [0|0] "" X
 SG_ BE_ODD : 36|16@0- (1,0) [0|0] "" X

BO_ 102 DOUBLE: 8 X
 SG_ BE : 7|64@0- (1,0) [0|0] "" X

BO_ 103 FD: 64 X
 SG_ FIRST : 0|12@1+ (1,0) [0|0] "" X
 SG_ ACROSS : 61|23@0- (0.125,0) [0|0] "" X
 SG_ LAST_FLOAT : 480|32@1- (1,0) [0|0] "" X
 SG_ ODD_FLOAT : 203|64@1- (1,0) [0|0] "" X

BO_ 104 PAGES: 8 X
 SG_ PAGE M : 0|2@1+ (1,0) [0|0] "" X
 SG_ ALWAYS : 63|8@0+ (1,0) [0|0] "" X
 SG_ ONE m0 : 8|16@1+ (1,0) [0|0] "" X
 SG_ TWO m1 : 15|16@0+ (0.1,0) [0|0] "" X
 SG_ TOO m1 : 32|9@1- (1,0) [0|0] "" X

BO_ 105 DEEP: 8 X
 SG_ TOP M : 0|2@1+ (1,0) [0|0] "" X
 SG_ INNER m1M : 2|2@1+ (1,0) [0|0] "" X
 SG_ A m0 : 8|8@1+ (1,0) [0|0] "" X
 SG_ B m0 : 16|8@1+ (1,0) [0|0] "" X
 SG_ C m2 : 8|8@1- (1,0) [0|0] "" X
 SG_ D m3 : 24|8@1+ (1,0) [0|0] "" X

SIG_VALTYPE_ 101 LE : 1;
SIG_VALTYPE_ 101 BE_ODD : 1;
SIG_VALTYPE_ 102 BE : 2;
SIG_VALTYPE_ 103 LAST_FLOAT : 1;
SIG_VALTYPE_ 103 ODD_FLOAT : 2;
SG_MUL_VAL_ 105 INNER TOP 1-1;
SG_MUL_VAL_ 105 A INNER 0-0;
SG_MUL_VAL_ 105 B INNER 0-2;
SG_MUL_VAL_ 105 C TOP 2-3;
SG_MUL_VAL_ 105 D INNER 1-1, 3-3;
VAL_ 100 CHOICES 0 "off" 1 "on" 7 "not available" ;
VAL_ 104 PAGE 3 "empty" ;
"""
)
DATABASE = cantools.database.load_string(EVERY_FEATURE, database_format="dbc")
NAMES = {m.name: tuple(f"{m.name}.{s.name}" for s in m.signals) for m in DATABASE.messages}


def asked(dbc: str, profile: str = "", wanted: tuple[str, ...] = (), **more: str) -> Request:
    """A request for a vehicle with one DBC file (and more, by the bus they are on)."""
    buses = "".join(f"[bus.{bus}]\nbitrate = 1\n" for bus in more)
    vehicle = parse(f'name = "x"\n{buses}{profile}', "x.toml", Vehicle)
    files = (DbcFile("x.dbc", dbc.encode("cp1252")), *(DbcFile(f"{bus}.dbc", body.encode(), bus) for bus, body in more.items()))
    return Request("x", "x.toml", vehicle, files, wanted)


def decoded(plan: Plan, message: Any, payload: bytes) -> dict[str, Value]:
    frame = Frame(message.frame_id, message.is_extended_frame, payload, "can0", 0)
    return {path: value for _, path, value in Decoder(plan).feed([frame])}


def close(ours: Value, theirs: Any) -> bool:
    if not isinstance(theirs, int | float):
        return ours == str(theirs) and type(ours) is str
    if isinstance(theirs, float) and math.isnan(theirs):
        return isinstance(ours, float) and math.isnan(ours)
    return isinstance(ours, int | float) and math.isclose(ours, theirs, rel_tol=1e-12, abs_tol=1e-12)


@settings(deadline=None)
@given(st.sampled_from(sorted(NAMES)), st.randoms(use_true_random=False), st.data())
def test_any_choice_of_signals_equals_cantools(name: str, chance: random.Random, draw: st.DataObject) -> None:
    message = DATABASE.get_message_by_name(name)
    wanted = draw.draw(st.sets(st.sampled_from(NAMES[name]), min_size=1))
    payload = draw.draw(st.binary(min_size=message.length - 1, max_size=message.length + 1))
    ours = decoded(compile_plan(asked(EVERY_FEATURE, wanted=tuple(wanted))), message, payload)
    try:
        theirs = message.decode(payload)
    except cantools.database.errors.DecodeError:
        theirs = {}
    assert ours.keys() == {f"{name}.{s}" for s in theirs} & wanted
    for path, value in ours.items():
        assert close(value, theirs[path.partition(".")[2]]), (path, payload.hex(), value, theirs)


# -- a VSS signal out of a DBC ---------------------------------------------------------------------------

OURS = (
    HEAD
    + """
BO_ 200 DRIVE: 8 X
 SG_ SPEED : 0|16@1+ (0.5,0) [0|250] "km/h" X
 SG_ GEAR : 16|4@1+ (1,0) [0|15] "" X
 SG_ IGNITION : 20|2@1+ (1,0) [0|3] "" X
 SG_ BRAKE : 22|2@1+ (1,0) [0|3] "" X
 SG_ UNBELTED : 24|1@1+ (1,0) [0|1] "" X
 SG_ DOOR : 25|2@1+ (1,0) [0|3] "" X
 SG_ LEVEL : 32|8@1+ (0.5,0) [0|0] "percent" X
 SG_ COUNTER : 40|4@1+ (1,0) [0|15] "" X
 SG_ CHECKSUM : 56|8@1+ (1,0) [0|255] "" X
BO_ 201 SLOW: 2 X
 SG_ UNITS M : 0|2@1+ (1,0) [0|3] "" X
 SG_ KM m1 : 8|8@1+ (1000,0) [0|250000] "m" X
 SG_ MILES m2 : 8|8@1+ (1609.344,0) [0|402336] "m" X
BO_ 202 UNUSED: 8 X
 SG_ SPEED : 0|16@1+ (1,0) [0|250] "km/h" X
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 10000;
BA_DEF_ SG_ "VssPath" STRING ;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_DEF_DEF_ "VssPath" "";
BA_ "GenMsgCycleTime" BO_ 200 20;
BA_ "VssPath" SG_ 200 SPEED "Vehicle.Speed";
BA_ "VssPath" SG_ 200 GEAR "Vehicle.Powertrain.Transmission.SelectedGear";
BA_ "VssPath" SG_ 200 IGNITION "Vehicle.LowVoltageSystemState";
BA_ "VssPath" SG_ 200 BRAKE "Vehicle.Body.Lights.Brake.IsActive";
BA_ "VssPath" SG_ 200 UNBELTED "Vehicle.Cabin.Seat.Row1.DriverSide.IsBelted";
BA_ "VssPath" SG_ 200 DOOR "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen";
BA_ "VssPath" SG_ 200 LEVEL "Vehicle.Powertrain.FuelSystem.RelativeLevel";
BA_ "VssPath" SG_ 201 KM "Vehicle.TraveledDistance";
BA_ "VssPath" SG_ 201 MILES "Vehicle.TraveledDistance";
VAL_ 200 GEAR 0 "N" 1 "D" 15 "SNA" ;
VAL_ 200 IGNITION 0 "OFF" 1 "ON" 3 "SNA" ;
"""
)
THEIRS = "\n".join(line for line in OURS.splitlines() if "VssPath" not in line)
GEARS = '[signals."Vehicle.Powertrain.Transmission.SelectedGear"]\nvalues = { N = 0, 1 = 127 }\n'
SPEED = "Vehicle.Speed"


def one(path: str, payload: str, dbc: str = OURS, profile: str = GEARS) -> Value:
    """The value of a path in that payload of its message."""
    plan = compile_plan(asked(dbc, profile, (path,)))
    (message,) = plan.messages
    samples = Decoder(plan).feed([Frame(message.arbitration_id, False, bytes.fromhex(payload), "can0", 0)])
    return next(value for _, name, value in samples if name == path)


@pytest.mark.parametrize(
    ("path", "payload", "value"),
    [
        (SPEED, "C800000000000000", 100.0),
        (SPEED, "F401000000000000", 250.0),
        (SPEED, "F501000000000000", None),  # above the DBC's own limit
        ("Vehicle.Powertrain.Transmission.SelectedGear", "0000000000000000", 0),
        ("Vehicle.Powertrain.Transmission.SelectedGear", "0000010000000000", 127),
        ("Vehicle.Powertrain.Transmission.SelectedGear", "0000020000000000", None),
        ("Vehicle.LowVoltageSystemState", "0000100000000000", "ON"),
        ("Vehicle.LowVoltageSystemState", "0000200000000000", None),
        ("Vehicle.LowVoltageSystemState", "0000300000000000", None),  # SNA is none of VSS's words
        ("Vehicle.Body.Lights.Brake.IsActive", "0000400000000000", "ACTIVE"),  # without names: as VSS numbers them
        ("Vehicle.Cabin.Door.Row1.DriverSide.IsOpen", "0000000200000000", True),
        ("Vehicle.Cabin.Door.Row1.DriverSide.IsOpen", "0000000600000000", None),
        ("Vehicle.Powertrain.FuelSystem.RelativeLevel", "00000000C8000000", 100.0),
        ("Vehicle.Powertrain.FuelSystem.RelativeLevel", "00000000C9000000", None),  # [0|0] says nothing; not plausible
        ("Vehicle.TraveledDistance", "0103", 3000),
        ("Vehicle.TraveledDistance", "0202", 3218.688),
    ],
)
def test_a_dbc_of_ours(path: str, payload: str, value: Value) -> None:
    assert one(path, payload) == value


def theirs(profile: str) -> str:
    return f'[signals."Vehicle.Speed"]\nsource = "DRIVE.SPEED"\n{profile}\n'


@pytest.mark.parametrize(
    ("profile", "payload", "value"),
    [
        ("", "F501000000000000", 250.5),  # a foreign DBC's limits say nothing on their own …
        ("", "FFFF000000000000", None),  # … but all bits set are "not available", and not plausible either
        ("trust_range = true", "F501000000000000", None),
        ("scale = 3.6\noffset = 1", "0A00000000000000", 19.0),
        ('values = { 10 = 7, "0x0b" = 8 }', "0B00000000000000", 8),
        ('values = { 10 = 7, "0x0b" = 8 }', "0C00000000000000", None),
    ],
)
def test_a_dbc_of_somebody_else(profile: str, payload: str, value: Value) -> None:
    assert one(SPEED, payload, THEIRS, theirs(profile)) == pytest.approx(value)


def test_all_bits_set_are_not_available_where_the_maximum_excludes_them() -> None:
    profile = '[signals."Vehicle.Speed"]\nsource = "A.S"\n'
    dbc = HEAD + 'BO_ 1 A: 1 X\n SG_ S : 0|8@1+ (1,0) [0|{}] "km/h" X\n'
    assert one(SPEED, "FF", dbc.format(254), profile) is None
    assert one(SPEED, "FE", dbc.format(100), profile) == 254
    assert one(SPEED, "FF", dbc.format(255), profile) == 255
    assert one(SPEED, "FF", dbc.format(0), profile) == 255


def test_the_profiles_scale_and_offset_come_after_the_dbcs() -> None:
    dbc = HEAD + 'BO_ 1 A: 1 X\n SG_ S : 0|8@1+ (0.5,-40) [0|0] "mph" X\n'
    assert (
        one(SPEED, "FA", dbc, '[signals."Vehicle.Speed"]\nsource = "A.S"\nscale = 1.5\noffset = 2\n')
        == (250 * 0.5 - 40) * 1.5 + 2
    )


def test_a_number_that_the_dbc_gives_a_name_is_no_measurement() -> None:
    dbc = HEAD + 'BO_ 1 A: 1 X\n SG_ S : 0|8@1+ (1,0) [0|255] "km/h" X\nVAL_ 1 S 253 "Fault" ;\n'
    profile = '[signals."Vehicle.Speed"]\nsource = "A.S"\n'
    assert one(SPEED, "FD", dbc, profile) is None
    assert one(SPEED, "FC", dbc, profile) == 252


def test_the_profile_goes_before_the_dbc() -> None:
    assert one(SPEED, "6400000000000000", profile='[signals."Vehicle.Speed"]\nsource = "UNUSED.SPEED"\n') == 100


def test_a_mean_of_a_message() -> None:
    profile = '[signals."Vehicle.Speed"]\nmean = ["DRIVE.SPEED", "DRIVE.LEVEL"]\n'
    assert one(SPEED, "C8000000C8000000", THEIRS, profile) == 100


def test_what_the_profile_adds_to_a_message() -> None:
    profile = '[messages.DRIVE]\nchecksum = "CHECKSUM:xor"\ncounter = "COUNTER"\n[messages.SLOW]\nperiod_ms = 250.5\n'
    fast, slow = compile_plan(asked(OURS, profile, (SPEED, "Vehicle.TraveledDistance"))).messages
    assert (fast.checksum, fast.counter, fast.period_ms) == (ChecksumByte("xor", 7), Field(40, 4, True), 20)
    assert (slow.checksum, slow.counter, slow.period_ms) == (None, None, 250.5)


def test_only_what_is_wanted_is_in_the_plan() -> None:
    plan = compile_plan(asked(OURS, GEARS, (SPEED, "Vehicle.Exterior.AirTemperature")))
    assert [(m.name, [r.path for r in m.readings]) for m in plan.messages] == [("DRIVE", [SPEED])]
    assert compile_plan(asked(OURS, GEARS)).messages == ()


def test_the_same_id_on_two_buses() -> None:
    dbc = HEAD + 'BO_ 200 OTHER: 8 X\n SG_ S : 0|8@1+ (1,0) [0|0] "" X\n'
    plan = compile_plan(asked(OURS, GEARS, (SPEED, "OTHER.S"), body=dbc))
    assert [(m.name, m.arbitration_id, m.bus) for m in plan.messages] == [("DRIVE", 200, None), ("OTHER", 200, "body")]
    with pytest.raises(ConfigError, match="DRIVE and OTHER have the same id 0xc8; name their files under the bus"):
        compile_plan(asked(OURS + dbc.removeprefix(HEAD), "", (SPEED, "OTHER.S")))


def test_obd_as_the_profile_says() -> None:
    listening = compile_plan(asked(OURS, '[obd]\nbus = "can0"\n[bus.can0]\nbitrate = 1\n'))
    assert (listening.obd, listening.obd_bus, listening.buses) == (True, "can0", ("can0",))
    assert not compile_plan(asked(OURS, "[obd]\nlisten = false\n")).obd
    assert not compile_plan(asked(OURS)).obd


def test_overlapping_signals_are_read_and_noted() -> None:
    dbc = HEAD + 'BO_ 1 A: 1 X\n SG_ S : 0|8@1+ (1,0) [0|0] "" X\n SG_ T : 4|4@1+ (1,0) [0|0] "" X\n'
    plan = compile_plan(asked(dbc, wanted=("A.S", "A.T")))
    assert plan.notes == ("x.dbc: read although The signals T and S are overlapping in message A",)
    assert compile_plan(asked(dbc)).notes == ()


# -- texts whose words no table knows ---------------------------------------------------------------------

ACCESS = (
    HEAD
    + """
BO_ 300 ACCESS: 8 X
 SG_ FOB : 0|4@1+ (1,0) [0|14] "" X
 SG_ MEMORY : 4|4@1+ (1,0) [0|0] "" X
 SG_ PHONE : 8|32@1+ (2,7) [0|8589934590] "" X
 SG_ LOGIN : 40|16@1- (1,0) [0|0] "" X
BA_DEF_ SG_ "VssPath" STRING ;
BA_DEF_DEF_ "VssPath" "";
BA_ "VssPath" SG_ 300 FOB "Vehicle.Private.Access.KeyFob";
BA_ "VssPath" SG_ 300 MEMORY "Vehicle.Private.Seat.Memory";
BA_ "VssPath" SG_ 300 PHONE "Vehicle.Private.Access.PhoneTag";
BA_ "VssPath" SG_ 300 LOGIN "Vehicle.Occupant.Row1.DriverSide.Identifier.Subject";
VAL_ 300 MEMORY 0 "NONE" 1 "LEFT" ;
"""
)
FOB = "Vehicle.Private.Access.KeyFob"


@pytest.mark.parametrize(
    ("path", "payload", "value"),
    [
        (FOB, "0100000000000000", "1"),
        (FOB, "0E00000000000000", "14"),
        (FOB, "0F00000000000000", None),  # all ones, which the maximum excludes
        ("Vehicle.Private.Seat.Memory", "0000000000000000", "NONE"),
        ("Vehicle.Private.Seat.Memory", "1000000000000000", "LEFT"),
        ("Vehicle.Private.Seat.Memory", "2000000000000000", "2"),
        ("Vehicle.Private.Seat.Memory", "F000000000000000", "15"),  # no maximum says that this is no memory
        ("Vehicle.Private.Access.PhoneTag", "00D2029649000000", "1234567890"),  # as it is, not 2 × it + 7
        ("Vehicle.Private.Access.PhoneTag", "00FFFFFFFF000000", None),
        ("Vehicle.Occupant.Row1.DriverSide.Identifier.Subject", "0000000000FEFF00", "-2"),
    ],
)
def test_an_identity_stays_a_text(path: str, payload: str, value: Value) -> None:
    found = one(path, payload, ACCESS, "")
    assert (type(found), found) == (type(value), value)


def test_the_profile_may_name_an_identity() -> None:
    profile = f'[signals."{FOB}"]\nsource = "ACCESS.FOB"\nvalues = {{ 1 = "black key", 0x2 = "2" }}\n'
    assert [one(FOB, f"0{n}00000000000000", ACCESS, profile) for n in range(4)] == [None, "black key", "2", None]
    with pytest.raises(ConfigError, match="values: 7 is no text; write it in quotes"):
        compile_plan(asked(ACCESS, profile.replace('"2"', "7")))
