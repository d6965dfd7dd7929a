"""The page and a mail as a browser shows them: everything inside the window, a slot booked by clicks, no script run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from hil.cloud.inbox.links import ToAnswer, ToPage, ToReport
from hil.cloud.inbox.web import Served, app
from tests.hil.inbox.cars import ANA, Car, bookable, part, report
from tests.hil.inbox.chromium import DESKTOP, NARROWEST, PHONE, is_as_wide_as_its_window, opened
from tests.hil.inbox.scene import Scene, text_of


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    with Served(app(scene.inbox, scene.clock)) as served:
        scene.links.base = served.url
        yield scene


def test_a_slot_is_booked_by_two_clicks(chromium: Browser, scene: Scene) -> None:
    car = Car()
    scene.hear(car.releases(bookable()))
    with opened(chromium, scene.links.url(ToPage(ANA.key), scene.now_ns)) as page:
        page.get_by_role("link", name="Friday").click()
        page.get_by_label("A word for the person at the counter").fill("It squeaks.")
        page.get_by_role("button", name="Book this appointment").click()
        page.get_by_text("On its way to the car.").wait_for()
        scene.turn()
        (said,) = scene.commands.said("PromptAnswered")
        assert (said.data["slot"], said.data["words"]) == ("s2", "It squeaks.")
        scene.hear(car.hears("p1", "booked", slot="s2"))
        page.get_by_role("link", name="Back to all messages").click()
        page.get_by_text("Appointment chosen. The car has it.").wait_for()


THUMB_PX = 44  # what Apple and WCAG 2.5.5 ask for
SMALLER = f"[...document.querySelectorAll('a, button, summary')].filter(e => e.getBoundingClientRect().height < {THUMB_PX})"


def test_all_that_is_pressed_is_as_large_as_a_thumb(chromium: Browser, scene: Scene, tmp_path: Path) -> None:
    car = Car()
    ready = car.says("ReportReady", report())
    scene.hear(ready, car.releases(bookable("p1"), part("p2", kind="report", report=ready.id)))
    mail = tmp_path / "mail.html"
    mail.write_text(text_of(scene.post.messages()[0], "html"))
    aims = ToPage(ANA.key), ToReport("rav4", ready.id), ToAnswer("rav4", "p1", "stopped"), ToAnswer("rav4", "p1", "booked", "s1")
    for url in (mail.as_uri(), *(scene.links.url(aim, scene.now_ns) for aim in aims)):
        with opened(chromium, url, NARROWEST, scripts=True) as page:
            assert page.evaluate(f"{SMALLER}.map(e => e.textContent)") == [], url
            assert is_as_wide_as_its_window(page), url


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_nothing_sticks_out(chromium: Browser, scene: Scene, tmp_path: Path, width: int) -> None:
    car = Car()
    ready = car.says("ReportReady", report())
    title = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    release = car.releases(bookable("p1", title=title), part("p2", kind="report", report=ready.id), language="de")
    scene.hear(ready, release)
    mail = tmp_path / "mail.html"
    mail.write_text(text_of(scene.post.messages()[0], "html"))
    for url in (scene.links.url(ToPage(ANA.key), scene.now_ns), mail.as_uri()):
        with opened(chromium, url, width, scripts=True) as page:  # the measuring needs one
            assert is_as_wide_as_its_window(page)
