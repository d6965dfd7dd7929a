"""keyoff trips: what was driven, by whom; a chart of one trip; who drove."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from agent.cli.load import config_option, json_option, load_config, look, store_file, store_option
from agent.cli.show import chart, distance, duration, moment, table
from agent.config import Owner
from agent.household import NO_BREAK, UNIT_M, UNKNOWN

UNACCOUNTED = "unaccounted"
SHOWN_ABOVE = ("distance_m", "trips", "duration_s")  # in the trip's own row


@click.group(invoke_without_command=True, short_help="Trips: a table, one in detail, who drove.")
@click.option("--last", default=20, show_default=True, help="How many.")
@config_option
@store_option
@json_option
@click.pass_context
def command(ctx: click.Context, last: int, config_path: Path, store_path: Path | None, as_json: bool) -> None:
    """The last trips. Short moves and distance that nobody saw are rows of their own.

    \b
      keyoff trips
      keyoff trips show 3f2a          the start of a trip's id is enough
      keyoff trips assign 3f2a ana    Ana drove it: her sums follow
    """
    if ctx.invoked_subcommand is not None:
        return
    conn = look(store_file(config_path, store_path))
    rows = conn.execute("SELECT * FROM (SELECT * FROM trips ORDER BY n DESC LIMIT ?) ORDER BY n", (last,)).fetchall()
    if as_json:
        click.echo(json.dumps([trip_dict(r) for r in rows], indent=2))
        return
    zone, counts = owner_view(config_path)
    click.echo(trip_table(rows, zone, counts) if rows else "No trip yet. It appears here when the first one has ended.")


@command.command()
@click.argument("trip")
@config_option
@store_option
@json_option
def show(trip: str, config_path: Path, store_path: Path | None, as_json: bool) -> None:
    """One trip in detail, with a chart of its speed. TRIP: the start of its id."""
    from agent.io import trace  # late
    from agent.report.about_driving import band_label
    from agent.report.amounts import Amounts

    conn = look(store_file(config_path, store_path))
    row = find_trip(conn, trip)
    bodies = conn.execute("SELECT body FROM trace WHERE trip_id = ? ORDER BY start_ns", (row["id"],)).fetchall()
    points = trace.unpack(b["body"] for b in bodies)
    if as_json:
        click.echo(
            json.dumps(
                trip_dict(row) | {"trace": {"t_ns": points.t_ns, "speed_kmh": points.speed_kmh, "engine_rpm": points.engine_rpm}}
            )
        )
        return
    owner = owner_of(config_path)
    counts = owner.counts
    click.echo(trip_table([row], owner.timezone, counts))
    click.echo(f"\n{driver_line(row['driver'], row['driver_how'], row['driver_sure'])}\n")
    for line in chart([kmh * 1000 / UNIT_M[counts] for kmh in points.speed_kmh], unit="km/h" if counts == "km" else "mph"):
        click.echo(line)
    m = json.loads(row["metrics"])
    about = json.loads(row["estimated"] or "[]")
    click.echo("\n" + table(("measure", "value"), measured(row, owner)).replace("\u00a0", " "))
    scalars = [
        (name, f"{value:,.2f}".removesuffix(".00"), "estimated" if name in about else None)
        for name, value in m.items()
        if not isinstance(value, dict)
    ]
    click.echo("\n" + table(("metric", "value", "note"), scalars))
    say = Amounts("en", counts, owner.economy)
    bands = [
        (band_label(say, band), duration(s), distance(m.get("speed_band_m", {}).get(band, 0.0), counts))
        for band, s in m.get("speed_band_s", {}).items()
    ]
    click.echo("\n" + table(("speed", "time", "distance"), bands).replace(NO_BREAK, " "))
    dynamics = dynamics_rows(m)
    if dynamics:
        click.echo("\n" + table(("dynamics", "v·a95 m²/s³", "EU 2017/1151: at most"), dynamics))


def driver_line(driver: str, how: str | None, sure: float | None) -> str:
    """Who drove, how that is known and how sure it is."""
    if driver == UNKNOWN and how not in (None, UNKNOWN, "household"):
        return f"Who drove is unknown: the {how} contradicts itself or what else the car said."
    if driver == UNKNOWN:
        return "Who drove is unknown" + (", as the household says." if how == "household" else ": nothing told of anybody.")
    known = {"household": "as the household says", "style": "by how it was driven", "default": "as nobody else was known"}
    by = known.get(how or "", f"by the {how}") if how else "how that is known is not kept"
    return f"{driver} drove, {by}{'' if sure is None else f' ({sure:.0%} sure)'}."


def measured(row: sqlite3.Row, owner: Owner) -> list[tuple[str, str]]:
    """The report's measures of one trip, in the owner's units; those that are not known are left out."""
    from agent.report.about_driving import measures, row_label  # late
    from agent.report.amounts import Amounts
    from agent.report.driving import driving, total
    from agent.report.rows import Row
    from agent.reporting import sums

    found = driving(total([Row(row["id"], row["kind"], row["driver"], "", sums(row))]))
    say = Amounts("en", owner.counts, owner.economy)
    known = [m for m in measures(say, owner.over_speed_kmh) if getattr(found, m.field) is not None]
    return [(row_label(m), m.text(found)) for m in known if m.field not in SHOWN_ABOVE]


def dynamics_rows(m: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Per speed class: the 95th percentile of speed × acceleration, and the regulatory limit at its mean speed."""
    from agent.metrics.va_histogram_s import va95_limit_m2_s3, va95_m2_s3  # late

    sums = m.get("rpa_sum_m2_s2", {})
    return [
        (name, f"{value:.1f}", f"{va95_limit_m2_s3(sums[name]['distance_m'] / sums[name]['duration_s'] * 3.6):.1f}")
        for name, value in va95_m2_s3(m.get("va_histogram_s", {})).items()
        if sums.get(name, {}).get("duration_s")
    ]


