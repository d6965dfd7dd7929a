"""desk: what is shown, once, to whom, and what keeps it. Literals in, showings out."""

from __future__ import annotations

from typing import Any

import pytest

from agent.localtime import MINUTE_NS
from hil.cloud.inbox.desk import GATHER_NS, Desk
from hil.cloud.inbox.heard import Heard, Said
from hil.cloud.inbox.prompt import Showing
from tests.hil.inbox.cars import ANA, EVENING_NS, HOUR_NS, SLOTS, Car, book, bookable, day, part, report


@pytest.fixture
def desk() -> Desk:
    return Desk(book())


def hear(desk: Desk, *events: Heard) -> list[Said]:
    return [said for event in events for said in desk.hear(event)]


def show(desk: Desk, now_ns: int = EVENING_NS) -> list[list[str]]:
    """The prompt ids of each showing that is due, shown."""
    due = desk.due(now_ns)
    for showing in due:
        showed(desk, showing, now_ns)
    return [[prompt.key[1] for prompt in showing.prompts] for showing in due]


def showed(desk: Desk, showing: Showing, now_ns: int) -> list[Said]:
    return desk.showed(showing.person.key, showing.keys, now_ns, showing.id, is_safety=showing.is_safety)


def waits(desk: Desk, prompt_id: str = "p1", now_ns: int = EVENING_NS, unit: str = "rav4") -> str | None:
    return desk.wait(desk.prompts[unit, prompt_id], now_ns)


def test_it_is_shown_from_its_time_until_its_time_is_over(desk: Desk) -> None:
    hear(desk, Car().releases(part()))
    assert show(desk, EVENING_NS - 1) == []
    assert waits(desk, now_ns=EVENING_NS - 1) == "its time has not come"
    assert waits(desk, now_ns=EVENING_NS + 2 * HOUR_NS) == "its time is over"
    assert show(desk) == [["p1"]]
    assert waits(desk) == "it was shown"


def test_the_unit_hears_that_it_was_shown(desk: Desk) -> None:
    hear(desk, Car().releases(part(revision=3)))
    (showing,) = desk.due(EVENING_NS)
    assert showed(desk, showing, EVENING_NS) == [
        Said("rav4", "PromptDelivered", {"prompt_id": "p1", "revision": 3, "shown_utc_ns": EVENING_NS})
    ]


def test_nothing_is_shown_once_a_trip_began_until_it_is_released_again(desk: Desk) -> None:
    car = Car()
    hear(desk, car.releases(part()), car.starts())
    assert show(desk) == []
    assert waits(desk) == "a trip began"
    hear(desk, car.parks())
    assert show(desk) == []
    hear(desk, car.releases(part(revision=1), from_ns=day(1), to_ns=day(2)))
    assert show(desk, day(1)) == [["p1"]]


def test_later_is_by_the_units_count_not_by_arrival(desk: Desk) -> None:
    """An old TripStarted that arrives late withholds nothing; a new one that arrives first does."""
    car = Car()
    old, release, new = car.starts("t1"), car.releases(part()), car.starts("t2")
    hear(desk, release, old)
    assert waits(desk) is None
    fresh = Desk(book())
    hear(fresh, new, release)
    assert waits(fresh) == "a trip began"


def test_a_trip_of_another_car_withholds_nothing(desk: Desk) -> None:
    hear(desk, Car().releases(part()), Car("golf").starts())
    assert show(desk) == [["p1"]]


def test_what_is_about_safety_waits_for_the_end_of_the_trip_only(desk: Desk) -> None:
    """The unit releases it once: it does not come again."""
    car = Car()
    hear(desk, car.releases(part(kind="notice"), urgency="safety", from_ns=None, to_ns=None), car.starts())
    assert show(desk) == []
    hear(desk, car.parks())
    assert show(desk) == [["p1"]]


def test_a_withdrawn_one_is_over_unless_it_is_released_later(desk: Desk) -> None:
    car = Car()
    hear(desk, car.releases(part()), car.withdraws("p1", "the ignition came on"))
    assert show(desk) == []
    hear(desk, car.releases(part(revision=1)))
    assert show(desk) == [["p1"]]


