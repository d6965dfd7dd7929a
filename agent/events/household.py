"""DriverSaved, DriverRemoved, ConsentChanged, PromptsStopped: what people say of themselves; the rule keeps the household."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from agent.household import Driver, Household, Kind, Purpose, agreed_with
from agent.household.profile import faults, mended
from agent.model import Context, Event, Rule, Setup


class DriverSaved(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A profile as it is from now on, new or changed. It stays on the unit. Raises ValueError for one that cannot be."""

    leaves: ClassVar[bool] = False
    urgent: ClassVar[bool] = True
    enterable: ClassVar[bool] = True
    driver: Driver

    def __post_init__(self) -> None:
        for field, fault in faults(self.driver):
            raise ValueError(f"driver.{field}: {fault}")


class DriverRemoved(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The profile is gone, with its bindings and consents; the trips keep the pseudonymous id."""

    leaves: ClassVar[bool] = False
    urgent: ClassVar[bool] = True
    enterable: ClassVar[bool] = True
    driver: str


class ConsentChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A driver's own word on one purpose: the far side has to heed it, and forgets when it is taken back.

    `whom`: the driver that a word on `guardian` names; taken back without, it is from everybody. `person` is the profile's,
    whatever is entered: the same in all units of the household."""

    version: ClassVar[int] = 2
    importance: ClassVar[int] = 1
    urgent: ClassVar[bool] = True
    enterable: ClassVar[bool] = True
    driver: str
    purpose: Purpose
    granted: bool
    whom: str | None = None
    person: str | None = None


class PromptsStopped(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Kept on the unit: this person wants no more prompts of this kind. The household's profile remembers it."""

    leaves: ClassVar[bool] = False
    urgent: ClassVar[bool] = True
    driver: str
    kind: Kind


class HouseholdState(msgspec.Struct):
    lent: Household = Household()


class HouseholdRule(Rule):
    """Keeps the profiles, which all rules read as `ctx.household`."""

    name: ClassVar[str] = "household"
    lends: ClassVar[bool] = True
    hears: ClassVar[tuple[type[Event], ...]] = (DriverSaved, DriverRemoved, ConsentChanged, PromptsStopped)
    state: HouseholdState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state = HouseholdState()

    def event(self, ctx: Context, event: Event) -> Iterable[Event]:
        household = self.state.lent
        match event:
            case DriverSaved():
                self.state.lent = household.saved(event.driver)
            case DriverRemoved():
                kept = tuple(d for d in household.drivers if d.id != event.driver)
                self.state.lent = msgspec.structs.replace(household, drivers=kept)
            case ConsentChanged() if known := household.known(event.driver):
                self.state.lent = household.saved(with_consent(known, event))
            case PromptsStopped() if known := household.known(event.driver):
                others = tuple(k for k in known.stopped if k != event.kind)
                self.state.lent = household.saved(msgspec.structs.replace(known, stopped=(*others, event.kind)))
        return ()

    def restore(self, body: bytes, ctx: Context) -> None:
        super().restore(body, ctx)
        self.state.lent = mended(self.state.lent)


def with_consent(driver: Driver, word: ConsentChanged) -> Driver:
    """One who takes back `guardian` from some keeps it with the others that it names."""
    named, granted = driver.guardian_with, word.granted
    if word.purpose == "guardian":
        kept = tuple(id for id in agreed_with(driver) if id != word.whom)
        named = (*kept, word.whom) if granted and word.whom else kept if granted or word.whom else ()
        granted = granted or bool(named)
    others = tuple(p for p in driver.consents if p != word.purpose)
    return msgspec.structs.replace(driver, consents=(*others, word.purpose) if granted else others, guardian_with=named)
