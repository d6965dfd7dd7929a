"""The day that is lived on the store: four drives of minutes, through the real daemon, with a far side that acknowledges.

Cut into pieces of two seconds, so that it can be taken up again at the piece after the last commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from agent.config import Owner, Service
from agent.daemon import Daemon
from agent.io.unit_store import UnitStore
from agent.io.uplink import UplinkState
from agent.model import NS, Sample, Setup, Wall
from agent.plan import Plan
from agent.signals import IGNITION, ODOMETER, SPEED
from agent.vehicle import Ignition, OdometerProfile, Vehicle
from hil.no_commands import NoCommands

UNIT = "unit-1"
BOOT_ID = "boot-1"
WALL = Wall(1_793_000_000 * NS, "recorded")  # 2026-10-26 07:33:20 UTC
SETUP = Setup(
    UNIT,
    Vehicle("test car", ignition=Ignition("signal"), odometer=OdometerProfile(100.0)),
    Owner(timezone="Europe/Berlin", tell_at="18:30"),
    (Service("oil change", 15_000.0, 84_999.0),),
)
PLAN = Plan(vehicle="test car", messages=())

DRIVES = ((10, 300, 99_998_000.0), (3000, 60, 100_002_400.0), (6000, 120, 100_003_200.0), (9000, 60, 100_004_900.0))
"""Start and length in s, odometer at the start in m: 100,000 km and the oil change at 99,999 km fall into the first."""

PIECE_NS = 2 * NS
EVENING_NS = 13 * 3600 * NS  # 21:33 in Berlin: the prompt was due at 18:30
MAX_MB = 256  # the daemon's default: no day comes near it
WINDOW = 3  # in flight at once: fewer than a drive's end raises, so that some wait for the next turn


def drive(start_s: int, length_s: int, odometer_m: float) -> Iterator[Sample]:
    """Ignition on, up to 54 km/h within 10 s, steady, down again, ignition off; the odometer counts 100 m."""
    yield start_s * NS, IGNITION, "ON"
    done_m = odometer_m
    for s in range(length_s + 1):
        kmh = 54.0 * min(1.0, s / 10, (length_s - s) / 10)
        done_m += kmh / 3.6
        yield (start_s + s) * NS, SPEED, kmh
        yield (start_s + s) * NS, ODOMETER, done_m // 100 * 100
    yield (start_s + length_s + 1) * NS, IGNITION, "OFF"


@cache
def pieces() -> list[tuple[int, list[Sample]]]:
    """The day: when, and what came then. The evening has no samples, only turns for the far side."""
    found: dict[int, list[Sample]] = {}
    for each in DRIVES:
        for sample in drive(*each):
            found.setdefault(sample[0] // PIECE_NS, []).append(sample)
    return [(samples[0][0], samples) for samples in found.values()] + [(EVENING_NS + n * PIECE_NS, []) for n in range(10)]


MIDDAY = next(n for n, (t_ns, _) in enumerate(pieces()) if t_ns >= DRIVES[2][0] * NS)  # between two drives


class Store(UnitStore):
    """The store as a unit's daemon opens it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, UNIT, MAX_MB)


class FarSide(NoCommands):
    """Acknowledges at each turn what it was handed at the one before."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.in_flight: list[str] = []
        self.state = UplinkState()

    def pump(self, now_ns: int) -> None:
        for id in self.in_flight:
            self.store.acknowledged(id)
        self.in_flight = [each.id for each in self.store.waiting(WINDOW, ())]


def live(store: Store, start: int = 0, end: int | None = None, reached: Callable[[int], None] = lambda _: None) -> None:
    """The pieces from `start` up to `end` (without it), by a daemon that takes up what the store holds.

    `reached` is told which piece comes next to what the daemon has seen, each time that this changes.
    """
    daemon = Daemon(SETUP, PLAN, store, BOOT_ID, FarSide(store))
    for n, (t_ns, samples) in enumerate(pieces()[start:end], start):
        reached(n)
        daemon.tick(t_ns, WALL)
        reached(n + 1)
        daemon.samples(samples)
    daemon.commit()


def facts(store: Store) -> dict[str, Any]:
    """What a day comes to, whenever it was interrupted and whatever its database is called.

    A process that starts does not know the ignition, and holds prompts for a while: of them, what became of each is compared,
    not how often they were held, and events not by their numbers.
    """
    asked = {
        "events": "SELECT id, kind, version, importance, t_ns, boot_id, utc_ns, clock, body, acked FROM events"
        " WHERE kind NOT LIKE 'Prompt%' ORDER BY seq",
        "once": "SELECT id, kind FROM once ORDER BY id",
        "trips": "SELECT * FROM trips ORDER BY n",
        "prompts": "SELECT id, topic, text, state, raised_ns FROM prompts ORDER BY id",
    }
    found: dict[str, Any] = {name: [tuple(row) for row in store.conn.execute(query)] for name, query in asked.items()}
    envelopes = (msgspec.json.decode(envelope) for envelope in store.envelopes())
    found["envelopes"] = [e | {"epoch": "", "seq": 0} for e in envelopes if not e["type"].startswith("keyoff.Prompt")]
    found["traces"] = {row["id"]: store.trace(row["id"]) for row in store.trips()}
    return found
