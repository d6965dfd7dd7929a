"""A broker that follows a script, on one connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Literal, TypeAlias

from agent.config import UplinkConfig
from agent.io.connection import Connection, News, Order
from hil.ca import Authority

DEADLINE_S = 30.0
Protocol: TypeAlias = Literal["5", "3.1.1"]

CONNACK, PUBLISH, PUBACK, PINGREQ, DISCONNECT = 0x20, 0x30, 0x40, 0xC0, 0xE0  # MQTT 5 §2.1.2, in the upper four bits
ORDER = Order("e0", "keyoff/sim-1/event/TripEnded", b"{}", "header..signature")


class Scripted(threading.Thread):
    """A TLS listener that takes one client and answers each packet as the test says. `packets`: what it read."""

    def __init__(self, folder: Path, answer: Callable[[bytes], bytes], protocol: Protocol = "5") -> None:
        super().__init__(daemon=True)
        pair = Authority(folder).broker()
        Authority(folder).client("sim-1")
        self.packets: list[bytes] = []
        self._answer = answer
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(pair.certificate, pair.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(DEADLINE_S)
        self.go = threading.Event()
        self.go.set()
        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        port = self._listener.getsockname()[1]
        config = UplinkConfig("localhost", "ca.pem", "sim-1.pem", "sim-1.key", port, protocol, keepalive_s=1)
        self.line = Connection(config, context, "sim-1", threading.Event())

    def run(self) -> None:
        with contextlib.suppress(OSError), self._listener, self._listener.accept()[0] as plain:
            self.go.wait(DEADLINE_S)
            with self._tls.wrap_socket(plain, server_side=True) as sock:
                while packet := read_packet(sock):
                    self.packets.append(packet)
                    sock.sendall(self._answer(packet))

    def news(self) -> News:
        return self.line.news.get(timeout=DEADLINE_S)


Script: TypeAlias = Callable[..., Scripted]
"""Starts one: see conftest.py."""


def read_packet(sock: ssl.SSLSocket) -> bytes:
    """The next packet; empty when the client has closed."""
    head = sock.recv(1)
    length = shift = 0
    while head:
        digit = sock.recv(1)
        head += digit
        length |= (digit[0] & 0x7F) << shift
        shift += 7
        if digit[0] < 0x80:
            break
    body = b""
    while len(body) < length:
        body += sock.recv(length - len(body))
    return head + body


def connack(code: int = 0, properties: bytes = b"") -> bytes:
    return bytes([CONNACK, 3 + len(properties), 0, code, len(properties)]) + properties


def identifier(publish: bytes) -> bytes:
    """The packet identifier of a PUBLISH at QoS 1."""
    start = 1 + sum(1 for _ in takewhile(lambda byte: byte >= 0x80, publish[1:])) + 1
    topic = start + 2 + int.from_bytes(publish[start : start + 2])
    return publish[topic : topic + 2]
