"""What the inbox's tests may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from hil.cloud.inbox.desk import Desk
from tests.conftest import absent
from tests.hil.inbox.cars import book
from tests.hil.inbox.chromium import browser, chromium_path


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    executable = chromium_path()
    if executable is None:
        absent("no chromium: apt-get install chromium")
    with browser(executable) as made:
        yield made


@pytest.fixture
def desk() -> Desk:
    return Desk(book())
