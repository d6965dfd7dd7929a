"""What a program does to the files of one folder, as strace saw it.

strace rather than a preloaded library: it needs no compiler, sees what the kernel is asked for whatever the program
was linked with, and is one small Debian package. What it cannot tell is said as an error: a call that is not
understood, a string cut short, or operations that do not add up to the files that are really there.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hil.powercut.disk import FOLDER, Create, Disk, Mark, Op, Remove, Rename, Resize, Sync, Write

MARKS = "marks"  # beside the folder: a line written there is a Mark
INDEX = "-shm"  # the end of the name of a file that is written through memory, where strace sees nothing of it
UNRECORDED = (INDEX, ".lock", ".reserve")  # nothing stands in the last two

WRITTEN = 1 << 20  # the longest single write that is taken up whole

CALLS = (
    *("open", "openat", "openat2", "creat", "write", "pwrite64", "writev", "pwritev", "pwritev2"),
    *("truncate", "ftruncate", "fallocate", "copy_file_range", "sendfile"),
    *("fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "msync"),
    *("unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
)

ENTRY = re.compile(r"(?P<pid>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<call>\w+)\()(?P<rest>.*)")
UNFINISHED = " <unfinished ...>"
ANSWER = re.compile(r"(.*)\) += (-?\d+|\?|0x[0-9a-f]+)(.*)")
DESCRIPTOR = re.compile(r"\d+<([^>]*)>")
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"(\.\.\.)?')


class RecordingError(Exception):
    """The recording cannot be made or relied on; the message says why."""


class Call(NamedTuple):
    """One system call that succeeded."""

    name: str
    arguments: str
    result: int
    began: int  # how many operations were over when it was asked for


class Recording(NamedTuple):
    before: dict[str, bytes]  # the files at the start, all of them synced
    ops: list[Op]
    indexes: list[bytes] = []  # the log's index at each mark, where the program noted it


def record(command: Sequence[str | Path], folder: Path, cwd: Path) -> Recording:
    """Run `command` to its end and give what it did to the files in `folder`. Raises RecordingError."""
    strace = shutil.which("strace")
    if strace is None:
        raise RecordingError("no strace: apt-get install strace")
    before = contents(folder)
    log = folder.parent / "strace"
    calls = ",".join(f"?{call}" for call in CALLS)  # ?: some processors have not all of them
    options = ["-f", "--seccomp-bpf", "-y", "-qq", "-s", str(WRITTEN), "-e", f"trace={calls}", "-e", "signal=none"]
    ran = subprocess.run([strace, *options, "-o", log, *command], cwd=cwd, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise RecordingError(f"the recorded program ended with {ran.returncode}: {ran.stderr.strip()[-2000:]}")
    with log.open() as lines:
        recording = Recording(before, operations(lines, folder, before))
    if Disk(before, recording.ops).running() != contents(folder):
        raise RecordingError(f"what was recorded does not add up to the files in {folder}")
    return recording


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of `folder` that a recording is about, by name."""
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file() and is_recorded(p.name)}


def is_recorded(name: str) -> bool:
    return not name.endswith(UNRECORDED)


def operations(lines: Iterable[str], folder: Path, before: Iterable[str] = ()) -> list[Op]:
    """strace's lines as operations on the files in `folder`, where `before` were already. Raises RecordingError."""
    reader = Reader(folder, before)
    asked: dict[str, tuple[str, int]] = {}  # by process, what was interrupted by another's
    for line in lines:
        entry = ENTRY.match(line.rstrip("\n"))
        if entry is None:
            continue
        name, text = entry["resumed"] or entry["call"], entry["rest"]
        began = len(reader.ops)
        if entry["resumed"]:
            head, began = asked.pop(entry["pid"])
            text = head + text
        if text.endswith(UNFINISHED):
            asked[entry["pid"]] = text.removesuffix(UNFINISHED), began
            continue
        answer = ANSWER.fullmatch(text)
        if answer is not None and answer[2].isdecimal():
            reader.ops += reader.read(Call(name, answer[1], int(answer[2]), began))
    return reader.ops


class Reader:
    """Knows which names there are, so that an open that makes a file is told from one that finds it."""

    def __init__(self, folder: Path, before: Iterable[str]) -> None:
        self.folder = folder
        self.names = set(before)
        self.ops: list[Op] = []

    def read(self, call: Call) -> Iterator[Op]:
        """The operations that a call comes to: none when it is about other files."""
        paths = self._paths(call)
        if not paths:
            return
        path = paths[0]
        match call.name:
            case "open" | "openat":
                yield from self._opened(path, call.arguments)
            case "write" if path == MARKS:
                yield Mark(data(call).decode())
            case "pwrite64":
                yield Write(path, int(call.arguments.rpartition(", ")[2]), data(call)[: call.result])
            case "ftruncate" | "truncate":
                yield Resize(path, int(call.arguments.rpartition(", ")[2]))
            case "fsync" | "fdatasync":
                yield Sync(path, call.began)
            case "unlink" | "unlinkat":
                self.names.discard(path)
                yield Remove(path)
            case "rename" | "renameat" | "renameat2" if len(paths) == 2:
                self.names = (self.names - {path}) | {paths[1]}
                yield Rename(path, paths[1])
            case _:
                raise RecordingError(f"{call.name}({call.arguments[:200]}) = {call.result}: not understood; see {__name__}")

    def _opened(self, path: str, arguments: str) -> Iterator[Op]:
        if path in (FOLDER, MARKS):
            return
        if path not in self.names:
            self.names.add(path)
            yield Create(path)
        elif "O_TRUNC" in arguments:
            yield Resize(path, 0)

    def _paths(self, call: Call) -> list[str]:
        """The files that are recorded among those that the call names."""
        named = DESCRIPTOR.findall(TEXT.sub("", call.arguments))
        if not call.name.startswith(("write", "pwrite")):
            named += [unquoted(text).decode(errors="replace") for text, _ in TEXT.findall(call.arguments)]
        return [path for path in map(self._own, named) if path is not None]

    def _own(self, path: str) -> str | None:
        """`path` as a name in the folder; FOLDER for the folder itself, None for what is not recorded."""
        if path == str(self.folder):
            return FOLDER
        if path == str(self.folder.parent / MARKS):
            return MARKS
        parent, _, name = path.rpartition("/")
        return name if parent == str(self.folder) and is_recorded(name) else None


def data(call: Call) -> bytes:
    """The bytes that a call writes."""
    text = TEXT.search(call.arguments)
    if text is None or text[2]:
        raise RecordingError(f"{call.name}: the bytes were not recorded whole: {call.arguments[:200]}")
    return unquoted(text[1])


def unquoted(text: str) -> bytes:
    """strace escapes as C does, which Python reads."""
    found: bytes = ast.literal_eval(f'b"{text}"')
    return found
