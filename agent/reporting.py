"""A month's reports, made of the kept trips and of what the rule `report` noted: once, when the month is over.

Only the trips of the thirteen months that a report looks at are read, by the index over their dates. A report that is in the
table `reports` is not made again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from datetime import date
from functools import cache
from typing import Any, NamedTuple, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from agent.config import Owner
from agent.engine import Engine
from agent.events.appointment import APPOINTMENT
from agent.events.concern import Concern
from agent.events.report import Expected, ReportKept, ReportReady, ReportRule, ReportState
from agent.household import Driver, Household
from agent.io.states import States
from agent.io.store import Store, store_error
from agent.localtime import DAY_NS, day_of, days_of, month_end_ns, month_of, month_start_ns, months_back
from agent.model import TRUSTED, Context, Event, derive_id
from agent.notices import Joined, NoticeBook
from agent.report.build import Material, build, readers
from agent.report.facts import Fact, MonthFacts
from agent.report.report import Catalogue, CheckName, Due, Notice, Notices, Relationship, Report
from agent.report.rows import MONTHS_BACK, OUTLINE, Row, detailed_months
from agent.stitch import is_trusted
from agent.tally import Sums

S = TypeVar("S")
Part = TypeVar("Part", bound=msgspec.Struct)
Amount: TypeAlias = int | float | dict[str, Any]

LEDGER_MONTH = "12"  # this month's report carries the ledger of the years: on the same day for everybody
LEAST_DAYS = 90  # together, before there is a ledger

TRIPS = (
    "SELECT id, kind, driver, start_utc_ns, clock, metrics, estimated FROM trips"
    " WHERE start_utc_ns >= ? AND start_utc_ns < ? AND kind != 'unaccounted' ORDER BY start_utc_ns"
)
LAST_BEFORE = "SELECT n FROM trips WHERE start_utc_ns < ? ORDER BY start_utc_ns DESC LIMIT 1"
FIRST_AFTER = "SELECT n FROM trips WHERE start_utc_ns >= ? ORDER BY start_utc_ns LIMIT 1"
UNDATED_ROWS = "SELECT kind, metrics FROM trips WHERE start_utc_ns IS NULL AND n > ? AND n < ?"
DAMAGED = (msgspec.MsgspecError, TypeError, ValueError, KeyError, AttributeError)  # whatever a row may hold


class Known(NamedTuple):
    """What is known beside the trips, from the states of the rules."""

    household: Household
    state: ReportState
    reading_m: float | None = None  # the odometer
    checks: Mapping[CheckName, str | None] = {}  # what was looked at → on which local day last; None: no day is known
    notices: tuple[Notice, ...] = ()
    catalogues: Mapping[str, int] = {}  # source of notices → when its last catalogue was made


def reports(engine: Engine, store: Store, now_ns: int, month: str) -> list[Event]:
    """Make `month`'s reports and have them heard. They count as made with the commit that keeps these events. Raises StoreError.

    What cannot be made for one reader is counted as a failure of the rule, and the others have theirs.
    """
    rule, ctx, setup = _rule(engine), engine.context(now_ns), engine.setup
    utc_ns = ctx.wall.utc_ns(now_ns) if is_trusted(ctx.wall) else None
    known = known_of(engine.states(), ZoneInfo(setup.owner.timezone))
    try:
        made = {r["driver"] for r in store.conn.execute("SELECT driver FROM reports WHERE month = ?", (month,))}
        found = material(store.conn, month, setup.owner, setup.vehicle.name, known, utc_ns)
    except sqlite3.Error as e:
        raise store_error(store.path, e) from e
    events: list[Event] = []
    for reader in readers(found):
        if reader.id in made:
            continue
        try:
            events += told(ctx, setup.owner, reader, build(found, reader))
        except Exception:  # noqa: BLE001 - see above
            engine.failures[rule.name] += 1
    rule.made(month, utc_ns or 0)
    return engine.raised(events)


def told(ctx: Context, owner: Owner, reader: Driver, report: Report) -> list[Event]:
    """The report as it leaves, with the word that it is there; or as it is kept, where its reader did not consent."""
    month, driver = report.month, reader.id
    own: dict[str, Any] = {"t_ns": ctx.t_ns, "boot_id": ctx.boot_id}
    if "report" not in reader.consents:
        return [ReportKept(id=derive_id(ctx.unit, "ReportKept", month, driver), month=month, driver=driver, body=report, **own)]
    id = derive_id(ctx.unit, "ReportReady", month, driver)
    person, household = reader.person or driver, owner.household
    values = {"month": month, "trips": report.now.trips, "distance_m": report.now.distance_m or 0.0}
    return [
        ReportReady(id=id, month=month, driver=driver, person=person, household=household, body=report, **own),
        Concern(
            id=derive_id(ctx.unit, "Concern", id),
            subject=f"report {month} {driver}",
            kind="report",
            says="report",
            values=values,
            rests_on=[id],
            driver=driver,
            utc_ns=ctx.wall.utc_ns(ctx.t_ns) if ctx.wall else None,
            **own,
        ),
    ]


# -- what is known --------------------------------------------------------------------------------


class _Lent(msgspec.Struct):
    lent: Household = Household()


class _Reading(msgspec.Struct):
    source: str = "none"
    reading_m: float = 0.0


class _Dated(msgspec.Struct):
    utc_ns: int | None = None


class _Readings(msgspec.Struct):
    readings: list[_Dated] = []


def known_of(states: States, zone: ZoneInfo) -> Known:
    """The engine's states, or those that the store keeps."""
    state = _decoded(states, "report", ReportState)
    odometer = _decoded(states, "odometer", _Reading)
    battery = _decoded(states, "battery", _Readings).readings
    checks: dict[CheckName, str | None] = {}
    if state.codes_utc_ns is not None:
        checks["trouble codes"] = day_of(state.codes_utc_ns, zone) if state.codes_utc_ns else None
    if battery:
        last_utc_ns = battery[-1].utc_ns
        checks["12 V battery"] = None if last_utc_ns is None else day_of(last_utc_ns, zone)
    if odometer.source != "none":
        checks["odometer"] = None
    if state.expected:
        checks["service items"] = None
    book = _decoded(states, "notice", NoticeBook)
    if catalogues := book.by_source():  # as of the day that all of them know of
        checks["recalls and notices"] = day_of(min(catalogues.values()), zone)
    reading_m = odometer.reading_m if odometer.source != "none" else None
    household = _decoded(states, "household", _Lent).lent
    return Known(household, state, reading_m, checks, tuple(_notice(id, each) for id, each in book.open().items()), catalogues)


