"""keyoff drivers: what each driver's months add up to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import msgspec

from agent.cli.load import config_option, json_option, look, store_file, store_option
from agent.cli.show import distance, duration, table
from agent.cli.trips import UNACCOUNTED, owner_view


@click.command(short_help="Each driver's sums, month by month.")
@config_option
@store_option
@json_option
def command(config_path: Path, store_path: Path | None, as_json: bool) -> None:
    """Sums per driver and month, short moves included. `unknown` is a driver like any other."""
    zone, counts = owner_view(config_path)
    sums = by_driver(store_file(config_path, store_path), zone)
    if as_json:
        click.echo(json.dumps(sums, indent=2))
        return
    click.echo(driver_table(sums, counts) if sums else "No trip yet.")


def by_driver(path: Path, zone: str) -> list[dict[str, Any]]:
    """One dict per (month, driver), from the kept trips; a trip without a date is in month None."""
    from zoneinfo import ZoneInfo  # late, as what follows

    from agent.events.driver_summary import DriverMonth, month_of
    from agent.tally import Sums

    totals: dict[tuple[str, str], DriverMonth] = {}
    for r in look(path).execute("SELECT * FROM trips WHERE kind != ? ORDER BY n", (UNACCOUNTED,)):
        month = month_of(r["start_utc_ns"], ZoneInfo(zone)) if r["start_utc_ns"] is not None else ""
        key = (month, r["driver"])
        sums = Sums(msgspec.json.decode(r["metrics"]), msgspec.json.decode(r["estimated"] or "[]"))
        totals[key] = totals.get(key, DriverMonth()).plus(r["kind"], sums)
    return [
        {
            "month": month or None,
            "driver": driver,
            "trips": total.trips,
            "short_moves": total.short_moves,
            "metrics": total.sums.metrics,
            "estimated": total.sums.estimated,
        }
        for (month, driver), total in sorted(totals.items())
    ]


def driver_table(sums: list[dict[str, Any]], counts: str) -> str:
    rows = []
    for s in sums:
        m = s["metrics"]
        km = m.get("distance_m", 0.0) / 1000
        litres = m.get("fuel_l")
        rows.append(
            (
                s["month"],
                s["driver"],
                s["trips"],
                distance(m.get("distance_m"), counts),
                duration(m.get("duration_s")),
                f"{litres / km * 100:.1f}" if litres is not None and km else None,
                m.get("harsh_brakes"),
                m.get("harsh_accels"),
                duration(m.get("night_s")),
            )
        )
    head = ("month", "driver", "trips", "distance", "time", "l/100 km", "harsh brakes", "harsh accels", "at night")
    return table(head, rows)
