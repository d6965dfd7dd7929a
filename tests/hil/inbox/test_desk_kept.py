"""desk: reports and appointments that are kept, what came out while driving, mails that may have left, what is not ours."""

from __future__ import annotations

from typing import Any

import pytest

from agent.localtime import MINUTE_NS
from hil.cloud.inbox.desk import Desk
from tests.hil.inbox.cars import ANA, EVENING_NS, HOUR_NS, SLOTS, Car, bookable, part, report
from tests.hil.inbox.showing import hear, show, waits


def test_a_report_waits_until_it_is_here(desk: Desk) -> None:
    car = Car()
    ready = car.says("ReportReady", report())
    hear(desk, car.releases(part(kind="report", report=ready.id)))
    assert waits(desk) == "its report is not here"
    hear(desk, ready)
    assert show(desk) == [["p1"]]


def test_a_report_is_forgotten_when_its_consent_is_taken_back(desk: Desk) -> None:
    car = Car()
    ready = car.says("ReportReady", report())
    hear(desk, ready, car.releases(part(kind="report", report=ready.id)))
    hear(desk, car.says("ConsentChanged", {"driver": "ben", "purpose": "report", "granted": False}))
    assert desk.reports
    hear(desk, car.says("ConsentChanged", {"driver": "ana", "purpose": "report", "granted": False}))
    assert not desk.reports
    assert show(desk) == []
    assert desk.prompts["rav4", "p1"].crossed == "the consent was taken back"
    hear(desk, car.says("PromptWithdrawn", {"prompt_id": "p1", "revision": 0, "why": "no longer true"}))
    assert desk.prompts["rav4", "p1"].crossed == "the consent was taken back"


def test_a_report_that_comes_after_its_consent_was_taken_back_is_not_taken_up(desk: Desk) -> None:
    """ConsentChanged goes first, whatever was raised before it."""
    car = Car()
    ready = car.says("ReportReady", report())
    release = car.releases(part(kind="report", report=ready.id))
    hear(desk, car.says("ConsentChanged", {"driver": "ana", "purpose": "report", "granted": False}), ready, release)
    assert not desk.reports
    assert show(desk) == []
    later = car.says("ReportReady", report())
    hear(desk, later)
    assert [*desk.reports] == [("rav4", later.id)], "they granted it again"


def test_a_report_of_an_epoch_heard_of_too_late_is_not_taken_up_unless_they_agreed_again(desk: Desk) -> None:
    old, new = Car(epoch="old"), Car(epoch="new")
    consent = {"driver": "ana", "purpose": "report", "granted": False}
    hear(desk, new.says("ConsentChanged", consent), old.says("ReportReady", report()))
    assert not desk.reports
    newest = Car(epoch="newest")
    hear(desk, newest.says("ConsentChanged", consent | {"granted": True}), later := newest.says("ReportReady", report()))
    assert [*desk.reports] == [("rav4", later.id)]


def test_what_others_agreed_to_show_goes_from_a_report_that_is_kept(desk: Desk) -> None:
    car = Car()
    body = {"driver": "ana", "month": "2026-10"}
    shown = report() | {"body": body | {"others": {"people": 3}, "wards": [{"driver": "kim"}]}}
    hear(desk, ready := car.says("ReportReady", shown), odd := car.says("ReportReady", report() | {"body": {"odd": 1}}))
    hear(desk, car.says("ConsentChanged", {"driver": "kim", "purpose": "guardian", "granted": False, "whom": "ana"}, version=2))
    assert desk.reports["rav4", ready.id].data["body"] == body | {"others": {"people": 3}}
    hear(desk, car.says("ConsentChanged", {"driver": "ben", "purpose": "compare", "granted": False}))
    assert desk.reports["rav4", ready.id].data["body"] == body
    assert (desk.reports["rav4", odd.id].data["body"], desk.not_understood) == ({"odd": 1}, 0)


def test_what_became_of_the_appointment(desk: Desk) -> None:
    car = Car()
    hear(desk, car.releases(bookable()))
    show(desk)
    prompt = desk.prompts["rav4", "p1"]
    chosen = {"bookable": "oil change", "slot": SLOTS[0], "prompt_id": "p1", "person": "ana"}
    hear(desk, car.says("AppointmentChosen", chosen))
    assert prompt.appointment and prompt.appointment.id == "s1"
    hear(desk, car.says("AppointmentChanged", {"bookable": "oil change", "change": "moved", "slot": SLOTS[1]}))
    assert prompt.appointment.id == "s2" and prompt.is_dated
    hear(desk, car.says("AppointmentChanged", {"bookable": "oil change", "change": "cancelled"}))
    assert prompt.change == "cancelled" and not prompt.is_dated


# -- the link ---------------------------------------------------------------------------------------


