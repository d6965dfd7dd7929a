"""The first schema: states, events (the outbox is those without acknowledgement), trips, trace, prompts."""

from __future__ import annotations

from sqlite_utils import Database


def apply(db: Database) -> None:
    db.create_table("meta", {"key": str, "value": str}, pk="key")
    db.create_table("states", {"name": str, "version": int, "body": bytes}, pk="name")
    # AUTOINCREMENT: a seq is never used twice, even when the newest rows are gone.
    db.execute(
        "CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,"
        " version INTEGER NOT NULL, importance INTEGER NOT NULL, t_ns INTEGER NOT NULL, boot_id TEXT NOT NULL,"
        " utc_ns INTEGER, clock TEXT NOT NULL, body BLOB NOT NULL, envelope BLOB, acked INTEGER NOT NULL DEFAULT 0)"
    )
    db.execute("CREATE INDEX outbox ON events (importance, seq) WHERE acked = 0")
    # What was said or reached once for ever; no retention touches it.
    db.execute("CREATE TABLE once (id TEXT PRIMARY KEY, kind TEXT NOT NULL) WITHOUT ROWID")
    db.create_table(
        "trips",
        {
            "n": int,
            "id": str,
            "kind": str,
            "ended_by": str,
            "boot_id": str,
            "start_ns": int,
            "end_ns": int,
            "start_utc_ns": int,
            "end_utc_ns": int,
            "clock": str,
            "driver": str,
            "metrics": str,
            "estimated": str,
        },
        pk="n",
        not_null={"id", "kind", "driver", "metrics"},
    )
    db["trips"].create_index(["id"], unique=True)
    db["trips"].create_index(["start_utc_ns"])
    db.create_table("trace", {"trip_id": str, "start_ns": int, "points": int, "body": bytes}, pk=("trip_id", "start_ns"))
    db.create_table(
        "prompts",
        {
            "id": str,
            "topic": str,
            "text": str,
            "held_by": str,
            "raised_ns": int,
            "raised_utc_ns": int,
            "held_utc_ns": int,
            "released_ns": int,
            "released_utc_ns": int,
            "event_id": str,
            "published": int,
            "published_utc_ns": int,
        },
        pk="id",
        defaults={"published": 0},
    )
    db.create_table("anchors", {"boot_id": str, "t_ns": int, "utc_ns": int, "quality": str}, pk="boot_id")
