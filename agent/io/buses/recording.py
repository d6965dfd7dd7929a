"""Recordings as a bus: candump text (our own reader), anything else that can.LogReader reads, and CSV of VSS columns.

t_ns counts from the recording's first line; its boot id is the hash of the file. The wall clock is what the
recording says, quality `recorded`, when it can be a date. What cannot be read is counted, never fatal, as long as
anything can: a `#` comment, a torn last line, a binary tail.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TypeAlias

from agent import signals
from agent.model import NS, Frame, Sample, Value, Wall

CHUNK_NS = 2 * NS  # what the daemon is handed at once: well under the time between two commits
CHUNK_FRAMES = 1024
OLDEST_UTC_NS = 946_684_800 * NS  # 2000-01-01; a smaller time stamp counts from a start, not from 1970
ERROR_FLAG = 0x2000_0000  # an error frame in candump's notation
SFF_DIGITS = 3  # an 11-bit id has three hex digits in candump's notation, a 29-bit id eight

Chunk: TypeAlias = list[Frame] | list[Sample]


class RecordingError(Exception):
    """The recording cannot be used; the message says why and what to do. `missing`: there is no such file."""

    def __init__(self, message: str, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


class Recording:
    """One file. `chunks()` may be walked once; `wall`, `skipped` and `torn` are known as it goes."""

    def __init__(self, path: Path, buses: tuple[str, ...]) -> None:
        self.path = path
        self.buses = buses
        self.skipped = 0  # lines or rows that could not be read
        self.torn: str | None = None  # why it broke off before its end
        self.read = 0
        self._t0_ns: int | None = None
        self._channels: dict[str, str] = {}
        try:
            self.size = path.stat().st_size
            self.boot_id = file_hash(path)
        except OSError as e:
            raise RecordingError(f"{path}: {e.strerror}; give the path of a recording", missing=True) from None
        self._raw: IO[bytes] | None = None

    @property
    def wall(self) -> Wall | None:
        if self._t0_ns is None or self._t0_ns < OLDEST_UTC_NS:
            return None
        return Wall(self._t0_ns, "recorded")

    def position(self) -> int:
        """Bytes of the file read so far."""
        return self._raw.tell() if self._raw and not self._raw.closed else self.size

    def chunks(self) -> Iterator[Chunk]:
        """Frames or samples in pieces of at most two recorded seconds. Raises RecordingError when nothing can be read."""
        suffixes = [s for s in self.path.suffixes if s != ".gz"][-1:]
        try:
            if suffixes == [".log"]:
                yield from self._pieces(self._candump())
            elif suffixes == [".csv"] and self._is_vss_csv():
                yield from self._pieces(self._csv())
            else:
                yield from self._pieces(self._logreader())
        except (EOFError, zlib.error, gzip.BadGzipFile, OSError, UnicodeDecodeError) as e:
            self.torn = str(e)
        if not self.read:
            raise RecordingError(
                f"{self.path}: no frame or row can be read{f' ({self.torn})' if self.torn else ''}; is it a recording?"
            )

    # -- inside --------------------------------------------------------------------------------

    def _pieces(self, items: Iterable[Frame] | Iterable[Sample]) -> Iterator[Chunk]:
        piece: list[Frame | Sample] = []
        start = 0
        try:
            for item in items:
                t_ns = item.t_ns if isinstance(item, Frame) else item[0]
                if piece and (t_ns - start > CHUNK_NS or len(piece) >= CHUNK_FRAMES):
                    yield piece  # type: ignore[misc]
                    piece = []
                if not piece:
                    start = t_ns
                piece.append(item)
                self.read += 1
        finally:
            if piece:
                yield piece  # type: ignore[misc]

    def _open(self) -> IO[bytes]:
        self._raw = self.path.open("rb")
        return gzip.GzipFile(fileobj=self._raw) if self.path.suffix == ".gz" else self._raw  # type: ignore[return-value]

    def _since_start(self, stamp_ns: int) -> int:
        if self._t0_ns is None:
            self._t0_ns = stamp_ns
        return stamp_ns - self._t0_ns

    def _bus(self, channel: str) -> str:
        """A recording's channels are the profile's buses, in order of appearance; beyond them they keep their name."""
        if channel not in self._channels:
            taken = len(self._channels)
            only = len(self.buses) == 1
            self._channels[channel] = self.buses[0] if only else self.buses[taken] if taken < len(self.buses) else channel
        return self._channels[channel]

    def _candump(self) -> Iterator[Frame]:
        with self._open() as file:
            for line in file:
                try:
                    frame = self._candump_line(line)
                except (ValueError, IndexError):
                    self.skipped += 1
                    continue
                if frame is not None:
                    yield frame

    def _candump_line(self, line: bytes) -> Frame | None:
        """`(1533198887.000013) can0 2C1#0014DF14BBCA3A91`; `##F…` is CAN FD with flags, `#R` a remote frame."""
        stamp, channel, rest = line.decode("ascii").split()[:3]
        seconds, _, fraction = stamp[1:-1].partition(".")
        stamp_ns = int(seconds) * NS + int(fraction.ljust(9, "0")[:9])
        head, hash_, data = rest.partition("#")
        if not hash_:
            raise ValueError("torn")
        number = int(head, 16)
        if data[:1] == "#":
            data = data[2:]
        if data[:1] == "R" or number & ERROR_FLAG:
            return None
        extended = len(head) > SFF_DIGITS
        return Frame(number, extended, bytes.fromhex(data), self._bus(channel), self._since_start(stamp_ns))

    def _logreader(self) -> Iterator[Frame]:
        import can  # late: 0.1 s

        self._raw = self.path.open("rb")
        try:
            with can.LogReader(self.path) as reader:
                for m in reader:
                    if not m.is_error_frame and not m.is_remote_frame:
                        t_ns = self._since_start(round(m.timestamp * NS))
                        yield Frame(m.arbitration_id, m.is_extended_id, bytes(m.data), self._bus(str(m.channel)), t_ns)
        except Exception as e:  # noqa: BLE001 - python-can's readers raise what they like on a damaged file
            if "unknown log format" in str(e):
                raise RecordingError(f"{self.path}: {e}; known: .log .asc .blf .csv .db .mf4 .trc, each also .gz") from None
            self.torn = f"{type(e).__name__}: {e}"

    def _is_vss_csv(self) -> bool:
        with self._open() as file:
            head = file.readline().lstrip(b"\xef\xbb\xbf")
        return head.startswith((b"t_s,", b"utc_s,"))

    def _csv(self) -> Iterator[Sample]:
        """`t_s` or `utc_s`, then VSS paths; an empty cell is no sample."""
        with self._open() as raw:
            rows = csv.reader(io.TextIOWrapper(raw, "utf-8-sig", newline=""))
            head = next(rows)
            unknown = [c for c in head[1:] if not signals.known(c)]
            if unknown:
                raise RecordingError(
                    f"{self.path}: column {unknown[0]!r} is no signal that keyoff knows; see agent/signals.py for the names"
                )
            for row in rows:
                try:
                    t_ns = self._since_start(stamp_ns(row[0]))
                    if len(row) != len(head):
                        raise ValueError(row)
                except (ValueError, IndexError):
                    self.skipped += 1
                    continue
                for path, cell in zip(head[1:], row[1:], strict=True):
                    if cell:
                        yield t_ns, path, value_of(path, cell)


def stamp_ns(text: str) -> int:
    """Decimal seconds as nanoseconds, without a float in between. Raises ValueError."""
    seconds, _, fraction = text.partition(".")
    sign = -1 if seconds.startswith("-") else 1
    return int(seconds) * NS + sign * int((fraction or "0").ljust(9, "0")[:9])


def value_of(path: str, cell: str) -> Value:
    """A cell as the signal's value: a number in its range, True or False, or text; an implausible number is unknown."""
    if path in signals.FREE_TEXTS:
        return cell
    try:
        number = float(cell)
    except ValueError:
        return {"true": True, "false": False}.get(cell.lower(), cell)
    return number if signals.plausible(path, number) else None


def file_hash(path: Path) -> str:
    """SHA-256 of the file: the boot id of its replay."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()[:32]
