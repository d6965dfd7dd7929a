"""Profiles: found by name, checked, and true to the recordings of the cars that they describe."""

from __future__ import annotations

import gzip
from collections import defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from agent.config import ConfigError
from agent.decode import Decoder
from agent.io.plans import load_plan
from agent.io.vehicles import find_vehicle, read_vehicle
from agent.model import NS, Frame, Value
from agent.signals import SIGNALS
from tests.conftest import ROOT

SHIPPED = sorted(path.stem for path in (ROOT / "dbc").glob("*.toml"))
MINIMAL = 'name = "x"\n[obd]\n'


@pytest.mark.parametrize("name", SHIPPED)
def test_every_profile_loads_and_compiles(name: str, tmp_path: Path) -> None:
    vehicle, profile = find_vehicle(name)
    plan = load_plan(vehicle, profile, SIGNALS, tmp_path)
    Decoder(plan)
    assert profile == ROOT / "dbc" / f"{name}.toml"
    assert plan.notes == ()
    assert plan.messages or plan.obd
    assert all(message.period_ms for message in plan.messages)
    assert vehicle.trip.why and set(vehicle.dbc) <= {path.name for path in (ROOT / "dbc").iterdir()}


def test_the_shipped_ones_are_these() -> None:
    assert {"obd2", "sim_ev", "sim_petrol", "subaru_86", "toyota_rav4_2017"} <= set(SHIPPED)
    assert {path.stem for path in (ROOT / "dbc").glob("*.dbc")} <= set(SHIPPED)


def test_an_own_folder_goes_first(tmp_path: Path) -> None:
    (tmp_path / "obd2.toml").write_text(MINIMAL.replace("x", "mine"))
    assert find_vehicle("obd2", tmp_path)[0].name == "mine"
    assert find_vehicle("obd2")[0].name != "mine"
    assert find_vehicle("subaru_86", tmp_path)[0].fuel.tank_l == 50
    assert find_vehicle("subaru_86", tmp_path / "not_there")[0].fuel.tank_l == 50


@pytest.mark.parametrize("name", ["subaru86", "../dbc/obd2", "obd2.toml", "", "."])
def test_an_unknown_vehicle_names_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigError, match=r"no vehicle .*known are obd2, sim_ev, sim_petrol, subaru_86, toyota_rav4_2017"):
        find_vehicle(name)
    with pytest.raises(ConfigError, match="did you mean 'subaru_86'"):
        find_vehicle("subaru86")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "not valid TOML"),
        ('dbc = ["a.dbc"]', "`name`"),
        ('name = "x"\n[fule]\n', "unknown key `fule`: did you mean `fuel`?"),
        ('name = "x"\n[bus.can0]\nbitrat = 1\n', "unknown key `bus.can0.bitrat`: did you mean"),
        ('name = "x"\n[bus.can0]\nbitrate = "fast"\n', "bus"),
        ('name = "x"\n', "dbc: neither a DBC nor [obd], so nothing is decoded"),
        ('name = "x"\n[fuel]\ntype = "hay"\n', "fuel.type: "),
        ('name = "x"\n[obd]\nbus = "diag"\n[bus.can0]\nbitrate = 1\n', "obd.bus: there is no bus 'diag'; this vehicle has can0"),
        (
            MINIMAL + '[ignition]\non = ["RUN"]\n',
            "ignition.on: Vehicle.LowVoltageSystemState is never 'RUN'; it is one of UNDEFINED",
        ),
        (
            MINIMAL + '[signals."Vehicle.Sped"]\n',
            "signals.\"Vehicle.Sped\": Keyoff knows no such signal; did you mean 'Vehicle.Speed'?",
        ),
        (MINIMAL + '[signals."Vehicle.Speed"]\nsource = "SPEED"\n', "source: 'SPEED' is not of the form \"MESSAGE.SIGNAL\""),
        (MINIMAL + '[signals."Vehicle.Speed"]\nmean = ["A.B", "C.B"]\n', "mean: its signals are of several messages"),
        (MINIMAL + '[signals."Vehicle.Speed"]\nsource = "A.B"\nmean = ["A.B"]\n', "has both source and mean"),
        (MINIMAL + '[signals."Vehicle.Speed"]\nsource = "A.B"\nscale = 0\n', "scale: 0 makes every value the same"),
        (MINIMAL + '[signals."Vehicle.LowVoltageSystemState"]\nmean = ["A.B"]\n', "mean: words have no mean"),
        (MINIMAL + '[signals."Vehicle.Private.Access.KeyFob"]\nmean = ["A.B", "A.C"]\n', "mean: words have no mean"),
    ],
)
def test_a_wrong_profile_is_told_by_file_key_and_fix(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(ConfigError) as error:
        read_vehicle(tmp_path / "x.toml")
    assert str(error.value).startswith(f"{tmp_path / 'x.toml'}: ")
    assert message in str(error.value)


def test_a_profile_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="make it a readable UTF-8 text"):
        read_vehicle(tmp_path / "x.toml")


