"""A Plan (what is wanted, and where its bits lie) → one compiled decoder per message; frames in, samples out. Pure.

A Plan is made by agent/io/plans.py from DBC files and a profile. For each of its messages one Python function is
generated that takes out the wanted signals and nothing else; what is decided once (bit positions, which raw numbers
are in range, what a choice means) is decided when it is generated, not per frame.

What a frame may come to:

    its message is not in the plan                → nothing, after one look-up
    the payload is that of the last good frame    → the same values again, with the new time
    good                                          → one sample per wanted signal; None where the value is unknown
    too short, bad checksum, bad counter, page of
    a multiplexed message that the DBC has not    → counted by message; changes nothing

A frame may be longer than its message (CAN FD pads, loggers too): the rest is cut off, before the checksum.

Counters are judged as opendbc does: one that is not its predecessor plus one is a miss, one that is takes a miss
back; from MAX_MISSES on frames are refused. So a lost frame costs nothing and a stuck sender is silenced.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from agent.codegen import Decode, Route, compile_message
from agent.model import Frame, Sample, Value
from agent.plan import OBD_IDS, MessagePlan, Plan

if TYPE_CHECKING:
    from agent.obd import Assembler

__all__ = ["Decoder", "Plan"]


class Decoder:
    """Frames in, samples out, in the frames' order. `counts`: frames, wanted, and what was dropped, by reason and message.

    The daemon's path from frame to engine is `Engine.frames`, which takes the values of a whole message along these
    `routes` and makes no samples; `feed` gives the same as samples, for everybody else.
    """

    def __init__(self, plan: Plan) -> None:
        self.counts: dict[str, int] = {"frames": 0, "wanted": 0}
        self._plan = plan
        self._obd = assembler() if plan.obd else None
        self._obd_paths = frozenset(plan.wanted) - {reading.path for message in plan.messages for reading in message.readings}
        self.routes: dict[int, Route] = {i: Route(self._answer) for i, _ in OBD_IDS} if plan.obd else {}
        self.routes |= {i: self._route(i) for i in {m.arbitration_id for m in plan.messages}}

    def feed(self, frames: Iterable[Frame]) -> list[Sample]:
        """The samples of these frames; never raises for what a frame holds."""
        samples: list[Sample] = []
        wanted = 0
        frames = frames if isinstance(frames, list) else list(frames)
        for frame in frames:
            route = self.routes.get(frame.arbitration_id)
            if route is not None:
                wanted += 1
                found = route.decode(frame)
                if found.__class__ is str:
                    self.fault(found)
                elif found is not None:
                    t_ns = frame.t_ns
                    pairs = found if route.paths is None else zip(route.paths, found, strict=True)
                    samples += [(t_ns, path, value) for path, value in pairs]
        self.heard(len(frames), wanted)
        return samples

    def fault(self, what: str) -> None:
        """Count a frame that changed nothing."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def heard(self, frames: int, wanted: int) -> None:
        self.counts["frames"] += frames
        self.counts["wanted"] += wanted

    def dropped(self) -> dict[str, int]:
        """What was dropped since start: "bad checksum in GAS_PEDAL" or "OBD: truncated" → how many frames."""
        of_messages = {what: n for what, n in self.counts.items() if what not in ("frames", "wanted")}
        return of_messages | {f"OBD: {why}": n for why, n in (self._obd.counts if self._obd else {}).items()}

    def _route(self, arbitration_id: int) -> Route:
        """What frames of this id go to: the message's own function, where bus and kind of id leave no choice."""
        messages = [m for m in self._plan.messages if m.arbitration_id == arbitration_id]
        shared = len(messages) > 1 or arbitration_id in self.routes  # with another message, or with diagnostic answers
        if not shared and messages[0].bus is None and messages[0].counter is None:
            return compile_message(messages[0])
        paths = None if shared or messages[0].multiplexers else tuple(reading.path for reading in messages[0].readings)
        routes: dict[tuple[str, bool], Decode] = {}

        def decode(frame: Frame) -> Any:
            key = (frame.bus, frame.is_extended)
            if key not in routes:
                routes[key] = self._choose(messages, frame, as_pairs=paths is None)
            return routes[key](frame)

        return Route(decode, paths)

    def _choose(self, messages: list[MessagePlan], frame: Frame, as_pairs: bool) -> Decode:
        """The function for the message that this frame is of; each bus has one of its own, since it has its own counters."""
        for message in sorted(messages, key=lambda m: m.bus is None):  # a bus's own message goes before any bus's
            if message.bus in (None, frame.bus) and message.is_extended == frame.is_extended:
                route = compile_message(message)
                return _as_pairs(route) if as_pairs and route.paths is not None else route.decode
        return self._answer if as_pairs and self._plan.obd else _nothing

    def _answer(self, frame: Frame) -> list[tuple[str, Value]] | None:
        if self._obd is not None and self._plan.obd_bus in (None, frame.bus):
            return [(path, value) for _, path, value in self._obd.feed(frame) if path in self._obd_paths]
        return None


def assembler() -> Assembler:
    from agent.obd import Assembler  # late: its tables are a quarter of a MiB, and many cars' plans need none of them

    return Assembler()


def _as_pairs(route: Route) -> Decode:
    def decode(frame: Frame) -> Any:
        found = route.decode(frame)
        return found if found is None or found.__class__ is str else list(zip(route.paths or (), found, strict=True))

    return decode


def _nothing(frame: Frame) -> None:
    """For a frame of no message."""
