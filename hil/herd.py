"""Many units at one broker: `python -m hil.herd --units 200`.

Each is the agent's own uplink with a certificate of its own and an outbox in memory, all in one process. The broker goes
away and comes back under them, and it is told how their reconnections spread, and whether everything arrived.
"""

from __future__ import annotations

import ssl
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import click

from agent.config import UplinkConfig
from agent.io.connection import Connection
from agent.io.envelope import make_envelope
from agent.io.identity import Identity
from agent.io.patience import FIRST_S, LEAST
from agent.io.uplink import Outgoing, Uplink
from agent.model import NS
from hil.broker import Broker
from hil.ca import CLOUD, Authority
from hil.cloud.show import reports
from hil.cloud.subscriber import Cloud

Protocol = Literal["5", "3.1.1"]

EPOCH = "herd"
LOOK_S = 0.02  # how often all units are pumped: of no matter beside a backoff of seconds
DEADLINE_S = 180.0  # three rounds of the longest backoff


class Memory:
    """An outbox in memory, oldest first, seq from 1."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.events: dict[str, Outgoing] = {}
        self.done: list[str] = []
        self._open: dict[str, Outgoing] = {}

    def add(self, count: int, kind: str = "TripEnded", padding_bytes: int = 0) -> None:
        """So many events more; `padding_bytes` to make them large."""
        for seq in range(len(self.events) + 1, len(self.events) + 1 + count):
            id = f"{self.unit}-{seq}"
            payload = make_envelope(
                unit=self.unit, id=id, kind=kind, version=1, t_ns=seq, boot_id="b", utc_ns=None, clock="none", epoch=EPOCH,
                seq=seq, data={"distance_m": seq * 1.5, "padding": "x" * padding_bytes},
            )  # fmt: skip
            self.events[id] = self._open[id] = Outgoing(seq, id, kind, payload)

    def waiting(self, limit: int, excluding: Collection[str]) -> list[Outgoing]:
        return [event for id, event in self._open.items() if id not in excluding][:limit]

    def acknowledged(self, id: str) -> None:
        self.done.append(id)
        self._open.pop(id, None)

    @property
    def drained(self) -> bool:
        return not self._open


class Unit:
    """A simulated unit: the agent's uplink, with a certificate and an outbox in memory.

    `pace`: how much faster than a real clock its time runs, so that its backoffs are over sooner.
    """

    def __init__(
        self,
        authority: Authority,
        name: str,
        address: tuple[str, int],
        protocol: Protocol = "5",
        pace: float = 1.0,
        **settings: Any,
    ) -> None:
        """`settings`: of [uplink], what differs from the usual."""
        authority.client(name)
        usual = {"ca": "ca.pem", "certificate": f"{name}.pem", "key": f"{name}.key", "protocol": protocol}
        config = UplinkConfig(host=address[0], port=address[1], **(usual | settings))
        identity = Identity.load(config, authority.folder, name, None)
        birth = {"software": "1.2.3", "vehicle": "sim_petrol"}
        self.outbox = Memory(name)
        self.attempts_ns: list[int] = []  # when each connection was begun, on the unit's clock
        self.losses_ns: list[int] = []
        self.uplink = Uplink(config, authority.folder, name, identity, self.outbox, birth, connect=self._connect)
        self.uplink.start()
        self._pace = pace

    def pump(self) -> None:
        before = self.uplink.state.losses
        self.uplink.pump(self._now_ns())
        if self.uplink.state.losses > before:
            self.losses_ns.append(self._now_ns())

    def first_retry_s(self) -> float:
        """How long after its first loss it tried again, on its own clock."""
        return next(at_ns - self.losses_ns[0] for at_ns in self.attempts_ns if at_ns >= self.losses_ns[0]) / NS

    def _now_ns(self) -> int:
        return int(time.monotonic_ns() * self._pace)

    def _connect(self, config: UplinkConfig, tls: ssl.SSLContext, unit: str, told: threading.Event) -> Connection:
        self.attempts_ns.append(self._now_ns())
        return Connection(config, tls, unit, told)


class Herd:
    """Units that live at one broker."""

    def __init__(self, authority: Authority, broker: Broker, count: int, protocol: Protocol = "5", pace: float = 1.0) -> None:
        self.units = [Unit(authority, f"herd-{n:03}", (broker.host, broker.port), protocol, pace) for n in range(1, count + 1)]

    def pump_until(self, condition: Callable[[], bool], timeout_s: float = DEADLINE_S) -> None:
        """Let all units live until `condition()`. Raises TimeoutError."""
        pause = threading.Event()
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline_s:
                raise TimeoutError(
                    f"not within {timeout_s} s: {self.connected} connected, {self.waiting} events not acknowledged"
                )
            for unit in self.units:
                unit.pump()
            pause.wait(LOOK_S)

    @property
    def connected(self) -> int:
        return sum(unit.uplink.state.connected for unit in self.units)

    @property
    def waiting(self) -> int:
        return sum(len(unit.outbox.events) - len(unit.outbox.done) for unit in self.units)

    def add(self, events: int) -> None:
        """So many events more, for each unit."""
        for unit in self.units:
            unit.outbox.add(events)

    def stop(self) -> None:
        for unit in self.units:
            unit.uplink.stop(0.0)


class Outcome(NamedTuple):
    """What became of the herd. Seconds on the units' own clock."""

    first_retries_s: list[float]
    back_s: float  # from the broker's return until every unit was connected again
    drained_s: float  # from the broker's return until everything was acknowledged
    arrived: int
    complete: bool

    @property
    def busiest_share(self) -> float:
        """The share of the first retries that fell into the fullest second."""
        return max(histogram(self.first_retries_s).values()) / len(self.first_retries_s)


