"""What goes between the car and a person: PromptReleased, PromptWithdrawn; PromptDelivered, PromptAnswered come back.

And what became of it before: PromptHeld, PromptExpired. Records alone; the rule is in agent/events/prompt.py.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from agent.events.concern import Urgency
from agent.household import Channel, Kind, Language
from agent.model import Event
from agent.prompts.slots import Slot

HeldBy = Literal[
    "the ignition is on",
    "the ignition is not known",
    "the ignition came on less than ten minutes ago",
    "waiting for appointments",
    "quiet hours",
    "until the stated time",
    "until they are usually home",
    "one a day is enough",
    "two a week are enough",
    "snoozed",
    "no clock to be trusted",
    "it could not be shown in time",
]
Answer = Literal["acknowledged", "snoozed", "booked", "done", "wrong", "stopped"]
WithdrawnWhy = Literal[
    "the ignition came on",
    "done",
    "remedied",
    "no longer true",
    "superseded",
    "stopped",
    "something in it is not known",
]


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One prompt of a message. Show each `prompt_id` once, by its latest `revision`, and again if the person snoozed it.
    What is raised is held at once, so that `held_…` is the same time as `raised_…`."""

    prompt_id: str
    revision: int  # how many times it left before
    topic: str  # what it is about: the same thing has the same topic
    kind: Kind
    title: str
    text: str
    rests_on: list[str]  # event ids
    slots: list[Slot] = []
    bookable: str | None = None
    report: str | None = None  # the id of the ReportReady that it brings
    held_by: list[HeldBy] = []  # all that held it, in order
    raised_ns: int
    held_ns: int
    raised_utc_ns: int | None = None
    held_utc_ns: int | None = None


class PromptHeld(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Kept on the unit: a prompt exists and waits; told anew when something else holds it."""

    leaves: ClassVar[bool] = False
    prompt_id: str
    topic: str
    kind: Kind
    driver: str
    held_by: HeldBy
    raised_ns: int
    raised_utc_ns: int | None = None


class PromptExpired(Event, frozen=True, kw_only=True, omit_defaults=True):
    """It was held until it was no longer true, and never said."""

    importance: ClassVar[int] = 5
    prompt_id: str
    topic: str
    kind: Kind
    why: WithdrawnWhy


class PromptReleased(Event, frozen=True, kw_only=True, omit_defaults=True):
    """One message to one person. May be shown from `not_before` until `not_after`, unless a PromptWithdrawn, a PromptAnswered or
    a TripStarted came since; PromptDelivered tells the unit that it was. A machine speaks, and `closing` says so."""

    version: ClassVar[int] = 2
    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    person: str  # the same in all units of the household
    driver: str
    household: str = ""
    channel: Channel
    language: Language
    urgency: Urgency
    parts: list[Part]
    closing: str
    automatic: bool = True
    released_ns: int
    released_utc_ns: int | None = None
    not_before_utc_ns: int | None = None  # None: at once
    not_after_utc_ns: int | None = None  # None: as long as it is true


class PromptWithdrawn(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Not to be shown; what was shown already is crossed out. It is over, unless a PromptReleased of it comes after this."""

    importance: ClassVar[int] = 1
    urgent: ClassVar[bool] = True
    prompt_id: str
    revision: int
    why: WithdrawnWhy


class PromptDelivered(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The far side showed it."""

    importance: ClassVar[int] = 5
    urgent: ClassVar[bool] = True
    enterable: ClassVar[bool] = True
    prompt_id: str
    revision: int
    shown_utc_ns: int


class PromptAnswered(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What the person made of it. `stopped`: no more prompts of this kind for them."""

    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    enterable: ClassVar[bool] = True
    prompt_id: str
    answer: Answer
    slot: str | None = None  # the id of the slot chosen, with `booked`
    days: int = 7  # with `snoozed`: for how long, 1 to 365
    words: str = ""  # the owner's own words for the person at the counter
