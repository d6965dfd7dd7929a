"""mail: what leaves, taken apart again by somebody else's parsers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import get_args

import icalendar
import pytest

from agent.events.message import Answer, WithdrawnWhy
from agent.household import KINDS, Kind, Language
from agent.localtime import MINUTE_NS
from agent.model import NS
from agent.words import closing
from hil.cloud.inbox.frame import CROSSED, WORDS, word
from hil.cloud.inbox.letter import ANSWERS
from hil.cloud.inbox.links import ToAnswer, ToStop
from hil.cloud.inbox.mail import Folder, Server
from tests.hil.inbox.cars import EVENING_NS, SLOTS, Car, bookable, part, report
from tests.hil.inbox.mailbox import Mailbox, serving
from tests.hil.inbox.scene import BASE, Caught, Scene, parsed, text_of


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def mail_of(scene: Scene) -> EmailMessage:
    (message,) = scene.post.messages()
    return message


def links_in(message: EmailMessage, kind: str = "plain") -> list[str]:
    return re.findall(rf"{BASE}/\w/[\w.-]+", text_of(message, kind))


def test_it_is_from_the_car_and_automatic(scene: Scene) -> None:
    scene.hear(Car().releases(bookable()))
    mail = mail_of(scene)
    assert mail["From"].addresses[0].display_name == "Your Toyota RAV4 (automatic)"
    assert mail["From"].addresses[0].addr_spec == "car@bench.example"
    assert mail["To"].addresses[0].addr_spec == "ana@example.org"
    assert mail["Subject"] == "Oil change is due"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Precedence"] == "bulk"
    assert mail["Date"].datetime == datetime.fromtimestamp(EVENING_NS // NS, UTC)
    assert re.fullmatch(r"<[0-9a-f]{32}@bench\.example>", mail["Message-ID"])


def test_its_words_are_the_units_in_text_and_html(scene: Scene) -> None:
    scene.hear(Car().releases(bookable(text='First.\nFuel < 10 l & "so".')))
    mail = mail_of(scene)
    assert mail.get_content_type() == "multipart/mixed"
    assert [p.get_content_type() for p in mail.iter_parts()] == ["multipart/alternative", *["text/calendar"] * 3]
    plain, html = text_of(mail), text_of(mail, "html")
    assert 'Fuel < 10 l & "so".' in plain
    assert "Fuel &lt; 10 l &amp; &#34;so&#34;." in html
    for words in (
        "Oil change is due",
        "First.",
        "no person wrote it",
        "until 09:00",
        "Hauptstraße 1",
    ):
        assert words in plain
        assert words in html
    assert "Thursday, 26 November, 08:00" in plain and "Thursday, 26\xa0November,\xa008:00" in html
    assert "!" not in plain
    assert "script" not in html


def test_only_what_is_set_in_lines_keeps_its_units_together(scene: Scene) -> None:
    """A subject with such a space would be encoded; plain text and calendars are read and searched as they are."""
    scene.hear(Car().releases(bookable(title="100,000\xa0km", text="At 100,000\xa0km.")))
    mail = mail_of(scene)
    assert b"\r\nSubject: 100,000 km\r\n" in scene.post.mails[0].body
    assert "\xa0" not in text_of(mail)
    assert "<h1>100,000\xa0km</h1>" in text_of(mail, "html")
    calendar = next(p for p in mail.iter_attachments() if p.get_content_type() == "text/calendar")
    assert "SUMMARY:100\\,000 km" in str(calendar.get_content())


def test_a_list_of_mails_shows_how_it_goes_on(scene: Scene) -> None:
    """Its first words, for the eye alone: whoever opens the mail sees them in their place."""
    scene.hear(Car().releases(bookable(text="It falls due soon.\nAnswer so.")))
    assert re.search(r"<body>\s*<div style=\"display: none;[^>]*>It falls due soon.</div>", text_of(mail_of(scene), "html"))


def test_the_text_is_set_in_lines_and_no_link_is_broken(scene: Scene) -> None:
    scene.hear(Car().releases(bookable(text="word " * 100 + "\n" + "x" * 200)))
    lines = text_of(mail_of(scene)).splitlines()
    assert all(len(line) <= 76 or " " not in line.strip() for line in lines)
    assert "x" * 200 in lines


def test_no_line_is_longer_than_smtp_allows(scene: Scene) -> None:
    scene.hear(Car().releases(*(bookable(f"p{n}", text="word " * 400) for n in range(5))))
    body = scene.post.mails[0].body
    assert max(map(len, body.split(b"\r\n"))) <= 998
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert body.isascii()


def test_each_slot_is_a_file_for_the_calendar(scene: Scene) -> None:
    scene.hear(Car().releases(bookable(text="Bring; the, \\ book.\nAnd " + "ü" * 80)))
    parts = [p for p in mail_of(scene).iter_attachments() if p.get_content_type() == "text/calendar"]
    assert [p.get_param("method") for p in parts] == ["PUBLISH"] * 3
    for made, slot in zip(parts, SLOTS, strict=True):
        body = made.get_payload(decode=True)
        assert isinstance(body, bytes)
        assert all(len(line) <= 75 for line in body.split(b"\r\n")) and b"\n" not in body.replace(b"\r\n", b"")
        assert rb"DESCRIPTION:Bring\; the\, \\ book.\nAnd " in body.replace(b"\r\n ", b"")
        calendar = icalendar.Calendar.from_ical(body)
        assert calendar["METHOD"] == "PUBLISH"
        (event,) = calendar.walk("VEVENT")
        assert event.decoded("DTSTART") == datetime.fromisoformat(slot["start"])
        assert event.decoded("DTEND") == datetime.fromisoformat(slot["end"])
        assert event.decoded("DTSTAMP") == datetime.fromtimestamp(EVENING_NS // NS, UTC)
        assert event["UID"] == f"p1-{slot['id']}@rav4.keyoff"
        assert event["STATUS"] == "TENTATIVE"
        assert event["DESCRIPTION"] == "Bring; the, \\ book.\nAnd " + "ü" * 80
        assert event["LOCATION"] == slot["place"]


def test_its_links_are_signed_for_this_prompt_and_nothing_else(scene: Scene) -> None:
    scene.hear(Car().releases(bookable()))
    mail = mail_of(scene)
    aims = [scene.links.read(url.rpartition("/")[2], EVENING_NS) for url in links_in(mail)]
    answers = [(a.answer, a.slot) for a in aims if isinstance(a, ToAnswer)]
    assert answers == [("booked", s["id"]) for s in SLOTS] + [(a, None) for a in ("done", "snoozed", "wrong", "stopped")]
    assert {(a.unit, a.prompt_id) for a in aims if isinstance(a, ToAnswer)} == {("rav4", "p1")}
    assert set(links_in(mail)) == set(links_in(mail, "html"))


def test_one_click_stops_all_that_the_mail_is_about(scene: Scene) -> None:
    scene.file.add(Car().releases(part("p1")))
    scene.hear(Car("golf").releases(part("p2", kind="battery")))
    mail = mail_of(scene)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = re.fullmatch(r"<(.*)>", mail["List-Unsubscribe"])
    assert url and url[1].startswith(f"{BASE}/a/")
    assert f"\r\nList-Unsubscribe: <{url[1]}>\r\n".encode() in scene.post.mails[0].body  # neither folded nor encoded
    assert scene.links.read(url[1].rpartition("/")[2], EVENING_NS) == ToStop((("rav4", "p1"), ("golf", "p2")))


def test_cars_of_one_person_are_merged_and_named(scene: Scene) -> None:
    scene.file.add(Car().releases(part("p1")), Car("golf").releases(part("p2", title="The battery is weak", kind="battery")))
    scene.turn()
    mail = mail_of(scene)
    assert mail["From"].addresses[0].display_name == "Your cars (automatic)"
    assert mail["Subject"] == "Oil change is due, and 1 more"
    assert "VW Golf" in text_of(mail) and "The battery is weak" in text_of(mail)
    assert text_of(mail).count("no person wrote it") == 1


def test_german_mail_has_german_buttons(scene: Scene) -> None:
    scene.hear(Car().releases(bookable(), language="de"))
    mail = mail_of(scene)
    assert mail["From"].addresses[0].display_name == "Ihr Toyota RAV4 (automatisch)"
    assert "Donnerstag, 26.\xa0November,\xa008:00" in text_of(mail, "html")
    assert mail["Content-Language"] == "de"


def test_every_language_has_every_word() -> None:
    assert {*WORDS["de"]} == {*WORDS["en"]}
    assert not [w for words in WORDS.values() for w in words.values() if "!" in w]


@pytest.mark.parametrize("language", get_args(Language))
def test_what_stops_messages_is_called_as_their_closing_says(language: Language) -> None:
    called = re.search("[“„](.+)[”“]", closing(language))
    assert called
    assert all(called[1] in word(language, name, kind="x").lower() for name in ("stopped", "stop_all"))


def test_every_kind_answer_and_reason_has_its_words() -> None:
    assert {*get_args(Kind)} == {*ANSWERS} == {*KINDS}
    assert all(f"kind_{kind}" in WORDS["en"] for kind in get_args(Kind))
    assert all({answer, f"said_{answer}"} <= {*WORDS["en"]} for answer in get_args(Answer))
    assert all(CROSSED.get(why, why) in WORDS["en"] for why in get_args(WithdrawnWhy) if why != "the ignition came on")


def test_a_report_comes_as_a_file_with_its_figures_in_the_mail(scene: Scene) -> None:
    car = Car()
    ready = car.says("ReportReady", report())
    scene.file.add(ready)
    scene.hear(car.releases(part(kind="report", report=ready.id, title="Your car's report for October 2026")))
    (attached,) = mail_of(scene).iter_attachments()
    assert attached.get_filename() == "your-car-s-report-for-october-2026.html"
    assert attached.get_content_type() == "text/html"
    assert "842" in str(attached.get_content())
    assert "842" in text_of(mail_of(scene)) and "842" in text_of(mail_of(scene), "html")
    assert set(links_in(mail_of(scene))) == set(links_in(mail_of(scene), "html"))


# -- how it leaves ------------------------------------------------------------------------------------


def test_a_mail_that_failed_is_tried_again_a_minute_later_under_the_same_id(scene: Scene) -> None:
    scene.post.error = ConnectionRefusedError("nobody there")
    scene.hear(Car().releases(part()))
    assert scene.commands.said("PromptDelivered") == []
    scene.post.error = None
    scene.turn(EVENING_NS + 1)
    assert scene.post.mails == []
    scene.turn(EVENING_NS + MINUTE_NS)
    scene.turn(EVENING_NS + 2 * MINUTE_NS)
    assert len(scene.post.mails) == 1
    assert len(scene.commands.said("PromptDelivered")) == 1


def test_after_a_crash_behind_the_servers_yes_the_same_mail_goes_again(scene: Scene) -> None:
    scene.post.dies_after = True
    with pytest.raises(RuntimeError):
        scene.hear(Car().releases(part("p1")))
    scene.post.dies_after = False
    scene.again()
    scene.hear(Car("golf").releases(part("p2")))  # something else is ready meanwhile
    first, second = scene.post.mails
    assert (first.id, first.subject) == (second.id, second.subject)
    scene.again()
    scene.turn()
    assert len(scene.post.mails) == 2


def test_a_server_whose_yes_was_lost_gets_the_same_mail_again(scene: Scene) -> None:
    scene.post.error, scene.post.reply_is_lost = TimeoutError("no reply"), True
    scene.hear(Car().releases(part("p1")))
    scene.post.error = None
    scene.file.add(Car("golf").releases(part("p2")))  # something else is ready meanwhile
    scene.turn(EVENING_NS + MINUTE_NS)
    first, second = scene.post.mails
    assert (first.id, first.subject) == (second.id, second.subject)


def test_in_a_folder_a_repeat_is_the_same_file(tmp_path: Path) -> None:
    scene = Scene(tmp_path, post=Folder(tmp_path / "mails"))
    scene.hear(Car().releases(part()))
    (file,) = (tmp_path / "mails").iterdir()
    assert file.suffix == ".eml"
    assert parsed(file.read_bytes())["Subject"] == "Oil change is due"


def test_over_smtp_for_real(tmp_path: Path) -> None:
    keeps = Mailbox()
    with serving(keeps) as port:
        scene = Scene(tmp_path, post=Server("127.0.0.1", port))
        scene.hear(Car().releases(bookable()))
    (envelope,) = keeps.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("car@bench.example", ["ana@example.org"])
    (mail,) = keeps.mails
    assert mail["Subject"] == "Oil change is due"
    assert len([*mail.iter_attachments()]) == len(SLOTS)
    scene.turn()
    assert len(keeps.envelopes) == 1


def test_a_server_that_is_not_there_stops_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path, post=Server("127.0.0.1", 1))
    scene.hear(Car().releases(part()))
    assert any("could not be sent" in line for line in scene.told)
    assert isinstance(scene.post, Caught)
