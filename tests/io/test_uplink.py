"""What is published, what counts as done, when it is tried again: without a network, and with time as an argument."""

from __future__ import annotations

import json
import random
import ssl
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import ConfigError, UplinkConfig
from agent.io.connection import Answered, Connection, Lost, Order, Up
from agent.io.identity import Identity
from agent.io.uplink import REFUSED_CAP_S, WINDOW, Outgoing, Uplink
from agent.model import NS
from hil.ca import Authority

UNIT = "sim-1"
BIRTH, LINK = f"keyoff/{UNIT}/birth", f"keyoff/{UNIT}/link"
NOT_AUTHORIZED, NO_SUBSCRIBERS = 135, 16


class Line(Connection):
    """A connection to nowhere: it keeps its orders, and the test says what happens."""

    def __init__(self, config: UplinkConfig, tls: ssl.SSLContext, unit: str, told: threading.Event) -> None:
        super().__init__(config, tls, unit, told)
        self.orders: list[Order] = []
        self.ended = ""

    def start(self) -> None:
        """Not a thread."""

    def join(self, timeout: float | None = None) -> None:
        """Nothing to wait for."""

    def publish(self, order: Order) -> None:
        self.orders.append(order)

    def finish(self) -> None:
        self.ended = self.ended or "finished"

    def abandon(self) -> None:
        self.ended = self.ended or "abandoned"

    def answer(self, *refs: str, code: int = 0) -> None:
        for ref in refs:
            self.news.put(Answered(ref, code, "Not authorized" if code == NOT_AUTHORIZED else "Success"))

    def refs(self) -> list[str]:
        return [order.ref for order in self.orders]


class Bench:
    """An uplink over pretended connections, with an outbox in memory; `at` is the time in seconds."""

    def __init__(self, folder: Path, protocol: Literal["5", "3.1.1"] = "5", events: int = 0, keepalive_s: int = 60) -> None:
        self.lines: list[Line] = []
        self.events = {f"e{n}": Outgoing(n, f"e{n}", "TripEnded", b'{"n":%d}' % n) for n in range(events)}
        self.done: list[str] = []
        config = UplinkConfig(
            host="broker", protocol=protocol, ca="ca.pem", certificate=f"{UNIT}.pem", key=f"{UNIT}.key", keepalive_s=keepalive_s
        )
        identity = Identity.load(config, folder, UNIT, None)
        chance = random.Random(1)
        birth = {"software": "1.2.3"}
        self.uplink = Uplink(config, folder, UNIT, identity, self, birth, chance=chance, connect=self.connect)
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ca")
    Authority(folder).client(UNIT)
    return folder


Make = Callable[..., Bench]


@pytest.fixture
def make(folder: Path) -> Make:
    return lambda *args, **settings: Bench(folder, *args, **settings)


def test_nothing_is_published_before_the_broker_lets_us_in(make: Make) -> None:
    bench = make(events=3)
    bench.pump(0)
    bench.pump(1)
    assert len(bench.lines) == 1
    assert bench.line.orders == []
    assert not bench.uplink.state.connected


def test_birth_and_link_go_first_then_events_in_the_outboxs_order(make: Make) -> None:
    bench = make(events=3)
    bench.up()
    assert bench.line.refs() == [BIRTH, LINK, "e0", "e1", "e2"]
    birth, link, event = bench.line.orders[:3]
    assert (birth.topic, birth.retain, link.topic, link.retain) == (BIRTH, True, LINK, True)
    assert (event.topic, event.retain, event.payload) == (f"keyoff/{UNIT}/event/TripEnded", False, b'{"n":0}')
    said = json.loads(birth.payload)
    assert (said["unit"], said["software"], said["protocol"], len(said["x5c"])) == (UNIT, "1.2.3", "5", 1)
    assert birth.jws is not None
    assert event.jws is not None
    assert json.loads(link.payload) == {"online": True}


def test_on_mqtt_3_1_1_the_payload_is_the_signature(make: Make) -> None:
    bench = make("3.1.1", events=1)
    bench.up()
    birth, link, event = bench.line.orders
    assert birth.payload.count(b".") == event.payload.count(b".") == 2
    assert birth.jws is event.jws is link.jws is None


