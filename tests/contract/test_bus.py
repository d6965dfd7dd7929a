"""One contract for every bus: python-can's, on its `virtual` interface, and SocketCAN's reader, on a socket pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import can
import pytest

from agent.config import BusConfig
from agent.io import clock
from agent.io.buses import live
from agent.io.buses.live import LiveBus
from agent.io.buses.source import Filters, Source, Tally, open_source
from agent.model import Frame
from hil.wire import Wire

WAIT_S = 10.0

Send = Callable[[int, bool, bytes], None]
Opened = Callable[[BusConfig, Filters, Tally], Source]
Bench = tuple[BusConfig, Opened, Send]


def virtual() -> Iterator[Bench]:
    with can.Bus(interface="virtual", channel="contract") as neighbour:

        def send(i: int, extended: bool, data: bytes) -> None:
            neighbour.send(can.Message(arbitration_id=i, is_extended_id=extended, data=data))

        yield BusConfig("can0", "virtual", "contract"), open_source, send


def socketcan() -> Iterator[Bench]:
    with Wire() as wire:
        yield BusConfig("can0"), wire.opened, wire.send


@pytest.fixture(params=[virtual, socketcan], ids=lambda p: p.__name__)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    yield from request.param()


def fetch(source: Source, count: int) -> list[Frame]:
    found: list[Frame] = []
    until_ns = clock.boottime_ns() + round(WAIT_S * 1e9)
    while len(found) < count and clock.boottime_ns() < until_ns:
        found += source.receive(0.1)
    return found


def test_frames_come_in_order_with_the_boot_clock_at_receipt(bench: Bench) -> None:
    config, opened, send = bench
    source = opened(config, (), Tally())
    before_ns = clock.boottime_ns()
    sent = [(0x7E8, False, b"\x01\x02"), (0x18DAF110, True, bytes(8)), (0x001, False, b"")]
    for each in sent:
        send(*each)
    found = fetch(source, 3)
    assert [(f.arbitration_id, f.is_extended, f.data, f.bus) for f in found] == [(*each, "can0") for each in sent]
    times = [before_ns, *(f.t_ns for f in found), clock.boottime_ns()]
    assert times == sorted(times)
    assert source.receive(0.0) == []
    source.close()


def test_the_live_bus_hands_on_what_comes(bench: Bench) -> None:
    config, opened, send = bench
    bus = LiveBus(config, (), opened)
    bus.start()
    wait_for(lambda: bus.trouble is None)
    send(0x123, False, b"\x07")
    assert bus.heard.wait(WAIT_S)
    assert [(f.arbitration_id, f.data) for f in bus.take()] == [(0x123, b"\x07")]
    assert (bus.frames, bus.take()) == (1, [])
    assert not any(bus.counts().values())
    bus.stop()


def wait_for(condition: Callable[[], bool]) -> None:
    until_ns = clock.boottime_ns() + round(WAIT_S * 1e9)
    while not condition():
        assert clock.boottime_ns() < until_ns
        clock.pause(0.005)


class Broken:
    """A bus whose interface goes down at once."""

    def receive(self, wait_s: float) -> list[Frame]:
        raise OSError(100, "the interface is down")

    def close(self) -> None:
        pass


def test_a_bus_that_fails_says_why_and_is_opened_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    config, opened, send = bench
    monkeypatch.setattr(live, "RETRY_S", 0.01)
    troubles: list[str | None] = []
    broken: list[Source] = [Broken(), Broken()]

    def open_again(config: BusConfig, filters: Filters, tally: Tally) -> Source:
        troubles.append(bus.trouble)
        return broken.pop() if broken else opened(config, filters, tally)

    bus = LiveBus(config, (), open_again)
    bus.start()
    wait_for(lambda: bus.trouble is None and not broken)
    assert troubles == ["not opened yet", *[f"{config.channel}: the interface is down"] * 2]
    send(0x1, False, b"\x01")
    assert bus.heard.wait(WAIT_S)
    bus.stop()


def test_a_full_queue_counts_what_had_to_go(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    config, opened, send = bench
    monkeypatch.setattr(live, "QUEUE_FRAMES", 3)
    bus = LiveBus(config, (), opened)
    bus.start()
    wait_for(lambda: bus.trouble is None)
    for n in range(5):
        send(n, False, b"")
    wait_for(lambda: bus.frames == 5)
    assert [f.arbitration_id for f in bus.take()] == [2, 3, 4]
    assert bus.counts()["can0: frames for which there was no time"] == 2
    bus.stop()


def test_socketcan_with_options_is_left_to_python_can(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []
    monkeypatch.setattr(can, "Bus", lambda **kwargs: asked.append(kwargs))
    open_source(BusConfig("can0", options={"local_loopback": False}), [(0x7E8, False), (0x18DAF110, True)], Tally())
    assert asked == [
        {
            "interface": "socketcan",
            "channel": "can0",
            "can_filters": [
                {"can_id": 0x7E8, "can_mask": 0x7FF, "extended": False},
                {"can_id": 0x18DAF110, "can_mask": 0x1FFF_FFFF, "extended": True},
            ],
            "local_loopback": False,
        }
    ]
