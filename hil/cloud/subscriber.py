"""Subscribes to `keyoff/#`, keeps what verifies, each event once."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from hil.ca import CLOUD
from hil.cloud.verify import BadSignature, Signed, UnknownSigner, Verifier, take_apart

SESSION_EXPIRY_S = 86_400  # what arrives while the bench cloud is away for a day waits at the broker


@dataclass
class Counts:
    """received: events that arrived; of these duplicates, bad signatures, and those still waiting for a birth."""

    received: int = 0
    duplicates: int = 0
    bad: int = 0
    waiting: int = 0


class Cloud:
    """A cloud that verifies. `events` are CloudEvents as dicts, verified, each (source, id) once, as they arrived.

    `births` by unit; `links` says of each unit whether it is online; `refusals` why a message was not believed.
    """

    def __init__(
        self, host: str, port: int, ca: Path, cert: Path, key: Path, protocol: Literal["5", "3.1.1"] = "5", name: str = CLOUD
    ) -> None:
        """`name`: the MQTT client id; the broker keeps what arrives while this client is away."""
        self.events: list[dict[str, Any]] = []
        self.counts = Counts()
        self.births: dict[str, dict[str, Any]] = {}
        self.links: dict[str, bool] = {}
        self.refusals: list[str] = []
        self.on_event: Callable[[dict[str, Any]], None] | None = None
        self._address = (host, port)
        self._is_5 = protocol == "5"
        self._name = name
        self._tls = ssl.create_default_context(cafile=str(ca))
        self._tls.load_cert_chain(cert, key)
        self._verifier = Verifier(ca)
        self._held: list[tuple[str, Signed]] = []  # topic and message, until a birth shows their signer's certificate
        self._seen: set[tuple[str, str]] = set()
        self._subscribed = False
        self._changed = threading.Condition()
        self._client = self._make_client()

    def start(self, timeout_s: float = 20.0) -> None:
        """Connect and subscribe; from then on nothing is missed. Raises OSError, or TimeoutError with the reason."""
        session = {"clean_start": False, "properties": _session()} if self._is_5 else {}
        self._client.connect(*self._address, **session)
        self._client.loop_start()
        self.wait_until(lambda: self._subscribed, timeout_s)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def wait_for(self, n: int, timeout_s: float) -> list[dict[str, Any]]:
        """The events, once there are `n` of them; raises TimeoutError saying what came instead."""
        self.wait_until(lambda: len(self.events) >= n, timeout_s)
        return self.events

    def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Block until `condition()`, looked at after each message; raises TimeoutError saying what came instead."""
        with self._changed:
            if not self._changed.wait_for(condition, timeout_s):
                raise TimeoutError(f"{len(self.events)} events, {self.counts}, {self.refusals[-3:]} after {timeout_s} s")

    def take(self, topic: str, payload: bytes, jws: str | None) -> None:
        """One message as it came; what is wrong with it is counted and told in `refusals`, never raised."""
        with self._changed:
            self._believe(topic, lambda: self._sort(topic, payload, jws))
            self.counts.waiting = len(self._held)
            self._changed.notify_all()

    def _believe(self, topic: str, reading: Callable[[], None]) -> None:
        try:
            reading()
        except (BadSignature, ValueError, KeyError, TypeError, AttributeError) as e:
            self.counts.bad += 1
            self.refusals.append(f"{topic}: {e}")

    def _sort(self, topic: str, payload: bytes, jws: str | None) -> None:
        match topic.split("/"):
            case ["keyoff", unit, "link"]:
                self.links[unit] = bool(json.loads(payload)["online"])
            case ["keyoff", unit, "birth"]:
                self.births[unit] = self._verifier.birth(unit, take_apart(payload, jws))
                held, self._held = self._held, []
                for earlier, message in held:
                    self._believe(earlier, partial(self._take_event, earlier, message))
            case ["keyoff", _, "event", _]:
                self.counts.received += 1
                self._take_event(topic, take_apart(payload, jws))

    def _take_event(self, topic: str, message: Signed) -> None:
        try:
            event = self._verifier.event(topic.split("/")[1], message)
        except UnknownSigner:
            self._held.append((topic, message))
            return
        key = (event["source"], event["id"])
        if key in self._seen:
            self.counts.duplicates += 1
            return
        self._seen.add(key)
        self.events.append(event)
        if self.on_event is not None:
            self.on_event(event)

    def _make_client(self) -> Any:
        protocol, session = (paho.MQTTv5, {}) if self._is_5 else (paho.MQTTv311, {"clean_session": False})
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, self._name, protocol=protocol, **session)
        client.suppress_exceptions = True  # an exception would end paho's thread
        client.reconnect_delay_set(1, 2)
        client.tls_set_context(self._tls)
        client.on_connect = lambda *_: client.subscribe("keyoff/#", qos=1)
        client.on_subscribe = self._on_subscribe
        client.on_message = lambda _client, _data, message: self.take(message.topic, message.payload, _jws(message))
        return client

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: list[Any], _properties: Any) -> None:
        with self._changed:
            self._subscribed = not any(reason.is_failure for reason in reasons)
            self._changed.notify_all()


def _jws(message: Any) -> str | None:
    """The `jws` user property of a message; None where there is none (always on MQTT 3.1.1)."""
    pairs = getattr(getattr(message, "properties", None), "UserProperty", [])
    return next((value for name, value in pairs if name == "jws"), None)


def _session() -> Any:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = SESSION_EXPIRY_S
    return properties
