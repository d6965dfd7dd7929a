"""The unit's store keeps to its size."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from agent.io.retention import Shed, sizes
from agent.io.store import Batch, Store, StoreError
from agent.io.unit_store import UnitStore, open_for_daemon
from tests.io.unit_stores import SMALLEST_MB, Now, row


def total(path: Path) -> int:
    return sum(size for file, size in sizes(path).items() if ".newer-" not in file.name)


def settle(store: UnitStore, now: Now) -> list[Shed]:
    """As the daemon does it, until nothing is due any more."""
    shed = []
    for _ in range(1000):
        now.s += 11
        before = store.conn.total_changes, store.conn.execute("PRAGMA page_count").fetchone()[0]
        due = store.tend()
        if due is not None:
            store.commit(Batch(shed=due))
            shed.append(due)
        elif before == (store.conn.total_changes, store.conn.execute("PRAGMA page_count").fetchone()[0]):
            return shed
    raise AssertionError("it does not come to an end")


def test_the_files_keep_to_their_size_and_what_goes_goes_in_order(path: Path, now: Now) -> None:
    trips = [{"id": f"t{n}", "kind": "trip", "driver": "x", "metrics": "{}", "estimated": "[]"} for n in range(30)]
    with closing(open_for_daemon(path, "unit-1", SMALLEST_MB)) as store:
        for trip in trips:
            store.commit(Batch(trips=[trip]))
            store.conn.execute("INSERT INTO trace VALUES (?, 1, 1, ?)", (trip["id"], os.urandom(100_000)))
        store.commit(Batch(events=[row(f"s{n}", size=20_000) for n in range(200)]))
        for n in range(200):
            store.acknowledged(f"s{n}")
        store.flush()
        store.commit(Batch(events=[row(f"u{n}", importance=1 + n % 9, size=20_000) for n in range(700)]))
        assert total(path) > SMALLEST_MB * 1_000_000
        shed = settle(store, now)
        store.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert total(path) <= SMALLEST_MB * 1_000_000
        assert total(path) > SMALLEST_MB * 1_000_000 * 0.6, "and no more than needed goes"
        assert len(store.trips()) == 30
        assert store.conn.execute("SELECT count(*) FROM trace").fetchone()[0] == 0
        assert {r[0] for r in store.conn.execute("SELECT acked FROM events")} == {0}
        left = [r[0] for r in store.conn.execute("SELECT importance FROM events ORDER BY seq")]
        assert max(left) < 9, "the least important have gone"
        assert sum(n for each in shed for n in each.counts.values()) == 30 + 200 + 700 - len(left)
        voided = {n for each in shed for first, last in each.voided.get(store.epoch, []) for n in range(first, last + 1)}
        assert voided | {r[0] for r in store.conn.execute("SELECT seq FROM events")} == set(range(201, 901))
        assert max(sum(map(len, (each.traces, each.rows))) for each in shed) <= 60, "a slice at a time"


def test_within_its_size_nothing_goes(store: UnitStore, now: Now) -> None:
    store.commit(Batch(events=[row(str(n), size=1000) for n in range(1000)]))
    assert settle(store, now) == []
    assert store.unsent() == 1000


def test_a_damaged_copy_goes_before_anything_else_and_a_newer_one_does_not_count(path: Path, now: Now) -> None:
    Path(f"{path}.damaged-1").write_bytes(bytes(14_000_000))
    Path(f"{path}.damaged-1-wal").write_bytes(b"")
    Path(f"{path}.newer-2").write_bytes(bytes(20_000_000))
    Store(path, "unit-1").close()
    with closing(open_for_daemon(path, "unit-1", SMALLEST_MB)) as store:
        store.commit(Batch(events=[row(str(n), size=1000) for n in range(10)]))
        (shed,) = settle(store, now)
        assert shed.counts == {"damaged databases given up": 1}
        assert store.unsent() == 10
    assert not Path(f"{path}.damaged-1").exists()
    assert not Path(f"{path}.damaged-1-wal").exists()
    assert Path(f"{path}.newer-2").exists()


def test_without_a_reserve_it_does_not_grow_and_with_one_it_does(
    store: UnitStore, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.io.retention.SPARE_BYTES", 1 << 60)
    store.commit(Batch(events=[row(str(n), size=1000) for n in range(50)]))
    store._reserve.give_up()
    now.s += 20
    shed = store.tend()
    assert shed is not None, "some pages are freed beforehand"
    with pytest.raises(StoreError) as refused:
        store.commit(Batch(events=[row("large", size=200_000)]))
    assert refused.value.reason == "full"
    store.commit(Batch(shed=shed))
    assert store.commit(Batch(events=[row("small", size=1000)])) == 1
    monkeypatch.setattr("agent.io.retention.SPARE_BYTES", 0)
    now.s += 20
    store.tend()
    assert store.commit(Batch(events=[row("large", size=200_000)])) == 1
