"""What a connection says when it cannot be had. (What it does when it can: tests/contract/test_broker.py.)"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from agent.config import UplinkConfig
from agent.io.connection import (
    CONNECT_S,
    Answered,
    Connection,
    Lost,
    Order,
    Up,
    beside,
    packet_bytes,
)
from tests.io.scripted import (
    CONNACK,
    DEADLINE_S,
    DISCONNECT,
    ORDER,
    PINGREQ,
    PUBACK,
    PUBLISH,
    Protocol,
    Script,
    connack,
    identifier,
)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def config_of(listener: socket.socket) -> UplinkConfig:
    return UplinkConfig(host="127.0.0.1", port=listener.getsockname()[1], ca="ca", certificate="sim-1.pem", key="key")


def connection(config: UplinkConfig) -> Connection:
    return Connection(config, ssl.create_default_context(), "sim-1", threading.Event())


def test_nothing_listens(listener: socket.socket) -> None:
    config = config_of(listener)
    listener.close()
    line = connection(config)
    line.start()
    news = line.news.get(timeout=DEADLINE_S)
    assert isinstance(news, Lost)
    assert "nothing listens" in str(news.words)


def test_a_listener_that_speaks_no_tls(listener: socket.socket) -> None:
    line = connection(config_of(listener))
    line.start()
    peer, _ = listener.accept()
    peer.sendall(b"220 mail.example ESMTP\r\n")
    news = line.news.get(timeout=DEADLINE_S)
    peer.close()
    assert isinstance(news, Lost)
    assert news.words


def test_whoever_says_nothing_is_waited_for_no_longer_than_stated(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TCP stands, for the kernel takes it; TLS never does."""
    waits_s: list[float | None] = []

    class Noted(ssl.SSLSocket):
        def settimeout(self, value: float | None, /) -> None:
            waits_s.append(value)
            super().settimeout(value)

    def connect(address: tuple[str, int], timeout: float, **more: Any) -> socket.socket:
        waits_s.append(timeout)
        return had(address, timeout, **more)

    had = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr("agent.io.connection.CONNECT_S", 0.01)
    line = connection(config_of(listener))
    line._tls.sslsocket_class = Noted
    line.start()
    news = line.news.get(timeout=DEADLINE_S)
    assert isinstance(news, Lost)
    assert "no answer from 127.0.0.1" in str(news.words)
    assert waits_s[:2] == [0.01, 0.01]


def test_the_wait_for_a_connection_is_long_enough_for_2g_and_over_before_the_uplink_gives_it_up(listener: socket.socket) -> None:
    round_trips_s = 4 * 2.0
    assert round_trips_s < CONNECT_S < 2 * CONNECT_S < config_of(listener).keepalive_s


def test_abandoned_before_it_stands_it_ends_without_a_word(listener: socket.socket) -> None:
    line = connection(config_of(listener))
    line.abandon()
    line.start()
    listener.accept()[0].close()
    line.join(DEADLINE_S)
    assert not line.is_alive()
    line.publish(Order("e0", "keyoff/sim-1/event/TripEnded", b"{}"))  # too late, and harmless
    line.abandon()


# -- against a broker that follows a script --------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "words"),
    [(0x87, "Not authorized: does it know unit sim-1?"), (0x89, "Server busy"), (0x97, "Quota exceeded"), (0x9F, "rate")],
)
def test_a_refused_connection_says_why(script: Script, code: int, words: str) -> None:
    broker = script(connack(code))
    broker.line.start()
    news = broker.news()
    assert isinstance(news, Lost)
    assert news.code == code
    assert words in str(news.words)


@pytest.mark.parametrize(("spoken", "other"), [("5", "3.1.1"), ("3.1.1", "5")])
def test_a_broker_of_another_version_is_told_with_the_one_to_set(script: Script, spoken: Protocol, other: str) -> None:
    """Code 1 of MQTT 3.1.1 §3.2.2.3, which also brokers say that know no MQTT 5."""
    broker = script(bytes([CONNACK, 2, 0, 1]), protocol=spoken)
    broker.line.start()
    news = broker.news()
    assert isinstance(news, Lost)
    assert f'set uplink.protocol = "{other}"' in str(news.words)
    assert "certificate" not in str(news.words)
    assert news.code == 0x84


@pytest.mark.parametrize(("code", "words"), [(0x8E, "another client is called sim-1"), (0x8B, "shutting down"), (0x95, "large")])
def test_a_connection_that_the_broker_ends_says_why(script: Script, code: int, words: str) -> None:
    broker = script(to_publish=lambda _: bytes([DISCONNECT, 1, code]))
    broker.line.start()
    assert broker.news() == Up(65_535)
    broker.line.publish(ORDER)
    news = broker.news()
    assert isinstance(news, Lost)
    assert news.code == code
    assert words in str(news.words)