def _notice(id: str, each: Joined) -> Notice:
    return Notice(id=id, title=each.notice.title, state=each.verdict if each.progress == "open" else each.progress)


def _decoded(states: States, name: str, kind: type[S]) -> S:
    """A rule's state; a fresh one where there is none that can be read."""
    try:
        return msgspec.json.decode(states[name][1], type=kind)
    except (KeyError, msgspec.MsgspecError):
        return kind()


def dues(known: Known) -> list[Due]:
    """The items in the order of their likely days; those without one last."""
    found = [_due(item, each, known.reading_m) for item, each in known.state.expected.items()]
    return sorted(found, key=lambda each: (not each.is_due, each.likely_day is None, each.likely_day or "", each.item))


def _due(item: str, each: Expected, reading_m: float | None) -> Due:
    left_m = each.due_m - reading_m if each.due_m is not None and reading_m is not None else None
    days = {"likely_day": each.likely_day, "early_day": each.earliest_day, "late_day": each.latest_day}
    return Due(item=item, left_m=left_m, is_due=each.is_due, **days)


# -- from the tables ------------------------------------------------------------------------------


def material(conn: sqlite3.Connection, month: str, owner: Owner, vehicle: str, known: Known, utc_ns: int | None) -> Material:
    """All that the reports of `month` are made of; `utc_ns`: now, if that is known. Raises sqlite3.Error."""
    zone = ZoneInfo(owner.timezone)
    end_ns = month_end_ns(month, zone)
    span = month_start_ns(months_back(month, MONTHS_BACK), zone), end_ns
    rows, unsure, unreadable = trips(conn, span, zone, detailed_months(month))
    unaccounted_m, undated = undated_trips(conn, (month_start_ns(month, zone), end_ns))
    noted = known.state.facts.get(month, MonthFacts())
    by_time = sorted(noted.facts, key=lambda f: f.utc_ns or 0)
    first_utc_ns = conn.execute("SELECT min(start_utc_ns) FROM trips").fetchone()[0]
    is_ledger = month.endswith(f"-{LEDGER_MONTH}")
    return Material(
        month=month,
        made_day=None if utc_ns is None else day_of(utc_ns, zone),
        after_day=f"{months_back(month, -1)}-01",
        owner=owner,
        vehicle=vehicle,
        household=known.household,
        rows=rows,
        first_day=None if first_utc_ns is None else day_of(first_utc_ns, zone),
        facts=[(f, None if f.utc_ns is None else day_of(f.utc_ns, zone)) for f in by_time if f.kind != "attributed"],
        facts_left_out=noted.more,
        attributed=list(_attributed(conn, month, known.state, zone)),
        unaccounted_m=unaccounted_m,
        undated_trips=len(undated),
        undated_m=sum(undated),
        unreadable_trips=unreadable,
        unsure=frozenset(unsure),
        checks=known.checks,
        due=dues(known),
        notices=_notices(known, zone, utc_ns),
        relationship=relationship(conn, owner, known.state, end_ns) if is_ledger else None,
    )


