"""Fixtures: a broker that follows a script; a unit's store, and the time as it sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.io import clock
from agent.io.unit_store import UnitStore, open_for_daemon
from agent.model import NS
from tests.io.scripted import Protocol, Script, Scripted, connack
from tests.io.unit_stores import Now


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Starts a broker that lets us in with `greeting`, and says `to_publish` to each publish ({id} is its identifier)."""

    def start(
        greeting: bytes = connack(),
        to_publish: Callable[[bytes], bytes] = lambda _: b"",
        protocol: Protocol = "5",
    ) -> Scripted:
        def answer(packet: bytes) -> bytes:
            match packet[0] & 0xF0:
                case 0x10:
                    return greeting
                case 0x30:
                    return to_publish(packet)
                case _:
                    return b""

        broker = Scripted(tmp_path, answer, protocol)
        broker.start()
        return broker

    return start


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    """The time as the store sees it."""
    time = Now()
    monkeypatch.setattr(clock, "boottime_ns", lambda: round(time.s * NS))
    return time


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keyoff.db"


@pytest.fixture
def store(path: Path) -> Iterator[UnitStore]:
    with closing(open_for_daemon(path, "unit-1", 256)) as opened:
        yield opened
