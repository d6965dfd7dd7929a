"""What the unit's store promises when its files are damaged: found, salvaged, told; nothing lost that is not told."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from agent.io.database import connect_to_look
from agent.io.unit_store import UnitStore, open_for_daemon
from agent.model import NS
from hil.baddisk import damage
from hil.baddisk.damage import Hurt
from hil.baddisk.unit import UNIT, Car
from tests.contract.test_store import HEALED_S, LIMIT_MB, counts


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
