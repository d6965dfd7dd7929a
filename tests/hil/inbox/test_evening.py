"""A service comes due in mid-drive: nothing during the drive, a mail in the evening, a click on a slot, and the unit closes it.

From frames on the bus to a browser and back: daemon, mosquitto with TLS, receiver, inbox, SMTP and Chromium are the real ones.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Page

from agent.cli import why
from agent.events.appointment import AppointmentChosen
from agent.events.ignition import IgnitionChanged
from agent.events.message import Part, PromptAnswered, PromptDelivered, PromptReleased, PromptWithdrawn
from agent.events.service_record import ServiceDue
from agent.events.trip import TripEnded, TripStarted
from agent.household import NO_BREAK
from agent.localtime import MINUTE_NS
from agent.model import NS, Event
from hil.broker import Broker
from hil.ca import Authority
from hil.cloud.inbox.frame import slot_word
from hil.cloud.inbox.links import ToPage
from tests.hil.inbox.chromium import DESKTOP, PHONE, opened, photograph
from tests.hil.inbox.day import ALEX, DUE_KM, Day, at
from tests.hil.inbox.mailbox import Mailbox, serving
from tests.hil.inbox.scene import text_of

SCREENSHOTS = os.environ.get("KEYOFF_SCREENSHOTS")  # a folder
WORDS = "The brakes squeak a little on cold mornings."
AFTER_TRIP_NS = (15 * MINUTE_NS, 120 * MINUTE_NS)  # when a person is told, after they came home


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture(params=[("workshop",), ()], ids=["with the workshop's consent", "without"])
def day(mosquitto: str, tmp_path: Path, mailbox: Mailbox, request: pytest.FixtureRequest) -> Iterator[Day]:
    authority = Authority(tmp_path)
    with serving(mailbox) as port, Broker(authority, kind="mosquitto") as broker:
        day = Day(tmp_path, authority, broker, port, request.param)
        try:
            day.begin()
            yield day
        finally:
            day.close()


def test_told_in_the_evening_and_booked_with_a_click(chromium: Browser, day: Day, mailbox: Mailbox, tmp_path: Path) -> None:
    due = comes_due_on_the_way_to_work(chromium, day)
    early = leaves_the_parked_car(day)
    release = is_held_by_the_drive_home(day, mailbox, early)
    mail = arrives_in_the_evening(day, mailbox, release)
    assert [part.rests_on for part in release.parts] == [[due.id]]
    file = tmp_path / "mail.html"
    file.write_text(text_of(mail, "html"))
    photographs(chromium, file.as_uri(), "mail")
    photographs(chromium, page_of(day), "before")
    books_the_second_slot(chromium, day, file.as_uri(), release.parts[0])
    photographs(chromium, page_of(day), "after")
    is_closed_on_the_unit(day, release.parts[0])
    day.stand_until(at(36))
    assert len(mailbox.envelopes) == 1
    for kind in (PromptDelivered, PromptAnswered, AppointmentChosen):
        assert len(day.heard(kind)) == 1
    is_moved_and_chosen_anew(chromium, day, mailbox)


# -- the story ---------------------------------------------------------------------------------------


def comes_due_on_the_way_to_work(chromium: Browser, day: Day) -> ServiceDue:
    """And nothing is said of it on the way."""
    looked = False
    for _ in day.drive(at(7, 20)):
        if not looked and is_due(day):
            looked = True
            with opened(chromium, page_of(day)) as page:
                page.get_by_text("No messages yet.").wait_for()
    assert looked, "it came due in mid-drive, and somebody looked"
    day.stand_until(at(9))
    assert_nothing_left_while_driving(day.events)
    (started,), (ended,) = day.heard(TripStarted), day.heard(TripEnded)
    due = next(e for e in day.heard(ServiceDue) if e.stage == "due")
    assert (due.item, due.due_m) == ("oil change", DUE_KM * 1000)
    assert day.events.index(started) < day.events.index(due) < day.events.index(ended)
    assert ended.start_ns < due.t_ns < ended.end_ns
    return due


def leaves_the_parked_car(day: Day) -> PromptReleased:
    """By day, for the evening: a car may sleep then."""
    (release,) = day.heard(PromptReleased)
    assert len(release.parts) == 1 and len(release.parts[0].slots) == 3
    assert release.not_before_utc_ns is not None and at(18, 15) <= release.not_before_utc_ns <= at(20)
    return release


def is_held_by_the_drive_home(day: Day, mailbox: Mailbox, early: PromptReleased) -> PromptReleased:
    """Which begins just before it would have been shown. Gives what leaves the car after it."""
    assert early.not_before_utc_ns is not None
    for _ in day.drive(early.not_before_utc_ns - 5 * MINUTE_NS):
        assert mailbox.envelopes == []
    day.stand_until(day.now_ns + 10 * MINUTE_NS)
    _, trip = day.heard(TripEnded)
    assert trip.start_utc_ns is not None and trip.end_utc_ns is not None
    assert trip.start_utc_ns < early.not_before_utc_ns < trip.end_utc_ns
    (withdrawn,) = day.heard(PromptWithdrawn)
    assert (withdrawn.prompt_id, withdrawn.why) == (early.parts[0].prompt_id, "the ignition came on")
    _, release = day.heard(PromptReleased)
    assert (release.parts[0].prompt_id, release.parts[0].revision) == (early.parts[0].prompt_id, 1)
    assert_nothing_left_while_driving(day.events)
    return release


def arrives_in_the_evening(day: Day, mailbox: Mailbox, release: PromptReleased) -> EmailMessage:
    """One mail, in the person's own hour and not a minute before."""
    from_ns, until_ns = release.not_before_utc_ns, release.not_after_utc_ns
    home_ns = day.heard(TripEnded)[-1].end_utc_ns
    assert from_ns is not None and until_ns is not None and home_ns is not None
    assert AFTER_TRIP_NS[0] <= from_ns - home_ns <= AFTER_TRIP_NS[1]
    assert at(18) < from_ns < until_ns == at(21, 30)
    day.stand_until(from_ns - MINUTE_NS)
    assert mailbox.envelopes == []
    day.stand_until(from_ns)
    (mail,) = mailbox.mails
    assert mail["Date"].datetime.timestamp() == from_ns // NS
    assert [each.addr_spec for each in mail["To"].addresses] == [ALEX.mail]
    assert mail["Subject"] == release.parts[0].title
    (delivered,) = day.heard(PromptDelivered)
    assert (delivered.prompt_id, delivered.shown_utc_ns) == (release.parts[0].prompt_id, from_ns)
    assert day.inbox.desk.shown_while_driving() == 0
    return mail


