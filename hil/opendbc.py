"""opendbc's DBC files (MIT), read as data out of its wheel: pinned by hash, never installed, never copied in."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

VERSION = "0.3.1"
SHA256 = "5552994344a885d85836f2487b85e958e69ab1a0e8d11e30ec508d316bf58ae1"
CACHE = Path(__file__).resolve().parent.parent / ".cache"
FOLDER = "opendbc/dbc/"  # in the wheel; the files in generator/ are pieces of others
DOWNLOAD_S = 120  # 2 MB; beyond that there is no network


class OpendbcError(Exception):
    """The wheel cannot be had; the message says what to do."""


def wheel() -> Path:
    """$KEYOFF_OPENDBC (it or its folder), or out of the checkout's .cache, or downloaded there. Raises OpendbcError."""
    name = f"opendbc-{VERSION}-py3-none-any.whl"
    named = os.environ.get("KEYOFF_OPENDBC")
    path = Path(named) if named else CACHE / name
    if path.is_dir():
        path = path / name
    if not path.is_file() and not named:
        _download(path.parent)
    if not path.is_file():
        raise OpendbcError(f"no opendbc wheel at {path}, and it could not be downloaded: set KEYOFF_OPENDBC")
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise OpendbcError(f"{path} is not the wheel of opendbc {VERSION} that is known here: remove it")
    return path


def dbc_files() -> dict[str, bytes]:
    """Every DBC of the wheel by its file name. Raises OpendbcError."""
    with zipfile.ZipFile(wheel()) as archive:
        names = [n for n in archive.namelist() if n.startswith(FOLDER) and n.endswith(".dbc") and "generator" not in n]
        return {n.removeprefix(FOLDER): archive.read(n) for n in names}


def dbc_file(name: str) -> bytes:
    """One of them. Raises OpendbcError."""
    with zipfile.ZipFile(wheel()) as archive:
        return archive.read(FOLDER + name)


def _download(folder: Path) -> None:
    """`--python-version`: it asks for less than 3.13 and is only read."""
    pip = [sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", "--only-binary=:all:", "--python-version", "3.12"]
    try:
        subprocess.run([*pip, "--dest", str(folder), f"opendbc=={VERSION}"], capture_output=True, check=False, timeout=DOWNLOAD_S)
    except subprocess.TimeoutExpired:
        return