# -- against the recordings --------------------------------------------------------------------------------

Track = dict[str, list[tuple[int, Value]]]


@cache
def track(log: Path, name: str, cache_dir: Path) -> tuple[Track, dict[str, int]]:
    """Every sample of a recording by its path, and what was dropped."""
    vehicle, profile = find_vehicle(name)
    decoder = Decoder(load_plan(vehicle, profile, SIGNALS, cache_dir))
    frames = []
    with gzip.open(log, "rt") as lines:
        for line in lines:
            time, _, frame = line.split()[:3]
            number, _, data = frame.partition("#")
            frames.append(
                Frame(int(number, 16), len(number) > 3, bytes.fromhex(data), "can0", round(float(time.strip("()")) * NS))
            )
    samples: Track = defaultdict(list)
    for t_ns, path, value in decoder.feed(frames):
        samples[path].append((t_ns, value))
    return samples, decoder.dropped()


def numbers(samples: list[tuple[int, Value]]) -> list[tuple[float, float]]:
    return [(t_ns / NS, value) for t_ns, value in samples if isinstance(value, float | int)]


def distance_m(samples: list[tuple[int, Value]]) -> float:
    return sum((a + b) / 2 / 3.6 * (t1 - t0) for (t0, a), (t1, b) in pairwise(numbers(samples)))


@pytest.fixture
def rav4(drives: Path, tmp_path_factory: pytest.TempPathFactory) -> Track:
    samples, dropped = track(drives / "comma2k19_rav4.log.gz", "toyota_rav4_2017", tmp_path_factory.getbasetemp() / "plans")
    assert dropped == {}  # each checksum that the profile names fits every frame
    return samples


def test_rav4_speed_is_the_mean_of_its_wheels(rav4: Track) -> None:
    assert len(rav4["Vehicle.Speed"]) == 4974
    assert distance_m(rav4["Vehicle.Speed"]) == pytest.approx(1003.8, abs=0.1)
    for row, side in (("Row1", "Left"), ("Row1", "Right"), ("Row2", "Left"), ("Row2", "Right")):
        assert distance_m(rav4[f"Vehicle.Chassis.Axle.{row}.Wheel.{side}.Speed"]) == pytest.approx(1003.8, rel=0.01)


def test_rav4_speed_is_the_published_one(rav4: Track, drives: Path) -> None:
    lines = (drives / "comma2k19_rav4.speed.csv").read_text().splitlines()[1:]
    published_ms = [float(line.partition(",")[2]) for line in lines]
    assert [value / 3.6 for _, value in numbers(rav4["Vehicle.Speed"])] == pytest.approx(published_ms, abs=0.0002)  # four digits


