"""The uplink, the bench cloud and each broker together: what was published is acknowledged, arrives once, and verifies."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

import pytest
from paho.mqtt import client as paho

from agent.config import UplinkConfig
from agent.io.envelope import make_envelope
from agent.io.identity import Identity
from agent.io.uplink import Outgoing, Uplink
from hil.broker import RULES, Broker, Kind
from hil.ca import CLOUD, Authority
from hil.cloud import Cloud

UNIT = "sim-1"
DEADLINE_S = 60.0  # generous: only a broken test waits for it
BROKERS = [("mosquitto", "5"), ("mosquitto", "3.1.1"), ("amqtt", "3.1.1")]


class Memory:
    """An outbox in memory, oldest first."""

    def __init__(self) -> None:
        self.events: dict[str, Outgoing] = {}
        self.done: list[str] = []

    def add(self, count: int, kind: str = "TripEnded") -> None:
        for _ in range(count):
            seq = len(self.events)
            payload = make_envelope(
                unit=UNIT, id=f"event-{seq}", kind=kind, version=1, t_ns=seq, boot_id="b", utc_ns=None,
                clock="none", epoch="e", seq=seq, data={"distance_m": seq * 1.5},
            )  # fmt: skip
            self.events[f"event-{seq}"] = Outgoing(seq, f"event-{seq}", kind, payload)

    def waiting(self, limit: int, excluding: Collection[str]) -> list[Outgoing]:
        return [event for id, event in self.events.items() if id not in excluding and id not in self.done][:limit]

    def acknowledged(self, id: str) -> None:
        self.done.append(id)


class Bench:
    """A CA, a broker, a cloud and a unit's uplink."""

    def __init__(self, folder: Path, kind: Kind, protocol: Literal["5", "3.1.1"], rules: str = RULES) -> None:
        self.authority = Authority(folder)
        self.authority.client(UNIT)
        self.pair = self.authority.client(CLOUD)
        self.protocol = protocol
        self.broker = Broker(self.authority, kind=kind, rules=rules)
        self.broker.start()
        self.outbox = Memory()
        self.uplink = self.make_uplink()
        self.uplink.start()
        self.clouds: list[Cloud] = []

    def make_uplink(self, **changes: str | int) -> Uplink:
        settings: dict[str, str | int] = {"certificate": f"{UNIT}.pem", "key": f"{UNIT}.key", "ca": "ca.pem", **changes}
        config = UplinkConfig(host=self.broker.host, port=self.broker.port, protocol=self.protocol, **settings)  # type: ignore[arg-type]
        identity = Identity.load(config, self.authority.folder, UNIT, time.time_ns())
        return Uplink(config, self.authority.folder, UNIT, identity, self.outbox, {"software": "1.2.3", "vehicle": "sim_petrol"})

    def cloud(self, name: str = CLOUD) -> Cloud:
        address = (self.broker.host, self.broker.port, self.authority.pair.certificate)
        cloud = Cloud(*address, *self.pair, self.protocol, name)
        cloud.start(DEADLINE_S)
        self.clouds.append(cloud)
        return cloud

    def pump_until(self, condition: Callable[[], bool], uplink: Uplink | None = None) -> None:
        uplink = uplink or self.uplink
        deadline_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline_s, uplink.state
            uplink.pump(time.monotonic_ns())
            uplink.wait(0.02)

    def close(self) -> None:
        self.uplink.stop(5.0)
        for cloud in self.clouds:
            cloud.stop()
        self.broker.stop()


Make = Callable[..., Bench]


@pytest.fixture
def make(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Make]:
    benches: list[Bench] = []

    def bench(kind: Kind, protocol: Literal["5", "3.1.1"], rules: str = RULES) -> Bench:
        if kind == "mosquitto":
            request.getfixturevalue("mosquitto")
        benches.append(Bench(tmp_path, kind, protocol, rules))
        return benches[-1]

    yield bench
    for each in benches:
        each.close()


@pytest.mark.parametrize(("kind", "protocol"), BROKERS)
def test_everything_published_is_acknowledged_arrives_once_and_verifies(
    make: Make, kind: Kind, protocol: Literal["5", "3.1.1"]
) -> None:
    bench = make(kind, protocol)
    cloud = bench.cloud()
    bench.outbox.add(150)
    bench.pump_until(lambda: len(bench.outbox.done) == 150)
    events = cloud.wait_for(150, DEADLINE_S)
    assert sorted(bench.outbox.done) == sorted(bench.outbox.events)
    assert [event["seq"] for event in sorted(events, key=lambda event: int(event["seq"]))] == list(range(150))
    assert events[0]["source"] == f"urn:keyoff:unit:{UNIT}"
    assert (cloud.counts.bad, cloud.counts.waiting, bench.uplink.state.refused) == (0, 0, 0)
    assert bench.uplink.state.acknowledged == 150
    assert bench.uplink.state.last_error is None


