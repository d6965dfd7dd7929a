"""A parked car that has something to say, to test what becomes of it: the simulated car's Bench with words for that."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from agent.config import Owner
from agent.events.concern import Concern, ConcernSettled
from agent.events.message import (
    PromptAnswered,
    PromptDelivered,
    PromptHeld,
    PromptReleased,
)
from agent.events.prompt import PromptRule
from agent.household import Driver
from agent.model import NS, Event
from tests.sim.car import Bench, drive, wall

BERLIN = ZoneInfo("Europe/Berlin")
DAY_S = 86_400
OWNER = Owner(timezone="Europe/Berlin", tell_at="18:30")
ANA = Driver("ana", is_keeper=True, tell_at="18:30")


def utc_s(local: str) -> float:
    return datetime.fromisoformat(local).replace(tzinfo=BERLIN).timestamp()


def local(utc_ns: int | None) -> str:
    return "" if utc_ns is None else f"{datetime.fromtimestamp(utc_ns // NS, BERLIN):%m-%d %H:%M}"


def concern(name: str = "c1", **other: Any) -> Concern:
    fields: dict[str, Any] = {"id": name, "t_ns": 0, "boot_id": "boot-1", "subject": "report", "kind": "report"}
    fields |= {"says": "report", "values": {"month": "2026-10"}, "rests_on": [name]}
    return Concern(**fields | other)


def settled(why: Any = "done", subject: str = "report") -> ConcernSettled:
    return ConcernSettled(id=f"settled {subject}", t_ns=0, boot_id="boot-1", subject=subject, why=why)


class Scene(Bench):
    """Once `parked`, ten minutes and more after the ignition came on: Monday 08:16 in Berlin, and prompts wait for 18:30."""

    def __init__(self, start: str = "2026-10-26 08:00", owner: Owner = OWNER, **other: Any) -> None:
        super().__init__(owner=owner, **{"wall": wall(utc_s(start))} | other)

    def parked(self) -> Scene:
        self.live(drive()).until(1000)
        return self

    def say(self, *events: Event) -> Scene:
        for event in events:
            self.events += self.engine.raised([event])
        t_ns = self.engine._t_ns
        self.until(t_ns / NS)
        return self

    def delivered(self, revision: int | None = None) -> Scene:
        """All of the latest message was shown."""
        utc_ns = self.utc_ns
        for part in self.of(PromptReleased)[-1].parts:
            n = part.revision if revision is None else revision
            self.say(PromptDelivered(id="d", t_ns=0, boot_id="", prompt_id=part.prompt_id, revision=n, shown_utc_ns=utc_ns))
        return self

    def answered(self, answer: Any, **other: Any) -> Scene:
        id = self.parts[-1].prompt_id
        return self.say(PromptAnswered(id="a", t_ns=0, boot_id="", prompt_id=id, answer=answer, **other))

    @property
    def utc_ns(self) -> int:
        assert self.wall is not None
        return self.wall.utc_ns(self.engine._t_ns)

    @property
    def parts(self) -> list[Any]:
        return [part for message in self.of(PromptReleased) for part in message.parts]

    @property
    def windows(self) -> list[tuple[str, str]]:
        return [(local(m.not_before_utc_ns), local(m.not_after_utc_ns)) for m in self.of(PromptReleased)]

    @property
    def held(self) -> list[str]:
        return [e.held_by for e in self.of(PromptHeld)]

    @property
    def rule(self) -> PromptRule:
        return next(r for r in self.engine.rules if isinstance(r, PromptRule))
