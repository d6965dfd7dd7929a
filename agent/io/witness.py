"""What is known of the database outside of it, in <database>.mark: its epoch, the highest number given, its first page.

The number is written after the commit that gave it: it is never ahead of what the disk has. So a database that knows of
fewer has lost some (a log cut short, an old copy put back), and would give them a second time. The first page holds
header and schema: with it put back, all the other pages can be read.

    at 0     MAGIC, epoch (16 characters), seq (8 bytes), CRC-32        at 512   CRC-32 of the page
    at 4096  the page
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

MAGIC = b"keyoff 1"
MARK = struct.Struct(">8s16sQI")
CRC = struct.Struct(">I")
CRC_AT = 512
PAGE_AT = 4096
PAGE_BYTES = 4096
SQLITE = b"SQLite format 3\x00"
CHANGES_AT, VERSION_AT, VALID_AT = 24, 60, 92  # change counter, user_version, the counter for which the page count holds


class Mark(NamedTuple):
    epoch: str
    seq: int  # the highest that was given


class Witness:
    """The file; whatever is wrong with it counts as not knowing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def mark(self) -> Mark | None:
        found = self._read(0, MARK.size)
        if len(found) < MARK.size:
            return None
        magic, epoch, seq, crc = MARK.unpack(found)
        if magic != MAGIC or crc != crc32(found[: -CRC.size]):
            return None
        return Mark(epoch.rstrip(b"\0").decode("ascii", "replace"), seq)

    def note(self, mark: Mark) -> None:
        """Write down what was given; a disk that refuses leaves it at what was known before, which is never wrong."""
        body = MARK.pack(MAGIC, mark.epoch.encode()[:16], mark.seq, 0)[: -CRC.size]
        with suppress(OSError):
            self._write((0, body + CRC.pack(crc32(body))))

    def page(self) -> bytes | None:
        """The first page as it was, made fit to be read with: its page count is not to be believed."""
        page, crc = self._read(PAGE_AT, PAGE_BYTES), self._read(CRC_AT, CRC.size)
        if len(page) < PAGE_BYTES or crc != CRC.pack(crc32(page)):
            return None
        valid = page[VALID_AT : VALID_AT + 4]
        other = bytes(b ^ 0xFF for b in valid)
        return page[:CHANGES_AT] + other + page[CHANGES_AT + 4 :]

    def version(self) -> int:
        """The schema's number in the copy of the first page; -1 when there is none."""
        page = self.page()
        return -1 if page is None else int.from_bytes(page[VERSION_AT : VERSION_AT + 4], "big")

    def keep_page(self, database: Path) -> None:
        """Copy the database's first page. No connection of this process may have it open: SQLite's locks would be gone."""
        with suppress(OSError), database.open("rb") as file:
            page = file.read(PAGE_BYTES)
            if len(page) == PAGE_BYTES and page.startswith(SQLITE):
                self._write((PAGE_AT, page), (CRC_AT, CRC.pack(crc32(page))))

    def _read(self, at: int, size: int) -> bytes:
        with suppress(OSError), self.path.open("rb") as file:
            return os.pread(file.fileno(), size, at)
        return b""

    def _write(self, *pieces: tuple[int, bytes]) -> None:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            for at, body in pieces:
                os.pwrite(handle, body, at)
            os.fdatasync(handle)
        finally:
            os.close(handle)
