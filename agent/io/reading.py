"""Rows of a damaged database, around what is damaged: upwards, then downwards, then one by one what lies between."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

Row: TypeAlias = tuple[Any, ...]
"""Text comes as bytes: it may be no UTF-8 any more."""

LOWEST, HIGHEST = -1_000, 300_000  # rows looked for one by one where neither end of a table can be read: a second's work
PATIENCE, STRIDE = 3_000, 100
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"  # ids are hexadecimal, other keys are words


class Rows:
    """Reads what `conn` can; whatever SQLite says of damage is counted in `gaps` and goes no further."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.conn = conn
        self.gaps = 0

    def rows(self, table: str, names: Sequence[str], newest_first: bool = False) -> Iterator[Row]:
        """Each row once, in the order of its rowid as far as nothing is damaged."""
        what = ", ".join(names)
        if has_rowid(self.conn, table):
            yield from self._by_rowid(f"SELECT rowid, {what} FROM {table}", newest_first)
        else:
            yield from self._by_key(table, what)

    def one(self, query: str, *values: object) -> Row | None:
        """The first row; None when there is none, or when it cannot be read."""
        return next(self._until_damage(query, *values), None)

    def numbers(self, query: str) -> list[int] | None:
        """The first column; None when not all of it can be read."""
        before = self.gaps
        found = [row[0] for row in self._until_damage(query)]
        return found if self.gaps == before else None

    def _by_rowid(self, query: str, newest_first: bool) -> Iterator[Row]:
        low, high, before = LOWEST, HIGHEST, self.gaps
        up, down = f"{query} WHERE rowid > ? ORDER BY rowid", f"{query} WHERE rowid < ? ORDER BY rowid DESC"
        for row in self._until_damage(*((down, 1 << 62) if newest_first else (up, -(1 << 62)))):
            low, high = (low, row[0]) if newest_first else (row[0], high)
            yield row[1:]
        if self.gaps == before:
            return
        for row in self._until_damage(*((up, -(1 << 62)) if newest_first else (down, 1 << 62))):
            if (row[0] >= high) if newest_first else (row[0] <= low):
                return
            low, high = (row[0], high) if newest_first else (low, row[0])
            yield row[1:]
        yield from self._between(f"{query} WHERE rowid = ?", low, high)

    def _between(self, query: str, low: int, high: int) -> Iterator[Row]:
        """Row by row; in long strides where nothing at all can be read, as when a table's first page is gone."""
        rowid, failed = low + 1, 0
        while rowid < high:
            try:
                found = self.conn.execute(query, (rowid,)).fetchone()
            except sqlite3.Error:
                failed += 1
                rowid += 1 if failed < PATIENCE else STRIDE
                continue
            if failed >= PATIENCE:
                rowid -= STRIDE  # it may have begun within the last stride
            elif found is not None:
                yield found[1:]
            failed = 0
            rowid += 1

    def _by_key(self, table: str, what: str) -> Iterator[Row]:
        """A table that is kept by a text: from both ends, then for each first letter from both ends."""
        keys = [_text(row[1]) for row in self.conn.execute(f"PRAGMA table_info({table})") if row[5] == 1]
        seen: set[Row] = set()
        for within in ("", *(f"WHERE {key} >= '{letter}' AND {key} < '{letter}~'" for key in keys for letter in LETTERS)):
            for order in ("", "DESC"):
                before = self.gaps
                for row in self._until_damage(f"SELECT {what} FROM {table} {within} ORDER BY {keys[0]} {order}"):
                    if row not in seen:
                        seen.add(row)
                        yield row
                if self.gaps == before:
                    break
            if (within, order) == ("", ""):
                return

    def _until_damage(self, query: str, *values: object) -> Iterator[Row]:
        try:
            yield from self.conn.execute(query, values)
        except sqlite3.Error:
            self.gaps += 1


def has_rowid(conn: sqlite3.Connection, table: str) -> bool:
    try:
        conn.execute(f"SELECT rowid FROM {table} LIMIT 0")
    except sqlite3.OperationalError:
        return False
    return True


def tables_of(conn: sqlite3.Connection) -> list[str]:
    return [
        str(row[0]) for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    ]


def columns_of(conn: sqlite3.Connection, table: str) -> dict[str, str]:
    """name → declared type; nothing when there is no such table."""
    try:
        found = conn.execute(f"PRAGMA table_info({table})").fetchall()
    except sqlite3.Error:
        return {}
    return {_text(row[1]): _text(row[2]) for row in found}


def _text(name: str | bytes) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name
