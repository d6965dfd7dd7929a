"""Commands through each broker, to a daemon on a real store: done once, though anything may come twice or be cut off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.config import UplinkConfig
from agent.daemon import Daemon
from agent.io import clock
from agent.io.commands import MAX_BYTES, Commands, load_key
from agent.io.connection import RECEIVE_MAXIMUM
from agent.io.identity import Identity
from agent.io.store import Batch, Store, StoreError
from agent.io.uplink import Uplink
from agent.model import Wall
from hil.broker import Kind
from hil.ca import CLOUD, Authority
from hil.cloud.command import Commander
from hil.herd import Protocol
from tests.contract.bench import BROKERS, DEADLINE_S, UNIT, Bench
from tests.test_daemon import PLAN, SETUP

Make = Callable[..., Bench]

ANA = {"driver": {"id": "ana"}}
TURNS = 50  # of the daemon, 20 ms each: what a broker that sends too much would have sent by then


class Disk(Store):
    """A store that can refuse."""

    refuses = False

    def commit(self, batch: Batch, utc_ns: int | None = None) -> int:
        if self.refuses:
            raise StoreError("the disk is full")
        return super().commit(batch, utc_ns)


class Car:
    """A daemon with its store in the bench's folder and its uplink to the bench's broker."""

    def __init__(self, bench: Bench) -> None:
        folder = bench.authority.folder
        bench.authority.client(UNIT)
        config = UplinkConfig(
            bench.broker.host, "ca.pem", f"{UNIT}.pem", f"{UNIT}.key", bench.broker.port, bench.protocol, keepalive_s=30
        )
        self.store = Disk(folder / "keyoff.db", UNIT)
        self.daemon = Daemon(SETUP._replace(unit=UNIT), PLAN, self.store, clock.boot_id())
        self.daemon.commands = Commands(load_key(bench.authority.command_key().public), UNIT)
        identity = Identity.load(config, folder, UNIT, None)
        birth = {"software": "1.2.3", "vehicle": "car"}
        self.uplink = Uplink(config, folder, UNIT, identity, self.store, birth, takes_commands=True)
        self.uplink.start()
        self.daemon.uplink = self.uplink
        self.is_trusted = True

    def turn(self) -> None:
        now_ns = clock.boottime_ns()
        self.daemon.tick(now_ns, Wall(time.time_ns() - now_ns, "synchronised" if self.is_trusted else "unsure"))
        self.uplink.wait(0.02)

    def live_until(self, condition: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline_s, (self.uplink.state, self.answers, self.daemon.counts())
            self.turn()

    def go_online(self) -> None:
        """Until the broker knows that it wants commands: it answers in order, and SUBSCRIBE comes before the birth."""
        self.live_until(lambda: self.uplink.state.last_ack_ns is not None and self.uplink.state.in_flight == 0)

    def cut(self) -> None:
        """The power goes."""
        line = self.uplink._line
        assert line is not None
        line.abandon()
        line.join(DEADLINE_S)
        self.store.close()

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
        """What is taken from now on."""
        came: list[bytes] = []
        took = self.uplink.took

        def watched(payload: bytes) -> None:
            came.append(payload)
            took(payload)

        monkeypatch.setattr(self.uplink, "took", watched)
        return came

    @property
    def answers(self) -> list[tuple[str, str]]:
        return [(str(r["id"]), str(r["outcome"])) for r in self.store.conn.execute("SELECT * FROM commands ORDER BY id")]

    @property
    def drivers(self) -> list[str]:
        return [d.id for d in self.daemon.engine.context(0).household.drivers]


class Scene:
    """A bench with a car, and somebody who commands it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.cloud = bench.cloud()
        self.sender = Commander(bench.authority.command_key().private)
        self.cars: list[Car] = []

    def start(self) -> Car:
        self.cars.append(Car(self.bench))
        return self.cars[-1]

    def sign(self, kind: str = "DriverSaved", data: dict[str, Any] | None = None, jti: str = "c1", **claims: Any) -> str:
        return self.sender.sign(UNIT, kind, ANA if data is None else data, jti=jti, **claims)

    def send(self, command: str | bytes, unit: str = UNIT, pair: Any = None) -> None:
        address, ca = (self.bench.broker.host, self.bench.broker.port), self.bench.authority.pair.certificate
        self.sender.send(command, unit, address, ca, pair or self.bench.pair, self.bench.protocol)

    def repeat(self, command: str) -> None:
        """amqtt 0.12 forgets with the connection what it had no acknowledgement for; who sends it does so until there is an
        answer."""
        if self.bench.broker.kind == "amqtt":
            self.send(command)

    def told(self) -> list[dict[str, Any]]:
        """The answers that arrived at the cloud."""
        return [e["data"] for e in self.cloud.events if e["type"] == "keyoff.CommandTaken.v2"]


@pytest.fixture
def scene(make: Make) -> Iterator[Callable[..., Scene]]:
    scenes: list[Scene] = []

    def begin(kind: Kind = "mosquitto", protocol: Protocol = "5", **settings: Any) -> Scene:
        scenes.append(Scene(make(kind, protocol, **settings)))
        return scenes[-1]

    yield begin
    for each in scenes:
        for car in each.cars:
            car.uplink.stop(0.0)
            car.store.close()


Begin = Callable[..., Scene]


