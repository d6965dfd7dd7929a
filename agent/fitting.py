"""How the cars of a catalogue would do, made of the trips that are kept: when somebody looks, never by itself."""

from __future__ import annotations

import sqlite3
from datetime import date, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from agent.config import Owner
from agent.events.fit import FitCatalogueReceived, FitShared
from agent.household import Household
from agent.io import states
from agent.localtime import DAY_NS, at_ns, day_of
from agent.records import ENVELOPE_FIELDS
from agent.report.driving import Driving, driving, total
from agent.report.fit import Basis, Fit, Wanted, fit, is_enough, rounded, taken_from
from agent.report.use import Use
from agent.reporting import known_of, trips, undated_trips

YEAR_DAYS = 365  # what is longer ago was another life


class Found(NamedTuple):
    """`driver` None: the car's whole use. `unseen_m`, `undated`, `damaged`: what was driven and is not in it."""

    owner: Owner
    household: Household
    catalogue: FitCatalogueReceived
    made_day: str  # the catalogue's, local
    age_days: int | None  # None: no clock is to be trusted
    wanted: Wanted
    driver: str | None
    drove: set[str]  # by name, in the last year; not whom nothing else says
    use: Use
    basis: Basis
    driving: Driving  # of the same trips: what this car itself needed
    fits: list[Fit]
    unseen_m: float
    undated: int
    damaged: int

    @property
    def is_enough(self) -> bool:
        """Whether so much is known that it may be told as a year's."""
        return is_enough(self.use)


def found(
    conn: sqlite3.Connection,
    owner: Owner,
    catalogue: FitCatalogueReceived,
    driver: str | None,
    wanted: Wanted,
    now_utc_ns: int | None,
) -> Found | list[str]:
    """The match on the year until now, or until the last trip where that is not known; who drove when there is no trip of
    `driver`. Raises sqlite3.Error."""
    zone = ZoneInfo(owner.timezone)
    latest_utc_ns = now_utc_ns or conn.execute("SELECT max(start_utc_ns) FROM trips").fetchone()[0] or 0
    last_day = day_of(latest_utc_ns, zone)
    until = date.fromisoformat(last_day) + timedelta(days=1)
    span = at_ns(until - timedelta(days=YEAR_DAYS), time(), zone), at_ns(until, time(), zone)
    rows, _, damaged = trips(conn, span, zone)
    drove = {row.driver for row in rows}
    taken = taken_from(rows, driver, last_day)
    if taken is None:
        return sorted(drove)
    household = known_of(states.read(conn)[0], zone).household
    unseen_m, undated = undated_trips(conn, span)
    return Found(
        owner=owner,
        household=household,
        catalogue=catalogue,
        made_day=day_of(catalogue.issued_utc_ns, zone),
        age_days=None if now_utc_ns is None else max(0, (now_utc_ns - catalogue.issued_utc_ns) // DAY_NS),
        wanted=wanted,
        driver=driver,
        drove=drove if household.drivers else drove - {owner.driver},
        use=taken[0],
        basis=taken[1],
        driving=driving(total(row for row in rows if driver in (None, row.driver))),
        fits=fit(catalogue.cars, taken[0], wanted),
        unseen_m=unseen_m,
        undated=len(undated),
        damaged=damaged,
    )


def leaving(shown: Found) -> dict[str, Any]:
    """The data of the FitShared that leaves if its owner lets it: what an envelope would hold, and no more."""
    profile = shown.household.find(shown.driver) if shown.driver is not None else None
    event = FitShared(
        id="",
        t_ns=0,
        boot_id="",
        source=shown.catalogue.source,
        catalogue_utc_ns=shown.catalogue.issued_utc_ns,
        basis=rounded(shown.basis),
        fits=[rounded(each) for each in shown.fits],
        wanted=shown.wanted,
        driver=shown.driver,
        person=(profile.person or profile.id) if profile is not None else None,
        household=shown.owner.household,
    )
    data: dict[str, Any] = msgspec.to_builtins(event)
    return {name: value for name, value in data.items() if name not in ENVELOPE_FIELDS}
