"""What waits to be taken: once each, bounded, and gone with its connection."""

from __future__ import annotations

import ssl
import threading

import pytest

from agent.config import UplinkConfig
from agent.io.commands import MAX_BYTES
from agent.io.connection import Received
from agent.io.inbox import KEPT, Inbox
from tests.io.uplink_bench import UNIT, Line


@pytest.fixture
def line() -> Line:
    return Line(UplinkConfig("broker", "ca", "cert", "key"), ssl.create_default_context(), UNIT, threading.Event())


@pytest.fixture
def inbox(line: Line) -> Inbox:
    inbox = Inbox("broker", UNIT, wanted=True)
    inbox.begin(line)
    return inbox


def test_the_oldest_waits_first_until_it_is_taken(inbox: Inbox, line: Line) -> None:
    for n in range(3):
        inbox.hear(Received(b"%d" % n, n + 1, 1))
    assert inbox.waiting(2) == [b"0", b"1"]
    inbox.took(b"0")
    inbox.took(b"0")
    assert inbox.waiting(9) == [b"1", b"2"]
    assert line.acknowledged == [1]


def test_what_comes_twice_waits_once_and_is_acknowledged_as_it_came_last(inbox: Inbox, line: Line) -> None:
    inbox.hear(Received(b"a", 1, 1))
    inbox.hear(Received(b"a", 2, 1))
    assert inbox.waiting(9) == [b"a"]
    inbox.took(b"a")
    assert line.acknowledged == [2]


def test_beyond_its_room_the_broker_keeps_it(inbox: Inbox, line: Line) -> None:
    for n in range(KEPT + 5):
        inbox.hear(Received(b"%d" % n, n + 1, 1))
    assert len(inbox.waiting(1000)) == KEPT
    assert inbox.left == 5
    inbox.hear(Received(b"0", 999, 1))
    assert inbox.left == 5, "there is room for what is there already"
    assert line.acknowledged == []


def test_what_is_too_large_takes_no_more_room_than_the_largest(inbox: Inbox, line: Line) -> None:
    inbox.hear(Received(b"x" * 10_000_000, 1, 1))
    (payload,) = inbox.waiting(1)
    assert len(payload) == MAX_BYTES + 1, "enough to be refused for it"
    inbox.took(payload)
    assert line.acknowledged == [1]


def test_with_its_connection_all_of_it_goes(inbox: Inbox, line: Line) -> None:
    inbox.hear(Received(b"a", 1, 1))
    inbox.end()
    assert inbox.waiting(9) == []
    inbox.took(b"a")
    assert line.acknowledged == []
