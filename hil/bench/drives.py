"""A drive through the daemon as `keyoff replay` takes it there, on a store of its own; for the bench and for tests."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from agent.cli.replay import walk
from agent.config import Owner
from agent.daemon import Daemon
from agent.decode import Plan
from agent.engine import wanted
from agent.events.trip import TripEnded
from agent.io.buses.recording import Recording
from agent.io.plans import load_plan
from agent.io.store import Store
from agent.io.vehicles import find_vehicle
from agent.model import NS, Event, Frame, Setup, Wall
from agent.plan import ANSWERS_11BIT

CHUNK_NS = 2 * NS  # what a replay hands over at once
CACHE = Path(__file__).resolve().parent.parent.parent / ".cache"


class Outcome(NamedTuple):
    """What a drive came to. `heard`: the decoder's counts; `dropped`: what was dropped or failed; `envelopes`: as published."""

    events: list[Event]
    heard: dict[str, int]
    dropped: dict[str, int]
    envelopes: list[dict[str, Any]]

    @property
    def trips(self) -> list[TripEnded]:
        return [e for e in self.events if isinstance(e, TripEnded)]


def plan_of(vehicle: str, also: Collection[str] = ()) -> tuple[Setup, Plan]:
    """The setup and plan of one of our vehicles with the defaults of keyoff.toml; `also`: signals wanted beside the engine's."""
    profile, path = find_vehicle(vehicle)
    return Setup("bench", profile, Owner()), load_plan(profile, path, wanted() | set(also), CACHE / "plans")


@contextmanager
def daemon_of(setup: Setup, plan: Plan, boot_id: str, folder: Path | None = None) -> Iterator[Daemon]:
    """A daemon on a fresh store, in a folder of its own inside `folder`."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        store = Store(Path(own) / "keyoff.db", setup.unit)
        try:
            yield Daemon(setup, plan, store, boot_id)
        finally:
            store.close()


def replay(log: Path, vehicle: str, folder: Path | None = None) -> Outcome:
    """A recording, as fast as it goes."""
    setup, plan = plan_of(vehicle)
    recording = Recording(log, tuple(setup.vehicle.bus))
    with daemon_of(setup, plan, recording.boot_id, folder) as daemon:
        walk(daemon, recording, factor=None, quiet=True)
        return outcome(daemon)


def live(frames: Iterable[Frame], vehicle: str, wall: Wall | None = None, folder: Path | None = None) -> Outcome:
    """A simulated drive's frames, as fast as it goes; `wall` None: a unit that never learns the date."""
    setup, plan = plan_of(vehicle)
    with daemon_of(setup, plan, "bench", folder) as daemon:
        for _, chunk in groupby(frames, key=lambda frame: frame.t_ns // CHUNK_NS):
            piece = list(chunk)
            daemon.tick(piece[0].t_ns, wall)
            daemon.frames(piece)
        daemon.finish()
        return outcome(daemon)


def answers(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Of a bus's frames, the diagnostic answers of its ECUs: what a listener on the OBD-II connector may be left with."""
    answer_id, mask = ANSWERS_11BIT
    return (frame for frame in frames if frame.arbitration_id & mask == answer_id & mask and not frame.is_extended)


def outcome(daemon: Daemon) -> Outcome:
    """What this daemon has heard and said so far."""
    envelopes = [msgspec.json.decode(envelope) for envelope in daemon.store.envelopes()]
    return Outcome(daemon.take(), dict(daemon.decoder.counts), daemon.counts(), envelopes)
