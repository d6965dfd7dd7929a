"""What every test may ask for: recorded drives, a broker. With CI=true a missing one fails; else it is a skip that says why."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="Write what the golden drives come to now as what is expected.")


def absent(what: str) -> NoReturn:
    """Skip, or fail where CI promised that it is there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} (CI=true: it has to be there)")
    pytest.skip(what)


@pytest.fixture(scope="session")
def drives() -> Path:
    """The folder of recorded drives: $KEYOFF_DRIVES, default ../shared/drives beside the checkout."""
    folder = Path(os.environ.get("KEYOFF_DRIVES", ROOT.parent / "shared" / "drives"))
    if not (folder / "SOURCES.md").is_file():
        absent(f"no recorded drives at {folder}: set KEYOFF_DRIVES")
    return folder


@pytest.fixture(scope="session")
def mosquitto() -> str:
    """The path of the mosquitto broker."""
    path = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if path is None:
        absent("no mosquitto: apt-get install mosquitto")
    return path
