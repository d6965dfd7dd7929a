"""Many units at one broker, and one with a month to tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.events import kinds
from agent.io.patience import FIRST_S, LEAST
from hil.bench.link import OTHERS, backlog, drain_backlog
from hil.herd import Memory, Outcome, Protocol, histogram, main, scene, told

PACE = 6.0  # the units' clocks run so much faster: the stated window of ten seconds is over in two
UNITS = 40
WINDOW_S = FIRST_S - LEAST * FIRST_S


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_units_whose_broker_restarts_come_back_spread_and_drained(mosquitto: str, tmp_path: Path, protocol: Protocol) -> None:
    """The first retries lie in the stated window, none at once, and fill it: no third of it is empty, none has most."""
    outcome = scene(tmp_path, UNITS, 3, protocol, PACE, kind="mosquitto")
    assert outcome.complete
    assert outcome.arrived == UNITS * 4
    assert min(outcome.first_retries_s) >= LEAST * FIRST_S
    thirds = histogram((each - LEAST * FIRST_S) / (WINDOW_S / 3) for each in outcome.first_retries_s if each < FIRST_S)
    assert all(UNITS / 20 <= thirds[third] <= UNITS * 0.7 for third in range(3)), thirds


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_backlog_leaves_in_order_of_importance_then_age(mosquitto: str, tmp_path: Path, protocol: Protocol) -> None:
    drained = drain_backlog(tmp_path, protocol, trips=4, events=80)
    importance = {name: record.importance for name, record in kinds().items()}
    assert drained.order == sorted(drained.order, key=lambda each: (importance[each[0]], each[1]))
    assert sorted(seq for _, seq in drained.order) == list(range(1, 81))
    assert len({importance[kind] for kind, _ in drained.order}) > 3
    assert (drained.complete, drained.duplicates) == (True, 0)


def test_the_backlog_is_a_months() -> None:
    rows = list(backlog(60, 2_000))
    assert [sum(row.kind == kind for row in rows) for kind in ("TripStarted", "TripEnded")] == [60, 60]
    assert {row.kind for row in rows} == {"TripStarted", "TripEnded", *OTHERS}
    assert len({row.id for row in rows}) == len(rows)


def test_an_outbox_in_memory_hands_out_what_waits_oldest_first() -> None:
    outbox = Memory("sim-1")
    outbox.add(3)
    outbox.acknowledged("sim-1-1")
    outbox.add(1)
    assert [event.seq for event in outbox.waiting(9, {"sim-1-2"})] == [3, 4]
    assert not outbox.drained


def test_how_they_came_back_is_shown_by_the_second() -> None:
    shown = told(Outcome([1.2, 3.0, 3.9], 4.04, 5.06, 33, True), 3).splitlines()
    assert "3 units" in shown[0]
    assert "1 to 10 s" in shown[0]
    assert [line.split() for line in shown[1:3]] == [["1", "s", "1", "█"], ["3", "s", "2", "██"]]
    assert shown[3:] == [
        "all connected 4.0 s after its return, all acknowledged after 5.1 s",
        "33 events arrived and verified, complete: yes",
    ]
    assert CliRunner().invoke(main, ["--help"]).exit_code == 0
