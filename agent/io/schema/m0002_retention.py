"""Retention finds health reports and voided numbers among 100,000s of events without reading them all."""

from __future__ import annotations

from sqlite_utils import Database


def apply(db: Database) -> None:
    db.execute("CREATE INDEX health ON events (seq) WHERE kind = 'HealthReported'")
    db.execute("CREATE INDEX voids ON events (seq) WHERE kind = 'SequenceVoided'")