def _notices(known: Known, zone: ZoneInfo, utc_ns: int | None) -> Notices:
    ages = {source: None if utc_ns is None else max(0, (utc_ns - each) // DAY_NS) for source, each in known.catalogues.items()}
    made = [Catalogue(source, day_of(each, zone), ages[source]) for source, each in known.catalogues.items()]
    return Notices(made[0].age_days if made else None, list(known.notices), made)


def trips(
    conn: sqlite3.Connection, span: tuple[int, int], zone: ZoneInfo, detailed: Container[str] = ()
) -> tuple[list[Row], list[str], int]:
    """(the trips that began in [start, end) in UTC ns, ids of those that an unsure clock dated, how many are damaged). Of a month
    that is not `detailed` they have the few metrics of OUTLINE. Raises sqlite3.Error."""
    rows, unsure, unreadable = [], [], 0
    for r in conn.execute(TRIPS, span):
        try:
            day = day_of(r["start_utc_ns"], zone)
            known = sums(r) if day[:7] in detailed else _outline(r)
            rows.append(Row(r["id"], r["kind"], r["driver"], day, known))
        except DAMAGED:
            unreadable += 1
            continue
        if r["clock"] not in TRUSTED:
            unsure.append(r["id"])
    return rows, unsure, unreadable


def sums(r: sqlite3.Row) -> Sums:
    """A trip's metrics, with their shapes checked as far as ratios are made of them. Raises one of DAMAGED."""
    _decoder(_Detail).decode(r["metrics"])
    metrics = msgspec.json.decode(r["metrics"], type=dict[str, Amount])
    return Sums(metrics, msgspec.json.decode(r["estimated"] or "[]", type=list[str]))


class _Outline(msgspec.Struct):
    """The fields of OUTLINE: what else a trip's metrics hold is passed over without becoming an object."""

    distance_m: float | None = None
    fuel_l: float | None = None
    energy_kwh: float | None = None
    regenerated_kwh: float | None = None
    speed_band_m: dict[str, float] | None = None


class _Detail(_Outline):
    """And what a report makes ratios of: a row in which it is something else is damaged."""

    va_histogram_s: dict[str, dict[int, float]] | None = None
    rpa_sum_m2_s2: dict[str, dict[str, float]] | None = None


@cache
def _decoder(kind: type[Part]) -> msgspec.json.Decoder[Part]:
    """Made when it is needed first."""
    return msgspec.json.Decoder(kind)


def _outline(r: sqlite3.Row) -> Sums:
    found = _decoder(_Outline).decode(r["metrics"])
    known = {name: getattr(found, name) for name in OUTLINE}
    return Sums({name: value for name, value in known.items() if value is not None})


def undated_trips(conn: sqlite3.Connection, span: tuple[int, int]) -> tuple[float, list[float]]:
    """(metres that nobody saw, the distances of the trips without a date): by their place among the trips of [start, end)."""
    low = conn.execute(LAST_BEFORE, span[:1]).fetchone()
    high = conn.execute(FIRST_AFTER, span[1:]).fetchone()
    unaccounted_m, undated = 0.0, []
    for r in conn.execute(UNDATED_ROWS, (low["n"] if low else 0, high["n"] if high else 1 << 62)):
        try:
            metrics = msgspec.json.decode(r["metrics"], type=dict[str, Any])
            if r["kind"] == "unaccounted":
                unaccounted_m += float(metrics["unaccounted_m"])
            else:
                undated.append(float(metrics.get("distance_m", 0.0)))
        except DAMAGED:
            continue
    return unaccounted_m, undated


def _attributed(
    conn: sqlite3.Connection, month: str, state: ReportState, zone: ZoneInfo
) -> Iterator[tuple[Fact, str, float | None]]:
    """Corrections made since the report before, of trips in months that were reported by then: (fact, its month, metres)."""
    for fact in (f for noted in state.facts.values() for f in noted.facts if f.kind == "attributed"):
        row = conn.execute("SELECT start_utc_ns, metrics FROM trips WHERE id = ?", (fact.what,)).fetchone()
        if row is None or row["start_utc_ns"] is None or fact.utc_ns is None:
            continue
        of_month = month_of(row["start_utc_ns"], zone)
        if state.made_utc_ns.get(of_month, fact.utc_ns) < fact.utc_ns and tells(month, fact.utc_ns, state.made_utc_ns):
            with suppress(*DAMAGED):
                yield fact, of_month, _decoder(_Outline).decode(row["metrics"]).distance_m


def tells(month: str, utc_ns: int, made_utc_ns: Mapping[str, int]) -> bool:
    """Whether `month`'s reports are the first that were made after `utc_ns`, or will be."""
    later = [(made, each) for each, made in made_utc_ns.items() if made >= utc_ns]
    return min(later)[1] == month if later else month not in made_utc_ns


TOLD = "released_ns IS NOT NULL AND (delivered_utc_ns IS NOT NULL OR coalesce(state, '') NOT IN ('held', 'withdrawn', 'expired'))"
"""Of a prompt: it left, and was not called back before anybody saw it."""

ITSELF = f"topic NOT LIKE '{APPOINTMENT}%' AND {TOLD}"
"""It was about the service or the notice itself, and not about an appointment for it that was moved."""

COUNTS = {
    "reports": "SELECT count(DISTINCT month) FROM reports",
    "services_told": "SELECT count(DISTINCT topic) FROM prompts WHERE kind = 'service' AND " + ITSELF,
    "recalls": "SELECT count(DISTINCT topic) FROM prompts WHERE kind = 'notice' AND " + ITSELF,
    "milestones": "SELECT count(*) FROM once WHERE kind = 'MilestoneReached'",
    "prompts_sent": "SELECT count(*) FROM prompts WHERE " + TOLD,
    "prompts_wrong": f"SELECT count(*) FROM prompts WHERE answer = 'wrong' AND {TOLD}",
}


def relationship(conn: sqlite3.Connection, owner: Owner, state: ReportState, until_utc_ns: int) -> Relationship | None:
    """The earned ledger; None before there is one. Raises sqlite3.Error."""
    first, driven_m = conn.execute(
        "SELECT min(start_utc_ns), total(json_extract(metrics, '$.distance_m')) FROM trips WHERE json_valid(metrics)"
    ).fetchone()
    if first is None or until_utc_ns - first < LEAST_DAYS * DAY_NS:
        return None
    zone = ZoneInfo(owner.timezone)
    first_day, last_day = day_of(first, zone), day_of(until_utc_ns, zone)
    return Relationship(
        months=months_between(first_day, last_day),
        first_day=first_day,
        distance_m=driven_m,
        services_before_beep=state.told_before if state.beeps else None,
        **{name: conn.execute(query).fetchone()[0] for name, query in COUNTS.items()},
    )


def months_between(first_day: str, last_day: str) -> int:
    """Whole months."""
    first, last = date.fromisoformat(first_day), date.fromisoformat(last_day)
    at = min(first.day, days_of(last_day[:7]))  # a month that began on the 31st is over with a shorter one
    return (last.year - first.year) * 12 + last.month - first.month - (last.day < at)


def _rule(engine: Engine) -> ReportRule:
    return engine.rule(ReportRule)