@pytest.mark.parametrize(("kind", "protocol"), BROKERS)
def test_the_birth_is_retained_and_a_tidy_stop_says_offline(make: Make, kind: Kind, protocol: Literal["5", "3.1.1"]) -> None:
    bench = make(kind, protocol)
    bench.outbox.add(1)
    bench.pump_until(lambda: len(bench.outbox.done) == 1)
    late = bench.cloud("late")
    late.wait_until(lambda: UNIT in late.births and late.links.get(UNIT) is True, DEADLINE_S)
    assert late.births[UNIT]["software"] == "1.2.3"
    assert late.births[UNIT]["vehicle"] == "sim_petrol"
    assert late.births[UNIT]["protocol"] == protocol
    bench.uplink.stop(5.0)
    late.wait_until(lambda: late.links.get(UNIT) is False, DEADLINE_S)
    assert bench.uplink.state.last_error is None


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_broker_that_ends_mid_flight_and_comes_back_loses_nothing(
    make: Make, how: Literal["kill", "stop"], protocol: Literal["5", "3.1.1"]
) -> None:
    bench = make("mosquitto", protocol)
    cloud = bench.cloud()
    bench.outbox.add(60)
    bench.pump_until(lambda: len(bench.outbox.done) == 60)
    cloud.wait_for(60, DEADLINE_S)
    bench.broker.pause()  # so that what is in flight is surely not acknowledged: mosquitto acknowledges before it saves
    bench.outbox.add(340)
    bench.pump_until(lambda: bench.uplink.state.in_flight == 20)
    getattr(bench.broker, how)()
    bench.pump_until(lambda: not bench.uplink.state.connected)
    assert bench.uplink.state.last_error
    bench.broker.start()
    bench.pump_until(lambda: len(bench.outbox.done) == 400)
    events = cloud.wait_for(400, DEADLINE_S)
    assert sorted(str(event["id"]) for event in events) == sorted(bench.outbox.events)
    assert sorted(bench.outbox.done) == sorted(bench.outbox.events)
    assert bench.uplink.state.published > 400  # some went out twice
    assert bench.uplink.state.connections == 2
    assert cloud.counts.bad == 0


def test_a_link_that_hangs_is_given_up(make: Make) -> None:
    bench = make("mosquitto", "5")
    bench.pump_until(lambda: bench.uplink.state.connected and bench.uplink.state.in_flight == 0)
    bench.broker.pause()
    bench.outbox.add(1)
    bench.uplink.pump(time.monotonic_ns() - 61_000_000_000)
    bench.uplink.pump(time.monotonic_ns())
    assert "acknowledged nothing for 60 s" in str(bench.uplink.state.last_error)
    assert not bench.uplink.state.connected
    bench.broker.resume()
    bench.pump_until(lambda: bench.outbox.done == ["event-0"])


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_the_broker_keeps_the_units_session_while_it_is_away(make: Make, protocol: Literal["5", "3.1.1"]) -> None:
    bench = make("mosquitto", protocol)
    bench.pump_until(lambda: bench.uplink.state.connected)
    bench.uplink.stop(5.0)
    present: SimpleQueue[bool] = SimpleQueue()
    with plain_client(bench, on_connect=lambda _client, _data, flags, *_: present.put(flags.session_present)):
        assert present.get(timeout=DEADLINE_S)


def test_a_unit_may_publish_below_its_own_name_only(make: Make) -> None:
    bench = make("mosquitto", "5")
    answers: SimpleQueue[str] = SimpleQueue()
    for topic, answer in [("keyoff/sim-2/event/TripEnded", "Not authorized"), (f"keyoff/{UNIT}/event/TripEnded", "Success")]:
        publish = partial(publish_once, topic)
        with plain_client(bench, on_connect=publish, on_publish=lambda *args: answers.put(str(args[3]))):
            assert answers.get(timeout=DEADLINE_S).replace("No matching subscribers", "Success") == answer


def publish_once(topic: str, client: Any, *_: object) -> None:
    client.publish(topic, b"{}", qos=1)


