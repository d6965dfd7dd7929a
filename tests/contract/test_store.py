"""What the unit's store promises on a disk that goes bad: by real means where this machine lets us, else by a shim.

One unit in simulated time drives on (hil/baddisk/unit.py). Whatever happens: the daemon's loop goes on, the bus is heard,
memory stays bounded, nothing is lost that is not told, and 30 s after the fault has ended everything is written.
"""

from __future__ import annotations

import json
import resource
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.daemon import TRACE_KEPT
from agent.io.retention import RESERVE_BYTES
from agent.io.unit_store import UnitStore, open_for_daemon
from hil.baddisk import BadDisk, Kind, NoCompiler, Worker
from hil.baddisk.unit import UNIT, Car
from tests.conftest import absent

LIMIT_MB = 256
HEALED_S = 30
MAY_GROW_TO = 150_000  # bytes a file: the database fits, a log of a few commits does
BEYOND_S = 400  # of driving, more than memory keeps the trace of
FRAMES = 2_000
FAULTS: list[tuple[Kind, str]] = [
    ("write", "full"),
    ("write", "I/O error"),
    ("write", "read-only"),
    ("write", "too large"),
    ("sync", "I/O error"),
]


def counts(store: UnitStore) -> dict[str, int]:
    """All health reports together."""
    found: dict[str, int] = {}
    for (body,) in store.conn.execute("SELECT body FROM events WHERE kind = 'HealthReported'"):
        for what, n in json.loads(body)["counts"].items():
            found[what] = found.get(what, 0) + n
    return found


# -- calls that fail -------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> BadDisk:
    (tmp_path / "shim").mkdir()
    try:
        return BadDisk(tmp_path / "shim")
    except NoCompiler as e:
        absent(str(e))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state" / "keyoff.db"


def lines(unit: Worker, query: str) -> list[list[Any]]:
    rows: list[list[Any]] = unit.do("sql", query)["rows"]
    return rows


@pytest.mark.parametrize(("kind", "how"), FAULTS)
def test_a_fault_in_mid_drive_costs_nothing(disk: BadDisk, database: Path, kind: Kind, how: str) -> None:
    with Worker(database, disk) as unit:
        unit.answer()
        unit.do("drive", 60)
        disk.fail(kind, how, "keyoff.db")
        during = unit.do("drive", 120)
        assert during["points"] <= 120
        assert during["trouble"]
        disk.heal()
        after = unit.do("stand", HEALED_S)
        assert (after["trouble"], after["events"], after["points"]) == (None, 0, 0)
        assert lines(unit, "PRAGMA integrity_check") == [["ok"]]
        assert lines(unit, "SELECT kind, count(*), sum(acked) FROM events GROUP BY kind") == [
            ["TripEnded", 2, 2],
            ["TripStarted", 2, 2],
        ]
        assert [row[0] for row in lines(unit, "SELECT seq FROM events ORDER BY seq")] == [1, 2, 3, 4]
        assert after["differs"] == []


def test_reads_that_fail_are_damage_to_sqlite_and_cost_nothing_either(disk: BadDisk, database: Path) -> None:
    with Worker(database, disk) as unit:
        unit.answer()
        unit.do("drive", 60)
        lines(unit, "PRAGMA cache_size = 1")  # nothing that is needed has been read before
        disk.fail("read", "I/O error", "keyoff.db")
        assert unit.do("drive", 120)["trouble"]
        disk.heal()
        after = unit.do("stand", HEALED_S)
        assert (after["trouble"], after["events"], after["points"]) == (None, 0, 0)
        assert lines(unit, "PRAGMA integrity_check") == [["ok"]]
        ours = "SELECT kind, count(*) FROM events WHERE kind LIKE 'Trip%' GROUP BY kind"
        assert lines(unit, ours) == [["TripEnded", 2], ["TripStarted", 2]]


def test_the_bus_is_heard_while_a_sync_does_not_come_back(disk: BadDisk, database: Path) -> None:
    with Worker(database, disk) as unit:
        unit.answer()
        disk.fail("sync", "hold", "keyoff.db")
        unit.tell("hear", FRAMES)
        unit.tell("drive", 60)
        heard = unit.answer()
        assert heard == {"heard": FRAMES, "waiting": FRAMES, "lost": 0, "committing": True}
        disk.heal()
        assert unit.answer()["trouble"] is None
        assert lines(unit, "SELECT count(*) FROM trips") == [[1]]


def test_a_long_refusal_stays_in_bounds_and_what_goes_is_told(disk: BadDisk, database: Path) -> None:
    with Worker(database, disk) as unit:
        unit.answer()
        unit.do("link", "down")
        unit.do("drive", 60)
        disk.fail("write", "full", "keyoff.db")
        during = unit.do("drive", TRACE_KEPT + BEYOND_S)
        assert TRACE_KEPT <= during["points"] <= TRACE_KEPT + 20
        disk.heal()
        assert unit.do("stand", HEALED_S)["trouble"] is None
        told = json.loads(lines(unit, "SELECT body FROM events WHERE kind = 'HealthReported'")[0][0])
        kept = lines(unit, "SELECT sum(points) FROM trace")[0][0]
        assert told["counts"]["trace points given up"] > BEYOND_S - 20
        assert kept + told["counts"]["trace points given up"] == 60 + TRACE_KEPT + BEYOND_S


