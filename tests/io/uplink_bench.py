"""An uplink over pretended connections, with an outbox in memory: no network, and time as an argument."""

from __future__ import annotations

import random
import ssl
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from agent.config import UplinkConfig
from agent.io.connection import Answered, Connection, Lost, Order, Received, Up
from agent.io.identity import Identity
from agent.io.uplink import Outgoing, Uplink
from agent.model import NS

UNIT = "sim-1"
BIRTH, LINK = f"keyoff/{UNIT}/birth", f"keyoff/{UNIT}/link"
NOT_AUTHORIZED, NO_SUBSCRIBERS = 0x87, 0x10


class Line(Connection):
    """A connection to nowhere: it keeps its orders, and the test says what happens."""

    def __init__(self, config: UplinkConfig, tls: ssl.SSLContext, unit: str, told: threading.Event) -> None:
        super().__init__(config, tls, unit, told)
        self.orders: list[Order] = []
        self.subscriptions = 0
        self.acknowledged: list[int] = []
        self.ended = ""

    def start(self) -> None:
        """Not a thread."""

    def join(self, timeout: float | None = None) -> None:
        """Nothing to wait for."""

    def publish(self, order: Order) -> None:
        self.orders.append(order)

    def subscribe(self) -> None:
        self.subscriptions += 1

    def acknowledge(self, message: Received) -> None:
        self.acknowledged.append(message.mid)

    def finish(self) -> None:
        self.ended = self.ended or "finished"

    def abandon(self) -> None:
        self.ended = self.ended or "abandoned"

    def answer(self, *refs: str, code: int = 0) -> None:
        for ref in refs:
            self.news.put(Answered(ref, code, "Not authorized" if code == NOT_AUTHORIZED else f"reason {code:#x}"))

    def lose(self, words: str | None = "the connection was lost", code: int | None = None) -> None:
        self.news.put(Lost(words, code))

    def refs(self) -> list[str]:
        return [order.ref for order in self.orders]


class Bench:
    """An uplink over pretended connections, with an outbox in memory; `at` is the time in seconds."""

    def __init__(
        self,
        folder: Path,
        protocol: Literal["5", "3.1.1"] = "5",
        events: int = 0,
        keepalive_s: int = 60,
        seed: int = 1,
        *,
        takes_commands: bool = False,
    ) -> None:
        self.lines: list[Line] = []
        self.events = {f"e{n}": Outgoing(n, f"e{n}", "TripEnded", b'{"n":%d}' % n) for n in range(events)}
        self.done: list[str] = []
        config = UplinkConfig(
            host="broker", protocol=protocol, ca="ca.pem", certificate=f"{UNIT}.pem", key=f"{UNIT}.key", keepalive_s=keepalive_s
        )
        identity = Identity.load(config, folder, UNIT, None)
        chance = random.Random(seed)
        birth = {"software": "1.2.3"}
        self.uplink = Uplink(
            config, folder, UNIT, identity, self, birth, takes_commands=takes_commands, chance=chance, connect=self.connect
        )
        self.uplink.start()

    def connect(self, config: UplinkConfig, tls: ssl.SSLContext, unit: str, told: threading.Event) -> Line:
        self.lines.append(Line(config, tls, unit, told))
        return self.lines[-1]

    def waiting(self, limit: int, excluding: Collection[str]) -> list[Outgoing]:
        return [each for id, each in self.events.items() if id not in excluding and id not in self.done][:limit]

    def acknowledged(self, id: str) -> None:
        self.done.append(id)

    @property
    def line(self) -> Line:
        return self.lines[-1]

    def pump(self, at_s: float) -> None:
        self.uplink.pump(int(at_s * NS))

    def up(self, at_s: float = 0.0, receive_maximum: int = 65_535) -> None:
        """Connect, and have the greetings answered."""
        self.pump(at_s)
        self.line.news.put(Up(receive_maximum))
        self.pump(at_s)
        self.line.answer(BIRTH, LINK)

    def tries_at(self, after_s: float) -> float:
        """When, after this time, it begins its next connection, in seconds."""
        at_s, before = after_s, len(self.lines)
        while len(self.lines) == before:
            at_s += 0.1 if at_s - after_s < 10.0 else 0.5
            self.pump(at_s)
        return at_s

    @property
    def sent(self) -> list[str]:
        """The events that the present connection was given."""
        return [ref for ref in self.line.refs() if ref in self.events]
