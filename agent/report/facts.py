"""What was noted when it happened, a line each, until its month is reported: small, bounded, and independent of retention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from agent.localtime import months_back

MONTHS_KEPT = 14  # a year back from the month that is reported next, and the one under way
FACTS_A_MONTH = 60  # a trouble code that comes and goes is one line; beyond this the oldest go, and are counted

Kind: TypeAlias = Literal[
    "milestone",
    "rebased",  # the odometer reads something else, for good
    "attributed",
    "fault set",
    "fault cleared",
    "battery weak",
    "service soon",
    "service due",
    "service reopened",
    "service done",
    "prompt",
]


class Fact(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`what` is the same for the same thing: an item, a code, a mark, the id of a prompt or trip."""

    kind: Kind
    what: str
    utc_ns: int | None = None  # when it was so last; None: by no clock to be trusted
    times: int = 1
    driver: str | None = None  # for whom (prompt), or who drove (attributed); None: the car's
    before: str | None = None  # attributed: who was thought to have driven
    title: str = ""  # as it was said to a person
    state: str = ""  # prompt: what became of it; milestone: what the mark counts
    reading_m: float | None = None
    about: bool = False
    severity: str = ""


class MonthFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """The oldest first; `more`: how many lines there was no room for."""

    facts: tuple[Fact, ...] = ()
    more: int = 0

    def with_fact(self, fact: Fact) -> MonthFacts:
        """The same thing again replaces its line; of an attribution the driver first thought of stays."""
        same = next((f for f in self.facts if (f.kind, f.what) == (fact.kind, fact.what)), None)
        if same is not None:
            first = same.before if fact.kind == "attributed" else fact.before
            fact = msgspec.structs.replace(fact, times=same.times + 1, before=first)
        kept = (*(f for f in self.facts if f is not same), fact)
        return MonthFacts(kept[-FACTS_A_MONTH:], self.more + max(0, len(kept) - FACTS_A_MONTH))

    def with_state(self, kind: Kind, what: str, state: str) -> MonthFacts:
        """What became of a thing; unchanged when there is no such line."""
        changed = (msgspec.structs.replace(f, state=state) if (f.kind, f.what) == (kind, what) else f for f in self.facts)
        return MonthFacts(tuple(changed), self.more)


def pruned(months: Mapping[str, MonthFacts], newest: str) -> dict[str, MonthFacts]:
    """Without what lies further back than MONTHS_KEPT from `newest`; without a date ("") nothing is old."""
    oldest = months_back(newest, MONTHS_KEPT - 1)
    return {month: kept for month, kept in months.items() if month >= oldest or not month}
