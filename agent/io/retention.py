"""What goes when there is no room, and how room is kept: the order of giving up, the size limit, a reserve for a full disk.

The order: copies of damaged databases, traces, health reports, acknowledged events, unacknowledged events (the least
important first); of each the oldest first. Never given up: states, trips, prompts, what is once for ever. Everything is
told, in the transaction that removes it (`Shed`); an unacknowledged event leaves a hole in the sequence, and the hole's
number is told too.

To remove rows takes room itself, in the log. So a reserve lies beside the database, twice as large as the log usually
is: it goes first, the log's pages then fit into the database, and the log begins again in the space that it has. As long
as there is no reserve the database does not grow: a page that is only in the log could not be brought home.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

PAGE_BYTES = 4096  # SQLite's default, which is also a block of the file system
SLICE_BYTES = 1_000_000  # given up, or given back to the file system, in one go: a second's work for a slow card
ROOM_BYTES = 100_000  # given up on a full disk: a few trips' worth; much more would not fit into the log
ROW_BYTES = 150  # an event without its body, with its entries in the indexes
ROWS_AT_ONCE = 2_000
RESERVE_BYTES = 2_000_000  # see the module
SPARE_BYTES = 2 * RESERVE_BYTES  # room beside it before it is made anew: the disk is not full any more

Ranges = list[tuple[int, int]]
"""First and last of runs of numbers, both inclusive, in order."""


class Shed(NamedTuple):
    """What one transaction gives up. `rows` are seqs of events; `voided` the numbers, by epoch, that so never arrive; `left`: of
    events that were never handed out, by seq, the data that is left."""

    epoch: str  # of the database that was looked at: in another one the numbers mean other rows
    files: tuple[Path, ...] = ()
    traces: tuple[str, ...] = ()  # trip ids
    rows: tuple[int, ...] = ()
    counts: Mapping[str, int] = {}  # what it is, in plain words
    voided: Mapping[str, Ranges] = {}
    why: Literal["shed", "forgotten"] = "shed"  # as SequenceVoided tells it
    left: Mapping[int, bytes] = {}


class _Row(NamedTuple):
    seq: int
    kind: str
    acked: int
    size: int
    envelope: bytes | None


# The newest health report stays: it tells what was given up last.
HEALTH = "WHERE kind = 'HealthReported' AND seq < (SELECT max(seq) FROM events WHERE kind = 'HealthReported') ORDER BY seq"
ACKED = "WHERE acked = 1 AND kind != 'HealthReported' ORDER BY seq"
UNACKED = "WHERE acked = 0 AND importance = {} AND kind NOT IN ('HealthReported', 'SequenceVoided') ORDER BY seq"


def plan(conn: sqlite3.Connection, epoch: str, wanted_bytes: int) -> Shed | None:
    """What to give up for so many bytes, from as few kinds as will do; None when nothing is left that may go."""
    traces, freed = _traces(conn, wanted_bytes)
    rows: list[_Row] = []
    for which in (HEALTH, ACKED, *map(UNACKED.format, _importances(conn))):
        if freed >= wanted_bytes:
            break
        found = _rows(conn, which, wanted_bytes - freed)
        rows += found
        freed += sum(row.size for row in found)
    if not traces and not rows:
        return None
    counts = Counter({"traces given up": len(traces)}) + Counter(_words(row) for row in rows)
    voided = numbers(epoch, ((row.seq, row.envelope) for row in rows if not row.acked))
    absorbed = _absorb(conn, epoch, voided) if voided else []
    return Shed(epoch, (), tuple(traces), tuple(absorbed + [row.seq for row in rows]), counts, voided)


def _traces(conn: sqlite3.Connection, wanted_bytes: int) -> tuple[list[str], int]:
    """Trip ids, the oldest first, and the bytes of their traces. The open trip's latest minutes are not among them."""
    taken, freed = [], 0
    for trip_id, size in conn.execute("SELECT trip_id, sum(length(body)) FROM trace GROUP BY trip_id ORDER BY min(rowid)"):
        if freed >= wanted_bytes:
            break
        taken.append(trip_id)
        freed += size
    return taken, freed


def _importances(conn: sqlite3.Connection) -> Iterator[int]:
    """Those of unacknowledged events, the least important (the highest number) first; each by one look into the index."""
    at = conn.execute("SELECT max(importance) FROM events WHERE acked = 0").fetchone()[0]
    while at is not None:
        yield int(at)
        at = conn.execute("SELECT max(importance) FROM events WHERE acked = 0 AND importance < ?", (at,)).fetchone()[0]


