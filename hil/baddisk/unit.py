"""A unit in simulated time on any store: it drives, it is sent for, it stands. What the bad disks are tried on.

A far side acknowledges at each turn what it was handed at the one before, as long as it is there.
"""

from __future__ import annotations

from agent.config import Owner
from agent.daemon import Daemon
from agent.io.store import Store
from agent.io.uplink import UplinkState
from agent.model import NS, Setup, Wall
from agent.plan import Plan
from agent.signals import IGNITION, ODOMETER, SPEED
from agent.vehicle import Ignition, OdometerProfile, Vehicle
from hil.no_commands import NoCommands

UNIT = "unit-1"
BOOT_ID = "boot-1"
WALL = Wall(1_793_000_000 * NS, "synchronised")  # 2026-10-26
SETUP = Setup(UNIT, Vehicle("test car", ignition=Ignition("signal"), odometer=OdometerProfile(100.0)), Owner())
PLAN = Plan(vehicle="test car", messages=())
START_M = 50_000_000.0
TRIP_S = 120
PAUSE_S = 300  # longer than a trip's grace
WINDOW = 20


class FarSide(NoCommands):
    """Stands for uplink and broker: acknowledges what it was handed, one turn later.

    `is_there` False: no coverage. `is_silent`: it takes what it is handed and says nothing."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.state = UplinkState()
        self.is_there = True
        self.is_silent = False
        self.received: dict[str, bytes] = {}  # id → the bytes that came first
        self.differs: list[str] = []  # ids that came again with other bytes
        self._in_flight: list[str] = []

    def pump(self, now_ns: int) -> None:
        if not self.is_there:
            self._in_flight = []
            return
        for id in () if self.is_silent else self._in_flight:
            self.store.acknowledged(id)
        self._in_flight = []
        for each in self.store.waiting(WINDOW, ()):
            self._in_flight.append(each.id)
            if self.received.setdefault(each.id, each.payload) != each.payload:
                self.differs.append(each.id)


class Car:
    """The daemon and the road. `t_s`: seconds since boot, so far."""

    def __init__(self, store: Store, t_s: int = 10, odometer_m: float = START_M, far_side: FarSide | None = None) -> None:
        self.store = store
        self.far_side = far_side or FarSide(store)
        self.daemon = Daemon(SETUP, PLAN, store, BOOT_ID, self.far_side)
        self.t_s = t_s
        self.odometer_m = odometer_m

    def drive(self, length_s: int = TRIP_S) -> None:
        """Ignition on, up to 54 km/h and down again, ignition off, and the pause that ends the trip."""
        self.daemon.tick(self.t_s * NS, WALL)
        self.daemon.samples([(self.t_s * NS, IGNITION, "ON")])
        for s in range(length_s + 1):
            self.second(54.0 * min(1.0, s / 10, (length_s - s) / 10))
        self.daemon.samples([(self.t_s * NS, IGNITION, "OFF")])
        self.stand(PAUSE_S)

    def second(self, kmh: float) -> None:
        """One second on the road."""
        self.odometer_m += kmh / 3.6
        self.t_s += 1
        self.daemon.tick(self.t_s * NS, WALL)
        self.daemon.samples([(self.t_s * NS, SPEED, kmh), (self.t_s * NS, ODOMETER, self.odometer_m // 100 * 100)])

    def stand(self, length_s: int) -> None:
        for _ in range(length_s // 10):
            self.t_s += 10
            self.daemon.tick(self.t_s * NS, WALL)
