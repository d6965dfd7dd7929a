"""The power is cut at many points of a recording, and what is found then is held against what was promised."""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from shutil import rmtree
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import msgspec

from agent.io.store import Store
from hil.powercut.day import UNIT, facts, live, pieces
from hil.powercut.disk import Disk, Fate, Mark, Sync, chance, extremes
from hil.powercut.opened import Found, Rows, broken, opened
from hil.powercut.recording import Recording, record
from hil.powercut.scenarios import NAME, SCENARIOS, Promise, connecting, few_traces

ROOT = Path(__file__).resolve().parents[2]
MEMORY = Path("/dev/shm")  # where images are built if it is there: thousands of them would wear a card for nothing

Synchronous: TypeAlias = Literal["full", "normal", "off"]
Kind: TypeAlias = Literal["lost", "corrupt", "duplicated", "in part", "goes on differently"]
KINDS: tuple[Kind, ...] = get_args(Kind)

TRIES = 4  # drawings for each point still wanted: few pending writes make few different images
GO_ON = 10  # points of a scenario from which the day is lived to its end: a tenth of a second each
EPOCH = "meta epoch"  # the row that is another in every database


class Finding(NamedTuple):
    kind: Kind
    at: int  # operations of the recording that were over when the power went
    point: int
    what: str


class Report(NamedTuple):
    scenario: str
    operations: int
    points: int  # different images, or the same with more acknowledged before it
    gone_on: int  # of them, those from which the day was lived to its end
    rows_lost: int  # acknowledged rows that were missing or older, over all points
    findings: list[Finding]
    seconds: float

    def count(self, kind: Kind) -> int:
        """At how many points it was found."""
        return len({f.point for f in self.findings if f.kind == kind})


class State(NamedTuple):
    """What the store held from one operation on."""

    at: int
    rows: Rows


class Trial:
    """One recording, cut at many points."""

    def __init__(self, recording: Recording, tidy: Mapping[str, Any], folder: Path) -> None:
        self.recording = recording
        self.tidy = tidy  # what a day without a cut comes to
        self.folder = folder
        self.states: list[State] = []
        self.safe = 0  # which of the states was the last to be promised
        self.findings: list[Finding] = []
        self.rows_lost = self.points = self.gone_on = 0
        self._epoch: str | None = None
        self._usual: set[str] = set()  # files that lie in the folder when nothing is wrong
        self._seen: set[tuple[bytes, int]] = set()
        marks = [(n, op) for n, op in enumerate(recording.ops, 1) if isinstance(op, Mark)]
        self._marked = [n for n, _ in marks]
        self._promises = [msgspec.json.decode(op.text, type=Promise) for _, op in marks]

    def run(self, points: int, random: Random) -> None:
        """Go along the recording, and stop for `points` cuts at places drawn by chance."""
        self._epoch = self._rows(Disk(self.recording.before, self.recording.ops)).get(EPOCH)
        wanted = Counter(random.randrange(len(self.recording.ops) + 1) for _ in range(points))
        every = max(1, points // GO_ON)
        disk = Disk(self.recording.before)
        self._remember(disk)
        owed = 0
        for op in [Mark(""), *self.recording.ops]:
            if disk.at or op.text:
                pass
