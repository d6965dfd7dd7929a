"""What the store held all along a recording while no power was lost: what may be found after a cut, and what must be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import msgspec

from hil.powercut.disk import Disk, Mark
from hil.powercut.opened import Rows, broken, opened
from hil.powercut.recording import Recording
from hil.powercut.scenarios import Promise

EPOCH = "meta epoch"  # the row that is another in every database


class HistoryError(Exception):
    """The recorded program is wrong without any power cut; the message says what."""


class State(NamedTuple):
    """What the store holds after an operation, and where the day is taken up from there."""

    at: int
    rows: Rows
    piece: int


class History:
    """The states of a recording: one at each promise. What is between two promises is one transaction, and has no state.

    Until the first promise the file is made or brought to the newest schema, in more than one transaction: each
    operation's state counts there. Raises HistoryError.
    """

    def __init__(self, recording: Recording, within: Path) -> None:
        self.within = within
        self.promises = {
            at: msgspec.json.decode(op.text, type=Promise) for at, op in enumerate(recording.ops, 1) if isinstance(op, Mark)
        }
        if not self.promises:
            raise HistoryError("nothing was promised: the program made no mark")
        self.files: set[str] = set()  # that lie in the folder when nothing is wrong
        self._epoch: str | None = None
        with opened(Disk(recording.before, recording.ops).running(), within) as (_, found):
            self._epoch = found.rows.get(EPOCH)
        self.states = [*self._states(recording)]

    def _states(self, recording: Recording) -> Iterator[State]:
        first = min(self.promises)
        disk = Disk(recording.before)
        yield self._state(disk, None, self.promises[first].at)
        for op in recording.ops:
            disk.apply(op)
            promise = self.promises.get(disk.at)
            if promise is not None or disk.at < first:
                yield self._state(disk, promise, self.promises[max(disk.at, first)].at)

    def _state(self, disk: Disk, promise: Promise | None, piece: int) -> State:
        with opened(disk.running(), self.within) as (store, found):
            wrong = [*found.corrupt, *found.duplicated]
            if store is not None and promise is not None:
                wrong += [f"promised, but not there: {what}" for what in broken(promise, store)]
        if wrong:
            raise HistoryError(f"without a power cut, after operation {disk.at}: {wrong[0]}")
        self.files |= found.files
        return State(disk.at, self.comparable(found.rows), piece)

    def comparable(self, rows: Rows) -> Rows:
        """An epoch made in opening an image is another each time."""
        return rows if rows.get(EPOCH) in (self._epoch, None) else rows | {EPOCH: "made anew"}

    def before(self, at: int) -> list[State]:
        """What was superseded by a promise made up to operation `at`, oldest first."""
        promised = max((p for p in self.promises if p <= at), default=0)
        return [*takewhile(lambda state: state.at < promised, self.states)]

    def allowed(self, at: int) -> list[State]:
        """What may be found when the power goes after operation `at`: the last promised, and on to what is under way."""
        promised = max((p for p in self.promises if p <= at), default=0)
        under_way = min((p for p in self.promises if p > at), default=at)
        return [state for state in self.states if promised <= state.at <= under_way]
