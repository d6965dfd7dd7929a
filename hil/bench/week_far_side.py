"""The far side of a week: what the people see of it, and what they and the workshop answer.

It shows a message from `not_before` to `not_after`, unless it knows that it was withdrawn or answered or that a trip began since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from agent.events.appointment import AppointmentChosen
from agent.events.message import Part, PromptAnswered, PromptDelivered, PromptReleased, PromptWithdrawn
from agent.events.trip import TripEnded, TripStarted
from agent.model import Event
from hil.bench.week_plan import DAY_S, HOUR_S

if TYPE_CHECKING:
    from hil.bench.week_world import World


class Release(NamedTuple):
    """A prompt as the far side has it. `n`: its place in what the unit sent."""

    message: PromptReleased
    part: Part
    n: int


class FarSide:
    """See the module."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.releases: dict[str, Release] = {}
        self.over: dict[str, int] = {}  # prompt id → the place of what ended it
        self.shown: dict[str, tuple[int, int]] = {}  # prompt id → the revision that was shown, and when; gone when it was snoozed
        self.trip_n, self.is_trip_open = -1, False

    def receive(self, n: int, event: Event) -> None:
        match event:
            case PromptReleased():
                for part in event.parts:
                    self.releases[part.prompt_id] = Release(event, part, n)
                    self._confirm(part.prompt_id)
                from_ns = (event.not_before_utc_ns or 0) - self.world.plan.start_utc_ns
                self.world.at(from_ns, self.look)
            case PromptWithdrawn(why="the ignition came on") if event.prompt_id in self.shown:
                self._confirm(event.prompt_id)
            case PromptWithdrawn():
                self.over[event.prompt_id] = n
            case PromptAnswered():
                self.over[event.prompt_id] = n
                if event.answer == "snoozed":
                    self.shown.pop(event.prompt_id, None)
            case TripStarted():
                self.trip_n, self.is_trip_open = n, True
            case TripEnded():
                self.is_trip_open = False
                self.look()
            case AppointmentChosen() if self.world.rng.random() < 0.9:
                self.world.later(self.world.rng.expovariate(1 / (8 * HOUR_S)), self.world.change, event.bookable)

    def look(self) -> None:
        utc_ns = self.world.plan.start_utc_ns + self.world.now_ns
        for id, (message, part, n) in self.releases.items():
            ended, from_ns, until_ns = self.over.get(id, -1), message.not_before_utc_ns, message.not_after_utc_ns
            in_time = (from_ns or 0) <= utc_ns and (until_ns is None or utc_ns < until_ns)
            withheld = self.is_trip_open if message.urgency == "safety" else n < self.trip_n
            if id in self.shown or ended > n or withheld or not in_time:
                continue
            self.shown[id] = part.revision, utc_ns
            self.world.judge.shown(self.world.now_ns, message, part, has_trip=n < self.trip_n, is_running=self.world.is_running)
            self._confirm(id)
            self._answer(id, part)

    def _confirm(self, id: str) -> None:
        """PromptDelivered; some are late, some are lost."""
        rng, world = self.world.rng, self.world
        if id not in self.shown or (rng.random() < 0.05 and not world.is_calm):
            return
        late_s = rng.uniform(0, 20 * HOUR_S) if rng.random() < 0.15 else rng.uniform(0.1, 5)
        revision, utc_ns = self.shown[id]
        fields = {"prompt_id": id, "revision": revision, "shown_utc_ns": utc_ns}
        world.later(late_s, self._command, PromptDelivered, fields)

    def _command(self, kind: type[Event], fields: dict[str, Any]) -> None:
        self.world.command(kind, **fields)

    def _answer(self, id: str, part: Part) -> None:
        rng, world = self.world.rng, self.world
        answers = ("acknowledged", "done", "wrong", "stopped", "booked") + ("snoozed",) * 3 * (not world.is_calm)
        if rng.random() < 0.5:
            answer = "booked" if part.slots and rng.random() < 0.9 else rng.choice(answers)
            slot = part.slots[0].id if part.slots and answer == "booked" else None
            fields = {"prompt_id": id, "answer": answer, "slot": slot, "days": rng.choice((1, 2, 7))}
            after_s = rng.expovariate(1 / (3 * HOUR_S))
            world.later(after_s, self._command, PromptAnswered, fields)
            if rng.random() < 0.1:
                world.later(after_s + rng.uniform(0, DAY_S), self._command, PromptAnswered, fields)
