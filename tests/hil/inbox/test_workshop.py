"""workshop: offers, takes, changes."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest

from agent.localtime import DAY_NS
from hil.cloud.inbox.workshop import SLOTS, Workshop
from tests.hil.inbox.cars import BERLIN, EVENING_NS, Car
from tests.hil.inbox.scene import Scene

DUE = {"item": "oil change", "interval": "i", "stage": "soon", "by": "distance"}


@pytest.fixture
def workshop() -> Workshop:
    return Workshop("Bench Garage", BERLIN)


def offer(workshop: Workshop, car: Car) -> list[dict[str, Any]]:
    (said,) = workshop.hear(car.says("ServiceDue", DUE, version=2), EVENING_NS)
    assert (said.unit, said.kind, said.data["bookable"]) == (car.unit, "SlotsOffered", "oil change")
    slots: list[dict[str, Any]] = said.data["slots"]
    return slots


def chosen(car: Car, slot: dict[str, Any], **more: Any) -> Any:
    data = {"bookable": "oil change", "slot": slot, "prompt_id": "p1", "person": "ana"}
    return car.says("AppointmentChosen", data | more)


def test_it_offers_open_hours_of_the_next_two_weeks(workshop: Workshop) -> None:
    slots = offer(workshop, Car())
    starts = [datetime.fromisoformat(slot["start"]) for slot in slots]
    assert len(slots) == SLOTS == len({slot["id"] for slot in slots})
    for start in starts:
        assert EVENING_NS + DAY_NS / 4 < start.timestamp() * 1e9 < EVENING_NS + 16 * DAY_NS
        assert start.weekday() < 6 and (start.weekday() < 5 or start.time() < time(12))
        assert start.utcoffset() == BERLIN.utcoffset(start.replace(tzinfo=None))
    assert (starts[-1] - starts[0]).days > 7


@pytest.mark.parametrize(
    ("kind", "data", "bookable"),
    [
        ("ServiceReopened", {"item": "oil change", "interval": "i", "why": "cancelled"}, "oil change"),
        ("NoticeMatched", {"notice": "R1", "kind": "recall", "verdict": "applies"}, "R1"),
        ("NoticeMatched", {"notice": "R1", "kind": "recall", "verdict": "cannot tell"}, None),
        ("NoticeMatched", {"notice": "S1", "kind": "software", "verdict": "applies"}, None),
    ],
)
def test_what_else_it_offers_slots_for(workshop: Workshop, kind: str, data: dict[str, Any], bookable: str | None) -> None:
    said = workshop.hear(Car().says(kind, data), EVENING_NS)
    assert [each.data["bookable"] for each in said] == ([bookable] if bookable else [])


def test_what_was_taken_is_not_offered_again_and_not_taken_twice(workshop: Workshop) -> None:
    car, golf = Car(), Car("golf")
    slot = offer(workshop, car)[0]
    assert workshop.hear(chosen(car, slot), EVENING_NS) == []
    assert slot["start"] not in [s["start"] for s in offer(workshop, golf)]
    (said,) = workshop.hear(chosen(golf, slot), EVENING_NS)
    assert (said.unit, said.kind, said.data) == ("golf", "AppointmentChanged", {"bookable": "oil change", "change": "cancelled"})
    assert [a.unit for a in workshop.appointments.values()] == ["rav4"]


def test_a_moved_one_frees_its_time_and_a_cancelled_one_too(workshop: Workshop) -> None:
    car = Car()
    first, second, *_ = offer(workshop, car)
    workshop.hear(chosen(car, first), EVENING_NS)
    moved = car.says("AppointmentChanged", {"bookable": "oil change", "change": "moved", "slot": second})
    (said,) = workshop.hear(moved, EVENING_NS)
    assert said.kind == "SlotsOffered" and said.data["bookable"] == "oil change", "it may not suit them"
    free = [slot.start for slot in workshop.free(EVENING_NS)]
    assert first["start"] in free and second["start"] not in free
    workshop.hear(car.says("AppointmentChanged", {"bookable": "oil change", "change": "cancelled"}), EVENING_NS)
    assert second["start"] in [slot.start for slot in workshop.free(EVENING_NS)]


def test_facts_are_forgotten_when_the_consent_is_taken_back(workshop: Workshop) -> None:
    car = Car()
    workshop.hear(chosen(car, offer(workshop, car)[0], facts={"km": "84,210"}), EVENING_NS)
    assert workshop.appointments["rav4", "oil change"].facts == {"km": "84,210"}
    other = {"driver": "ben", "purpose": "workshop", "granted": False, "person": "ben-at-home"}
    workshop.hear(car.says("ConsentChanged", other, version=2), EVENING_NS)
    assert workshop.appointments["rav4", "oil change"].facts == {"km": "84,210"}, "it is not ben's"
    workshop.hear(car.says("ConsentChanged", other | {"driver": "a", "person": "ana"}, version=2), EVENING_NS)
    assert workshop.appointments["rav4", "oil change"].facts == {}
    workshop.hear(chosen(car, offer(workshop, car)[0], facts={"km": "84,210"}), EVENING_NS)
    workshop.hear(car.says("ConsentChanged", {"driver": "ana", "purpose": "workshop", "granted": False}), EVENING_NS)
    assert workshop.appointments["rav4", "oil change"].facts == {}


@pytest.mark.parametrize(("kind", "data"), [("ServiceDue", {}), ("AppointmentChosen", {"slot": 1}), ("AppointmentChanged", {})])
def test_what_is_not_understood_is_passed_over(workshop: Workshop, kind: str, data: dict[str, Any]) -> None:
    assert workshop.hear(Car().says(kind, data), EVENING_NS) == []


def test_the_inbox_sends_its_offer_once(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.hear(Car().says("ServiceDue", DUE, version=2))
    scene.again()
    scene.turn()
    assert len(scene.commands.said("SlotsOffered")) == 1


def test_what_was_chosen_for_a_notice_that_is_over_is_cancelled(workshop: Workshop) -> None:
    car, over = Car(), {"notice": "R1", "kind": "recall", "verdict": "does not"}
    assert workshop.hear(car.says("NoticeMatched", over, version=2), EVENING_NS) == []
    workshop.hear(chosen(car, offer(workshop, car)[0], bookable="R1"), EVENING_NS)
    (said,) = workshop.hear(car.says("NoticeMatched", over, version=2), EVENING_NS)
    assert (said.kind, said.data) == ("AppointmentChanged", {"bookable": "R1", "change": "cancelled"})
