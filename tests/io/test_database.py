"""Looking at a database, whoever looks and whether or not anybody writes."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from agent.io.database import connect_to_look
from agent.io.store import Batch, Store

NOBODY = 65_534


@pytest.fixture
def path() -> Iterator[Path]:
    """In a folder that others may look into, and nothing more."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        state.mkdir()
        for each in (Path(folder), state):
            each.chmod(0o755)
        yield state / "keyoff.db"
        state.chmod(0o755)


@contextmanager
def one_who_may_only_read(path: Path) -> Iterator[None]:
    for each in path.parent.iterdir():
        each.chmod(0o444)
    path.parent.chmod(0o555)
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)  # root may write anywhere
    try:
        yield
    finally:
        os.seteuid(0)


def states(path: Path) -> int:
    with closing(connect_to_look(path)) as conn:
        return int(conn.execute("SELECT count(*) FROM states").fetchone()[0])


def test_who_may_not_write_sees_it_while_it_is_written_and_after_a_tidy_end(path: Path) -> None:
    store = Store(path, "unit-1")
    store.commit(Batch(states={"trip": (1, b"{}")}))
    with one_who_may_only_read(path):
        assert states(path) == 2, "with the routine row"
    path.parent.chmod(0o755)
    store.close()
    with one_who_may_only_read(path):
        assert states(path) == 2
        assert not list(path.parent.glob("*-shm"))


def test_a_log_that_cannot_be_read_is_not_passed_over(path: Path) -> None:
    """Read as immutable it would be what it was before its last commits."""
    store = Store(path, "unit-1")
    store.commit(Batch(states={"trip": (1, b"{}")}))
    copy = path.with_name("copy.db")
    for end in ("", "-wal"):
        Path(f"{copy}{end}").write_bytes(Path(f"{path}{end}").read_bytes())
    store.close()
    with one_who_may_only_read(copy), pytest.raises(sqlite3.OperationalError):
        connect_to_look(copy)
