"""What a wall clock may say: a date below the floor is none, and only the kernel's word makes one trusted."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.io.clock import BUILT_UTC_NS, ROLL_OVER_NS, boottime_ns, is_synchronised, judged, wall
from agent.io.ledger import Ledger
from agent.io.store import Batch, Store
from agent.model import NS, Wall

DAY_NS = 86_400 * NS
NOW = BUILT_UTC_NS + 400 * DAY_NS


@pytest.mark.parametrize("synchronised", [True, False])
@pytest.mark.parametrize("utc_ns", [0, 1000 * NS, BUILT_UTC_NS - 1, NOW - 7168 * DAY_NS])
def test_1970_and_a_gnss_week_roll_over_are_no_dates(utc_ns: int, synchronised: bool) -> None:
    assert judged(utc_ns, 5, synchronised, 0) is None


@pytest.mark.parametrize("synchronised", [True, False])
@pytest.mark.parametrize("utc_ns", [BUILT_UTC_NS, NOW, NOW + 10 * 365 * DAY_NS])
def test_a_roll_over_forward_is_no_date_for_as_long_as_software_lives(utc_ns: int, synchronised: bool) -> None:
    assert ROLL_OVER_NS == 7168 * DAY_NS
    assert judged(utc_ns, 5, synchronised, 0) is not None
    assert judged(utc_ns + ROLL_OVER_NS, 5, synchronised, 0) is None


def test_an_unsynchronised_clock_is_not_before_what_was_known() -> None:
    assert judged(NOW - 1, 5, False, NOW) is None
    assert judged(NOW, 5, False, NOW) == Wall(NOW - 5, "unsure")


def test_a_synchronised_clock_is_believed_below_the_last_known_time_too() -> None:
    assert judged(NOW - 300 * DAY_NS, 5, True, NOW) == Wall(NOW - 300 * DAY_NS - 5, "synchronised")


def test_the_floor_is_the_last_time_known_for_sure(tmp_path: Path) -> None:
    store = Store(tmp_path / "keyoff.db", "unit-1")
    assert Ledger(store).floor_utc_ns() == 0
    for boot, utc_ns, quality in (("a", NOW, "synchronised"), ("b", NOW + DAY_NS, "unsure"), ("c", NOW - DAY_NS, "synchronised")):
        store.commit(Batch(anchor=(boot, 1, utc_ns, quality)))
        assert Ledger(store).floor_utc_ns() == (NOW - DAY_NS if boot == "c" else NOW), "a wrong one in the future does not stay"


@pytest.mark.parametrize(("state", "trusted"), [(0, True), (1, True), (4, True), (5, False), (-1, False)])
def test_the_kernel_says_whether_it_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: int, trusted: bool
) -> None:
    """adjtimex(2): TIME_OK, TIME_INS to TIME_WAIT are leap seconds; TIME_ERROR; and a refusal, as of the hardened service."""
    monkeypatch.setattr("agent.io.clock.TIMESYNCD", tmp_path / "synchronized")
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace(adjtimex=lambda _: state))
    assert is_synchronised() == trusted


def test_timesyncds_word_is_enough_and_a_system_without_either_trusts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.io.clock.TIMESYNCD", tmp_path / "synchronized")
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace())
    assert not is_synchronised()
    (tmp_path / "synchronized").touch()
    assert is_synchronised()


def test_this_machines_clock_is_after_the_build() -> None:
    found = wall()
    assert found is not None
    assert found.utc_ns(boottime_ns()) > BUILT_UTC_NS