@pytest.mark.parametrize(("kind", "protocol"), BROKERS)
def test_it_is_done_and_answered_once_however_often_it_is_sent(scene: Begin, kind: Kind, protocol: Protocol) -> None:
    bench = scene(kind, protocol)
    car = bench.start()
    car.go_online()
    command = bench.sign()
    for _ in range(3):
        bench.send(command)
    bench.send(bench.sign("offer", {}, "c2"))
    car.live_until(lambda: len(car.answers) == 2 and not car.store.unsent())
    bench.cloud.wait_until(lambda: len(bench.told()) == 2, DEADLINE_S)
    assert car.drivers == ["ana"]
    assert bench.told() == [
        {"command": "c1", "kind": "DriverSaved", "outcome": "done"},
        {"command": "c2", "kind": "offer", "outcome": "refused", "why": "not asked"},
    ]


@pytest.mark.parametrize(("kind", "protocol"), BROKERS)
def test_what_is_sent_while_the_car_is_away_waits_for_it(scene: Begin, kind: Kind, protocol: Protocol) -> None:
    bench = scene(kind, protocol)
    car = bench.start()
    car.go_online()
    car.cut()
    bench.send(bench.sign())
    again = bench.start()
    again.live_until(lambda: again.answers == [("c1", "done")])
    assert again.drivers == ["ana"]


@pytest.mark.parametrize(("kind", "protocol"), BROKERS)
def test_a_power_cut_between_receipt_and_commit(scene: Begin, kind: Kind, protocol: Protocol) -> None:
    bench = scene(kind, protocol)
    car = bench.start()
    car.go_online()
    car.store.refuses = True
    command = bench.sign()
    bench.send(command)
    car.live_until(lambda: car.drivers == ["ana"])
    assert car.answers == []
    car.cut()
    again = bench.start()
    assert again.drivers == []
    bench.repeat(command)
    again.live_until(lambda: again.answers == [("c1", "done")])
    assert again.drivers == ["ana"]


@pytest.mark.parametrize(("kind", "protocol"), BROKERS)
def test_a_power_cut_between_commit_and_acknowledgement(
    scene: Begin, kind: Kind, protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = scene(kind, protocol)
    car = bench.start()
    car.go_online()
    monkeypatch.setattr(car.uplink, "took", lambda _: None)
    command = bench.sign()
    bench.send(command)
    car.live_until(lambda: car.answers == [("c1", "done")])
    car.cut()
    again = bench.start()
    bench.repeat(command)
    came = again.watch(monkeypatch)
    again.live_until(lambda: len(came) == 1 and not again.store.unsent())
    bench.send(bench.sign(jti="c2"))
    again.live_until(lambda: len(again.answers) == 2 and not again.store.unsent())
    bench.cloud.wait_until(lambda: len(bench.told()) == 2, DEADLINE_S)
    assert [told["command"] for told in bench.told()] == ["c1", "c2"]


@pytest.mark.parametrize(("kind", "protocol"), BROKERS)
def test_rubbish_comes_once_and_is_in_nobody_s_way(
    scene: Begin, kind: Kind, protocol: Protocol, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bench = scene(kind, protocol)
    car = bench.start()
    car.go_online()
    came = car.watch(monkeypatch)
    stranger = Commander(Authority(tmp_path / "elsewhere").command_key().private).sign(UNIT, "DriverSaved", ANA, jti="c0")
    rubbish = [b"", b"\xff\x00", b"a.b.c", b"x" * (MAX_BYTES + 1), stranger.encode()]
    for each in rubbish:
        bench.send(each)
    bench.send(bench.sign())
    car.live_until(lambda: car.answers == [("c1", "done")])
    for _ in range(TURNS):
        car.turn()
    assert len(came) == len(rubbish) + 1, "an acknowledged message does not come again"
    assert car.daemon.counts() == {"commands not signed by the key": 4, "commands too large": 1}
    assert (car.uplink.state.connections, car.uplink.state.losses) == (1, 0)


@pytest.mark.parametrize(("kind", "protocol"), BROKERS)
def test_more_than_the_broker_sends_unacknowledged_wait_for_the_clock(scene: Begin, kind: Kind, protocol: Protocol) -> None:
    bench = scene(kind, protocol)
    car = bench.start()
    car.is_trusted = False
    car.go_online()
    many = RECEIVE_MAXIMUM + 5
    for n in range(many):
        bench.send(bench.sign(data={"driver": {"id": f"d{n:02}"}}, jti=f"c{n:02}"))
    for _ in range(TURNS):
        car.turn()
    waiting = len(car.uplink.commands(1000))
    assert car.answers == []
    assert 0 < waiting <= (RECEIVE_MAXIMUM if kind == "mosquitto" else many)
    car.is_trusted = True
    car.live_until(lambda: len(car.answers) == many)
    assert car.drivers == [f"d{n:02}" for n in range(many)], "in their order"


def test_what_mqtt_5_lets_us_refuse_is_never_sent_to_us(scene: Begin) -> None:
    bench = scene()
    car = bench.start()
    car.go_online()
    bench.send(b"x" * 200_000)
    bench.send(bench.sign())
    car.live_until(lambda: car.answers == [("c1", "done")])
    assert car.daemon.counts() == {}


def test_only_the_cloud_may_send_commands_and_a_unit_hears_its_own(scene: Begin) -> None:
    bench = scene()
    car = bench.start()
    car.go_online()
    other = bench.bench.authority.client("sim-2")
    with pytest.raises(ConnectionError, match="Not authorized"):
        bench.send(bench.sign(), pair=other)
    bench.send(bench.sign(), unit="sim-2")
    bench.send(bench.sign(jti="c2"))
    car.live_until(lambda: car.answers == [("c2", "done")])
    assert bench.bench.pair.certificate.name == f"{CLOUD}.pem"
