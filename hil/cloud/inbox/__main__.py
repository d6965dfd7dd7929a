"""`python -m hil.cloud.inbox run FOLDER`: hear units at a broker, show people what is due, send their answers back."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import click

from agent.config import ConfigError
from hil.ca import CLOUD, Authority
from hil.cloud import Cloud
from hil.cloud.inbox.inbox import Inbox
from hil.cloud.inbox.journal import Journal
from hil.cloud.inbox.links import Links, ToPage, secret
from hil.cloud.inbox.mail import Folder, Post, Server
from hil.cloud.inbox.people import read
from hil.cloud.inbox.sending import ByBroker
from hil.cloud.inbox.web import LOOPBACK, Served, app
from hil.cloud.inbox.workshop import Workshop

TURN_S = 0.5  # how soon a message whose time has come is seen; an event wakes it at once
EVENTS, JOURNAL, SECRET = "events.sqlite", "inbox.sqlite", "links.key"  # in the folder


@click.group()
def main() -> None:
    """The inbox on the bench: what cars say, to people, by mail and on a page; and a workshop that answers them."""


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--people", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="The address book.")
@click.option("--host", default="localhost", show_default=True, help="The broker.")
@click.option("--port", default=8883, show_default=True)
@click.option("--protocol", type=click.Choice(["5", "3.1.1"]), default="5", show_default=True)
@click.option("--smtp", metavar="PORT", type=int, help="A mail server on this machine. Default: FOLDER/mails, one .eml each.")
@click.option("--address", default="car@localhost", show_default=True, help="What the mails come from, behind the car's name.")
@click.option("--page", "page_port", default=8880, show_default=True, help="The page's port on this machine.")
@click.option(
    "--workshop", "place", default="Bench Garage", show_default=True, help='What the workshop is called; "": there is none.'
)
@click.option("--zone", default="Europe/Berlin", show_default=True, help="The workshop's time zone.")
def run(
    folder: Path,
    *,
    people: Path,
    host: str,
    port: int,
    protocol: Literal["5", "3.1.1"],
    smtp: int | None,
    address: str,
    page_port: int,
    place: str,
    zone: str,
) -> None:
    """Run it until Ctrl-C. FOLDER is python -m hil.ca's; what was heard, shown and answered stays there.

    \b
    python -m hil.ca bench --unit sim-1
    python -m hil.broker bench
    python -m hil.cloud.inbox run bench --people people.toml
    """
    authority = Authority(folder)
    pair, ca = authority.client(CLOUD), authority.pair.certificate
    woken = threading.Event()
    try:
        book = read(people)
        cloud = Cloud(host, port, ca, *pair, protocol, CLOUD, folder / EVENTS)
        inbox = Inbox(
            events_file=folder / EVENTS,
            journal=Journal(folder / JOURNAL),
            book=book,
            links=Links(secret(folder / SECRET), f"http://{LOOPBACK}:{page_port}"),
            address=address,
            post=_post(folder, smtp),
            commands=ByBroker(authority.command_key().private, (host, port), ca, pair, protocol),
            workshop=Workshop(place, ZoneInfo(zone)) if place else None,
            tell=_tell,
        )
        served = Served(app(inbox, time.time_ns), page_port)
        cloud.on_event = lambda _event: woken.set()
        cloud.start()
    except ConfigError as e:
        raise click.ClickException(str(e)) from None
    except (OSError, sqlite3.Error) as e:  # TimeoutError is one
        raise click.ClickException(f"cannot start: {e}") from None
    for person in book.people.values():
        _tell(f"{person.id}: {inbox.links.url(ToPage(person.key), time.time_ns())}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with served, contextlib.suppress(KeyboardInterrupt):
        while True:
            inbox.turn(time.time_ns())
            woken.wait(TURN_S)
            woken.clear()
    cloud.stop()
    _summary(inbox)


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("unit")
@click.argument("bookable")
@click.argument("change", type=click.Choice(["moved", "cancelled", "missed", "kept"]))
@click.option("--to", "start", type=click.DateTime(["%Y-%m-%dT%H:%M"]), help="With moved: the new start, in the workshop's time.")
@click.option("--workshop", "place", default="Bench Garage", show_default=True)
@click.option("--zone", default="Europe/Berlin", show_default=True, help="The workshop's time zone.")
def appointment(folder: Path, unit: str, bookable: str, change: str, *, start: datetime | None, place: str, zone: str) -> None:
    """The workshop's word on UNIT's appointment for BOOKABLE; the inbox that runs on FOLDER sends it.

    \b
    python -m hil.cloud.inbox appointment bench sim-1 "oil change" moved --to 2026-11-26T10:30
    """
    if (change == "moved") != (start is not None):
        raise click.UsageError("moved needs --to, and nothing else takes it")
    workshop = Workshop(place, ZoneInfo(zone))
    slot = workshop.slot(start.date(), start.time()) if start else None
    journal = Journal(folder / JOURNAL)
    journal.say([workshop.change(unit, bookable, change, slot)], time.time_ns())
    journal.commit()
    click.echo(f"{unit} is told that its appointment for {bookable} is {change}")


def _post(folder: Path, smtp: int | None) -> Post:
    return Server(LOOPBACK, smtp) if smtp is not None else Folder(folder / "mails")


def _tell(line: str) -> None:
    click.echo(f"{datetime.now():%H:%M:%S}  {line}")


def _summary(inbox: Inbox) -> None:
    """What it comes to, at the end."""
    desk = inbox.desk
    mails = sum(map(len, desk.sent.values()))
    _tell(f"{mails} shown, {sum(s.is_safety for all_ in desk.sent.values() for s in all_)} of them for safety")
    _tell(f"shown while driving, the link was down: {desk.shown_while_driving()}; not understood: {desk.not_understood}")
    for prompt, why in desk.held(time.time_ns()):
        _tell(f"not shown yet: {prompt.release.part.title} ({prompt.unit}): {why}")


if __name__ == "__main__":
    main()
