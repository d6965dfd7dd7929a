"""The store's files have one writer, and belong to whoever owns their folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from agent.io.store_error import StoreError, store_error


def lock(path: Path) -> int:
    """One writer: an flock that the kernel drops when the process is gone, however it went. Raises StoreError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = create(Path(f"{path}.lock"), 0o600)
    except OSError as e:
        raise store_error(path.parent, e) from e
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        words = f"{path}: another keyoff is writing to it; stop it first (systemctl stop keyoff)"
        raise StoreError(words, "locked") from None
    return handle


def create(path: Path, mode: int) -> int:
    """The file, made if need be. What root makes (`sudo keyoff odometer set`) is the folder's owner's: the daemon's."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.fchown(handle, folder.st_uid, folder.st_gid)
    return handle
