"""How an outage of the line is timed; the figures themselves take minutes: `python -m hil.bench outage`."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.io import patience
from hil.bench import outage
from hil.bench.outage import CAPPED, FAULTS, Longest, outages


@pytest.mark.usefixtures("mosquitto")
def test_a_fault_is_timed_from_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_S", 0.01)
    monkeypatch.setattr(outage, "CAPPED", 1)
    quick = [fault for fault in FAULTS if fault.name in ("cut", "refused")]
    assert set(outages(tmp_path, quick)) == {"cut", "refused"}


def test_the_wait_that_is_measured_is_the_longest_there_is() -> None:
    waits_s = [patience.delay_ns(times, patience.CAP_S, Longest()) / 1e9 for times in (CAPPED - 1, CAPPED, CAPPED + 9)]
    assert waits_s == [40.0, patience.CAP_S, patience.CAP_S]
