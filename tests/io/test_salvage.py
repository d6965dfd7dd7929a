"""Setting aside and salvaging, step by step: each step can be cut, rows are read around damage, numbers stay right."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import msgspec
import pytest

from agent.io import reading, salvage, states
from agent.io.reading import Rows
from agent.io.store import Batch, EventRow, Restored, Store
from agent.io.taken import CommandRow
from agent.io.unit_store import UnitStore, open_for_daemon
from agent.io.witness import Mark, Witness

LIMIT_MB = 256
PAGE_BYTES = 4096


def row(id: str, kind: str = "TripEnded", body: bytes = b'{"a":1}', once: bool = False) -> EventRow:
    return EventRow(id, kind, 1, 5, once, 7, "boot", None, "none", body)


def trip(n: int) -> dict[str, object]:
    return {"id": f"{n:032x}", "kind": "trip", "driver": "unknown", "metrics": '{"a":1}', "estimated": "[]"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keyoff.db"


@pytest.fixture
def witness(path: Path) -> Witness:
    return Witness(Path(f"{path}.mark"))


def old(path: Path) -> None:
    """A unit's database: an acknowledged event, one handed out, one nobody asked for, a trip with a trace, a state."""
    store = Store(path, "unit-1")
    store.commit(Batch(states={"a": (2, b"0")}, events=[row("sent"), row("handed", once=True), row("waits")], trips=[trip(1)]))
    store.commit(Batch(states={"a": (2, b"1")}, points=[(trip(1)["id"], 10**9, 5.0, None)], ended=[trip(1)["id"]]))  # type: ignore[list-item]
    store.waiting(2, ())
    store.acknowledged("sent")
    store.flush()
    store.close()


def salvaged(path: Path, witness: Witness) -> Iterator[Store]:
    salvage.salvage(path, salvage.set_aside(path, "damaged"), witness)
    store = Store(path, "unit-1")
    yield store
    store.close()


def epoch_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as conn:
        return str(conn.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0])


# -- what is carried ---------------------------------------------------------------------------------


def test_everything_is_carried_and_each_number_is_accounted_for(path: Path, witness: Witness) -> None:
    old(path)
    epoch = epoch_of(path)
    for store in salvaged(path, witness):
        assert store.epoch != epoch
        assert store.states() == {"a": (2, b"1")}
        assert [r["id"] for r in store.trips()] == [trip(1)["id"]]
        assert store.trace(str(trip(1)["id"])).speed_kmh == [5.0]
        seqs = {r["id"]: (r["seq"], r["acked"]) for r in store.conn.execute("SELECT * FROM events")}
        assert seqs == {"sent": (-1, 1), "handed": (0, 0), "waits": (1, 0)}
        payloads = {o.id: json.loads(o.payload) for o in store.waiting(9, ())}
        assert (payloads["handed"]["epoch"], payloads["handed"]["seq"]) == (epoch, 2), "to the last bit as it was"
        assert (payloads["waits"]["epoch"], payloads["waits"]["seq"]) == (store.epoch, 1)
        assert store.restored == [Restored(epoch, [(3, 3)], {"database set aside, damaged": 1})]
        assert store.commit(Batch(events=[row("handed", once=True), row("next")])) == 1
        assert store.conn.execute("SELECT seq FROM events WHERE id = 'next'").fetchone()[0] == 2
        assert [json.loads(e)["seq"] for e in store.envelopes()] == [1, 2], "those of this epoch"


def test_a_command_that_was_taken_stays_known(path: Path, witness: Witness) -> None:
    """Else it would work twice."""
    store = Store(path, "unit-1")
    store.commit(Batch(commands=[CommandRow("c1", "OdometerRead", "done", 2 * 10**18, 10**18)]))
    store.close()
    for store in salvaged(path, witness):
        assert store.has_taken("c1") and not store.has_taken("c2")


@pytest.mark.parametrize("is_acked", [False, True])
def test_that_a_command_was_taken_is_known_by_its_answer_too(path: Path, witness: Witness, is_acked: bool) -> None:
    store = Store(path, "unit-1")
    answer = row("a1", "CommandTaken", b'{"command":"c1","kind":"OdometerRead","outcome":"done"}')
    odd = row("a2", "CommandTaken", b"[]")
    store.commit(Batch(events=[answer._replace(utc_ns=10**18), odd]))
    if is_acked:
        store.waiting(2, ())
        store.acknowledged("a1")
        store.flush()
    store.close()
    for store in salvaged(path, witness):
        assert store.has_taken("c1")


def test_a_second_salvage_tells_the_first_as_well(path: Path, witness: Witness) -> None:
    old(path)
    epochs = [epoch_of(path)]
    for store in salvaged(path, witness):
        epochs.append(store.epoch)
    for store in salvaged(path, witness):
        assert [each.epoch for each in store.restored] == epochs
        assert [each.ranges for each in store.restored] == [[(3, 3)], [(1, 1)]]
        assert {o.id for o in store.waiting(9, ())} == {"handed", "waits"}


