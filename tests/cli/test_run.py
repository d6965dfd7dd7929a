"""keyoff run as the service runs it: a process of its own, a bus, systemd's socket, a broker; then SIGTERM, then SIGKILL.

The bus is python-can's `virtual`, which stays in one process: a launcher plays another tester's answers into it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from agent.io.database import connect_to_look
from agent.io.states import States, read
from hil.broker import Broker
from hil.ca import Authority
from hil.cloud.subscriber import Cloud
from tests.conftest import ROOT

DEADLINE_S = 60.0  # generous: only a broken agent reaches it

UPLINKS = {"cryptography", "joserfc", "paho"}  # 13 MiB
CHILDRENS = {"cantools", "sqlite_utils"}  # the plan's compiler and the migrations run in processes of their own: 20 MiB
OTHERS = {"agent.asyncapi", "agent.schema", "agent.io.buses.recording", "agent.cli.enter", "tabulate"}  # for who looks, enters
CANS = {"can"}  # a SocketCAN interface needs none of it

LAUNCHER = """
import sys, threading
import can

def play():
    bus = can.Bus(interface="virtual", channel="car")
    pause = threading.Event()
    while True:
        for pid, data in ((0x0D, [50]), (0x0C, [0x1F, 0x40])):
            bus.send(can.Message(arbitration_id=0x7E8, is_extended_id=False, data=[2 + len(data), 0x41, pid, *data]))
        pause.wait(0.2)

threading.Thread(target=play, daemon=True).start()
from agent.__main__ import main
sys.argv = ["keyoff", "run", "--config", sys.argv[1]]
main()
"""


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Look until it is so; fails after the deadline."""
    pause = threading.Event()
    for _ in range(round(DEADLINE_S / 0.05)):
        if condition():
            return
        pause.wait(0.05)
    pytest.fail(f"not within {DEADLINE_S} s: {what}")


@contextmanager
def running(config: Path, notify: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    env = os.environ | ({"NOTIFY_SOCKET": str(notify), "WATCHDOG_USEC": "30000000"} if notify else {})
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(config)], cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def config(config_file: Path) -> Path:
    config_file.write_text(config_file.read_text() + '[[bus]]\nname = "can0"\ninterface = "virtual"\nchannel = "car"\n')
    return config_file


def ask(config: Path, query: str) -> list[sqlite3.Row]:
    path = config.parent / "state" / "keyoff.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
        try:
            return conn.execute(query).fetchall()
        except sqlite3.OperationalError:  # not migrated yet
            return []


def started(config: Path) -> bool:
    return bool(ask(config, "SELECT 1 FROM events WHERE kind = 'TripStarted'"))


def phase(config: Path) -> str:
    return str(json.loads(states(config)["trip"][1])["phase"])


def states(config: Path) -> States:
    with closing(connect_to_look(config.parent / "state" / "keyoff.db")) as conn:
        return read(conn)[0]


def test_a_trip_starts_is_told_to_systemd_and_survives_sigterm_and_sigkill(config: Path, tmp_path: Path) -> None:
    notify = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(notify))
        systemd.settimeout(DEADLINE_S)
        with running(config, notify) as process:
            assert systemd.recv(4096) == b"READY=1"
            said = [systemd.recv(4096) for _ in range(2)]
            assert b"WATCHDOG=1" in said
            assert any(s.startswith(b"STATUS=") for s in said)
            eventually(lambda: started(config), "TripStarted")
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE_S) == 0
    assert phase(config) == "driving", "a stop ends no trip"
    with running(config) as process:
        eventually(lambda: "listens" in (process.stderr.readline() if process.stderr else ""), "the second start")
        before = states(config)
        eventually(lambda: states(config) != before, "a routine commit")
        process.kill()
    assert phase(config) == "driving"
    assert len(ask(config, "SELECT 1 FROM events WHERE kind = 'TripStarted'")) == 1, "one trip, over both"


def test_events_arrive_verified_and_a_person_can_enter_the_odometer(mosquitto: str, config: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    with Broker(authority, kind="mosquitto") as broker:
        pair = authority.client("unit-1")
        config.write_text(
            config.read_text() + f'[uplink]\nhost = "localhost"\nport = {broker.port}\nca = "{authority.pair.certificate}"\n'
            f'certificate = "{pair.certificate}"\nkey = "{pair.key}"\n'
        )
        cloud = Cloud(broker.host, broker.port, authority.pair.certificate, *authority.client("cloud"))
        cloud.start()
        try:
            with running(config) as process:
                assert cloud.wait_for(1, DEADLINE_S)[0]["type"] == "keyoff.TripStarted.v1"
                words = [sys.executable, "-m", "agent", "odometer", "set", "1234", "--config", str(config)]
                assert subprocess.run(words, cwd=ROOT, check=False, capture_output=True).returncode == 0
                cloud.wait_until(lambda: any(e["type"] == "keyoff.OdometerRebased.v1" for e in cloud.events), DEADLINE_S)
                process.send_signal(signal.SIGTERM)
                assert process.wait(DEADLINE_S) == 0
                cloud.wait_until(lambda: cloud.links.get("unit-1") is False, DEADLINE_S)
        finally:
            cloud.stop()
    assert cloud.counts.bad == 0
    assert ask(config, "SELECT count(*) FROM events WHERE acked = 0")[0][0] == 0


def imported(config: Path, until: str) -> set[str]:
    """What a first `keyoff run` has imported when `until` is: modules by their full names and their packages."""
    words = [sys.executable, "-X", "importtime", "-m", "agent", "run", "--config", str(config)]
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        guard = threading.Timer(DEADLINE_S, process.kill)
        guard.start()
        found: set[str] = set()
        for line in process.stderr or ():
            name = line.rpartition("|")[2].strip() if line.startswith("import time:") else ""
            found |= {name, name.partition(".")[0]}
            if name == until:
                break
        guard.cancel()
        process.kill()
    assert until in found
    return found


def test_it_loads_nothing_that_it_does_not_need(config_file: Path, tmp_path: Path) -> None:
    config_file.write_text(config_file.read_text() + '[[bus]]\nname = "can0"\n')
    alone = imported(config_file, until="agent.io.requests")  # a request is looked for at the end of each tick
    assert "agent.io.buses.socketcan" in alone
    assert not alone & (UPLINKS | CHILDRENS | CANS | OTHERS)
    shutil.rmtree(tmp_path / "state")  # a first start again
    authority = Authority(tmp_path / "ca")
    pair = authority.client("unit-1")
    config_file.write_text(
        config_file.read_text() + f'[uplink]\nhost = "localhost"\nport = 1\nca = "{authority.pair.certificate}"\n'
        f'certificate = "{pair.certificate}"\nkey = "{pair.key}"\n'
    )
    sending = imported(config_file, until="paho.mqtt.client")
    assert sending >= UPLINKS
    assert not sending & (CHILDRENS | CANS | OTHERS)


def test_without_a_bus_it_says_so(config_file: Path) -> None:
    words = [sys.executable, "-m", "agent", "run", "--config", str(config_file)]
    done = subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 78
    assert "no [[bus]]" in done.stderr
