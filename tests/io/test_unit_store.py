"""The unit's store: how it opens and what it mends by itself."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from agent.io import salvage, unit_store
from agent.io.check import Check
from agent.io.store import Batch, Store, StoreError
from agent.io.unit_store import IO_PATIENCE_S, UnitStore, is_behind, open_for_daemon
from agent.io.witness import Witness
from tests.conftest import ROOT
from tests.io.unit_stores import Now, garbage, row

# -- opening ---------------------------------------------------------------------------------------


def test_another_keyoff_is_told_and_left_alone(store: UnitStore) -> None:
    with pytest.raises(StoreError) as refused:
        open_for_daemon(store.path, "unit-1", 256)
    assert refused.value.locked
    assert store.commit(Batch(events=[row("a")])) == 1


def test_a_new_database_can_shrink_has_a_witness_and_a_reserve(store: UnitStore) -> None:
    assert store.conn.execute("PRAGMA auto_vacuum").fetchone()[0] == 2
    assert Witness(Path(f"{store.path}.mark")).version() == store.conn.execute("PRAGMA user_version").fetchone()[0]
    assert Path(f"{store.path}.reserve").exists()


def set_version(path: Path, number: int) -> None:
    with closing(sqlite3.connect(path)) as conn:
        conn.execute(f"PRAGMA user_version = {number}")


def test_a_database_is_behind_when_there_is_none_or_an_earlier_schemas(path: Path) -> None:
    assert is_behind(path)
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        newest = store.conn.execute("PRAGMA user_version").fetchone()[0]
    for number, behind in ((newest, False), (newest - 1, True), (newest + 1, False)):
        set_version(path, number)
        assert is_behind(path) is behind
    set_version(path, newest - 1)
    Path(f"{path}-wal").write_bytes(b"not closed: UnitStore has to see it first")
    assert not is_behind(path)
    Path(f"{path}-wal").unlink()
    garbage(path, 0)
    assert not is_behind(path)


def test_a_migration_leaves_no_sqlite_utils_in_the_daemon(path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom agent.io.unit_store import open_for_daemon\n"
        f"open_for_daemon(Path({str(path)!r}), 'unit-1', 256).close()\nsys.exit('sqlite_utils' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0
    assert not is_behind(path)


def test_without_a_child_the_daemon_migrates_by_itself(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(path.parent / "no-python"))
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        assert store.commit(Batch(events=[row("a")])) == 1


def test_an_old_small_database_learns_to_shrink(path: Path) -> None:
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE x (a)")
        conn.execute("DROP TABLE x")
        assert conn.execute("PRAGMA auto_vacuum").fetchone()[0] == 0
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        assert store.conn.execute("PRAGMA auto_vacuum").fetchone()[0] == 2
        assert not list(path.parent.glob("*.damaged-*"))


def test_the_check_runs_only_after_an_end_that_was_not_tidy(path: Path) -> None:
    open_for_daemon(path, "unit-1", 256).close()
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        assert store._check is None
    code = (
        "import os\nfrom pathlib import Path\nfrom agent.io.store import Batch, Store\n"
        f"Store(Path({str(path)!r}), 'u').commit(Batch(states={{'a': (1, b'1')}}))\nos._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 9
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        assert store._check is not None
        store._check.join()
        assert store._check.found is None
        assert store.states() == {"a": (1, b"1")}


def test_what_the_check_finds_is_salvaged_at_work(path: Path, now: Now) -> None:
    with closing(Store(path, "unit-1")) as first:
        first.commit(Batch(events=[row(str(n), size=600) for n in range(60)]))
        page = first.conn.execute("SELECT max(pageno) FROM dbstat WHERE name = 'events' AND pagetype = 'leaf'").fetchone()[0]
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        epoch = store.epoch
        garbage(path, (page - 1) * 4096)
        store._check = Check(path)
        store._check.start()
        store._check.join()
        now.s += 100
        assert store.tend() is None
        assert store.epoch != epoch
        assert store.restored[0].epoch == epoch
        assert 40 < store.conn.execute("SELECT count(*) FROM events").fetchone()[0] < 60
        assert store.conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_an_older_copy_put_back_is_noticed_by_its_numbers(path: Path) -> None:
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        store.commit(Batch(events=[row("a")]))
    before = path.read_bytes()
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        store.commit(Batch(events=[row("b"), row("c")]))
        epoch = store.epoch
    path.write_bytes(before)
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        assert store.epoch != epoch
        assert store.restored[0].ranges == [(1, 3)], "the number of `a` was not sent yet; it has another now"


def test_a_database_that_lost_its_epoch_is_no_new_one(path: Path) -> None:
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        store.commit(Batch(events=[row("a")]))
        epoch = store.epoch
        store.conn.execute("DELETE FROM meta")
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        assert [each.epoch for each in store.restored] == [epoch]


def refuse(path: Path, why: str) -> Path:
    raise OSError(errno.EROFS, "Read-only file system")


def test_states_that_cannot_be_read_are_never_overwritten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder may not be written to, and the file is nonsense: better no start than one that forgets."""
    path.write_bytes(os.urandom(40_000))
    monkeypatch.setattr(salvage, "set_aside", refuse)
    with pytest.raises(StoreError):
        open_for_daemon(path, "unit-1", 256)


