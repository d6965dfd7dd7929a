"""A day in pieces, lived on a store that keeps what a power cut after each commit would leave."""

from __future__ import annotations

import shutil
from pathlib import Path

from agent.daemon import Daemon
from agent.io.store import Batch, Store
from agent.model import NS, Sample, Wall

EVENING_NS = 13 * 3600 * NS  # 21:33 in Berlin: what is told at 18:30 was


class Recorder(Store):
    """A store that keeps a copy of its files as they are after each commit: what a power cut then would leave."""

    def __init__(self, path: Path, unit: str) -> None:
        super().__init__(path, unit)
        self.at = 0
        self.copies: list[tuple[int, Path]] = []

    def commit(self, batch: Batch, utc_ns: int | None = None) -> int:
        new = super().commit(batch, utc_ns)
        copy = self.path.parent / f"cut-{len(self.copies)}"
        copy.mkdir()
        for end in ("", "-wal"):
            shutil.copyfile(f"{self.path}{end}", copy / f"keyoff.db{end}")
        self.copies.append((self.at, copy))
        return new


def live_on(daemon: Daemon, day: list[list[Sample]], wall: Wall, store: Store, start: int = 0) -> None:
    """The day from its piece `start` on, to the evening."""
    for n, piece in enumerate(day[start:], start):
        if isinstance(store, Recorder):
            store.at = n
        daemon.tick(piece[0][0], wall)
        if isinstance(store, Recorder):
            store.at = n + 1
        daemon.samples(piece)
    if isinstance(store, Recorder):
        store.at = len(day)
    daemon.tick(EVENING_NS, wall)
    daemon.commit()
