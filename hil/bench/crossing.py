"""From the frame with which the odometer passes a round reading to a receiver that has verified and kept MilestoneReached.

The whole daemon on a real store, fed in real time at the rhythm of `keyoff run`, over TLS on loopback by mosquitto. Each of
the crossings has a unit of its own, and comes at another part of the loop's second.
"""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from statistics import median
from typing import Any

from agent.cli.run import BATCH_S, TICK_NS
from agent.config import UplinkConfig
from agent.daemon import Daemon
from agent.events.milestone import MilestoneReached
from agent.io import clock
from agent.io.identity import Identity
from agent.io.store import Store
from agent.io.uplink import Uplink
from agent.model import NS, Frame, Wall
from hil.bench.drives import daemon_of, plan_of
from hil.bench.figures import Figure, Group, LeftOut, Place, at_most, progress
from hil.broker import Broker, mosquitto_path
from hil.ca import CLOUD, Authority
from hil.cloud.subscriber import Cloud
from hil.vehicle.broadcast import frames
from hil.vehicle.car import car
from hil.vehicle.drive import Drive
from hil.vehicle.trace import Trace

VEHICLE = "sim_petrol"
CROSSINGS = 20
MARK_M, BEFORE_M = 100_000_000.0, 150.0  # passed at speed, some ten seconds after the start
TRACE = Trace("a street", (0.0, *[50.0] * 30, 0.0))
LEAD_NS = 3 * NS  # of real time before the crossing: connected, and in the loop's rhythm
DEADLINE_S = 30.0
UTC_NS = 1_793_000_000 * NS


def a_drive(folder: Path) -> tuple[list[Frame], int]:
    """Its frames, and when the one comes with which the reading is passed."""
    found = list(frames(Drive(car(VEHICLE, odometer_m=MARK_M - BEFORE_M), TRACE)))
    setup, plan = plan_of(VEHICLE)
    with daemon_of(setup, plan, "bench", folder) as daemon:
        daemon.tick(0, Wall(UTC_NS, "synchronised"))
        daemon.frames(found)
        (mark,) = [event for event in daemon.take() if isinstance(event, MilestoneReached)]
    return found, mark.t_ns


def one(n: int, bus: list[Frame], crossing_ns: int, authority: Authority, broker: Broker, cloud: Cloud) -> float:
    """Seconds from the frame to the receipt. Raises TimeoutError."""
    unit = f"bench-crossing-{n}"
    authority.client(unit)
    setup, plan = plan_of(VEHICLE)
    store = Store(authority.folder / f"{unit}.db", unit)
    config = UplinkConfig(broker.host, "ca.pem", f"{unit}.pem", f"{unit}.key", broker.port)
    uplink = Uplink(config, authority.folder, unit, Identity.load(config, authority.folder, unit, None), store, {})
    daemon = Daemon(setup._replace(unit=unit), plan, store, "boot-1", uplink)
    uplink.start()
    arrived: list[float] = []

    def heard(event: dict[str, Any]) -> None:
        if event["type"].startswith("keyoff.MilestoneReached") and event["source"].endswith(unit):
            arrived.append(time.monotonic())

    cloud.on_event = heard
    try:
        lead_ns = LEAD_NS + n * TICK_NS // CROSSINGS
        began_s = live(daemon, bus, crossing_ns - lead_ns, lambda: bool(arrived))
    finally:
        uplink.stop(1.0)
        store.close()
    return arrived[0] - began_s - lead_ns / NS


def live(daemon: Daemon, bus: list[Frame], from_ns: int, is_over: Any) -> float:
    """What came before `from_ns` at once, the rest as it comes; gives the moment in which real time began."""
    wall = Wall(UTC_NS, "synchronised")
    waiting = deque(bus)
    daemon.tick(0, wall)
    daemon.frames([waiting.popleft() for _ in range(sum(frame.t_ns < from_ns for frame in bus))])
    while not (daemon.uplink and daemon.uplink.state.connected):
        daemon.send()
        clock.pause(BATCH_S)
    began_s, next_ns = time.monotonic(), from_ns
    while not is_over():
        now_ns = from_ns + round((time.monotonic() - began_s) * NS)
        if now_ns - from_ns > DEADLINE_S * NS:
            raise TimeoutError(f"no MilestoneReached within {DEADLINE_S} s")
        daemon.frames([waiting.popleft() for _ in range(sum(frame.t_ns <= now_ns for frame in waiting))])
        if now_ns >= next_ns:
            next_ns = now_ns + TICK_NS
            daemon.tick(now_ns, wall)
            daemon.take()
        elif daemon.uplink and daemon.uplink.state.in_flight:
            daemon.send()
        clock.pause(BATCH_S)
    return began_s


def measure(place: Place, crossings: int = CROSSINGS) -> list[Figure]:
    if mosquitto_path() is None:
        raise LeftOut("no mosquitto: apt-get install mosquitto")
    authority = Authority(place.folder)
    bus, crossing_ns = a_drive(place.folder)
    with Broker(authority, kind="mosquitto") as broker:
        pair = authority.client(CLOUD)
        cloud = Cloud(broker.host, broker.port, authority.pair.certificate, *pair, file=place.folder / "cloud.db")
        cloud.start()
        found = [one(n, bus, crossing_ns, authority, broker, cloud) for n in progress("Crossings", range(crossings))]
        cloud.stop()
    note = f"frame to verified receipt, {crossings} crossings"
    return [
        Figure("milestone_to_receipt_max_s", max(found), "s", at_most(1.0), note),
        Figure("milestone_to_receipt_median_s", median(found), "s", None, note),
    ]


GROUP = Group("crossing", ("milestone_to_receipt_max_s",), measure)
