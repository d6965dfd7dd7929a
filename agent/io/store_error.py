"""What is wrong with the store, in a person's words: what, where, what to do; and by kind, for who can mend it."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from agent.io.schema import TooNew

Reason: TypeAlias = Literal["locked", "full", "readonly", "io", "damaged", "newer", "other"]

REASONS: dict[int, Reason] = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "readonly",
    sqlite3.SQLITE_CANTOPEN: "readonly",
    sqlite3.SQLITE_IOERR: "io",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
}
ERRNOS: dict[int | None, Reason] = {errno.ENOSPC: "full", errno.EDQUOT: "full", errno.EIO: "io", errno.EFBIG: "io"}

WORDS: dict[Reason, str] = {
    "locked": "another program holds the database; stop it (keyoff status, fuser {path}) and try again",
    "full": "the disk is full; free some space in {folder}: what was stored before is safe",
    "readonly": "cannot write there ({text}); check the folder's owner and that the disk is mounted read-write",
    "io": "the disk fails ({text}); the kernel says more (dmesg): it may have to be replaced",
    "damaged": "the file is damaged ({text}); move it aside, keep it for salvage, and start again",
    "newer": "written by a newer keyoff: {text}; update this software, or use another --store",
    "other": "{text}",
}


class StoreError(Exception):
    """The store cannot go on; the message names the file and the fix."""

    def __init__(self, message: str, reason: Reason = "other") -> None:
        super().__init__(message)
        self.reason = reason

    @property
    def locked(self) -> bool:
        """Another program holds it."""
        return self.reason == "locked"


def store_error(path: Path, e: Exception) -> StoreError:
    """What SQLite, the system or a decoder says of the file at `path`."""
    reason = _reason(e)
    text = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
    return StoreError(f"{path}: " + WORDS[reason].format(path=path, folder=path.parent, text=text), reason)


def _reason(e: Exception) -> Reason:
    if isinstance(e, TooNew):
        return "newer"
    if isinstance(e, OSError):
        return ERRNOS.get(e.errno, "readonly")
    code = getattr(e, "sqlite_errorcode", None)
    if code is None:  # what Python cannot read: text that is no UTF-8, a body that is no JSON
        return "damaged" if isinstance(e, (sqlite3.OperationalError, msgspec.DecodeError)) else "other"
    if code == sqlite3.SQLITE_IOERR_SHORT_READ:
        return "damaged"  # the file ends before its last page
    if code == sqlite3.SQLITE_IOERR_SHMSIZE:
        return "full"  # no room for the index of the log
    return REASONS.get(code & 0xFF, "other")
