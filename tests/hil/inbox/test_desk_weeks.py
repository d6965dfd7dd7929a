"""desk over random histories: no word once a trip is known, each prompt once, the caps over all cars, nothing lost."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.hil.inbox.weeks import World

UNITS = st.sampled_from(["rav4", "golf", "zoe"])


class Histories(RuleBasedStateMachine):
    @initialize(seed=st.integers(0, 1 << 30))
    def begin(self, seed: int) -> None:
        self.world = World(Random(seed))

    @rule(unit=UNITS, person=st.sampled_from(["ana", "ben"]), is_safety=st.sampled_from([False, False, False, True]))
    def notice(self, unit: str, person: str, is_safety: bool) -> None:
        self.world.notice(unit, person, is_safety=is_safety)

    @rule(unit=UNITS)
    def drive(self, unit: str) -> None:
        self.world.drive(unit)

    @rule(unit=UNITS)
    def park(self, unit: str) -> None:
        self.world.park(unit)

    @rule(unit=UNITS)
    def settle(self, unit: str) -> None:
        self.world.settle(unit)

    @rule(unit=UNITS)
    def snooze(self, unit: str) -> None:
        self.world.snooze(unit)

    @rule(unit=UNITS, is_up=st.booleans())
    def link(self, unit: str, is_up: bool) -> None:
        self.world.link(unit, is_up)

    @rule(times=st.integers(1, 100))
    def step(self, times: int) -> None:
        self.world.step(times)

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.settle_down()
            self.world.check_end()


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)


def history(seed: int, weeks: int = 4) -> World:
    """Some weeks of ordinary life."""
    random = Random(seed)
    world = World(random)
    for _ in range(weeks * 7 * 48):
        for name in world.units:
            chance = random.random()
            if chance < 0.01:
                world.notice(name, random.choice(["ana", "ben"]), is_safety=random.random() < 0.1)
            elif chance < 0.12:
                world.drive(name)
            elif chance < 0.42:
                world.park(name)
            elif chance < 0.45:
                world.link(name, random.random() < 0.6)
            elif chance < 0.455:
                world.settle(name)
            elif chance < 0.46:
                world.snooze(name)
        world.step()
    return world


@pytest.mark.parametrize("seed", range(3))
def test_weeks_of_ordinary_life(seed: int) -> None:
    world = history(seed)
    world.settle_down()
    world.check_end()
    assert len(world.shown) > 10
