"""Disks that go bad: full, read-only, with I/O errors, with a sync that does not come back; and files that are damaged.

`shim.c`, preloaded into a process, fails its calls on chosen files, switched from outside while it runs (`BadDisk`).
`damage.py` hurts files. `unit.py` is the unit whose store they are; `worker.py` runs it in a process of its own.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Literal, TypeAlias

ROOT = Path(__file__).resolve().parent.parent.parent
SHIM = Path(__file__).with_name("shim.c")

Kind: TypeAlias = Literal["write", "read", "sync", "open"]
DEADLINE_S = 120  # generous: only a unit that hangs reaches it
ERRORS = {"full": errno.ENOSPC, "I/O error": errno.EIO, "read-only": errno.EROFS, "too large": errno.EFBIG}


class NoCompiler(Exception):
    """There is no C compiler here."""


class BadDisk:
    """The faults of one process. `folder`: an empty one for the shim and its switches."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shim = folder / "shim.so"
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise NoCompiler("no C compiler: apt-get install gcc libc6-dev")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", self._shim, SHIM], check=True)

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._shim), "BADDISK": str(self._folder)}

    def fail(self, kind: Kind, how: str, part: str) -> None:
        """From now on calls of `kind` on files with `part` in their path fail so ("hold": they wait)."""
        new = self._folder / "new"
        new.write_text("hold " + part if how == "hold" else f"{ERRORS[how]} {part}")
        new.rename(self._folder / kind)  # at one moment

    def heal(self) -> None:
        """Everything works again."""
        for kind in ("write", "read", "sync", "open"):
            (self._folder / kind).unlink(missing_ok=True)


class Worker:
    """The unit in a process of its own, told what to do line by line; see `worker.py`."""

    def __init__(self, database: Path, disk: BadDisk, max_mb: int = 256) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hil.baddisk.worker", str(database), str(max_mb)],
            cwd=ROOT,
            env=os.environ | disk.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def tell(self, *words: object) -> None:
        """Without waiting for the answer."""
        assert self._process.stdin is not None
        print(*words, file=self._process.stdin, flush=True)

    def answer(self) -> dict[str, Any]:
        """Raises EOFError when the process has ended, queue.Empty when it does not answer."""
        line = self._lines.get(timeout=DEADLINE_S)
        if not line:
            raise EOFError(f"the unit ended with {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found

    def do(self, *words: object) -> dict[str, Any]:
        self.tell(*words)
        return self.answer()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")
