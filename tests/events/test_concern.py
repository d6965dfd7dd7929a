"""concern: stays on the unit, is written at once, and reaches the prompt rule from whoever raises it."""

from __future__ import annotations

import msgspec

from agent.events import discover
from agent.events.concern import Concern, ConcernSettled
from tests.sim.parked import concern


def test_it_stays_on_the_unit_and_is_committed_at_once() -> None:
    assert [(kind.leaves, kind.urgent, kind.enterable) for kind in (Concern, ConcernSettled)] == [(False, True, False)] * 2


def test_it_outlives_a_restart_as_it_is() -> None:
    first = concern(values={"mark": 100_000, "none": None, "list": [1, 2.5]}, driver="ana", trip_id="t")
    assert msgspec.json.decode(msgspec.json.encode(first), type=Concern) == first


def test_who_raises_one_is_heard_by_the_prompt_rule_and_by_nobody_that_could_answer() -> None:
    rules = {rule.name: rule for rule in discover()}
    assert {"milestone", "service"} <= {name for name, rule in rules.items() if Concern in rule.raises}
    assert {name for name, rule in rules.items() if Concern in rule.hears} == {"appointment", "prompt"}
