"""A broker that follows a script, as a fixture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.io.scripted import Protocol, Script, Scripted, connack


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
