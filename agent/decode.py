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
from agent.plan import OBD_IDS, Plan

__all__ = ["Decoder", "Plan"]

EXTENDED = 1 << 31  # added to a 29-bit id, so that one number tells (id, is_extended)


class Decoder:
    """Frames in, samples out, in the frames' order. `counts`: frames, wanted, and what was dropped, by reason and message."""

    def __init__(self, plan: Plan) -> None:
        self.counts: dict[str, int] = {"frames": 0, "wanted": 0}
        self._plan = plan
        self._obd = Assembler()
        self._obd_paths = frozenset(plan.wanted) - {reading.path for message in plan.messages for reading in message.readings}
        self._ids = frozenset([m.arbitration_id for m in plan.messages] + [i for i, _ in OBD_IDS if plan.obd])
        self._tables: dict[str, dict[int, Decode]] = {}

    def feed(self, frames: Iterable[Frame]) -> list[Sample]:
        """The samples of these frames; never raises for what a frame holds."""
        frames = frames if isinstance(frames, list) else list(frames)
        ids, samples = self._ids, list[Sample]()
        bus, wanted = None, 0
        table: dict[int, Decode] = {}
        for frame in frames:
            if frame.arbitration_id in ids:  # the one look-up that an unwanted frame costs
                if frame.bus is not bus:
                    bus = frame.bus
                    table = self._tables.get(bus) or self._table(bus)
                decode = table.get(frame.arbitration_id | EXTENDED if frame.is_extended else frame.arbitration_id)
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

    def _table(self, bus: str) -> dict[int, Decode]:
        """What is decoded on this bus, by id (| EXTENDED); made at its first wanted frame, since each bus has its own payloads."""
        plan, table = self._plan, dict[int, Decode]()
        if plan.obd and plan.obd_bus in (None, bus):
            table = {i | EXTENDED if is_extended else i: self._answer for i, is_extended in OBD_IDS}
        for message in sorted(plan.messages, key=lambda m: m.bus is not None):  # a bus's own message goes before any bus's
            if message.bus in (None, bus):
                table[message.arbitration_id | EXTENDED if message.is_extended else message.arbitration_id] = compile_message(
                    message
                )
        self._tables[bus] = table
        return table

    def _answer(self, frame: Frame, samples: list[Sample]) -> None:
        samples += [sample for sample in self._obd.feed(frame) if sample[1] in self._obd_paths]