@command.command()
@click.argument("trip")
@click.argument("driver")
@config_option
@store_option
def assign(trip: str, driver: str, config_path: Path, store_path: Path | None) -> None:
    """DRIVER drove TRIP: the trip moves, the sums follow, and the cloud is told. TRIP: the start of its id. DRIVER: an id of
    `keyoff drivers list`, or `unknown`."""
    from agent.cli.enter import enter  # late
    from agent.io.requests import Request

    conn = look(store_file(config_path, store_path))
    row = find_trip(conn, trip)
    conn.close()
    enter(config_path, store_path, Request("assign", trip_id=row["id"], driver=driver))
    click.echo(f"Trip {row['id'][:8]} is {driver}'s.")


def find_trip(conn: sqlite3.Connection, start: str) -> sqlite3.Row:
    """The trip whose id begins with `start`. Raises click.BadParameter when none or several do."""
    rows = conn.execute(
        "SELECT * FROM trips WHERE substr(id, 1, ?) = ? AND kind != ?", (len(start), start, UNACCOUNTED)
    ).fetchall()
    if len(rows) != 1:
        raise click.BadParameter(f"{len(rows) or 'no'} trips begin with {start!r}; `keyoff trips` lists them", param_hint="TRIP")
    found: sqlite3.Row = rows[0]
    return found


def owner_view(config_path: Path) -> tuple[str, str]:
    """The owner's time zone and unit of distance; UTC and km where there is no config."""
    owner = owner_of(config_path)
    return owner.timezone, owner.counts


def owner_of(config_path: Path) -> Owner:
    """[owner], or its defaults where there is no config. Raises ConfigError."""
    return load_config(config_path).owner if config_path.exists() else Owner()


def trip_dict(row: sqlite3.Row) -> dict[str, Any]:
    """A row of `trips` with its JSON columns decoded; what is unknown is absent."""
    plain = {k: row[k] for k in row.keys() if row[k] is not None and k != "n"}  # noqa: SIM118 - sqlite3.Row iterates values
    return plain | {k: json.loads(row[k]) for k in ("metrics", "estimated") if row[k] is not None}


def trip_table(rows: Sequence[sqlite3.Row], zone: str, counts: str) -> str:
    return table(
        ("trip", "start", "driver", "distance", "time", "l", "kWh", "harsh", "ended by"), [_cells(r, zone, counts) for r in rows]
    )


def _cells(row: sqlite3.Row, zone: str, counts: str) -> list[Any]:
    m = json.loads(row["metrics"])
    about = json.loads(row["estimated"] or "[]")
    if row["kind"] == UNACCOUNTED:
        return [
            row["id"][:8],
            None,
            None,
            distance(m["unaccounted_m"], counts),
            None,
            None,
            None,
            None,
            "nobody saw this distance",
        ]
    harsh = None if "harsh_brakes" not in m else m["harsh_brakes"] + m.get("harsh_accels", 0)
    ended = row["ended_by"] + (" (short move)" if row["kind"] == "short_move" else "")
    return [
        row["id"][:8],
        moment(row["start_utc_ns"], zone) or "no date",
        row["driver"],
        distance(m.get("distance_m"), counts),
        duration(m.get("duration_s")),
        _estimate(m, about, "fuel_l", 2),
        _estimate(m, about, "energy_kwh", 2),
        None if harsh is None else f"{'~' if 'harsh_brakes' in about else ''}{harsh}",
        ended,
    ]


def _estimate(metrics: dict[str, Any], about: list[str], name: str, digits: int) -> str | None:
    value = metrics.get(name)
    return None if value is None else f"{'~' if name in about else ''}{value:.{digits}f}"