def histogram(times_s: Iterable[float]) -> Counter[int]:
    """How many fall into each whole second."""
    return Counter(int(each) for each in times_s)


def restart_under(herd: Herd, broker: Broker, cloud: Cloud, events: int, pace: float = 1.0) -> Outcome:
    """The main scene: all are connected, the broker ends while each has `events` to send, and comes back at once."""
    herd.pump_until(lambda: herd.connected == len(herd.units) and not herd.waiting)
    broker.stop()
    herd.add(events)
    herd.pump_until(lambda: not herd.connected)
    broker.start()
    begin_s = time.monotonic()
    herd.pump_until(lambda: herd.connected == len(herd.units))
    back_s = time.monotonic() - begin_s
    herd.pump_until(lambda: not herd.waiting)
    drained_s = time.monotonic() - begin_s
    cloud.wait_for(sum(len(unit.outbox.events) for unit in herd.units), DEADLINE_S)
    found = {each.unit: each for each in reports(cloud.receiver.db)}
    return Outcome(
        [unit.first_retry_s() for unit in herd.units],
        back_s * pace,
        drained_s * pace,
        len(cloud.events),
        all(found[unit.outbox.unit].complete for unit in herd.units),
    )


def scene(folder: Path, count: int, events: int, protocol: Protocol = "5", pace: float = 1.0, **settings: Any) -> Outcome:
    """A broker, a cloud and a herd in `folder`, and what becomes of them."""
    authority = Authority(folder)
    with Broker(authority, **settings) as broker:
        cloud = Cloud(broker.host, broker.port, authority.pair.certificate, *authority.client(CLOUD), protocol)
        cloud.start()
        herd = Herd(authority, broker, count, protocol, pace)
        herd.add(1)
        try:
            return restart_under(herd, broker, cloud, events, pace)
        finally:
            herd.stop()
            cloud.stop()


@click.command()
@click.option("--units", default=200, show_default=True)
@click.option("--events", default=10, show_default=True, help="For each unit, while the broker is away.")
@click.option("--protocol", type=click.Choice(["5", "3.1.1"]), default="5", show_default=True)
def main(units: int, events: int, protocol: Protocol) -> None:
    """A herd of units at one mosquitto that restarts: how their reconnections spread, and whether everything arrived."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = scene(Path(folder), units, events, protocol, kind="mosquitto")
    click.echo(told(outcome, units))


def told(outcome: Outcome, units: int) -> str:
    """The outcome in a person's words, with its histogram."""
    stated = f"stated: {LEAST * FIRST_S:g} to {FIRST_S:g} s"
    bars = [f"  {second:>3} s  {n:>4}  {'█' * n}" for second, n in sorted(histogram(outcome.first_retries_s).items())]
    return "\n".join(
        [
            f"{units} units lost their broker; their first retries, by the second ({stated}):",
            *bars,
            f"all connected {outcome.back_s:.1f} s after its return, all acknowledged after {outcome.drained_s:.1f} s",
            f"{outcome.arrived} events arrived and verified, complete: {'yes' if outcome.complete else 'NO'}",
        ]
    )


if __name__ == "__main__":
    main()
