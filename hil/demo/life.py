"""The unit's three months: frames on the bus, hours parked, a broker that goes away, a clock that is found late."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from agent.daemon import Daemon
from agent.events.command import CommandTaken
from agent.household import Driver
from agent.io.uplink import Uplink
from agent.model import NS, Event, Frame, Wall
from hil.broker import Broker
from hil.cloud import Cloud
from hil.demo.folder import START_UTC_NS
from hil.demo.town import Town
from hil.vehicle import Drive, PlannedDrive, frames
from hil.vehicle.car import Car

FRAMES_PER_S = 36  # the slowest at which no message of this car is stale
CHUNK = 72  # two seconds of the bus
QUARTER_NS = 900 * NS
WALL = Wall(START_UTC_NS, "recorded")
WRONG = Wall(START_UTC_NS - 2 * 3600 * NS, "unsure")  # as after a boot without a clock battery, until the network is there
BROKER_GOES_AT, BROKER_COMES_AT = 8, 11
DONGLE_FROM, DONGLE_TO = 140, 156  # drives on which an insurer's dongle asks the car for trouble codes
FAULT_FROM, FAULT_TO = 142, 150  # and on which there is one to tell
CODE = "P0301"
ROUNDS, WAITS, WAIT_S = 6, 100, 0.02  # how long simulated time stands still for real answers
DRAIN_S = 60.0

PEOPLE = (
    Driver("alex", "Alex", is_keeper=True, key_fobs=("1",), consents=("report", "compare", "workshop")),
    Driver("robin", "Robin", key_fobs=("2",), consents=("report", "compare")),
    Driver("kim", "Kim", language="de", key_fobs=("3",), consents=("report", "compare")),
)


class Life:
    """The unit and its link, in simulated time; `wall` is what its clock says."""

    def __init__(self, daemon: Daemon, uplink: Uplink, broker: Broker, cloud: Cloud, town: Town) -> None:
        self.daemon, self.uplink, self.broker, self.cloud, self.town = daemon, uplink, broker, cloud, town
        self.wall = WRONG
        self.frames = 0
        self.taken: set[str] = set()
        self.events: list[Event] = []

    def settle_in(self, profiles: Iterable[Driver] = PEOPLE) -> None:
        """The household says who it is: what `keyoff drivers add` enters."""
        self.daemon.tick(0, self.wall)
        for driver in profiles:
            self.daemon.enter("DriverSaved", {"driver": msgspec.to_builtins(driver)}, driver.id)

    def drive(self, n: int, planned: PlannedDrive, drive: Drive, car: Car) -> None:
        """One drive's frames through the daemon, two seconds at a time."""
        start_ns = planned.start_utc_ns - START_UTC_NS
        self.sleep_until(start_ns)
        self.trouble(n, car)
        asks = 2 if DONGLE_FROM <= n <= DONGLE_TO else 0
        rate = FRAMES_PER_S if not asks else None
        sent = frames(drive, start_ns, max_frames_per_s=rate, obd_requests_per_s=asks, asks_codes=bool(asks))
        for chunk in chunks(sent, CHUNK if rate else CHUNK * 8):
            self.daemon.frames(chunk)
            self.daemon.tick(chunk[-1].t_ns, self.wall)
            self.frames += len(chunk)
        self.daemon.tick(start_ns + (drive.duration_s + 60) * NS, self.wall)
        self.exchange()

    def trouble(self, n: int, car: Car) -> None:
        """What befalls them with the n-th drive."""
        if n == 1:
            self.wall = WALL
        if n == BROKER_GOES_AT:
            self.broker.stop()
        elif n == BROKER_COMES_AT:
            self.broker.start()
            self.cloud.wait_until(lambda: self.cloud.subscribed, DRAIN_S)
            self._connect()
        if n in (FAULT_FROM, FAULT_TO):
            car.diagnostics = car.diagnostics._replace(stored=(CODE,) if n == FAULT_FROM else ())

    def sleep_until(self, t_ns: int) -> None:
        """The car stands, and the unit and the far side look around every quarter of an hour."""
        for at_ns in [*range(self.daemon.now_ns + QUARTER_NS, t_ns, QUARTER_NS), t_ns]:
            self.daemon.tick(at_ns, self.wall)
            self.exchange()

    def exchange(self) -> None:
        """Let what waits go both ways: simulated time stands still until the answers are there."""
        self._hear()
        if not self.uplink.state.connected and self.daemon.store.unsent() == 0:
            return
        for _ in range(ROUNDS):
            self._send()
            if not self.uplink.state.connected:
                return
            self.town.turn(self.daemon.now_ns + START_UTC_NS)
            if self.wall is WRONG or (self.town.sent <= self.taken and not self.daemon.store.unsent()):
                return  # commands wait for a clock to be trusted
            self._take()

    def _connect(self) -> None:
        """The uplink tries again in real time; as simulated time goes, weeks would have passed."""
        until_s = time.monotonic() + DRAIN_S
        while not self.uplink.state.connected and time.monotonic() < until_s:
            self.daemon.send()
            self.uplink.wait(WAIT_S)

    def _send(self) -> None:
        for _ in range(WAITS):
            self.daemon.send()
            if not self.daemon.store.unsent() or not self.uplink.state.connected:
                break
            self.uplink.wait(WAIT_S)
        if self.uplink.state.connected:
            self.cloud.wait_until(lambda: len(self.cloud.events) >= self.uplink.state.acknowledged, DRAIN_S)

    def _take(self) -> None:
        """The commands that are on their way down."""
        for _ in range(WAITS):
            if self.town.sent <= self.taken:
                break
            self.uplink.wait(WAIT_S)
            self.daemon.tick(self.daemon.now_ns, self.wall)
            self._hear()

    def _hear(self) -> None:
        fresh = self.daemon.take()
        self.taken |= {e.command for e in fresh if isinstance(e, CommandTaken)}
        self.events += fresh


def chunks(items: Iterable[Frame], size: int) -> Iterator[list[Frame]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