def books_the_second_slot(chromium: Browser, day: Day, mail: str, part: Part) -> None:
    """From the mail, on a phone."""
    with opened(chromium, mail, PHONE) as page:
        page.get_by_role("link", name=slot_word(part.slots[1], "en")).click()
        photograph_if_asked(page, f"slot-{PHONE}")
        page.get_by_label("A word for the person at the counter").fill(WORDS)
        page.get_by_role("button", name="Book this appointment").click()
        page.get_by_text("On its way to the car.").wait_for()
        assert day.heard(PromptAnswered) == []
        day.exchange()
        page.get_by_role("link", name="Back to all messages").click()
        page.get_by_text("Appointment chosen. The car has it.").wait_for()
        page.get_by_text(f"Appointment: {slot_word(part.slots[1], 'en')}").wait_for()
        assert page.get_by_role("link", name=slot_word(part.slots[0], "en")).count() == 0


def is_closed_on_the_unit(day: Day, part: Part) -> None:
    """By its own events, by its table, and as `keyoff why` tells it; the workshop has what the person consented to."""
    (answer,), (chosen,) = day.heard(PromptAnswered), day.heard(AppointmentChosen)
    assert (answer.prompt_id, answer.answer, answer.slot) == (part.prompt_id, "booked", part.slots[1].id)
    assert (chosen.prompt_id, chosen.slot, chosen.bookable) == (part.prompt_id, part.slots[1], "oil change")
    reading_km = day.car.odometer_m // 100 / 10
    facts = {"reading": f"{reading_km:,.0f} km", "asked": "oil change", "words": WORDS}
    assert chosen.facts == (facts if day.keeper.consents else {})
    kept = day.workshop.appointments[day.store.unit, "oil change"]
    assert (kept.slot, kept.facts) == (chosen.slot, chosen.facts)
    rows = day.store.conn.execute("SELECT state, answer FROM prompts WHERE id = ?", (part.prompt_id,)).fetchall()
    assert [tuple(row) for row in rows] == [("booked", "booked")]
    result = CliRunner().invoke(why.command, [part.prompt_id, "--config", str(day.path), "--json"])
    assert result.exit_code == 0, result.output
    (told,) = json.loads(result.output)
    assert (told["state"], told["is_over"]) == ("booked", True)


