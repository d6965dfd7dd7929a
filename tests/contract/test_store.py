"""What the unit's store promises on a disk that goes bad: by real means where this machine lets us, else by a shim.

One unit in simulated time drives on (hil/baddisk/unit.py). Whatever happens: the daemon's loop goes on, the bus is heard,
memory stays bounded, nothing is lost that is not told, and 30 s after the fault has ended everything is written.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from agent.daemon import TRACE_KEPT
from agent.io import clock
from agent.io.database import connect_to_look
from agent.io.retention import RESERVE_BYTES
from agent.io.unit_store import UnitStore, open_for_daemon
from agent.model import NS
from hil.baddisk import BadDisk, Kind, NoCompiler, Worker, damage
from hil.baddisk.damage import Hurt
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


@pytest.fixture
def unit_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Car]]:
    """The store waits in the time of the car that is put into this list."""
    cars: list[Car] = []
    monkeypatch.setattr(clock, "boottime_ns", lambda: cars[0].t_s * NS if cars else 0)
    yield cars


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


# -- damaged files ---------------------------------------------------------------------------------


class Life(NamedTuple):
    """A unit's files, and what it had told and not told; its epoch and how far it had come."""

    folder: Path
    epoch: str
    t_s: int
    odometer_m: float
    events: dict[str, dict[str, Any]]
    trips: set[str]


def lived(folder: Path, tidy: bool) -> Life:
    """Trips acknowledged, then two handed out and not acknowledged, then two that nobody asked for."""
    with closing(open_for_daemon(folder / "live" / "keyoff.db", UNIT, LIMIT_MB)) as store:
        car = Car(store)
        for trip in range(14):
            car.far_side.is_silent, car.far_side.is_there = trip in (10, 11), trip < 12
            car.drive(60)
        life = Life(folder / "kept", store.epoch, car.t_s, car.odometer_m, events(store), {row["id"] for row in store.trips()})
        if not tidy:
            shutil.copytree(folder / "live", folder / "kept")
    if tidy:
        shutil.copytree(folder / "live", folder / "kept")
    return life


