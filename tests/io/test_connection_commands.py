"""What a connection does with what comes down: it is handed on, and acknowledged when we say so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.io.connection import (
    COMMAND_PACKET_BYTES,
    RECEIVE_MAXIMUM,
    Received,
    Subscribed,
    Up,
)
from tests.io.scripted import (
    DEADLINE_S,
    ORDER,
    PUBACK,
    PUBLISH,
    Script,
    Scripted,
    connack,
)

SUBSCRIBE, SUBACK = 0x80, 0x90
TOPIC = "keyoff/sim-1/command"


def suback(packet: bytes, code: int) -> bytes:
    return bytes([SUBACK, 4, *packet[2:4], 0, code])


def delivery(payload: bytes, mid: int = 7, topic: bytes = TOPIC.encode(), qos: int = 1) -> bytes:
    """A PUBLISH as a broker sends it."""
    number = mid.to_bytes(2) if qos else b""
    rest = len(topic).to_bytes(2) + topic + number + b"\0" + payload
    return bytes([PUBLISH | qos << 1, len(rest)]) + rest


@pytest.fixture
def commanding(tmp_path: Path) -> Callable[[int, bytes], Scripted]:
    """Starts a broker that answers a subscription with `code`, and then sends `packets`."""

    def start(code: int, packets: bytes = b"") -> Scripted:
        def answer(packet: bytes) -> bytes:
            match packet[0] & 0xF0:
                case 0x10:
                    return connack()
                case 0x80:
                    return suback(packet, code) + packets
                case _:
                    return b""

        broker = Scripted(tmp_path, answer)
        broker.start()
        broker.line.start()
        assert broker.news() == Up(65_535)
        broker.line.subscribe()
        return broker

    return start


Commanding = Callable[..., Scripted]


def until(broker: Scripted, kind: int) -> bytes:
    """The first packet of this kind that the broker read."""
    pause = threading.Event()
    for _ in range(round(DEADLINE_S / 0.02)):
        found = [packet for packet in broker.packets if packet[0] & 0xF0 == kind]
        if found:
            return found[0]
        pause.wait(0.02)
    pytest.fail(f"no packet {kind:#x} in {broker.packets}")


def test_a_message_is_acknowledged_when_we_say_so_and_not_before(commanding: Commanding) -> None:
    broker = commanding(1, delivery(b"a command"))
    assert broker.news() == Subscribed(None)
    news = broker.news()
    assert news == Received(b"a command", 7, 1)
    broker.line.publish(ORDER)  # what was asked for after the message has passed
    until(broker, PUBLISH)
    assert PUBACK not in {packet[0] & 0xF0 for packet in broker.packets}
    broker.line.acknowledge(news)
    assert until(broker, PUBACK)[2:4] == (7).to_bytes(2)


def test_a_message_at_qos_2_is_ended_as_it_should_be(tmp_path: Path) -> None:
    """We ask for QoS 1; amqtt was seen to send what it likes."""

    def answer(packet: bytes) -> bytes:
        match packet[0] & 0xF0:
            case 0x10:
                return connack()
            case 0x80:
                return suback(packet, 2) + delivery(b"x", qos=2)
            case 0x50:
                return bytes([0x62, 2]) + packet[2:4]  # PUBREC → PUBREL
            case _:
                return b""

    broker = Scripted(tmp_path, answer)
    broker.start()
    broker.line.start()
    broker.news()
    broker.line.subscribe()
    broker.news()
    news = broker.news()
    assert news == Received(b"x", 7, 2)
    broker.line.acknowledge(news)
    assert until(broker, 0x70)[2:4] == (7).to_bytes(2)


def test_at_qos_0_there_is_nothing_to_acknowledge(commanding: Commanding) -> None:
    broker = commanding(1, delivery(b"x", qos=0))
    broker.news()
    news = broker.news()
    assert news == Received(b"x", 0, 0)
    broker.line.acknowledge(news)
    broker.line.publish(ORDER)
    until(broker, PUBLISH)
    assert PUBACK not in {packet[0] & 0xF0 for packet in broker.packets}


@pytest.mark.parametrize("code", [0x80, 0x87, 0x97])
def test_a_refused_subscription_leaves_the_connection_up(commanding: Commanding, code: int) -> None:
    broker = commanding(code)
    news = broker.news()
    assert isinstance(news, Subscribed)
    assert news.refusal
    broker.line.publish(ORDER)
    until(broker, PUBLISH)
    assert broker.line.is_alive()


@pytest.mark.parametrize("topic", [b"\xff\xfe", b"keyoff/sim-2/command", b"keyoff/sim-1/birth"])
def test_a_message_on_another_topic_is_acknowledged_and_nothing_else(commanding: Commanding, topic: bytes) -> None:
    broker = commanding(1, delivery(b"x", topic=topic) + delivery(b"y", mid=8))
    broker.news()
    assert broker.news() == Received(b"y", 8, 1)
    assert until(broker, PUBACK)[2:4] == (7).to_bytes(2)


def test_what_a_kept_session_brings_before_we_subscribe_is_a_command_too(script: Script) -> None:
    broker = script(connack() + delivery(b"x"))
    broker.line.start()
    assert broker.news() == Up(65_535)
    assert broker.news() == Received(b"x", 7, 1)


def test_it_says_how_much_it_takes(commanding: Commanding) -> None:
    """The broker holds back what is larger, and more than a unit's memory should hold unacknowledged."""
    connect = commanding(1).packets[0]
    assert b"\x21" + RECEIVE_MAXIMUM.to_bytes(2) in connect
    assert b"\x27" + COMMAND_PACKET_BYTES.to_bytes(4) in connect
