"""What the uplink does when the broker refuses, hangs up or says why: nothing is lost, nothing loops hot."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.io.connection import Up
from agent.io.patience import CAP_S, FIRST_S, LEAST, MEND_CAP_S, delay_ns
from agent.io.uplink import WINDOW
from agent.model import NS
from hil.ca import Authority
from tests.io.uplink_bench import BIRTH, LINK, NOT_AUTHORIZED, UNIT, Bench

Make = Callable[..., Bench]

QUOTA, TOO_LARGE = 0x97, 0x95


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ca")
    Authority(folder).client(UNIT)
    return folder


@pytest.fixture
def make(folder: Path) -> Make:
    return lambda *args, **settings: Bench(folder, *args, **settings)


# -- waits -----------------------------------------------------------------------------------------


@given(times=st.integers(1, 10_000), cap_s=st.sampled_from([CAP_S, MEND_CAP_S]), seed=st.integers())
def test_a_wait_is_never_hot_and_never_longer_than_its_cap(times: int, cap_s: float, seed: int) -> None:
    longest_s = min(cap_s, FIRST_S * 2.0 ** min(times - 1, 30))
    assert LEAST * longest_s * NS - 1 <= delay_ns(times, cap_s, random.Random(seed)) <= longest_s * NS
    assert LEAST * FIRST_S >= 1.0


AT_ONCE, CAPPED, MEND, LONG = (
    (1.0, 10.0, 60.0),  # seconds: the least of the first wait, its most, the most after many
    (6.0, 60.0, 60.0),
    (1.0, 10.0, 600.0),
    (60.0, 600.0, 600.0),
)


@pytest.mark.parametrize(
    ("greeted", "code", "waits"),
    [
        *((False, code, MEND) for code in (0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C, 0x90, 0x9A, 0x9B, 0x9C, 0x9D)),
        *((False, code, CAPPED) for code in (0x89, 0x97, 0x9F)),
        *((False, code, AT_ONCE) for code in (None, 0x80, 0x88)),
        *((True, code, CAPPED) for code in (0x89, 0x96, 0x97, 0x9F)),
        *((True, code, AT_ONCE) for code in (None, 0x82, 0x87, 0x88, 0x8B, 0x8D, 0x93, 0x95, 0x98, 0xA0)),
        *((True, code, MEND) for code in (0x9C, 0x9D)),
        (True, 0x8E, LONG),
    ],
)
def test_each_reason_for_an_end_has_its_backoff(
    folder: Path, greeted: bool, code: int | None, waits: tuple[float, float, float]
) -> None:
    least_s, most_s, in_the_end_s = waits
    first_s: list[float] = []
    later_s: list[float] = []
    for seed in range(8):
        bench = Bench(folder, events=3, seed=seed)
        at_s = 0.0
        bench.pump(at_s)
        for times in range(8):
            if greeted:
                bench.up(at_s=at_s)
            bench.line.lose("said so", code)
            bench.pump(at_s)
            lost_s, at_s = at_s, bench.tries_at(at_s)
            (first_s if times == 0 else later_s).append(at_s - lost_s)
        assert bench.done == []
        assert "said so" in str(bench.uplink.state.last_error)
    assert least_s <= min(first_s) <= max(first_s) <= most_s + 0.5
    assert in_the_end_s / 2 < max(later_s) <= in_the_end_s + 0.5


# -- a publish that is refused ---------------------------------------------------------------------


def test_a_refused_event_is_kept_told_and_tried_again_later(make: Make) -> None:
    bench = make(events=2)
    bench.up()
    bench.line.answer("e0", code=NOT_AUTHORIZED)
    bench.line.answer("e1")
    bench.pump(10)
    assert bench.done == ["e1"]
    assert (bench.uplink.state.refused, bench.uplink.state.set_aside) == (1, 1)
    assert f"refuses e0: Not authorized: may {UNIT} publish below" in str(bench.uplink.state.last_error)
    assert bench.line.refs().count("e0") == 1
    bench.pump(20.01)
    assert bench.line.refs().count("e0") == 2
    bench.line.answer("e0")
    bench.pump(21)
    assert bench.done == ["e1", "e0"]
    assert (bench.uplink.state.last_error, bench.uplink.state.set_aside) == (None, 0)


def test_while_everything_is_refused_one_event_at_a_time_is_tried_and_ever_more_seldom(make: Make) -> None:
    bench = make(events=100)
    bench.up()
    bench.pump(0)
    for second in range(3600):
        bench.line.answer(*bench.sent[-WINDOW:], code=NOT_AUTHORIZED)
        bench.pump(second)
        assert bench.uplink.state.in_flight <= (WINDOW if second == 0 else 1)
    probes = len(bench.sent) - WINDOW
    assert 3600 / CAP_S <= probes <= 3600 / CAP_S * 4
    assert bench.done == []


def test_what_was_refused_does_not_block_what_stands_behind_it_when_the_broker_hangs_up(make: Make) -> None:
    bench = make(events=3)
    bench.up()
    bench.line.answer("e0", code=NOT_AUTHORIZED)
    bench.line.lose()
    bench.pump(0)
    bench.up(at_s=20)
    assert bench.line.refs() == [BIRTH, LINK, "e1"]  # e0's time has come too, but e1 was never refused
    bench.line.answer("e1")
    bench.pump(20.1)
    assert bench.sent == ["e1", "e2"]
    bench.line.answer("e2")
    bench.pump(20.2)
    assert bench.sent == ["e1", "e2", "e0"]


def test_a_refused_birth_is_told_and_holds_no_event_up(make: Make) -> None:
    bench = make(events=30)
    bench.pump(0)
    bench.line.news.put(Up(WINDOW))
    bench.pump(0)
    bench.line.answer(BIRTH, code=NOT_AUTHORIZED)
    bench.line.answer(LINK)
    bench.pump(0.1)
    assert BIRTH in str(bench.uplink.state.last_error)
    assert len(bench.sent) == WINDOW
    bench.line.answer("e0")
    bench.pump(10.2)
    assert bench.line.refs().count(BIRTH) == 2
    assert bench.uplink.state.connected


def test_a_refusal_is_forgotten_when_its_event_left_the_outbox(make: Make) -> None:
    bench = make(events=1)
    bench.up()
    bench.line.answer("e0", code=NOT_AUTHORIZED)
    bench.pump(0)
    del bench.events["e0"]
    bench.pump(FIRST_S + 0.1)
    bench.pump(FIRST_S + 0.2)
    assert bench.uplink.state.last_error is None


def test_a_quota_is_no_events_fault(make: Make) -> None:
    """Nothing is put off, and the order stays; all wait, then one goes as a probe, and after it all the others."""
    bench = make(events=30)
    bench.up()
    bench.pump(0)
    bench.line.answer(*bench.sent, code=QUOTA)
    bench.pump(0.5)
    assert (bench.uplink.state.set_aside, bench.uplink.state.in_flight) == (0, 0)
    assert "all events wait" in str(bench.uplink.state.last_error)
    bench.pump(0.9)
    assert len(bench.sent) == WINDOW
    bench.pump(CAP_S + 1)
    assert bench.sent[WINDOW:] == ["e0"]
    bench.line.answer("e0")
    bench.pump(CAP_S + 1.1)
    assert bench.sent[WINDOW:] == [f"e{n}" for n in range(21)]
    assert bench.uplink.state.last_error is None


@pytest.mark.parametrize("code", [NOT_AUTHORIZED, QUOTA, TOO_LARGE])
def test_a_greeting_that_is_refused_is_not_said_again_at_once(make: Make, code: int) -> None:
    bench = make()
    bench.pump(0)
    bench.line.news.put(Up(WINDOW))
    bench.pump(0)
    bench.line.answer(BIRTH, code=code)
    bench.line.answer(LINK)
    for tenth in range(10):
        bench.pump(tenth / 10)
    assert bench.line.refs() == [BIRTH, LINK]
    bench.pump(MEND_CAP_S + 1)
    assert bench.line.refs() == [BIRTH, LINK, BIRTH]


@pytest.mark.parametrize("code", [0x90, TOO_LARGE, 0x99])
def test_what_can_never_be_sent_is_set_aside_and_the_others_go_on_at_full_width(make: Make, code: int) -> None:
    bench = make(events=100)
    bench.up()
    bench.pump(0)
    bench.line.answer("e0", "e1", code=code)
    bench.pump(0.1)
    assert bench.uplink.state.in_flight == WINDOW
    assert bench.uplink.state.set_aside == 2
    assert "refuses e0: reason" in str(bench.uplink.state.last_error)
    assert "(and 1 more)" in str(bench.uplink.state.last_error)
    while len(bench.done) < 98:
        bench.line.answer(*[ref for ref in bench.sent if ref not in ("e0", "e1")])
        bench.pump(0.2)
    bench.pump(59)
    assert sorted(bench.sent) == sorted(bench.events)  # each once: nothing was tried again within a minute
    bench.pump(MEND_CAP_S + 1)
    assert len(bench.sent) == 101


# -- a publish that breaks connections -------------------------------------------------------------


def test_an_event_that_breaks_connections_is_found_and_the_others_pass(make: Make) -> None:
    """A 3.1.1 broker that hangs up on what it does not like, without a word: here, on e2."""
    bench = make("3.1.1", events=30)
    at_s = 0.0
    while len(bench.done) < 29:
        assert at_s < 600
        bench.pump(at_s)
        if not bench.uplink.state.connected:
            if not bench.line.orders:
                bench.line.news.put(Up(65_535))
        elif bench.uplink.state.in_flight:
            bench.line.answer(*before_the_poison(bench))
            if "e2" in bench.line.refs():
                bench.line.lose()
        at_s += 0.5
    assert "e2" not in bench.done
    assert len(bench.lines) <= 6
    assert "connections break when e2 is sent" in str(bench.uplink.state.last_error)
    assert bench.uplink.state.set_aside == 1


def before_the_poison(bench: Bench) -> list[str]:
    refs = bench.line.refs()
    return [ref for ref in refs[: refs.index("e2") if "e2" in refs else None] if ref not in bench.done]


def test_an_event_that_breaks_connections_does_so_ever_more_seldom(make: Make) -> None:
    bench = make(events=1)
    at_s = 0.0
    for _ in range(30):
        bench.up(at_s=at_s)
        bench.pump(at_s)
        if bench.sent:
            bench.line.lose()
            bench.pump(at_s)
            at_s = bench.tries_at(at_s)
        else:
            at_s += 60
    assert len(bench.lines) < 12


def test_a_broker_that_shuts_down_puts_nobody_under_suspicion(make: Make) -> None:
    bench = make(events=30)
    at_s = 0.0
    for _ in range(10):
        bench.up(at_s=at_s)
        bench.pump(at_s)
        assert len(bench.sent) >= WINDOW - 2
        bench.line.lose("shutting down", code=0x8B)
        bench.pump(at_s)
        at_s = bench.tries_at(at_s)
    assert bench.uplink.state.set_aside == 0


def test_after_a_tunnel_the_window_is_wide_again(make: Make) -> None:
    bench = make(events=100)
    at_s = 0.0
    for _ in range(2):
        bench.up(at_s=at_s)
        bench.pump(at_s)
        bench.line.lose()
        bench.pump(at_s)
        at_s = bench.tries_at(at_s)
    bench.line.news.put(Up(65_535))
    for ref in (BIRTH, LINK, "e0"):
        bench.pump(at_s)
        assert bench.line.refs()[-1] == ref  # one at a time
        bench.line.answer(ref)
    bench.pump(at_s)
    assert bench.uplink.state.in_flight == WINDOW
    assert bench.uplink.state.set_aside == 0