def test_numbers_given_that_the_database_does_not_know_are_told(path: Path, witness: Witness) -> None:
    old(path)
    witness.note(Mark(epoch_of(path), 9))
    for store in salvaged(path, witness):
        assert store.restored[0].ranges == [(3, 9)]


def test_with_nothing_readable_the_witness_tells_what_is_lost(path: Path, witness: Witness) -> None:
    path.write_bytes(Random(0).randbytes(20 * PAGE_BYTES))
    witness.note(Mark("0123456789abcdef", 9))
    for store in salvaged(path, witness):
        assert store.restored[0].epoch == "0123456789abcdef"
        assert store.restored[0].ranges == [(1, 9)]
        assert store.restored[0].counts["nothing of it can be read"] == 1


def test_without_a_witness_either_only_the_damage_is_told(path: Path, witness: Witness) -> None:
    path.write_bytes(b"no database" * 1000)
    for store in salvaged(path, witness):
        assert (store.restored[0].epoch, store.restored[0].ranges) == (None, [])


def test_a_row_that_is_not_what_was_written_is_left_out_and_its_number_voided(path: Path, witness: Witness) -> None:
    old(path)
    epoch = epoch_of(path)
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("UPDATE events SET body = x'ff00' WHERE id = 'waits'")
        conn.execute("UPDATE trips SET metrics = CAST(x'ff' AS TEXT)")
        conn.execute("UPDATE states SET version = 'two'")
        conn.commit()
    for store in salvaged(path, witness):
        assert {r["id"] for r in store.conn.execute("SELECT id FROM events")} == {"sent", "handed"}
        assert store.trips() == []
        assert store.states() == {}
        (restored,) = store.restored
        assert restored.epoch == epoch
        assert restored.ranges == [(1, 1), (3, 3)], "all that may be lost, but what still arrives by its old number"
        assert restored.counts["damaged rows left out"] == 3


def test_a_newer_database_gives_what_is_understood(path: Path, witness: Witness) -> None:
    old(path)
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("ALTER TABLE trips ADD COLUMN mood TEXT DEFAULT 'fine'")
        conn.execute("CREATE TABLE horoscope (sign TEXT)")
        conn.execute("PRAGMA user_version = 99")
        conn.commit()
    before = path.read_bytes()
    with closing(open_for_daemon(path, "unit-1", LIMIT_MB)) as store:
        assert len(store.trips()) == 1
        assert store.states() == {"a": (2, b"1")}
        assert store.restored[0].counts == {"database set aside, newer": 1}
    aside = Path(f"{path}.newer-1")
    assert aside.read_bytes() == before, "not a bit of it is changed"