def test_a_withdrawal_that_overtakes_its_release_counts(desk: Desk) -> None:
    car = Car()
    release, withdrawal = car.releases(part()), car.withdraws("p1", "done")
    hear(desk, withdrawal, release)
    assert waits(desk) == "it is over"


def test_what_was_shown_is_crossed_out_and_not_sent_again(desk: Desk) -> None:
    car = Car()
    hear(desk, car.releases(part()))
    show(desk)
    assert hear(desk, car.withdraws("p1", "done")) == []
    assert desk.prompts["rav4", "p1"].crossed == "done"
    assert show(desk, day(1)) == []


def test_the_ignition_crosses_nothing_out_and_the_unit_hears_again_that_it_was_shown(desk: Desk) -> None:
    car = Car()
    hear(desk, car.releases(part()))
    show(desk)
    (said,) = hear(desk, car.withdraws("p1", "the ignition came on"))
    assert said.kind == "PromptDelivered"
    assert desk.prompts["rav4", "p1"].crossed is None


def test_a_repeat_of_what_was_shown_is_answered_and_not_shown(desk: Desk) -> None:
    car = Car()
    hear(desk, car.releases(part()))
    show(desk)
    (said,) = hear(desk, car.releases(part(revision=1), from_ns=day(3), to_ns=day(4)))
    assert said == Said("rav4", "PromptDelivered", {"prompt_id": "p1", "revision": 1, "shown_utc_ns": EVENING_NS})
    assert show(desk, day(3)) == []


def test_who_snoozed_it_sees_it_again(desk: Desk) -> None:
    car = Car()
    hear(desk, car.releases(part()))
    show(desk)
    hear(desk, car.hears("p1", "snoozed", days=7))
    assert show(desk, day(1)) == []
    assert hear(desk, car.releases(part(revision=1), from_ns=day(8), to_ns=day(9))) == []
    assert show(desk, day(8)) == [["p1"]]
    assert show(desk, day(8.2)) == []


def test_who_snoozed_it_twice_sees_what_is_released_after_the_second(desk: Desk) -> None:
    car = Car()
    hear(desk, car.releases(part()))
    show(desk)
    hear(
        desk, car.hears("p1", "snoozed"), car.releases(part(revision=1), from_ns=day(8), to_ns=day(9)), car.hears("p1", "snoozed")
    )
    assert show(desk, day(8)) == []
    hear(desk, car.releases(part(revision=2), from_ns=day(10), to_ns=day(11)))
    assert show(desk, day(10)) == [["p1"]]


def test_a_release_that_was_overtaken_by_the_next_changes_nothing(desk: Desk) -> None:
    car = Car()
    first, second = car.releases(part()), car.releases(part(revision=1), from_ns=day(1), to_ns=day(2))
    hear(desk, second, first)
    assert show(desk) == []
    assert show(desk, day(1)) == [["p1"]]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("PromptExpired", {"prompt_id": "p1", "topic": "t", "kind": "service", "why": "no longer true"}),
        ("ServiceDone", {"item": "oil change"}),
        ("PromptAnswered", {"prompt_id": "p1", "answer": "done"}),
        ("PromptAnswered", {"prompt_id": "p1", "answer": "snoozed"}),
    ],
)
def test_what_ends_it_before_it_was_shown(desk: Desk, kind: str, data: dict[str, Any]) -> None:
    car = Car()
    hear(desk, car.releases(bookable()), car.says(kind, data))
    assert show(desk) == []
    hear(desk, car.releases(bookable(revision=1)))
    assert show(desk) == [["p1"]]


# -- caps -------------------------------------------------------------------------------------------


def test_three_cars_one_person_one_day_one_mail(desk: Desk) -> None:
    for n, unit in enumerate(("rav4", "golf", "zoe")):
        hear(desk, Car(unit).releases(part(f"p{n}"), from_ns=EVENING_NS + n * 40 * MINUTE_NS))
    shown = [show(desk, EVENING_NS + minute * MINUTE_NS) for minute in range(0, 24 * 60, 10)]
    assert [each for each in shown if each] == [[["p0", "p1", "p2"]]]


def test_the_gravest_comes_first(desk: Desk) -> None:
    hear(desk, Car().releases(part("p1", kind="report"), part("p2")), Car("golf").releases(part("p3", kind="fault")))
    assert show(desk) == [["p3", "p2", "p1"]]


