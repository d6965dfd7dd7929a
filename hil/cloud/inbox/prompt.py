"""What the desk remembers of a prompt, of what was shown, and of trips. Records alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from agent.events.message import Part, PromptReleased
from agent.household import Channel
from agent.model import derive_id
from agent.prompts.slots import Slot
from hil.cloud.inbox.people import Person

Place: TypeAlias = tuple[int, int]  # the unit's epoch, in order of arrival, and seq
Key: TypeAlias = tuple[str, str]  # unit, prompt id


class Release(NamedTuple):
    message: PromptReleased
    part: Part
    place: Place


class Ended(NamedTuple):
    place: Place
    why: str


class Answered(NamedTuple):
    """`place` None: pressed here, and the unit has not confirmed it yet."""

    answer: str
    slot: str | None
    place: Place | None


class Shown(NamedTuple):
    release: Release
    at_utc_ns: int


@dataclass
class Prompt:
    unit: str
    person: Person | None
    release: Release  # the latest
    ended: Ended | None = None
    shown: Shown | None = None
    times_shown: int = 0
    answers: list[Answered] = field(default_factory=list)
    appointment: Slot | None = None
    change: str | None = None  # what became of the appointment

    @property
    def key(self) -> Key:
        return self.unit, self.release.part.prompt_id

    @property
    def over(self) -> str | None:
        """Why it is, if it is."""
        return self.ended.why if self.ended and self.ended.place > self.release.place else None

    @property
    def is_safety(self) -> bool:
        return self.release.message.urgency == "safety"

    @property
    def crossed(self) -> str | None:
        """Why what was shown is not valid any more; that the ignition came on makes nothing untrue."""
        return self.over if self.over != "the ignition came on" else None

    @property
    def is_dated(self) -> bool:
        """Whether there is an appointment to come."""
        return self.appointment is not None and self.change in (None, "moved")

    @property
    def is_shown(self) -> bool:
        """It was, and no snooze and release since ask for it again."""
        return self.shown is not None and not self._is_asked_again(self.shown.release.place)

    def _is_asked_again(self, since: Place) -> bool:
        return any(a.answer == "snoozed" and a.place and since < a.place < self.release.place for a in self.answers)


class Showing(NamedTuple):
    """What is shown to a person at once: one mail."""

    person: Person
    prompts: tuple[Prompt, ...]
    is_safety: bool

    @property
    def id(self) -> str:
        """The same when the same prompts are tried again."""
        return derive_id(self.person.key, "Showing", *(f"{' '.join(p.key)} {p.times_shown}" for p in self.prompts))

    @property
    def keys(self) -> list[Key]:
        return [p.key for p in self.prompts]

    @property
    def channel(self) -> Channel:
        """By mail if any of it is."""
        return "mail" if any(p.release.message.channel == "mail" for p in self.prompts) else "page"


class Sent(NamedTuple):
    """A Showing as it was: what the page lists."""

    id: str
    at_utc_ns: int
    is_safety: bool
    prompts: tuple[tuple[Prompt, Shown], ...]


class Report(NamedTuple):
    place: Place
    driver: str
    data: dict[str, Any]


@dataclass
class Trip:
    """`started`: when TripStarted was said; it has started before TripEnded is heard, whichever arrives first."""

    started: Place | None = None
    start_utc_ns: int | None = None
    end_utc_ns: int | None = None
    is_over: bool = False