@contextmanager
def plain_client(bench: Bench, **callbacks: Callable[..., None]) -> Iterator[None]:
    """A client of paho's own making with the unit's name and certificate."""
    kind: dict[str, Any] = {"protocol": paho.MQTTv5} if bench.protocol == "5" else {"clean_session": False}
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, UNIT, **kind)
    pair = bench.authority.client(UNIT)
    client.tls_set(str(bench.authority.pair.certificate), str(pair.certificate), str(pair.key))
    for name, callback in callbacks.items():
        setattr(client, name, callback)
    client.connect(bench.broker.host, bench.broker.port, **({"clean_start": False} if bench.protocol == "5" else {}))
    client.loop_start()
    try:
        yield
    finally:
        client.disconnect()
        client.loop_stop()


def test_a_refused_event_is_kept_and_goes_out_once_it_may(make: Make) -> None:
    rules = f"user {CLOUD}\ntopic read keyoff/#\npattern write keyoff/%u/birth\npattern write keyoff/%u/link\n"
    bench = make("mosquitto", "5", f"{rules}pattern write keyoff/%u/event/TripEnded\n")
    cloud = bench.cloud()
    bench.outbox.add(1, "OdometerRebased")
    bench.outbox.add(3)
    bench.pump_until(lambda: len(bench.outbox.done) == 3 and bench.uplink.state.refused > 0)
    assert "event-0" not in bench.outbox.done
    assert "event-0" in str(bench.uplink.state.last_error)
    assert "Not authorized" in str(bench.uplink.state.last_error)
    bench.broker.set_rules(RULES)
    bench.pump_until(lambda: "event-0" in bench.outbox.done)
    assert len(cloud.wait_for(4, DEADLINE_S)) == 4
    assert bench.uplink.state.last_error is None


@pytest.mark.parametrize(("kind", "protocol"), BROKERS)
def test_a_certificate_of_another_ca_is_refused_in_plain_words(
    make: Make, kind: Kind, protocol: Literal["5", "3.1.1"], tmp_path: Path
) -> None:
    bench = make(kind, protocol)
    stranger = Authority(tmp_path / "elsewhere").client(UNIT)
    uplink = bench.make_uplink(certificate=str(stranger.certificate), key=str(stranger.key))
    uplink.start()
    bench.outbox.add(1)
    bench.pump_until(lambda: uplink.state.losses > 0, uplink)
    assert str(stranger.certificate) in str(uplink.state.last_error)
    assert "refuse" in str(uplink.state.last_error)
    assert not bench.outbox.done


def test_a_broker_of_another_ca_is_not_believed(make: Make, tmp_path: Path) -> None:
    bench = make("mosquitto", "5")
    other = Authority(tmp_path / "elsewhere")
    uplink = bench.make_uplink(ca=str(other.pair.certificate))
    uplink.start()
    bench.pump_until(lambda: uplink.state.losses > 0, uplink)
    assert "uplink.ca" in str(uplink.state.last_error)
    assert uplink.state.connections == 0


def test_a_broker_under_another_name_is_not_believed(tmp_path: Path, mosquitto: str) -> None:
    authority = Authority(tmp_path)
    authority.broker(["broker.example"])  # kept: not good for localhost
    bench = Bench(tmp_path, "mosquitto", "5")
    try:
        bench.pump_until(lambda: bench.uplink.state.losses > 0)
        assert "uplink.host" in str(bench.uplink.state.last_error)
    finally:
        bench.close()


A_UNIT = """
import sys, time
from pathlib import Path
from agent.config import UplinkConfig
from agent.io.identity import Identity
from agent.io.uplink import Uplink

class Nothing:
    def waiting(self, limit, excluding): return []
    def acknowledged(self, id): pass

unit, folder, port, protocol = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
config = UplinkConfig(
    host="localhost", port=port, protocol=protocol, ca="ca.pem", certificate=f"{unit}.pem", key=f"{unit}.key"
)
uplink = Uplink(config, folder, unit, Identity.load(config, folder, unit, None), Nothing(), {})
uplink.start()
while True:
    uplink.pump(time.monotonic_ns())
    uplink.wait(0.05)
"""


@pytest.mark.parametrize(("kind", "protocol"), BROKERS)
def test_the_last_will_is_published_when_the_unit_vanishes(make: Make, kind: Kind, protocol: Literal["5", "3.1.1"]) -> None:
    bench = make(kind, protocol)
    cloud = bench.cloud()
    arguments = [UNIT, str(bench.authority.folder), str(bench.broker.port), protocol]
    unit = subprocess.Popen([sys.executable, "-c", A_UNIT, *arguments], cwd=Path(__file__).parents[2])
    try:
        cloud.wait_until(lambda: cloud.links.get(UNIT) is True, DEADLINE_S)
    finally:
        unit.kill()
        unit.wait()
    cloud.wait_until(lambda: cloud.links.get(UNIT) is False, DEADLINE_S)
