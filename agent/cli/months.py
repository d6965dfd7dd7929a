"""Each driver's months, from the kept trips: what `keyoff drivers` shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TypeAlias

from agent.cli.load import look
from agent.cli.show import distance, table
from agent.cli.trips import UNACCOUNTED

if TYPE_CHECKING:
    from agent.config import Owner
    from agent.report.driving import Totals

Months: TypeAlias = "dict[tuple[str, str], Totals]"
"""(month, driver) → what their trips add up to; a trip without a date is in month ""."""

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
    from agent.report.driving import total
    from agent.report.rows import Row
    from agent.reporting import DAMAGED, sums

    rows: dict[tuple[str, str], list[Row]] = {}
    damaged = 0
    for r in look(path).execute("SELECT * FROM trips WHERE kind != ? ORDER BY n", (UNACCOUNTED,)):
        try:
            day = "" if r["start_utc_ns"] is None else day_of(r["start_utc_ns"], ZoneInfo(zone))
            row = Row(r["id"], r["kind"], r["driver"], day, sums(r))
        except DAMAGED:
            damaged += 1
            continue
        rows.setdefault((row.month, row.driver), []).append(row)
    return {key: total(rows[key]) for key in sorted(rows)}, damaged


def plain(months: Months) -> list[dict[str, Any]]:
    """As JSON tells them."""
    return [
        {
            "month": month or None,
            "driver": driver,
            "trips": totals.trips,
            "short_moves": totals.short_moves,
            "metrics": totals.sums.metrics,
            "estimated": totals.sums.estimated,
        }
        for (month, driver), totals in months.items()
    ]


def driver_table(months: Mapping[tuple[str, str], Totals], owner: Owner) -> str:
    """In the owner's units, with what its short heads mean; each ratio is over the trips that know it."""
    from agent.report.about_driving import measures
    from agent.report.amounts import Amounts
    from agent.report.driving import driving

    say = Amounts("en", owner.counts, owner.economy)
    found = [(month, driver, driving(totals)) for (month, driver), totals in months.items()]
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
    return "\n".join([text, "", *wrap("; ".join(notes), WIDTH)]).replace("\u00a0", " ")
