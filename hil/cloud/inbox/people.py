"""The bench's address book: who is reached where. Addresses are here only; the units know pseudonymous ids.

    [[person]]
    id = "ana"                         # as the units say it
    mail = "ana@example.org"
    timezone = "Europe/Berlin"         # whose days and weeks count
    language = "en"                    # of the page; a mail has the language of what it says
    cars = { rav4-1 = "Toyota RAV4" }  # unit = what the person calls the car

A unit speaks only to people whose `cars` name it: else any unit with a certificate of ours could write to anybody, and
the "owner" of one household would read another's.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from agent.config import ConfigError
from agent.household import Language


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See the module's example."""

    id: str
    mail: str
    timezone: str = "UTC"
    language: Language = "en"
    cars: dict[str, str]

    @property
    def key(self) -> str:
        """What links carry in place of the address."""
        return hashlib.sha256(self.mail.encode()).hexdigest()[:16]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def __post_init__(self) -> None:
        if "@" not in self.mail or any(c.isspace() for c in self.mail):
            raise ValueError(f"{self.mail!r} is no mail address")
        ZoneInfo(self.timezone)  # raises KeyError, ValueError


class Book:
    """The people, found by unit and id, or by key. Raises ConfigError when two of them are not told apart."""

    def __init__(self, people: tuple[Person, ...]) -> None:
        self.people: Mapping[str, Person] = {p.key: p for p in people}
        if len(self.people) < len(people):
            raise ConfigError("address book: a mail address stands in two entries: one person, one entry, all their cars in it")
        self._by_unit: dict[tuple[str, str], Person] = {}
        for person in people:
            for unit in person.cars:
                if self._by_unit.setdefault((unit, person.id), person) != person:
                    raise ConfigError(f"address book: two people are {person.id!r} to the unit {unit!r}: name them apart")

    def find(self, unit: str, id: str) -> Person | None:
        """Whom this unit means by `id`; None: nobody that it may speak to."""
        return self._by_unit.get((unit, id))


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    person: tuple[Person, ...] = ()


def read(file: Path) -> Book:
    """Raises ConfigError."""
    try:
        return Book(msgspec.convert(tomllib.loads(file.read_text()), _File).person)
    except (OSError, ValueError, KeyError) as e:  # msgspec's and tomllib's errors are ValueErrors
        raise ConfigError(f"address book {file}: {e}; see hil/cloud/inbox/people.py for an example") from None
