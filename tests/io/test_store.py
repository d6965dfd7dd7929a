"""The store against real SQLite files: atomic, exactly once, one writer, and clear words when it cannot."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from agent.io.database import connect_to_look
from agent.io.schema import names
from agent.io.store import ANCHOR_S, Batch, EventRow, Store, StoreError


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


def test_what_is_acknowledged_gives_up_its_frozen_bytes(store: Store) -> None:
    store.commit(Batch(events=[row("a"), row("b")]))
    handed_out = store.waiting(10, ())
    store.acknowledged("a")
    store.flush()
    kept = [r["envelope"] for r in store.conn.execute("SELECT envelope FROM events ORDER BY seq")]
    assert kept == [None, handed_out[1].payload]
    assert list(store.envelopes()) == [o.payload for o in handed_out], "the same can be made again"


def log_pages(store: Store) -> int:
    """How many pages have been written to the log since it was last empty."""
    return max(0, Path(f"{store.path}-wal").stat().st_size - 32) // 4120


def test_a_routine_commit_writes_one_page(store: Store) -> None:
    """However many states there are, and however long: those that change with events only lie elsewhere."""
    quiet = {f"quiet {n}": (1, b'{"was":"%s"}' % os.urandom(400).hex().encode()) for n in range(9)}
    store.commit(Batch(states=quiet | {"trip": (1, b"{}"), "engine": (1, b"{}")}))
    anchor = ("boot", 0, 0, "synchronised")
    pages = []
    for n in range(200):
        trip = b'{"bands":{%s}}' % b",".join(b'"%d-%d":%d.%d' % (k, k + 20, n * k, k) for k in range(150))
        points = [("t", (8 * n + s) * 10**9, 50 + s / 7, 1500.0 + s) for s in range(8)]
        states = quiet | {"trip": (1, trip), "engine": (1, b'{"t_ns":%d}' % n)}
        store.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.commit(Batch(states=states, points=points, anchor=(*anchor[:1], 8 * n * 10**9, 8 * n * 10**9, anchor[3])))
        pages.append(log_pages(store))
    settled = pages[20:]
    assert sum(1 for n in settled if n == 1) > 0.85 * len(settled), "now and then a piece of the trace is put to the others"
    assert store.states()["trip"] == (1, trip)
    assert len(store.trace("t").t_ns) == 1600


def test_a_state_goes_on_wherever_it_lies(store: Store) -> None:
    store.commit(Batch(states={"a": (1, b"0"), "b": (1, b"0")}))
    for n in range(1, 4):
        store.commit(Batch(states={"a": (1, b"%d" % n), "b": (1, b"0")}))
    store.commit(Batch(states={"a": (2, b"9"), "b": (1, b"1")}, events=[row("x")]))
    assert store.states() == {"a": (2, b"9"), "b": (1, b"1")}
    store.close()
    again = Store(store.path, "unit-1")
    assert again.states() == {"a": (2, b"9"), "b": (1, b"1")}
    again.commit(Batch(states={"a": (1, b"7")}))
    assert again.states()["a"] == (1, b"7"), "another version, too, is a change"


def anchors(store: Store) -> list[tuple[object, ...]]:
    return [tuple(r) for r in store.conn.execute("SELECT boot_id, t_ns, utc_ns, quality FROM anchors ORDER BY rowid")]


def test_the_wall_clock_is_written_when_it_says_something_new(store: Store) -> None:
    s, utc = 10**9, 1_700_000_000 * 10**9
    for t_s, offset_ns, quality in (
        (1, 0, "unsure"),
        (60, 1000, "unsure"),
        (120, 0, "synchronised"),
        (130, 3 * s, "synchronised"),
    ):
        store.commit(Batch(anchor=("b1", t_s * s, utc + t_s * s + offset_ns, quality)))
        assert (anchors(store)[0][1] == t_s * s) == (t_s != 60), t_s
    store.commit(Batch(anchor=("b1", 129 * s + ANCHOR_S * s, utc + (129 + ANCHOR_S) * s + 3 * s, "synchronised")))
    assert anchors(store)[0][1] == 130 * s
    store.commit(Batch(anchor=("b1", 130 * s + ANCHOR_S * s, utc + (130 + ANCHOR_S) * s + 3 * s, "synchronised")))
    assert anchors(store)[0][1] == 130 * s + ANCHOR_S * s
    store.commit(Batch(anchor=("b2", s, utc, "unsure")))
    assert len(anchors(store)) == 2


def test_a_trace_over_two_boots_is_in_the_order_in_which_it_was_driven(store: Store) -> None:
    for start in (1_000, 1_200, 5, 300):  # the unit was switched off in between
        store.commit(Batch(points=[("t", (start + s) * 10**9, s * 7919 % 1000 / 7, None) for s in range(160)]))
    store.commit(Batch(ended=["t"]))
    t_s = [t // 10**9 for t in store.trace("t").t_ns]
    assert t_s == [start + s for start in (1_000, 1_200, 5, 300) for s in range(160)]


def test_a_damaged_piece_of_a_trace_is_left_out(store: Store) -> None:
    store.commit(Batch(points=[("t", s * 10**9, 1.0, None) for s in range(900)]))
    store.commit(Batch(points=[("t", s * 10**9, 1.0, None) for s in range(900, 910)]))
    store.conn.execute("UPDATE trace SET body = x'00'")
    assert len(store.trace("t").t_ns) == 10
    store.commit(Batch(ended=["t"]))
    assert len(store.trace("t").t_ns) == 10


def test_what_cannot_be_read_is_a_store_error(store: Store) -> None:
    store.commit(Batch(events=[row("a")]))
    store.conn.execute("UPDATE events SET body = x'ff'")
    with pytest.raises(StoreError) as refused:
        store.waiting(1, ())
    assert refused.value.reason == "damaged"
    store.conn.execute("DROP TABLE events")
    for ask in (store.unsent, lambda: store.waiting(1, ()), lambda: list(store.envelopes()), lambda: store.count("x")):
        with pytest.raises(StoreError):
            ask()


def test_what_root_makes_is_the_folders_owners(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to be another user")
    folder = tmp_path / "state"
    folder.mkdir()
    os.chown(folder, 54_321, 54_322)
    made = Store(folder / "keyoff.db", "u")
    made.commit(Batch(states={"a": (1, b"1")}))
    assert {(p.stat().st_uid, p.stat().st_gid) for p in folder.iterdir()} == {(54_321, 54_322)}
    assert {p.name for p in folder.iterdir()} == {f"keyoff.db{end}" for end in ("", "-wal", "-shm", ".lock")}
    made.close()


def test_a_database_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "keyoff.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.executescript((Path(__file__).parent / "schemas" / "0001.sql").read_text())
    store = Store(path, "unit-1")
    assert store.conn.execute("PRAGMA user_version").fetchone()[0] == len(names())
    assert store.epoch == "0123456789abcdef"
    assert store.states() == {"engine": (1, b'{"boot_id":"boot-0","t_ns":5}'), "trip": (1, b'{"phase":"parked"}')}
    assert [(o.seq, o.kind) for o in store.waiting(9, ())] == [(3, "TripStarted"), (2, "HealthReported")]
    assert store.waiting(9, ())[1].payload == b'{"frozen":"bytes"}'
    assert [r["driver"] for r in store.trips()] == ["ana"]
    assert store.trace("t1").speed_kmh == [1.5, 2.5]
    assert store.commit(Batch(events=[row("d" * 32, once=True), row("new")])) == 1
    assert store.conn.execute("SELECT seq FROM events WHERE id = 'new'").fetchone()[0] == 4
    store.close()


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
        reader = connect_to_look(store.path)
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


def test_a_trace_that_changes_alone_is_kept(store: Store) -> None:
    states = {"grid": (1, b"{}")}
    store.commit(Batch(states=states, points=[("t", 0, 50.0, None)]))
    store.commit(Batch(states=states, points=[("t", 10**9, 51.0, None)]))
    store.close()
    with closing(Store(store.path, "unit-1")) as again:
        assert again.trace("t").speed_kmh == [50.0, 51.0]


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
