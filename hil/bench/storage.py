"""What the store costs the card, how it opens after five years, and how soon a unit works again when its disk does.

Everything on the checkout's own disk, through the real daemon on the unit's own store (agent/io/unit_store.py).
"""

from __future__ import annotations

import math
import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

from agent.daemon import Daemon
from agent.io.database import connect
from agent.io.unit_store import open_for_daemon
from agent.model import NS, Sample
from agent.signals import ENGINE_SPEED, IGNITION, ODOMETER, SPEED
from hil.baddisk import BadDisk, Kind, NoCompiler, Worker
from hil.baddisk.unit import BOOT_ID, PAUSE_S, PLAN, SETUP, START_M, UNIT, WALL, FarSide
from hil.bench.figures import Figure, Group, LeftOut, Place, at_most, progress
from hil.bench.hour import MOUNTS, memory_below, written_bytes

HOUR_S = 3600
PER_SECOND = 5  # of four signals each: 20 samples a second
PEDAL = "Vehicle.Chassis.Accelerator.PedalPosition"
YEARS_TRIPS, YEARS_EVENTS = 10_000, 200_000  # a household's five years
BODY_BYTES = 2_500  # of a trip's metrics
LIMIT_MB = 1_000  # beyond what five years take: nothing may be given up while it is measured
OPENINGS = 15
HURT = ("header", "page", "log")
FAULTS: tuple[tuple[Kind, str], ...] = (
    ("write", "full"),
    ("write", "I/O error"),
    ("sync", "I/O error"),
    ("write", "read-only"),
    ("sync", "hold"),
)
FAULT_S, WATCHED_S, STEP_S = 300, 60, 10
HELD_S = 1  # of real time: a sync that takes this long


def measure(place: Place) -> list[Figure]:
    if kind := memory_below(place.folder.resolve(), MOUNTS.read_text()):
        raise LeftOut(f"{place.folder} is on {kind}, where nothing is written to a disk: put the checkout elsewhere")
    return [*_written(place.folder), *_opened(place.folder), *_healed(place.folder)]


# -- bytes -----------------------------------------------------------------------------------------


def _written(folder: Path) -> Iterator[Figure]:
    """The second hour's: by then nothing is new any more."""
    with closing(open_for_daemon(folder / "hour" / "keyoff.db", UNIT, LIMIT_MB)) as store:
        daemon = Daemon(SETUP, PLAN, store, BOOT_ID, FarSide(store))
        drive(daemon, STEP_S, HOUR_S)
        before = written_bytes()
        drive(daemon, STEP_S + HOUR_S + PAUSE_S, HOUR_S)
        megabytes = (written_bytes() - before) / 1e6
    note = "20 samples/s; start, end and acknowledgements of the trip included; bytes of this process"
    yield Figure("written_mb_per_driven_hour", megabytes, "MB", at_most(5), note)


