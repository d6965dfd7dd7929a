"""What the prompt rule remembers: prompts, messages said, what was left unsaid; and the small changes to it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from agent.events.concern import Concern
from agent.events.ignition import Ignition
from agent.events.message import HeldBy, Part
from agent.localtime import DAY_NS, day_of
from agent.model import Context, Wall
from agent.prompts.moment import WEEK_NS
from agent.prompts.slots import Slot, span_ns
from agent.stitch import is_trusted

ENDED_KEPT = 100  # prompts that are over, for an answer that comes late and for `keyoff why`
UNSAID_KEPT = 50
SLOTS_SHOWN = 3  # more is a list to work through
EARLY_NS = 2 * DAY_NS  # how long before it may be shown a message leaves: a parked car may sleep, also over the next evening
SAID_NS = WEEK_NS + EARLY_NS + DAY_NS  # how long messages count against the caps, for one that leaves early too; and a day

Phase: TypeAlias = Literal["held", "released", "delivered", "over"]


class Prompt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One concern for one person, and how far it has come."""

    id: str
    concern: Concern
    driver: str
    phase: Phase = "held"
    held_by: tuple[HeldBy, ...] = ()  # all that held it, in order; the last one does now, while it is held
    slots: list[Slot] | None = None  # None: asked for, and not answered
    revision: int = 0  # how many times it was released
    misses: int = 0  # how many of them could not be shown in time
    snoozed_days: int = 0  # for so long from the first moment with a clock to be trusted
    until_utc_ns: int | None = None  # snoozed, not tried again before, or told lately
    first_revision: int = 0  # since it was snoozed; that an earlier one was shown is no news
    window_utc_ns: tuple[int, int] | None = None  # of the latest release: from when until when it may be shown
    shown_utc_ns: int | None = None  # when it was, the last time
    how: str = ""  # it ended

    def is_snoozed(self) -> bool:
        """Or told lately or tried in vain, and not released since; the day may be past."""
        return self.snoozed_days > 0 or self.until_utc_ns is not None

    def is_pending(self, utc_ns: int) -> bool:
        """Released, and too early to be shown yet."""
        return self.phase == "released" and self.window_utc_ns is not None and self.window_utc_ns[0] > utc_ns

    def raised_utc_ns(self, ctx: Context) -> int | None:
        """When it became true; dated anew while that boot lasts."""
        c = self.concern
        return ctx.wall.utc_ns(c.t_ns) if ctx.wall is not None and c.boot_id == ctx.boot_id else c.utc_ns

    def part(self, title: str, text: str, held_by: tuple[HeldBy, ...], raised_utc_ns: int | None, from_utc_ns: int) -> Part:
        """As it leaves, to be shown from then on."""
        c = self.concern
        return Part(
            prompt_id=self.id,
            revision=self.revision,
            topic=c.subject,
            kind=c.kind,
            title=title,
            text=text,
            rests_on=c.rests_on,
            slots=[s for s in self.slots or [] if span_ns(s)[0] > from_utc_ns][:SLOTS_SHOWN],
            bookable=c.bookable,
            report=c.rests_on[0] if c.kind == "report" else None,
            held_by=list(held_by),
            raised_ns=c.t_ns,
            held_ns=c.t_ns,
            raised_utc_ns=raised_utc_ns,
            held_utc_ns=raised_utc_ns,
        )


class Said(msgspec.Struct, frozen=True, array_like=True):
    """A message to a person, from when it may be shown."""

    driver: str
    utc_ns: int


class Unsaid(msgspec.Struct, frozen=True, array_like=True):
    """What was deliberately not said."""

    utc_ns: int | None
    topic: str
    driver: str
    why: str


class Parked(msgspec.Struct, frozen=True, omit_defaults=True):
    """When the latest trip ended: in the clock of a boot, and by a wall clock if one was to be trusted."""

    boot_id: str
    t_ns: int
    utc_ns: int | None = None


