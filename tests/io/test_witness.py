"""What is known of the database outside of it; whatever is wrong with that file counts as not knowing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.io.store import Batch, Store
from agent.io.witness import PAGE_BYTES, Mark, Witness


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "keyoff.db.mark")


def database(tmp_path: Path) -> Path:
    store = Store(tmp_path / "keyoff.db", "u")
    store.commit(Batch(states={"a": (1, b"1")}))
    store.close()
    return store.path


def test_the_mark_comes_back(witness: Witness) -> None:
    assert witness.mark() is None
    witness.note(Mark("0123456789abcdef", 7))
    witness.note(Mark("0123456789abcdef", 1 << 40))
    assert witness.mark() == Mark("0123456789abcdef", 1 << 40)


@pytest.mark.parametrize("at", range(0, 36, 5))
def test_a_damaged_mark_is_none(witness: Witness, at: int) -> None:
    witness.note(Mark("0123456789abcdef", 7))
    with witness.path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xee")
    assert witness.mark() is None


def test_a_disk_that_refuses_leaves_the_mark_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "mark").mkdir()
    Witness(tmp_path / "mark").note(Mark("e", 1))
    assert Witness(tmp_path / "mark").mark() is None


def test_a_first_page_put_back_makes_the_rest_readable(tmp_path: Path, witness: Witness) -> None:
    path = database(tmp_path)
    witness.keep_page(path)
    assert witness.version() > 0
    with closing(sqlite3.connect(path)) as conn:  # it has grown since the copy
        conn.executemany("INSERT INTO once VALUES (?, 'k')", ((f"{n:0200}",) for n in range(200)))
        conn.commit()
    page = witness.page()
    assert page is not None
    with path.open("r+b") as file:
        file.write(bytes(PAGE_BYTES))
        file.seek(0)
        file.write(page)
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as conn:
        assert conn.execute("SELECT count(*) FROM once").fetchone()[0] == 200
        assert conn.execute("SELECT count(*) FROM states").fetchone()[0] > 0


def test_a_page_that_is_none_is_not_copied(tmp_path: Path, witness: Witness) -> None:
    path = database(tmp_path)
    witness.keep_page(path)
    kept = witness.page()
    path.write_bytes(bytes(2 * PAGE_BYTES))
    witness.keep_page(path)
    witness.keep_page(tmp_path / "nothing")
    assert witness.page() == kept
    with witness.path.open("r+b") as file:
        file.seek(PAGE_BYTES + 1000)
        file.write(b"\xee")
    assert witness.page() is None
    assert witness.version() == -1
