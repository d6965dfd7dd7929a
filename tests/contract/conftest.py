"""What the tests of a port share: the bench, made as a test wants it, and ended with it; the time of a unit with a bad disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.io import clock
from agent.model import NS
from hil.baddisk.unit import Car
from hil.broker import Kind
from hil.herd import Protocol
from tests.contract.bench import Bench


@pytest.fixture
def make(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Bench]]:
    """Makes a Bench."""
    benches: list[Bench] = []

    def bench(kind: Kind = "mosquitto", protocol: Protocol = "5", **settings: Any) -> Bench:
        if kind == "mosquitto":
            request.getfixturevalue("mosquitto")
        benches.append(Bench(tmp_path, kind, protocol, **settings))
        return benches[-1]

    yield bench
    for each in benches:
        each.close()


@pytest.fixture
def unit_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Car]]:
    """The store waits in the time of the car that is put into this list."""
    cars: list[Car] = []
    monkeypatch.setattr(clock, "boottime_ns", lambda: cars[0].t_s * NS if cars else 0)
    yield cars
