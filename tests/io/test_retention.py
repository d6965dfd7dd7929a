"""The order of giving up, on real databases: what goes, what is told of it, what never goes."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.io import retention
from agent.io.retention import Reserve, Shed, has_good_places, merged, number_in, plan, sizes, without
from agent.io.store import Batch, EventRow, Store

BIG = 1 << 40
BODY = b'{"a":"' + b"x" * 300 + b'"}'


def row(id: str, kind: str = "TripEnded", importance: int = 5, body: bytes = BODY) -> EventRow:
    return EventRow(id, kind, 1, importance, False, 7, "boot", None, "none", body)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "keyoff.db", "unit-1")


def acknowledge(store: Store, *ids: str) -> None:
    for id in ids:
        store.acknowledged(id)
    store.flush()


def trace(store: Store, trip_id: str) -> None:
    trip = {"id": trip_id, "kind": "trip", "driver": "unknown", "metrics": "{}", "estimated": "[]"}
    store.commit(Batch(trips=[trip], points=[(trip_id, n, 1.0 * n, None) for n in range(500)], ended=[trip_id]))


def step(store: Store, wanted_bytes: int = 1) -> Shed:
    """The next slice, given up."""
    shed = plan(store.conn, store.epoch, wanted_bytes)
    assert shed is not None
    store.commit(Batch(shed=shed))
    return shed


def test_the_order_is_traces_health_acknowledged_unacknowledged_by_importance(store: Store) -> None:
    for trip_id in ("t1", "t2"):
        trace(store, trip_id)
    kinds = [("h1", "HealthReported", 6), ("u9", "Noted", 9), ("u2", "TripEnded", 2), ("a1", "TripEnded", 2)]
    kinds += [("u9b", "Noted", 9), ("a2", "TripEnded", 2), ("h2", "HealthReported", 6), ("h3", "HealthReported", 6)]
    store.commit(Batch(events=[row(*each) for each in kinds]))
    acknowledge(store, "a1", "a2", "h1")
    seqs = {r["id"]: r["seq"] for r in store.conn.execute("SELECT id, seq FROM events")}
    gone: list[str] = []
    while (shed := plan(store.conn, store.epoch, 1)) is not None:
        store.commit(Batch(shed=shed))
        gone += [*shed.traces, *(id for seq in shed.rows for id, n in seqs.items() if n == seq)]
    assert gone == ["t1", "t2", "h1", "h2", "a1", "a2", "u9", "u9b", "u2"]
    assert [r["id"] for r in store.conn.execute("SELECT id FROM events")] == ["h3"], "the newest report stays"
    assert len(store.trips()) == 2


def test_each_slice_is_counted_and_unacknowledged_numbers_are_voided(store: Store) -> None:
    trace(store, "t1")
    store.commit(Batch(events=[row("h1", "HealthReported", 6), row("h2", "HealthReported", 6), row("a"), row("b"), row("c")]))
    acknowledge(store, "a")
    first, health, acked, unacked = step(store), step(store), step(store), step(store, BIG)
    assert (first.counts, first.voided) == ({"traces given up": 1}, {})
    assert (health.counts, health.voided) == ({"health reports given up": 1}, {store.epoch: [(1, 1)]})
    assert (acked.counts, acked.voided) == ({"acknowledged events given up": 1}, {})
    assert (unacked.counts, unacked.voided) == ({"TripEnded given up unsent": 2}, {store.epoch: [(4, 5)]})


def test_no_more_goes_than_is_wanted(store: Store) -> None:
    store.commit(Batch(events=[row(str(n)) for n in range(20)]))
    acknowledge(store, *map(str, range(20)))
    assert len(step(store, 1_000).rows) == 3


def test_what_earlier_unsent_ones_told_goes_on_in_the_new_one(store: Store) -> None:
    earlier = msgspec.json.encode({"epoch": store.epoch, "ranges": [[1, 3], [7, 7]], "why": "shed"})
    older = msgspec.json.encode({"epoch": "older", "ranges": [[2, 2]], "why": "shed"})
    other = msgspec.json.encode({"epoch": "older", "ranges": [[5, 5]], "why": "restored"})
    bodies = {"v1": earlier, "v2": older, "v3": other, "v4": b"no JSON"}
    store.commit(Batch(events=[row(id, "SequenceVoided", 3, body) for id, body in bodies.items()] + [row("u")]))
    shed = step(store)
    assert shed.voided == {store.epoch: [(1, 3), (5, 5), (7, 7)], "older": [(2, 2)]}
    assert {r["id"] for r in store.conn.execute("SELECT id FROM events")} == {"v3", "v4"}


def test_the_last_unsent_event_may_go_but_what_was_voided_stays_told(store: Store) -> None:
    body = msgspec.json.encode({"epoch": store.epoch, "ranges": [[1, 3]], "why": "shed"})
    store.commit(Batch(events=[row("v", "SequenceVoided", 3, body)]))
    assert plan(store.conn, store.epoch, BIG) is None


def test_a_row_from_an_earlier_database_is_voided_by_its_own_number(store: Store) -> None:
    store.commit(Batch(events=[row("old"), row("new")]))
    frozen = json.dumps({"epoch": "earlier", "seq": 41}).encode()
    store.conn.execute("UPDATE events SET seq = -3, envelope = ? WHERE id = 'old'", (frozen,))
    assert step(store, BIG).voided == {"earlier": [(41, 41)], store.epoch: [(2, 2)]}


def test_it_looks_at_no_more_rows_than_it_needs(store: Store) -> None:
    """With an index for each question; without one, each slice of a large database would cost seconds."""
    questions = [retention.HEALTH, retention.ACKED, retention.UNACKED.format(5)]
    for question in questions:
        details = [r["detail"] for r in store.conn.execute(f"EXPLAIN QUERY PLAN SELECT kind FROM events {question} LIMIT 1")]
        assert not any("TEMP B-TREE" in detail for detail in details), question
    (voids,) = store.conn.execute(
        "EXPLAIN QUERY PLAN SELECT seq FROM events WHERE acked = 0 AND kind = 'SequenceVoided' AND seq > 0"
    )
    assert "voids" in voids["detail"]


RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)).map(lambda p: (p[0], p[0] + p[1])))


def numbers(ranges: list[tuple[int, int]]) -> set[int]:
    return {n for first, last in ranges for n in range(first, last + 1)}


@given(RANGES)
def test_merged_says_the_same_with_gaps_between(ranges: list[tuple[int, int]]) -> None:
    whole = merged(ranges)
    assert numbers(whole) == numbers(ranges)
    assert all(a[1] + 1 < b[0] for a, b in pairwise(whole))


@given(RANGES, st.sets(st.integers(0, 70)))
def test_without_takes_out_just_these(ranges: list[tuple[int, int]], out: set[int]) -> None:
    assert numbers(without(merged(ranges), out)) == numbers(ranges) - out


@pytest.mark.parametrize("envelope", [None, b"", b"{}", b"[]", b'{"epoch":"a"}', b'{"epoch":"a","seq":"x"}', b"\xff"])
def test_what_bears_no_number_has_none(envelope: bytes | None) -> None:
    assert number_in(envelope) == (None, 0)


def test_the_reserve_holds_space_and_is_made_anew(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "keyoff.db.reserve")
    assert not reserve.give_up()
    reserve.keep()
    assert reserve.path.stat().st_blocks * 512 >= retention.RESERVE_BYTES
    assert reserve.give_up()
    assert not reserve.is_there
    Reserve(tmp_path / "no such folder" / "reserve").keep()


def test_no_reserve_is_made_where_there_is_little_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SPARE_BYTES", 1 << 60)
    reserve = Reserve(tmp_path / "reserve")
    reserve.keep()
    assert not reserve.is_there


def test_sizes_are_those_of_the_stores_files(tmp_path: Path) -> None:
    for name, size in (("keyoff.db", 5), ("keyoff.db-wal", 7), ("keyoff.db.damaged-1", 9), ("another", 11)):
        (tmp_path / name).write_bytes(bytes(size))
    assert sum(sizes(tmp_path / "keyoff.db").values()) == 21


def test_a_folder_that_takes_a_file_has_good_places(tmp_path: Path) -> None:
    assert has_good_places(tmp_path / "keyoff.db")
    assert list(tmp_path.iterdir()) == []
    assert not has_good_places(tmp_path / "none" / "keyoff.db")
