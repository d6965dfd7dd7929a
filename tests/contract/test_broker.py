"""The uplink, the bench cloud and each broker together: what was published is acknowledged, arrives once, and verifies."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from paho.mqtt import client as paho

from agent.model import NS
from hil.broker import RULES, Kind
from hil.ca import CLOUD, Authority
from hil.herd import Protocol
from tests.contract.bench import BROKERS, DEADLINE_S, KEEPALIVE_S, UNIT, Bench

Make = Callable[..., Bench]

FIRST = f"{UNIT}-1"  # the first event's id


@pytest.mark.parametrize(("kind", "protocol"), BROKERS)
def test_everything_published_is_acknowledged_arrives_once_and_verifies(make: Make, kind: Kind, protocol: Protocol) -> None:
    bench = make(kind, protocol)
    cloud = bench.cloud()
    bench.outbox.add(150)
    bench.pump_until(lambda: len(bench.outbox.done) == 150)
    events = cloud.wait_for(150, DEADLINE_S)
    assert sorted(bench.outbox.done) == sorted(bench.outbox.events)
    assert [event["seq"] for event in events] == list(range(1, 151))  # one connection: in the outbox's order
    assert bench.report().complete
    assert events[0]["source"] == f"urn:keyoff:unit:{UNIT}"
    assert (cloud.counts.bad, cloud.counts.waiting, bench.uplink.state.refused) == (0, 0, 0)
    assert bench.uplink.state.acknowledged == 150
    assert bench.uplink.state.last_error is None


@pytest.mark.parametrize(("kind", "protocol"), BROKERS)
def test_the_birth_is_retained_and_a_tidy_stop_says_offline(make: Make, kind: Kind, protocol: Protocol) -> None:
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


def test_a_link_that_hangs_is_given_up(make: Make) -> None:
    bench = make()
    bench.pump_until(lambda: bench.uplink.state.connected and bench.uplink.state.in_flight == 0)
    bench.broker.pause()
    bench.outbox.add(1)
    begin_ns = time.monotonic_ns()
    bench.uplink.pump(begin_ns)
    bench.uplink.pump(begin_ns + (KEEPALIVE_S + 1) * NS)
    assert f"acknowledged nothing for {KEEPALIVE_S} s" in str(bench.uplink.state.last_error)
    assert not bench.uplink.state.connected
    bench.broker.resume()
    bench.pump_until(lambda: bench.outbox.drained)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_the_broker_keeps_the_units_session_while_it_is_away(make: Make, protocol: Protocol) -> None:
    bench = make("mosquitto", protocol)
    bench.pump_until(lambda: bench.uplink.state.connected)
    bench.uplink.stop(5.0)
    present: SimpleQueue[bool] = SimpleQueue()
    with plain_client(bench, on_connect=lambda _client, _data, flags, *_: present.put(flags.session_present)):
        assert present.get(timeout=DEADLINE_S)


def test_a_unit_may_publish_below_its_own_name_only(make: Make) -> None:
    bench = make()
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
    bench = make(rules=f"{rules}pattern write keyoff/%u/event/TripEnded\n")
    cloud = bench.cloud()
    bench.outbox.add(1, "OdometerRebased")
    bench.outbox.add(3)
    bench.pump_until(lambda: len(bench.outbox.done) == 3 and bench.uplink.state.refused > 0)
    assert FIRST not in bench.outbox.done
    assert FIRST in str(bench.uplink.state.last_error)
    assert "Not authorized" in str(bench.uplink.state.last_error)
    bench.broker.set_rules(RULES)
    bench.pump_until(lambda: FIRST in bench.outbox.done)
    assert len(cloud.wait_for(4, DEADLINE_S)) == 4
    assert bench.uplink.state.last_error is None


def test_two_clients_with_one_name_do_not_fight_hotly(make: Make) -> None:
    """mosquitto 2.0.11 says nothing when it throws the first one out; of those that say it see tests/io/test_uplink.py."""
    bench = make()
    cloud = bench.cloud()
    bench.outbox.add(1)
    bench.pump_until(lambda: bench.outbox.drained)
    with plain_client(bench):  # which comes back at once, each time
        bench.pump_until(lambda: not bench.uplink.state.connected)
        bench.outbox.add(20)
        bench.pump_until(lambda: bench.outbox.drained)
    cloud.wait_for(21, DEADLINE_S)
    waits_ns = [later - earlier for earlier, later in pairwise(bench.unit.attempts_ns)]
    assert min(waits_ns) >= NS


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_an_event_too_large_for_the_broker_keeps_no_other_back(make: Make, protocol: Protocol) -> None:
    """MQTT 5 tells its limit and it is never sent; on 3.1.1 mosquitto hangs up, and the uplink finds out which it was."""
    bench = make("mosquitto", protocol, more="max_packet_size 8000\n")
    cloud = bench.cloud()
    bench.outbox.add(3)
    bench.outbox.add(1, padding_bytes=9_000)
    bench.outbox.add(30)
    bench.pump_until(lambda: len(bench.outbox.done) == 33 and bench.uplink.state.set_aside == 1)
    assert f"{UNIT}-4" not in bench.outbox.done
    assert f"{UNIT}-4" in str(bench.uplink.state.last_error)
    cloud.wait_for(33, DEADLINE_S)
    assert bench.report().epochs[0].missing == [(4, 4)]
    if protocol == "5":
        assert (bench.uplink.state.connections, bench.uplink.state.losses) == (1, 0)
        assert "the broker takes 8000" in str(bench.uplink.state.last_error)


@pytest.mark.parametrize(("kind", "protocol"), BROKERS)
def test_a_certificate_of_another_ca_is_refused_in_plain_words(
    make: Make, kind: Kind, protocol: Protocol, tmp_path: Path
) -> None:
    bench = make(kind, protocol)
    stranger = Authority(tmp_path / "elsewhere").client(UNIT)
    unit = bench.make_unit(certificate=str(stranger.certificate), key=str(stranger.key))
    unit.outbox.add(1)
    bench.pump_until(lambda: unit.uplink.state.losses > 0, unit)
    assert str(stranger.certificate) in str(unit.uplink.state.last_error)
    assert "refuse" in str(unit.uplink.state.last_error)
    assert not unit.outbox.done


def test_a_broker_of_another_ca_is_not_believed(make: Make, tmp_path: Path) -> None:
    bench = make()
    other = Authority(tmp_path / "elsewhere")
    unit = bench.make_unit(ca=str(other.pair.certificate))
    bench.pump_until(lambda: unit.uplink.state.losses > 0, unit)
    assert "uplink.ca" in str(unit.uplink.state.last_error)
    assert unit.uplink.state.connections == 0


def test_a_broker_under_another_name_is_not_believed(tmp_path: Path, mosquitto: str) -> None:
    authority = Authority(tmp_path)
    authority.broker(["broker.example"])  # kept: not good for localhost
    bench = Bench(tmp_path)
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
def test_the_last_will_is_published_when_the_unit_vanishes(make: Make, kind: Kind, protocol: Protocol) -> None:
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
