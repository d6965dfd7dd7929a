"""What came of the three months, on a terminal: trips, drivers, the milestone, each prompt with its hours, the proof."""

from __future__ import annotations

import email
import sqlite3
import textwrap
from collections import Counter
from email.policy import default
from pathlib import Path
from typing import Any

import click

from agent.cli.exits import Unavailable
from agent.cli.months import by_driver, driver_table
from agent.cli.show import breakable, distance, moment, table
from agent.cli.trips import trip_table
from agent.config import Config, Owner
from agent.io.store import Store
from hil.cloud import Cloud
from hil.cloud.show import reports
from hil.demo.life import BROKER_COMES_AT, BROKER_GOES_AT, Life
from hil.demo.town import Town

TRIPS_SHOWN = 6
WIDTH = 116


def tell(store: Store, cloud: Cloud, town: Town, config: Config, life: Life) -> None:
    """Raises Unavailable when the receiver does not hold everything once."""
    zone = config.owner.timezone
    trips(store, config.owner, life.frames)
    milestone(store, cloud, zone)
    prompts(store, zone)
    mails(store.path.parent / "mails", town)
    click.echo(
        f"\nOn the way the clock was two hours wrong until after the first drive, and the broker was away from drive "
        f"{BROKER_GOES_AT + 1} to {BROKER_COMES_AT}."
    )
    prove(store, cloud)


def trips(store: Store, owner: Owner, heard: int) -> None:
    rows = store.conn.execute("SELECT * FROM trips ORDER BY n").fetchall()
    last = trip_table(rows[-TRIPS_SHOWN:], owner.timezone, "km")
    click.echo(f"\n{heard:,} frames came to {len(rows)} trips; the last of them:\n\n{last}")
    how = Counter(f"{r['driver']} by {r['driver_how']}" for r in rows)
    click.echo("\nWho drove: " + ", ".join(f"{who}: {n}" for who, n in how.most_common()))
    click.echo("\n" + driver_table(by_driver(store.path, owner.timezone)[0], owner))


def milestone(store: Store, cloud: Cloud, zone: str) -> None:
    """With its key leg: the trip on which it was passed."""
    for mark in (e["data"] for e in cloud.events if ".MilestoneReached." in e["type"]):
        leg = store.conn.execute(
            "SELECT * FROM trips WHERE start_utc_ns <= :then AND end_utc_ns >= :then", {"then": mark["utc_ns"]}
        ).fetchone()
        click.echo(
            f"\nMilestone: {mark['mark']:,} {mark['counts']}, passed on {moment(mark['utc_ns'], zone)} in mid-drive, at "
            f"{distance(mark['reading_m'])}."
        )
        if leg is not None:
            start, end = moment(leg["start_utc_ns"], zone), moment(leg["end_utc_ns"], zone)
            click.echo(f"Its key leg: {leg['driver']}'s trip {leg['id'][:8]}, {start} to {end}.")


def prompts(store: Store, zone: str) -> None:
    """Each prompt's hours: when it became true, when it left the car, when it was shown; and what became of it."""
    rows = store.conn.execute("SELECT * FROM prompts ORDER BY raised_ns").fetchall()

    def at(row: sqlite3.Row, name: str) -> str | None:
        return moment(row[f"{name}_utc_ns"], zone)

    shown = [
        (
            breakable(r["title"] or r["topic"]),
            r["driver"],
            at(r, "raised"),
            at(r, "released"),
            at(r, "delivered"),
            r["answer"] or r["state"],
        )
        for r in rows
    ]
    click.echo("\n" + table(("prompt", "for", "raised", "left the car", "shown", "then"), shown))
    held = [(breakable(r["title"] or r["topic"]), r["driver"], r["held_by"] or "nothing") for r in rows]
    click.echo("\n" + table(("prompt", "for", "held by"), held))
    told = next((breakable(f"{r['title']}\n{r['text']}") for r in rows if r["kind"] == "service" and r["text"]), "")
    for paragraph in told.splitlines():
        click.echo("\n" + textwrap.fill(paragraph, WIDTH, initial_indent="  ", subsequent_indent="  "))


def mails(folder: Path, town: Town) -> None:
    found = [email.message_from_bytes(path.read_bytes(), policy=default) for path in sorted(folder.glob("*.eml"))]
    by_date = sorted(found, key=lambda mail: mail["Date"].datetime)
    rows = [(f"{mail['Date'].datetime:%Y-%m-%d %H:%M}", mail["To"], mail["Subject"]) for mail in by_date]
    click.echo("\n" + table(("mail (UTC)", "to", "subject"), rows))
    save_reports(folder.parent, by_date)
    people = len({row[1] for row in rows})
    click.echo(
        f"\n{len(rows)} mail{'s' * (len(rows) != 1)} in {folder} for {people} {'person' if people == 1 else 'people'}; "
        f"shown while driving: {town.inbox.desk.shown_while_driving()}."
    )


def save_reports(folder: Path, found: list[Any]) -> None:
    """The reports, as pages to look at."""
    for mail in found:
        for part in mail.iter_attachments():
            if part.get_content_type() == "text/html":
                name = f"{mail['To'].partition('@')[0]}-{part.get_filename()}"
                (folder / name).write_text(part.get_content())
                click.echo(f"  report: {folder / name}")


def prove(store: Store, cloud: Cloud) -> None:
    """What the receiver's own file proves, by (epoch, seq). Raises Unavailable when it is not everything, once, believed."""
    (held,) = reports(cloud.receiver.db)
    kept = store.conn.execute("SELECT count(*) FROM events").fetchone()[0]
    numbers = sum(last - first + 1 for epoch in held.epochs for first, last in epoch.here)
    lost, twice = max(held.missing, kept - held.events), numbers - held.events
    valid = "all signatures valid" if not held.bad else f"{held.bad} signatures not believed"
    click.echo(f"The receiver holds {held.events} events of {kept}: {lost} lost, {twice} duplicated, {valid}.")
    if lost or twice or held.bad or not held.complete:
        raise Unavailable("the receiver does not hold everything once")
