"""Entries on the unit itself, in the daemon: once under one ref, refused, or failed at; and trips that are damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.entries.entering import EntryFailed, EntryRefused
from agent.events.household import HouseholdRule
from tests.test_daemon_commands import ANA, Unit, sums


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


def test_what_is_entered_twice_under_one_ref_is_one_event(unit: Unit) -> None:
    unit.hear(unit.sign("DriverSaved", ANA))
    for _ in range(2):
        unit.daemon.enter("ConsentChanged", {"driver": "ana", "purpose": "report", "granted": True}, "r1")
    unit.daemon.enter("ConsentChanged", {"driver": "ana", "purpose": "report", "granted": True}, "r2")
    assert len(unit.told("ConsentChanged")) == 2
    assert len(unit.answers) == 1, "none of them by command"


def test_what_cannot_be_entered_is_refused(unit: Unit) -> None:
    with pytest.raises(EntryRefused, match="unknown kind"):
        unit.daemon.enter("Nonsense", {}, "r1")


def damage(unit: Unit, n: int, column: str, value: object) -> str:
    rows = unit.store.trips()
    unit.store.conn.execute(f"UPDATE trips SET {column} = ? WHERE id = ?", (value, rows[n]["id"]))
    return str(rows[0]["id"])


@pytest.mark.parametrize(("column", "value"), [("metrics", "{"), ("metrics", "[]"), ("estimated", "3"), ("start_utc_ns", "x")])
def test_a_damaged_trip_does_not_move(unit: Unit, column: str, value: object) -> None:
    unit.drive()
    trip = damage(unit, 0, column, value)
    with pytest.raises(EntryRefused, match="damaged"):
        unit.daemon.enter("TripAttributed", {"trip_id": trip, "driver": "ana"}, "r1")
    assert unit.drove() == ["unknown", "unknown"]
    assert unit.told("TripAttributed") == []


@pytest.mark.parametrize(("column", "value"), [("metrics", "{"), ("estimated", "3"), ("start_utc_ns", "x")])
def test_a_damaged_trip_beside_it_is_left_out_of_the_sums_and_told(unit: Unit, column: str, value: object) -> None:
    unit.drive()
    trip = damage(unit, 1, column, value)
    unit.daemon.enter("TripAttributed", {"trip_id": trip, "driver": "ana"}, "r1")
    assert unit.drove() == ["ana", "unknown"]
    assert {driver: month["trips"] + month["short_moves"] for driver, month in sums(unit).items()} == {"ana": 1}
    assert unit.told("HealthReported")[-1]["counts"] == {"trips left out of their month: the row is damaged": 1}


def test_what_others_count_is_told_with_the_rest(unit: Unit) -> None:
    unit.daemon.counters.append(lambda: {"can0: frames for which there was no time": 3, "nothing": 0})
    unit.link.state.commands_left = 2
    assert unit.daemon.counts() == {"can0: frames for which there was no time": 3, "commands left to the broker": 2}


def test_the_states_are_those_of_a_tidy_run(unit: Unit, tmp_path: Path) -> None:
    """A command leaves nothing behind that a restart would do again."""
    unit.hear(unit.sign("DriverSaved", ANA))
    again = Unit(tmp_path, unit.store.cuts[-1])
    household = {n: msgspec.json.decode(body) for n, (_, body) in again.daemon.engine.states().items() if n == "household"}
    assert household["household"]["lent"]["drivers"][0]["id"] == "ana"


def test_what_a_rule_failed_at_is_not_called_done(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(HouseholdRule, "event", broken)
    unit.hear(unit.sign("DriverSaved", ANA))
    ((id, outcome, why),) = unit.answers
    assert (id, outcome, unit.drivers) == ("c1", "failed", [])
    assert "the unit failed at it, in household: not all of it is done" in why
    with pytest.raises(EntryFailed, match="in household: not all of it is done"):
        unit.daemon.enter("DriverSaved", ANA, "r1")
    monkeypatch.undo()
    unit.hear(unit.sign("DriverSaved", ANA), unit.sign("DriverSaved", ANA, jti="c2"))
    assert unit.answers[1:] == [("c2", "done", "")], "the first works no second time"
