"""web: the page and its buttons, through the framework's test client."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import icalendar
import pytest
from flask.testing import FlaskClient

from agent.localtime import DAY_NS
from hil.cloud.inbox.links import Aim, ToAnswer, ToCalendar, ToPage, ToReport, ToStop
from hil.cloud.inbox.web import app
from tests.hil.inbox.cars import ANA, BEN, EVENING_NS, SLOTS, Car, bookable, part, report
from tests.hil.inbox.scene import BASE, Scene

BOOK = ToAnswer("rav4", "p1", "booked", "s1")
CHOSEN = {"bookable": "oil change", "slot": SLOTS[0], "prompt_id": "p1", "person": "ana"}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.fixture
def client(scene: Scene) -> FlaskClient:
    return app(scene.inbox, scene.clock).test_client()


def path(scene: Scene, aim: Aim) -> str:
    return scene.links.url(aim, scene.now_ns).removeprefix(BASE)


def page(client: FlaskClient, scene: Scene) -> str:
    return client.get(path(scene, ToPage(ANA.key))).text


class Outline(HTMLParser):
    """Unclosed elements, ids and for-references of a page."""

    VOID = frozenset({"meta", "br", "input", "link"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_only_what_was_shown_is_on_the_page(client: FlaskClient, scene: Scene) -> None:
    scene.turn(EVENING_NS - DAY_NS)
    scene.hear(Car().releases(bookable()))
    assert "No messages yet." in page(client, scene)
    scene.turn(EVENING_NS)
    html = page(client, scene)
    assert "Oil change is due" in html and "Toyota RAV4" in html and "no person wrote it" in html
    assert "Oil change" not in client.get(path(scene, ToPage(BEN.key))).text


def test_a_message_for_the_page_alone_needs_no_mail(client: FlaskClient, scene: Scene) -> None:
    scene.hear(Car().releases(part(), channel="page"))
    assert scene.post.mails == []
    assert "Oil change is due" in page(client, scene)
    assert [said.kind for said, _ in scene.commands.sent] == ["PromptDelivered"]


def test_pages_are_whole_and_need_no_script(client: FlaskClient, scene: Scene) -> None:
    scene.hear(Car().releases(bookable()))
    for response in (
        client.get(path(scene, ToPage(ANA.key))),
        client.get(path(scene, BOOK)),
        client.post(path(scene, BOOK)),
        client.get("/a/x"),
    ):
        outline = Outline(response.text)
        assert "script" not in outline.tags
        assert outline.tags.count("h1") == 1
        assert re.search(r'<html lang="en">', response.text)
        assert 'name="viewport"' in response.text
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in response.headers


def test_to_follow_a_link_does_nothing(client: FlaskClient, scene: Scene) -> None:
    """Mail scanners do."""
    scene.hear(Car().releases(bookable()))
    for aim in (BOOK, ToAnswer("rav4", "p1", "stopped"), ToStop((("rav4", "p1"),))):
        response = client.get(path(scene, aim))
        assert response.status_code == 200
        assert response.text.count("<form") == 1 and "Nothing has happened yet" in response.text
        client.head(path(scene, aim))
    scene.turn()
    assert scene.commands.said("PromptAnswered") == []


def test_a_slot_that_is_pressed_goes_to_the_car_and_comes_back(client: FlaskClient, scene: Scene) -> None:
    car = Car()
    scene.hear(car.releases(bookable()))
    assert "Thursday, 26\xa0November,\xa008:00" in page(client, scene)
    response = client.post(path(scene, BOOK), data={"words": "  It squeaks.  "})
    assert response.status_code == 200 and "On its way to the car." in response.text
    scene.turn()
    (said,) = scene.commands.said("PromptAnswered")
    assert said.unit == "rav4"
    assert said.data == {"prompt_id": "p1", "answer": "booked", "slot": "s1", "words": "It squeaks."}
    assert "Appointment chosen. On its way to the car." in page(client, scene)
    assert 'class="slots"' not in page(client, scene)
    scene.hear(car.hears("p1", "booked", slot="s1"), car.says("AppointmentChosen", CHOSEN))
    html = page(client, scene)
    assert "Appointment chosen. The car has it." in html
    assert "Appointment: Thursday, 26\xa0November,\xa008:00" in html


def test_twice_pressed_is_one_answer(client: FlaskClient, scene: Scene) -> None:
    scene.hear(Car().releases(bookable()))
    for _ in range(3):
        assert client.post(path(scene, BOOK)).status_code == 200
    assert "<form" not in client.get(path(scene, BOOK)).text
    scene.again()
    assert app(scene.inbox, scene.clock).test_client().post(path(scene, BOOK)).status_code == 200
    scene.turn()
    assert len(scene.commands.said("PromptAnswered")) == 1


def test_a_second_slot_is_not_booked_beside_the_first(client: FlaskClient, scene: Scene) -> None:
    scene.hear(Car().releases(bookable()))
    client.post(path(scene, BOOK))
    response = client.post(path(scene, ToAnswer("rav4", "p1", "booked", "s2")))
    assert response.status_code == 409
    scene.turn()
    assert len(scene.commands.said("PromptAnswered")) == 1


@pytest.mark.parametrize("slot", ["s9", None])
def test_a_slot_that_was_not_offered_cannot_be_booked(client: FlaskClient, scene: Scene, slot: str | None) -> None:
    scene.hear(Car().releases(bookable()))
    assert client.post(path(scene, ToAnswer("rav4", "p1", "booked", slot))).status_code == 410


def test_a_slot_in_the_past_cannot_be_booked(client: FlaskClient, scene: Scene) -> None:
    scene.hear(Car().releases(bookable()))
    scene.now_ns = EVENING_NS + 3 * DAY_NS
    assert client.post(path(scene, BOOK)).status_code == 410
    assert client.post(path(scene, ToAnswer("rav4", "p1", "booked", "s3"))).status_code == 200


@pytest.mark.parametrize(("answer", "days"), [("done", None), ("wrong", None), ("snoozed", 7)])
def test_other_buttons(client: FlaskClient, scene: Scene, answer: str, days: int | None) -> None:
    scene.hear(Car().releases(bookable()))
    forms = re.findall(rf'action="{BASE}(/a/[^"]+)"><button class="button" name="answer" value="{answer}"', page(client, scene))
    assert client.post(forms[0]).status_code == 200
    scene.turn()
    (said,) = scene.commands.said("PromptAnswered")
    assert (said.data["answer"], said.data.get("days")) == (answer, days)


def test_what_is_over_is_crossed_out_and_its_links_do_nothing(client: FlaskClient, scene: Scene) -> None:
    car = Car()
    scene.hear(car.releases(bookable()))
    scene.hear(car.withdraws("p1", "no longer true"))
    html = page(client, scene)
    assert "<del>Oil change is due</del>" in html and "No longer valid: it is no longer so." in html
    assert client.post(path(scene, BOOK)).status_code == 410
    scene.turn()
    assert scene.commands.said("PromptAnswered") == []
    assert len(scene.post.mails) == 1
    assert client.post(path(scene, ToAnswer("rav4", "p1", "stopped"))).status_code == 200  # that always works


@pytest.mark.parametrize(("why", "said"), [("done", "It is done."), ("remedied", "It is remedied.")])
def test_what_was_done_is_not_struck_out(client: FlaskClient, scene: Scene, why: str, said: str) -> None:
    car = Car()
    scene.hear(car.releases(bookable()))
    scene.hear(car.withdraws("p1", why))
    html = page(client, scene)
    assert "<del>" not in html and f"<p>{said}</p>" in html
    assert client.post(path(scene, BOOK)).status_code == 410


def test_the_page_says_once_who_speaks_and_with_each_message_how_to_stop_it(client: FlaskClient, scene: Scene) -> None:
    scene.hear(Car().releases(part("p1")))
    scene.hear(Car("golf").releases(part("p2", kind="battery"), urgency="safety"))
    html = page(client, scene)
    assert html.count("no person wrote it") == 1
    assert html.count("Stop messages about") == html.count("<section") == 2


def test_headings_skip_no_level(client: FlaskClient, scene: Scene) -> None:
    scene.hear(Car().releases(bookable()))
    pages = page(client, scene), client.get(path(scene, BOOK)).text, client.post(path(scene, BOOK)).text, client.get("/a/x").text
    for html in pages:
        levels = [int(level) for level in re.findall(r"<h(\d)", html)]
        assert levels[0] == 1 and all(after <= before + 1 for before, after in pairwise(levels)), levels


def test_one_click_of_a_mail_program_stops_all_of_its_mail(client: FlaskClient, scene: Scene) -> None:
    scene.hear(Car().releases(part("p1"), part("p2", kind="battery")))
    url = scene.post.messages()[0]["List-Unsubscribe"].strip("<>").removeprefix(BASE)
    response = client.post(url, data={"List-Unsubscribe": "One-Click"})
    assert response.status_code == 200  # and no redirect: RFC 8058
    scene.turn()
    assert [(s.data["prompt_id"], s.data["answer"]) for s in scene.commands.said("PromptAnswered")] == [
        ("p1", "stopped"),
        ("p2", "stopped"),
    ]


@pytest.mark.parametrize(("outcome", "says"), [("refused", "refuses"), ("failed", "failed at")])
def test_an_answer_that_the_unit_does_not_take_may_be_given_again(
    client: FlaskClient, scene: Scene, outcome: str, says: str
) -> None:
    car = Car()
    scene.hear(car.releases(bookable()))
    client.post(path(scene, BOOK))
    scene.turn()
    id = next(id for said, id in scene.commands.sent if said.kind == "PromptAnswered")
    scene.hear(car.says("CommandTaken", {"command": id, "kind": "PromptAnswered", "outcome": outcome, "why": "no such slot"}))
    assert 'class="slots"' in page(client, scene)
    assert f"rav4 {says} PromptAnswered: no such slot" in scene.told


@pytest.mark.parametrize("where", ["/p/", "/a/", "/r/", "/c/"])
def test_a_link_that_is_not_ours_or_for_another_page_is_refused(client: FlaskClient, scene: Scene, where: str) -> None:
    aims: list[Aim] = [BOOK, ToPage(ANA.key), ToReport("rav4", "r"), ToCalendar("rav4", "p1")]
    wrong = [path(scene, aim)[3:] for aim in aims if not path(scene, aim).startswith(where)]
    for token in ["abc", path(scene, BOOK)[3:-3] + "abc", *wrong]:
        assert client.get(where + token).status_code == 403
    assert client.get(path(scene, ToPage("nobody"))).status_code == 403


def test_an_old_link_says_so(client: FlaskClient, scene: Scene) -> None:
    scene.hear(Car().releases(bookable()))
    old = path(scene, BOOK)
    scene.now_ns = EVENING_NS + 60 * DAY_NS
    for response in (client.get(old), client.post(old)):
        assert response.status_code == 410
        assert "It is too old." in response.text
    german = client.get(old, headers={"Accept-Language": "de-DE,de;q=0.9"})
    assert "Dieser Link geht nicht" in german.text


def test_what_was_moved_is_kept_or_cancelled_with_a_click(client: FlaskClient, scene: Scene) -> None:
    car = Car()
    scene.hear(car.releases(bookable(topic="appointment oil change")))
    assert "Keep it as it is now" in page(client, scene) and "Remind me" not in page(client, scene)
    cancel = path(scene, ToAnswer("rav4", "p1", "cancel"))
    assert "Cancel the appointment" in client.get(cancel).text
    assert "On its way to the car." in client.post(cancel).text
    scene.turn()
    said, id = scene.commands.sent[-1]
    assert (said.kind, said.data) == ("AppointmentChanged", {"bookable": "oil change", "change": "cancelled"})
    assert "Keep it" not in page(client, scene)
    scene.hear(car.says("CommandTaken", {"command": id, "kind": "AppointmentChanged", "outcome": "refused", "why": "none"}))
    assert "Keep it" in page(client, scene), "it may be pressed again"
    client.post(cancel)
    scene.hear(car.says("AppointmentChanged", {"bookable": "oil change", "change": "cancelled"}))
    assert "Appointment cancelled. The car has it." in page(client, scene)
    scene.again()
    assert "Appointment cancelled. The car has it." in page(client, scene)


def test_the_chosen_appointment_as_a_file_keeps_its_id_when_it_is_moved(client: FlaskClient, scene: Scene) -> None:
    car = Car()
    scene.hear(car.releases(bookable()))
    assert client.get(path(scene, ToCalendar("rav4", "p1"))).status_code == 410
    scene.hear(car.hears("p1", "booked", slot="s1"), car.says("AppointmentChosen", CHOSEN))
    response = client.get(path(scene, ToCalendar("rav4", "p1")))
    assert response.mimetype == "text/calendar"
    (event,) = icalendar.Calendar.from_ical(response.data).walk("VEVENT")
    assert (event["STATUS"], event["UID"], event["SEQUENCE"]) == ("CONFIRMED", "p1-s1@rav4.keyoff", 1)
    new = SLOTS[1] | {"id": "elsewhere"}
    scene.hear(car.says("AppointmentChanged", {"bookable": "oil change", "change": "moved", "slot": new}))
    (event,) = icalendar.Calendar.from_ical(client.get(path(scene, ToCalendar("rav4", "p1"))).data).walk("VEVENT")
    assert (event["UID"], event["SEQUENCE"]) == ("p1-s1@rav4.keyoff", 2)


def test_a_report_is_a_page_until_its_consent_is_taken_back(client: FlaskClient, scene: Scene) -> None:
    car = Car()
    ready = car.says("ReportReady", report())
    scene.hear(ready, car.releases(part(kind="report", report=ready.id)))
    assert "Open the report" in page(client, scene) and "842" in page(client, scene)
    response = client.get(path(scene, ToReport("rav4", ready.id)))
    assert response.status_code == 200 and "842" in response.text
    scene.hear(car.says("ConsentChanged", {"driver": "ana", "purpose": "report", "granted": False}))
    assert client.get(path(scene, ToReport("rav4", ready.id))).status_code == 410
    assert "Open the report" not in page(client, scene)


def test_what_units_write_is_text_and_no_markup(client: FlaskClient, scene: Scene) -> None:
    scene.hear(Car().releases(part(title="<b>x</b>", text="<script>alert(1)</script>")))
    assert "<b>x</b>" not in page(client, scene) and "<script>" not in page(client, scene)
