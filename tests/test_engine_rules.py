"""The engine and its rules: one that throws, those that hear each other, the order in which they hear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec
import pytest

from agent.engine import Engine
from agent.events import check_acyclic, discover
from agent.events.trip import TripEnded, TripStarted
from agent.model import NS, Context, Event, Rule, Setup, Step, Value
from agent.signals import IGNITION, MAF, SPEED
from agent.wishes import WAKES_AT_ONCE
from tests.sim.car import Bench, at, drive, every_second


class CountState(msgspec.Struct):
    n: int = 0


class Heard(Event, frozen=True, kw_only=True):
    n: int


class Breaks(Rule):
    """Counts steps, and throws in its fourth, after it has counted and told of it."""

    name: ClassVar[str] = "a_breaks"
    raises: ClassVar[tuple[type[Event], ...]] = (Heard,)

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state = CountState()

    def step(self, ctx: Context, step: Step) -> Iterator[Event]:
        self.state.n += 1
        yield Heard(id=str(step.t_ns), t_ns=step.t_ns, boot_id=ctx.boot_id, n=self.state.n)
        if step.t_ns == 14 * NS:
            raise RuntimeError

    def sample(self, ctx: Context, signal: str, value: Value) -> Iterator[Event]:
        raise RuntimeError

    signals: ClassVar[tuple[str, ...]] = (IGNITION, SPEED, MAF)


class Stateless(Rule):
    state = None


class AsksForThePast(Stateless):
    """Is never content."""

    name: ClassVar[str] = "asks_for_the_past"
    woken = 0

    def next_wake(self, ctx: Context) -> int | None:
        return 5

    def wake(self, ctx: Context) -> Iterator[Event]:
        AsksForThePast.woken += 1
        return iter(())


class ThrowsInWake(Stateless):
    name: ClassVar[str] = "throws_in_wake"

    def next_wake(self, ctx: Context) -> int | None:
        return ctx.t_ns

    def wake(self, ctx: Context) -> Iterator[Event]:
        raise RuntimeError


class ThrowsWhenAsked(Stateless):
    name: ClassVar[str] = "throws_when_asked"

    def next_wake(self, ctx: Context) -> int | None:
        raise RuntimeError

    def event(self, ctx: Context, event: Event) -> Iterator[Event]:
        raise RuntimeError

    hears: ClassVar[tuple[type[Event], ...]] = (TripEnded,)


def bench_with(*rules: type[Rule]) -> Bench:
    bench = Bench()
    bench.engine, bench.may_fail = Engine(bench.setup, "boot-1", {}, [*rules, *discover()]), True
    return bench


def test_a_rule_that_throws_is_put_back_and_counted_and_the_others_go_on() -> None:
    tidy = Bench().live(drive()).until(999)
    bench = bench_with(Breaks).live(drive()).until(999)
    assert bench.trip == tidy.trip, "its samples are still taken, and the other rules still called"
    counts = [e.n for e in bench.of(Heard)]
    assert counts == list(range(1, len(counts) + 1)), "the fourth count was put back, and what it told is not told"
    assert len(counts) == 299
    assert bench.engine.failures == {"a_breaks": 1 + 2 + 301}


@pytest.mark.parametrize("rule", [AsksForThePast, ThrowsInWake, ThrowsWhenAsked])
def test_a_rule_that_breaks_in_its_wake_hangs_nothing(rule: type[Rule]) -> None:
    AsksForThePast.woken = 0
    bench = bench_with(rule)
    samples = [(at(t / 100), SPEED, 50.0) for t in range(1000)]
    bench.events += bench.engine.feed(samples)
    assert AsksForThePast.woken <= 12 * WAKES_AT_ONCE, "ten seconds"
    assert bench.engine.failures[rule.name] <= 3100
    assert bench.live(drive(20)).until(999).trip == Bench().live(drive(20)).until(999).trip


def test_a_rule_that_reads_what_the_grid_reads_takes_nothing_from_it() -> None:
    class Reads(Stateless):
        name: ClassVar[str] = "reads"
        signals: ClassVar[tuple[str, ...]] = (SPEED, MAF)

    samples = sorted([*drive(rpm=900.0), *every_second(10, [9.0] * 301, MAF)], key=lambda s: s[0])
    assert bench_with(Reads).live(samples).until(999).trip == Bench().live(samples).until(999).trip


def test_a_rule_whose_restore_breaks_half_way_starts_afresh() -> None:
    class Half(Breaks):
        name: ClassVar[str] = "half"
        signals: ClassVar[tuple[str, ...]] = ()

        def restore(self, body: bytes, ctx: Context) -> None:
            self.state = CountState(99)
            raise KeyError

    engine = Engine(Bench().setup, "boot-1", {}, [Half, *discover()])
    engine.restore({"half": (1, b"{}")})
    assert [r.state.n for r in engine.rules if isinstance(r, Half)] == [0]


class Echo(Stateless):
    name: ClassVar[str] = "echo"
    hears: ClassVar[tuple[type[Event], ...]] = (Heard,)
    raises: ClassVar[tuple[type[Event], ...]] = (TripStarted,)


class Call(Stateless):
    name: ClassVar[str] = "call"
    hears: ClassVar[tuple[type[Event], ...]] = (TripStarted,)
    raises: ClassVar[tuple[type[Event], ...]] = (Heard,)


class Self(Stateless):
    name: ClassVar[str] = "self"
    hears: ClassVar[tuple[type[Event], ...]] = (Heard,)
    raises: ClassVar[tuple[type[Event], ...]] = (Heard,)


def test_rules_that_hear_each_other_in_a_circle_are_refused() -> None:
    setup = Bench().setup
    check_acyclic([Echo(setup)])
    with pytest.raises(ValueError, match=r"circle: \['call', 'echo'\]"):
        check_acyclic([Echo(setup), Call(setup), Breaks(setup)])
    with pytest.raises(ValueError, match="self"):
        Engine(setup, "boot-1", {}, [Self, *discover()])


def test_events_are_heard_breadth_first_in_the_order_of_names() -> None:
    order: list[str] = []

    def listener(rule_name: str, hears: type[Event], says: type[Event] | None) -> type[Rule]:
        class Listener(Stateless):
            name: ClassVar[str] = rule_name

            def event(self, ctx: Context, event: Event) -> Iterator[Event]:
                order.append(f"{rule_name} {type(event).__name__} {event.id}")
                if says is not None:
                    yield says(id=rule_name, t_ns=0, boot_id="", n=0)  # type: ignore[call-arg]

        Listener.hears, Listener.raises = (hears,), (says,) if says else ()
        return Listener

    class Answer(Event, frozen=True, kw_only=True):
        n: int

    rules = [listener("c", Answer, None), listener("b", Heard, Answer), listener("a", Heard, Answer)]
    engine = Engine(Bench().setup, "boot-1", {}, sorted([*rules, *discover()], key=lambda r: r.name))
    told = engine.raised([Heard(id="1", t_ns=0, boot_id="", n=1), Heard(id="2", t_ns=0, boot_id="", n=2)])
    assert [e.id for e in told] == ["1", "2", "a", "b", "a", "b"]
    assert order[:4] == ["a Heard 1", "b Heard 1", "a Heard 2", "b Heard 2"]
    assert order[4:] == ["c Answer a", "c Answer b", "c Answer a", "c Answer b"]
