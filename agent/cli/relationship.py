"""keyoff relationship: what this unit has been to this car, by its own tables."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.load import config_option, json_option, look, now_utc_ns, store_file, store_option
from agent.cli.report import owner_and_vehicle
from agent.cli.show import breakable

if TYPE_CHECKING:
    from agent.config import Owner
    from agent.report.report import Relationship


@click.command(short_help="The ledger of the months together: what it told, and what was wrong.")
@config_option
@store_option
@json_option
def command(config_path: Path, store_path: Path | None, as_json: bool) -> None:
    """Months together, reports, services told before the car's own reminder, recalls, milestones, prompts and those marked wrong.

    December's report carries the same, once three months have come together.
    """
    from agent.io.store import store_error

    path = store_file(config_path, store_path)
    conn = look(path)
    owner, _ = owner_and_vehicle(config_path)
    try:
        found = _ledger(conn, owner)
    except sqlite3.Error as e:
        raise store_error(path, e) from e
    if as_json:
        from msgspec import json as encoder  # late, as what follows

        click.echo(encoder.format(encoder.encode(found), indent=2).decode())
    elif found is None:
        click.echo("Not three months together yet; it begins with the first trip that has a date.")
    else:
        click.echo("\n".join(_lines(found, owner)))


def _ledger(conn: sqlite3.Connection, owner: Owner) -> Relationship | None:
    """Up to now, or, where no clock is to be trusted, to the last trip."""
    from zoneinfo import ZoneInfo

    from agent.io import states
    from agent.reporting import known_of, relationship

    until_utc_ns = now_utc_ns() or conn.execute("SELECT max(start_utc_ns) FROM trips").fetchone()[0] or 0
    return relationship(conn, owner, known_of(states.read(conn)[0], ZoneInfo(owner.timezone)).state, until_utc_ns)


def _lines(found: Relationship, owner: Owner) -> list[str]:
    from agent.report.about_car import ledger
    from agent.report.amounts import Amounts
    from agent.report.blocks import Section
    from agent.report.phrases import phrase
    from agent.report.plain import section_lines

    say = Amounts("en", owner.counts, owner.economy)
    section = Section(phrase("ledger", "en"), list(ledger(found, say)))
    return [breakable(line) for line in section_lines(section)]
