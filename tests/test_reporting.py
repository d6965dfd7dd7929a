"""A month's reports from the store: read by what the month needs, made once, told with consent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from agent import reporting
from agent.events.concern import Concern
from agent.events.driver_summary import TripAttributed
from agent.events.household import DriverSaved
from agent.events.report import ReportKept, ReportReady, ReportRule, ReportState
from agent.household import OWNER, Driver
from agent.io.store import Batch, Store
from agent.model import NS, Event
from agent.records import report_row
from agent.report.build import Material, build
from agent.report.report import Catalogue, Due, Report
from tests.report.months import ANA, BEN, DEFAULT
from tests.sim.car import WALL, Bench, at, drive

EVENT: dict[str, Any] = {"id": "e", "t_ns": at(60), "boot_id": "boot-1"}


def unmade(made: Bench) -> tuple[str, ...]:
    """Months that are closed and have no reports yet, the oldest first."""
    return made.engine.rule(ReportRule).state.unmade


def utc_ns(day: str, hour: int = 12) -> int:
    return round(datetime.fromisoformat(f"{day}T{hour:02}:00+00:00").astimezone(UTC).timestamp()) * NS


def row(id: str, day: str | None, driver: str = "ana", kind: str = "trip", **metrics: Any) -> dict[str, Any]:
    known = {name: value for name, value in (DEFAULT | metrics).items() if value is not None}
    start = {} if day is None else {"start_utc_ns": utc_ns(day), "clock": "synchronised"}
    encoded = msgspec.json.encode(known).decode()
    return {"id": id, "kind": kind, "driver": driver, "metrics": encoded, "estimated": "[]", **start}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "keyoff.db", "unit-1")) as store:
        yield store


def keep(store: Store, *rows: dict[str, Any]) -> None:
    store.commit(Batch(trips=rows))


def october(made: Bench, drivers: tuple[Any, ...] = (ANA,)) -> Bench:
    """A unit whose October 2026 has just closed."""
    made.live(drive())
    made.engine.raised([DriverSaved(**EVENT, driver=each) for each in drivers])
    return made.until(20 * 86_400)


def of(made: Bench, store: Store, month: str = "2026-10") -> list[Event]:
    return reporting.reports(made.engine, store, at(20 * 86_400), month)


def test_a_closed_month_is_due_and_made_once(store: Store) -> None:
    keep(store, row("a", "2026-10-26"))
    made = october(Bench(wall=WALL))
    assert unmade(made) == ("2026-10",)
    ready, concern = of(made, store)
    assert isinstance(ready, ReportReady) and isinstance(concern, Concern)
    assert (ready.driver, ready.person, ready.body.now.trips) == ("ana", "ana", 1)
    assert (concern.says, concern.rests_on, concern.driver) == ("report", [ready.id], "ana")
    assert concern.values == {"month": "2026-10", "trips": 1, "distance_m": 20_000.0}
    assert unmade(made) == ()


def test_what_is_in_the_table_is_not_made_again(store: Store) -> None:
    keep(store, row("a", "2026-10-26"))
    made = october(Bench(wall=WALL))
    kept = report_row(of(made, store)[0])
    assert kept is not None and (kept["month"], kept["driver"]) == ("2026-10", "ana")
    store.commit(Batch(reports=[kept]))
    assert of(made, store) == []


def test_without_consent_it_stays(store: Store) -> None:
    keep(store, row("a", "2026-10-26"), row("b", "2026-10-27", "ben"))
    quiet = msgspec.structs.replace(BEN, consents=())
    events = of(october(Bench(wall=WALL), (ANA, quiet)), store)
    assert [type(e) for e in events] == [ReportReady, Concern, ReportKept]
    assert not ReportKept.leaves


def test_without_a_profile_the_owner_has_one(store: Store) -> None:
    keep(store, row("a", "2026-10-26", "unknown"))
    ready, concern = of(october(Bench(wall=WALL), ()), store)
    assert isinstance(ready, ReportReady) and ready.driver == OWNER
    assert isinstance(concern, Concern) and concern.driver == OWNER


def test_a_month_without_anything_has_none(store: Store) -> None:
    keep(store, row("a", "2026-09-26"))
    made = october(Bench(wall=WALL))
    assert of(made, store) == []
    assert unmade(made) == ()


def test_only_the_months_that_are_looked_at_are_read(store: Store) -> None:
    keep(store, row("a", "2025-09-30"), row("b", "2025-10-02"), row("c", "2026-10-26"), row("d", "2026-11-01"))
    ready = of(october(Bench(wall=WALL)), store)[0]
    assert isinstance(ready, ReportReady)
    assert ready.body.year_ago is not None and ready.body.year_ago.trips == 1
    assert ready.body.now.trips == 1
    assert ready.body.use is not None and ready.body.use.trips == 1, "the last twelve months"
    plan = store.conn.execute(f"EXPLAIN QUERY PLAN {reporting.TRIPS}", (0, 1)).fetchall()
    assert all("USING INDEX" in step["detail"] for step in plan)


def test_gaps_are_told_by_their_place_among_the_trips(store: Store) -> None:
    lost = {"id": "u", "kind": "unaccounted", "driver": "unknown", "metrics": '{"unaccounted_m": 5000.0}'}
    keep(store, row("x", None), row("a", "2026-09-26"), row("y", None, distance_m=7_000.0), lost, row("b", "2026-10-26"))
    keep(store, row("d", "2026-11-02"), row("z", None))
    ready = of(october(Bench(wall=WALL)), store)[0]
    assert isinstance(ready, ReportReady)
    gaps = ready.body.gaps
    assert (gaps.undated_trips, gaps.undated_m, gaps.unaccounted_m) == (1, 7_000.0, 5_000.0)


def test_a_damaged_row_is_counted_and_the_rest_is_told(store: Store) -> None:
    broken = row("b", "2026-10-27") | {"metrics": '{"distance_m": '}
    wrong = row("d", "2026-10-28", "ben", duration_s="long")
    odd = row("e", "2026-10-28", "ben", va_histogram_s={"urban": {"x": 1}})
    keep(store, row("a", "2026-10-26"), broken, row("c", "2026-10-28") | {"metrics": "[]"}, wrong, odd)
    ready = of(october(Bench(wall=WALL)), store)[0]
    assert isinstance(ready, ReportReady)
    assert (ready.body.now.trips, ready.body.gaps.unreadable_trips) == (1, 4)


def test_what_breaks_for_one_is_counted_and_the_others_have_theirs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(found: Material, reader: Driver) -> Report:
        if reader.id == "ana":
            raise ZeroDivisionError
        return build(found, reader)

    monkeypatch.setattr(reporting, "build", breaks)
    keep(store, row("a", "2026-10-26"), row("b", "2026-10-27", "ben"))
    made = october(Bench(wall=WALL), (ANA, BEN))
    events = of(made, store)
    assert [type(e) for e in events] == [ReportReady, Concern]
    assert made.engine.failures["report"] == 1
    assert unmade(made) == (), "it is not tried for ever"


def test_a_correction_is_told_in_the_next_report(store: Store) -> None:
    keep(store, row("a", "2026-09-26", "ana", distance_m=18_400.0), row("b", "2026-10-26"))
    made = Bench(wall=WALL).live(drive())
    made.engine.raised([DriverSaved(**EVENT, driver=ANA)])
    rule = reporting._rule(made.engine)
    rule.made("2026-09", WALL.utc_ns(0))
    made.engine.raised([TripAttributed(**EVENT, trip_id="a", driver="ana", how="household", before="unknown")])
    made.until(20 * 86_400)
    ready = of(made, store)[0]
    assert isinstance(ready, ReportReady)
    assert [(c.month, c.change, c.distance_m) for c in ready.body.corrections] == [("2026-09", "added", 18_400.0)]


@pytest.mark.parametrize(
    ("month", "made", "tells"),
    [
        ("2026-10", {"2026-09": 10}, True),
        ("2026-10", {"2026-09": 10, "2026-10": 30}, True),
        ("2026-11", {"2026-09": 10, "2026-10": 30}, False),
        ("2026-10", {"2026-09": 10, "2026-10": 15}, False),
        ("2026-11", {"2026-09": 10, "2026-10": 15, "2026-11": 30}, True),
    ],
)
def test_the_first_report_after_a_correction_tells_it(month: str, made: dict[str, int], tells: bool) -> None:
    assert reporting.tells(month, 20, made) is tells


def test_what_is_due_is_sorted_by_its_day() -> None:
    state = {
        "expected": {
            "b": {"interval": "i", "likely_day": "2027-01-01"},
            "a": {"interval": "i", "due_m": 2e6, "likely_day": "2026-12-01"},
        }
    }
    states = {"report": (1, msgspec.json.encode(state)), "odometer": (1, b'{"source":"vehicle","reading_m":500000.0}')}
    known = reporting.known_of(states, ZoneInfo("UTC"))
    assert reporting.dues(known) == [Due(item="a", left_m=1.5e6, likely_day="2026-12-01"), Due(item="b", likely_day="2027-01-01")]
    assert set(known.checks) == {"odometer", "service items"}


def test_states_that_cannot_be_read_are_nothing() -> None:
    known = reporting.known_of({"report": (1, b"{"), "battery": (1, b'{"readings":[{}]}')}, ZoneInfo("UTC"))
    assert known.state.month == ""
    assert known.checks == {"12 V battery": None}


def test_notices_that_concern_the_car_are_told_with_the_age_of_the_catalogue(store: Store) -> None:
    body = {
        "catalogue_utc_ns": utc_ns("2026-10-20"),
        "known": {
            "n1": {"notice": {"title": "Recall 1"}, "verdict": "applies"},
            "n2": {"notice": {"title": "Recall 2"}, "verdict": "cannot tell", "progress": "booked"},
            "n3": {"notice": {"title": "Recall 3"}, "verdict": "does not"},
            "n4": {"notice": {"title": "Recall 4"}, "verdict": "applies", "progress": "remedied"},
        },
    }
    known = reporting.known_of({"notice": (1, msgspec.json.encode(body))}, ZoneInfo("UTC"))
    found = reporting.material(store.conn, "2026-10", ANA_OWNER, "car", known, utc_ns("2026-11-01"))
    assert found.notices.age_days == 12
    assert found.notices.catalogues == [Catalogue("", "2026-10-20", 12)], "of before each source had its own"
    assert [(n.title, n.state) for n in found.notices.notices] == [("Recall 1", "applies"), ("Recall 2", "booked")]
    assert found.checks["recalls and notices"] == "2026-10-20"


def test_a_silent_source_of_notices_does_not_hide_behind_a_fresh_one(store: Store) -> None:
    made = {"an authority": utc_ns("2026-03-01"), "the maker": utc_ns("2026-10-20")}
    body = {"catalogue_utc_ns": made["the maker"], "catalogues": made}
    known = reporting.known_of({"notice": (1, msgspec.json.encode(body))}, ZoneInfo("UTC"))
    found = reporting.material(store.conn, "2026-10", ANA_OWNER, "car", known, utc_ns("2026-11-01"))
    assert found.notices.catalogues == [Catalogue("the maker", "2026-10-20", 12), Catalogue("an authority", "2026-03-01", 245)]
    assert found.checks["recalls and notices"] == "2026-03-01", "all of them were heard as of that day"
    undated = reporting.material(store.conn, "2026-10", ANA_OWNER, "car", known, None)
    assert [(c.made_day, c.age_days) for c in undated.notices.catalogues] == [("2026-10-20", None), ("2026-03-01", None)]


ANA_OWNER = Bench().setup.owner


def test_the_ledger_counts_what_the_tables_hold(store: Store) -> None:
    keep(store, row("a", "2026-01-31"), row("b", "2026-10-26"))
    prompts: list[tuple[str, int | None, int | None, str | None, str | None]] = [
        ("service", 1, 2, None, "withdrawn"),  # done, after it was told
        ("service", None, None, None, "held"),
        ("service", 1, None, None, "withdrawn"),  # done, before it was
        ("notice", 1, None, None, "expired"),
        ("milestone", 2, 3, "wrong", "wrong"),
        ("report", 3, None, "wrong", "wrong"),
        ("report", 3, None, None, "released"),
    ]
    for n, each in enumerate(prompts):
        names = "id, topic, kind, released_ns, delivered_utc_ns, answer, state"
        store.conn.execute(f"INSERT INTO prompts ({names}) VALUES (?, ?, ?, ?, ?, ?, ?)", (str(n), str(n), *each))
    for kind in ("service", "notice"):  # an appointment that was moved: a prompt, and neither a service nor a recall
        query = "INSERT INTO prompts (id, topic, kind, released_ns, delivered_utc_ns, state) VALUES (?, ?, ?, 4, 5, 'delivered')"
        store.conn.execute(query, (f"moved {kind}", f"appointment {kind}", kind))
    store.conn.execute("INSERT INTO once (id, kind) VALUES ('m', 'MilestoneReached')")
    for month, driver in (("2026-09", "ana"), ("2026-09", "ben"), ("2026-10", "ana")):
        store.conn.execute("INSERT INTO reports (month, driver, id, body) VALUES (?, ?, 'i', '{}')", (month, driver))
    state = ReportState(beeps=2, told_before=1)
    found = reporting.relationship(store.conn, ANA_OWNER, state, utc_ns("2026-11-29"))
    assert found is not None
    assert (found.months, found.first_day, found.distance_m) == (9, "2026-01-31", 40_000.0)
    assert (found.reports, found.services_told, found.services_before_beep, found.milestones) == (2, 1, 1, 1)
    assert (found.recalls, found.prompts_sent, found.prompts_wrong) == (0, 6, 2), "what nobody saw was not told"
    assert reporting.relationship(store.conn, ANA_OWNER, state, utc_ns("2026-03-31")) is None, "three months are the least"


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [("2026-01-31", "2026-02-28", 1), ("2026-01-15", "2026-02-14", 0), ("2025-12-01", "2026-12-01", 12)],
)
def test_months_are_whole(first: str, last: str, months: int) -> None:
    assert reporting.months_between(first, last) == months