@given(events=st.integers(0, 60), receive_maximum=st.integers(1, 65_535), answered=st.lists(st.integers(1, 30), max_size=8))
def test_never_more_in_flight_than_the_window(folder: Path, events: int, receive_maximum: int, answered: list[int]) -> None:
    bench = Bench(folder, events=events)
    bench.up(receive_maximum=receive_maximum)
    for count in answered:
        bench.line.answer(*[ref for ref in bench.line.refs() if ref not in bench.done][:count])
        bench.pump(0)
        assert bench.uplink.state.in_flight <= min(WINDOW, receive_maximum)
    events_sent = [ref for ref in bench.line.refs() if ref in bench.events]
    assert len(events_sent) == len(set(events_sent))


def test_an_event_is_done_on_its_own_answer_only(make: Make) -> None:
    bench = make(events=3)
    bench.up()
    bench.line.answer("e1")
    bench.line.answer("e2", code=NO_SUBSCRIBERS)
    bench.line.answer("e9")
    bench.pump(5)
    assert bench.done == ["e1", "e2"]
    assert bench.uplink.state.last_ack_ns == 5 * NS
    assert bench.uplink.state.acknowledged == 2


def test_what_was_in_flight_goes_out_again_with_the_same_bytes(make: Make) -> None:
    bench = make(events=2)
    bench.up()
    first = bench.line.orders
    bench.line.answer("e0")
    bench.line.news.put(Lost("the connection was lost"))
    bench.pump(1)
    assert (bench.uplink.state.connected, bench.uplink.state.in_flight) == (False, 0)
    assert bench.uplink.state.last_error == "the connection was lost"
    bench.up(at_s=3)
    assert bench.line.refs() == [BIRTH, LINK, "e1"]
    assert bench.line.orders[2] == first[3]
    assert bench.uplink.state.last_error is None


def test_reconnecting_backs_off_with_jitter_to_a_minute_at_most(make: Make) -> None:
    bench = make()
    waits_s: list[float] = []
    at_s = lost_s = 0.0
    while len(bench.lines) < 12:
        before = len(bench.lines)
        bench.pump(at_s)
        if len(bench.lines) > before:
            waits_s.append(at_s - lost_s)
            bench.line.news.put(Lost("no answer"))
            bench.pump(at_s)
            lost_s = at_s
        at_s += 0.05
    for wait_s, longest_s in zip(waits_s[1:], [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60], strict=True):
        assert longest_s / 2 <= wait_s <= longest_s + 0.1
    assert len({round(wait_s) for wait_s in waits_s[-5:]}) > 1  # jitter
    assert bench.uplink.state.losses == 12


def test_the_backoff_starts_over_once_something_was_acknowledged(make: Make) -> None:
    bench = make()
    for at_s in (0, 100, 200):
        bench.pump(at_s)
        bench.line.news.put(Lost("no answer"))
        bench.pump(at_s)
    bench.up(at_s=300)
    bench.line.news.put(Lost("the connection was lost"))
    bench.pump(300)
    bench.pump(301.01)
    assert len(bench.lines) == 5


def test_a_refused_event_is_kept_told_and_tried_again_later(make: Make) -> None:
    bench = make(events=2)
    bench.up()
    bench.line.answer("e0", code=NOT_AUTHORIZED)
    bench.line.answer("e1")
    bench.pump(10)
    assert bench.done == ["e1"]
    assert bench.uplink.state.refused == 1
    assert "e0" in str(bench.uplink.state.last_error)
    assert bench.line.refs().count("e0") == 1
    bench.pump(11.01)
    assert bench.line.refs().count("e0") == 2
    bench.line.answer("e0")
    bench.pump(12)
    bench.pump(13)
    assert bench.done == ["e1", "e0"]
    assert bench.uplink.state.last_error is None


def test_while_everything_is_refused_one_event_at_a_time_is_tried_and_ever_more_seldom(make: Make) -> None:
    bench = make(events=100)
    bench.up()
    first = [ref for ref in bench.line.refs() if ref in bench.events]
    for second in range(3600):
        bench.line.answer(*[ref for ref in bench.line.refs()[-WINDOW:] if ref in bench.events], code=NOT_AUTHORIZED)
        bench.pump(second)
        assert bench.uplink.state.in_flight <= (WINDOW if second == 0 else 1)
    probes = len(bench.line.refs()) - len(first) - 2
    assert 3600 / 60 <= probes <= 2 * 3600 / 60 + 10
    assert bench.done == []