def test_it_waits_for_another_car_no_longer_than_it_can_be_shown_itself(desk: Desk) -> None:
    hear(
        desk,
        Car().releases(part("p1"), to_ns=EVENING_NS + HOUR_NS),
        Car("golf").releases(part("p2"), from_ns=EVENING_NS + HOUR_NS),
    )
    assert show(desk) == [["p1"]]


def test_it_waits_for_another_car_for_two_hours_at_most(desk: Desk) -> None:
    late = EVENING_NS + GATHER_NS + MINUTE_NS
    hear(desk, Car().releases(part("p1"), to_ns=day(1)), Car("golf").releases(part("p2"), from_ns=late, to_ns=day(1)))
    assert show(desk) == [["p1"]]


def test_a_milestone_waits_for_nobody(desk: Desk) -> None:
    soon = EVENING_NS + HOUR_NS
    hear(desk, Car().releases(part("p1", kind="milestone")), Car("golf").releases(part("p2"), from_ns=soon, to_ns=day(1)))
    assert show(desk) == [["p1"]]


def test_one_a_day_and_two_a_week_over_all_cars(desk: Desk) -> None:
    cars = [Car("rav4"), Car("golf"), Car("zoe")]
    for n in range(8):  # another car each evening
        hear(desk, cars[n % 3].releases(part(f"p{n}"), from_ns=day(n), to_ns=day(n + 60)))
    shown = [day(n) for n in range(30) if show(desk, day(n))]
    assert shown == [day(0), day(1), day(7)]  # the last with all that waited


def test_a_second_one_the_same_day_waits_for_tomorrow(desk: Desk) -> None:
    car = Car()
    hear(desk, car.releases(part("p1")))
    show(desk)
    hear(desk, car.releases(part("p2"), to_ns=day(2)))
    assert show(desk, EVENING_NS + HOUR_NS) == []
    assert desk.held(EVENING_NS + HOUR_NS)[0][1] == "one a day is enough"
    assert show(desk, EVENING_NS + 6 * HOUR_NS) == [["p2"]]


def test_safety_passes_the_caps_and_does_not_count(desk: Desk) -> None:
    car = Car()
    hear(desk, car.releases(part("p1")))
    show(desk)
    hear(desk, car.releases(part("p2", kind="notice"), urgency="safety", from_ns=None, to_ns=None))
    assert show(desk, EVENING_NS + 1) == [["p2"]]
    hear(desk, car.releases(part("p3"), from_ns=day(1), to_ns=day(2)))
    assert show(desk, day(1)) == [["p3"]]


def test_other_people_are_others(desk: Desk) -> None:
    hear(desk, Car().releases(part("p1")), Car("zoe").releases(part("p2"), person="ben"))
    assert show(desk) == [["p1"]]
    assert waits(desk, "p2", unit="zoe") == "nobody in the address book"  # the zoe is not ben's


# -- stops ------------------------------------------------------------------------------------------


def test_a_stop_holds_at_once_what_is_queued_of_its_kind(desk: Desk) -> None:
    car = Car()
    hear(desk, car.releases(part("p1")))
    show(desk)
    hear(desk, car.releases(part("p2"), to_ns=day(9)), car.releases(part("p3", kind="fault"), to_ns=day(9)))
    desk.pressed(("rav4", "p1"), "stopped")
    assert show(desk, day(1)) == [["p3"]]
    hear(desk, car.hears("p1", "stopped"))
    assert waits(desk, "p2", day(1)) == "it is over"
    hear(desk, car.releases(part("p4"), from_ns=day(2), to_ns=day(20)))  # they want them again
    assert show(desk, day(7)) == [["p4"]]


def test_a_stop_that_the_unit_refused_is_none(desk: Desk) -> None:
    car = Car()
    hear(desk, car.releases(part("p1")))
    show(desk)
    desk.pressed(("rav4", "p1"), "stopped")
    desk.refused(("rav4", "p1"), "stopped")
    hear(desk, car.releases(part("p2"), to_ns=day(9)))
    assert show(desk, day(1)) == [["p2"]]


# -- reports, appointments ---------------------------------------------------------------------------


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
