"""A do-not-drive recall: it waits for nothing but that the car stands."""

from __future__ import annotations

import pytest

from agent.events.message import (
    PromptReleased,
    PromptWithdrawn,
)
from agent.prompts.hold import HOLD_S
from agent.signals import IGNITION
from agent.vehicle import Vehicle
from tests.sim.car import BY_ACTIVITY, BY_SIGNAL, at, drive, wall
from tests.sim.parked import DAY_S, Scene, concern, utc_s


def test_safety_passes_every_hold_but_the_ignition() -> None:
    scene = Scene("2026-10-26 23:00", wall=None)
    scene.live(s for s in drive() if s[0] < at(100)).say(concern(urgency="safety"))  # type: ignore[attr-defined]
    assert scene.held == ["the ignition is on"]
    scene.live(s for s in drive() if s[0] >= at(100)).until(999)
    (message,) = scene.of(PromptReleased)
    assert (message.t_ns, message.urgency, message.not_before_utc_ns, message.not_after_utc_ns) == (at(341), "safety", None, None)
    assert scene.live(drive(1000)).of(PromptWithdrawn) == [], "the far side withholds it while the car is driven"
    assert len(scene.until(99 * DAY_S).of(PromptReleased)) == 1


def test_safety_does_not_count_against_the_caps() -> None:
    scene = Scene().parked().say(concern(urgency="safety")).delivered().say(concern("c2", subject="c2"))
    assert scene.rule.state.said[0].utc_ns > scene.utc_ns, "that of c2 alone"
    assert scene.windows[-1] == ("10-26 18:30", "10-26 21:30")


def test_a_snoozed_recall_waits_for_its_day_also_over_a_start_without_a_clock() -> None:
    scene = Scene().parked().say(concern(urgency="safety")).delivered().answered("snoozed", days=7)
    assert scene.held[-1] == "snoozed"
    scene.until(6 * DAY_S)
    scene.wall = None
    scene.until(6 * DAY_S + 1)
    assert scene.held[-1] == "no clock to be trusted"
    assert len(scene.parts) == 1
    scene.wall = wall(utc_s("2026-11-02 07:00"), at_s=6 * DAY_S + 2)
    scene.until(6 * DAY_S + 3)
    assert len(scene.parts) == 1
    scene.until(8 * DAY_S)
    assert [part.revision for part in scene.parts] == [0, 1]
    assert scene.of(PromptReleased)[1].urgency == "safety"


def test_a_unit_that_restarts_in_mid_drive_does_not_say_it_then() -> None:
    scene = Scene()
    scene.live(s for s in drive() if s[0] < at(100)).say(concern(urgency="safety"))  # type: ignore[attr-defined]
    scene.restart("boot-2").until(1)
    assert scene.of(PromptReleased) == []
    scene.live([(at(s), IGNITION, None) for s in range(1, 1000)])
    assert [m.t_ns for m in scene.of(PromptReleased)] == [at(1 + HOLD_S)], "not known for ten minutes"


@pytest.mark.parametrize("car", [BY_SIGNAL, BY_ACTIVITY])
@pytest.mark.parametrize("urgency", ["usual", "celebration", "safety"])
@pytest.mark.parametrize("is_suspended", [False, True])
def test_nor_one_that_was_away_in_mid_drive_for_longer_than_any_hold(car: Vehicle, urgency: str, is_suspended: bool) -> None:
    """The process, in the same boot, or the whole unit: it comes back to a car that is driven."""
    scene = Scene("2026-10-26 18:00", vehicle=car).until(1)
    samples = drive(700, length_s=4000, rpm=900.0, key=car is BY_SIGNAL)
    scene.live(s for s in samples if s[0] < at(1400)).say(concern(urgency=urgency))  # type: ignore[attr-defined]
    scene = scene.resume(3000) if is_suspended else scene.restart()
    scene.until(3000)
    scene.live(s for s in samples if s[0] >= at(3002))
    assert scene.of(PromptReleased) == []
    assert len(scene.until(9999).of(PromptReleased)) == 1


def test_a_unit_that_was_suspended_while_parked_releases_nothing_before_it_knows_the_ignition() -> None:
    scene = Scene().parked().say(concern("c1")).delivered().say(concern("c2", subject="c2")).delivered()
    scene.say(concern("c3", subject="c3")).resume(8 * DAY_S).until(8 * DAY_S + 110 + HOLD_S - 1)
    assert len(scene.of(PromptReleased)) == 2, "its moment came while nobody knew whether the car is driven"
    scene.until(8 * DAY_S + 110 + HOLD_S)
    assert len(scene.of(PromptReleased)) == 3
