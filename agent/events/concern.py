"""Concern: a rule has something that may be worth telling a person. ConcernSettled: it is no longer so. Both stay on the unit.

Whoever notices raises a fact that may leave (`ServiceDue`, `FaultSet` …) and, beside it, a Concern. Whether, when and to whom
it is said is the prompt rule's alone (agent/events/prompt.py); the words are agent/words/'s, made from `says` and `values` at
the moment of saying, in the person's language and units. A concern raised again under the same subject replaces what waits.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

from agent.household import Kind
from agent.model import Event

Urgency: TypeAlias = Literal[
    "usual",  # waits for the person's moment
    "celebration",  # skips the preferred hour but not the quiet hours: leaves when the key trip ends
    "safety",  # a do-not-drive recall: may pass the hold, never while moving
]
Why: TypeAlias = Literal["done", "remedied", "no longer true", "superseded"]


class Concern(Event, frozen=True, kw_only=True, omit_defaults=True):
    """`subject` is the same for the same thing ("service oil change 90000000"); `says` names a text in agent/words/.

    `values` are what the text needs, in SI with the unit in the name (`reading_m`, `due_day`); a value that is None or
    missing keeps the text from being rendered. `rests_on`: ids of the events that it rests on, at least one.
    """

    leaves: ClassVar[bool] = False
    urgent: ClassVar[bool] = True
    subject: str
    kind: Kind
    says: str
    values: dict[str, Any]
    rests_on: list[str]
    driver: str | None = None  # for whom; None: the keepers
    urgency: Urgency = "usual"
    bookable: str | None = None  # the service item or notice id that a workshop can be asked for; None: nothing to book
    trip_id: str | None = None  # the key trip of a celebration
    utc_ns: int | None = None  # when it became true, if known
    again_days: int = 0  # who was shown it hears of it again so many days later, should it go and come back; 0: at once


class ConcernSettled(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What is held of `subject` is not said any more; what was said is withdrawn."""

    leaves: ClassVar[bool] = False
    urgent: ClassVar[bool] = True
    subject: str
    why: Why