@pytest.mark.parametrize("limit", ["HISTORY_NS", "HISTORY_BYTES"])
def test_history_is_left_out_when_the_time_is_over(
    path: Path, witness: Witness, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    old(path)
    monkeypatch.setattr(salvage, limit, -1)
    for store in salvaged(path, witness):
        assert {r["id"] for r in store.conn.execute("SELECT id FROM events")} == {"handed", "waits"}
        assert len(store.trips()) == 1
        assert store.trace(str(trip(1)["id"])).t_ns == []
        assert store.restored[0].counts["older history left out"] == 1


def test_of_the_history_the_newest_is_carried(path: Path, witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(path, "unit-1")
    store.commit(Batch(events=[row(f"e{n}") for n in range(50)]))
    for n in range(50):
        store.acknowledged(f"e{n}")
    store.flush()
    store.close()
    monkeypatch.setattr(salvage, "HISTORY_BYTES", 300)
    for new in salvaged(path, witness):
        kept = [r["id"] for r in new.conn.execute("SELECT id FROM events ORDER BY seq")]
        assert 3 <= len(kept) < 50
        assert kept == [f"e{n}" for n in range(50 - len(kept), 50)]


# -- each step can be cut ----------------------------------------------------------------------------


def aside_with_log(path: Path) -> None:
    """A database whose last commits are in its log only."""
    store = Store(path.parent / "live" / path.name, "unit-1")
    store.commit(Batch(states={"a": (1, b"1")}, events=[row("x")]))
    for end in ("", "-wal"):
        shutil.copyfile(f"{store.path}{end}", f"{path}{end}")
    store.close()


@pytest.mark.parametrize("cut_at", ["before", "between the files", "set aside", "half built", "built"])
def test_a_start_goes_on_from_where_it_was_cut(path: Path, witness: Witness, cut_at: str) -> None:
    aside_with_log(path)
    aside = Path(f"{path}.damaged-1")
    if cut_at == "before":
        salvage.set_aside(path, "damaged")
    elif cut_at == "between the files":
        Path(f"{path}-wal").rename(f"{aside}-wal")
    else:
        salvage.set_aside(path, "damaged")
        if cut_at == "half built":
            Path(f"{path}.building").write_bytes(b"SQLite format 3\0 and no more")
        elif cut_at == "built":
            salvage.salvage(path, aside, witness)
    with closing(open_for_daemon(path, "unit-1", LIMIT_MB)) as store:
        assert store.states() == {"a": (1, b"1")}
        assert store.unsent() == 1
        assert len(store.restored) == 1
    assert not Path(f"{path}.building").exists()
    assert [p.name for p in salvage.all_aside(path)] == [aside.name]


def test_the_log_goes_first_so_that_no_other_database_takes_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aside_with_log(path)
    renamed: list[str] = []
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        renamed.append(self.name)
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    salvage.set_aside(path, "damaged")
    assert renamed == ["keyoff.db-wal", "keyoff.db"]


def test_numbers_go_on_and_only_the_newest_two_of_each_sort_are_kept(path: Path, witness: Witness) -> None:
    whys: tuple[salvage.Why, ...] = ("damaged", "newer", "damaged", "damaged")
    for why in whys:
        Store(path, "u").close()
        salvage.salvage(path, salvage.set_aside(path, why), witness)
    assert [p.name.removeprefix("keyoff.db.") for p in salvage.all_aside(path)] == ["newer-2", "damaged-3", "damaged-4"]


def refuse(conn: sqlite3.Connection) -> int:
    raise sqlite3.OperationalError("database or disk is full")


def test_where_nothing_can_be_built_it_stays_set_aside(path: Path, witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    old(path)
    monkeypatch.setattr(salvage, "migrate", refuse)
    with pytest.raises(sqlite3.OperationalError):
        salvage.salvage(path, salvage.set_aside(path, "damaged"), witness)
    assert salvage.unfinished(path) == Path(f"{path}.damaged-1")


# -- around damage -----------------------------------------------------------------------------------


def many_pages(path: Path) -> sqlite3.Connection:
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA synchronous = OFF")
    conn.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, v TEXT)")
    conn.execute("CREATE TABLE k (id TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID")
    conn.executemany("INSERT INTO t VALUES (?, ?)", ((n, "x" * 200) for n in range(-50, 950)))
    conn.executemany("INSERT INTO k VALUES (?, ?)", ((f"{n * 7919 % 1000:03x}", "x" * 200) for n in range(1000)))
    return conn


def leaves(conn: sqlite3.Connection, table: str) -> list[int]:
    return [r[0] for r in conn.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path", (table,))]


@pytest.mark.parametrize("which", [(0,), (-1,), (20,), (5, 30), (0, -1), (0, 10, 11, -1)])
@pytest.mark.parametrize(("table", "columns"), [("t", ("n", "v")), ("k", ("id", "v"))])
def test_rows_are_read_around_damaged_leaves(
    tmp_path: Path, table: str, columns: tuple[str, ...], which: tuple[int, ...]
) -> None:
    path = tmp_path / "many.db"
    with closing(many_pages(path)) as conn:
        pages = leaves(conn, table)
    with path.open("r+b") as file:
        for each in which:
            file.seek((pages[each] - 1) * PAGE_BYTES)
            file.write(Random(each).randbytes(PAGE_BYTES))
    with closing(sqlite3.connect(path)) as conn:
        conn.text_factory = bytes
        rows = Rows(conn)
        found = [r[0] for r in rows.rows(table, columns)]
        assert rows.gaps > 0
    lost = 1000 - len(found)
    per_leaf = 1000 / len(pages)
    assert len(found) == len(set(found))
    if table == "t" or len(which) < 3:
        assert lost <= (len(which) + 0.5) * (per_leaf + 3), "no more than lay on the damaged pages"


def test_newest_first_is_newest_first(tmp_path: Path) -> None:
    with closing(many_pages(tmp_path / "many.db")) as conn:
        assert [r[0] for r in Rows(conn).rows("t", ("n",), newest_first=True)] == list(range(949, -51, -1))


def test_a_table_without_its_first_page_costs_no_minutes(tmp_path: Path) -> None:
    path = tmp_path / "many.db"
    with closing(many_pages(path)) as conn:
        page = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 't'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE_BYTES)
        file.write(Random(1).randbytes(PAGE_BYTES))
    with closing(sqlite3.connect(path)) as conn:
        asked: list[str] = []
        conn.set_trace_callback(asked.append)
        assert list(Rows(conn).rows("t", ("n",))) == []
        assert len(asked) < 2 * (reading.PATIENCE + reading.HIGHEST / reading.STRIDE)


def test_a_damaged_routine_row_is_no_state(path: Path) -> None:
    assert states.unpacked(b"garbage") == states.Routine()
    assert states.unpacked(None) == states.Routine()


def test_the_note_stays_until_it_is_told(path: Path, witness: Witness) -> None:
    old(path)
    for store in salvaged(path, witness):
        note = store.conn.execute("SELECT value FROM meta WHERE key = 'restored'").fetchone()[0]
        assert msgspec.json.decode(note, type=list[Restored]) == store.restored
    with closing(Store(path, "unit-1")) as store:
        assert len(store.restored) == 1
        store.commit(Batch(events=[row("told")], told=store.restored))
        assert store.restored == []
    with closing(UnitStore(path, "unit-1", LIMIT_MB)) as again:
        assert again.restored == []
