"""What falls with a consent: prompts about reports that may not leave any more."""

from __future__ import annotations

from typing import Any

import pytest

from agent.entries.entering import event_of
from agent.events.household import ConsentChanged, DriverSaved
from agent.events.message import PromptExpired, PromptWithdrawn
from agent.household import Driver
from agent.household.consents import entailed
from tests.sim.parked import Scene, concern

ANA = Driver("ana", is_keeper=True, consents=("report", "compare"))
MONTH = "report 2026-10"


class Home(Scene):
    """Ana and Ben have a report each, and Ana one of the month before."""

    def __init__(self, *, is_out: bool) -> None:
        super().__init__()
        for driver in (ANA, Driver("ben", consents=("report",))):
            self.say(DriverSaved(id=driver.id, t_ns=0, boot_id="", driver=driver))
        if is_out:
            self.parked()
        self.say(concern(driver="ana", subject=f"{MONTH} ana"), concern("c2", driver="ben", subject=f"{MONTH} ben"))
        self.say(concern("c3", driver="ana", subject="service oil", kind="service"))

    def enter(self, kind: str, **data: Any) -> list[str]:
        """The subjects that have ended by it."""
        ctx = self.engine.context(self.engine._t_ns)
        self.say(*entailed(event_of(kind, data, "r", ctx), ctx))
        return [p.concern.subject for p in self.rule.state.prompts if p.phase == "over"]


@pytest.mark.parametrize("is_out", [False, True], ids=["held", "released"])
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("ConsentChanged", {"driver": "ana", "purpose": "report", "granted": False}),
        ("DriverSaved", {"driver": {"id": "ana", "is_keeper": True, "consents": ["compare"]}}),
    ],
)
def test_who_takes_it_back_hears_no_more_of_their_report(kind: str, data: dict[str, Any], *, is_out: bool) -> None:
    home = Home(is_out=is_out)
    assert home.enter(kind, **data) == [f"{MONTH} ana"]
    ended = [e for e in (*home.of(PromptExpired), *home.of(PromptWithdrawn)) if isinstance(e, PromptExpired | PromptWithdrawn)]
    planned_anew = [e for e in ended if e.why == "superseded"]  # a profile that changes may be one with other hours
    (gone,) = [e for e in ended if e not in planned_anew]
    assert (type(gone), gone.why) == (PromptWithdrawn if is_out else PromptExpired, "no longer true")
    assert home.of(ConsentChanged)[-1].driver == "ana"


def test_a_removed_driver_s_report_goes_with_them() -> None:
    assert f"{MONTH} ana" in Home(is_out=True).enter("DriverRemoved", driver="ana")


@pytest.mark.parametrize(("purpose", "granted"), [("report", True), ("compare", False)])
def test_another_word_ends_nothing(purpose: str, *, granted: bool) -> None:
    assert Home(is_out=True).enter("ConsentChanged", driver="ana", purpose=purpose, granted=granted) == []


def test_nothing_comes_with_what_changes_no_consent() -> None:
    home = Home(is_out=True)
    ctx = home.engine.context(home.engine._t_ns)
    saved = event_of("DriverSaved", {"driver": {"id": "ana", "name": "Ana", "consents": ["compare", "report"]}}, "r", ctx)
    assert entailed(saved, ctx) == [saved]


def words(home: Home, since: int) -> list[tuple[str, str, bool, str | None]]:
    told = [e for e in home.of(ConsentChanged)[since:] if isinstance(e, ConsentChanged)]
    return [(e.driver, e.purpose, e.granted, e.whom) for e in told]


def test_whom_guardian_names_goes_out_one_by_one() -> None:
    home = Home(is_out=False)
    kim = {"id": "kim", "of_age": "2031-05-01", "consents": ["guardian"]}
    home.enter("DriverSaved", driver=kim)
    home.enter("DriverSaved", driver=kim | {"guardian_with": ["ana", "ben"]})
    home.enter("DriverSaved", driver=kim | {"guardian_with": ["ben"]})
    assert words(home, 0) == [
        ("kim", "guardian", True, None),
        ("kim", "guardian", False, None),
        ("kim", "guardian", True, "ana"),
        ("kim", "guardian", True, "ben"),
        ("kim", "guardian", False, "ana"),
    ]
    (kept,) = [d for d in home.engine.context(0).household.drivers if d.id == "kim"]
    assert (kept.consents, kept.guardian_with) == (("guardian",), ("ben",))
    home.enter("DriverSaved", driver=kim | {"consents": []})
    assert words(home, 5) == [("kim", "guardian", False, "ben")]


def test_who_is_removed_is_named_by_nobody_any_more() -> None:
    home = Home(is_out=False)
    for young in ("kim", "lu"):
        names = {"id": young, "of_age": "2031-05-01", "consents": ["guardian"], "guardian_with": ["ben", "ana"]}
        home.enter("DriverSaved", driver=names)
    home.enter("DriverRemoved", driver="ben")
    assert words(home, 4) == [
        ("kim", "guardian", False, "ben"),
        ("lu", "guardian", False, "ben"),
        ("ben", "report", False, None),
    ]
    household = home.engine.context(0).household
    assert [(d.id, d.guardian_with) for d in household.drivers] == [("ana", ()), ("kim", ("ana",)), ("lu", ("ana",))]
    assert len({e.id for e in home.of(ConsentChanged)}) == len(home.of(ConsentChanged))


def test_a_word_goes_out_as_the_persons_whatever_was_entered() -> None:
    home = Home(is_out=False)
    home.enter("DriverSaved", driver={"id": "cem", "person": "cem-at-home", "consents": ["fit"]})
    home.enter("ConsentChanged", driver="cem", purpose="workshop", granted=True, person="ana")
    home.enter("DriverRemoved", driver="cem")
    home.enter("ConsentChanged", driver="ana", purpose="fit", granted=True)
    told = [e.person for e in home.of(ConsentChanged) if isinstance(e, ConsentChanged)]
    assert told == ["cem-at-home"] * 4 + ["ana"]
