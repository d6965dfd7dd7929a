"""The store against real SQLite files: atomic, exactly once, one writer, and clear words when it cannot."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from agent.io.schema import names
from agent.io.store import Batch, EventRow, Store, StoreError, connect


def row(id: str, importance: int = 5, once: bool = False, body: bytes = b'{"a":1}') -> EventRow:
    return EventRow(id, "TripEnded", 1, importance, once, 7, "boot", 1_600_000_000_000_000_000, "synchronised", body)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "keyoff.db", "unit-1")


def test_is_wal_and_full(store: Store) -> None:
    assert store.conn.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert store.conn.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert store.conn.execute("PRAGMA user_version").fetchone()[0] == len(names())


def test_states_and_events_come_back_from_another_process(store: Store) -> None:
    store.commit(Batch(states={"trip": (3, b'{"phase":"driving"}')}, events=[row("e1")]))
    store.close()
    again = Store(store.path, "unit-1")
    assert again.states() == {"trip": (3, b'{"phase":"driving"}')}
    assert [o.id for o in again.waiting(10, ())] == ["e1"]
    assert again.epoch == store.epoch


def test_a_repeated_id_is_not_inserted_and_makes_no_hole_in_the_sequence(store: Store) -> None:
    assert store.commit(Batch(events=[row("a"), row("b")])) == 2
    assert store.commit(Batch(events=[row("a"), row("b"), row("c")])) == 1
    assert [o.seq for o in store.waiting(10, ())] == [1, 2, 3]


def test_what_is_once_for_ever_stays_known_when_its_event_is_gone(store: Store) -> None:
    store.commit(Batch(events=[row("milestone", once=True)]))
    store.conn.execute("DELETE FROM events")
    assert store.commit(Batch(events=[row("milestone", once=True)])) == 0
    assert store.commit(Batch(events=[row("other")])) == 1
    assert store.waiting(10, ())[0].seq == 2, "a number is never used twice"


def test_a_failing_batch_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(StoreError):
        store.commit(Batch(states={"x": (1, b"1")}, events=[row("a")], trips=[{"id": "t", "no_such_column": 1}]))
    assert store.states() == {}
    assert store.unsent() == 0
    assert store.commit(Batch(states={"x": (1, b"1")}, events=[row("a")])) == 1, "and it goes on"


def test_by_importance_then_age_and_without_what_is_in_flight(store: Store) -> None:
    store.commit(Batch(events=[row("late", 5), row("first", 1), row("second", 1), row("early", 5)]))
    assert [o.id for o in store.waiting(3, ())] == ["first", "second", "late"]
    assert [o.id for o in store.waiting(2, {"first", "late"})] == ["second", "early"]


def test_the_envelope_is_frozen_at_its_first_hand_out(store: Store) -> None:
    store.commit(Batch(events=[row("a", body=b'{"km":1.5}')]))
    first = store.waiting(1, ())[0].payload
    store.conn.execute("UPDATE events SET body = ?", (b'{"km":9}',))
    assert store.waiting(1, ())[0].payload == first
    envelope = json.loads(first)
    assert envelope["id"] == "a"
    assert envelope["data"] == {"km": 1.5}


def test_acknowledged_leaves_the_outbox_once_written(store: Store) -> None:
    prompt = {"id": "p", "topic": "oil", "text": "…", "raised_ns": 1, "event_id": "a"}
    store.commit(Batch(events=[row("a"), row("b")], prompts=[prompt]))
    store.acknowledged("a")
    assert [o.id for o in store.waiting(10, ())] == ["b"], "at once, in memory"
    store.flush(1_700_000_000_000_000_000)
    assert store.unsent() == 1
    published = store.conn.execute("SELECT published, published_utc_ns FROM prompts").fetchone()
    assert tuple(published) == (1, 1_700_000_000_000_000_000)


def test_a_second_writer_is_refused_with_the_way_out(store: Store) -> None:
    with pytest.raises(StoreError, match="another keyoff is writing") as refused:
        Store(store.path, "unit-1")
    assert refused.value.locked


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "keyoff.db"
    code = f"import os\nfrom pathlib import Path\nfrom agent.io.store import Store\nStore(Path({str(path)!r}), 'u')\nos._exit(9)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode == 9
    Store(path, "u").close()


def test_a_reader_sees_it_while_the_writer_works(store: Store) -> None:
    store.commit(Batch(events=[row("a")]))
    with Path(store.path).open("rb"):
        reader = connect(store.path, read_only=True)
        assert reader.execute("SELECT count(*) FROM events").fetchone()[0] == 1
        with pytest.raises(sqlite3.OperationalError):
            reader.execute("DELETE FROM events")
        reader.close()


def test_the_trace_is_packed_merged_and_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.io.trace.MAX_POINTS_PER_TRIP", 15)
    for start in (0, 10, 20):
        store.commit(Batch(points=[("t", s * 10**9, 50.0 + s, None if s % 2 else 2000.4) for s in range(start, start + 10)]))
    store.commit(Batch(ended=["t"]))
    trace = store.trace("t")
    assert trace.t_ns == [s * 10**9 for s in range(15)]
    assert trace.speed_kmh[:2] == [50.0, 51.0]
    assert trace.engine_rpm[:2] == [2000, None]
    assert store.conn.execute("SELECT count(*) FROM trace").fetchone()[0] == 1


def test_old_traces_go_and_trips_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.io.trace.MAX_TRIPS", 2)
    for n in range(4):
        trip = {"id": f"t{n}", "kind": "trip", "driver": "unknown", "metrics": "{}", "estimated": "[]"}
        store.commit(Batch(trips=[trip], points=[(f"t{n}", 1, 1.0, None)], ended=[f"t{n}"]))
    assert len(store.trips()) == 4
    assert {r[0] for r in store.conn.execute("SELECT trip_id FROM trace")} == {"t2", "t3"}


def test_a_full_disk_is_told_and_nothing_stored_is_lost(store: Store) -> None:
    store.commit(Batch(events=[row("kept")]))
    pages = store.conn.execute("PRAGMA page_count").fetchone()[0]
    store.conn.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match=r"disk is full.*free some space"):
        store.commit(Batch(events=[row("big", body=json.dumps({"a": "x" * 200_000}).encode())]))
    store.conn.execute("PRAGMA max_page_count = 1000000")
    assert store.commit(Batch(events=[row("next")])) == 1
    assert [o.id for o in store.waiting(10, ())] == ["kept", "next"]


def test_a_locked_database_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.conn.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another program holds the database") as refused:
        store.commit(Batch(events=[row("a")]))
    assert refused.value.locked
    other.execute("ROLLBACK")
    assert store.commit(Batch(events=[row("a")])) == 1


def test_a_damaged_or_newer_file_is_refused_untouched(tmp_path: Path, store: Store) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"not a database at all" * 300)
    with pytest.raises(StoreError, match="damaged"):
        Store(damaged, "u")
    assert damaged.read_bytes().startswith(b"not a database")
    store.conn.execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(StoreError, match="newer keyoff"):
        Store(store.path, "u")


def test_an_unwritable_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot write there"):
        Store(tmp_path / "file" / "keyoff.db", "u")


def test_an_open_costs_no_migration_when_up_to_date(store: Store) -> None:
    store.close()
    code = (
        f"import sys\nfrom pathlib import Path\nfrom agent.io.store import Store\nStore(Path({str(store.path)!r}), 'u')\n"
        "print('sqlite_utils' in sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2], env=os.environ
    )
    assert out.stdout.strip() == "False"