def test_what_was_refused_does_not_block_what_stands_behind_it_when_the_broker_hangs_up(make: Make) -> None:
    bench = make(events=3)
    bench.up()
    bench.line.answer("e0", code=NOT_AUTHORIZED)
    bench.line.news.put(Lost("the connection was lost"))
    bench.pump(0)
    bench.up(at_s=1.01)
    assert bench.line.refs() == [BIRTH, LINK, "e1"]  # e0's time has come too, but e1 was never refused
    bench.line.answer("e1")
    bench.pump(1.02)
    assert bench.line.refs()[3:] == ["e2"]
    bench.line.answer("e2")
    bench.pump(1.03)
    assert bench.line.refs()[4:] == ["e0"]


def test_a_refused_birth_is_told_and_holds_no_event_up(make: Make) -> None:
    bench = make(events=30)
    bench.pump(0)
    bench.line.news.put(Up(WINDOW))
    bench.pump(0)
    bench.line.answer(BIRTH, code=NOT_AUTHORIZED)
    bench.line.answer(LINK)
    bench.pump(0.1)
    assert BIRTH in str(bench.uplink.state.last_error)
    assert len([ref for ref in bench.line.refs() if ref in bench.events]) == WINDOW
    bench.line.answer("e0")
    bench.pump(1.2)
    assert bench.line.refs().count(BIRTH) == 2
    assert bench.uplink.state.connected


def test_a_refusal_is_forgotten_when_its_event_left_the_outbox(make: Make) -> None:
    bench = make(events=1)
    bench.up()
    bench.line.answer("e0", code=NOT_AUTHORIZED)
    bench.pump(0)
    del bench.events["e0"]
    bench.pump(REFUSED_CAP_S + 2)
    assert bench.uplink.state.last_error is None


def test_a_link_without_answers_is_given_up_after_a_keepalive(make: Make) -> None:
    bench = make(events=1)
    bench.up(at_s=100)
    bench.pump(100)
    bench.pump(160)
    assert bench.uplink.state.connected
    bench.pump(160.01)
    assert bench.line.ended == "abandoned"
    assert not bench.uplink.state.connected
    assert "acknowledged nothing for 60 s" in str(bench.uplink.state.last_error)
    bench.pump(161.02)
    assert len(bench.lines) == 2


def test_an_idle_link_is_not_given_up(make: Make) -> None:
    bench = make()
    bench.up()
    bench.pump(1)
    bench.pump(100_000)
    assert bench.uplink.state.connected


def test_a_tidy_stop_says_offline_and_takes_in_the_last_answers(make: Make) -> None:
    bench = make(events=2)
    bench.up()
    bench.pump(1)
    bench.line.answer("e0")
    bench.line.answer(LINK)
    bench.line.news.put(Lost(None))
    bench.uplink.stop(1.0)
    assert bench.line.orders[-1] == Order(LINK, LINK, b'{"online":false}', retain=True)
    assert bench.line.ended == "finished"
    assert bench.done == ["e0"]
    assert (bench.uplink.state.connected, bench.uplink.state.in_flight, bench.uplink.state.last_error) == (False, 0, None)
    bench.pump(1000)
    assert len(bench.lines) == 1


def test_a_stop_before_the_connection_stands_waits_for_nothing(make: Make) -> None:
    bench = make(events=1)
    bench.pump(0)
    bench.uplink.stop(1.0)
    assert bench.line.ended == "abandoned"
    assert bench.line.orders == []


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("no certificate")])
def test_a_bad_ca_file_is_the_operators_to_mend(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    Authority(tmp_path).client(UNIT)
    spoil(tmp_path / "ca.pem")
    with pytest.raises(ConfigError, match=r"^uplink\.ca: .*ca\.pem"):
        Bench(tmp_path)


@pytest.mark.parametrize("keepalive_s", [0, -1, 65_536])
def test_a_keepalive_that_watches_nothing_is_refused(make: Make, keepalive_s: int) -> None:
    with pytest.raises(ConfigError, match=r"uplink\.keepalive_s"):
        make(keepalive_s=keepalive_s)


def test_a_machine_without_threads_to_spare_only_lacks_its_uplink(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Line) -> None:
        raise RuntimeError("can't start new thread")

    bench = make()
    with monkeypatch.context() as patch:
        patch.setattr(Line, "start", fail)
        bench.pump(0)
    assert "can't start new thread" in str(bench.uplink.state.last_error)
    bench.up(at_s=1.01)
    bench.pump(1.02)
    assert bench.uplink.state.connected
