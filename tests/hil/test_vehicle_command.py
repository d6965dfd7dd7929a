"""python -m hil.vehicle: logs, CSVs, buses, and what it says to a wrong wish."""

from __future__ import annotations

import csv
from pathlib import Path

import can
import pytest
from click.testing import CliRunner, Result

from agent.model import NS
from agent.signals import IGNITION, ODOMETER, SPEED
from hil.vehicle import Drive, car, frames, trace_of
from hil.vehicle.__main__ import main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["--cycle", "us06", *arguments])


@pytest.mark.parametrize("ending", ["log", "log.gz"])
def test_a_log_holds_the_frames(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"drive.{ending}"
    done = run("--vehicle", "sim_ev", "--out", str(path), "--max-frames-per-s", "50", "--obd", "--obd-rate", "3")
    assert done.exit_code == 0, done.output
    assert "sim_ev: 12.888 km" in done.stdout and "harsh acceleration 1" in done.stdout
    made = list(frames(Drive(car("sim_ev"), trace_of(["us06"], "trace", 0)), max_frames_per_s=50, obd_requests_per_s=3))
    with can.LogReader(path) as log:
        read = list(log)
    assert len(read) == len(made)
    start_s = 1767596400  # 2026-01-05T07:00:00Z
    for message, frame in zip(read, made, strict=True):
        assert (message.arbitration_id, message.is_extended_id, message.data) == (
            frame.arbitration_id,
            frame.is_extended,
            frame.data,
        )
        assert message.channel == frame.bus
        assert message.timestamp - start_s == pytest.approx(frame.t_ns / NS, abs=2e-6)


def test_a_csv_holds_vss_columns(tmp_path: Path) -> None:
    path = tmp_path / "drive.csv"
    done = run("--csv", str(path), "--csv-rate", "2", "--odometer", "1000")
    assert done.exit_code == 0, done.output
    with path.open(newline="") as f:
        rows = list(csv.DictReader(f))
    assert [float(row["t_s"]) for row in rows[:3]] == [0, 0.5, 1]
    speeds = [float(row[SPEED]) for row in rows]
    assert sum(speeds) / 3.6 / 2 == pytest.approx(12_887.5, rel=1e-3)
    assert rows[0][IGNITION] == rows[-1][IGNITION] == "OFF"
    assert float(rows[-1][ODOMETER]) == 1_012_800
    assert rows[0]["Vehicle.Powertrain.FuelSystem.RelativeLevel"] == ""
    assert rows[0]["Vehicle.Cabin.Door.Row1.DriverSide.IsOpen"] == "true"


def test_a_bus_gets_the_frames() -> None:
    with can.Bus(interface="virtual", channel="test_vehicle_command") as listening:
        done = run("--interface", "virtual", "--channel", "test_vehicle_command", "--speed", "max", "--max-frames-per-s", "50")
        assert done.exit_code == 0, done.output
        heard = [listening.recv(0) for _ in range(1000)]
    expected = frames(Drive(car("sim_petrol"), trace_of(["us06"], "trace", 0)), max_frames_per_s=50)
    assert [(m.arbitration_id, bytes(m.data)) for m in heard if m] == [
        (f.arbitration_id, f.data) for f, _ in zip(expected, heard, strict=False)
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nowhere to drive"),
        (("--out", "x.log", "--speed", "0"), "a number above 0, or max"),
        (("--out", "x.log", "--speed", "fast"), "a number above 0, or max"),
        (("--out", "x.log", "--cycle", "ftp"), "wltc_3b"),
        (("--out", "x.log", "--max-frames-per-s", "10"), "needs 35 frames/s"),
    ],
)
def test_a_wrong_wish_is_answered_with_a_right_one(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_bus_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = run("--interface", "no_such_interface")
    assert done.exit_code == 1 and "no_such_interface" in done.stderr and "Traceback" not in done.stderr
    for option in ("--out", "--csv"):
        done = run(option, str(tmp_path / "missing" / "x"))
        assert done.exit_code == 1 and "missing" in done.stderr and "Traceback" not in done.output
