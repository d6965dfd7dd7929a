"""What the calendar has done, by job and period: a clock that steps back repeats nothing."""

from __future__ import annotations

from sqlite_utils import Database


def apply(db: Database) -> None:
    db.execute("CREATE TABLE done (job TEXT NOT NULL, period TEXT NOT NULL, PRIMARY KEY (job, period)) WITHOUT ROWID")
