"""keyoff report: a month, for the person who drove."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.load import config_option, json_option, load_config, look, now_utc_ns, store_file, store_option

if TYPE_CHECKING:
    from agent.config import Owner
    from agent.report.report import Report

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@click.command(short_help="A month: how it was driven, the car's health, what is due.")
@click.option("--month", help="Like 2026-10; default: the last one that was reported, else the last with a trip.")
@click.option("--driver", help="Whose; default: the first who has a report of that month.")
@click.option("--html", "html_path", type=click.Path(dir_okay=False, path_type=Path), help="Write the page into this file.")
@config_option
@store_option
@json_option
def command(
    month: str | None, driver: str | None, html_path: Path | None, config_path: Path, store_path: Path | None, as_json: bool
) -> None:
    """The report of a month, as it was made when the month was over; of any other month as far as its trips are kept.

    \b
      keyoff report
      keyoff report --month 2026-10 --driver ana --html october.html
    """
    if month is not None and not MONTH.fullmatch(month):
        raise click.BadParameter(f"{month!r} is no month; write it like 2026-10", param_hint="--month")
    report = find(config_path, store_path, month, driver)
    if html_path is not None:
        _write(html_path, report)
    elif as_json:
        from msgspec import json as encoder  # late, as what follows

        click.echo(encoder.format(encoder.encode(report), indent=2).decode())
    else:
        from agent.report.document import document
        from agent.report.plain import plain

        click.echo(plain(document(report)), nl=False)


def _write(path: Path, report: Report) -> None:
    from agent.report.page import page

    try:
        path.write_text(page(report), encoding="utf-8")
    except OSError as e:
        raise click.BadParameter(f"cannot write there: {e}", param_hint="--html") from None
    click.echo(f"The report for {report.month} is in {path}.")


def find(config_path: Path, store_path: Path | None, month: str | None, driver: str | None) -> Report:
    """The report that is asked for. Raises click.BadParameter when there is none, StoreError, ConfigError."""
    from agent.io.store import store_error

    path = store_file(config_path, store_path)
    conn = look(path)
    owner, vehicle = owner_and_vehicle(config_path)
    try:
        return _find(conn, owner, vehicle, month, driver)
    except sqlite3.Error as e:
        raise store_error(path, e) from e


def owner_and_vehicle(config_path: Path) -> tuple[Owner, str]:
    """The owner, and what the vehicle is called; without a config the defaults. Raises ConfigError."""
    from agent.config import Config, VehicleConfig
    from agent.io.vehicles import find_vehicle

    config = load_config(config_path) if config_path.exists() else Config(VehicleConfig("obd2"))
    folder = config_path.parent / config.vehicle.dir if config.vehicle.dir else None
    return config.owner, find_vehicle(config.vehicle.profile, folder)[0].name


def _find(conn: sqlite3.Connection, owner: Owner, vehicle: str, month: str | None, driver: str | None) -> Report:
    month = month or latest(conn, owner)
    if month is None:
        raise click.BadParameter("no trip with a date yet, so no month to report", param_hint="--month")
    kept = kept_reports(conn, month)
    made = {driver: kept[driver]} if driver in kept else {} if driver else kept
    made = made or computed(conn, owner, vehicle, month)
    if driver is not None:
        made = {id: report for id, report in made.items() if id == driver}
    if not made:
        whom, whose = (f" for {driver!r}", "theirs") if driver else ("", "that month")
        raise click.BadParameter(f"nothing to report of {month}{whom}: no trip of {whose} is kept", param_hint="--month/--driver")
    return next(iter(made.values()))


def latest(conn: sqlite3.Connection, owner: Owner) -> str | None:
    """The last month that was reported, else the last with a trip."""
    from zoneinfo import ZoneInfo

    from agent.localtime import month_of

    row = conn.execute("SELECT max(month) FROM reports").fetchone()
    if row[0] is not None:
        return str(row[0])
    utc_ns = conn.execute("SELECT max(start_utc_ns) FROM trips").fetchone()[0]
    return None if utc_ns is None else month_of(utc_ns, ZoneInfo(owner.timezone))


def kept_reports(conn: sqlite3.Connection, month: str) -> dict[str, Report]:
    """Driver → the report as it was made; one that this software cannot read any more is left out, and computed anew."""
    import msgspec

    from agent.report.report import Report

    out = {}
    for r in conn.execute("SELECT driver, body FROM reports WHERE month = ? ORDER BY driver", (month,)):
        try:
            out[r["driver"]] = msgspec.json.decode(r["body"], type=Report)
        except msgspec.MsgspecError:
            continue
    return out


def computed(conn: sqlite3.Connection, owner: Owner, vehicle: str, month: str) -> dict[str, Report]:
    """Driver → the report of a month that has none yet, from the trips that are kept."""
    from zoneinfo import ZoneInfo

    from agent.io import states
    from agent.report.build import build, readers
    from agent.reporting import known_of, material

    known = known_of(states.read(conn)[0], ZoneInfo(owner.timezone))
    found = material(conn, month, owner, vehicle, known, now_utc_ns())
    return {reader.id: build(found, reader) for reader in readers(found)}
