"""The loop of keyoff run: what its buses could not keep up with is told with the rest."""

from __future__ import annotations

from pathlib import Path

from agent.cli.run import Loop
from agent.config import BusConfig
from agent.daemon import Daemon
from agent.io.buses.live import LiveBus
from agent.io.store import Store
from tests.test_daemon import PLAN, SETUP


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
