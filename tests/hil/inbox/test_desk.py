"""desk: what is shown, once, to whom, and what keeps it. Literals in, showings out."""

from __future__ import annotations

from typing import Any

import pytest

from agent.localtime import MINUTE_NS
from hil.cloud.inbox.desk import GATHER_NS, Desk
from hil.cloud.inbox.heard import Said
from tests.hil.inbox.cars import EVENING_NS, HOUR_NS, Car, book, bookable, day, part
from tests.hil.inbox.showing import hear, show, showed, waits


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
