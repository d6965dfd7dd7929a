"""The database's migrations, in order. A schema change is the next `mNNNN_*.py` with one function `apply(db)`.

`PRAGMA user_version` counts the migrations applied, so that an up-to-date file costs one look and no import
of sqlite-utils.
"""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3


class TooNew(Exception):
    """The file was written by a later version of this software."""


def names() -> list[str]:
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name.startswith("m"))


def migrate(conn: sqlite3.Connection) -> int:
    """Bring `conn` (autocommit) to the newest schema, one transaction a migration; returns how many were applied.

    Raises sqlite3.Error; TooNew.
    """
    every = names()
    at: int = conn.execute("PRAGMA user_version").fetchone()[0]
    if at > len(every):
        raise TooNew(f"its schema is number {at}, this software knows {len(every)}")
    if at < len(every):
        from sqlite_utils import Database  # late: 90 ms that an up-to-date unit need not spend

        db = Database(conn)
        for number, name in enumerate(every[at:], at + 1):
            with db.atomic():
                importlib.import_module(f"{__name__}.{name}").apply(db)
                db.execute(f"PRAGMA user_version = {number}")
    return len(every) - at
