"""What a receiver's file holds: for each unit its events by kind, its epochs, and whether anything is missing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from agent.cli.show import table
from hil.cloud.receive import Epoch, Range, epochs

REASONS = 5  # of messages not believed, the newest


class UnitReport(NamedTuple):
    """One unit's standing. `bad`: messages not believed; `waiting`: events that wait for a birth with their certificate;
    `emptied`: events whose content is gone, for a consent was taken back."""

    unit: str
    kinds: dict[str, int]
    epochs: list[Epoch]
    received: int
    duplicates: int
    bad: int
    waiting: int
    emptied: int

    @property
    def events(self) -> int:
        return sum(self.kinds.values())

    @property
    def missing(self) -> int:
        """How many numbers are missing."""
        return sum(last - first + 1 for epoch in self.epochs for first, last in epoch.missing)

    @property
    def complete(self) -> bool:
        """Whether every number up to the highest known of each epoch is here once, or voided."""
        return not self.missing and not any(epoch.reused for epoch in self.epochs)

    def as_json(self) -> dict[str, Any]:
        return self._asdict() | {"epochs": [each._asdict() for each in self.epochs], "complete": self.complete}


def reports(db: sqlite3.Connection) -> list[UnitReport]:
    """Every unit that was heard of, by name."""
    tally: dict[str, dict[str, int]] = {}
    for unit, what, n in db.execute("SELECT unit, what, n FROM tally"):
        tally.setdefault(unit, {})[what] = n
    waiting = dict(db.execute("SELECT unit, count(*) FROM held GROUP BY unit").fetchall())
    emptied = dict(db.execute("SELECT unit, count(*) FROM emptied GROUP BY unit").fetchall()) if _has_emptied(db) else {}
    units = {*tally, *(unit for (unit,) in db.execute("SELECT unit FROM births"))}
    kinds = "SELECT type, count(*) FROM events WHERE unit = ? GROUP BY type ORDER BY type"
    return [
        UnitReport(
            unit,
            dict(db.execute(kinds, (unit,)).fetchall()),
            epochs(db, unit),
            **{what: tally.get(unit, {}).get(what, 0) for what in ("received", "duplicates", "bad")},
            waiting=waiting.get(unit, 0),
            emptied=emptied.get(unit, 0),
        )
        for unit in sorted(units)
    ]


def _has_emptied(db: sqlite3.Connection) -> bool:
    """A file that no receiver has opened since then does not have the table."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'emptied'").fetchone() is not None


def read(file: Path) -> tuple[list[UnitReport], list[str]]:
    """The reports in a receiver's file, and why it did not believe what it did not. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as db:
        newest = "SELECT topic, why FROM (SELECT * FROM refused ORDER BY n DESC LIMIT ?) ORDER BY n"
        return reports(db), [f"{topic}: {why}" for topic, why in db.execute(newest, (REASONS,))]


def text(units: list[UnitReport], refusals: list[str]) -> str:
    """Three tables: units, their epochs, their events by kind; then the newest refusals."""
    head = ("unit", "events", "complete", "missing", "duplicates", "not believed", "waiting for a birth", "emptied")
    rows = [
        (u.unit, u.events, "yes" if u.complete else "NO", u.missing, u.duplicates, u.bad, u.waiting, u.emptied) for u in units
    ]
    places = [
        (u.unit, e.name, shown(e.here), shown(e.voided), shown(e.missing), e.reused or "–") for u in units for e in u.epochs
    ]
    kinds = [(u.unit, kind, n) for u in units for kind, n in u.kinds.items()]
    parts = [table(head, rows)]
    if places:
        parts.append(table(("unit", "epoch", "here", "voided", "missing", "numbers used twice"), places))
        parts.append(table(("unit", "type", "events"), kinds))
    if refusals:
        parts.append("\n".join(f"not believed: {each}" for each in refusals))
    return "\n\n".join(parts)


def shown(ranges: list[Range]) -> str:
    """1–40, 42"""
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in ranges) or "–"
