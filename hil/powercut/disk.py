"""What a disk holds when the power goes: everything up to a file's last sync; of what came after, any part.

The operations of a recording are applied one after another; at any point `image` gives the files as they would
be found, for a given fate of all that was not yet synced. The rules, stricter than any file system in use:

- A synced file's bytes and size are safe. `fsync` and `fdatasync` of a file say nothing of its name.
- Each write since then is kept or lost by itself, and a kept one may have reached only some of its 512-byte
  sectors. (Reordering is a later write kept and an earlier one lost: a sector never goes back to older bytes,
  as the page cache holds it once.)
- The size is another matter than the bytes: it may be any that the file had since its sync. What lies below
  it and was never written reads as zeros, or as whatever lay on the disk before.
- A name made, removed or changed is safe when the folder was synced; of the changes since, the first so many
  are kept (file systems journal them in order).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import NamedTuple, TypeAlias

SECTOR = 512  # what a disk writes wholly or not at all, at the least
FOLDER = ""  # the path of the folder itself, in a Sync


class Create(NamedTuple):
    path: str


class Write(NamedTuple):
    path: str
    offset: int
    data: bytes


class Resize(NamedTuple):
    """ftruncate; also an open that empties the file."""

    path: str
    size: int


class Sync(NamedTuple):
    """fsync or fdatasync of a file, or of the folder. `began`: operations that were over when it was asked for."""

    path: str
    began: int


class Remove(NamedTuple):
    path: str


class Rename(NamedTuple):
    path: str
    to: str


class Mark(NamedTuple):
    """Something the recorded program said at this point."""

    text: str


Naming: TypeAlias = Create | Remove | Rename
Op: TypeAlias = Naming | Write | Resize | Sync | Mark


class File:
    """One file's bytes, whatever its name is: as synced, and as a running system reads it."""

    def __init__(self, data: bytes = b"") -> None:
        self.synced = data
        self.cached = bytearray(data)
        self.sizes = [len(data)]  # at its sync, and after each operation since


class Pending(NamedTuple):
    """A write or resize that is not yet synced; `at`: which operation of the recording it was."""

    at: int
    file: File
    op: Write | Resize


class Fate(NamedTuple):
    """What became of everything that was not synced; see the module."""

    kept: tuple[bool, ...]  # one a pending write or resize, in order
    names: int = 0  # of the pending changes of names, the first so many
    torn: Mapping[int, frozenset[int]] = {}  # place among the pending → the sectors of the file that were reached
    sizes: Mapping[File, int] = {}  # where it is not the size that the kept ones make
    left: bytes = b"\0"  # repeated: how a stretch reads that was never written


class Disk:
    """The files of one folder, at one point of a recording."""

    def __init__(self, files: Mapping[str, bytes] = {}, ops: Iterable[Op] = ()) -> None:
        self.names = {path: File(data) for path, data in files.items()}
        self.synced_names = dict(self.names)
        self.naming: list[tuple[int, Naming, File]] = []
        self.pending: list[Pending] = []
        self.at = 0  # operations applied
        for op in ops:
            self.apply(op)

    def apply(self, op: Op) -> None:
        """The next operation of the recording. KeyError: on a file that is not there."""
        if isinstance(op, Write | Resize):
            file = self.names[op.path]
            carry_out(file.cached, op, None, b"\0")
            file.sizes.append(len(file.cached))
            self.pending.append(Pending(self.at, file, op))
        elif isinstance(op, Sync):
            self._sync(op)
        elif not isinstance(op, Mark):
            file = File() if isinstance(op, Create) else self.names[op.path]
            rename(self.names, op, file)
            self.naming.append((self.at, op, file))
        self.at += 1

    def _sync(self, op: Sync) -> None:
        if op.path == FOLDER:
            for at, each, file in self.naming:
                if at < op.began:
                    rename(self.synced_names, each, file)
            self.naming = [n for n in self.naming if n[0] >= op.began]
            findable = {*self.names.values(), *self.synced_names.values()}
            self.pending = [p for p in self.pending if p.file in findable]
            return
        file = self.names[op.path]
        data = bytearray(file.synced)
        for done in self.pending:
            if done.file is file and done.at < op.began:
                carry_out(data, done.op, None, b"\0")
        self.pending = [p for p in self.pending if p.file is not file or p.at >= op.began]
        file.synced = bytes(data)
        file.sizes = [len(data), *file.sizes[len(file.sizes) - sum(p.file is file for p in self.pending) :]]

    def running(self) -> dict[str, bytes]:
        """The files as a running system reads them: what is left when the program dies and the power stays."""
        return {path: bytes(file.cached) for path, file in self.names.items()}

    def image(self, fate: Fate) -> dict[str, bytes]:
        """The files as they are found after a power cut, by name."""
        names = dict(self.synced_names)
        for _, op, file in self.naming[: fate.names]:
            rename(names, op, file)
        return {path: self._found(file, fate) for path, file in names.items()}

    def _found(self, file: File, fate: Fate) -> bytes:
        data = bytearray(file.synced)
        for place, (each, kept) in enumerate(zip(self.pending, fate.kept, strict=True)):
            if kept and each.file is file:
                carry_out(data, each.op, fate.torn.get(place), fate.left)
        resize(data, fate.sizes.get(file, len(data)), fate.left)
        return bytes(data)