def drive(daemon: Daemon, start_s: int, length_s: int) -> None:
    """On the road, second by second as the live loop does it, and the pause that ends the trip."""
    daemon.tick(start_s * NS, WALL)
    daemon.samples([(start_s * NS, IGNITION, "ON")])
    driven_m = START_M + start_s * 15
    for second in range(start_s, start_s + length_s):
        samples: list[Sample] = []
        for part in range(PER_SECOND):
            t_s = second + part / PER_SECOND
            kmh = 60 + 30 * math.sin(t_s / 17) + 10 * math.sin(t_s / 5)
            driven_m += kmh / 3.6 / PER_SECOND
            pedal = abs(math.sin(t_s)) * 60
            pairs = ((SPEED, round(kmh, 2)), (ENGINE_SPEED, kmh * 30), (PEDAL, pedal), (ODOMETER, driven_m // 100 * 100))
            samples += [(round(t_s * NS), signal, value) for signal, value in pairs]
        daemon.tick(second * NS, WALL)
        daemon.samples(samples)
    end_s = start_s + length_s
    daemon.samples([(end_s * NS, IGNITION, "OFF")])
    for second in range(end_s, end_s + PAUSE_S):
        daemon.tick(second * NS, WALL)


# -- opening ---------------------------------------------------------------------------------------


def _opened(folder: Path) -> Iterator[Figure]:
    new, old = folder / "new" / "keyoff.db", folder / "old" / "keyoff.db"
    for path in (new, old):
        with closing(open_for_daemon(path, UNIT, LIMIT_MB)) as store:
            drive(Daemon(SETUP, PLAN, store, BOOT_ID), STEP_S, 600)
    five_years(old)
    pairs = [(_opening_s(new), _opening_s(old)) for _ in progress("Opening the store", range(OPENINGS))]
    empty_s, full_s = (median(each) for each in zip(*pairs, strict=True))
    held = f"{YEARS_TRIPS} trips, {YEARS_EVENTS} events, {old.stat().st_size / 1e6:.0f} MB"
    yield Figure("store_open_ms", full_s * 1000, "ms", at_most(50), f"and states restored: {held}")
    yield Figure("store_open_ratio", full_s / empty_s, "of_empty", at_most(1.2), f"empty: {empty_s * 1000:.1f} ms")
    for what in HURT:
        copy = folder / what / "keyoff.db"
        shutil.copytree(old.parent, copy.parent)
        hurt(copy, what)
        note = f"{what} damaged, five years in it: from the opening to the first commit"
        yield Figure(f"collecting_again_s_{what}", _collecting_s(copy), "s", at_most(5), note)
        shutil.rmtree(copy.parent)


def five_years(path: Path) -> None:
    """Fill a unit's database with what a household drives in that time."""
    chance = random.Random(0)
    with closing(connect(path)) as conn:
        conn.execute("BEGIN")
        conn.executemany(
            "INSERT INTO trips (id, kind, ended_by, boot_id, start_ns, end_ns, driver, metrics, estimated)"
            " VALUES (?, 'trip', 'ignition', 'b', ?, ?, 'ana', ?, '[]')",
            ((f"{n:032x}", n, n + 1, f'{{"was":"{chance.randbytes(BODY_BYTES // 2).hex()}"}}') for n in range(YEARS_TRIPS)),
        )
        conn.executemany(
            "INSERT INTO events (id, kind, version, importance, t_ns, boot_id, utc_ns, clock, body, acked)"
            " VALUES (?, 'TripStarted', 1, 3, ?, 'b', ?, 'synchronised', ?, 1)",
            ((f"{n:032x}", n, n, f'{{"was":"{chance.randbytes(150).hex()}"}}'.encode()) for n in range(YEARS_EVENTS)),
        )
        conn.executemany("INSERT INTO once VALUES (?, 'MilestoneReached')", ((f"{n:032x}",) for n in range(100)))
        conn.execute("COMMIT")


def _opening_s(path: Path) -> float:
    began_s = time.perf_counter()
    store = open_for_daemon(path, UNIT, LIMIT_MB)
    Daemon(SETUP, PLAN, store, BOOT_ID)
    took_s = time.perf_counter() - began_s
    store.close()
    return took_s


def _collecting_s(path: Path) -> float:
    began_s = time.perf_counter()
    with closing(open_for_daemon(path, UNIT, LIMIT_MB)) as store:
        daemon = Daemon(SETUP, PLAN, store, BOOT_ID)
        daemon.tick(2 * HOUR_S * NS, WALL)
        daemon.commit()
        took_s = time.perf_counter() - began_s
        if store.count("HealthReported") == 0:
            raise RuntimeError(f"{path}: nobody noticed")
    return took_s


def hurt(path: Path, what: str) -> None:
    """Damage that an opening meets: the file's header, the page of the states, or a log that is none."""
    if what == "log":
        Path(f"{path}-wal").write_bytes(random.Random(1).randbytes(1_000_000))
        return
    with closing(sqlite3.connect(path)) as conn:
        page = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'states'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek(0 if what == "header" else (page - 1) * 4096)
        file.write(bytes(100) if what == "header" else random.Random(1).randbytes(4096))


# -- healing ---------------------------------------------------------------------------------------


def _healed(folder: Path) -> Iterator[Figure]:
    """How long after a fault until what was collected meanwhile is written."""
    state, shim = folder / "state", folder / "shim"
    for each in (state, shim):
        each.mkdir()
    try:
        disk = BadDisk(shim)
    except NoCompiler as e:
        raise LeftOut(str(e)) from None
    longest_s, which = 0, ""
    with Worker(state / "keyoff.db", disk) as unit:
        unit.answer()
        for kind, how in progress("Faults of the disk", FAULTS):
            disk.fail(kind, how, "keyoff.db")
            unit.tell("drive", FAULT_S)
            if how == "hold":
                time.sleep(HELD_S)
                disk.heal()
            unit.answer()
            disk.heal()
            steps = range(STEP_S, WATCHED_S, STEP_S)
            took_s = next((s for s in steps if not _is_behind(unit.do("stand", STEP_S))), WATCHED_S)
            if took_s > longest_s:
                longest_s, which = took_s, f"{kind}, {how}"
    note = f"{len(FAULTS)} faults of {FAULT_S} s in mid-drive, the unit's own time in steps of {STEP_S} s; the longest: {which}"
    yield Figure("fault_ends_working_again_s", longest_s, "s", at_most(30), note)


def _is_behind(unit: dict[str, Any]) -> bool:
    return bool(unit["trouble"] or unit["events"])


GROUP = Group(
    "storage",
    (
        "written_mb_per_driven_hour",
        "store_open_ms",
        "store_open_ratio",
        *(f"collecting_again_s_{what}" for what in HURT),
        "fault_ends_working_again_s",
    ),
    measure,
)
