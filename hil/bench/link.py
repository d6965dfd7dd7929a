"""The link under load: a month's backlog drained over TLS on loopback, and two hundred units whose broker restarts.

The backlog leaves a real Store, at the rhythm of a parked car's `keyoff run` (one beat in a fifth of a second), by
mosquitto to a receiver that verifies and keeps everything.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from agent.cli.run import BATCH_S, IDLE_S
from agent.config import UplinkConfig
from agent.events import kinds
from agent.io import clock
from agent.io.identity import Identity
from agent.io.patience import FIRST_S, LEAST
from agent.io.store import Batch, EventRow, Store
from agent.io.uplink import Uplink
from agent.model import derive_id
from hil.bench.figures import Figure, Group, LeftOut, Place, at_most, exactly
from hil.broker import Broker, mosquitto_path
from hil.ca import CLOUD, Authority
from hil.cloud.show import reports
from hil.cloud.subscriber import Cloud
from hil.herd import Protocol, scene

UNIT = "bench-backlog"
TRIPS, EVENTS = 60, 2_000
TRIP_BYTES, OTHER_BYTES = 2_000, 300  # what TripEnded and the other kinds carry, about, as replays of recordings show
OTHERS = ("MilestoneReached", "DistanceUnaccounted", "ServiceDue", "PromptReleased", "DriverSummary", "HealthReported")
UNITS, EVENTS_EACH = 200, 10
DEADLINE_S = 300.0


class Drained(NamedTuple):
    """What became of a backlog. `order`: the events' kinds and numbers, as they arrived."""

    seconds: float
    order: list[tuple[str, int]]
    complete: bool
    duplicates: int


def backlog(trips: int, events: int) -> Iterator[EventRow]:
    """A month offline: each trip's start and end, and between them what else a month brings, in order of age."""
    importance = {name: record.importance for name, record in kinds().items()}
    others = cycle(OTHERS)
    for n in range(events):
        trip, place = divmod(n, events // trips)
        kind = ("TripStarted", "TripEnded")[place] if place < 2 and trip < trips else next(others)
        body = msgspec.json.encode({"trip_id": str(trip), "filling": "x" * (TRIP_BYTES if kind == "TripEnded" else OTHER_BYTES)})
        yield EventRow(derive_id(UNIT, kind, n), kind, 1, importance[kind], False, n, "boot", None, "none", body)


def drain_backlog(folder: Path, protocol: Protocol = "5", trips: int = TRIPS, events: int = EVENTS) -> Drained:
    """Fill a Store in `folder`, then time it from the first look at the broker to the last acknowledgement kept.

    Raises TimeoutError.
    """
    authority = Authority(folder)
    authority.client(UNIT)
    store = Store(folder / "keyoff.db", UNIT)
    store.commit(Batch(events=list(islice(backlog(trips, events), events))))
    with Broker(authority, kind="mosquitto") as broker:
        cloud = Cloud(
            broker.host, broker.port, authority.pair.certificate, *authority.client(CLOUD), protocol, file=folder / "cloud.db"
        )
        cloud.start()
        config = UplinkConfig(broker.host, "ca.pem", f"{UNIT}.pem", f"{UNIT}.key", broker.port, protocol)
        uplink = Uplink(config, folder, UNIT, Identity.load(config, folder, UNIT, None), store, {})
        uplink.start()
        began_s = time.monotonic()
        pump_out(uplink, store)
        seconds = time.monotonic() - began_s
        cloud.wait_for(events, DEADLINE_S)
        uplink.stop(1.0)
        cloud.stop()
    store.close()
    (report,) = reports(cloud.receiver.db)
    order = [(event["type"].split(".")[1], event["seq"]) for event in cloud.events]
    return Drained(seconds, order, report.complete, report.duplicates)


def pump_out(uplink: Uplink, store: Store) -> None:
    """As the daemon does it: at each beat while something is in flight, else once a second."""
    deadline_s = time.monotonic() + DEADLINE_S
    next_s = 0.0
    while store.unsent():
        now_s = time.monotonic()
        if now_s > deadline_s:
            raise TimeoutError(f"{store.unsent()} events not sent: {uplink.state.last_error}")
        if uplink.state.in_flight or now_s >= next_s:
            next_s = now_s + 1
            uplink.pump(clock.boottime_ns())
            store.flush()
        clock.pause(IDLE_S + BATCH_S)


def measure(place: Place) -> list[Figure]:
    if mosquitto_path() is None:
        raise LeftOut("no mosquitto: apt-get install mosquitto")
    drained = drain_backlog(emptied(place.folder / "backlog"))
    herd = scene(emptied(place.folder / "herd"), UNITS, EVENTS_EACH)
    window = f"first retries within {LEAST * FIRST_S:g} to {FIRST_S:g} s"
    return [
        Figure("backlog_drained_s", drained.seconds, "s", at_most(60), f"{TRIPS} trips, {EVENTS} events, a beat in 0.22 s"),
        Figure("backlog_missing", EVENTS - len(set(drained.order)), "events", exactly(0)),
        Figure("herd_first_retry_latest_s", max(herd.first_retries_s), "s", at_most(FIRST_S + 0.5), f"{UNITS} units; {window}"),
        Figure("herd_busiest_second", 100 * herd.busiest_share, "%", at_most(25), "of all first retries; evenly spread: 11"),
        Figure("herd_missing", UNITS * (EVENTS_EACH + 1) - herd.arrived, "events", exactly(0)),
        Figure("herd_drained_s", herd.drained_s, "s", None, "after the broker's return"),
    ]


def emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


FIGURES = ("backlog_drained_s", "backlog_missing", "herd_first_retry_latest_s", "herd_busiest_second", "herd_missing")
GROUP = Group("link", FIGURES, measure)
