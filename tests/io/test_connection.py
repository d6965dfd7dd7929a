"""What a connection says when it cannot be had. (What it does when it can: tests/contract/test_broker.py.)"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from agent.config import UplinkConfig
from agent.io.connection import Connection, Lost, Order, explain, failure, refusal

CONFIG = UplinkConfig(host="broker", ca="ca.pem", certificate="sim-1.pem", key="sim-1.key")
DEADLINE_S = 30.0


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def config_of(listener: socket.socket) -> UplinkConfig:
    return UplinkConfig(host="127.0.0.1", port=listener.getsockname()[1], ca="ca", certificate="sim-1.pem", key="key")


def connection(config: UplinkConfig) -> Connection:
    return Connection(config, ssl.create_default_context(), "sim-1", threading.Event())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "nothing listens at broker:8883: check uplink.host"),
        (socket.gaierror(-2, "Name or service not known"), "no address for broker: check uplink.host"),
        (TimeoutError("timed out"), "no answer from broker:8883"),
        (OSError(113, "No route to host"), "the connection to broker:8883 broke: [Errno 113] No route to host"),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca"), "refuses uplink.certificate sim-1.pem"),
        (RuntimeError("?"), "no connection to broker:8883: RuntimeError('?')"),
    ],
)
def test_why_there_is_no_connection(error: Exception, words: str) -> None:
    assert words in explain(error, CONFIG)


def test_a_tls_alert_about_our_certificate_names_it() -> None:
    text = "failed to receive on socket: [SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required"
    assert "sim-1.pem" in failure(text, CONFIG)
    assert "sim-1.pem" not in failure("failed to receive on socket: [SSL: TLSV1_ALERT_INTERNAL_ERROR]", CONFIG)


def test_what_the_broker_said_comes_with_its_usual_cause() -> None:
    assert refusal("Session taken over", CONFIG, "sim-1").endswith(
        "another client is called sim-1: two units with one certificate?"
    )
    assert refusal("Quota exceeded", CONFIG, "sim-1") == "broker:8883 says: Quota exceeded"


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


def test_abandoned_before_it_stands_it_ends_without_a_word(listener: socket.socket) -> None:
    line = connection(config_of(listener))
    line.abandon()
    line.start()
    listener.accept()[0].close()
    line.join(DEADLINE_S)
    assert not line.is_alive()
    line.publish(Order("e0", "keyoff/sim-1/event/TripEnded", b"{}"))  # too late, and harmless
    line.abandon()
