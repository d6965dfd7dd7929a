"""DBC and profile → Plan: what a person can get wrong in either, told by file, place and fix."""

from __future__ import annotations

import pytest

from agent.config import ConfigError
from agent.io.dbc import compile_plan
from tests.io.test_dbc import GEARS, HEAD, OURS, THEIRS, asked, theirs

IGNITION = '[signals."Vehicle.LowVoltageSystemState"]\nsource = "DRIVE.{}"\n'
DOOR = '[signals."Vehicle.Cabin.Door.Row1.DriverSide.IsOpen"]\nsource = "DRIVE.DOOR"\n'
MEAN = '[signals."Vehicle.Speed"]\nmean = ["SLOW.KM", "{}"]\n'


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (theirs("").replace("SPEED", "SPED"), "Speed\".source: no DBC here has 'DRIVE.SPED'; did you mean 'DRIVE.SPEED'?"),
        (MEAN.format("SLOW.M"), "signals.\"Vehicle.Speed\".mean: no DBC here has 'SLOW.M'"),
        (MEAN.format("SLOW.MILES"), "on different pages of the message"),
        ('[signals."Vehicle.Speed"]\nscale = 2\n', 'Speed": no DBC here gives it a source; write source = "MESSAGE.SIGNAL"'),
        (theirs("values = { fast = 1 }"), "the DBC names no 'fast'; write the raw number"),
        (theirs("values = { 1 = true }"), "True is no number"),
        (theirs("offset = 900\ntrust_range = true"), "nothing that DRIVE.SPEED can say is plausible in km/h; correct scale"),
        (IGNITION.format("SPEED"), "DRIVE.SPEED is to be told in words; map what it says to UNDEFINED, LOCK"),
        (IGNITION.format("IGNITION") + 'values = { ON = "RUN" }\n', "'RUN' is none of UNDEFINED, LOCK"),
        (IGNITION.format("IGNITION") + 'values = { IN = "ON" }\n', "the DBC names no 'IN'; named there: OFF, ON, SNA"),
        (DOOR + "values = { 1 = 1 }\n", "1 is neither true nor false"),
        ("[messages.DRIV]\nperiod_ms = 1\n", "messages.DRIV: no DBC here has this message; did you mean 'DRIVE'?"),
        ('[messages.DRIVE]\nchecksum = "CHECKSUM:crc"\n', "'CHECKSUM:crc': write \"SIGNAL:algorithm\" with one of toyota"),
        ('[messages.DRIVE]\nchecksum = "COUNTER:xor"\n', "COUNTER is not one whole byte"),
        ('[messages.DRIVE]\nchecksum = "SUM:xor"\n', "messages.DRIVE.checksum: no DBC here has 'DRIVE.SUM'"),
        ('[messages.DRIVE]\ncounter = "COUNT"\n', "counter: no DBC here has 'DRIVE.COUNT'; did you mean 'DRIVE.COUNTER'?"),
        ('[ignition]\nsource = "signal"\n', "ignition.source: nothing gives Vehicle.LowVoltageSystemState"),
    ],
)
def test_a_wrong_profile_is_told_by_file_key_and_fix(profile: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        compile_plan(asked(THEIRS, profile))
    assert str(error.value).startswith("x.toml: ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("dbc", "message"),
    [
        (
            OURS.replace('200 SPEED "Vehicle.S', '200 SPEED "Vehicle.s'),
            "x.dbc: VssPath of DRIVE.SPEED: Keyoff knows no 'Vehicle.speed'",
        ),
        (
            OURS + 'BA_ "VssPath" SG_ 202 SPEED "Vehicle.Speed";\n',
            "(DRIVE.SPEED, UNUSED.SPEED); write source = the one to be trusted",
        ),
        (OURS.replace("BO_ 201 SLOW", "BO_ 2O1 SLOW"), "x.dbc: cannot be read as a DBC: Invalid syntax at line 15"),
        (OURS.replace("BO_ 201 SLOW", "BO_ 20100 SLOW"), "a 29-bit id is written with 2147483648 added to it"),
        (OURS.replace("SLOW: 2", "SLOW: 1"), "x.dbc: SLOW.KM ends in byte 2 of 1; correct its bits or the length"),
        (OURS.replace("MILES m2", "MILES m1"), "(SLOW.KM, SLOW.MILES); write source = the one to be trusted"),
        ("", "x.dbc: cannot be read as a DBC"),
        ("\x00\xff garbage", "x.dbc: cannot be read as a DBC"),
    ],
)
def test_a_wrong_dbc_is_told_by_file_place_and_fix(dbc: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        compile_plan(asked(dbc, GEARS))
    assert message in str(error.value)


def test_a_wish_that_nobody_can_fulfil_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"wanted: no DBC here has 'DRIVE\.NOTHING'"):
        compile_plan(asked(OURS, wanted=("DRIVE.NOTHING",)))


def test_a_page_of_what_is_no_multiplexer_is_refused() -> None:
    dbc = HEAD + 'BO_ 1 A: 1 X\n SG_ M : 0|2@1+ (1,0) [0|0] "" X\n SG_ S m1 : 2|2@1+ (1,0) [0|0] "" X\nSG_MUL_VAL_ 1 S M 1-1;\n'
    with pytest.raises(ConfigError, match=r"A\.S is on a page of M, which is no multiplexer; mark it M there"):
        compile_plan(asked(dbc, wanted=("A.S",)))
