"""What a month's report will tell is noted; a month closes once, when it is over and no trip is under way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agent.config import Service
from agent.events.appointment import AppointmentChanged
from agent.events.battery import BatteryWeak
from agent.events.driver_summary import TripAttributed
from agent.events.fault import FaultCleared, FaultSet
from agent.events.message import Part, PromptAnswered, PromptReleased, PromptWithdrawn
from agent.events.milestone import MilestoneReached
from agent.events.report import UNDATED, MonthClosed, ReportRule, facts_of
from agent.events.service_record import CarReminded, ServiceDone, ServiceExpected, ServiceReported
from agent.model import Event
from agent.report.facts import Fact
from agent.service.forecast import Forecast
from agent.signals import IS_MIL_ON
from tests.sim.car import Bench, at, drive, wall

DAY_S = 86_400
START_S = round(datetime(2026, 10, 26, 9, 0, tzinfo=UTC).timestamp())
OCTOBER_ENDS_S = round(datetime(2026, 10, 31, 23, 0, tzinfo=UTC).timestamp()) - START_S
WALL = wall(START_S)
EVENT: dict[str, Any] = {"id": "e", "t_ns": at(60), "boot_id": "boot-1"}


def bench(**more: Any) -> Bench:
    return Bench(**({"wall": WALL} | more)).live(drive())


def rule(made: Bench) -> ReportRule:
    return next(r for r in made.engine.rules if isinstance(r, ReportRule))


def noted(made: Bench, month: str = "2026-10") -> list[Fact]:
    found = rule(made).state.facts.get(month)
    return list(found.facts) if found else []


def closed(made: Bench) -> list[str]:
    return [e.month for e in made.of(MonthClosed)]


# -- a month closes ----------------------------------------------------------------------------------


def test_a_month_closes_when_it_is_over_where_the_owner_lives() -> None:
    made = bench().until(OCTOBER_ENDS_S - 1)
    assert closed(made) == []
    assert closed(made.until(OCTOBER_ENDS_S)) == ["2026-10"]
    assert rule(made).state.unmade == ("2026-10",)


def test_it_closes_once_for_ever() -> None:
    made = bench().until(OCTOBER_ENDS_S)
    made.restart().until(OCTOBER_ENDS_S + 60)
    made.restart("boot-2", wall=wall(START_S + OCTOBER_ENDS_S - 3600)).until(10)
    made.until(5 * DAY_S)
    assert closed(made) == ["2026-10"]


def test_a_trip_over_midnight_holds_it() -> None:
    made = bench().live(drive(OCTOBER_ENDS_S - 100, 300)).until(OCTOBER_ENDS_S + 150)
    assert closed(made) == []
    assert closed(made.until(OCTOBER_ENDS_S + 600)) == ["2026-10"]


def test_without_a_trusted_clock_nothing_closes() -> None:
    assert closed(bench().restart(wall=wall(START_S, quality="unsure")).until(40 * DAY_S)) == []
    assert closed(Bench(wall=None).live(drive()).until(40 * DAY_S)) == []
    assert closed(Bench(wall=WALL).until(400 * DAY_S)) == [], "before the first trip there is no month to close"


def test_months_that_went_by_close_in_order() -> None:
    assert closed(bench().until(100 * DAY_S)) == ["2026-10", "2026-11", "2026-12", "2027-01"]


def test_it_asks_to_be_made_until_it_is_made() -> None:
    made = bench().until(40 * DAY_S).restart()
    assert rule(made).state.unmade == ("2026-10", "2026-11")
    rule(made).made("2026-10", 7)
    assert rule(made).state.unmade == ("2026-11",)
    assert rule(made).state.made_utc_ns == {"2026-10": 7}


# -- facts -------------------------------------------------------------------------------------------


def fault(code: str = "P0301") -> FaultSet:
    return FaultSet(**EVENT, code=code, kind="stored", ecu="7e8", words="cylinder 1 misfires", severity="soon")


def test_what_happened_is_noted_in_its_month() -> None:
    made = bench()
    made.engine.raised([fault(), fault(), MilestoneReached(**EVENT, mark=100_000, counts="km", reading_m=1e8)])
    assert [(f.kind, f.what, f.times) for f in noted(made)] == [("fault set", "P0301", 2), ("milestone", "100000", 1)]
    assert noted(made)[0].utc_ns == WALL.utc_ns(made.engine.context(0).last_ns or 0)


def test_what_has_no_date_goes_with_the_next_month_that_closes() -> None:
    made = Bench(wall=None).live(drive())
    made.engine.raised([fault()])
    assert len(noted(made, UNDATED)) == 1
    made.wall = WALL
    made.live(drive(1_000)).until(OCTOBER_ENDS_S)
    assert closed(made) == ["2026-10"]
    assert (noted(made, UNDATED), len(noted(made))) == ([], 1)


def test_only_a_persons_correction_is_one() -> None:
    moved = TripAttributed(**EVENT, trip_id="t", driver="ana", how="household", before="unknown")
    at_once = TripAttributed(**EVENT, trip_id="t", driver="ana", how="key fob", before="unknown")
    assert [(f.what, f.driver, f.before) for f in facts_of(moved, 1)] == [("t", "ana", "unknown")]
    assert list(facts_of(at_once, 1)) == []


def test_each_kind_of_event_is_a_line() -> None:
    cleared = FaultCleared(**EVENT, set_id="s", code="P0301", kind="stored", ecu="7e8")
    weak = BatteryWeak(**EVENT, volts=12.0, limit_volts=12.2, by="median", readings=7)
    done = ServiceDone(**EVENT, item="oil", interval="i", how="told")
    lines: list[Event] = [cleared, weak, done]
    assert [f.kind for event in lines for f in facts_of(event, None)] == ["fault cleared", "battery weak", "service done"]


def released(kind: Any = "service") -> PromptReleased:
    part = Part(prompt_id="p1", revision=0, topic="t", kind=kind, title="Oil", text="x", rests_on=[], raised_ns=0, held_ns=0)
    said: dict[str, Any] = {"channel": "mail", "language": "en", "urgency": "usual", "closing": "c", "released_ns": 0}
    return PromptReleased(**EVENT, **said, person="ana", driver="ana", parts=[part])


def test_what_was_said_and_what_became_of_it() -> None:
    made = bench()
    made.engine.raised([released(), PromptWithdrawn(**EVENT, prompt_id="p1", revision=0, why="the ignition came on")])
    assert [(f.title, f.driver, f.state) for f in noted(made)] == [("Oil", "ana", "withdrawn")]
    made.engine.raised([released()])
    assert [(f.state, f.times) for f in noted(made)] == [("", 2)], "said again"
    made.engine.raised([PromptAnswered(**EVENT, prompt_id="p1", answer="wrong")])
    assert [f.state for f in noted(made)] == ["wrong"]


def test_the_word_of_a_report_is_no_line_of_the_next() -> None:
    assert list(facts_of(released("report"), 1)) == []


def test_forecasts_are_kept_until_it_is_done() -> None:
    made = Bench(wall=WALL, services=(Service("oil", every_km=15_000, last_km=0.0),)).live(drive())
    expects = Forecast("distance", "2026-12-01", "2026-11-20", "2026-12-12")
    made.engine.raised([ServiceExpected(**EVENT, item="oil", interval="i", due_m=1.5e7, forecast=expects)])
    kept = rule(made).state.expected["oil"]
    assert (kept.due_m, kept.likely_day, kept.earliest_day, kept.is_due) == (1.5e7, "2026-12-01", "2026-11-20", False)
    made.engine.raised([ServiceDone(**EVENT, item="oil", interval="i", how="told")])
    assert rule(made).state.expected == {}
    made.engine.raised([ServiceExpected(**EVENT, item="oil", interval="i", due_m=1.5e7)])
    made.engine.raised([ServiceExpected(**EVENT, item="oil", interval="i", is_gone=True)])
    assert rule(made).state.expected == {}, "it is not in keyoff.toml any more"


def test_an_item_that_was_not_done_after_all_is_due_as_before() -> None:
    """Not only when its forecast moves: it may stand for weeks."""
    oil = Service("oil", every_km=10_000, last_km=10_001)
    made = Bench(wall=WALL, services=(oil,)).live(drive(odometer_m=20_000_000.0)).until(1_000)
    known = rule(made).state.expected["oil"]
    said: dict[str, Any] = {**EVENT, "item": "oil"}
    made.engine.raised([ServiceReported(**said, says="done")])
    assert "oil" not in rule(made).state.expected
    made.engine.raised([ServiceReported(**said, says="not done")])
    assert rule(made).state.expected["oil"] == known
    assert (known.is_due, known.due_m, known.interval) == (True, 20_001_000.0, "20001000"), "though no pace is known yet"


@pytest.mark.parametrize("change", ["cancelled", "missed"])
def test_an_appointment_that_comes_to_nothing_leaves_it_due(change: Any) -> None:
    due = Bench(wall=WALL, services=(Service("oil", every_months=12, last_day="2025-10-20"),)).live(drive()).until(1_000)
    assert rule(due).state.expected["oil"].is_due
    due.engine.raised([AppointmentChanged(**EVENT, bookable="oil", change=change)])
    assert rule(due).state.expected["oil"].is_due
    assert [f.kind for f in noted(due) if f.kind.startswith("service")] == ["service due", "service reopened"]


def test_it_is_counted_whether_the_word_came_before_the_beep() -> None:
    made = bench()
    beep: dict[str, Any] = {**EVENT, "item": "oil", "interval": "i", "how": "signal"}
    made.engine.raised([CarReminded(**beep, ahead_days=20), CarReminded(**beep), CarReminded(**beep, ahead_days=0)])
    assert (rule(made).state.beeps, rule(made).state.told_before) == (3, 1)


def test_that_trouble_codes_were_read_is_known() -> None:
    assert rule(bench()).state.codes_utc_ns is None
    made = bench().live([(at(1_000), IS_MIL_ON, False), (at(1_001), IS_MIL_ON, False)])
    assert rule(made).state.codes_utc_ns == WALL.utc_ns(at(1_000))
    made.restart().live([(at(9_000), IS_MIL_ON, None)])
    assert rule(made).state.codes_utc_ns == WALL.utc_ns(at(1_000)), "an answer that says nothing is none"
