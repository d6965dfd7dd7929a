"""How long a unit whose line was out takes until what happened meanwhile is acknowledged: at worst, not on average.

The agent's own uplink with a real Store, at the rhythm of a parked car's `keyoff run`, by a proxy (hil/proxy.py) to
mosquitto. The dice of the backoff always show the longest wait, and each fault ends when most of it lies ahead: the wait
at the cap has just begun, or, where a healed line does not revive a connection (half-open), the attempt before that.
All faults run side by side, each with a line and a broker of its own, so that it takes a good two minutes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click

from agent.cli.run import BATCH_S, IDLE_S
from agent.config import UplinkConfig
from agent.io import clock
from agent.io.identity import Identity
from agent.io.patience import CAP_S, FIRST_S
from agent.io.store import Batch, Store
from agent.io.uplink import KEEPALIVE_MIN_S, Uplink
from hil.bench.figures import Figure, Group, LeftOut, Place, at_most
from hil.bench.link import UNIT, backlog, emptied
from hil.broker import Broker, mosquitto_path
from hil.ca import Authority
from hil.proxy import Proxy

KEEPALIVE_S = KEEPALIVE_MIN_S  # the shortest that [uplink] allows: the rest is backoff
CAPPED = 4  # losses in a row, after which the wait is at its cap: 10, 20, 40, 60 s
DEADLINE_S = 240.0  # half-open: 85 s until the fourth attempt, then what the target allows, and as much again


class Longest(random.Random):
    """Dice that always show the longest wait."""

    def uniform(self, _low: float, high: float) -> float:
        return high


class Car:
    """A unit with a line and a broker of its own. `took_s`: from the fault's end to the acknowledgement, once there is one."""

    def __init__(self, folder: Path, fault: Fault, stack: ExitStack) -> None:
        authority = Authority(emptied(folder))
        authority.client(UNIT)
        self.broker = stack.enter_context(Broker(authority, kind="mosquitto"))
        self.line = stack.enter_context(Proxy(self.broker.host, self.broker.port))
        self.store = Store(folder / "keyoff.db", UNIT)
        stack.callback(self.store.close)
        config = UplinkConfig(
            self.line.host, "ca.pem", f"{UNIT}.pem", f"{UNIT}.key", port=self.line.port, keepalive_s=KEEPALIVE_S
        )
        identity = Identity.load(config, folder, UNIT, None)
        self.uplink = Uplink(config, folder, UNIT, identity, self.store, {}, chance=Longest())
        self.uplink.start()
        stack.callback(self.uplink.stop, 1.0)
        self.fault = fault
        self.took_s: float | None = None
        self._is_hurt = False
        self._ended_s: float | None = None
        self._next_s = 0.0

    def is_idle(self) -> bool:
        return self.uplink.state.connected and not self.uplink.state.in_flight

    def is_done(self) -> bool:
        return self.took_s is not None

    def hurt(self) -> None:
        """The fault, and an event in it."""
        self.store.commit(Batch(events=list(islice(backlog(1, 2), 1))))
        self.fault.begin(self)
        self._is_hurt = True

    def beat(self) -> None:
        """As the daemon does it: a look at each beat while something is in flight, else once a second."""
        now_s = time.monotonic()
        if self.uplink.state.in_flight or now_s >= self._next_s:
            self._next_s = now_s + 1
            self.uplink.pump(clock.boottime_ns())
            self.store.flush()
        if self._is_hurt and self._ended_s is None and self.fault.is_worst(self):
            self.fault.end(self)
            self._ended_s = time.monotonic()
        if self._ended_s is not None and self.took_s is None and not self.store.unsent():
            self.took_s = time.monotonic() - self._ended_s


class Fault(NamedTuple):
    """What happens to the line or the broker, what ends it, and when that is worst."""

    name: str
    begin: Callable[[Car], None]
    end: Callable[[Car], None]
    is_worst: Callable[[Car], bool]


def waits_longest(car: Car) -> bool:
    return car.uplink.state.losses == CAPPED


def tries_in_vain(car: Car) -> bool:
    """The attempt before the longest wait has begun, on a connection that will stay dead."""
    return car.uplink.state.losses == CAPPED - 1 and car.line.accepted == CAPPED


FAULTS = (
    Fault("cut", lambda car: car.line.cut(), lambda _: None, lambda _: True),
    Fault("refused", lambda car: car.line.refuse(), lambda car: car.line.heal(), waits_longest),
    Fault("stalled", lambda car: car.line.stall(), lambda car: car.line.heal(), waits_longest),
    Fault("half-open", lambda car: car.line.swallow("down"), lambda car: car.line.heal(), tries_in_vain),
    Fault("broker killed", lambda car: car.broker.kill(), lambda car: car.broker.start(), waits_longest),
)


def outages(folder: Path, faults: Sequence[Fault] = FAULTS) -> dict[str, float]:
    """Seconds from each fault's end to the acknowledgement of the event raised in it. Raises TimeoutError."""
    with ExitStack() as stack:
        cars = [Car(folder / fault.name.replace(" ", "-"), fault, stack) for fault in faults]
        live(cars, Car.is_idle)
        for car in cars:
            car.hurt()
        live(cars, Car.is_done)
        return {car.fault.name: car.took_s for car in cars if car.took_s is not None}


def live(cars: list[Car], condition: Callable[[Car], bool]) -> None:
    """Let all go on until `condition` holds for each."""
    deadline_s = time.monotonic() + DEADLINE_S
    while open_still := [car for car in cars if not condition(car)]:
        if time.monotonic() > deadline_s:
            raise TimeoutError("; ".join(f"{car.fault.name}: {car.uplink.state.last_error}" for car in open_still))
        for car in cars:
            car.beat()
        clock.pause(IDLE_S + BATCH_S)


def measure(place: Place) -> list[Figure]:
    if mosquitto_path() is None:
        raise LeftOut("no mosquitto: apt-get install mosquitto")
    click.echo("Faults of the line: two to three minutes", err=True)
    took_s = outages(place.folder)
    each = ", ".join(f"{name} {seconds:.1f}" for name, seconds in took_s.items())
    note = f"keepalive {KEEPALIVE_S} s, backoff {FIRST_S:g} to {CAP_S:g} s with the dice at their longest: {each}"
    return [Figure("link_fault_ends_acknowledged_s", max(took_s.values()), "s", at_most(CAP_S + 2 * KEEPALIVE_S), note)]


GROUP = Group("outage", ("link_fault_ends_acknowledged_s",), measure)
