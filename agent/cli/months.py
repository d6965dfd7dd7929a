"""Each driver's months, from the kept trips: what `keyoff drivers` shows."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TypeAlias

from agent.cli.load import look
from agent.cli.show import distance, table
from agent.cli.trips import UNACCOUNTED

if TYPE_CHECKING:
    from agent.config import Owner
    from agent.report.rows import Row

Months: TypeAlias = "dict[tuple[str, str], list[Row]]"
"""(month, driver) → their trips and short moves, the earlier first; a trip without a date is in month ""."""

WIDTH = 96
SHORT = {  # a field of Driving → its head in the table; None: its unit
    "duration_s": "time",
    "fuel_l_100km": None,
    "energy_kwh_100km": None,
    "harsh_100km": "harsh",
    "idle_share": "idle",
    "cold_short_trips": "cold",
    "night_share": "night",
    "over_speed_share": "over",
}


def by_driver(path: Path, zone: str) -> tuple[Months, int]:
    """(the months, how many trips are damaged and left out). Raises StoreError."""
    from zoneinfo import ZoneInfo  # late, as what follows

    from agent.localtime import day_of
    from agent.report.rows import Row
    from agent.reporting import DAMAGED, sums

    rows: Months = {}
    damaged = 0
    for r in look(path).execute("SELECT * FROM trips WHERE kind != ? ORDER BY n", (UNACCOUNTED,)):
        try:
            day = "" if r["start_utc_ns"] is None else day_of(r["start_utc_ns"], ZoneInfo(zone))
            row = Row(r["id"], r["kind"], r["driver"], day, sums(r))
        except DAMAGED:
            damaged += 1
            continue
        rows.setdefault((row.month, row.driver), []).append(row)
    return {key: rows[key] for key in sorted(rows)}, damaged


def plain(months: Months) -> list[dict[str, Any]]:
    """As JSON tells them: the sums that a DriverSummary has."""
    from agent.events.driver_summary import DriverMonth  # late

    found = []
    for (month, driver), rows in months.items():
        sums = DriverMonth()
        for row in rows:
            sums = sums.plus(row.kind, row.sums)
        counts = {"trips": sums.trips, "short_moves": sums.short_moves}
        told = {"metrics": sums.sums.metrics, "estimated": sums.sums.estimated, "covers": sums.covers}
        found.append({"month": month or None, "driver": driver, **counts, **told})
    return found


def driver_table(months: Months, owner: Owner) -> str:
    """In the owner's units, with what its short heads mean; each ratio is over the trips that know it, and says so."""
    from agent.report.about_driving import measures
    from agent.report.amounts import Amounts
    from agent.report.driving import driving, total
    from agent.report.phrases import phrase

    say = Amounts("en", owner.counts, owner.economy)
    found = [(month, driver, driving(total(rows))) for (month, driver), rows in months.items()]
    known = [
        m
        for m in measures(say, owner.over_speed_kmh)
        if m.field in SHORT and any(getattr(d, m.field) is not None for _, _, d in found)
    ]
    heads = {m.field: SHORT[m.field] or m.unit for m in known}
    rows = [
        (month or None, driver, d.trips, distance(d.distance_m, owner.counts), *(m.text(d) for m in known))
        for month, driver, d in found
    ]
    notes = [f"{heads[m.field]}: {m.label}" for m in known if m.field != "duration_s" and not m.unit]
    text = table(("month", "driver", "trips", "distance", *heads.values()), rows)
    covers = [
        f"{month or 'no date'} {driver}: {phrase('covers note', 'en', what=m.label, share=say.share(d.covers[m.field]))}"
        for month, driver, d in found
        for m in known
        if m.field in d.covers
    ]
    return "\n".join([text, "", *wrap("; ".join(notes), WIDTH), *covers]).replace("\u00a0", " ")
