"""Which prompts go together in one message, and when. Pure.

What is ready together is one message, and what left before and cannot have been shown yet goes along. A congratulation alone
skips the preferred hour, and what waits for that hour does not come early with it:

| beside a congratulation is ready or has left | then |
|---|---|
| what may be told at the same moment, or sooner | one message |
| what has left for later that day | one message, then: there is no second one that day |
| anything else | the congratulation goes, the rest takes the next moment that the caps leave: the next day's, or next week's |
| whatever it is, and the congratulation was put off by days before | one message, at the moment of the rest |
| a fault or a weak battery that would have to wait until next week | one message, at the moment of the rest |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agent.events.message import HeldBy
from agent.household import Kind
from agent.localtime import DAY_NS
from agent.prompts.moment import Moment, Person, next_moment
from agent.prompts.state import Prompt, PromptState

PUT_OFF_NS = 2 * DAY_NS  # by a day, give or take some hours
LATE: frozenset[HeldBy] = frozenset({"one a day is enough", "two a week are enough", "snoozed"})
HURT_BY_WAITING: tuple[Kind, ...] = ("fault", "battery")  # a car that fails meanwhile is worse than a late congratulation


class Offer(NamedTuple):
    """One message to be: what is in it, held and released, and when it may be shown."""

    prompts: list[Prompt]
    moment: Moment


def offers(
    state: PromptState, person: Person, driver: str, ready: Sequence[Prompt], *, parked_ns: int, now_ns: int
) -> list[Offer]:
    """The messages that bring what is `ready` for `driver`; `person` is who is told in their place if they have no profile."""
    left = state.find(lambda p: p.driver == driver and p.is_pending(now_ns) and p.concern.urgency != "safety")
    usual = {p.window_utc_ns for p in left if p.concern.urgency == "usual"}  # the messages that waited for the hour
    everything = [*ready, *left]
    fresh = [p for p in everything if p.concern.urgency == "celebration" and not p.misses and LATE.isdisjoint(p.held_by)]
    festive = [p for p in fresh if p.window_utc_ns not in usual]
    others = [p for p in everything if p not in festive]

    def offer(prompts: list[Prompt], instead_of: list[Prompt], *also_said_ns: int) -> Offer:
        starts = {p.window_utc_ns[0] for p in instead_of if p in left and p.window_utc_ns}
        said_ns = [m.utc_ns for m in state.said if m.driver == driver and m.utc_ns not in starts]
        is_usual = any(p.concern.urgency == "usual" for p in prompts)
        return Offer(prompts, next_moment(person, now_ns, parked_ns, (*said_ns, *also_said_ns), is_usual=is_usual))

    whole = offer(everything, everything)
    if not (festive and others):
        return [whole]
    soon = offer(festive, festive)
    out = [p.window_utc_ns[0] for p in festive if p in left and p.window_utc_ns]
    soon_ns = out[0] if len(out) == len(festive) else soon.moment.from_utc_ns
    if whole.moment.from_utc_ns <= soon_ns:
        return [whole]
    later = offer(others, everything, soon_ns)
    is_far = later.moment.from_utc_ns - whole.moment.from_utc_ns > PUT_OFF_NS
    if is_far and any(p.concern.kind in HURT_BY_WAITING for p in others):
        return [whole]
    return [each for each in (soon, later) if any(p in ready for p in each.prompts)]
