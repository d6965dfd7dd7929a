"""Whether the write-ahead log beside a database is what was written to it. Source: SQLite's "WAL-mode File Format".

SQLite takes a log as far as its checksums hold and silently forgets the rest: what a power cut leaves, half a commit at
the end, looks to it like damage in the middle. The difference: a commit is begun only after the one before is on the
disk. So two commits behind the place where the checksums break, the second continuing the first, were both kept once,
and the break is damage. Only that is looked for; it costs a few reads, and none after a tidy end, which leaves no log.
"""

from __future__ import annotations

import os
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from agent.io.retention import PAGE_BYTES

HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES
VERSION = 3_007_000
LITTLE, BIG = 0x377F0682, 0x377F0683  # the magic number says in which byte order checksums are made
SALTS = slice(16, 24)
INDEX_BYTES = 48  # of the header of the -shm file, which stands there twice
MOST_PAIRS = 8  # of commits that are checked: a pair costs some ms


class Frame(NamedTuple):
    at: int  # in the file
    is_commit: bool
    checksum: tuple[int, int]  # as its header says


def is_there(database: Path) -> bool:
    """Whether the last end was no tidy one: a tidy one removes the log."""
    with suppress(OSError):
        return Path(f"{database}-wal").stat().st_size > 0
    return False


def damage(database: Path) -> str | None:
    """What is wrong with the log's header or length, in plain words; to be asked before SQLite opens the database."""
    with suppress(OSError), Path(f"{database}-wal").open("rb") as log:
        header, first = log.read(HEADER_BYTES), log.read(FRAME_BYTES)
        if not _is_header(header):
            return "the header of its log is damaged" if any(first) else None
        frames = indexed_frames(database, header)
        if frames is not None and HEADER_BYTES + frames * FRAME_BYTES > os.fstat(log.fileno()).st_size:
            return "its log was cut short"
    return None


def lost_commits(database: Path) -> str | None:
    """Whether whole commits lie behind where SQLite, which has the database open, stopped reading the log."""
    with suppress(OSError), Path(f"{database}-wal").open("rb") as log:
        header = log.read(HEADER_BYTES)
        taken = indexed_frames(database, header) if _is_header(header) else None
        if taken is None:
            return None
        order = _order(header)
        commits = [f for f in _frames(log.fileno(), header[SALTS], taken) if f.is_commit]
        if any(_continues(log.fileno(), order, a, b) for a, b in pairwise(commits[: MOST_PAIRS + 1])):
            return "its log is damaged in the middle"
    return None


def mend(database: Path) -> bool:
    """Write the log of a database set aside anew, from its frames that are whole, whatever lies between; the log as it was
    is kept as <database>.log. False: SQLite takes all of it as it is. Raises OSError.

    A page whose frame is left out shows as it was before: rows may be missing, or stand in an index and nowhere else.
    """
    path = Path(f"{database}-wal")
    data = path.read_bytes() if path.exists() else b""
    header, frames = data[:HEADER_BYTES], [data[at : at + FRAME_BYTES] for at in range(HEADER_BYTES, len(data), FRAME_BYTES)]
    frames = [frame for frame in frames if len(frame) == FRAME_BYTES]
    if not frames:
        return False
    is_sound = _is_header(header)
    salts = header[SALTS] if is_sound else Counter(frame[8:16] for frame in frames).most_common(1)[0][0]
    order = _order(header) if is_sound else "<" if sys.byteorder == "little" else ">"
    whole = _whole(frames, order, salts, struct.unpack_from(">II", header, 24) if is_sound else None)
    if is_sound and len(whole) == sum(frame[8:16] == salts for frame in frames):
        return False
    path.rename(f"{database}.log")
    path.write_bytes(b"".join(_chained(order, salts, whole)))
    return True


def _whole(frames: list[bytes], order: str, salts: bytes, before: tuple[int, int] | None) -> list[bytes]:
    """The frames whose checksum fits on that of the frame before, as its header has it; `before`: the log's header's."""
    found = []
    for frame in frames:
        checksum = struct.unpack_from(">II", frame, 16)
        if frame[8:16] != salts:
            before = None
            continue
        if before is not None and _checksum(order, frame[FRAME_HEADER_BYTES:], _checksum(order, frame[:8], before)) == checksum:
            found.append(frame)
        before = checksum
    return found


def _chained(order: str, salts: bytes, frames: list[bytes]) -> Iterator[bytes]:
    """A log of these frames, with a header and checksums of its own."""
    start = struct.pack(">IIII", LITTLE if order == "<" else BIG, VERSION, PAGE_BYTES, 0) + salts
    running = _checksum(order, start, (0, 0))
    yield start + struct.pack(">II", *running)
    for frame in frames:
        running = _checksum(order, frame[FRAME_HEADER_BYTES:], _checksum(order, frame[:8], running))
        yield frame[:16] + struct.pack(">II", *running) + frame[FRAME_HEADER_BYTES:]


def indexed_frames(database: Path, log_header: bytes) -> int | None:
    """How many frames of this log the -shm file knows, which SQLite tells only when they are on the disk."""
    with suppress(OSError), Path(f"{database}-shm").open("rb") as index:
        first, second = index.read(INDEX_BYTES), index.read(INDEX_BYTES)
        if len(first) == INDEX_BYTES and first == second and first[32:40] == log_header[SALTS]:
            frames: int = struct.unpack_from("=I", first, 16)[0]
            return frames
    return None


def _is_header(header: bytes) -> bool:
    if len(header) < HEADER_BYTES or struct.unpack_from(">I", header)[0] not in (LITTLE, BIG):
        return False
    return _checksum(_order(header), header[:24], (0, 0)) == struct.unpack_from(">II", header, 24)


def _order(header: bytes) -> str:
    """In which order the bytes of a word count, for struct."""
    return "<" if struct.unpack_from(">I", header)[0] == LITTLE else ">"


def _frames(log: int, salts: bytes, behind: int) -> Iterator[Frame]:
    """The frames of this generation of the log that lie behind the first `behind`."""
    at = HEADER_BYTES + behind * FRAME_BYTES
    while len(header := os.pread(log, FRAME_HEADER_BYTES, at)) == FRAME_HEADER_BYTES:
        if header[8:16] == salts:
            _, pages, _, _, a, b = struct.unpack(">IIIIII", header)
            yield Frame(at, pages != 0, (a, b))
        at += FRAME_BYTES


def _continues(log: int, order: str, first: Frame, last: Frame) -> bool:
    """Whether the frames after `first` up to `last` were written on top of it, whole."""
    running = first.checksum
    for at in range(first.at + FRAME_BYTES, last.at + FRAME_BYTES, FRAME_BYTES):
        frame = os.pread(log, FRAME_BYTES, at)
        if len(frame) < FRAME_BYTES:
            return False
        running = _checksum(order, frame[:8], running)
        running = _checksum(order, frame[FRAME_HEADER_BYTES:], running)
        if running != struct.unpack_from(">II", frame, 16):
            return False
    return True


def _checksum(order: str, data: bytes, start: tuple[int, int]) -> tuple[int, int]:
    a, b = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for x, y in zip(words[::2], words[1::2], strict=True):
        a = (a + x + b) & 0xFFFFFFFF
        b = (b + y + a) & 0xFFFFFFFF
    return a, b