def is_moved_and_chosen_anew(chromium: Browser, day: Day, mailbox: Mailbox) -> None:
    """By the workshop, the next noon; told in the evening, in a mail of its own, and another time is chosen on the page."""
    booked, *_, new = (day.heard(AppointmentChosen)[0].slot, *day.workshop.free(day.now_ns))
    day.send(day.workshop.change(day.store.unit, "oil change", "moved", new), "moved", 3600.0)
    day.exchange()
    day.stand_until(at(24 + 18))
    assert len(mailbox.envelopes) == 1
    day.stand_until(at(24 + 21, 30))
    _, mail = mailbox.mails
    assert mail["Subject"] == "Appointment moved: oil change"
    text = " ".join(text_of(mail).replace(NO_BREAK, " ").split())
    assert all(slot.start[11:16] in text for slot in (booked, new)) and "Cancel the appointment" in text
    part = day.heard(PromptReleased)[-1].parts[0]
    photographs(chromium, page_of(day), "moved")
    with opened(chromium, page_of(day), PHONE) as page:
        page.get_by_role("link", name=slot_word(part.slots[0], "en")).click()
        page.get_by_role("button", name="Book this appointment").click()
        page.get_by_text("On its way to the car.").wait_for()
    day.exchange()
    assert day.heard(AppointmentChosen)[-1].slot == part.slots[0]
    assert day.workshop.appointments[day.store.unit, "oil change"].slot == part.slots[0]
    with opened(chromium, page_of(day), PHONE) as page:
        page.get_by_text("Another one was chosen since.").wait_for()


# -- what it is told with ------------------------------------------------------------------------------


def is_due(day: Day) -> bool:
    return any(e.stage == "due" for e in day.heard(ServiceDue))


def page_of(day: Day) -> str:
    return day.links.url(ToPage(ALEX.key), day.now_ns)


def assert_nothing_left_while_driving(events: list[Event]) -> None:
    """Neither in a trip nor with the ignition on."""
    is_driving = is_on = False
    for event in events:
        match event:
            case TripStarted() | TripEnded():
                is_driving = isinstance(event, TripStarted)
            case IgnitionChanged():
                is_on = event.ignition != "off"
            case PromptReleased():
                assert not is_driving and not is_on


def photographs(chromium: Browser, url: str, name: str) -> None:
    """To look at: written where $KEYOFF_SCREENSHOTS says, if it says so."""
    for width in (PHONE, DESKTOP) if SCREENSHOTS else ():
        with opened(chromium, url, width) as page:
            photograph_if_asked(page, f"{name}-{width}")


def photograph_if_asked(page: Page, name: str) -> None:
    if SCREENSHOTS:
        folder = Path(SCREENSHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        photograph(page, folder / f"{name}.png")
