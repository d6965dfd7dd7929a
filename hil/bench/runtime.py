"""An environment with the runtime packages only, as a unit has it: without pytest, mypy and the like. Made once.

And the agent byte-compiled, as `make install` does it: compiling at a start takes time, and 10 MiB.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

from hil.bench.drives import CACHE
from hil.bench.figures import LeftOut, progress

ROOT = CACHE.parent
LOCK = ROOT / "requirements.lock"
FOLDER = CACHE / "runtime"
INSTALL_S = 900  # a slow network and twenty wheels


def runtime_python() -> Path:
    """The environment's Python; made anew when the lock file or this Python is another. Raises LeftOut."""
    python = _made()
    subprocess.run([str(python), "-m", "compileall", "-q", str(ROOT / "agent")], capture_output=True, check=False)
    return python


def _made() -> Path:
    python, made_from = FOLDER / "bin" / "python", FOLDER / "made-from"
    asked = requirements()
    mark = hashlib.sha256(f"{sys.version} {asked}".encode()).hexdigest()
    if made_from.is_file() and made_from.read_text() == mark:
        return python
    what = FOLDER.with_suffix(".txt")
    what.parent.mkdir(parents=True, exist_ok=True)
    what.write_text(asked)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--requirement", str(what)]
    for command in progress("A runtime-only environment, once", ([sys.executable, "-m", "venv", "--clear", str(FOLDER)], pip)):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_S)
        except subprocess.TimeoutExpired:
            raise LeftOut(f"no runtime-only environment in {FOLDER}: pip took more than {INSTALL_S} s") from None
        if done.returncode:
            last = done.stderr.strip().rpartition("\n")[2]
            raise LeftOut(f"no runtime-only environment in {FOLDER}: {last or f'exit {done.returncode}'}")
    made_from.write_text(mark)
    return python


def requirements() -> str:
    """The lock file's text, with its hashes; without a lock file, what pyproject.toml asks for."""
    if LOCK.is_file():
        return LOCK.read_text()
    with (ROOT / "pyproject.toml").open("rb") as file:
        return "\n".join(tomllib.load(file)["project"]["dependencies"])
