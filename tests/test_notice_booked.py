"""notice: an appointment of which nothing is heard is not believed for ever."""

from __future__ import annotations

from agent.events.appointment import AppointmentChanged
from agent.events.concern import Concern
from agent.events.notice import NoticeSettled
from agent.model import NS, Wall
from agent.prompts.slots import BELIEVED_DAYS
from tests.events.test_notice import TOYOTA, answered, bench, catalogue, hear, software, state_of, toyota_recall
from tests.sim.car import Bench
from tests.sim.parked import DAY_S

SYNCHRONISED = Wall(1_700_000_000 * NS, "synchronised")


def booked_recall(wall: Wall | None) -> Bench:
    made = bench(TOYOTA)
    made.wall = wall
    return hear(hear(made.until(2), catalogue(toyota_recall())), answered(made.of(Concern)[0], "booked"))


def test_an_appointment_of_which_nothing_is_heard_is_not_believed_for_ever() -> None:
    made = booked_recall(SYNCHRONISED)
    moved = AppointmentChanged(id="a" * 32, t_ns=0, boot_id="boot-1", bookable="24V001", change="moved")
    hear(made.until(10 * DAY_S), moved).until((10 + BELIEVED_DAYS) * DAY_S - 1)
    assert state_of(made).known["24V001"].progress == "booked" and len(made.of(Concern)) == 1
    made.restart().until((10 + BELIEVED_DAYS) * DAY_S)
    first, again = made.of(Concern)
    assert (again.subject, again.bookable) == (first.subject, "24V001") and again.id != first.id
    assert state_of(made).known["24V001"].progress == "open"
    assert len(made.until(400 * DAY_S).of(Concern)) == 2, "once"
    hear(made, answered(again, "booked")).until(500 * DAY_S)
    assert len(made.of(Concern)) == 3


def test_its_days_are_counted_from_the_first_clock_to_be_trusted() -> None:
    made = booked_recall(None).until(100 * DAY_S)
    made.wall = SYNCHRONISED
    assert len(made.until(101 * DAY_S).until((100 + BELIEVED_DAYS) * DAY_S - 1).of(Concern)) == 1
    assert len(made.until((100 + BELIEVED_DAYS) * DAY_S).of(Concern)) == 2


def test_a_clock_that_was_ahead_when_it_was_booked_silences_nothing() -> None:
    made = booked_recall(Wall(SYNCHRONISED.offset_ns + 400 * DAY_S * NS, "synchronised"))
    made.wall = SYNCHRONISED
    assert len(made.until(1 * DAY_S).until(BELIEVED_DAYS * DAY_S).of(Concern)) == 1
    assert len(made.until((BELIEVED_DAYS + 1) * DAY_S).of(Concern)) == 2


def test_what_nobody_had_to_hear_is_not_said_because_it_was_booked() -> None:
    made = bench()
    made.wall = SYNCHRONISED
    hear(made.until(2), catalogue(software()))
    hear(made, NoticeSettled(id="s" * 32, t_ns=0, boot_id="boot-1", notice="SW1", progress="booked"))
    assert made.until(100 * DAY_S).of(Concern) == []


def test_what_is_over_by_then_is_not_said_again() -> None:
    made = hear(booked_recall(SYNCHRONISED), catalogue(issued_s=2, complete=True))
    assert len(made.until(100 * DAY_S).of(Concern)) == 1
