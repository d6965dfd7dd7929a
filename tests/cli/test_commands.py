"""keyoff run takes commands: a process of its own, a broker, the bench's sender; its clock is said to be synchronised."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.io.requests import Request, leave
from hil.broker import Broker
from hil.ca import CLOUD, Authority
from hil.cloud.command import Commander
from hil.cloud.subscriber import Cloud
from tests.cli.conftest import Keyoff
from tests.conftest import ROOT

DEADLINE_S = 60.0

LAUNCHER = """
import sys
from agent.io import clock
clock.is_synchronised = lambda: True
from agent.__main__ import main
sys.argv = ["keyoff", "run", "--config", sys.argv[1]]
main()
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
def config(config_file: Path, authority: Authority) -> Path:
    key = authority.command_key().public
    bus = '[[bus]]\nname = "can0"\ninterface = "virtual"\nchannel = "nobody"\n'
    config_file.write_text(f'{config_file.read_text()}{bus}[commands]\nkey = "{key}"\n')
    (config_file.parent / "state").mkdir()
    return config_file


@pytest.fixture
def cloud(mosquitto: str, authority: Authority, config: Path) -> Iterator[Cloud]:
    with Broker(authority, kind="mosquitto") as broker:
        pair = authority.client("unit-1")
        config.write_text(
            f'{config.read_text()}[uplink]\nhost = "localhost"\nport = {broker.port}\nca = "{authority.pair.certificate}"\n'
            f'certificate = "{pair.certificate}"\nkey = "{pair.key}"\n'
        )
        cloud = Cloud(broker.host, broker.port, authority.pair.certificate, *authority.client(CLOUD))
        cloud.start()
        yield cloud
        cloud.stop()


def told(cloud: Cloud) -> list[Any]:
    return [e["data"] for e in cloud.events if e["type"] == "keyoff.CommandTaken.v2"]


def test_a_command_is_done_and_a_bad_request_is_refused_and_gone(cloud: Cloud, config: Path, authority: Authority) -> None:
    request = leave(config.parent / "state", Request("entry", entry="Nonsense"))
    sender = Commander(authority.command_key().private)
    command = sender.sign("unit-1", "OdometerRead", {"reading_m": 84_210_000}, jti="c1")
    words = [sys.executable, "-c", LAUNCHER, str(config)]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        cloud.wait_until(lambda: cloud.links.get("unit-1") is True, DEADLINE_S)
        address = cloud._address
        for _ in range(2):
            sender.send(command, "unit-1", address, authority.pair.certificate, authority.client(CLOUD))
        cloud.wait_until(lambda: told(cloud) != [], DEADLINE_S)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
    assert told(cloud) == [{"command": "c1", "kind": "OdometerRead", "outcome": "done"}]
    assert [e["data"]["to_m"] for e in cloud.events if e["type"] == "keyoff.OdometerRebased.v1"] == [84_210_000.0]
    assert "a request was refused: unknown kind 'Nonsense'" in said
    assert not request.exists()


def test_config_check_looks_at_the_key(keyoff: Keyoff, config: Path, authority: Authority) -> None:
    done = keyoff("config", "check", "--config", config, "--json")
    assert done.returncode == 0, done.stderr
    assert "[commands] without [uplink]: only a file brings one (keyoff fit load)" in json.loads(done.stdout)["notes"]
    authority.command_key().public.write_text("no key")
    done = keyoff("config", "check", "--config", config)
    assert done.returncode == 78
    assert "commands.key" in done.stderr and "holds no public key" in done.stderr
