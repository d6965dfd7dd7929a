"""The bench's commander: what it signs is what a unit takes, and its command line says what is wrong."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.io.commands import MAX_BYTES, Commands, load_key
from agent.model import NS
from hil.ca import Authority
from hil.cloud.command import Commander, main

NOW_S = 1_793_000_000


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(load_key(Authority(tmp_path).command_key().public), "sim-1")


@pytest.fixture
def sender(tmp_path: Path) -> Commander:
    return Commander(Authority(tmp_path).command_key().private)


def test_a_unit_takes_what_it_signs(sender: Commander, commands: Commands) -> None:
    signed = sender.sign("sim-1", "DriverRemoved", {"driver": "ana"}, 60, now_s=NOW_S, jti="c1")
    command = commands.read(signed.encode(), (NOW_S + 59) * NS)
    assert command == ("c1", "DriverRemoved", {"driver": "ana"}, (NOW_S + 60) * NS)


def test_each_has_an_id_of_its_own(sender: Commander, commands: Commands) -> None:
    signed = [sender.sign("sim-1", "DriverRemoved", {"driver": "ana"}, now_s=NOW_S) for _ in range(2)]
    assert len({commands.read(each.encode(), NOW_S * NS).id for each in signed}) == 2


def test_it_makes_none_that_a_unit_would_not_take(sender: Commander) -> None:
    with pytest.raises(ValueError, match=f"a unit takes {MAX_BYTES}"):
        sender.sign("sim-1", "DriverSaved", {"x": "x" * MAX_BYTES})


def test_its_command_line_prints_what_it_would_send(tmp_path: Path, commands: Commands) -> None:
    words = [str(tmp_path), "sim-1", "OdometerRead", json.dumps({"reading_m": 84_210_000}), "--id", "c7", "--print"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert commands.read(done.output.strip().encode(), time.time_ns()).id == "c7"


def test_its_command_line_says_what_is_wrong(tmp_path: Path) -> None:
    Authority(tmp_path)
    done = CliRunner().invoke(main, [str(tmp_path), "sim-1", "OdometerRead", "{"])
    assert done.exit_code == 1
    assert "DATA" in done.output
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = CliRunner().invoke(main, [str(tmp_path), "sim-1", "OdometerRead", "{}", "--port", str(port)])
    assert done.exit_code == 1
    assert f"not sent to localhost:{port}" in done.output
