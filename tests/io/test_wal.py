"""The log of real databases, hurt in one place: what a power cut leaves is no damage, and damage is no power cut."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.io import wal
from agent.io.database import connect, connect_to_look
from agent.io.store import Batch, Store
from agent.io.wal import FRAME_BYTES, HEADER_BYTES

COMMITS = 12


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    """The files of a store in mid-work: commits in the log, one page each but for the first."""
    store = Store(tmp_path / "live" / "keyoff.db", "unit-1")
    store.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.commit(Batch(states={"a": (1, b"0")}))
    for n in range(1, COMMITS + 1):
        store.commit(Batch(states={"a": (1, b"%d" % n)}))
    shutil.copytree(tmp_path / "live", tmp_path / "copy")
    yield tmp_path / "copy" / "keyoff.db"
    store.close()


def log_of(database: Path) -> Path:
    return Path(f"{database}-wal")


def frames(database: Path) -> int:
    return (log_of(database).stat().st_size - HEADER_BYTES) // FRAME_BYTES


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def found(database: Path) -> str | None:
    """As a start looks at it."""
    wrong = wal.damage(database)
    if wrong:
        return wrong
    with closing(connect_to_look(database)) as conn:
        conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return wal.lost_commits(database)


def state(database: Path) -> str:
    with closing(connect(database)) as conn:
        store = Store.__new__(Store)
        store.path, store.conn = database, conn
        return store.states()["a"][1].decode()


def frame_at(number: int) -> int:
    return HEADER_BYTES + number * FRAME_BYTES


def test_a_log_as_it_was_written_is_right(database: Path) -> None:
    assert wal.is_there(database)
    assert found(database) is None
    assert not wal.mend(database)


def test_a_tidy_end_leaves_no_log(tmp_path: Path) -> None:
    store = Store(tmp_path / "keyoff.db", "u")
    store.close()
    assert not wal.is_there(store.path)
    assert found(store.path) is None


@pytest.mark.parametrize("at", [0, 200, 2000, FRAME_BYTES - 1])
def test_a_last_commit_that_was_torn_is_no_damage(database: Path, at: int) -> None:
    last = frame_at(frames(database) - 1)
    with log_of(database).open("r+b") as file:
        file.truncate(last + at)
    Path(f"{database}-shm").unlink()  # a power cut takes memory with it
    assert found(database) is None


def test_a_last_commit_full_of_garbage_is_no_damage(database: Path) -> None:
    overwrite(log_of(database), frame_at(frames(database) - 1) + 100, os.urandom(512))
    Path(f"{database}-shm").unlink()
    assert found(database) is None


def test_a_rolled_back_commit_behind_the_last_is_no_damage(tmp_path: Path) -> None:
    """Pages that were spilled into the log before the transaction failed."""
    store = Store(tmp_path / "live" / "keyoff.db", "unit-1")
    store.conn.execute("PRAGMA cache_size = 5")
    store.commit(Batch(states={"a": (1, b"1")}))
    store.conn.execute("BEGIN")
    store.conn.executemany("INSERT INTO once VALUES (?, ?)", ((f"{n:050}", "k" * 300) for n in range(500)))
    store.conn.execute("ROLLBACK")
    store.commit(Batch(states={"a": (1, b"2")}))
    shutil.copytree(tmp_path / "live", tmp_path / "copy")
    assert found(tmp_path / "copy" / "keyoff.db") is None
    store.close()


def test_the_rest_of_an_earlier_round_is_no_damage(tmp_path: Path) -> None:
    """The log begun again after a checkpoint: behind its end lie whole commits of before."""
    store = Store(tmp_path / "live" / "keyoff.db", "unit-1")
    for n in range(COMMITS):
        store.commit(Batch(states={"a": (1, b"%d" % n)}))
    store.conn.execute("PRAGMA wal_checkpoint(RESTART)")
    store.commit(Batch(states={"a": (1, b"1000")}))
    shutil.copytree(tmp_path / "live", tmp_path / "copy")
    assert found(tmp_path / "copy" / "keyoff.db") is None
    store.close()


@pytest.mark.parametrize("at", [0, 8, 20, 30, 2000])
@pytest.mark.parametrize("frame", [-3, -6])
def test_garbage_before_later_commits_is_damage_and_mended(database: Path, frame: int, at: int) -> None:
    hurt = frame_at(frames(database) + frame)
    overwrite(log_of(database), hurt + at, os.urandom(12))
    assert found(database) == "its log is damaged in the middle"
    assert state_by_sqlite(database) < COMMITS + frame + 1
    before = log_of(database).read_bytes()
    assert wal.mend(database)
    assert Path(f"{database}.log").read_bytes() == before
    Path(f"{database}-shm").unlink(missing_ok=True)
    assert state(database) == str(COMMITS)


def state_by_sqlite(database: Path) -> int:
    """What SQLite makes of it by itself."""
    copy = database.parent.parent / "by-sqlite"
    shutil.copytree(database.parent, copy)
    Path(copy / f"{database.name}-shm").unlink(missing_ok=True)
    return int(state(copy / database.name))


@pytest.mark.parametrize("garbage", [bytes(HEADER_BYTES), b"\xa5" * HEADER_BYTES, b"\0"])
def test_a_header_that_is_wrong_is_damage_and_mended(database: Path, garbage: bytes) -> None:
    overwrite(log_of(database), 0, garbage)
    assert found(database) == "the header of its log is damaged"
    assert wal.mend(database)
    Path(f"{database}-shm").unlink(missing_ok=True)
    assert state(database) == str(COMMITS)


def test_a_log_that_was_never_written_to_is_no_damage(database: Path) -> None:
    log_of(database).write_bytes(bytes(HEADER_BYTES + FRAME_BYTES))
    assert wal.damage(database) is None


def test_a_log_cut_short_is_damage_as_long_as_its_index_knows(database: Path) -> None:
    with log_of(database).open("r+b") as file:
        file.truncate(frame_at(frames(database) - 4))
    assert found(database) == "its log was cut short"
    Path(f"{database}-shm").unlink()
    assert found(database) is None, "then only the numbers given can tell (witness.py)"


def test_the_index_of_another_log_says_nothing(database: Path) -> None:
    with Path(f"{database}-shm").open("r+b") as index:
        index.seek(32)
        index.write(bytes(8))
        index.seek(80)
        index.write(bytes(8))
    with log_of(database).open("r+b") as file:
        file.truncate(frame_at(1))
    assert wal.damage(database) is None


def test_what_is_no_log_at_all_cannot_be_mended(database: Path) -> None:
    log_of(database).write_bytes(os.urandom(5 * FRAME_BYTES))
    assert wal.damage(database) == "the header of its log is damaged"
    wal.mend(database)
    Path(f"{database}-shm").unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as conn:
        assert conn.execute("PRAGMA quick_check").fetchone()[0] == "ok"
    assert not wal.mend(database.with_name("another"))
