"""What tests of the unit's store share: a row, a time, damage. The fixtures are in conftest.py."""

from __future__ import annotations

import os
from pathlib import Path

from agent.io.store import EventRow

SMALLEST_MB = 16


def row(id: str, kind: str = "TripEnded", importance: int = 5, size: int = 10) -> EventRow:
    return EventRow(id, kind, 1, importance, False, 7, "boot", None, "none", b'{"a":"' + b"x" * size + b'"}')


class Now:
    s = 0.0


def garbage(path: Path, at: int, size: int = 4096) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(os.urandom(size))