class PromptState(msgspec.Struct):
    prompts: tuple[Prompt, ...] = ()
    said: tuple[Said, ...] = ()
    unsaid: tuple[Unsaid, ...] = ()
    ignition: Ignition = "unknown"
    driving: bool = False
    on_ns: int = 0  # when the ignition came on last, or may have; in this boot's clock
    parked: Parked | None = None
    look_ns: int | None = None  # when to look again
    wall: Wall | None = None  # as it was at the last look
    seen_utc_ns: int | None = None  # the time at the last look with a clock to be trusted

    def change(self, prompt: Prompt, **fields: Any) -> Prompt:
        """That prompt with other fields; forgets the oldest that are over."""
        new = msgspec.structs.replace(prompt, **fields)
        prompts = [new if p.id == new.id else p for p in self.prompts]
        over = [p for p in prompts if p.phase == "over"]
        gone = {p.id for p in over[: len(over) - ENDED_KEPT]} if len(over) > ENDED_KEPT else set()
        self.prompts = tuple(p for p in prompts if p.id not in gone)
        return new

    def drop(self, prompt: Prompt, wall: Wall | None, t_ns: int, **fields: Any) -> Prompt:
        """`change`; and a message that cannot have been shown yet does not count any more, unless it says something else too."""
        was_pending = wall is not None and prompt.is_pending(wall.utc_ns(t_ns))
        new = self.change(prompt, **fields)
        if was_pending:
            self.unsay(new)
            new = self.change(new, window_utc_ns=None)
        return new

    def find(self, wanted: Callable[[Prompt], bool]) -> list[Prompt]:
        """Those under way that are `wanted`."""
        return [p for p in self.prompts if p.phase != "over" and wanted(p)]

    def again_utc_ns(self, ctx: Context, concern: Concern, driver: str) -> int | None:
        """Not to be said before: the same was shown to them, went and came back; None: at once, as what they had mended is."""
        same = (p for p in self.prompts if p.driver == driver and p.concern.subject == concern.subject and p.how != "done")
        shown_ns = max((p.shown_utc_ns for p in same if p.shown_utc_ns is not None), default=None)
        if shown_ns is None or not concern.again_days:
            return None
        now_ns = ctx.wall.utc_ns(ctx.t_ns) if is_trusted(ctx.wall) else shown_ns
        again_ns = min(shown_ns, now_ns) + concern.again_days * DAY_NS
        return None if again_ns <= now_ns else again_ns

    def said_to(self, driver: str, utc_ns: int) -> None:
        """A message to `driver` counts from `utc_ns`, once."""
        said = Said(driver, utc_ns)
        self.said = (*(m for m in self.said if m.utc_ns > utc_ns - SAID_NS and m != said), said)

    def is_news(self, driver: str, utc_ns: int, zone: ZoneInfo) -> bool:
        """Whether no message of that day is known: there is one a day at most."""
        day = day_of(utc_ns, zone)
        return not any(m.driver == driver and day_of(m.utc_ns, zone) == day for m in self.said)

    def pull_back(self, driver: str, wall: Wall | None, t_ns: int) -> list[Prompt]:
        """What has left for them and cannot have been shown yet is held, to leave again."""
        pending = self.find(lambda p: p.driver == driver and wall is not None and p.is_pending(wall.utc_ns(t_ns)))
        return [self.drop(prompt, wall, t_ns, phase="held") for prompt in pending]

    def unsay(self, prompt: Prompt) -> None:
        """Its message does not count, unless another prompt of it may have been shown, whatever became of that"""
        window, to = prompt.window_utc_ns, prompt.driver
        others = (p for p in self.prompts if p.id != prompt.id and p.driver == to and p.window_utc_ns == window)
        if window is not None and all(p.phase == "held" and p.misses for p in others):
            self.said = tuple(m for m in self.said if m != Said(to, window[0]))

    def leave_unsaid(self, prompt: Prompt, wall: Wall | None, t_ns: int, why: str) -> None:
        unsaid = Unsaid(wall.utc_ns(t_ns) if wall else None, prompt.concern.subject, prompt.driver, why)
        self.unsaid = (*self.unsaid[1 - UNSAID_KEPT :], unsaid)

    def parked_utc_ns(self, ctx: Context, now_ns: int) -> int:
        """The end of the latest trip, 0 when it is not known; dated anew while that boot lasts."""
        if self.parked is None:
            return 0
        if self.parked.boot_id == ctx.boot_id and ctx.wall is not None:
            return min(ctx.wall.utc_ns(self.parked.t_ns), now_ns)
        return min(self.parked.utc_ns or 0, now_ns)

    def follow(self, wall: Wall | None, t_ns: int, farthest_ns: int) -> None:
        """Snoozes get their dates; what was reckoned by a clock that was ahead by a day or more is put back with it.

        What was released for later than in `farthest_ns` is held again.
        """
        if not is_trusted(wall):
            return
        now_ns = wall.utc_ns(t_ns)
        ahead_ns, self.seen_utc_ns = (self.seen_utc_ns or now_ns) - now_ns, now_ns
        for prompt in self.find(lambda p: p.snoozed_days > 0):
            self.change(prompt, snoozed_days=0, until_utc_ns=now_ns + prompt.snoozed_days * DAY_NS)
        if ahead_ns < DAY_NS:
            return
        for prompt in self.find(lambda p: p.until_utc_ns is not None):
            self.change(prompt, until_utc_ns=(prompt.until_utc_ns or 0) - ahead_ns)
        for prompt in self.find(lambda p: p.is_pending(now_ns + farthest_ns)):
            self.drop(prompt, wall, t_ns, phase="held")
        self.said = tuple(Said(m.driver, m.utc_ns - ahead_ns if m.utc_ns > now_ns + farthest_ns else m.utc_ns) for m in self.said)

    def look(self, t_ns: int | None) -> None:
        """Look again at `t_ns` at the latest."""
        if t_ns is not None:
            self.look_ns = t_ns if self.look_ns is None else min(self.look_ns, t_ns)
