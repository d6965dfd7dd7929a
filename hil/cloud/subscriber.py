"""Brings what units publish from the broker to the receiver: acknowledged when it is committed, not before.

One thread of ours owns the MQTT client: it reads what has arrived, commits that in one transaction, then acknowledges
it. So a receiver that is killed, or whose disk is full, gets again what it had not kept.
"""

from __future__ import annotations

import contextlib
import json
import select
import sqlite3
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from hil.ca import CLOUD
from hil.cloud.receive import Receiver

SESSION_EXPIRY_S = 7 * 86_400  # what arrives while the bench cloud is away for a week waits at the broker
TURN_S = 0.1  # how soon a stop is heard
RETRY_S = 0.5  # the bench's broker comes back soon, and nobody else waits for it
BATCH = 200  # messages in one transaction at most; a broker sends 20 before it waits for an acknowledgement, some more


@dataclass
class Counts:
    """received: events that arrived; of these duplicates, not believed, and those still waiting for a birth."""

    received: int = 0
    duplicates: int = 0
    bad: int = 0
    waiting: int = 0


class Cloud:
    """A cloud that verifies. `events` are CloudEvents as dicts, verified, each (source, id) once, as they arrived.

    `links` says of each unit whether it is online (a hint: it is not signed); `receiver` has the rest.
    """

    def __init__(
        self,
        host: str,
        port: int,
        ca: Path,
        cert: Path,
        key: Path,
        protocol: Literal["5", "3.1.1"] = "5",
        name: str = CLOUD,
        file: str | Path = ":memory:",
    ) -> None:
        """`name`: the MQTT client id; the broker keeps what arrives while this client is away. `file`: what it keeps
        itself, an SQLite database that is taken up again. Raises sqlite3.Error."""
        self.receiver = Receiver(ca, file)
        self.events: list[dict[str, Any]] = [json.loads(r[0]) for r in self._ask("SELECT body FROM events ORDER BY n")]
        self.links: dict[str, bool] = {}
        self.on_event: Callable[[dict[str, Any]], None] | None = None
        self.trouble: str | None = None  # why it is not subscribed, in plain words
        self._address = (host, port)
        self._is_5 = protocol == "5"
        self._name = name
        self._tls = ssl.create_default_context(cafile=str(ca))
        self._tls.load_cert_chain(cert, key)
        self._subscribed = False
        self._fresh: list[dict[str, Any]] = []  # taken, not committed
        self._to_ack: list[int] = []
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def start(self, timeout_s: float = 20.0) -> None:
        """Connect and subscribe; from then on nothing is missed. Raises OSError, or TimeoutError with the reason."""
        client = self._connected()
        self._thread = threading.Thread(target=self._run, args=(client,), name="cloud", daemon=True)
        self._thread.start()
        self.wait_until(lambda: self._subscribed, timeout_s)

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def subscribed(self) -> bool:
        """Whether it hears the broker now."""
        return self._subscribed

    @property
    def counts(self) -> Counts:
        """Of all that the file holds."""
        with self._changed:
            tally: dict[str, int] = dict(self._ask("SELECT what, sum(n) FROM tally GROUP BY what"))
            (waiting,) = self._ask("SELECT count(*) FROM held")[0]
        return Counts(**tally, waiting=waiting)

    @property
    def births(self) -> dict[str, dict[str, Any]]:
        """What each unit last said of itself."""
        with self._changed:
            return {unit: json.loads(body) for unit, body in self._ask("SELECT unit, body FROM births")}

    @property
    def refusals(self) -> list[str]:
        """Why messages were not believed, the newest last."""
        with self._changed:
            return [f"{topic}: {why}" for topic, why in self._ask("SELECT topic, why FROM refused ORDER BY n")]

    def wait_for(self, n: int, timeout_s: float) -> list[dict[str, Any]]:
        """The events, once there are `n` of them; raises TimeoutError saying what came instead."""
        self.wait_until(lambda: len(self.events) >= n, timeout_s)
        return self.events

    def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Block until `condition()`, looked at after each message; raises TimeoutError saying what came instead."""
        with self._changed:
            if not self._changed.wait_for(condition, timeout_s):
                instead = [f"{len(self.events)} events", str(self.counts), *self.refusals[-3:], self.trouble or ""]
                raise TimeoutError(f"{', '.join(filter(None, instead))} after {timeout_s} s")

    def take(self, topic: str, payload: bytes, jws: str | None) -> None:
        """One message as it came, and commit."""
        with self._changed:
            self._sort(topic, payload, jws)
        self._commit()

    def _sort(self, topic: str, payload: bytes, jws: str | None) -> None:
        match topic.split("/"):
            case ["keyoff", unit, "link"]:
                try:
                    self.links[unit] = bool(json.loads(payload)["online"])
                except (ValueError, KeyError, TypeError, RecursionError) as e:
                    self.receiver.refuse(unit, topic, str(e))
            case ["keyoff", _, "birth"] | ["keyoff", _, "event", _]:
                self._fresh += self.receiver.take(topic, payload, jws)

    def _commit(self) -> None:
        with self._changed:
            emptied = self.receiver.commit()
            fresh, self._fresh = _left(self._fresh, emptied), []
            self.events += fresh
            if emptied:
                self.events[:] = _left(self.events, emptied)
            self._changed.notify_all()
        if self.on_event is not None:
            for event in fresh:
                self.on_event(event)

    def _ask(self, query: str) -> list[Any]:
        return self.receiver.db.execute(query).fetchall()

    # -- the network, in the thread of its own ---------------------------------------------------

    def _run(self, client: Any) -> None:
        """Until stopped: live through a connection, then have another."""
        while True:
            try:
                client = client or self._connected()
                self._live(client)
            except (OSError, ValueError, sqlite3.Error) as e:
                self.trouble = str(e)
            self._drop(client)
            client = None
            if self._stopping.wait(RETRY_S):
                return

    def _live(self, client: Any) -> None:
        while not self._stopping.is_set() and (sock := client.socket()) is not None:
            select.select([sock], [sock] if client.want_write() else [], [], 0 if sock.pending() else TURN_S)
            self._read(client, sock)
            client.loop_write()
            client.loop_misc()
        client.disconnect()

    def _read(self, client: Any, sock: Any) -> None:
        """Take what has come, commit it, acknowledge it: in this order."""
        for _ in range(BATCH):
            if client.socket() is None or not (sock.pending() or select.select([sock], [], [], 0)[0]):
                break
            client.loop_read()
        self._commit()
        for number in self._to_ack:
            client.ack(number, 1)
        self._to_ack.clear()

    def _drop(self, client: Any) -> None:
        """What was taken and not committed comes again, for it was not acknowledged."""
        if client is not None and client.socket() is not None:
            client.socket().close()
        with self._changed:
            self._subscribed = False
            self.receiver.rollback()
            self._fresh.clear()
            self._to_ack.clear()
            self._changed.notify_all()

    def _connected(self) -> Any:
        protocol, session = (paho.MQTTv5, {}) if self._is_5 else (paho.MQTTv311, {"clean_session": False})
        client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            self._name,
            protocol=protocol,
            reconnect_on_failure=False,
            manual_ack=True,
            **session,
        )
        client.tls_set_context(self._tls)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.connect(*self._address, **({"clean_start": False, "properties": _session()} if self._is_5 else {}))
        return client

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.trouble = str(reason)
        else:
            client.subscribe("keyoff/#", qos=1)

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: list[Any], _properties: Any) -> None:
        with self._changed:
            self._subscribed = not any(reason.is_failure for reason in reasons)
            self.trouble = None if self._subscribed else f"the broker refuses the subscription: {reasons[0]}"
            self._changed.notify_all()

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        if message.qos:
            self._to_ack.append(message.mid)
        with contextlib.suppress(UnicodeDecodeError), self._changed:  # a topic that is no text is none of ours
            self._sort(message.topic, message.payload, _jws(message))


def _left(events: list[dict[str, Any]], emptied: dict[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    """The events, those that were emptied as they are now."""
    return [emptied.get((each["source"], each["id"]), each) for each in events]


def _jws(message: Any) -> str | None:
    """The `jws` user property of a message; None where there is none (always on MQTT 3.1.1)."""
    pairs = getattr(getattr(message, "properties", None), "UserProperty", [])
    return next((value for name, value in pairs if name == "jws"), None)


def _session() -> Any:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = SESSION_EXPIRY_S
    return properties