def test_rav4_acceleration_is_that_of_its_speed(rav4: Track) -> None:
    """Over stretches of 2 s, where noise and delay do not show."""
    speed, acceleration = numbers(rav4["Vehicle.Speed"]), numbers(rav4["Vehicle.Acceleration.Longitudinal"])
    start = speed[0][0]
    for k in range(0, 58, 2):
        span = [(t, v) for t, v in speed if start + k <= t < start + k + 2]
        by_speed = (span[-1][1] - span[0][1]) / 3.6 / (span[-1][0] - span[0][0])
        by_signal = [a for t, a in acceleration if start + k <= t < start + k + 2]
        assert sum(by_signal) / len(by_signal) == pytest.approx(by_speed, abs=0.15)


def test_rav4_the_rest(rav4: Track) -> None:
    def seen(path: str) -> set[Value]:
        return {value for _, value in rav4[path]}

    def span(path: str) -> tuple[float, float]:
        values = [value for _, value in numbers(rav4[path])]
        return min(values), max(values)

    assert span("Vehicle.Powertrain.CombustionEngine.Speed") == (954.6875, 2543.75)
    assert span("Vehicle.Chassis.Accelerator.PedalPosition") == (0, 39)
    assert seen("Vehicle.Powertrain.Transmission.SelectedGear") == {127}
    assert seen("Vehicle.Cabin.Seat.Row1.DriverSide.IsBelted") == {True}
    assert seen("Vehicle.Cabin.Door.Row1.DriverSide.IsOpen") == {False}
    assert seen("Vehicle.Body.Lights.Brake.IsActive") == {"INACTIVE", "ACTIVE"}
    assert seen("Vehicle.TraveledDistance") == {15_589 * 1609.344, 15_590 * 1609.344}  # its own UNITS say miles


@pytest.fixture
def subaru(drives: Path, tmp_path_factory: pytest.TempPathFactory) -> Track:
    samples, dropped = track(drives / "subaru86_hard_brake.log.gz", "subaru_86", tmp_path_factory.getbasetemp() / "plans")
    assert dropped == {}  # the counter that the profile names never misses
    return samples


def test_subaru_speed_engine_and_brake(subaru: Track) -> None:
    assert distance_m(subaru["Vehicle.Speed"]) == pytest.approx(1776.0, abs=0.1)
    assert max(value for _, value in numbers(subaru["Vehicle.Speed"])) == pytest.approx(36.0 * 3.6, abs=0.1)
    assert {min(v for _, v in numbers(subaru[p])) for p in ("Vehicle.Speed", "Vehicle.Chassis.Brake.PedalPosition")} == {0}
    engine = [value for _, value in numbers(subaru["Vehicle.Powertrain.CombustionEngine.Speed"])]
    assert (min(engine), max(engine)) == (646, 6030)


def test_subaru_the_stuck_fuel_signal_is_unknown(subaru: Track) -> None:
    assert {value for _, value in subaru["Vehicle.Powertrain.FuelSystem.RelativeLevel"]} == {None}
    assert len(subaru["Vehicle.Powertrain.FuelSystem.RelativeLevel"]) == 4513


def test_subaru_the_wrong_acceleration_is_not_used_and_its_dbc_says_why(subaru: Track) -> None:
    assert "Vehicle.Acceleration.Longitudinal" not in subaru
    assert "wrong sign and scale" in (ROOT / "dbc" / "subaru_86.dbc").read_text()


def test_any_car_by_its_answers(drives: Path, tmp_path: Path) -> None:
    samples, _ = track(drives / "css_164_obd_gps.log.gz", "obd2", tmp_path)
    assert distance_m(samples["Vehicle.Speed"]) == pytest.approx(41_650, rel=0.005)
    level = [value for _, value in numbers(samples["Vehicle.Powertrain.FuelSystem.RelativeLevel"])]
    assert [level[0], level[-1]] == pytest.approx([54.90, 51.37], abs=0.01)