# -- at work ---------------------------------------------------------------------------------------


def test_damage_met_by_a_commit_is_mended_and_the_commit_goes_through(path: Path, now: Now) -> None:
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        store.commit(Batch(events=[row(str(n), size=600) for n in range(20)], states={"a": (1, b"1")}))
        page = store.conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'once'").fetchone()[0]
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        garbage(path, (page - 1) * 4096)
        assert store.commit(Batch(events=[row("new", "Milestone")._replace(once=True)], states={"a": (1, b"2")})) == 1
        assert store.states() == {"a": (1, b"2")}
        assert store.unsent() == 21
        assert len(store.restored) == 1


def test_damage_met_by_a_look_at_what_waits_is_mended_too(path: Path, now: Now) -> None:
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        store.commit(Batch(events=[row(str(n), size=600) for n in range(20)]))
        page = store.conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()[0]
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        epoch = store.epoch
        garbage(path, (page - 1) * 4096)
        store.unsent_of(["TripEnded"])
        assert store.epoch != epoch and len(store.restored) == 1


def test_patience_with_io_errors_ends_once_and_only_where_the_card_has_good_places(
    store: UnitStore, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Store, batch: Batch, utc_ns: int | None = None) -> int:
        raise StoreError("no", "io")

    monkeypatch.setattr(Store, "commit", fails)
    good = True
    monkeypatch.setattr(unit_store, "has_good_places", lambda _: good)
    epoch = store.epoch

    def after(s: float) -> bool:
        """Whether it has moved by then."""
        now.s = s
        with pytest.raises(StoreError):
            store.commit(Batch())
        return store.epoch != epoch

    assert not after(0)
    assert not after(IO_PATIENCE_S)
    good = False
    assert not after(IO_PATIENCE_S + 10)
    good = True
    assert after(IO_PATIENCE_S + 20)
    epoch = store.epoch
    assert not after(10 * IO_PATIENCE_S)


def test_a_move_that_fails_half_way_is_finished_when_the_disk_lets_it(
    path: Path, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set aside, and then neither salvaged nor read."""

    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        store.commit(Batch(events=[row("a")], states={"s": (1, b"1")}))
        with monkeypatch.context() as disk:
            disk.setattr(salvage, "salvage", fails)
            disk.setattr(salvage, "open_aside", fails)
            with pytest.raises(StoreError) as refused:
                store._recover()
            assert refused.value.reason == "io"
            for s in (0, 3, 10, 20):
                now.s = s
                with pytest.raises(StoreError, match="Input/output error"):
                    store.commit(Batch(events=[row("b")]))
                assert store.waiting(9, ()) == []
        now.s = 30
        assert store.commit(Batch(events=[row("b")])) == 1
        assert store.states() == {"s": (1, b"1")}
        assert {o.id for o in store.waiting(9, ())} == {"a", "b"}


def test_a_number_that_was_never_given_is_damage(path: Path) -> None:
    """A bit that fell over: SQLite has no checksums."""
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        store.commit(Batch(events=[row("a"), row("b")]))
        epoch = store.epoch
        store.conn.execute("UPDATE events SET seq = seq + (1 << 40) WHERE id = 'b'")
        assert {o.id for o in store.waiting(9, ())} == {"a", "b"}
        assert store.epoch != epoch
        assert [o.seq for o in store.waiting(9, ())] == [1, 2]


def test_a_table_that_is_gone_is_damage(path: Path) -> None:
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        store.commit(Batch(events=[row("a")]))
        store.conn.execute("DROP TABLE states")
    Path(f"{path}.mark").unlink()
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        assert store.states() == {}
        assert [o.id for o in store.waiting(9, ())] == ["a"]
        assert len(store.restored) == 1


def test_once_it_was_full_it_does_not_grow_until_there_is_a_reserve_again(
    store: UnitStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def limit() -> int:
        return int(store.conn.execute("PRAGMA max_page_count").fetchone()[0])

    full = [StoreError("no", "full")]
    monkeypatch.setattr(store, "_commit", lambda *_: (_ for _ in ()).throw(full.pop()) if full else 0)
    assert limit() > 1_000_000
    store.commit(Batch())
    assert limit() == store.conn.execute("PRAGMA page_count").fetchone()[0]


def test_what_is_frozen_goes_out_while_nothing_can_be_written(path: Path) -> None:
    with closing(open_for_daemon(path, "unit-1", 256)) as store:
        store.commit(Batch(events=[row("frozen")]))
        store.waiting(9, ())
        store.commit(Batch(events=[row("fresh")]))
        store.conn.execute("PRAGMA query_only = ON")
        assert [o.id for o in store.waiting(9, ())] == ["frozen"]
        with pytest.raises(StoreError):
            store.waiting(9, {"frozen"})