@pytest.fixture(scope="module")
def cut_short(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return lived(tmp_path_factory.mktemp("cut"), tidy=False)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return lived(tmp_path_factory.mktemp("ended"), tidy=True)


def events(store: UnitStore) -> dict[str, dict[str, Any]]:
    return {row["id"]: dict(row) for row in store.conn.execute("SELECT * FROM events")}


def counts(store: UnitStore) -> dict[str, int]:
    """All health reports together."""
    found: dict[str, int] = {}
    for (body,) in store.conn.execute("SELECT body FROM events WHERE kind = 'HealthReported'"):
        for what, n in json.loads(body)["counts"].items():
            found[what] = found.get(what, 0) + n
    return found


def numbers_voided(store: UnitStore, epoch: str) -> set[int]:
    told = [json.loads(row["body"]) for row in store.conn.execute("SELECT body FROM events WHERE kind = 'SequenceVoided'")]
    return {n for each in told if each["epoch"] == epoch for first, last in each["ranges"] for n in range(first, last + 1)}


def live_on(life: Life, folder: Path, hurt: Hurt, seed: int, cars: list[Car]) -> UnitStore:
    """Hurt a copy, start on it, find out what can be found out, and drive once more."""
    shutil.copytree(life.folder, folder)
    hurt(folder / "keyoff.db", Random(seed))
    store = open_for_daemon(folder / "keyoff.db", UNIT, LIMIT_MB)
    cars[:] = [car := Car(store, life.t_s, life.odometer_m)]
    car.far_side.is_there = False
    car.daemon.commit()
    if store._check is not None:
        store._check.join()
    car.stand(HEALED_S)
    car.drive(30)
    assert car.daemon.store_trouble is None
    return store


def check(life: Life, store: UnitStore) -> None:
    """Nothing is lost that is not told, nothing is sent under a number that means something else."""
    assert store.conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    now = events(store)
    assert sum(row["t_ns"] > life.t_s * NS for row in now.values() if row["kind"] == "TripEnded") == 1, "the trip since"
    if store.epoch == life.epoch:
        assert now.keys() >= life.events.keys()
        return
    voided = numbers_voided(store, life.epoch)
    assert counts(store)["database set aside, damaged"] >= 1
    for id, row in life.events.items():
        bytes_kept = id in now and row["envelope"] is not None and now[id]["envelope"] == row["envelope"]
        assert row["acked"] or bytes_kept or row["seq"] in voided, f"{row['kind']} {row['seq']}"
        assert row["acked"] or not bytes_kept or row["seq"] not in voided, "it still arrives, under its old number"
        if id in now and not row["acked"]:
            came_anew = (
                now[id]["seq"] > 0 and row["seq"] in voided
            )  # with the log's end its commit went: a trip may end otherwise
            assert came_anew or (now[id]["body"], now[id]["utc_ns"]) == (row["body"], row["utc_ns"])
            assert now[id]["seq"] > 0 or bytes_kept
    fresh = sorted(row["seq"] for row in now.values() if row["seq"] > 0)
    assert fresh == list(range(1, len(fresh) + 1)), "the new epoch has no hole"


POINTS = [
    *((damage.page, seed) for seed in range(45)),
    *((damage.log, seed) for seed in range(15)),
    *((damage.log_frame, seed) for seed in range(8)),
    *((damage.log_end, seed) for seed in range(12)),
    *((damage.end, seed) for seed in range(12)),
    *((hurt, 0) for hurt in (damage.header, damage.first_page, damage.log_header, damage.log_gone)),
]


@pytest.mark.parametrize(("hurt", "seed"), POINTS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_damage_after_a_cut_is_found_salvaged_and_told(
    cut_short: Life, tmp_path: Path, unit_time: list[Car], hurt: Hurt, seed: int
) -> None:
    with closing(live_on(cut_short, tmp_path / "copy", hurt, seed, unit_time)) as store:
        check(cut_short, store)
        aside = list((tmp_path / "copy").glob("keyoff.db.damaged-?"))
        assert len(aside) == (store.epoch != cut_short.epoch)


@pytest.mark.parametrize("hurt", [damage.header, damage.first_page])
def test_a_database_whose_first_page_is_gone_is_salvaged_whole(
    ended: Life, tmp_path: Path, unit_time: list[Car], hurt: Hurt
) -> None:
    with closing(live_on(ended, tmp_path / "copy", hurt, 0, unit_time)) as store:
        check(ended, store)
        assert store.epoch != ended.epoch
        assert {row["id"] for row in store.trips()} > ended.trips
        assert events(store).keys() > ended.events.keys()
        assert "unreadable places in the database" not in counts(store)


@pytest.mark.parametrize("seed", range(30))
def test_damage_that_nobody_looked_for_stops_nothing(ended: Life, tmp_path: Path, unit_time: list[Car], seed: int) -> None:
    """After a tidy end no check runs: what is met is mended, and what is not met is left."""
    with closing(live_on(ended, tmp_path / "copy", (damage.page, damage.bytes_of_a_page)[seed % 2], seed, unit_time)) as store:
        if store.epoch != ended.epoch:
            check(ended, store)


def test_damage_to_the_log_in_the_middle_loses_next_to_nothing(cut_short: Life, tmp_path: Path, unit_time: list[Car]) -> None:
    """SQLite by itself forgets everything behind it."""

    def early(database: Path, chance: Random) -> None:
        with damage.log_of(database).open("r+b") as file:
            file.seek(16_000)
            file.write(chance.randbytes(64))

    shutil.copytree(cut_short.folder, tmp_path / "by-sqlite")
    early(tmp_path / "by-sqlite" / "keyoff.db", Random(1))
    with closing(connect_to_look(tmp_path / "by-sqlite" / "keyoff.db")) as conn:
        assert conn.execute("SELECT count(*) FROM trips").fetchone()[0] < len(cut_short.trips)
    with closing(live_on(cut_short, tmp_path / "copy", early, 1, unit_time)) as store:
        check(cut_short, store)
        assert {row["id"] for row in store.trips()} > cut_short.trips


def test_the_newest_two_set_aside_are_kept(cut_short: Life, tmp_path: Path, unit_time: list[Car]) -> None:
    shutil.copytree(cut_short.folder, tmp_path / "copy")
    path = tmp_path / "copy" / "keyoff.db"
    for number in (1, 2, 3):
        damage.header(path, Random(0))
        Path(f"{path}-wal").unlink(missing_ok=True)
        open_for_daemon(path, UNIT, LIMIT_MB).close()
        assert (tmp_path / "copy" / f"keyoff.db.damaged-{number}").exists()
    assert sorted(p.name for p in path.parent.glob("keyoff.db.damaged-?")) == ["keyoff.db.damaged-2", "keyoff.db.damaged-3"]
