"""The loop of keyoff run: what its buses could not keep up with is told with the rest; that the unit slept is noticed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent.cli.run import SUSPENDED_NS, Loop
from agent.config import BusConfig
from agent.daemon import Daemon
from agent.events.ignition import IgnitionRule
from agent.events.milestone import Milestone
from agent.events.odometer import Odometer
from agent.io import clock
from agent.io.buses.live import LiveBus
from agent.io.requests import Request, answered, leave
from agent.io.store import Store, StoreError
from agent.model import NS
from agent.signals import ODOMETER
from hil.powercut.day import drive
from tests.test_daemon import PLAN, SETUP


def test_a_clock_that_is_not_trusted_any_more_is_not_believed_before_what_was_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "keyoff.db", "unit-1")
    loop = Loop(Daemon(SETUP, PLAN, store, "boot-1"), [LiveBus(BusConfig("can0", "virtual", "car"), ())], tmp_path, None)
    known_ns = clock.BUILT_UTC_NS + 400 * 86_400 * NS
    minute_ns = 60 * NS
    says = ((0, True, True), (-minute_ns, False, False), (2 * minute_ns, False, True), (minute_ns, False, True))
    for later_ns, synchronised, believed in says:
        monkeypatch.setattr(time, "time_ns", lambda later_ns=later_ns: known_ns + later_ns)
        monkeypatch.setattr(clock, "is_synchronised", lambda synchronised=synchronised: synchronised)
        loop._next_ns = 0
        loop._heard.set()
        loop.beat()
        assert (loop.daemon.engine.wall is not None) == believed
    loop.calendar.stop()
    store.close()


def test_frames_that_had_to_go_are_counted_by_their_bus(tmp_path: Path) -> None:
    store = Store(tmp_path / "keyoff.db", "unit-1")
    daemon = Daemon(SETUP, PLAN, store, "boot-1")
    buses = [LiveBus(BusConfig(name, "virtual", name), ()) for name in ("can0", "can1")]
    loop = Loop(daemon, buses, tmp_path, None)
    assert daemon.counts() == {}
    buses[1].overrun = 3
    assert daemon.counts() == {"can1: frames for which there was no time": 3}
    loop.calendar.stop()
    store.close()


def test_a_request_lies_there_until_what_it_asks_for_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "keyoff.db", "unit-1")
    daemon = Daemon(SETUP, PLAN, store, "boot-1")
    loop = Loop(daemon, [LiveBus(BusConfig("can0", "virtual", "can0"), ())], tmp_path, None)
    path = leave(tmp_path, Request("odometer", reading_m=5_000_000.0))
    with monkeypatch.context() as refusing:
        refusing.setattr(store, "commit", refuse)
        loop._take_requests()
        assert path.exists() and daemon.store_trouble == "the disk is full"
    daemon.tick(60 * NS, None)
    loop._take_requests()
    assert not path.exists() and store.count("OdometerRebased") == 1
    loop.calendar.stop()
    store.close()


def test_a_power_cut_before_a_request_s_file_is_gone_does_not_make_it_work_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = leave(tmp_path, Request("odometer", reading_m=5_000_000.0))
    for boot in ("boot-1", "boot-2"):
        store = Store(tmp_path / "keyoff.db", "unit-1")
        daemon = Daemon(SETUP, PLAN, store, boot)
        loop = Loop(daemon, [LiveBus(BusConfig("can0", "virtual", "can0"), ())], tmp_path, None)
        with monkeypatch.context() as cut:
            if boot == "boot-1":
                cut.setattr(Path, "unlink", cut_off)
            loop._take_requests()
        assert path.exists() == (boot == "boot-1") and store.count("OdometerRebased") == 1
        daemon.samples([sample for sample in drive(10, 60, 0.0) if sample[1] != ODOMETER])
        daemon.commit()
        loop.calendar.stop()
        store.close()
    assert daemon.engine.rule(Odometer).state.reading_m == pytest.approx(5_000_000.0 + 2 * 50 * 15)


def test_what_a_rule_fails_at_is_told_to_who_asked_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "keyoff.db", "unit-1")
    loop = Loop(Daemon(SETUP, PLAN, store, "boot-1"), [LiveBus(BusConfig("can0", "virtual", "can0"), ())], tmp_path, None)
    path = leave(tmp_path, Request("odometer", reading_m=5_000_000.0))
    monkeypatch.setattr(Milestone, "event", lambda *_: 1 / 0)
    loop._take_requests()
    assert not path.exists() and store.count("OdometerRebased") == 1, "what came of it is kept"
    trouble, why = answered(path) or ("", "")
    assert trouble == "failed" and "in milestone" in why
    loop.calendar.stop()
    store.close()


def cut_off(*_: object) -> None:
    raise OSError


def refuse(*_: object) -> int:
    raise StoreError("the disk is full", "full")


@pytest.mark.parametrize(("slept_ns", "ignition"), [(SUSPENDED_NS, "off"), (SUSPENDED_NS + 1, "unknown")])
def test_a_unit_that_was_suspended_does_not_take_that_for_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slept_ns: int, ignition: str
) -> None:
    now_ns = 1000 * NS
    monkeypatch.setattr(clock, "boottime_ns", lambda: now_ns)
    store = Store(tmp_path / "keyoff.db", "unit-1")
    daemon = Daemon(SETUP, PLAN, store, "boot-1")
    bus = LiveBus(BusConfig("can0", "virtual", "can0"), ())
    loop = Loop(daemon, [bus], tmp_path, None)
    for pause_ns in (0, SUSPENDED_NS, SUSPENDED_NS, slept_ns):  # by the third beat a car that says nothing is off
        now_ns += pause_ns
        bus.heard.set()
        loop.beat()
    assert daemon.engine.rule(IgnitionRule).state.ignition == ignition
    loop.calendar.stop()
    store.close()
