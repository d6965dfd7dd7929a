"""A log that another program keeps from being written back: told, once for each time, in the health report and the status."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli.status import command
from agent.daemon import Daemon
from agent.io import clock
from agent.io.check import Check
from agent.io.checkpoints import HELD, HELD_BYTES, log_bytes
from agent.io.store import Batch, EventRow
from agent.io.unit_store import TEND_S, UnitStore, open_for_daemon
from agent.model import NS
from tests.test_daemon import PLAN, SETUP


class Car:
    """A store that is written to and tended, at a time of its own."""

    def __init__(self, store: UnitStore) -> None:
        self.store = store
        self.n = 0
        self.t_s = 0

    def write(self, mb: float) -> None:
        for _ in range(round(mb * 10)):
            self.n += 1
            body = b'{"a":"' + b"x" * 100_000 + b'"}'
            self.store.commit(Batch(events=[EventRow(f"e{self.n}", "TripEnded", 1, 5, False, 7, "boot", None, "none", body)]))

    def tend(self) -> int:
        """How many times it was held so far."""
        self.t_s += TEND_S
        self.store.tend()
        return self.store.counts()[HELD]


@pytest.fixture
def car(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Car]:
    with closing(open_for_daemon(tmp_path / "keyoff.db", "unit-1", 256)) as store:
        made = Car(store)
        monkeypatch.setattr(clock, "boottime_ns", lambda: made.t_s * NS)
        yield made


@pytest.fixture
def shell(car: Car) -> Iterator[sqlite3.Connection]:
    """Somebody who looks, and forgets to close."""
    with closing(sqlite3.connect(car.store.path, isolation_level=None)) as conn:
        yield conn


def hold(shell: sqlite3.Connection) -> None:
    shell.execute("BEGIN")
    shell.execute("SELECT count(*) FROM events").fetchone()


def test_it_is_counted_once_for_each_time(car: Car, shell: sqlite3.Connection) -> None:
    hold(shell)
    car.write(3)
    assert car.tend() == 0, "who looks for a moment is no news"
    car.write(2)
    assert log_bytes(car.store.path) > HELD_BYTES
    assert [car.tend(), car.tend()] == [1, 1]
    shell.execute("COMMIT")
    assert car.tend() == 1
    car.write(1)
    assert log_bytes(car.store.path) < HELD_BYTES, "written back, and cut"
    assert car.tend() == 1
    hold(shell)
    car.write(5)
    assert car.tend() == 2


def test_a_large_log_that_nobody_holds_is_none(car: Car, shell: sqlite3.Connection) -> None:
    hold(shell)
    car.write(5)
    shell.execute("COMMIT")
    assert log_bytes(car.store.path) > HELD_BYTES
    assert car.tend() == 0


def test_our_own_check_is_no_other_program(car: Car, shell: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(shell)  # as the check does that runs in the background
    car.write(5)
    check = Check(car.store.path)
    monkeypatch.setattr(check, "is_alive", lambda: True)
    monkeypatch.setattr(car.store, "_check", check)
    assert car.tend() == 0
    monkeypatch.setattr(car.store, "_check", None)
    assert car.tend() == 1


def test_the_health_report_and_the_status_tell_it(car: Car, shell: sqlite3.Connection) -> None:
    daemon = Daemon(SETUP, PLAN, car.store, "boot-1")
    daemon.commit()
    hold(shell)
    car.write(5)
    car.tend()
    assert daemon.counts() == {HELD: 1}
    told = CliRunner().invoke(command, ["--store", str(car.store.path)]).output
    assert "another program" in told and "holds it open" in " ".join(told.split())
    shell.execute("COMMIT")
    car.tend()
    car.write(1)
    assert "another program" not in CliRunner().invoke(command, ["--store", str(car.store.path)]).output
