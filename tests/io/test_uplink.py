"""What is published, what counts as done, when it is tried again: without a network, and with time as an argument."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import ConfigError
from agent.io.connection import Order, Received, Subscribed
from agent.io.inbox import KEPT
from agent.io.patience import CAP_S, FIRST_S, LEAST
from agent.io.uplink import WINDOW
from agent.model import NS
from hil.ca import Authority
from tests.io.uplink_bench import BIRTH, LINK, NO_SUBSCRIBERS, UNIT, Bench, Line

Make = Callable[..., Bench]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ca")
    Authority(folder).client(UNIT)
    return folder


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
    bench.line.lose()
    bench.pump(1)
    assert (bench.uplink.state.connected, bench.uplink.state.in_flight) == (False, 0)
    assert bench.uplink.state.last_error == "the connection was lost"
    bench.up(at_s=12)
    assert bench.line.refs() == [BIRTH, LINK, "e1"]
    assert bench.line.orders[2] == first[3]
    assert bench.uplink.state.last_error is None


def test_reconnecting_backs_off_with_jitter_to_a_minute_at_most(make: Make) -> None:
    bench = make()
    bench.pump(0)
    waits_s: list[float] = []
    at_s = 0.0
    for _ in range(12):
        bench.line.lose("no answer")
        bench.pump(at_s)
        next_s = bench.tries_at(at_s)
        waits_s.append(next_s - at_s)
        at_s = next_s
    for wait_s, longest_s in zip(waits_s, [10, 20, 40, *[60] * 9], strict=True):
        assert LEAST * longest_s <= wait_s <= longest_s + 0.5
    assert len({round(wait_s) for wait_s in waits_s[-5:]}) > 1  # jitter
    assert bench.uplink.state.losses == 12


def test_a_fleet_comes_back_spread_over_the_first_wait(folder: Path) -> None:
    """Two hundred units lose their broker at one moment: no second of the window gets more than twice its share."""
    waits_s = []
    for seed in range(200):
        bench = Bench(folder, seed=seed)
        bench.up()
        bench.line.lose()
        bench.pump(0)
        waits_s.append(bench.tries_at(0))
    assert min(waits_s) >= LEAST * FIRST_S
    assert max(waits_s) <= FIRST_S + 0.2
    share = 200 / (FIRST_S - LEAST * FIRST_S)
    assert all(sum(int(each) == second for each in waits_s) <= 2 * share for second in range(int(FIRST_S)))


@pytest.mark.parametrize(("works", "longest_s"), [("e0", FIRST_S), (None, 4 * FIRST_S)])
def test_the_backoff_starts_over_with_an_events_acknowledgement(make: Make, works: str | None, longest_s: float) -> None:
    """That the broker takes the greetings says nothing: it may hang up on each event."""
    waits_s = []
    for seed in range(20):
        bench = make(events=2, seed=seed)
        for at_s in (0, 100):
            bench.pump(at_s)
            bench.line.lose("no answer")
            bench.pump(at_s)
        bench.up(at_s=200)
        bench.pump(200)
        if works:
            bench.line.answer(works)
        bench.line.lose()
        bench.pump(200)
        waits_s.append(bench.tries_at(200) - 200)
    assert longest_s / 2 < max(waits_s) <= longest_s + 0.5


def test_the_backoff_starts_over_after_a_minutes_connection(make: Make) -> None:
    bench = make()
    for at_s in (0, 100, 200):
        bench.pump(at_s)
        bench.line.lose("no answer")
        bench.pump(at_s)
    bench.up(at_s=300)
    bench.pump(300 + CAP_S)
    bench.line.lose()
    bench.pump(300 + CAP_S)
    assert bench.tries_at(300 + CAP_S) <= 300 + CAP_S + FIRST_S + 0.2


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
    bench.pump(171)
    assert len(bench.lines) == 2


def test_a_connection_that_does_not_come_to_be_is_given_up_after_a_keepalive(make: Make) -> None:
    bench = make(events=1)
    bench.pump(0)
    bench.pump(60)
    assert bench.line.ended == ""
    bench.pump(60.01)
    assert bench.line.ended == "abandoned"
    assert "has not let us in for 60 s" in str(bench.uplink.state.last_error)


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
    bench.line.lose(None)
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
    bench.up(at_s=10.01)
    bench.pump(10.02)
    assert bench.uplink.state.connected


# -- commands down -----------------------------------------------------------------------------------

COMMAND = f"keyoff/{UNIT}/command"


def test_commands_are_subscribed_to_at_each_connection_when_there_are_any(make: Make) -> None:
    bench = make()
    bench.up()
    assert bench.line.subscriptions == 0
    bench = make(takes_commands=True)
    bench.pump(0)
    assert bench.line.subscriptions == 0, "not before the broker lets us in"
    bench.up()
    assert bench.line.subscriptions == 1
    bench.line.lose()
    bench.up(bench.tries_at(1.0))
    assert len(bench.lines) == 2
    assert bench.line.subscriptions == 1


def test_a_command_is_acknowledged_when_it_was_taken(make: Make) -> None:
    bench = make(takes_commands=True)
    bench.up()
    bench.line.news.put(Received(b"a", 7, 1))
    bench.line.news.put(Received(b"b", 8, 1))
    bench.pump(1)
    assert bench.uplink.commands(1) == [b"a"]
    assert bench.line.acknowledged == []
    bench.uplink.took(b"a")
    bench.uplink.took(b"a")
    assert bench.line.acknowledged == [7]
    assert bench.uplink.commands(9) == [b"b"]


def test_what_was_taken_after_its_connection_ended_comes_again(make: Make) -> None:
    bench = make(takes_commands=True)
    bench.up()
    bench.line.news.put(Received(b"a", 7, 1))
    bench.pump(1)
    bench.line.lose()
    bench.up(bench.tries_at(2.0))
    assert bench.uplink.commands(9) == []
    bench.uplink.took(b"a")
    assert bench.line.acknowledged == [], "its number means nothing on this connection"
    bench.line.news.put(Received(b"a", 3, 1))
    bench.pump(100)
    bench.uplink.took(b"a")
    assert bench.line.acknowledged == [3]


def test_a_refused_subscription_is_told_and_the_events_go_on(make: Make) -> None:
    bench = make(takes_commands=True, events=1)
    bench.up()
    bench.line.news.put(Subscribed("Not authorized"))
    bench.line.answer("e0")
    bench.pump(1)
    assert bench.done == ["e0"]
    assert bench.uplink.state.connected
    assert bench.uplink.state.last_error == f"broker brings no commands: Not authorized: may {UNIT} read {COMMAND}?"
    bench.line.news.put(Subscribed(None))
    bench.pump(2)
    assert bench.uplink.state.last_error is None


def test_a_refused_subscription_is_forgotten_with_its_connection(make: Make) -> None:
    bench = make(takes_commands=True)
    bench.up()
    bench.line.news.put(Subscribed("Not authorized"))
    bench.pump(1)
    bench.line.lose("the connection was lost")
    bench.pump(2)
    assert bench.uplink.state.last_error == "the connection was lost"


def test_what_a_kept_session_brings_to_a_unit_without_commands_is_let_go(make: Make) -> None:
    bench = make()
    bench.up()
    bench.line.news.put(Received(b"a", 7, 1))
    bench.pump(1)
    assert bench.uplink.commands(9) == []
    assert bench.line.acknowledged == [7]


def test_more_than_there_is_room_for_is_left_to_the_broker_and_counted(make: Make) -> None:
    bench = make(takes_commands=True)
    bench.up()
    for n in range(KEPT + 3):
        bench.line.news.put(Received(b"%d" % n, n + 1, 1))
    bench.pump(1)
    assert len(bench.uplink.commands(1000)) == KEPT
    assert bench.uplink.state.commands_left == 3
