"""The unit's database removed, or another one put in its place, under the daemon and while it was off."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.io.retention import sizes
from agent.io.store import Batch, EventRow, Restored, StoreError
from agent.io.unit_store import UnitStore, open_for_daemon
from agent.io.witness import Witness

UNTOLD = Restored(None, [], {"database removed or replaced while in use": 1})


def row(id: str) -> EventRow:
    return EventRow(id, "TripEnded", 1, 5, False, 7, "boot", None, "none", b"{}")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """For a store whose looks at its files are always due."""
    (tmp_path / "state").mkdir()
    monkeypatch.setattr("agent.io.unit_store.TEND_S", 0)
    return tmp_path / "state" / "keyoff.db"


@pytest.fixture
def store(path: Path) -> Iterator[UnitStore]:
    with closing(open_for_daemon(path, "unit-1", 256)) as opened:
        opened.commit(Batch(events=[row("a")], states={"s": (1, b"1")}))
        yield opened


def kept(path: Path) -> list[str]:
    """As the next start would find it, after a power cut now."""
    other = path.with_name("found.db")
    for end in ("", "-wal"):
        Path(f"{other}{end}").unlink(missing_ok=True)
        if Path(f"{path}{end}").exists():
            Path(f"{other}{end}").write_bytes(Path(f"{path}{end}").read_bytes())
    with closing(sqlite3.connect(other)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return [r[0] for r in conn.execute("SELECT id FROM events ORDER BY seq")]


@pytest.mark.parametrize("what", ["keyoff.db", "keyoff.db*", ""])
def test_what_was_removed_is_there_again_whole(store: UnitStore, path: Path, what: str) -> None:
    for file in sizes(path) if what != "keyoff.db" else (path,):
        file.unlink()
    if not what:
        path.parent.rmdir()
    store.commit(Batch(events=[row("b")]))
    epoch = store.epoch
    store.tend()
    store.commit(Batch(events=[row("c")]))
    assert kept(path) == ["a", "b", "c"]
    assert (store.epoch, store.states()) == (epoch, {"s": (1, b"1")})
    assert store.restored == [UNTOLD], "an event has to tell it"
    with pytest.raises(StoreError, match="another keyoff"):
        UnitStore(path, "unit-1", 256)


def test_another_file_in_its_place_is_set_aside_and_its_log_is_not_ours(store: UnitStore, path: Path) -> None:
    older = path.with_name("older.db")
    with closing(sqlite3.connect(older)) as copy:
        store.conn.backup(copy)
    store.commit(Batch(events=[row("b")]))
    older.rename(path)
    store.tend()
    assert kept(path) == ["a", "b"]
    assert kept(Path(f"{path}.damaged-1")) == ["a"]


def test_as_long_as_it_cannot_be_written_it_is_worked_with_and_tried_again(
    store: UnitStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.unlink()
    with monkeypatch.context() as refusing:
        refusing.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        with pytest.raises(StoreError):
            store.tend()
    assert not list(path.parent.glob("*.building"))
    store.commit(Batch(events=[row("b")]))
    store.tend()
    assert kept(path) == ["a", "b"]


def test_a_lock_that_was_removed_is_held_again_and_nothing_else_changes(store: UnitStore, path: Path) -> None:
    before = path.stat().st_ino
    Path(f"{path}.lock").unlink()
    store.tend()
    with pytest.raises(StoreError, match="another keyoff"):
        UnitStore(path, "unit-1", 256)
    assert path.stat().st_ino == before
    assert store.restored == []


def test_what_was_removed_while_it_was_off_is_told_by_its_numbers_once(path: Path) -> None:
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        store.commit(Batch(events=[row("a"), row("b")]))
        epoch = store.epoch
    path.unlink()
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        assert store.epoch != epoch
        assert [(each.epoch, each.ranges) for each in store.restored] == [(epoch, [(1, 2)])]
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        assert len(store.restored) == 1, "until an event has told it"
        store.commit(Batch(events=[row("void")], told=store.restored))
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        assert store.restored == []


def test_a_database_that_gave_no_number_leaves_nothing_to_tell(path: Path) -> None:
    open_for_daemon(path, "unit-1", 256).close()
    assert Witness(Path(f"{path}.mark")).mark() is not None
    path.unlink()
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        assert store.restored == []
