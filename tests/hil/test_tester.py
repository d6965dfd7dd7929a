"""The simulated car's trouble codes, VIN and calibration ids, as the agent hears them in another tester's answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.dtc import number_of
from agent.events.battery import Battery
from agent.events.fault import FaultCleared, FaultSet
from agent.model import NS, Frame, Sample, Value
from agent.obd import Assembler
from agent.signals import CALIBRATION_IDS, DTCS_PENDING, DTCS_PERMANENT, DTCS_STORED, IS_MIL_ON, VIN, VOLTAGE
from hil.vehicle import VEHICLES, Car, Drive, Trace, car, frames, tester
from hil.vehicle.__main__ import main
from hil.vehicle.tester import ANSWER_ID, BANKS, FLOW_ID, MOST_REQUESTS, REQUEST_ID, dtc_bytes, frames_per_s
from tests.sim.car import Bench

STAND = Trace("standing", (0.0,) * 61)
DRIVE = Drive(car("sim_petrol"), STAND)
KNOWN = {VIN, CALIBRATION_IDS, DTCS_STORED, DTCS_PENDING, DTCS_PERMANENT, IS_MIL_ON}


def a_car(vehicle: str = "sim_petrol", *, stored: tuple[str, ...] = (), pending: tuple[str, ...] = ()) -> Car:
    one = car(vehicle)
    one.diagnostics = one.diagnostics._replace(stored=stored, pending=pending)
    return one


def heard(one: Car, requests_per_s: int = 5, *, asks_codes: bool = True) -> list[Sample]:
    assembler = Assembler()
    made = frames(Drive(one, STAND), obd_requests_per_s=requests_per_s, asks_codes=asks_codes)
    samples = [sample for frame in made for sample in assembler.feed(frame)]
    assert not assembler.counts
    return samples


def values(samples: list[Sample]) -> dict[str, set[Value]]:
    found: dict[str, set[Value]] = {}
    for _, path, value in samples:
        found.setdefault(path, set()).add(value)
    return {path: found[path] for path in KNOWN if path in found}


@pytest.mark.parametrize("vehicle", VEHICLES)
def test_a_car_in_order(vehicle: str) -> None:
    one = car(vehicle)
    assert values(heard(one)) == {
        VIN: {one.diagnostics.vin},
        CALIBRATION_IDS: {"ECU=7E8;" + ",".join(one.diagnostics.calibration_ids)},
        DTCS_STORED: {"ECU=7E8;"},
        DTCS_PENDING: {"ECU=7E8;"},
        DTCS_PERMANENT: {"ECU=7E8;"},
        IS_MIL_ON: {False},
    }


def test_a_car_with_faults() -> None:
    found = values(heard(a_car(stored=("U0100", "P0301"), pending=("P0420",))))
    assert found[DTCS_STORED] == {"ECU=7E8;P0301,U0100"}
    assert found[DTCS_PENDING] == {"ECU=7E8;P0420"}
    assert found[DTCS_PERMANENT] == {"ECU=7E8;"}
    assert found[IS_MIL_ON] == {True}


def test_nobody_asks_unless_told_to() -> None:
    assert values(heard(a_car(stored=("P0301",)), asks_codes=False)) == {}


def test_codes_are_sent_as_they_are_read() -> None:
    for code in ("P0301", "P0A1F", "C0035", "B1234", "U3FFF"):
        assert dtc_bytes(code) == number_of(code).to_bytes(2, "big")


@pytest.mark.parametrize("vehicle", VEHICLES)
def test_the_vin_is_nobodys_and_right(vehicle: str) -> None:
    """The check digit of 49 CFR 565; no region begins with 0."""
    digits = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True))
    worth = digits | {str(n): n for n in range(10)}
    vin = car(vehicle).diagnostics.vin
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    left = sum(weight * worth[c] for weight, c in zip(weights, vin, strict=True)) % 11
    assert vin[8] == "0123456789X"[left]
    assert vin[0] == "0"


def test_answers_are_promised_and_in_order_of_time_at_any_rate() -> None:
    made = list(frames(Drive(a_car(), STAND), obd_requests_per_s=MOST_REQUESTS, asks_codes=True))
    assert [f.t_ns for f in made] == sorted(f.t_ns for f in made)
    requests = [f for f in made if f.arbitration_id == REQUEST_ID]
    promised = {
        f.data[2] + n
        for f in made
        if f.arbitration_id == ANSWER_ID and f.data[:2] == b"\x06\x41" and f.data[2] in BANKS
        for n in range(1, 33)
        if int.from_bytes(f.data[3:7], "big") >> (32 - n) & 1
    }
    asked = {pid for f in requests if f.data[1] == 1 for pid in f.data[2 : 1 + f.data[0]]}
    assert 0x01 in asked
    assert asked <= promised | {0}


def test_the_budget_counts_the_dearest_answer() -> None:
    """Two calibration ids: 35 bytes, so a request, a first frame, a flow control and five more; one round has five requests."""
    one = a_car(stored=("P0301", "P0302", "P0303", "P0304"))
    made = frames(Drive(one, STAND), obd_requests_per_s=5, asks_codes=True)
    exchanged = sum(f.arbitration_id in (REQUEST_ID, FLOW_ID, ANSWER_ID) for f in made)
    most = frames_per_s("sim_petrol", 5, one.diagnostics)
    assert most - frames_per_s("sim_petrol", 5) == 5 * (8 - 4) / 5, "until then a request, a first, a flow control and one more"
    assert exchanged / 70 < most


def test_a_tester_that_does_not_ask_is_the_same_to_the_bit() -> None:
    """What was recorded with it before stays: the codes of the car change nothing."""
    plain, faulty = (list(exchange(one)) for one in (car("sim_petrol"), a_car(stored=("P0301",))))
    assert plain == faulty


def exchange(one: Car, *, asks_codes: bool = False) -> list[Frame]:
    """The tester's frames and the answers alone."""
    asking = tester.Tester(one.vehicle, "can0", 5, 0, one.diagnostics if asks_codes else None)
    return [f for second in DRIVE.seconds for f in asking.second(second, second.offset_s * NS)]


