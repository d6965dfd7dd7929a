"""A page in headless Chromium, the system's own: opened, clicked, photographed. playwright brings its driver."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

NARROWEST, PHONE, DESKTOP = 360, 390, 1200  # px
WAIT_MS = 20_000  # a busy machine


def chromium_path() -> str | None:
    """Where Debian's or Google's is; None: not installed."""
    return next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)


@contextmanager
def browser(executable: str) -> Iterator[Browser]:
    """A browser of our own, ended with the block."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=executable, headless=True, args=["--no-sandbox"])
        try:
            yield made
        finally:
            made.close()


@contextmanager
def opened(browser: Browser, url: str, width: int = PHONE, *, scripts: bool = False) -> Iterator[Page]:
    """A page, without scripts unless asked for: ours need none."""
    context = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=scripts)
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    try:
        page.goto(url)
        yield page
    finally:
        context.close()


def photograph(page: Page, file: Path) -> None:
    """The whole page, as far down as it goes."""
    page.screenshot(path=str(file), full_page=True)


def is_as_wide_as_its_window(page: Page) -> bool:
    """Nothing sticks out to the side."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
