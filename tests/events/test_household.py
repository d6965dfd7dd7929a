"""household: profiles, consents and what people do not want to hear, by the owner's name too."""

from __future__ import annotations

import msgspec
import pytest

from agent.events.household import ConsentChanged, DriverRemoved, DriverSaved, PromptsStopped
from agent.household import AS_OWNER, Driver, Household
from agent.model import Event
from tests.sim.car import Bench

ANA, BEN = Driver("ana", is_keeper=True), Driver("ben")


def saved(driver: Driver) -> DriverSaved:
    return DriverSaved(id=f"s {driver.id}", t_ns=0, boot_id="", driver=driver)


def after(*events: Event) -> Household:
    """As the rules see it, after a restart too."""
    bench = Bench().until(1)
    for event in events:
        bench.engine.raised([event])
    kept = bench.engine.context(0).household
    assert bench.restart("boot-2").engine.context(0).household == kept
    return kept


def test_profiles_come_change_and_go() -> None:
    assert after(saved(ANA), saved(BEN)).drivers == (ANA, BEN)
    changed = Driver("ana", name="Ana")
    assert after(saved(ANA), saved(BEN), saved(changed)).drivers == (changed, BEN)
    assert after(saved(ANA), saved(BEN), DriverRemoved(id="r", t_ns=0, boot_id="", driver="ana")).drivers == (BEN,)


def test_somebody_always_hears() -> None:
    assert after().keepers() == (AS_OWNER,)
    assert after(saved(BEN)).keepers() == (AS_OWNER,)
    household = after(saved(ANA), saved(BEN))
    assert household.keepers() == (ANA,)
    assert household.hearers("ben") == (BEN,)
    assert household.hearers("unknown") == household.hearers(None) == household.hearers("cem") == (ANA,)


@pytest.mark.parametrize("who", ["ana", "owner"])
def test_consents_are_granted_once_and_taken_back(who: str) -> None:
    def consent(granted: bool) -> ConsentChanged:
        return ConsentChanged(id="c", t_ns=0, boot_id="", driver=who, purpose="report", granted=granted)

    def consents(*events: Event) -> tuple[str, ...]:
        known = after(saved(ANA), *events).known(who)
        assert known is not None
        return known.consents

    assert consents(consent(True), consent(True)) == ("report",)
    assert consents(consent(True), consent(False)) == ()


def test_guardian_is_taken_back_from_one_or_from_all() -> None:
    def word(granted: bool, whom: str | None) -> ConsentChanged:
        return ConsentChanged(id="c", t_ns=0, boot_id="", driver="ben", purpose="guardian", granted=granted, whom=whom)

    def kept(*events: Event) -> tuple[tuple[str, ...], tuple[str, ...]]:
        ben = after(saved(BEN), *events).drivers[0]
        return ben.consents, ben.guardian_with

    both = word(True, "kim"), word(True, "lu")
    assert kept(*both, word(True, "kim")) == (("guardian",), ("lu", "kim"))
    assert kept(*both, word(False, "kim")) == (("guardian",), ("lu",))
    assert kept(*both, word(False, "kim"), word(False, "lu")) == kept(*both, word(False, None)) == ((), ())
    assert kept(word(False, "kim")) == ((), ()), "nothing is granted by taking back"


def test_the_owner_without_a_profile_may_stop_prompts_and_gets_no_profile_by_that() -> None:
    stopped = PromptsStopped(id="p", t_ns=0, boot_id="", driver="owner", kind="report")
    household = after(stopped, stopped)
    assert (household.drivers, household.owner.stopped) == ((), ("report",))
    assert household.keepers() == (household.owner,)
    assert after(stopped, saved(ANA)).keepers() == (ANA,)


def test_nobody_comes_back_by_stopping_prompts_or_by_a_consent() -> None:
    gone = DriverRemoved(id="r", t_ns=0, boot_id="", driver="ana")
    stopped = PromptsStopped(id="p", t_ns=0, boot_id="", driver="ana", kind="report")
    consent = ConsentChanged(id="c", t_ns=0, boot_id="", driver="ana", purpose="report", granted=True)
    assert after(saved(ANA), gone, stopped, consent).drivers == ()


def test_a_state_of_software_that_did_not_look_so_closely_is_mended() -> None:
    bench = Bench().until(1)
    lent = {"drivers": [{"id": "ana", "quiet_from": "late", "timezone": "Berlin", "consents": ["report"]}, {"id": "unknown"}]}
    bench.engine.restore({"household": (1, msgspec.json.encode({"lent": lent}))})
    assert bench.engine.context(0).household.drivers == (Driver("ana", consents=("report",)),)
    assert not bench.engine.failures


@pytest.mark.parametrize(
    "field", [{"quiet_to": "24:00"}, {"timezone": "Berlin"}, {"tell_at": "7:30"}, {"of_age": "soon"}, {"key_fobs": ("0",)}]
)
def test_no_profile_is_saved_that_cannot_be(field: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=f"driver.{next(iter(field))}: "):
        saved(msgspec.structs.replace(ANA, **field))


def test_profiles_stay_on_the_unit() -> None:
    assert [kind.leaves for kind in (DriverSaved, DriverRemoved, PromptsStopped, ConsentChanged)] == [False, False, False, True]
    assert [kind.enterable for kind in (DriverSaved, DriverRemoved, PromptsStopped, ConsentChanged)] == [True, True, False, True]
