"""What the inbox did and has yet to say, in an SQLite file of its own beside the receiver's: taken up again after any end.

The desk itself is not written: it is made anew from the receiver's events with these acts between them, each where it was
(`after_n`: how many events had been heard). A Said stands in the outbox from the transaction in which its cause was noted.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from agent.localtime import DAY_NS
from hil.cloud.inbox.heard import Heard, Said, heard

SCHEMA = """
CREATE TABLE IF NOT EXISTS acts (n INTEGER PRIMARY KEY, after_n INTEGER NOT NULL, utc_ns INTEGER NOT NULL, what TEXT NOT NULL,
  body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (n INTEGER PRIMARY KEY, utc_ns INTEGER NOT NULL, unit TEXT NOT NULL, kind TEXT NOT NULL,
  data TEXT NOT NULL, sent_utc_ns INTEGER, taken TEXT);
CREATE TABLE IF NOT EXISTS heard (only INTEGER PRIMARY KEY CHECK (only = 1), n INTEGER NOT NULL);
INSERT OR IGNORE INTO heard VALUES (1, 0);
"""
LASTS_NS = 29 * DAY_NS  # a car may stand at the airport for that long; a unit takes no command for more than 30 days ahead
AGAIN_NS = DAY_NS  # a unit that was never connected has no queue at the broker: say it again until it was taken


class Act(NamedTuple):
    after_n: int
    utc_ns: int
    what: str
    body: dict[str, Any]


class Waiting(NamedTuple):
    """A Said that its unit has not taken. `id`: the command's, the same each time: it works once."""

    id: str
    utc_ns: int
    said: Said


class Journal:
    """One thread at a time. Nothing is kept before `commit`."""

    def __init__(self, file: str | Path) -> None:
        self.db = sqlite3.connect(file, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.executescript(SCHEMA)
        self.db.commit()

    @property
    def heard_n(self) -> int:
        """The last event of the receiver's that was heard and answered."""
        return int(self.db.execute("SELECT n FROM heard").fetchone()[0])

    def hear_to(self, n: int) -> None:
        self.db.execute("UPDATE heard SET n = ?", (n,))

    def acts(self) -> list[Act]:
        rows = self.db.execute("SELECT after_n, utc_ns, what, body FROM acts ORDER BY n")
        return [Act(after_n, utc_ns, what, json.loads(body)) for after_n, utc_ns, what, body in rows]

    def note(self, what: str, utc_ns: int, body: dict[str, Any]) -> None:
        row = (self.heard_n, utc_ns, what, json.dumps(body))
        self.db.execute("INSERT INTO acts (after_n, utc_ns, what, body) VALUES (?, ?, ?, ?)", row)

    def say(self, said: Iterable[Said], utc_ns: int) -> None:
        rows = [(utc_ns, each.unit, each.kind, json.dumps(each.data)) for each in said]
        self.db.executemany("INSERT INTO outbox (utc_ns, unit, kind, data) VALUES (?, ?, ?, ?)", rows)

    def waiting(self, now_ns: int) -> list[Waiting]:
        """What is to be sent now, in order; what is older than LASTS_NS is not said any more."""
        rows = self.db.execute(
            "SELECT n, utc_ns, unit, kind, data FROM outbox WHERE taken IS NULL AND utc_ns > ? "
            "AND (sent_utc_ns IS NULL OR sent_utc_ns <= ?) ORDER BY n",
            (now_ns - LASTS_NS, now_ns - AGAIN_NS),
        )
        return [
            Waiting(f"inbox-{utc_ns}-{n}", utc_ns, Said(unit, kind, json.loads(data))) for n, utc_ns, unit, kind, data in rows
        ]

    def sent(self, id: str, utc_ns: int) -> None:
        self.db.execute("UPDATE outbox SET sent_utc_ns = ? WHERE n = ?", (utc_ns, _number(id)))

    def take(self, unit: str, id: str, outcome: str) -> Said | None:
        """The unit's answer to a command: what it was; None when it was none of ours."""
        row = self.db.execute(
            "UPDATE outbox SET taken = ? WHERE n = ? AND unit = ? AND 'inbox-' || utc_ns || '-' || n = ? RETURNING kind, data",
            (outcome, _number(id), unit, id),
        ).fetchone()
        return Said(unit, row[0], json.loads(row[1])) if row else None

    def commit(self) -> None:
        self.db.commit()


def events(file: Path, after_n: int, to_n: int | None = None) -> list[tuple[int, Heard | None]]:
    """What a receiver's file (hil/cloud/receive.py) holds after the `after_n`th, up to `to_n`; None for what is no event."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as db:
        query = "SELECT n, unit, body FROM events WHERE n > ? AND n <= ? ORDER BY n"
        rows = db.execute(query, (after_n, to_n if to_n is not None else 1 << 62)).fetchall()
    return [(n, _heard(unit, body)) for n, unit, body in rows]


def _number(id: str) -> int:
    """The outbox's row of a command's id; -1 when it is none of ours."""
    prefix, _, n = id.rpartition("-")
    return int(n) if prefix.startswith("inbox-") and n.isdecimal() and len(n) < 16 else -1


def _heard(unit: str, body: bytes) -> Heard | None:
    try:
        return heard(unit, body)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
