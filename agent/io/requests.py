"""What people enter while the daemon runs: one JSON file a request in <state_dir>/requests, taken in by the daemon.

The daemon is the store's one writer, so the command line leaves a note and waits until it is gone. A file is
written whole (temporary name, fsync, rename) and removed only after what it asks for is committed. What is refused, or what
the unit failed at, leaves a file of its own, with why, for the command line to read.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import msgspec

FOLDER = "requests"
UNREAD_S = 3600.0  # an answer that is older has nobody who waits for it

Trouble: TypeAlias = Literal["refused", "failed"]


def new_ref() -> str:
    """Random: the same entry made twice is two entries."""
    return secrets.token_hex(8)


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """`ref` names it: done again after a power cut, it comes to the same events."""

    kind: Literal["odometer", "assign", "entry"]
    reading_m: float | None = None
    trip_id: str | None = None
    driver: str | None = None
    entry: str | None = None  # what is entered (agent/entries/entering.py),
    data: dict[str, Any] = {}  # and its data
    ref: str = msgspec.field(default_factory=new_ref)


def leave(state_dir: Path, request: Request) -> Path:
    """Write `request` for the daemon; returns the file that disappears once it is done."""
    folder = state_dir / FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"{request.ref}.json"
    part = path.with_suffix(".part")
    with part.open("wb") as f:
        f.write(msgspec.json.encode(request))
        f.flush()
        os.fsync(f.fileno())
    if os.geteuid() == 0:  # the daemon, who is not, has to read it and to remove it
        owner = state_dir.stat()
        for each in (folder, part):
            os.chown(each, owner.st_uid, owner.st_gid)
    part.rename(path)
    return path


def waiting(state_dir: Path) -> list[tuple[Path, Request | None]]:
    """The requests that lie there, oldest first; None for one that cannot be read.

    None at all where they could not be removed afterwards (a folder of another user's): each would be done again for ever.
    """
    if not os.access(state_dir / FOLDER, os.W_OK):
        return []
    found = sorted((state_dir / FOLDER).glob("*.json"), key=lambda p: p.stat().st_mtime_ns)
    return [(path, _read(path)) for path in found]


def answer(path: Path, trouble: Trouble, why: str) -> None:
    """Tell whoever left the request at `path`. A disk that does not take it must not stop the daemon: then they are not told."""
    note = path.with_suffix(f".{trouble}")
    with contextlib.suppress(OSError):
        note.write_text(why)
        now_s = note.stat().st_mtime
        for old in (each for kind in get_args(Trouble) for each in path.parent.glob(f"*.{kind}")):
            if now_s - old.stat().st_mtime > UNREAD_S:
                old.unlink()


def answered(path: Path) -> tuple[Trouble, str] | None:
    """What became of the request that lay at `path`, and why, once; None when it was done."""
    for trouble in get_args(Trouble):
        note = path.with_suffix(f".{trouble}")
        with contextlib.suppress(OSError):
            why = note.read_text()
            note.unlink()
            return trouble, why
    return None


def _read(path: Path) -> Request | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Request)
    except (OSError, msgspec.MsgspecError):
        return None
