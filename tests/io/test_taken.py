"""The table of commands: in one transaction with what they caused, and only as long as it is of use."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.io.commands import STALE_S
from agent.io.store import Batch, EventRow, Store, StoreError
from agent.io.taken import CommandRow
from agent.model import NS

NOW_NS = 1_793_000_000 * NS


def row(id: str, expires_s: int = 60, taken_s: int = 0) -> CommandRow:
    """Seconds from now."""
    return CommandRow(id, "DriverSaved", "done", NOW_NS + expires_s * NS, NOW_NS + taken_s * NS)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "keyoff.db", "unit-1")


def test_a_command_is_known_once_it_is_written(store: Store) -> None:
    assert not store.has_taken("c1")
    store.commit(Batch(commands=[row("c1")]))
    assert store.has_taken("c1")
    assert not store.has_taken("c2")


def test_it_stays_what_it_was(store: Store) -> None:
    store.commit(Batch(commands=[row("c1")]))
    store.commit(Batch(commands=[row("c1")._replace(outcome="refused")]))
    assert [tuple(r) for r in store.conn.execute("SELECT * FROM commands")] == [("c1", "DriverSaved", "done", NOW_NS + 60 * NS)]


def test_it_is_written_with_what_it_caused_or_not_at_all(store: Store) -> None:
    event = EventRow("e1", "CommandTaken", 1, 2, False, 1, "b", None, "none", None)  # type: ignore[arg-type]  # NOT NULL
    with pytest.raises(StoreError):
        store.commit(Batch(events=[event], commands=[row("c1")]))
    assert not store.has_taken("c1")


def test_what_can_do_no_harm_any_more_goes_with_the_next_one(store: Store) -> None:
    store.commit(Batch(commands=[row("old", 10), row("older", 9)]))
    store.commit(Batch())
    store.commit(Batch(commands=[row("new", STALE_S + 99, taken_s=STALE_S + 10)]))
    assert [store.has_taken(id) for id in ("older", "old", "new")] == [False, True, True]