def rename(names: dict[str, File], op: Naming, file: File) -> None:
    if isinstance(op, Create):
        names[op.path] = file
        return
    names.pop(op.path, None)
    if isinstance(op, Rename):
        names[op.to] = file


def resize(data: bytearray, size: int, left: bytes) -> None:
    """Cut `data`, or make it longer by what is left on the disk there: `left`, repeated."""
    missing = size - len(data)
    if missing > 0:
        data += (left * (missing // len(left) + 1))[:missing]
    else:
        del data[size:]


def sectors(op: Write) -> range:
    """Which of the file's sectors it touches."""
    return range(op.offset // SECTOR, (op.offset + len(op.data) - 1) // SECTOR + 1)


def carry_out(data: bytearray, op: Write | Resize, reached: frozenset[int] | None, left: bytes) -> None:
    """`op` on `data`; a write on the sectors `reached` only, None for all of them."""
    if isinstance(op, Resize):
        resize(data, op.size, left)
        return
    end = op.offset + len(op.data)
    if reached is None:
        resize(data, max(len(data), op.offset), left)
        data[op.offset : end] = op.data
        return
    for sector in sorted(reached):
        first, last = max(op.offset, sector * SECTOR), min(end, (sector + 1) * SECTOR)
        resize(data, max(len(data), first), left)
        data[first:last] = op.data[first - op.offset : last - op.offset]


# -- fates -----------------------------------------------------------------------------------------


def extremes(disk: Disk) -> Iterator[Fate]:
    """Nothing kept, everything, all but the first, only the last; the last torn after each of its sectors."""
    n, names = len(disk.pending), len(disk.naming)
    yield Fate((False,) * n)
    yield Fate((True,) * n, names)
    if n > 1:
        yield Fate((False,) + (True,) * (n - 1), names)
        yield Fate((False,) * (n - 1) + (True,), names)
    if n and isinstance(last := disk.pending[-1].op, Write):
        touched = sectors(last)
        for reached in range(1, len(touched)):
            yield Fate((True,) * n, names, {n - 1: frozenset(touched[:reached])})


def chance(disk: Disk, random: Random) -> Fate:
    """Any subset, any of it torn, any size, what was never written as zeros or as anything."""
    share = random.choice((0.1, 0.5, 0.9))
    kept = tuple(random.random() < share for _ in disk.pending)
    torn: dict[int, frozenset[int]] = {}
    for place, each in enumerate(disk.pending):
        last = place == len(kept) - 1
        if isinstance(each.op, Write) and kept[place] and random.random() < (0.5 if last else 0.1):
            torn[place] = frozenset(s for s in sectors(each.op) if random.random() < 0.5)
    changed = dict.fromkeys(p.file for p in disk.pending)  # in order, so that a seed gives the same again
    sizes = {file: random.choice(file.sizes) for file in changed if random.random() < 0.3}
    left = random.choice((b"\0", random.randbytes(SECTOR)))
    return Fate(kept, random.randint(0, len(disk.naming)), torn, sizes, left)
