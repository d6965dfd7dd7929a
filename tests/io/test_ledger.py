"""The calendar's work on a real store."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.io.ledger import Ledger
from agent.io.store import Batch, EventRow, Store
from agent.model import NS


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "keyoff.db", "unit-1")


def row(id: str, kind: str, utc_ns: int | None) -> EventRow:
    return EventRow(id, kind, 1, 5, False, 7, "boot", utc_ns, "synchronised", b"{}")


def test_what_is_done_stays_done_over_restarts(store: Store) -> None:
    Ledger(store).mark_done("retention", "2026-10-26")
    Ledger(store).mark_done("retention", "2026-10-26")
    store.close()
    ledger = Ledger(Store(store.path, "unit-1"))
    assert ledger.is_done("retention", "2026-10-26")
    assert not ledger.is_done("retention", "2026-10-27")
    assert not ledger.is_done("compaction", "2026-10-26")


def test_only_acknowledged_old_and_fleeting_events_go(store: Store) -> None:
    old, new = 1_700_000_000 * NS, 1_790_000_000 * NS
    kept = [
        row("unsent", "TripStarted", old),
        row("new", "TripStarted", new),
        row("trip", "TripEnded", old),
        row("undated", "TripStarted", None),
    ]
    store.commit(Batch(events=[row("gone", "TripStarted", old), row("health", "HealthReported", old), *kept]))
    for each in ("gone", "health", "new", "trip", "undated"):
        store.acknowledged(each)
    store.flush()
    assert Ledger(store).retain(1_780_000_000 * NS) == 2
    assert {r["id"] for r in store.conn.execute("SELECT id FROM events")} == {"unsent", "new", "trip", "undated"}
    store.commit(Batch(events=[row("next", "TripEnded", new)]))
    assert store.conn.execute("SELECT seq FROM events WHERE id = 'next'").fetchone()["seq"] == 7, "numbers go on"


def test_compaction_gives_space_back(store: Store) -> None:
    store.commit(Batch(events=[row(f"e{n}", "TripStarted", 1) for n in range(3000)]))
    store.conn.execute("UPDATE events SET acked = 1")
    Ledger(store).compact()
    before = store.path.stat().st_size
    Ledger(store).retain(2)
    Ledger(store).compact()
    assert store.path.stat().st_size < before / 2
    assert store.path.with_name(store.path.name + "-wal").stat().st_size == 0