def test_the_agent_tells_the_fault_and_that_it_is_mended() -> None:
    """Three drives: with the code, with it, without; heard as the agent hears them."""
    bench = Bench()
    for n, stored in enumerate([("P0301",), ("P0301",), (), ()]):
        start_ns = n * 86_400 * NS
        bench.live([(start_ns + t_ns, path, value) for t_ns, path, value in heard(a_car(stored=stored))])
    faults = [(e.code, e.kind) for e in bench.of(FaultSet)]
    assert sorted(faults) == [("MIL", "lamp"), ("P0301", "stored")]
    assert {e.code for e in bench.of(FaultCleared)} == {"P0301", "MIL"}


def test_the_cars_battery_is_read_at_rest() -> None:
    """Each morning its bus wakes before the ignition is on."""
    bench, one = Bench(), a_car()
    for day in range(3):
        bench.live(Drive(one, STAND).samples(day * 86_400 * NS))
    rule = next(r for r in bench.engine.rules if isinstance(r, Battery))
    assert [r.volts for r in rule.state.readings] == [12.6, 12.6]
    assert VOLTAGE in Battery.signals


def test_a_code_is_set_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "drive.log"
    options = ("--cycle", "hwfet", "--max-frames-per-s", "60", "--out", str(path), "--dtc", "U0100")
    assert CliRunner().invoke(main, [*options, "--obd", "--dtc", "P0301"]).exit_code == 0
    assert "7E8#064302C1000301AA" in path.read_text()
    alone, wrong = CliRunner().invoke(main, options), CliRunner().invoke(main, [*options, "--obd", "--dtc", "P301"])
    assert (alone.exit_code, wrong.exit_code) == (2, 2)
    assert "add --obd" in alone.output
    assert "no trouble code" in wrong.output
