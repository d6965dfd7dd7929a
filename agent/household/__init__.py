"""Who drives this car and who hears from it: profiles, consents, what recognises them. Pure records and look-ups.

The rule of the same name (agent/events/household.py) keeps them; the engine lends them to all rules as `ctx.household`.
A profile never leaves the unit; events carry the pseudonymous ids alone.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from agent.config import Owner, Section

Purpose: TypeAlias = Literal[
    "report",  # the monthly report leaves the unit
    "compare",  # own style, times and speed count in the household's means; where all agreed, each sees each
    "workshop",  # five facts for the person at the counter go out with a booked appointment
    "guardian",  # under 18: the view of those whom it names; as a parent: to be shown that of whom it names
    "fit",  # how well other cars would fit the own use leaves the unit
]
Kind: TypeAlias = Literal["service", "fault", "battery", "notice", "milestone", "report"]
"""What a prompt is about; a person can stop each kind."""

Channel: TypeAlias = Literal["mail", "page"]
Language: TypeAlias = Literal["en", "de"]

UNIT_M = {"km": 1000.0, "mi": 1609.344}  # what people count distances in
NO_BREAK = "\u00a0"  # a number keeps its unit on its line, and a day its month
UNKNOWN = "unknown"
OWNER = "owner"  # who hears from the car while no profile says otherwise
QUIET_FROM, QUIET_TO = "21:30", "07:30"  # when most people want no mail from a machine


class Driver(Section, frozen=True, omit_defaults=True):
    """A person of the household. Times are local, "HH:MM"; what is None is as keyoff.toml's [owner] says."""

    id: str  # pseudonymous: it stands in events
    name: str = ""  # what they are called on the unit and in their own report; "": the id
    person: str = ""  # the same person's id in every unit of the household; "": the id
    is_keeper: bool = False  # hears what the car needs; without any keeper the owner does
    counts: Literal["km", "mi"] | None = None
    language: Language = "en"
    timezone: str | None = None
    quiet_from: str = QUIET_FROM
    quiet_to: str = QUIET_TO
    tell_at: str | None = None  # prompts wait for this time of day; None: [owner]'s, else when they are usually home
    channel: Channel = "mail"
    of_age: str | None = None  # "2028-04-01": under 18 until then
    identifiers: tuple[str, ...] = ()  # what the car's signals say when it is them: a login or a face, beside `id` and `person`
    key_fobs: tuple[str, ...] = ()
    seat_memories: tuple[str, ...] = ()
    phone_tags: tuple[str, ...] = ()
    consents: tuple[Purpose, ...] = ()
    guardian_with: tuple[str, ...] = ()  # whom the consent `guardian` names; while it names nobody it shows nothing
    stopped: tuple[Kind, ...] = ()  # kinds of prompts that they do not want


AS_OWNER = Driver(OWNER, is_keeper=True, consents=("report",))
"""The owner of keyoff.toml as a profile."""


class Household(msgspec.Struct, frozen=True, omit_defaults=True):
    """Profiles in the order in which they were entered. `owner`: who hears while none of them is a keeper's."""

    drivers: tuple[Driver, ...] = ()
    owner: Driver = AS_OWNER

    def find(self, id: str) -> Driver | None:
        """The profile of this id; None for `unknown` and for a driver without one."""
        return next((d for d in self.drivers if d.id == id), None)

    def known(self, id: str) -> Driver | None:
        """The profile of this id, or the owner's; None for everybody else."""
        return self.find(id) or (self.owner if id == OWNER else None)

    def saved(self, driver: Driver) -> Household:
        """With that profile in its old place, or the last; of the owner, whom no profile names, with that as the owner."""
        if self.find(driver.id) is None and driver.id == OWNER:
            return msgspec.structs.replace(self, owner=driver)
        drivers = {d.id: d for d in self.drivers} | {driver.id: driver}
        return msgspec.structs.replace(self, drivers=tuple(drivers.values()))

    def keepers(self) -> tuple[Driver, ...]:
        """Who hears what the car needs: never nobody."""
        return tuple(d for d in self.drivers if d.is_keeper) or (self.owner,)

    def hearers(self, id: str | None) -> tuple[Driver, ...]:
        """Whom a word meant for `id` reaches; None or somebody without a profile: the keepers."""
        found = self.find(id) if id else None
        return (found,) if found else self.keepers()


def timezone(driver: Driver, owner: Owner) -> str:
    return driver.timezone or owner.timezone


def counts(driver: Driver, owner: Owner) -> Literal["km", "mi"]:
    return driver.counts or owner.counts


def tell_at(driver: Driver, owner: Owner) -> str | None:
    return driver.tell_at or owner.tell_at


def agreed_with(driver: Driver) -> tuple[str, ...]:
    """Whom their consent `guardian` names; nobody where it is not given."""
    return driver.guardian_with if "guardian" in driver.consents else ()


def is_minor(driver: Driver, day: str) -> bool:
    """Whether they are under 18 on `day` ("2026-11-22")."""
    return driver.of_age is not None and day < driver.of_age
