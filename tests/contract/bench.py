"""A CA, a broker, a cloud and a unit, with or without a bad line between: what the contract's tests are played on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hil.broker import RULES, Broker, Kind
from hil.ca import CLOUD, Authority
from hil.cloud import Cloud
from hil.cloud.show import UnitReport, reports
from hil.herd import Protocol, Unit
from hil.proxy import Proxy

UNIT = "sim-1"
DEADLINE_S = 60.0  # generous: only a broken test waits for it
PACE = 40.0  # the unit's clock is so much faster: its backoff of 1 to 10 s is over within a quarter of a second
KEEPALIVE_S = 400  # of the unit's clock: a broker on a busy machine may take 10 s to answer
BROKERS: list[tuple[Kind, Protocol]] = [("mosquitto", "5"), ("mosquitto", "3.1.1"), ("amqtt", "3.1.1")]


class WithSettings(Broker):
    """A broker with more lines in mosquitto's configuration."""

    more = ""

    def _mosquitto(self) -> list[str]:
        command = super()._mosquitto()
        with Path(command[-1]).open("a") as config:
            config.write(self.more)
        return command


class Bench:
    """One unit at one broker. `line`: the proxy between them, where `proxied`."""

    def __init__(
        self,
        folder: Path,
        kind: Kind = "mosquitto",
        protocol: Protocol = "5",
        *,
        rules: str = RULES,
        more: str = "",
        proxied: bool = False,
        pace: float = PACE,
        **settings: Any,
    ) -> None:
        """`more`: for mosquitto.conf. `settings`: of the unit's [uplink]."""
        self.authority = Authority(folder)
        self.pair = self.authority.client(CLOUD)
        self.protocol: Protocol = protocol
        self.broker = WithSettings(self.authority, kind=kind, rules=rules)
        self.broker.more = more
        self.broker.start()
        self.line = Proxy(self.broker.host, self.broker.port)
        if proxied:
            self.line.start()
        self.proxied = proxied
        self.pace = pace
        self.clouds: list[Cloud] = []
        self.unit = self.make_unit(**settings)
        self.uplink, self.outbox = self.unit.uplink, self.unit.outbox

    def make_unit(self, **settings: Any) -> Unit:
        address = (self.line.host, self.line.port) if self.proxied else (self.broker.host, self.broker.port)
        return Unit(self.authority, UNIT, address, self.protocol, self.pace, **({"keepalive_s": KEEPALIVE_S} | settings))

    def cloud(self, name: str = CLOUD, file: str | Path = ":memory:") -> Cloud:
        address = (self.broker.host, self.broker.port, self.authority.pair.certificate)
        cloud = Cloud(*address, *self.pair, self.protocol, name, file)
        cloud.start(DEADLINE_S)
        self.clouds.append(cloud)
        return cloud

    def report(self) -> UnitReport:
        """What the first cloud holds of the unit."""
        (report,) = reports(self.clouds[0].receiver.db)
        return report

    def pump_until(self, condition: Callable[[], bool], unit: Unit | None = None) -> None:
        unit = unit or self.unit
        deadline_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline_s, unit.uplink.state
            unit.pump()
            unit.uplink.wait(0.005)

    def drain(self) -> None:
        """Until everything is acknowledged, and here."""
        self.pump_until(lambda: self.outbox.drained)
        self.clouds[0].wait_until(lambda: len(self.clouds[0].events) >= len(self.outbox.events), DEADLINE_S)

    def close(self) -> None:
        self.uplink.stop(5.0)
        for cloud in self.clouds:
            cloud.stop()
        if self.proxied:
            self.line.stop()
        self.broker.stop()


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Look until it is so."""
    pause = threading.Event()
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"not within {DEADLINE_S} s: {what}"
        pause.wait(0.02)
