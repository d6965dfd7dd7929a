"""What the engine leaves out because nothing changed: it must come to the same as doing it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec
import pytest

from agent.config import Service
from agent.engine import Engine
from agent.events import discover
from agent.model import NS, Context, Event, Rule, Value
from agent.signals import IGNITION, ODOMETER
from tests.sim.car import WALL, Bench, at, drive, seconds

SERVICES = (Service("oil change", 15_000, 84_995),)


def fresh(engine: Engine) -> dict[str, Any]:
    return {r.name: (r.state_version, msgspec.json.encode(r.snapshot())) for r in engine.rules}


def test_what_is_written_is_each_state_as_it_is() -> None:
    bench = Bench(services=SERVICES)
    kept = bench.engine.states()
    changed: set[str] = set()
    for day in range(3):
        for _, piece in seconds(drive(start_s=day * 86_400 + 10.4, odometer_m=99_998_500.0 + day * 10_000)):
            bench.live(piece)
            states = bench.engine.states()
            assert {name: states[name] for name in kept if name != "engine"} == fresh(bench.engine)
            changed |= {name for name in kept if states[name] != kept[name]}
        bench.until(day * 86_400 + 80_000)
        assert bench.engine.states().items() >= fresh(bench.engine).items()
    assert changed >= {"trip", "odometer", "ignition", "habits", "service"}


def test_a_restart_comes_to_the_same_whether_states_had_to_be_read_or_not() -> None:
    bench = Bench(services=SERVICES).live(drive()).until(999)
    before = fresh(bench.engine)
    bench.restart()
    plain = [r for r in bench.engine.rules if type(r).restore is Rule.restore]
    assert len(plain) > 5
    for rule in plain:
        assert rule.state == msgspec.json.decode(before[rule.name][1], type=type(rule.state)), rule.name


class State(msgspec.Struct):
    at_ns: int | None = None
    seen: int = 0


class Looks(Rule):
    """Asks for a wake ten minutes after the ignition said anything else than before; counts how often it is asked."""

    name: ClassVar[str] = "looks"
    signals: ClassVar[tuple[str, ...]] = (IGNITION,)
    asked: ClassVar[int] = 0
    woken: ClassVar[list[int]] = []
    said: Value = None
    state: State

    def __init__(self, setup: Any) -> None:
        super().__init__(setup)
        self.state = State()

    def sample(self, ctx: Context, signal: str, value: Value) -> Iterator[Event]:
        if value != self.said:
            self.said, self.state.at_ns = value, ctx.t_ns + 600 * NS
        return iter(())

    def next_wake(self, ctx: Context) -> int | None:
        Looks.asked += 1
        return self.state.at_ns

    def wake(self, ctx: Context) -> Iterator[Event]:
        Looks.woken.append(ctx.t_ns)
        self.state.at_ns = None
        return iter(())


@pytest.fixture
def bench() -> Bench:
    Looks.asked, Looks.woken = 0, []
    bench = Bench()
    bench.engine = Engine(bench.setup, "boot-1", {}, [Looks, *discover()])
    bench.engine.wake(at(0), WALL)
    return bench


def test_a_signal_that_says_the_same_again_asks_nobody(bench: Bench) -> None:
    bench.engine.feed([(at(1), IGNITION, "OFF")])
    before = Looks.asked
    for n in range(2, 400):
        bench.engine.feed([(at(n), IGNITION, "OFF")])
    assert Looks.asked <= before + 5


def test_whoever_is_due_is_woken_at_its_own_time(bench: Bench) -> None:
    bench.engine.feed([(at(1), IGNITION, "OFF")])
    bench.engine.feed([(at(101), IGNITION, "ON"), (at(102), IGNITION, "ON"), (at(103), ODOMETER, 5e6)])
    bench.engine.wake(at(700), WALL)
    assert Looks.woken == []
    assert (bench.engine.next_wake() or 0) <= at(701)
    bench.engine.wake(at(1500), WALL)
    assert Looks.woken == [at(701)]


def test_what_is_entered_from_outside_is_looked_at(bench: Bench) -> None:
    looks = bench.engine.rule(Looks)
    looks.state.at_ns = at(50)
    bench.engine.raised([])
    bench.engine.wake(at(60), WALL)
    assert Looks.woken == [at(50)]
