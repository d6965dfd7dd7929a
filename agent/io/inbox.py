"""Commands that the broker has delivered and nobody has taken yet. Each is acknowledged when it is taken, that is committed:
what is lost before comes again with the next connection.

By its bytes: a message that comes twice, as QoS 1 allows, waits once. How many can wait is up to the broker first (MQTT 5:
RECEIVE_MAXIMUM in our CONNECT; mosquitto sends 20 on 3.1.1, too); beyond KEPT a message is left to the broker.
"""

from __future__ import annotations

from agent.io.commands import MAX_BYTES
from agent.io.connection import Connection, Received, Subscribed, command_topic

KEPT = 100  # of at most MAX_BYTES each; a household sends a few in a day


class Inbox:
    """`wanted`: whether anybody takes commands. `left`: how many were left to the broker. `trouble`: in plain words, why none
    come."""

    def __init__(self, host: str, unit: str, wanted: bool) -> None:
        self.left = 0
        self.trouble: str | None = None
        self._host = host
        self._unit = unit
        self._wanted = wanted
        self._line: Connection | None = None
        self._waiting: dict[bytes, Received] = {}

    def begin(self, line: Connection) -> None:
        """The broker has let us in."""
        self._line = line
        if self._wanted:
            line.subscribe()

    def end(self) -> None:
        """The connection is gone: the broker sends again what it had no acknowledgement for."""
        self._line = self.trouble = None
        self._waiting.clear()

    def hear(self, news: Received | Subscribed) -> None:
        match news:
            case Received():
                self._put(news)
            case Subscribed(None):
                self.trouble = None
            case Subscribed(refusal):
                may = f"may {self._unit} read {command_topic(self._unit)}?"
                self.trouble = f"{self._host} brings no commands: {refusal}: {may}"

    def waiting(self, limit: int) -> list[bytes]:
        """The oldest first."""
        return list(self._waiting)[:limit]

    def took(self, payload: bytes) -> None:
        """The broker may forget it; if its connection is gone, it comes again."""
        message = self._waiting.pop(payload, None)
        if message is not None and self._line is not None:
            self._line.acknowledge(message)

    def _put(self, message: Received) -> None:
        """What is too large is kept cut off: enough to be refused for it. What a kept session brings to a unit that takes no
        commands any more, the broker need not keep."""
        payload = message.payload[: MAX_BYTES + 1]
        if payload not in self._waiting and len(self._waiting) >= KEPT:
            self.left += 1
            return
        self._waiting[payload] = message._replace(payload=payload)
        if not self._wanted:
            self.took(payload)