@pytest.mark.parametrize("code", [0x00, 0x10, 0x87, 0x97, 0x99])
def test_each_publish_gets_its_own_answer(script: Script, code: int) -> None:
    broker = script(to_publish=lambda packet: bytes([PUBACK, 3, *identifier(packet), code]))
    broker.line.start()
    broker.news()
    for ref in ("e0", "e1"):
        broker.line.publish(ORDER._replace(ref=ref))
        news = broker.news()
        assert isinstance(news, Answered)
        assert (news.ref, news.code) == (ref, code)
    broker.line.finish()
    assert broker.news() == Lost(None)


def test_what_is_larger_than_the_broker_takes_is_not_sent(script: Script) -> None:
    """Exactly: a packet of the stated size goes out, one byte more does not."""
    most = 200
    broker = script(
        connack(properties=b"\x27" + most.to_bytes(4)), lambda packet: bytes([PUBACK, 3, *identifier(packet), 0])
    )  # fmt: skip
    broker.line.start()
    broker.news()
    payload = b"x" * (most - packet_bytes(ORDER, 0) - 100)
    while True:
        payload += b"x"
        broker.line.publish(ORDER._replace(payload=payload))
        news = broker.news()
        assert isinstance(news, Answered)
        if news.code:
            break
    assert (news.ref, news.code) == ("e0", 0x95)
    assert "201 bytes, and the broker takes 200" in news.reason
    assert max(len(packet) for packet in broker.packets if packet[0] & 0xF0 == PUBLISH) == most


@pytest.mark.parametrize("payload", [0, 60, 120, 130, 16_000, 16_400, 2_097_000, 2_097_300])
def test_a_packets_size_is_known_before_it_is_sent(script: Script, payload: int) -> None:
    """On both sides of each step of the length's own length."""
    broker = script(to_publish=lambda packet: bytes([PUBACK, 3, *identifier(packet), 0]))
    broker.line.start()
    broker.news()
    order = ORDER._replace(payload=b"x" * payload)
    broker.line.publish(order)
    broker.news()
    assert packet_bytes(order, len(beside(order).pack())) == len(broker.packets[-1])


def test_how_many_it_takes_unanswered(script: Script) -> None:
    broker = script(connack(properties=b"\x21" + (7).to_bytes(2)))
    broker.line.start()
    assert broker.news() == Up(7)


@pytest.mark.parametrize(("lacks", "code", "words"), [(b"\x24\0", 0x9B, "QoS 1"), (b"\x25\0", 0x9A, "retained messages")])
def test_a_broker_that_lacks_what_keyoff_needs_is_told(script: Script, lacks: bytes, code: int, words: str) -> None:
    broker = script(connack(properties=lacks))
    broker.line.start()
    news = broker.news()
    assert isinstance(news, Lost)
    assert news.code == code
    assert f"offers no {words}" in str(news.words)


@pytest.mark.parametrize(
    "rubbish", [b"\xff\xff\xff\xff\xff\xff", b"\x00\x00", b"\x40\x00", b"\xe0\x01\x42", b"\x40\x03\x00\x09\xee"]
)
def test_rubbish_ends_the_connection_and_nothing_else(script: Script, rubbish: bytes) -> None:
    broker = script(to_publish=lambda _: rubbish)
    broker.line.start()
    broker.news()
    broker.line.publish(ORDER)
    news = broker.news()
    assert isinstance(news, Lost)
    assert news.words
    broker.line.join(DEADLINE_S)
    assert not broker.line.is_alive()


def test_an_idle_line_that_died_is_found_out_after_two_keepalives(script: Script) -> None:
    """Nothing to send, nothing to acknowledge: a PINGREQ after one, which stays without an answer."""
    broker = script()
    broker.line.start()
    broker.news()
    news = broker.news()
    assert isinstance(news, Lost)
    assert [packet[0] & 0xF0 for packet in broker.packets[1:]] == [PINGREQ]


def test_given_up_during_the_handshake_it_never_says_connect(script: Script) -> None:
    """Else it would throw out the connection that was begun after it, which has the same name."""
    broker = script()
    broker.go.clear()
    broker.line.start()
    broker.line.abandon()
    broker.go.set()
    broker.line.join(DEADLINE_S)
    broker.join(DEADLINE_S)
    assert not broker.line.is_alive()
    assert broker.packets == []