def test_shown_while_driving_is_counted_when_it_comes_out(desk: Desk) -> None:
    car = Car()
    hear(desk, car.releases(part()))
    show(desk, EVENING_NS + MINUTE_NS)
    assert desk.shown_while_driving() == 0
    hear(desk, car.starts("t1", EVENING_NS), car.parks("t1", EVENING_NS + HOUR_NS))
    assert desk.shown_while_driving() == 1


@pytest.mark.parametrize(("start_ns", "end_ns"), [(-2, -1), (2, 3), (None, 3)])
def test_a_trip_before_or_after_or_without_a_time_is_not_counted(desk: Desk, start_ns: int | None, end_ns: int) -> None:
    car = Car()
    hear(desk, car.releases(part()))
    show(desk)
    hear(desk, car.starts("t1", start_ns if start_ns is None else EVENING_NS + start_ns * MINUTE_NS)._replace(utc_ns=None))
    hear(desk, car.parks("t1", EVENING_NS + end_ns * MINUTE_NS))
    assert desk.shown_while_driving() == 0


def test_what_was_released_in_a_trip_was_not_shown_for_the_link(desk: Desk) -> None:
    """The unit knew: a recall may pass the hold while the car stands with its ignition on."""
    car = Car()
    hear(desk, car.starts(at_ns=EVENING_NS - 1), car.releases(part(), urgency="safety", from_ns=None, to_ns=None))
    assert show(desk) == [["p1"]]
    assert desk.shown_while_driving() == 0


# -- a mail that may have left ------------------------------------------------------------------------


def test_a_mail_that_may_have_left_goes_again_as_it_was(desk: Desk) -> None:
    hear(desk, Car().releases(part("p1")))
    (first,) = desk.due(EVENING_NS)
    desk.trying(ANA.key, first.keys, is_safety=False)
    hear(desk, Car("golf").releases(part("p2")))
    (again,) = desk.due(EVENING_NS)
    assert (again.id, again.keys) == (first.id, first.keys)


def test_a_mail_of_which_something_is_over_goes_without(desk: Desk) -> None:
    car = Car()
    hear(desk, car.releases(part("p1"), part("p2")))
    (first,) = desk.due(EVENING_NS)
    desk.trying(ANA.key, first.keys, is_safety=False)
    hear(desk, car.withdraws("p1", "done"))
    assert show(desk) == [["p2"]]


# -- what is no event of ours -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "version", "data"),
    [
        ("PromptReleased", 1, {"prompt_id": "p1"}),
        ("PromptReleased", 3, {}),
        ("PromptReleased", 2, {"parts": 3}),
        ("PromptWithdrawn", 1, {}),
        ("PromptAnswered", 1, {"prompt_id": ["p1"]}),
        ("TripStarted", 1, {}),
        ("AppointmentChosen", 1, {"prompt_id": "p1", "slot": None}),
        ("ConsentChanged", 1, {"purpose": "report"}),
    ],
)
def test_what_is_not_understood_is_counted(desk: Desk, kind: str, version: int, data: dict[str, Any]) -> None:
    car = Car()
    hear(desk, car.releases(part()))
    assert hear(desk, car.says(kind, data, version=version)) == []
    assert desk.not_understood == 1
    assert show(desk) == [["p1"]]


def test_a_notice_that_is_over_crosses_out_what_was_answered_too_and_not_what_was_remedied(desk: Desk) -> None:
    car, over = Car(), {"notice": "R1", "kind": "recall", "verdict": "does not", "withdrawn": True}
    hear(desk, car.releases(part("p1", kind="notice", topic="notice R1"), part("p2", kind="notice", topic="notice R2")))
    assert show(desk) == [["p1", "p2"]]
    hear(desk, car.hears("p1", "acknowledged"), car.says("NoticeMatched", over | {"verdict": "applies"}, version=2))
    assert [desk.prompts["rav4", each].crossed for each in ("p1", "p2")] == [None, None]
    hear(desk, car.says("NoticeMatched", over, version=2))
    assert [desk.prompts["rav4", each].crossed for each in ("p1", "p2")] == ["no longer true", None]
    hear(desk, car.hears("p2", "done"), car.says("NoticeMatched", over | {"notice": "R2"}, version=2))
    assert desk.prompts["rav4", "p2"].crossed is None


def test_a_notice_that_is_over_is_not_shown(desk: Desk) -> None:
    car = Car()
    over = {"notice": "R1", "kind": "recall", "verdict": "does not"}
    hear(desk, car.releases(part(kind="notice", topic="notice R1")), car.says("NoticeMatched", over, version=2))
    assert show(desk) == []
    hear(desk, car.releases(part("p2", kind="notice", topic="notice R1")))
    assert show(desk) == [["p2"]], "it concerns the car again"