def _rows(conn: sqlite3.Connection, which: str, wanted_bytes: int) -> list[_Row]:
    size = f"length(body) + coalesce(length(envelope), 0) + {ROW_BYTES}"
    # Only bytes of another epoch are read: the sequence number in them is not the row's.
    bytes_of_another = "CASE WHEN seq <= 0 THEN envelope END"
    taken: list[_Row] = []
    freed = 0
    query = f"SELECT seq, kind, acked, {size}, {bytes_of_another} FROM events {which} LIMIT {ROWS_AT_ONCE}"
    for row in map(_Row._make, conn.execute(query)):
        if freed >= wanted_bytes:
            break
        taken.append(row)
        freed += row.size
    return taken


def _words(row: _Row) -> str:
    if row.kind == "HealthReported":
        return "health reports given up"
    return "acknowledged events given up" if row.acked else f"{row.kind} given up unsent"


def numbers(epoch: str, rows: Iterable[tuple[int, bytes | None]]) -> dict[str, Ranges]:
    """By epoch, those of these rows (seq, envelope): a row salvaged from an earlier database bears its own in its envelope."""
    found: dict[str, list[int]] = {}
    for own, envelope in rows:
        of, seq = (epoch, own) if own > 0 else number_in(envelope)
        if of is not None:
            found.setdefault(of, []).append(seq)
    return {of: merged((seq, seq) for seq in seqs) for of, seqs in found.items()}


def number_in(envelope: bytes | None) -> tuple[str | None, int]:
    """(epoch, seq) as an envelope has them; (None, 0) when it cannot be read."""
    try:
        content = msgspec.json.decode(envelope or b"")
        return str(content["epoch"]), int(content["seq"])
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
        return None, 0


def _absorb(conn: sqlite3.Connection, epoch: str, voided: dict[str, Ranges]) -> list[int]:
    """Take what earlier, unsent SequenceVoided say into `voided`, in place; gives their seqs. Else a unit that is
    offline for years would keep ever more of them, which may not be given up themselves."""
    gone = []
    for seq, body in conn.execute("SELECT seq, body FROM events WHERE acked = 0 AND kind = 'SequenceVoided' AND seq > 0"):
        try:
            told: Any = msgspec.json.decode(body)
            if told["why"] == "shed":
                of = str(told["epoch"])
                voided[of] = merged([*voided.get(of, []), *((int(a), int(b)) for a, b in told["ranges"])])
                gone.append(int(seq))
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
            continue  # not ours to read: it stays
    if gone:
        voided[epoch] = merged([*voided.get(epoch, []), *((seq, seq) for seq in gone)])
    return gone


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same numbers in as few ranges as there can be."""
    whole: Ranges = []
    for first, last in sorted(ranges):
        if whole and first <= whole[-1][1] + 1:
            whole[-1] = (whole[-1][0], max(whole[-1][1], last))
        else:
            whole.append((first, last))
    return whole


def without(ranges: Ranges, numbers: Iterable[int]) -> Ranges:
    """`ranges` with these numbers taken out."""
    for number in numbers:
        ranges = [
            piece
            for first, last in ranges
            for piece in (((first, number - 1), (number + 1, last)) if first <= number <= last else ((first, last),))
            if piece[0] <= piece[1]
        ]
    return ranges


# -- files -----------------------------------------------------------------------------------------


class Reserve:
    """A file that holds space for the moment when there is none."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_there(self) -> bool:
        return self.path.exists()

    def give_up(self) -> bool:
        """Whether there was one."""
        with suppress(OSError):
            self.path.unlink()
            return True
        return False

    def keep(self) -> None:
        """Make it, when it is not there and the disk has room to spare."""
        try:
            if self.is_there:
                return
            disk = os.statvfs(self.path.parent)
            if disk.f_bavail * disk.f_frsize < RESERVE_BYTES + SPARE_BYTES:
                return
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError:
            return
        try:
            os.posix_fallocate(handle, 0, RESERVE_BYTES)
        except OSError:
            self.give_up()
        finally:
            os.close(handle)


def sizes(path: Path) -> dict[Path, int]:
    """The store's files, `path` and all that is named after it, and their bytes."""
    found = {}
    with suppress(OSError):
        for each in path.parent.iterdir():
            if each.name.startswith(path.name):
                with suppress(OSError):
                    found[each] = each.stat().st_size
    return found


def has_good_places(path: Path) -> bool:
    """Whether another file beside `path` can be written, reaches the disk and can be read."""
    probe = Path(f"{path}.probe")
    try:
        handle = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, bytes(PAGE_BYTES))
            os.fsync(handle)
            os.pread(handle, PAGE_BYTES, 0)
        finally:
            os.close(handle)
            probe.unlink()
    except OSError:
        return False
    return True
