"""`python -m hil.cloud.inbox run` as a process, at a real broker: an event becomes a mail, a click becomes a signed command."""

from __future__ import annotations

import json
import queue
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc import jws
from joserfc.jwk import OKPKey
from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.config import UplinkConfig
from agent.io.envelope import make_envelope
from agent.io.identity import Identity
from agent.localtime import DAY_NS
from hil.broker import Broker
from hil.ca import Authority
from hil.cloud.inbox.__main__ import main
from tests.conftest import ROOT
from tests.hil.inbox.cars import Car, bookable
from tests.hil.inbox.mailbox import free_port
from tests.hil.inbox.scene import parsed, text_of

UNIT = "rav4"
DEADLINE_S = 60.0  # only a broken test waits for it
PEOPLE = '[[person]]\nid = "ana"\nmail = "ana@example.org"\ncars = { rav4 = "Toyota RAV4" }\n'


class Unit:
    """A unit at the broker: says what it is told to, keeps the commands that come."""

    def __init__(self, authority: Authority, broker: Broker) -> None:
        pair = authority.client(UNIT)
        config = UplinkConfig(host="localhost", ca="ca.pem", certificate=pair.certificate.name, key=pair.key.name)
        self.identity = Identity.load(config, authority.folder, UNIT, None)
        self.commands: queue.Queue[bytes] = queue.Queue()
        self.client: Any = paho.Client(paho.CallbackAPIVersion.VERSION2, UNIT, protocol=paho.MQTTv5)
        tls = ssl.create_default_context(cafile=str(authority.pair.certificate))
        tls.load_cert_chain(*pair)
        self.client.tls_set_context(tls)
        self.client.on_message = lambda _client, _data, message: self.commands.put(message.payload)
        self.client.on_connect = lambda client, *_: client.subscribe(f"keyoff/{UNIT}/command", qos=1)
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        self._publish("birth", json.dumps({"unit": UNIT, "x5c": self.identity.x5c}).encode(), retain=True)

    def says(self, kind: str, version: int, data: dict[str, Any], seq: int) -> None:
        envelope = make_envelope(
            unit=UNIT, id=f"e{seq}", kind=kind, version=version, t_ns=seq, boot_id="b", utc_ns=time.time_ns(),
            clock="synchronised", epoch="e", seq=seq, data=data,
        )  # fmt: skip
        self._publish(f"event/{kind}", envelope)

    def command(self, kind: str, authority: Authority) -> dict[str, Any]:
        """The next of this kind, with a signature that fits."""
        key = OKPKey.import_key(load_pem_public_key(authority.command_key().public.read_bytes()))  # type: ignore[arg-type]
        while True:
            payload = jws.deserialize_compact(self.commands.get(timeout=DEADLINE_S), key, algorithms=["Ed25519"]).payload
            claims: dict[str, Any] = json.loads(payload)
            if claims["kind"] == kind:
                return claims

    def _publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        properties.UserProperty = [("jws", self.identity.sign(payload))]
        self.client.publish(f"keyoff/{UNIT}/{topic}", payload, qos=1, retain=retain, properties=properties).wait_for_publish(
            DEADLINE_S
        )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "bench")


@pytest.fixture
def broker(mosquitto: str, authority: Authority) -> Iterator[Broker]:
    with Broker(authority, kind="mosquitto") as broker:
        yield broker


@pytest.fixture
def inbox(authority: Authority, broker: Broker) -> Iterator[subprocess.Popen[str]]:
    people = authority.folder / "people.toml"
    people.write_text(PEOPLE)
    words = [sys.executable, "-u", "-m", "hil.cloud.inbox", "run", str(authority.folder), "--people", str(people)]
    words += ["--port", str(broker.port), "--page", str(free_port())]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield process
    process.kill()
    process.communicate()


def wait_for(process: subprocess.Popen[str], what: str) -> str:
    assert process.stdout
    for line in process.stdout:
        if what in line:
            return line
    raise AssertionError(f"it ended without {what!r}")


def test_an_event_becomes_a_mail_and_a_click_a_command(
    inbox: subprocess.Popen[str], authority: Authority, broker: Broker
) -> None:
    wait_for(inbox, "ana: http://127.0.0.1:")
    unit = Unit(authority, broker)
    now_ns = time.time_ns()
    release = Car(UNIT).releases(bookable(), from_ns=now_ns - DAY_NS, to_ns=now_ns + DAY_NS)
    unit.says("PromptReleased", 2, release.data, 1)
    wait_for(inbox, "shown to ana by mail: Oil change is due")
    (file,) = (authority.folder / "mails").glob("*.eml")
    plain = text_of(parsed(file.read_bytes()))
    assert unit.command("PromptDelivered", authority)["data"]["prompt_id"] == "p1"
    done = re.search(r"It is done already:\s+(\S+)", plain)
    assert done
    with urllib.request.urlopen(done[1], data=urllib.parse.urlencode({}).encode()) as response:
        assert response.status == 200
    claims = unit.command("PromptAnswered", authority)
    assert claims["aud"] == UNIT
    assert claims["data"] == {"prompt_id": "p1", "answer": "done"}
    unit.says("TripStarted", 1, {"trip_id": "t1"}, 2)
    wait_for(inbox, "rav4 says TripStarted")
    changed = CliRunner().invoke(main, ["appointment", str(authority.folder), UNIT, "oil change", "cancelled"])
    assert changed.exit_code == 0, changed.output
    assert unit.command("AppointmentChanged", authority)["data"] == {"bookable": "oil change", "change": "cancelled"}
    inbox.send_signal(signal.SIGTERM)
    wait_for(inbox, "1 shown, 0 of them for safety")
    wait_for(inbox, "shown while driving, the link was down: 0")
    assert inbox.wait(DEADLINE_S) == 0
    unit.client.disconnect()
    unit.client.loop_stop()


@pytest.mark.parametrize(
    ("people", "message"),
    [("[[person]]\nid = 3", "address book"), (PEOPLE, "cannot start")],
)
def test_what_keeps_it_from_starting_is_said(tmp_path: Path, people: str, message: str) -> None:
    (tmp_path / "people.toml").write_text(people)
    words = ["run", str(tmp_path), "--people", str(tmp_path / "people.toml"), "--port", str(free_port())]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert message in result.output


@pytest.mark.parametrize("words", [["moved"], ["kept", "--to", "2026-11-26T10:30"]])
def test_to_move_needs_a_time_and_nothing_else_does(tmp_path: Path, words: list[str]) -> None:
    assert CliRunner().invoke(main, ["appointment", str(tmp_path), UNIT, "oil change", *words]).exit_code == 2