def test_bad_places_under_the_log_are_left_behind(disk: BadDisk, database: Path) -> None:
    with Worker(database, disk) as unit:
        before = unit.answer()
        unit.do("link", "down")
        unit.do("drive", 60)
        disk.fail("write", "I/O error", "keyoff.db-wal")
        unit.do("drive", 300)
        disk.heal()
        after = unit.do("stand", HEALED_S)
        assert (after["trouble"], after["events"]) == (None, 0)
        assert after["epoch"] != before["epoch"], "it went on in another file"
        assert len(list(database.parent.glob("keyoff.db.damaged-?"))) == 1, "and did so once"
        assert lines(unit, "SELECT count(*) FROM trips") == [[2]]


def test_a_disk_that_takes_nothing_at_all_moves_nothing(disk: BadDisk, database: Path) -> None:
    with Worker(database, disk) as unit:
        before = unit.answer()
        disk.fail("write", "I/O error", str(database.parent))
        unit.do("drive", 600)
        disk.heal()
        after = unit.do("stand", HEALED_S)
        assert (after["trouble"], after["epoch"]) == (None, before["epoch"])


# -- real limits of this machine -------------------------------------------------------------------


def test_files_that_may_not_grow(database: Path, unit_time: list[Car]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with closing(open_for_daemon(database, UNIT, LIMIT_MB)) as store:
        unit_time.append(car := Car(store))
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (MAY_GROW_TO, hard))
            car.drive(60)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
            car.drive(60)
            trouble = car.daemon.store_trouble
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert trouble
        assert len(store.trips()) == 1, "with a short one it works on: the log is begun again and again"
        car.stand(HEALED_S)
        assert car.daemon.store_trouble is None
        assert len(store.trips()) == 2


OLD_TRACES, OLD_TRACE_BYTES = 100, 20_000
SMALL_DISK_MB = 12


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own; only root may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MB}m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system may be mounted here; the shim's ENOSPC is tried anyway")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> Path:
    """Somebody else's file takes all that is free."""
    filler = folder / "somebody-elses"
    with filler.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return filler


def test_on_a_full_disk_it_works_on_by_giving_up_what_is_wanted_least(small_disk: Path, unit_time: list[Car]) -> None:
    with closing(open_for_daemon(small_disk / "keyoff.db", UNIT, LIMIT_MB)) as store:
        unit_time.append(car := Car(store))
        car.drive(60)
        old = ((f"old {n}", bytes(OLD_TRACE_BYTES)) for n in range(OLD_TRACES))
        store.conn.executemany("INSERT INTO trace (trip_id, start_ns, points, body) VALUES (?, 1, 1, ?)", old)
        fill(small_disk)
        for _ in range(40):
            car.drive(60)
        assert car.daemon.store_trouble is None
        assert 0 < counts(store)["traces given up"] < OLD_TRACES
        assert store.conn.execute("SELECT trip_id FROM trace ORDER BY rowid").fetchone()[0] != "old 0", "the oldest first"
        assert (
            store.conn.execute("SELECT count(*) FROM events WHERE kind = 'TripEnded'").fetchone()[0] == len(store.trips()) == 41
        )
        assert store.conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_the_reserve_lets_it_start_on_a_full_disk(small_disk: Path, unit_time: list[Car]) -> None:
    database = small_disk / "keyoff.db"
    open_for_daemon(database, UNIT, LIMIT_MB).close()
    reserve = Path(f"{database}.reserve")
    assert reserve.stat().st_blocks * 512 >= RESERVE_BYTES
    fill(small_disk)
    with closing(open_for_daemon(database, UNIT, LIMIT_MB)) as store:
        unit_time.append(car := Car(store))
        car.drive(60)
        assert car.daemon.store_trouble is None
        assert not reserve.exists()


def test_a_start_on_a_full_disk_collects_and_writes_when_there_is_room(small_disk: Path, unit_time: list[Car]) -> None:
    database = small_disk / "keyoff.db"
    with closing(open_for_daemon(database, UNIT, LIMIT_MB)) as store:
        car = Car(store)
        car.drive(60)
    Path(f"{database}.reserve").unlink()
    filler = fill(small_disk)
    with closing(open_for_daemon(database, UNIT, LIMIT_MB)) as store:
        unit_time.append(again := Car(store, car.t_s, car.odometer_m))
        assert len(store.trips()) == 1
        again.drive(60)
        assert again.daemon.store_trouble
        filler.unlink()
        again.stand(HEALED_S)
        assert again.daemon.store_trouble is None
        assert [row["kind"] for row in store.conn.execute("SELECT kind FROM events ORDER BY seq")] == [
            "TripStarted",
            "TripEnded",
        ] * 2


def test_a_start_on_a_read_only_disk_goes_on_from_the_states(small_disk: Path, unit_time: list[Car]) -> None:
    database = small_disk / "keyoff.db"
    with closing(open_for_daemon(database, UNIT, LIMIT_MB)) as store:
        car = Car(store)
        car.drive(60)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with closing(open_for_daemon(database, UNIT, LIMIT_MB)) as store:
        unit_time.append(again := Car(store, car.t_s, car.odometer_m))
        assert store.states() and len(store.trips()) == 1
        again.drive(60)
        assert again.daemon.store_trouble
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
        again.stand(HEALED_S)
        assert again.daemon.store_trouble is None
        assert len(store.trips()) == 2
