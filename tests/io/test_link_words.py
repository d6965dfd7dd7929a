"""What is said when there is no connection: in plain words, with the fix."""

from __future__ import annotations

import socket
import ssl

import pytest

from agent.config import UplinkConfig
from agent.io.link_words import explain, failure, refusal

CONFIG = UplinkConfig(host="broker", ca="ca.pem", certificate="sim-1.pem", key="sim-1.key")


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
