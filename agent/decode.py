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

from agent.codegen import Decode, compile_message
from agent.model import Frame, Sample
from agent.obd import Assembler
from agent.plan import OBD_IDS, MessagePlan, Plan

__all__ = ["Decoder", "Plan"]


class Decoder:
    """Frames in, samples out, in the frames' order. `counts`: frames, wanted, and what was dropped, by reason and message."""

    def __init__(self, plan: Plan) -> None:
        self.counts: dict[str, int] = {"frames": 0, "wanted": 0}
        self._plan = plan
        self._obd = Assembler()
        self._obd_paths = frozenset(plan.wanted) - {reading.path for message in plan.messages for reading in message.readings}
        self._decoders: dict[int, Decode] = {i: self._answer for i, _ in OBD_IDS} if plan.obd else {}
        self._decoders |= {i: self._decoder(i) for i in {m.arbitration_id for m in plan.messages}}

    def feed(self, frames: Iterable[Frame]) -> list[Sample]:
        """The samples of these frames; never raises for what a frame holds."""
        samples: list[Sample] = []
        wanted = 0
        decoder_of = self._decoders.get
        frames = frames if isinstance(frames, list) else list(frames)
        for frame in frames:
            decode = decoder_of(frame.arbitration_id)
            if decode is not None:
                wanted += 1
                fault = decode(frame, samples)
                if fault is not None:
                    self.counts[fault] = self.counts.get(fault, 0) + 1
        self.counts["frames"] += len(frames)
        self.counts["wanted"] += wanted
        return samples

    def dropped(self) -> dict[str, int]:
        """What was dropped since start: "bad checksum in GAS_PEDAL" or "OBD: truncated" → how many frames."""
        of_messages = {what: n for what, n in self.counts.items() if what not in ("frames", "wanted")}
        return of_messages | {f"OBD: {why}": n for why, n in self._obd.counts.items()}

    def _decoder(self, arbitration_id: int) -> Decode:
        """What frames of this id go to: the message's own function, where bus and kind of id leave no choice."""
        messages = [m for m in self._plan.messages if m.arbitration_id == arbitration_id]
        alone = len(messages) == 1 and messages[0].bus is None and arbitration_id not in self._decoders
        if alone and messages[0].counter is None:
            return compile_message(messages[0])
        routes: dict[tuple[str, bool], Decode] = {}

        def decode(frame: Frame, samples: list[Sample]) -> str | None:
            key = (frame.bus, frame.is_extended)
            if key not in routes:
                routes[key] = self._route(messages, frame)
            return routes[key](frame, samples)

        return decode

    def _route(self, messages: list[MessagePlan], frame: Frame) -> Decode:
        """The function for the message that this frame is of; each bus has one of its own, since it has its own counters."""
        for message in sorted(messages, key=lambda m: m.bus is None):  # a bus's own message goes before any bus's
            if message.bus in (None, frame.bus) and message.is_extended == frame.is_extended:
                return compile_message(message)
        return self._answer if self._plan.obd else _nothing

    def _answer(self, frame: Frame, samples: list[Sample]) -> None:
        if self._plan.obd_bus in (None, frame.bus):
            samples += [sample for sample in self._obd.feed(frame) if sample[1] in self._obd_paths]


def _nothing(frame: Frame, samples: list[Sample]) -> None:
    """For a frame of no message."""
