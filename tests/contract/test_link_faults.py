"""A bad line between the unit and each broker: whatever it does, everything arrives in the end, and nothing counts as done
that the broker did not acknowledge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest

from hil.broker import Kind
from hil.herd import Protocol
from hil.proxy import Direction
from tests.contract.bench import BROKERS, DEADLINE_S, UNIT, Bench, eventually

Make = Callable[..., Bench]

STALL_S = 40  # of the unit's clock, one second of ours: what the tests of a silent line wait for
CUTS = 40
HASTE = 1_000  # so much faster the unit's clock runs where it has to come back eighty times

each_broker = pytest.mark.parametrize(("kind", "protocol"), BROKERS)


def all_arrived_once(bench: Bench) -> None:
    """Drain; then each event is acknowledged once, verified, here once, and its number with it."""
    bench.drain()
    ids = sorted(bench.outbox.events)
    assert sorted(bench.outbox.done) == ids
    assert sorted(event["id"] for event in bench.clouds[0].events) == ids
    report = bench.report()
    assert report.complete
    assert (report.bad, report.waiting) == (0, 0)
    assert report.received == len(ids) + report.duplicates


@each_broker
def test_a_connection_that_is_reset(make: Make, kind: Kind, protocol: Protocol) -> None:
    bench = make(kind, protocol, proxied=True)
    bench.cloud()
    bench.outbox.add(150)
    bench.pump_until(lambda: len(bench.outbox.done) >= 40)
    bench.line.cut()
    bench.pump_until(lambda: bench.uplink.state.losses > 0)
    all_arrived_once(bench)
    assert bench.uplink.state.connections == 2


@each_broker
def test_a_line_without_coverage_is_given_up_and_had_again(make: Make, kind: Kind, protocol: Protocol) -> None:
    bench = make(kind, protocol, proxied=True, keepalive_s=STALL_S)
    bench.cloud()
    bench.pump_until(lambda: bench.uplink.state.connected and not bench.uplink.state.in_flight)
    bench.line.stall()
    bench.outbox.add(60)
    bench.pump_until(lambda: bench.uplink.state.losses > 0)
    assert f"has acknowledged nothing for {STALL_S} s" in str(bench.uplink.state.last_error)
    assert bench.outbox.done == []
    bench.pump_until(lambda: bench.uplink.state.losses > 1)  # and nobody lets it in
    assert f"has not let us in for {STALL_S} s" in str(bench.uplink.state.last_error)
    bench.line.heal()
    all_arrived_once(bench)


@each_broker
@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_half_open_line_acknowledges_nothing(make: Make, kind: Kind, protocol: Protocol, direction: Direction) -> None:
    bench = make(kind, protocol, proxied=True, keepalive_s=STALL_S)
    cloud = bench.cloud()
    bench.pump_until(lambda: bench.uplink.state.connected and not bench.uplink.state.in_flight)
    bench.line.swallow(direction)
    bench.outbox.add(10)
    bench.pump_until(lambda: bench.uplink.state.losses > 0)
    assert bench.outbox.done == []
    if direction == "down":  # the broker has them all, and said so in vain
        cloud.wait_for(10, DEADLINE_S)
    else:
        assert cloud.events == []
    bench.line.heal()
    all_arrived_once(bench)
    assert cloud.counts.duplicates == (10 if direction == "down" else 0)


@each_broker
def test_a_slow_line_is_borne(make: Make, kind: Kind, protocol: Protocol) -> None:
    bench = make(kind, protocol, proxied=True)
    bench.cloud()
    bench.pump_until(lambda: bench.uplink.state.connected)
    bench.line.throttle(30_000)  # 40 events of 800 bytes take a second
    bench.outbox.add(40)
    all_arrived_once(bench)
    assert bench.uplink.state.losses == 0


@each_broker
def test_nobody_listens_for_a_while(make: Make, kind: Kind, protocol: Protocol) -> None:
    bench = make(kind, protocol, proxied=True)
    bench.cloud()
    bench.line.refuse()
    bench.outbox.add(5)
    bench.pump_until(lambda: bench.uplink.state.losses == 2)
    assert "nothing listens" in str(bench.uplink.state.last_error)
    bench.line.heal()
    all_arrived_once(bench)


@each_broker
def test_a_cut_at_any_byte_loses_nothing(make: Make, kind: Kind, protocol: Protocol) -> None:
    """Forty connections, each reset at another byte, from the first of the handshake to the last of an acknowledgement."""
    bench = make(kind, protocol, proxied=True, pace=HASTE, keepalive_s=HASTE * 10)
    bench.cloud()
    bench.outbox.add(3)
    bench.drain()
    lengths: dict[Direction, int] = dict(bench.line.carried)
    assert min(lengths.values()) > CUTS
    for point in range(CUTS):
        direction: Direction = "up" if point % 2 else "down"
        bench.line.cut_at(direction, lengths[direction] * point // CUTS)
        bench.line.cut()
        bench.outbox.add(3)
        bench.pump_until(lambda: bench.outbox.drained)
    all_arrived_once(bench)
    assert bench.line.accepted > CUTS * 3 // 2  # the cut connections, and what came after them


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_broker_that_ends_mid_flight_and_comes_back_loses_nothing(
    make: Make, how: Literal["kill", "stop"], protocol: Protocol
) -> None:
    bench = make("mosquitto", protocol)
    cloud = bench.cloud()
    bench.outbox.add(60)
    bench.drain()
    bench.broker.pause()  # so that what is in flight is surely not acknowledged: mosquitto acknowledges before it saves
    bench.outbox.add(340)
    bench.pump_until(lambda: bench.uplink.state.in_flight == 20)
    getattr(bench.broker, how)()
    bench.pump_until(lambda: not bench.uplink.state.connected)
    assert bench.uplink.state.last_error
    bench.broker.start()
    all_arrived_once(bench)
    assert bench.uplink.state.published > 400  # some went out twice
    assert bench.uplink.state.connections == 2
    assert cloud.counts.bad == 0


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_tidy_end_of_the_broker_under_load_loses_nothing(make: Make, protocol: Protocol) -> None:
    bench = make("mosquitto", protocol)
    bench.cloud()
    bench.outbox.add(400)
    bench.pump_until(lambda: len(bench.outbox.done) >= 100)
    bench.broker.restart()
    all_arrived_once(bench)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_what_a_killed_broker_acknowledged_and_lost_is_known_to_the_receiver(make: Make, protocol: Protocol) -> None:
    """mosquitto 2.0.11 acknowledges before it saves. Killed under load it may lose an event that no publisher can miss:
    the receiver names exactly the missing ones, by their numbers."""
    bench = make("mosquitto", protocol)
    cloud = bench.cloud()
    bench.outbox.add(400)
    bench.pump_until(lambda: len(bench.outbox.done) >= 100)
    bench.broker.kill()
    bench.broker.start()
    bench.pump_until(lambda: bench.outbox.drained)
    cloud.wait_until(lambda: cloud.subscribed, DEADLINE_S)
    bench.outbox.add(1)  # the last one's loss shows with the next
    bench.pump_until(lambda: bench.outbox.drained)
    cloud.wait_until(lambda: cloud.events[-1]["id"] == f"{UNIT}-401", DEADLINE_S)
    here = {event["seq"] for event in cloud.events}
    missing = {seq for first, last in bench.report().epochs[0].missing for seq in range(first, last + 1)}
    assert missing == set(range(1, 402)) - here
    assert bench.report().complete == (not missing)


def test_amqtt_forgets_everything_and_gets_it_again(make: Make) -> None:
    """It keeps no session: who comes back first, the unit or the cloud, decides whether the cloud hears it."""
    bench = make("amqtt", "3.1.1")
    cloud = bench.cloud()
    bench.outbox.add(20)
    bench.drain()
    bench.broker.kill()
    bench.pump_until(lambda: not bench.uplink.state.connected)
    bench.outbox.add(60)
    eventually(lambda: not cloud.subscribed, "the cloud notices")
    bench.broker.start()
    cloud.wait_until(lambda: cloud.subscribed, DEADLINE_S)
    all_arrived_once(bench)
