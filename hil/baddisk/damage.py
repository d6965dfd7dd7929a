"""Files hurt as cards hurt them: garbage on a page, in the log, a header gone, an end cut off. All by a seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TypeAlias

from agent.io.wal import FRAME_BYTES, HEADER_BYTES

PAGE_BYTES = 4096
FEW_BYTES = 64

Hurt: TypeAlias = Callable[[Path, Random], None]
"""(the database, chance)."""


def page(database: Path, chance: Random) -> None:
    """A whole page of garbage."""
    _overwrite(database, chance.randrange(database.stat().st_size // PAGE_BYTES) * PAGE_BYTES, chance.randbytes(PAGE_BYTES))


def bytes_of_a_page(database: Path, chance: Random) -> None:
    """A little garbage anywhere; much of it nothing can notice, for SQLite has no checksums on pages."""
    _overwrite(database, chance.randrange(database.stat().st_size - FEW_BYTES), chance.randbytes(FEW_BYTES))


def header(database: Path, chance: Random) -> None:
    _overwrite(database, 0, bytes(100))


def first_page(database: Path, chance: Random) -> None:
    _overwrite(database, 0, chance.randbytes(PAGE_BYTES))


def end(database: Path, chance: Random) -> None:
    """The file cut short."""
    _cut(database, chance.randrange(database.stat().st_size))


def log(database: Path, chance: Random) -> None:
    """Garbage in the log."""
    path = log_of(database)
    _overwrite(path, chance.randrange(HEADER_BYTES, path.stat().st_size - FEW_BYTES), chance.randbytes(FEW_BYTES))


def log_frame(database: Path, chance: Random) -> None:
    """A frame of the log, its header included, all zeros: a block that never got there."""
    path = log_of(database)
    frames = (path.stat().st_size - HEADER_BYTES) // FRAME_BYTES
    _overwrite(path, HEADER_BYTES + chance.randrange(frames) * FRAME_BYTES, bytes(FRAME_BYTES))


def log_header(database: Path, chance: Random) -> None:
    _overwrite(log_of(database), 0, bytes(HEADER_BYTES))


def log_end(database: Path, chance: Random) -> None:
    """The log cut short, and what SQLite knows of its length as well: the card's file system was mended."""
    _cut(log_of(database), chance.randrange(log_of(database).stat().st_size))
    Path(f"{database}-shm").unlink()


def log_gone(database: Path, chance: Random) -> None:
    log_of(database).unlink()


def log_of(database: Path) -> Path:
    return Path(f"{database}-wal")


def _overwrite(path: Path, at: int, garbage: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(garbage)


def _cut(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)
