"""The bench as a fixture: made as a test wants it, ended with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

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
