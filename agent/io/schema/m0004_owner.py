"""What the owner hears: prompts with their state, monthly reports, commands taken once, how a trip's driver was known."""

from __future__ import annotations

from sqlite_utils import Database


def apply(db: Database) -> None:
    for column, kind in (
        ("driver", str),
        ("kind", str),
        ("title", str),
        ("state", str),
        ("revision", int),
        ("not_before_utc_ns", int),
        ("not_after_utc_ns", int),
        ("delivered_utc_ns", int),
        ("answer", str),
        ("ended_utc_ns", int),
    ):
        db["prompts"].add_column(column, kind)
    db["trips"].add_column("driver_how", str)
    db["trips"].add_column("driver_sure", float)
    # A report is made once for a month and a driver; no retention touches it.
    db.execute(
        "CREATE TABLE reports (month TEXT NOT NULL, driver TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,"
        " PRIMARY KEY (month, driver)) WITHOUT ROWID"
    )
    # A command works once: kept until it would have expired anyway.
    db.execute(
        "CREATE TABLE commands (id TEXT PRIMARY KEY, kind TEXT NOT NULL, outcome TEXT NOT NULL, expires_utc_ns INTEGER NOT NULL)"
        " WITHOUT ROWID"
    )
