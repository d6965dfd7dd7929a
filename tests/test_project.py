"""What the project promises about itself: its licence, its locked packages, its few rooms."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import agent

ROOT = Path(__file__).resolve().parent.parent

LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")

TOP_LEVEL = {
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "agent",
    "dbc",
    "hil",
    "pyproject.toml",
    "systemd",
    "tests",
    *LOCKS,
}

LAG = timedelta(days=90)  # of the date that clocks are held against: a season is nothing beside a roll-over of 19.6 years

BUILT = {"build", "dist"}  # what .gitignore leaves out and `make clean` removes

# Put together, so that this file does not find itself.
ELSEWHERE = ("/wo" + "rk/", "/fa" + "rm/", "/opt/py" + "pi")


def project() -> dict[str, Any]:
    text = (ROOT / "pyproject.toml").read_text()
    found: dict[str, Any] = tomllib.loads(text)["project"]
    return found


def names(requirements: list[str]) -> set[str]:
    """The packages that requirements ask for, spelt as a lock file spells them."""
    return {re.split(r"[^A-Za-z0-9._-]", each)[0].lower().replace("_", "-") for each in requirements}


def locked(lock: str) -> dict[str, str]:
    """Package → its entry in the lock file."""
    entries = re.split(r"^(?=[a-z0-9])", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]
    return {entry.partition("==")[0]: entry for entry in entries}


def pinned(entry: str) -> tuple[str, list[str]]:
    """A lock entry's version and hashes, without the marker that says on which machines it is wanted."""
    return re.split(r"[\s;]", entry)[0], re.findall(r"--hash=(\S+)", entry)


def files() -> Iterator[Path]:
    """What belongs to the project: no byte code, nothing built, no dot-folders but .ci."""
    for top in ROOT.iterdir():
        if top.name == ".ci" or not (top.name.startswith(".") or top.name in BUILT):
            yield from (p for p in [top, *top.rglob("*")] if p.is_file() and "__pycache__" not in p.parts)


def test_licence_and_pythons() -> None:
    assert project()["license"] == "Apache-2.0"
    assert project()["requires-python"] == ">=3.11,<3.14"
    assert "Apache License" in (ROOT / "LICENSE").read_text()


def test_each_dependency_says_what_it_is_for() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    block = text.partition("dependencies = [\n")[2].partition("\n]")[0]
    assert len(block.splitlines()) == len(project()["dependencies"])
    for line in block.splitlines():
        assert re.fullmatch(r'    "[^"]+",\s+# \S.*', line), line


def test_the_locks_hold_what_pyproject_asks_for() -> None:
    runtime, dev = names(project()["dependencies"]), names(project()["optional-dependencies"]["dev"])
    build = names(tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"])
    assert runtime <= set(locked("requirements.lock"))
    assert build <= set(locked("requirements-build.lock"))
    assert runtime | build | dev <= set(locked("requirements-dev.lock"))


def test_the_unit_runs_what_was_checked() -> None:
    dev = locked("requirements-dev.lock")
    for lock in LOCKS[:2]:
        for package, entry in locked(lock).items():
            assert pinned(dev[package]) == pinned(entry)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_a_hash_for_each_package_and_no_address(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text()
    assert locked(lock)
    for package, entry in locked(lock).items():
        assert re.search(r"==\S+.*\\\n    --hash=sha256:[0-9a-f]{64}", entry), package


def test_the_top_level_is_a_few_rooms() -> None:
    found = {p.name for p in ROOT.iterdir() if not p.name.startswith(".")} - BUILT
    assert found == TOP_LEVEL


def test_the_date_that_clocks_are_held_against_is_of_this_version() -> None:
    """The changelog's, once it is released; before, not far behind the last change."""
    found = re.search(r"^## (\S+) \((.*)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert found and found[1] == agent.__version__
    if found[2] != "unreleased":
        assert found[2] == agent.__date__
    elif (changed := last_change()) is not None:
        assert changed - date.fromisoformat(agent.__date__) <= LAG, "set agent.__date__ to today"


def last_change() -> date | None:
    """The day of the last commit; None outside of a checkout."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        return None
    told = subprocess.run(["git", "log", "-1", "--format=%cs"], cwd=ROOT, capture_output=True, text=True, check=False)
    return date.fromisoformat(told.stdout.strip()) if told.returncode == 0 else None


def test_what_the_readme_names_is_there() -> None:
    text = (ROOT / "README.md").read_text()
    paths = re.findall(r"`((?:agent|dbc|hil|systemd|tests)/[^`\s]*)`", text)
    modules = re.findall(r"python -m (hil[\w.]*)", text)
    assert len(paths) > 10 and len(modules) > 5
    for path in paths:
        named = path.partition("<")[0].partition("NNNN")[0]  # what stands for many: the folder that they are in
        assert (ROOT / (named if named == path else named.rpartition("/")[0])).exists(), path
    for module in modules:
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    found = [f"{p}: {where}" for p in files() for where in ELSEWHERE if where.encode() in p.read_bytes()]
    assert not found
